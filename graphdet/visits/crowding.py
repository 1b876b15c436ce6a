"""Visits → how many came to each key at once, and when."""

from __future__ import annotations

from graphdet import _kernels
from graphdet.arrays import Int64
from graphdet.visits.visits import View, Visits


def most_at_once(visits: Visits, view: View) -> Int64:
    """(keys,) of a view, the most visits to each key that lie within the view's shortest window."""
    begin, end = fullest(visits, view)
    return end - begin


def fullest(visits: Visits, view: View) -> tuple[Int64, Int64]:
    """(keys,) of a view, where the most visits to each key that lie within the view's shortest window begin and end."""
    return _kernels.fullest(visits.offset[view.first_key : view.first_key + view.keys + 1], visits.time, view.windows[0])
