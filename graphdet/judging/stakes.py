"""Judged rings → what is at stake: their orders beyond those that ordinary users would have placed at the same items in the same times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64, Int32, Int64, check_columns
from graphdet.events import NO_TIME
from graphdet.judging.log_index import LogIndex
from graphdet.judging.member_events import seconds_of
from graphdet.rings.growth import Grown


@dataclass(frozen=True)
class Stakes:
    """Purchases (`LogIndex.deal`) at a ring's item targets, each in its time.

    Attributes:
        item: (t,) int32 items; `own` and `others` (t,) int64 purchases of members and of everybody else.
        inflated: (t,) float64 members' purchases beyond as many ordinary users': others' at the item, for each user who is no member.
        amount: (t,) float64 what members' purchases are worth; NaN where the log has no amounts.
    """

    item: Int32
    own: Int64
    others: Int64
    inflated: Float64
    amount: Float64

    def __post_init__(self) -> None:
        check_columns(
            len(self.item), item=(self.item, np.int32), own=(self.own, np.int64), others=(self.others, np.int64),
            inflated=(self.inflated, np.float64), amount=(self.amount, np.float64),
        )  # fmt: skip

    @property
    def inflated_amount(self) -> Float64:
        """(t,) what the inflated purchases at each item are worth, by the mean of members'."""
        return np.asarray(self.amount * self.inflated / np.maximum(self.own, 1))

    @property
    def value(self) -> float | None:
        """All of it; None where the log has no amounts or no item is a target."""
        return float(self.inflated_amount.sum()) if len(self.item) and not np.isnan(self.amount).any() else None


def measure_stakes(rings: Sequence[Grown], log: LogIndex) -> list[Stakes]:
    """What each ring has at stake. O(purchases · log + Σ purchases at targets)."""
    events, index = log.events, log.visits
    if index.item_view < 0:
        return [_none() for _ in rings]
    item, base = events.codes["item"], index.visits.views[index.item_view].first_key
    asked = np.zeros(events.count("item") + 1, np.bool_)  # the last place stands for events without an item
    for ring in rings:
        asked[ring.targets[index.view[ring.targets] == index.item_view] - base] = True
    rows = np.flatnonzero(log.deals[events.action] & asked[item])
    rows = rows[np.argsort(item[rows], kind="stable")]
    code, user = item[rows], events.codes["user"][rows]
    second = seconds_of(np.full(len(rows), NO_TIME) if events.time is None else events.time[rows], log)
    amount = np.full(len(rows), np.nan) if events.amount is None else np.nan_to_num(events.amount[rows])
    member = np.zeros(events.count("user"), np.bool_)
    found = []
    for ring in rings:
        member[ring.members] = True
        places = np.flatnonzero(index.view[ring.targets] == index.item_view)
        items = (ring.targets[places] - base).astype(np.int32)
        own, others, worth = np.zeros(len(items), np.int64), np.zeros(len(items), np.int64), np.zeros(len(items))
        bounds = np.searchsorted(code, items), np.searchsorted(code, items, side="right")
        for number, (place, low, high) in enumerate(zip(places.tolist(), *(bound.tolist() for bound in bounds), strict=True)):
            here = low + np.flatnonzero((second[low:high] >= ring.start[place]) & (second[low:high] <= ring.end[place]))
            mine = member[user[here]]
            own[number], others[number], worth[number] = mine.sum(), (~mine).sum(), amount[here[mine]].sum()
        member[ring.members] = False
        if events.amount is None:
            worth[:] = np.nan
        usual = len(ring.members) * others / max(events.count("user") - len(ring.members), 1)
        found.append(Stakes(items, own, others, np.maximum(own - usual, 0.0), worth))
    return found


def _none() -> Stakes:
    return Stakes(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
