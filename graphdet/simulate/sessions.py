"""Visits → events: one machinery for honest and ring visits alike, so that no single event tells them apart.

A visit is a session of one user: some items looked at, a few of them put into the cart, ordered, paid, reviewed, refunded.
A planned visit (of a ring or a look-alike group) is the same with one or two of its items given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from graphdet.schema import ACTIONS
from graphdet.simulate.clock import DAY, HOUR, Clock
from graphdet.simulate.goods import Catalogue
from graphdet.simulate.knobs import MarketSettings
from graphdet.simulate.people import People
from graphdet.simulate.streams import Flags, Floats, Ints, Longs, ranges

ACTION = {name: np.int8(code) for code, name in enumerate(ACTIONS)}

# How far a planned visit goes on its item.
LOOK, FAVOURITE, CART, ORDER = range(4)
# What follows a planned order.
NATURAL, REVIEWED, REFUNDED, CANCELLED, NOTHING = range(5)


@dataclass(frozen=True)
class Columns:
    """m events in codes; −1 (NaN for amounts, 0 for ratings) where an event has none.

    Attributes:
        time: seconds since the log's start.
        action: position in `schema.ACTIONS`.
        script: of reviews written from a ring's script, the script's number; 0 = own words, −1 = no text.
    """

    time: Floats
    user: Ints
    item: Ints
    device: Ints
    ip: Ints
    action: npt.NDArray[np.int8]
    order: Ints
    amount: npt.NDArray[np.float32]
    rating: npt.NDArray[np.int8]
    address: Ints
    payment: Ints
    script: Ints

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: slice) -> Columns:
        return Columns(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Plan:
    """v planned visits; what is −1 is left to the user's habits.

    Attributes:
        user, time: who and when.
        item, second_item: what must be looked at; `second_item` −1 = only one.
        depth: LOOK … ORDER on `item`; `second_depth` likewise.
        after: what follows the order: NATURAL, REVIEWED, REFUNDED, CANCELLED, NOTHING.
        rating: stars of the review, 0 = the reviewer's own. `script`: 0 = own words.
        lag: days from payment to the review or refund; NaN = natural.
        device, ip, address, payment: codes.
        coupon: whether the order uses one.
        brief: nothing but the planned items is looked at.
    """

    user: Ints
    time: Floats
    item: Ints
    second_item: Ints
    depth: npt.NDArray[np.int8]
    second_depth: npt.NDArray[np.int8]
    after: npt.NDArray[np.int8]
    rating: npt.NDArray[np.int8]
    script: Ints
    lag: Floats
    device: Ints
    ip: Ints
    address: Ints
    payment: Ints
    coupon: Flags
    brief: Flags

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: npt.NDArray[np.integer] | Flags) -> Plan:
        return Plan(*(getattr(self, field.name)[rows] for field in fields(self)))


_PLAN_DEFAULTS: dict[str, tuple[type, object]] = {
    "second_item": (np.int32, -1),
    "depth": (np.int8, ORDER),
    "second_depth": (np.int8, LOOK),
    "after": (np.int8, NATURAL),
    "rating": (np.int8, 0),
    "script": (np.int32, 0),
    "lag": (np.float64, np.nan),
    "device": (np.int32, -1),
    "ip": (np.int32, -1),
    "address": (np.int32, -1),
    "payment": (np.int32, -1),
    "coupon": (np.bool_, False),
    "brief": (np.bool_, False),
}


def make_plan(user: Ints, time: Floats, item: Ints, **given: npt.ArrayLike) -> Plan:
    """A plan with habits wherever nothing is given. Raises KeyError for an unknown column."""
    columns: dict[str, npt.NDArray[Any]] = {
        "user": user.astype(np.int32),
        "time": time.astype(np.float64),
        "item": item.astype(np.int32),
    }
    unknown = set(given) - set(_PLAN_DEFAULTS)
    if unknown:
        raise KeyError(f"a plan has no column {sorted(unknown)}")
    for name, (kind, default) in _PLAN_DEFAULTS.items():
        columns[name] = np.broadcast_to(np.asarray(given.get(name, default), dtype=kind), len(user)).copy()
    return Plan(**columns)


def join_plans(plans: Sequence[Plan]) -> Plan:
    """All plans' visits, one after another."""
    return Plan(*(np.concatenate([getattr(plan, field.name) for plan in plans]) for field in fields(Plan)))


@dataclass(frozen=True)
class World:
    """All that stands still while people act."""

    settings: MarketSettings
    clock: Clock
    catalogue: Catalogue
    people: People


