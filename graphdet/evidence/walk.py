"""A slice of keys → the meetings there: pairs of visits close in time whose evidence is worth counting.

A slice is consecutive keys with their visits, all places counted from the slice's own start, so that any engine can hand over any
stretch of any log. Nothing is shared between slices, and what is found at a key does not depend on the slice it came in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from graphdet.arrays import Float32, Int32, Int64


class Keys(NamedTuple):
    """k keys and their v visits, sorted by (key, time), of views with up to w windows."""

    offset: Int64  # (k + 1,) from 0: visits of key i are offset[i] … offset[i + 1] − 1
    view_of: Int32  # (k,)
    constant: Float32  # (k, w) evidence of a meeting before the two users' shares are taken off
    user: Int32  # (v,)
    time: Int32  # (v,)
    log_base_rate: Float32  # (v,)


class Limits(NamedTuple):
    """What counts as a meeting; arrays have one row per view."""

    windows: Int32  # (views, w) seconds, shortest first; −1 = no such window
    cap: Int32  # (views,) later visits that one is compared with
    least: float  # evidence under which a meeting is not counted
    most: float  # evidence above which it says no more


class Meetings(NamedTuple):
    """m pairs of visits by two users, in order of key, then of the visits."""

    key: Int32  # (m,) place in the slice
    one: Int32  # (m,) place of the earlier visit in the slice
    other: Int32  # (m,)
    evidence: Float32  # (m,)


@numba.njit(cache=True, nogil=True)
def walk(keys: Keys, limits: Limits) -> Meetings:
    """All meetings at some keys with evidence of at least `limits.least`."""
    room = 1 << 12
    at, first, second, evidence = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float32)
    filled = 0
    offset, user, time, log_base_rate = keys.offset, keys.user, keys.time, keys.log_base_rate
    for key in range(len(offset) - 1):
        start, end = offset[key], offset[key + 1]
        windows, constant, cap = limits.windows[keys.view_of[key]], keys.constant[key], limits.cap[keys.view_of[key]]
        reach, best = _longest(windows, constant)
        rarest = _least(log_base_rate, start, end)
        if reach < 0 or best - 2 * rarest < limits.least:
            continue
        for one in range(start, end):
            if best - log_base_rate[one] - rarest < limits.least:
                continue
            later = min(end - one - 1, cap)
            if filled + later > room:  # asked once a visit: asked once a meeting, the walk takes four times as long
                room = max(2 * room, filled + later)
                at, first, second, evidence = _grown(at, room), _grown(first, room), _grown(second, room), _grown(evidence, room)
            for other in range(one + 1, one + 1 + later):
                apart = time[other] - time[one]
                if apart > reach:
                    break
                if user[one] == user[other]:
                    continue
                value = _best(apart, windows, constant) - (log_base_rate[one] + log_base_rate[other])
                if value < limits.least:
                    continue
                at[filled], first[filled], second[filled], evidence[filled] = key, one, other, min(value, limits.most)
                filled += 1
    return Meetings(at[:filled], first[:filled], second[:filled], evidence[:filled])


@numba.njit(cache=True, nogil=True)
def pairs_of(meetings: Meetings, keys: Keys, users: int) -> Int64:
    """(m,) the two users of each meeting in one number: the smaller times `users`, and the larger."""
    pair = np.empty(len(meetings.one), np.int64)
    for row in range(len(pair)):
        one, other = keys.user[meetings.one[row]], keys.user[meetings.other[row]]
        pair[row] = np.int64(min(one, other)) * users + max(one, other)
    return pair


@numba.njit(cache=True, nogil=True)
def _longest(windows: Int32, constant: Float32) -> tuple[int, float]:
    """The longest window in which anybody meets at a key, −1 if nobody does, and the largest of its constants."""
    reach, best = -1, -np.inf
    for column in range(len(windows)):
        if windows[column] >= 0 and constant[column] > -np.inf:
            reach = windows[column]
            best = max(best, constant[column])
    return reach, best


@numba.njit(cache=True, nogil=True)
def _least(log_base_rate: Float32, start: int, end: int) -> float:
    least = 0.0
    for visit in range(start, end):
        least = min(least, log_base_rate[visit])
    return least


@numba.njit(cache=True, nogil=True)
def _best(apart: int, windows: Int32, constant: Float32) -> float:
    """The largest constant of the windows that hold visits so many seconds apart."""
    best = -np.inf
    for column in range(len(windows)):
        if apart <= windows[column]:
            best = max(best, constant[column])
    return best


@numba.njit(cache=True, nogil=True)
def _grown(array: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    larger = np.empty(room, array.dtype)
    larger[: len(array)] = array
    return larger
