"""Pair evidence → rings in codes: components of strong edges at several levels, each grown, split where two rings tell it better.

Components, not modularity: on the whole graph modularity merges everything (Fortunato & Barthélemy 2007). Several levels, since a
ring that a strict level breaks up a loose one holds together, and the other way round; growth leads both to the same ring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
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
    grown: dict[bytes, Grown] = {}
    seen: set[bytes] = set()
    for core in _cores(pairs, grower.users, settings.levels):
        if core.tobytes() in seen:
            continue
        seen.add(core.tobytes())
        for ring in _split(grower.grow(core), grower, settings):
            grown[ring.members.tobytes()] = ring
    return Search(_distinct(list(grown.values()), settings), len(seen))


def _cores(pairs: PairEvidence, users: int, levels: tuple[float, ...]) -> list[Int32]:
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


def _split(ring: Grown, grower: Grower, settings: RingSettings) -> list[Grown]:
    """The ring, or the rings inside it where they tell the same coincidences in fewer words."""
    if len(ring.members) < settings.least_members:
        return []
    parts = [part for part in (grower.grow(half) for half in _communities(ring, grower)) if len(part.members) >= settings.least_members]
    parts = _distinct(parts, settings)
    if len(parts) < 2 or sum(part.strength for part in parts) <= ring.strength:
        return [ring]
    return [inner for part in parts for inner in _split(part, grower, settings)]


def _communities(ring: Grown, grower: Grower) -> list[Int32]:
    """Members in groups that share targets, by Louvain on who visited what (Blondel et al. 2008); none where there is one group."""
    from sknetwork.clustering import Louvain

    who, what = grower.incidence(ring)
    if len(ring.targets) < 2 or not len(who):
        return []
    met = csr_matrix((np.ones(len(who)), (who, what)), shape=(len(ring.members), len(ring.targets)))
    label = Louvain(random_state=0).fit(met).labels_row_
    groups = [ring.members[label == value] for value in np.unique(label)]
    return groups if len(groups) > 1 else []


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

