"""New log files → the rows of a window of time, kept in one file with what has been taken in; older rows are gone for good.

Rows are kept as they were read: canonical ids, times in UTC. A file may hold again what another held (an export that grows, a late repeat):
of equal rows the most that any one file had are kept, so that nothing counts twice and quantities written as lines stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graphdet.errors import CaseError, EmptyLog
from graphdet.events import NO_TIME, EventTable
from graphdet.events.files import digest
from graphdet.events.reading import WRITTEN
from graphdet.schema import ITEM, NODE_TYPES, TIME
from graphdet.settings import LogSettings
from graphdet.whole import whole_file, why

NAME = "log.parquet"
KEY = b"graphdet.taken"
COPY = "copy"  # 1, 2, … among rows that are equal otherwise
ITEM_COLUMN, CATEGORY = next(one.column for one in NODE_TYPES if one.name == ITEM), "category"
ID_COLUMNS = tuple(one.column for one in NODE_TYPES)
SCHEMA = pa.schema(
    [
        pa.field("timestamp", TIME),
        *(pa.field(column, pa.string()) for column in (*ID_COLUMNS, "action")),
        pa.field("amount", pa.float64()),
        pa.field("rating", pa.float32()),
        *(pa.field(column, pa.string()) for column in WRITTEN),
        pa.field(COPY, pa.int32()),
        pa.field(CATEGORY, pa.string()),
    ]
)
IDENTITY = [name for name in SCHEMA.names if name != CATEGORY]


@dataclass(frozen=True)
class TakenFile:
    """A file that was taken in, and what became of its rows."""

    sha256: str
    name: str
    read: int
    accepted: int
    rejected: int
    duplicates: int


@dataclass(frozen=True)
class KeptLog:
    """The rows within the window, in order, and all files that were ever taken in, by digest."""

    rows: pa.Table
    taken: Mapping[str, TakenFile]

    @property
    def end(self) -> int | None:
        """The last event, in microseconds since 1970 UTC."""
        latest = pc.max(self.rows["timestamp"]).as_py() if self.rows.num_rows else None
        return None if latest is None else int(pc.max(self.rows["timestamp"].cast(pa.int64())).as_py())

    def with_rows(self, new: pa.Table, files: Sequence[TakenFile]) -> KeptLog:
        """And those of files that are new; of equal rows the most that either has."""
        taken = {**self.taken, **{file.sha256: file for file in files}}
        return replace(self, rows=merge_rows(self.rows, new), taken=dict(sorted(taken.items())))

    def since(self, start: int) -> KeptLog:
        """Only rows from a moment on."""
        return replace(self, rows=self.rows.filter(pc.greater_equal(self.rows["timestamp"].cast(pa.int64()), start)))

    def save(self, home: Path) -> None:
        """Write it, whole or not at all; the same rows and files give the same bytes.

        Raises:
            CaseError: the disk or the rights do not allow it.
        """
        told = json.dumps([asdict(file) for file in self.taken.values()], sort_keys=True).encode()
        table = self.rows.replace_schema_metadata({KEY: told}).combine_chunks()
        try:
            with whole_file(home / NAME) as partial:
                pq.write_table(table, partial, compression="zstd")
                partial.chmod(0o600)
        except OSError as error:
            raise CaseError(f"{home / NAME}: cannot be written ({why(error)}); what was kept before is whole.") from None


NOTHING = KeptLog(SCHEMA.empty_table(), {})


def load_kept(home: Path) -> KeptLog:
    """What a home folder keeps; nothing where it is new.

    Raises:
        CaseError: the file is damaged, or not graphdet's.
    """
    path = home / NAME
    if not path.exists():
        return NOTHING
    try:
        table = pq.ParquetFile(path).read()
        told: list[dict[str, Any]] = json.loads((table.schema.metadata or {})[KEY])
        taken = {one["sha256"]: TakenFile(**one) for one in told}
        for field in SCHEMA:
            if field.name not in table.column_names:  # a kind of thing that the graphdet before did not keep
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        rows = table.select(SCHEMA.names).replace_schema_metadata(None).cast(SCHEMA)
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CaseError(f"{path}: is no log that `graphdet day` kept, or damaged ({first}); restore it from a copy.") from None
    return KeptLog(rows, taken)


def kept_digest(home: Path) -> str:
    """Of the file as it is."""
    return digest(home / NAME)


def rows_of(events: EventTable) -> pa.Table:
    """An event table's rows as they are kept; those without a time, which are in no window, are left out.

    Raises:
        EmptyLog: no row has a time.
    """
    if events.time is None:
        if len(events):
            raise EmptyLog("the log has no times, and a window is kept by them; map its time column, or use `graphdet run`.")
        return SCHEMA.empty_table()
    timed = events.time != NO_TIME
    columns: dict[str, Any] = {"timestamp": pa.array(events.time[timed]).cast(TIME)}
    for one in NODE_TYPES:
        columns[one.column] = _names(events.ids[one.name], events.codes[one.name][timed]) if one.name in events.ids else None
    columns["action"] = _names(pa.array(events.actions, pa.string()), events.action[timed])
    for name, values in (("amount", events.amount), ("rating", events.rating)):
        columns[name] = None if values is None else pa.array(values[timed], mask=np.isnan(values[timed]))
    for column, written in events.written.items():
        columns[column] = _names(written.values, written.code[timed])
    if ITEM in events.ids and events.categories:
        own = np.append(events.item_category, np.int32(-1))[events.codes[ITEM][timed]]
        columns[CATEGORY] = _names(pa.array(events.categories, pa.string()), own)
    rows = int(timed.sum())
    arrays = {
        field.name: pa.nulls(rows, field.type) if columns.get(field.name) is None else columns[field.name].cast(field.type)
        for field in SCHEMA
    }
    arrays[COPY] = pa.array(_copies(events, timed), pa.int32())
    return pa.table(arrays, SCHEMA)


def _names(names: pa.Array, codes: np.ndarray[Any, Any]) -> pa.Array:
    return names.take(pa.array(codes, mask=codes < 0))


def _copies(events: EventTable, timed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """1, 2, … among equal rows, which stand one after another."""
    columns: list[Any] = [events.time, *events.codes.values(), events.action, events.amount, events.rating]
    columns += [written.code for written in events.written.values()]
    given = [column[timed] for column in columns if column is not None]
    count = int(timed.sum())
    equal = np.ones(max(count - 1, 0), bool)
    for column in given:
        same = column[1:] == column[:-1]
        if column.dtype.kind == "f":
            same |= np.isnan(column[1:]) & np.isnan(column[:-1])
        equal &= same
    begins = np.flatnonzero(np.concatenate([[True], ~equal])) if count else np.zeros(0, int)
    return np.arange(count) - np.repeat(begins, np.diff(np.append(begins, count))) + 1


def merge_rows(kept: pa.Table, new: pa.Table) -> pa.Table:
    """Both, each row once, in order; an item's category is that of the later file that tells one."""
    every = pa.concat_tables([kept, new])
    rows = every.select(IDENTITY).group_by(IDENTITY, use_threads=False).aggregate([])
    category: dict[str | None, str | None] = {}
    for table in (kept, new):
        pairs = table.select([ITEM_COLUMN, CATEGORY]).group_by([ITEM_COLUMN, CATEGORY], use_threads=False).aggregate([])
        found = zip(pairs[ITEM_COLUMN].to_pylist(), pairs[CATEGORY].to_pylist(), strict=True)
        category |= {item: name for item, name in sorted(found, key=repr) if item is not None and name is not None}
    place = pc.index_in(rows[ITEM_COLUMN], pa.array(list(category), pa.string()))
    rows = rows.append_column(SCHEMA.field(CATEGORY), pa.array(list(category.values()), pa.string()).take(place.combine_chunks()))
    return rows.select(SCHEMA.names).cast(SCHEMA).sort_by([(name, "ascending") for name in IDENTITY]).combine_chunks()


def settings_of_kept(settings: LogSettings) -> LogSettings:
    """How kept rows are read: they have our names and writings already, and what is left out is left out anew each time."""
    kept = (
        "timezone",
        "missing",
        "genuine",
        "fold",
        "ignore",
        "raw_characters",
        "max_id_characters",
        "sample",
        "unpacked_gb",
        "ignore_keys",
        "texts",
        "images",
        "currency",
        "rates",
    )
    return LogSettings(**{name: getattr(settings, name) for name in kept if name in LogSettings.model_fields})


def settings_to_take_in(settings: LogSettings) -> LogSettings:
    """How new files are read: nothing that a suppression or a list may leave out one day is lost."""
    without = {"ignore": "", "ignore_keys": {}}
    return settings.model_copy(update={name: value for name, value in without.items() if name in LogSettings.model_fields})
