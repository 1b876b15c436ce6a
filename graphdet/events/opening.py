"""One log file → what DuckDB reads it by: its FROM clause, its columns, and which of them are ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from graphdet.errors import UnreadableFile
from graphdet.events.expressions import identifier, is_nested, quoted, text_of_bytes, unmapped_expressions
from graphdet.events.files import NO_PARTITION, LogFile
from graphdet.events.forms import FileForm, NumberForm, TimeForm
from graphdet.events.header import ColumnMap, map_columns
from graphdet.events.json_lines import IS_OBJECT, find_leaves, in_lines
from graphdet.events.refusals import ENGINE
from graphdet.events.separators import with_one_mark
from graphdet.events.text import LONGEST_RECORD, Text, prepare, walk, write_good_records
from graphdet.events.timestamps import TIMES, WHITESPACE, patterns_of
from graphdet.events.top_lines import find_header
from graphdet.schema.wording import numbered
from graphdet.scratch import new_file
from graphdet.settings import LogSettings
from graphdet.shortage import ran_out

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
        encoding, skipped, header, width: of a text file: its encoding, lines before the header, whether it has one, fields of a record.
        pointers: where in a JSON object each column lies.
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
    encoding: str = ""
    skipped: int = 0
    header: bool = True
    width: int = 0
    pointers: tuple[str, ...] = ()

    @property
    def form(self) -> FileForm:
        """How the file is written, as far as that had to be told."""
        return FileForm(self.encoding, self.delimiter or "", self.skipped, self.header, self.times, self.numbers)


WEB_LOG = ("visitor", "identity", "account", "time", "method", "path", "protocol", "status", "bytes", "referer", "user_agent")
_TOLD = ("person", "address", "deed")  # who is logged in, else the visitor's address; that address where somebody is; a view, if it is one
_WEB_LOG_COLUMNS = {"person": "user_id", "address": "ip", "path": "item_id", "time": "timestamp", "deed": "action"}
BROKEN = {  # why a line is no event that could be one, as `broken` says it
    1: "not a JSON object",
    2: "not a line of a web server's log",
    3: "not a request that a browser makes",
    4: "a request that failed (status 400 and more)",
}
_QUOTED = r'(?:[^"\\]|\\.)*'
_REQUEST = (
    rf'^(\S+) (\S+) (.*?) \[([^\]]+)\] "(?:([A-Z]+) )?({_QUOTED}?)(?: (HTTP/[0-9.]+))?" (\d{{3}}) (\S+)(?: "({_QUOTED})" "({_QUOTED})")?.*$'
)

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
    partitions = [(name, value) for name, value in file.partitions if value != NO_PARTITION]

    def with_partitions(path: str, header: Sequence[str], chosen: LogSettings) -> ColumnMap:
        names = {name.strip().lower() for name in header}
        return mapper(path, (*header, *(name for name, _ in partitions if name.lower() not in names)), chosen)

    try:
        if file.format == "parquet":
            source = _open_parquet(connection, file, settings, with_partitions)
        elif file.format == "jsonl":
            source = _open_json(connection, file, settings, folder, with_partitions)
        else:
            source = _open_delimited(file, settings, folder, with_partitions)
    except ENGINE as error:
        if ran_out(error):
            raise
        raise unreadable(file, error) from None
    if source.empty:
        return source
    values = dict(partitions)
    added = source.mapping.header[len(source.columns) :]
    columns = (*source.columns, *(f"{_literal(values[name])}::VARCHAR" for name in added))
    types = (*source.types, *("VARCHAR" for _ in added))
    unmapped = unmapped_expressions(source.mapping.header, columns, types, set(source.mapping.positions.values()))
    patterns = patterns_of(settings)
    times = {ours: TimeForm(patterns=patterns) for ours in TIMES} if patterns else {}
    return replace(source, columns=columns, types=types, unmapped=unmapped, times=times)


def unreadable(file: LogFile, error: Exception) -> UnreadableFile:
    """What DuckDB could not read, in one line."""
    first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return UnreadableFile(
        f"{file.name}: cannot be read as {file.kind} ({first}); check that the file is whole and of the kind its name says."
    )


def require_whole(connection: duckdb.DuckDBPyConnection, source: Source, rows: int) -> None:
    """Raises:
    UnreadableFile: a Parquet file gave other than as many rows as its footer says.
    """
    if source.text is None and not source.empty and source.sql.startswith("read_parquet"):  # an unrolled one has rows of its own
        query = f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({quoted(source.file.path)})"  # noqa: S608 - the path is quoted
        (told,) = connection.execute(query).fetchall()[0]
        if told != rows:
            raise UnreadableFile(
                f"{source.file.name}: its footer says {numbered(told, 'row', 'rows')}, and {rows} could be read; write the file again."
            )


def _nothing(file: LogFile) -> Source:
    return Source(file, "", (), (), ColumnMap((), {}, catalogue=False), empty=True, note=f"{file.name}: the file is empty.")


def _open_parquet(connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, mapper: Mapper) -> Source:
    """Objects in a column are read by dotted names, as those of JSON are."""
    sql = f"read_parquet({quoted(file.path)})"
    for name in settings.unroll:
        sql = _unrolled(connection, sql, name)
    leaves = _parquet_leaves(connection, sql)
    unrolled = {
        name.lower(): place for place, (name, _, _) in enumerate(leaves) if name.lower() in {one.lower() for one in settings.unroll}
    }
    leaves = [leaf for place, leaf in enumerate(leaves) if unrolled.get(leaf[0].lower(), place) == place]  # its values, not the list within
    header, columns, types = ([leaf[part] for leaf in leaves] for part in range(3))
    mapping = mapper(file.name, header, settings)
    for ours, position in mapping.positions.items():
        if position < len(types) and is_nested(types[position]) and not ours.isdecimal():
            kind, name = types[position], header[position]
            way = (
                f"set [log] unroll = [{name!r}] to make a row of each of its values" if kind.endswith("]") else "write it as a plain column"
            )
            raise UnreadableFile(f"{file.name}: column {name!r}, read as {ours}, is nested ({kind[:60]}); {way}.")
    lists = [name for name, _, kind in leaves if kind.endswith("]")]
    note = f"{file.name}: {lists[0]} is a list; [log] unroll = [{lists[0]!r}] makes a row of each value." if lists else ""
    for ours, position in mapping.positions.items():
        if position < len(types) and types[position] == "BLOB" and ours != "image":
            columns[position], types[position] = text_of_bytes(columns[position]), "VARCHAR"
    return Source(file, sql, tuple(columns), tuple(types), mapping, note=note)


def _parquet_leaves(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, str, str]]:
    """(dotted name, SQL, type) of what each row holds."""
    relation = connection.sql(f"SELECT * FROM {sql} LIMIT 0")  # noqa: S608 - names are quoted
    return [leaf for name, kind in zip(relation.columns, relation.types, strict=True) for leaf in _leaves_of(name, identifier(name), kind)]


def _leaves_of(name: str, sql: str, kind: Any) -> list[tuple[str, str, str]]:
    if kind.id != "struct":
        return [(name, sql, str(kind))]
    inside = ((key, inner) for key, inner in kind.children)
    return [leaf for key, inner in inside for leaf in _leaves_of(f"{name}.{key}", f"struct_extract({sql}, {_literal(key)})", inner)]


def _unrolled(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> str:
    """A row for each value of a list, one without a value where it is empty; as it is where there is no such list."""
    leaf = next((leaf for leaf in _parquet_leaves(connection, sql) if leaf[0].lower() == name.lower() and leaf[2].endswith("]")), None)
    if leaf is None:
        return sql
    top, nested = leaf[0], leaf[1] != identifier(leaf[0])
    kept = "*" if nested else f"* EXCLUDE ({identifier(top)})"
    each = f"unnest(CASE WHEN len({leaf[1]}) > 0 THEN {leaf[1]} ELSE [NULL] END) AS {identifier(top)}"
    return f"(SELECT {kept}, {each} FROM {sql})"  # noqa: S608 - names are quoted


def _open_delimited(file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper) -> Source:
    text = prepare(file, folder, int(settings.unpacked_gb * 1e9), settings.encoding)
    if settings.preset == "combined":
        return _open_web_log(file, settings, text, mapper)
    text = replace(text, path=with_one_mark(text.path, folder, len(settings.names)))
    top = find_header(file.name, text.path, "\t" if file.format == "tsv" else "", settings, mapper)
    if not top.names:
        return _nothing(file)
    columns = tuple(f"c{position}" for position in range(len(top.names)))
    sql = csv_sql(text.path, top.delimiter, columns, header=top.given, skipped=top.skipped)
    source = Source(file, sql, columns, ("VARCHAR",) * len(columns), top.mapping, top.delimiter, text.path, note=text.note)
    return replace(source, encoding=text.encoding, skipped=top.skipped, header=top.given, width=len(columns))


def _open_web_log(file: LogFile, settings: LogSettings, text: Text, mapper: Mapper) -> Source:
    """The combined log of Apache and nginx, or their common one: each line is one request."""
    if not text.path.stat().st_size:
        return _nothing(file)
    names = ", ".join(f"'{name}'" for name in WEB_LOG)
    lines = lines_sql(text.path)
    taken = f"regexp_extract(line, {_literal(_REQUEST)}, [{names}])"
    broken = "CASE WHEN visitor = '' THEN 2 WHEN method = '' THEN 3 WHEN status >= '400' THEN 4 ELSE 0 END AS broken"
    known = "account NOT IN ('', '-')"
    people = f"CASE WHEN {known} THEN account ELSE visitor END AS person, CASE WHEN {known} THEN visitor ELSE '' END AS address"
    people += ", CASE WHEN method IN ('GET', 'HEAD') THEN 'view' ELSE '' END AS deed"
    sql = f"(SELECT *, {people}, {broken} FROM (SELECT found.* FROM (SELECT {taken} AS found FROM {lines} WHERE {_GIVEN})))"  # noqa: S608
    header = (*WEB_LOG, *_TOLD)
    columns = tuple(f"nullif({identifier(name)}, '')" for name in header)
    chosen = {*settings.columns.values(), *settings.constants}
    own = {theirs: ours for theirs, ours in _WEB_LOG_COLUMNS.items() if ours not in chosen} | settings.columns
    mapping = mapper(file.name, header, settings.model_copy(update={"columns": own}))
    source = Source(file, sql, columns, ("VARCHAR",) * len(columns), mapping, "", text.path, note=text.note)
    return replace(source, encoding=text.encoding, width=1)


def csv_sql(path: Path, delimiter: str, columns: tuple[str, ...], *, header: bool, skipped: int = 0, longest: int = LONGEST_RECORD) -> str:
    """Nothing is left to DuckDB's sniffer: it looks at a sample, and a log may change after that."""
    struct = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv({quoted(path)}, auto_detect=false, header={str(header).lower()}, skip={skipped}, delim='{delimiter}', "
        f"quote='\"', escape='\"', columns={{{struct}}}, compression='none', nullstr='', allow_quoted_nulls=true, strict_mode=true, "
        f"null_padding=false, max_line_size={longest}, buffer_size={_BUFFER})"
    )


