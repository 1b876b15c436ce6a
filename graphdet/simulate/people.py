"""Settings → the population: tastes, homes, workplaces, devices and networks of every account.

Codes of users, devices and addresses say nothing about roles; ids are scrambled when the log is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphdet.simulate.clock import Clock
from graphdet.simulate.goods import Catalogue
from graphdet.simulate.knobs import MarketSettings
from graphdet.simulate.night_shifts import up_by_night
from graphdet.simulate.streams import Flags, Floats, Ints, Longs, mix, stream

INTERESTS = 4
_INTEREST_SHARE = np.cumsum([0.45, 0.25, 0.15])  # the rest is the fourth interest's
EXPLORING = 0.25  # sessions in a category that is no interest of the user's


@dataclass(frozen=True)
class Networks:
    """Layout of the IP codes: [fixed homes | dynamic homes | workplaces | carriers | cafés].

    Attributes:
        dynamic: first code and number of dynamic home addresses.
        work_first, work_count: (workplaces,) addresses of each workplace.
        carrier_first, carrier_count: (regions, carriers) addresses of each carrier in each town.
        cafe_first, cafe_count: (regions,) addresses of each town's cafés; a café is one address and one public computer.
        codes: number of IP codes.
    """

    dynamic: tuple[int, int]
    work_first: Ints
    work_count: Ints
    carrier_first: Ints
    carrier_count: Ints
    cafe_first: Ints
    cafe_count: Ints
    codes: int


@dataclass(frozen=True)
class People:
    """n users; the arrays are (n,) unless said otherwise. Ring and look-alike plans write into them before anybody acts.

    Attributes:
        home: household of each user; `home_size` (households,), `region` (households,) town.
        home_lease: (households,) seconds for which a dynamic home keeps its address; 0 = fixed; −1 = a dormitory on the campus network.
        workplace: campus or office, −1 none; workplaces below `campuses` are campuses.
        join, leave: seconds; −inf … inf.
        activity: relative number of sessions. `load`: sessions that plans already gave the user.
        conversion: share of views that end in an order; `reviews`, `refunds`: factors on the market's shares; `thrift`: share of
            orders with a coupon.
        interests: (n, 4) categories; `drift`: seconds at which the first two become `later` (n, 2).
        shop, loyalty: favourite seller, and share of views there.
        late_hours: chronotype, seconds added to every organic session.
        mobile, second: shares of sessions on a carrier's network and on the second device; `carrier`.
        phone, next_phone, change: device codes and the time of the change.
        tablet: (households,) whether the home has one.
        english: writes English.
        address, payment: default codes.
    """

    home: Ints
    home_size: Ints
    region: Ints
    home_lease: Floats
    workplace: Ints
    campuses: int
    join: Floats
    leave: Floats
    activity: Floats
    load: Floats
    conversion: Floats
    reviews: Floats
    refunds: Floats
    thrift: Floats
    interests: Ints
    drift: Floats
    later: Ints
    shop: Ints
    loyalty: npt.NDArray[np.float32]
    late_hours: npt.NDArray[np.float32]
    mobile: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    carrier: npt.NDArray[np.int8]
    phone: Ints
    next_phone: Ints
    change: Floats
    tablet: Flags
    english: Flags
    address: Ints
    payment: Ints
    networks: Networks
    cafe_share: float
    salt: int

    def __len__(self) -> int:
        return len(self.home)

    def draw_category(self, users: Ints, time: Floats, catalogue: Catalogue, rng: np.random.Generator) -> Ints:
        """The category of a session: one of the user's interests of that time, now and then any."""
        slot = np.searchsorted(_INTEREST_SHARE, rng.random(len(users))).astype(np.int64)
        category = self.interests[users, slot]
        drifted = (slot < 2) & (time > self.drift[users])
        category[drifted] = self.later[users[drifted], slot[drifted]]
        wander = np.flatnonzero(rng.random(len(users)) < EXPLORING)
        category[wander] = rng.choice(len(catalogue.popularity), len(wander), p=catalogue.popularity)
        return category

    def draw_short_list(self, users: Ints, catalogue: Catalogue, rng: np.random.Generator) -> Ints:
        """One of a few items, the first most often, that each user comes back to."""
        slot = (rng.random(len(users)) ** 1.5 * 5).astype(np.int64)
        chance = (mix(users.astype(np.int64) * 8 + slot, self.salt + 3) >> np.uint64(11)).astype(np.float64) / 2.0**53
        return catalogue.draw_at(self.interests[users, slot % 2], chance)

    def bout(self, users: Ints, rng: np.random.Generator) -> Floats:
        """The middle of one of each user's two shopping bouts, as a share of the user's time there."""
        which = rng.integers(0, 2, len(users))
        return (mix(users.astype(np.int64) * 2 + which, self.salt + 4) >> np.uint64(11)).astype(np.float64) / 2.0**53

    def draw_ip(self, users: Ints, time: Floats, clock: Clock, rng: np.random.Generator) -> tuple[Ints, Flags]:
        """The address of a session and whether it is in a café: home, workplace by day, carrier, or café."""
        home = self.home[users]
        hour = clock.hour(time)
        by_day = (hour > 8.5) & (hour < 18.5) & ~clock.is_weekend(time)
        where = rng.random(len(users))
        work = self.workplace[users]
        mobile = self.mobile[users] * np.where(hour > 20, 0.7, 1.0)
        cafe = where < self.cafe_share
        carried = ~cafe & (where < self.cafe_share + mobile)
        at_work = ~cafe & ~carried & (work >= 0) & by_day & (rng.random(len(users)) < 0.75)
        ip = self._home_ip(home, work, time, rng)
        rows = np.flatnonzero(at_work)
        ip[rows] = self._work_ip(work[rows], rng)
        rows = np.flatnonzero(carried)
        town, carrier = self.region[home[rows]], self.carrier[users[rows]]
        count = self.networks.carrier_count[town, carrier]
        ip[rows] = self.networks.carrier_first[town, carrier] + (rng.random(len(rows)) ** 1.5 * count).astype(np.int32)
        rows = np.flatnonzero(cafe)
        town = self.region[home[rows]]
        ip[rows] = self.networks.cafe_first[town] + (rng.random(len(rows)) ** 1.5 * self.networks.cafe_count[town]).astype(np.int32)
        return ip, cafe

    def _home_ip(self, home: Ints, work: Ints, time: Floats, rng: np.random.Generator) -> Ints:
        lease = self.home_lease[home]
        ip = home.copy()
        rows = np.flatnonzero(lease > 0)
        moved = home[rows]
        phase = mix(moved, self.salt) % np.uint64(86_400 * 7)
        epoch = ((time[rows] + phase.astype(np.float64)) // lease[rows]).astype(np.int64)
        first, count = self.networks.dynamic
        ip[rows] = first + (mix(moved.astype(np.int64) * 1000 + epoch, self.salt + 1) % np.uint64(count)).astype(np.int32)
        rows = np.flatnonzero(lease < 0)
        ip[rows] = self._work_ip(work[rows], rng)
        return ip

    def _work_ip(self, work: Ints, rng: np.random.Generator) -> Ints:
        return self.networks.work_first[work] + (rng.random(len(work)) * self.networks.work_count[work]).astype(np.int32)

    def draw_device(self, users: Ints, time: Floats, ip: Ints, in_cafe: Flags, rng: np.random.Generator) -> Ints:
        """The device of a session: phone, second device, family tablet, or a café's computer."""
        n = len(self)
        device = np.where(time < self.change[users], self.phone[users], self.next_phone[users]).astype(np.int32)
        which = rng.random(len(users))
        device = np.where(which < self.second[users], n + users, device).astype(np.int32)
        home = self.home[users]
        device = np.where((which > 0.88) & self.tablet[home], 3 * n + home, device).astype(np.int32)
        public = np.flatnonzero(in_cafe & (rng.random(len(users)) < 0.2))
        device[public] = 4 * n + ip[public] - self.networks.cafe_first[0]
        return device

    def draw_address(self, users: Ints, rng: np.random.Generator) -> Ints:
        """Where an order goes: the user's own place, at times work, family or a friend's."""
        n = len(self)
        other = np.where(rng.random(len(users)) < 0.5, n + users, 2 * n + mix(users, self.salt + 2) % np.uint64(n)).astype(np.int32)
        return np.where(rng.random(len(users)) < 0.15, other, self.address[users])

    def draw_payment(self, users: Ints, rng: np.random.Generator) -> Ints:
        """How an order is paid: mostly the usual card or wallet, at times another of the user's."""
        n = len(self)
        other = n + 2 * users + (rng.random(len(users)) < 0.3)
        return np.where(rng.random(len(users)) < 0.2, other, self.payment[users]).astype(np.int32)


def device_codes(people: People) -> int:
    """Number of device codes that the population may use; plans take theirs above."""
    return 4 * len(people) + int(people.networks.cafe_count.sum())


def make_people(settings: MarketSettings, catalogue: Catalogue, clock: Clock, seed: int) -> People:
    """The population of one market."""
    n = settings.users
    knobs = settings.people
    home, home_size, region = _homes(settings, stream(seed, "homes"))
    workplace, campuses, work_sizes = _workplaces(settings, region[home], stream(seed, "workplaces"))
    lease, networks = _networks(settings, home, region, workplace, campuses, work_sizes, stream(seed, "networks"))
    rng = stream(seed, "people")
    arriving = rng.random(n) < knobs.arriving_share
    join = np.where(arriving, rng.random(n) * clock.end * 0.98, -np.inf)
    leaving = rng.random(n) < knobs.leaving_share
    leave = np.where(leaving, np.maximum(join, 0) + rng.random(n) * (clock.end - np.maximum(join, 0)), np.inf)
    interests, later = _tastes(n, home, workplace, campuses, catalogue, stream(seed, "tastes"))
    drifting = rng.random(n) < knobs.drift_share
    sigma = knobs.conversion_sigma
    codes = np.arange(n, dtype=np.int32)
    head = np.concatenate([[0], np.cumsum(home_size)[:-1]]).astype(np.int32)[home]
    gadgets = stream(seed, "gadgets")
    return People(
        home=home,
        home_size=home_size,
        region=region,
        home_lease=lease,
        workplace=workplace,
        campuses=campuses,
        join=join,
        leave=leave,
        activity=np.exp(rng.normal(0, knobs.activity_sigma, n)),
        load=np.zeros(n),
        conversion=np.minimum(np.exp(rng.normal(np.log(knobs.conversion_median), sigma, n)), 0.8),
        reviews=np.exp(rng.normal(-0.3, 0.8, n)),
        refunds=np.exp(rng.normal(-0.7, 1.3, n)),
        thrift=rng.beta(0.5, 0.5 / max(knobs.coupon_share, 1e-6) - 0.5, n)
        if 0 < knobs.coupon_share < 1
        else np.full(n, knobs.coupon_share),
        interests=interests,
        drift=np.where(drifting, rng.random(n) * clock.end, np.inf),
        later=later,
        shop=rng.choice(catalogue.seller, n).astype(np.int32),
        loyalty=np.minimum(rng.exponential(max(knobs.loyalty, 1e-9), n), 0.7).astype(np.float32),
        late_hours=(rng.normal(0, 1.2, n) * 3600 + up_by_night(n, settings.rings.nights, stream(seed, "nights"))).astype(np.float32),
        mobile=np.clip(rng.beta(2, 2 / max(settings.network.mobile_share, 1e-6) - 2, n), 0, 0.95).astype(np.float32)
        if 0 < settings.network.mobile_share < 1
        else np.full(n, settings.network.mobile_share, dtype=np.float32),
        second=np.where(gadgets.random(n) < knobs.second_device_share, gadgets.beta(3, 4, n), 0).astype(np.float32),
        carrier=rng.choice(settings.network.carriers, n, p=_carrier_shares(settings.network.carriers)).astype(np.int8),
        phone=codes.copy(),
        next_phone=(2 * n + codes).astype(np.int32),
        change=np.where(gadgets.random(n) < knobs.device_change_share, gadgets.random(n) * clock.end, np.inf),
        tablet=(home_size > 1) & (gadgets.random(len(home_size)) < knobs.tablet_share),
        english=rng.random(n) < knobs.english_share,
        address=np.where(rng.random(n) < 0.9, home, n + codes).astype(np.int32),
        payment=np.where(rng.random(n) < 0.8, codes, head).astype(np.int32),
        networks=networks,
        cafe_share=settings.network.cafe_share if settings.network.cafes > 0 else 0.0,
        salt=int(rng.integers(0, 2**62)),
    )


def _homes(settings: MarketSettings, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Household of each user, size and town of each household."""
    n = settings.users
    shared = settings.people.household_share
    sizes = rng.choice([1, 2, 3, 4, 5, 6], n, p=np.array([1 - shared, *(shared * np.array([0.45, 0.3, 0.15, 0.07, 0.03]))]))
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1].astype(np.int32)
    sizes[-1] -= int(sizes.sum()) - n
    towns = max(2, round(n / settings.network.users_per_region))
    weight = np.arange(1, towns + 1) ** -0.7
    region = rng.choice(towns, len(sizes), p=weight / weight.sum()).astype(np.int32)
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), sizes, region


def _workplaces(settings: MarketSettings, town: Ints, rng: np.random.Generator) -> tuple[Ints, int, Ints]:
    """Campus or office of each user (−1 none), the number of campuses, and the size of each workplace. Both are local."""
    n = settings.users
    knobs = settings.network
    workplace = np.full(n, -1, dtype=np.int32)
    kind = rng.random(n)
    counts: list[Ints] = []
    campuses = first = 0
    for low, high, median in (
        (0.0, knobs.campus_share, min(knobs.campus_size, n / 20)),
        (knobs.campus_share, min(1.0, knobs.campus_share + knobs.office_share), knobs.office_size),
    ):
        chosen = np.flatnonzero((kind >= low) & (kind < high))
        chosen = chosen[np.lexsort((rng.random(len(chosen)), town[chosen]))]
        sizes = np.maximum(2, rng.lognormal(np.log(median), 0.6, len(chosen) // 2 + 1)).astype(np.int64)
        place = np.searchsorted(np.cumsum(sizes), np.arange(len(chosen)), side="right")
        workplace[chosen] = first + place
        count = np.bincount(place) if len(place) else np.zeros(0, dtype=np.int64)
        counts.append(count.astype(np.int32))
        first += len(count)
        campuses = campuses or first
    return workplace, campuses, np.concatenate(counts)


def _networks(
    settings: MarketSettings, home: Ints, region: Ints, workplace: Ints, campuses: int, work_sizes: Ints, rng: np.random.Generator
) -> tuple[Floats, Networks]:
    """How long each home keeps its address, and the layout of all addresses."""
    knobs = settings.network
    homes = len(region)
    days = rng.choice([1.0, 3.0, 7.0, 14.0], homes, p=[0.4, 0.2, 0.25, 0.15])
    lease = np.where(rng.random(homes) < knobs.dynamic_share, days * 86_400.0, 0.0)
    student = (workplace >= 0) & (workplace < campuses)
    lease[home[student]] = np.where(np.bincount(home, minlength=homes)[home[student]] == 1, -1.0, lease[home[student]])
    dynamic = (homes, max(10, int(2 * (lease > 0).sum())))
    start = dynamic[0] + dynamic[1]
    work_count = np.where(np.arange(len(work_sizes)) < campuses, work_sizes // 150 + 1, work_sizes // 100 + 1).astype(np.int32)
    work_first = (start + np.concatenate([[0], np.cumsum(work_count)[:-1]])).astype(np.int32) if len(work_count) else work_count
    start += int(work_count.sum())
    towns = int(region.max()) + 1
    people = np.bincount(region[home], minlength=towns)
    carrier_count = np.maximum(1, np.round(people[:, None] * _carrier_shares(knobs.carriers) / knobs.users_per_carrier_ip)).astype(np.int32)
    carrier_first = (start + np.cumsum(carrier_count).reshape(carrier_count.shape) - carrier_count).astype(np.int32)
    start += int(carrier_count.sum())
    cafe_count = np.maximum(1, np.round(people * knobs.cafes / 10_000)).astype(np.int32)
    cafe_first = (start + np.cumsum(cafe_count) - cafe_count).astype(np.int32)
    start += int(cafe_count.sum())
    return lease, Networks(dynamic, work_first, work_count, carrier_first, carrier_count, cafe_first, cafe_count, start)


def _carrier_shares(carriers: int) -> Floats:
    share: Floats = 1.0 / np.arange(1, carriers + 1)
    share /= share.sum()
    return share


def _tastes(n: int, home: Ints, workplace: Ints, campuses: int, catalogue: Catalogue, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Interests and later interests: mostly one department's; homes and campuses share some of theirs."""
    categories = len(catalogue.popularity)
    drawn = rng.choice(categories, (n, INTERESTS + 2), p=catalogue.popularity).astype(np.int32)
    related = _related(drawn[:, 0], catalogue, rng, columns=INTERESTS + 1)
    drawn[:, 1:] = np.where(rng.random((n, INTERESTS + 1)) < 0.55, related, drawn[:, 1:])
    head = np.concatenate([[0], np.flatnonzero(np.diff(home)) + 1])
    shares = rng.random(n) < 0.5
    drawn[:, 2] = np.where(shares, drawn[head[home], 2], drawn[:, 2])
    student = np.flatnonzero((workplace >= 0) & (workplace < campuses))
    if len(student):
        common = rng.choice(categories, campuses, p=catalogue.popularity).astype(np.int32)
        drawn[student, 1] = np.where(rng.random(len(student)) < 0.5, common[workplace[student]], drawn[student, 1])
    return drawn[:, :INTERESTS].copy(), drawn[:, INTERESTS:].copy()


def _related(category: Ints, catalogue: Catalogue, rng: np.random.Generator, columns: int) -> Ints:
    """Categories of the same department, (n, columns)."""
    by_department = np.argsort(catalogue.department, kind="stable").astype(np.int32)
    start: Longs = np.concatenate([[0], np.cumsum(np.bincount(catalogue.department))])
    group = catalogue.department[category]
    count = start[group + 1] - start[group]
    return by_department[start[group][:, None] + (rng.random((len(category), columns)) * count[:, None]).astype(np.int64)]
