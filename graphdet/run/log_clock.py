"""The clock of a run's log: its times as the people of the shop read them, in the log's own zone; a log of dates shows dates alone.

Inside, and in every table, times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

from graphdet.arrays import Int64
from graphdet.schema.zones import ahead_of_utc, place_of

if TYPE_CHECKING:
    from graphdet.run.folder import Run


@dataclass(frozen=True)
class LogClock:
    """Attributes:
    zone: an IANA name, or an offset such as "+08:00".
    dates: whether the log's times are bare dates, so that hours and minutes are nobody's.
    """

    zone: str = "UTC"
    dates: bool = False

    def minute(self, moment: datetime | str | None) -> str:
        """A time of a table, or of a dossier (ISO 8601), as people read it; "" for None."""
        local = self._local(moment)
        return "" if local is None else f"{local:%Y-%m-%d}" if self.dates else f"{local:%Y-%m-%d %H:%M}"

    def second(self, moment: datetime | str | None) -> str:
        """As `minute`, with seconds."""
        local = self._local(moment)
        return "" if local is None else f"{local:%Y-%m-%d}" if self.dates else f"{local:%Y-%m-%d %H:%M:%S}"

    def since(self, moment: datetime | str | None) -> str:
        """As `minute`, of a time from which on something is: a stretch that begins at noon has no date of that day in it."""
        local = self._local(moment)
        if local is None or not self.dates:
            return self.minute(moment)
        return f"{local + timedelta(days=int(local.time() != time())):%Y-%m-%d}"

    def named(self, moment: datetime | str | None, *, day: bool = False) -> str:
        """As `since`, with the zone; `day`: of whole days of UTC, which a date tells where they are days here, too."""
        told = self.since(moment)
        return self.beside(told[:10] if day and self.zone == "UTC" else told)

    def hour(self, moment: datetime | str, hour: int) -> str:
        """An hour of the day of UTC, as that day's clock has it: `02:00 +08:00`; `moment` is of that day."""
        known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        local = self._local(known.replace(hour=hour, minute=0))
        return self.beside(f"{local:%H:%M}")

    def beside(self, text: str) -> str:
        """A heading with the zone: `began UTC`, `began +08:00`; dates need none."""
        return text if self.dates else f"{text} {self.zone}"

    def wall(self, micros: Int64) -> Int64:
        """(n,) microseconds UTC → what the clock on the wall showed, as microseconds."""
        if self.zone == "UTC":
            return micros
        hours, at = np.unique(micros // 3_600_000_000, return_inverse=True)  # no clock change lies within an hour of UTC
        ahead = [ahead_of_utc(self.zone, int(hour) * 3_600_000_000) for hour in hours]
        return np.asarray(micros + np.array(ahead, np.int64)[at], np.int64)

    def _local(self, moment: datetime | str | None) -> datetime | None:
        if not moment:
            return None
        known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return (known if known.tzinfo else known.replace(tzinfo=UTC)).astimezone(place_of(self.zone))


UTC_CLOCK = LogClock()


def clock_by(zone: str, notes: Iterable[object]) -> LogClock:
    """The clock of a log that is read in a zone; that its times are dates alone is told by a note."""
    return LogClock(zone or "UTC", any(str(note).startswith("times are bare dates") for note in notes))


def clock_of(run: Run) -> LogClock:
    """The clock of a run, that of its rings, too."""
    return clock_by(run.meta.get("settings", {}).get("log", {}).get("timezone", ""), run.meta.get("notes", ()))
