"""Events → each account's life: its events in order of time, parted into sittings, and when it first and last used what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graphdet import _kernels
from graphdet.arrays import Bool, Float64, Int32, Int64, ranges, stretches
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ACTED_FROM, ITEM, KEY_TYPES, NODE_TYPE

SECOND = 1_000_000
SITTING = 1800  # seconds without an event that part two sittings
GOODS = "goods"  # the kind of an item: its category
KINDS = (*ACTED_FROM, *(name for name in KEY_TYPES if NODE_TYPE[name].as_owner), GOODS)
BOUGHT = ("order", "pay")
Places = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Uses:
    """When some accounts used which things of one kind.

    Attributes:
        event: places among the lives' events, rising, of those accounts' events that name a thing of the kind.
        things: how many things there are.
        account, thing: (u,) which account used what, each pair once, in order of account and first use.
        first, last: (u,) places of the first and of the last event of each; `count`: (u,) how many there are.
    """

    event: Int32
    things: int
    account: Int64
    thing: Int32
    first: Int32
    last: Int32
    count: Int32

    @cached_property
    def _by_key(self) -> tuple[Int64, Int64]:
        """Pairs as account · things + thing, sorted, and the pair of each."""
        key = self.account * self.things + self.thing
        order = np.argsort(key)
        return key[order], order

    def sorted(self) -> Int64:
        """The pairs by account, then thing."""
        return self._by_key[1]

    def find(self, account: Int64, thing: Places) -> tuple[Int64, Bool]:
        """Which pair each account and thing is, and whether there is such a one at all."""
        key, pair = self._by_key
        if not len(key):
            return np.zeros(len(account), np.int64), np.zeros(len(account), np.bool_)
        wanted = account * self.things + thing
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return pair[place], (key[place] == wanted) & (thing >= 0)


@dataclass(frozen=True)
class Lives:
    """n timed events of all accounts, by account, then time. What they used is looked up in the log where it is asked for.

    Attributes:
        events: the log.
        offset: (accounts + 1,) events of account a are offset[a] … offset[a + 1] − 1.
        row: (n,) int32 place in the event table.
        span: more than the seconds from the log's first event to any.
        moment: (n,) account · span + second: sorted, so that a stretch of one account's time is found by bisection.
        begin: first event of each sitting.
        bought: events that are an order or a payment, rising.
    """

    events: EventTable
    offset: Int64
    row: Int32
    span: int
    moment: Int64
    begin: Int32
    bought: Int32

    @property
    def accounts(self) -> int:
        return len(self.offset) - 1

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds of things that the log names."""
        named = [name for name in KINDS if name in self.events.codes]
        return [*named, GOODS] if ITEM in self.events.codes and self.events.categories else named

    def user(self, event: Places) -> Int64:
        """Whose events these are."""
        return self.moment[event] // self.span

    def second(self, event: Places) -> Int64:
        """When they were, since the first event of the log."""
        return self.moment[event] % self.span

    def hour(self, event: Places) -> Int64:
        """At which hour of the day, UTC."""
        assert self.events.time is not None
        return self.events.time[self.row[event]] // (3600 * SECOND) % 24

    def code(self, kind: str, event: Places) -> Int32:
        """What they used of a kind, −1 where nothing."""
        row = self.row[event]
        if kind != GOODS:
            return self.events.codes[kind][row]
        item = self.events.codes[ITEM][row]
        return np.where(item >= 0, self.events.item_category[item], np.int32(-1))

    def amount(self, event: Places) -> Float64:
        """log(1 + money), 0 where none."""
        if self.events.amount is None:
            return np.zeros(len(event))
        return np.asarray(np.log1p(np.maximum(np.nan_to_num(self.events.amount[self.row[event]]), 0)))

    def at(self, account: Int64, second: Int64) -> Int64:
        """The first of each account's events at or after a second."""
        return np.searchsorted(self.moment, account * self.span + np.clip(second, 0, self.span))

    def sitting(self, event: Places) -> Int64:
        """The number of each event's sitting."""
        return np.searchsorted(self.begin, event, side="right") - 1

    def sittings_before(self, account: Int64, second: Int64) -> tuple[Int64, Int64]:
        """Numbers of each account's first sitting, and of the first that began at or after a second."""
        return np.searchsorted(self.begin, self.offset[account]), np.searchsorted(self.begin, self.at(account, second))

    def uses(self, kind: str, accounts: Int64) -> Uses:
        """What some accounts, each named once and in order, used of a kind."""
        event = stretches(self.offset, accounts).astype(np.int32)
        code = self.code(kind, event)
        used = code >= 0
        event, code = event[used], code[used]
        things = len(self.events.categories) if kind == GOODS else self.events.count(kind)
        offset = np.append(np.searchsorted(event, self.offset[accounts]), len(event))
        own, thing, count, first, last = _kernels.list_accounts(offset, code, event, things)
        return Uses(event, things, np.repeat(accounts, np.diff(own)), thing, first, last, count)


