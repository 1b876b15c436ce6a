"""Lines and today's rings → how much of each is in the other, weighted by contribution, and who goes with whom.

A ring may grow from five to fifty in a day or lose all but its core with the days that leave the log, so a pair is judged by either's share
in the other: most of one in the other is inclusion. Among such pairs the greatest sum of harmonic means is taken (the assignment problem,
Kuhn 1955, by SciPy), within each group of lines and rings that are tied by common members, since these are tiny.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphdet.lineage.line import Line
from graphdet.lineage.sighting import Sighting

MOST_OF = 0.5  # more than this share of one in the other is inclusion
LEAST_COMMON = 2  # members; one person may work for two rings


@dataclass(frozen=True)
class Overlap:
    """A line and a ring of today that have members in common.

    Attributes:
        of_ring: share of the ring's contribution by those whom the line knows.
        of_line: share of the line's contribution by those who are in the ring; of its last sighting or of all whom it knows, the larger.
        common: members whom both have.
    """

    of_ring: float
    of_line: float
    common: int

    @property
    def worth(self) -> float:
        """Harmonic mean of both shares."""
        return 2 * self.of_ring * self.of_line / (self.of_ring + self.of_line)

    @property
    def is_inclusion(self) -> bool:
        return self.common >= LEAST_COMMON and max(self.of_ring, self.of_line) > MOST_OF


def measure_overlaps(lines: Mapping[str, Line], rings: Mapping[str, Sighting]) -> dict[tuple[str, str], Overlap]:
    """(line, ring) → their overlap, for those with a member in common."""
    lines_of: dict[str, list[str]] = defaultdict(list)
    members = {user for ring in rings.values() for user in ring.members}
    for name in sorted(lines):
        for user in lines[name].known.keys() & members:
            lines_of[user].append(name)
    whole = {name: math.fsum(one.weight for one in lines[name].known.values()) for name in {*itertools.chain(*lines_of.values())}}
    found = {}
    for ring_id in sorted(rings):
        met: dict[str, list[str]] = defaultdict(list)
        for user in rings[ring_id].members:
            for name in lines_of.get(user, ()):
                met[name].append(user)
        for name, users in met.items():
            found[name, ring_id] = _overlap(lines[name], rings[ring_id], users, whole[name])
    return found


def _overlap(line: Line, ring: Sighting, common: list[str], whole: float) -> Overlap:
    """`whole`: the weight of all whom the line knows. Sums are exact, so that no order of users matters."""
    of_known = math.fsum(line.known[user].weight for user in common) / whole
    of_last = math.fsum(line.last.members[user].weight for user in common if user in line.last.members)
    return Overlap(min(math.fsum(ring.members[user].weight for user in common), 1.0), min(max(of_known, of_last), 1.0), len(common))


def match_overlaps(overlaps: Mapping[tuple[str, str], Overlap]) -> dict[str, str]:
    """Ring → line, one to one, of those pairs that are inclusions: the greatest sum of worths there is."""
    pairs = sorted((line, ring) for (line, ring), overlap in overlaps.items() if overlap.is_inclusion)
    if not pairs:
        return {}
    lines, rings = sorted({line for line, _ in pairs}), sorted({ring for _, ring in pairs})
    row = np.searchsorted(lines, [line for line, _ in pairs])
    column = np.searchsorted(rings, [ring for _, ring in pairs])
    count = len(lines) + len(rings)
    _, part = connected_components(coo_array((np.ones(len(pairs)), (row, column + len(lines))), shape=(count, count)), directed=False)
    groups: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for pair, group in zip(pairs, part[row].tolist(), strict=True):
        groups[group].append(pair)
    return {ring: line for group in groups.values() for line, ring in _assign(group, overlaps)}


def _assign(pairs: list[tuple[str, str]], overlaps: Mapping[tuple[str, str], Overlap]) -> list[tuple[str, str]]:
    """The pairs of one group that are taken; sorted names, so that of two ways as good the same is always taken."""
    lines, rings = sorted({line for line, _ in pairs}), sorted({ring for _, ring in pairs})
    worth = np.zeros((len(lines), len(rings)))
    for line, ring in pairs:
        worth[lines.index(line), rings.index(ring)] = overlaps[line, ring].worth
    best = zip(*linear_sum_assignment(worth, maximize=True), strict=True)
    return [(lines[i], rings[j]) for i, j in best if worth[i, j]]
