"""`[log.join]`: small tables by key (order → customer, item → category) → what a log's rows lack.

A table is joined where a file has its key, one after the other, so that a key may come from a table before. Rows stay as many and in their
order; a key that stands twice in a table is an error, since rows would be told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from graphdet.errors import MissingColumn, SettingsError, nearest
from graphdet.events.expressions import name_expression, quoted, quoted_text, unmapped_expressions
from graphdet.events.files import LogFile
from graphdet.events.header import ColumnMap, map_columns, plain
from graphdet.events.named_files import PART, named_file
from graphdet.events.opening import Mapper, Source, careful_source, open_source
from graphdet.events.refusals import ENGINE
from graphdet.events.timestamps import WHITESPACE
from graphdet.schema import EVENT_COLUMN
from graphdet.schema.wording import numbered
from graphdet.scratch import new_file
from graphdet.settings import LogSettings


@dataclass(frozen=True)
class Table:
    """A table as it lies in the database.

    Attributes:
        path: as the settings name it.
        sql: its name there; its columns are `key` and c0, c1, …
        key: the column of the log that it is joined by.
        columns: names of c0, c1, …
    """

    path: str
    sql: str
    key: str
    columns: tuple[str, ...]

    def name_of(self, column: str, taken: set[str]) -> str:
        """A column's name beside those that are there already: customers.name where there is a name."""
        return f"{table_name(self.path)}.{column}" if plain(column) in taken else column


def table_name(path: str) -> str:
    """What a table is called beside its columns: customers of data/customers.csv.gz, orders of shop.xlsx!orders."""
    return Path(path.rpartition(PART)[2]).name.split(".")[0]


def open_joined(
    connection: duckdb.DuckDBPyConnection, file: LogFile, settings: LogSettings, folder: Path, mapper: Mapper = map_columns
) -> Source:
    """A file as `open_source` opens it, with the columns of the tables that it has keys for.

    Raises:
        SettingsError: a table cannot be joined.
    """
    if not settings.join:
        return open_source(connection, file, settings, folder, mapper)
    tables = [_table(connection, path, key, place, settings, folder) for place, (path, key) in enumerate(settings.join.items())]

    def any_column(path: str, header: Sequence[str], chosen: LogSettings) -> ColumnMap:
        known = {*EVENT_COLUMN, *map(plain, chosen.columns), *(plain(table.key) for table in tables)}
        if not any(plain(name) in known for name in header):
            return mapper(path, header, chosen)
        return ColumnMap(tuple(header), {str(place): place for place in range(len(header))}, catalogue=False)

    source = open_source(connection, file, settings, folder, any_column)
    return source if source.empty else _joined(connection, source, tables, settings, folder, mapper)


def _table(connection: duckdb.DuckDBPyConnection, path: str, key: str, place: int, settings: LogSettings, folder: Path) -> Table:
    ours, _, theirs = (part.strip() for part in key.partition("="))
    theirs, sql = theirs or ours, f"joined_{place}"

    def every(path: str, header: Sequence[str], chosen: LogSettings) -> ColumnMap:
        if plain(theirs) not in map(plain, header):
            raise MissingColumn(
                f"[log.join]: {path} has no column '{theirs}'{nearest(theirs, header) or '.'} It has: {', '.join(header[:30])}."
            )
        return ColumnMap(tuple(header), {str(place): place for place in range(len(header))}, catalogue=False)

    source = open_source(
        connection,
        named_file(path, folder, settings),
        settings.model_copy(update={"preset": "", "names": ()}),
        folder,
        every,
    )
    header = [name.strip() for name in source.mapping.header]
    if source.empty:
        raise SettingsError(f"[log.join]: {path} is empty; name a table with a header and rows, or leave it out.")
    at = [plain(name) for name in header].index(plain(theirs))
    texts = [name_expression(column, kind) for column, kind in zip(source.columns, source.types, strict=True)]
    columns = tuple(name for number, name in enumerate(header) if number != at)
    values = ", ".join(f"{text} AS c{n}" for n, text in enumerate(text for number, text in enumerate(texts) if number != at))
    rows = f"SELECT DISTINCT trim({texts[at]}, {WHITESPACE}) AS key{', ' + values if values else ''} FROM {source.sql}"  # noqa: S608
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {sql} AS SELECT * FROM ({rows}) WHERE key <> ''")  # noqa: S608
    twice = connection.execute(f"SELECT key, count(*) FROM {sql} GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT 1").fetchone()  # noqa: S608
    if twice:
        raise SettingsError(
            f"[log.join]: {path} has several rows for one {theirs} ({twice[1]} for one of them); a table may have one, since each row of "
            "the log would be told so often. Name it as the log and join the other, or keep one row of each."
        )
    return Table(path, sql, ours, columns)


