"""Pair evidence → rings in codes: components of strong edges at several levels, each grown, split where two rings tell it better.

Components, not modularity: on the whole graph modularity merges everything (Fortunato & Barthélemy 2007). Several levels, since a
ring that a strict level breaks up a loose one holds together, and the other way round; growth leads both to the same ring.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from graphdet.arrays import Bool, Float64, Int32
from graphdet.evidence.pairs import PairEvidence
from graphdet.rings.growth import Grower, Grown, VisitIndex
from graphdet.settings import RingSettings
from graphdet.visits.visits import UNTIMED, Visits, fullest

Thing = TypeVar("Thing")
Result = TypeVar("Result")

BATCH = 64
NO_KEY = -1
MOST_STEPS = 12  # of two users' meetings each is paired with so many next ones; who meets at more places is found anyway
LEAST_EFFORT = 10_000_000  # visits walked, whatever the size of the log
LARGE = 300  # members that a ring may have in a log of any size
MOST_OF_ALL = 0.03  # a component with a larger share of all users is no group but the giant component of a random graph


@dataclass(frozen=True)
class Search:
    """Distinct rings, strongest first; how many cores there were, and how many of them were left when the effort was spent."""

    rings: list[Grown]
    cores: int
    untried: int


def search_rings(pairs: PairEvidence, index: VisitIndex, settings: RingSettings, threads: int = 1) -> Search:
    """Rings of at least `least_members` with a strength above `least_strength`; two may share members, but not half of members and targets.

    Args:
        pairs, index: of the same visits.
        settings: levels of evidence, and what a ring must have.
        threads: the result does not depend on it.
    """
    growers = [Grower(index, settings) for _ in range(threads)]
    grower = growers[0]
    looked_at: set[bytes] = set()
    whole: list[Grown] = []
    targets_of: list[set[int]] = []
    rings_of: dict[int, list[int]] = defaultdict(list)  # user → positions in `whole` of the rings that have him

    def looked(ring: Grown) -> bool:
        return len(ring.members) < settings.least_members or ring.members.tobytes() in looked_at

    def known(ring: Grown) -> bool:
        common = Counter(position for member in ring.members.tolist() for position in rings_of[member])
        return any(_same(shared, len(ring.members), len(whole[position].members)) for position, shared in common.items())

    def keep(ring: Grown, parts_of: dict[bytes, list[Grown]]) -> bool:
        """Take up a grown ring, or the rings inside it; whether it was news."""
        news = False
        waiting = [ring]
        while waiting:
            ring = waiting.pop()
            if looked(ring):
                continue
            code = ring.members.tobytes()
            looked_at.add(code)
            parts: list[Grown] = []
            if not known(ring):
                news = True
                parts = parts_of[code] if code in parts_of else _parts(ring, grower, settings)
            waiting += parts
            if not parts:
                for member in ring.members.tolist():
                    rings_of[member].append(len(whole))
                whole.append(ring)
                targets_of.append(set(ring.targets.tolist()))
        return news

    def told(one: int, other: int, users: list[int]) -> bool:
        """Whether a ring with one of the two targets has most of the users."""
        common = Counter(position for user in users for position in rings_of[user])
        return any(
            shared > settings.overlap * len(users) and (one in targets_of[position] or other in targets_of[position])
            for position, shared in common.items()
        )

    components = list({core.tobytes(): core for core in _components(pairs, index.visits.users, settings)}.values())
    # Who meets at an item meets at its seller, too. Where the log names no sellers, one item does for both keys.
    sellers = any(view.name == "seller" for view in index.visits.views)
    shared = _shared_targets(pairs, settings, (index.view == index.item_view) & (not sellers))
    cores = [(NO_KEY, NO_KEY, core) for core in components[::-1]] + _crowds(index.visits) + shared
    budget = LEAST_EFFORT + settings.effort * len(index.visits)
    tried = 0
    # Left out are cores that a ring has told already, and those at targets that have all brought nothing new time and again.
    fruitless: Counter[int] = Counter()
    with ThreadPoolExecutor(threads) as pool:
        while tried < len(cores) and budget > 0:
            # In batches of one size, whatever the threads, so that the same cores are left out.
            batch = [
                (one, other, core)
                for one, other, core in cores[tried : tried + BATCH]
                if one == NO_KEY or (min(fruitless[one], fruitless[other]) < settings.patience and not told(one, other, core.tolist()))
            ]
            tried += BATCH
            grown = _in_parallel(Grower.grow, [core for _, _, core in batch], growers, pool)
            fresh = list({ring.members.tobytes(): ring for ring in grown if not looked(ring) and not known(ring)}.values())
            parts = _in_parallel(lambda grower, ring: _parts(ring, grower, settings), fresh, growers, pool)
            parts_of = {ring.members.tobytes(): found for ring, found in zip(fresh, parts, strict=True)}
            for (one, other, core), ring in zip(batch, grown, strict=True):
                budget -= index.visits_of(core) + index.visits_of(ring.members)
                if not keep(ring, parts_of) and one != NO_KEY:
                    fruitless.update({one, other})
    rings = _distinct(_merged(_distinct(whole, settings), grower, most=round(MOST_OF_ALL * index.visits.users)), settings)
    return Search(rings, len(cores), untried=max(len(cores) - tried, 0))


def _in_parallel(
    do: Callable[[Grower, Thing], Result], things: list[Thing], growers: list[Grower], pool: ThreadPoolExecutor
) -> list[Result]:
    """Done with each thing, in their order, shared out between the growers."""
    shares = pool.map(
        lambda grower, own: [do(grower, thing) for thing in own], growers, [things[n :: len(growers)] for n in range(len(growers))]
    )
    done: list[Result] = [None] * len(things)  # type: ignore[list-item]
    for number, share in enumerate(shares):
        done[number :: len(growers)] = share
    return done


def _shared_targets(pairs: PairEvidence, settings: RingSettings, suffices: Bool) -> list[tuple[int, int, Int32]]:
    """(key, key, users) of all three or more users of whom some pairs met at both keys, or at one that `suffices`; most evidence first.

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
    return [
        (int(both[start[place]] >> 32), int(both[start[place]] & 0xFFFFFFFF), users[bounds[place] : bounds[place + 1]])
        for place in chosen[np.argsort(-evidence[chosen], kind="stable")].tolist()
    ]


