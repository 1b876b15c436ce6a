"""One log file → typed record batches, in the order of its rows. DuckDB parses and casts, and nothing more than a batch is held."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from graphdet.errors import UnreadableFile
from graphdet.events.files import LogFile
from graphdet.events.header import Mapping, map_columns
from graphdet.events.text import LONGEST_RECORD, prepare, walk, write_good_records
from graphdet.events.timestamps import WHITESPACE, time_expression
from graphdet.schema import NODE_TYPES
from graphdet.scratch import new_file
from graphdet.settings import LogSettings, MachineSettings

NAMED = (*(node_type.column for node_type in NODE_TYPES), "action", "category")
NUMBERS = ("amount", "rating")
DIGESTED = ("order_id", "text", "image", "user_agent", "label")
UNREADABLE_NUMBER = float("inf")
MOST_NUMBER = 1e15  # no amount of money is larger, and sums of millions of these are still numbers
BATCH = 245_760
_BUFFER = 1 << 25  # by itself DuckDB would take sixteen times the longest line; good records fit, even with every quote doubled
REFUSALS = (duckdb.Error, pa.ArrowException, OSError)  # what is raised inside a stream arrives through Arrow, as OSError


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
    """

    file: LogFile
    sql: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    mapping: Mapping
    delimiter: str | None = None
    text: Path | None = None
    empty: bool = False
    note: str = ""
    careful: bool = False
    broken: int = 0


Mapper = Callable[[str, Sequence[str], LogSettings], Mapping]
Typer = Callable[[Source, LogSettings], dict[str, str]]


def connect(machine: MachineSettings, spill: Path) -> duckdb.DuckDBPyConnection:
    """A private database with bounded memory that spills into `spill` and fetches nothing from anywhere."""
    options: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": f"{_memory(machine):.3f}GB",
        "temp_directory": str(spill),
        "arrow_large_buffer_size": "true",
        "preserve_insertion_order": "true",
    }
    if machine.threads:
        options["threads"] = str(machine.threads)
    connection = duckdb.connect(config=options)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would draw on stdout, which is for data
    return connection


def _memory(machine: MachineSettings) -> float:
    if machine.memory_gb:
        return machine.memory_gb
    return min(1.5, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 3e9)


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
    return Source(file, "", (), (), Mapping((), {}, catalogue=False), empty=True, note=f"{file.path}: the file is empty.")


def _open_parquet(connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, mapper: Mapper) -> Source:
    sql = f"read_parquet({quoted(file.path)}, binary_as_string=true)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()  # noqa: S608 - names are quoted
    header, types = [str(row[0]) for row in described], [str(row[1]) for row in described]
    mapping = mapper(str(file.path), header, settings)
    for ours, position in mapping.positions.items():
        if types[position].endswith("]") or types[position].startswith(("STRUCT", "MAP", "UNION", "VARIANT")):
            raise UnreadableFile(
                f"{file.path}: column {header[position]!r}, read as {ours}, is nested ({types[position][:60]}); "
                "write it as a plain column, or rename it."
            )
    return Source(file, sql, tuple(map(identifier, header)), tuple(types), mapping)


def _open_delimited(file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper) -> Source:
    text = prepare(file, folder)
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
    text = prepare(file, folder)
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
    return Source(
        file, json_sql(lines, header, mapping), columns, types, mapping, "", text.path, note=text.note, careful=careful, broken=broken
    )


def careful_source(source: Source, folder: Path) -> Source:
    """The same source without its broken records, for a text file that DuckDB refused."""
    assert source.text is not None
    assert source.delimiter is not None
    good, broken = _good_records(source.text, source.delimiter, len(source.mapping.header), folder)
    if source.delimiter:
        sql = csv_sql(good, source.delimiter, source.columns, header=False, longest=_BUFFER)
    else:
        sql = json_sql(lines_sql(good, longest=_BUFFER), list(source.mapping.header), source.mapping)
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


def json_sql(lines: str, header: list[str], mapping: Mapping) -> str:
    """Each line is parsed once, for the mapped keys alone; `broken` marks lines that are no JSON object."""
    used = sorted(mapping.positions.values())
    pointers = ", ".join("'/" + header[position].replace("~", "~0").replace("/", "~1").replace("'", "''") + "'" for position in used)
    values = ", ".join(f"found[{place}] AS c{position}" for place, position in enumerate(used, start=1))
    found = f"CASE WHEN {_OBJECT} THEN json_extract_string(line, [{pointers}]) END"
    return f"(SELECT {values}, found IS NULL AS broken FROM (SELECT {found} AS found FROM {lines} WHERE {_GIVEN}))"  # noqa: S608


