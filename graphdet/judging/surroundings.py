"""A grown ring + visits → who else came to the ring's item targets, beyond those who come there at other times anyway.

A place with thirty orders a day has strangers around any visit; what speaks of a sale or a fashion are more of them than usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64, Int64
from graphdet.judging.member_events import MemberEvents

AROUND = 1800  # seconds before and after a member's visit in which others count as there at the same time


@dataclass(frozen=True)
class Surroundings:
    """Others at the item targets, on average over the targets, so that one promoted item among ten makes no sale of the ring.

    Attributes:
        crowd: share of the visitors within half an hour of a member's visit who are strangers beyond their usual number there.
        rush: log10 of those strangers' visits over what their rate at other times would give; 0 where the log has no times.
        outsiders_per_member: visits of others at the median item target, in the target's time and beyond their rate at other times, for
            each member who was there.
    """

    crowd: float
    rush: float
    outsiders_per_member: float


def measure_surroundings(own: MemberEvents) -> Surroundings:
    """O(visits at the item targets)."""
    items = own.item_targets
    if not len(items):
        return Surroundings(0.0, 0.0, 0.0)
    members, strangers, usual, company = _around(own, items)
    beyond = np.maximum(strangers - usual, 0.0)
    return Surroundings(
        crowd=float(np.mean(beyond / np.maximum(members + beyond, 1))),
        rush=float(np.mean(np.log10((strangers + 1) / (usual + 1)))) if own.log.events.time is not None else 0.0,
        outsiders_per_member=float(np.median(company / own.grown.visitors[items])),
    )


def _around(own: MemberEvents, targets: Int64) -> tuple[Float64, Float64, Float64, Float64]:
    """Who else was there.

    Returns:
        For each target, within half an hour of members' visits: visits of members, these among them; visits of strangers; and the
        strangers' visits that their rate at other times would give. Then the strangers in the target's time, beyond that rate.
    """
    grown, visits, end = own.grown, own.log.visits.visits, own.log.end
    found = np.zeros((4, len(targets)))
    for place, target in enumerate(targets.tolist()):
        rows = slice(visits.offset[grown.targets[target]], visits.offset[grown.targets[target] + 1])
        time = visits.time[rows].astype(np.int64)
        member = own.is_member[visits.user[rows]]
        start, stop = int(grown.start[target]), int(grown.end[target])
        at = time[member & (time >= start) & (time <= stop)]
        strangers = time[~member]
        near = _between(strangers, start - AROUND, stop + AROUND)
        # Where a target's time is most of the log, little is known of other times, and less is taken for usual.
        elsewhen = max(end + 1 - (stop - start + 1 + 2 * AROUND), stop - start + 1 + 2 * AROUND)
        rate = (len(strangers) - near) / elsewhen
        found[:, place] = (
            _within(time[member], at),
            _within(strangers, at),
            len(at) * rate * 2 * AROUND,
            max(_between(strangers, start, stop) - rate * (stop - start + 1), 0.0),
        )
    return found[0], found[1], found[2], found[3]


def _within(times: Int64, at: Int64) -> int:
    """How many of the sorted times lie around each moment, all moments together."""
    return int((np.searchsorted(times, at + AROUND, side="right") - np.searchsorted(times, at - AROUND)).sum())


def _between(times: Int64, first: int, last: int) -> int:
    """How many of the sorted times lie in first … last."""
    return int(np.searchsorted(times, last, side="right") - np.searchsorted(times, first))
