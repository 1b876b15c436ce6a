"""When events fall in the week → a small picture: a line a day, a mark an hour, the more events the darker."""

from __future__ import annotations

import numpy as np
from rich.cells import set_cell_size
from rich.console import Console

from graphdet.arrays import Int64
from graphdet.events import NO_TIME
from graphdet.run.log_clock import UTC_CLOCK, LogClock
from graphdet.schema.wording import Language
from graphdet.signals.activity_maps import WEEK_HOURS, week_hours
from graphdet.words.interface import label

SHADES = "·░▒▓█"


def hours_picture(time: Int64) -> list[str]:
    """Seven lines of 24 marks, Monday first, of times in microseconds; none where no event has a time."""
    known = time[time != NO_TIME]
    if not len(known):
        return []
    count = np.bincount(week_hours(known)[1], minlength=WEEK_HOURS).reshape(7, 24)
    shade = np.ceil(count / count.max() * (len(SHADES) - 1)).astype(int)
    return ["".join(SHADES[place] for place in day) for day in shade.tolist()]


def show_hours(console: Console, time: Int64, language: Language, clock: LogClock = UTC_CLOCK) -> None:
    """The picture under its heading, by the log's clock."""
    lines = hours_picture(clock.wall(time[time != NO_TIME]))
    if lines:
        console.print(label("hours_picture", language, zone=clock.zone), style="bold")
        for day, line in zip(label("weekdays", language).split(), lines, strict=True):
            console.print(f"{set_cell_size(day, 4)}{line}")
        console.print(f"    {'0':<6}{'6':<6}{'12':<6}{'18':<6}", style="dim")
