"""Rings' times → what everybody else did in them: what the facts of rings are compared with, over the same spans and in the same units.

All rings are counted in one sweep over the log: what everybody did in a ring's time, less what its members did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Int32, Int64, distinct_counts, distinct_values, stretches
from graphdet.events import NO_TIME
from graphdet.judging.log_index import DAY, GIVE_BACK, LogIndex, first_seen, which_actions
from graphdet.judging.member_events import seconds_of
from graphdet.judging.ring_facts import RingFacts
from graphdet.schema import DEVICE, IP, ITEM, USER

AGED = 14 * DAY  # an account in use for so long before is no new one
SHARED_DEVICE = 3  # users of one device that make it a shared one
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class _Spans:
    """The rows of each ring's time, and those of its members.

    Attributes:
        start: (rings,) microseconds of each ring's first meeting, `NO_TIME` where there is none.
        low, high: (rings,) its rows are low … high − 1.
        ring, member: (m,) every ring's members, ring by ring.
        ring_of, row: (r,) every ring's members' events in its time.
    """

    start: Int64
    low: Int64
    high: Int64
    ring: Int64
    member: Int32
    ring_of: Int64
    row: Int64

    def by_ring(self, rings: Int64) -> Int64:
        """(rings,) how often each ring is there."""
        return np.bincount(rings, minlength=len(self.low)).astype(np.int64)

    def of_members(self, number: Int32) -> tuple[Int64, Int64, Int64]:
        """(n,) each ring and each number that its members' events have in its time, and how many of them do."""
        own = number[self.row]
        there = own >= 0
        pair, count = distinct_counts(self.ring_of[there] << 32 | own[there])
        return pair >> 32, pair & 0xFFFFFFFF, count


def count_usual(rings: Sequence[RingFacts], log: LogIndex, threads: int = 1) -> list[dict[str, Any]]:
    """For each ring what others did from its first meeting to its last event; in a log without times, in all of it.

    Keys: `everybody` else in the whole log, and of them `on_devices` (who use one with three users or more); `users` who did anything
    then, and of them `new` (first seen no earlier than a day before) and `aged` (in use 14 days before); `hours`: their events by hour
    of the day, UTC; `dealings` (pairs of a user and an item), and of them `ordered`, `rated`, `coupons` and `returned`; `interests`
    (pairs of a user and a category), and of them `novel` (touched at no other time); `devices` and the `addresses` that they were
    seen at; `ratings` at the ring's items, each in its time, and their `mean`; `item_events` of others in the whole log.

    O(log · log rings + events of members), but for `ratings`: O(those at the rings' items).
    """
    spans = _spans_of(rings, log)
    columns: dict[str, Int64] = {}
    for things in (_of_users, _of_dealings, _of_interests, _of_devices):  # one after the other: each has a number for every row of the log
        counts = things(spans, log)
        with ThreadPoolExecutor(threads) as pool:
            columns |= zip([name for name, _ in counts], pool.map(lambda count: count[1](), counts), strict=True)
    timed, ratings = spans.start != NO_TIME, _ratings(rings, log)
    return [
        {"on_devices": None, "new": None, "aged": None, "hours": None}
        | {name: column[place].tolist() for name, column in columns.items() if timed[place] or name not in ("new", "aged", "hours")}
        | ratings[place]
        for place in range(len(rings))
    ]


Count = tuple[str, Callable[[], Int64]]  # a name, and what counts it for each ring


def _spans_of(rings: Sequence[RingFacts], log: LogIndex) -> _Spans:
    start = np.array([facts.presence.start for facts in rings], np.int64)
    low, high = np.zeros(len(rings), np.int64), np.full(len(rings), len(log.events))
    if log.events.time is not None:
        timed = np.flatnonzero(start != NO_TIME)
        until = np.array([facts.presence.until for facts in rings], np.int64)
        low[timed] = np.searchsorted(log.events.time, start[timed])
        high[timed] = np.searchsorted(log.events.time, until[timed] + 1)
    member = np.concatenate([np.zeros(0, np.int32), *(facts.grown.members for facts in rings)])
    ring = np.repeat(np.arange(len(rings)), [facts.size for facts in rings])
    row = log.by_user[stretches(log.offset, member)]
    ring_of = np.repeat(ring, log.offset[member + 1] - log.offset[member])
    inside = (row >= low[ring_of]) & (row < high[ring_of])
    return _Spans(start, low, high, ring, member, ring_of[inside], row[inside])


