"""Record batches of all files → one `EventTable`: codes, rejects, duplicates and the canonical order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.canonical import BAD, MISSING, Cleaning, Names, canonical_names
from graphdet.events.coding import Key, Rows, canonical_order, repeated_keys, taken
from graphdet.events.collecting import Collector
from graphdet.events.deciding import LeftOut, find_rejects, without_unreadable, without_zero_times
from graphdet.events.items import FACTS, Catalogue, join_catalogue, read_catalogue
from graphdet.events.placeholders import Placeholder, suspicious
from graphdet.events.reading import NUMBERS
from graphdet.events.rejecting import Causes, Rejects
from graphdet.events.table import NO_TIME
from graphdet.schema import ITEM, NODE_TYPES
from graphdet.settings import LogSettings

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Events:
    """The accepted events in canonical order, and what was left out; see `EventTable` for the columns."""

    ids: dict[str, pa.StringArray]
    codes: dict[str, npt.NDArray[np.int32]]
    time: npt.NDArray[np.int64] | None
    action: npt.NDArray[np.int16]
    actions: tuple[str, ...]
    item_category: npt.NDArray[np.int32]
    categories: pa.StringArray
    amount: npt.NDArray[np.float64] | None
    rating: npt.NDArray[np.float32] | None
    rejects: Rejects
    duplicates: npt.NDArray[np.int64]  # positions in the order read
    differing: int  # duplicates by event_id whose rows differ
    left_out: LeftOut


def canonical_codes(collector: Collector, settings: LogSettings) -> tuple[dict[str, Names], dict[str, npt.NDArray[np.int32]], LeftOut]:
    """Canonical names of each column, each row's code among them, and what was left out on the way."""
    cleaning = Cleaning.of(settings)

    def recode(column: str) -> tuple[Names, npt.NDArray[np.int32], dict[int, int], int]:
        canonical = canonical_names(column, collector.dictionaries.pop(column).names(), cleaning)
        codes = collector.take(column)
        assert codes is not None
        rows, valued = {}, 0
        if canonical.nobodys or canonical.ignored:
            counts = np.bincount(codes[codes >= 0], minlength=len(canonical.codes))
            rows = {place: int(counts[place]) for place in (*canonical.nobodys, *canonical.ignored)}
            valued = int(counts.sum())
        _recode(codes, np.append(canonical.codes, np.int32(MISSING)))
        return canonical, codes, rows, valued

    columns = list(collector.dictionaries)
    found = dict(zip(columns, collector.pool.map(recode, columns), strict=True))
    left_out = LeftOut()
    for column, (canonical, _, rows, valued) in found.items():
        for names, into in ((canonical.nobodys, left_out.placeholders), (canonical.ignored, left_out.ignored)):
            into += [Placeholder(column, name, rows[place], rows[place] / valued) for place, name in names.items() if rows[place]]
    return {column: names for column, (names, *_) in found.items()}, {column: codes for column, (_, codes, *_) in found.items()}, left_out


@dataclass(frozen=True)
class CatalogueRows:
    """An item catalogue, and its rows that were left out."""

    catalogue: Catalogue
    rejects: Rejects
    duplicates: npt.NDArray[np.int64]


def assemble_catalogue(collector: Collector, settings: LogSettings) -> CatalogueRows:
    """What the catalogue files say about items."""
    names, codes, _ = canonical_codes(collector, settings)
    causes = Causes(collector.rows)
    causes.reject("item_id", "no item_id", codes["item_id"] == MISSING)
    causes.reject("item_id", f"longer than {settings.max_id_characters} characters", codes["item_id"] == BAD)
    rejects = causes.rejects()
    rows = np.delete(np.arange(collector.rows), rejects.rows)
    kept = {column: codes[column][rows] for column in ("item_id", *FACTS) if column in codes}
    order, repeats = canonical_order(len(rows), [partial(_packed, [(values, 32)]) for values in kept.values()])
    return CatalogueRows(read_catalogue(names, codes), rejects, rows[order[repeats]])


