"""Time zones as settings name them: an IANA name, or an offset such as "+08:00"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")


def offset_of(zone: str) -> int | None:
    """Microseconds that a zone such as "+08:00" is ahead of UTC; None for a name."""
    offset = _OFFSET.fullmatch(zone)
    if not offset:
        return None
    sign, hours, minutes = offset.groups()
    return (int(hours) * 3600 + int(minutes or 0) * 60) * (-1_000_000 if sign == "-" else 1_000_000)


def place_of(zone: str) -> tzinfo:
    """A zone as Python has it."""
    offset = offset_of(zone)
    return UTC if zone == "UTC" else timezone(timedelta(microseconds=offset)) if offset is not None else ZoneInfo(zone)


def moment(text: str, zone: str, *, end: bool = False) -> int:
    """Microseconds since 1970 UTC of an ISO date or time; one that names no zone is of `zone`, and a date ends with its day."""
    given = datetime.fromisoformat(text)
    if end and len(text.strip()) <= len("2025-03-31"):
        given += timedelta(days=1)
    aware = given if given.tzinfo else given.replace(tzinfo=place_of(zone))
    return round((aware - _EPOCH) / timedelta(microseconds=1))


def ahead_of_utc(zone: str, moment: int) -> int:
    """Microseconds that a zone's clocks are ahead of UTC at a moment, in microseconds since 1970 UTC."""
    there = (_EPOCH + timedelta(microseconds=moment)).astimezone(place_of(zone)).utcoffset()
    return 0 if there is None else there // timedelta(microseconds=1)