def _others(spans: _Spans, number: Int32, numbers: int, chosen: Bool | None = None) -> Int64:
    """Different numbers in each ring's time, of numbers that are one user's alone, without its members'."""
    number = number if chosen is None else np.where(chosen, number, np.int32(-1))
    ring, _, _ = spans.of_members(number)
    return _kernels.distinct_within(number, numbers, spans.low, spans.high, NONE, NONE) - spans.by_ring(ring)


def _of_users(spans: _Spans, log: LogIndex) -> list[Count]:
    events = log.events
    user, users = events.codes[USER], events.count(USER)
    found: list[Count] = [
        ("everybody", lambda: users - spans.by_ring(spans.ring)),
        ("users", lambda: _others(spans, user, users)),
    ]
    if events.time is None:
        return found
    time, first = events.time, first_seen(events.time, user, users)

    def earlier(before: int) -> Int64:
        """Who was first seen so long before the ring's start or longer."""
        latest = np.where(spans.start == NO_TIME, NO_TIME, np.maximum(spans.start, NO_TIME + before) - before)
        ring, own, _ = spans.of_members(user)
        of_all = _kernels.distinct_within(user, users, spans.low, spans.high, first, latest)
        return np.asarray(of_all - spans.by_ring(ring[first[own] <= latest[ring]]))

    return [
        *found,
        ("new", lambda: _others(spans, user, users) - earlier(DAY + 1)),
        ("aged", lambda: earlier(AGED)),
        ("hours", lambda: _hours(spans, time)),
    ]


