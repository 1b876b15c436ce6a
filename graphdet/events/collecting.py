"""Record batches of all files, file after file → whole columns of codes and numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.canonical import MISSING
from graphdet.events.coding import Dictionary
from graphdet.events.reading import NAMED, NUMBERS, WRITTEN
from graphdet.events.table import NO_TIME
from graphdet.events.timestamps import TIMES

Array = npt.NDArray[Any]
CODED = (*NAMED, *WRITTEN, "label")  # columns of words: held as codes
TYPES: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(CODED, (np.int32, MISSING)),
    **dict.fromkeys(NUMBERS, (np.float64, np.nan)),
    **dict.fromkeys(TIMES, (np.int64, NO_TIME)),
    "event_a": (np.uint64, 0),
    "event_b": (np.uint64, 0),
    "digest": (np.uint64, 0),
    "broken": (np.int8, 0),
}


@dataclass
class Collector:
    """Takes batches, file after file, and holds them as codes and numbers."""

    pool: ThreadPoolExecutor
    dictionaries: dict[str, Dictionary] = field(default_factory=dict)
    chunks: dict[str, list[Array]] = field(default_factory=dict)
    rows: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """One batch; columns that it lacks hold their missing value."""
        names = batch.schema.names
        for name in names:
            if name not in self.chunks:
                self.chunks[name] = [absent(name, self.rows)]
                if name in CODED:
                    self.dictionaries[name] = Dictionary()
        for name, values in zip(names, self.pool.map(lambda name: self._values(name, batch.column(name)), names), strict=True):
            self.chunks[name].append(values)
        for name in set(self.chunks) - set(names):
            self.chunks[name].append(absent(name, len(batch)))
        self.rows += len(batch)

    def _values(self, name: str, column: pa.Array) -> Array:
        if name in CODED:
            return self.dictionaries[name].encode(column)
        kind, missing = TYPES[name]
        values = column.to_numpy(zero_copy_only=False) if not column.null_count else column.fill_null(_scalar(column, missing)).to_numpy()
        return np.array(values, dtype=kind)

    def rewind(self, rows: int) -> None:
        """Forget all rows after the first `rows`; their names stay in the dictionaries, where nothing uses them."""
        for name, chunks in self.chunks.items():
            self.chunks[name] = [np.concatenate(chunks)[:rows]]
        self.rows = rows

    def take(self, name: str) -> Array | None:
        """(rows,) one column, which the collector then forgets; None where no file has it."""
        chunks = self.chunks.pop(name, None)
        if chunks is None:
            return None
        whole = np.empty(self.rows, TYPES[name][0])
        stop = self.rows
        while chunks:  # each is freed once it is copied
            chunk = chunks.pop()
            whole[stop - len(chunk) : stop] = chunk
            stop -= len(chunk)
        return whole


def _scalar(column: pa.Array, missing: Any) -> pa.Scalar:
    return pa.scalar(missing, column.type)


def absent(name: str, rows: int) -> Array:
    """(rows,) one column's missing value."""
    kind, missing = TYPES[name]
    return np.full(rows, missing, kind)
