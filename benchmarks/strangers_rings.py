"""Fraud in the stranger's shop: each tactic adds its rows and says who did it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from strangers_shop import DAY, HOUR, Ints, Shop, days_near


def _tasks(shop: Shop, who: Ints, things: Ints, first: int, length: float, each: tuple[int, int], orders: float, **more: float) -> None:
    """A list of tasks: each worker takes some of the things, when they have time, and looks at others before."""
    count = np.minimum(shop.rng.integers(*each, len(who), endpoint=True), len(things))
    worker = np.repeat(who, count)
    task = np.concatenate([shop.rng.choice(things, size, replace=False) for size in count])
    open_from = dict(zip(things.tolist(), shop.rng.uniform(0, length * 0.6, len(things)), strict=True))
    begun = first + np.array([open_from[thing] for thing in task.tolist()])
    times = shop.clock(len(task), np.minimum(begun + shop.rng.uniform(0, length * 0.4, len(task)), shop.days - 1).astype(np.int64))
    looked = np.repeat(np.arange(len(task)), shop.rng.integers(0, 3, len(task)))
    shop.add(worker[looked], shop.towards(worker[looked]), times[looked] - shop.rng.integers(30, 600, len(looked)), "view")
    five = np.full(len(task), 5)
    words = shop.rng.integers(0, 8, len(task)) + 100 if more.get("copied") else shop.rng.integers(10**6, 10**12, len(task))
    shop.come(worker, task, times, orders, more.get("reviews", 0.6), more.get("refunds", 0), rating=five, text=words)


def _when(shop: Shop, length: float) -> int:
    return int(shop.rng.integers(1, max(2, shop.days - int(length))))


def brushing(shop: Shop) -> Ints:
    who = shop.draw(int(shop.rng.integers(30, 60)))
    _tasks(shop, who, shop.goods(14, sellers=3), _when(shop, 12), 12, (3, 7), 0.8, copied=1)
    return who


def slow(shop: Shop) -> Ints:
    who = shop.draw(30)
    _tasks(shop, who, shop.goods(14, sellers=3), 0, shop.days, (4, 8), 0.7)
    return who


def ghost(shop: Shop) -> Ints:
    """Own phone, own line, own card, new words: items and times alone tell."""
    who = shop.draw(32)
    shop.own[who] = 1
    _tasks(shop, who, shop.goods(14), _when(shop, 9), 9, (4, 7), 0.5)
    return who


def crew_copied(shop: Shop) -> Ints:
    return _crew(shop, True)


def crew_own_words(shop: Shop) -> Ints:
    return _crew(shop, False)


def _crew(shop: Shop, copied: bool) -> Ints:
    """Five stars without an order."""
    who, things = shop.draw(26), shop.goods(18)
    at = np.flatnonzero(shop.rng.random((26, 18)) < 0.3)
    times = shop.clock(len(at), days_near(shop, _when(shop, 14), 4, 18)[at % 18] + shop.rng.integers(0, 3, len(at)))
    words = shop.rng.integers(0, 5, len(at)) + 200 if copied else shop.rng.integers(10**6, 10**12, len(at))
    shop.add(who[at // 18], things[at % 18], np.minimum(times, shop.days * DAY - 1), "review", rating=np.full(len(at), 5), text=words)
    return who


def _farm(shop: Shop, accounts: int, phones: int, length: float, each: tuple[int, int]) -> Ints:
    who = shop.draw(accounts)
    first = _when(shop, length)
    shop.joined[who] = shop.days * DAY + 1  # nothing but their work
    things, lines = shop.new(phones), shop.new(max(1, phones // 4))
    shop.device[who] = things[np.arange(accounts) % phones]
    shop.home[who], shop.own[who] = lines[np.arange(accounts) % len(lines)], 1
    shop.address[who] = shop.new(max(1, accounts // 30))[np.arange(accounts) % max(1, accounts // 30)]
    _tasks(shop, who, shop.goods(20), first, length, each, 0.6)
    return who


def farm_small(shop: Shop) -> Ints:
    return _farm(shop, 12, 2, 10, (3, 6))


def farm_large(shop: Shop) -> Ints:
    return _farm(shop, 400, 10, 20, (2, 5))


def farm_huge(shop: Shop) -> Ints:
    return _farm(shop, 3000, 24, 5, (1, 2))


def hijacked(shop: Shop) -> Ints:
    """Other people's accounts, from the thief's machines, at the thief's goods, sent to the thief's drops."""
    who, machines = shop.draw(45), shop.new(3)
    worker = np.repeat(who, 3)
    times = np.repeat(shop.clock(45, days_near(shop, _when(shop, 6), 6, 45)), 3) + shop.rng.integers(0, 1200, len(worker))
    put = {
        "device_id": shop.rng.choice(machines, 45).repeat(3),
        "ip": shop.new(45).repeat(3),
        "address_id": shop.rng.choice(shop.new(4), 45).repeat(3),
    }
    shop.come(worker, shop.rng.choice(shop.goods(6), len(worker)), times, 0.7, 0, 0, **put)
    return who


def refund_ring(shop: Shop) -> Ints:
    who = shop.draw(18)
    shop.address[who] = shop.new(3)[np.arange(18) % 3]
    _tasks(shop, who, shop.goods(10, sellers=2), _when(shop, 20), 20, (3, 6), 0.95, reviews=0.0, refunds=0.9)
    return who


def coupon_crew(shop: Shop) -> Ints:
    """New accounts, one after the other on five phones, one first order each of three things that a coupon makes cheap."""
    who, phones, doors = shop.draw(40), shop.new(5), shop.new(3)
    shop.joined[who] = shop.days * DAY + 1
    times = _when(shop, 3) * DAY + np.arange(40) * 900 + shop.rng.integers(0, 600, 40)
    for thing in shop.goods(2):
        shop.come(who, np.repeat(thing, 40), times, 1, 0, 0, device_id=phones[np.arange(40) % 5], address_id=doors[np.arange(40) % 3])
        times = times + shop.rng.integers(30, 200, 40)
    return who


def card_testers(shop: Shop) -> Ints:
    """One night, three machines, forty accounts, a new card at each try at two cheap things."""
    who, machines = shop.draw(40), shop.new(3)
    shop.joined[who] = shop.days * DAY + 1
    often = np.repeat(who, 5)
    times = _when(shop, 1) * DAY + 2 * HOUR + np.sort(shop.rng.integers(0, 4 * HOUR, len(often)))
    things = {
        "device_id": shop.rng.choice(machines, len(often)),
        "ip": shop.rng.choice(shop.new(9), len(often)),
        "payment_id": shop.new(len(often)),
    }
    shop.come(often, shop.rng.choice(shop.goods(2), len(often)), times, 1, 0, 0, **things)
    return who


def click_farm(shop: Shop) -> Ints:
    """Clicks on eight adverts, all day for four days, nothing bought."""
    who, things = shop.draw(70), shop.goods(8, quiet=False)
    often = np.repeat(who, 30)
    times = shop.clock(len(often), days_near(shop, _when(shop, 5), 4, len(often)))
    shop.add(often, shop.rng.choice(things, len(often)), times, "click")
    return who


def sale_hidden(shop: Shop) -> Ints:
    """Workers who come on the day when everybody comes, to six things of the sale and six of their own."""
    who, things = shop.draw(40), np.concatenate((shop.sale[10:16], shop.goods(6)))
    at = np.flatnonzero(shop.rng.random((40, 12)) < 0.4)
    shop.come(who[at // 12], things[at % 12], shop.clock(len(at), np.full(len(at), 24)), 0.8, 0.4, 0)
    return who


def shared_workers(shop: Shop) -> Ints:
    """Two rings, ten of whose workers serve both; told as the second of them, the first stands before."""
    first, second = shop.draw(30), shop.draw(20)
    _tasks(shop, first, shop.goods(12, sellers=2), _when(shop, 10), 10, (4, 6), 0.7)
    shop.told("shared_workers", True, first)
    second = np.concatenate((first[:10], second))
    _tasks(shop, second, shop.goods(12, sellers=2), _when(shop, 10), 10, (4, 6), 0.7)
    return second


TACTICS: tuple[Callable[[Shop], Ints], ...] = (
    *(brushing, slow, ghost, crew_copied, crew_own_words, farm_small, farm_large, farm_huge, hijacked, refund_ring, coupon_crew),
    *(card_testers, click_farm, sale_hidden, shared_workers),
)