def _components(pairs: PairEvidence, users: int, settings: RingSettings) -> list[Int32]:
    """Connected groups of users at each level of evidence, loosest level first; those that want two members or more rarely grow."""
    cores = []
    for level in sorted(settings.levels):
        edges = pairs.users[pairs.evidence >= level]
        if not len(edges):
            break
        nodes, compact = np.unique(edges, return_inverse=True)
        compact = compact.reshape(edges.shape)
        matrix = coo_matrix((np.ones(len(edges), np.int8), (compact[:, 0], compact[:, 1])), shape=(len(nodes), len(nodes)))
        count, label = connected_components(matrix, directed=False)
        order = np.argsort(label, kind="stable")
        groups = np.split(nodes[order].astype(np.int32), np.cumsum(np.bincount(label, minlength=count))[:-1])
        cores += [group for group in groups if settings.least_members - 1 <= len(group) <= _most(users)]
    return cores


def _parts(ring: Grown, grower: Grower, settings: RingSettings) -> list[Grown]:
    """The two rings inside a ring where they tell the same coincidences in fewer words than it does; else none."""
    parts = [
        part
        for part in (grower.grow(half, generous=False) for half in _halves(ring, grower))
        if len(part.members) >= settings.least_members
    ]
    parts = _distinct(parts, settings)
    return parts if len(parts) > 1 and sum(part.strength for part in parts) > ring.strength else []


def _crowds(visits: Visits) -> list[tuple[int, int, Int32]]:
    """(key, key, users) of those who came to a crowded item in its fullest time, largest first; not who were mostly in larger ones.

    Among very many who come at once no pair stands out, since a crowd speaks of a reason to come. A ring of hundreds that comes together
    elsewhere, too, is seen only by growing it from such a crowd. Without times nobody comes at once.
    """
    cores = []
    counted = np.zeros(visits.users, np.bool_)
    for view in visits.views:
        if view.name != "item" or view.windows[0] == UNTIMED:
            continue
        begin, end = fullest(visits, view)
        crowded = np.flatnonzero((end - begin > view.cap) & (end - begin <= _most(visits.users)))
        for key in crowded[np.lexsort((crowded, -(end - begin)[crowded]))].tolist():
            users = np.unique(visits.user[begin[key] : end[key]])
            if counted[users].mean() <= 0.5:
                counted[users] = True
                cores.append((view.first_key + key, view.first_key + key, users))
    return cores


