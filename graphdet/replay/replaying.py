"""A ring's small log, with something taken away → what would be left of the ring: its members, its strength, its tier.

The code that found the ring grows and judges it again; `remaining.py` counts anew what is left of its members' visits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Int32, Int64
from graphdet.errors import NotARun
from graphdet.events import EventTable
from graphdet.judging.conditions import Background
from graphdet.judging.diligence import measure_diligent
from graphdet.judging.log_index import LogIndex
from graphdet.judging.ring_facts import RingFacts, measure_ring
from graphdet.judging.significance import q_values
from graphdet.judging.tiers import Judgement, judge, ring_score
from graphdet.replay.farm_again import read_farm
from graphdet.replay.recorded import Recorded
from graphdet.replay.remaining import Remaining
from graphdet.replay.small_log import SmallLog, cut_small_log, index_small_log
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import Settings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.index import VisitIndex, index_visits
from graphdet.visits.visits import Visits

MOST_TARGETS = 4  # that members are started from
GONE = "gone"  # what stands for a tier where no ring is left, or none that the permuted logs support


@dataclass(frozen=True)
class Outcome:
    """What a ring would be. `members` are user ids; `targets` counts items."""

    tier: str
    explanation: str
    score: float
    strength: float
    targets: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Walk:
    """What growth walks on, made once for each question."""

    index: VisitIndex
    grower: Grower


class Replay:
    """Grows and judges one ring again and again.

    Raises:
        NotARun: nothing of the ring grows from what the run recorded.
    """

    def __init__(self, recorded: Recorded, ring_id: str) -> None:
        self.recorded = recorded
        self.settings: Settings = recorded.settings
        self.small: SmallLog = cut_small_log(recorded, recorded.members_of(ring_id))
        self._remaining = Remaining(self.small)
        self._untouched = self._walk(self.small.visits, self.small.base_rates)
        untouched = index_small_log(recorded, self.small, self.small.events, self._untouched.index)
        farm = json.loads(recorded.measured[ring_id]).get("farm")
        self._farm = None if farm is None else read_farm(farm, self.small)
        self._facts = self._untouched_facts(untouched)
        self._whole = self._facts.grown
        self._meetings = len(self._untouched.grower.incidence(self._whole)[0])
        self._strengths = np.array(recorded.background["found_strengths"])
        self._null = np.array(recorded.background["null_strengths"])
        ranks = recorded.run.rings.filter(pc.equal(recorded.run.rings["ring_id"], ring_id))["strength"].to_numpy()
        self._place = -1 if farm is not None else int(np.argmin(np.abs(self._strengths - ranks[0])))

    def _untouched_facts(self, log: LogIndex) -> RingFacts:
        index, grower = self._untouched.index, self._untouched.grower
        if self._farm is not None:
            return measure_ring(self._farm.grown(index, grower)[0], log, grower, farm=True)
        grown = grower.grow(self.small.members, generous=False)
        if not len(grown.members):
            raise NotARun("damaged run: its visits do not make up its rings; run `graphdet run` again.")
        return measure_diligent([grown], log, grower, self.settings)[0] or measure_ring(grown, log, grower)

    def whole(self) -> Grown:
        """The ring with nothing taken away, in the small log's codes."""
        return self._whole

    def without_events(self, removed: Bool) -> Outcome:
        """(e,) bool over the small log's events: as if these had never been."""
        walk = self._walk(*self._remaining.without(removed)) if removed.any() else self._untouched
        return self._outcome(walk, lambda: _kept(self.small.events, ~removed))

    def without_key(self, view: str, code: int) -> Outcome:
        """As if nothing had ever happened at a key (its code in the small log)."""
        return self.without_events(self.small.events.codes[view] == code)

    def without_view(self, view: str) -> Outcome:
        """As if the log had no such column."""
        small = self.small
        position = [seen.name for seen in small.visits.views].index(view)
        left = _without(small.visits, small.base_rates, small.visits.view_of(_keys(small.visits)) == position)
        codes = {**small.events.codes, view: np.full(len(small.events), -1, np.int32)}
        return self._outcome(self._walk(*left), lambda: replace(small.events, codes=codes))

    def _cores(self, visits: Visits) -> Iterator[Int32]:
        """Members to start from, as the search would find them: all; those with several targets left; those left at one target."""
        members, whole = self.small.members, self._whole
        yield members
        met = np.zeros((len(members), len(whole.targets)), np.bool_)
        position = np.full(len(self.small.events.ids["user"]), -1)
        position[members] = np.arange(len(members))
        for place, key in enumerate(whole.targets.tolist()):
            at = slice(visits.offset[key], visits.offset[key + 1])
            inside = (visits.time[at] >= whole.start[place]) & (visits.time[at] <= whole.end[place])
            who = position[visits.user[at][inside]]
            met[who[who >= 0], place] = True
        if met.sum() == self._meetings:
            return
        looked_at = {len(members)}
        for least in (3, 4, 2, 5):
            chosen = met.sum(1) >= least
            if int(chosen.sum()) not in looked_at and chosen.sum() > 1:
                looked_at.add(int(chosen.sum()))
                yield members[chosen]
        for place in np.argsort(-met.sum(0), kind="stable")[:MOST_TARGETS].tolist():
            if met[:, place].sum() > 2:
                yield members[met[:, place]]

    def _walk(self, visits: Visits, base_rates: BaseRates) -> Walk:
        index = index_visits(visits)
        return Walk(index, Grower(index, base_rates, self.settings.rings))

    def _outcome(self, walk: Walk, events: Callable[[], EventTable]) -> Outcome:
        """Of the strongest that grows, or of what is left of a farm."""
        recorded, settings, visits = self.recorded, self.settings, walk.index.visits
        facts = None
        if self._farm is not None:
            grown, q_value = self._farm.grown(walk.index, walk.grower)
            if q_value <= settings.tiers.alert_q:
                facts = measure_ring(grown, index_small_log(recorded, self.small, events(), walk.index), walk.grower, farm=True)
        else:
            grown = max((walk.grower.grow(core, generous=False) for core in self._cores(visits)), key=lambda grown: grown.strength)
            if grown.strength > settings.rings.least_strength and self._q(grown.strength) <= settings.tiers.alert_q:
                log = index_small_log(recorded, self.small, events(), walk.index)
                (facts,) = measure_diligent([grown], log, walk.grower, settings)
        grown = grown if facts is None else facts.grown
        items = self._items(grown)
        names = tuple(self.small.events.ids["user"].take(pa.array(grown.members)).to_pylist())
        if facts is None:
            return Outcome(GONE, "", 0.0, float(grown.strength) if len(grown.members) else 0.0, items, names)
        judged = judge(facts, items, self._background(), settings.tiers)
        score = ring_score(judged.tier, max(grown.strength, 0.0))
        return Outcome(judged.tier, judged.explanation, score, float(grown.strength), items, names)

    def _background(self) -> Background:
        background = self.recorded.background
        return Background(
            days=background["seconds"] / 86_400,
            users=background["users"],
            timed=background["start"] is not None,
            to_themselves=background["to_themselves"],
            has=frozenset(view["name"] for view in background["views"]) | ({"action"} if self.recorded.actions else set()),
        )

    def hangs_on_items(self) -> bool:
        """Whether the items are what makes it an alert: not so where it is a farm."""
        return self._farm is None

    def judgement(self) -> Judgement:
        """The ring's own, with every look-alike and objection that was tried."""
        return judge(self._facts, self._items(self._whole), self._background(), self.settings.tiers)

    def _items(self, grown: Grown) -> int:
        """Targets that are items; all of them where the log has none."""
        for view in self.small.visits.views:
            if view.name == "item":
                return int(((grown.targets >= view.first_key) & (grown.targets < view.first_key + view.keys)).sum())
        return 0 if any(view["name"] == "item" for view in self.recorded.background["views"]) else len(grown.targets)

    def _q(self, strength: float) -> float:
        """The q-value of a ring of this strength in place of the ring."""
        strengths = self._strengths.copy()
        strengths[self._place] = strength
        return float(q_values(strengths, self._null, self.recorded.background["permutations"])[self._place])


def _keys(visits: Visits) -> Int32:
    return np.repeat(np.arange(visits.keys, dtype=np.int32), np.diff(visits.offset))


def _without(visits: Visits, base_rates: BaseRates, dead: Bool) -> tuple[Visits, BaseRates]:
    if not dead.any():
        return visits, base_rates
    kept = ~dead
    count = np.bincount(_keys(visits)[kept], minlength=visits.keys)
    offset = np.r_[0, np.cumsum(count)].astype(np.int64)
    left = replace(
        base_rates,
        log_base_rate=base_rates.log_base_rate[kept],
        log_intent=base_rates.log_intent[kept],
        near=base_rates.near[kept],
        usual=base_rates.usual[kept],
    )
    return replace(visits, offset=offset, user=visits.user[kept], time=visits.time[kept], draw=visits.draw[kept]), left


def _kept(events: EventTable, rows: Bool) -> EventTable:
    at: Int64 = np.flatnonzero(rows)
    return replace(
        events,
        codes={name: codes[at] for name, codes in events.codes.items()},
        time=None if events.time is None else events.time[at],
        action=events.action[at],
        amount=None if events.amount is None else events.amount[at],
    )
