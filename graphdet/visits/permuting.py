"""The permutation null: every visit keeps its key and time, users are exchanged between draws of one stratum.

A draw (see `draws.py`) goes over as a whole, else a set of three that eight people bought would break up and look like a plot.

Popularity, seasons, sales and tastes (as far as the strata tell them) explain themselves; what is left over is coordination.
"""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np

from graphdet.arrays import Int32, Int64
from graphdet.visits.visits import Visits


def permute(visits: Visits, seed: int) -> Visits:
    """The same visits with users exchanged at random within strata. O(visits); the seed alone decides the result."""
    return replace(visits, user=_exchange(visits.offset, visits.user, visits.draw, visits.stratum, visits.strata, np.uint64(seed)))


@numba.njit(cache=True, nogil=True)
def _exchange(offset: Int64, user: Int32, draw: Int32, stratum: Int32, strata: int, seed: np.uint64) -> Int32:
    """Fisher–Yates within each stratum, between draws; a draw has the stratum of its first visit."""
    visits = len(user)
    first = np.full(draw.max() + 1 if visits else 0, -1, np.int64)
    for visit in range(visits):
        if draw[visit] >= 0 and first[draw[visit]] < 0:
            first[draw[visit]] = visit
    start = np.zeros(strata + 1, np.int64)
    for key in range(len(stratum)):
        for visit in range(offset[key], offset[key + 1]):
            if draw[visit] < 0 or first[draw[visit]] == visit:
                start[stratum[key] + 1] += 1
    for index in range(strata):
        start[index + 1] += start[index]
    fill = start[:-1].copy()
    place = np.empty(visits, np.int64)
    for key in range(len(stratum)):
        for visit in range(offset[key], offset[key + 1]):
            if draw[visit] < 0 or first[draw[visit]] == visit:
                place[fill[stratum[key]]] = visit
                fill[stratum[key]] += 1
    shuffled = user.copy()
    state = np.uint64(seed)
    for index in range(strata):
        for left in range(start[index + 1] - start[index] - 1, 0, -1):
            state += np.uint64(0x9E3779B97F4A7C15)
            mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
            # The high half times the range: unbiased to within 2^-32 · range, and free of division.
            other = np.int64(((mixed >> np.uint64(32)) * np.uint64(left + 1)) >> np.uint64(32))
            a, b = place[start[index] + left], place[start[index] + other]
            shuffled[a], shuffled[b] = shuffled[b], shuffled[a]
    for visit in range(visits):
        if draw[visit] >= 0:
            shuffled[visit] = shuffled[first[draw[visit]]]
    return shuffled