def typed_columns(source: Source, settings: LogSettings) -> dict[str, str]:
    """Our column → SQL: names as text, time as microseconds, numbers as DOUBLE, and 64-bit digests of what only tells rows apart."""
    given = {ours: (source.columns[position], source.types[position]) for ours, position in source.mapping.positions.items()}
    for ours, value in settings.constants.items():
        constant = "'" + value.replace("'", "''") + "'"
        filled = f"COALESCE(nullif(trim({name_expression(*given[ours])}, {WHITESPACE}), ''), {constant})" if ours in given else constant
        given[ours] = (f"({filled}::VARCHAR)", "VARCHAR")
    typed = {column: name_expression(*given[column]) for column in NAMED if column in given}
    if "timestamp" in given:
        typed["timestamp"] = time_expression(*given["timestamp"], settings.timezone, settings.day_first)
    typed |= {column: number_expression(*given[column]) for column in NUMBERS if column in given}
    if "event_id" in given:
        event = name_expression(*given["event_id"])
        event = f"nullif(CASE WHEN {event} LIKE ' %' OR {event} LIKE '% ' THEN trim({event}) ELSE {event} END, '')"
        typed["event_a"] = f"CASE WHEN {event} IS NOT NULL THEN hash({event}) END"
        typed["event_b"] = f"CASE WHEN {event} IS NOT NULL THEN hash('#' || {event}) END"
    digested = [f"COALESCE({name_expression(*given[column])}, '')" for column in DIGESTED if column in given]
    if digested:
        typed["digest"] = f"hash({', '.join(digested)})"
    if source.delimiter == "":
        typed["broken"] = "broken::TINYINT"
    return typed


def typed_label_columns(source: Source, settings: LogSettings) -> dict[str, str]:
    """Our column of a labels file → SQL: names as text, time as microseconds."""
    given = {ours: (source.columns[position], source.types[position]) for ours, position in source.mapping.positions.items()}
    typed = {column: name_expression(*given[column]) for column in ("user_id", "label")}
    if "known_at" in given:
        typed["known_at"] = time_expression(*given["known_at"], settings.timezone, settings.day_first)
    if source.delimiter == "":
        typed["broken"] = "broken::TINYINT"
    return typed


def stream_batches(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: LogSettings, typer: Typer = typed_columns
) -> Iterator[pa.RecordBatch]:
    """Batches of typed columns in the order of the rows."""
    expressions = [f"{expression} AS {name}" for name, expression in typer(source, settings).items()]
    yield from connection.sql(f"SELECT {', '.join(expressions)} FROM {source.sql}").to_arrow_reader(BATCH)  # noqa: S608


def name_expression(column: str, kind: str) -> str:
    """A column as text; whole numbers without a decimal point."""
    if kind == "VARCHAR":
        return column
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        is_whole, whole = f"{column} = trunc({column}) AND abs({column}) < 1e18", f"TRY_CAST({column} AS BIGINT)::VARCHAR"
        return f"CASE WHEN isnan({column}::DOUBLE) THEN NULL WHEN {is_whole} THEN {whole} ELSE {column}::VARCHAR END"
    return f"{column}::VARCHAR"


def number_expression(column: str, kind: str) -> str:
    """NULL where empty or not a number (NaN), `UNREADABLE_NUMBER` where it is beyond `MOST_NUMBER` or no number at all."""
    number = f"TRY_CAST({column} AS DOUBLE)"
    given = f"trim({column}, {WHITESPACE}) <> ''" if kind == "VARCHAR" else f"{column} IS NOT NULL"
    return f"CASE WHEN isnan({number}) THEN NULL WHEN abs({number}) <= {MOST_NUMBER} THEN {number} WHEN {given} THEN 'inf'::DOUBLE END"


def quoted(path: Path) -> str:
    """A path as an SQL literal; DuckDB takes `*`, `?` and `[` for patterns, of which a bracketed one stands for itself."""
    text = re.sub(r"([*?\[])", r"[\1]", str(path))
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
