"""The models of a watch: files by name, and a journal of how each came, which of them is in use, and what was taken back.

Nothing in the journal is overwritten: taking a model back is one entry more.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from graphdet.answering.score_file import LEARNED
from graphdet.errors import ModelError
from graphdet.whole import sync, why

FOLDER = "models"
What = Literal["kept", "left", "taken back"]
Kind = Literal["model", "network"]  # learned from labels, or from rings alone
_TABLE = """CREATE TABLE IF NOT EXISTS models (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, before TEXT NOT NULL, reason TEXT NOT NULL,
    figure REAL, figure_before REAL, judged INTEGER NOT NULL, positive INTEGER NOT NULL
) STRICT"""


class Savable(Protocol):
    """A model that can be written."""

    def save(self, path: Path) -> None:
        """Write it."""


@dataclass(frozen=True)
class ModelEntry:
    """One entry of the journal.

    Attributes:
        time: UTC.
        what: kept: in use from then on; left: judged worse than the one in use; taken back: the one before is in use again.
        name: of the model, a digest of its file; of one taken back, that which is in use again, or empty where there is none.
        before: the model in use until then; empty where there was none.
        reason: why it was learned, or taken back.
        figure, figure_before: area under precision and recall on the same labels or rings, the latest; None where nothing was judged.
        judged, positive: labels, or users and members, that this rests on.
    """

    number: int
    time: str
    what: What
    name: str
    before: str
    reason: str
    figure: float | None
    figure_before: float | None
    judged: int
    positive: int


class ModelShelf:
    """What a state holds of models of one kind, by which their names begin; the connection's transactions are this object's own."""

    def __init__(self, state: Path, connection: sqlite3.Connection, kind: Kind = "model") -> None:
        self.state, self.kind, self._folder, self._connection = state, kind, state / FOLDER, connection
        connection.execute(_TABLE)

    def entries(self) -> list[ModelEntry]:
        """Oldest first."""
        entries = [ModelEntry(*row) for row in self._connection.execute("SELECT * FROM models ORDER BY number")]
        return [entry for entry in entries if (entry.name or entry.before).startswith(f"{self.kind}-")]

    @property
    def in_use(self) -> str:
        """The name of the model in use; empty where there is none."""
        names = [entry.name for entry in self.entries() if entry.what != "left"]
        return names[-1] if names else ""

    def path_of(self, name: str) -> Path:
        return self._folder / f"{name}.npz"

    def segments(self) -> list[Path]:
        """The files of the window.

        Raises:
            ModelError: there are none.
        """
        try:
            names = [name for (name,) in self._connection.execute("SELECT name FROM segments ORDER BY name")]
        except sqlite3.OperationalError:
            names = []
        if not names:
            raise ModelError(f"{self.state}: its window holds no event yet, so there is nothing to learn from.")
        return [self.state / "segments" / name for name in names]

    def add(self, model: Savable, reason: str, figure: float, figure_before: float | None, judged: int, positive: int) -> ModelEntry:
        """Write a model, and take it into use where it was judged no worse than the one in use."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            partial = self._folder / ".new.npz"
            model.save(partial)
            name = f"{self.kind}-" + hashlib.sha256(partial.read_bytes()).hexdigest()[:16]
            partial.replace(self.path_of(name))
            sync(self._folder)
        except OSError as error:
            raise ModelError(f"{self._folder}: the model cannot be written ({why(error)}); the one in use stays.") from None
        what: What = "kept" if figure_before is None or figure >= figure_before else "left"
        return self._enter(what, name, reason, figure, figure_before, judged, positive)

    def take_back(self, reason: str) -> ModelEntry:
        """Use the model again that was in use before the present one, of which nothing is told any more from here on.

        Raises:
            ModelError: there is none to take back, or its file is gone.
        """
        used: list[str] = []
        for entry in self.entries():
            if entry.what == "kept" and entry.name not in used[-1:]:  # one that was learned again is the same
                used.append(entry.name)
            elif entry.what == "taken back":
                used = used[: used.index(entry.name) + 1] if entry.name in used else []
        if not used:
            raise ModelError("no model is in use, so none can be taken back.")
        before = used[-2] if len(used) > 1 else ""
        if before and not self.path_of(before).is_file():
            raise ModelError(f"{self.path_of(before)}: is gone; learn a new one with `graphdet refresh`.")
        if self.kind == "model":
            (self.state / LEARNED).unlink(missing_ok=True)
        return self._enter("taken back", before, reason, None, None, 0, 0)

    def _enter(
        self, what: What, name: str, reason: str, figure: float | None, figure_before: float | None, judged: int, positive: int
    ) -> ModelEntry:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        row = (time, what, name, self.in_use, reason, figure, figure_before, judged, positive)
        self._connection.execute(
            "INSERT INTO models (time, what, name, before, reason, figure, figure_before, judged, positive)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        return self.entries()[-1]


def is_due(entries: list[ModelEntry], every_seconds: float, now: datetime, drifted: bool) -> str:
    """Why a model should be learned now, or ''.

    Args:
        entries: of the journal.
        every_seconds: the schedule.
        now: UTC.
        drifted: whether the last day is beyond a threshold; a model is then learned at most once a day.
    """
    learned = [datetime.fromisoformat(entry.time) for entry in entries if entry.what != "taken back"]
    if not learned:
        return "first"
    age = (now - learned[-1]).total_seconds()
    return "schedule" if age >= every_seconds else "drift" if drifted and age >= 86_400 else ""
