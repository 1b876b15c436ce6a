"""A grown ring → its facts; without times, those of members who come back to the targets more often than people come back to things.

Times tell who acted together. Where a log has none, a ring looks like any circle of one taste, but for one thing: paid work is done again
and again. So where a group returns to its targets markedly more often than everybody to whatever they like, those count as members who do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphdet.arrays import Bool
from graphdet.judging.log_index import LogIndex
from graphdet.judging.member_events import Meetings
from graphdet.judging.ring_facts import RingFacts, measure_rings
from graphdet.rings.growth import Grown
from graphdet.settings import Settings

LEAST = 1.0  # a member's events at a target over everybody's at a thing


def measure_diligent(
    rings: Sequence[Grown], log: LogIndex, grower: Meetings, settings: Settings, threads: int = 1
) -> list[RingFacts | None]:
    """What the tier and the tables need to know of each ring, without those who do not come back; None where too few are left for a ring.

    The result does not depend on `threads`.
    """
    measured: dict[int, RingFacts] = {}

    def measure(chosen: Mapping[int, Grown]) -> None:
        enough = {number: grown for number, grown in chosen.items() if len(grown.members) >= settings.rings.least_members}
        for number in chosen:
            measured.pop(number, None)
        measured.update(zip(enough, measure_rings(list(enough.values()), log, grower, threads=threads), strict=True))

    measure(dict(enumerate(rings)))
    measure({number: _only_busy(facts, log) for number, facts in measured.items() if _idle(facts, log).any()})
    if log.events.time is None and log.visits.item_view >= 0:
        returning = {number: facts for number, facts in measured.items() if facts.devotion.repeats >= settings.tiers.repeats}
        measure({number: _only_diligent(facts, log) for number, facts in returning.items()})
    return [measured.get(number) for number in range(len(rings))]


def _idle(facts: RingFacts, log: LogIndex) -> Bool:
    """Who shares a thing with members, but did nothing at the items, and so is none; nobody where the ring has no items."""
    items = log.visits.view[facts.grown.targets] == log.visits.item_view
    return np.asarray(items.any() & ~facts.presence.met[:, items].any(1))


def _only_busy(facts: RingFacts, log: LogIndex) -> Grown:
    return _only(facts.grown, facts, ~_idle(facts, log))


def _only_diligent(facts: RingFacts, log: LogIndex) -> Grown:
    grown = facts.grown
    items = log.visits.view[grown.targets] == log.visits.item_view
    usual = np.maximum(facts.presence.met[:, items].sum(1), 1) * log.events_per_visit
    return _only(grown, facts, facts.presence.member_events >= LEAST * usual)


def _only(grown: Grown, facts: RingFacts, chosen: Bool) -> Grown:
    """The same ring with the chosen members alone."""
    there = facts.presence.met[chosen].any(0)
    return Grown(
        members=grown.members[chosen],
        contribution=grown.contribution[chosen],
        targets=grown.targets[there],
        start=grown.start[there],
        end=grown.end[there],
        visitors=facts.presence.met[np.ix_(chosen, there)].sum(0).astype(np.int32),
        outsiders=(grown.outsiders + facts.presence.met[~chosen].sum(0).astype(np.int32))[there],
        gain=grown.gain[there],
        strength=grown.strength,
    )
