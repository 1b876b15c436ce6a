"""An event table → the part of it that the settings ask for: a span of time, and a share of the users with all they did."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.arrays import distinct_values
from graphdet.errors import EmptyLog
from graphdet.events.notes import resolution
from graphdet.events.table import NO_TIME, EventTable
from graphdet.schema import ITEM, USER
from graphdet.schema.wording import numbered
from graphdet.schema.zones import moment
from graphdet.settings import LogSettings

Code = TypeVar("Code", np.int16, np.int32)
Number = TypeVar("Number", np.float32, np.float64)


def take_portion(table: EventTable, settings: LogSettings) -> EventTable:
    """The events within `since` and `until` of the users that `sample` keeps; a note says what was left out.

    Events without a time are in no span. Whole users are sampled, since a share of all rows would tear apart what rings do; whether one is
    kept depends on their id alone, so that several logs agree. What every row of the files became is counted as before.

    Raises:
        EmptyLog: a span is asked of a log without times, or holds no event.
    """
    asked = [f"{name} = {value!r}" for name, value in (("since", settings.since), ("until", settings.until)) if value]
    if settings.sample < 1:
        asked.append(f"sample = {settings.sample:g}")
    if not asked or not len(table):
        return table
    kept = _in_span(table, settings) & _in_sample(table, settings.sample)
    told = " and ".join(asked)
    if not kept.any():
        raise EmptyLog(f"{told}: none of {numbered(len(table), 'event', 'events')} is left; the log goes {_range(table)}.")
    note = f"{told}: {int(kept.sum()):,} of {numbered(len(table), 'event was', 'events were')} taken, the others left out."
    return _only(table, kept, settings, note)


def _in_span(table: EventTable, settings: LogSettings) -> npt.NDArray[np.bool_]:
    if not settings.since and not settings.until:
        return np.ones(len(table), bool)
    if table.time is None:
        raise EmptyLog("since and until ask for times, and the log has none; map its time column, or leave them out.")
    kept: npt.NDArray[np.bool_] = table.time != NO_TIME
    if settings.since:
        kept &= table.time >= moment(settings.since, settings.timezone)
    if settings.until:
        kept &= table.time < moment(settings.until, settings.timezone, end=True)
    return kept


def _in_sample(table: EventTable, share: float) -> npt.NDArray[np.bool_]:
    if share >= 1:
        return np.ones(len(table), bool)
    drawn = [int.from_bytes(hashlib.blake2b(str(user).encode(), digest_size=8).digest()) for user in table.ids[USER].to_pylist()]
    kept: npt.NDArray[np.bool_] = np.array(drawn, np.uint64) < np.uint64(share * 2**64)
    return np.asarray(kept[table.codes[USER]], np.bool_)


def _only(table: EventTable, kept: npt.NDArray[np.bool_], settings: LogSettings, note: str) -> EventTable:
    """The kept events, with ids and words that at least one of them uses."""
    ids: dict[str, pa.StringArray] = {}
    codes: dict[str, npt.NDArray[np.int32]] = {}
    item_category = table.item_category
    for node_type, own in table.codes.items():
        used = distinct_values(own[kept & (own >= 0)])
        if len(used) or node_type == USER:
            place = np.full(len(table.ids[node_type]) + 1, -1, np.int32)  # the last place is that of −1: none
            place[used] = np.arange(len(used), dtype=np.int32)
            ids[node_type], codes[node_type] = table.ids[node_type].take(pa.array(used)), place[own[kept]]
        if node_type == ITEM:
            item_category = item_category[used]
    categories, item_category = _used_words(item_category, table.categories)
    actions, action = _used_words(table.action[kept], table.actions)
    report = replace(table.report, notes=(*table.report.notes, note))
    time = None if table.time is None else table.time[kept]
    if time is not None and not np.any(time != NO_TIME):
        time = None
    return replace(
        table,
        ids=ids,
        codes=codes,
        time=time,
        resolution=resolution(time, settings.timezone),
        action=action,
        actions=actions,
        item_category=item_category,
        categories=categories,
        amount=_given(table.amount, kept),
        rating=_given(table.rating, kept),
        report=report,
        written={column: written.take(kept) for column, written in table.written.items()},
    )


def _given(numbers: npt.NDArray[Number] | None, kept: npt.NDArray[np.bool_]) -> npt.NDArray[Number] | None:
    """The kept ones; None where none of them is a number."""
    own = None if numbers is None else numbers[kept]
    return None if own is None or np.isnan(own).all() else own


def _used_words(codes: npt.NDArray[Code], words: tuple[str, ...]) -> tuple[tuple[str, ...], npt.NDArray[Code]]:
    """The words that codes name, and the codes of these."""
    used = distinct_values(codes[codes >= 0])
    place = np.full(len(words) + 1, -1, codes.dtype)  # as above
    place[used] = np.arange(len(used), dtype=codes.dtype)
    return tuple(words[code] for code in used.tolist()), place[codes]


def _range(table: EventTable) -> str:
    times = np.zeros(0, np.int64) if table.time is None else table.time[table.time != NO_TIME]
    if not len(times):
        return "without times"
    first, last = (datetime.fromtimestamp(int(time) / 1e6, UTC).date() for time in (times[0], times[-1]))
    return f"from {first} to {last}"
