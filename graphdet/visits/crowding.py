"""Visits → how many came to each key at once, and when."""

from __future__ import annotations

import numba

from graphdet.arrays import Int32, Int64
from graphdet.visits.visits import View, Visits


def most_at_once(visits: Visits, view: View) -> Int64:
    """(keys,) of a view, the most visits to each key that lie within the view's shortest window."""
    begin, end = fullest(visits, view)
    return end - begin


def fullest(visits: Visits, view: View) -> tuple[Int64, Int64]:
    """(keys,) of a view, where the most visits to each key that lie within the view's shortest window begin and end."""
    return _fullest(visits.offset[view.first_key : view.first_key + view.keys + 1], visits.time, view.windows[0])


@numba.njit(cache=True, nogil=True)
def _fullest(offset: Int64, time: Int32, window: int) -> tuple[Int64, Int64]:
    begin, end = offset[:-1].copy(), offset[:-1].copy()
    for key in range(len(offset) - 1):
        start = offset[key]
        for visit in range(offset[key], offset[key + 1]):
            while time[visit] - time[start] > window:
                start += 1
            if visit - start + 1 > end[key] - begin[key]:
                begin[key], end[key] = start, visit + 1
    return begin, end
