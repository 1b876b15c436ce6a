"""What a log lacks and what that costs, a sentence each, for people."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from graphdet.events.assembling import Events
from graphdet.events.reading import Source
from graphdet.events.table import NO_TIME, FileReport, TimeResolution
from graphdet.events.timestamps import offset_of
from graphdet.schema import ACTIONS, ITEM, NODE_TYPES
from graphdet.settings import LogSettings

DAY = 86_400_000_000
_YEAR = 365 * DAY
_EARLY = 946_684_800_000_000  # 2000-01-01: shops with logs are younger


def notes(events: Events, sources: Sequence[Source], files: Sequence[FileReport], settings: LogSettings) -> tuple[str, ...]:
    """Sentences about the whole log, the gravest first; the same for any order of rows."""
    found = [f"no {one.column}: {one.lacking}." for one in NODE_TYPES if one.lacking and one.name not in events.codes]
    found += _about_times(events, settings)
    if ITEM in events.codes and not len(events.categories):
        instead = "expectations are taken over all items" if events.time is None else "communities of items that users share are looked for"
        found.append(f"no category: {instead}, so shared taste weighs more than it should.")
    if events.differing:
        found.append(f"rows that repeat an event_id with other values: {events.differing}; the earliest of each is kept.")
    for column, names in sorted(events.placeholders.items()):
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        found.append(f"{column}: {shown} stand for none known and count as missing.")
    unknown = [word for word in events.actions if word not in ACTIONS]
    if unknown:
        shown = ", ".join(unknown[:10]) + (", …" if len(unknown) > 10 else "")
        found.append(f"unknown actions, kept as they are: {shown}. Map them under [log.actions].")
    found += [f"{source.file.path}: an item catalogue; it fills in what events lack." for source in sources if source.mapping.catalogue]
    found += [source.note for source in sources if source.note]
    found += [f"{file.path}: a header but no rows." for file in files if file.columns and not file.read]
    return tuple(found)


def _about_times(events: Events, settings: LogSettings) -> list[str]:
    if events.time is None:
        return ["no timestamp: windows off; evidence is untimed co-occurrence."]
    found = []
    times = events.time[events.time != NO_TIME]
    if len(times) < len(events.time):
        found.append(f"events without a time: {len(events.time) - len(times)}; they take part in untimed evidence only.")
    if resolution(events.time, settings.timezone) == "day":
        found.append("times are bare dates: windows are counted in days.")
    middle = int(times[len(times) // 2])
    odd = int(np.sum(times < _EARLY) + np.sum(times > middle + _YEAR))
    if odd:
        first, last = (datetime.fromtimestamp(int(times[place]) / 1e6, UTC).date().isoformat() for place in (0, -1))
        found.append(
            f"events with implausible times (before 2000, or a year after the middle of the log): {odd}; the log spans {first} to {last}."
        )
    return found


def resolution(time: npt.NDArray[np.int64] | None, zone: str) -> TimeResolution:
    """Whether every time is a midnight, of UTC or of the zone that bare dates were taken in."""
    if time is None:
        return "none"
    times = time[time != NO_TIME]
    if not np.any(times % DAY):
        return "day"
    offset = offset_of(zone)
    if offset is not None:
        return "instant" if np.any((times + offset) % DAY) else "day"
    if np.any(times[:1000] % 900_000_000):  # no zone is off by less than a quarter of an hour
        return "instant"
    place = zoneinfo.ZoneInfo(zone)
    local = (datetime.fromtimestamp(int(moment) // 1_000_000, place) for moment in np.unique(times))
    return "day" if not np.any(times % 1_000_000) and all((one.hour, one.minute, one.second) == (0, 0, 0) for one in local) else "instant"
