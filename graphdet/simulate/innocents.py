"""Settings → innocent groups that look organised, each labelled by its kind.

They are as synchronous as in life: fans buy a release within minutes, a live stream sends hundreds to the same items, a
leader's neighbours order together. A detector must tell them from rings by more than synchrony.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.ledger import GroupTruth, Ledger
from graphdet.simulate.sessions import CANCELLED, CART, FAVOURITE, LOOK, NATURAL, ORDER, REFUNDED, make_plan
from graphdet.simulate.streams import Ints, stream


def plan_lookalikes(ledger: Ledger, seed: int) -> None:
    """Plan every innocent group of the market and write it into the ledger."""
    knobs = ledger.world.settings.lookalikes
    planners: tuple[tuple[str, float, Callable[[Ledger, np.random.Generator], None]], ...] = (
        ("staff", knobs.staff, _staff),
        ("second_hand", knobs.second_hand, _second_hand),
        ("resellers", knobs.resellers, _reseller),
        ("fan_clubs", knobs.fan_clubs, _fan_club),
        ("group_buys", knobs.group_buys, _group_buy),
        ("streams", knobs.streams, _stream),
        ("classes", knobs.classes, _class),
        ("bulk_offices", knobs.bulk_offices, _bulk_office),
        ("subscriptions", knobs.subscriptions, _subscription),
    )
    for name, per_10_000, planner in planners:
        for number in range(round(per_10_000 * ledger.world.settings.users / 10_000)):
            planner(ledger, stream(seed, "lookalike", name, number))
    _standing(ledger)


def _standing(ledger: Ledger) -> None:
    """Groups that are there without a plan: homes, campuses, carriers and cafés."""
    people = ledger.world.people
    users = np.arange(len(people), dtype=np.int32)
    shared = people.home_size[people.home] > 1
    ledger.groups.append(GroupTruth("household", "user", people.home[shared], users[shared]))
    student = (people.workplace >= 0) & (people.workplace < people.campuses)
    ledger.groups.append(GroupTruth("campus", "user", people.workplace[student], users[student]))
    networks = people.networks
    for kind, first, count in (
        ("campus", networks.work_first[: people.campuses], networks.work_count[: people.campuses]),
        ("carrier", networks.carrier_first.ravel(), networks.carrier_count.ravel()),
        ("cafe", networks.cafe_first, networks.cafe_count),
    ):
        group = np.repeat(np.arange(len(first)), count)
        codes = np.concatenate([np.arange(a, a + c) for a, c in zip(first, count, strict=True)]) if len(first) else group
        ledger.groups.append(GroupTruth(kind, "ip", group.astype(np.int32), codes.astype(np.int32)))


def _size(median: float, sigma: float, low: int, high: float, rng: np.random.Generator) -> int:
    return int(np.clip(round(float(rng.lognormal(np.log(median), sigma))), low, max(low, high)))


def _shop_with(ledger: Ledger, least: int, rng: np.random.Generator) -> Ints:
    """The items of a shop that has at least so many."""
    catalogue = ledger.world.catalogue
    best = np.zeros(0, dtype=np.int32)
    for _ in range(40):
        items = catalogue.items_of(int(rng.choice(catalogue.seller)))
        if len(items) > len(best):
            best = items
        if len(best) >= least:
            break
    return best


def _fan_club(ledger: Ledger, rng: np.random.Generator) -> None:
    """Fans of a brand (or of an artist whom several shops sell) buy its releases within hours, and shop there all year."""
    world, people, catalogue = ledger.world, ledger.world.people, ledger.world.catalogue
    end = world.clock.end
    fans = ledger.pick_users(_size(45, 0.8, 12, min(600, len(people) / 40), rng), end * 0.4, end * 0.8, rng)
    shops = int(rng.choice([1, 1, 1, 3]))
    items = np.unique(np.concatenate([_shop_with(ledger, 6, rng) for _ in range(shops)]))
    items = items[items != catalogue.first[catalogue.category[items]]]
    if len(items) < 2 or len(fans) < 3:
        return
    drops = int(rng.integers(2, 8))
    released = rng.choice(items, min(len(items), int(drops * rng.uniform(1, 2.2)) + 1), replace=False)
    when = np.sort(rng.integers(1, world.clock.days - 1, drops)) * DAY + rng.choice([0.0, 10.0, 12.0, 20.0], drops) * HOUR
    at = when[np.arange(len(released)) % drops]
    catalogue.launch[released] = at
    main = catalogue.category[released[0]]
    slot = rng.integers(0, 3, len(fans))
    people.interests[fans, slot] = main
    people.shop[fans] = catalogue.seller[released[0]]
    people.loyalty[fans] = np.maximum(people.loyalty[fans], rng.uniform(0.15, 0.5, len(fans)))
    zeal = rng.beta(2, 2.2, len(fans))
    fan, item = np.nonzero(rng.random((len(fans), len(released))) < zeal[:, None])
    delay = rng.lognormal(np.log(rng.uniform(0.3, 4)), 1.1, len(fan)) * HOUR
    asleep = rng.random(len(fan)) < 0.25
    time = at[item] + 30 + np.where(asleep, delay + rng.uniform(4, 30, len(fan)) * HOUR, delay)
    depth = rng.choice(np.array([LOOK, FAVOURITE, CART, ORDER]), len(fan), p=[0.15, 0.1, 0.1, 0.65])
    late = (people.join[fans[fan]] < time) & (time < end - HOUR)
    plan = make_plan(fans[fan], time, released[item], depth=depth, brief=rng.random(len(fan)) < 0.4)
    ledger.add_visits(plan.take(late))
    ledger.add_group("fan_club", "user", fans)
    ledger.add_group("fan_club_item", "item", released)


def _group_buy(ledger: Ledger, rng: np.random.Generator) -> None:
    """A leader offers something every few days; neighbours order within hours, often to one pick-up address."""
    world, people, catalogue = ledger.world, ledger.world.people, ledger.world.catalogue
    end = world.clock.end
    leader = ledger.pick_users(1, 0.0, end, rng)
    if len(leader) == 0:
        return
    near = ledger.towns.of(int(people.region[people.home[leader[0]]]))
    members = ledger.pick_users(_size(20, 0.6, 6, 150, rng), end * 0.3, end * 0.9, rng, among=near)
    members = np.union1d(members, leader).astype(np.int32)
    deals = int(rng.integers(4, 15))
    category = rng.choice(len(catalogue.popularity), deals, p=catalogue.popularity).astype(np.int32)
    item = catalogue.draw(category, rng)
    when = world.clock.draw(np.zeros(deals), np.full(deals, end - DAY), rng)
    item = np.where(catalogue.launch[item] < when, item, catalogue.stand_in[item])
    zeal = rng.beta(1.6, 3, len(members))
    zeal[members == leader[0]] = 1.0
    who, deal = np.nonzero(rng.random((len(members), deals)) < zeal[:, None])
    first = members[who] == leader[0]
    time = when[deal] + np.where(first, 0.0, 120 + rng.lognormal(np.log(rng.uniform(0.7, 4)), 0.9, len(who)) * HOUR)
    pick_up = ledger.take_addresses(1)[0]
    collects = (rng.random(len(members)) < rng.choice([0.0, 0.5, 0.95])) | (members == leader[0])
    plan = make_plan(
        members[who],
        time,
        item[deal],
        depth=np.where(rng.random(len(who)) < 0.9, ORDER, CART),
        address=np.where(collects[who], pick_up, -1),
        brief=rng.random(len(who)) < 0.6,
    )
    ledger.add_visits(plan.take(people.join[plan.user] < plan.time))
    ledger.add_group("group_buy", "user", members)


def _stream(ledger: Ledger, rng: np.random.Generator) -> None:
    """A host's followers buy what is shown while the stream runs; strangers come too."""
    world, people, catalogue = ledger.world, ledger.world.people, ledger.world.catalogue
    end = world.clock.end
    followers = ledger.pick_users(_size(250, 0.7, 40, len(people) / 30, rng), end * 0.4, end * 0.8, rng)
    if len(followers) < 10:
        return
    shops = [_shop_with(ledger, 4, rng) for _ in range(int(rng.integers(1, 4)))]
    partners = np.unique(np.concatenate(shops))
    bought: list[Ints] = []
    for _ in range(int(rng.integers(2, 7))):
        start = rng.integers(0, world.clock.days - 1) * DAY + rng.choice([12.0, 19.0, 20.0, 21.0]) * HOUR
        shown = rng.choice(partners, min(len(partners), int(rng.integers(1, 9))), replace=False)
        shown = shown[catalogue.launch[shown] < start]
        if len(shown) == 0:
            continue
        strangers = rng.integers(0, len(people), len(followers) // 4).astype(np.int32)
        viewers = np.concatenate([followers[rng.random(len(followers)) < rng.uniform(0.08, 0.3)], strangers])
        viewers = viewers[(people.join[viewers] < start) & ~ledger.reserved[viewers]]
        lots = np.minimum(rng.geometric(0.6, len(viewers)), 3)
        user = np.repeat(viewers, lots)
        item = shown[(rng.random(len(user)) ** 1.5 * len(shown)).astype(int)]
        time = start + rng.random(len(user)) * rng.uniform(0.4, 1.5) * HOUR
        depth = rng.choice(np.array([LOOK, CART, ORDER]), len(user), p=[0.3, 0.15, 0.55])
        ledger.add_visits(make_plan(user, time, item, depth=depth, brief=rng.random(len(user)) < 0.8, coupon=rng.random(len(user)) < 0.3))
        bought.append(shown)
    ledger.add_group("flash_sale", "user", followers)
    if bought:
        ledger.add_group("flash_sale_item", "item", np.unique(np.concatenate(bought)))


def _class(ledger: Ledger, rng: np.random.Generator) -> None:
    """A class or society of one campus buys the same books or gear within days."""
    world, people, catalogue = ledger.world, ledger.world.people, ledger.world.catalogue
    if people.campuses == 0:
        return
    campus = int(rng.integers(0, people.campuses))
    start = rng.uniform(0, world.clock.end - 9 * DAY)
    students = ledger.pick_users(_size(30, 0.4, 10, 80, rng), start, start + 8 * DAY, rng, among=ledger.workplaces.of(campus))
    if len(students) < 3:
        return
    category = rng.choice(len(catalogue.popularity), p=catalogue.popularity)
    count = min(int(rng.integers(2, 7)), int(catalogue.size[category]))
    books = catalogue.first[category] + rng.choice(catalogue.size[category], count, replace=False)
    books = books[catalogue.launch[books] < start]
    who, book = np.nonzero(rng.random((len(students), len(books))) < rng.uniform(0.3, 0.8))
    length = rng.uniform(1, 8) * DAY
    time = world.clock.draw(np.full(len(who), start), np.full(len(who), start + length), rng)
    ledger.add_visits(make_plan(students[who], time, books[book], depth=np.where(rng.random(len(who)) < 0.85, ORDER, CART)))
    ledger.add_group("campus_class", "user", students)


def _bulk_office(ledger: Ledger, rng: np.random.Generator) -> None:
    """Colleagues order the same gift or supplies in one afternoon, to the office and from its network."""
    world, people, catalogue = ledger.world, ledger.world.people, ledger.world.catalogue
    offices = len(people.networks.work_first) - people.campuses
    staff = np.zeros(0, dtype=np.int32)
    for _ in range(30):
        if len(staff) >= 8 or offices == 0:
            break
        office = people.campuses + int(rng.integers(0, offices))
        staff = ledger.pick_users(100, 0.0, world.clock.end, rng, among=ledger.workplaces.of(office))
    if len(staff) < 4:
        return
    address = ledger.take_addresses(1)[0]
    line = people.networks.work_first[people.workplace[staff[0]]]
    for _ in range(int(rng.integers(1, 5))):
        start = rng.integers(0, world.clock.days - 1) * DAY + rng.uniform(9.5, 15) * HOUR
        category = rng.choice(len(catalogue.popularity), int(rng.integers(1, 4)), p=catalogue.popularity).astype(np.int32)
        goods = catalogue.draw(category, rng)
        goods = np.where(catalogue.launch[goods] < start, goods, catalogue.stand_in[goods])
        who, which = np.nonzero(rng.random((len(staff), len(goods))) < rng.uniform(0.3, 0.9))
        ledger.add_visits(
            make_plan(
                staff[who],
                start + rng.random(len(who)) * rng.uniform(0.5, 4) * HOUR,
                goods[which],
                address=np.where(rng.random(len(who)) < 0.85, address, -1),
                ip=np.where(rng.random(len(who)) < 0.8, line, -1),
                brief=rng.random(len(who)) < 0.5,
            )
        )
    ledger.add_group("bulk_office", "user", staff)


def _reseller(ledger: Ledger, rng: np.random.Generator) -> None:
    """One to four accounts of a company buy from the same suppliers day after day."""
    world = ledger.world
    end = world.clock.end
    accounts = ledger.pick_users(int(rng.integers(1, 5)), 0.0, end, rng)
    if len(accounts) == 0:
        return
    goods = np.unique(np.concatenate([_shop_with(ledger, 5, rng) for _ in range(int(rng.integers(1, 4)))]))
    goods = rng.choice(goods, min(len(goods), int(rng.integers(4, 26))), replace=False)
    goods = goods[world.catalogue.launch[goods] < 0]
    count = int(rng.integers(15, 70))
    if len(goods) == 0:
        return
    user = rng.choice(accounts, count)
    time = world.clock.draw(np.zeros(count), np.full(count, end - DAY), rng)
    shared = ledger.take_devices(1)[0]
    ledger.add_visits(
        make_plan(
            user,
            time,
            rng.choice(goods, count),
            address=ledger.take_addresses(1)[0],
            payment=ledger.take_payments(1)[0],
            device=np.where(rng.random(count) < 0.4, shared, -1),
            brief=rng.random(count) < 0.5,
        )
    )
    ledger.add_group("reseller", "user", accounts)


def _subscription(ledger: Ledger, rng: np.random.Generator) -> None:
    """Things re-ordered by plan: all subscribers' orders fall into the shop's batch, minutes apart."""
    world = ledger.world
    end = world.clock.end
    subscribers = ledger.pick_users(_size(40, 0.7, 8, len(world.people) / 60, rng), end * 0.3, end, rng)
    goods = _shop_with(ledger, 4, rng)
    goods = goods[world.catalogue.launch[goods] < 0][: int(rng.integers(1, 5))]
    if len(goods) == 0 or len(subscribers) < 3:
        return
    period = rng.choice([7.0, 14.0, 30.0], p=[0.2, 0.3, 0.5]) * DAY
    batch = rng.choice([0.0, 2.0, 5.0, 8.0]) * HOUR
    who, which = np.nonzero(rng.random((len(subscribers), len(goods))) < rng.uniform(0.3, 0.7))
    rounds = int(end // period) + 1
    phase = (rng.integers(0, int(period // DAY), len(subscribers)) * rng.choice([0, 1])) * DAY
    time = phase[who][:, None] + np.arange(rounds) * period + batch + rng.uniform(0, 1200, (len(who), rounds))
    user = np.repeat(subscribers[who], rounds)
    time, item = time.ravel(), np.repeat(goods[which], rounds)
    there = (world.people.join[user] < time) & (rng.random(len(time)) < 0.93) & (time < end - HOUR)
    ledger.add_visits(make_plan(user, time, item, brief=True).take(there))
    ledger.add_group("subscription", "user", subscribers)


def _staff(ledger: Ledger, rng: np.random.Generator) -> None:
    """Staff and test accounts go through their own shop's items on a few shared devices, and cancel what they ordered."""
    world, people = ledger.world, ledger.world.people
    end = world.clock.end
    accounts = ledger.pick_users(int(rng.integers(4, 16)), 0.0, end, rng)
    items = _shop_with(ledger, 10, rng)
    items = items[world.catalogue.launch[items] < 0][:30]
    if len(accounts) < 2 or len(items) == 0:
        return
    ledger.reserved[accounts] = True
    devices = ledger.take_devices(int(rng.integers(2, 6)))
    who, which = np.nonzero(rng.random((len(accounts), len(items))) < rng.uniform(0.2, 0.8))
    tests = int(rng.integers(1, 4))
    days = rng.integers(0, world.clock.days - 1, tests)
    start = days[rng.integers(0, tests, len(who))] * DAY + 9 * HOUR
    line = (
        people.networks.work_first[rng.integers(people.campuses, len(people.networks.work_first))]
        if len(people.networks.work_first) > people.campuses
        else -1
    )
    ledger.add_visits(
        make_plan(
            accounts[who],
            start + rng.uniform(0, 9, len(who)) * HOUR,
            items[which],
            depth=rng.choice(np.array([LOOK, CART, ORDER]), len(who), p=[0.3, 0.2, 0.5]),
            after=rng.choice(np.array([CANCELLED, REFUNDED, NATURAL]), len(who), p=[0.5, 0.35, 0.15]),
            lag=rng.exponential(0.3, len(who)),
            device=rng.choice(devices, len(who)),
            ip=line,
            brief=True,
        )
    )
    ledger.add_group("staff", "user", accounts)
    ledger.add_group("staff_device", "device", devices)


def _second_hand(ledger: Ledger, rng: np.random.Generator) -> None:
    """One user's old phone becomes another's new one."""
    people, end = ledger.world.people, ledger.world.clock.end
    pair = ledger.pick_users(2, 0.0, end, rng)
    if len(pair) < 2 or np.isfinite(people.change[pair]).any():
        return
    seller, buyer = rng.permutation(pair)
    sold = rng.uniform(0.1, 0.8) * end
    people.change[seller], people.change[buyer] = sold, sold + rng.uniform(1, 6) * DAY
    people.next_phone[buyer] = people.phone[seller]
    ledger.add_group("second_hand", "user", pair)
    ledger.add_group("second_hand", "device", people.phone[[seller]])
