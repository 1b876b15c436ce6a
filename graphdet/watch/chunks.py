"""What sources give: pieces of whole records with the place that is reached once they are kept, and how bytes are cut between records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

MOST_BYTES = 24 << 20  # of one chunk: what comes faster waits where it is, and memory stays bounded
LONGEST = 16 << 20  # a record that is longer is cut, and then rejected: one must not hold up all others
LINES = (".jsonl", ".ndjson", ".json")  # of JSON objects, one a line
Place = Mapping[str, Any]  # where a partition is; plain values, as JSON has them


@dataclass(frozen=True)
class Chunk:
    """Records of one partition, one after another.

    Attributes:
        partition: under which its place is kept: a file, a topic's partition, the standard input.
        shown: what it is called in rejected rows and messages.
        suffix: what a file with these bytes is called, `.csv` or `.jsonl`.
        data: whole records.
        place: of the partition once these records are kept.
        head: what stands before the first record of its file, and is to be read before these, such as the header.
        line: of the first record, counted from 0.
        path: a file that is read as it is, whole, instead of `data`.
        lost: records before these that nobody can read any more.
    """

    partition: str
    shown: str
    suffix: str
    data: bytes
    place: dict[str, Any]
    head: bytes = b""
    line: int = 0
    path: Path | None = field(default=None)
    lost: int = 0

    @property
    def begins(self) -> bool:
        """Whether it is the first of its file, so that a header, if there is one, stands in it."""
        return not self.place.get("before", 0)


class Source(Protocol):
    """Where events come from. It keeps no place of its own: what the state says is where it goes on."""

    @property
    def ended(self) -> bool:
        """Whether nothing will ever come again."""

    @property
    def waiting(self) -> bool:
        """Whether more is there already than the last chunks held, or may be, where trouble keeps it from being seen."""

    @property
    def trouble(self) -> str:
        """What keeps it from where events come from, as of what was taken last; empty where nothing does."""

    def take(self, known: Mapping[str, Place], now: float) -> list[Chunk]:
        """What has come since these places; partition → place."""

    def kept(self, places: Mapping[str, Place]) -> None:
        """The state holds these places now."""

    def rewind(self) -> None:
        """What was taken last could not be kept, and is to come again."""

    def close(self) -> None:
        """Give back what it holds."""


def digest_of(data: bytes) -> str:
    """SHA-256, cut to 16 digits."""
    return hashlib.sha256(data).hexdigest()[:16]


def whole_records(data: bytes, *, quoted: bool) -> bytes:
    """The data up to the end of its last whole record; all of it where one is longer than any may be.

    Args:
        quoted: line ends inside double quotes end no record.
    """
    end = data.rfind(b"\n") + 1
    if quoted:
        quotes = data.count(b'"', 0, end)
        while end and quotes % 2:
            before = data.rfind(b"\n", 0, end - 1) + 1
            quotes -= data.count(b'"', before, end)
            end = before
    if not end and len(data) >= LONGEST:
        return data
    return data[:end]


def first_lines(data: bytes, lines: int) -> bytes:
    """So many lines, with their ends."""
    end = 0
    for _ in range(lines):
        found = data.find(b"\n", end)
        if found < 0:
            return data
        end = found + 1
    return data[:end]
