"""Permuted logs → the rings that chance alone makes, found by the very search that finds the real ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64
from graphdet.evidence.measured import Measured
from graphdet.evidence.pairs import PairEvidence, measure_pairs
from graphdet.progress import Progress
from graphdet.rings.search import Search, search_rings
from graphdet.settings import Settings
from graphdet.visits.base_rates import measure_base_rates
from graphdet.visits.index import index_visits
from graphdet.visits.permuting import permute
from graphdet.visits.visits import Visits

MOST_PERMUTATIONS = 20
AFFORDABLE = 2_000_000  # visits and pairs in all permuted logs together: about as much as one detection on a large log costs


@dataclass(frozen=True)
class NullRings:
    """What the permuted logs gave: how many logs there were, the cores tried in all of them, and the strengths of their rings."""

    permutations: int
    cores: int
    strengths: Float64

    def __post_init__(self) -> None:
        if self.permutations < 1:
            raise ValueError(f"there must be a permuted log (found {self.permutations})")
        if self.strengths.ndim != 1 or not (self.strengths > 0).all():
            raise ValueError(f"strengths of null rings must be above 0 (found {self.strengths.min(initial=0)})")
        if self.cores < 0:
            raise ValueError(f"cores cannot be fewer than none (found {self.cores})")


def affordable_permutations(visits: Visits, pairs: PairEvidence) -> int:
    """Permuted logs that cost about as much as one detection on a large log; more on a small one, where they are cheap."""
    return int(np.clip(AFFORDABLE // max(len(visits) + len(pairs), 1), 1, MOST_PERMUTATIONS))


def search_null(measured: Measured, permutations: int, settings: Settings, threads: int, progress: Progress) -> NullRings:
    """What the same code finds in permuted logs, weak rings too: they tell how the strong ones fall off.

    Args:
        measured: the log; permuted logs share its expected meetings, its settings of evidence and its homogeneity.
        permutations: how many permuted logs to search.
        settings: of the search, and the seed.
        threads: the result does not depend on it.
        progress: told of each permuted log.
    """
    any_strength = settings.rings.model_copy(update={"least_strength": 0.0})
    at_once = min(threads, permutations)

    def search_one(number: int) -> Search:
        shuffled = permute(measured.visits, settings.seed + number)
        base_rates = measure_base_rates(shuffled, measured.affordable, measured.base_rates.homogeneity, threads // at_once)
        pairs = measure_pairs(shuffled, base_rates, measured.expected, measured.affordable, threads // at_once)
        return search_rings(pairs, index_visits(shuffled), base_rates, any_strength, threads // at_once)

    strengths, cores = [], 0
    with ThreadPoolExecutor(at_once) as pool:
        for found in pool.map(search_one, range(permutations)):
            strengths += [ring.strength for ring in found.rings]
            cores += found.cores
            progress.advance(1)
    return NullRings(permutations, cores, np.array(strengths))
