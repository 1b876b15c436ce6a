"""A log's events and events that came since → the events of both, as a reader gives them, without reading or sorting the whole log again.

What a reader tells of the whole log alone stays as it was told of the log before: an item keeps its category, and the report is that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Int32
from graphdet.events.assembling import sort_keys
from graphdet.events.coding import canonical_order, places_among
from graphdet.events.table import EventTable, Written
from graphdet.schema import ITEM, NODE_TYPE

Array = npt.NDArray[Any]
Numbers = TypeVar("Numbers", npt.NDArray[np.float64], npt.NDArray[np.float32])


@dataclass(frozen=True)
class Moved:
    """Names of a log → their codes in the log that goes on from it.

    Attributes:
        ids: names of then, by node type.
        place: (names of then,) of each its code now; they rise.
    """

    ids: Mapping[str, pa.StringArray] = field(default_factory=dict)
    place: Mapping[str, Int32] = field(default_factory=dict)

    @staticmethod
    def nowhere(events: EventTable) -> Moved:
        """Where nothing came."""
        return Moved(events.ids, {name: np.arange(len(ids), dtype=np.int32) for name, ids in events.ids.items()})

    def of(self, node_type: str, ids: pa.StringArray) -> Int32 | None:
        """Codes now of these very names; None where they are others."""
        return self.place[node_type] if self.ids.get(node_type) is ids else None


def go_on(before: EventTable, new: EventTable) -> tuple[EventTable, Moved]:
    """Events of both, in canonical order, and where the names of before are now.

    Args:
        before: with times.
        new: with times; none of its events is one of before.
    """
    assert before.time is not None
    assert new.time is not None
    ids, then, now = {}, {}, {}
    for name in [*before.ids, *(name for name in new.ids if name not in before.ids)]:
        none = pa.array([], pa.string())
        ids[name], then[name], now[name] = _joined(before.ids.get(name, none), new.ids.get(name, none))
    item_category, categories = _categories(before, new, then.get(ITEM), now.get(ITEM))
    words, *action = _joined(*(pa.array(table.actions, pa.string()) for table in (before, new)))
    first = int(np.searchsorted(before.time, new.time[:1])[0]) if len(new) else len(before)  # what lies before stays where it is
    codes = {
        name: (_moved(then[name], before.codes.get(name), len(before)), _moved(now[name], new.codes.get(name), len(new))) for name in ids
    }
    actions = (_moved(action[0], before.action, len(before)), _moved(action[1], new.action, len(new)))
    amount, rating = _numbers(before.amount, new.amount, before, new), _numbers(before.rating, new.rating, before, new)
    written, texts = _written(before, new)
    order = _order(first, {NODE_TYPE[name].column: own for name, own in codes.items()} | {"action": actions}, ids, words, {
        "timestamp": (before.time, new.time), "amount": amount, "rating": rating,
    })  # fmt: skip

    def put(both: tuple[Array, Array]) -> Array:
        return np.concatenate([both[0][:first], np.concatenate([both[0][first:], both[1]])[order]])

    events = replace(
        before,
        ids=ids,
        codes={name: put(own) for name, own in codes.items()},
        time=put((before.time, new.time)),
        resolution="day" if before.resolution == new.resolution == "day" else "instant",
        action=put(actions).astype(np.int16),
        actions=tuple(words.to_pylist()),
        item_category=item_category,
        categories=categories,
        amount=None if amount is None else put(amount),
        rating=None if rating is None else put(rating),
        written={column: Written(values, put(texts[column])) for column, values in written.items()},
    )
    return events, Moved(before.ids, then)


def _joined(before: pa.StringArray, new: pa.StringArray) -> tuple[pa.StringArray, Int32, Int32]:
    """Sorted names of both, and the places of those of each among them."""
    at, known = places_among(before, new)
    absent = np.flatnonzero(~known)
    came = np.bincount(at[absent], minlength=len(before) + 1)[: len(before)].cumsum(dtype=np.int32)
    then = np.arange(len(before), dtype=np.int32) + came
    now = np.empty(len(new), np.int32)
    now[known], now[absent] = then[at[known]], at[absent] + np.arange(len(absent), dtype=np.int32)
    if not len(absent):
        return before, then, now
    order = np.empty(len(before) + len(absent), np.int64)
    order[then], order[now[absent]] = np.arange(len(before)), len(before) + np.arange(len(absent))
    return pa.concat_arrays([before, new.take(pa.array(absent))]).take(pa.array(order)), then, now


def _moved(place: Int32, codes: Array | None, rows: int) -> Int32:
    """(rows,) codes after names moved; −1 where there is none."""
    if codes is None:
        return np.full(rows, -1, np.int32)
    stay = not len(place) or place[-1] == len(place) - 1  # they rise
    return codes if stay and codes.dtype == np.int32 else np.append(place, np.int32(-1))[codes]


def _categories(before: EventTable, new: EventTable, then: Int32 | None, now: Int32 | None) -> tuple[Int32, tuple[str, ...]]:
    """(items,) the category of each: the one of before, or else what new events tell."""
    if then is None or now is None:
        return before.item_category, before.categories
    words, *place = _joined(*(pa.array(table.categories, pa.string()) for table in (before, new)))
    found = np.full(int(max(then.max(initial=-1), now.max(initial=-1))) + 1, -1, np.int32)
    found[now] = _moved(place[1], new.item_category, len(now))
    was = _moved(place[0], before.item_category, len(then))
    found[then] = np.where(was >= 0, was, found[then])
    used = np.unique(found[found >= 0])
    kept = np.full(len(words) + 1, -1, np.int32)
    kept[used] = np.arange(len(used), dtype=np.int32)
    return kept[found], tuple(words.take(pa.array(used)).to_pylist())


def _numbers(one: Numbers | None, other: Numbers | None, before: EventTable, new: EventTable) -> tuple[Numbers, Numbers] | None:
    """The columns of both, filled up where one of them has none."""
    given = one if one is not None else other
    if given is None:
        return None
    filled = [np.full(len(table), np.nan, given.dtype) if own is None else own for table, own in ((before, one), (new, other))]
    return filled[0], filled[1]


def _written(before: EventTable, new: EventTable) -> tuple[dict[str, pa.LargeStringArray], dict[str, tuple[Array, Array]]]:
    """Column → values of before, then those that are new; and the codes of both."""
    values, codes = {}, {}
    for column in [*before.written, *(column for column in new.written if column not in before.written)]:
        one, other = before.written.get(column), new.written.get(column)
        values[column] = pa.array([], pa.large_string()) if one is None else one.values
        place = np.zeros(0, np.int32)
        if other is not None:
            known = pc.fill_null(pc.index_in(other.values, value_set=values[column]), -1).to_numpy(zero_copy_only=False)
            absent = np.flatnonzero(known < 0)
            place = np.array(known, np.int32)
            place[absent] = len(values[column]) + np.arange(len(absent), dtype=np.int32)
            if len(absent):
                values[column] = pa.concat_arrays([values[column], other.values.take(pa.array(absent))])
        ours = np.full(len(before), -1, np.int32) if one is None else one.code
        theirs = np.full(len(new), -1, np.int32) if other is None else np.append(place, np.int32(-1))[other.code]
        codes[column] = (ours, theirs)
    return values, codes


def _order(
    first: int,
    codes: Mapping[str, tuple[Array, Array]],
    ids: Mapping[str, pa.StringArray],
    words: pa.StringArray,
    numbers: Mapping[str, tuple[Array, Array] | None],
) -> npt.NDArray[np.int32]:
    """The order of rows from `first` on and of what came."""

    def tail(both: tuple[Array, Array]) -> Array:
        return np.concatenate([both[0][first:], both[1]])

    names = {NODE_TYPE[name].column: own for name, own in ids.items()} | {"action": words}
    given = {column: tail(both) for column, both in numbers.items() if both is not None}
    given |= {column: own.astype(np.float64) for column, own in given.items() if own.dtype == np.float32}
    keys = sort_keys({column: tail(both) for column, both in codes.items()}, names, given, [])
    return canonical_order(len(given["timestamp"]), keys)[0]
