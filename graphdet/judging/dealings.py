"""Members' events → the business that was done at the ring's item targets: orders, refunds, coupons, money, and whose shops gained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool
from graphdet.judging.member_events import MemberEvents


@dataclass(frozen=True)
class Dealings:
    """What members did at the item targets.

    Attributes:
        amount: worth of what they bought there (`LogIndex.deal`); None where the log has no amounts.
        ordered, refunded, coupons: share of who-was-where that saw an order or payment, a refund or cancellation, a coupon.
        sellers: sellers of the item targets; 0 where the log has none.
        top_seller: share of who-was-where at items of the seller that has most of it.
    """

    amount: float | None
    ordered: float
    refunded: float
    coupons: float
    sellers: int
    top_seller: float


def measure_dealings(own: MemberEvents, met: Bool) -> Dealings:
    """`met` as in `Presence`."""
    log, inside = own.log, own.inside
    action = log.events.action[own.event]
    touched = max(own.touched(inside), 1)
    at_item = met[:, own.item_targets].sum(0)
    seller = log.item_seller[own.target_items]
    known = seller >= 0
    by_seller = np.bincount(seller[known], weights=at_item[known]) if known.any() else np.zeros(1)
    amount = log.events.amount
    return Dealings(
        amount=None if amount is None else float(np.nansum(amount[own.event][inside & log.deals[action]])),
        ordered=own.touched(inside & log.orders[action]) / touched,
        refunded=own.touched(inside & log.refunds[action]) / touched,
        coupons=own.touched(inside & log.coupons[action]) / touched,
        sellers=len(np.unique(seller[known])),
        top_seller=float(by_seller.max() / max(int(at_item.sum()), 1)),
    )
