"""Stretches of events in accounts → how each differs from the account's own life, kind by kind, in classes that can be counted.

New is what the account uses nowhere else, neither before nor after, but in the stretch itself: a second address that the owner comes back
to is no stranger's. How much a novelty says hangs on how often this account used new things before (its stratum).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64, distinct_values
from graphdet.schema import ACTED_FROM
from graphdet.signals.lives import GOODS, Blocks, Lives, Uses

SHARES = (1e-9, 0.5, 0.999)  # of a stretch's events that are new: none, some, most, all
FAR_HOURS = (0.3, 12.0)  # share of strangers who keep the owner's hours, and the most that one odd hour counts
TOGETHER = 1 << 16  # stretches whose accounts' hours are looked at at a time
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
    low, high = lives.offset[blocks.account], lives.at(blocks.account, blocks.start)
    accounts = distinct_values(blocks.account)
    shares, strata, after = {}, {}, np.zeros(count, np.int64)
    for kind in lives.kinds:
        uses = lives.uses(kind, accounts)
        shares[kind], strata[kind] = _novelty(lives, uses, blocks, kind, low, high)
        if kind == place:
            after = _afterwards(lives, uses, blocks, high, seconds)
    classes = {kind: Classes(kind, _share_class(shares[kind]), strata[kind], True) for kind in shares if kind not in ACTED_FROM}
    where = np.zeros(count, np.int64)
    for kind in ACTED_FROM:
        where = where * 5 + (_share_class(shares[kind]) if kind in shares else 0)
    network = [kind for kind in ACTED_FROM if kind in shares][-1]
    classes["place"] = Classes("place", where, strata[network], False)
    classes["after"] = Classes("after", after, np.zeros(count, np.int64), False)
    every = len(lives.begin)
    sittings = np.bincount(distinct_values(blocks.block * every + lives.sitting(blocks.event)) // every, minlength=count)
    events = np.bincount(blocks.block, minlength=count)
    buys = _one_of(lives.bought, blocks.event)
    orders = np.bincount(blocks.block[buys], minlength=count)
    classes["visits"] = Classes("visits", np.minimum(sittings, 4), np.zeros(count, np.int64), False)
    if len(lives.bought):
        bought_before = np.searchsorted(lives.bought, high) - np.searchsorted(lives.bought, low)
        share = (bought_before + 0.3) / (high - low + 2)
        classes["buys"] = Classes("buys", np.digitize(orders, [1, 2, 3, 5]), np.digitize(share, [0.05, 0.1, 0.2, 0.3]), False)
        classes["amount"] = Classes("amount", *_dearness(lives, blocks, buys, low, high), True)
    hour = _odd_hours(lives, blocks, begun, before)
    return Differences(classes, hour, shares, sittings, events, orders, before - begun)


def _share_class(share: Float64) -> Int64:
    """0 where there is nothing of the kind, else 1 … 4 by the share that is new."""
    return np.where(np.isnan(share), 0, 1 + np.digitize(np.nan_to_num(share), SHARES))


def _doublings(count: Int64) -> Int64:
    return np.minimum(np.log2(np.maximum(count, 1)).astype(np.int64), 6)


def _novelty(lives: Lives, uses: Uses, blocks: Blocks, kind: str, low: Int64, high: Int64) -> tuple[Float64, Int64]:
    """Share of what each stretch used of a kind that is new to the account (NaN where it used none), and the account's own habit."""
    count = len(blocks)
    thing = lives.code(kind, blocks.event).astype(np.int64)
    account = blocks.account[blocks.block]
    own: Bool = lives.user(blocks.event) == account  # of a spliced stretch, nothing
    pair, there = uses.find(account, thing)
    inside = np.zeros(len(thing), np.int64)
    rows = np.flatnonzero(own & (thing >= 0))
    _, which, often = np.unique(blocks.block[rows] * uses.things + thing[rows], return_inverse=True, return_counts=True)
    inside[rows] = often[which]
    elsewhere = np.where(there, uses.count[pair] if len(uses.count) else 0, 0) - inside
    used = np.bincount(blocks.block, thing >= 0, count)
    new = np.bincount(blocks.block, (thing >= 0) & (elsewhere <= 0), count)
    share = np.where(used > 0, new / np.maximum(used, 1), np.nan)
    had = np.searchsorted(uses.first, high) - np.searchsorted(uses.first, low)
    times = np.searchsorted(uses.event, high) - np.searchsorted(uses.event, low)
    steps = [1, 3, 5, 9, 15] if kind == GOODS else [1, 2, 3, 5, 9]
    return share, np.where(times == 0, 0, 1 + np.digitize(had, steps) * 7 + _doublings(times))


