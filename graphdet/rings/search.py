"""Pair evidence → rings in codes: components of strong edges at several levels, each grown, split where two rings tell it better.

Components, not modularity: on the whole graph modularity merges everything (Fortunato & Barthélemy 2007). Several levels, since a
ring that a strict level breaks up a loose one holds together, and the other way round; growth leads both to the same ring.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from graphdet.evidence.pairs import PairEvidence
from graphdet.evidence.visits import Int32
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import RingSettings


@dataclass(frozen=True)
class Search:
    """Distinct rings, strongest first, and how many cores were tried to find them."""

    rings: list[Grown]
    cores: int


def search_rings(pairs: PairEvidence, grower: Grower, settings: RingSettings) -> Search:
    """Rings of at least `least_members` with a strength above 0; two may share members, but not half of members and targets."""
    looked_at: set[bytes] = set()
    whole: list[Grown] = []
    members_of: list[set[int]] = []
    rings_at: dict[int, list[int]] = defaultdict(list)  # target → positions in `whole` of the rings that have it

    def follow(core: Int32) -> None:
        waiting = [grower.grow(core)]
        while waiting:
            ring = waiting.pop()
            if len(ring.members) < settings.least_members or ring.members.tobytes() in looked_at:
                continue
            looked_at.add(ring.members.tobytes())
            members = set(ring.members.tolist())
            near = {position for target in ring.targets.tolist() for position in rings_at[target]}
            known = any(_same(members, members_of[position]) for position in near)
            parts = [] if known else _parts(ring, grower, settings)
            waiting += parts
            if not parts:
                for target in ring.targets.tolist():
                    rings_at[target].append(len(whole))
                whole.append(ring)
                members_of.append(members)

    components = {core.tobytes(): core for core in _components(pairs, grower.users, settings.levels)}
    for core in reversed(components.values()):
        follow(core)
    shared = _shared_targets(pairs, settings)
    for one, other, core in shared:
        users = core.tolist()
        near = set(rings_at[one]) | set(rings_at[other])
        if not any(sum(user in members_of[position] for user in users) > settings.overlap * len(users) for position in near):
            follow(core)
    return Search(_distinct(whole, settings), len(components) + len(shared))


def _shared_targets(pairs: PairEvidence, settings: RingSettings) -> list[tuple[int, int, Int32]]:
    """(key, key, users) of all three or more users of whom some pairs met at both keys; most evidence first."""
    length = np.diff(pairs.offset)
    left = np.repeat(length, length) - (np.arange(len(pairs.key)) - np.repeat(pairs.offset[:-1], length)) - 1  # meetings after this one
    first = np.concatenate([np.flatnonzero(left >= step) for step in range(1, int(length.max(initial=1)))] or [np.zeros(0, np.int64)])
    second = first + np.concatenate([np.full((left >= step).sum(), step) for step in range(1, int(length.max(initial=1)))] or [first])
    pair = np.repeat(np.arange(len(pairs)), length)[first]
    keys = np.sort(np.stack([pairs.key[first], pairs.key[second]]), axis=0).astype(np.int64)
    both = keys[0] << 32 | keys[1]
    order = np.lexsort([pair, both])
    both, pair = both[order], pair[order]
    start = np.flatnonzero(np.r_[True, both[1:] != both[:-1]]) if len(both) else first
    group = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(both)]))
    evidence = np.bincount(group, weights=pairs.evidence[pair], minlength=len(start))
    # The users of each group, once each.
    users = np.unique(np.concatenate([group << 32 | pairs.users[pair, side] for side in (0, 1)]))
    bounds = np.searchsorted(users >> 32, np.arange(len(start) + 1))
    users = (users & 0xFFFFFFFF).astype(np.int32)
    chosen = np.flatnonzero((np.diff(bounds) >= 3) & (evidence >= settings.seed))
    return [
        (int(both[start[place]] >> 32), int(both[start[place]] & 0xFFFFFFFF), users[bounds[place] : bounds[place + 1]])
        for place in chosen[np.argsort(-evidence[chosen], kind="stable")].tolist()
    ]


def _components(pairs: PairEvidence, users: int, levels: tuple[float, ...]) -> list[Int32]:
    """Connected groups of users at each level of evidence, loosest level first."""
    cores = []
    for level in sorted(levels):
        edges = pairs.users[pairs.evidence >= level]
        if not len(edges):
            break
        nodes, compact = np.unique(edges, return_inverse=True)
        compact = compact.reshape(edges.shape)
        matrix = coo_matrix((np.ones(len(edges), np.bool_), (compact[:, 0], compact[:, 1])), shape=(len(nodes), len(nodes)))
        count, label = connected_components(matrix, directed=False)
        order = np.argsort(label, kind="stable")
        cores += np.split(nodes[order].astype(np.int32), np.cumsum(np.bincount(label, minlength=count))[:-1])
    return cores


def _parts(ring: Grown, grower: Grower, settings: RingSettings) -> list[Grown]:
    """The two rings inside a ring where they tell the same coincidences in fewer words than it does; else none."""
    parts = [part for part in (grower.grow(half) for half in _halves(ring, grower)) if len(part.members) >= settings.least_members]
    parts = _distinct(parts, settings)
    return parts if len(parts) > 1 and sum(part.strength for part in parts) > ring.strength else []


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
    half = fcluster(linkage(distance, "average"), 2, "maxclust") == 1
    mostly = met[:, half].sum(1) * (~half).sum() > met[:, ~half].sum(1) * half.sum()
    return [] if mostly.all() or not mostly.any() else [ring.members[mostly], ring.members[~mostly]]


def _same(one: set[int], other: set[int]) -> bool:
    """Nearly the same members; whatever is inside the one is inside the other."""
    common = len(one & other)
    return common > 0.8 * (len(one) + len(other) - common)


def _overlap(one: Int32, other: Int32) -> float:
    """Share of the smaller group that is in the other, too."""
    return len(np.intersect1d(one, other, assume_unique=True)) / max(min(len(one), len(other)), 1)


def _distinct(rings: list[Grown], settings: RingSettings) -> list[Grown]:
    """Strongest first; a ring that a stronger one holds already, members and targets, is left out."""
    rings = sorted((ring for ring in rings if ring.strength > 0), key=lambda ring: (-ring.strength, ring.members.tobytes()))
    kept: list[Grown] = []
    rings_of: dict[int, list[int]] = {}
    for ring in rings:
        near = {position for member in ring.members.tolist() for position in rings_of.get(member, ())}
        if any(_overlap(ring.members, kept[n].members) > settings.overlap and _overlap(ring.targets, kept[n].targets) > settings.overlap for n in near):
            continue
        for member in ring.members.tolist():
            rings_of.setdefault(member, []).append(len(kept))
        kept.append(ring)
    return kept

