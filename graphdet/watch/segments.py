"""Rows of the window ↔ immutable Parquet files, each of one day's events and named by its content; and which events are among them."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graphdet.errors import GraphdetError, WatchError
from graphdet.watch.reading_on import APART, ROWS
from graphdet.whole import is_full, sync, why

DAY = 24 * 60 * 60 * 1_000_000  # microseconds
LEAST_ROOM = 1 << 18  # bytes that SQLite's journals need
MANY = 12  # segments of one day, from which on they are made one


@dataclass(frozen=True)
class Segment:
    """A file of rows of one day, counted from 1970."""

    name: str
    day: int
    rows: int
    bytes: int


def write_segments(folder: Path, rows: pa.Table) -> list[Segment]:
    """A segment for each day that rows are of; on the disk when this returns.

    Raises:
        WatchError: the disk or the rights do not allow it.
    """
    days = np.floor_divide(rows["timestamp"].cast(pa.int64()).to_numpy(), DAY)
    try:
        found = [_write(folder, rows.filter(pa.array(days == day)), day) for day in np.unique(days).tolist()]
        if found:
            sync(folder)
    except OSError as error:
        raise WatchError(f"{folder}: cannot be written ({why(error)}); what was kept before is whole.") from None
    return found


def _write(folder: Path, rows: pa.Table, day: int) -> Segment:
    ordered = rows.sort_by([("timestamp", "ascending"), *((name, "ascending") for name in APART)]).combine_chunks()
    content = io.BytesIO()
    pq.write_table(ordered, content, compression="zstd")
    data = content.getvalue()
    name = f"{np.datetime64(day, 'D')}-{hashlib.sha256(data).hexdigest()[:16]}.parquet"
    partial, target = folder / f".{name}", folder / name
    with partial.open("wb") as file:
        partial.chmod(0o600)
        file.write(data)
    sync(partial)
    partial.replace(target)
    return Segment(name, day, rows.num_rows, len(data))


def read_rows(folder: Path, segments: Iterable[Segment], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of segments, or some of their columns.

    Raises:
        WatchError: one is missing or damaged.
    """
    tables = []
    for segment in segments:
        try:
            table = pq.ParquetFile(folder / segment.name).read(list(columns) if columns else None)
            for field in () if columns else ROWS:
                if field.name not in table.column_names:  # a kind of thing that the graphdet before did not keep
                    table = table.append_column(field, pa.nulls(table.num_rows, field.type))
            tables.append(table if columns else table.select(ROWS.names).cast(ROWS))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise WatchError(f"{folder / segment.name}: is missing or damaged ({error}); restore the state from a copy.") from None
    if not tables:
        return (ROWS if columns is None else pa.schema([ROWS.field(name) for name in columns])).empty_table()
    return pa.concat_tables(tables)


def remove_segments(folder: Path, kept: Iterable[str]) -> None:
    """Files of the folder that are none of these go: what left the window, and what a killed step left."""
    names = set(kept)
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink(missing_ok=True)


def merged(folder: Path, segments: Sequence[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Days of many segments → one new segment each; and the segments that it stands for."""
    new: list[Segment] = []
    old: list[Segment] = []
    for day in sorted({segment.day for segment in segments}):
        own = [segment for segment in segments if segment.day == day]
        if len(own) > MANY:
            # The largest stay as they are while what came since is small: else each merge would write the whole day again.
            own.sort(key=lambda segment: segment.rows)
            small = own[:-1] if own[-1].rows > sum(one.rows for one in own[:-1]) else own
            new += write_segments(folder, read_rows(folder, small))
            old += small
    return new, old


class KnownEvents:
    """128 bits of every event of the window: sorted, with what came last apart, so that adding costs what is added."""

    def __init__(self) -> None:
        self._whole, self._recent = _Sorted(), _Sorted()

    def add(self, a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> None:
        """And these."""
        self._recent = self._recent.joined(_Sorted(a, b))
        if len(self._recent) > max(len(self._whole) // 8, 100_000):
            self._whole, self._recent = self._whole.joined(self._recent), _Sorted()

    def known(self, a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """(n,) which are among them."""
        return self._whole.holds(a, b) | self._recent.holds(a, b)

    @staticmethod
    def of(folder: Path, segments: Iterable[Segment]) -> KnownEvents:
        """Those of segments."""
        found = KnownEvents()
        for segment in segments:
            rows = read_rows(folder, [segment], APART)
            found.add(*(rows[name].to_numpy() for name in APART))
        return found


_NONE = np.zeros(0, np.uint64)


class _Sorted:
    def __init__(self, a: npt.NDArray[np.uint64] = _NONE, b: npt.NDArray[np.uint64] = _NONE) -> None:
        order = np.lexsort((b, a))
        self._a, self._b = a[order], b[order]

    def __len__(self) -> int:
        return len(self._a)

    def joined(self, other: _Sorted) -> _Sorted:
        return _Sorted(np.concatenate([self._a, other._a]), np.concatenate([self._b, other._b])) if len(other) else self

    def holds(self, a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        place, end = np.searchsorted(self._a, a), np.searchsorted(self._a, a, side="right")
        found = np.zeros(len(a), np.bool_)
        for row in np.flatnonzero(end > place).tolist():  # of 64 bits that agree the other 64 are asked
            found[row] = bool((self._b[place[row] : end[row]] == b[row]).any())
        return found


def not_repeated(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """(n,) whether no earlier row has the same 128 bits."""
    first = np.zeros(len(a), np.bool_)
    _, places = np.unique(np.stack([a, b], axis=1), axis=0, return_index=True)
    first[places] = True
    return first


def rows_within(rows: pa.Table, start: int, end: int) -> pa.Table:
    """Rows from a moment on and before another."""
    time = rows["timestamp"].cast(pa.int64())
    return rows.filter(pc.and_(pc.greater_equal(time, start), pc.less(time, end)))


def is_disk_full(error: BaseException, *folders: Path) -> bool:
    """Whether room is what lacks, so that trying again later may help: by what the system or SQLite said, not by words made of it.

    Args:
        error: theirs, or one that was raised in its place.
        folders: that SQLite writes to, which may call a disk without room one that cannot be read or written.
    """
    told: BaseException | None = error
    while told is not None:
        if not isinstance(told, GraphdetError):
            if is_full(told):
                return True
            if isinstance(told, sqlite3.Error) and getattr(told, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR:
                return any(_has_no_room(folder) for folder in folders)
        told = told.__cause__ or told.__context__
    return False


def _has_no_room(folder: Path) -> bool:
    try:
        state = os.statvfs(folder)
    except OSError:
        return False
    return state.f_bavail * state.f_frsize < LEAST_ROOM
