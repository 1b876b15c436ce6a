"""Which rows are events: only user and time decide over a row; whatever else cannot be read is missing from there on, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphdet.events.canonical import BAD, IGNORED, MISSING
from graphdet.events.header import KEY_COLUMNS
from graphdet.events.odd_values import UNREADABLE_NUMBER
from graphdet.events.placeholders import Placeholder
from graphdet.events.reading import NUMBERS
from graphdet.events.rejecting import Causes, Rejects
from graphdet.events.table import NO_TIME
from graphdet.events.timestamps import TIMES, in_range
from graphdet.schema import IP_COLUMNS
from graphdet.settings import LogSettings

Array = npt.NDArray[Any]
LEFT_OUT = "left out, as [log] ignore or a casebook's discount says"
_REAL = 100_000_000_000_000  # microseconds: in a log whose other times are later than 1973, a time of 0 is none


@dataclass
class LeftOut:
    """Values that count as missing, though something stands there.

    Attributes:
        placeholders: names that stand for none known.
        suspicious: keys of a telling form that very many hold.
        ignored: keys that the settings name.
        unreadable: column → rows whose value there cannot be read.
        zero_times: times of 0 where all others are later than 1973.
        agreeing: rows that agree with others in all that is ours, and differ in other columns; they are kept.
    """

    placeholders: list[Placeholder] = field(default_factory=list)
    suspicious: list[Placeholder] = field(default_factory=list)
    ignored: list[Placeholder] = field(default_factory=list)
    unreadable: dict[str, int] = field(default_factory=dict)
    zero_times: int = 0
    agreeing: int = 0


def find_rejects(rows: int, named: Mapping[str, Array], numbers: Mapping[str, Array], settings: LogSettings) -> Rejects:
    """The first cause in this order counts."""
    causes = Causes(rows)
    if "broken" in numbers:
        causes.reject("", "not a JSON object", numbers["broken"] != 0)
    too_long = f"longer than {settings.max_id_characters} characters"
    if "user_id" in named:
        causes.reject("user_id", too_long, named["user_id"] == BAD)
    for column in TIMES:
        if column in numbers:
            causes.reject(column, "not a time in the years 1970 to 2261", ~in_range(numbers[column]) & (numbers[column] != NO_TIME))
    if "user_id" in named:
        causes.reject("user_id", "no user_id", named["user_id"] == MISSING)
        causes.reject("user_id", LEFT_OUT, named["user_id"] == IGNORED)
    keys = [column for column in KEY_COLUMNS if column in named]
    nothing = np.all([named[column] < 0 for column in keys], axis=0) if keys else np.ones(rows, np.bool_)
    for column in keys:  # a value that cannot be read costs the row where nothing else is left of it
        causes.reject(column, "not an IP address" if column in IP_COLUMNS else too_long, nothing & (named[column] == BAD))
    causes.reject("", f"none of {', '.join(KEY_COLUMNS)}", nothing)
    return causes.rejects()


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
