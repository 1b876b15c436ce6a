"""Record batches of all files → one `EventTable`: codes, rejects, duplicates and the canonical order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet import _kernels
from graphdet.events.canonical import BAD, MISSING, Cleaning, Names, canonical_names
from graphdet.events.coding import Key, Rows, canonical_order, repeated_keys
from graphdet.events.collecting import Collector
from graphdet.events.deciding import LeftOut, find_rejects, without_no_days, without_unreadable, without_zero_times
from graphdet.events.items import FACTS, Catalogue, join_catalogue, read_catalogue
from graphdet.events.placeholders import Placeholder, suspicious
from graphdet.events.reading import NUMBERS, WRITTEN
from graphdet.events.rejecting import Causes, Rejects
from graphdet.events.table import NO_TIME, Written
from graphdet.schema import ITEM, NODE_TYPES
from graphdet.settings import LogSettings

Array = npt.NDArray[Any]
NO_HEADERS: Mapping[str, frozenset[str]] = {}


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
    apart: Mapping[
        str, npt.NDArray[np.uint64]
    ]  # event_a, event_b and digest of each event, as far as they were read; empty unless asked for
    written: dict[str, Written]


def canonical_codes(collector: Collector, settings: LogSettings) -> tuple[dict[str, Names], dict[str, npt.NDArray[np.int32]], LeftOut]:
    """Canonical names of each column, each row's code among them, and what was left out on the way."""
    cleaning = Cleaning.of(settings)

    def recode(column: str) -> tuple[Names, npt.NDArray[np.int32], dict[int, int], int]:
        raw, codes = collector.dictionaries.pop(column).take(), collector.take(column)
        assert codes is not None
        canonical = canonical_names(column, raw, codes, cleaning)
        rows, valued = {}, 0
        if canonical.nobodys or canonical.ignored:
            counts = np.bincount(codes[codes >= 0], minlength=len(canonical.codes))
            rows = {place: int(counts[place]) for place in (*canonical.nobodys, *canonical.ignored)}
            valued = int(counts.sum())
        return canonical, np.append(canonical.codes, np.int32(MISSING))[codes], rows, valued  # −1 is the last

    columns = [column for column in collector.dictionaries if column not in WRITTEN]
    found = dict(zip(columns, collector.pool.map(recode, columns), strict=True))
    left_out = LeftOut(read_as=found["action"][0].read_as if "action" in found else {})
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


def assemble(
    collector: Collector,
    catalogue: Catalogue | None,
    settings: LogSettings,
    headers: Mapping[str, frozenset[str]] = NO_HEADERS,
    *,
    apart: bool = False,
) -> Events:
    """Canonical names and codes, rejects and duplicates out, rows in canonical order.

    Args:
        headers: our column → how files call it, in small letters.
        apart: keep what tells events apart beside their columns, for those who read a log in parts.
    """
    canonical, named, left_out = canonical_codes(collector, settings)
    names = {column: found.names for column, found in canonical.items()}
    given = ("timestamp", *NUMBERS, "event_a", "event_b", "digest", "broken")
    taken = zip(given, collector.pool.map(collector.take, given), strict=True)
    numbers = {name: values for name, values in taken if values is not None}
    said = {column: collector.dictionaries.pop(column).take() for column in WRITTEN if column in collector.dictionaries}
    numbers |= {column: codes for column in said if (codes := collector.take(column)) is not None}
    left_out.suspicious = suspicious(named, names, settings)
    left_out.no_days = without_no_days(numbers)
    left_out.zero_times = without_zero_times(numbers)
    rejects = find_rejects(collector.rows, named, names, numbers, settings, headers)
    rows = None
    if len(rejects.rows):
        rows = np.delete(np.arange(collector.rows), rejects.rows)
        named = {column: codes[rows] for column, codes in named.items()}
        numbers = {column: values[rows] for column, values in numbers.items()}
    left_out.unreadable = without_unreadable(named, numbers)

    if catalogue is not None:
        join_catalogue(catalogue, names, named)
    tied: list[int] = []
    order, repeats = canonical_order(collector.rows - len(rejects.rows), sort_keys(named, names, numbers, tied))
    if tied and "event_a" not in numbers:
        left_out.agreeing = tied[0] - int(np.count_nonzero(repeats | np.append(repeats[1:], False)))
    kept = {name: numbers[name] for name in ("event_a", "event_b", "digest") if apart and name in numbers}
    differing = 0
    if "event_a" in numbers:
        again = repeated_keys(numbers.pop("event_a")[order], numbers.pop("event_b")[order])
        differing = int((again & ~repeats).sum())
        repeats |= again
    for name in ("digest", "broken"):
        numbers.pop(name, None)
    duplicates = order[repeats].astype(np.int64)
    order = order[~repeats] if len(duplicates) else order
    named = dict(collector.pool.map(lambda item: (item[0], item[1][order]), list(named.items())))
    numbers = dict(collector.pool.map(lambda item: (item[0], item[1][order]), list(numbers.items())))
    told_apart: dict[str, npt.NDArray[np.uint64]] = {name: values[order] for name, values in kept.items()}
    written = {column: Written(own, numbers.pop(column)) for column, own in said.items()}
    again_rows = duplicates if rows is None else rows[duplicates]
    return _build(named, names, numbers, len(order), rejects, again_rows, differing, left_out, told_apart, written)


