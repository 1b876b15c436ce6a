"""Members' events → how many of them are new to the log, as the ring begins, and how many of all who were about they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64, Int64, distinct_values, offsets
from graphdet.events import NO_TIME
from graphdet.judging.log_index import DAY
from graphdet.judging.member_events import MemberEvents


@dataclass(frozen=True)
class Ages:
    """How old accounts are, and who else was there.

    Attributes:
        new_beyond: share of members first seen between the day before the ring's first event at an item target and its last one, less the
            share of all users who were; NaN where the log cannot tell. A ring all through the log has none: everybody was new then.
        of_all: of the days that users were in the log, each user's own, from the day of the ring's first event at an item target to that of
            its last, how many are members'; NaN where the log cannot tell.
    """

    new_beyond: float
    of_all: float


def measure_ages(own: MemberEvents) -> list[Ages]:
    """Of each ring. O(members' events)."""
    log, rings, known = own.log, len(own.rings), own.time != NO_TIME
    there = own.inside & known
    if not len(log.new_by_day):
        return [Ages(np.nan, np.nan)] * rings
    day = (own.time - log.start) // DAY
    first = np.full(len(own.member), np.iinfo(np.int64).max)
    np.minimum.at(first, own.who[known], day[known])
    begin, end = np.full(rings, len(log.new_by_day)), np.full(rings, -1)
    np.minimum.at(begin, own.ring[there], day[there] - 1)
    np.maximum.at(end, own.ring[there], day[there])
    ring = own.ring_of_member
    new = own.by_ring(ring[(first >= begin[ring]) & (first <= end[ring])]) / np.maximum(np.diff(own.members), 1)
    of_all = offsets(log.new_by_day)
    since, until = (np.clip(day, 0, len(log.new_by_day)) for day in (begin, end + 1))
    usual = (of_all[until] - of_all[since]) / max(of_all[-1], 1)
    told = (np.where(end >= 0, new - usual, np.nan), _of_all(own, np.where(known, day, -1), begin + 1, end))
    return [Ages(*ages) for ages in zip(*(column.tolist() for column in told), strict=True)]


def _of_all(own: MemberEvents, day: Int64, begin: Int64, end: Int64) -> Float64:
    """(rings,) of the days of users from each ring's first day to its last, how many are members'."""
    there = (day >= begin[own.ring]) & (day <= end[own.ring])
    member = distinct_values(own.who[there] << 32 | day[there]) >> 32
    of_all = offsets(own.log.users_by_day)
    if len(of_all) < 2:
        return np.full(len(own.rings), np.nan)
    since, until = (np.clip(days, 0, len(of_all) - 1) for days in (begin, end + 1))
    users = of_all[until] - of_all[since]
    return np.where(users > 0, own.by_ring(own.ring_of_member[member]) / np.maximum(users, 1), np.nan)
