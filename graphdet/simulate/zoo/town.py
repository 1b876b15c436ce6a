"""A shop's people and goods in codes: who is how busy, likes what, lives and works where; what belongs together and sells how well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.simulate.clock import DAY, Clock, make_clock
from graphdet.simulate.streams import Floats, Ints, ranges, stream

START_WEEKDAY = 0  # logs begin on a Monday


@dataclass(frozen=True)
class Goods:
    """m items, sorted by category; items of one category stand together, best-selling first."""

    category: Ints  # (m,)
    seller: Ints  # (m,)
    price: Floats  # (m,)
    launch: Floats  # (m,) seconds; before the log for most
    first: Ints  # (categories + 1,)
    share: Floats  # (m,) cumulative popularity, within each category from its number up to the next

    def __len__(self) -> int:
        return len(self.category)

    def draw(self, category: Ints, time: Floats, rng: np.random.Generator) -> Ints:
        """An item of each category by popularity; the best-selling one where what was drawn is not on sale yet."""
        place = np.minimum(np.searchsorted(self.share, category + rng.random(len(category))), self.first[category + 1] - 1)
        return np.where(self.launch[place] <= time, place, self.first[category]).astype(np.int32)


@dataclass(frozen=True)
class People:
    """n accounts.

    Attributes:
        activity: (n,) share of the shop's visits.
        join: (n,) seconds at which the account is opened; below 0 for most.
        taste: (n, 3) categories that the account cares for, the first most.
        home, work: (n,) code of the network at home, and at work, campus or office (−1 = none).
        tablet: (n,) device that the home shares, −1 = none.
    """

    activity: Floats
    join: Floats
    taste: Ints
    home: Ints
    work: Ints
    tablet: Ints

    def __len__(self) -> int:
        return len(self.join)


@dataclass(frozen=True)
class Town:
    """All that stands still while people act; `carriers` and `cafes` are ranges of network codes that everybody shares."""

    clock: Clock
    goods: Goods
    people: People
    carriers: tuple[int, int]
    cafes: tuple[int, int]
    devices: int
    ips: int

    def places(self, user: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Device and network of one visit of each of these users."""
        people, count = self.people, len(user)
        own = user * 2 + (rng.random(count) < 0.15)
        where = rng.random(count)
        ip = np.where(where < 0.45, people.home[user], rng.integers(*self.carriers, count))
        ip = np.where((where > 0.85) & (people.work[user] >= 0), people.work[user], ip)
        in_cafe = rng.random(count) < 0.01
        ip = np.where(in_cafe, rng.integers(*self.cafes, count), ip)
        on_tablet = (where < 0.45) & (people.tablet[user] >= 0) & (rng.random(count) < 0.3)
        return np.where(on_tablet, people.tablet[user], own).astype(np.int32), ip.astype(np.int32)

    def visitors(self, visits: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """About so many visits: who by activity, when by the clock, in bouts of a few days; nobody before joining."""
        user = np.searchsorted(np.cumsum(self.people.activity), rng.random(visits)).clip(0, len(self.people) - 1)
        middle = rng.random((len(self.people), 3))[user, rng.integers(0, 3, visits)] * self.clock.end
        bout = rng.random(visits) < 0.5
        low = np.where(bout, np.maximum(middle - DAY, 0), 0.0)
        time = self.clock.draw(low, np.where(bout, np.minimum(middle + DAY, self.clock.end), self.clock.end), rng)
        there = time >= self.people.join[user]
        return user[there].astype(np.int32), time[there]

    def wishes(self, user: Ints, rng: np.random.Generator) -> Ints:
        """A category that each user looks at: mostly of their taste."""
        liked = self.people.taste[user, np.minimum(rng.geometric(0.55, len(user)) - 1, 2)]
        anything = self.goods.category[rng.integers(0, len(self.goods), len(user))]
        return np.where(rng.random(len(user)) < 0.8, liked, anything).astype(np.int32)

    def known_users(self, count: int, rng: np.random.Generator) -> Ints:
        """Distinct users who were there before the log began, busier ones likelier."""
        old = np.flatnonzero(self.people.join < 0)
        weight = self.people.activity[old]
        return rng.choice(old, min(count, len(old)), replace=False, p=weight / weight.sum()).astype(np.int32)

    def quiet_items(self, count: int, rng: np.random.Generator) -> Ints:
        """Distinct items of the less popular half of their categories, on sale from the beginning."""
        rank = ranges(np.diff(self.goods.first)) / np.repeat(np.diff(self.goods.first), np.diff(self.goods.first))
        quiet = np.flatnonzero((rank > 0.5) & (self.goods.launch < 0))
        return np.sort(rng.choice(quiet, min(count, len(quiet)), replace=False)).astype(np.int32)


def make_town(users: int, days: int, items: int, categories: int, newcomers: float, seed: int) -> Town:
    """People and goods of one shop.

    Args:
        users, items, categories: how many.
        days: length of the log.
        newcomers: share of users who join while the log runs.
    """
    rng = stream(seed, "town")
    clock = make_clock(days, START_WEEKDAY, rng)
    goods = _make_goods(items, categories, clock, rng)
    households = max(users // 2, 1)
    home = rng.integers(0, households, users)
    workplaces = max(users // 60, 1)
    carriers, cafes = max(users // 300, 2), max(users // 1500, 2)
    first_work, first_carrier, first_cafe = households, households + workplaces, households + workplaces + carriers
    has_work, has_tablet = rng.random(users) < 0.35, (rng.random(households) < 0.2)[home]
    activity = rng.lognormal(0, 0.8, users)
    weight = (np.arange(categories) + 2.0) ** -0.9
    people = People(
        activity=activity / activity.sum(),
        join=np.where(rng.random(users) < newcomers, rng.random(users) * clock.end, -1.0),
        taste=rng.choice(categories, (users, 3), p=weight / weight.sum()).astype(np.int32),
        home=home.astype(np.int32),
        work=np.where(has_work, first_work + (workplaces * rng.random(users) ** 2).astype(np.int64), -1).astype(np.int32),
        tablet=np.where(has_tablet, 2 * users + home, -1).astype(np.int32),
    )
    return Town(
        clock, goods, people, (first_carrier, first_cafe), (first_cafe, first_cafe + cafes),
        devices=2 * users + households, ips=first_cafe + cafes,
    )  # fmt: skip


def _make_goods(items: int, categories: int, clock: Clock, rng: np.random.Generator) -> Goods:
    size = rng.multinomial(max(items - 3 * categories, 0), rng.dirichlet(np.full(categories, 2.0))) + 3
    category = np.repeat(np.arange(categories), size)
    first = np.concatenate([[0], np.cumsum(size)]).astype(np.int32)
    weight = (ranges(size) + 2.0) ** -1.1
    total = np.bincount(category, weight)
    within = np.cumsum(weight) - np.repeat(np.concatenate([[0.0], np.cumsum(total)[:-1]]), size)
    new = (rng.random(len(category)) < 0.1) & (ranges(size) > 0)
    sellers = max(len(category) // 15, 1)
    return Goods(
        category=category.astype(np.int32),
        seller=((category * 7919 + ranges(size) // 15 * 31) % sellers).astype(np.int32),
        price=np.round(rng.lognormal(3, 0.9, len(category)), 2),
        launch=np.where(new, rng.random(len(category)) * clock.end, -1.0),
        first=first,
        share=category + within / total[category],
    )
