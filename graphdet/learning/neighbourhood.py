"""Features → what the network reads of every user: own columns and, relation by relation, the messages of the neighbourhood.

Columns are standardised on the log that a model learned from, and clipped, so that one odd value does not carry a message.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float32, Int64
from graphdet.learning.messages import EvidenceMatrix, through_keys
from graphdet.schema import HEARD_TYPES, NODE_TYPE
from graphdet.signals import columns_of, message_columns
from graphdet.signals.signal import Column, FeatureTable, names_of
from graphdet.visits.visits import Visits

SAMPLE = 10_000  # rows from which the scale of a column is taken
TAIL = 0.005


@dataclass(frozen=True)
class Scale:
    """How columns are standardised: clipped to `low` … `high`, less `mean`, over `spread`; each (columns,) float32."""

    low: Float32
    high: Float32
    mean: Float32
    spread: Float32

    def apply(self, values: Float32) -> Float32:
        """(n, columns) standardised."""
        return (np.clip(values, self.low, self.high) - self.mean) / self.spread


def spread_rows(size: int) -> Int64:
    """Evenly spread rows, enough to take a scale from."""
    return np.arange(0, size, max(size // SAMPLE, 1))


def take_rows(parts: Sequence[Float32], rows: Int64 | slice) -> Float32:
    """Some rows of columns that lie in several arrays."""
    return np.hstack([part[rows] for part in parts])


def measure_scale(values: Float32) -> Scale:
    """The scale of some columns, from evenly spread rows."""
    rows = values[spread_rows(len(values))]
    low, high = np.quantile(rows, [TAIL, 1 - TAIL], axis=0).astype(np.float32)
    rows = np.clip(rows, low, high)
    spread = rows.std(0)
    return Scale(low, high, rows.mean(0), np.where(spread > 1e-6, spread, 1).astype(np.float32))


def gather_inputs(
    own: FeatureTable, visits: Visits, relation: EvidenceMatrix, scale: Scale | None, threads: int = 1, depth: int = 2
) -> tuple[FeatureTable, Scale]:
    """Inputs of all users, standardised, and the scale of users' columns that they were made with.

    Args:
        own: from `measure_users` of the same visits.
        relation: from `evidence_relation`.
        scale: of the log that a model learned from; None where a model is still to be learned: then of this log.
        threads: the result does not depend on it.
        depth: 0 = own columns, 1 = and neighbours', 2 = and neighbours' neighbours' along pair evidence.
    """
    scale = scale or measure_scale(own.values)
    names = names_of(input_columns(depth))
    values = np.empty((len(own), len(names)), np.float32)
    filled = len(own.names)
    values[:, :filled] = scale.apply(own.values)
    if depth:
        standard = FeatureTable(own.stage, own.names, values[:, :filled])
        message = np.ascontiguousarray(standard.select(names_of(message_columns("item"))).values)
        for _ in range(depth):
            message = relation @ message
            values[:, filled : filled + message.shape[1]] = message
            filled += message.shape[1]
        heard = [names_of(message_columns(view)) for view in HEARD_TYPES]
        begin = filled + np.cumsum([0, *(2 * (len(columns) + 1) for columns in heard)])

        def hear(number: int) -> None:
            """One view's messages into their columns, at once: those of all views beside each other would take as much memory again."""
            mean, highest = through_keys(visits, HEARD_TYPES[number], standard.select(heard[number]).values)
            middle = begin[number] + mean.shape[1]
            values[:, begin[number] : middle], values[:, middle : begin[number + 1]] = mean, highest

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(hear, range(len(heard))))
    return FeatureTable("messages to users", names, values), scale


def in_units(inputs: FeatureTable, own: FeatureTable, scale: Scale, depth: int) -> Float32:
    """Values of `gather_inputs` in the columns' own units, so that they read the same whatever log they are measured on.

    Own columns are as they were measured. Of messages, the scale is taken back; one that says nothing, since nobody is there, is its mean.
    """
    source = [column.of for column in input_columns(depth)]
    spread = dict(zip(own.names, scale.spread, strict=True))
    mean = dict(zip(own.names, scale.mean, strict=True))
    values = inputs.values * np.array([spread.get(name, 1) for name in source], np.float32)
    values += np.array([mean.get(name, 0) for name in source], np.float32)
    values[:, : len(own.names)] = own.values
    return np.asarray(values)


@dataclass(frozen=True)
class InputColumn(Column):
    """One column that a model reads; `of` names the user's column that it is, or is a message of, or is empty."""

    of: str = ""


def input_columns(depth: int) -> tuple[InputColumn, ...]:
    """The columns of `gather_inputs`, with words that say whom a message is about."""
    columns = [_input(column, column.name, column.english, column.chinese) for column in columns_of("user")]
    steps = (("of users with pair evidence", "（有成对证据的用户）"), ("of their partners", "（这些用户的伙伴）"))
    for step, (english, chinese) in enumerate(steps[:depth], start=1):
        columns += [_message(column, f"partners{step}", english, chinese) for column in message_columns("item")]
    for view in HEARD_TYPES if depth else ():
        noun = NODE_TYPE[view].noun
        for kind, english, chinese in (("mean", "mean", "均值"), ("most", "highest", "最高")):
            who = (f"{view}_{kind}", f"of others at the same {noun.many}, {english}", f"（同一{noun.chinese}的他人，{chinese}）")
            columns += [_message(column, *who) for column in message_columns(view)]
            others = (f"others at the same {noun.many}, {english}", f"同一{noun.chinese}的他人数（{chinese}）")
            columns.append(InputColumn(f"{view}_{kind}_others", *others, raw=math.expm1))
    return tuple(columns)


def _message(column: Column, prefix: str, english: str, chinese: str) -> InputColumn:
    return _input(column, f"{prefix}_{column.name}", f"{column.english}, {english}", f"{column.chinese}{chinese}")


def _input(column: Column, name: str, english: str, chinese: str) -> InputColumn:
    return InputColumn(name, english, chinese, column.raw, of=column.name)
