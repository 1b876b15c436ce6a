"""Stretches of events in accounts → how each differs from the account's own life, kind by kind, in classes that can be counted.

New is what the account uses nowhere else, neither before nor after, but in the stretch itself: a second address that the owner comes back
to is no stranger's. How much a novelty says hangs on how often this account used new things before (its stratum).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int64
from graphdet.schema import ACTED_FROM
from graphdet.signals.lives import GOODS, Blocks, Lives

SHARES = (1e-9, 0.5, 0.999)  # of a stretch's events that are new: none, some, most, all
FAR_HOURS = (0.3, 12.0)  # share of strangers who keep the owner's hours, and the most that one odd hour counts
PRIOR = 4.0  # sittings' worth of everybody's hours, beside the account's own


@dataclass(frozen=True)
class Classes:
    """One kind of difference: for each stretch its class, and its stratum, within which classes are compared.

    Attributes:
        kind: what differs.
        of: (b,) class; 0 where the log tells nothing here and `silent`.
        stratum: (b,).
        silent: whether class 0 says nothing, neither for nor against a stranger.
    """

    kind: str
    of: Int64
    stratum: Int64
    silent: bool


@dataclass(frozen=True)
class Differences:
    """All kinds of differences of some stretches.

    Attributes:
        classes: by what they are called.
        hour: (b,) log10 of how much better a stranger's hours fit than the owner's.
        new: kind → (b,) share of the stretch's things of that kind that are new to the account.
        sittings, events, orders: (b,) of the stretch; `known`: (b,) sittings of the account before it.
    """

    classes: Mapping[str, Classes]
    hour: Float64
    new: Mapping[str, Float64]
    sittings: Int64
    events: Int64
    orders: Int64
    known: Int64


def measure_breaks(lives: Lives, blocks: Blocks, place: str, seconds: int) -> Differences:
    """The differences of each stretch from the life of the account that it is in; `place` is where stretches come from, device or ip."""
    count = len(blocks)
    begun, before = lives.sittings_before(blocks.account, blocks.start)
    known = before - begun
    low, high = lives.at(blocks.account, np.zeros(count, np.int64)), lives.at(blocks.account, blocks.start)
    shares, strata = {}, {}
    for kind in lives.codes:
        shares[kind], strata[kind] = _novelty(lives, blocks, kind, low, high)
    classes = {kind: Classes(kind, _share_class(shares[kind]), strata[kind], True) for kind in shares if kind not in ACTED_FROM}
    where = np.zeros(count, np.int64)
    for kind in ACTED_FROM:
        where = where * 5 + (_share_class(shares[kind]) if kind in shares else 0)
    network = [kind for kind in ACTED_FROM if kind in shares][-1]
    classes["place"] = Classes("place", where, strata[network], False)
    classes["after"] = Classes("after", _afterwards(lives, blocks, place, seconds), np.zeros(count, np.int64), False)
    every = len(lives.begin)
    sittings = np.bincount(np.unique(blocks.block * every + lives.sitting[blocks.event]) // every, minlength=count)
    events = np.bincount(blocks.block, minlength=count)
    orders = np.bincount(blocks.block, lives.bought[blocks.event], count).astype(np.int64)
    classes["visits"] = Classes("visits", np.minimum(sittings, 4), np.zeros(count, np.int64), False)
    if lives.bought.any():
        bought = np.concatenate([[0], np.cumsum(lives.bought)])
        share = (bought[high] - bought[low] + 0.3) / (high - low + 2)
        classes["buys"] = Classes("buys", np.digitize(orders, [1, 2, 3, 5]), np.digitize(share, [0.05, 0.1, 0.2, 0.3]), False)
        classes["amount"] = Classes("amount", *_dearness(lives, blocks, low, high), True)
    hour = _odd_hours(lives, blocks, begun, before)
    return Differences(classes, hour, shares, sittings, events, orders, known)


def _share_class(share: Float64) -> Int64:
    """0 where there is nothing of the kind, else 1 … 4 by the share that is new."""
    return np.where(np.isnan(share), 0, 1 + np.digitize(np.nan_to_num(share), SHARES))


def _doublings(count: Int64) -> Int64:
    return np.minimum(np.log2(np.maximum(count, 1)).astype(np.int64), 6)


def _novelty(lives: Lives, blocks: Blocks, kind: str, low: Int64, high: Int64) -> tuple[Float64, Int64]:
    """Share of what each stretch used of a kind that is new to the account (NaN where it used none), and the account's own habit."""
    uses, count = lives.uses[kind], len(blocks)
    thing = lives.codes[kind][blocks.event].astype(np.int64)
    account = blocks.account[blocks.block]
    own: Bool = lives.user[blocks.event] == account  # of a spliced stretch, nothing
    place, there = uses.find(account, thing)
    inside = np.zeros(len(thing), np.int64)
    rows = np.flatnonzero(own & (thing >= 0))
    _, which, often = np.unique(blocks.block[rows] * uses.things + thing[rows], return_inverse=True, return_counts=True)
    inside[rows] = often[which]
    elsewhere = np.where(there, uses.count[place] if len(uses.key) else 0, 0) - inside
    used = np.bincount(blocks.block, thing >= 0, count)
    new = np.bincount(blocks.block, (thing >= 0) & (elsewhere <= 0), count)
    share = np.where(used > 0, new / np.maximum(used, 1), np.nan)
    begun = blocks.account * lives.span
    had = np.searchsorted(uses.by_first, begun + blocks.start) - np.searchsorted(uses.by_first, begun)
    told = np.concatenate([[0], np.cumsum(lives.codes[kind] >= 0)])
    times = told[high] - told[low]
    steps = [1, 3, 5, 9, 15] if kind == GOODS else [1, 2, 3, 5, 9]
    return share, np.where(times == 0, 0, 1 + np.digitize(had, steps) * 7 + _doublings(times))


