"""Rings → wider ones, where their members' nearest partners make a stronger ring of them.

Growth takes in whoever fits the targets that members have now. Eight of thirty who work in small shifts have targets of their own, few
others fit them, and growth ends there, though all thirty would make four times the case. So a ring takes in those with whom its members
have most evidence, half as many as it has, names its targets anew, and stays wider if that tells more, and is not two rings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Float32, Int32
from graphdet.evidence.pairs import PairEvidence
from graphdet.rings.growth import Grower, Grown

SHARE, LEAST = 0.5, 3  # partners taken in at once, for each member, and the least of them
ROUNDS = 3
STAY = 0.8  # of the members that must be in the wider ring, or it is another one


class Partners:
    """Who has evidence with whom."""

    def __init__(self, pairs: PairEvidence, users: int) -> None:
        one, other = pairs.users[:, 0], pairs.users[:, 1]
        self._offset, order = _kernels.group_rows(np.concatenate([one, other]), users)
        self._partner: Int32 = np.concatenate([other, one])[order]
        self._evidence: Float32 = np.tile(pairs.evidence, 2)[order]

    def nearest(self, members: Int32, most: int) -> Int32:
        """Those outside who have most evidence with the members (sorted), all of these together."""
        start, length = self._offset[members], self._offset[members + 1] - self._offset[members]
        place = np.arange(length.sum()) + np.repeat(start - np.cumsum(length) + length, length)
        who, which = np.unique(self._partner[place], return_inverse=True)
        evidence = np.bincount(which, self._evidence[place], len(who))
        outside = np.flatnonzero(~np.isin(who, members))
        return np.asarray(who[outside[np.argsort(-evidence[outside], kind="stable")[:most]]], np.int32)


def widener(partners: Partners) -> Callable[[Grower, Grown], Grown]:
    """A function that gives the wider ring, or the ring itself where there is none."""

    def widen(grower: Grower, ring: Grown) -> Grown:
        for _ in range(ROUNDS):
            nearest = partners.nearest(ring.members, max(int(SHARE * len(ring.members)), LEAST))
            wider = grower.grow(np.union1d(ring.members, nearest))
            stay = len(np.intersect1d(wider.members, ring.members, assume_unique=True)) >= STAY * len(ring.members)
            if not stay or wider.strength <= ring.strength or grower.parts_of(wider):
                break
            ring = wider
        return ring

    return widen