def _open_json(connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper) -> Source:
    text = prepare(file, folder, int(settings.unpacked_gb * 1e9), settings.encoding)
    path = in_lines(connection, file.name, text.path, settings.unroll, folder)
    lines, broken, careful = lines_sql(path), 0, False
    try:
        leaves = find_leaves(connection, path, lines_sql, settings.columns, folder)
    except ENGINE:
        good, broken = _good_records(path, "", 1, folder)
        lines, careful = lines_sql(good, longest=_BUFFER), True
        leaves = find_leaves(connection, good, partial(lines_sql, longest=_BUFFER), settings.columns, folder)
    if not leaves:
        if connection.execute(f"SELECT count(*) FROM {lines} WHERE {_GIVEN}").fetchall() == [(0,)]:  # noqa: S608
            return _nothing(file)
        raise UnreadableFile(
            f'{file.name}: no line is a JSON object; write one object per line, such as {{"user_id": "u1", "item_id": "i1"}}.'
        )
    header = [leaf.name for leaf in leaves]
    mapping = mapper(file.name, header, settings)
    lists = [leaf.name for leaf in leaves if leaf.is_list]
    for ours, position in mapping.positions.items():
        if position < len(leaves) and leaves[position].is_list and not ours.isdecimal():
            raise UnreadableFile(
                f"{file.name}: column {header[position]!r}, read as {ours}, is a list; set [log] unroll = [{header[position]!r}] "
                "to make a row of each of its values."
            )
    columns = tuple(f"c{position}" for position in range(len(header)))
    pointers = tuple(leaf.pointer for leaf in leaves)
    note = text.note or (f"{file.name}: {lists[0]} is a list; [log] unroll = [{lists[0]!r}] makes a row of each value." if lists else "")
    source = Source(file, json_sql(lines, pointers), columns, ("VARCHAR",) * len(columns), mapping, "", path, note=note)
    return replace(source, careful=careful, broken=broken, pointers=pointers, encoding=text.encoding, width=1)


