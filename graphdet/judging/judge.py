"""Found rings and what chance makes → judged rings: those that the permuted logs support, each with its facts and its tier."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.judging.conditions import Background
from graphdet.judging.diligence import measure_diligent
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.log_index import LogIndex
from graphdet.judging.ring_facts import RingFacts, measure_rings
from graphdet.judging.significance import LEAST_Q, p_values, q_values
from graphdet.judging.standing import standing_of
from graphdet.judging.tiers import Verdict, has_targets_to_itself, reach_verdicts, ring_score
from graphdet.progress import Progress
from graphdet.rings.farms import Farm, as_ring
from graphdet.rings.growth import Grower
from graphdet.rings.null_search import NullRings
from graphdet.rings.search import Search
from graphdet.schema import TIERS
from graphdet.settings import Settings, TierSettings
from graphdet.visits.base_rates import BaseRates


@dataclass(frozen=True)
class Judged:
    """Rings most suspicious first; how many more there are that too much speaks against; and what they were judged against."""

    rings: list[JudgedRing]
    left_out: int
    background: Background


def judge_rings(
    found: Search,
    farms: Sequence[Farm],
    null: NullRings,
    log: LogIndex,
    base_rates: BaseRates,
    settings: Settings,
    progress: Progress,
    chosen: Collection[int] | None = None,
) -> Judged:
    """Every ring that the permuted logs support, and every farm, with its tier.

    Args:
        found: in the log.
        farms: found in the log beside them; of a farm and a ring with mostly the same members the one is told that more speaks for.
        null: what the same search found in permuted logs.
        log: that the rings are of.
        base_rates: of its visits.
        settings: of the search and of the tiers.
        progress: told of each ring.
        chosen: of the rings those that are judged, by their places; None = all. The others count as found.
    """
    grower = Grower(log.visits, base_rates, settings.rings)
    measured = _measured(found, chosen, null, log, grower, settings, progress)
    background = background_of(log, [facts for facts, _, _ in measured], settings.tiers)
    rings, left_out = [], 0
    verdicts = _verdicts([facts for facts, _, _ in measured], log, background, settings.tiers)
    for (facts, p_value, q_value), judged in zip(measured, verdicts, strict=True):
        if judged.tier == "review" and len(judged.raised) > settings.tiers.objections_most:
            left_out += 1
            continue
        score = ring_score(judged.tier, facts.grown.strength)
        rings.append(JudgedRing(facts, p_value, q_value, judged.tier, judged.explanation, score, standing_of(judged)))
    rings = _told_once(rings, _judged_farms(farms, log, grower, background, settings), log)
    rings.sort(key=lambda ring: (-ring.score, ring.facts.grown.members.tobytes()))
    return Judged(rings, left_out, background)


def _judged_farms(farms: Sequence[Farm], log: LogIndex, grower: Grower, background: Background, settings: Settings) -> list[JudgedRing]:
    measured = measure_rings([as_ring(farm, log.visits, grower) for farm in farms], log, grower, farm=True)
    verdicts = _verdicts(measured, log, background, settings.tiers)
    found = []
    for farm, facts, judged in zip(farms, measured, verdicts, strict=True):
        score = ring_score(judged.tier, max(facts.grown.strength, 0.0))
        q_value = max(farm.q, LEAST_Q)
        p_value = min(max(farm.chance, LEAST_Q), q_value)
        found.append(JudgedRing(facts, p_value, q_value, judged.tier, judged.explanation, score, standing_of(judged), farm))
    return found


def _verdicts(rings: Sequence[RingFacts], log: LogIndex, background: Background, settings: TierSettings) -> list[Verdict]:
    return reach_verdicts(rings, [log.visits.items_among(facts.grown.targets) for facts in rings], background, settings)


def _told_once(rings: list[JudgedRing], farms: list[JudgedRing], log: LogIndex) -> list[JudgedRing]:
    """Rings and farms; where a ring has most members of a farm, the one whose tier is above the other's.

    In the same tier it is the ring, but for one without items: that knows of nothing but shared things, and farms tell these more exactly.
    """
    farms_with_user = _kernels.InvertedIndex()
    for number, farm in enumerate(farms):
        farms_with_user.add(number, farm.facts.grown.members)
    kept = set(range(len(farms)))
    left = []
    for ring in rings:
        common = zip(*(column.tolist() for column in farms_with_user.common(ring.facts.grown.members)), strict=True)
        same = [number for number, shared in common if number in kept and 2 * shared > farms[number].facts.size]
        items = (log.visits.view[ring.facts.grown.targets] == log.visits.item_view).any()
        place = TIERS.index(ring.tier) + (0 if items else 1)
        if any(TIERS.index(farms[number].tier) < place for number in same):
            continue
        kept -= set(same)
        left.append(ring)
    return left + [farms[number] for number in sorted(kept)]


def _measured(
    found: Search,
    chosen: Collection[int] | None,
    null: NullRings,
    log: LogIndex,
    grower: Grower,
    settings: Settings,
    progress: Progress,
) -> list[tuple[RingFacts, float, float]]:
    """Facts, p-value and q-value of the rings that the permuted logs support and of which enough is left."""
    strengths = np.array([ring.strength for ring in found.rings])
    q = q_values(strengths, null.strengths, null.permutations)
    p = np.minimum(p_values(strengths, null.strengths, null.cores), q)  # few null cores tell no small p, but a tail may
    own = range(len(q)) if chosen is None else chosen
    supported = np.array([place for place in own if q[place] <= settings.tiers.alert_q], np.int64)
    facts = measure_diligent([found.rings[place] for place in supported], log, grower, settings, settings.machine.workers)
    progress.advance(len(found.rings))
    of_rings = zip(facts, p[supported].tolist(), q[supported].tolist(), strict=True)
    return [(of_ring, p_value, q_value) for of_ring, p_value, q_value in of_rings if of_ring is not None]


def background_of(log: LogIndex, rings: Sequence[RingFacts], settings: TierSettings) -> Background:
    """What rings are judged against."""
    timed, users = log.events.time is not None, log.visits.visits.users
    apart = [facts.grown.members for facts in rings if not timed and has_targets_to_itself(facts, settings)]
    share = len(np.unique(np.concatenate(apart))) / users if apart else 0.0
    has = frozenset(log.events.codes) | ({"action"} if log.events.actions else set())
    return Background(days=log.end / 86_400, users=users, timed=timed, to_themselves=share, has=has)
