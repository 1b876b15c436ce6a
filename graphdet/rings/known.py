"""The book that a search keeps: which rings it has looked at, which of them are whole, and who is in which."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphdet import _kernels
from graphdet.arrays import Int32
from graphdet.rings.growth import Grown
from graphdet.settings import RingSettings

NEARLY_THE_SAME = 0.8  # of the members of two rings together


class KnownRings:
    """Rings as a search finds them.

    Attributes:
        whole: rings that no two rings tell better, in the order in which they were found. Some are nearly the same: see `merging.distinct`.
    """

    def __init__(self, settings: RingSettings) -> None:
        self.whole: list[Grown] = []
        self._settings = settings
        self._looked_at: set[bytes] = set()
        self._rings_with_user = _kernels.InvertedIndex()
        self._targets: list[set[int]] = []  # of each ring in `whole`

    def unknown(self, rings: Iterable[Grown]) -> list[Grown]:
        """Those that would be news, once each."""
        return list({ring.members.tobytes(): ring for ring in rings if not (self._looked(ring) or self._holds(ring))}.values())

    def apart(self, rings: Iterable[Grown]) -> list[Grown]:
        """Those that would be news, but for those that are nearly the same as one before them."""
        found = KnownRings(self._settings)
        return [ring for ring in self.unknown(rings) if found.take_up(ring, lambda _: [])]

    def take_up(self, ring: Grown, parts_of: Callable[[Grown], list[Grown]]) -> bool:
        """Take up a grown ring, or the rings inside it; whether it was news."""
        news = False
        waiting = [(ring, frozenset[bytes]())]
        while waiting:
            ring, wholes = waiting.pop()
            if self._looked(ring):
                continue
            wholes |= {ring.members.tobytes()}
            self._looked_at |= wholes
            parts: list[Grown] = []
            if not self._holds(ring):
                news = True
                parts = parts_of(ring)
            # A ring that is among its own parts, or theirs, stays whole: each would wait for the other to be told.
            if not wholes.isdisjoint(part.members.tobytes() for part in parts):
                parts = []
            waiting += [(part, wholes) for part in parts]
            if not parts:
                self._rings_with_user.add(len(self.whole), ring.members)
                self.whole.append(ring)
                self._targets.append(set(ring.targets.tolist()))
        return news

    def told(self, keys: Iterable[int], users: Int32) -> bool:
        """Whether a whole ring with one of these targets has most of the users."""
        most = self._rings_with_user.holding(users, self._settings.overlap).tolist()
        return any(not self._targets[number].isdisjoint(keys) for number in most)

    def _looked(self, ring: Grown) -> bool:
        """Whether nothing is to be done: it is too small, or has been looked at."""
        return len(ring.members) < self._settings.least_members or ring.members.tobytes() in self._looked_at

    def _holds(self, ring: Grown) -> bool:
        """Whether a whole ring has nearly the same members; whatever is inside the one is inside the other."""
        numbers, shared = self._rings_with_user.common(ring.members)
        nearly = shared > NEARLY_THE_SAME * len(ring.members)  # or else it is no such share of two rings, either
        return any(
            common > NEARLY_THE_SAME * (len(ring.members) + len(self.whole[number].members) - common)
            for number, common in zip(numbers[nearly].tolist(), shared[nearly].tolist(), strict=True)
        )