def _hours(spans: _Spans, time: Int64) -> Int64:
    """(rings, 24) others' events by hour of the day, UTC."""
    hour = (time // (DAY // 24) % 24).astype(np.int8)
    edges = distinct_values(np.concatenate([spans.low, spans.high, np.zeros(1, np.int64)]))
    parts = [np.zeros(24, np.int64), *(np.bincount(hour[begin:end], minlength=24) for begin, end in pairwise(edges))]
    until = np.cumsum(parts, axis=0)
    low, high = (np.searchsorted(edges, bound) for bound in (spans.low, spans.high))
    own = np.bincount(spans.ring_of * 24 + hour[spans.row], minlength=24 * len(low)).reshape(-1, 24)
    return np.asarray(until[high] - until[low] - own)


def _of_dealings(spans: _Spans, log: LogIndex) -> list[Count]:
    events = log.events
    if ITEM not in events.codes:
        return [("item_events", lambda: np.zeros(len(spans.low), np.int64))]
    item = events.codes[ITEM]
    number, pairs = _kernels.number_pairs(log.offset, log.by_user, item, events.count(ITEM))
    rated = np.zeros(len(events), np.bool_) if events.rating is None else ~np.isnan(events.rating)
    at_items = np.bincount(events.codes[USER][item >= 0], minlength=events.count(USER))
    own = np.bincount(spans.ring, weights=at_items[spans.member], minlength=len(spans.low)).astype(np.int64)
    return [
        ("item_events", lambda: np.asarray(at_items.sum() - own)),
        ("dealings", lambda: _others(spans, number, pairs)),
        ("ordered", lambda: _others(spans, number, pairs, log.orders[events.action])),
        ("rated", lambda: _others(spans, number, pairs, rated)),
        ("coupons", lambda: _others(spans, number, pairs, log.coupons[events.action])),
        ("returned", lambda: _others(spans, number, pairs, which_actions(events, *GIVE_BACK)[events.action])),
    ]


def _of_interests(spans: _Spans, log: LogIndex) -> list[Count]:
    events = log.events
    if ITEM not in events.codes:
        return []
    category = np.append(events.item_category, np.int32(-1))[events.codes[ITEM]]
    if not (category >= 0).any():
        return []
    number, pairs = _kernels.number_pairs(log.offset, log.by_user, category, len(events.categories))

    def novel() -> Int64:
        ring, own, count = spans.of_members(number)
        nowhere_else = count == np.bincount(number[number >= 0], minlength=pairs)[own]
        return _kernels.only_within(number, pairs, spans.low, spans.high) - spans.by_ring(ring[nowhere_else])

    return [("interests", lambda: _others(spans, number, pairs)), ("novel", novel)]


def _of_devices(spans: _Spans, log: LogIndex) -> list[Count]:
    events = log.events
    if DEVICE not in events.codes:
        return []
    device, devices = events.codes[DEVICE], events.count(DEVICE)
    offset, order = _kernels.group_rows(device, devices)
    on_shared = _on_shared(offset, order, events.codes[USER], events.count(USER))
    found: list[Count] = [("on_devices", lambda: on_shared.sum() - spans.by_ring(spans.ring[on_shared[spans.member]]))]
    if IP in events.codes:
        address, pairs = _kernels.number_pairs(offset, order, events.codes[IP], events.count(IP))
        both = np.where(address >= 0, device, np.int32(-1))
        found += [
            ("devices", lambda: _not_only_members(spans, both, devices)),
            ("addresses", lambda: _not_only_members(spans, address, pairs)),
        ]
    return found


def _not_only_members(spans: _Spans, number: Int32, numbers: int) -> Int64:
    """Different numbers in each ring's time, without those that only its members have then."""
    ring, own, count = spans.of_members(number)
    touched = np.zeros(numbers + 1, np.bool_)
    touched[own] = True
    rows = np.flatnonzero(touched[number])
    place = np.sort(number[rows].astype(np.int64) << 32 | rows)
    low, high = (np.searchsorted(place, own << 32 | bound[ring]) for bound in (spans.low, spans.high))
    return _kernels.distinct_within(number, numbers, spans.low, spans.high, NONE, NONE) - spans.by_ring(ring[high - low == count])


def _ratings(rings: Sequence[RingFacts], log: LogIndex) -> list[dict[str, Any]]:
    """Others' ratings at each ring's items, each in its time, and their mean."""
    events, index = log.events, log.visits
    none: dict[str, Any] = {"ratings": None, "mean": None}
    rated = np.zeros(0, np.int64)
    if events.rating is not None and ITEM in events.codes:
        rated = np.flatnonzero(~np.isnan(events.rating) & (events.codes[ITEM] >= 0))
    if events.rating is None or not len(rated):
        return [none] * len(rings)
    offset, order = _kernels.group_rows(events.codes[ITEM][rated], events.count(ITEM))
    member = np.zeros(events.count(USER), np.bool_)
    found = []
    for facts in rings:
        grown = facts.grown
        items = np.flatnonzero(index.view[grown.targets] == index.item_view)
        if not len(items):
            found.append(none)
            continue
        code = grown.targets[items] - index.visits.views[index.item_view].first_key
        rows = rated[order[stretches(offset, code)]]
        at = np.repeat(items, offset[code + 1] - offset[code])
        member[grown.members] = True
        kept = ~member[events.codes[USER][rows]]
        member[grown.members] = False
        if events.time is not None:
            second = seconds_of(events.time[rows], log)
            kept &= (second >= grown.start[at]) & (second <= grown.end[at])
        rows = np.sort(rows[kept])  # in the log's order, in which their mean is taken
        found.append({"ratings": len(rows), "mean": float(events.rating[rows].mean()) if len(rows) else None})
    return found


def _on_shared(offset: Int64, order: Int64, user: Int32, users: int) -> Bool:
    """(users,) who uses a device that three users or more use; devices' rows as `group_rows` gives them."""
    who = user[order]
    first = _kernels.first_of_user(offset, who, users).astype(np.bool_)
    many = np.diff(np.concatenate([np.zeros(1, np.int64), np.cumsum(first)])[offset]) >= SHARED_DEVICE
    found = np.zeros(users, np.bool_)
    found[who[np.repeat(many, np.diff(offset))]] = True
    return found
