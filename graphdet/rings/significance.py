"""Strengths of real and permuted rings → p- and q-values.

Every core of every permuted log is grown like a real one; a core that comes to nothing counts as strength 0. p is the share of those
null cores that grow at least as strong, with one added to both counts so that it is never 0 (Phipson & Smyth 2010); q is the
false-discovery rate over all cores tried (Benjamini & Hochberg 1995).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


def p_values(strengths: Float64, null_strengths: Float64, null_cores: int) -> Float64:
    """(n,) share of `null_cores` cores that grew at least as strong as each ring, never 0.

    Args:
        strengths: (n,) of the rings.
        null_strengths: (m,) of the null cores that grew into anything, m <= null_cores.
        null_cores: cores tried in all permuted logs.
    """
    ordered = np.sort(null_strengths)
    stronger = len(ordered) - np.searchsorted(ordered, strengths, side="left")
    return (1.0 + stronger) / (1.0 + null_cores)


def q_values(p: Float64, cores: int) -> Float64:
    """(n,) expected share of false rings among those with a p at least as small, when `cores` cores were tried."""
    order = np.argsort(p, kind="stable")
    raw = p[order] * max(cores, len(p)) / np.arange(1, len(p) + 1)
    # Rings of equal p stand or fall together, so each takes the value of the last of them.
    q = np.minimum.accumulate(np.minimum(raw, 1.0)[::-1])[::-1]
    result = np.empty(len(p))
    result[order] = q
    return result
