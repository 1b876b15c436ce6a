"""Visits → events: one machinery for honest and ring visits alike, so that no single event tells them apart.

A visit is a session of one user: some items looked at, a few of them put into the cart, ordered, paid, reviewed, refunded.
A planned visit (of a ring or a look-alike group) is the same with one or two of its items given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from graphdet.schema import ACTIONS
from graphdet.simulate.catalogue import Catalogue
from graphdet.simulate.clock import DAY, HOUR, Clock
from graphdet.simulate.people import People
from graphdet.simulate.settings import MarketSettings
from graphdet.simulate.streams import Flags, Floats, Ints, Longs, ranges

ACTION = {name: np.int8(code) for code, name in enumerate(ACTIONS)}

# How far a planned visit goes on its item.
LOOK, FAVOURITE, CART, ORDER = range(4)
# What follows a planned order.
NATURAL, REVIEWED, REFUNDED, CANCELLED = range(4)


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


@dataclass(frozen=True)
class Plan:
    """v planned visits; what is −1 is left to the user's habits.

    Attributes:
        user, time: who and when.
        item, second_item: what must be looked at; `second_item` −1 = only one.
        depth: LOOK … ORDER on `item`; `second_depth` likewise.
        after: what follows the order: NATURAL, REVIEWED, REFUNDED, CANCELLED.
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
    columns: dict[str, npt.NDArray[np.generic]] = {
        "user": user.astype(np.int32),
        "time": time.astype(np.float64),
        "item": item.astype(np.int32),
    }
    unknown = set(given) - set(_PLAN_DEFAULTS)
    if unknown:
        raise KeyError(f"a plan has no column {sorted(unknown)}")
    for name, (kind, default) in _PLAN_DEFAULTS.items():
        columns[name] = np.broadcast_to(np.asarray(given.get(name, default), dtype=kind), len(user)).copy()
    return Plan(**columns)  # type: ignore[arg-type]


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


def organic_visits(
    world: World, users: Ints, counts: npt.NDArray[np.integer], rng: np.random.Generator
) -> tuple[Ints, Floats]:
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
    people, catalogue, knobs = world.people, world.catalogue, world.settings.people
    ip, in_cafe = people.draw_ip(user, time, world.clock, rng)
    device = people.draw_device(user, time, ip, in_cafe, rng)
    category = people.draw_category(user, time, catalogue, rng)
    views = np.minimum(rng.geometric(1 / knobs.views_mean, len(user)), 30)
    if plan is not None:
        ip = np.where(plan.ip >= 0, plan.ip, ip)
        device = np.where(plan.device >= 0, plan.device, device)
        given = catalogue.category[plan.item]
        category = np.where(rng.random(len(user)) < 0.7, given, category)
        least = 1 + (plan.second_item >= 0)
        views = np.where(plan.brief, least, np.maximum(views, least))

    visit = np.repeat(np.arange(len(user)), views)
    position = ranges(views)
    item = _items(world, user[visit], time[visit], category[visit], position, rng)
    rows_user = user[visit]
    wish = rng.random(len(visit), dtype=np.float32)
    conversion = people.conversion[rows_user]
    depth = np.where(wish < conversion, ORDER, np.where(wish < conversion + 0.09, CART, np.where(wish < conversion + 0.17, FAVOURITE, LOOK)))
    depth = depth.astype(np.int8)
    planned = np.full(len(visit), -1, dtype=np.int64)
    if plan is not None:
        first = np.cumsum(views) - views
        place = (rng.random(len(user)) * (views - (plan.second_item >= 0))).astype(np.int64)
        target = first + place
        item[target], depth[target], planned[target] = plan.item, plan.depth, np.arange(len(user))
        rows = np.flatnonzero(plan.second_item >= 0)
        item[target[rows] + 1], depth[target[rows] + 1] = plan.second_item[rows], plan.second_depth[rows]
    looked = time[visit] + _gaps(views, visit, rng)
    return _funnel(world, visit, rows_user, item, depth, looked, planned, plan, device, ip, position, rng)


