"""Visits → the way from a user to their visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Int8, Int32, Int64, check_array, check_columns
from graphdet.schema import ITEM
from graphdet.visits.visits import Visits


@dataclass(frozen=True)
class VisitIndex:
    """Visits with the way from a user to their visits: what growth walks on.

    Attributes:
        visits: the visits.
        view: (k,) int8 position of each key's view.
        item_view: position of the item view, −1 where the log has no items.
        user_offset: (users + 1,) int64 into `by_user`.
        by_user: (v,) int64 visits in user order.
        key: (v,) int32 key of each visit.
    """

    visits: Visits
    view: Int8
    item_view: int
    user_offset: Int64
    by_user: Int64
    key: Int32

    def __post_init__(self) -> None:
        check_columns(len(self.visits), by_user=(self.by_user, np.int64), key=(self.key, np.int32))
        check_array("view", self.view, np.int8, self.visits.keys)
        if len(self.user_offset) != self.visits.users + 1:
            raise ValueError(f"user_offset must have {self.visits.users + 1} places (found {len(self.user_offset)})")
        if self.user_offset[-1] != len(self.visits):
            raise ValueError(f"user_offset must end at {len(self.visits)} visits (found {self.user_offset[-1]})")
        if not -1 <= self.item_view < len(self.visits.views):
            raise ValueError(f"item_view must be a view's position, or -1 (found {self.item_view})")

    def visits_of(self, users: Int32) -> int:
        """How many visits these users made."""
        return int((self.user_offset[users + 1] - self.user_offset[users]).sum())

    def items_among(self, targets: Int32) -> int:
        """How many of a ring's targets are items; all of them where the log has none, since other things must do then."""
        return int((self.view[targets] == self.item_view).sum()) if self.item_view >= 0 else len(targets)


def index_visits(visits: Visits) -> VisitIndex:
    """O(visits)."""
    view = visits.view_of(np.arange(visits.keys, dtype=np.int32)).astype(np.int8)
    names = [view.name for view in visits.views]
    user_offset, by_user = _kernels.group_rows(visits.user, visits.users)
    key = np.repeat(np.arange(visits.keys, dtype=np.int32), np.diff(visits.offset))
    return VisitIndex(visits, view, names.index(ITEM) if ITEM in names else -1, user_offset, by_user, key)
