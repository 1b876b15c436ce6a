"""Users of some keys, each from their first to their last visit there → how unlikely it is that so many of them fit into so little time.

A scan statistic. Were users to come to the keys one by one whenever people are about, each would keep to a window with no more than the
chance that one visit of theirs falls into it: the window's share of the log's visits by others. Of n users m keep to one of share s
with a chance of at most n · n · C(n − 1, m − 1) · s^(m − 1): the first says where to look; the rest chooses the others, and m.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from graphdet.arrays import Float64, Int32, Int64
from graphdet.visits.visits import DAY

TOGETHER = 0.05  # people of one home may come together: at most so often does the next of them come when the first did,
MOST_SHARE = 0.25  # a window with more of the log in it is no short time: keys come and go while a log runs, and their users with them
MOST_STARTS = 256  # windows begin at one of so many users' first visits, spread evenly


class Closest(NamedTuple):
    """Of each group of users the least likely window: log10 of its chance, from when to when, users in it, and its share as counted."""

    log_chance: Float64
    start: Int64
    end: Int64
    inside: Int64
    share: Float64


@numba.njit(cache=True, nogil=True)
def honest_share(share: float, seconds: float) -> float:
    """Chance that one more user keeps to a window: its share of the log, or what people of one home do, whichever is more."""
    honest: float = max(share, min(seconds / DAY, TOGETHER))
    return honest


@numba.njit(cache=True, nogil=True)
def log_chance(users: int, inside: int, share: float) -> float:
    """log10 of the chance that so many of the users keep to one window."""
    choices = 0.0
    for place in range(1, inside):
        choices += np.log10((users - place) / place)
    log: float = min(2 * np.log10(users) + choices + (inside - 1) * np.log10(share), 0.0)
    return log


@numba.njit(cache=True, nogil=True)
def find_closest(
    offset: Int64, users: Int64, first: Int32, last: Int32, visits: Int32, low: Int64, high: Int64, total: Int64, grain: int, least: int
) -> Closest:
    """The least likely window of each group.

    Args:
        offset: (groups + 1,) rows of each group, one for each user that may count.
        users: (groups,) users of the group's keys in all.
        first, last, visits: (rows,) of the user at these keys.
        low, high: (rows,) visits of the log before `first`, and up to `last`.
        total: (groups,) visits that `low` and `high` count in all.
        grain: seconds that the log's clock cannot tell apart.
        least: users that a window must have.
    """
    groups = len(offset) - 1
    chance, share = np.zeros(groups), np.ones(groups)
    start, end, inside = np.zeros(groups, np.int64), np.zeros(groups, np.int64), np.zeros(groups, np.int64)
    for group in range(groups):
        a, b = offset[group], offset[group + 1]
        by_last = a + np.argsort(last[a:b], kind="mergesort")
        starts = a + np.argsort(first[a:b], kind="mergesort")
        step = max((b - a) // MOST_STARTS, 1)
        others = total[group] - visits[a:b].sum() + 1
        for place in range(0, b - a, step):
            begin = starts[place]
            count = own = 0
            choices = 0.0
            for row in by_last:
                if first[row] < first[begin]:
                    continue
                count += 1
                own += visits[row]
                if count > 1:
                    choices += np.log10((users[group] - count + 1) / (count - 1))
                part = max(high[row] - low[begin] - own + 1, 1) / others
                if part > MOST_SHARE or count < least:
                    continue
                honest = honest_share(part, max(last[row] - first[begin], grain))
                found = 2 * np.log10(users[group]) + choices + (count - 1) * np.log10(honest)
                if found < chance[group]:
                    chance[group], share[group] = found, honest
                    start[group], end[group], inside[group] = first[begin], last[row], count
    return Closest(chance, start, end, inside, share)
