"""A judgement → how it stands, and the chance that such a group is a ring, with an interval; verdicts of the house update it.

Rates come from markets of many kinds whose rings are known (`standings.json`, which `benchmarks/standings.py` makes). A new market is
another kind, and kinds differ more than counts within one do. So the interval is that of a new kind's rate, by a Beta distribution whose
spread is the kinds' own; the house's verdicts count as so many more groups of its kind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import scipy

from graphdet.arrays import Float64
from graphdet.schema.standings import ALERT, DOUBTFUL, EXPLAINED, REVIEW, STANDINGS

if TYPE_CHECKING:  # who asks how likely something is, such as a console, need not judge
    from graphdet.judging.tiers import Judgement, Verdict

COUNTS = Path(__file__).with_name("standings.json")
COVERED = 0.9  # of the rates of new kinds of markets lie within the interval
# Before any kind is seen, a kind's rate says as much of another's as six groups of its own would, give or take a factor of e.
USUAL_LIKENESS, LIKENESS_SPREAD = 6.0, 1.0
LIKENESSES = np.logspace(-0.5, 2.5, 61)

Numbers = TypeVar("Numbers", float, Float64)
Counts = Mapping[str, Mapping[str, tuple[int, int]]]  # kind of market → standing → rings among groups, and groups

ONE_CHOICE = frozenset({"one_sitting", "one_day"})  # objections of whom all of it may have been one choice


@dataclass(frozen=True)
class Chance:
    """Of groups that stand so, how many are rings: the mean over new kinds of markets, and where `COVERED` of their rates lie.

    Attributes:
        verdicts: of the house, that it rests on beside those markets.
    """

    mean: float
    low: float
    high: float
    verdicts: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1 or not 0 <= self.mean <= 1 or self.verdicts < 0:
            raise ValueError(f"a chance lies in 0 … 1, its interval as well (found {self})")


def standing_of(judgement: Judgement | Verdict) -> str:
    """Name of how a ring stands by the judgement on it."""
    if judgement.tier != "review":
        return (ALERT if judgement.tier == "alert" else EXPLAINED).name
    return (REVIEW if len(judgement.raised) == 1 and ONE_CHOICE.isdisjoint(judgement.raised) else DOUBTFUL).name


def chances(counts: Counts, verdicts: Mapping[str, tuple[int, int]]) -> dict[str, Chance]:
    """Each standing's chance.

    Args:
        counts: of markets whose rings are known.
        verdicts: standing → rings that the house confirmed, and those that it found innocent.
    """
    found = {}
    for name, (a, b) in priors(counts).items():
        confirmed, innocent = verdicts.get(name, (0, 0))
        a, b = a + confirmed, b + innocent
        low, high = (float(scipy.special.betaincinv(a, b, share)) for share in ((1 - COVERED) / 2, (1 + COVERED) / 2))
        found[name] = Chance(a / (a + b), low, high, confirmed + innocent)
    return found


def priors(counts: Counts) -> dict[str, tuple[float, float]]:
    """Standing → (a, b) of the Beta distribution of a new kind's rate."""
    found = {}
    for name in STANDINGS:
        kinds = [of[name] for of in counts.values() if of.get(name, (0, 0))[1]]
        found[name] = prior([rings for rings, _ in kinds], [groups for _, groups in kinds])
    return found


def prior(rings: Sequence[int], groups: Sequence[int]) -> tuple[float, float]:
    """(a, b) of the Beta distribution of a new kind's rate, from rings among groups of each known kind.

    How alike kinds are is read from them, as the likeliest (a + b) of a beta-binomial with the prior above. A kind of n groups then counts
    as n / (1 + (n − 1) / (a + b + 1)) of them (`counts_as`), so that no kind drowns the others; half a ring and half an innocent group are
    added; and the variance of the mean, which is known as if from so many groups, is added to that of the kinds.
    """
    found, of = np.asarray(rings, np.float64), np.asarray(groups, np.float64)
    likely = [_log_likelihood(found, of, likeness) for likeness in LIKENESSES]
    likeness = float(LIKENESSES[int(np.argmax(likely))])
    mean, known = _mean(found, of, likeness)
    total = known * likeness / (known + likeness + 1)
    return mean * total, (1 - mean) * total


def counts_as(groups: Numbers, likeness: float) -> Numbers:
    """As how many independent groups some of one kind count, where kinds differ as a Beta distribution of a + b = `likeness` does."""
    return groups / (1 + (groups - 1) / (likeness + 1))


def _mean(rings: Float64, groups: Float64, likeness: float) -> tuple[float, float]:
    """The kinds' mean rate, and as how many independent groups they count."""
    weight = counts_as(groups, likeness)
    known = float(weight.sum()) + 1
    return float(((weight * rings / groups).sum() + 0.5) / known), known


def _log_likelihood(rings: Float64, groups: Float64, likeness: float) -> float:
    mean, _ = _mean(rings, groups, likeness)
    a, b = mean * likeness, (1 - mean) * likeness
    fit = sum(_log_beta(found + a, of - found + b) for found, of in zip(rings.tolist(), groups.tolist(), strict=True))
    return fit - len(rings) * _log_beta(a, b) - 0.5 * (math.log(likeness / USUAL_LIKENESS) / LIKENESS_SPREAD) ** 2


def _log_beta(a: float, b: float) -> float:
    """Not SciPy's, whose import takes longer than all priors: a console that opens needs nothing else of it."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@cache
def known_counts() -> Counts:
    """What `standings.json` holds, all logs of a kind together."""
    logs: dict[str, dict[str, dict[str, list[int]]]] = json.loads(COUNTS.read_text(encoding="utf-8"))["kinds"]
    return {
        kind: {
            name: (sum(log[name][0] for log in seeds.values() if name in log), sum(log[name][1] for log in seeds.values() if name in log))
            for name in STANDINGS
        }
        for kind, seeds in logs.items()
    }


def known_chances(verdicts: Mapping[str, tuple[int, int]] | None = None) -> dict[str, Chance]:
    """Each standing's chance by the markets that graphdet knows, and the house's verdicts where there are some."""
    return chances(known_counts(), verdicts or {})


@cache
def known_priors() -> dict[str, tuple[float, float]]:
    """The same by the markets that graphdet knows, before any verdict of the house."""
    return priors(known_counts())
