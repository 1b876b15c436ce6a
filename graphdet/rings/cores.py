"""Pair evidence and visits → cores: groups of users that may belong to one ring, to be grown.

Cores come from strong edges at several levels, from keys where some pairs met, and from crowds, where no pair stands out. Components, not
modularity: on the whole graph modularity merges everything (Fortunato & Barthélemy 2007). Several levels, since a ring that a strict
level breaks up a loose one holds together, and the other way round; growth leads both to the same ring.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Int32, Int64
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import ITEM, SELLER
from graphdet.settings import RingSettings
from graphdet.visits.crowding import fullest
from graphdet.visits.index import VisitIndex
from graphdet.visits.rushes import MOST_OF_ALL
from graphdet.visits.visits import UNTIMED, Visits

MOST_STEPS = 11  # of two users' meetings each is paired with so many next ones; who meets at more places is found anyway


class Core(NamedTuple):
    """Users to grow a ring from, and the keys that brought them together: two, the same key twice, or none."""

    users: Int32
    keys: tuple[int, int] | tuple[()] = ()


def find_cores(pairs: PairEvidence, index: VisitIndex, settings: RingSettings, threads: int = 1) -> list[Core]:
    """All cores, in the order in which they are to be grown: components, the strictest first; crowds; users of shared targets."""
    components = {core.tobytes(): Core(core) for core in connected_users(pairs, index.visits.users, settings)}
    shared = users_of_shared_targets(pairs, settings, _suffices(index), threads)
    return [*reversed(components.values()), *crowds(index.visits), *shared]


def cores_with(chosen: Bool, pairs: PairEvidence, index: VisitIndex, settings: RingSettings, threads: int = 1) -> list[Core]:
    """Of all cores, but for crowds, those that chosen pairs (n,) made: with two of their users, and at keys where one of them met."""
    users, keys = np.zeros(index.visits.users, np.bool_), np.zeros(index.visits.keys, np.bool_)
    users[pairs.users[chosen]] = True
    keys[pairs.key[np.repeat(chosen, np.diff(pairs.offset))]] = True
    components = {core.tobytes(): Core(core) for core in connected_users(pairs, index.visits.users, settings, users)}
    met = np.concatenate([np.zeros(1, np.int64), np.cumsum(keys[pairs.key])])[pairs.offset]
    there = np.flatnonzero(np.diff(met))  # who met at none of these keys is in no such core
    return [*reversed(components.values()), *users_of_shared_targets(pairs.take(there), settings, _suffices(index), threads, (users, keys))]


def _suffices(index: VisitIndex) -> Bool:
    """(keys,) which keys stand for two: who meets at an item meets at its seller, too; where the log names no sellers, one item does."""
    sellers = any(view.name == SELLER for view in index.visits.views)
    return np.asarray((index.view == index.item_view) & (not sellers), np.bool_)


def connected_users(pairs: PairEvidence, users: int, settings: RingSettings, chosen: Bool | None = None) -> list[Int32]:
    """Connected groups of users at each level of evidence, loosest level first; those that want two members or more rarely grow.

    `chosen` (users,): only groups with two of them; None = all groups.
    """
    levels = np.array(sorted(settings.levels, reverse=True), np.float64)
    most = most_members(users)
    offset, members, of_level = _kernels.connected_users(pairs.users, pairs.evidence, levels, users, settings.least_members - 1, most)
    asked = _with_two(members, offset, chosen).tolist()
    groups = zip(asked, itertools.pairwise(offset.tolist()), strict=True)
    by_level = [[members[first:end] for own, (first, end) in itertools.islice(groups, number) if own] for number in of_level.tolist()]
    return list(itertools.chain(*reversed(by_level)))


def _with_two(members: Int32, offset: Int64, chosen: Bool | None) -> Bool:
    """(groups,) which groups have two of the chosen users; all where nobody was chosen."""
    if chosen is None:
        return np.ones(len(offset) - 1, np.bool_)
    count = np.concatenate([np.zeros(1, np.int64), np.cumsum(chosen[members])])
    return np.asarray(np.diff(count[offset]) >= 2)


def crowds(visits: Visits) -> list[Core]:
    """Those who came to a crowded item in its fullest time, largest first; not who were mostly in larger ones.

    Among very many who come at once no pair stands out, since a crowd speaks of a reason to come. A ring of hundreds that comes together
    elsewhere, too, is seen only by growing it from such a crowd. Without times nobody comes at once.
    """
    cores = []
    counted = np.zeros(visits.users, np.bool_)
    for view in visits.views:
        if view.name != ITEM or view.windows[0] == UNTIMED:
            continue
        begin, end = fullest(visits, view)
        crowded = np.flatnonzero((end - begin > view.settings.cap) & (end - begin <= most_members(visits.users)))
        for key in crowded[np.lexsort((crowded, -(end - begin)[crowded]))].tolist():
            users = np.unique(visits.user[begin[key] : end[key]])
            if counted[users].mean() <= 0.5:
                counted[users] = True
                cores.append(Core(users, (view.first_key + key, view.first_key + key)))
    return cores


def users_of_shared_targets(
    pairs: PairEvidence, settings: RingSettings, suffices: Bool, threads: int = 1, chosen: tuple[Bool, Bool] | None = None
) -> list[Core]:
    """Three or more users of whom some pairs met at both of two keys, or at one that `suffices`; most evidence per user first.

    Args:
        pairs: with their meetings.
        settings: how much evidence the pairs of one group must have.
        suffices: (keys,) which keys stand for two.
        threads: the result does not depend on it.
        chosen: (users,) and (keys,): only cores with two of these users, at these keys; None = all.
    """
    offset, users, one, other, evidence = _kernels.users_of_shared_targets(
        pairs.users, pairs.evidence, pairs.offset, pairs.key, suffices, MOST_STEPS, settings.seed, threads
    )
    order = np.argsort(-evidence / np.diff(offset), kind="stable")  # a rush has most evidence in sum, since it has most users
    if chosen is not None:
        order = order[(_with_two(users, offset, chosen[0]) & chosen[1][one] & chosen[1][other])[order]]
    begins, ends = offset[:-1][order].tolist(), offset[1:][order].tolist()
    keys = zip(one[order].tolist(), other[order].tolist(), strict=True)
    return [Core(users[begin:end], both) for begin, end, both in zip(begins, ends, keys, strict=True)]


def most_members(users: int) -> float:
    """Members that a ring may have while it grows, and users that a core may have: a larger group is everybody, and a larger component
    the giant component of a random graph."""
    return max(MOST_OF_ALL * users, 1000)
