"""The window's events in memory between looks: each segment is read and encoded once, and each look puts them together as a reader would.

What is held is a cache of the segments, which are the truth: a watch that starts again reads them again. Segments are held by name, so
that those of a new step are added, those that left the window are dropped, and those that were made one are read as that one. Names are
held once for all segments and only grow; with the first look of a day everything is read again, which lets go of names that nobody has
any more. How names count (placeholders, ignored keys, folding), which rows are rejected, their order and all that the report says is
worked out anew in each whole look, by the reader's own steps: so a changed casebook needs no reading, and the table is the reader's.

A step look goes on from the events of the look before (`going_on.py`): only what came since is put together by these steps.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events import EventTable, FileReport, ReadReport
from graphdet.events.assembling import Events, assemble
from graphdet.events.clock_changes import ClockDoubts
from graphdet.events.coding import Dictionary
from graphdet.events.collecting import CODED, Collector, absent
from graphdet.events.going_on import Moved, go_on
from graphdet.events.log import as_asked, as_table
from graphdet.events.notes import notes
from graphdet.events.pictures import Pictures
from graphdet.events.reading import NAMED, NUMBERS
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


@dataclass(frozen=True)
class _Read:
    """What was read last: the events, of which segments and by which settings; and names that a reader leaves out since many hold them."""

    events: EventTable
    segments: frozenset[str]
    log: LogSettings
    held_by_many: Mapping[str, tuple[str, ...]]


class HeldWindow:
    """Events of a window, encoded; `read` and `read_on` bring it up to date. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._day: int | None = None
        self._names: dict[str, Dictionary] = {}
        self._parts: dict[str, _Encoded] = {}
        self._last: _Read | None = None

    def read(self, folder: Path, segments: Sequence[Segment], end: int, digest: str, settings: Settings) -> EventTable:
        """All events of the segments as a reader of their files would give them, under one name.

        Args:
            folder: of the segments.
            segments: of the window.
            end: its latest event, in microseconds.
            digest: of the state, by which the window is known among a run's inputs.
            settings: of the watch, with the keys that a casebook discounts.
        """
        self._last = None
        self._follow(folder, segments, end // DAY)
        log = settings_of_kept(settings.log)
        with ThreadPoolExecutor(settings.machine.threads or None) as pool:
            parts = [self._parts[segment.name] for segment in segments]
            collector = _collected(parts, {name: own.so_far() for name, own in self._names.items()}, pool, log)
            events = assemble(collector, None, log, _HEADERS)
            rejected = self._rejected(folder, segments, events, log.raw_characters)
            files = (_account(events, collector.rows, digest),)
            report = ReadReport(files, rejected, notes(events, _nothing_asked(pool, folder, log, settings.machine), files, log))
        table, by_many = as_table(events, report, log), defaultdict[str, list[str]](list)
        for left_out in events.left_out.suspicious:
            by_many[left_out.column].append(left_out.name)
        held_by_many = {column: tuple(names) for column, names in by_many.items()}
        self._last = _Read(table, frozenset(segment.name for segment in segments), settings.log, held_by_many)
        return as_asked(table, log)

    def read_on(self, folder: Path, segments: Sequence[Segment], end: int, digest: str, settings: Settings) -> tuple[EventTable, Moved]:
        """The same for a step look, and where the names of the events that were read last are now.

        The report is that of the last whole look, and an item that had a category keeps it. Where segments of then are gone, or where names
        count from 0, so that only the whole window tells whether that is somebody, all is put together.
        """
        last, log = self._last, settings_of_kept(settings.log)
        names = frozenset(segment.name for segment in segments)
        if last is None or end // DAY != self._day or not last.segments <= names or last.log != settings.log:
            return self.read(folder, segments, end, digest, settings), Moved()
        ignored = {column: (*log.ignore_keys.get(column, ()), *last.held_by_many.get(column, ())) for column in NAMED}
        by = log.model_copy(update={"ignore_keys": {column: keys for column, keys in ignored.items() if keys}})
        with ThreadPoolExecutor(settings.machine.threads or None) as pool:
            dictionaries: dict[str, Dictionary] = {}  # of their own, since each look goes through all names that it has
            came = _encoded(read_rows(folder, [one for one in segments if one.name not in last.segments]), dictionaries)
            collector = _collected([came], dictionaries, pool, log)
            new = as_table(assemble(collector, None, by, _HEADERS), last.events.report, log)
        if last.events.time is None or (len(new) and new.time is None) or counts_from_nought(last.events) or counts_from_nought(new):
            return self.read(folder, segments, end, digest, settings), Moved()
        events, moved = go_on(last.events, new) if len(new) else (last.events, Moved.nowhere(last.events))
        self._last = replace(last, events=events, segments=names)
        return as_asked(events, log), moved

    def _follow(self, folder: Path, segments: Sequence[Segment], day: int) -> None:
        """Read what is new, forget what is gone."""
        if day != self._day:
            self._day, self._names, self._parts = day, {}, {}
        names = {segment.name for segment in segments}
        self._parts = {name: part for name, part in self._parts.items() if name in names}
        for segment in segments:
            if segment.name not in self._parts:
                self._parts[segment.name] = _encoded(read_rows(folder, [segment]), self._names)

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


def _encoded(rows: pa.Table, names: dict[str, Dictionary]) -> _Encoded:
    """Rows in codes of names, to which theirs are added."""
    columns: dict[str, Column] = {"timestamp": rows["timestamp"].cast(pa.int64()).to_numpy(), "digest": rows[APART[0]].to_numpy()}
    for name in ROWS.names:
        column = rows[name].combine_chunks()
        if name in CODED and column.null_count < len(column):
            columns[name] = names.setdefault(name, Dictionary()).encode(column.cast(pa.large_string()))
        elif name in NUMBERS and column.null_count < len(column):
            columns[name] = column.cast(pa.float64()).fill_null(np.nan).to_numpy()
    return _Encoded(rows.num_rows, columns)


def _collected(parts: Sequence[_Encoded], names: Mapping[str, Dictionary], pool: ThreadPoolExecutor, log: LogSettings) -> Collector:
    unread = {name for name, read in (("text", log.texts), ("image", log.images)) if not read}
    collector = Collector(pool, rows=sum(part.rows for part in parts))
    for name in ("digest", *ROWS.names):
        if any(name in part.columns for part in parts) and name not in unread:
            collector.chunks[name] = [part.columns[name] if name in part.columns else absent(name, part.rows) for part in parts]
            if name in names:
                collector.dictionaries[name] = names[name]
    return collector


def counts_from_nought(events: EventTable) -> bool:
    """Whether somebody or something is called 0, which mostly stands for none known."""
    return any(pc.index(ids, zero).as_py() >= 0 for ids in events.ids.values() for zero in ("0", "0.0"))


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
