"""Pair evidence → rings in codes: cores, each grown, split where two rings tell it better, merged where one does, and made wider."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Int64
from graphdet.evidence.pairs import PairEvidence
from graphdet.rings.cores import Core, cores_with, find_cores
from graphdet.rings.growers import Growers
from graphdet.rings.growth import Grower, Grown, Tried, outline_of
from graphdet.rings.known import KnownRings
from graphdet.rings.merging import LARGE, best_told, distinct, held, without_compounds
from graphdet.rings.touched import touched_rings
from graphdet.rings.widening import Partners, widener
from graphdet.settings import RingSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.index import VisitIndex
from graphdet.visits.rushes import MOST_OF_ALL
from graphdet.visits.visits import Visits

BATCH = 16
WINDOW = 128  # cores that are grown ahead at once; some batches
LEAST_EFFORT = 10_000_000  # visits walked, whatever the size of the log
MANY, NEARLY_ALL = 40, 0.9  # members of a ring from which on so many of both are the same ring, whoever came to its targets


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
    cores = find_cores(pairs, index, settings, threads)
    with Growers(index, base_rates, settings, threads) as growers:
        return _search(cores, (), (), Partners(pairs, index.visits.users), growers, settings, index.visits)


def search_again(
    standing: Sequence[Grown],
    news: Bool,
    came: Int64,
    pairs: PairEvidence,
    index: VisitIndex,
    base_rates: BaseRates,
    settings: RingSettings,
    threads: int = 1,
) -> Search:
    """The same where rings of a log before stand, and only what some pairs say now is grown; of its rings those that are not among the
    standing ones grew now.

    Args:
        standing: rings, in the codes of these visits. Of those that what is new may change (`touched_rings`) one that grows from its own
            members as it was, but for what they did since, stands as it grew; so does one with many members that keeps nearly all. The
            others are grown again from the cores that pairs of their members make, as a whole search does, and give way to what holds
            them then.
        news: (n,) which pairs say more than then.
        came: visits that there were none of then.
        pairs, index, base_rates, settings, threads: as for `search_rings`.
    """
    touched = touched_rings(standing, pairs.users[news], came, index)
    with Growers(index, base_rates, settings, threads) as growers:
        now = {id(ring): own for ring, own in zip(touched, growers.each(from_its_own, touched), strict=True)}
        again = [ring for ring in touched if now[id(ring)] is None]
        stand = [now.get(id(ring)) or ring for ring in standing]
        member = np.zeros(index.visits.users, np.bool_)
        member[np.concatenate([np.zeros(0, np.int32), *(ring.members for ring in again)])] = True
        cores = cores_with(news | member[pairs.users].all(1), pairs, index, settings, threads)
        return _search(cores, stand, again, Partners(pairs, index.visits.users), growers, settings, index.visits)


def from_its_own(grower: Grower, ring: Grown) -> Grown | None:
    """The ring as it grows from its own members now, itself where nothing of it is another; None where its cores may lead elsewhere: it is
    two rings now, or has other members, or, of one with few members, others came to its targets."""
    grown = grower.grow(ring.members)
    if outline_of(grown) == outline_of(ring):
        return ring
    return grown if _is_the_same(grown, ring) and not grower.parts_of(grown) else None


def _is_the_same(grown: Grown, ring: Grown) -> bool:
    common = len(np.intersect1d(grown.members, ring.members, assume_unique=True))
    if len(ring.members) >= MANY:
        return common >= NEARLY_ALL * (len(grown.members) + len(ring.members) - common)
    _, now, then = np.intersect1d(grown.targets, ring.targets, assume_unique=True, return_indices=True)
    return common == len(grown.members) == len(ring.members) and np.array_equal(grown.outsiders[now], ring.outsiders[then])


def _search(
    cores: list[Core],
    standing: Sequence[Grown],
    again: Sequence[Grown],
    partners: Partners,
    growers: Growers,
    settings: RingSettings,
    visits: Visits,
) -> Search:
    """Rings of cores beside those that stand, of which some were grown `again`."""
    stands = frozenset(id(ring) for ring in standing)
    effort, most = LEAST_EFFORT + settings.effort * len(visits), max(round(MOST_OF_ALL * visits.users), LARGE)
    waiting = {id(ring) for ring in again}
    kept = [ring for ring in standing if id(ring) not in waiting]
    found, tried = _grow(cores, kept, growers, effort, settings)
    gone = {id(ring) for ring in held(again, [*kept, *found], settings)}
    left = [ring for ring in standing if id(ring) not in gone]
    whole = distinct(without_compounds([*left, *found], settings), settings)
    rings = best_told(whole, growers.unite, most, settings, stands)
    rings = _with_wider(rings, stands, partners, growers, settings, most, effort)
    return Search(rings, len(cores), max(len(cores) - tried, 0), growers.swallowed)


def _grow(cores: list[Core], kept: Sequence[Grown], growers: Growers, effort: float, settings: RingSettings) -> tuple[list[Grown], int]:
    """The rings that cores grow into beside those that are known already, and how many cores were tried before the effort was spent."""
    known = KnownRings(settings)
    for ring in kept:
        known.take_up(ring, lambda _: [])
    before = len(known.whole)
    fruitless: dict[int, int] = defaultdict(int)  # key → cores that it gave and that brought nothing new
    tried = 0

    def promises(number: int) -> bool:
        """Not so a core that a ring has told already, nor one at targets that have all brought nothing new time and again."""
        users, keys = cores[number]
        if not keys:
            return True
        one, other = keys
        fruitful = fruitless.get(one, 0) < settings.patience or fruitless.get(other, 0) < settings.patience
        return fruitful and not known.told(keys, users)

    for start, grown, parts in _windows(cores, promises, known, growers):
        # In batches of one size, whatever the threads, so that the same cores are left out.
        for first in range(start, min(start + WINDOW, len(cores)), BATCH):
            if growers.walked >= effort:
                return known.whole[before:], tried
            batch = [number for number in range(first, first + BATCH) if number in grown and promises(number)]
            tried += BATCH
            rings = [growers.count(grown[number]) for number in batch]
            split = _splitter(known.unknown(itertools.chain(*rings)), parts, growers)
            for number, found in zip(batch, rings, strict=True):
                if not any(known.take_up(ring, split) for ring in found):
                    for key in set(cores[number].keys):
                        fruitless[key] += 1
    return known.whole[before:], tried


def _windows(
    cores: list[Core], promises: Callable[[int], bool], known: KnownRings, growers: Growers
) -> Iterator[tuple[int, dict[int, Tried], dict[bytes, Tried]]]:
    """Window of cores by window: its first core, what grows from those that promised something, and the parts of their rings by members.

    A core that promises nothing now never will. So while the rings of one window are taken up, those of the next are split and those after
    it grown, by all threads; some in vain, since rings that are found meanwhile may tell them.
    """
    grown: dict[int, Tried] = {}
    ready = None
    for start in range(0, len(cores) + WINDOW, WINDOW):
        window = [number for number in range(start, min(start + WINDOW, len(cores))) if promises(number)]
        rings = known.apart(itertools.chain(*(tried.rings for tried in grown.values())))
        ahead = growers.work_ahead([cores[number].users for number in window], rings)
        if ready is not None:
            yield ready
        done = ahead.result()
        ready = start - WINDOW, grown, {ring.members.tobytes(): tried for ring, tried in zip(rings, done.parts, strict=True)}
        grown = dict(zip(window, done.grown, strict=True))
        if not start:
            ready = None
    if ready is not None:
        yield ready


def _splitter(sure: list[Grown], ahead: dict[bytes, Tried], growers: Growers) -> Callable[[Grown], list[Grown]]:
    """A function that tells the parts of a ring; of rings that are sure to be asked for they count as asked for now."""

    def parts_of(ring: Grown) -> list[Grown]:
        tried = ahead.get(ring.members.tobytes())
        return growers.first.parts_of(ring) if tried is None else growers.count(tried)

    found = {ring.members.tobytes(): parts_of(ring) for ring in sure}

    def split(ring: Grown) -> list[Grown]:
        code = ring.members.tobytes()
        return found[code] if code in found else parts_of(ring)

    return split


def _with_wider(
    rings: list[Grown], stands: Set[int], partners: Partners, growers: Growers, settings: RingSettings, most: int, effort: float
) -> list[Grown]:
    """Each ring, or the wider one that it is part of: of at most `most` members, none that stands, the strongest first, while the effort
    lasts."""
    widen = widener(partners)
    kept = list(rings)
    for start in range(0, len(rings), BATCH):
        if growers.walked >= effort:
            break
        batch = [ring for ring in rings[start : start + BATCH] if len(ring.members) <= most and id(ring) not in stands]
        kept += [wider for ring, wider in zip(batch, growers.each(widen, batch), strict=True) if wider is not ring]
    return distinct(without_compounds(kept, settings), settings)
