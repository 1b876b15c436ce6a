"""The formulas: ranking figures and bootstrap intervals. They know nothing of rings or runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class RankingFigures:
    """How node scores rank true ring nodes over all others of their type; None where only one class is there."""

    nodes: int
    positives: int
    auroc: float | None
    auprc: float | None


def ranking_figures(positive: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> RankingFigures:
    """AUROC and AUPRC (average precision) of scores (n,) against truth (n,); nodes of equal score share one threshold.

    Source: Fawcett (2006) for AUROC as the Mann–Whitney statistic; average precision as Σ (R_k − R_{k−1}) P_k.
    """
    n, positives = len(positive), int(positive.sum())
    if positives in (0, n):
        return RankingFigures(n, positives, None, None)
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # where each run of equal scores ends
    hits = np.cumsum(positive[order])[last].astype(float)
    flagged = last + 1.0
    misses = flagged - hits
    recall = hits / positives
    auprc = float(np.sum(np.diff(recall, prepend=0.0) * hits / flagged))
    auroc = float(np.trapezoid(np.append(0.0, recall), np.append(0.0, misses / (n - positives))))
    return RankingFigures(n, positives, auroc, auprc)


def bootstrap_interval(
    samples: Sequence[Sequence[float]], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of all values, and the bounds of its percentile bootstrap interval.

    Args:
        samples: one sequence per seed; its values (per ring, or a single figure) are resampled within the seed after the seeds
            themselves were, since rings of one market are alike.
        level: how often such an interval should hold the truth.

    Raises:
        ValueError: no values.

    Source: Davison and Hinkley (1997), section 3.8, two-stage bootstrap.
    """
    values = [np.asarray(sample, dtype=float) for sample in samples if len(sample)]
    if not values:
        raise ValueError("a bootstrap needs values")
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for r in range(resamples):
        drawn = [values[i] for i in generator.integers(len(values), size=len(values))]
        means[r] = np.concatenate([sample[generator.integers(len(sample), size=len(sample))] for sample in drawn]).mean()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(np.concatenate(values).mean()), float(low), float(high)
