"""One log file → typed record batches, in the order of its rows. DuckDB parses and casts, and nothing more than a batch is held."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa

from graphdet.events.expressions import name_expression, told_in_short
from graphdet.events.forms import NumberForm
from graphdet.events.odd_values import MOST_NUMBER, ODD_SUFFIX, settled
from graphdet.events.opening import Source
from graphdet.events.timestamps import ODD, TIMES, WHITESPACE, is_missing, time_expression
from graphdet.schema import NODE_TYPES
from graphdet.settings import LogSettings, MachineSettings

NAMED = (*(node_type.column for node_type in NODE_TYPES), "action", "category")
NUMBERS = ("amount", "rating")
WRITTEN = ("text", "currency", "image")  # what names no node by itself
LONGEST_CURRENCY = 20
LONGEST_PATH = 4097  # what is longer is the path of no file
LONGEST_TEXT = 1000  # characters of it that are read
DIGESTED = ("currency", "order_id", "text", "image", "user_agent", "label")
BATCH = 245_760
FEW = 2048  # rows of a batch that holds whole pictures
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
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() != [(False,)]:  # in a notebook it may not even be set
        connection.execute("SET enable_progress_bar = false")  # it would draw on stdout, which is for data
    return connection


def _memory(machine: MachineSettings) -> float:
    if machine.memory_gb:
        return machine.memory_gb
    return min(1.5, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 3e9)


def typed_columns(source: Source, settings: LogSettings) -> dict[str, str]:
    """Our column → SQL: names as text, time as microseconds, numbers as DOUBLE, and 64-bit digests of what only tells rows apart.

    Beside times and numbers stand their texts where Python must look, as `timestamp_odd`, if the columns have been asked how they are
    written.
    """
    given = given_columns(source, settings)
    typed = {column: name_expression(*given[column]) for column in NAMED if column in given}
    typed |= valued_columns(source, settings, given)
    if "event_id" in given:
        event = name_expression(*given["event_id"])
        event = f"nullif(CASE WHEN {event} LIKE ' %' OR {event} LIKE '% ' THEN trim({event}) ELSE {event} END, '')"
        typed["event_a"] = f"CASE WHEN {event} IS NOT NULL THEN hash({event}) END"
        typed["event_b"] = f"CASE WHEN {event} IS NOT NULL THEN hash('#' || {event}) END"
    if settings.texts and "text" in given:
        typed["text"] = f"nullif(left({name_expression(*given['text'])}, {LONGEST_TEXT}), '')"
    if settings.images and "image" in given:
        column, kind = given["image"]
        typed["image"] = column if kind == "BLOB" else f"nullif(left({name_expression(column, kind)}, {LONGEST_PATH}), '')"
    if "currency" in given:
        typed["currency"] = f"nullif(left(trim({name_expression(*given['currency'])}, {WHITESPACE}), {LONGEST_CURRENCY}), '')"
    digested = [f"COALESCE({told_in_short(*given[column])}, '')" for column in DIGESTED if column in given]
    digested += source.unmapped
    if digested:
        typed["digest"] = f"hash({', '.join(digested)})"
    if source.delimiter == "":
        typed["broken"] = "broken::TINYINT"
    return typed


def typed_label_columns(source: Source, settings: LogSettings) -> dict[str, str]:
    """Our column of a labels file → SQL: names as text, time as microseconds."""
    given = given_columns(source, settings)
    typed = {column: name_expression(*given[column]) for column in ("user_id", "label")}
    typed |= valued_columns(source, settings, given)
    if source.delimiter == "":
        typed["broken"] = "broken::TINYINT"
    return typed


def given_columns(source: Source, settings: LogSettings) -> dict[str, tuple[str, str]]:
    """Our column → its SQL and its type; date and time in one, constants where there is nothing else."""
    given = {ours: (source.columns[position], source.types[position]) for ours, position in source.mapping.positions.items()}
    if "date" in given:
        date, kind = given.pop("date")
        day = (
            f"{date}::DATE::VARCHAR" if kind.startswith("TIMESTAMP") else f"regexp_replace({date}::VARCHAR, '[T ]00:00(:00(\\.0+)?)?$', '')"
        )
        time = f"COALESCE(' ' || {given.pop('time')[0]}::VARCHAR, '')" if "time" in given else "''"
        given["timestamp"] = (f"({day} || {time})", "VARCHAR")
    for ours, value in settings.constants.items():
        constant = "'" + value.replace("'", "''") + "'"
        filled = f"COALESCE(nullif(trim({name_expression(*given[ours])}, {WHITESPACE}), ''), {constant})" if ours in given else constant
        given[ours] = (f"({filled}::VARCHAR)", "VARCHAR")
    return given


def valued_columns(source: Source, settings: LogSettings, given: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Times and numbers as SQL; and the texts of odd ones, of columns that have been asked."""
    typed = {}
    for ours in TIMES:
        if ours in given:
            typed[ours] = time_expression(*given[ours], settings, source.times.get(ours))
            if ours in source.times:
                typed[ours + ODD_SUFFIX] = f"CASE WHEN {typed[ours]} = {ODD} THEN {given[ours][0]}::VARCHAR END"
    for ours in NUMBERS:
        if ours in given:
            typed[ours] = number_expression(*given[ours], settings, source.numbers.get(ours), grouped=ours != "rating")
            if ours in source.numbers:
                typed[ours + ODD_SUFFIX] = f"CASE WHEN isinf({typed[ours]}) THEN {given[ours][0]}::VARCHAR END"
    return typed


