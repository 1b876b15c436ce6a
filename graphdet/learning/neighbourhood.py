"""Features → what the network reads of every user: own columns and, relation by relation, the messages of the neighbourhood.

Columns are standardised on the log that a model learned from, and clipped, so that one odd value does not carry a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float32, Int64
from graphdet.learning.messages import EvidenceMatrix, through_keys
from graphdet.schema import KEY_TYPES
from graphdet.signals.columns import USER_COLUMNS, FeatureTable
from graphdet.visits.visits import Visits

# What is told to neighbours: how much evidence there is about a user, and what kind of user it is.
MESSAGE_COLUMNS = (
    "best_pair",
    "log_evidence",
    "pairs_6",
    "pairs_8",
    "met_share",
    "log_met_keys",
    "log_events",
    "first_day",
    "log_devices",
    "log_items",
    "base_rate_mean",
    "third_pair",
    "keys_together",
    "met_device",
    "met_payment",
    "met_ip",
    "hours_apart",
)
KEY_MESSAGE_COLUMNS = MESSAGE_COLUMNS[:7]  # through keys other than items
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
    own: FeatureTable,
    visits: Visits,
    relation: EvidenceMatrix,
    scale: Scale | None = None,
    threads: int = 1,
    depth: int = 2,
) -> tuple[FeatureTable, Scale]:
    """Inputs of all users, and the scale of `USER_COLUMNS` that messages were made with.

    Args:
        own: from `measure_users` of the same visits.
        relation: from `evidence_relation`.
        scale: of the log that a model learned from; measured here where there is none.
        threads: the result does not depend on it.
        depth: 0 = own columns, 1 = and neighbours', 2 = and neighbours' neighbours' along pair evidence.
    """
    scale = scale or measure_scale(own.values)
    names = input_columns(depth)
    values = np.empty((len(own), len(names)), np.float32)
    values[:, : len(USER_COLUMNS)] = scale.apply(own.values)
    if depth:
        filled = len(USER_COLUMNS)
        told = np.ascontiguousarray(values[:, [USER_COLUMNS.index(name) for name in MESSAGE_COLUMNS]])
        message = told
        for _ in range(depth):
            message = relation @ message
            values[:, filled : filled + len(MESSAGE_COLUMNS)] = message
            filled += len(MESSAGE_COLUMNS)
        with ThreadPoolExecutor(threads) as pool:
            for mean, highest in pool.map(lambda view: through_keys(visits, view, told[:, : len(_message_columns(view))]), KEY_TYPES):
                width = mean.shape[1]
                values[:, filled : filled + width], values[:, filled + width : filled + 2 * width] = mean, highest
                filled += 2 * width
    return FeatureTable("messages to users", names, values), scale


def input_columns(depth: int) -> tuple[str, ...]:
    """Names of the columns of `gather_inputs`."""
    names = list(USER_COLUMNS)
    for step in range(1, depth + 1):
        names += [f"partners{step}_{name}" for name in MESSAGE_COLUMNS]
    for view in KEY_TYPES if depth else ():
        names += [f"{view}_{kind}_{name}" for kind in ("mean", "most") for name in (*_message_columns(view), "company")]
    return tuple(names)


def _message_columns(view: str) -> tuple[str, ...]:
    return MESSAGE_COLUMNS if view == "item" else KEY_MESSAGE_COLUMNS
