"""Log files once more → what members wrote and left behind: texts, order numbers, user agents and the like.

Detection has no use for these columns, and they may be larger than all others together, so the reader drops them; a dossier wants them,
but of members on rings' targets alone. Files that are gone by now are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Int64, offsets, ranks
from graphdet.errors import GraphdetError
from graphdet.events.canonical import Cleaning
from graphdet.events.expressions import told_in_short
from graphdet.events.files import find_files
from graphdet.events.joining import open_joined
from graphdet.events.likeness import folded
from graphdet.events.odd_values import ODD_SUFFIX
from graphdet.events.opening import Source, careful_source
from graphdet.events.reading import connect, read_query, typed_columns
from graphdet.events.refusals import REFUSALS
from graphdet.events.table import FileReport
from graphdet.events.timestamps import SPACES, WHITESPACE
from graphdet.name_columns import named
from graphdet.scratch import scratch_folder
from graphdet.settings import LogSettings, MachineSettings
from graphdet.shortage import ran_out

COLUMNS = ("event_id", "text", "image", "order_id", "user_agent", "label")
KEY = ("user_id", "item_id", "timestamp", "action")
LONGEST = 2000  # characters of a value that are kept
MOST_KEYS = 1 << 62  # that a number of eight bytes tells apart


@dataclass(frozen=True)
class _Wanted:
    """Rows of these users on these items; `padded`: those with white space around these ids among them."""

    users: pa.StringArray
    items: pa.StringArray
    padded: bool


def add_wording(
    events: pa.Table, files: Sequence[FileReport], items: pa.StringArray, settings: LogSettings, machine: MachineSettings
) -> pa.Table:
    """The same events with `COLUMNS` filled, for those on the given items, from the files that they came from.

    Args:
        events: schema `events`.
        files: the reader's reports.
        items: rings' targets.
        settings, machine: those that the files were read with.
    """
    rows = pa.array(np.flatnonzero(pc.is_in(events["item_id"], value_set=items).to_numpy()))
    if not len(rows):
        return events
    sought = events.select(KEY).take(rows)
    for padded in (False, True):  # to look for white space around ids takes as long as to read them, and few files have any
        found = _read(files, _Wanted(pc.unique(events["user_id"]), items, padded), settings, machine)
        if found is None:
            return events
        found = found.combine_chunks()
        filled = _matches(sought, found)
        if settings.fold or (filled >= 0).all():
            break
    return _filled(events, rows.to_numpy(), found, filled)


def _filled(events: pa.Table, rows: Int64, found: pa.Table, filled: Int64) -> pa.Table:
    """The events with `COLUMNS` of those of these rows for which a row was found."""
    places = np.full(events.num_rows, -1)
    places[rows] = filled
    for name in COLUMNS:
        events = events.set_column(events.schema.get_field_index(name), name, named(found[name].combine_chunks(), places))
    return events


def _matches(left: pa.Table, found: pa.Table) -> Int64:
    """For each row of `left` the row of `found` with the same key, the nth with the nth in order of content; −1 where there is none."""
    split = left.num_rows
    key, keys = np.zeros(split + found.num_rows, np.int64), 1
    for name in KEY:
        number = _numbers(pa.concat_arrays([_plain(left[name]), _plain(found[name])]))
        numbers = int(number.max(initial=0)) + 1
        if keys * numbers > MOST_KEYS:
            key = ranks(key)
            keys = int(key.max()) + 1
        key, keys = key * numbers + number, keys * numbers
    key = ranks(key)
    ours, theirs = key[:split], key[split:]
    order, count = np.argsort(theirs, kind="stable"), np.bincount(theirs, minlength=int(key.max(initial=0)) + 1)
    several = count[theirs[order]] > 1
    many = order[several]
    if len(many):  # only rows that share a key need to be told apart
        again = found.select(COLUMNS).take(pa.array(many)).append_column("key", pa.array(theirs[many]))
        sort = [("key", "ascending"), *((name, "ascending") for name in COLUMNS)]
        order[several] = many[pc.sort_indices(again, sort).to_numpy()]
    nth = _again(ours)
    known = nth < count[ours]
    place = np.full(split, -1)
    place[known] = order[offsets(count)[ours[known]] + nth[known]]
    return place


def _numbers(values: pa.Array) -> Int64:
    """A number for each value, the same for the same value."""
    if pa.types.is_integer(values.type):
        return ranks(values.to_numpy())
    return np.asarray(values.dictionary_encode().indices.to_numpy(), np.int64)


def _again(key: Int64) -> Int64:
    """How many rows with the same key stand before each."""
    order = np.argsort(key, kind="stable")
    start = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0]) if len(key) else order
    again = np.empty(len(key), np.int64)
    again[order] = np.arange(len(key)) - np.repeat(start, np.diff(np.r_[start, len(key)]))
    return again


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Without nulls, times as microseconds."""
    if pa.types.is_timestamp(column.type):
        return pc.fill_null(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), -1).combine_chunks()
    return pc.fill_null(column.cast(pa.string()), "").combine_chunks()


