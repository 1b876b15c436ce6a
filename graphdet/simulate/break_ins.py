"""Settings → accounts taken over one by one, each by a stranger of its own: the break in an account's life that no ring shows.

The stranger comes from a device, a network and hours of their own, wants goods that sell on, and sends some of them to a place of
theirs. Some keep to the owner's saved card and address, and the owner goes on shopping.
"""

from __future__ import annotations

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.ledger import BreakIns, Ledger
from graphdet.simulate.sessions import CART, LOOK, NOTHING, ORDER, Plan, make_plan
from graphdet.simulate.streams import Floats, stream

HISTORY = 0.35  # of the log, before which nobody is taken over: a victim has had a life by then


def plan_break_ins(ledger: Ledger, seed: int) -> BreakIns:
    """Plan the strangers' visits and write them into the ledger; nobody's draws but these depend on how many there are."""
    world = ledger.world
    knobs, people, clock = world.settings.takeovers, world.people, world.clock
    rng = stream(seed, "break-ins")
    wanted = round(knobs.count * len(people) / 10_000)
    low, high = HISTORY * clock.end, clock.end - 2.5 * DAY
    there = np.flatnonzero((people.join < 0.1 * clock.end) & (people.leave > high) & ~ledger.reserved)
    # The busier an account, the more it is worth to a stranger.
    weight = people.activity[there] ** 2
    wanted = min(wanted, len(there))
    user = (
        np.sort(rng.choice(there, wanted, replace=False, p=weight / weight.sum())).astype(np.int32)
        if wanted
        else there.astype(np.int32)[:0]
    )
    start = clock.draw(np.full(wanted, low), np.full(wanted, high), rng)
    span = rng.uniform(knobs.hours_low, knobs.hours_high, wanted) * HOUR
    visits = 1 + rng.poisson(knobs.visits - 1, wanted)
    # Some live where it is night when the owner shops.
    start += np.where(rng.random(wanted) < knobs.abroad_share, rng.uniform(7, 12, wanted) * HOUR, 0.0)
    devices, homes = ledger.take_devices(wanted), rng.integers(0, len(people.home_size), wanted).astype(np.int32)
    drops, cards = ledger.take_addresses(wanted), ledger.take_payments(wanted)
    sent, paid = rng.random(wanted) < knobs.drop_share, rng.random(wanted) < knobs.card_share
    begin, end = np.zeros(wanted), np.zeros(wanted)
    for place in range(wanted):
        count = int(visits[place])
        time = start[place] + np.sort(np.append(0.0, rng.uniform(0, span[place], count - 1)))
        begin[place], end[place] = time[0], time[-1]
        ledger.add_visits(
            _visits(
                ledger, user[place], time, rng,
                device=devices[place], ip=homes[place], address=drops[place] if sent[place] else -1,
                payment=cards[place] if paid[place] else -1,
            )
        )  # fmt: skip
    return BreakIns(user, begin, end)


def _visits(ledger: Ledger, user: int, time: Floats, rng: np.random.Generator, **places: int) -> Plan:
    """One stranger's visits: dear goods of two categories that sell on at once, mostly ordered."""
    catalogue, count = ledger.world.catalogue, len(time)
    category = rng.choice(len(catalogue.popularity), 2, p=catalogue.popularity)[rng.integers(0, 2, count)].astype(np.int32)
    tries = catalogue.draw(np.repeat(category, 3), rng).reshape(count, 3)
    item = tries[np.arange(count), catalogue.price[tries].argmax(axis=1)]
    item = np.where(catalogue.launch[item] <= time, item, catalogue.stand_in[item]).astype(np.int32)
    depth = rng.choice(np.array([ORDER, CART, LOOK], np.int8), count, p=[0.7, 0.1, 0.2])
    return make_plan(np.full(count, user, np.int32), time, item, depth=depth, after=NOTHING, brief=True, **places)
