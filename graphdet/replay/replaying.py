"""A ring's small log, with something taken away → what would be left of the ring: its members, its strength, its tier.

The code that found the ring grows and judges it again; `remaining.py` counts anew what is left of its members' visits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from graphdet.arrays import Bool, Int32, Int64
from graphdet.errors import NotARun
from graphdet.events import EventTable
from graphdet.judging.conditions import Background
from graphdet.judging.ring_facts import RingFacts
from graphdet.judging.significance import q_values
from graphdet.judging.tiers import Judgement, judge, reach_verdict, ring_score
from graphdet.replay.farm_again import read_farm
from graphdet.replay.recorded import Recorded
from graphdet.replay.remaining import Remaining
from graphdet.replay.side_by_side import Part, measure_parts
from graphdet.replay.small_log import SmallLog, cut_small_log
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


@dataclass(frozen=True)
class Regrown:
    """What grows of a ring with something taken away, and on what, to be measured; None where the permuted logs support no ring."""

    grown: Grown
    part: Part | None


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
        farm = json.loads(recorded.measured[ring_id]).get("farm")
        self._farm = None if farm is None else read_farm(farm, self.small)
        self._strength = recorded.strength_of(ring_id)

    @cached_property
    def facts(self) -> RingFacts:
        """Of the ring with nothing taken away."""
        self.measure([self])
        return self.facts

    @staticmethod
    def measure(replays: Sequence[Replay]) -> None:
        """Facts of several rings at once, which takes a fraction of the time."""
        parts = [Part(one._grown(), one.small, one.small.events, one._untouched.index, one._untouched.grower) for one in replays]
        for replay, part, facts in zip(replays, parts, _measured(replays, parts), strict=True):
            replay.facts = facts or _all_of(replay.recorded, part)

    def _grown(self) -> Grown:
        if self._farm is not None:
            return self._farm.grown(self._untouched.index, self._untouched.grower)[0]
        grown = self._untouched.grower.grow(self.small.members, generous=False)
        if not len(grown.members):
            raise NotARun("damaged run: its visits do not make up its rings; run `graphdet run` again.")
        return grown

    def whole(self) -> Grown:
        """The ring with nothing taken away, in the small log's codes."""
        return self.facts.grown

    def without_events(self, removed: Bool) -> Outcome:
        """(e,) bool over the small log's events: as if these had never been."""
        return answer([(self, removed)])[0]

    def without_view(self, view: str) -> Outcome:
        """As if the log had no such column."""
        return answer([(self, view)])[0]

    def regrow(self, without: Without) -> Regrown:
        """What is left: the strongest that grows, or what is left of a farm."""
        walk, events = self._left(without)
        if self._farm is not None:
            grown, q_value = self._farm.grown(walk.index, walk.grower)
            supported = q_value <= self.settings.tiers.alert_q
        else:
            grown = walk.grower.strongest(self._cores(walk.grower))
            supported = grown.strength > self.settings.rings.least_strength and self._q(grown.strength) <= self.settings.tiers.alert_q
        return Regrown(grown, Part(grown, self.small, events(), walk.index, walk.grower) if supported else None)

    def judged(self, regrown: Regrown, facts: RingFacts | None) -> Outcome:
        """What is left as it would be judged; `facts` of it, None where they support no ring."""
        grown = regrown.grown if facts is None else facts.grown
        items = self._items(grown)
        names = tuple(self.small.events.ids["user"].take(pa.array(grown.members)).to_pylist())
        if facts is None:
            return Outcome(GONE, "", 0.0, float(grown.strength) if len(grown.members) else 0.0, items, names)
        verdict = reach_verdict(facts, items, self._background(), self.settings.tiers)
        score = ring_score(verdict.tier, max(grown.strength, 0.0))
        return Outcome(verdict.tier, verdict.explanation, score, float(grown.strength), items, names)

    def _left(self, without: Without) -> tuple[Walk, Callable[[], EventTable]]:
        small = self.small
        if isinstance(without, str):
            position = [seen.name for seen in small.visits.views].index(without)
            left = _without(small.visits, small.base_rates, small.visits.view_of(_keys(small.visits)) == position)
            codes = {**small.events.codes, without: np.full(len(small.events), -1, np.int32)}
            return self._walk(*left), lambda: replace(small.events, codes=codes)
        walk = self._walk(*self._remaining.without(without)) if without.any() else self._untouched
        return walk, lambda: _kept(small.events, ~without)

    def _cores(self, grower: Grower) -> Iterator[Int32]:
        """Members to start from, as the search would find them: all; those with several targets left; those left at one target."""
        members, whole = self.small.members, self.whole()
        yield members
        who, target = grower.kernel.incidence(members, whole.targets, whole.start, whole.end)
        if len(who) == len(self._untouched.grower.incidence(whole)[0]):
            return
        met = np.zeros((len(members), len(whole.targets)), np.bool_)
        met[who, target] = True
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
        return Walk(index, Grower(index, base_rates, self.settings.rings, self.recorded.background["users"]))

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

    @cached_property
    def judgement(self) -> Judgement:
        """The ring's own, with every look-alike and objection that was tried."""
        return judge(self.facts, self._items(self.whole()), self._background(), self.settings.tiers)

    def _items(self, grown: Grown) -> int:
        """Targets that are items; all of them where the log has none."""
        for view in self.small.visits.views:
            if view.name == "item":
                return int(((grown.targets >= view.first_key) & (grown.targets < view.first_key + view.keys)).sum())
        return 0 if any(view["name"] == "item" for view in self.recorded.background["views"]) else len(grown.targets)

    def _q(self, strength: float) -> float:
        """The q-value of a ring of this strength in place of the ring."""
        background = self.recorded.background
        strengths, null = np.array(background["found_strengths"]), np.array(background["null_strengths"])
        place = int(np.argmin(np.abs(strengths - self._strength)))
        strengths[place] = strength
        return float(q_values(strengths, null, background["permutations"])[place])


Without = Bool | str  # (e,) which of a small log's events had never been; or the view that the log had no column for
Question = tuple[Replay, Without]


def answer(questions: Sequence[Question]) -> list[Outcome]:
    """What would be left of each ring; facts of all that is left are measured at once, which takes a fraction of the time."""
    regrown = [replay.regrow(without) for replay, without in questions]
    left = [(replay, one.part) for (replay, _), one in zip(questions, regrown, strict=True) if one.part is not None]
    facts = iter(_measured([replay for replay, _ in left], [part for _, part in left]))
    return [replay.judged(one, next(facts) if one.part is not None else None) for (replay, _), one in zip(questions, regrown, strict=True)]


def _all_of(recorded: Recorded, part: Part) -> RingFacts:
    (facts,) = measure_parts(recorded, [part], diligent=False)
    if facts is None:
        raise RuntimeError("nobody is left out where all are asked for")
    return facts


def _measured(replays: Sequence[Replay], parts: Sequence[Part]) -> list[RingFacts | None]:
    """Facts of parts of these rings of one run."""
    found: list[RingFacts | None] = [None] * len(parts)
    for farm in (False, True):
        chosen = [place for place, replay in enumerate(replays) if farm != replay.hangs_on_items()]
        if chosen:
            measured = measure_parts(replays[0].recorded, [parts[place] for place in chosen], diligent=not farm, farm=farm)
            for place, facts in zip(chosen, measured, strict=True):
                found[place] = facts
    return found


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
