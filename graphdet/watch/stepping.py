"""One step: chunks in, rows that are new into segments, and all of it in one transaction; killed anywhere, it was whole or not at all.

A record counts once: by its source's place, by its event id, or by all that it says. Late is what lies before the watermark by more than
allowed, or before the window; ahead is what lies after the clock by more than a day, which would push the whole window away.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graphdet.arrays import Int64
from graphdet.errors import WatchError
from graphdet.schema import arrow_schema
from graphdet.settings import LogSettings, MachineSettings
from graphdet.watch.chunks import Chunk
from graphdet.watch.leaps import Leap, find_leap, place_of
from graphdet.watch.reading_on import APART, ROWS, Taken, read_chunk
from graphdet.watch.segments import DAY, KnownEvents, merged, not_repeated, remove_segments, write_segments
from graphdet.watch.state import ASIDE, COUNTS, State, save_meta, save_places, save_segments
from graphdet.week.kept_log import settings_to_take_in
from graphdet.whole import sync, why

AHEAD = DAY
LATE, TOO_EARLY = "late: before the watermark by more than --lateness", "late: before the window"
TOO_FAR = "more than a day later than the clock"


@dataclass(frozen=True)
class Bounds:
    """What a watch takes, and for how long.

    Attributes:
        days: of the window, the day of the latest event among them.
        lateness: microseconds behind the watermark; None = whatever the window holds is taken.
        idle: seconds after which a partition of which nothing comes holds back no watermark.
    """

    days: int = 30
    lateness: int | None = DAY
    idle: float = 60.0


@dataclass
class StepReport:
    """What a step did."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    gone: int = 0  # events that left the window
    early: int = 0  # that came when the window began after them
    leap: Leap | None = None  # that moved the window
    end_of: str = ""  # where its latest event stands
    rejected: pa.Table = field(default_factory=arrow_schema("rejected").empty_table)


