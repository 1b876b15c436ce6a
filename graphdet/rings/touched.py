"""Rings and what came since they were grown → those that may be others now.

A ring's members and targets hang on who of its members met, and on who came to its targets in their time. So one is looked at again where
two of its members say more together than before, and where somebody who was at two of its targets came to one of them, about in its time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphdet.arrays import Bool, Int32, Int64, ranges, stretches
from graphdet.rings.growth import Grown
from graphdet.visits.index import VisitIndex

TARGETS = 2  # that somebody was at who may belong to a ring


def touched_rings(rings: Sequence[Grown], news: Int32, came: Int64, index: VisitIndex) -> list[Grown]:
    """In their order.

    Args:
        rings: in the codes of the index.
        news: (n, 2) users of pairs that say more than when rings were grown.
        came: (m,) visits that there were none of then, rising.
        index: of all visits.
    """
    of_news, visited = np.zeros(index.visits.users, np.bool_), np.zeros(index.visits.keys, np.bool_)
    of_news[news] = visited[index.key[came]] = True
    return [ring for ring in rings if of_news[ring.members].sum() >= 2 or (visited[ring.targets].any() and _is_met(ring, came, index))]


def _is_met(ring: Grown, came: Int64, index: VisitIndex) -> bool:
    visits, key = index.visits, index.key[came]
    begin, end = np.searchsorted(key, ring.targets), np.searchsorted(key, ring.targets, side="right")
    place = np.repeat(np.arange(len(ring.targets)), end - begin)
    at = came[ranges(begin, end)]
    longest = np.array([view.windows[-1] for view in visits.views])[index.view[ring.targets]][place]
    there = (visits.time[at] >= ring.start[place] - longest) & (visits.time[at] <= ring.end[place] + longest)
    return bool(_at_several(np.unique(visits.user[at[there]]), ring, index).any())


def _at_several(users: Int32, ring: Grown, index: VisitIndex) -> Bool:
    """(n,) which users were at two of the ring's targets or more."""
    rows = index.by_user[stretches(index.user_offset, users)]
    who = np.repeat(np.arange(len(users)), index.user_offset[users + 1] - index.user_offset[users])
    at = np.isin(index.key[rows], ring.targets)
    pair = np.unique(who[at] << 32 | index.key[rows[at]])
    return np.asarray(np.bincount(pair >> 32, minlength=len(users)) >= TARGETS)
