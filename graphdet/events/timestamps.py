"""A column of times in any of the usual writings → a DuckDB expression for microseconds since 1970 UTC.

ISO 8601 with or without a zone, bare dates, compact 20240102, and epoch seconds, milliseconds, microseconds or nanoseconds, which the
magnitude tells apart, may be mixed inside one column, and DuckDB reads them. All others are odd, and `odd_values.py` reads them.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graphdet.errors import SettingsError
from graphdet.events.forms import TimeForm
from graphdet.settings import LogSettings

TIMES = ("timestamp", "known_at")  # our columns that hold times
UNREADABLE = -1
ODD = -2
EXCEL_FIRST, EXCEL_LAST = 20_000, 80_000  # as days since 1900, the years 1954 to 2119; as seconds, one day of January 1970
_EXCEL_EPOCH = 25_569  # 1970-01-01
UNITS = {"excel": 0, "seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1, "nanoseconds": 0.001}
EARLIEST_REFUSED = 9_214_646_400_000_000  # 2262-01-01: nanosecond clocks end there, and nothing true lies beyond

SPACES = " \t\r\n\x0b\x0c\u00a0\u3000\ufeff"  # what is trimmed off every value
WHITESPACE = f"'{SPACES}'"  # the same as an SQL literal

_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")
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
        if pattern == "excel":
            ways.append(
                _local(f"make_timestamp(TRY_CAST(round(({number} - {_EXCEL_EPOCH}) * 86400000) * 1000 AS BIGINT))", settings.timezone)
            )
        elif pattern in UNITS:
            ways.append(f"TRY_CAST(round({number} * {UNITS[pattern]}::DOUBLE) AS BIGINT)")
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


def offset_of(zone: str) -> int | None:
    """Microseconds that a zone such as "+08:00" is ahead of UTC; None for a name."""
    offset = _OFFSET.fullmatch(zone)
    if not offset:
        return None
    sign, hours, minutes = offset.groups()
    return (int(hours) * 3600 + int(minutes or 0) * 60) * (-1_000_000 if sign == "-" else 1_000_000)


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
    return rf"""CASE
        WHEN {bare} THEN COALESCE({_local(wall, zone)}, {UNREADABLE})
        WHEN {utc} THEN COALESCE(epoch_us({wall}), {UNREADABLE})
        WHEN {text} = '' THEN NULL
        WHEN regexp_full_match({text}, '{_NUMBER}') THEN COALESCE({_number(text, "VARCHAR", zone)}, {UNREADABLE})
        WHEN {is_missing(text, settings)} THEN NULL
        WHEN strlen({text}) > 80 OR NOT regexp_matches({text}, '\d') THEN {UNREADABLE}
        WHEN regexp_full_match({text}, '{_ZONED}') THEN COALESCE(epoch_us(TRY_CAST({point} AS TIMESTAMPTZ)), {UNREADABLE})
        WHEN regexp_full_match({text}, '{_ISO}') THEN COALESCE({_local(f"TRY_CAST({point} AS TIMESTAMP)", zone)}, {UNREADABLE})
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
    serial = f"{fractional} >= {EXCEL_FIRST} AND {fractional} < {EXCEL_LAST}"
    return f"CASE WHEN {serial} THEN {ODD} WHEN {is_whole} THEN COALESCE({compact}, {epoch}) ELSE {epoch_fraction} END"


def in_range(micros: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(n,) bool: which times lie in the years that can be meant, 1970 … 2261."""
    return (micros >= 0) & (micros < EARLIEST_REFUSED)


def excel_micros(days: float) -> int:
    """Microseconds since 1970 of days since 1900 as spreadsheets count them, to the millisecond that such a number can hold."""
    return round((days - _EXCEL_EPOCH) * 86_400_000) * 1000
