"""A grown ring of a log without times → its members who come back to the targets more often than people come back to things.

Times tell who acted together. Where a log has none, a ring looks like any circle of one taste, but for one thing: paid work is done again
and again. So where a group returns to its targets markedly more often than everybody to whatever he likes, those count as members who do.
"""

from __future__ import annotations

import numpy as np

from graphdet.rings.facts import LogIndex, measure_ring
from graphdet.rings.growth import Grower, Grown

LEAST = 1.0  # a member's events at a target over everybody's at a thing


def only_diligent(grown: Grown, log: LogIndex, grower: Grower, markedly: float) -> Grown:
    """The ring without those who do not come back; itself where the log has times or the group does not return `markedly` more often."""
    if log.events.time is not None or not len(grown.members) or log.visits.item_view < 0:
        return grown
    facts = measure_ring(grown, log, grower)
    if facts.repeats < markedly:
        return grown
    items = log.visits.view[grown.targets] == log.visits.item_view
    usual = np.maximum(facts.met[:, items].sum(1), 1) * log.events_per_visit
    chosen = facts.member_events >= LEAST * usual
    there = facts.met[chosen].any(0)
    return Grown(
        members=grown.members[chosen],
        contribution=grown.contribution[chosen],
        targets=grown.targets[there],
        start=grown.start[there],
        end=grown.end[there],
        visitors=facts.met[np.ix_(chosen, there)].sum(0).astype(np.int32),
        outsiders=(grown.outsiders + facts.met[~chosen].sum(0).astype(np.int32))[there],
        gain=grown.gain[there],
        strength=grown.strength,
    )
