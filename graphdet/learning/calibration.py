"""Raw scores and later labels → chances that mean what they say, and how far they are from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """chance = 1 / (1 + e^−(slope · raw + base)); Platt 1999."""

    slope: float
    base: float

    def chance(self, raw: Float64) -> Float64:
        """(n,) chances of raw scores."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * raw + self.base, -500, 500))))


def fit_calibration(raw: Float64, positive: Bool, rounds: int = 50) -> Calibration:
    """The slope and base of the greatest likelihood, by Newton's method, towards Platt's targets, which keep few labels from certainty."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    wanted = np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    columns = np.column_stack([raw, np.ones(len(raw))])
    weights = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        slope = columns.T @ (chance - wanted)
        curve = columns.T @ (columns * (chance * (1 - chance))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        weights = weights - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(max(weights[0], 0.0)), float(weights[1]))  # never turns the order round


def calibration_error(chance: Float64, positive: Bool) -> float:
    """Expected calibration error: mean over ten equal bins of |mean chance − share of positives|, by the bins' sizes (Guo et al. 2017)."""
    place = np.minimum((chance * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    gap = np.bincount(place, weights=chance - positive, minlength=BINS)
    return float(np.abs(gap).sum() / max(count.sum(), 1))


def choose_threshold(chance: Float64, positive: Bool, precision: float) -> float:
    """The lowest chance from which on at least `precision` of the labelled users are positive; above 1 where there is none."""
    order = np.argsort(-chance, kind="stable")
    share = np.cumsum(positive[order]) / np.arange(1, len(order) + 1)
    last = np.append(np.diff(chance[order]) != 0, True)  # ties stand or fall together
    good = np.flatnonzero((share >= precision) & last)
    return float(chance[order][good[-1]]) if len(good) else 1.01


def budget_threshold(chance: Float64, budget: int) -> float:
    """The chance of the `budget`-th most suspicious user."""
    if budget >= len(chance):
        return 0.0
    return float(np.sort(chance)[::-1][budget - 1])
