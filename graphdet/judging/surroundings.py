"""Rings + visits to their item targets → who else came there, beyond those who come there at other times anyway.

A place with thirty orders a day has strangers around any visit; what speaks of a sale or a fashion are more of them than usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64, Int64, medians, sums
from graphdet.judging.item_visits import ItemVisits
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


def measure_surroundings(own: MemberEvents, came: ItemVisits) -> list[Surroundings]:
    """Of each ring. O(visits at the item targets)."""
    members, strangers, usual, company = _around(own, came)
    beyond = np.maximum(strangers - usual, 0.0)
    many = np.maximum(np.diff(own.items_of), 1)
    crowd = sums(beyond / np.maximum(members + beyond, 1), own.items_of) / many
    rush = sums(np.log10((strangers + 1) / (usual + 1)), own.items_of) / many
    for_each = medians(company / own.visitors[own.item_targets], own.ring_of_target[own.item_targets], len(own.rings))
    timed = own.log.events.time is not None
    return [
        Surroundings(one, other if timed else 0.0, outsiders) if items else Surroundings(0.0, 0.0, 0.0)
        for one, other, outsiders, items in zip(crowd.tolist(), rush.tolist(), for_each.tolist(), own.at_items.tolist(), strict=True)
    ]


def _around(own: MemberEvents, came: ItemVisits) -> tuple[Float64, Float64, Float64, Float64]:
    """Who else was there.

    Returns:
        For each item target, within half an hour of members' visits: visits of members, these among them; visits of strangers; and the
        strangers' visits that their rate at other times would give. Then the strangers in the target's time, beyond that rate.
    """
    many, items = len(own.item_targets), own.item_targets
    begin = np.arange(many) << 32  # a target's moments, and half an hour before and after them, are no other's
    moment = begin[came.target] + came.second
    members, strangers, visits = moment[came.member], moment[~came.member], moment[came.there]
    start, stop = own.start[items].astype(np.int64), own.end[items].astype(np.int64)
    long = stop - start + 1
    near = _between(strangers, begin + start - AROUND, begin + stop + AROUND)
    # Where a target's time is most of the log, little is known of other times, and less is taken for usual.
    elsewhen = np.maximum(own.log.end + 1 - (long + 2 * AROUND), long + 2 * AROUND)
    rate = (np.bincount(strangers >> 32, minlength=many) - near) / elsewhen
    of, visited = visits >> 32, np.bincount(visits >> 32, minlength=many)
    return (
        np.bincount(of, _between(members, visits - AROUND, visits + AROUND), many).astype(np.float64),
        np.bincount(of, _between(strangers, visits - AROUND, visits + AROUND), many).astype(np.float64),
        visited * rate * 2 * AROUND,
        np.maximum(_between(strangers, begin + start, begin + stop) - rate * long, 0.0),
    )


def _between(moments: Int64, first: Int64, last: Int64) -> Int64:
    """How many of the sorted moments lie in each first … last."""
    return np.searchsorted(moments, last, side="right") - np.searchsorted(moments, first)
