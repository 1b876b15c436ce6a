"""Members' events → the business that was done at the ring's item targets: orders, refunds, coupons, money, and whose shops gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, firsts, sums
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


def measure_dealings(own: MemberEvents) -> list[Dealings]:
    """Of each ring."""
    log = own.log
    action = log.events.action[own.event[own.inside]]
    pair, ring_of_pair = own.touched
    pairs = np.maximum(own.by_ring(ring_of_pair), 1)

    def share(actions: Bool) -> list[float]:
        """Of pairs of a member and an item, those with an event of these actions."""
        saw = np.zeros(len(ring_of_pair), np.bool_)
        saw[pair[actions[action]]] = True
        return list((own.by_ring(ring_of_pair[saw]) / pairs).tolist())

    sellers, top_seller = _sellers(own)
    return [
        Dealings(*dealings)
        for dealings in zip(
            _amounts(own, log.deals[action]), share(log.orders), share(log.refunds), share(log.coupons), sellers, top_seller, strict=True
        )
    ]


def _amounts(own: MemberEvents, deals: Bool) -> Sequence[float | None]:
    """`deals`: which of the events inside are one."""
    if own.log.events.amount is None:
        return [None] * len(own.rings)
    worth, ring = own.log.events.amount[own.event[own.inside][deals]], own.ring[own.inside][deals]
    return list(sums(np.where(np.isnan(worth), 0.0, worth), own.bounds(ring)).tolist())


def _sellers(own: MemberEvents) -> tuple[list[int], list[float]]:
    """Of each ring `sellers` and `top_seller` of `Dealings`."""
    seller, ring = own.log.item_seller[own.target_items], own.ring_of_target[own.item_targets]
    _, target = own.met_items
    came = np.bincount(target, minlength=len(own.key))[own.item_targets]
    known = seller >= 0
    order = np.argsort(ring[known] << 32 | seller[known])
    ordered = (ring[known] << 32 | seller[known])[order]
    first = np.flatnonzero(firsts(ordered))
    top = np.zeros(len(own.rings), np.int64)
    if len(first):
        np.maximum.at(top, ordered[first] >> 32, np.add.reduceat(came[known][order], first))
    return own.by_ring(ordered[first] >> 32).tolist(), (top / np.maximum(own.by_ring(own.ring_of_target[target]), 1)).tolist()
