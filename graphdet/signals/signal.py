"""What a signal is: named columns of nodes, with words for people, and a function that measures them; perhaps a new meeting place.

A signal is one file. Its columns say what they mean in English and Chinese and whether a user's neighbours hear of them; models and
explanations read that from here and know no signal by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graphdet.arrays import Float32, Int32, Int64
from graphdet.errors import BadNumbers
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import KEY_TYPES
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

Nodes = Callable[[EventTable], pa.StringArray | pa.DictionaryArray]


def as_stored(value: float) -> float:
    """A column that holds what its words say."""
    return value


def less_log10(value: float) -> float:
    """A column that holds log10(1 + what its words say)."""
    return float(10**value - 1)


@dataclass(frozen=True)
class Column:
    """One number of each node.

    Attributes:
        name: unique among the columns of a node type.
        english, chinese: what is counted, with its unit, for explanations.
        raw: turns a stored value back into what the words say, such as `math.expm1` for a logarithm.
        message: the column's place among those that are passed as messages to a user's neighbours; None = it is not.
        items_only: a message not through other keys than items; along pair evidence all are passed.
    """

    name: str
    english: str
    chinese: str
    raw: Callable[[float], float] = as_stored
    message: int | None = None
    items_only: bool = False


def no_columns(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, Float32]:
    """What a signal measures that is a meeting place alone."""
    return {}


@dataclass(frozen=True)
class Signal:
    """Named columns of nodes, or nodes at which users meet that the log does not name by itself, or both.

    Attributes:
        name: for errors.
        node_types: whose columns they are.
        columns: in order; every node type of the signal has all of them.
        measure: events, visits, base rates and pair evidence of one log → node type → (nodes, columns) finite values, for those of
            `node_types` that the log has. What a log lacks gives zeros, so that a model learned on one day's log reads the next day's.
        meeting_place: a node type of `schema/nodes.py` whose nodes the signal makes out of the events; None = it makes none.
        nodes: events → (n,) the id of each event's node of that type, or null; known before visits are collected.
        written: the column (see `Written`) that alone decides its event's node; empty = other things do, too.
    """

    name: str
    node_types: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    measure: Callable[[EventTable, Visits, BaseRates, PairEvidence], Mapping[str, Float32]] = no_columns
    meeting_place: str | None = None
    nodes: Nodes | None = None
    written: str = ""

    def __post_init__(self) -> None:
        if (self.meeting_place is None) != (self.nodes is None) or self.meeting_place not in (None, *KEY_TYPES):
            raise ValueError(f"signal '{self.name}': a meeting place is one of {', '.join(KEY_TYPES)}, and its nodes come with it")


def names_of(columns: Sequence[Column]) -> tuple[str, ...]:
    """Names of columns, in order."""
    return tuple(column.name for column in columns)


def counted(name: str, english: str, chinese: str, message: int | None = None, items_only: bool = False) -> Column:
    """A column of counts or sums, stored as log(1 + x)."""
    return Column(name, english, chinese, math.expm1, message, items_only)


@dataclass(frozen=True)
class FeatureTable:
    """One node type's n nodes in named columns.

    Attributes:
        stage: who made it, for errors.
        names: of the columns.
        values: (n, columns) float32, finite.

    Raises:
        BadNumbers: a value is not a finite number; the message names stage and column.
    """

    stage: str
    names: tuple[str, ...]
    values: Float32

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"{self.stage}: {len(self.names)} columns are named (found values of shape {self.values.shape})")
        bad = ~np.isfinite(self.values.sum(0, dtype=np.float64))
        if bad.any():
            raise BadNumbers(self.stage, self.names[int(bad.argmax())])

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> Float32:
        """(n,) one column."""
        return self.values[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> FeatureTable:
        """These columns, in this order."""
        place = {name: number for number, name in enumerate(self.names)}
        return FeatureTable(self.stage, tuple(names), self.values[:, [place[name] for name in names]])

    def take(self, rows: Int32 | Int64 | slice) -> FeatureTable:
        """These nodes, in this order."""
        return FeatureTable(self.stage, self.names, self.values[rows])
