"""The window's events in memory between looks: each segment is read and encoded once, and each look puts them together as a reader would.

What is held is a cache of the segments, which are the truth: a watch that starts again reads them again. Segments are held by name, so
that those of a new step are added, those that left the window are dropped, and those that were made one are read as that one. Names are
held once for all segments and only grow; with the first look of a day everything is read again, which lets go of names that nobody has
any more. How names count (placeholders, ignored keys, folding), which rows are rejected, their order and all that the report says is
worked out anew in each look, by the reader's own steps: so a changed casebook needs no reading, and the table is the reader's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events import EventTable, FileReport, ReadReport
from graphdet.events.assembling import Events, assemble
from graphdet.events.clock_changes import ClockDoubts
from graphdet.events.coding import Dictionary
from graphdet.events.collecting import CODED, Collector, absent
from graphdet.events.log import as_asked, as_table
from graphdet.events.notes import notes
from graphdet.events.pictures import Pictures
from graphdet.events.reading import NUMBERS
from graphdet.events.rejecting import Rejected
from graphdet.events.tally import Part, Reading
from graphdet.settings import LogSettings, MachineSettings, Settings
from graphdet.watch.reading_on import APART, ROWS
from graphdet.watch.segments import DAY, Segment, read_rows
from graphdet.week.kept_log import settings_of_kept

NAME = "window"
_HEADERS = {name: frozenset({name}) for name in ROWS.names if name not in APART}
Column = npt.NDArray[Any]


@dataclass(frozen=True)
class _Encoded:
    """A segment's columns as the reader's collector holds them; those without a value are left out.

    Of rows that were ever rejected `raws` has the text, so that the file is not asked for them in each look.
    """

    rows: int
    columns: dict[str, Column]
    raws: dict[int, str] = field(default_factory=dict)


class HeldWindow:
    """Events of a window, encoded; `read` brings it up to date. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._day: int | None = None
        self._names: dict[str, Dictionary] = {}
        self._parts: dict[str, _Encoded] = {}

    def read(self, folder: Path, segments: Sequence[Segment], end: int, digest: str, settings: Settings) -> EventTable:
        """All events of the segments as a reader of their files would give them, under one name.

        Args:
            folder: of the segments.
            segments: of the window.
            end: its latest event, in microseconds.
            digest: of the state, by which the window is known among a run's inputs.
            settings: of the watch, with the keys that a casebook discounts.
        """
        self._follow(folder, segments, end // DAY)
        log = settings_of_kept(settings.log)
        with ThreadPoolExecutor(settings.machine.threads or None) as pool:
            unread = {name for name, read in (("text", log.texts), ("image", log.images)) if not read}
            collector = self._collected(segments, pool, unread)
            events = assemble(collector, None, log, _HEADERS)
            rejected = self._rejected(folder, segments, events, log.raw_characters)
            files = (_account(events, collector.rows, digest),)
            report = ReadReport(files, rejected, notes(events, _nothing_asked(pool, folder, log, settings.machine), files, log))
        return as_asked(as_table(events, report, log), log)

    def _follow(self, folder: Path, segments: Sequence[Segment], day: int) -> None:
        """Read what is new, forget what is gone."""
        if day != self._day:
            self._day, self._names, self._parts = day, {}, {}
        names = {segment.name for segment in segments}
        self._parts = {name: part for name, part in self._parts.items() if name in names}
        for segment in segments:
            if segment.name not in self._parts:
                self._parts[segment.name] = self._encoded(read_rows(folder, [segment]))

    def _encoded(self, rows: pa.Table) -> _Encoded:
        columns: dict[str, Column] = {"timestamp": rows["timestamp"].cast(pa.int64()).to_numpy(), "digest": rows[APART[0]].to_numpy()}
        for name in ROWS.names:
            column = rows[name].combine_chunks()
            if name in CODED and column.null_count < len(column):
                columns[name] = self._names.setdefault(name, Dictionary()).encode(column.cast(pa.large_string()))
            elif name in NUMBERS and column.null_count < len(column):
                columns[name] = column.cast(pa.float64()).fill_null(np.nan).to_numpy()
        return _Encoded(rows.num_rows, columns)

    def _collected(self, segments: Sequence[Segment], pool: ThreadPoolExecutor, unread: set[str]) -> Collector:
        parts = [self._parts[segment.name] for segment in segments]
        collector = Collector(pool, rows=sum(part.rows for part in parts))
        for name in ("digest", *ROWS.names):
            if any(name in part.columns for part in parts) and name not in unread:
                collector.chunks[name] = [part.columns[name] if name in part.columns else absent(name, part.rows) for part in parts]
                if name in self._names:
                    collector.dictionaries[name] = self._names[name].so_far()
        return collector

    def _rejected(self, folder: Path, segments: Sequence[Segment], events: Events, characters: int) -> pa.Table:
        """Rows that the settings leave out, as the segments have them."""
        told, rejects = Rejected(characters), events.rejects
        starts = np.cumsum([0, *(self._parts[segment.name].rows for segment in segments)])
        bounds = np.searchsorted(rejects.rows, starts)
        for segment, start, first, last in zip(segments, starts[:-1].tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if first == last:
                continue
            rows = (rejects.rows[first:last] - start).tolist()
            raws = self._raws(folder, segment, rows)
            for row, cause in zip(rows, rejects.cause[first:last].tolist(), strict=True):
                column, reason = rejects.causes[int(cause)]
                told.add(segment.name, row + 1, column, reason, raws[row])
        return told.table()

    def _raws(self, folder: Path, segment: Segment, rows: Sequence[int]) -> dict[int, str]:
        raws = self._parts[segment.name].raws
        unread = [row for row in rows if row not in raws]
        if unread:
            read = read_rows(folder, [segment]).drop_columns(list(APART)).take(pa.array(unread)).to_pylist()
            for row, told in zip(unread, read, strict=True):
                given = {name: value for name, value in told.items() if value is not None}
                raws[row] = json.dumps(given, default=str, ensure_ascii=False)
        return raws


def _account(events: Events, read: int, digest: str) -> FileReport:
    """The window as one file, so that a run's bytes do not depend on how it lies in segments."""
    rejected, duplicates = len(events.rejects.rows), len(events.duplicates)
    return FileReport(
        path=NAME,
        format="parquet",
        sha256=digest,
        columns=tuple(ROWS.names),
        unused_columns=(),
        read=read,
        accepted=read - rejected - duplicates,
        rejected=rejected,
        duplicates=duplicates,
    )


def _nothing_asked(pool: ThreadPoolExecutor, folder: Path, log: LogSettings, machine: MachineSettings) -> Reading:
    """A reading whose files left nothing open: what is kept has our names and ways to write already."""
    return Reading([], [], [], Part(Collector(pool)), Part(Collector(pool)), machine, folder, ClockDoubts(), (), (), Pictures(log, machine))
