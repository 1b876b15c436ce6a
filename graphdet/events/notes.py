"""What a log lacks and what that costs, a sentence each, for people."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from graphdet.arrays import distinct_values
from graphdet.events.assembling import Events
from graphdet.events.clock_changes import ClockDoubts
from graphdet.events.left_out_notes import about_ids, about_left_out
from graphdet.events.opening import Source
from graphdet.events.synonyms import same_things
from graphdet.events.table import NO_TIME, FileReport, TimeResolution
from graphdet.events.tally import Reading
from graphdet.events.time_writings import numeric_of, read_time
from graphdet.schema import ACTIONS, ITEM, NODE_TYPE, NODE_TYPES
from graphdet.schema.wording import numbered
from graphdet.schema.zones import offset_of, place_of
from graphdet.settings import LogSettings

DAY = 86_400_000_000
_YEAR = 365 * DAY


def notes(events: Events, reading: Reading, files: Sequence[FileReport], settings: LogSettings) -> tuple[str, ...]:
    """Sentences about the whole log, the gravest first; the same for any order of rows."""
    sources = reading.sources
    found = [f"no {one.column}: {one.lacking}." for one in NODE_TYPES if one.lacking and one.name not in events.codes]
    found += _about_times(events, settings)
    found += _about_clocks(reading.clock_doubts, settings)
    if not events.actions:
        found.append(
            "no action: orders, payments, refunds and reviews are not told apart, so their counts, sums and shares are unknown; "
            '[log] constants = { action = "order" } says what every row is.'
        )
    if events.amount is None:
        found.append("no amount: what orders are worth, and what of it is at stake, is unknown.")
    if ITEM in events.codes and not len(events.categories):
        instead = "expectations are taken over all items" if events.time is None else "communities of items that users share are looked for"
        found.append(f"no category: {instead}, so shared taste weighs more than it should.")
    if events.differing:
        found.append(f"rows that repeat an event_id with other values: {events.differing}; the earliest of each is kept.")
    found += _about_forms(sources, settings)
    found += about_left_out(events.left_out, sources)
    found += reading.pictures.note()
    found += about_ids(events.ids)
    found += _about_synonyms(events, reading)
    unknown = [word for word in events.actions if word not in ACTIONS]
    if unknown:
        shown = ", ".join(unknown[:10]) + (", …" if len(unknown) > 10 else "")
        found.append(f"unknown actions, kept as they are: {shown}. Map them under [log.actions].")
    found += [f"{source.file.name}: an item catalogue; it fills in what events lack." for source in sources if source.mapping.catalogue]
    found += [source.note for source in sources if source.note]
    if reading.skipped:
        shown = ", ".join(reading.skipped[:4]) + (", …" if len(reading.skipped) > 4 else "")
        found.append(f"files that [log] skip leaves out: {len(reading.skipped)} ({shown}).")
    found += [f"{file.path}: a header but no rows." for file in files if file.columns and not file.read]
    return tuple(found)


def _about_forms(sources: Sequence[Source], settings: LogSettings) -> list[str]:
    """How columns are read that had to be asked: one of their values, and what became of it."""
    found = {}
    for source in sources:
        for ours, form in source.times.items():
            orders = {(separator, digits): order for separator, digits, order in form.orders}
            wall = read_time(form.example, orders.get) if form.example else None
            if wall is not None:
                order = orders[numeric_of(form.example) or next(iter(orders))]
                read = shown_time(wall[0], "UTC").removesuffix("Z")
                found[ours, source.mapping.theirs(ours)] = (
                    f"{source.mapping.theirs(ours)}: dates are read {order}: {form.example[:40]} as {read}."
                )
        for ours, decimal in source.numbers.items():
            if decimal.decimal == ",":
                found[ours, source.mapping.theirs(ours)] = f"{source.mapping.theirs(ours)}: numbers are read with a decimal comma."
    return [found[key] for key in sorted(found)]


def _about_times(events: Events, settings: LogSettings) -> list[str]:
    if events.time is None:
        return ["no timestamp: windows off; evidence is untimed co-occurrence."]
    found = []
    times = events.time[events.time != NO_TIME]
    if len(times) < len(events.time):
        found.append(f"events without a time: {len(events.time) - len(times)}; they take part in untimed evidence only.")
    if resolution(events.time, settings.timezone) == "day":
        found.append("times are bare dates: windows are counted in days.")
    return found + _about_strays(times, settings.timezone)


def _about_clocks(doubts: ClockDoubts, settings: LogSettings) -> list[str]:
    zone = settings.timezone
    found = []
    if doubts.left_out:
        found.append(
            f"times in an hour that clocks of {zone} leave out ({doubts.left_out_on}): {doubts.left_out:,}; they are read as an hour later."
        )
    if doubts.twice:
        found.append(f"times in an hour that clocks of {zone} show twice ({doubts.twice_on}): {doubts.twice:,}; the later one is taken.")
    return found


def _about_synonyms(events: Events, reading: Reading) -> list[str]:
    columns = {NODE_TYPE[name].column: codes for name, codes in events.codes.items()}
    found = [
        f"{one} and {other} name the same {numbered(things, 'thing', 'things')} "
        "one to one; what is shared in one of them is shared in the other, too."
        for one, other, things in same_things(columns)
    ]
    return found + [
        f"{other} names the same things as {item}, one to one; either will do as item_id." for other, item in reading.unread_synonyms
    ]


def _about_strays(times: npt.NDArray[np.int64], zone: str) -> list[str]:
    """A few times far from all others: by more than all others last, and more than a year."""
    few = max(len(times) // 100, int(len(times) >= 10))
    gaps = np.diff(times)
    if not len(gaps):
        return []
    first = int(np.argmax(gaps[:few])) + 1 if few else 0
    last = len(times) - few - 1 + int(np.argmax(gaps[len(gaps) - few :])) if few else len(times) - 1
    body = max(int(times[last] - times[first]), _YEAR)
    low = first if first and gaps[first - 1] > body else 0
    high = len(times) - 1 - last if last < len(times) - 1 and gaps[last] > body else 0
    if not low + high:
        return []
    span = " to ".join(shown_time(int(times[place]), zone)[:10] for place in (low, len(times) - 1 - high))
    stray = shown_time(int(times[0] if low else times[-1]), zone)
    return [f"events with times far from all others: {low + high}, such as {stray}; the others span {span}."]


def shown_time(micros: int, zone: str) -> str:
    """ISO 8601 in the log's own zone."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return moment.astimezone(place_of(zone)).isoformat().replace("+00:00", "Z")


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
    local = (datetime.fromtimestamp(int(moment) // 1_000_000, place) for moment in distinct_values(times))
    return "day" if not np.any(times % 1_000_000) and all((one.hour, one.minute, one.second) == (0, 0, 0) for one in local) else "instant"
