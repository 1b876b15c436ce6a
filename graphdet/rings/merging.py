"""Rings that a search found → distinct rings: two in one where that tells them better, and none that a stronger one holds already."""

from __future__ import annotations

import numpy as np

from graphdet.arrays import Int32
from graphdet.rings.growth import Grower, Grown
from graphdet.rings.inverted import InvertedIndex
from graphdet.settings import RingSettings

LARGE = 300  # members that a ring may have in a log of any size, and still be merged


def distinct(rings: list[Grown], settings: RingSettings) -> list[Grown]:
    """Strongest first; a ring that a stronger one holds already, members and targets, is left out."""
    rings = sorted(
        (ring for ring in rings if ring.strength > settings.least_strength), key=lambda ring: (-ring.strength, ring.members.tobytes())
    )
    kept: list[Grown] = []
    kept_with_user = InvertedIndex()
    for ring in rings:
        common = kept_with_user.common(ring.members.tolist())
        near = (
            kept[number] for number, shared in common.items() if shared > settings.overlap * _smaller(ring.members, kept[number].members)
        )
        if any(
            len(np.intersect1d(ring.targets, other.targets, assume_unique=True)) > settings.overlap * _smaller(ring.targets, other.targets)
            for other in near
        ):
            continue
        kept_with_user.add(len(kept), ring.members.tolist())
        kept.append(ring)
    return kept


def merged(rings: list[Grown], grower: Grower, most: int) -> list[Grown]:
    """Rings that share targets and their times in one, where one tells their coincidences in fewer words than two; strongest first.

    What has more than `most` members stays as it is: it is a crowd of one taste, and joining crowds takes long and tells nobody more.
    """
    rings_at = InvertedIndex()
    alive: dict[int, Grown] = {}
    waiting = list(reversed(rings))
    number = 0
    while waiting:
        ring = waiting.pop()
        common = rings_at.common(ring.targets.tolist())
        for position in sorted(alive.keys() & common.keys()):
            other = alive[position]
            least = max(2.0, 0.5 * _smaller(ring.targets, other.targets))
            large = max(len(ring.members), len(other.members)) > max(most, LARGE)
            if common[position] < least or large or _shared_times(ring, other) < least:
                continue
            union = grower.grow(np.union1d(ring.members, other.members))
            if union.strength > ring.strength + other.strength:
                del alive[position]
                waiting.append(union)
                break
        else:
            alive[number] = ring
            rings_at.add(number, ring.targets.tolist())
            number += 1
    return list(alive.values())


def _shared_times(one: Grown, other: Grown) -> int:
    """Targets of both rings at which their times overlap."""
    _, mine, theirs = np.intersect1d(one.targets, other.targets, assume_unique=True, return_indices=True)
    return int(((one.start[mine] <= other.end[theirs]) & (other.start[theirs] <= one.end[mine])).sum())


def _smaller(one: Int32, other: Int32) -> int:
    return max(min(len(one), len(other)), 1)