def careful_source(source: Source, folder: Path) -> Source:
    """The same source without its broken records, for a text file that DuckDB refused."""
    assert source.text is not None
    assert source.delimiter is not None
    good, broken = _good_records(source.text, source.delimiter, source.width, folder, source.skipped, header=source.header)
    if source.delimiter:
        sql = csv_sql(good, source.delimiter, tuple(f"c{position}" for position in range(source.width)), header=False, longest=_BUFFER)
    elif source.pointers:
        sql = json_sql(lines_sql(good, longest=_BUFFER), source.pointers)
    else:
        sql = source.sql.replace(lines_sql(source.text), lines_sql(good, longest=_BUFFER))
    return replace(source, sql=sql, careful=True, broken=broken)


def _good_records(text: Path, delimiter: str, width: int, folder: Path, skipped: int = 0, *, header: bool = True) -> tuple[Path, int]:
    """A file of the good records alone, and how many broken ones there were."""
    good = new_file(folder)
    return good, sum(1 for _ in write_good_records(walk(text, delimiter, width, skipped, header=header), delimiter, good))


_GIVEN = f"trim(line, {WHITESPACE}) <> ''"


def lines_sql(path: Path, longest: int = LONGEST_RECORD) -> str:
    return (
        f"read_csv({quoted(path)}, auto_detect=false, header=false, delim='', quote='', escape='', columns={{'line': 'VARCHAR'}}, "
        f"compression='none', strict_mode=false, max_line_size={longest}, buffer_size={_BUFFER})"
    )


def json_sql(lines: str, pointers: Sequence[str]) -> str:
    """Each line is parsed once for all its keys; `broken` marks lines that are no JSON object."""
    found_at = ", ".join(map(_literal, pointers))
    values = ", ".join(f"found[{position + 1}] AS c{position}" for position in range(len(pointers)))
    found = f"CASE WHEN {IS_OBJECT} THEN json_extract_string(line, [{found_at}]) END"
    return f"(SELECT {values}, found IS NULL AS broken FROM (SELECT {found} AS found FROM {lines} WHERE {_GIVEN}))"  # noqa: S608


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
