"""Log files → `EventTable` with its report: the story of reading, on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graphdet.errors import EmptyLog
from graphdet.events.assembling import Events, assemble, assemble_catalogue
from graphdet.events.header import map_columns, names_of_columns
from graphdet.events.money import in_one_currency
from graphdet.events.notes import notes, resolution
from graphdet.events.portion import take_portion
from graphdet.events.reading import typed_columns
from graphdet.events.rejecting import Rejected
from graphdet.events.table import EventTable, ReadReport
from graphdet.events.tally import Watcher, read_files
from graphdet.schema.wording import numbered
from graphdet.settings import LogSettings, MachineSettings

Apart = Mapping[str, npt.NDArray[np.uint64]]
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


def read_log(paths: Sequence[Path | str], settings: LogSettings, machine: MachineSettings, progress: Watcher | None) -> EventTable:
    """As `read_events`, but a log without any event is a table without rows."""
    return as_asked(_read(paths, settings, machine, progress, apart=False)[0], settings)


def as_asked(table: EventTable, settings: LogSettings) -> EventTable:
    """Amounts in one currency, and of the events those that the settings ask for."""
    return take_portion(in_one_currency(table, settings), settings)


def read_new(paths: Sequence[Path | str], settings: LogSettings, machine: MachineSettings) -> EventTable:
    """New files of a log that is kept: as `read_log`, with amounts in the currencies that they have, since most of the log is elsewhere."""
    return take_portion(_read(paths, settings, machine, None, apart=False)[0], settings)


def read_part(paths: Sequence[Path | str], settings: LogSettings, machine: MachineSettings) -> tuple[EventTable, Apart]:
    """One part of a log that is read in parts, whole, and what tells its events apart from those of other parts.

    Returns:
        The table, and (n,) arrays by name: `event_a` and `event_b`, a digest of the event's id, zeros where it has none, and `digest` of
        the columns that are not ours; each only where the part has such columns.
    """
    return _read(paths, settings, machine, None, apart=True)


def _read(
    paths: Sequence[Path | str], settings: LogSettings, machine: MachineSettings, progress: Watcher | None, *, apart: bool
) -> tuple[EventTable, Apart]:
    tell = progress or (lambda stage, done, total: None)
    with read_files(paths, settings, machine, map_columns, typed_columns, tell) as reading:
        logs, catalogues = reading.rows, reading.catalogues
        tell("sort", 0, logs.collector.rows)
        items = assemble_catalogue(catalogues.collector, settings) if catalogues.collector.rows else None
        if items is not None:
            catalogues.rejects, catalogues.duplicates = items.rejects, items.duplicates
        headers = names_of_columns(source.mapping for source in reading.sources)
        events = assemble(logs.collector, items.catalogue if items else None, settings, headers, apart=apart)
        logs.rejects, logs.duplicates = events.rejects, events.duplicates
        tell("sort", logs.collector.rows, logs.collector.rows)
        rejected = Rejected(settings.raw_characters)
        reports = reading.report(rejected)
    return as_table(events, ReadReport(reports, rejected.table(), notes(events, reading, reports, settings)), settings), events.apart


def as_table(events: Events, report: ReadReport, settings: LogSettings) -> EventTable:
    """Events as they were put together, with what became of all rows."""
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
        written=events.written,
    )


def _why_empty(report: ReadReport) -> str:
    names = ", ".join(file.path for file in report.files[:3]) + (", …" if len(report.files) > 3 else "")
    if report.read == 0:
        return f"{names}: no rows; name a log with at least one event."
    if all(file.catalogue for file in report.files):
        return f"{names}: no events, only item catalogues (no user_id); name the log files too."
    first = report.rejected.slice(0, 1).to_pylist()[0]
    where = f"line {first['line']}" + (f", {first['column']}" if first["column"] else "")
    rows = numbered(report.read, "row", "rows")
    return f"{names}: no event in {rows}; the first is rejected ({where}: {first['reason']}). `graphdet check` shows more."
