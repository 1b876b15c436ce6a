"""Settings → planted rings: who works for whom, on which targets, when and from where.

Every ring visit runs through the same sessions as an honest one; what tells a ring is only that its members' visits coincide.
The kinds are described in docs/market.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.ledger import Ledger, RingTruth, shared_codes
from graphdet.simulate.night_shifts import by_night
from graphdet.simulate.sessions import CANCELLED, CART, FAVOURITE, LOOK, NATURAL, ORDER, REFUNDED, REVIEWED, Plan, join_plans, make_plan
from graphdet.simulate.streams import Floats, Ints, Longs, stream
from graphdet.simulate.task_sheets import look_by_sheet


@dataclass(frozen=True)
class RingKind:
    """The habits of one kind of ring; pairs are the bounds between which each ring draws its own.

    Attributes:
        days: length of the campaign. `hours`: time window of one target.
        orders: share of visits that end in an order; the rest looks, favours or fills the cart.
        raised: share of accounts made for the purpose, a few days to weeks before.
        devices: the members' own, a rack shared by several accounts, or one of the operator's for each account.
        goods: a shop's middling listings, goods that sell on at once, or deals of many shops.
    """

    days: tuple[float, float]
    hours: tuple[float, float]
    orders: tuple[float, float] = (0.15, 0.65)
    raised: tuple[float, float] = (0.0, 0.0)
    devices: Literal["own", "rack", "operator"] = "own"
    goods: Literal["shop", "liquid", "deals"] = "shop"


KINDS = {
    "device_farm": RingKind((2, 12), (2, 24), raised=(0.15, 0.5), devices="rack"),
    "crowd": RingKind((3, 16), (6, 48)),
    "hijacked": RingKind((1, 8), (4, 36), devices="operator"),
    "slow": RingKind((18, 40), (240, 720)),
    "coattail": RingKind((2, 10), (8, 72), orders=(0.0, 0.3)),
    "cartel": RingKind((3, 14), (8, 48)),
    "review": RingKind((2, 10), (6, 48), orders=(0.6, 0.9)),
    "refund": RingKind((3, 14), (12, 72), orders=(0.5, 0.9), goods="deals"),
    "coupon": RingKind((1, 6), (2, 24), orders=(0.4, 0.8), raised=(0.2, 0.6), goods="deals"),
    "takeover": RingKind((0.2, 1.5), (1, 12), orders=(0.3, 0.9), devices="operator", goods="liquid"),
    "payment": RingKind((0.4, 4), (2, 24), orders=(0.4, 0.8), raised=(0.1, 0.5), devices="operator", goods="liquid"),
}


_RECENT = 200  # rings whose workers a new ring may hire
_GOLDEN = 0.6180339887498949  # steps of the golden ratio fill an interval evenly, whatever their number


def plan_rings(ledger: Ledger, seed: int) -> None:
    """Plan every ring of the market and write it into the ledger."""
    settings = ledger.world.settings
    wanted = round(settings.rings.count * settings.users / 10_000)
    weights = np.array([getattr(settings.rings.mix, kind) for kind in KINDS])
    if wanted == 0 or weights.sum() == 0:
        return
    # Largest remainders: every kind gets its due share, with no luck of the draw.
    due = np.cumsum(weights) / weights.sum() * wanted
    counts = np.diff(np.concatenate([[0], np.round(due)])).astype(int)
    rings = [
        _Ring(ledger, name, kind, stream(seed, "ring", name, number))
        for (name, kind), count in zip(KINDS.items(), counts, strict=True)
        for number in range(count)
    ]
    # Campaigns are spread evenly over the log, the large ones too: a few big rings at one end would let the time alone tell members.
    offset = stream(seed, "campaigns").random()
    for rank, ring in enumerate(sorted(rings, key=lambda ring: -ring.size)):
        ring.begin((offset + rank * _GOLDEN) % 1.0)
    workers: list[Ints] = []
    pool: Ints | None = None
    sharing, start = 0, 0.0
    for ring in rings:
        if ring.name != "cartel":
            pool = None
        elif sharing == 0:
            sharing, start = int(ring.rng.integers(1, 4)), ring.start
            pool = ledger.pick_users(round(ring.size / ring.rng.uniform(0.5, 0.75)), ring.start - DAY, ring.end, ring.rng)
        else:
            sharing -= 1
            ring.begin_at(start + ring.rng.uniform(-3, 8) * DAY)
        done = ring.plan(pool, workers)
        if done is not None:
            workers.append(done)


class _Ring:
    """One ring while it is planned."""

    def __init__(self, ledger: Ledger, name: str, kind: RingKind, rng: np.random.Generator) -> None:
        self.ledger, self.name, self.kind, self.rng = ledger, name, kind, rng
        self.world = ledger.world
        self.knobs = ledger.world.settings.rings
        end = self.world.clock.end
        largest = max(self.knobs.size_min, min(self.knobs.size_max, len(self.world.people) // 60))
        size = round(float(rng.lognormal(np.log(self.knobs.size_median), self.knobs.size_sigma)))
        self.size = int(np.clip(size, self.knobs.size_min, largest))
        self.length = min(rng.uniform(*kind.days) * DAY * min(self.knobs.window_scale, 1.0) ** 0.5, end * 0.85)
        self.begin(0.5)
        low, high = self.knobs.targets_min, self.knobs.targets_max
        self.wanted_targets = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
        self.touches = float(rng.lognormal(np.log(self.knobs.touches_median), self.knobs.touches_sigma))

    def begin(self, share: float) -> None:
        """Begin the campaign at a share of the time in which it can begin."""
        self.begin_at(0.3 * DAY + share * (self.world.clock.end - self.length - 0.6 * DAY))

    def begin_at(self, start: float) -> None:
        """Begin at that second, or as near to it as the log allows."""
        self.start = float(np.clip(start, 0.2 * DAY, self.world.clock.end - self.length - 0.3 * DAY))
        self.end = self.start + self.length

    def plan(self, pool: Ints | None, workers: list[Ints]) -> Ints | None:
        """Write the ring down; its members, or None where too few users were there at the time."""
        knobs = self.knobs
        targets = self._targets()
        members, raised = self._members(pool, workers)
        if len(members) < 3 or len(targets) < 2:
            return None
        density = float(np.clip(self.touches / len(targets), knobs.density_min, knobs.density_max))
        member, target, time = self._tasks(members, targets, density)
        window = self.window
        if len(member) == 0:
            return None
        work, decoys = self._work(members, targets, member, target, time)
        device, ip, address, payment = self._places(members, raised, work)
        work = Plan(**{**vars(work), "device": device, "ip": ip, "address": address, "payment": payment})
        self.ledger.add_visits(work, load=1.3)
        if knobs.sheets:  # by a stream of its own, so that a market without sheets stays what it is
            look_by_sheet(self.ledger, work, self.rng.spawn(1)[0])
        self._camouflage(members, raised, work)
        self._halo(targets, len(work))

        pairs = np.unique(member.astype(np.int64) * len(targets) + target)
        touched = np.bincount(pairs // len(targets), minlength=len(members))
        joined = np.full(len(members), np.inf)
        np.minimum.at(joined, member, time)
        real = touched > 0
        used = np.unique(target)
        self.ledger.rings.append(
            RingTruth(
                kind=self.name,
                start=float(time.min()),
                end=float(time.max()),
                window=window,
                members=members[real],
                touched=touched[real].astype(np.int32),
                joined=joined[real],
                targets=targets[used],
                decoys=decoys,
                devices=shared_codes(work.device, work.user),
                ips=shared_codes(work.ip, work.user),
                density=len(pairs) / (int(real.sum()) * len(used)),
            )
        )
        return members[real]

    def _targets(self) -> Ints:
        """Listings of one to three shops that want to rise, or goods and deals of many shops."""
        catalogue, rng, count = self.world.catalogue, self.rng, self.wanted_targets
        if self.kind.goods == "shop":
            shops = int(rng.choice([1, 1, 1, 2, 3]))
            found: list[Ints] = []
            for _ in range(60):
                seller = int(rng.choice(catalogue.seller))
                mine = catalogue.items_of(seller)
                rank = mine - catalogue.first[catalogue.category[mine]]
                mine = mine[(rank >= 0.03 * catalogue.size[catalogue.category[mine]]) & (catalogue.launch[mine] < self.start)]
                if len(mine) * shops >= count or len(mine) >= 8:
                    found.append(mine)
                if len(found) >= shops and sum(map(len, found)) >= count:
                    break
            pool = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)
        elif self.kind.goods == "liquid":
            categories = rng.choice(len(catalogue.popularity), 3, p=catalogue.popularity)
            heads = [catalogue.first[c] + np.arange(max(4, int(0.8 * catalogue.size[c]))) for c in categories]
            pool = np.unique(np.minimum(np.concatenate(heads), catalogue.items - 1))
            pool = pool[catalogue.price[pool] >= np.quantile(catalogue.price[pool], 0.3)]
            pool = rng.choice(pool, min(len(pool), max(3 * count, 12)), replace=False)
        else:
            category = rng.choice(len(catalogue.popularity), 2 * count, p=catalogue.popularity).astype(np.int32)
            anywhere = catalogue.first[category] + (rng.random(len(category)) * catalogue.size[category]).astype(np.int32)
            pool = np.unique(np.where(rng.random(len(category)) < 0.7, anywhere, catalogue.draw(category, rng)))
        pool = pool[catalogue.launch[pool] < self.start]
        return np.sort(rng.choice(pool, min(count, len(pool)), replace=False)).astype(np.int32)

    def _members(self, pool: Ints | None, workers: list[Ints]) -> tuple[Ints, np.ndarray]:
        """Aged accounts with lives of their own, some of whom work for other rings, and raised accounts."""
        ledger, people, rng = self.ledger, self.world.people, self.rng
        low, high = self.start - DAY, self.end + 0.5 * DAY
        if pool is not None:
            members = np.sort(rng.choice(pool, min(self.size, len(pool)), replace=False)).astype(np.int32)
            return members, np.zeros(len(members), dtype=bool)
        again = np.zeros(0, dtype=np.int32)
        if workers and self.kind.devices == "own":
            again = ledger.pick_users(
                rng.binomial(self.size, self.knobs.pool_share), low, high, rng, among=np.concatenate(workers[-_RECENT:])
            )
        members = np.union1d(again, ledger.pick_users(self.size - len(again), low, high, rng)).astype(np.int32)
        raised = rng.random(len(members)) < rng.uniform(*self.kind.raised)
        made = members[raised]
        made_at = self.start - rng.uniform(1.5, 28, len(made)) * DAY
        people.join[made] = np.where(made_at > 0, made_at, -np.inf)
        people.leave[made] = np.inf
        ledger.reserved[made] = True
        return members, raised

    def _tasks(self, members: Ints, targets: Ints, density: float) -> tuple[Longs, Longs, Floats]:
        """Which member visits which target when: positions in `members` and `targets`, and seconds."""
        rng, knobs = self.rng, self.knobs
        # Most members do about as many tasks as the others, a few many more; which ones is chance.
        tasks = np.clip(np.round(density * len(targets) * np.exp(rng.normal(0, 0.27, len(members)))), 1, len(targets))
        planned = np.argsort(np.argsort(rng.random((len(members), len(targets))), axis=1), axis=1) < tasks[:, None]
        low, high = self.kind.hours
        span = np.exp(rng.uniform(np.log(low), np.log(high))) * knobs.window_scale * HOUR
        length = np.minimum(span * np.exp(rng.normal(0, 0.25, len(targets))), 0.95 * self.length)
        self.window = float(np.median(length))
        together = rng.random() < 0.3
        begin = self.start + (np.zeros(len(targets)) if together else rng.random(len(targets)) * (self.length - length))
        if rng.random() < knobs.ban_share:
            begin, planned = self._ban(members, begin, length, planned)
        planned &= rng.random(planned.shape) >= knobs.skipped_share
        member, target = np.nonzero(planned)
        time = self.world.clock.draw(begin[target], np.minimum(begin[target] + length[target], self.world.clock.end - HOUR), rng)
        if knobs.nights and rng.spawn(1)[0].random() < knobs.nights:  # by a stream of its own, as sheets
            time = by_night(time, begin[target], length[target])
        late = rng.random(len(time)) < knobs.late_share
        time = np.where(late, time + rng.exponential(1.0, len(time)) * np.minimum(length[target], 3 * DAY), time)
        there = (time < self.world.clock.end - HOUR) & (time < self.world.people.leave[members[member]]) & (time > 0)
        return member[there], target[there], time[there]

    def _ban(self, members: Ints, begin: Floats, length: Floats, planned: np.ndarray) -> tuple[Floats, np.ndarray]:
        """A ban wave: some members are gone for good, others start afterwards, and the targets of the second half come after it."""
        rng, people = self.rng, self.world.people
        at = self.start + rng.uniform(0.4, 0.6) * self.length
        second = rng.random(len(begin)) < 0.45
        begin = np.where(second, np.maximum(begin, at + 0.02 * self.length), np.minimum(begin, np.maximum(self.start, at - length)))
        fate = rng.random(len(members))
        banned, fresh = fate < rng.uniform(0.15, 0.4), fate > 0.85
        people.leave[members[banned]] = np.minimum(people.leave[members[banned]], at)
        planned[np.ix_(banned, second)] = False
        planned[np.ix_(fresh, ~second)] = False
        return begin, planned

    def _work(self, members: Ints, targets: Ints, member: Longs, target: Longs, time: Floats) -> tuple[Plan, Ints]:
        """Tasks as visits: near tasks of one member may share a visit; coattail visits look at a hot item first."""
        rng, catalogue = self.rng, self.world.catalogue
        order = np.lexsort((time, member))
        member, target, time = member[order], target[order], time[order]
        share = rng.uniform(*self.kind.orders)
        fate = rng.random(len(time))
        shallow = rng.choice(np.array([LOOK, FAVOURITE, CART], dtype=np.int8), len(time), p=[0.62, 0.15, 0.23])
        depth = np.where(fate < share, ORDER, shallow).astype(np.int8)
        second, second_depth = np.full(len(time), -1, dtype=np.int32), np.zeros(len(time), dtype=np.int8)
        item, keep = targets[target], np.ones(len(time), dtype=bool)
        decoys = np.zeros(0, dtype=np.int32)
        if self.name == "coattail":
            home = catalogue.category[targets]
            decoys = np.unique(catalogue.first[home] + rng.integers(0, 3, len(home)))[: max(1, len(targets) // 3)].astype(np.int32)
            second, second_depth = item, depth
            item, depth = decoys[target % len(decoys)], np.where(rng.random(len(time)) < 0.3, FAVOURITE, LOOK).astype(np.int8)
        else:
            near = np.flatnonzero((member[1:] == member[:-1]) & (np.diff(time) < 10 * HOUR) & (rng.random(max(len(time) - 1, 0)) < 0.7))
            near = near[np.concatenate([[True], np.diff(near) > 1])] if len(near) else near
            second[near], second_depth[near] = item[near + 1], depth[near + 1]
            keep[near + 1] = False
        after = np.zeros(len(time), dtype=np.int8)
        lag, rating, script = np.full(len(time), np.nan), 0, 0
        if self.name == "review":
            after = np.where(rng.random(len(time)) < 0.5, REVIEWED, NATURAL)
            lag = rng.uniform(0.5, 3.0) + rng.exponential(0.6, len(time))
            rating, script = int(rng.choice([5, 5, 5, 1])), self.ledger.next_script
            self.ledger.next_script += 1
        elif self.name == "refund":
            after = rng.choice(np.array([REFUNDED, CANCELLED, NATURAL]), len(time), p=[0.35, 0.15, 0.5])
            lag = rng.uniform(1, 4) + rng.exponential(1.0, len(time))
        elif self.name == "payment":
            after = np.where(rng.random(len(time)) < 0.15, REFUNDED, NATURAL)
        elif self.kind.goods == "shop" and rng.random() < 0.5:
            after = np.where(rng.random(len(time)) < 0.25, REVIEWED, NATURAL)
            rating = 5
        return (
            make_plan(
                members[member],
                time,
                item,
                second_item=second,
                depth=depth,
                second_depth=second_depth,
                after=after,
                rating=np.where(rng.random(len(time)) < 0.85, rating, 0),
                script=script,
                lag=lag,
                coupon=rng.random(len(time)) < (0.6 if self.name == "coupon" else 0.1),
                brief=rng.random(len(time)) < 0.7,
            ).take(keep),
            decoys,
        )

    def _places(self, members: Ints, raised: np.ndarray, work: Plan) -> tuple[Ints, Ints, Ints, Ints]:
        """Device, IP, address and payment of each visit; −1 leaves it to the member's habits."""
        rng, ledger, people = self.rng, self.ledger, self.world.people
        count, n = len(work), len(members)
        who = np.searchsorted(members, work.user)
        device, ip = np.full(count, -1, dtype=np.int32), np.full(count, -1, dtype=np.int32)
        address, payment = np.full(count, -1, dtype=np.int32), np.full(count, -1, dtype=np.int32)
        homes = len(people.home_size)
        if self.kind.devices == "rack":
            rack = ledger.take_devices(max(2, round(n / rng.uniform(1.5, 4))))
            slot = rng.integers(0, len(rack), n)
            moved = rng.random(count) < 0.15
            device = rack[np.where(moved, rng.integers(0, len(rack), count), slot[who])]
            made = members[raised]
            people.phone[made] = rack[slot[raised]]
            people.second[made], people.change[made] = 0, np.inf
            lines = rng.integers(0, homes, int(rng.integers(2, 3 + n // 6 + 1))).astype(np.int32)
            ip = np.where(rng.random(count) < rng.uniform(0.3, 0.9), lines[rng.integers(0, len(lines), count)], -1)
        elif self.kind.devices == "operator":
            per_device = rng.choice([1.0, 1.0, 2.0, 4.0])
            desks = ledger.take_devices(max(1, round(n / per_device)))
            slot = rng.permutation(n) % len(desks)
            rented = rng.random(n) < (0.35 if self.name == "hijacked" else 0.0)
            device = np.where(rented[who], -1, desks[slot[who]])
            proxies = rng.integers(0, homes, max(2, n)).astype(np.int32)
            usual = proxies[slot[who] % len(proxies)]
            ip = np.where(rng.random(count) < 0.8, usual, proxies[rng.integers(0, len(proxies), count)])
            ip = np.where(rented[who], -1, ip)
        if self.name == "payment":
            cards = ledger.take_payments(max(2, round(count * rng.uniform(0.4, 1.0))))
            payment = cards[rng.integers(0, len(cards), count)]
            drops = ledger.take_addresses(max(1, round(n / rng.uniform(2, 8))))
            address = np.where(rng.random(count) < 0.7, drops[rng.integers(0, len(drops), n)[who]], -1)
        elif self.name in ("coupon", "takeover", "refund"):
            drops = ledger.take_addresses(max(1, round(n / rng.uniform(2, 10))))
            shares = rng.random(n) < rng.uniform(0.1, 0.6)
            address = np.where(shares[who], drops[rng.integers(0, len(drops), n)[who]], -1)
        return device.astype(np.int32), ip.astype(np.int32), address.astype(np.int32), payment.astype(np.int32)

    def _camouflage(self, members: Ints, raised: np.ndarray, work: Plan) -> None:
        """Visits to other items: at random, to popular ones, or copied from a real user, whose own visits come first."""
        rng, world = self.rng, self.world
        count = rng.poisson(len(work) * self.knobs.camouflage * rng.gamma(1.5, 1 / 1.5))
        if count == 0:
            return
        who = rng.integers(0, len(work), count)
        users = work.user[who]
        time = np.clip(work.time[who] + rng.normal(0, 3, count) * DAY, world.people.join[users] + HOUR, world.clock.end - 2 * HOUR)
        time = world.clock.draw(np.maximum(time - 0.5 * DAY, HOUR), np.minimum(time + 0.5 * DAY, world.clock.end - HOUR), rng)
        way = rng.choice(3, p=[0.3, 0.35, 0.35])
        plans: list[Plan] = []
        if way == 0:
            item = rng.integers(0, world.catalogue.items, count).astype(np.int32)
        elif way == 1:
            categories = rng.choice(len(world.catalogue.popularity), count, p=world.catalogue.popularity).astype(np.int32)
            item = world.catalogue.draw(categories, rng)
        else:
            donors = self.ledger.pick_users(max(1, len(members) // 8), 0.0, world.clock.end, rng)
            if len(donors) == 0:
                return
            seen_by = np.repeat(donors, 8)
            seen_at = rng.uniform(0, world.clock.end - HOUR, len(seen_by))
            seen = world.catalogue.draw(world.people.draw_category(seen_by, seen_at, world.catalogue, rng), rng)
            plans.append(make_plan(seen_by, seen_at, seen, depth=LOOK))
            item = seen[rng.integers(0, len(seen), count)]
        depth = rng.choice(np.array([LOOK, FAVOURITE, CART, ORDER], dtype=np.int8), count, p=[0.75, 0.06, 0.07, 0.12])
        item = np.where(world.catalogue.launch[item] < time, item, world.catalogue.stand_in[item])
        mine = np.isin(users, members[raised])
        device = np.where(mine & (self.kind.devices != "own"), work.device[who], -1)
        plans.append(make_plan(users, time, item, depth=depth, device=device, brief=rng.random(count) < 0.7))
        self.ledger.add_visits(join_plans(plans))

    def _halo(self, targets: Ints, visits: int) -> None:
        """Honest visits that a boosted listing draws, from its first days until some days after the campaign."""
        rng, world = self.rng, self.world
        count = rng.poisson(visits * self.knobs.halo)
        if count == 0:
            return
        high = min(self.end + 7 * DAY, world.clock.end - HOUR)
        time = world.clock.draw(np.full(count, self.start), np.full(count, high), rng)
        users = rng.integers(0, len(world.people), count).astype(np.int32)
        there = (world.people.join[users] < time) & ~self.ledger.reserved[users]
        depth = np.where(rng.random(count) < world.people.conversion[users], ORDER, LOOK)
        plan = make_plan(users, time, targets[rng.integers(0, len(targets), count)], depth=depth)
        self.ledger.add_visits(plan.take(there))
