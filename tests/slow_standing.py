"""How a ring stands and its chance, counted the obvious way: for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from scipy.stats import beta, betabinom

from graphdet.judging.standing import COUNTS, LIKENESSES


def slow_standing(tier: str, raised: Sequence[str]) -> str:
    """The name of how a ring of a tier stands that these objections are raised to."""
    if tier == "review":
        return "doubtful" if len(raised) > 1 or {"one_sitting", "one_day"} & set(raised) else "review"
    return tier


def slow_chance(standing: str) -> dict[str, float]:
    """Columns of `rings`, from the counts that ship."""
    kinds = json.loads(COUNTS.read_text(encoding="utf-8"))["kinds"].values()
    sums = [[sum(log.get(standing, (0, 0))[place] for log in seeds.values()) for place in (0, 1)] for seeds in kinds]
    a, b = slow_prior([rings for rings, groups in sums if groups], [groups for _, groups in sums if groups])
    return {"chance": a / (a + b), "chance_low": beta.ppf(0.05, a, b), "chance_high": beta.ppf(0.95, a, b), "verdicts": 0}


def slow_prior(rings: Sequence[int], groups: Sequence[int]) -> tuple[float, float]:
    """(a, b) of a new kind's rate: the likeliest likeness of kinds on the grid, and the variances of the mean and of kinds in sum."""

    def mean_of(likeness: float) -> tuple[float, float]:
        weights = [n / (1 + (n - 1) / (likeness + 1)) for n in groups]
        shares = [weight * r / n for weight, r, n in zip(weights, rings, groups, strict=True)]
        return (sum(shares) + 0.5) / (sum(weights) + 1), sum(weights) + 1

    def likely(likeness: float) -> float:
        mean = mean_of(likeness)[0]
        fit = sum(betabinom.logpmf(r, n, mean * likeness, (1 - mean) * likeness) for r, n in zip(rings, groups, strict=True))
        return float(fit - np.log(likeness / 6) ** 2 / 2)

    likeness = max(LIKENESSES.tolist(), key=likely)
    mean, known = mean_of(likeness)
    of_mean = mean * (1 - mean) / (known + 1)  # a Beta distribution of `known` groups
    of_kinds = (mean * (1 - mean) - of_mean) / (likeness + 1)  # in the mean over it
    total = mean * (1 - mean) / (of_mean + of_kinds) - 1
    return mean * total, (1 - mean) * total
