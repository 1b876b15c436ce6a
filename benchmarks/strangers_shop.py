"""A shop and its honest people, as somebody would imagine them who never saw graphdet.simulate: sessions, families, clubs, sales, mails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
HOUR, DAY = 3_600, 86_400
HOURS = np.array([6, 3, 2, 1, 1, 2, 6, 14, 22, 26, 28, 32, 38, 34, 28, 26, 28, 32, 40, 52, 62, 60, 42, 20], float)
WEEK = np.array([1.0, 0.95, 0.95, 1.0, 1.1, 1.35, 1.3])
NONE = -1


@dataclass
class Shop:
    """Users, items and rows so far; every habit and every tactic adds rows."""

    rng: np.random.Generator
    users: int
    days: int
    blocks: list[pd.DataFrame] = field(default_factory=list)
    groups: list[tuple[str, bool, Ints]] = field(default_factory=list)
    sale: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # things of the sale day
    fresh: int = 10_000_000  # next unused device, network, card or address

    def __post_init__(self) -> None:
        rng, people = self.rng, self.users
        self.items = people // 4
        self.category = rng.choice(60, self.items, p=_zipf(60, 0.7))
        self.seller = self.category * 20 + rng.choice(20, self.items, p=_zipf(20, 1.0))
        self.price = np.round(rng.lognormal(3, 0.9, self.items), 2)
        self.pull = rng.pareto(1.3, self.items) + 0.05
        self.shelves = [np.flatnonzero(self.category == shelf) for shelf in range(60)]
        self.joined = np.where(rng.random(people) < 0.85, 0, rng.integers(0, self.days - 3, people)) * DAY
        self.home = np.arange(people) + 1_000_000
        self.address = np.arange(people)
        self.device = np.arange(people)
        self.card = np.arange(people)
        self.own = np.zeros(people)  # 1: never on a carrier's address
        self.free = rng.permutation(people)  # who is in no group yet

    def draw(self, size: int) -> Ints:
        """People who are in no other group."""
        chosen, self.free = self.free[:size], self.free[size:]
        return chosen

    def new(self, size: int) -> Ints:
        self.fresh += size
        return np.arange(self.fresh - size, self.fresh)

    def told(self, kind: str, fraud: bool, who: Ints) -> None:
        self.groups.append((kind, fraud, np.unique(who)))

    def goods(self, size: int, sellers: int = 0, quiet: bool = True) -> Ints:
        """Things to gather at: of one or a few sellers, or of anybody; not the bestsellers if quiet."""
        able = np.flatnonzero(self.pull < np.quantile(self.pull, 0.8)) if quiet else np.arange(self.items)
        if sellers:
            counts = pd.Series(self.seller[able]).value_counts()
            picked = self.rng.choice(counts.index[counts >= -(-size // sellers)].to_numpy(), sellers, replace=False)
            able = able[np.isin(self.seller[able], picked)]
        return self.rng.choice(able, min(size, len(able)), replace=False)

    def add(self, who: Ints, items: Ints | int, times: Ints, action: str, **things: Ints | None) -> None:
        """Rows; a thing that is not told is the user's own, and the network at times a carrier's."""
        size = len(who)
        carrier = (self.rng.random(size) < 0.35) & (self.own[who] == 0)
        usual = {
            "device_id": self.device[who],
            "ip": np.where(carrier, 500_000 + self.rng.integers(0, 40, size), self.home[who]),
            "payment_id": self.card[who] if action in ("order", "pay") else np.full(size, NONE),
            "address_id": self.address[who] if action == "order" else np.full(size, NONE),
        }
        for name, given in things.items():
            if given is not None and name in usual and not (usual[name] == NONE).all():
                usual[name] = given
        rating, text = things.get("rating"), things.get("text")
        columns = {"user_id": who, "item_id": items, "timestamp": times, "action": action, **usual}
        columns |= {"rating": NONE if rating is None else rating, "text": NONE if text is None else text}
        self.blocks.append(pd.DataFrame(columns))

    def come(
        self, who: Ints, items: Ints, times: Ints, orders: float, reviews: float = 0.1, refunds: float = 0.05, **things: Ints | None
    ) -> None:
        """Each looks at a thing; some order it minutes later, pay, and review it or send it back days later."""
        rng = self.rng
        self.add(who, items, times, "view", **things)
        bought = np.flatnonzero(rng.random(len(who)) < orders)
        later = times[bought] + rng.integers(40, 900, len(bought))
        kept = {name: None if thing is None else thing[bought] for name, thing in things.items()}
        self.add(who[bought], items[bought], later, "order", **kept)
        for action, share in (("review", reviews), ("refund", refunds)):
            some = np.flatnonzero(rng.random(len(bought)) < share)
            if action == "review" and kept.get("rating") is None:
                kept["rating"] = rng.choice([1, 2, 3, 4, 5], len(bought), p=[0.09, 0.05, 0.1, 0.22, 0.54])
                kept["text"] = rng.integers(10**6, 10**12, len(bought))
            thing = {name: None if value is None else value[some] for name, value in kept.items()}
            self.add(who[bought][some], items[bought][some], later[some] + rng.integers(2 * DAY, 12 * DAY, len(some)), action, **thing)

    def clock(self, size: int, days: Ints | None = None) -> Ints:
        """Moments when people are awake, on days as a week has them."""
        if days is None:
            weight = WEEK[np.arange(self.days) % 7]
            days = self.rng.choice(self.days, size, p=weight / weight.sum())
        hours = self.rng.choice(24, size, p=HOURS / HOURS.sum())
        return days * DAY + hours * HOUR + self.rng.integers(0, HOUR, size)

    def towards(self, who: Ints) -> Ints:
        """Things that these people would look at: mostly of their own few shelves, the bestsellers more often."""
        taste = (who * 7 + self.rng.geometric(0.5, len(who)) * 13 + who // 11) % 60
        taste = np.where(self.rng.random(len(who)) < 0.25, self.rng.choice(60, len(who), p=_zipf(60, 0.7)), taste)
        found = np.empty(len(who), np.int64)
        for shelf in range(60):
            at = np.flatnonzero(taste == shelf)
            weight = self.pull[self.shelves[shelf]]
            found[at] = self.rng.choice(self.shelves[shelf], len(at), p=weight / weight.sum())
        return found


def _zipf(size: int, slope: float) -> npt.NDArray[np.float64]:
    weight = 1 / np.arange(1, size + 1) ** slope
    return np.asarray(weight / weight.sum(), np.float64)


def days_near(shop: Shop, first: int, length: float, size: int) -> Ints:
    return np.minimum(first + shop.rng.uniform(0, length, size).astype(np.int64), shop.days - 1)


def everyday(shop: Shop) -> None:
    """Sessions: a bout of looks at one or two shelves, now and then an order; some things are bought again and again."""
    rng = shop.rng
    count = np.maximum(1, rng.negative_binomial(0.9, 0.2, shop.users))
    who = np.repeat(np.arange(shop.users), count)
    begin = shop.clock(len(who))
    who, begin = who[begin >= shop.joined[who]], begin[begin >= shop.joined[who]]
    looks = np.minimum(rng.geometric(0.42, len(who)), 15)
    session = np.repeat(np.arange(len(who)), looks)
    step = np.arange(len(session)) - np.repeat(np.cumsum(looks) - looks, looks)
    times = begin[session] + step * rng.integers(15, 200, len(session))
    items = shop.towards(who[session])
    loyal = rng.random(len(session)) < 0.2
    staple = np.random.default_rng(5).integers(0, shop.items, (shop.users, 3))
    items = np.where(loyal, staple[who[session], rng.integers(0, 3, len(session))], items)
    second = (rng.random(len(who)) < 0.3) & (who % 3 == 0)  # a laptop beside the phone
    device = np.where(second, shop.device[who] + 2_000_000, shop.device[who])
    shop.come(who[session], items, times, 0.12, 0.2, 0.08, device_id=device[session])


def homes(shop: Shop) -> None:
    """Families: one network, one address, every fifth with one tablet, some with one card."""
    for _ in range(shop.users // 14):
        who = shop.draw(int(shop.rng.integers(2, 5)))
        shop.home[who], shop.address[who] = shop.home[who[0]], shop.address[who[0]]
        if shop.rng.random() < 0.2:
            shop.device[who] = shop.device[who[0]]
        if shop.rng.random() < 0.3:
            shop.card[who] = shop.card[who[0]]
        shop.told("family", False, who)


def dormitories(shop: Shop) -> None:
    for _ in range(3):
        who = shop.draw(240)
        shop.home[who], shop.own[who] = shop.new(2)[shop.rng.integers(0, 2, len(who))], 1
        shop.address[who] = shop.new(1)
        shop.told("dormitory", False, who)
        for _ in range(4):  # pizza night: what one orders, the floor orders
            floor = shop.rng.choice(who, 18, replace=False)
            shop.come(floor, np.repeat(shop.goods(1), 18), shop.clock(1) + shop.rng.integers(0, HOUR, 18), 0.9)


def offices(shop: Shop) -> None:
    """Colleagues behind one address, of whom some have the same things delivered every Monday morning."""
    for _ in range(12):
        who = shop.draw(25)
        lines, desk = shop.new(1), shop.new(1)
        shop.home[who], shop.own[who] = lines, 1
        team, basket = who[:6], shop.goods(4)
        for week in range(shop.days // 7):
            there = np.repeat(team[shop.rng.random(6) < 0.85], 4)
            times = (
                week * 7 * DAY
                + 9 * HOUR
                + np.repeat(shop.rng.integers(0, 2 * HOUR, len(there) // 4), 4)
                + shop.rng.integers(0, 90, len(there))
            )
            shop.come(there, np.tile(basket, len(there) // 4), times, 0.95, 0, 0, address_id=np.repeat(desk, len(there)))
        shop.told("office", False, who)


def cafes(shop: Shop) -> None:
    for _ in range(5):
        guests, machines, line = shop.draw(80), shop.new(15), shop.new(1)
        who = np.repeat(guests, shop.rng.integers(1, 8, len(guests)))
        times = shop.clock(len(who))
        shop.come(who, shop.towards(who), times, 0.1, device_id=shop.rng.choice(machines, len(who)), ip=np.repeat(line, len(who)))
        shop.told("internet café", False, guests)


def clubs(shop: Shop) -> None:
    """Fans of one maker: each week something new comes out, and half of them are there within hours."""
    for _ in range(8):
        who, things = shop.draw(int(shop.rng.integers(30, 90))), shop.goods(12, sellers=1)
        for week, thing in enumerate(things[: shop.days // 7]):
            there = who[shop.rng.random(len(who)) < 0.5]
            opens = week * 7 * DAY + 4 * DAY + 18 * HOUR
            shop.come(there, np.repeat(thing, len(there)), opens + shop.rng.exponential(2 * HOUR, len(there)).astype(np.int64), 0.3)
        more = np.repeat(who, 5)
        shop.come(more, shop.rng.choice(things, len(more)), shop.clock(len(more)), 0.1)
        shop.told("fan club", False, who)


def hunters(shop: Shop) -> None:
    """People who look at the deal of the day soon after midnight, whatever it is."""
    who = shop.draw(150)
    for day in range(shop.days):
        there = who[shop.rng.random(len(who)) < 0.3]
        shop.come(there, np.repeat(shop.goods(1), len(there)), day * DAY + shop.rng.exponential(HOUR, len(there)).astype(np.int64), 0.15)
    shop.told("deal hunters", False, who)


def neighbours(shop: Shop) -> None:
    """A leader posts a thing twice a week, and the staircase orders it within the evening, to the leader's door or their own."""
    for _ in range(14):
        who = shop.draw(int(shop.rng.integers(12, 30)))
        doors = np.where(shop.rng.random(len(who)) < 0.6, shop.address[who[0]], shop.address[who])
        for day in range(int(shop.rng.integers(0, 3)), shop.days, 4):
            at = np.flatnonzero(shop.rng.random(len(who)) < 0.45)
            times = day * DAY + 19 * HOUR + shop.rng.exponential(1.5 * HOUR, len(at)).astype(np.int64)
            shop.come(who[at], np.repeat(shop.goods(1), len(at)), times, 0.85, 0.1, 0.02, address_id=doors[at])
        shop.told("group-buy", False, who)


