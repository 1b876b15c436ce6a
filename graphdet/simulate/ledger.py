"""What plans write down while they are made: visits to come, fresh codes taken, and the truth about groups."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from graphdet.simulate.people import device_codes
from graphdet.simulate.sessions import Plan, World
from graphdet.simulate.streams import Flags, Floats, Ints, Longs


@dataclass(frozen=True)
class RingTruth:
    """One planted ring.

    `touched` (members,) counts the distinct targets that each really touched; `joined` their own first visit, seconds.
    """

    kind: str
    start: float
    end: float
    window: float
    members: Ints
    touched: Ints
    joined: Floats
    targets: Ints
    decoys: Ints
    devices: Ints
    ips: Ints
    density: float


@dataclass(frozen=True)
class GroupTruth:
    """One innocent group, or several of one kind at once: node codes with the number of their group."""

    kind: str
    node_type: str
    group: Ints
    node: Ints


@dataclass(frozen=True)
class BreakIns:
    """Accounts taken over one by one: who, and seconds of the stranger's first and last visit; all (accounts,)."""

    user: Ints
    start: Floats
    end: Floats


@dataclass(frozen=True)
class Places:
    """Users by where they belong, so that a plan finds neighbours or colleagues without a look at everybody."""

    users: Ints
    first: Longs

    def of(self, place: int) -> Ints:
        """The users of one place, sorted."""
        return self.users[self.first[place] : self.first[place + 1]]


def _places(place: Ints, count: int) -> Places:
    users = np.argsort(place, kind="stable")
    return Places(users.astype(np.int32), np.searchsorted(place[users], np.arange(count + 1)))


@dataclass
class Ledger:
    """Plans add to it in their turn.

    Attributes:
        towns, workplaces: users by town and by campus or office.
        reserved: (users,) accounts that no other plan may take: raised accounts, staff.
        next_device, next_address, next_payment, next_script: first codes that nobody has taken.
    """

    world: World
    towns: Places
    workplaces: Places
    reserved: Flags
    next_device: int
    next_address: int
    next_payment: int
    next_script: int = 1
    plans: list[Plan] = field(default_factory=list)
    rings: list[RingTruth] = field(default_factory=list)
    groups: list[GroupTruth] = field(default_factory=list)
    break_ins: BreakIns | None = None

    def add_visits(self, plan: Plan, load: float = 1.0) -> None:
        """Put visits on the calendar; `load` is how much of the users' own shopping time each takes."""
        end = self.world.clock.end
        plan = plan.take((plan.time >= 0) & (plan.time < end - 600) & (plan.time < self.world.people.leave[plan.user]))
        np.add.at(self.world.people.load, plan.user, load)
        self.plans.append(plan)

    def add_group(self, kind: str, node_type: str, nodes: Ints) -> None:
        self.groups.append(GroupTruth(kind, node_type, np.zeros(len(nodes), dtype=np.int32), nodes.astype(np.int32)))

    def take_devices(self, count: int) -> Ints:
        self.next_device += count
        return np.arange(self.next_device - count, self.next_device, dtype=np.int32)

    def take_addresses(self, count: int) -> Ints:
        self.next_address += count
        return np.arange(self.next_address - count, self.next_address, dtype=np.int32)

    def take_payments(self, count: int) -> Ints:
        self.next_payment += count
        return np.arange(self.next_payment - count, self.next_payment, dtype=np.int32)

    def pick_users(
        self, count: int, low: float, high: float, rng: np.random.Generator, among: npt.NDArray[np.integer] | None = None
    ) -> Ints:
        """Up to `count` distinct users who are there from `low` to `high`, sorted; fewer where there are not so many."""
        people = self.world.people
        pool = np.unique(rng.integers(0, len(people), min(len(people), 4 * count + 20)) if among is None else among).astype(np.int32)
        pool = pool[(people.join[pool] < low) & (people.leave[pool] > high) & ~self.reserved[pool]]
        return np.sort(rng.choice(pool, min(count, len(pool)), replace=False)).astype(np.int32)


def open_ledger(world: World) -> Ledger:
    """An empty ledger above all codes that the population may use."""
    n = len(world.people)
    people = world.people
    return Ledger(
        world,
        towns=_places(people.region[people.home], int(people.region.max()) + 1),
        workplaces=_places(people.workplace, len(people.networks.work_first)),
        reserved=np.zeros(n, dtype=bool),
        next_device=device_codes(people),
        next_address=3 * n,
        next_payment=3 * n,
    )


def shared_codes(codes: Ints, users: Ints) -> Ints:
    """Codes that two or more users have."""
    known = codes >= 0
    pairs = np.unique(np.stack([codes[known], users[known]]), axis=1)
    found, counts = np.unique(pairs[0], return_counts=True)
    return found[counts >= 2].astype(np.int32)
