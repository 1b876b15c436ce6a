"""A grown ring + visits → who else came to the ring's item targets: strangers around its visits, a rush, others all the while."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Int64
from graphdet.judging.member_events import MemberEvents
from graphdet.rings.growth import Grown
from graphdet.visits.visits import Visits

AROUND = 1800  # seconds before and after a member's visit in which others count as there at the same time


@dataclass(frozen=True)
class Surroundings:
    """Others at the item targets.

    Attributes:
        crowd: share of strangers among the visitors of an item target within half an hour of a member's visit.
        rush: log10 of those strangers' visits over what their usual rate there would give.
        outsiders_per_member: visits of others at the median item target, in the target's time, for each member who was there.
    """

    crowd: float
    rush: float
    outsiders_per_member: float


def measure_surroundings(own: MemberEvents) -> Surroundings:
    """O(visits at the item targets)."""
    grown, items = own.grown, own.item_targets
    members, strangers, usual = _around(grown, items, own.log.visits.visits, own.log.end)
    return Surroundings(
        crowd=strangers / max(members + strangers, 1),
        rush=float(np.log10((strangers + 1) / (usual + 1))),
        outsiders_per_member=float(np.median(grown.outsiders[items] / grown.visitors[items])) if len(items) else 0.0,
    )


def _around(grown: Grown, targets: Int64, visits: Visits, end: int) -> tuple[int, int, float]:
    """Who else was there within half an hour of members' visits at the given targets.

    Returns:
        Visits of other members, visits of strangers, and the strangers' visits that their usual rate at each target would give.
    """
    together = strangers = 0
    usual = 0.0
    for target in targets.tolist():
        rows = slice(visits.offset[grown.targets[target]], visits.offset[grown.targets[target] + 1])
        time = visits.time[rows].astype(np.int64)
        member = np.isin(visits.user[rows], grown.members)
        at = time[member & (time >= grown.start[target]) & (time <= grown.end[target])]
        together += _within(time[member], at) - len(at)
        strangers += _within(time[~member], at)
        usual += len(at) * (~member).sum() * min(2.0 * AROUND / (end + 1), 1.0)
    return together, strangers, usual


def _within(times: Int64, at: Int64) -> int:
    """How many of the sorted times lie around each moment, all moments together."""
    return int((np.searchsorted(times, at + AROUND, side="right") - np.searchsorted(times, at - AROUND)).sum())