def window_start(end: int, days: int) -> int:
    """Midnight (UTC) of the first day of a window of so many days."""
    return (end // DAY - days + 1) * DAY


def watermark(state: State, bounds: Bounds, now: float) -> int | None:
    """The time up to which everything is taken to have come: of the partition that is furthest behind, without those that are idle."""
    told = [(time, seen) for time, seen in state.watermarks.values() if time is not None]
    busy = [time for time, seen in told if now - seen < bounds.idle]
    return min(busy) if busy else max((time for time, _ in told), default=None)


def take_step(state: State, chunks: Sequence[Chunk], log: LogSettings, machine: MachineSettings, bounds: Bounds, now: float) -> StepReport:
    """Take chunks in.

    Args:
        state: open.
        chunks: of one source, each from the place that the state tells.
        log, machine: how they are read.
        bounds: of what is taken.
        now: seconds since 1970.

    Raises:
        WatchError: the disk is full, or the state cannot be written; then nothing of the step is kept.
        LogError: nothing was ever accepted, and what comes is no log.
    """
    report = StepReport()
    mark = watermark(state, bounds, now)
    places: dict[str, dict[str, Any]] = {}
    marks: dict[str, int | None] = {}
    accepted: list[pa.Table] = []
    met: list[Taken] = []
    times: list[Int64] = []
    for chunk in chunks:
        taken = read_chunk(chunk, settings_to_take_in(log), machine, first=not state.counts["accepted"] and not met)
        met.append(taken)
        place = {**chunk.place, "head": taken.head.hex()}
        places[chunk.partition] = place
        known = state.known.known(*(taken.rows[name].to_numpy() for name in APART))
        report.counts["duplicate"] += int(known.sum())
        taken.rows = taken.rows.filter(pa.array(~known))
        time = taken.rows["timestamp"].cast(pa.int64()).to_numpy()
        ahead = time > now * 1e6 + AHEAD
        told = time[~ahead]
        before = state.watermarks.get(chunk.partition, (None, 0.0))[0]
        marks[chunk.partition] = max([*(() if before is None else (before,)), *((int(told.max()),) if len(told) else ())], default=None)
        times.append(told)
        accepted.append(_timely(taken, chunk, report, ahead, None if mark is None or bounds.lateness is None else mark - bounds.lateness))
    rows = _each_once(accepted, report)
    rows = _within(rows, report, None if state.end is None else window_start(state.end, bounds.days))
    latest = [int(told.max()) if len(told) else -1 for told in times]
    end = max([*(() if state.end is None else (state.end,)), *(one for one in latest if one >= 0)], default=None)
    if latest and (state.end is None or max(latest) > state.end):
        newest = latest.index(max(latest))
        report.leap, report.end_of = find_leap(times, state.end, bounds.days), chunks[newest].shown
        if report.leap:
            report.end_of = place_of(chunks[newest], met[newest].head, report.leap.moment, settings_to_take_in(log), machine)
    report.counts["accepted"] = rows.num_rows
    report.counts["rejected"] = report.counts["read"] - report.counts["accepted"] - report.counts["duplicate"]
    _keep(state, rows, report, places, marks, end, bounds, now)
    return report


def _timely(taken: Taken, chunk: Chunk, report: StepReport, ahead: np.ndarray[Any, Any], oldest: int | None) -> pa.Table:
    """Rows that come in time; the others are put aside."""
    time = taken.rows["timestamp"].cast(pa.int64()).to_numpy()
    late = np.zeros(len(time), bool) if oldest is None else time < oldest
    report.counts["read"] += taken.read
    report.counts["duplicate"] += taken.duplicates
    report.counts["late"] += int((late & ~ahead).sum())
    report.counts["ahead"] += int(ahead.sum())
    asides = [
        taken.rejected,
        *(_aside(chunk.shown, taken.rows.filter(pa.array(which)), why) for which, why in ((late & ~ahead, LATE), (ahead, TOO_FAR))),
    ]
    report.rejected = pa.concat_tables([report.rejected, *asides])
    return taken.rows.filter(pa.array(~late & ~ahead))


def _aside(shown: str, rows: pa.Table, reason: str) -> pa.Table:
    raws = [
        str(sorted((name, str(value)) for name, value in row.items() if value is not None and name not in APART))
        for row in rows.to_pylist()
    ]
    count = len(raws)
    return pa.table([[shown] * count, [0] * count, ["timestamp"] * count, [reason] * count, raws], schema=arrow_schema("rejected"))


def _each_once(accepted: Sequence[pa.Table], report: StepReport) -> pa.Table:
    """Of rows that several chunks hold, one."""
    rows = pa.concat_tables([ROWS.empty_table(), *accepted]).combine_chunks()
    a, b = (rows[name].to_numpy() for name in APART)
    new = not_repeated(a, b)
    report.counts["duplicate"] += int((~new).sum())
    return rows.filter(pa.array(new))


def _within(rows: pa.Table, report: StepReport, start: int | None) -> pa.Table:
    if start is None:
        return rows
    early = rows["timestamp"].cast(pa.int64()).to_numpy() < start
    if not early.any():
        return rows
    report.early = int(early.sum())
    report.counts["late"] += report.early
    report.rejected = pa.concat_tables([report.rejected, _aside("", rows.filter(pa.array(early)), TOO_EARLY)])
    return rows.filter(pa.array(~early))


def _keep(
    state: State,
    rows: pa.Table,
    report: StepReport,
    places: Mapping[str, dict[str, Any]],
    marks: Mapping[str, int | None],
    end: int | None,
    bounds: Bounds,
    now: float,
) -> None:
    """Write what is new, then all of the step at once; in memory it counts only when it stands on the disk."""
    start = None if end is None else window_start(end, bounds.days)
    if start is not None:  # what came in time and has left the window already, as a long history does, need not be written
        kept = rows.filter(pc.greater_equal(rows["timestamp"].cast(pa.int64()), start))
        report.gone, rows = rows.num_rows - kept.num_rows, kept
    new = write_segments(state.rows, rows)
    gone = [segment for segment in state.segments if start is not None and segment.day * DAY < start]
    report.gone += sum(segment.rows for segment in gone)
    names = {segment.name for segment in gone}
    segments = [segment for segment in state.segments if segment.name not in names] + new
    aside, today = _put_aside(state.folder / ASIDE, report.rejected), int(now * 1e6) // DAY
    old = [name for (name,) in state.connection.execute("SELECT name FROM asides WHERE day <= ?", (today - bounds.days,))]
    counts = {name: state.counts[name] + report.counts[name] for name in COUNTS}
    after = State(state.folder, state.connection, segments=segments)
    told = {"digest": after.digest} | ({"end": str(end)} if end is not None else {}) | ({"end_of": report.end_of} if report.end_of else {})
    with state.writing() as connection:
        save_places(connection, places, marks)
        save_segments(connection, new, gone)
        save_meta(connection, told)
        connection.executemany("INSERT OR REPLACE INTO counts VALUES (?, ?)", sorted(counts.items()))
        connection.executemany("DELETE FROM asides WHERE name = ?", [(name,) for name in old])
        if aside:
            connection.execute("INSERT OR REPLACE INTO asides VALUES (?, ?, ?)", (aside, today, report.rejected.num_rows))
    state.places |= places
    state.watermarks |= {name: (marks[name], float(place["seen"])) for name, place in places.items()}
    state.segments, state.counts = segments, counts
    state.meta |= told
    state.known.add(*(rows[name].to_numpy() for name in APART))
    for name in old:
        (state.folder / ASIDE / name).unlink(missing_ok=True)
    if gone:
        state.known = KnownEvents.of(state.rows, segments)


def tidy(state: State) -> None:
    """Make many small segments one, and remove files that the state names no longer; not while a look reads them."""
    new, old = merged(state.rows, state.segments)
    if new or old:
        names = {one.name for one in old}
        segments = [one for one in state.segments if one.name not in names] + new
        digest = State(state.folder, state.connection, segments=segments).digest
        with state.writing() as connection:
            save_segments(connection, new, old)
            save_meta(connection, {"digest": digest})
        state.segments = segments
        state.meta["digest"] = digest
    remove_segments(state.rows, (segment.name for segment in state.segments))


def _put_aside(folder: Path, rejected: pa.Table) -> str:
    """Rejected rows as a file of their own, named by its content; its name, empty where there are none."""
    if not rejected.num_rows:
        return ""
    content = io.BytesIO()
    pq.write_table(rejected, content, compression="zstd")
    data = content.getvalue()
    name = f"{hashlib.sha256(data).hexdigest()[:16]}.parquet"
    try:
        partial = folder / f".{name}"
        with partial.open("wb") as file:
            partial.chmod(0o600)
            file.write(data)
        sync(partial)
        partial.replace(folder / name)
    except OSError as error:
        raise WatchError(f"{folder}: cannot be written ({why(error)}); what was kept before is whole.") from None
    return name