def _read(files: Sequence[FileReport], wanted: _Wanted, settings: LogSettings, machine: MachineSettings) -> pa.Table | None:
    """The wanted rows, keys in canonical form, `COLUMNS` null where a file lacks them; None where all files lack all."""
    parts = []
    with scratch_folder() as folder:
        for report in files:
            try:
                part = _read_file(report, wanted, settings, machine, folder)
            except (GraphdetError, *REFUSALS) as error:  # it was read before: it has changed, or is gone
                if ran_out(error):
                    raise
                continue
            if part is not None:
                parts.append(part)
    return pa.concat_tables(parts) if parts else None


def _read_file(report: FileReport, wanted: _Wanted, settings: LogSettings, machine: MachineSettings, folder: Path) -> pa.Table | None:
    """Such rows of one file; None where it lacks `COLUMNS`, or is not there any more."""
    on_disk = Path(report.path if Path(report.path).is_file() else report.path.rpartition("!")[0])
    if report.catalogue or not on_disk.is_file():
        return None
    with connect(machine, folder) as connection:
        connection.register("members", pa.table({"name": wanted.users}))
        connection.register("targets", pa.table({"name": wanted.items}))
        found = find_files([on_disk], folder, int(settings.unpacked_gb * 1e9))
        file = next((one for one in found if one.name == report.path), None)
        if file is None:
            return None
        opened = open_joined(connection, file, settings, folder)
        source = replace(opened, times=report.form.times, numbers=report.form.numbers)
        given = source.mapping.positions
        if source.empty or "item_id" not in given or not any(column in given for column in COLUMNS):
            return None
        try:
            part = read_query(connection, _query(source, settings, wanted.padded), source, settings, (*KEY, *COLUMNS))
        except REFUSALS:
            if source.text is None or source.careful:
                raise
            source = careful_source(source, folder)
            part = read_query(connection, _query(source, settings, wanted.padded), source, settings, (*KEY, *COLUMNS))
        part = _canonical(part, settings)
        if not settings.fold:
            return part
        return part.filter(pc.and_(pc.is_in(part["user_id"], wanted.users), pc.is_in(part["item_id"], wanted.items)))


def _query(source: Source, settings: LogSettings, padded: bool) -> str:
    typed = typed_columns(source, settings)
    columns = [f"{typed[column]} AS {column}" if column in typed else f"NULL AS {column}" for column in KEY]
    for column in COLUMNS:
        position = source.mapping.positions.get(column)
        value = "NULL" if position is None else f"left({told_in_short(source.columns[position], source.types[position])}, {LONGEST})"
        columns.append(f"nullif({value}, '') AS {column}" if position is not None else f"NULL AS {column}")
    columns += [f"{typed[name]} AS {name}" for name in ("timestamp" + ODD_SUFFIX,) if name in typed]
    user, item = (_trimmed(typed[column]) if padded else typed[column] for column in ("user_id", "item_id"))
    chosen = "true" if settings.fold else f"{user} IN (FROM members) AND {item} IN (FROM targets)"
    return f"SELECT {', '.join(columns)} FROM {source.sql} WHERE {chosen}"  # noqa: S608 - names are quoted


def _trimmed(value: str) -> str:
    """SQL: without white space around it; looking for some first is five times as fast as trimming."""
    at_an_end = f"contains({WHITESPACE}, left({value}, 1)) OR contains({WHITESPACE}, right({value}, 1))"
    return f"CASE WHEN {at_an_end} THEN trim({value}, {WHITESPACE}) ELSE {value} END"


def _canonical(part: pa.Table, settings: LogSettings) -> pa.Table:
    """Keys as the reader has them; a time that the reader rejects leaves a row that matches nothing."""
    cleaning = Cleaning.of(settings)
    columns = {name: pc.utf8_trim(part[name].cast(pa.string()), characters=SPACES) for name in ("user_id", "item_id", "action")}
    found = pc.utf8_lower(columns["action"]).combine_chunks().dictionary_encode()
    words = (cleaning.action(word) if word not in cleaning.missing else None for word in found.dictionary.to_pylist())
    canonical = pa.array(list(words), pa.string())
    ids = [_folded(columns[name], cleaning) for name in ("user_id", "item_id")]
    times = part["timestamp"].cast(pa.int64()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    rest = [part[name].cast(pa.string()) for name in COLUMNS]
    return pa.table([*ids, times, canonical.take(found.indices), *rest], [*KEY, *COLUMNS])


def _folded(names: pa.ChunkedArray, cleaning: Cleaning) -> pa.Array:
    plain = names.combine_chunks()
    return folded(plain.cast(pa.large_string()), cleaning.fold).cast(pa.string()) if cleaning.fold else plain