def organic_visits(world: World, users: Ints, counts: npt.NDArray[np.integer], rng: np.random.Generator) -> tuple[Ints, Floats]:
    """`counts` sessions of each of `users` at times of their own: user and time, (visits,) each."""
    people = world.people
    user = np.repeat(users, counts)
    low = np.maximum(people.join[user], 0.0)
    high = np.minimum(people.leave[user], world.clock.end)
    # People shop in bouts: a few days of search and purchase, then nothing for weeks.
    bout = people.bout(user, rng)
    centre = low + (high - low) * bout
    bouts = rng.random(len(user)) < world.settings.people.bout_share
    first = np.where(bouts, np.maximum(low, centre - 0.8 * DAY), low)
    last = np.where(bouts, np.minimum(high, centre + 0.8 * DAY), high)
    time = world.clock.draw(first, last, rng) + people.late_hours[user]
    return user, np.where((time >= low) & (time < high), time, low + (high - low) * rng.random(len(user)))


def expand(world: World, user: Ints, time: Floats, plan: Plan | None, rng: np.random.Generator) -> Columns:
    """The events of some visits, in no particular order; events after the log's end or the user's leaving are cut.

    Orders are numbered from 0 within the call.
    """
    people, catalogue = world.people, world.catalogue
    ip, in_cafe = people.draw_ip(user, time, world.clock, rng)
    device = people.draw_device(user, time, ip, in_cafe, rng)
    category = people.draw_category(user, time, catalogue, rng)
    views = np.minimum(rng.geometric(1 / world.settings.people.views_mean, len(user)), 30)
    if plan is not None:
        ip = np.where(plan.ip >= 0, plan.ip, ip)
        device = np.where(plan.device >= 0, plan.device, device)
        category = np.where(rng.random(len(user)) < 0.7, catalogue.category[plan.item], category)
        least = 1 + (plan.second_item >= 0)
        views = np.where(plan.brief, least, np.maximum(views, least))

    visit = np.repeat(np.arange(len(user)), views)
    position = ranges(views)
    looker = user[visit]
    item = _items(world, looker, time[visit], category[visit], position, rng)
    wish, conversion = rng.random(len(visit), dtype=np.float32), people.conversion[looker]
    depth = np.select([wish < conversion, wish < conversion + 0.09, wish < conversion + 0.17], [ORDER, CART, FAVOURITE], LOOK).astype(
        np.int8
    )
    planned = np.full(len(visit), -1, dtype=np.int64)
    if plan is not None:
        first = np.cumsum(views) - views
        target = first + (rng.random(len(user)) * (views - (plan.second_item >= 0))).astype(np.int64)
        item[target], depth[target], planned[target] = plan.item, plan.depth, np.arange(len(user))
        rows = np.flatnonzero(plan.second_item >= 0)
        item[target[rows] + 1], depth[target[rows] + 1] = plan.second_item[rows], plan.second_depth[rows]
    looks = _Looks(visit, looker, item, depth, time[visit] + _gaps(views, visit, rng), planned, position)
    log = _Log(world, looks, plan, device, ip, rng)
    _browse(log)
    _aftermath(log, _order(log))
    return log.columns()


@dataclass(frozen=True)
class _Looks:
    """Rows: each item that is looked at in a visit. `planned` is the row of the plan that asked for it, −1 where none did."""

    visit: Longs
    user: Ints
    item: Ints
    depth: npt.NDArray[np.int8]
    time: Floats
    planned: Longs
    position: Longs


@dataclass(frozen=True)
class _Orders:
    """Rows of looks that end in an order, and what becomes of them; all arrays are (orders,)."""

    rows: Longs
    time: Floats
    amount: Floats
    address: Ints
    payment: Ints
    after: npt.NDArray[np.int8]
    stars: npt.NDArray[np.int8]
    script: Ints
    lag: Floats


