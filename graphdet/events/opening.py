"""One log file → what DuckDB reads it by: its FROM clause, its columns, and which of them are ours."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from graphdet.errors import UnreadableFile
from graphdet.events.expressions import identifier, is_nested, quoted, unmapped_expressions
from graphdet.events.files import LogFile
from graphdet.events.forms import FileForm, NumberForm, TimeForm
from graphdet.events.header import ColumnMap, map_columns
from graphdet.events.text import LONGEST_RECORD, prepare, walk, write_good_records
from graphdet.events.timestamps import WHITESPACE
from graphdet.scratch import new_file
from graphdet.settings import LogSettings

_BUFFER = 1 << 25  # by itself DuckDB would take sixteen times the longest line; good records fit, even with every quote doubled


@dataclass(frozen=True)
class Source:
    """A file that DuckDB can read.

    Attributes:
        sql: its FROM clause.
        columns, types: the SQL name and type of each column of the header, by position.
        delimiter: between the fields of a record; '' for JSON lines; None for Parquet.
        text: the plain text that is read, of text formats.
        empty: it has no bytes, or no line.
        note: what is to be told about it.
        careful: DuckDB refused the file; `sql` reads a copy of its good records.
        broken: how many records that left out.
        unmapped: SQL of what the columns that are not ours hold, in the order of their names; it only tells rows apart.
        times, numbers: our column → how its values are written; empty where nobody had to ask them.
    """

    file: LogFile
    sql: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    mapping: ColumnMap
    delimiter: str | None = None
    text: Path | None = None
    empty: bool = False
    note: str = ""
    careful: bool = False
    broken: int = 0
    unmapped: tuple[str, ...] = ()
    times: Mapping[str, TimeForm] = field(default_factory=dict)
    numbers: Mapping[str, NumberForm] = field(default_factory=dict)

    @property
    def form(self) -> FileForm:
        """How the file is written, as far as that had to be told."""
        return FileForm(delimiter=self.delimiter or "", times=self.times, numbers=self.numbers)


Mapper = Callable[[str, Sequence[str], LogSettings], ColumnMap]


def open_source(
    connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper = map_columns
) -> Source:
    """Find out a file's columns, and which of them are ours, as the mapper tells.

    Raises:
        UnreadableFile: it is not of its kind, or a mapped column is nested.
        MissingColumn: it lacks a column without which it says nothing.
    """
    if not file.path.stat().st_size:
        return _nothing(file)
    try:
        if file.format == "parquet":
            return _open_parquet(connection, file, settings, mapper)
        if file.format == "jsonl":
            return _open_json(connection, file, settings, folder, mapper)
        return _open_delimited(file, settings, folder, mapper)
    except duckdb.Error as error:
        raise unreadable(file, error) from None


def unreadable(file: LogFile, error: Exception) -> UnreadableFile:
    """What DuckDB could not read, in one line."""
    first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return UnreadableFile(
        f"{file.path}: cannot be read as {file.kind} ({first}); check that the file is whole and of the kind its name says."
    )


def _nothing(file: LogFile) -> Source:
    return Source(file, "", (), (), ColumnMap((), {}, catalogue=False), empty=True, note=f"{file.path}: the file is empty.")


def _open_parquet(connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, mapper: Mapper) -> Source:
    sql = f"read_parquet({quoted(file.path)})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()  # noqa: S608 - names are quoted
    header, types = [str(row[0]) for row in described], [str(row[1]) for row in described]
    mapping = mapper(str(file.path), header, settings)
    for ours, position in mapping.positions.items():
        if is_nested(types[position]):
            raise UnreadableFile(
                f"{file.path}: column {header[position]!r}, read as {ours}, is nested ({types[position][:60]}); "
                "write it as a plain column, or rename it."
            )
    columns = [identifier(name) for name in header]
    for position in mapping.positions.values():
        if types[position] == "BLOB":
            columns[position], types[position] = f"decode({columns[position]})", "VARCHAR"
    unmapped = unmapped_expressions(header, columns, types, set(mapping.positions.values()))
    return Source(file, sql, tuple(columns), tuple(types), mapping, unmapped=unmapped)


def _open_delimited(file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper) -> Source:
    text = prepare(file, folder, int(settings.unpacked_gb * 1e9))
    delimiter, header = read_header(text.path, "\t" if file.format == "tsv" else "")
    if not header:
        return _nothing(file)
    mapping = mapper(str(file.path), header, settings)
    columns = tuple(f"c{position}" for position in range(len(header)))
    return Source(
        file,
        csv_sql(text.path, delimiter, columns, header=True),
        columns,
        ("VARCHAR",) * len(header),
        mapping,
        delimiter,
        text.path,
        note=text.note,
        unmapped=unmapped_expressions(header, columns, ("VARCHAR",) * len(header), set(mapping.positions.values())),
    )


def csv_sql(path: Path, delimiter: str, columns: tuple[str, ...], header: bool, longest: int = LONGEST_RECORD) -> str:
    """Nothing is left to DuckDB's sniffer: it looks at a sample, and a log may change after that."""
    struct = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv({quoted(path)}, auto_detect=false, header={str(header).lower()}, delim='{delimiter}', quote='\"', escape='\"', "
        f"columns={{{struct}}}, compression='none', nullstr='', allow_quoted_nulls=true, strict_mode=true, null_padding=false, "
        f"max_line_size={longest}, buffer_size={_BUFFER})"
    )


