"""Daily and weekly cycles → times at which people act, in any window.

Everybody, ring or not, draws from this one clock, so hours of the day tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.simulate.streams import Floats

DAY = 86_400.0
HOUR = 3600.0

# Share of shop traffic by local hour and by weekday (Monday first): a morning shoulder, lunch, a long evening peak.
_HOURS = np.array([22, 13, 8, 5, 4, 6, 12, 22, 34, 44, 50, 50, 54, 50, 47, 46, 46, 48, 52, 62, 74, 80, 66, 40], dtype=float)
_WEEKDAYS = np.array([0.97, 0.96, 0.97, 0.98, 1.0, 1.08, 1.1])
_STEP = 600.0


@dataclass(frozen=True)
class Clock:
    """Seconds since the log's start, weighted by the hours and days on which people shop.

    Attributes:
        days: length of the log.
        weekday: weekday of the first day, Monday 0.
        edges: (steps + 1,) seconds.
        share: (steps + 1,) cumulative share of traffic at `edges`.
    """

    days: int
    weekday: int
    edges: Floats
    share: Floats

    @property
    def end(self) -> float:
        return self.days * DAY

    def draw(self, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
        """A time in [low, high) for each row, by the weight of its hours."""
        first = np.interp(low, self.edges, self.share)
        last = np.interp(high, self.edges, self.share)
        return np.interp(first + (last - first) * rng.random(len(low)), self.share, self.edges)

    def hour(self, time: Floats) -> Floats:
        """Local hour of the day, 0 … 24."""
        return (time % DAY) / HOUR

    def is_weekend(self, time: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return (time // DAY + self.weekday) % 7 >= 5


def make_clock(days: int, weekday: int, rng: np.random.Generator) -> Clock:
    """The clock of one market; each day has its own mood, and a sale day or two draw more."""
    steps = round(days * DAY / _STEP)
    edges: Floats = np.arange(steps + 1, dtype=np.float64) * _STEP
    middle = edges[:-1] + _STEP / 2
    day = (middle // DAY).astype(int)
    hours = np.interp((middle % DAY) / HOUR, np.arange(-1, 25) + 0.5, np.concatenate([_HOURS[-1:], _HOURS, _HOURS[:1]]))
    mood = np.exp(rng.normal(0, 0.06, days))
    mood[rng.integers(0, days, max(1, days // 30))] *= 1.6
    weight = hours * _WEEKDAYS[(day + weekday) % 7] * mood[day]
    share: Floats = np.concatenate([[0.0], np.cumsum(weight)])
    share /= share[-1]
    return Clock(days, weekday, edges, share)
