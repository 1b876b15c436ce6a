"""Grown rings → for each of their targets the time in which members came together, and how much of the log happened there and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

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
            count[own] = _count_within(
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
            )
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


@numba.njit(cache=True, nogil=True)
def _count_within(
    code: Int32,
    start: Int64,
    end: Int64,
    timed: bool,
    codes: Int32,
    rows: Int64,
    user: Int32,
    time: Int64,
    action: npt.NDArray[np.int16],
    order: int,
    pay: int,
    users: int,
) -> Int64:
    """(n, 4) events, distinct users, orders and payments at each code between start and end; `rows` are by `codes` and in them by time."""
    found = np.zeros((len(code), 4), np.int64)
    last = np.full(users, -1, np.int64)
    for window in range(len(code)):
        place, stop = np.searchsorted(codes, code[window]), np.searchsorted(codes, code[window], side="right")
        if timed:
            place, stop = _first_from(start[window], rows, time, place, stop), _first_from(end[window] + 1, rows, time, place, stop)
        for row in rows[place:stop]:
            found[window, 0] += 1
            if last[user[row]] != window:
                last[user[row]] = window
                found[window, 1] += 1
            if action[row] == order:
                found[window, 2] += 1
            if action[row] == pay:
                found[window, 3] += 1
    return found


@numba.njit(cache=True, nogil=True)
def _first_from(moment: int, rows: Int64, time: Int64, first: int, last: int) -> int:
    """The first place in first … last − 1, by time, whose row is not before the moment; last where there is none."""
    while first < last:
        middle = (first + last) // 2
        if time[rows[middle]] < moment:
            first = middle + 1
        else:
            last = middle
    return first
