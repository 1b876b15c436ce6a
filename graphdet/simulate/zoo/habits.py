"""What ordinary people do at a shop, day by day. Each habit is a function of its knobs that gives what is written into the book.

Rows that are one choice come together, as they do in life: the lines of an order, the goods of a set, all that one page showed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.streams import Floats, Ints, ranges
from graphdet.simulate.zoo.book import ACTION, Book, Group
from graphdet.simulate.zoo.town import Town

Habit = Callable[[Book, Town, np.random.Generator], None]


def browse(visits: float, looks: float = 2.0, orders: float = 0.15, lines: float = 1.0) -> Habit:
    """`visits` a user, each with some `looks` at items of their taste, a share of which is ordered, in `lines` of one order on average."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(visits * len(town.people)), rng)
        device, ip = town.places(user, rng)
        wish = town.wishes(user, rng)
        count = np.minimum(rng.geometric(1 / looks, len(user)), 20)
        visit = np.repeat(np.arange(len(user)), count)
        when = time[visit] + np.cumsum(rng.exponential(40, len(visit))) % 1800 * (ranges(count) > 0)
        item = town.goods.draw(wish[visit], when, rng)
        given = {"device": device[visit], "ip": ip[visit]}
        book.add(
            user[visit], when, np.where(rng.random(len(visit)) < 0.6, ACTION["view"], ACTION["click"]).astype(np.int8), item=item, **given
        )
        bought = np.flatnonzero(rng.random(len(visit)) < orders)
        of = visit[bought]
        order_lines(
            book, town, rng, user[of], when[bought] + 60 + rng.exponential(120, len(bought)), item[bought], device[of], ip[of], lines
        )

    return act


def order_lines(
    book: Book, town: Town, rng: np.random.Generator, user: Ints, time: Floats, item: Ints, device: Ints, ip: Ints, lines: float = 1.0
) -> None:
    """An order of each user: the item and what goes with it, all lines at one second, paid by the user's card to the user's address."""
    count = np.minimum(rng.geometric(1 / lines, len(user)), 8)
    row = np.repeat(np.arange(len(user)), count)
    extra = ranges(count)
    goods = np.where(extra == 0, item[row], town.goods.draw(town.goods.category[item[row]], time[row], rng))
    order = book.take("order", len(user))
    book.add(
        user[row], time[row], "order", item=goods, device=device[row], ip=ip[row], order=order[row], amount=town.goods.price[goods],
        payment=user[row], address=town.people.home[user[row]],
    )  # fmt: skip