def _items(world: World, user: Ints, time: Floats, category: Ints, position: Longs, rng: np.random.Generator) -> Ints:
    """The item of each view: by popularity, the day's promotion, the favourite shop, the short list, or the last item's complement."""
    catalogue, people = world.catalogue, world.people
    item = catalogue.draw(category, rng)
    how = rng.random(len(user), dtype=np.float32)
    promoted = world.settings.catalogue.promotion_share
    rows = np.flatnonzero(how < promoted)
    item[rows] = catalogue.promoted[category[rows], np.minimum(time[rows] // DAY, world.clock.days - 1).astype(np.int64)]
    in_shop = promoted + people.loyalty[user]
    rows = np.flatnonzero((how >= promoted) & (how < in_shop))
    item[rows] = catalogue.draw_of_seller(people.shop[user[rows]], rng)
    rows = np.flatnonzero((how >= in_shop) & (how < in_shop + world.settings.catalogue.return_share))
    item[rows] = people.draw_short_list(user[rows], catalogue, rng)
    rows = np.flatnonzero((position > 0) & (how > 1 - world.settings.catalogue.bundle_share))
    item[rows] = catalogue.complement[item[rows - 1]]
    return np.where(catalogue.launch[item] <= time, item, catalogue.stand_in[item])


def _gaps(views: npt.NDArray[np.integer], visit: Longs, rng: np.random.Generator) -> Floats:
    """Seconds from the start of the visit to each of its views."""
    along: Floats = np.cumsum(np.exp(rng.standard_normal(len(visit), dtype=np.float32) + 3.6).astype(np.float64))
    begin: Floats = np.repeat(along[np.cumsum(views) - views], views)
    return along - begin


class _Log:
    """Events as they come, each with the device and address of its visit or of where the user is later."""

    def __init__(self, world: World, looks: _Looks, plan: Plan | None, device: Ints, ip: Ints, rng: np.random.Generator) -> None:
        self.world, self.looks, self.plan, self.device, self.ip, self.rng = world, looks, plan, device, ip, rng
        self.parts: list[Columns] = []

    def add(self, action: str | npt.NDArray[np.int8], rows: Longs, time: Floats, *, later: bool = False, **given: npt.ArrayLike) -> None:
        """One event for each of the rows, unless its user has left or the log has ended. `later`: not during the visit itself."""
        user, visits = self.looks.user[rows], self.looks.visit[rows]
        device, ip = self.device[visits], self.ip[visits]
        if later:
            device, ip = self._later(user, visits, time)
        keep = np.flatnonzero((time >= 0) & (time < self.world.clock.end) & (time < self.world.people.leave[user]))
        columns: dict[str, npt.NDArray[Any]] = {"time": time[keep], "user": user[keep], "device": device[keep], "ip": ip[keep]}
        values: dict[str, npt.ArrayLike] = {"item": self.looks.item[rows], **given}
        values["action"] = ACTION[action] if isinstance(action, str) else action
        for name, (kind, empty) in _OPTIONAL.items():
            columns[name] = np.broadcast_to(np.asarray(values.get(name, empty), dtype=kind), len(rows))[keep]
        self.parts.append(Columns(**columns))

    def _later(self, user: Ints, visits: Longs, time: Floats) -> tuple[Ints, Ints]:
        """Device and address of the user at another time; who acted from a given device or address does so again."""
        ip, in_cafe = self.world.people.draw_ip(user, time, self.world.clock, self.rng)
        device = self.world.people.draw_device(user, time, ip, in_cafe, self.rng)
        if self.plan is None:
            return device, ip
        return (
            np.where(self.plan.device[visits] >= 0, self.device[visits], device),
            np.where(self.plan.ip[visits] >= 0, self.ip[visits], ip),
        )

    def columns(self) -> Columns:
        return Columns(*(np.concatenate([getattr(part, field.name) for part in self.parts]) for field in fields(Columns)))


_OPTIONAL: dict[str, tuple[type, float]] = {
    "item": (np.int32, -1),
    "action": (np.int8, -1),
    "order": (np.int32, -1),
    "amount": (np.float32, np.nan),
    "rating": (np.int8, 0),
    "address": (np.int32, -1),
    "payment": (np.int32, -1),
    "script": (np.int32, -1),
}


def _browse(log: _Log) -> None:
    """Looks, log-ins, favourites and carts."""
    looks, rng = log.looks, log.rng
    n = len(looks.visit)
    log.add(np.where(rng.random(n, dtype=np.float32) < 0.6, ACTION["click"], ACTION["view"]), np.arange(n), looks.time)
    rows = np.flatnonzero((looks.position == 0) & (rng.random(n, dtype=np.float32) < log.world.settings.people.login_share))
    log.add("login", rows, looks.time[rows] - 2 - rng.exponential(15, len(rows)), item=-1)
    liked = (looks.depth == FAVOURITE) | ((looks.depth > FAVOURITE) & (rng.random(n, dtype=np.float32) < 0.08))
    rows = np.flatnonzero(liked)
    log.add("favourite", rows, looks.time[rows] + 3 + rng.exponential(20, len(rows)))
    # Who comes by a link, as planned visits do, mostly orders at once.
    by_cart = np.where(looks.planned >= 0, 0.2, 0.4)
    rows = np.flatnonzero((looks.depth == CART) | ((looks.depth == ORDER) & (rng.random(n) < by_cart)))
    log.add("cart", rows, looks.time[rows] + 5 + rng.exponential(40, len(rows)))


def _order(log: _Log) -> _Orders:
    """Orders with their coupons: at once or later, to the usual address or the plan's."""
    looks, rng, people, knobs = log.looks, log.rng, log.world.people, log.world.settings.people
    rows = np.flatnonzero(looks.depth == ORDER)
    user, planned, count = looks.user[rows], looks.planned[rows], len(rows)
    time = looks.time[rows] + 60 + rng.exponential(90, count)
    put_off = (rng.random(count) < knobs.later_share) & (planned < 0)
    time = np.where(put_off, time + rng.lognormal(2.0, 1.0, count) * HOUR, time)
    coupon = rng.random(count) < people.thrift[user]
    address, payment = people.draw_address(user, rng), people.draw_payment(user, rng)
    after, stars = np.zeros(count, dtype=np.int8), np.zeros(count, dtype=np.int8)
    script, lag = np.zeros(count, dtype=np.int32), np.full(count, np.nan)
    if log.plan is not None:
        mine = np.flatnonzero(planned >= 0)
        wanted = log.plan.take(planned[mine])
        address[mine] = np.where(wanted.address >= 0, wanted.address, address[mine])
        payment[mine] = np.where(wanted.payment >= 0, wanted.payment, payment[mine])
        coupon[mine] |= wanted.coupon
        after[mine], stars[mine], script[mine], lag[mine] = wanted.after, wanted.rating, wanted.script, wanted.lag
    quantity = 1 + (rng.random(count) < 0.12) + (rng.random(count) < 0.03)
    discount = np.where(coupon, 0.7 + 0.2 * rng.random(count), 1.0)
    amount = np.round(log.world.catalogue.price[looks.item[rows]] * quantity * discount, 2)
    used = np.flatnonzero(coupon)
    log.add("coupon", rows[used], time[used] - 1 - rng.exponential(30, len(used)), order=used)
    log.add("order", rows, time, order=np.arange(count), amount=amount, address=address)
    return _Orders(rows, time, amount, address, payment, after, stars, script, lag)


def _aftermath(log: _Log, orders: _Orders) -> None:
    """Payments, cancellations, refunds and reviews."""
    looks, rng, people, knobs = log.looks, log.rng, log.world.people, log.world.settings.people
    count, user = len(orders.rows), looks.user[orders.rows]
    natural = orders.after == NATURAL
    cancelled = np.where(natural, rng.random(count) < knobs.cancel_share, orders.after == CANCELLED)
    gone = np.flatnonzero(cancelled)
    undone = orders.time[gone] + rng.lognormal(0.0, 1.2, len(gone)) * HOUR
    log.add("cancel", orders.rows[gone], undone, order=gone, later=True)
    kept = np.flatnonzero(~cancelled)
    slow = np.where(rng.random(count) < 0.06, rng.exponential(4 * HOUR, count), 0)
    paid = orders.time + 4 + rng.exponential(25, count) + slow
    which = kept[rng.random(len(kept)) < knobs.pay_share]
    log.add(
        "pay",
        orders.rows[which],
        paid[which],
        order=which,
        amount=orders.amount[which],
        address=orders.address[which],
        payment=orders.payment[which],
    )

    refunded = np.where(natural, rng.random(count) < knobs.refund_share * people.refunds[user], orders.after == REFUNDED)
    which = kept[refunded[kept]]
    lag = orders.lag[which]
    back = paid[which] + np.where(np.isnan(lag), rng.lognormal(1.2, 0.7, len(which)), lag) * DAY
    log.add("refund", orders.rows[which], back, order=which, amount=orders.amount[which], later=True)

    reviewed = np.where(natural, rng.random(count) < knobs.review_share * people.reviews[user], orders.after == REVIEWED)
    which = kept[(reviewed & ~refunded)[kept]]
    lag = orders.lag[which]
    own_time = (1 + rng.lognormal(1.4, 0.6, len(which))) * DAY + people.late_hours[user[which]]
    told = paid[which] + np.maximum(np.where(np.isnan(lag), own_time, lag * DAY), 600)
    opinion = log.world.catalogue.quality[looks.item[orders.rows[which]]] + rng.normal(0.45, 0.75, len(which))
    stars = np.where(orders.stars[which] > 0, orders.stars[which], np.clip(np.round(opinion), 1, 5))
    log.add("review", orders.rows[which], told, order=which, rating=stars, script=orders.script[which], later=True)
