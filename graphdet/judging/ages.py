"""Members' events → how many more of them are new to the log, as the ring begins, than of all users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def measure_ages(own: MemberEvents) -> Ages:
    """O(members' events)."""
    log, known = own.log, own.time != NO_TIME
    there = own.inside & known
    if not len(log.new_by_day) or not there.any():
        return Ages(np.nan)
    day = (own.time - log.start) // DAY
    first = np.full(len(own.grown.members), np.iinfo(np.int64).max)
    np.minimum.at(first, own.who[known], day[known])
    begin, end = int(day[there].min()) - 1, int(day[there].max())
    new = float(((first >= begin) & (first <= end)).mean())
    return Ages(new - float(log.new_by_day[max(begin, 0) : end + 1].sum() / max(log.new_by_day.sum(), 1)))
