"""Events → how each deed was come to: the steps right before it, at their pace, as a code that workers of one task sheet share.

A step is an action × whether it was at the deed's item × the pace to the next step. A sheet says how many goods to look at first and
how long, so its workers come by one way; shoppers come by many, and by each as often as everybody does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Int64, distinct_values
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ACTIONS, ITEM, USER
from graphdet.signals.lives import SITTING

SECOND = 1_000_000
STEPS = 4  # right before a deed that are read
PACES = (10, 60, 600)  # seconds to the next step that part the paces
DEEDS = ("order", "pay", "review")  # the first of them that a log has
WORDS = (*ACTIONS, "another", "none")
SAME = {"click": "view"}  # shops log a look as either
_KINDS = len(WORDS) * 2 * (len(PACES) + 1)  # at another item than the deed's or not


@dataclass(frozen=True)
class Ways:
    """n deeds that steps led to, by user, then time.

    Attributes:
        offset: (users + 1,) deeds of user u are offset[u] … offset[u + 1] − 1.
        row: (n,) the deed's row of the event table; `script`: (n,) number of its way, below `scripts`.
        code: (scripts,) each way's steps in one number; see `told`.
        deed: what was done.
    """

    offset: Int64
    row: Int64
    script: Int64
    code: Int64
    deed: str

    @property
    def scripts(self) -> int:
        return len(self.code)

    def told(self, script: int) -> str:
        """A way in words of the log: "view+ · 10–60 s · cart · 0–10 s · order"; a plus stands for another item than the deed's."""
        code, steps = int(self.code[script]), [self.deed]
        bounds = (0, *PACES, SITTING)
        while code:
            code, step = divmod(code, _KINDS + 1)
            word, rest = divmod(step - 1, 2 * (len(PACES) + 1))
            other, pace = divmod(rest, len(PACES) + 1)
            steps = [f"{WORDS[word]}{'+' if other else ''}", f"{bounds[pace]}–{bounds[pace + 1]} s", *steps]
        return " · ".join(steps)


def read_ways(events: EventTable, offset: Int64, by_user: Int64) -> Ways | None:
    """The ways to all deeds at items that steps led to; None where the log has no such deeds, or no times of day.

    Args:
        events: the log.
        offset, by_user: its rows by user, in time; as in `LogIndex`.
    """
    deed = next((word for word in DEEDS if word in events.actions), None)
    if deed is None or events.time is None or events.resolution != "instant" or ITEM not in events.codes:
        return None
    item, action = events.codes[ITEM], events.action
    time, done = events.time, events.actions.index(deed)
    place = np.flatnonzero((action[by_user] == done) & (item[by_user] >= 0) & (time[by_user] != NO_TIME))
    row = by_user[place]
    begin = offset[events.codes[USER][row]]
    read = [SAME.get(one, one) for one in events.actions]
    word = np.array([WORDS.index(one if one in ACTIONS else "another") for one in read] + [WORDS.index("none")], np.int64)
    code, together = np.zeros(len(row), np.int64), np.ones(len(row), np.bool_)
    for back in range(1, STEPS + 1):
        together &= place - back >= begin
        here, later = by_user[np.maximum(place - back, 0)], by_user[np.maximum(place - back + 1, 0)]
        gap = (time[later] - time[here]) // SECOND
        together &= (time[here] != NO_TIME) & (gap < SITTING)
        other = (item[here] >= 0) & (item[here] != item[row])
        kind = (word[action[here]] * 2 + other) * (len(PACES) + 1) + np.searchsorted(PACES, gap, side="right")
        # The step nearest to the deed is the lowest digit.
        code += np.where(together, (kind + 1) * (_KINDS + 1) ** (back - 1), 0)
    return _numbered(events, row, code, code > 0, deed)


def _numbered(events: EventTable, row: Int64, code: Int64, led: Bool, deed: str) -> Ways:
    """Those that a step led to."""
    row, code = row[led], code[led]
    every = distinct_values(code)
    offset = np.searchsorted(events.codes[USER][row], np.arange(events.count(USER) + 1))
    return Ways(offset, row, np.searchsorted(every, code), every, deed)
