"""Log files once more → what members wrote and left behind: texts, order numbers, user agents and the like.

Detection has no use for these columns, and they may be larger than all others together, so the reader drops them; a dossier wants them,
but of members on rings' targets alone. Files that are gone by now are passed over.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.files import find_files
from graphdet.events.reading import REFUSALS, Source, careful_source, connect, name_expression, open_source, typed_columns
from graphdet.events.table import FileReport
from graphdet.events.timestamps import SPACES, WHITESPACE
from graphdet.settings import LogSettings, MachineSettings

COLUMNS = ("event_id", "text", "image", "order_id", "user_agent", "label")
KEY = ("user_id", "item_id", "timestamp", "action")
LONGEST = 2000  # characters of a value that are kept


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
    found = _read(files, pc.unique(events["user_id"]), items, settings, machine) if len(rows) else None
    if found is None:
        return events
    left = _numbered(events.select(KEY).take(rows)).append_column("row", rows)
    joined = left.join(_numbered(found), [*KEY, "again"], join_type="left outer").sort_by("row")
    on = pa.array(np.isin(np.arange(events.num_rows), rows.to_numpy()))
    for name in COLUMNS:
        values = pc.replace_with_mask(pa.nulls(events.num_rows, pa.string()), on, joined[name].combine_chunks())
        events = events.set_column(events.schema.get_field_index(name), name, values)
    return events


def _numbered(table: pa.Table) -> pa.Table:
    """Keys without nulls, which never match in a join, and `again`: rows with the same key are numbered, in the order of their content."""
    columns = [pc.fill_null(table[name].cast(pa.string()), "") for name in KEY if name != "timestamp"]
    times = table["timestamp"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    columns.insert(KEY.index("timestamp"), pc.fill_null(times, -1))
    rest = [name for name in table.column_names if name not in KEY]
    plain = pa.table([*columns, *(table[name] for name in rest)], [*KEY, *rest])
    order = pc.sort_indices(plain, [(name, "ascending") for name in plain.column_names])
    ordered = plain.take(order).to_pandas()
    again = pa.array(ordered.groupby(list(KEY), sort=False).cumcount().to_numpy())
    back = pc.sort_indices(order)
    return plain.append_column("again", again.take(back))


def _read(
    files: Sequence[FileReport], users: pa.StringArray, items: pa.StringArray, settings: LogSettings, machine: MachineSettings
) -> pa.Table | None:
    """Rows of the users on the items, keys in canonical form, `COLUMNS` null where a file lacks them; None where all files lack all."""
    parts = []
    with tempfile.TemporaryDirectory(prefix="graphdet-") as name:
        folder = Path(name)
        for report in files:
            if report.catalogue or not Path(report.path).is_file():
                continue
            with connect(machine, folder) as connection:
                connection.register("members", pa.table({"name": users}))
                connection.register("targets", pa.table({"name": items}))
                source = open_source(connection, find_files([report.path])[0], settings, folder)
                if (
                    source.empty
                    or "item_id" not in source.mapping.positions
                    or not any(column in source.mapping.positions for column in COLUMNS)
                ):
                    continue
                try:
                    part = connection.sql(_query(source, settings)).to_arrow_table()
                except REFUSALS:
                    part = connection.sql(_query(careful_source(source, folder), settings)).to_arrow_table()
                parts.append(_canonical(part, settings))
    return pa.concat_tables(parts) if parts else None


def _query(source: Source, settings: LogSettings) -> str:
    typed = typed_columns(source, settings)
    columns = [f"{typed[column]} AS {column}" if column in typed else f"NULL AS {column}" for column in KEY]
    for column in COLUMNS:
        position = source.mapping.positions.get(column)
        value = "NULL" if position is None else f"left({name_expression(source.columns[position], source.types[position])}, {LONGEST})"
        columns.append(f"nullif({value}, '') AS {column}" if position is not None else f"NULL AS {column}")
    user, item = (f"trim({typed[column]}, {WHITESPACE})" for column in ("user_id", "item_id"))
    chosen = f"{user} IN (FROM members) AND {item} IN (FROM targets)"
    return f"SELECT {', '.join(columns)} FROM {source.sql} WHERE {chosen}"  # noqa: S608 - names are quoted


def _canonical(part: pa.Table, settings: LogSettings) -> pa.Table:
    """Keys as the reader has them; a time that the reader rejects leaves a row that matches nothing."""
    words = {theirs.strip().lower(): ours.strip().lower() for theirs, ours in settings.actions.items()}
    columns = {name: pc.utf8_trim(part[name].cast(pa.string()), characters=SPACES) for name in ("user_id", "item_id", "action")}
    found = pc.utf8_lower(columns["action"]).combine_chunks().dictionary_encode()
    canonical = pa.array([words.get(word, word) for word in found.dictionary.to_pylist()], pa.string())
    times = part["timestamp"].cast(pa.int64()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    rest = [part[name].cast(pa.string()) for name in COLUMNS]
    return pa.table([columns["user_id"], columns["item_id"], times, canonical.take(found.indices), *rest], [*KEY, *COLUMNS])