def read_header(path: Path, delimiter: str) -> tuple[str, list[str]]:
    """The delimiter, told by the first line unless given, and the first record; [] where the file has no line."""
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        head = stream.read(1 << 20)
    lines = head.lstrip("\r\n").splitlines()
    if not lines:
        return delimiter or ",", []
    delimiter = delimiter or max(",;\t|", key=lines[0].count)
    try:
        return delimiter, next(csv.reader(io.StringIO(head.lstrip("\r\n"), newline=""), delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return delimiter, lines[0].split(delimiter)


def _open_json(connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper) -> Source:
    text = prepare(file, folder, int(settings.unpacked_gb * 1e9))
    lines, broken, careful = lines_sql(text.path), 0, False
    try:
        found = connection.execute(_keys_sql(lines)).fetchall()
    except duckdb.Error:
        good, broken = _good_records(text.path, "", 1, folder)
        lines, careful = lines_sql(good, longest=_BUFFER), True
        found = connection.execute(_keys_sql(lines)).fetchall()
    header = sorted(str(key) for (key,) in found)
    if not header:
        if connection.execute(f"SELECT count(*) FROM {lines} WHERE {_GIVEN}").fetchall() == [(0,)]:  # noqa: S608
            return _nothing(file)
        raise UnreadableFile(
            f'{file.path}: no line is a JSON object; write one object per line, such as {{"user_id": "u1", "item_id": "i1"}}.'
        )
    mapping = mapper(str(file.path), header, settings)
    columns = tuple(f"c{position}" for position in range(len(header)))
    types = ("VARCHAR",) * len(header)
    unmapped = unmapped_expressions(header, columns, types, set(mapping.positions.values()))
    sql = json_sql(lines, header)
    return Source(file, sql, columns, types, mapping, "", text.path, note=text.note, careful=careful, broken=broken, unmapped=unmapped)


def careful_source(source: Source, folder: Path) -> Source:
    """The same source without its broken records, for a text file that DuckDB refused."""
    assert source.text is not None
    assert source.delimiter is not None
    good, broken = _good_records(source.text, source.delimiter, len(source.mapping.header), folder)
    if source.delimiter:
        sql = csv_sql(good, source.delimiter, source.columns, header=False, longest=_BUFFER)
    else:
        sql = json_sql(lines_sql(good, longest=_BUFFER), source.mapping.header)
    return replace(source, sql=sql, careful=True, broken=broken)


def _good_records(text: Path, delimiter: str, width: int, folder: Path) -> tuple[Path, int]:
    """A file of the good records alone, and how many broken ones there were."""
    good = new_file(folder)
    return good, sum(1 for _ in write_good_records(walk(text, delimiter, width), delimiter, good))


_GIVEN = f"trim(line, {WHITESPACE}) <> ''"
_OBJECT = f"line IS NOT NULL AND ltrim(line, {WHITESPACE}) LIKE '{{%' AND json_valid(line)"


def lines_sql(path: Path, longest: int = LONGEST_RECORD) -> str:
    return (
        f"read_csv({quoted(path)}, auto_detect=false, header=false, delim='', quote='', escape='', columns={{'line': 'VARCHAR'}}, "
        f"compression='none', strict_mode=false, max_line_size={longest}, buffer_size={_BUFFER})"
    )


def _keys_sql(lines: str) -> str:
    return f"SELECT DISTINCT unnest(json_keys(line)) FROM {lines} WHERE {_OBJECT}"  # noqa: S608


def json_sql(lines: str, header: Sequence[str]) -> str:
    """Each line is parsed once for all its keys; `broken` marks lines that are no JSON object."""
    pointers = ", ".join("'/" + name.replace("~", "~0").replace("/", "~1").replace("'", "''") + "'" for name in header)
    values = ", ".join(f"found[{position + 1}] AS c{position}" for position in range(len(header)))
    found = f"CASE WHEN {_OBJECT} THEN json_extract_string(line, [{pointers}]) END"
    return f"(SELECT {values}, found IS NULL AS broken FROM (SELECT {found} AS found FROM {lines} WHERE {_GIVEN}))"  # noqa: S608
