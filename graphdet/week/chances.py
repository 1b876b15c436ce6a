"""The house's verdicts → how likely an open case is to be a ring: a Beta distribution for each standing, wide while verdicts are few.

It begins as what markets of many kinds tell (`judging.standing`), a new kind of which this house is; each verdict counts as one group more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphdet.arrays import Float64
from graphdet.judging.standing import COVERED, known_priors
from graphdet.schema.standings import DOUBTFUL, STANDINGS

DRAWS, SEED = 4000, 0  # by which intervals are told to a per cent or two, each time alike


@dataclass(frozen=True)
class Belief:
    """A Beta distribution of the share of rings among groups of one standing."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> float:
        whole = self.a + self.b
        return self.a * self.b / (whole**2 * (whole + 1))

    @property
    def lesson(self) -> float:
        """By how much one verdict more is expected to lower the variance."""
        return self.variance / (self.a + self.b + 1)

    def taught(self) -> Belief:
        """As sure as after one verdict more, whichever it is."""
        whole = self.a + self.b
        return replace(self, a=self.a * (whole + 1) / whole, b=self.b * (whole + 1) / whole)


def beliefs(verdicts: Mapping[str, tuple[int, int]]) -> dict[str, Belief]:
    """Of each standing.

    Args:
        verdicts: standing → rings that the house confirmed, and those that it found innocent.
    """
    found = {}
    for name, (a, b) in known_priors().items():
        confirmed, innocent = verdicts.get(name, (0, 0))
        found[name] = Belief(a + confirmed, b + innocent)
    return found


def belief_of(standing: str, known: Mapping[str, Belief]) -> Belief:
    """Runs of an older graphdet tell no standing; then nothing is taken for sure."""
    return known[standing if standing in STANDINGS else DOUBTFUL.name]


@dataclass(frozen=True)
class Precision:
    """Share of rings to expect among so many: the mean, and where it lies in `COVERED` of cases."""

    mean: float
    low: float
    high: float


def expected_precision(standings: Sequence[str], known: Mapping[str, Belief]) -> list[Precision]:
    """Among the first one, two, … of a list.

    Groups of one standing share its unknown rate, so that more of them tell no less wide an interval; what each of them turns out to be is
    drawn, too.
    """
    rng = np.random.default_rng(SEED)
    rates = {name: rng.beta(known[name].a, known[name].b, DRAWS) for name in sorted(known)}
    true = np.zeros(DRAWS)
    found = []
    for place, standing in enumerate(standings, 1):
        rate: Float64 = rates[standing if standing in rates else DOUBTFUL.name]
        true += rng.random(DRAWS) < rate
        low, high = np.quantile(true / place, [(1 - COVERED) / 2, (1 + COVERED) / 2])
        mean = sum(belief_of(one, known).mean for one in standings[:place]) / place
        found.append(Precision(mean, min(float(low), mean), max(float(high), mean)))
    return found
