"""Members' events → whether members care for such things anyway: on days, too, on which the ring did nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.judging.member_events import MemberEvents


@dataclass(frozen=True)
class Tastes:
    """log10 of members' interest in the targets' kinds on days that were not the ring's, over everybody's; NaN where the log cannot tell.

    Attributes:
        taste: in the categories of the item targets.
        seller_taste: in their sellers.
    """

    taste: float
    seller_taste: float


def measure_tastes(own: MemberEvents) -> Tastes:
    """O(members' events)."""
    log = own.log
    elsewhen = own.item[(own.item >= 0) & ~_on_busy_days(own.second, own.inside, log.end)]
    categories = log.events.item_category if len(log.events.categories) else None
    sellers = log.item_seller if len(log.seller_share) else None
    return Tastes(
        taste=_interest(elsewhen, own.target_items, categories, log.category_share),
        seller_taste=_interest(elsewhen, own.target_items, sellers, log.seller_share),
    )


def _on_busy_days(second: Int64, inside: Bool, end: int) -> Bool:
    """Events on days that saw more than half of the ring's events that an even spread over the whole log would give them."""
    day = second // 86_400
    days = end // 86_400 + 1
    count = np.bincount(day[inside], minlength=days)
    busy: Bool = count > 0.5 * inside.sum() / days
    return busy[day]


def _interest(items: Int32, targets: Int32, group_of: Int32 | None, share: Float64) -> float:
    """log10 of (events at the targets' groups + 1) over (those that everybody's tastes would give + 1)."""
    if group_of is None or not len(targets):
        return np.nan
    groups = np.unique(group_of[targets])
    groups = groups[groups >= 0]
    found = np.isin(group_of[items], groups).sum()
    expected = len(items) * share[groups + 1].sum()
    return float(np.log10((found + 1) / (expected + 1)))
