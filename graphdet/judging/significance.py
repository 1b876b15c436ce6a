"""Strengths of real and permuted rings → p- and q-values.

Every core of every permuted log is grown like a real one; a core that comes to nothing counts as strength 0. p is the share of those
null cores that grow at least as strong, with one added to both counts so that it is never 0 (Phipson & Smyth 2010); q compares how
many rings are as strong in the log and in one permuted log.

A large log can afford one permuted log, so counting alone could not tell a lone ring of strength 200 from one of 12: one false ring in
one permuted log is never ruled out. But strengths of null rings fall off exponentially, as a description length should (measured: a
half every 1.7 units), so beyond the strongest null rings their tail is continued (Knijnenburg et al. 2009 do so for permutation p-values).
"""

from __future__ import annotations

import numpy as np

from graphdet.arrays import Float64

PRIOR_RINGS = 4  # what is believed of null rings before any was seen: as if so many had been,
PRIOR_STRENGTH = 3.0  # of this mean strength
LEAST_Q = 1e-6  # no tail is believed beyond one in a million


def p_values(strengths: Float64, null_strengths: Float64, null_cores: int) -> Float64:
    """(n,) share of `null_cores` cores that grew at least as strong as each ring, never 0.

    Args:
        strengths: (n,) of the rings.
        null_strengths: (m,) of the rings that the null cores grew into; a core may hold two, and then p stays at 1.
        null_cores: cores tried in all permuted logs.
    """
    ordered = np.sort(null_strengths)
    stronger = len(ordered) - np.searchsorted(ordered, strengths, side="left")
    return np.asarray(np.minimum((1.0 + stronger) / (1.0 + null_cores), 1.0), np.float64)


def false_rings(strengths: Float64, null_strengths: Float64, permutations: int) -> Float64:
    """(n,) rings at least as strong as each that chance makes in one log.

    What the permuted logs hold, or what their tail says, whichever is more. The tail is the posterior predictive of an exponential
    whose rate has a Gamma prior (a Lomax distribution): the fewer null rings there are, the heavier it is.

    Args:
        strengths: (n,) of the rings, each above 0.
        null_strengths: (m,) of all null rings above 0, in all permuted logs together.
        permutations: how many permuted logs there were.
    """
    null = np.sort(null_strengths)
    counted = len(null) - np.searchsorted(null, strengths, side="left")
    shape, scale = PRIOR_RINGS + len(null), PRIOR_RINGS * PRIOR_STRENGTH + null.sum()
    tail = (len(null) + 1) * (scale / (scale + strengths)) ** shape
    return np.asarray(np.maximum(counted, tail) / permutations, np.float64)


def q_values(strengths: Float64, null_strengths: Float64, permutations: int) -> Float64:
    """(n,) expected share of false rings among those at least as strong (target-decoy counting, Elias & Gygi 2007); arguments as above."""
    ordered = np.sort(strengths)
    real = len(ordered) - np.searchsorted(ordered, strengths, side="left")
    false = false_rings(strengths, null_strengths, permutations)
    # A weaker bound that also takes in this ring is a better one for it, too.
    order = np.argsort(strengths, kind="stable")
    q = np.empty(len(strengths))
    q[order] = np.minimum.accumulate(np.minimum(false[order] / real[order], 1.0))
    return np.maximum(q, LEAST_Q)
