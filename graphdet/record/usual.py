"""A ring's time → what everybody else did in it: what the facts of the ring are compared with, over the same span and in the same units."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.arrays import Bool, Int32, Int64
from graphdet.events import NO_TIME
from graphdet.judging.log_index import DAY, GIVE_BACK, LogIndex, which_actions
from graphdet.judging.member_events import seconds_of
from graphdet.judging.ring_facts import RingFacts
from graphdet.schema import DEVICE, IP, ITEM, USER

AGED = 14 * DAY  # an account in use for so long before is no new one
SHARED_DEVICE = 3  # users of one device that make it a shared one


class Usual:
    """What the whole log has of pairs of things; made once, asked for each ring. O(log) memory, and O(events in its time) for each."""

    def __init__(self, log: LogIndex) -> None:
        events = log.events
        self._log = log
        self._user = events.codes[USER]
        self._first = _first_seen(log)
        self._dealing = self._pair(events.codes[ITEM]) if ITEM in events.codes else None
        category = np.append(events.item_category, np.int32(-1))[events.codes[ITEM]] if ITEM in events.codes else None
        self._interest = self._pair(category) if category is not None and (category >= 0).any() else None
        self._device = events.codes.get(DEVICE)
        self._address = self._pair(events.codes[IP], self._device) if self._device is not None and IP in events.codes else None
        self._on_shared = (
            np.zeros(0, np.bool_)
            if self._device is None
            else _on_shared(self._device, self._user, events.count(DEVICE), events.count(USER))
        )

        rated = np.zeros(0, np.int64) if events.rating is None else np.flatnonzero(~np.isnan(events.rating))
        self._rated = rated[events.codes[ITEM][rated] >= 0] if ITEM in events.codes else rated[:0]

    def _pair(self, code: Int32, other: Int32 | None = None) -> Int32:
        """(e,) number of each event's pair of a user (or another thing) and a thing, −1 where it lacks one."""
        one = self._user if other is None else other
        there = np.flatnonzero((code >= 0) & (one >= 0))
        found = np.full(len(code), -1, np.int32)
        found[there] = np.unique(one[there].astype(np.int64) << 32 | code[there], return_inverse=True)[1]
        return found

    def beside(self, facts: RingFacts) -> dict[str, Any]:
        """What others did from the ring's first meeting to its last event; in a log without times, in all of it.

        Keys: `everybody` else in the whole log, and of them `on_devices` (who use one with three users or more); `users` who did anything
        then, and of them `new` (first seen no earlier than a day before) and `aged` (in use 14 days before); `hours`: their events by hour
        of the day, UTC; `dealings` (pairs of a user and an item), and of them `ordered`, `rated`, `coupons` and `returned`; `interests`
        (pairs of a user and a category), and of them `novel` (touched at no other time); `devices` and the `addresses` that they were
        seen at; `ratings` at the ring's items, each in its time, and their `mean`; `item_events` of others in the whole log.
        """
        log, presence = self._log, facts.presence
        rows = np.arange(len(log.events))
        if log.events.time is not None and presence.start != NO_TIME:
            low, high = np.searchsorted(log.events.time, [presence.start, presence.until + 1])
            rows = rows[low:high]
        member = np.zeros(log.events.count(USER), np.bool_)
        member[facts.grown.members] = True
        rows = rows[~member[self._user[rows]]]
        users = np.unique(self._user[rows])
        found: dict[str, Any] = {"users": len(users), "new": None, "aged": None, "hours": None}
        if len(self._first) and presence.start != NO_TIME:
            seen = self._first[users]
            found |= {"new": int((seen >= presence.start - DAY).sum()), "aged": int((seen <= presence.start - AGED).sum())}
            assert log.events.time is not None
            found["hours"] = np.bincount(log.events.time[rows] // (DAY // 24) % 24, minlength=24).tolist()
        found["everybody"] = len(member) - int(member.sum())
        found["on_devices"] = int(self._on_shared[~member].sum()) if len(self._on_shared) else None
        return found | self._pairs(rows) | self._ratings(facts, member) | {"item_events": self._item_events(member)}

    def _pairs(self, rows: Int64) -> dict[str, Any]:
        log = self._log
        action = log.events.action[rows]
        found: dict[str, Any] = {}
        if self._dealing is not None:
            found["dealings"] = _distinct(self._dealing, rows)
            found["ordered"] = _distinct(self._dealing, rows[log.orders[action]])
            rated = np.zeros(0, np.int64) if log.events.rating is None else rows[~np.isnan(log.events.rating[rows])]
            found["rated"] = _distinct(self._dealing, rated)
            found["coupons"] = _distinct(self._dealing, rows[log.coupons[action]])
            found["returned"] = _distinct(self._dealing, rows[which_actions(log.events, *GIVE_BACK)[action]])
        if self._interest is not None:
            pairs = int(self._interest.max()) + 1
            here, all_of = (np.bincount(one[one >= 0], minlength=pairs) for one in (self._interest[rows], self._interest))
            found |= {"interests": int((here > 0).sum()), "novel": int(((here > 0) & (here == all_of)).sum())}
        if self._address is not None and self._device is not None:
            both = rows[self._address[rows] >= 0]
            found |= {"devices": _distinct(self._device, both), "addresses": _distinct(self._address, both)}
        return found

    def _ratings(self, facts: RingFacts, member: Bool) -> dict[str, Any]:
        log, grown = self._log, facts.grown
        events, index = log.events, log.visits
        items = np.flatnonzero(index.view[grown.targets] == index.item_view)
        if events.rating is None or not len(items) or not len(self._rated):
            return {"ratings": None, "mean": None}
        place = np.full(events.count(ITEM), -1)
        place[grown.targets[items] - index.visits.views[index.item_view].first_key] = items
        rows = self._rated[(place[events.codes[ITEM][self._rated]] >= 0) & ~member[self._user[self._rated]]]
        if events.time is not None:
            second = seconds_of(events.time[rows], log)
            at = place[events.codes[ITEM][rows]]
            rows = rows[(second >= grown.start[at]) & (second <= grown.end[at])]
        return {"ratings": len(rows), "mean": float(events.rating[rows].mean()) if len(rows) else None}

    def _item_events(self, member: Bool) -> int:
        if self._dealing is None:
            return 0
        return int(((self._dealing >= 0) & ~member[self._user]).sum())


def _distinct(number: Int32, rows: Int64) -> int:
    chosen = number[rows]
    mark = np.zeros(int(number.max(initial=-1)) + 1, np.bool_)
    mark[chosen[chosen >= 0]] = True
    return int(mark.sum())


def _first_seen(log: LogIndex) -> Int64:
    """(users,) microseconds of each user's first event with a time, the largest number where none has one; empty without times."""
    events = log.events
    if events.time is None:
        return np.zeros(0, np.int64)
    first = np.full(events.count(USER), np.iinfo(np.int64).max)
    known = np.flatnonzero(events.time != NO_TIME)[::-1]
    first[events.codes[USER][known]] = events.time[known]  # events are in order of time, so the earliest is written last
    return first


def _on_shared(device: Int32, user: Int32, devices: int, users_of_log: int) -> Bool:
    """(users,) who uses a device that three users or more use."""
    there = device >= 0
    pair = np.unique(device[there].astype(np.int64) << 32 | user[there])
    users = np.bincount(pair >> 32, minlength=devices)
    found = np.zeros(users_of_log, np.bool_)
    found[pair[users[pair >> 32] >= SHARED_DEVICE] & 0xFFFFFFFF] = True
    return found
