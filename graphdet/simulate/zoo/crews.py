"""Organised fraud in any shop: crews whose work, phones, cards and addresses differ by tactic, and who live their own lives beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.streams import Floats, Ints, ranges
from graphdet.simulate.zoo.book import Book, Crew
from graphdet.simulate.zoo.town import Town


@dataclass(frozen=True)
class Tactic:
    """How one kind of ring works.

    Attributes:
        size, targets: median members; mean targets.
        touches: targets that the mean member works on.
        campaign_days: length of a campaign; `window_hours` of one target within it.
        phone_of, card_of: accounts on one device, and on one card; 0 = everybody's own.
        address_of: accounts that share a delivery address; 0 = everybody's own.
        lines: networks that the crew acts from; 0 = everybody's own.
        actions: what is done at a target, in turn.
        stars: of reviews.
        fresh_a_day: where above 0, targets are the goods that have just appeared, of so many a day (articles), not quiet ones.
    """

    kind: str
    size: float = 25.0
    targets: float = 8.0
    touches: float = 4.0
    campaign_days: float = 8.0
    window_hours: float = 18.0
    phone_of: int = 0
    card_of: int = 0
    address_of: int = 0
    lines: int = 0
    actions: tuple[str, ...] = ("view", "order")
    stars: float = np.nan
    fresh_a_day: int = 0


FARM = Tactic("device_farm", size=40, targets=7, touches=5, window_hours=10, phone_of=4, card_of=5, lines=3)
ONE_PHONE = Tactic(
    "one_phone", size=60, targets=12, touches=5, campaign_days=5, window_hours=48, phone_of=1000, card_of=1000, address_of=1000, lines=1
)
CROWD = Tactic("crowd", size=28, targets=10, touches=4, window_hours=24)
HIJACKED = Tactic("hijacked", size=20, targets=5, touches=3, campaign_days=3, window_hours=8, phone_of=4, lines=4)
SLOW = Tactic("slow", size=24, targets=8, touches=4.5, campaign_days=30, window_hours=240)
REVIEWERS = Tactic("review", size=24, targets=8, touches=4, window_hours=30, actions=("review",), stars=5.0)
COUPONS = Tactic("coupon", size=26, targets=6, touches=4, window_hours=10, address_of=30, actions=("coupon", "order"))
CARDS = Tactic("payment", size=18, targets=6, touches=3, campaign_days=4, window_hours=12, phone_of=3, card_of=2, address_of=6, lines=3)
SCALPERS = Tactic("scalper", size=24, targets=8, touches=5, campaign_days=20, window_hours=1, phone_of=3, card_of=6, lines=2)
VOTERS = Tactic("voters", size=24, targets=14, touches=7, campaign_days=15, window_hours=2, actions=("view", "review"), fresh_a_day=60)
LOGINS = Tactic("login_farm", size=30, targets=0, touches=4, campaign_days=6, phone_of=8, lines=2, actions=("login",))
PAYERS = Tactic("card_ring", size=18, targets=0, touches=4, campaign_days=6, card_of=6, address_of=9, lines=3, actions=("pay",))


def send(book: Book, town: Town, tactic: Tactic, rng: np.random.Generator) -> None:
    """One ring of this tactic: its members, its targets in their windows, who works on which, from where."""
    size = int(np.clip(rng.lognormal(np.log(tactic.size), 0.4), 8, 0.02 * len(town.people) + 8))
    pool = town.known_users(4 * size, rng)
    members = np.sort(pool[~book.taken[pool]][:size])
    book.taken[members] = True
    length = min(tactic.campaign_days * rng.uniform(0.7, 1.3), town.clock.days - 2) * DAY
    begin = rng.uniform(DAY, max(town.clock.end - length - DAY, DAY + 1))
    targets, opens = _targets(town, tactic, begin, length, rng)
    member, work = _shared_out(len(members), len(opens), tactic, rng)
    time = opens[work] + rng.random(len(work)) * tactic.window_hours * HOUR
    time = np.minimum(time, town.clock.end - HOUR)
    item = targets[work] if len(targets) else np.full(len(work), -1, np.int32)
    device, ip = town.places(members[member], rng)
    devices = ips = np.zeros(0, np.int32)
    if tactic.phone_of:
        devices = book.take("device", -(-len(members) // tactic.phone_of))
        device = devices[member % len(devices)]
    if tactic.lines:
        ips = book.take("ip", tactic.lines)
        ip = ips[rng.integers(0, tactic.lines, len(member))]
    card = _dealt(book, "payment", members, member, tactic.card_of)
    address = _dealt(book, "address", town.people.home[members], member, tactic.address_of)
    for step, action in enumerate(tactic.actions):
        when = time + step * (60 + rng.exponential(90, len(time)))
        _do(book, town, action, members[member], when, item, device, ip, card, address, tactic.stars)
    pair = np.unique(member.astype(np.int64) << 32 | work)
    touched = np.bincount(pair >> 32, minlength=len(members))
    book.crews.append(Crew(tactic.kind, members, np.unique(targets), touched.astype(np.int32), devices, ips))


def _targets(town: Town, tactic: Tactic, begin: float, length: float, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Targets with the second at which the work on each begins; without targets, shifts of work."""
    count = max(int(rng.poisson(tactic.targets)), 3) if tactic.targets else 5
    opens = np.sort(begin + rng.random(count) * length)
    if not tactic.targets:
        return np.zeros(0, np.int32), opens
    if tactic.fresh_a_day:
        return (opens // (DAY / tactic.fresh_a_day) % len(town.goods)).astype(np.int32), opens
    return rng.permutation(town.quiet_items(count, rng)), opens


def _shared_out(members: int, targets: int, tactic: Tactic, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """(member, target) pairs: each member works on some of the targets, at least on one."""
    count = np.clip(rng.poisson(tactic.touches, members), 1, targets)
    member = np.repeat(np.arange(members), count)
    order = np.argsort(rng.random((members, targets)), axis=1)
    return member.astype(np.int32), order[member, ranges(count)].astype(np.int32)


def _dealt(book: Book, node_type: str, own: Ints, member: Ints, share: int) -> Ints:
    """Each member's own thing, or one of a few fresh ones that so many members share."""
    if not share:
        return own[member]
    fresh = book.take(node_type, -(-len(own) // share))
    return fresh[member % len(fresh)]


def _do(
    book: Book,
    town: Town,
    action: str,
    user: Ints,
    time: Floats,
    item: Ints,
    device: Ints,
    ip: Ints,
    card: Ints,
    address: Ints,
    stars: float,
) -> None:
    money = action in ("order", "pay")
    amount = np.where(item >= 0, town.goods.price[item], 40.0) if money else np.full(len(user), np.nan)
    order = book.take("order", len(user)) if action == "order" else np.full(len(user), -1, np.int32)
    book.add(
        user, time, action, item=item, device=device, ip=ip, order=order, amount=amount,
        rating=np.full(len(user), stars if action == "review" else np.nan),
        payment=card if money else np.full(len(user), -1, np.int32), address=address if money else np.full(len(user), -1, np.int32),
    )  # fmt: skip
