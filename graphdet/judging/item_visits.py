"""Rings' item targets → everybody's visits there: who came, when, and whether it was a member."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphdet.arrays import Bool, Int32, Int64, stretches
from graphdet.judging.member_events import MemberEvents


@dataclass(frozen=True)
class ItemVisits:
    """Visits to rings' item targets: target by target, each in order of time.

    Attributes:
        target: (v,) int64 position in `MemberEvents.item_targets`.
        ring: (v,) int64 whose target it is.
        user: (v,) int32, and `second` (v,) int64 since the log's first event.
        member: (v,) bool, whether the user is a member of the ring; `there` (v,) bool, whether it is a member in the target's time.
    """

    target: Int64
    ring: Int64
    user: Int32
    second: Int64
    member: Bool
    there: Bool


def read_item_visits(own: MemberEvents) -> ItemVisits:
    """O(visits at the item targets)."""
    visits, items = own.log.visits.visits, own.item_targets
    key = own.key[items]
    length = visits.offset[key + 1] - visits.offset[key]
    row, target = stretches(visits.offset, key), np.repeat(np.arange(len(items)), length)
    user, second = visits.user[row], visits.time[row].astype(np.int64)
    ring = own.ring_of_target[items][target]
    member, is_member = np.zeros(len(row), np.bool_), np.zeros(visits.users, np.bool_)
    for grown, (begin, end) in zip(own.rings, pairwise(own.bounds(ring).tolist()), strict=True):
        is_member[grown.members] = True
        member[begin:end] = is_member[user[begin:end]]
        is_member[grown.members] = False
    start, end = own.start[items][target], own.end[items][target]
    return ItemVisits(target, ring, user, second, member, member & (second >= start) & (second <= end))
