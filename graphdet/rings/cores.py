"""Pair evidence and visits → cores: groups of users that may belong to one ring, to be grown.

Cores come from strong edges at several levels, from keys where some pairs met, and from crowds, where no pair stands out. Components, not
modularity: on the whole graph modularity merges everything (Fortunato & Barthélemy 2007). Several levels, since a ring that a strict
level breaks up a loose one holds together, and the other way round; growth leads both to the same ring.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from graphdet.arrays import Bool, Int32
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import ITEM, SELLER
from graphdet.settings import RingSettings
from graphdet.visits.crowding import fullest
from graphdet.visits.index import VisitIndex
from graphdet.visits.rushes import MOST_OF_ALL
from graphdet.visits.visits import UNTIMED, Visits

MOST_STEPS = 12  # of two users' meetings each is paired with so many next ones; who meets at more places is found anyway


class Core(NamedTuple):
    """Users to grow a ring from, and the keys that brought them together: two, the same key twice, or none."""

    users: Int32
    keys: tuple[int, int] | tuple[()] = ()


def find_cores(pairs: PairEvidence, index: VisitIndex, settings: RingSettings) -> list[Core]:
    """All cores, in the order in which they are to be grown: components, the strictest first; crowds; users of shared targets."""
    components = {core.tobytes(): Core(core) for core in connected_users(pairs, index.visits.users, settings)}
    # Who meets at an item meets at its seller, too. Where the log names no sellers, one item does for both keys.
    sellers = any(view.name == SELLER for view in index.visits.views)
    shared = users_of_shared_targets(pairs, settings, (index.view == index.item_view) & (not sellers))
    return [*reversed(components.values()), *crowds(index.visits), *shared]


def connected_users(pairs: PairEvidence, users: int, settings: RingSettings) -> list[Int32]:
    """Connected groups of users at each level of evidence, loosest level first; those that want two members or more rarely grow."""
    cores = []
    for level in sorted(settings.levels):
        edges = pairs.users[pairs.evidence >= level]
        if not len(edges):
            break
        nodes, compact = np.unique(edges, return_inverse=True)
        compact = compact.reshape(edges.shape)
        matrix = scipy.sparse.coo_matrix((np.ones(len(edges), np.int8), (compact[:, 0], compact[:, 1])), shape=(len(nodes), len(nodes)))
        count, label = scipy.sparse.csgraph.connected_components(matrix, directed=False)
        order = np.argsort(label, kind="stable")
        groups = np.split(nodes[order].astype(np.int32), np.cumsum(np.bincount(label, minlength=count))[:-1])
        cores += [group for group in groups if settings.least_members - 1 <= len(group) <= most_members(users)]
    return cores


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


def users_of_shared_targets(pairs: PairEvidence, settings: RingSettings, suffices: Bool) -> list[Core]:
    """Three or more users of whom some pairs met at both of two keys, or at one that `suffices`; most evidence per user first.

    Args:
        pairs: with their meetings.
        settings: how much evidence the pairs of one group must have.
        suffices: (keys,) which keys stand for two.
    """
    length = np.diff(pairs.offset)
    left = np.repeat(length, length) - (np.arange(len(pairs.key)) - np.repeat(pairs.offset[:-1], length)) - 1  # meetings after this one
    steps = range(1, min(int(length.max(initial=1)), MOST_STEPS))
    meetings = [np.flatnonzero(suffices[pairs.key]), *(np.flatnonzero(left >= step) for step in steps)]
    first = np.concatenate(meetings)
    second = first + np.repeat([0, *steps], [len(found) for found in meetings])
    pair = np.repeat(np.arange(len(pairs)), length)[first]
    keys = np.sort(np.stack([pairs.key[first], pairs.key[second]]), axis=0).astype(np.int64)
    both = keys[0] << 32 | keys[1]
    order = np.lexsort([pair, both])
    both, pair = both[order], pair[order]
    start = np.flatnonzero(np.r_[True, both[1:] != both[:-1]]) if len(both) else first
    group = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(both)]))
    evidence = np.bincount(group, weights=pairs.evidence[pair], minlength=len(start))
    # The users of each group, once each.
    users = np.sort(np.concatenate([group << 32 | pairs.users[pair, side] for side in (0, 1)]))
    users = users[np.diff(users, prepend=-1) > 0]
    bounds = np.searchsorted(users >> 32, np.arange(len(start) + 1))
    users = (users & 0xFFFFFFFF).astype(np.int32)
    chosen = np.flatnonzero((np.diff(bounds) >= 3) & (evidence >= settings.seed))
    each = evidence[chosen] / np.diff(bounds)[chosen]  # a rush has most evidence in sum, since it has most users
    return [
        Core(users[bounds[place] : bounds[place + 1]], (int(both[start[place]] >> 32), int(both[start[place]] & 0xFFFFFFFF)))
        for place in chosen[np.argsort(-each, kind="stable")].tolist()
    ]


def most_members(users: int) -> float:
    """Members that a ring may have while it grows, and users that a core may have: a larger group is everybody, and a larger component
    the giant component of a random graph."""
    return max(MOST_OF_ALL * users, 1000)