def _items(world: World, user: Ints, time: Floats, category: Ints, position: Longs, rng: np.random.Generator) -> Ints:
    """The item of each view: by popularity, the day's promotion, the favourite shop, the short list, or the last item's complement."""
    catalogue, people = world.catalogue, world.people
    item = catalogue.draw(category, rng)
    how = rng.random(len(user), dtype=np.float32)
    promotion = world.settings.catalogue.promotion_share
    rows = np.flatnonzero(how < promotion)
    item[rows] = catalogue.promoted[category[rows], np.minimum(time[rows] // DAY, world.clock.days - 1).astype(np.int64)]
    rows = np.flatnonzero((how >= promotion) & (how < promotion + people.loyalty[user]))
    item[rows] = catalogue.draw_of_seller(people.shop[user[rows]], rng)
    back = promotion + people.loyalty[user] + world.settings.catalogue.return_share
    rows = np.flatnonzero((how >= promotion + people.loyalty[user]) & (how < back))
    item[rows] = people.draw_short_list(user[rows], catalogue, rng)
    rows = np.flatnonzero((position > 0) & (how > 1 - world.settings.catalogue.bundle_share))
    item[rows] = catalogue.complement[item[rows - 1]]
    return np.where(catalogue.launch[item] <= time, item, catalogue.stand_in[item])


def _gaps(views: npt.NDArray[np.integer], visit: Longs, rng: np.random.Generator) -> Floats:
    """Seconds from the start of the visit to each of its views."""
    step = np.exp(rng.standard_normal(len(visit), dtype=np.float32) * 1.0 + 3.6).astype(np.float64)
    along = np.cumsum(step)
    first = np.cumsum(views) - views
    return along - np.repeat(along[first], views)


def _funnel(
    world: World,
    visit: Longs,
    user: Ints,
    item: Ints,
    depth: npt.NDArray[np.int8],
    looked: Floats,
    planned: Longs,
    plan: Plan | None,
    device: Ints,
    ip: Ints,
    position: Longs,
    rng: np.random.Generator,
) -> Columns:
    knobs, people, catalogue = world.settings.people, world.people, world.catalogue
    parts: list[Columns] = []

    def add(
        name: str,
        rows: Longs,
        time: Floats,
        *,
        order: Longs | int = -1,
        amount: Floats | float = np.nan,
        rating: npt.NDArray[np.integer] | int = 0,
        address: Ints | int = -1,
        payment: Ints | int = -1,
        script: Ints | int = -1,
        at: tuple[Ints, Ints] | None = None,
        action: npt.NDArray[np.int8] | None = None,
        no_item: bool = False,
    ) -> None:
        visits = visit[rows]
        count = len(rows)
        keep = slice(None) if count == 0 or time.max() < world.clock.end and not np.isfinite(people.leave[user[rows]]).any() else (
            (time < world.clock.end) & (time < people.leave[user[rows]])
        )

        def full(value: object, kind: type) -> npt.NDArray[np.generic]:
            return np.broadcast_to(np.asarray(value, dtype=kind), count)[keep]

        parts.append(
            Columns(
                time=time[keep],
                user=user[rows][keep],
                item=full(-1, np.int32) if no_item else item[rows][keep],
                device=(device[visits] if at is None else at[1])[keep],
                ip=(ip[visits] if at is None else at[0])[keep],
                action=full(ACTION[name] if action is None else action, np.int8),
                order=full(order, np.int32),
                amount=full(amount, np.float32),
                rating=full(rating, np.int8),
                address=full(address, np.int32),
                payment=full(payment, np.int32),
                script=full(script, np.int32),
            )
        )

    def later(rows: Longs, time: Floats) -> tuple[Ints, Ints]:
        """Where the user is at another time; a visit from a given device stays there."""
        new_ip, in_cafe = people.draw_ip(user[rows], time, world.clock, rng)
        new_device = people.draw_device(user[rows], time, new_ip, in_cafe, rng)
        if plan is None:
            return new_ip, new_device
        visits = visit[rows]
        held = plan.device[visits] >= 0
        return np.where(plan.ip[visits] >= 0, ip[visits], new_ip), np.where(held, device[visits], new_device)

    everything = np.arange(len(visit))
    seen = np.where(rng.random(len(visit), dtype=np.float32) < 0.6, ACTION["click"], ACTION["view"]).astype(np.int8)
    add("view", everything, looked, action=seen)
    rows = np.flatnonzero((position == 0) & (rng.random(len(visit), dtype=np.float32) < knobs.login_share))
    add("login", rows, looked[rows] - 2 - rng.exponential(15, len(rows)), no_item=True)
    rows = np.flatnonzero((depth == FAVOURITE) | ((depth > FAVOURITE) & (rng.random(len(visit), dtype=np.float32) < 0.08)))
    add("favourite", rows, looked[rows] + 3 + rng.exponential(20, len(rows)))
    # Who comes by a link, as planned visits do, mostly orders at once.
    by_cart = np.where(planned >= 0, 0.2, 0.4)
    carted = np.flatnonzero((depth == CART) | ((depth == ORDER) & (rng.random(len(visit)) < by_cart)))
    in_cart = looked[carted] + 5 + rng.exponential(40, len(carted))
    add("cart", carted, in_cart)

    rows = np.flatnonzero(depth == ORDER)
    order = np.arange(len(rows))
    ordered = looked[rows] + 20 + rng.exponential(90, len(rows)) + 40
    put_off = rng.random(len(rows)) < knobs.later_share
    planned_order = planned[rows]
    directed = planned_order >= 0
    put_off &= ~directed
    ordered = np.where(put_off, ordered + rng.lognormal(2.0, 1.0, len(rows)) * HOUR, ordered)
    quantity = 1 + (rng.random(len(rows)) < 0.12) + (rng.random(len(rows)) < 0.03)
    coupon = rng.random(len(rows)) < people.thrift[user[rows]]
    address, payment = people.draw_address(user[rows], rng), people.draw_payment(user[rows], rng)
    after = np.zeros(len(rows), dtype=np.int8)
    stars, script, lag = np.zeros(len(rows), dtype=np.int8), np.zeros(len(rows), dtype=np.int32), np.full(len(rows), np.nan)
    if plan is not None:
        which = planned_order[directed]
        address[directed] = np.where(plan.address[which] >= 0, plan.address[which], address[directed])
        payment[directed] = np.where(plan.payment[which] >= 0, plan.payment[which], payment[directed])
        coupon[directed] |= plan.coupon[which]
        after[directed], stars[directed], script[directed], lag[directed] = (
            plan.after[which],
            plan.rating[which],
            plan.script[which],
            plan.lag[which],
        )
    amount = np.round(catalogue.price[item[rows]] * quantity * np.where(coupon, 0.7 + 0.2 * rng.random(len(rows)), 1.0), 2)
    used = np.flatnonzero(coupon)
    add("coupon", rows[used], ordered[used] - 1 - rng.exponential(30, len(used)), order=order[used])
    add("order", rows, ordered, order=order, amount=amount, address=address)

    fate = rng.random(len(rows))
    cancelled = np.where(after == NATURAL, fate < knobs.cancel_share, after == CANCELLED)
    gone = np.flatnonzero(cancelled)
    undone = ordered[gone] + rng.lognormal(0.0, 1.2, len(gone)) * HOUR
    add("cancel", rows[gone], undone, order=order[gone], at=later(rows[gone], undone))
    kept = np.flatnonzero(~cancelled)
    paid = ordered + 4 + rng.exponential(25, len(rows)) + np.where(rng.random(len(rows)) < 0.06, rng.exponential(4 * HOUR, len(rows)), 0)
    which = kept[rng.random(len(kept)) < knobs.pay_share]
    add("pay", rows[which], paid[which], order=order[which], amount=amount[which], address=address[which], payment=payment[which])

    buyer = user[rows]
    reviewed = np.where(after == NATURAL, rng.random(len(rows)) < knobs.review_share * people.reviews[buyer], after == REVIEWED)
    refunded = np.where(after == NATURAL, rng.random(len(rows)) < knobs.refund_share * people.refunds[buyer], after == REFUNDED)
    which = kept[refunded[kept]]
    back = paid[which] + np.where(np.isnan(lag[which]), rng.lognormal(1.2, 0.7, len(which)), lag[which]) * DAY
    add("refund", rows[which], back, order=order[which], amount=amount[which], at=later(rows[which], back))
    which = kept[(reviewed & ~refunded)[kept]]
    told = paid[which] + np.where(np.isnan(lag[which]), 1 + rng.lognormal(1.4, 0.6, len(which)), lag[which]) * DAY
    told += np.where(np.isnan(lag[which]), world.people.late_hours[buyer[which]], 0)
    told = np.maximum(told, paid[which] + 600)
    own = np.clip(np.round(catalogue.quality[item[rows[which]]] + rng.normal(0, 0.8, len(which)) + 0.2), 1, 5)
    add(
        "review",
        rows[which],
        told,
        order=order[which],
        rating=np.where(stars[which] > 0, stars[which], own).astype(np.int8),
        script=script[which],
        at=later(rows[which], told),
    )
    return Columns(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Columns)))
