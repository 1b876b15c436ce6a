"""Settings and a seed → a market: a log in codes with ids, and the truth about rings and innocent groups.

Plans come first (they change tastes, phones and launches), then everybody acts, in blocks of users, and all events are
sorted by time. The same settings and seed give the same bytes, whatever the number of threads.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.errors import MarketError
from graphdet.simulate.break_ins import plan_break_ins
from graphdet.simulate.clock import make_clock
from graphdet.simulate.goods import make_catalogue
from graphdet.simulate.ids import make_ids
from graphdet.simulate.innocents import plan_lookalikes
from graphdet.simulate.knobs import MarketSettings
from graphdet.simulate.ledger import Ledger, open_ledger
from graphdet.simulate.people import make_people
from graphdet.simulate.planted import make_truth
from graphdet.simulate.sessions import Columns, Plan, World, expand, join_plans, organic_visits
from graphdet.simulate.streams import Floats, Ints, Longs, stream
from graphdet.simulate.tactics import plan_rings

_BLOCK_EVENTS = 1_000_000
_PILOT_USERS = 4000


@dataclass(frozen=True)
class Market:
    """One market of n events, sorted by time.

    Attributes:
        settings, seed: what made it.
        start: microseconds since 1970 UTC of the first day's midnight.
        columns: (n,) arrays; codes of users, items, devices, IPs, addresses, payments and orders (−1 = none), `time` in
            microseconds since 1970 UTC, `action` as position in `schema.ACTIONS`, amount (NaN = none), rating (0 = none),
            script (−1 = no text, 0 = own words, above 0 = the number of a shared script).
        ids: node type → id of each code, as random as the log's.
        item_category, item_seller: (items,) codes into `categories` and `ids["seller"]`.
        english: (users,) who writes English.
        truth: tables `rings`, `members`, `lookalikes`, `labels`; see `simulate.planted.TRUTH_TABLES`.
        salt: scrambles event and order ids.
    """

    settings: MarketSettings
    seed: int
    start: int
    columns: Columns
    ids: Mapping[str, pa.StringArray]
    item_category: Ints
    item_seller: Ints
    categories: tuple[str, ...]
    english: npt.NDArray[np.bool_]
    truth: Mapping[str, pa.Table]
    salt: int

    def __len__(self) -> int:
        return len(self.columns)


def simulate(settings: MarketSettings, seed: int) -> Market:
    """One market.

    Raises:
        MarketError: the start is no date, or rings and look-alikes alone would exceed the wished number of events.
    """
    try:
        day = dt.date.fromisoformat(settings.start)
    except ValueError:
        raise MarketError(f"start = {settings.start!r} is no date; write it as YYYY-MM-DD.") from None
    clock = make_clock(settings.days, day.weekday(), stream(seed, "clock"))
    catalogue = make_catalogue(settings, seed)
    people = make_people(settings, catalogue, clock, seed)
    world = World(settings, clock, catalogue, people)
    ledger = open_ledger(world)
    plan_lookalikes(ledger, seed)
    plan_rings(ledger, seed)
    ledger.break_ins = plan_break_ins(ledger, seed) if settings.takeovers.count else None
    columns = _act(world, ledger, seed)
    start = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) * 1_000_000
    rng = stream(seed, "ids")
    used = {name: _used(columns, name, limit) for name, limit in _limits(world, ledger).items()}
    ids = make_ids(settings, {name: len(codes) for name, (codes, _) in used.items()}, catalogue.sellers, rng)
    coded = _recode(columns, {name: places for name, (_, places) in used.items()}, start)
    items = used["item"][0]
    return Market(
        settings=settings,
        seed=seed,
        start=start,
        columns=coded,
        ids=ids,
        item_category=catalogue.category[items],
        item_seller=catalogue.seller[items],
        categories=tuple(f"c{code:05d}" for code in rng.permutation(100_000)[: len(catalogue.popularity)]),
        english=people.english[used["user"][0]],
        truth=make_truth(ledger, {name: places for name, (_, places) in used.items()}, ids, start, seed),
        salt=int(rng.integers(0, 2**62)),
    )


def _act(world: World, ledger: Ledger, seed: int) -> Columns:
    """Everybody's events, sorted by time."""
    settings, people = world.settings, world.people
    parts: list[Columns] = []
    if ledger.plans:
        for number, plan in enumerate(_batches(join_plans(ledger.plans))):
            parts.append(expand(world, plan.user, plan.time, plan, stream(seed, "planned", number)))
    planned = sum(map(len, parts))
    pilot_rng = stream(seed, "pilot")
    some = pilot_rng.integers(0, len(people), _PILOT_USERS).astype(np.int32)
    pilot = expand(world, *organic_visits(world, some, np.full(len(some), 3), pilot_rng), None, pilot_rng)
    per_session = len(pilot) / (3 * len(some))
    mean = _organic_sessions(world, (settings.events - planned) / per_session)
    every = max(1, round(len(people) * _BLOCK_EVENTS / settings.events))

    def block(number: int) -> Columns:
        rng = stream(seed, "organic", number)
        users = np.arange(number * every, min(len(people), (number + 1) * every), dtype=np.int32)
        quiet = people.load[users] == 0
        counts = quiet + rng.poisson(np.maximum(mean[users] - quiet, 0.0))
        return expand(world, *organic_visits(world, users, counts, rng), None, rng)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        parts += pool.map(block, range(-(-len(people) // every)))
    return _merge(parts)


def _batches(plan: Plan) -> list[Plan]:
    size = _BLOCK_EVENTS // 4
    return [plan.take(np.arange(low, min(low + size, len(plan)))) for low in range(0, len(plan), size)]


def _organic_sessions(world: World, wanted: float) -> Floats:
    """Mean sessions of each user's own: log-normal activity over the time they are there, less the time that plans take.

    The market is scaled until the sum is as wished. Everybody without a plan shows up at least once.
    """
    people, floor = world.people, world.settings.rings.organic_floor
    low, high = np.maximum(people.join, 0.0), np.minimum(people.leave, world.clock.end)
    # Newcomers are keener than old hands, so half the time makes more than half the visits.
    activity = people.activity * np.sqrt(np.maximum(high - low, 0.01 * world.clock.end) / world.clock.end)
    quiet = people.load == 0

    def mean(scale: float) -> Floats:
        own: Floats = np.maximum(activity * scale - people.load, floor * activity * scale)
        own[quiet] = np.maximum(own[quiet], 1.0)
        return own

    least, most = 0.0, 1.0
    if mean(0.0).sum() > wanted:
        raise MarketError(
            f"events = {world.settings.events} are too few for {world.settings.users} users with these rings and look-alikes; "
            "ask for more events or fewer users."
        )
    while mean(most).sum() < wanted:
        most *= 2
    for _ in range(40):
        middle = (least + most) / 2
        least, most = (middle, most) if mean(middle).sum() < wanted else (least, middle)
    return mean(most)


def _merge(parts: list[Columns]) -> Columns:
    """All parts sorted by time, a column at a time so that the peak stays low; orders are numbered anew."""
    orders = np.cumsum([0] + [int(part.order.max(initial=-1)) + 1 for part in parts])
    columns: dict[str, npt.NDArray[np.generic]] = {}
    rank = np.argsort(np.concatenate([part.time for part in parts]))
    for field in fields(Columns):
        pieces = [getattr(part, field.name) for part in parts]
        if field.name == "order":
            pieces = [np.where(piece >= 0, piece + first, -1).astype(np.int32) for piece, first in zip(pieces, orders, strict=False)]
        columns[field.name] = np.concatenate(pieces)[rank]
        for part in parts:
            object.__setattr__(part, field.name, None)
    return Columns(**columns)  # type: ignore[arg-type]


def _limits(world: World, ledger: Ledger) -> dict[str, int]:
    return {
        "user": len(world.people),
        "item": world.catalogue.items,
        "device": ledger.next_device,
        "ip": world.people.networks.codes,
        "address": ledger.next_address,
        "payment": ledger.next_payment,
    }


def _used(columns: Columns, name: str, limit: int) -> tuple[Longs, Longs]:
    """The codes that occur, and the place of every code among them (−1 where it does not occur)."""
    seen = np.zeros(limit, dtype=bool)
    codes = getattr(columns, name)
    seen[codes[codes >= 0]] = True
    return np.flatnonzero(seen), np.where(seen, np.cumsum(seen) - 1, -1)


def _recode(columns: Columns, places: Mapping[str, Longs], start: int) -> Columns:
    new: dict[str, npt.NDArray[np.generic]] = {}
    for field in fields(Columns):
        column = getattr(columns, field.name)
        if field.name == "time":
            column = start + (column * 1e6).astype(np.int64)
        elif field.name in places:
            table = np.append(places[field.name], -1).astype(np.int32)
            column = table[column]
        new[field.name] = column
        object.__setattr__(columns, field.name, None)
    return Columns(**new)  # type: ignore[arg-type]
