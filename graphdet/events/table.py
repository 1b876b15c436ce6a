"""The event table: a whole log in integer codes, valid by construction and in one canonical order.

Codes are positions in sorted id lists and rows are sorted by content, so the same log gives the same table whatever the
order of its rows or files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.forms import FileForm
from graphdet.schema import NODE_TYPE

NO_TIME = np.iinfo(np.int64).min

TimeResolution = Literal["instant", "day", "none"]


AS_IT_IS = FileForm()


@dataclass(frozen=True)
class FileReport:
    """What became of one file's rows; read = accepted + rejected + duplicates."""

    path: str
    format: str
    sha256: str
    columns: tuple[str, ...]
    unused_columns: tuple[str, ...]
    read: int
    accepted: int
    rejected: int
    duplicates: int
    catalogue: bool = False  # rows are items, which fill in what events lack, and no events
    form: FileForm = AS_IT_IS  # how the file is written, as far as that had to be told

    def __post_init__(self) -> None:
        if self.read != self.accepted + self.rejected + self.duplicates:
            raise ValueError(
                f"{self.path}: read {self.read} != accepted {self.accepted} + rejected {self.rejected} + duplicates {self.duplicates}"
            )


@dataclass(frozen=True)
class ReadReport:
    """What became of all rows, and what the log lacks."""

    files: tuple[FileReport, ...]
    rejected: pa.Table  # schema: RUN_TABLES["rejected"], ordered by file and line
    notes: tuple[str, ...]  # what is missing and what that costs, a sentence each

    @property
    def read(self) -> int:
        return sum(file.read for file in self.files)

    @property
    def accepted(self) -> int:
        return sum(file.accepted for file in self.files)

    @property
    def duplicates(self) -> int:
        return sum(file.duplicates for file in self.files)


@dataclass(frozen=True)
class Written:
    """What n events say in a column that names no node, such as review texts.

    Attributes:
        values: each different value once.
        code: (n,) int32 position in `values`, −1 where the event has none.
    """

    values: pa.LargeStringArray
    code: npt.NDArray[np.int32]

    def take(self, rows: npt.NDArray[np.bool_]) -> Written:
        """Of some events; values that none of them has stay."""
        return Written(self.values, self.code[rows])


@dataclass(frozen=True)
class EventTable:
    """n events in columns, sorted by (time, user, item, device, ip, seller, payment, address, action, amount, rating).

    Attributes:
        ids: node type → its ids (string array), sorted by their UTF-8 bytes, each used by at least one event. Node types that
            the log has no value of are absent.
        codes: node type → (n,) int32, position in `ids`, −1 where the event has none. `user` is never −1.
        time: (n,) int64 microseconds since 1970 UTC, `NO_TIME` where an event has none; None where no event has one.
        resolution: "day" where every time is a bare date (or midnight), "none" where `time` is None.
        action: (n,) int16 position in `actions`; −1 where the event has none.
        actions: the action words, sorted.
        item_category: (items,) int32 position in `categories`, the commonest of the item's events, −1 where none is given.
        categories: the category names, sorted, before names of learned ones; empty where there are none.
        amount: (n,) float64, NaN where none; None where the log has no amounts.
        rating: (n,) float32, NaN where none; None where the log has no ratings.
        report: where the events came from.
        written: column (`text`) → what events say there, of which signals make nodes where users meet; absent where the log has none.
    """

    ids: Mapping[str, pa.StringArray]
    codes: Mapping[str, npt.NDArray[np.int32]]
    time: npt.NDArray[np.int64] | None
    resolution: TimeResolution
    action: npt.NDArray[np.int16]
    actions: tuple[str, ...]
    item_category: npt.NDArray[np.int32]
    categories: tuple[str, ...]
    amount: npt.NDArray[np.float64] | None
    rating: npt.NDArray[np.float32] | None
    report: ReadReport
    written: Mapping[str, Written] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self)
        if set(self.ids) != set(self.codes) or not set(self.ids) <= set(NODE_TYPE) or "user" not in self.ids:
            raise ValueError(f"ids and codes must name the same known node types, user among them (found {sorted(self.codes)})")
        columns: list[npt.NDArray[np.generic] | None] = [*self.codes.values(), self.time, self.action, self.amount, self.rating]
        columns += [written.code for written in self.written.values()]
        if any(column is not None and len(column) != n for column in columns):
            raise ValueError(f"all columns must have {n} rows")
        for name, codes in self.codes.items():
            lowest = 0 if name == "user" else -1
            if n and (codes.min() < lowest or codes.max() >= len(self.ids[name])):
                raise ValueError(f"{name} codes must lie in [{lowest}, {len(self.ids[name])})")
        if (self.time is None) != (self.resolution == "none"):
            raise ValueError(f"resolution {self.resolution!r} does not fit the times")
        if self.time is not None and np.any(self.time[1:] < self.time[:-1]):
            raise ValueError("events must be sorted by time")
        if len(self.item_category) != len(self.ids.get("item", ())):
            raise ValueError("item_category must have one entry per item")

    def __len__(self) -> int:
        return len(self.codes["user"])

    def count(self, node_type: str) -> int:
        """How many nodes of a type the log names."""
        return len(self.ids[node_type]) if node_type in self.ids else 0

    def at(self, node_type: str, name: str) -> npt.NDArray[np.bool_]:
        """(n,) which events are at the node of this id; none where the log has no such node."""
        code = self.ids[node_type].index(name).as_py() if node_type in self.ids else -1
        return self.codes[node_type] == code if code >= 0 else np.zeros(len(self), np.bool_)
