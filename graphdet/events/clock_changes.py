"""Times without a zone in the hour that a clock change leaves out or shows twice → how many there are, for a note.

DuckDB reads the one as an hour later and of the other the later one; nothing in the text says which was meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow.compute as pc

from graphdet.events.collecting import Collector
from graphdet.events.expressions import quoted_text
from graphdet.events.odd_values import settled
from graphdet.events.opening import Source
from graphdet.events.reading import BATCH, given_columns, valued_columns
from graphdet.events.table import NO_TIME
from graphdet.events.timestamps import ODD, in_range
from graphdet.schema.zones import offset_of
from graphdet.settings import LogSettings

_TIME = "timestamp"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONED = r"(?i)(z|utc|gmt|[+-]\d{1,2}(:?\d{2})?|[a-z]+/[a-z_/]+\]?)\)?$|[+-]\d{4} \d{4}$|gmt[+-]\d"


@dataclass(frozen=True)
class ClockChange:
    """An instant, in microseconds since 1970, at which clocks of a zone are set, and by how many microseconds: forward is more than 0."""

    at: int
    by: int


@dataclass(frozen=True)
class ClockDoubts:
    """Rows whose time does not exist, and whose time comes twice; each with the first such day."""

    left_out: int = 0
    left_out_on: str = ""
    twice: int = 0
    twice_on: str = ""


def clock_changes(zone: str, first: int, last: int) -> list[ClockChange]:
    """All between two instants, to the minute."""
    if zone == "UTC" or offset_of(zone) is not None:
        return []
    place = ZoneInfo(zone)

    def offset(minute: int) -> timedelta:
        return (_EPOCH + timedelta(minutes=minute)).astimezone(place).utcoffset() or timedelta()

    found = []
    step = 7 * 24 * 60
    start, stop = first // 60_000_000 - step, last // 60_000_000 + step
    for low in range(start, stop, step):
        high = low + step
        before, after = offset(low), offset(high)
        if before != after:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append(ClockChange(high * 60_000_000, round((after - before) / timedelta(microseconds=1))))
    return found


def count_doubts(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], collector: Collector, settings: LogSettings
) -> ClockDoubts:
    """Of all rows; files are looked at again only where some row lies beside a change."""
    times = [chunk for chunk in collector.chunks.get(_TIME, []) if len(chunk)]
    if settings.timezone == "UTC" or offset_of(settings.timezone) is not None or not times:
        return ClockDoubts()
    bounds = [(int(good.min()), int(good.max())) for chunk in times if len(good := chunk[in_range(chunk) & (chunk != NO_TIME)])]
    if not bounds:
        return ClockDoubts()
    changes = clock_changes(settings.timezone, min(low for low, _ in bounds), max(high for _, high in bounds))
    near = [change for change in changes if any(np.any((chunk >= change.at) & (chunk < change.at + abs(change.by))) for chunk in times)]
    return _counted(connection, sources, near, settings)


def _counted(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], changes: Sequence[ClockChange], settings: LogSettings
) -> ClockDoubts:
    counts = {True: 0, False: 0}
    days = {True: "", False: ""}
    for change in changes:
        forward = change.by > 0
        hour = _hour_left_out(change, settings.timezone) if forward else ""
        for text, rows in _texts_between(connection, sources, change.at, change.at + abs(change.by), settings):
            if not forward or re.search(rf"(?<!\d){hour}:|(?<![\d:]){hour.lstrip('0') or '0'}:", text):
                counts[forward] += rows
                days[forward] = days[forward] or _day(change, settings.timezone)
    return ClockDoubts(counts[True], days[True], counts[False], days[False])


def _day(change: ClockChange, zone: str) -> str:
    return (_EPOCH + timedelta(microseconds=change.at)).astimezone(ZoneInfo(zone)).date().isoformat()


def _hour_left_out(change: ClockChange, zone: str) -> str:
    """Of the clock before the change: 02, where 3 o'clock follows on 1:59."""
    after = (_EPOCH + timedelta(microseconds=change.at)).astimezone(ZoneInfo(zone))
    return f"{(after - timedelta(microseconds=change.by)).hour:02}"


def _texts_between(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], first: int, stop: int, settings: LogSettings
) -> Iterator[tuple[str, int]]:
    """Times without a zone of their own as they are written, that are read as between two instants."""
    for source in sources:
        given = {} if source.empty or source.mapping.catalogue else given_columns(source, settings)
        if _TIME not in given or "TIME ZONE" in given[_TIME][1] or given[_TIME][1] in ("BIGINT", "INTEGER", "DOUBLE"):
            continue
        text = f"trim({given[_TIME][0]}::VARCHAR)"
        typed = valued_columns(source, settings, {_TIME: given[_TIME]})
        plain = f"NOT regexp_matches({text}, {quoted_text(_ZONED)}) AND {text} LIKE '%:%'"
        where = f"({typed[_TIME]} BETWEEN {first} AND {stop - 1} OR {typed[_TIME]} = {ODD}) AND {plain}"
        wanted = ", ".join(f"{sql} AS {name}" for name, sql in (*typed.items(), ("text", text)))
        reader = connection.sql(f"SELECT {wanted} FROM {source.sql} WHERE {where}").to_arrow_reader(BATCH)  # noqa: S608
        for batch in reader:
            told = settled(batch, source.times, {}, settings.timezone)
            between = told.filter(pc.and_(pc.greater_equal(told.column(_TIME), first), pc.less(told.column(_TIME), stop)))
            yield from Counter(between.column("text").to_pylist()).items()
