"""What a look is taken at: the state as it was then, and the null that the looks of a day go by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphdet.lineage.line import Line
from graphdet.rings.null_search import NullRings
from graphdet.watch.segments import DAY, Segment
from graphdet.watch.state import State

GROWN = 1.25  # by so much a window may differ from the one that the null was made of


@dataclass(frozen=True)
class Null:
    """What chance makes, of a day's first look; `of`: digest of settings, discounts and code that it was made with."""

    of: str
    day: int
    events: int
    rings: NullRings

    def fits(self, of: str, end: int, events: int) -> bool:
        """Whether a look may still go by it: the same day, the same settings, and about as many events."""
        same = self.of == of and self.day == end // DAY
        return same and 1 / GROWN <= events / max(self.events, 1) <= GROWN

    def as_json(self) -> str:
        """As the state keeps it."""
        found = self.rings
        told = [self.of, self.day, self.events, found.permutations, found.cores, found.strengths.tolist()]
        return json.dumps(told)

    @staticmethod
    def from_json(text: str) -> Null:
        """What `as_json` told."""
        of, day, events, permutations, cores, strengths = json.loads(text)
        return Null(of, day, events, NullRings(permutations, cores, np.array(strengths, np.float64)))


@dataclass(frozen=True)
class Window:
    """What a look is taken at; segments are immutable, so that a look may go on while steps are taken.

    Attributes:
        folder: of segments.
        segments: of the window.
        digest: of the state then.
        end: the latest event.
        looked: the same at the whole look before.
        spent: the same at the last step look that tested a ring; None before the first.
        run: the last one that was recorded; empty before the first.
        recorded: digest of its rings.
        entry: the casebook's last entry, as of the look before.
        taken: digest of the rings that the casebook was told of last.
        null: of the last refresh.
        lines: of the looks before, and which of them may be told of whatever they do.
    """

    folder: Path
    segments: tuple[Segment, ...]
    digest: str
    end: int
    looked: int | None
    spent: int | None
    run: str
    recorded: str
    entry: int
    taken: str
    null: Null | None
    lines: Sequence[Line]
    tellable: frozenset[str]


def window_of(state: State) -> Window:
    """The state as it is."""
    assert state.end is not None
    rows = list(state.connection.execute("SELECT name, line, tellable FROM lines ORDER BY name"))
    state.lines = {told: state.lines.get(told) or Line.from_dict(json.loads(told)) for _, told, _ in rows}  # most are as they were
    looked, spent = (int(state.meta[name]) if name in state.meta else None for name in ("looked_end", "spent_end"))
    return Window(
        folder=state.rows,
        segments=tuple(state.segments),
        digest=state.digest,
        end=state.end,
        looked=looked,
        spent=spent,
        run=state.meta["run"],
        recorded=state.meta.get("recorded", ""),
        entry=int(state.meta.get("entry", "0")),
        taken=state.meta.get("taken", ""),
        null=Null.from_json(state.meta["null"]) if "null" in state.meta else None,
        lines=list(state.lines.values()),
        tellable=frozenset(name for name, _, tellable in rows if tellable),
    )