def _afterwards(lives: Lives, uses: Uses, blocks: Blocks, high: Int64, seconds: int) -> Int64:
    """Once the stretch is over: 0 nobody comes, 1 the owner as before, 2 both, 3 only from the new place."""
    if not len(uses.last):
        return np.zeros(len(blocks), np.int64)
    end = blocks.start + seconds
    pair, there = uses.find(blocks.account, blocks.thing)
    goes_on = there & (lives.second(uses.last[pair]) > end)
    # Of things in order of their first use, the latest last use so far.
    latest = lives.moment[np.maximum.accumulate(uses.last)]
    had = np.searchsorted(uses.first, high) - 1
    begun = blocks.account * lives.span
    back = (had >= 0) & (latest[had] > begun + np.minimum(end, lives.span)) & (latest[had] // lives.span == blocks.account)
    return np.where(goes_on, np.where(back, 2, 3), np.where(back, 1, 0))


def _dearness(lives: Lives, blocks: Blocks, buys: Bool, low: Int64, high: Int64) -> tuple[Int64, Int64]:
    """How far the dearest order stands above the account's own usual one, on a logarithmic scale; and how many orders are known."""
    money = lives.amount(lives.bought)
    paid, money = lives.bought[money > 0], money[money > 0]
    sums = np.append(0.0, np.cumsum(money))
    everybody = sums[-1] / max(len(money), 1)
    begin, end = np.searchsorted(paid, low), np.searchsorted(paid, high)
    usual = (sums[end] - sums[begin] + 3 * everybody) / (end - begin + 3)
    dearest = np.zeros(len(blocks))
    np.maximum.at(dearest, blocks.block[buys], lives.amount(blocks.event[buys]))
    return np.where(dearest == 0, 0, 1 + np.digitize(dearest - usual, [-0.5, 0, 0.4, 0.8, 1.2, 1.8])), np.digitize(end - begin, [1, 3])


def _odd_hours(lives: Lives, blocks: Blocks, begun: Int64, before: Int64) -> Float64:
    """log10 of the mean of how much likelier each event's hour is for somebody who keeps no hours than for the account."""
    hour = lives.hour(lives.begin)
    everybody = np.bincount(hour, minlength=24) / max(len(hour), 1)
    keeps, most = FAR_HOURS
    odd = np.empty(len(blocks.event))
    first_row = np.searchsorted(blocks.block, np.arange(0, len(blocks) + TOGETHER, TOGETHER))
    for part, rows in enumerate(map(slice, first_row[:-1], first_row[1:])):
        of = slice(part * TOGETHER, (part + 1) * TOGETHER)
        own = _hours_between(hour, begun[of], before[of]).astype(np.float64)
        near = sum(np.roll(own, shift, axis=1) * weight for shift, weight in ((-2, 1 / 9), (-1, 2 / 9), (0, 3 / 9), (1, 2 / 9), (2, 1 / 9)))
        chance = (near + PRIOR * everybody) / (own.sum(axis=1, keepdims=True) + PRIOR)
        at = chance[blocks.block[rows] - of.start, lives.hour(blocks.event[rows])]
        odd[rows] = np.minimum((1 / 24) / np.maximum(at, 1e-6), most)
    mean = np.bincount(blocks.block, odd, len(blocks)) / np.maximum(np.bincount(blocks.block, minlength=len(blocks)), 1)
    return np.clip(np.log10(keeps + (1 - keeps) * mean), -1.0, 1.0)


def _hours_between(hour: Int64, begin: Int64, end: Int64) -> Int64:
    """(m, 24) how many of the hours begin[i] … end[i] − 1 are which; counted once between any two places that are asked for."""
    asked = distinct_values(np.concatenate([begin, end]))
    between = np.repeat(np.arange(len(asked) - 1), np.diff(asked))
    counts = np.bincount(between * 24 + hour[asked[0] : asked[-1]], minlength=(len(asked) - 1) * 24).reshape(-1, 24)
    passed = np.concatenate([np.zeros((1, 24), np.int64), np.cumsum(counts, axis=0)])
    return np.asarray(passed[np.searchsorted(asked, end)] - passed[np.searchsorted(asked, begin)])


def _one_of(sorted_places: Int32, event: Int64) -> Bool:
    """Which events are among some places."""
    place = np.minimum(np.searchsorted(sorted_places, event), max(len(sorted_places) - 1, 0))
    return sorted_places[place] == event if len(sorted_places) else np.zeros(len(event), np.bool_)