def stream_batches(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: LogSettings, typer: Typer = typed_columns
) -> Generator[pa.RecordBatch]:
    """Batches of typed columns in the order of the rows; DuckDB reads the next one while the last is looked at."""
    expressions = [f"{expression} AS {name}" for name, expression in typer(source, settings).items()]
    relation = connection.sql(f"SELECT {', '.join(expressions)} FROM {source.sql}")  # noqa: S608 - names are quoted
    reader = relation.to_arrow_reader(FEW if "blob" in map(str, relation.types) else BATCH)
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(next, reader, None)
        while (batch := coming.result()) is not None:
            coming = ahead.submit(next, reader, None)
            yield settled(batch, source.times, source.numbers, settings.timezone)


def read_query(connection: duckdb.DuckDBPyConnection, query: str, source: Source, settings: LogSettings, names: Sequence[str]) -> pa.Table:
    """The named columns of a query over a source, odd times read."""
    reader = connection.sql(query).to_arrow_reader(BATCH)
    batches = [settled(batch, source.times, {}, settings.timezone).select(names) for batch in reader]
    return pa.Table.from_batches(batches, pa.schema([reader.schema.field(name) for name in names]))


def number_expression(column: str, kind: str, settings: LogSettings, form: NumberForm | None, *, grouped: bool) -> str:
    """NULL where empty or not a number (NaN), infinite where it is no number that DuckDB can read, or may be another than it reads.

    Args:
        form: what the column's values have told of decimal marks; where that is no point, all that has a mark is left to Python.
        grouped: numbers may go into the thousands, so that 1.250 is told by the column's others, as 1,250 is.
    """
    number = f"TRY_CAST({column} AS DOUBLE)"
    usual = f"WHEN abs({number}) <= {MOST_NUMBER} THEN {number}"
    if kind != "VARCHAR":
        return f"CASE WHEN isnan({number}) THEN NULL {usual} WHEN {column} IS NOT NULL THEN 'inf'::DOUBLE END"
    text = f"trim({column}, {WHITESPACE})"
    unclear = ""
    if (form.decimal if form else settings.decimal) not in ("", "."):
        unclear = f"contains({column}, '.') OR contains({column}, ',')"
    elif form is None and not settings.decimal and grouped:
        unclear = rf"{text} LIKE '%.___' AND regexp_full_match({text}, '[1-9]\d{{0,2}}\.\d{{3}}')"
    marked = f"WHEN {unclear} THEN 'inf'::DOUBLE " if unclear else ""
    return f"CASE WHEN isnan({number}) THEN NULL {marked}{usual} WHEN NOT {is_missing(text, settings)} THEN 'inf'::DOUBLE END"
