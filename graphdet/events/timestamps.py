"""A column of times in any of the usual writings → a DuckDB expression for microseconds since 1970 UTC.

Writings may be mixed inside one column: ISO 8601 with or without a zone, bare dates, day/month or month/day dates, compact
20240102, and epoch seconds, milliseconds, microseconds or nanoseconds, which the magnitude tells apart.
"""

from __future__ import annotations

import re
import zoneinfo

import numpy as np
import numpy.typing as npt

from graphdet.errors import SettingsError

UNREADABLE = -1
EARLIEST_REFUSED = 9_214_646_400_000_000  # 2262-01-01: nanosecond clocks end there, and nothing true lies beyond

SPACES = " \t\r\n\x0b\x0c\u00a0\u3000\ufeff"  # what is trimmed off every value
WHITESPACE = f"'{SPACES}'"  # the same as an SQL literal

_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")
# a time of day followed by a zone: Z, an offset, or a name
_ZONED = r"\d:\d{2}(:\d{2})?([.,]\d+)?\s*([+-]\d|[A-Za-z])"
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


def time_expression(column: str, kind: str, zone: str, day_first: bool) -> str:
    """SQL for the microseconds of one column: NULL where it is empty, `UNREADABLE` where it is no time.

    Whether a time lies in the years 1970 … 2261 is for the caller to look at (`in_range`).

    Args:
        column: the column as SQL.
        kind: its DuckDB type.
        zone: where times without a zone were written down.
        day_first: 03/04/2024 is 3 April.
    """
    if kind == "VARCHAR":
        return f"CASE WHEN {column} <> '' THEN {_text(column, zone, day_first)} END"
    if kind == "TIMESTAMP WITH TIME ZONE" or kind.startswith("TIMESTAMPTZ"):
        instant = f"{column}::TIMESTAMPTZ"
        micros = f"CASE WHEN isfinite({instant}) THEN epoch_us({instant}) END"
    elif kind.startswith("TIMESTAMP") or kind == "DATE":
        wall = f"{column}::TIMESTAMP"
        micros = f"CASE WHEN isfinite({wall}) THEN {_local(wall, zone)} END"
    else:
        micros = _number(column, kind, zone)
    return f"CASE WHEN {column} IS NOT NULL THEN COALESCE({micros}, {UNREADABLE}) END"


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


def _text(column: str, zone: str, day_first: bool) -> str:
    """The commonest writings are told by LIKE and cast untrimmed, since a trim or a regular expression costs more than the cast."""
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
        WHEN strlen({text}) > 60 OR NOT regexp_matches({text}, '\d') THEN {UNREADABLE}
        WHEN regexp_matches({text}, '{_ZONED}') AND NOT regexp_matches({text}, '[0-9]\s*[AaPp][Mm]$')
            THEN COALESCE(epoch_us(TRY_CAST({point} AS TIMESTAMPTZ)), {UNREADABLE})
        ELSE COALESCE({_local(f"COALESCE(TRY_CAST({point} AS TIMESTAMP), {_other_writings(text, day_first)})", zone)}, {UNREADABLE}) END"""


def _other_writings(text: str, day_first: bool) -> str:
    dates = ["%d/%m/%Y", "%d-%m-%Y"] if day_first else ["%m/%d/%Y", "%m-%d-%Y"]
    clocks = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p"]
    writings = [date + clock for date in [*dates, "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d"] for clock in clocks]
    writings += ["%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M"]
    listed = ", ".join(f"'{writing}'" for writing in writings)
    return f"try_strptime({text}, [{listed}])"


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
    return f"CASE WHEN {is_whole} THEN COALESCE({compact}, {epoch}) ELSE {epoch_fraction} END"


def in_range(micros: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(n,) bool: which times lie in the years that can be meant, 1970 … 2261."""
    return (micros >= 0) & (micros < EARLIEST_REFUSED)
