"""Members' events → whether members care for such things anyway: at times, too, at which the ring did nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64, distinct_values, quantiles, sums
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


def measure_tastes(own: MemberEvents) -> list[Tastes]:
    """Of each ring. O(members' events + rings · days)."""
    log = own.log
    elsewhen = np.flatnonzero((own.item >= 0) & ~own.inside & ~_in_its_days(own))
    categories = log.events.item_category if len(log.events.categories) else None
    sellers = log.item_seller if len(log.seller_share) else None
    tastes = (_interest(own, elsewhen, categories, log.category_share), _interest(own, elsewhen, sellers, log.seller_share))
    return [Tastes(*taste) for taste in zip(*tastes, strict=True)]


def _in_its_days(own: MemberEvents) -> Bool:
    """Events on days of their ring: those that saw more than half of what an even spread of its events over the whole log would give them,
    and all of its campaign, with a day before and three after it, where these are less than half of the log. Nobody knows of an event
    without a time that it was on another day.

    Who works for several shops of one owner does so in the same weeks, and comes late to some of it; a taste is there at other times.
    """
    day, days, rings = own.second // DAY, own.log.end // DAY + 1, len(own.rings)
    width = max(days, int(day.max(initial=0)) + 1)  # the last visit may go on after midnight
    ring, second = own.ring[own.inside], own.second[own.inside]
    many = own.by_ring(ring)
    its: Bool = np.bincount(ring * width + day[own.inside], minlength=rings * width).reshape(rings, width) > (0.5 * many / days)[:, None]
    active = np.flatnonzero(many)
    ordered = np.sort(ring << 32 | second) & 0xFFFFFFFF
    first, last = (quantiles(ordered, many[active], share) // DAY for share in CAMPAIGN)
    for place, begin, end in zip(active.tolist(), (first - BEFORE).tolist(), (last + AFTER).tolist(), strict=True):
        if 2 * (end - begin + 1) < days:
            its[place, max(int(begin), 0) : int(end) + 1] = True
    return its[own.ring, day] | (own.second < 0)


def _interest(own: MemberEvents, elsewhen: Int64, group_of: Int32 | None, share: Float64) -> list[float]:
    """For each ring log10 of (events elsewhen at the targets' groups + 1) over (those that everybody's tastes would give + 1)."""
    if group_of is None:
        return [np.nan] * len(own.rings)
    target, groups = own.ring_of_target[own.item_targets], group_of[own.target_items]
    pair = distinct_values(target[groups >= 0] << 32 | groups[groups >= 0])
    ring, group = own.ring[elsewhen], group_of[own.item[elsewhen]]
    wanted = ring << 32 | group & 0x7FFFFFFF  # of none the largest number, which no group has
    place = np.minimum(np.searchsorted(pair, wanted), len(pair) - 1)
    found = own.by_ring(ring[pair[place] == wanted]) if len(pair) else 0
    expected = own.by_ring(ring) * sums(share[(pair & 0xFFFFFFFF) + 1], own.bounds(pair >> 32))
    return list(np.where(own.at_items, np.log10((found + 1) / (expected + 1)), np.nan).tolist())