def sets(count: int, pieces: int, buyers: int) -> Habit:
    """Goods that are sold as a set: whoever buys one buys all of it, in one order at one second."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        for _ in range(count):
            goods = town.quiet_items(pieces, rng)
            user = town.known_users(buyers, rng)
            device, ip = town.places(user, rng)
            time = town.clock.draw(np.zeros(len(user)), np.full(len(user), town.clock.end), rng)
            order = book.take("order", len(user))
            _together(book, user, time, goods, "order", device, ip, order=np.repeat(order, pieces), payment=np.repeat(user, pieces))
            book.groups.append(Group("set", user))

    return act


def _together(book: Book, user: Ints, time: Floats, goods: Ints, action: str, device: Ints, ip: Ints, **given: Ints) -> None:
    """All the goods, of each user at one second."""
    row = np.repeat(np.arange(len(user)), len(goods))
    book.add(user[row], time[row], action, item=np.tile(goods, len(user)), device=device[row], ip=ip[row], **given)


def impressions(visits: float, shown: int = 6) -> Habit:
    """Pages that show a list: all that stands on it is logged as seen at one second. The list is the category's best-selling goods."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(visits * len(town.people)), rng)
        device, ip = town.places(user, rng)
        wish = town.wishes(user, rng)
        row = np.repeat(np.arange(len(user)), shown)
        room = np.diff(town.goods.first)[wish]
        page = np.minimum(rng.geometric(0.6, len(user)) - 1, (room - 1) // shown)
        place = (page * shown)[row] + np.tile(np.arange(shown), len(user))
        there = place < room[row]
        row, place = row[there], place[there]
        book.add(user[row], time[row], "view", item=town.goods.first[wish[row]] + place, device=device[row], ip=ip[row])

    return act


def reviews(each: float) -> Habit:
    """Reviews of what people bought here or elsewhere, with stars."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(each * len(town.people)), rng)
        item = town.goods.draw(town.wishes(user, rng), time, rng)
        device, ip = town.places(user, rng)
        stars = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], len(user), p=[0.08, 0.06, 0.12, 0.28, 0.46])
        book.add(user, time, "review", item=item, rating=stars, device=device, ip=ip)

    return act


def logins(each: float) -> Habit:
    """Log-ins, and nothing else: from homes, work, carriers, cafés, and tablets that a home shares."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(each * len(town.people)), rng)
        device, ip = town.places(user, rng)
        book.add(user, time, "login", device=device, ip=ip)

    return act


def payments(each: float) -> Habit:
    """Payments by one's own card, at times by that of somebody in one's home."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(each * len(town.people)), rng)
        _, ip = town.places(user, rng)
        family = rng.random(len(user)) < 0.1
        card = np.where(family, len(town.people) + town.people.home[user], user)
        book.add(
            user, time, "pay", ip=ip, payment=card, amount=np.round(rng.lognormal(3.3, 1.0, len(user)), 2), address=town.people.home[user]
        )

    return act


def standing_orders(companies: int, colleagues: int, goods: int) -> Habit:
    """Companies whose buyers order the same goods every week, at the hour at which their system does so."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        for _ in range(companies):
            user = town.known_users(2 + int(rng.poisson(colleagues - 2)), rng)
            items = town.quiet_items(1 + int(rng.poisson(goods)), rng)
            week = DAY * rng.integers(0, 7) + HOUR * rng.integers(7, 18)
            ip = int(town.people.work[user].max())
            address = int(town.people.home[user[0]])
            for start in np.arange(week, town.clock.end, 7 * DAY).tolist():
                who = user[rng.random(len(user)) < 0.85]
                if len(who):
                    order = book.take("order", len(who))
                    time = start + rng.exponential(900, len(who))
                    _together(
                        book, who, time, items, "order", who * 2, np.full(len(who), ip, np.int32), order=np.repeat(order, len(items)),
                        address=np.full(len(who) * len(items), address, np.int32),
                    )  # fmt: skip
            book.groups.append(Group("bulk_office", user))

    return act


def meals(each: float, favourites: int = 4) -> Habit:
    """Lunch and dinner from a few favourite places nearby: places of one's district, which is a category here."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(each * len(town.people)), rng)
        dinner = rng.random(len(user)) < 0.55
        time = time // DAY * DAY + np.where(dinner, rng.normal(19, 0.9, len(user)), rng.normal(12.2, 0.6, len(user))) * HOUR
        favourite = town.goods.draw(np.repeat(town.people.taste[:, 0], favourites), np.zeros(len(town.people) * favourites), rng)
        place = favourite.reshape(-1, favourites)[user, rng.integers(0, favourites, len(user))]
        elsewhere = rng.random(len(user)) < 0.25
        place = np.where(elsewhere, town.goods.draw(town.wishes(user, rng), time, rng), place).astype(np.int32)
        device, ip = town.places(user, rng)
        order_lines(book, town, rng, user, time, place, device, ip)

    return act


def daily_game(days_played: float, levels: int = 3) -> Habit:
    """A game in a shop: the same few new levels every day, at which everybody who plays comes by."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(days_played * len(town.people)), rng)
        device, ip = town.places(user, rng)
        row = np.repeat(np.arange(len(user)), levels)
        level = (time[row] // DAY).astype(np.int64) * levels + np.tile(np.arange(levels), len(user))
        when = time[row] + np.tile(np.arange(levels), len(user)) * rng.exponential(90, len(row))
        played = rng.random(len(row)) < 0.9
        book.add(
            user[row][played], when[played], "click", item=(level % len(town.goods))[played], device=device[row][played], ip=ip[row][played]
        )

    return act


def news(reads: float, articles_a_day: int, comments: float = 0.1) -> Habit:
    """Articles that live for hours: read soon after they appear, the front page most; some readers comment. Articles are goods in turn."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user, time = town.visitors(round(reads * len(town.people)), rng)
        age = rng.exponential(6 * HOUR, len(user))
        slot = DAY / articles_a_day
        number = ((np.maximum(time - age, 0)) // slot).astype(np.int64)
        front = rng.random(len(user)) < 0.4  # one article in eight is put on the front page
        number = np.where(front, number // 8 * 8, number)
        device, ip = town.places(user, rng)
        item = (number % len(town.goods)).astype(np.int32)
        book.add(user, time, "view", item=item, device=device, ip=ip)
        said = np.flatnonzero(rng.random(len(user)) < comments)
        book.add(user[said], time[said] + 60 + rng.exponential(240, len(said)), "review", item=item[said], device=device[said], ip=ip[said])

    return act
