"""Log files → their headers and first rows as text, whatever the columns are, and how rows of one find theirs in another by a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from graphdet.events.expressions import name_expression, quoted
from graphdet.events.files import find_files
from graphdet.events.header import ColumnMap
from graphdet.events.opening import Source, careful_source, open_source
from graphdet.events.reading import connect
from graphdet.events.refusals import ENGINE
from graphdet.events.timestamps import WHITESPACE
from graphdet.scratch import scratch_folder
from graphdet.settings import LogSettings, MachineSettings


@dataclass(frozen=True)
class FirstRows:
    """The beginning of one file: its header as it stands there, and rows of as many values; None where one is missing."""

    path: str
    format: str
    header: tuple[str, ...]
    rows: list[tuple[str | None, ...]]


@dataclass(frozen=True)
class KeyCount:
    """How the rows of a log find theirs in a table by a key.

    Attributes:
        rows: first rows of the log that have a key.
        found: those of them whose key is in the table.
        keys: different keys of the table, all of whose rows are counted.
        repeated: those of them on rows that differ.
    """

    rows: int
    found: int
    keys: int
    repeated: int


@dataclass(frozen=True)
class OpenFiles:
    """Files that are open for a look, of those that are not empty."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    sources: dict[str, Source] = field(default_factory=dict)

    def first_rows(self, most: int) -> Iterator[FirstRows]:
        """Up to so many rows of each file, one file at a time."""
        for path, source in self.sources.items():
            yield FirstRows(path, source.file.format, source.mapping.header, _rows(self.connection, source, most))

    def count_keys(self, log: tuple[str, int], table: tuple[str, int], most: int) -> KeyCount | None:
        """How the first rows of a log find theirs in a table; None where one of them cannot be read so.

        Args:
            log, table: path, and the position of the column with the key.
            most: rows of the log.
        """
        try:
            return self._count(log, table, most)
        except ENGINE:  # a broken record: once more, without such
            for path, _ in (log, table):
                source = self.sources[path]
                if source.text is not None and not source.careful:
                    self.sources[path] = careful_source(source, self.folder)
        try:
            return self._count(log, table, most)
        except ENGINE:
            return None

    def _count(self, log: tuple[str, int], table: tuple[str, int], most: int) -> KeyCount:
        asked = f"SELECT key FROM (SELECT {self._key(log)} AS key FROM {self.sources[log[0]].sql} LIMIT {most}) WHERE key <> ''"  # noqa: S608
        source = self.sources[table[0]]
        whole = ", ".join(name_expression(column, kind) for column, kind in zip(source.columns, source.types, strict=True))
        rows = f"SELECT DISTINCT {self._key(table)} AS key, {whole} FROM {source.sql}"  # noqa: S608
        keys = f"SELECT key, count(*) AS times FROM ({rows}) WHERE key <> '' GROUP BY key"  # noqa: S608
        counted = self.connection.execute(
            f"WITH asked AS ({asked}), keys AS MATERIALIZED ({keys}) SELECT (SELECT count(*) FROM asked), "  # noqa: S608
            "(SELECT count(*) FROM asked SEMI JOIN keys USING (key)), (SELECT count(*) FROM keys), "
            "(SELECT count(*) FROM keys WHERE times > 1)"
        ).fetchall()[0]
        return KeyCount(*counted)

    def _key(self, place: tuple[str, int]) -> str:
        source = self.sources[place[0]]
        return f"trim({name_expression(source.columns[place[1]], source.types[place[1]])}, {WHITESPACE})"


@contextmanager
def opened_files(paths: Sequence[Path | str], machine: MachineSettings) -> Iterator[OpenFiles]:
    """The log files among some paths.

    Args:
        paths: as for `read_events`.
        machine: threads and memory.

    Raises:
        UnreadableFile, EmptyLog: as in `read_events`.
    """
    with scratch_folder() as folder, connect(machine, folder) as connection:
        found = OpenFiles(connection, folder)
        for file in find_files(paths, folder, int(LogSettings().unpacked_gb * 1e9)):
            source = open_source(connection, file, LogSettings(), folder, _all_columns)
            if not source.empty:
                found.sources[file.name] = source
        yield found


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
