"""Pair evidence → rings in codes: cores, each grown, split where two rings tell it better, merged where one does, and made wider."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from graphdet.evidence.pairs import PairEvidence
from graphdet.rings.cores import Core, find_cores
from graphdet.rings.growers import Growers
from graphdet.rings.growth import Grower, Grown
from graphdet.rings.known import KnownRings
from graphdet.rings.merging import LARGE, distinct, merged, without_compounds
from graphdet.rings.splitting import parts_of
from graphdet.rings.widening import Partners, widener
from graphdet.settings import RingSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.index import VisitIndex
from graphdet.visits.rushes import MOST_OF_ALL

BATCH = 16
LEAST_EFFORT = 10_000_000  # visits walked, whatever the size of the log


@dataclass(frozen=True)
class Search:
    """Distinct rings, strongest first, and how they were come by.

    Attributes:
        rings: strongest first.
        cores: how many there were; `untried`: of these those left when the effort was spent.
        swallowed: growths that took in strangers without end, and were stopped.
    """

    rings: list[Grown]
    cores: int
    untried: int
    swallowed: int

    def __post_init__(self) -> None:
        if not 0 <= self.untried <= self.cores:
            raise ValueError(f"untried must be in 0 … {self.cores} cores (found {self.untried})")
        strengths = [ring.strength for ring in self.rings]
        if strengths != sorted(strengths, reverse=True):
            raise ValueError("rings must come strongest first")


def search_rings(pairs: PairEvidence, index: VisitIndex, base_rates: BaseRates, settings: RingSettings, threads: int = 1) -> Search:
    """Rings of at least `least_members` with a strength above `least_strength`; two may share members, but not half of members and targets.

    Args:
        pairs, index, base_rates: of the same visits.
        settings: levels of evidence, and what a ring must have.
        threads: the result does not depend on it.
    """
    cores = find_cores(pairs, index, settings)
    known = KnownRings(settings)
    fruitless: Counter[int] = Counter()  # key → cores that it gave and that brought nothing new
    effort = LEAST_EFFORT + settings.effort * len(index.visits)
    tried = 0
    with Growers(index, base_rates, settings, threads) as growers:
        while tried < len(cores) and growers.walked < effort:
            # In batches of one size, whatever the threads, so that the same cores are left out.
            batch = [core for core in cores[tried : tried + BATCH] if _promises(core, known, fruitless, settings)]
            tried += BATCH
            grown = growers.each(Grower.grow, [core.users for core in batch])
            split = _splitter(known.unknown(grown), growers, settings)
            for core, ring in zip(batch, grown, strict=True):
                news = known.take_up(ring, split)
                if not news:
                    fruitless.update(set(core.keys))
        whole = distinct(without_compounds(known.whole, settings), settings)
        most = max(round(MOST_OF_ALL * index.visits.users), LARGE)
        rings = distinct(merged(whole, growers.first, settings, most), settings)
        rings = _with_wider(rings, Partners(pairs, index.visits.users), growers, settings, most, effort)
        swallowed = growers.swallowed
    return Search(rings, len(cores), max(len(cores) - tried, 0), swallowed)


def _promises(core: Core, known: KnownRings, fruitless: Counter[int], settings: RingSettings) -> bool:
    """Not so a core that a ring has told already, nor one at targets that have all brought nothing new time and again."""
    if not core.keys:
        return True
    return min(fruitless[key] for key in core.keys) < settings.patience and not known.told(core.keys, core.users)


def _splitter(ahead: list[Grown], growers: Growers, settings: RingSettings) -> Callable[[Grown], list[Grown]]:
    """A function that tells the parts of a ring; of rings that are sure to be asked for they are found ahead, by all threads at once."""
    parts = growers.each(lambda grower, ring: parts_of(ring, grower, settings), ahead)
    found = {ring.members.tobytes(): own for ring, own in zip(ahead, parts, strict=True)}

    def split(ring: Grown) -> list[Grown]:
        code = ring.members.tobytes()
        return found[code] if code in found else parts_of(ring, growers.first, settings)

    return split


def _with_wider(rings: list[Grown], partners: Partners, growers: Growers, settings: RingSettings, most: int, effort: float) -> list[Grown]:
    """Each ring of at most `most` members, or the wider one that it is part of; as long as the effort lasts, the strongest first."""
    widen = widener(partners, settings)
    kept = list(rings)
    for start in range(0, len(rings), BATCH):
        if growers.walked >= effort:
            break
        batch = [ring for ring in rings[start : start + BATCH] if len(ring.members) <= most]
        kept += [wider for ring, wider in zip(batch, growers.each(widen, batch), strict=True) if wider is not ring]
    return distinct(without_compounds(kept, settings), settings)
