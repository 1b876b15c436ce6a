"""Events far after all others, which move the window past what came before them: what they are, and where they stand.

They may be right, as after a long pause, or have a wrong time, as a test order of today in a history of last year. Nobody but people can
say which; so they are taken, and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Int64
from graphdet.errors import LogError
from graphdet.settings import LogSettings, MachineSettings
from graphdet.watch.chunks import Chunk, first_lines
from graphdet.watch.reading_on import read_chunk
from graphdet.watch.segments import DAY

FAR = 7  # days without any event, or as many as the window has where these are fewer
FEW = 0.01  # of what a step brings, or one event


@dataclass(frozen=True)
class Leap:
    """Few events, far after all others.

    Attributes:
        before: the latest of the others, in microseconds since 1970 UTC.
        moment: the latest of all.
    """

    before: int
    moment: int


def find_leap(times: Sequence[Int64], end: int | None, days: int) -> Leap | None:
    """The leap that a step makes, if it makes one.

    Args:
        times: of the events that it brings, in microseconds since 1970 UTC.
        end: the latest event before it.
        days: of the window.
    """
    every = np.sort(np.concatenate([*times, np.array([] if end is None else [end], np.int64)]))
    wide = np.flatnonzero(np.diff(every) > min(FAR, days) * DAY)
    if not len(wide) or len(every) - int(wide[-1]) - 1 > max(1, int(FEW * len(every))):
        return None
    return Leap(int(every[wide[-1]]), int(every[-1]))


def place_of(chunk: Chunk, head: bytes, moment: int, log: LogSettings, machine: MachineSettings) -> str:
    """Where in a chunk an event of this moment stands: what its source is called, and the line, where it has lines.

    Args:
        chunk: that was read.
        head: that stands before each of its pieces.
        moment: of the event.
        log, machine: how it was read.
    """
    if chunk.path is not None:
        return chunk.shown
    data = chunk.data.removeprefix(head) if not chunk.head else chunk.data
    line = chunk.line + chunk.data.count(b"\n") - data.count(b"\n")

    def holds(piece: bytes) -> bool:
        rows = read_chunk(replace(chunk, data=piece, head=head), log, machine, first=False).rows
        return bool(pc.any(pc.equal(rows["timestamp"].cast(pa.int64()), moment)).as_py())

    try:
        while (lines := data.count(b"\n") + (not data.endswith(b"\n"))) > 1:
            half = first_lines(data, lines // 2)
            data, line = (half, line) if holds(half) else (data[len(half) :], line + lines // 2)
        found = holds(data)
    except LogError:  # a piece alone may be read in two ways
        found = False
    if not found:  # a record of several lines
        return chunk.shown
    return f"{chunk.shown}, {f'offset {line}' if 'topic' in chunk.place else f'line {line + 1}'}"


def told_time(moment: int) -> str:
    """To the second, UTC."""
    return datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