def assemble(collector: Collector, catalogue: Catalogue | None, settings: LogSettings) -> Events:
    """Canonical names and codes, rejects and duplicates out, rows in canonical order."""
    canonical, named, left_out = canonical_codes(collector, settings)
    names = {column: found.names for column, found in canonical.items()}
    given = ("timestamp", *NUMBERS, "event_a", "event_b", "digest", "broken")
    numbers = {name: values for name in given if (values := collector.take(name)) is not None}
    left_out.suspicious = suspicious(named, names, settings)
    left_out.zero_times = without_zero_times(numbers)
    rejects = find_rejects(collector.rows, named, numbers, settings)
    rows = None
    if len(rejects.rows):
        rows = np.delete(np.arange(collector.rows), rejects.rows)
        named = {column: codes[rows] for column, codes in named.items()}
        numbers = {column: values[rows] for column, values in numbers.items()}
    left_out.unreadable = without_unreadable(named, numbers)

    if catalogue is not None:
        join_catalogue(catalogue, names, named)
    tied: list[int] = []
    order, repeats = canonical_order(collector.rows - len(rejects.rows), _sort_keys(named, names, numbers, tied))
    if tied and "event_a" not in numbers:
        left_out.agreeing = tied[0] - int(np.count_nonzero(repeats | np.append(repeats[1:], False)))
    differing = 0
    if "event_a" in numbers:
        again = repeated_keys(taken(numbers.pop("event_a"), order), taken(numbers.pop("event_b"), order))
        differing = int((again & ~repeats).sum())
        repeats |= again
    for name in ("digest", "broken"):
        numbers.pop(name, None)
    duplicates = order[repeats].astype(np.int64)
    order = order[~repeats] if len(duplicates) else order
    named = dict(collector.pool.map(lambda item: (item[0], taken(item[1], order)), list(named.items())))
    numbers = {column: taken(values, order) for column, values in numbers.items()}
    return _build(named, names, numbers, len(order), rejects, duplicates if rows is None else rows[duplicates], differing, left_out)


def _sort_keys(
    named: Mapping[str, Array], names: Mapping[str, pa.StringArray], numbers: Mapping[str, Array], tied: list[int]
) -> Iterator[Key]:
    """Unsigned keys in the order of `EventTable`'s contract, then all else that tells rows apart. Codes share keys as far as 64 bits go.

    `tied` is told how many rows agree with others in all but the digest.
    """

    def digested(rows: Rows) -> npt.NDArray[np.uint64]:
        tied.append(len(rows))
        found: npt.NDArray[np.uint64] = taken(numbers["digest"], rows)
        return found

    if "timestamp" in numbers:
        yield partial(_since_first, numbers["timestamp"])
    packed: list[tuple[Array, int]] = []
    for column in [*(node_type.column for node_type in NODE_TYPES), "action"]:
        if column in named:
            bits = len(names[column]).bit_length()
            if sum(used for _, used in packed) + bits > 64:
                yield partial(_packed, packed)
                packed = []
            packed.append((named[column], bits))
    yield partial(_packed, packed)
    for column in NUMBERS:
        if column in numbers:
            yield partial(_sortable, numbers[column])
    if "category" in named:
        yield partial(_packed, [(named["category"], 32)])
    if "digest" in numbers:
        yield digested
    for column in ("event_a", "event_b"):
        if column in numbers:
            yield partial(taken, numbers[column])


def _packed(columns: list[tuple[Array, int]], rows: Rows) -> npt.NDArray[np.uint64]:
    """Several codes side by side in one key, each in so many bits; −1 becomes 0."""
    key = np.zeros(len(rows), np.uint64)
    for codes, bits in columns:
        _append_code(key, codes, rows, bits)
    return key


@numba.njit(cache=True, nogil=True)
def _append_code(key: Any, codes: Any, rows: Any, bits: int) -> None:
    for i in range(len(rows)):
        key[i] = (key[i] << np.uint64(bits)) | np.uint64(codes[rows[i]] + 1)


