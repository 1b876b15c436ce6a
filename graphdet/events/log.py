"""Log files → `EventTable` with its report: the story of reading, on one screen."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from graphdet.errors import EmptyLog
from graphdet.events.assembling import CatalogueRows, Collector, Events, Rejects, assemble, assemble_catalogue
from graphdet.events.columns import check_columns
from graphdet.events.files import LogFile, digest, find_files
from graphdet.events.notes import notes, resolution
from graphdet.events.reading import REFUSALS, Source, careful_source, connect, open_source, stream_batches, unreadable
from graphdet.events.rejecting import Rejected, locate
from graphdet.events.table import EventTable, FileReport, ReadReport
from graphdet.events.timestamps import check_zone
from graphdet.settings import LogSettings, MachineSettings

Watcher = Callable[[str, int, int | None], None]

DEFAULT_LOG = LogSettings()
DEFAULT_MACHINE = MachineSettings()


def read_events(
    paths: Sequence[Path | str],
    settings: LogSettings = DEFAULT_LOG,
    machine: MachineSettings = DEFAULT_MACHINE,
    progress: Watcher | None = None,
) -> EventTable:
    """All events of some log files, in canonical order, with what became of every row in `report`.

    Args:
        paths: files, or folders of which every log file is read; CSV, TSV, JSON lines and Parquet, plain, `.gz` or `.zst`.
            A file with `item_id` but no `user_id` is a catalogue: its category and seller fill what events lack.
        settings: how columns and actions are named, and the zone of times without one.
        machine: threads and memory; the result does not depend on them.
        progress: told (stage, rows done, rows in all or None) now and then.

    Raises:
        UnreadableFile: a file is missing, truncated, or not of its kind.
        MissingColumn: a file has no user, or none of item, device and IP.
        EmptyLog: no event was accepted.
        SettingsError: an unknown column or time zone in the settings.
    """
    table = read_log(paths, settings, machine, progress)
    if not len(table):
        raise EmptyLog(_why_empty(table.report))
    return table


@dataclass
class _Part:
    """Files that are read alike (events, or catalogues), and where in `collector` each begins."""

    collector: Collector
    places: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])


def read_log(paths: Sequence[Path | str], settings: LogSettings, machine: MachineSettings, progress: Watcher | None) -> EventTable:
    """As `read_events`, but a log without any event is a table without rows."""
    tell = progress or (lambda stage, done, total: None)
    check_columns(settings)
    check_zone(settings.timezone)
    files = find_files(paths)
    with tempfile.TemporaryDirectory(prefix="graphdet-") as name, ThreadPoolExecutor(machine.threads or None) as pool:
        folder = Path(name)
        digests = [pool.submit(digest, file.path) for file in files]
        logs, catalogues = _Part(Collector(pool)), _Part(Collector(pool))
        sources = []
        with connect(machine, folder) as connection:
            for place, file in enumerate(files):
                source = open_source(connection, file, settings, folder)
                part = catalogues if source.mapping.catalogue else logs
                sources.append(_read(connection, source, part.collector, settings, folder, tell))
                part.places.append(place)
                part.starts.append(part.collector.rows)
        tell("sort", 0, logs.collector.rows)
        items = assemble_catalogue(catalogues.collector, settings) if catalogues.collector.rows else None
        events = assemble(logs.collector, items.catalogue if items else None, settings)
        tell("sort", logs.collector.rows, logs.collector.rows)
        rejected = Rejected(settings.raw_characters)
        with connect(machine, folder) as connection:
            reports = _reports(connection, sources, files, [found.result() for found in digests], logs, events, catalogues, items, rejected)
    report = ReadReport(reports, rejected.table(), notes(events, sources, reports, settings))
    return EventTable(
        ids=events.ids,
        codes=events.codes,
        time=events.time,
        resolution=resolution(events.time, settings.timezone),
        action=events.action,
        actions=events.actions,
        item_category=events.item_category,
        categories=tuple(events.categories.to_pylist()),
        amount=events.amount,
        rating=events.rating,
        report=report,
    )


def _read(
    connection: duckdb.DuckDBPyConnection, source: Source, collector: Collector, settings: LogSettings, folder: Path, tell: Watcher
) -> Source:
    """Read one file into the collector; once more and without its broken records where DuckDB refuses it."""
    if source.empty:
        return source
    start = collector.rows
    for attempt in (source, None):
        try:
            tried = attempt or careful_source(source, folder)
            for batch in stream_batches(connection, tried, settings):
                collector.add(batch)
                tell("read", collector.rows, None)
            return tried
        except REFUSALS as error:
            if source.text is None or attempt is None:
                raise unreadable(source.file, error) from None
            collector.rewind(start)
    raise AssertionError("unreachable")


def _reports(
    connection: duckdb.DuckDBPyConnection,
    sources: list[Source],
    files: list[LogFile],
    digests: list[str],
    logs: _Part,
    events: Events,
    catalogues: _Part,
    items: CatalogueRows | None,
    rejected: Rejected,
) -> tuple[FileReport, ...]:
    """One report per file in the order given; the rejects go into `rejected` in the same order."""
    nothing = Rejects(np.zeros(0, np.int64), np.zeros(0, np.int8), ())
    parts = [(logs, events.rejects, events.duplicates)]
    parts.append((catalogues, items.rejects, items.duplicates) if items else (catalogues, nothing, nothing.rows))
    typed: dict[int, tuple[int, npt.NDArray[np.int64], list[tuple[str, str]], int]] = {}
    for part, rejects, duplicates in parts:
        again = np.diff(np.searchsorted(np.sort(duplicates), part.starts))
        bounds = np.searchsorted(rejects.rows, part.starts)
        for number, place in enumerate(part.places):
            start, stop = bounds[number], bounds[number + 1]
            causes = [rejects.causes[cause] for cause in rejects.cause[start:stop]]
            rows = rejects.rows[start:stop] - part.starts[number]
            typed[place] = part.starts[number + 1] - part.starts[number], rows, causes, int(again[number])
    reports = []
    for place, (file, source, sha256) in enumerate(zip(files, sources, digests, strict=True)):
        rows_read, rows, causes, duplicate = typed[place]
        if len(rows) or source.broken:
            theirs = [(source.mapping.theirs(column) if column else "", reason) for column, reason in causes]
            locate(connection, source, rows, theirs, rejected)
        reports.append(
            FileReport(
                path=str(file.path),
                format=file.kind,
                sha256=sha256,
                columns=source.mapping.header,
                unused_columns=source.mapping.unused,
                read=rows_read + source.broken,
                accepted=rows_read - len(rows) - duplicate,
                rejected=len(rows) + source.broken,
                duplicates=duplicate,
                catalogue=source.mapping.catalogue,
            )
        )
    return tuple(reports)


def _why_empty(report: ReadReport) -> str:
    names = ", ".join(file.path for file in report.files[:3]) + (", …" if len(report.files) > 3 else "")
    if report.read == 0:
        return f"{names}: no rows; name a log with at least one event."
    if all(file.catalogue for file in report.files):
        return f"{names}: no events, only item catalogues (no user_id); name the log files too."
    first = report.rejected.slice(0, 1).to_pylist()[0]
    where = f"line {first['line']}" + (f", {first['column']}" if first["column"] else "")
    return f"{names}: no event in {report.read} rows; the first is rejected ({where}: {first['reason']}). `graphdet check` shows more."
