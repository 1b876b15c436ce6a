"""Members' events → whether members care for such things anyway: at times, too, at which the ring did nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.judging.member_events import MemberEvents

DAY = 86_400
CAMPAIGN = (0.05, 0.95)  # a few of its events come early or late
BEFORE, AFTER = 1, 3  # days of a campaign before and after most of it


@dataclass(frozen=True)
class Tastes:
    """log10 of members' interest in the targets' kinds at times that were not the ring's, over everybody's; NaN where the log cannot tell.

    Attributes:
        taste: in the categories of the item targets.
        seller_taste: in their sellers.
    """

    taste: float
    seller_taste: float


def measure_tastes(own: MemberEvents) -> Tastes:
    """O(members' events)."""
    log = own.log
    elsewhen = own.item[(own.item >= 0) & ~own.inside & ~_in_its_days(own.second, own.inside, log.end)]
    categories = log.events.item_category if len(log.events.categories) else None
    sellers = log.item_seller if len(log.seller_share) else None
    return Tastes(
        taste=_interest(elsewhen, own.target_items, categories, log.category_share),
        seller_taste=_interest(elsewhen, own.target_items, sellers, log.seller_share),
    )


def _in_its_days(second: Int64, inside: Bool, end: int) -> Bool:
    """Events on days of the ring: those that saw more than half of what an even spread of its events over the whole log would give them,
    and all of its campaign, with a day before and three after it, where these are less than half of the log. Nobody knows of an event
    without a time that it was on another day.

    Who works for several shops of one owner does so in the same weeks, and comes late to some of it; a taste is there at other times.
    """
    day, days = second // DAY, end // DAY + 1
    count = np.bincount(day[inside], minlength=days)
    its: Bool = count > 0.5 * inside.sum() / days
    if inside.any():
        first, last = np.quantile(second[inside], CAMPAIGN) // DAY
        first, last = int(first) - BEFORE, int(last) + AFTER
        if 2 * (last - first + 1) < days:
            its[max(first, 0) : last + 1] = True
    return its[day] | (second < 0)


def _interest(items: Int32, targets: Int32, group_of: Int32 | None, share: Float64) -> float:
    """log10 of (events at the targets' groups + 1) over (those that everybody's tastes would give + 1)."""
    if group_of is None or not len(targets):
        return np.nan
    groups = np.unique(group_of[targets])
    groups = groups[groups >= 0]
    found = np.isin(group_of[items], groups).sum()
    expected = len(items) * share[groups + 1].sum()
    return float(np.log10((found + 1) / (expected + 1)))
