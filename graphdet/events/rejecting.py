"""Rejected rows → their lines and raw text, by a second look at the files that have some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.expressions import quoted
from graphdet.events.opening import Source
from graphdet.events.refusals import ENGINE
from graphdet.events.text import walk
from graphdet.schema import arrow_schema

SHOWN_REJECTS = 20  # in a report of what was read
_GENEROUS = 100_000  # rejects that keep all the raw text they may; of further ones a little, so that memory stays bounded
_LITTLE = 200


@dataclass(frozen=True)
class Rejects:
    """Rows that are left out: their positions in the order read, ascending, and for each the position of its cause in `causes`."""

    rows: npt.NDArray[np.int64]
    cause: npt.NDArray[np.int8]
    causes: tuple[tuple[str, str], ...]  # (our column, reason)


NO_REJECTS = Rejects(np.zeros(0, np.int64), np.zeros(0, np.int8), ())


class Causes:
    """Why rows are left out; of a row's causes the first that is named counts."""

    def __init__(self, rows: int) -> None:
        self._cause = np.full(rows, -1, np.int8)
        self._causes: list[tuple[str, str]] = []

    def reject(self, column: str, reason: str, where: npt.NDArray[np.bool_]) -> None:
        """Leave out the rows that `where` (rows,) marks; `column` is ours, or empty for the whole row."""
        if where.any():
            self._cause[where & (self._cause < 0)] = len(self._causes)
            self._causes.append((column, reason))

    def rejects(self) -> Rejects:
        found = np.flatnonzero(self._cause >= 0)
        return Rejects(found, self._cause[found], tuple(self._causes))


@dataclass
class Rejected:
    """Collects rejects in the order of files and lines."""

    raw_characters: int
    files: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)

    def add(self, file: str, line: int, column: str, reason: str, raw: str) -> None:
        kept = self.raw_characters if len(self.files) < _GENEROUS else min(self.raw_characters, _LITTLE)
        self.files.append(file)
        self.lines.append(line)
        self.columns.append(column)
        self.reasons.append(reason)
        self.raws.append(raw[:kept].encode("utf-8", "replace").decode())

    def table(self) -> pa.Table:
        return pa.table([self.files, self.lines, self.columns, self.reasons, self.raws], schema=arrow_schema("rejected"))


def locate(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    rows: npt.NDArray[np.int64],
    causes: list[tuple[str, str]],
    rejected: Rejected,
) -> None:
    """Add a file's rejects.

    Args:
        rows: positions among the records that were typed, from 0, ascending.
        causes: (their column, reason) of each.
    """
    name = source.file.name
    if source.text is None:
        for row, raw in _parquet_rows(connection, source, rows, rejected.raw_characters):
            rejected.add(name, row + 1, *causes[int(np.searchsorted(rows, row))], raw)
        return
    assert source.delimiter is not None
    good = found = 0
    for record in walk(source.text, source.delimiter, source.width, source.skipped, header=source.header):
        if source.careful and record.reason:
            rejected.add(name, record.line, "", record.reason, record.raw)
            continue
        if found < len(rows) and good == rows[found]:
            rejected.add(name, record.line, *causes[found], record.raw.rstrip("\r\n"))
            found += 1
        good += 1
        if found == len(rows) and not source.careful:
            return


def _parquet_rows(
    connection: duckdb.DuckDBPyConnection, source: Source, rows: npt.NDArray[np.int64], characters: int
) -> Iterator[tuple[int, str]]:
    """Row positions and their rows as JSON; without the text where a column cannot be written so. Of an unrolled list, values are rows."""
    fields = ", ".join(
        "'" + name.replace("'", "''") + f"': {column}" for name, column in zip(source.mapping.header, source.columns, strict=True)
    )
    connection.register("wanted", pa.table({"place": rows}))
    text = f"left(to_json({{{fields}}})::VARCHAR, {characters})"
    row, read = "file_row_number", f"read_parquet({quoted(source.file.path)}, file_row_number = true)"
    if not source.sql.startswith("read_parquet"):
        row, read = "place", f"(SELECT *, row_number() OVER () - 1 AS place FROM {source.sql})"  # noqa: S608
    query = f"SELECT {row}, {text} FROM {read} WHERE {row} IN (SELECT place FROM wanted) ORDER BY 1"  # noqa: S608 - names are quoted
    try:
        result = connection.execute(query)
        while chunk := result.fetchmany(10_000):
            yield from chunk
    except ENGINE:
        yield from ((int(row), "") for row in rows)
    finally:
        connection.unregister("wanted")