def read_lives(events: EventTable) -> Lives | None:
    """The lives of a log's accounts; None where it has no times of day, and so no sittings."""
    if events.time is None or events.resolution != "instant":
        return None
    user = events.codes["user"]
    timed = events.time != NO_TIME
    if not timed.all():
        user = np.where(timed, user, np.int32(-1))
    offset, order = _kernels.group_rows(user, events.count("user"))
    row = order.astype(np.int32)
    del order, timed, user
    moment = events.time[row]
    moment -= moment.min()
    moment //= SECOND
    span = int(moment.max()) + 1
    moment += np.repeat(np.arange(len(offset) - 1) * span, np.diff(offset))
    # A second of another account is never too near: where one ends and the next begins is a sitting's begin in any case.
    apart = np.diff(moment) > SITTING
    apart[offset[(offset > 0) & (offset < len(row))] - 1] = True
    begin = np.append(0, np.flatnonzero(apart) + 1).astype(np.int32)
    buys = np.array([word in BOUGHT for word in events.actions] + [False])  # with a last place for −1
    bought = np.flatnonzero(buys[events.action[row]]).astype(np.int32)
    return Lives(events, offset, row, span, moment, begin, bought)


@dataclass(frozen=True)
class Blocks:
    """Stretches of events, each looked at as what somebody did in an account.

    Attributes:
        account: (b,) whose account; `start`: (b,) second at which the stretch begins.
        thing: (b,) the device (or network) that it came from.
        block: (rows,) number of its stretch, ascending; `event`: (rows,) place among the lives' events, perhaps of another account.
    """

    account: Int64
    start: Int64
    thing: Int64
    block: Int64
    event: Int64

    def __len__(self) -> int:
        return len(self.account)

    def keep(self, wanted: Bool) -> Blocks:
        """Some of them, numbered anew."""
        number = np.cumsum(wanted) - 1
        rows = wanted[self.block]
        return Blocks(self.account[wanted], self.start[wanted], self.thing[wanted], number[self.block[rows]], self.event[rows])


def own_blocks(lives: Lives, kind: str, seconds: int, least: int) -> Blocks:
    """The first `seconds` of each account with a device (or network) that it had not used before, of accounts with a life before."""
    sittings = np.diff(np.searchsorted(lives.begin, lives.offset))
    uses = lives.uses(kind, np.flatnonzero(sittings >= least))
    pair = uses.sorted()
    account, first, thing = uses.account[pair], lives.second(uses.first[pair]), uses.thing[pair].astype(np.int64)
    begun, before = lives.sittings_before(account, first)
    place = np.flatnonzero(before - begun >= least)
    account, first, thing = account[place], first[place], thing[place]
    low, high = lives.at(account, first), lives.at(account, first + seconds)
    block, event = np.repeat(np.arange(len(place)), high - low), ranges(low, high)
    same = lives.code(kind, event) == thing[block]
    return Blocks(account, first, thing, block[same], event[same])
