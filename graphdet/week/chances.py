"""The house's verdicts → how likely an open case is to be a ring: a Beta distribution for each kind of case, wide while verdicts are few.

A kind is how a ring stands and what its members share: a house may have its own innocent groups, such as offices that share an address.
Kinds of one standing are taken to be as alike as kinds of markets are. So each begins as what markets of many kinds tell of its standing
(`judging.standing`) and the house's verdicts on its other kinds, none of which drowns the rest, and no surer than of a new market; a
verdict on the kind itself counts as one group more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from graphdet.judging.standing import COVERED, counts_as, known_priors
from graphdet.schema.standings import DOUBTFUL, STANDINGS

DRAWS, SEED = 4000, 0  # by which intervals are told to a per cent or two, each time alike
PART = "|"  # between a kind's standing and what members share


@dataclass(frozen=True)
class Belief:
    """A Beta distribution of the share of rings among groups of one kind."""

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
    def interval(self) -> tuple[float, float]:
        """Where the share lies in `COVERED` of cases."""
        low, high = scipy.special.betaincinv(self.a, self.b, [(1 - COVERED) / 2, (1 + COVERED) / 2])
        return float(low), float(high)

    @property
    def lesson(self) -> float:
        """By how much one verdict more is expected to lower the variance."""
        return self.variance / (self.a + self.b + 1)

    def taught(self) -> Belief:
        """As sure as after one verdict more, whichever it is."""
        whole = self.a + self.b
        return replace(self, a=self.a * (whole + 1) / whole, b=self.b * (whole + 1) / whole)


@dataclass(frozen=True)
class Beliefs:
    """Of every kind of case; `said`: kind → cases that the house confirmed, and those that it found innocent."""

    said: Mapping[str, tuple[int, int]]

    def of(self, kind: str) -> Belief:
        """Of one kind, whether or not a verdict is on it."""
        a, b = known_priors()[standing_of_kind(kind)]
        likeness = a + b
        for other, (confirmed, innocent) in sorted(self.said.items()):
            if other != kind and standing_of_kind(other) == standing_of_kind(kind):
                weight = counts_as(confirmed + innocent, likeness) / (confirmed + innocent)
                a, b = a + weight * confirmed, b + weight * innocent
        confirmed, innocent = self.said.get(kind, (0, 0))
        return Belief(likeness * a / (a + b) + confirmed, likeness * b / (a + b) + innocent)

    def verdicts_on(self, kind: str) -> int:
        """How many of the house its chance rests on: those on cases that stand alike."""
        return sum(sum(said) for other, said in self.said.items() if standing_of_kind(other) == standing_of_kind(kind))


def kind_of_case(standing: str, shared: Sequence[str]) -> str:
    """The kind of a ring that stands so and whose members share nodes of these types."""
    return standing + PART + "+".join(sorted(shared))


def standing_of_kind(kind: str) -> str:
    """Runs of an older graphdet tell no standing; then nothing is taken for sure."""
    standing = kind.partition(PART)[0]
    return standing if standing in STANDINGS else DOUBTFUL.name


@dataclass(frozen=True)
class Precision:
    """Share of rings to expect among so many: the mean, and where it lies in `COVERED` of cases."""

    mean: float
    low: float
    high: float


def expected_precision(kinds: Sequence[str], known: Beliefs) -> list[Precision]:
    """Among the first one, two, … of a list of cases of these kinds.

    Cases of one standing share what is not known of it, so that more of them tell no narrower an interval; what each turns out to be is
    drawn, too.
    """
    rng = np.random.default_rng(SEED)
    luck = {name: rng.random(DRAWS) for name in STANDINGS}
    own = {kind: known.of(kind) for kind in sorted(set(kinds))}
    rates = {kind: scipy.special.betaincinv(belief.a, belief.b, luck[standing_of_kind(kind)]) for kind, belief in own.items()}
    true, sum_of_means = np.zeros(DRAWS), 0.0
    found = []
    for place, kind in enumerate(kinds, 1):
        true += rng.random(DRAWS) < rates[kind]
        sum_of_means += own[kind].mean
        low, high = np.quantile(true / place, [(1 - COVERED) / 2, (1 + COVERED) / 2])
        mean = sum_of_means / place
        found.append(Precision(mean, min(float(low), mean), max(float(high), mean)))
    return found
