"""Visits → which keys something drew everybody to just then, and how much of all who were about just then each visitor is.

On a sale day thousands come to goods of kinds that they never buy. By base rates every such visit is a small miracle, and all visitors
look like one ring. But a rush has a reason of its own: whoever is about in those hours comes by, whatever they are usually after. So of
the visits of a rush the share beyond what the key may have by itself counts as drawn, and a drawn visit is the user's with the share that
they have of all visits of those hours.
"""

from __future__ import annotations

import numba
import numpy as np

from graphdet.arrays import Bool, Float32, Int32, Int64
from graphdet.schema import ITEM
from graphdet.visits.visits import UNTIMED, View, Visits

BEYOND_USUAL = 3.0  # times a key's usual visits that are no rush yet


def drawn_share(visits: Visits, seconds: int) -> Float32:
    """(v,) of each visit the share of its key's visits just then that something drew; 0 where there is no rush.

    Just then = half of the view's shortest window before and after. A rush are more visits than a visitor is compared with (`cap`), and
    more than three times those of other times; `seconds` is the log's length.
    """
    drawn = np.zeros(len(visits), np.float32)
    for view in visits.views:
        if _knows_rushes(view):
            offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
            _fill_drawn(offset, visits.time, view.windows[0] // 2, view.settings.cap, seconds, drawn)
    return drawn


def log_share_of_hours(visits: Visits, chosen: Bool) -> Float32:
    """(v,) of each chosen visit log10 of the user's share of the view's visits just then; 0 for the others. O(v log v)."""
    share = np.zeros(len(visits), np.float32)
    for view in visits.views:
        rows = slice(int(visits.offset[view.first_key]), int(visits.offset[view.first_key + view.keys]))
        own = np.flatnonzero(chosen[rows])
        if not _knows_rushes(view) or not len(own):
            continue
        half = view.windows[0] // 2
        time, user = visits.time[rows].astype(np.int64), visits.user[rows].astype(np.int64)
        around = _within(np.sort(time), time[own], half)
        busy = _within(np.sort(user << 32 | time), user[own] << 32 | time[own], half)
        share[rows][own] = np.log10(busy / around)
    return share


def _knows_rushes(view: View) -> bool:
    """A seller's rush is a rush at some of their goods; devices and the like are nobody's destination."""
    return view.name == ITEM and view.windows[0] != UNTIMED


def _within(moments: Int64, at: Int64, half: int) -> Int64:
    """How many of the sorted moments lie within `half` of each of some others."""
    return np.asarray(np.searchsorted(moments, at + half, side="right") - np.searchsorted(moments, at - half), np.int64)


@numba.njit(cache=True, nogil=True)
def _fill_drawn(offset: Int64, time: Int32, half: int, cap: int, seconds: int, drawn: Float32) -> None:
    for key in range(len(offset) - 1):
        start, end = offset[key], offset[key + 1]
        if end - start <= cap:
            continue
        low = high = start
        for visit in range(start, end):
            while time[visit] - time[low] > half:
                low += 1
            while high < end and time[high] - time[visit] <= half:
                high += 1
            local = high - low
            usual = (end - start - local) * 2.0 * half / max(seconds - 2.0 * half, 1.0)
            drawn[visit] = max(local - max(np.float64(cap), BEYOND_USUAL * usual), 0.0) / local