def sort_keys(
    named: Mapping[str, Array], names: Mapping[str, pa.StringArray], numbers: Mapping[str, Array], tied: list[int]
) -> Iterator[Key]:
    """Unsigned keys in the order of `EventTable`'s contract, then all else that tells rows apart. Codes share keys as far as 64 bits go.

    `tied` is told how many rows agree with others in all but the digest.
    """

    def digested(rows: Rows) -> npt.NDArray[np.uint64]:
        tied.append(len(rows))
        found: npt.NDArray[np.uint64] = numbers["digest"][rows]
        return found

    if "timestamp" in numbers:
        yield partial(_kernels.since_first, numbers["timestamp"], int(NO_TIME))
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
            yield numbers[column].__getitem__


def _packed(columns: list[tuple[Array, int]], rows: Rows) -> npt.NDArray[np.uint64]:
    """Several codes side by side in one key, each in so many bits; −1 becomes 0."""
    key = np.zeros(len(rows), np.uint64)
    for codes, bits in columns:
        _kernels.append_codes(key, codes, rows, bits)
    return key


def _sortable(numbers: npt.NDArray[np.float64], rows: Rows) -> npt.NDArray[np.uint64]:
    """Unsigned integers in the order of finite numbers; not a number comes last."""
    values = numbers[rows] + 0.0
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
    apart: Mapping[str, npt.NDArray[np.uint64]],
    written: dict[str, Written],
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
    if len(categories):  # a category is an item's: rows without an item tell none
        item_category = commonest(codes[ITEM], category, len(item_category), len(categories)) if ITEM in codes else item_category
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
        apart=apart,
        written={column: one for column, one in written.items() if (one.code >= 0).any()},
    )


def _used_only(codes: npt.NDArray[np.int32], names: pa.StringArray) -> tuple[pa.StringArray, npt.NDArray[np.int32]]:
    """The names that some row uses, and the codes among these."""
    used = np.zeros(len(names) + 1, np.bool_)  # with a last place for −1
    used[codes] = True
    used[-1] = False
    if used[:-1].all():
        return names, codes
    place = np.where(used, np.cumsum(used, dtype=np.int32) - np.int32(1), np.int32(MISSING))
    return names.filter(pa.array(used[:-1])), place[codes]


def commonest(key: npt.NDArray[np.int32], value: npt.NDArray[np.int32], keys: int, values: int) -> npt.NDArray[np.int32]:
    """(keys,) the value that most rows of each key have, ties to the smaller; −1 where none has one."""
    found, several = _kernels.first_values(key, value, keys)
    if several.any():
        rows = np.flatnonzero((key >= 0) & (value >= 0) & (several[key] > 0))
        pairs, counts = np.unique(key[rows].astype(np.int64) * values + value[rows], return_counts=True)
        by_count = np.lexsort((-(pairs % values), counts))
        found[pairs[by_count] // values] = pairs[by_count] % values  # the last write wins: the largest count, then the smallest value
    return found
