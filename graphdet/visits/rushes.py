"""Visits → which keys something drew everybody to just then, and how much of all who were about just then each visitor is.

On a sale day thousands come to goods of kinds that they never buy. By base rates every such visit is a small miracle, and all visitors
look like one ring. But a rush has a reason of its own: whoever is about in those hours comes by, whatever they are usually after. So of
the visits of a rush the share beyond what the key may have by itself counts as drawn, and a drawn visit is the user's with the share that
they have of all visits of those hours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Float64, Int64, distinct_values
from graphdet.schema import ITEM
from graphdet.visits.visits import BLOCK, UNTIMED, View, Visits

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
            for rows, local, usual in _local_and_usual(visits, view, seconds):
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
        rows = visits.rows_of(view)
        more = np.concatenate(
            [
                np.flatnonzero(local >= np.maximum(BEYOND_USUAL * usual, LEAST_LOCAL)) + (part.start - rows.start)
                for part, local, usual in _local_and_usual(visits, view, seconds)
            ]
            or [np.zeros(0, np.int64)]
        )
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
        rows = visits.rows_of(view)
        own = np.flatnonzero(chosen[rows])
        if not _knows_rushes(view) or not len(own):
            continue
        half = view.windows[0] // 2
        time, user = visits.time[rows], visits.user[rows]
        around = _within(np.sort(time).astype(np.int64), time[own].astype(np.int64), half)
        asked = np.zeros(visits.users, np.bool_)
        asked[user[own]] = True
        theirs = np.flatnonzero(asked[user])
        moments = np.sort(user[theirs].astype(np.int64) << 32 | time[theirs])
        busy = _within(moments, user[own].astype(np.int64) << 32 | time[own], half)
        share[rows][own] = np.log10(busy / around)
    return share


def _knows_rushes(view: View) -> bool:
    """A seller's rush is a rush at some of their goods; devices and the like are nobody's destination."""
    return view.name == ITEM and view.windows[0] != UNTIMED


def _within(moments: Int64, at: Int64, half: int) -> Int64:
    """How many of the sorted moments lie within `half` of each of some others."""
    return np.asarray(np.searchsorted(moments, at + half, side="right") - np.searchsorted(moments, at - half), np.int64)


def _local_and_usual(visits: Visits, view: View, seconds: int) -> Iterator[tuple[slice, Float64, Float64]]:
    """Of each visit its key's visits just then, and those that other times give in as long; some visits at a time.

    Just then = half of the view's shortest window before and after.
    """
    half = view.windows[0] // 2
    offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
    around = _kernels.count_around(offset, visits.time, np.full(view.keys, half))
    of_key = np.repeat(np.diff(offset).astype(np.int32), np.diff(offset))
    for first in range(0, len(around), BLOCK):
        part = slice(first, min(first + BLOCK, len(around)))
        local = around[part]
        elsewhen = (of_key[part] - local).astype(np.float64)
        yield (
            slice(int(offset[0]) + part.start, int(offset[0]) + part.stop),
            local.astype(np.float64),
            elsewhen * 2.0 * half / max(seconds - 2.0 * half, 1.0),
        )
