"""Visits → which keys something drew everybody to just then, and how much of all who were about just then each visitor is.

On a sale day thousands come to goods of kinds that they never buy. By base rates every such visit is a small miracle, and all visitors
look like one ring. But a rush has a reason of its own: whoever is about in those hours comes by, whatever they are usually after. So of
the visits of a rush the share beyond what the key may have by itself counts as drawn, and a drawn visit is the user's with the share that
they have of all visits of those hours.
"""

from __future__ import annotations

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Float64, Int32, Int64, distinct_values
from graphdet.schema import ITEM
from graphdet.visits.visits import UNTIMED, View, Visits

BEYOND_USUAL = 3.0  # times a key's usual visits that are no rush yet
LEAST_LOCAL = 3  # visits just then of a key that draws more than usual
LEAST_PUBLIC = 150  # users that are no public yet in a log of any size
MOST_OF_ALL = 0.03  # share of all users beyond which those who came to what drew more than usual are no ring, but the public


def drawn_share(visits: Visits, seconds: int, public: Float32) -> Float32:
    """(v,) of each visit the share of its key's visits just then that something drew; 0 where there is no rush.

    Just then = half of the view's shortest window before and after. What is beyond three times the visits of other times is a rush where it
    is more than a visitor is compared with (`cap`), and to the `public` share of it wherever many keys draw more than usual at once.
    `seconds` is the log's length.
    """
    drawn = np.zeros(len(visits), np.float32)
    for view in visits.views:
        if _knows_rushes(view):
            offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
            local, usual = _local_and_usual(offset, visits.time, view.windows[0] // 2, seconds)
            rows = slice(int(offset[0]), int(offset[-1]))
            beyond_cap = local - np.maximum(view.settings.cap, BEYOND_USUAL * usual)
            beyond_usual = (local - BEYOND_USUAL * usual) * public[rows]
            drawn[rows] = np.maximum(np.maximum(beyond_cap, beyond_usual), 0) / local
    return drawn


def public_share(visits: Visits, seconds: int) -> Float32:
    """(v,) of the users who just then came to items that drew more than usual the share that is beyond what any ring has.

    A sale of twenty things draws a crowd that is none at any of them. Twenty targets of a ring do so, too; but a ring has no more than a
    few in a hundred of all users; and where all is new every day, as news are, that is no rush but how it always is. Users are counted in
    two rows of windows, the second half a window later, and the fuller one counts.
    """
    public = np.zeros(len(visits), np.float32)
    for view in visits.views:
        if not _knows_rushes(view):
            continue
        offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
        rows = slice(int(offset[0]), int(offset[-1]))
        local, usual = _local_and_usual(offset, visits.time, view.windows[0] // 2, seconds)
        more = np.flatnonzero(local >= np.maximum(BEYOND_USUAL * usual, LEAST_LOCAL))
        time, user = visits.time[rows], visits.user[rows]
        for shift in (0, view.windows[0] // 2):
            windows = (int(time.max(initial=0)) + shift) // view.windows[0] + 1
            come = distinct_values((time[more].astype(np.int64) + shift) // view.windows[0] * visits.users + user[more]) // visits.users
            count = np.bincount(come, minlength=windows)
            most = max(MOST_OF_ALL * visits.users, LEAST_PUBLIC, BEYOND_USUAL * float(np.median(count)))
            if count.max() > most:
                beyond = np.maximum(count - most, 0) / np.maximum(count, 1)
                public[rows] = np.maximum(public[rows], beyond[(time.astype(np.int64) + shift) // view.windows[0]])
    return public


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


def _local_and_usual(offset: Int64, time: Int32, half: int, seconds: int) -> tuple[Float64, Float64]:
    """Of each visit its key's visits within `half` before and after, and those that other times give in as long."""
    local = _kernels.count_around(offset, time, np.full(len(offset) - 1, half))
    of_key = np.diff(offset)
    elsewhen = (np.repeat(of_key, of_key) - local).astype(np.float64)
    return local.astype(np.float64), elsewhen * 2.0 * half / max(seconds - 2.0 * half, 1.0)
