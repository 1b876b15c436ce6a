"""What brings many people at once, innocently: sales, packs of coupons, tickets, mails, lists for newcomers, releases for fans."""

from __future__ import annotations

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.streams import Ints
from graphdet.simulate.zoo.book import ACTION, Book, Group
from graphdet.simulate.zoo.habits import Habit, order_lines
from graphdet.simulate.zoo.town import Town


def sale(days: tuple[int, ...], share: float, goods: int = 20, each: float = 2.0) -> Habit:
    """Sale days: a share of all users buys what is on sale, whatever their taste, most of them in the first hours."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        for day in days:
            offered = rng.choice(len(town.goods), goods, replace=False).astype(np.int32)
            weight = (np.arange(goods) + 1.0) ** -0.7
            user = town.known_users(round(share * len(town.people)), rng)
            user = np.repeat(user, np.minimum(rng.geometric(1 / each, len(user)), 6))
            time = day * DAY + 10 * HOUR + np.minimum(rng.exponential(4 * HOUR, len(user)), 24 * HOUR)
            item = rng.choice(offered, len(user), p=weight / weight.sum())
            device, ip = town.places(user, rng)
            book.add(user, time, "view", item=item, device=device, ip=ip)
            bought = rng.random(len(user)) < 0.5
            order_lines(book, town, rng, user[bought], time[bought] + 90, item[bought], device[bought], ip[bought])
            book.groups.append(Group("flash_sale", np.unique(user)))

    return act


def coupon_day(day: int, share: float, packs: int, pack: int = 3) -> Habit:
    """A day on which a share of the users takes coupons: those of one shop come as one pack, all rows at one second."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        user = town.known_users(round(share * len(town.people)), rng)
        time = day * DAY + 8 * HOUR + rng.exponential(5 * HOUR, len(user))
        weight = (np.arange(packs) + 1.0) ** -1.0
        which = rng.choice(packs, len(user), p=weight / weight.sum())
        goods = rng.choice(len(town.goods), (packs, pack), replace=False).astype(np.int32)
        device, ip = town.places(user, rng)
        row = np.repeat(np.arange(len(user)), pack)
        book.add(user[row], time[row], "coupon", item=goods[which].ravel(), device=device[row], ip=ip[row])
        book.groups.append(Group("coupon_pack", user))

    return act


def tickets(shows: int, buyers: int) -> Habit:
    """Tickets for a show go on sale at one minute, and thousands wait for it; good shows are gone within the hour."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        shown = rng.choice(len(town.goods), shows, replace=False).astype(np.int32)
        for show in shown.tolist():
            opens = rng.integers(1, town.clock.days - 1) * DAY + 10 * HOUR
            user = town.known_users(int(rng.poisson(buyers)), rng)
            time = opens + rng.exponential(25 * 60, len(user))
            device, ip = town.places(user, rng)
            item = np.full(len(user), show, np.int32)
            book.add(user, time - 120 * rng.random(len(user)), "view", item=item, device=device, ip=ip)
            got = rng.random(len(user)) < 0.4
            order_lines(book, town, rng, user[got], time[got], item[got], device[got], ip[got])

    return act


def mailings(every_days: int, readers: int, links: int = 4) -> Habit:
    """A mail with some links, sent to many: whoever opens it clicks one or more of them within a minute or two."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        for day in range(1, town.clock.days - 1, every_days):
            goods = town.quiet_items(links, rng)
            user = town.known_users(readers, rng)
            opened = day * DAY + 9 * HOUR + rng.exponential(5 * HOUR, len(user))
            device, ip = town.places(user, rng)
            row = np.repeat(np.arange(len(user)), links)
            clicked = rng.random(len(row)) < 0.6
            row, item = row[clicked], np.tile(goods, len(user))[clicked]
            book.add(user[row], opened[row] + rng.exponential(40, len(row)), "click", item=item, device=device[row], ip=ip[row])
            book.groups.append(Group("mailing", np.unique(user[row])))

    return act


def newcomer_list(length: int, asked: float = 0.5, action: str = "review") -> Habit:
    """A list that the site shows to whoever joins: a share of it is rated or clicked within the first minutes."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        goods = np.sort(rng.choice(len(town.goods), length, replace=False)).astype(np.int32)
        user = np.flatnonzero(town.people.join >= 0).astype(np.int32)
        row = np.repeat(np.arange(len(user)), length)
        done = rng.random(len(row)) < asked
        row, item = row[done], np.tile(goods, len(user))[done]
        device, ip = town.places(user, rng)
        stars = rng.choice([3.0, 4.0, 5.0], len(row)) if action == "review" else np.full(len(row), np.nan)
        time = town.people.join[user][row] + 30 + np.cumsum(rng.exponential(5, len(row))) % 600
        book.add(user[row], time, np.full(len(row), ACTION[action], np.int8), item=item, rating=stars, device=device[row], ip=ip[row])
        book.groups.append(Group("newcomer_list", user))

    return act


def releases(clubs: int, fans: int, each_days: int = 9, action: str = "order") -> Habit:
    """Fan clubs: people who have long bought of one brand come to its releases within hours, and between them to its other goods."""

    def act(book: Book, town: Town, rng: np.random.Generator) -> None:
        for _ in range(clubs):
            user = town.known_users(10 + int(rng.poisson(fans - 10)), rng)
            brand = int(rng.choice(town.goods.seller))
            goods = np.flatnonzero(town.goods.seller == brand).astype(np.int32)
            _between(book, town, rng, user, goods, action)
            for day in np.arange(rng.integers(1, each_days), town.clock.days - 1, each_days).tolist():
                who = user[rng.random(len(user)) < 0.6]
                time = day * DAY + 12 * HOUR + rng.exponential(3 * HOUR, len(who))
                device, ip = town.places(who, rng)
                item = np.full(len(who), rng.choice(goods), np.int32)
                stars = np.full(len(who), 5.0 if action == "review" else np.nan)
                book.add(who, time, action, item=item, device=device, ip=ip, rating=stars, amount=town.goods.price[item])
            book.groups.append(Group("fan_club", user))

    return act


def _between(book: Book, town: Town, rng: np.random.Generator, user: Ints, goods: Ints, action: str) -> None:
    """Fans' lasting taste: some dealings with the brand's goods at any time."""
    row = np.repeat(user, rng.poisson(4, len(user)))
    time = town.clock.draw(np.zeros(len(row)), np.full(len(row), town.clock.end), rng)
    device, ip = town.places(row, rng)
    stars = np.full(len(row), 5.0 if action == "review" else np.nan)
    book.add(row, time, action, item=rng.choice(goods, len(row)), device=device, ip=ip, rating=stars)
