"""The state of a watch: a folder with segments, and one SQLite file whose transactions hold places, segments and outbox together."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphdet.alerts.outbox import open_outbox
from graphdet.errors import WatchError
from graphdet.events.identity import TOLD_BY
from graphdet.folder_lock import alone_in
from graphdet.lineage.line import Line
from graphdet.watch.segments import KnownEvents, Segment, is_disk_full, remove_segments
from graphdet.whole import why

FILE, LOCK, SEGMENTS, ASIDE, RUNS = "watch.sqlite", "watch.lock", "segments", "aside", "runs"
FORMAT = 1
WAIT = 30.0  # seconds for who else writes to the file
COUNTS = ("read", "accepted", "rejected", "duplicate", "late", "ahead")
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS figures (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS offsets (partition TEXT PRIMARY KEY, place TEXT NOT NULL, watermark INTEGER, seen REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY, day INTEGER NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS asides (name TEXT PRIMARY KEY, day INTEGER NOT NULL, rows INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS lines (name TEXT PRIMARY KEY, line TEXT NOT NULL, tellable INTEGER NOT NULL) STRICT;
"""


@dataclass
class State:
    """What a watch knows; changed only within `writing`, and in memory only once the transaction holds.

    Attributes:
        folder: where it lies.
        connection: to its SQLite file.
        places: partition → place.
        watermarks: partition → time of its latest event, and when something last came of it; None before its first event.
        segments: of the window.
        counts: over the whole life, by `COUNTS`.
        known: events of the window.
        meta: small values by name.
        lines: as told → each line as it was read last, and no other, since what was told of a line once is not kept.
    """

    folder: Path
    connection: sqlite3.Connection
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    watermarks: dict[str, tuple[int | None, float]] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    known: KnownEvents = field(default_factory=KnownEvents)
    meta: dict[str, str] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)

    @property
    def rows(self) -> Path:
        """The folder of segments."""
        return self.folder / SEGMENTS

    @property
    def events(self) -> int:
        """In the window."""
        return sum(segment.rows for segment in self.segments)

    @property
    def end(self) -> int | None:
        """The latest event that was ever accepted, in microseconds since 1970 UTC."""
        return int(self.meta["end"]) if "end" in self.meta else None

    @property
    def digest(self) -> str:
        """Of the window: its segments are named by what they hold."""
        told = sorted(segment.name for segment in self.segments)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all that the block writes is there, or nothing.

        Raises:
            WatchError: the disk is full, or the file cannot be written.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            told = f"the disk is full: {error}; free some space" if is_disk_full(error, self.folder) else str(error)
            raise WatchError(f"{self.folder / FILE}: cannot be written ({told}); what was kept before is whole.") from None

    def wipe(self) -> bool:
        """Empty SQLite's own log of what it still holds of things that were deleted; False where somebody reads it just now."""
        try:
            self.connection.execute("PRAGMA busy_timeout = 0")  # steps do not wait for who reads
            (busy, _, _) = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:  # no room to write what it holds to its place
            return False
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * WAIT)}")
        return not busy

    def tell_figures(self, figures: Mapping[str, float]) -> None:
        """What those who look from outside are told; no part of the state."""
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO figures VALUES (?, ?)", sorted(figures.items()))


@contextlib.contextmanager
def open_state(folder: Path) -> Iterator[State]:
    """The state that a folder holds, this process's alone for the block; a new one where there is none.

    Raises:
        WatchError: another watch has it, it cannot be used, or it is damaged or of a newer graphdet.
    """

    def unusable(reason: str) -> WatchError:
        return WatchError(f"{folder}: cannot be used for a state ({reason}); choose another --state.")

    taken = WatchError(f"{folder}: another watch has this state; stop it, or choose another --state.")
    with alone_in(folder, LOCK, taken, unusable):
        try:
            for part in (SEGMENTS, ASIDE, RUNS):
                (folder / part).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise unusable(why(error)) from None
        with contextlib.closing(_connect(folder / FILE)) as connection:
            yield _load(folder, connection)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(_TABLES)
        open_outbox(connection)
    except (sqlite3.Error, OSError) as error:
        if is_disk_full(error, path.parent):
            raise WatchError(f"{path}: cannot be written (the disk is full: {error}); free some space.") from None
        raise WatchError(
            f"{path}: is no state of a watch, or damaged ({error}); restore it from a copy, or choose another --state."
        ) from None
    return connection


def _load(folder: Path, connection: sqlite3.Connection) -> State:
    state = State(folder, connection)
    try:
        state.meta = dict(connection.execute("SELECT name, value FROM meta"))
        if int(state.meta.get("format", FORMAT)) > FORMAT:
            raise WatchError(f"{folder}: this state was written by a newer graphdet; use that one.")
        for partition, place, watermark, seen in connection.execute("SELECT partition, place, watermark, seen FROM offsets"):
            state.places[partition] = json.loads(place)
            state.watermarks[partition] = (watermark, seen)
        state.segments = [Segment(*row) for row in connection.execute("SELECT name, day, events, bytes FROM segments ORDER BY day, name")]
        state.counts |= dict(connection.execute("SELECT name, value FROM counts"))
    except (sqlite3.Error, ValueError) as error:
        raise WatchError(f"{folder / FILE}: is damaged ({error}); restore it from a copy, or choose another --state.") from None
    if not state.meta:
        begun = {"format": str(FORMAT), "told_by": TOLD_BY, "run": "", "look": "0", "digest": state.digest}
        with state.writing():
            save_meta(connection, begun)
        state.meta = begun
    elif state.meta["digest"] != state.digest:
        raise WatchError(f"{folder}: its segments are not those that were kept; restore it from a copy, or choose another --state.")
    remove_segments(state.rows, (segment.name for segment in state.segments))
    remove_segments(folder / ASIDE, (name for (name,) in connection.execute("SELECT name FROM asides")))
    state.known = KnownEvents.of(state.rows, state.segments)
    state.wipe()
    return state


def save_meta(connection: sqlite3.Connection, told: Mapping[str, str]) -> None:
    """Within a transaction."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(told.items()))


def save_places(connection: sqlite3.Connection, places: Mapping[str, Mapping[str, Any]], watermarks: Mapping[str, int | None]) -> None:
    """Within a transaction."""
    rows = [(name, json.dumps(dict(place), sort_keys=True), watermarks.get(name), float(place["seen"])) for name, place in places.items()]
    connection.executemany("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?, ?)", rows)


def save_lines(
    connection: sqlite3.Connection, lines: Sequence[Line], tellable: Container[str], stands: Container[str] = frozenset()
) -> None:
    """Within a transaction; lines that `stands` names are there as they are."""
    there = [name for (name,) in connection.execute("SELECT name FROM lines")]
    connection.executemany("DELETE FROM lines WHERE name = ?", [(name,) for name in there if name not in stands])
    rows = [(line.name, json.dumps(line.as_dict(), sort_keys=True), line.name in tellable) for line in lines if line.name not in stands]
    connection.executemany("INSERT INTO lines VALUES (?, ?, ?)", rows)


def save_segments(connection: sqlite3.Connection, new: Sequence[Segment], old: Sequence[Segment]) -> None:
    """Within a transaction."""
    connection.executemany("DELETE FROM segments WHERE name = ?", [(one.name,) for one in old])
    connection.executemany("INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?)", [(one.name, one.day, one.rows, one.bytes) for one in new])
