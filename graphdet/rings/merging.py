"""Rings that a search found → distinct rings: two in one where that tells them better, one as two where those do, and none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set

import numpy as np

from graphdet import _kernels
from graphdet.rings.growth import Grown
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
        near = kept_with_user.overlapping(ring.members, settings.overlap).tolist()
        if any(_in_targets(kept[number], ring, settings) for number in near):
            continue
        kept_with_user.add(len(kept), ring.members)
        kept.append(ring)
    return kept


def held(rings: Sequence[Grown], by: Sequence[Grown], settings: RingSettings) -> list[Grown]:
    """Those of the rings that one of others holds already, members and targets, if it is the stronger one."""
    with_user = _kernels.InvertedIndex()
    for number, other in enumerate(by):
        with_user.add(number, other.members)
    return [
        ring
        for ring in rings
        if any(_in_targets(by[number], ring, settings) for number in with_user.overlapping(ring.members, settings.overlap).tolist())
    ]


def _in_targets(one: Grown, other: Grown, settings: RingSettings) -> bool:
    shared = len(np.intersect1d(one.targets, other.targets, assume_unique=True))
    return shared > settings.overlap * min(len(one.targets), len(other.targets))


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
        for number in rings_with_user.within(ring.members, PART).tolist()
        if settings.least_strength < rings[number].strength < ring.strength
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


Unite = Callable[[Sequence[tuple[Grown, Grown]]], list[Grown | None]]


def best_told(rings: list[Grown], unite: Unite, most: int, settings: RingSettings, stands: Set[int] = frozenset()) -> list[Grown]:
    """Rings, in one where one tells them better than two, and none twice; arguments as those of `merged`.

    Where a stronger ring, such as a crowd at some of its targets, leaves out a union, its parts are told.
    """
    told = distinct(merged(rings, unite, most, stands), settings)
    given = {id(ring) for ring in rings}
    unions_with_user = _kernels.InvertedIndex()
    for number, union in enumerate(ring for ring in told if id(ring) not in given):
        unions_with_user.add(number, union.members)
    parts = [ring for ring in rings if not len(unions_with_user.holding(ring.members, PART))]
    return distinct([*told, *parts], settings)


def merged(rings: list[Grown], unite: Unite, most: int, stands: Set[int] = frozenset()) -> list[Grown]:
    """Rings that share targets and their times in one, where one tells them better than two; strongest first.

    Args:
        rings: the strongest first.
        unite: gives of each two rings the one that tells them better, or None. Few become one, so that all pairs of the given rings are
            asked about at once.
        most: who has more members stays as it is: it is a crowd of one taste, and joining crowds takes long and tells nobody more.
        stands: ids of rings of which no two are asked about, since they were before.
    """
    pairs = []
    near = _Near(most, stands)
    for ring in rings:
        pairs += [(ring, other) for _, other in near.to(ring)]
        near.add(ring)
    united = {(id(one), id(other)): union for (one, other), union in zip(pairs, unite(pairs), strict=True)}
    near = _Near(most, stands)
    waiting = list(reversed(rings))
    while waiting:
        ring = waiting.pop()
        for number, other in near.to(ring):
            pair = id(ring), id(other)
            union = united[pair] if pair in united else unite([(ring, other)])[0]
            if union is not None:
                del near.alive[number]
                waiting.append(union)
                break
        else:
            near.add(ring)
    return list(near.alive.values())


class _Near:
    """Rings, numbered as they come, and which of them share targets and their times with another one."""

    def __init__(self, most: int, stands: Set[int]) -> None:
        self.alive: dict[int, Grown] = {}
        self._most, self._stands = most, stands
        self._count = 0
        self._rings_at, self._grown_at = _kernels.InvertedIndex(), _kernels.InvertedIndex()  # the latter of those that do not stand

    def add(self, ring: Grown) -> None:
        self.alive[self._count] = ring
        self._rings_at.add(self._count, ring.targets)
        if id(ring) not in self._stands:
            self._grown_at.add(self._count, ring.targets)
        self._count += 1

    def to(self, ring: Grown) -> Iterator[tuple[int, Grown]]:
        """Rings that may be one with this ring; none of more than `most` members, and none that stands as it does."""
        if len(ring.members) > self._most:
            return
        numbers, shared = (self._grown_at if id(ring) in self._stands else self._rings_at).common(ring.targets)
        for number in numbers[shared >= LEAST_COMMON].tolist():
            other = self.alive.get(number)
            if other is None or len(other.members) > self._most:
                continue
            if _shared_times(ring, other) >= LEAST_COMMON:
                yield number, other


def _shared_times(one: Grown, other: Grown) -> int:
    """Targets of both rings at which their times overlap."""
    _, mine, theirs = np.intersect1d(one.targets, other.targets, assume_unique=True, return_indices=True)
    return int(((one.start[mine] <= other.end[theirs]) & (other.start[theirs] <= one.end[mine])).sum())