@numba.njit(cache=True, nogil=True)
def _since_first(time: Any, rows: Any) -> Any:
    """Times from 1 on, in whole seconds where all are; 0 where there is none."""
    first = np.int64(2**62)
    for i in range(len(time)):
        if time[i] != NO_TIME and time[i] < first:
            first = time[i]
    unit = np.int64(1_000_000)
    for i in range(len(time)):
        if time[i] != NO_TIME and (time[i] - first) % unit != 0:
            unit = np.int64(1)
            break
    key = np.zeros(len(rows), np.uint64)
    for i in range(len(rows)):
        if time[rows[i]] != NO_TIME:
            key[i] = np.uint64((time[rows[i]] - first) // unit + 1)
    return key


def _sortable(numbers: npt.NDArray[np.float64], rows: Rows) -> npt.NDArray[np.uint64]:
    """Unsigned integers in the order of finite numbers; not a number comes last."""
    values = taken(numbers, rows) + 0.0
    bits = values.view(np.uint64)
    top = np.uint64(1 << 63)
    return np.where(np.isnan(values), ~np.uint64(0), np.where(bits & top, ~bits, bits | top))


def _build(
    named: dict[str, Array],
    names: dict[str, pa.StringArray],
    numbers: dict[str, Array],
    rows: int,
    rejects: Rejects,
    duplicates: npt.NDArray[np.int64],
    differing: int,
    left_out: LeftOut,
) -> Events:
    ids: dict[str, pa.StringArray] = {}
    codes: dict[str, npt.NDArray[np.int32]] = {}
    for node_type in NODE_TYPES:
        column = node_type.column
        if column in named:
            used, compact = _used_only(named.pop(column), names[column])
            if len(used):
                ids[node_type.name], codes[node_type.name] = used, compact
    empty = pa.array([], pa.string())
    ids.setdefault("user", empty)
    codes.setdefault("user", np.zeros(0, np.int32))
    words, action = _used_only(named["action"], names["action"]) if "action" in named else (empty, np.full(rows, MISSING, np.int32))
    categories, category = _used_only(named["category"], names["category"]) if "category" in named else (empty, np.zeros(0, np.int32))
    item_category = np.full(len(ids.get(ITEM, ())), MISSING, np.int32)
    if len(categories) and ITEM in codes:
        item_category = commonest(codes[ITEM], category, len(item_category), len(categories))
        categories, item_category = _used_only(item_category, categories)
    time = numbers.get("timestamp")
    amount, rating = numbers.get("amount"), numbers.get("rating")
    return Events(
        ids=ids,
        codes=codes,
        time=time if time is not None and np.any(time != NO_TIME) else None,
        action=action.astype(np.int16),
        actions=tuple(words.to_pylist()),
        item_category=item_category,
        categories=categories,
        amount=amount if amount is not None and not np.isnan(amount).all() else None,
        rating=rating.astype(np.float32) if rating is not None and not np.isnan(rating).all() else None,
        rejects=rejects,
        duplicates=duplicates,
        differing=differing,
        left_out=left_out,
    )


def _used_only(codes: npt.NDArray[np.int32], names: pa.StringArray) -> tuple[pa.StringArray, npt.NDArray[np.int32]]:
    """The names that some row uses, and the codes among these, changed in place."""
    used = _marked(codes, len(names))
    if used.all():
        return names, codes
    place = np.full(len(names) + 1, MISSING, np.int32)
    place[:-1][used] = np.arange(used.sum(), dtype=np.int32)
    _recode(codes, place)
    return names.filter(pa.array(used)), codes


def commonest(key: npt.NDArray[np.int32], value: npt.NDArray[np.int32], keys: int, values: int) -> npt.NDArray[np.int32]:
    """(keys,) the value that most rows of each key have, ties to the smaller; −1 where none has one."""
    found: npt.NDArray[np.int32]
    found, mixed = _first_values(key, value, keys)
    if mixed.any():
        rows = np.flatnonzero((key >= 0) & (value >= 0) & mixed[key])
        pairs, counts = np.unique(key[rows].astype(np.int64) * values + value[rows], return_counts=True)
        by_count = np.lexsort((-(pairs % values), counts))
        found[pairs[by_count] // values] = pairs[by_count] % values  # the last write wins: the largest count, then the smallest value
    return found


@numba.njit(cache=True, nogil=True)
def _first_values(key: Any, value: Any, keys: int) -> Any:
    """The first value of each key, and which keys have several."""
    found = np.full(keys, -1, np.int32)
    mixed = np.zeros(keys, np.bool_)
    for i in range(len(key)):
        if key[i] >= 0 and value[i] >= 0:
            if found[key[i]] < 0:
                found[key[i]] = value[i]
            elif found[key[i]] != value[i]:
                mixed[key[i]] = True
    return found, mixed


@numba.njit(cache=True, nogil=True)
def _recode(codes: Any, place: Any) -> None:
    """Set every code to place[code]; code −1 reads the last place."""
    for i in range(len(codes)):
        codes[i] = place[codes[i]] if codes[i] >= 0 else place[len(place) - 1]


@numba.njit(cache=True, nogil=True)
def _marked(codes: Any, size: int) -> Any:
    marked = np.zeros(size, np.bool_)
    for i in range(len(codes)):
        if codes[i] >= 0:
            marked[codes[i]] = True
    return marked
