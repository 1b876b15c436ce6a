"""A column of times in any of the usual writings → a DuckDB expression for microseconds since 1970 UTC.

ISO 8601 with or without a zone, bare dates, compact 20240102, and epoch seconds, milliseconds, microseconds or nanoseconds, which the
magnitude tells apart, may be mixed inside one column, and DuckDB reads them. All others are odd, and `odd_values.py` reads them.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from graphdet.errors import SettingsError
from graphdet.events.forms import TimeForm
from graphdet.schema.zones import offset_of
from graphdet.settings import LogSettings

TIMES = ("timestamp", "known_at")  # our columns that hold times
UNREADABLE = -1
ODD = -2
_EXCEL_EPOCH = 25_569  # 1970-01-01, in days since 1900 as spreadsheets count them
_DAYS = {"excel": _EXCEL_EPOCH, "excel1904": _EXCEL_EPOCH - 1_462, "julian": 2_440_587.5}  # word → 1970-01-01 in days of that count
_COUNTS = {  # word → microseconds of one, as a fraction, and microseconds since 1970 of its nought
    "seconds": (1_000_000, 1, 0),
    "milliseconds": (1_000, 1, 0),
    "microseconds": (1, 1, 0),
    "nanoseconds": (1, 1_000, 0),
    "ticks": (1, 10, -62_135_596_800_000_000),  # of .NET, since the year 1
    "filetime": (1, 10, -11_644_473_600_000_000),  # of Windows, since 1601
    "webkit": (1, 1, -11_644_473_600_000_000),  # of browsers, since 1601
}
UNITS = (*_DAYS, *_COUNTS)


@dataclass(frozen=True)
class OddCount:
    """A kind of numbers that are times of other counts than seconds since 1970, though they could be read as these.

    Attributes:
        first, last: the numbers that such times have.
        told: what they look like.
        settings: what settles it, for the setting `timestamp_format`.
        pattern: that its digits must match, '' = any.
    """

    first: float
    last: float
    told: str
    settings: str
    pattern: str = ""

    def fits(self, text: str) -> bool:
        digits = text.removesuffix(".0")
        return self.first <= float(text) <= self.last and (not self.pattern or bool(re.fullmatch(self.pattern, digits)))


ODD_COUNTS = (
    OddCount(20_000, 80_000, "an Excel serial date (days since 1900), and would be 1970 as seconds", '"excel" or "seconds"'),
    OddCount(1970, 2100, "a year, and would be 1970 as seconds", '"%Y" or "seconds"', r"\d{4}"),
    OddCount(197001, 210012, "a year and month, and would be 1970 as seconds", '"%Y%m" or "seconds"', r"(19|20|21)\d{2}(0[1-9]|1[0-2])"),
    OddCount(
        *(100_101, 351_231, "a date of two-digit year, and would be 1970 as seconds", '"%y%m%d" or "seconds"'),
        r"\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    ),
    OddCount(2_440_588, 2_488_100, "a Julian day, and would be January 1970 as seconds", '"julian" or "seconds"'),
    OddCount(127 * 10**14, 142 * 10**14, "microseconds since 1601, and would be 1970 as nanoseconds", '"webkit" or "nanoseconds"'),
    OddCount(127 * 10**15, 142 * 10**15, "a FILETIME of Windows, and would be 1974 as nanoseconds", '"filetime" or "nanoseconds"'),
    OddCount(621 * 10**15, 662 * 10**15, "ticks of .NET, and would be 1990 as nanoseconds", '"ticks" or "nanoseconds"'),
)  # fmt: skip
_REAL_SECONDS = 10_000_000  # seconds since 1970, or since a start of the log's own, are more
EARLIEST_REFUSED = 9_214_646_400_000_000  # 2262-01-01: nanosecond clocks end there, and nothing true lies beyond

SPACES = " \t\r\n\x0b\x0c\u00a0\u3000\ufeff"  # what is trimmed off every value
WHITESPACE = f"'{SPACES}'"  # the same as an SQL literal

_DATE_AND_CLOCK = r"\d{4}([-/])\d{1,2}[-/]\d{1,2}[T ]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_ISO = rf"{_DATE_AND_CLOCK}|\d{{4}}([-/])\d{{1,2}}[-/]\d{{1,2}}"
_ZONED = rf"{_DATE_AND_CLOCK}\s*(Z|UTC|GMT|[+-]\d{{1,2}}(:?\d{{2}})?|[A-Za-z_]+/[A-Za-z_/+-]+\d*)"  # CST and the like are several zones
_NUMBER = r"\d+(\.\d*)?([eE]\+?\d+)?"


def check_zone(zone: str) -> None:
    """Raises:
    SettingsError: the zone is neither an offset nor an IANA name.
    """
    if offset_of(zone) is not None:
        return
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            f'log.timezone = {zone!r}: no such zone; write an IANA name such as "Asia/Shanghai" or an offset such as "+08:00".'
        ) from None


def time_expression(column: str, kind: str, settings: LogSettings, form: TimeForm | None) -> str:
    """SQL for the microseconds of one column: NULL where it is empty, `UNREADABLE` where it is no time, `ODD` where Python must look.

    Whether a time lies in the years 1970 … 2261 is for the caller to look at (`in_range`).

    Args:
        column: the column as SQL.
        kind: its DuckDB type.
        form: what its values have told; None where nobody has asked them.
    """
    zone = settings.timezone
    if form is not None and form.patterns:
        return _by_patterns(f"{column}::VARCHAR", form.patterns, settings)
    if kind == "VARCHAR":
        return f"CASE WHEN {column} <> '' THEN {_text(column, settings)} END"
    if kind == "TIMESTAMP WITH TIME ZONE" or kind.startswith("TIMESTAMPTZ"):
        instant = f"{column}::TIMESTAMPTZ"
        micros = f"CASE WHEN isfinite({instant}) THEN epoch_us({instant}) END"
    elif kind.startswith("TIMESTAMP") or kind == "DATE":
        wall = f"{column}::TIMESTAMP"
        micros = f"CASE WHEN isfinite({wall}) THEN {_local(wall, zone)} END"
    else:
        micros = _number(column, kind, zone)
    return f"CASE WHEN {column} IS NOT NULL THEN COALESCE({micros}, {UNREADABLE}) END"


def patterns_of(settings: LogSettings) -> tuple[str, ...]:
    """`timestamp_format` as several.

    Raises:
        SettingsError: one is neither a word that is known nor a pattern of strptime.
    """
    given = settings.timestamp_format
    patterns = tuple(pattern for pattern in ([given] if isinstance(given, str) else given) if pattern)
    for pattern in patterns:
        if pattern not in UNITS and "%" not in pattern:
            raise SettingsError(
                f'log.timestamp_format = {pattern!r}: write it as strptime does, such as "%d.%m.%y %H:%M", or one of {", ".join(UNITS)}.'
            )
    return patterns


def _by_patterns(text: str, patterns: Sequence[str], settings: LogSettings) -> str:
    """Only these writings are times."""
    trimmed = f"trim({text}, {WHITESPACE})"
    ways = []
    for pattern in patterns:
        quoted = "'" + pattern.replace("'", "''") + "'"
        number = f"TRY_CAST({trimmed} AS DOUBLE)"
        if pattern in _DAYS:
            days = f"TRY_CAST(round(({number} - {_DAYS[pattern]}) * 86400000) * 1000 AS BIGINT)"
            ways.append(_local(f"make_timestamp({days})", settings.timezone) if pattern != "julian" else days)
        elif pattern in _COUNTS:
            times, over, start = _COUNTS[pattern]
            whole = f"TRY_CAST({trimmed} AS BIGINT)" if times == 1 else "NULL"  # a fraction of so large a number is lost in DOUBLE
            ways.append(f"COALESCE({whole} // {over}, TRY_CAST(round({number} * {times} / {over}) AS BIGINT)) + {start}")
        elif "%z" in pattern or "%Z" in pattern:
            ways.append(f"epoch_us(try_strptime({trimmed}, {quoted}))")
        else:
            ways.append(_local(f"try_strptime({trimmed}, {quoted})", settings.timezone))
    return f"CASE WHEN {is_missing(trimmed, settings)} THEN NULL WHEN {text} IS NOT NULL THEN COALESCE({', '.join(ways)}, {UNREADABLE}) END"


def is_missing(text: str, settings: LogSettings) -> str:
    """SQL: whether a trimmed text is empty or a word for none known.

    The words stand in one string, since DuckDB would make IN a join, and copy a list for every row.
    """
    words = "".join(f"\x1f{word.strip().lower()}" for word in ("", *settings.missing) if not word.strip().isdecimal())
    quoted = words.replace("'", "''")
    return f"contains('{quoted}\x1f', '\x1f' || lower({text}) || '\x1f')"


def _local(wall: str, zone: str) -> str:
    """Microseconds of a wall clock time in `zone`."""
    offset = offset_of(zone)
    if offset is not None:
        return f"(epoch_us({wall}) - {offset})"
    return f"epoch_us({wall})" if zone == "UTC" else f"epoch_us(timezone('{zone}', {wall}))"


def _text(column: str, settings: LogSettings) -> str:
    """The commonest writings are told by LIKE and cast untrimmed, since a trim or a regular expression costs more than the cast."""
    zone = settings.timezone
    wall = f"TRY_CAST({column} AS TIMESTAMP)"
    text = f"trim({column}, {WHITESPACE})"
    point = f"replace({text}, ',', '.')"
    bare = rf"""{column} LIKE '____-__-_____:__:__' OR {column} LIKE '____-__-__'
            OR {column} LIKE '____-__-_____:__:__.%' AND regexp_full_match({column}, '.{{20}}\d+')"""
    utc = rf"""{column} LIKE '____-__-_____:__:__Z'
            OR {column} LIKE '____-__-_____:__:__.%Z' AND regexp_full_match({column}, '.{{20}}\d+Z')"""
    refused = f"CASE WHEN NOT {is_missing(text, settings)} THEN {ODD} END"  # such as 0000-00-00, or a leap second
    return rf"""CASE
        WHEN {bare} THEN COALESCE({_local(wall, zone)}, {refused})
        WHEN {utc} THEN COALESCE(epoch_us({wall}), {refused})
        WHEN {text} = '' THEN NULL
        WHEN regexp_full_match({text}, '{_NUMBER}') THEN COALESCE({_number(text, "VARCHAR", zone)}, {UNREADABLE})
        WHEN {is_missing(text, settings)} THEN NULL
        WHEN strlen({text}) > 80 OR NOT regexp_matches({text}, '\d|[^\x00-\x7F]') THEN {UNREADABLE}
        WHEN regexp_full_match({text}, '{_ZONED}') THEN COALESCE(epoch_us(TRY_CAST({point} AS TIMESTAMPTZ)), {ODD})
        WHEN regexp_full_match({text}, '{_ISO}') THEN COALESCE({_local(f"TRY_CAST({point} AS TIMESTAMP)", zone)}, {ODD})
        ELSE {ODD} END"""


def _number(column: str, kind: str, zone: str) -> str:
    """Epoch or compact date. The bounds are the year 2262 in each unit, so that no instant of 1970-04-17 on is ambiguous."""
    whole = f"TRY_CAST({column} AS BIGINT)"
    digits = f"trim({column}::VARCHAR)"
    fractional = f"TRY_CAST({column} AS DOUBLE)"
    is_whole = (
        f"regexp_full_match({digits}, '\\d+')" if kind == "VARCHAR" else str(kind not in ("DOUBLE", "FLOAT") and "DECIMAL" not in kind)
    )
    compact = f"""CASE
        WHEN {whole} BETWEEN 19700101 AND 22611231 THEN {_local(f"try_strptime({digits}, '%Y%m%d')", zone)}
        WHEN {whole} BETWEEN 19700101000000 AND 22611231235959 THEN {_local(f"try_strptime({digits}, '%Y%m%d%H%M%S')", zone)} END"""
    limit = EARLIEST_REFUSED // 1_000_000
    epoch = f"""CASE
        WHEN {whole} < {limit} THEN {whole} * 1000000
        WHEN {whole} < {limit}000 THEN {whole} * 1000
        WHEN {whole} < {limit}000000 THEN {whole}
        ELSE {whole} // 1000 END"""
    epoch_fraction = f"""CASE
        WHEN NOT isfinite({fractional}) THEN NULL
        WHEN {fractional} < {limit} THEN TRY_CAST({fractional} * 1000000 AS BIGINT)
        WHEN {fractional} < {limit}000 THEN TRY_CAST({fractional} * 1000 AS BIGINT)
        WHEN {fractional} < {limit}000000 THEN TRY_CAST({fractional} AS BIGINT)
        ELSE TRY_CAST({fractional} / 1000 AS BIGINT) END"""
    return f"CASE WHEN {odd_counts(fractional)} THEN {ODD} WHEN {is_whole} THEN COALESCE({compact}, {epoch}) ELSE {epoch_fraction} END"


def odd_counts(number: str) -> str:
    """SQL: whether a number may be a time of some other count than seconds since 1970."""
    low = " OR ".join(f"{number} BETWEEN {one.first} AND {one.last}" for one in ODD_COUNTS if one.last < _REAL_SECONDS)
    high = " OR ".join(f"{number} BETWEEN {one.first} AND {one.last}" for one in ODD_COUNTS if one.last > _REAL_SECONDS)
    return f"({number} < {_REAL_SECONDS} AND ({low}) OR {number} > {_REAL_SECONDS * 1_000_000} AND ({high}))"


def plain_count(number: str) -> int:
    """Microseconds since 1970 of an epoch in the unit that its size tells, as `_number` has it."""
    value = Fraction(number)
    limit = EARLIEST_REFUSED // 1_000_000
    unit = next((unit for most, unit in ((limit, 1_000_000), (limit * 1_000, 1_000), (limit * 1_000_000, 1)) if value < most), 0)
    return int(value * unit) if unit else int(value / 1_000)


def in_range(micros: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(n,) bool: which times lie in the years that can be meant, 1970 … 2261."""
    return (micros >= 0) & (micros < EARLIEST_REFUSED)
