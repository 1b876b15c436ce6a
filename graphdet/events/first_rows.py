"""Log files → their headers and first rows as text, whatever the columns are; for whoever is to find out what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from graphdet.events.expressions import quoted
from graphdet.events.files import find_files
from graphdet.events.header import ColumnMap
from graphdet.events.opening import Source, open_source
from graphdet.events.reading import connect
from graphdet.events.refusals import ENGINE
from graphdet.scratch import scratch_folder
from graphdet.settings import LogSettings, MachineSettings


@dataclass(frozen=True)
class FirstRows:
    """The beginning of one file: its header as it stands there, and rows of as many values; None where one is missing."""

    path: str
    format: str
    header: tuple[str, ...]
    rows: list[tuple[str | None, ...]]


def read_first_rows(paths: Sequence[Path | str], machine: MachineSettings, most: int) -> list[FirstRows]:
    """The first rows of each log file that is not empty.

    Args:
        paths: as for `read_events`.
        machine: threads and memory.
        most: rows of each file.

    Raises:
        UnreadableFile, EmptyLog: as in `read_events`.
    """
    found = []
    with scratch_folder() as folder, connect(machine, folder) as connection:
        for file in find_files(paths, folder, int(LogSettings().unpacked_gb * 1e9)):
            source = open_source(connection, file, LogSettings(), folder, _all_columns)
            if not source.empty:
                rows = _rows(connection, source, most)
                found.append(FirstRows(file.name, file.format, source.mapping.header, rows))
    return found


def _all_columns(path: str, header: Sequence[str], settings: LogSettings) -> ColumnMap:
    """Every column is read, whatever it is."""
    return ColumnMap(tuple(header), {str(place): place for place in range(len(header))}, catalogue=False)


def _rows(connection: duckdb.DuckDBPyConnection, source: Source, most: int) -> list[tuple[str | None, ...]]:
    wanted = ", ".join(f"{column}::VARCHAR" for column in source.columns)
    try:
        return connection.execute(f"SELECT {wanted} FROM {source.sql} LIMIT {most}").fetchall()  # noqa: S608 - names are quoted
    except ENGINE:  # a broken record: the others are enough
        if source.text is None or not source.delimiter:
            return []
        lenient = f"all_varchar=true, ignore_errors=true, header=true, delim='{source.delimiter}', names={list(source.columns)}"
        return connection.execute(f"SELECT {wanted} FROM read_csv({quoted(source.text)}, {lenient}) LIMIT {most}").fetchall()  # noqa: S608