def _joined(
    connection: duckdb.DuckDBPyConnection, source: Source, tables: Sequence[Table], settings: LogSettings, folder: Path, mapper: Mapper
) -> Source:
    header = [*source.mapping.header]
    at = {plain(name): f"log.c{place}" for place, name in reversed([*enumerate(header)])}
    chosen, joins, kinds = [], [], []
    for table in tables:
        key = at.get(plain(table.key))
        if key is None:
            continue
        joins.append(f"LEFT JOIN {table.sql} ON trim({key}::VARCHAR, {WHITESPACE}) = {table.sql}.key")
        kinds.append(table)
        for number, column in enumerate(table.columns):
            name = table.name_of(column, set(at))
            at[plain(name)] = f"{table.sql}.c{number}"
            chosen.append(f"{table.sql}.c{number} AS c{len(header)}")
            header.append(name)
    if not joins:
        return replace(source, mapping=mapper(source.file.name, header, settings), unmapped=())
    mapping = mapper(source.file.name, header, settings)
    copy, source = _written(connection, source, [*chosen, *(f"{table.sql}.key AS {table.sql}" for table in kinds)], joins, folder)
    sql = f"(FROM read_parquet({quoted(copy)}))"
    columns = tuple(f"c{place}" for place in range(len(header)))
    types = (*source.types, *("VARCHAR",) * (len(header) - len(source.types)))
    lost = connection.execute(f"SELECT count(*), {', '.join(f'count({table.sql})' for table in kinds)} FROM {sql}").fetchall()[0]  # noqa: S608
    notes = [source.note] if source.note else []
    notes += [
        f"{source.file.name}: {lost[0] - found:,} of {numbered(lost[0], 'row has', 'rows have')} no {table.key} that is in {table.path}."
        for table, found in zip(kinds, lost[1:], strict=True)
        if found < lost[0]
    ]
    unmapped = unmapped_expressions(header, columns, types, set(mapping.positions.values()))
    return replace(source, sql=sql, columns=columns, types=types, mapping=mapping, unmapped=unmapped, note=" ".join(notes))


def _written(
    connection: duckdb.DuckDBPyConnection, source: Source, chosen: Sequence[str], joins: Sequence[str], folder: Path
) -> tuple[Path, Source]:
    """The rows with what they are joined to, in their order, as a file; and the source, without its broken records where it has some."""
    target = new_file(folder)
    while True:
        own = [f"{name_expression(column, kind)} AS c{place}" for place, (column, kind) in enumerate(_plain_columns(source))]
        own += ["broken"] if source.delimiter == "" else []
        rows = f"(SELECT row_number() OVER () AS place, {', '.join(own)} FROM {source.sql}) AS log"  # noqa: S608
        query = f"SELECT log.* EXCLUDE (place), {', '.join(chosen)} FROM {rows} {' '.join(joins)} ORDER BY log.place"  # noqa: S608
        try:
            connection.execute(f"COPY ({query}) TO {quoted_text(str(target))} (FORMAT parquet)")
        except ENGINE:
            if source.text is None or source.careful:
                raise
            source = careful_source(source, folder)
        else:
            return target, replace(source, types=("VARCHAR",) * len(source.types))


def _plain_columns(source: Source) -> list[tuple[str, str]]:
    return list(zip(source.columns, source.types, strict=True))