def resellers(shop: Shop) -> None:
    for _ in range(10):
        who = shop.draw(3)
        shop.address[who], shop.home[who] = shop.address[who[0]], shop.home[who[0]]
        often = np.repeat(who, 25)
        shop.come(often, shop.rng.choice(shop.goods(8, sellers=2), len(often)), shop.clock(len(often)), 0.9, 0, 0)
        shop.told("reseller", False, who)


def classes(shop: Shop) -> None:
    """A school's list: the same seven things within ten days, each family from home, mostly in one basket."""
    for _ in range(6):
        who, things = shop.draw(28), shop.goods(7)
        begin = shop.clock(len(who), days_near(shop, int(shop.rng.integers(0, shop.days - 10)), 8, len(who)))
        at = np.flatnonzero(shop.rng.random((len(who), 7)) < 0.8)
        shop.come(who[at // 7], things[at % 7], begin[at // 7] + (at % 7) * shop.rng.integers(20, 120, len(at)), 0.8, 0.05)
        shop.told("school class", False, who)


def sale_day(shop: Shop) -> None:
    """Thirty things at half price, a fifth of the users within the day, most of them at noon or in the evening."""
    shop.sale = shop.goods(30, quiet=False)
    who = shop.rng.choice(shop.users, shop.users // 5, replace=False)
    who = np.repeat(who, shop.rng.geometric(0.45, len(who)))
    shop.come(who, shop.rng.choice(shop.sale, len(who), p=_zipf(30, 0.8)), shop.clock(len(who), np.full(len(who), 24)), 0.35)
    shop.told("sale day", False, who)


def influencers(shop: Shop) -> None:
    """Somebody shows a thing to a thousand followers every week or two, and a third comes within the hours after."""
    for _ in range(3):
        who = shop.rng.choice(shop.users, 900, replace=False)
        for day in range(int(shop.rng.integers(0, 7)), shop.days, 9):
            there = who[shop.rng.random(len(who)) < 0.3]
            shop.come(
                there,
                np.repeat(shop.goods(1), len(there)),
                shop.clock(1, np.array([day])) + shop.rng.exponential(3 * HOUR, len(there)).astype(np.int64),
                0.1,
            )
        shop.told("followers", False, who)


def newsletter(shop: Shop) -> None:
    """A mail with six links on Thursdays at seven: few readers, some click several links one after the other."""
    who = shop.rng.choice(shop.users, shop.users // 5, replace=False)
    for week in range(shop.days // 7):
        there, things = who[shop.rng.random(len(who)) < 0.1], shop.goods(6)
        at = np.flatnonzero(shop.rng.random((len(there), 6)) < 0.3)
        opened = week * 7 * DAY + 3 * DAY + 7 * HOUR + shop.rng.exponential(5 * HOUR, len(there)).astype(np.int64)
        shop.come(there[at // 6], things[at % 6], opened[at // 6] + (at % 6) * shop.rng.integers(5, 60, len(at)), 0.06)
    shop.told("newsletter", False, who)


def sellers(shop: Shop) -> None:
    """Who sells looks at their own goods daily, from one desk, under two names."""
    for _ in range(25):
        who, things = shop.draw(2), shop.goods(6, sellers=1)
        shop.device[who], shop.home[who] = shop.device[who[0]], shop.home[who[0]]
        often = np.repeat(who, 20)
        shop.come(often, shop.rng.choice(things, len(often)), shop.clock(len(often)), 0)
        shop.told("seller's desk", False, who)


HONEST: tuple[Callable[[Shop], None], ...] = (
    *(homes, dormitories, offices, cafes, clubs, hunters, neighbours, resellers, classes, sale_day, influencers, newsletter, sellers),
)
