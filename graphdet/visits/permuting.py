"""The permutation null: every visit keeps its key and time, users are exchanged between draws of one stratum.

A draw (see `draws.py`) goes over as a whole, else a set of three that eight people bought would break up and look like a plot.

Popularity, seasons, sales and tastes (as far as the strata tell them) explain themselves; what is left over is coordination.
"""

from __future__ import annotations

from dataclasses import replace

from graphdet import _kernels
from graphdet.visits.visits import Visits


def permute(visits: Visits, seed: int) -> Visits:
    """The same visits with users exchanged at random within strata. O(visits); the seed alone decides the result."""
    return replace(visits, user=_kernels.exchange(visits.offset, visits.user, visits.draw, visits.stratum, visits.strata, seed))
