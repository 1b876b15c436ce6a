"""Visits → farms: accounts that have devices, payment instruments or addresses to themselves, and keep to them together.

The search of rings cannot judge them: its null keeps the visits of every key, and with them how many accounts a device has. So this asks
what honest people who share a thing would do. Who comes by chance comes once and is elsewhere, as in a café (`customs.py`); who is of one
home comes when people come (`closeness.py`); and a home has as many people as homes have in this log. A group stands out where its accounts
keep to a time too short for so many, or where they share things of several kinds and are too many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Int32, check_sorted
from graphdet.rings.customs import false_discovery
from graphdet.rings.farm_tests import Closeness, FarmTest, all_tests
from graphdet.rings.growth import Grower, Grown
from graphdet.rings.sharers import group_of_keys, read_sharers
from graphdet.visits.index import VisitIndex
from graphdet.visits.visits import UNTIMED, Visits


@dataclass(frozen=True)
class Farm:
    """Accounts of one hand, it seems.

    Attributes:
        members: (n,) int32 user codes, sorted; `keys`: (k,) int32 what is theirs, of any view, sorted.
        start, end: seconds within which they kept to it.
        closeness, chance: why that is unlikely, and how.
        tests: groups that were looked at.
        q: expected share of honest groups among those found that are no likelier.
    """

    members: Int32
    keys: Int32
    start: int
    end: int
    closeness: Closeness
    chance: float
    tests: int
    q: float

    def __post_init__(self) -> None:
        check_sorted("members", self.members)
        check_sorted("keys", self.keys)
        if not 0 < self.chance <= 1 or not 0 < self.q <= 1 or self.tests < 1:
            raise ValueError(f"chance and q must be in (0, 1], of one test or more (found {self.chance}, {self.q}, {self.tests})")

    @property
    def evidence(self) -> float:
        """log10, less the price of naming the group among all that were looked at."""
        return -self.closeness.log_chance - float(np.log10(self.tests))


def find_farms(index: VisitIndex, most_q: float) -> list[Farm]:
    """Groups that honest custom does not explain, largest first; nobody is in two.

    Args:
        index: visits.
        most_q: expected share of honest groups among those found.
    """
    visits = index.visits
    sharers = read_sharers(visits)
    group = group_of_keys(sharers, visits)
    tests = all_tests(sharers, group, visits)
    q = false_discovery(np.array([test.chance for test in tests]))
    order = sorted(range(len(tests)), key=lambda number: (-len(tests[number].members), tests[number].chance, number))
    taken = np.zeros(visits.users, np.bool_)
    farms = []
    for number in order:
        test = tests[number]
        if q[number] > most_q or taken[test.members].any():
            continue
        keys = _keys_of(test, group, visits)
        if len(keys):  # several things of which none is theirs are no farm's
            taken[test.members] = True
            farms.append(Farm(test.members, keys, test.start, test.end, test.closeness, test.chance, len(tests), float(q[number])))
    return farms


def as_ring(farm: Farm, index: VisitIndex, grower: Grower) -> Grown:
    """A farm as a grown ring: what is theirs, in its time, and beside it whatever else these accounts did together."""
    described = grower.describe(farm.members)
    beside = ~np.isin(described.targets, farm.keys)
    start, end, visitors, outsiders = _presence(farm, index.visits, grower)
    keys = np.r_[described.targets[beside], farm.keys]
    order = np.argsort(keys)
    own = np.full(len(farm.keys), farm.evidence / max(len(farm.keys), 1))
    return Grown(
        members=farm.members,
        contribution=described.contribution + farm.evidence / len(farm.members),
        targets=keys[order],
        start=np.r_[described.start[beside], start][order],
        end=np.r_[described.end[beside], end][order],
        visitors=np.r_[described.visitors[beside], visitors][order],
        outsiders=np.r_[described.outsiders[beside], outsiders][order],
        gain=np.r_[described.gain[beside], own][order],
        strength=farm.evidence + described.strength,
    )


def _keys_of(test: FarmTest, group: Int32, visits: Visits) -> Int32:
    """The key that was tested, and those of the group that are the members' own: most of who came to them are, and two or more."""
    keys = np.flatnonzero(group == test.group).astype(np.int32) if test.key < 0 else np.r_[test.key, np.flatnonzero(group == test.group)]
    member = np.zeros(visits.users, np.bool_)
    member[test.members] = True
    keys = np.unique(keys).astype(np.int32)
    users = [np.unique(visits.user[visits.offset[key] : visits.offset[key + 1]]) for key in keys.tolist()]
    theirs = np.array([member[who].sum() for who in users], np.int64)
    own = (theirs >= 2) & (2 * theirs >= np.array([len(who) for who in users], np.int64))
    return np.asarray(keys[own | (keys == test.key)], np.int32)


def _presence(farm: Farm, visits: Visits, grower: Grower) -> tuple[Int32, Int32, Int32, Int32]:
    """Of each of the farm's keys the time in which its accounts came, how many came then, and visits of others then."""
    rows = np.zeros((4, len(farm.keys)), np.int32)
    for place, key in enumerate(farm.keys.tolist()):
        at = slice(visits.offset[key], visits.offset[key + 1])
        user, time = visits.user[at], visits.time[at].astype(np.int64)
        own = np.isin(user, farm.members)
        slack = grower.slack_of(key)
        start, end = max(int(time[own].min()) - slack, 0), min(int(time[own].max()) + slack, UNTIMED - 1)
        there = (time >= start) & (time <= end)
        rows[:, place] = start, end, len(np.unique(user[own])), (there & ~own).sum()
    return rows[0], rows[1], rows[2], rows[3]
