"""Strengths of real and permuted rings → p- and q-values.

Every core of every permuted log is grown like a real one; a core that comes to nothing counts as strength 0. p is the share of those
null cores that grow at least as strong, with one added to both counts so that it is never 0 (Phipson & Smyth 2010); q compares how
many rings are as strong in the log and in one permuted log.
"""

from __future__ import annotations

import numpy as np

from graphdet.evidence.visits import Float64


def p_values(strengths: Float64, null_strengths: Float64, null_cores: int) -> Float64:
    """(n,) share of `null_cores` cores that grew at least as strong as each ring, never 0.

    Args:
        strengths: (n,) of the rings.
        null_strengths: (m,) of the null cores that grew into anything, m <= null_cores.
        null_cores: cores tried in all permuted logs.
    """
    ordered = np.sort(null_strengths)
    stronger = len(ordered) - np.searchsorted(ordered, strengths, side="left")
    return np.asarray((1.0 + stronger) / (1.0 + null_cores), np.float64)


def q_values(strengths: Float64, null_strengths: Float64, permutations: int) -> Float64:
    """(n,) expected share of false rings among those at least as strong.

    The permuted logs tell how many rings as strong chance makes in one log; one is added to their count, so that none is never
    taken for never (target-decoy counting, Elias & Gygi 2007; the added one, Barber & Candès 2015).
    """
    ordered, null = np.sort(strengths), np.sort(null_strengths)
    real = len(ordered) - np.searchsorted(ordered, strengths, side="left")
    false = (1.0 + len(null) - np.searchsorted(null, strengths, side="left")) / permutations
    # A weaker bound that also takes in this ring is a better one for it, too.
    order = np.argsort(strengths, kind="stable")
    q = np.empty(len(strengths))
    q[order] = np.minimum.accumulate(np.minimum(false[order] / real[order], 1.0))
    return q
