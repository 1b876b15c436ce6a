"""Rings and what came since they were grown → those that may be others now.

A ring's members and targets hang on who of its members met, and on who came to its targets in their time. So one is looked at again where
two of its members say more together than before, and where somebody who was at two of its targets came to one of them, about in its time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphdet.arrays import Bool, Int32, Int64, distinct_values, ranges, stretches
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
    of_news = np.zeros(index.visits.users, np.bool_)
    of_news[news] = True
    touched = _are_met(rings, came, index)
    return [ring for ring, is_met in zip(rings, touched.tolist(), strict=True) if is_met or of_news[ring.members].sum() >= 2]


def _are_met(rings: Sequence[Grown], came: Int64, index: VisitIndex) -> Bool:
    """(rings,) to which of them somebody came who was at several of its targets."""
    visits, key = index.visits, index.key[came]
    targets, start, end = (
        np.concatenate([np.zeros(0, np.int32), *(getattr(ring, name) for ring in rings)]) for name in ("targets", "start", "end")
    )
    ring = np.repeat(np.arange(len(rings)), [len(one.targets) for one in rings])
    first, last = np.searchsorted(key, targets), np.searchsorted(key, targets, side="right")
    place, at = np.repeat(np.arange(len(targets)), last - first), came[ranges(first, last)]
    longest = np.array([view.windows[-1] for view in visits.views], np.int64)[index.view[targets]][place]
    there = (visits.time[at] >= start[place] - longest) & (visits.time[at] <= end[place] + longest)
    met = distinct_values(ring[place[there]] << 32 | visits.user[at[there]])  # ring and who came to it
    user = met & 0xFFFFFFFF
    rows = index.by_user[stretches(index.user_offset, user)]
    whose = np.repeat(np.arange(len(met)), index.user_offset[user + 1] - index.user_offset[user])
    own, wanted = ring << 32 | targets, (met[whose] >> 32) << 32 | index.key[rows]  # the former rises
    at_target = np.append(own, -1)[np.searchsorted(own, wanted)] == wanted
    at_targets = distinct_values(whose[at_target] << 32 | index.key[rows[at_target]])
    several = np.bincount(at_targets >> 32, minlength=len(met)) >= TARGETS
    return np.isin(np.arange(len(rings)), met[several] >> 32)
