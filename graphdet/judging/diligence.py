"""A grown ring → its facts; without times, those of members who come back to the targets more often than people come back to things.

Times tell who acted together. Where a log has none, a ring looks like any circle of one taste, but for one thing: paid work is done again
and again. So where a group returns to its targets markedly more often than everybody to whatever they like, those count as members who do.
"""

from __future__ import annotations

import numpy as np

from graphdet.arrays import Bool
from graphdet.judging.log_index import LogIndex
from graphdet.judging.ring_facts import RingFacts, measure_ring
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import Settings

LEAST = 1.0  # a member's events at a target over everybody's at a thing


def measure_diligent(grown: Grown, log: LogIndex, grower: Grower, settings: Settings) -> RingFacts | None:
    """What the tier and the tables need to know of a ring, without those who do not come back; None where too few are left for a ring."""
    if len(grown.members) < settings.rings.least_members:
        return None
    facts = measure_ring(grown, log, grower)
    items = log.visits.view[grown.targets] == log.visits.item_view
    idle = facts.presence.met[:, items].sum(1) == 0
    if items.any() and idle.any():  # who shares a thing with members, but did nothing at the items, is none
        grown = _only(grown, facts, ~idle)
        if len(grown.members) < settings.rings.least_members:
            return None
        facts = measure_ring(grown, log, grower)
    if log.events.time is not None or log.visits.item_view < 0 or facts.devotion.repeats < settings.tiers.repeats:
        return facts
    diligent = _only_diligent(facts, log)
    return measure_ring(diligent, log, grower) if len(diligent.members) >= settings.rings.least_members else None


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