def _afterwards(lives: Lives, blocks: Blocks, place: str, seconds: int) -> Int64:
    """Once the stretch is over: 0 nobody comes, 1 the owner as before, 2 both, 3 only from the new place."""
    uses = lives.uses[place]
    end = blocks.start + seconds
    pair, there = uses.find(blocks.account, blocks.thing)
    goes_on = there & (uses.last[pair] > end)
    # Of things in order of their first use, the latest last use so far.
    account = uses.key // uses.things
    order = np.lexsort((uses.first, account))
    latest = np.maximum.accumulate(account[order] * lives.span + uses.last[order])
    begun = blocks.account * lives.span
    had = np.searchsorted(uses.by_first, begun + blocks.start) - 1
    back = (had >= 0) & (latest[had] > begun + np.minimum(end, lives.span)) & (latest[had] // lives.span == blocks.account)
    return np.where(goes_on, np.where(back, 2, 3), np.where(back, 1, 0))


def _dearness(lives: Lives, blocks: Blocks, low: Int64, high: Int64) -> tuple[Int64, Int64]:
    """How far the dearest order stands above the account's own usual one, on a logarithmic scale; and how many orders are known."""
    money = np.where(lives.bought, lives.amount, 0.0)
    sums = np.concatenate([[0.0], np.cumsum(money)])
    counts = np.concatenate([[0], np.cumsum(money > 0)])
    everybody = sums[-1] / max(counts[-1], 1)
    orders = counts[high] - counts[low]
    usual = (sums[high] - sums[low] + 3 * everybody) / (orders + 3)
    dearest = np.zeros(len(blocks))
    np.maximum.at(dearest, blocks.block, money[blocks.event])
    return np.where(dearest == 0, 0, 1 + np.digitize(dearest - usual, [-0.5, 0, 0.4, 0.8, 1.2, 1.8])), np.digitize(orders, [1, 3])


def _odd_hours(lives: Lives, blocks: Blocks, begun: Int64, before: Int64) -> Float64:
    """log10 of the mean of how much likelier each event's hour is for somebody who keeps no hours than for the account."""
    hour = lives.hour[lives.begin]
    counts = np.zeros((len(lives.begin) + 1, 24), np.int32)
    counts[np.arange(1, len(lives.begin) + 1), hour] = 1
    np.cumsum(counts, axis=0, out=counts)
    everybody = counts[-1] / max(len(lives.begin), 1)
    own = (counts[before] - counts[begun]).astype(np.float64)
    near = sum(np.roll(own, shift, axis=1) * weight for shift, weight in ((-2, 1 / 9), (-1, 2 / 9), (0, 3 / 9), (1, 2 / 9), (2, 1 / 9)))
    chance = (near + PRIOR * everybody) / (own.sum(axis=1, keepdims=True) + PRIOR)
    keeps, most = FAR_HOURS
    odd = np.minimum((1 / 24) / np.maximum(chance[blocks.block, lives.hour[blocks.event]], 1e-6), most)
    mean = np.bincount(blocks.block, odd, len(blocks)) / np.maximum(np.bincount(blocks.block, minlength=len(blocks)), 1)
    return np.clip(np.log10(keeps + (1 - keeps) * mean), -1.0, 1.0)
