"""Events → each account's life: its events in order of time, parted into sittings, and when it first and last used what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64, ranges
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ACTED_FROM, KEY_TYPES, NODE_TYPE

SECOND = 1_000_000
SITTING = 1800  # seconds without an event that part two sittings
GOODS = "goods"  # the kind of an item: its category
KINDS = (*ACTED_FROM, *(name for name in KEY_TYPES if NODE_TYPE[name].as_owner), GOODS)
BOUGHT = ("order", "pay")
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Uses:
    """Who used which thing of one kind; u pairs of an account and a thing, sorted by account, then thing.

    Attributes:
        things: how many there are; a pair's key is account · things + thing.
        key, first, last, count: (u,) int64; seconds of the first and the last use, and how many there were.
        by_first: (u,) int64 account · span + first, sorted: how many things an account had used by a second is a difference of places.
    """

    things: int
    key: Int64
    first: Int64
    last: Int64
    count: Int64
    by_first: Int64

    def find(self, account: Int32 | Int64, thing: Int32 | Int64) -> tuple[Int64, Bool]:
        """The place of each pair, and whether it is there at all."""
        if not len(self.key):
            return np.zeros(len(account), np.int64), np.zeros(len(account), np.bool_)
        wanted = account.astype(np.int64) * self.things + thing
        place = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return place, (self.key[place] == wanted) & (thing >= 0)


@dataclass(frozen=True)
class Lives:
    """n timed events of all accounts, by account, then time.

    Attributes:
        row: (n,) place in the event table.
        user: (n,) account; `second`: (n,) since the first event of the log; `span`: more than any of those.
        moment: (n,) account · span + second: sorted, so that a stretch of one account's time is found by bisection.
        sitting: (n,) number of its sitting; `begin`: (sittings,) first event of each.
        codes: kind → (n,) what it used, −1 where nothing; kinds that the log lacks are absent.
        uses: the same kinds.
        bought: (n,) whether it is an order or a payment.
        amount: (n,) log(1 + money), 0 where none.
        hour: (n,) of the day, UTC.
    """

    users: int
    row: Int64
    user: Int32
    second: Int64
    span: int
    moment: Int64
    sitting: Int64
    begin: Int64
    codes: Mapping[str, Int32]
    uses: Mapping[str, Uses]
    bought: Bool
    amount: Float64
    hour: Int64

    def at(self, account: Int64, second: Int64) -> Int64:
        """The first of each account's events at or after a second."""
        return np.searchsorted(self.moment, account * self.span + np.clip(second, 0, self.span))

    def sittings_before(self, account: Int64, second: Int64) -> tuple[Int64, Int64]:
        """Numbers of each account's first sitting, and of the first that began at or after a second."""
        began = self.user[self.begin].astype(np.int64) * self.span + self.second[self.begin]
        return np.searchsorted(began, account * self.span), np.searchsorted(began, account * self.span + second)


def read_lives(events: EventTable) -> Lives | None:
    """The lives of a log's accounts; None where it has no times of day, and so no sittings."""
    if events.time is None or events.resolution != "instant":
        return None
    row = np.flatnonzero(events.time != NO_TIME)
    row = row[np.argsort(events.codes["user"][row], kind="stable")]
    user, time = events.codes["user"][row], events.time[row]
    second = (time - time.min()) // SECOND
    span = int(second.max()) + 1
    apart = np.ones(len(row), np.bool_)
    apart[1:] = (user[1:] != user[:-1]) | (second[1:] - second[:-1] > SITTING)
    codes = {name: events.codes[name][row] for name in KINDS if name in events.codes}
    if "item" in events.codes and events.categories:
        item = events.codes["item"][row]
        codes[GOODS] = np.where(item >= 0, events.item_category[np.maximum(item, 0)], -1).astype(np.int32)
    words = [place for place, word in enumerate(events.actions) if word in BOUGHT]
    amount = np.zeros(len(row)) if events.amount is None else np.log1p(np.maximum(np.nan_to_num(events.amount[row]), 0))
    return Lives(
        events.count("user"), row, user, second, span, user.astype(np.int64) * span + second,
        np.cumsum(apart) - 1, np.flatnonzero(apart), codes,
        {name: _uses(user, code, second, span) for name, code in codes.items()},
        np.isin(events.action[row], words), amount, time // (3600 * SECOND) % 24,
    )  # fmt: skip


def _uses(user: Int32, code: Int32, second: Int64, span: int) -> Uses:
    things = int(code.max(initial=-1)) + 1
    used = np.flatnonzero(code >= 0)
    key = user[used].astype(np.int64) * things + code[used]
    order = np.argsort(key, kind="stable")  # and so in order of time
    ordered, when = key[order], second[used[order]]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, np.int64)
    count = np.diff(np.append(first, len(ordered)))
    begun = when[first]
    account = ordered[first] // max(things, 1)
    return Uses(things, ordered[first], begun, when[first + count - 1], count, np.sort(account * span + begun))


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
    uses = lives.uses[kind]
    account = uses.key // uses.things
    begun, before = lives.sittings_before(account, uses.first)
    place = np.flatnonzero(before - begun >= least)
    low, high = lives.at(account[place], uses.first[place]), lives.at(account[place], uses.first[place] + seconds)
    block, event = np.repeat(np.arange(len(place)), high - low), ranges(low, high)
    thing = uses.key[place] % uses.things
    same = lives.codes[kind][event] == thing[block]
    return Blocks(account[place], uses.first[place], thing, block[same], event[same])
