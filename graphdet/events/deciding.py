"""Which rows are events: only user and time decide over a row; whatever else cannot be read is missing from there on, and counted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.canonical import BAD, IGNORED, MISSING
from graphdet.events.header import KEY_COLUMNS
from graphdet.events.odd_values import UNREADABLE_NUMBER
from graphdet.events.opening import BROKEN
from graphdet.events.placeholders import Placeholder
from graphdet.events.reading import NUMBERS
from graphdet.events.rejecting import Causes, Rejects
from graphdet.events.table import NO_TIME
from graphdet.events.timestamps import TIMES, UNREADABLE, in_range
from graphdet.schema import IP_COLUMNS
from graphdet.settings import LogSettings

Array = npt.NDArray[Any]
LEFT_OUT = "left out, as [log] ignore or a casebook's discount says"
NO_TIME_READ, OUTSIDE = "cannot be read as a time", "a time outside the years 1970 to 2261"
_REAL = 100_000_000_000_000  # microseconds: in a log whose other times are later than 1973, a time of 0 is none
# days that programs write for no time at all: 0001-01-01 (.NET), 1899-12-30 and 1900-01-01 (spreadsheets, SQL Server), 9999-12-31
_NO_DAYS = (-62_135_596_800_000_000, -2_209_161_600_000_000, -2_208_988_800_000_000, 253_402_214_400_000_000)
_AROUND = 100_000_000_000  # microseconds: by which zones and the last second of a day differ from these
_TOTALS = (
    *("total", "totals", "subtotal", "grand total", "sum", "gesamt", "gesamtsumme", "summe", "zwischensumme", "suma", "somme", "totale"),
    *("totaal", "razem", "celkem", "итого", "всего", "合计", "总计", "小计", "总和", "合計", "総計", "小計", "합계", "총계"),
)


@dataclass
class LeftOut:
    """Values that count as missing, though something stands there.

    Attributes:
        placeholders: names that stand for none known.
        suspicious: keys of a telling form that very many hold.
        ignored: keys that the settings name.
        unreadable: column → rows whose value there cannot be read.
        zero_times: times of 0 where all others are later than 1973.
        no_days: times that programs write for none, such as 9999-12-31.
        read_as: words for actions that are read as ours.
        agreeing: rows that agree with others in all that is ours, and differ in other columns; they are kept.
    """

    placeholders: list[Placeholder] = field(default_factory=list)
    suspicious: list[Placeholder] = field(default_factory=list)
    ignored: list[Placeholder] = field(default_factory=list)
    unreadable: dict[str, int] = field(default_factory=dict)
    zero_times: int = 0
    no_days: int = 0
    read_as: Mapping[str, str] = field(default_factory=dict)
    agreeing: int = 0


def find_rejects(
    rows: int,
    named: Mapping[str, Array],
    names: Mapping[str, pa.StringArray],
    numbers: Mapping[str, Array],
    settings: LogSettings,
    headers: Mapping[str, frozenset[str]],
) -> Rejects:
    """The first cause in this order counts.

    Args:
        names: the names that the codes of `named` are.
        headers: our column → how files call it.
    """
    causes = Causes(rows)
    if "broken" in numbers:
        for code, reason in BROKEN.items():
            causes.reject("", reason, numbers["broken"] == code)
    if "user_id" in named:
        causes.reject("", "the header again", _repeat_headers(named, names, headers))
        causes.reject("user_id", "a line of totals", _totals(named, names, numbers, settings))
    too_long = f"longer than {settings.max_id_characters} characters"
    if "user_id" in named:
        causes.reject("user_id", too_long, named["user_id"] == BAD)
    for column in TIMES:
        if column in numbers:
            causes.reject(column, NO_TIME_READ, numbers[column] == UNREADABLE)
            causes.reject(column, OUTSIDE, ~in_range(numbers[column]) & (numbers[column] != NO_TIME))
    if "user_id" in named:
        causes.reject("user_id", "no user_id", named["user_id"] == MISSING)
        causes.reject("user_id", LEFT_OUT, named["user_id"] == IGNORED)
    keys = [column for column in KEY_COLUMNS if column in named]
    nothing = np.all([named[column] < 0 for column in keys], axis=0) if keys else np.ones(rows, np.bool_)
    for column in keys:  # a value that cannot be read costs the row where nothing else is left of it
        causes.reject(column, "not an IP address" if column in IP_COLUMNS else too_long, nothing & (named[column] == BAD))
    causes.reject("", f"none of {', '.join(KEY_COLUMNS)}", nothing)
    return causes.rejects()


def _repeat_headers(
    named: Mapping[str, Array], names: Mapping[str, pa.StringArray], headers: Mapping[str, frozenset[str]]
) -> npt.NDArray[np.bool_]:
    """Rows that say what their columns are called, as files have them that were put together."""
    columns = [column for column in ("user_id", *KEY_COLUMNS) if column in named and column in headers]
    codes = {column: _codes_of(names[column], headers[column]) for column in columns}
    if len(columns) < 2 or not codes["user_id"]:
        return np.zeros(len(named["user_id"]), np.bool_)
    repeats: npt.NDArray[np.bool_] = np.all([np.isin(named[column], codes[column]) | (column in IP_COLUMNS) for column in columns], axis=0)
    return repeats


def _totals(
    named: Mapping[str, Array], names: Mapping[str, pa.StringArray], numbers: Mapping[str, Array], settings: LogSettings
) -> npt.NDArray[np.bool_]:
    """Rows without a time whose user is a word for all of them, as reports end with."""
    words = {word + mark for word in _TOTALS for mark in ("", ":")} - {word.strip().lower() for word in settings.genuine}
    codes = _codes_of(names["user_id"], words)
    found = np.isin(named["user_id"], codes) if codes else np.zeros(len(named["user_id"]), np.bool_)
    return found & (numbers["timestamp"] == NO_TIME) if "timestamp" in numbers else found


def _codes_of(names: pa.StringArray, words: Collection[str]) -> list[int]:
    """The codes of the names that are one of some words in small letters, in capitals, or with one."""
    found = []
    for word in sorted({way for one in words for way in (one, one.upper(), one.capitalize(), one.title())}):
        code = bisect_left(names, word.encode(), key=lambda name: name.as_py().encode())  # names are in the order of their UTF-8 bytes
        if code < len(names) and names[code].as_py() == word:
            found.append(code)
    return found


def without_unreadable(named: dict[str, Array], numbers: dict[str, Array]) -> dict[str, int]:
    """Column → rows whose value there cannot be read: a missing one from here on."""
    found = {}
    for column, codes in named.items():
        bad = codes == BAD
        if bad.any():
            found[column] = int(bad.sum())
            codes[bad] = MISSING
    for column in NUMBERS:
        if column in numbers:
            bad = numbers[column] == UNREADABLE_NUMBER
            if bad.any():
                found[column] = int(bad.sum())
                numbers[column][bad] = np.nan
    return found


def without_zero_times(numbers: Mapping[str, Array]) -> int:
    """Times of 0 in a log of real times are no times; how many there were."""
    time = numbers.get("timestamp")
    if time is None or not (zero := time == 0).any():
        return 0
    others = time[(time > 0)]
    if not len(others) or others.min() < _REAL:
        return 0
    time[zero] = NO_TIME
    return int(zero.sum())


def without_no_days(numbers: Mapping[str, Array]) -> int:
    """Times that programs write for none are no times; how many there were."""
    time = numbers.get("timestamp")
    if time is None:
        return 0
    outside = np.flatnonzero(~in_range(time) & (time != NO_TIME) & (time != UNREADABLE))
    none = outside[np.any([np.abs(time[outside] - day) < _AROUND for day in _NO_DAYS], axis=0)] if len(outside) else outside
    time[none] = NO_TIME
    return len(none)
