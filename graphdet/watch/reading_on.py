"""A chunk → the rows of its events with what tells each apart, and an account of all its records; by the very reader of `graphdet run`.

A piece that the reader refuses as a whole is halved until the records that spoil it are alone: these are rejected, all others are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from graphdet.errors import AmbiguousColumn, EmptyLog, LogError, MissingColumn, UnreadableFile
from graphdet.events import NO_TIME, EventTable
from graphdet.events.identity import identity_of
from graphdet.events.log import Apart, read_part
from graphdet.schema import arrow_schema
from graphdet.scratch import scratch_folder
from graphdet.settings import LogSettings, MachineSettings
from graphdet.watch.chunks import LINES, Chunk, first_lines
from graphdet.week.kept_log import COPY, SCHEMA, rows_of

APART = ("apart_a", "apart_b")
ROWS = pa.schema([*(field for field in SCHEMA if field.name != COPY), *(pa.field(name, pa.uint64()) for name in APART)])
_NO_OBJECT = re.compile(rb"(?m)^(?=[^\n])(?![ \t\r]*\{)(?![ \t\r]*$)(.)")
MOST_HALVINGS = 64  # reads of one chunk; what is still spoilt then is rejected piece by piece
NO_TIME_TOLD = "no time; what has none is in no window"


@dataclass
class Taken:
    """What became of a chunk's records; read = accepted + rejected + duplicates, before the window and what it knows are asked.

    Attributes:
        rows: accepted ones, by `ROWS`.
        read, duplicates: records, and those that repeat another of the chunk.
        rejected: by the schema of a run's `rejected`.
        head: what is to stand before the next chunk of the same file.
    """

    rows: pa.Table = field(default_factory=ROWS.empty_table)
    read: int = 0
    duplicates: int = 0
    rejected: pa.Table = field(default_factory=arrow_schema("rejected").empty_table)
    head: bytes = b""

    @property
    def accepted(self) -> int:
        return int(self.rows.num_rows)


def read_chunk(chunk: Chunk, settings: LogSettings, machine: MachineSettings, *, first: bool) -> Taken:
    """Read all records of a chunk.

    Args:
        chunk: from a source.
        settings: how logs are read, without a span of time.
        machine: threads and memory.
        first: whether no event was ever accepted; then a log that lacks what every log needs is an error of settings.

    Raises:
        LogError: nothing was ever accepted, and this chunk is no log.
        AmbiguousColumn: times that can be read in two ways, which a setting must decide.
    """
    with scratch_folder() as folder:
        if chunk.path is not None:
            return _named(_read_file(chunk.path, settings, machine), chunk)
        taken = Taken(head=chunk.head)
        pieces = [(_as_objects(chunk.data) if chunk.suffix in LINES else chunk.data, chunk.head, 0)]
        reads = 0
        while pieces:
            data, head, line = pieces.pop(0)
            path = folder / f"part{reads}{chunk.suffix}"
            path.write_bytes(head + data)
            reads += 1
            try:
                part = _read_file(path, settings, machine)
            except (AmbiguousColumn, MissingColumn, UnreadableFile, EmptyLog) as error:
                if isinstance(error, AmbiguousColumn) or (first and not taken.accepted and reads == 1 and not isinstance(error, EmptyLog)):
                    raise _about(error, path, chunk) from None
                lines = data.count(b"\n") + (not data.endswith(b"\n"))
                if lines > 1 and reads < MOST_HALVINGS and not isinstance(error, (MissingColumn, EmptyLog)):
                    half = len(first_lines(data, lines // 2))
                    pieces[:0] = [(data[:half], head, line), (data[half:], head, line + lines // 2)]
                    continue
                part = _all_rejected(data, str(error).split(": ", 1)[-1], settings)
            else:
                if chunk.begins and not line and not head:
                    taken.head = part.head
            _add(taken, part, line - head.count(b"\n"))
            path.unlink()
        return _named(taken, chunk)


def _as_objects(data: bytes) -> bytes:
    """With what is no object made unreadable in its place, so that the reader takes nothing else for something else because of it."""
    if data.startswith(b"{") and data.count(b"\n{") == data.count(b"\n", 0, len(data) - 1):
        return data  # as nearly always: each line begins as an object does
    return _NO_OBJECT.sub(rb"{{\1", data)


def _read_file(path: Path, settings: LogSettings, machine: MachineSettings) -> Taken:
    events, apart = read_part([path], settings, machine)
    reports = [file for file in events.report.files if not file.catalogue]
    form = reports[0].form if reports else None
    lines = form.skipped + form.header if form is not None and form.delimiter else 0
    head = b""
    if lines and path.name.startswith("part"):
        with path.open("rb") as stream:
            head = first_lines(stream.read(1 << 20), lines)
    untimed = 0 if events.time is None else int((events.time == NO_TIME).sum())
    rejected = events.report.rejected
    rows = _rows(events, apart)
    if untimed or (events.time is None and len(events)):
        lost = len(events) - rows.num_rows
        rejected = pa.concat_tables([rejected, _rejects(path.name, [0] * lost, NO_TIME_TOLD, [""] * lost)])
    return Taken(rows, sum(file.read for file in reports), sum(file.duplicates for file in reports), rejected, head)


def _rows(events: EventTable, apart: Apart) -> pa.Table:
    if events.time is None:
        return ROWS.empty_table()
    timed = events.time != NO_TIME
    rows = rows_of(events).drop_columns([COPY])
    a, b = identity_of(rows, {name: values[timed] for name, values in apart.items()})
    return rows.append_column(ROWS.field(APART[0]), pa.array(a)).append_column(ROWS.field(APART[1]), pa.array(b)).select(ROWS.names)


def _all_rejected(data: bytes, reason: str, settings: LogSettings) -> Taken:
    lines = [line for line in data.split(b"\n") if line.strip()]
    raws = [line[: settings.raw_characters].decode("utf-8", "replace") for line in lines]
    return Taken(read=len(lines), rejected=_rejects("", list(range(1, len(lines) + 1)), reason, raws))


def _rejects(file: str, lines: list[int], reason: str, raws: list[str]) -> pa.Table:
    count = len(lines)
    return pa.table([[file] * count, lines, [""] * count, [reason] * count, raws], schema=arrow_schema("rejected"))


def _add(taken: Taken, part: Taken, line: int) -> None:
    place = part.rejected.schema.get_field_index("line")
    lines = pa.array([max(number + line, 0) for number in part.rejected["line"].to_pylist()], part.rejected.schema.field("line").type)
    moved = part.rejected.set_column(place, part.rejected.schema.field("line"), lines)
    taken.rows = pa.concat_tables([taken.rows, part.rows])
    taken.rejected = pa.concat_tables([taken.rejected, moved])
    taken.read += part.read
    taken.duplicates += part.duplicates


def _named(taken: Taken, chunk: Chunk) -> Taken:
    """Under the name of what it came from, with lines counted from its beginning."""
    schema = taken.rejected.schema
    lines = pa.array([number + chunk.line if number else 0 for number in taken.rejected["line"].to_pylist()], schema.field("line").type)
    files = pa.array([chunk.shown] * taken.rejected.num_rows, pa.string())
    renamed = taken.rejected.set_column(0, schema.field(0), files).set_column(schema.get_field_index("line"), schema.field("line"), lines)
    return replace(taken, rejected=renamed)


def _about(error: LogError, path: Path, chunk: Chunk) -> LogError:
    return type(error)(str(error).replace(str(path), chunk.shown))
