"""Small made logs with planted rings, as event tables: what the tests of growth and search walk on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events import EventTable, ReadReport
from graphdet.judging.ages import Ages
from graphdet.judging.dealings import Dealings
from graphdet.judging.devotion import Devotion
from graphdet.judging.presence import Presence
from graphdet.judging.ring_facts import RingFacts
from graphdet.judging.sharing import Sharing
from graphdet.judging.sittings import Sittings
from graphdet.judging.surroundings import Surroundings
from graphdet.judging.tastes import Tastes
from graphdet.rings.growth import Grown
from graphdet.schema import arrow_schema

HOUR = 3600
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Block:
    """Users who come to all of the items but for a share of the pairs, to each item within its own few hours."""

    users: tuple[int, ...]
    items: tuple[int, ...]
    density: float = 0.8
    hours: float = 4.0


def coded_table(user: Ints, second: Ints | None, item_category: Sequence[int] = (), **keys: Ints) -> EventTable:
    """Codes as they are → an event table; `second` None = a log without times. Categories are given for all items or for none."""
    order = np.arange(len(user)) if second is None else np.argsort(second, kind="stable")
    codes = {name: np.asarray(column, np.int32)[order] for name, column in {"user": user, **keys}.items()}
    ids = {name: pa.array([f"{name}{n:06d}" for n in range(column.max() + 1)]) for name, column in codes.items()}
    items = len(ids.get("item", ()))
    return EventTable(
        ids=ids,
        codes=codes,
        time=None if second is None else np.asarray(second, np.int64)[order] * 1_000_000,
        resolution="none" if second is None else "instant",
        action=np.zeros(len(user), np.int16),
        actions=("order",),
        item_category=np.asarray(item_category, np.int32) if len(item_category) else np.full(items, -1, np.int32),
        categories=tuple(f"c{n}" for n in range(max(item_category) + 1)) if len(item_category) else (),
        amount=None,
        rating=None,
        report=ReadReport((), arrow_schema("rejected").empty_table(), ()),
    )


def planted_log(
    generator: np.random.Generator,
    blocks: Sequence[Block] = (),
    *,
    users: int = 500,
    items: int = 300,
    events: int = 6000,
    days: int = 40,
    categories: int = 5,
    extra: Sequence[tuple[int, int, int]] = (),
) -> tuple[EventTable, dict[int, set[int]]]:
    """Users at items by chance, some items more popular, the blocks, and extra (user, item, block) who come once in the block's time.

    Returns:
        The log, and for each user of a block the block items that they came to.
    """
    popularity = 1.0 / np.arange(50, items + 50)
    shuffled = generator.permutation(items)
    user = [generator.integers(0, users, events), np.arange(users)]  # everybody has an event, and so has every item
    item = [shuffled[generator.choice(items, events, p=popularity / popularity.sum())], np.arange(users) % items]
    second = [generator.integers(0, days * 24 * HOUR, events), generator.integers(0, days * 24 * HOUR, users)]
    touched: dict[int, set[int]] = {}
    for number, block in enumerate(blocks):
        for target in block.items:
            begin = int(generator.integers(24 * HOUR, (days - 1) * 24 * HOUR))
            came = [who for who in block.users if generator.random() < block.density]
            for who in came:
                touched.setdefault(who, set()).add(target)
            came += [who for who, where, which in extra if where == target and which == number]
            user.append(np.array(came, np.int64))
            item.append(np.full(len(came), target))
            second.append(begin + generator.integers(0, round(block.hours * HOUR), len(came)))
    category = generator.integers(0, categories, items).tolist()
    return coded_table(np.concatenate(user), np.concatenate(second), category, item=np.concatenate(item)), touched


def made_ring(
    members: Sequence[int], targets: Sequence[int], strength: float = 10.0, start: int = 0, end: int = HOUR, outsiders: int = 0
) -> Grown:
    """A ring of these members and targets, all targets in one time, all members at all of them."""
    column = np.full(len(targets), 1, np.int32)
    return Grown(
        members=np.array(sorted(members), np.int32),
        contribution=np.ones(len(members)),
        targets=np.array(sorted(targets), np.int32),
        start=column * np.int32(start),
        end=column * np.int32(end),
        visitors=column * np.int32(len(members)),
        outsiders=column * np.int32(outsiders),
        gain=np.ones(len(targets)),
        strength=strength,
    )


def plain_facts(grown: Grown) -> RingFacts:
    """Of a ring that nothing speaks against: strangers with one seller, few days, own devices, no returns."""
    members, targets = len(grown.members), len(grown.targets)
    each, at = np.ones(members, np.int64), np.ones(targets, np.int64)
    return RingFacts(
        grown=grown,
        presence=Presence(
            met=np.zeros((members, targets), np.bool_),
            member_events=each,
            member_first=each,
            member_last=each,
            target_events=at,
            target_first=at,
            target_last=at,
            start=0,
            end=0,
            until=0,
            days=6.0,
            apart=0.001,
            hours=8.0,
            touched=each,
            strays=np.zeros(members, np.bool_),
        ),
        devotion=Devotion(density=0.5, two_target_share=0.2, dedication=0.4, attention=2.0, repeats=1.0),
        tastes=Tastes(taste=0.1, seller_taste=0.1),
        surroundings=Surroundings(crowd=0.1, rush=0.2, outsiders_per_member=0.3),
        dealings=Dealings(amount=None, ordered=0.5, refunded=0.0, coupons=0.0, sellers=1, top_seller=1.0),
        sharing=Sharing(
            own_things=0, own_kinds=0, device_share=0.0, address_share=0.0, place_share=0.05, place_users=300, place_chance=1.0
        ),
        sittings=Sittings(one_sitting=0.1, one_day=math.nan, together=0.0, half_days=math.nan),
        ages=Ages(new_beyond=0.0, of_all=0.0),
    )


def with_facts(facts: RingFacts, grown: Grown | None = None, **changed: float) -> RingFacts:
    """The same facts but for some, whatever their theme; of another ring where one is given."""
    if grown is not None:
        plain, presence = plain_facts(grown), facts.presence
        of_any_size = {"days": presence.days, "apart": presence.apart, "hours": presence.hours}
        facts = replace(facts, grown=grown, presence=replace(plain.presence, **of_any_size))
    for theme in ("presence", "devotion", "tastes", "surroundings", "dealings", "sharing", "sittings", "ages"):
        known = getattr(facts, theme)
        own = {name: value for name, value in changed.items() if hasattr(known, name)}
        facts = replace(facts, **{theme: replace(known, **own)})
        changed = {name: value for name, value in changed.items() if name not in own}
    assert not changed, changed
    return facts
