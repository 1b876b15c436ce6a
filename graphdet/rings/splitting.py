"""A grown ring → the two rings inside it, where two tell its coincidences better than one."""

from __future__ import annotations

import numpy as np
import scipy

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import RingSettings


def parts_of(ring: Grown, grower: Grower, settings: RingSettings) -> list[Grown]:
    """The two rings inside a ring where they tell the same coincidences in fewer words than it does; else none."""
    parts = [
        part
        for part in (grower.grow(half, generous=False) for half in _halves(ring, grower))
        if len(part.members) >= settings.least_members
    ]
    if len(parts) < 2:
        return []
    together, shared = told_by_both(parts[0], parts[1], grower)
    # Where most of what one tells the other tells, too, there are no two rings.
    return parts if shared <= settings.overlap and together > ring.strength else []


def told_by_both(one: Grown, other: Grown, grower: Grower) -> tuple[float, float]:
    """Strength of two rings together, and the share of the weaker one's meetings that both tell: the same members at the same targets,
    which count once."""
    weak, strong = sorted((one, other), key=lambda ring: (ring.strength, ring.members.tobytes()))
    told, again = _meetings(strong, grower), _meetings(weak, grower)
    shared = len(np.intersect1d(told, again)) / max(len(again), 1)
    return strong.strength + weak.strength * (1 - shared), shared


def _meetings(ring: Grown, grower: Grower) -> Int64:
    """Who was at which target, as one number each."""
    who, what = grower.incidence(ring)
    return np.asarray(ring.members[who].astype(np.int64) << 32 | ring.targets[what], np.int64)


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
    half = _under(scipy.cluster.hierarchy.linkage(distance, "average"), len(norm))
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
