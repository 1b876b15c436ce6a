"""When members met → the ring's time: the stretch that holds nearly all of the meetings, without strays.

One early click must not make a campaign of two days one of three weeks. So the shortest stretch is taken that holds all meetings but
one in twenty; what lies no further from it than half of its length, or a day, belongs to it after all, so that a steady campaign keeps
its ends.
"""

from __future__ import annotations

import numpy as np

from graphdet.arrays import Int64
from graphdet.events import NO_TIME

STRAYS = 20  # one meeting in so many may be a stray,
LEAST = 8  # where there are so many at least: of fewer none is
DAY = 86_400_000_000  # microseconds


def time_of_ring(meetings: Int64) -> tuple[int, int]:
    """First and last moment of a ring's time; `NO_TIME` twice where no meeting has one.

    Args:
        meetings: microseconds of each member's first event at each target, in any order; `NO_TIME` where unknown.
    """
    times = np.sort(meetings[meetings != NO_TIME])
    if not len(times):
        return NO_TIME, NO_TIME
    most = len(times) - (max(len(times) // STRAYS, 1) if len(times) >= LEAST else 0)
    low = int((times[most - 1 :] - times[: len(times) - most + 1]).argmin())
    high = low + most - 1
    reach = max(DAY, int(times[high] - times[low]) // 2)
    while low > 0 and times[low] - times[low - 1] <= reach:
        low -= 1
    while high < len(times) - 1 and times[high + 1] - times[high] <= reach:
        high += 1
    return int(times[low]), int(times[high])
