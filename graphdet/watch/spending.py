"""Looking again and again is testing again and again → how much of the allowed false discovery each look may spend.

A day of events may spend `[tiers] alert_q` in all. Half of it is the refresh's, the look with a null of its own that each day has; the
other half is spent over the day evenly, each look what has passed of it since the look before (the linear spending function of Lan and
DeMets 1983), whenever looks come to be taken: one that is left out leaves its part to the next.
"""

from __future__ import annotations

from graphdet.watch.segments import DAY

OF_REFRESH = 0.5


def allowance(alert_q: float, end: int, looked: int | None, *, refresh: bool) -> float:
    """The q-value up to which a ring may be told at a look.

    Args:
        alert_q: allowed in a day.
        end: the latest event of the window, in microseconds.
        looked: the same at the look before; None at the first.
        refresh: whether the look has a null of its own.
    """
    if refresh or looked is None:
        return alert_q * OF_REFRESH
    return alert_q * (1 - OF_REFRESH) * min(max(end - looked, 0) / DAY, 1.0)
