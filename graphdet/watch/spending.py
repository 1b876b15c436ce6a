"""Looking again and again is testing again and again → how much of the allowed false discovery each look may spend.

A day of events may spend `[tiers] alert_q` in all. Half of it is the refresh's, the look with a null of its own that each day has. A
quarter is spent over the day evenly by whole looks, each what has passed of it since the whole look before (the linear spending function of
Lan and DeMets 1983), whenever looks come to be taken: one that is left out leaves its part to the next. The last quarter is spent the same
way by step looks, of which only those that have a ring to test spend anything.
"""

from __future__ import annotations

from typing import Literal

from graphdet.watch.segments import DAY

Kind = Literal["refresh", "look", "step look"]
SHARE: dict[Kind, float] = {"refresh": 0.5, "look": 0.25, "step look": 0.25}


def allowance(alert_q: float, end: int, spent: int | None, kind: Kind) -> float:
    """The q-value up to which a ring may be told at a look.

    Args:
        alert_q: allowed in a day.
        end: the latest event of the window, in microseconds.
        spent: the same at the look of this kind that spent something last; None at the first.
        kind: of look.
    """
    if kind == "refresh" or spent is None:
        return alert_q * SHARE["refresh"]
    return alert_q * SHARE[kind] * min(max(end - spent, 0) / DAY, 1.0)
