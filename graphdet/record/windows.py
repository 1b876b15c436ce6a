"""Grown rings → for each of their targets the time in which members came together, and how much of the log happened there and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from graphdet import _kernels
from graphdet.arrays import Int32, Int64
from graphdet.judging.log_index import LogIndex
from graphdet.rings.growth import Grown


def count_windows(rings: Sequence[Grown], log: LogIndex, at_targets: Mapping[str, tuple[Int32, Int64]]) -> list[list[dict[str, Any]]]:
    """For each ring one entry per target, as they stand in the table `dossiers`; times in microseconds since 1970 UTC.

    Args:
        rings: in codes of the log.
        log: the whole log.
        at_targets: view → codes and rows of all events at targets, by code and in it by time.
    """
    events, visits = log.events, log.visits.visits
    timed = events.time is not None
    time = events.time if events.time is not None else np.zeros(len(events), np.int64)
    key = np.concatenate([ring.targets for ring in rings] or [np.zeros(0, np.int32)])
    start, end = (
        log.start + np.concatenate(seconds or [np.zeros(0, np.int32)]).astype(np.int64) * 1_000_000
        for seconds in ([ring.start for ring in rings], [ring.end for ring in rings])
    )
    end += 999_999
    view = visits.view_of(key)
    order, pay = (events.actions.index(word) if word in events.actions else -2 for word in ("order", "pay"))
    count = np.zeros((len(key), 4), np.int64)
    ids = np.empty(len(key), object)
    for position, seen in enumerate(visits.views):
        own = view == position
        if own.any():
            code = key[own] - seen.first_key
            ids[own] = events.ids[seen.name].take(pa.array(code)).to_pylist()
            codes, places = at_targets[seen.name]
            count[own] = _kernels.count_within(
                code,
                start[own],
                end[own],
                timed,
                codes,
                places,
                events.codes["user"],
                time,
                events.action,
                order,
                pay,
                events.count("user"),
            ).reshape(-1, 4)
    rows = [
        {
            "type": visits.views[position].name, "id": name, "start": begin if timed else None, "end": finish if timed else None,
            "users": users, "events": found, "orders": orders, "pays": pays, "gain": gain,
        }
        for position, name, begin, finish, (found, users, orders, pays), gain in zip(
            view.tolist(), ids.tolist(), start.tolist(), end.tolist(), count.tolist(),
            np.concatenate([ring.gain for ring in rings] or [np.zeros(0)]).tolist(), strict=True,
        )
    ]  # fmt: skip
    bounds = np.cumsum([0] + [len(ring.targets) for ring in rings])
    return [rows[bounds[n] : bounds[n + 1]] for n in range(len(rings))]
