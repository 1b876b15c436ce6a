"""The events of one day → what they are like, as counts in fixed bins: small, free of ids, and comparable with any other day's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.schema import EVENT_COLUMNS, NODE_TYPES, USER

BUSIEST = 10  # keys of a type
HOUR = 60 * 60 * 1_000_000
AMOUNTS = 10.0 ** np.arange(-2, 7.5, 0.5)  # edges, in whatever currency the log has
SCORES = 24  # bins of log10 odds, from −6 to 6


@dataclass(frozen=True)
class Population:
    """One day.

    Attributes:
        events, users: of the day.
        bins: feature → counts by bin: hour, action, amount, rating, events of a user, and scores where a look told them.
        unknown: column → share of events that lack it, of columns that any event of the day has.
        hubs: type of keys → share of the events that name one which its busiest have.
        alerts: rings that were told of as new or as risen; None where the watch began in the day or after it.
    """

    events: int
    users: int
    bins: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unknown: Mapping[str, float] = field(default_factory=dict)
    hubs: Mapping[str, float] = field(default_factory=dict)
    alerts: int | None = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def measure_population(rows: pa.Table, scores: npt.NDArray[np.float64] | None = None, alerts: int | None = 0) -> Population:
    """What a day is like.

    Args:
        rows: its events, by graphdet's own columns; those that are not there are passed over.
        scores: of the users that a look scored at its end.
        alerts: rings that were told of as new or as risen; None where the watch began in the day or after it.
    """
    names = [one.name for one in EVENT_COLUMNS if one.name in rows.column_names]
    present = [name for name in names if rows[name].null_count < len(rows)]
    user = next(one.column for one in NODE_TYPES if one.name == USER)
    bins = {"hour": _hours(rows["timestamp"])} if "timestamp" in present else {}
    for name in ("action",):
        if name in present:
            bins[name] = _counted(rows[name])
    if "amount" in present:
        bins["amount"] = _binned(_numbers(rows["amount"]), AMOUNTS)
    if "rating" in present:
        bins["rating"] = _binned(_numbers(rows["rating"]), np.arange(0.5, 6.0))
    users = 0
    if user in present:
        each = pc.value_counts(rows[user].drop_null()).field("counts").to_numpy()
        users = len(each)
        bins["user_events"] = _binned(each.astype(np.float64), np.exp2(np.arange(12, dtype=np.float64)) - 0.5)
    if scores is not None and len(scores):
        kept = np.clip(scores, 1e-9, 1 - 1e-9)
        bins["scores"] = _binned(np.log10(kept / (1 - kept)), np.linspace(-6, 6, SCORES + 1))
    unknown = {name: rows[name].null_count / len(rows) for name in present}
    keys = [one for one in NODE_TYPES if one.name != USER and one.column in present]
    return Population(len(rows), users, bins, unknown, {one.name: _busiest(rows[one.column]) for one in keys}, alerts)


def _hours(times: pa.ChunkedArray) -> dict[str, int]:
    hours = times.drop_null().cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy() // HOUR % 24
    return {str(hour): int(count) for hour, count in enumerate(np.bincount(hours, minlength=24))}


def _counted(words: pa.ChunkedArray) -> dict[str, int]:
    found = pc.value_counts(words.drop_null().cast(pa.string())).to_pylist()
    return {str(row["values"]): int(row["counts"]) for row in sorted(found, key=lambda row: str(row["values"]))}


def _numbers(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return np.asarray(values.drop_null().cast(pa.float64()).to_numpy(), np.float64)


def _binned(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> dict[str, int]:
    """Counts between edges, before the first and behind the last."""
    place = np.searchsorted(edges, values[np.isfinite(values)], side="right")
    return {str(number): int(count) for number, count in enumerate(np.bincount(place, minlength=len(edges) + 1))}


def _busiest(keys: pa.ChunkedArray) -> float:
    named = keys.drop_null()
    counts = np.sort(pc.value_counts(named).field("counts").to_numpy())[::-1]
    return float(counts[:BUSIEST].sum() / len(named))