def _most(users: int) -> float:
    """Users that a core may have."""
    return max(MOST_OF_ALL * users, 1000)


def _halves(ring: Grown, grower: Grower) -> list[Int32]:
    """Members in two by the half of the targets that they visited more of; targets in two by average linkage of their visitors.

    Source: average linkage, Sokal & Michener 1958; the distance is one less the correlation of who was there.
    """
    if len(ring.targets) < 2:
        return []
    met = np.zeros((len(ring.members), len(ring.targets)))
    met[grower.incidence(ring)] = 1.0
    centred = met - met.mean(0)
    norm = np.sqrt((centred**2).sum(0))
    correlation = centred.T @ centred / np.maximum(norm[:, None] * norm[None, :], 1e-12)
    distance = np.round(1 - correlation, 9)[np.triu_indices(len(norm), 1)]
    half = _under(linkage(distance, "average"), len(norm))
    mostly = met[:, half].sum(1) * (~half).sum() > met[:, ~half].sum(1) * half.sum()
    return [] if mostly.all() or not mostly.any() else [ring.members[mostly], ring.members[~mostly]]


def _under(merges: Float64, leaves: int) -> Bool:
    """(leaves,) which leaves lie under the first of the two branches that the last of scipy's merges joins."""
    below = np.zeros(2 * leaves - 1, np.bool_)
    below[int(merges[-1, 0])] = True
    for row in range(leaves - 2, -1, -1):
        if below[leaves + row]:
            below[merges[row, :2].astype(np.int64)] = True
    return below[:leaves]


def _merged(rings: list[Grown], grower: Grower, most: int) -> list[Grown]:
    """Rings that share targets and their times in one, where one tells their coincidences in fewer words than two; strongest first.

    What has more than `most` members stays as it is: it is a crowd of one taste, and joining crowds takes long and tells nobody more.
    """
    rings_at: dict[int, list[int]] = defaultdict(list)
    alive: dict[int, Grown] = {}
    waiting = list(reversed(rings))
    number = 0
    while waiting:
        ring = waiting.pop()
        common = Counter(position for target in ring.targets.tolist() for position in rings_at[target] if position in alive)
        for position, shared in sorted(common.items()):
            other = alive[position]
            least = max(2.0, 0.5 * min(len(ring.targets), len(other.targets)))
            large = max(len(ring.members), len(other.members)) > max(most, LARGE)
            if shared < least or large or _shared_times(ring, other) < least:
                continue
            union = grower.grow(np.union1d(ring.members, other.members))
            if union.strength > ring.strength + other.strength:
                del alive[position]
                waiting.append(union)
                break
        else:
            alive[number] = ring
            for target in ring.targets.tolist():
                rings_at[target].append(number)
            number += 1
    return list(alive.values())


def _shared_times(one: Grown, other: Grown) -> int:
    """Targets of both rings at which their times overlap."""
    _, mine, theirs = np.intersect1d(one.targets, other.targets, assume_unique=True, return_indices=True)
    return int(((one.start[mine] <= other.end[theirs]) & (other.start[theirs] <= one.end[mine])).sum())


def _same(common: int, one: int, other: int) -> bool:
    """Nearly the same members; whatever is inside the one is inside the other."""
    return common > 0.8 * (one + other - common)


def _distinct(rings: list[Grown], settings: RingSettings) -> list[Grown]:
    """Strongest first; a ring that a stronger one holds already, members and targets, is left out."""
    rings = sorted(
        (ring for ring in rings if ring.strength > settings.least_strength), key=lambda ring: (-ring.strength, ring.members.tobytes())
    )
    kept: list[Grown] = []
    rings_of: dict[int, list[int]] = defaultdict(list)
    for ring in rings:
        common = Counter(position for member in ring.members.tolist() for position in rings_of[member])
        near = (
            kept[position]
            for position, shared in common.items()
            if shared > settings.overlap * _smaller(ring.members, kept[position].members)
        )
        if any(
            len(np.intersect1d(ring.targets, other.targets, assume_unique=True)) > settings.overlap * _smaller(ring.targets, other.targets)
            for other in near
        ):
            continue
        for member in ring.members.tolist():
            rings_of[member].append(len(kept))
        kept.append(ring)
    return kept


def _smaller(one: Int32, other: Int32) -> int:
    return max(min(len(one), len(other)), 1)
