"""Rings that a search found → distinct rings: two in one where that tells them better, one as two where those do, and none twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Int32
from graphdet.rings.growth import Grower, Grown
from graphdet.rings.splitting import parts_of, told_by_both
from graphdet.settings import RingSettings

LEAST_COMMON = 2  # targets that two rings have in common, at the same time, to be looked at as one
PART = 0.8  # of a ring's members that are in another one, of which it is a part then
APART = 0.1  # of a part's members that may be in other parts
LARGE = 300  # members that a ring may have in a log of any size, and still be merged or made wider


def distinct(rings: list[Grown], settings: RingSettings) -> list[Grown]:
    """Strongest first; a ring that a stronger one holds already, members and targets, is left out."""
    rings = sorted(
        (ring for ring in rings if ring.strength > settings.least_strength), key=lambda ring: (-ring.strength, ring.members.tobytes())
    )
    kept: list[Grown] = []
    kept_with_user = _kernels.InvertedIndex()
    for ring in rings:
        near = (
            kept[number]
            for number, shared in _in_common(kept_with_user, ring.members)
            if shared > settings.overlap * _smaller(ring.members, kept[number].members)
        )
        if any(
            len(np.intersect1d(ring.targets, other.targets, assume_unique=True)) > settings.overlap * _smaller(ring.targets, other.targets)
            for other in near
        ):
            continue
        kept_with_user.add(len(kept), ring.members)
        kept.append(ring)
    return kept


def without_compounds(rings: list[Grown], settings: RingSettings) -> list[Grown]:
    """All but rings of which two others or more are parts, that have nobody in common and tell more together: two gangs that strangers
    link, such as who got a mail with a target of each. Their strengths add up, since no meeting is told twice.
    """
    rings_with_user = _kernels.InvertedIndex()
    for number, ring in enumerate(rings):
        rings_with_user.add(number, ring.members)
    return [ring for ring in rings if not _is_compound(ring, rings, rings_with_user, settings)]


def _is_compound(ring: Grown, rings: list[Grown], rings_with_user: _kernels.InvertedIndex, settings: RingSettings) -> bool:
    parts = [
        rings[number]
        for number, shared in _in_common(rings_with_user, ring.members)
        if shared > PART * len(rings[number].members) and settings.least_strength < rings[number].strength < ring.strength
    ]
    parts.sort(key=lambda part: (-part.strength, part.members.tobytes()))
    taken, together, count = np.zeros(0, np.int32), 0.0, 0
    for part in parts:
        common = len(np.intersect1d(part.targets, ring.targets, assume_unique=True))
        if common <= settings.overlap * len(part.targets):
            continue
        if len(np.intersect1d(part.members, taken, assume_unique=True)) <= APART * len(part.members):
            taken, together, count = np.union1d(taken, part.members), together + part.strength, count + 1
    return count > 1 and together > ring.strength


def merged(rings: list[Grown], grower: Grower, settings: RingSettings, most: int) -> list[Grown]:
    """Rings that share targets and their times in one, where one tells their coincidences in fewer words than two, what both tell
    counted once, and is not better told as two others; strongest first.

    What has more than `most` members stays as it is: it is a crowd of one taste, and joining crowds takes long and tells nobody more.
    """
    rings_at = _kernels.InvertedIndex()
    alive: dict[int, Grown] = {}
    waiting = list(reversed(rings))
    number = 0
    while waiting:
        ring = waiting.pop()
        for position, common in _in_common(rings_at, ring.targets):
            if position not in alive:
                continue
            other = alive[position]
            large = max(len(ring.members), len(other.members)) > most
            if common < LEAST_COMMON or large or _shared_times(ring, other) < LEAST_COMMON:
                continue
            union = grower.grow(np.union1d(ring.members, other.members))
            if union.strength > told_by_both(ring, other, grower)[0] and not parts_of(union, grower, settings):
                del alive[position]
                waiting.append(union)
                break
        else:
            alive[number] = ring
            rings_at.add(number, ring.targets)
            number += 1
    return list(alive.values())


def _in_common(index: _kernels.InvertedIndex, things: Int32) -> Iterator[tuple[int, int]]:
    """Numbers of the sets that have any of the things, rising, and how many each has."""
    numbers, shared = index.common(things)
    return zip(numbers.tolist(), shared.tolist(), strict=True)


def _shared_times(one: Grown, other: Grown) -> int:
    """Targets of both rings at which their times overlap."""
    _, mine, theirs = np.intersect1d(one.targets, other.targets, assume_unique=True, return_indices=True)
    return int(((one.start[mine] <= other.end[theirs]) & (other.start[theirs] <= one.end[mine])).sum())


def _smaller(one: Int32, other: Int32) -> int:
    return max(min(len(one), len(other)), 1)
