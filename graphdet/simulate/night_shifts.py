"""Times of tasks, and hours of people → both by night: crews who work while others sleep, beside honest people who are up then."""

from __future__ import annotations

import numpy as np

from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.streams import Floats

BEGINS, LONG = 23 * HOUR, 7 * HOUR  # of a night, which ends at six
LATER = 7 * HOUR  # whoever lives by night does what others do, so much later
HONEST = 0.25  # share of all users who live by night, for each ring that works then


def by_night(time: Floats, begin: Floats, length: Floats) -> Floats:
    """Times in windows (`begin` and `length` of each), moved to the nights: each day of a window is pressed into one of them.

    What fits into a night stays as long as it is, so a window of two hours is one of two hours of the night.
    """
    first = np.round((begin - BEGINS) / DAY) * DAY + BEGINS
    day, rest = np.divmod(time - begin, DAY)
    moved: Floats = first + day * DAY + rest * np.where(length > LONG, LONG / DAY, 1.0)
    return moved


def up_by_night(users: int, nights: float, rng: np.random.Generator) -> Floats:
    """(users,) seconds by which each is later than others, where such a share of rings works by night."""
    return np.where(rng.random(users) < HONEST * nights, LATER, 0.0)
