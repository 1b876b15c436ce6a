"""Members' events → how many more of them are new to the log, as the ring begins, than of all users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import offsets
from graphdet.events import NO_TIME
from graphdet.judging.log_index import DAY
from graphdet.judging.member_events import MemberEvents


@dataclass(frozen=True)
class Ages:
    """How old accounts are.

    Attributes:
        new_beyond: share of members first seen between the day before the ring's first event at an item target and its last one, less the
            share of all users who were; NaN where the log cannot tell. A ring all through the log has none: everybody was new then.
    """

    new_beyond: float


def measure_ages(own: MemberEvents) -> list[Ages]:
    """Of each ring. O(members' events)."""
    log, rings, known = own.log, len(own.rings), own.time != NO_TIME
    there = own.inside & known
    if not len(log.new_by_day):
        return [Ages(np.nan)] * rings
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
    return [Ages(beyond) for beyond in np.where(end >= 0, new - usual, np.nan).tolist()]
