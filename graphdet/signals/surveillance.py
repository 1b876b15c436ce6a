"""Series of counts → which stretches are bursts: beyond season and own level, at a stated share of false alarms over all series.

A count is negative binomial about exposure × level (Farrington et al. 1996; Noufaily et al. 2013, whose down-weighting of past outbreaks
is followed): dispersion is each series' own, drawn to that of series as busy. Two thresholds move with the log: the share of false alarms
among all series of all kinds (Benjamini & Hochberg 1995), and, since real counts jump further than any model, the tail that all series of
a kind have together (a generalised Pareto distribution, Pickands 1975; Balkema & de Haan 1974), in which a burst must be rare as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Float64, Int32, Int64
from graphdet.signals.counting import Counts

# Lengths of stretches in buckets, and how far beside each its neighbourhood goes.
WINDOWS = {"hour": ((1, 2, 4, 10), (48, 48, 48, 72)), "day": ((1, 2, 4, 7), (7, 7, 10, 14))}
PRIOR = 0.5  # counts that the level of all series is worth beside a series' own
OUTBREAK = 7.0  # −ln of the chance below which a cell counts for less in its series' level: half a hundredth
LEAST_OUTBREAK = 3  # counts that such a cell must have: fewer are unlikely in every quiet hour
MOST_OWN = 1.5  # times the dispersion of series as busy that a series' own may be while outbreaks are looked for
SURELY = 1.3  # times the estimated dispersion, since too little of it makes alarms
FEWEST_BLOCKS = 8  # from which on the dispersion of such stretches can be told
ROUNDS = 2
ENOUGH = 200  # series, or else cells, that make a tail
FEW_SHAPES, MANY_SHAPES = 0.3, np.inf  # usual shapes of a tail: the hours of few series tell them badly, many series well
TAIL, TOP = 0.75, 0.95  # the tail begins at the first share of them; beyond the second they are only counted, since bursts are there


@dataclass(frozen=True)
class Surprises:
    """What the cells of series of one kind are worth.

    Attributes:
        counts: the series.
        cell, surprise, expected, dispersion, length: of the most unlikely stretch that begins in a cell, of each that has one; from the
            kernel `surges`.
        best: (series,) the highest surprise, less what so many tries make likely; below 0 where nothing stands out.
        ln_chance: (series,) of as much in a series without a burst, by the model; ≤ 0.
        ln_tail: (series,) of the share of series of the kind that reach as much, by their tail; ≤ 0, −inf where there is no tail.
    """

    counts: Counts
    cell: Int64
    surprise: Float64
    expected: Float64
    dispersion: Float64
    length: Int32
    best: Float64
    ln_chance: Float64
    ln_tail: Float64

    def surprise_of_series(self) -> Float64:
        """(series,) the highest of each, 0 where nothing stands out."""
        return _highest(self.counts, self.cell, self.surprise)

    def of_series(self, series: int) -> slice:
        """Which of the stretches are a series' own."""
        return slice(*np.searchsorted(self.cell, self.counts.offset[series : series + 2]).tolist())

    def stretch(self, series: int) -> tuple[int, int]:
        """First bucket and end of a series' most unlikely stretch."""
        own = self.of_series(series)
        place = own.start + int(np.argmax(self.surprise[own]))
        first = int(self.counts.bucket[self.cell[place]])
        return first, first + int(self.length[place])


def surprises(counts: Counts, least: int) -> Surprises:
    """Every cell of every series against the series' own level; O(cells · log cells of a series)."""
    weight, level_of_all, dispersion = _levels(counts)
    windows, reach = (np.array(each, np.int32) for each in WINDOWS[counts.grain])
    passed = np.r_[0.0, np.cumsum(counts.exposure)]
    cell, surprise, expected, wide, length = _kernels.surges(
        counts.offset, counts.bucket, counts.count, weight, passed, counts.born, dispersion, level_of_all, PRIOR, windows, reach, least
    )
    tries = np.log(np.maximum(len(counts.exposure) - counts.born, 1) * len(windows))
    best = _highest(counts, cell, surprise) - tries
    tail = _tail_of_kind(best, surprise, tries, len(counts.exposure))
    return Surprises(counts, cell, surprise, expected, wide, length, best, -np.maximum(best, 0), np.minimum(tail, 0))


def _highest(counts: Counts, cell: Int64, surprise: Float64) -> Float64:
    """(series,) the highest surprise of each, 0 where it has none."""
    found = np.zeros(len(counts))
    begin = np.searchsorted(cell, counts.offset)
    some = np.flatnonzero(np.diff(begin))
    if len(some):
        found[some] = np.maximum.reduceat(surprise, begin[some])
    return found


