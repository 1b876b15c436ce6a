"""Users of some keys, each from their first to their last visit there → how unlikely it is that so many of them fit into so little time.

A scan statistic. Were users to come to the keys one by one whenever people are about, each would keep to a window with no more than the
chance that one visit of theirs falls into it: the window's share of the log's visits by others. Of n users m keep to one of share s
with a chance of at most n · n · C(n − 1, m − 1) · s^(m − 1): the first says where to look; the rest chooses the others, and m.
"""

from __future__ import annotations

from typing import NamedTuple

from graphdet import _kernels
from graphdet.arrays import Float64, Int32, Int64

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
    chance, start, end, inside, share = _kernels.find_closest(
        offset, users, first, last, visits, low, high, total, grain, least, starts=MOST_STARTS, most_share=MOST_SHARE, together=TOGETHER
    )
    return Closest(chance, start, end, inside, share)


def log_chance(users: int, inside: int, share: float) -> float:
    """log10 of the chance that so many of the users keep to one window."""
    return _kernels.log_chance(users, inside, share)