def _levels(counts: Counts) -> tuple[Float64, float, Float64]:
    """Each cell's weight, the level of all series, and (windows · series,) the dispersion of each window's counts in each series."""
    cells = (counts.offset, counts.bucket, counts.count)
    passed = np.r_[0.0, np.cumsum(counts.exposure)]
    life = passed[-1] - passed[counts.born]
    level_of_all = float(counts.count.sum() / max(life.sum(), 1e-9))
    weight = np.ones(len(counts.bucket))
    busy = np.log2(np.maximum(np.add.reduceat(counts.count, counts.offset[:-1], dtype=np.int64), 1)).astype(np.int64)
    for _ in range(ROUNDS):
        spared, kept = _kernels.sum_cells(*cells, weight, counts.exposure)
        level = (PRIOR + kept) / (PRIOR / level_of_all + np.maximum(life - spared, 0))
        powers = [level**power for power in (1, 2, 3, 4)]
        own, pooled = _dispersions(counts, busy, weight, powers, 1)
        believed = np.minimum(own, MOST_OWN * pooled)  # an outbreak must not hide behind the dispersion that it makes itself
        cell, series, mean = _kernels.find_far(*cells, counts.exposure, level, believed, LEAST_OUTBREAK)
        weight = np.ones(len(counts.bucket))
        weight[cell] = np.minimum(OUTBREAK / np.maximum(_unlikely(counts.count[cell], mean, believed[series]), 1e-9), 1.0) ** 4
    # What stretches do of which the log has too few is told by shorter ones.
    blocks = [window if len(counts.exposure) >= FEWEST_BLOCKS * window else 1 for window in WINDOWS[counts.grain][0]]
    of = {window: _dispersions(counts, busy, weight, powers, window)[0] for window in {max(blocks[: n + 1]) for n in range(len(blocks))}}
    return weight, level_of_all, SURELY * np.concatenate([of[max(blocks[: place + 1])] for place in range(len(blocks))])


def _dispersions(counts: Counts, busy: Int64, weight: Float64, level: Sequence[Float64], window: int) -> tuple[Float64, Float64]:
    """Of counts in blocks of so many buckets, by moments: each series' own, drawn to that of series as busy, never below; and those.

    Args:
        busy: (series,) doublings of what was counted.
        level: its first four powers.
    """
    exposure = np.add.reduceat(counts.exposure, np.arange(0, len(counts.exposure), window))
    begun = counts.born // window
    more, squares, passed = _kernels.sum_blocks(counts.offset, counts.bucket, counts.count, weight, exposure, level[0], window)
    empty = level[1] * np.maximum(_from(exposure**2, begun) - passed, 0)
    more, squares = more + empty, np.maximum(squares + empty, 1e-12)
    # Of other series as busy, where these are many, or of all others, whichever is more: series are quiet, too, by luck.
    many = np.bincount(busy)[busy] >= ENOUGH // 10
    alike = [np.bincount(busy, values)[busy] - values for values in (more, squares)]
    every = [values.sum() - values for values in (more, squares)]
    pooled = np.maximum(np.where(many, alike[0] / np.maximum(alike[1], 1e-12), 0), every[0] / np.maximum(every[1], 1e-12))
    pooled = np.maximum(pooled, 0) if len(busy) > 1 else np.maximum(more / squares, 0)
    powers = [_from(exposure**power, begun) * level[power - 1] for power in (1, 2, 3, 4)]  # of means, summed over a series' life
    spread = (2 + 6 * pooled) * (powers[1] + 2 * pooled * powers[2] + pooled**2 * powers[3]) + powers[0]  # as the fourth moment has it
    known = squares**2 / spread
    prior = 4 / np.maximum(pooled, 1e-6) ** 2
    return np.maximum((pooled * prior + np.maximum(more / squares, 0) * known) / (prior + known), pooled), pooled


def _from(values: Float64, begun: Int32) -> Float64:
    """Sums of values from each place to the end."""
    passed = np.r_[0.0, np.cumsum(values)]
    return np.asarray(passed[-1] - passed[begun])


def _unlikely(count: Int32, mean: Float64, dispersion: Float64) -> Float64:
    """−ln of the chance of as much in a bucket; see `negative_binomial_tail`."""
    with np.errstate(divide="ignore"):
        return np.minimum(-np.log(negative_binomial_tail(count, mean, np.maximum(dispersion, 1e-6))), 700)


def negative_binomial_tail(count: Int32 | Int64, mean: Float64, dispersion: Float64) -> Float64:
    """The chance of `count` or more, where the variance is mean + dispersion · mean²; by the incomplete beta function."""
    from scipy.special import betainc

    return np.asarray(betainc(count, 1 / dispersion, mean / (1 / dispersion + mean)))


def least_count(share: float, mean: float, dispersion: float) -> int:
    """The least count that so large a share of counts does not exceed."""

    def beyond(count: int) -> bool:
        """Whether more than what may lie beyond a count does."""
        return bool(negative_binomial_tail(np.array([count + 1]), np.array([mean]), np.array([dispersion]))[0] > 1 - share)

    low, high = -1, 0
    while beyond(high):
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if beyond(middle) else (low, middle)
    return high


def _tail_of_kind(best: Float64, surprise: Float64, tries: Float64, buckets: int) -> Float64:
    """(series,) ln of the share of series that reach as much: by the tail of all, or of few series by that of their buckets."""
    if len(best) >= ENOUGH:
        return _tail(best, best, len(best), MANY_SHAPES)
    if len(best) * buckets >= ENOUGH:
        return _tail(surprise, best + tries, len(best) * buckets, FEW_SHAPES) + tries
    return np.full(len(best), -np.inf)


def _tail(values: Float64, asked: Float64, everybody: int, usual: float) -> Float64:
    """ln of the share of `everybody` that lies beyond each asked value, by a generalised Pareto fit to the tail of values.

    The highest are told by their number alone (censored), so that bursts do not make bursts usual.
    """
    tail = max(round((1 - TAIL) * everybody), 2)
    ordered = np.sort(values[values > 0])[::-1][: tail + 1]
    if len(ordered) < 20:
        return np.full(len(asked), -np.inf)  # hardly anything stands out at all, and the model tells enough
    least, count = ordered[-1], len(ordered) - 1
    censored = min(max(round((1 - TOP) * everybody), 1), count // 2)
    beyond = ordered[:-1] - least
    cut = max(float(beyond[censored - 1]), 1e-9)
    seen = beyond[censored:]

    shape, scale = _pareto(seen, cut, censored, usual)
    return np.asarray(np.log(count / everybody) - np.log1p(shape * np.maximum(asked - least, 0) / scale) / shape)


def _pareto(seen: Float64, cut: float, censored: int, usual: float) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution of values, of which `censored` more lie beyond `cut`.

    By likelihood: the best shape for each ratio of shape and scale is known (Grimshaw 1993), so that one number is looked for.

    Args:
        usual: standard deviation of shapes before anything was seen, about that of an exponential (Martins and Stedinger 2000).
    """
    low, high = 1e-3 / cut, 1e3 / cut
    for _ in range(2):
        ratio = np.geomspace(low, high, 60)[:, None]
        stretched = np.log1p(ratio * seen).sum(1)
        shape = (stretched + censored * np.log1p(ratio[:, 0] * cut)) / len(seen)
        loss = len(seen) * (np.log(shape / ratio[:, 0]) + 1) + stretched + (shape / usual) ** 2 / 2
        best = int(np.argmin(loss))
        low, high = float(ratio[max(best - 1, 0), 0]), float(ratio[min(best + 1, 59), 0])
    return float(shape[best]), float(shape[best] / ratio[best, 0])


def false_shares(ln_chances: Sequence[Float64]) -> list[Float64]:
    """q-values over all series of all kinds together (Benjamini & Hochberg)."""
    every = np.concatenate([*ln_chances, np.zeros(0)])
    order = np.argsort(every, kind="stable")
    rank = np.arange(1, len(every) + 1)
    shares = np.minimum.accumulate((np.exp(np.maximum(every[order], -700)) * len(every) / rank)[::-1])[::-1]
    found = np.empty(len(every))
    found[order] = np.minimum(shares, 1)
    return np.split(found, np.cumsum([len(one) for one in ln_chances])[:-1])[: len(ln_chances)]  # of nothing, nothing


def merged(found: Surprises, series: int, bar: float) -> list[tuple[int, int, int]]:
    """Bursts of one series: (first bucket, end, place of the most unlikely stretch); stretches beyond the bar that touch are one."""
    own = found.of_series(series)
    groups: list[tuple[int, int, int]] = []
    for place in (own.start + np.flatnonzero(found.surprise[own] >= bar)).tolist():
        first = int(found.counts.bucket[found.cell[place]])
        until = first + int(found.length[place])
        if groups and first <= groups[-1][1]:
            from_, to, best = groups[-1]
            groups[-1] = (from_, max(to, until), place if found.surprise[place] > found.surprise[best] else best)
        else:
            groups.append((first, until, place))
    return groups


def narrowed(counts: Counts, series: int, first: int, until: int, level: float, excess: float) -> tuple[int, int]:
    """The same stretch without the buckets at its ends that have no `excess` times what the level lets expect."""
    cells = slice(int(counts.offset[series]), int(counts.offset[series + 1]))
    bucket, count = counts.bucket[cells], counts.count[cells]
    far = (bucket >= first) & (bucket < until) & (count > excess * level * counts.exposure[bucket])
    beyond = bucket[far]
    return (int(beyond[0]), int(beyond[-1]) + 1) if len(beyond) else (first, until)
