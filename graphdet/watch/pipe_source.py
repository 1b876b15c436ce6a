"""Standard input → chunks of lines: JSON, or delimited with a header. A pipe cannot be read again: its place is of this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

from graphdet.watch.chunks import MOST_BYTES, Chunk, Place, whole_records

PARTITION = "standard input"
_BLOCK = 1 << 18


class PipeSource:
    """What comes through a pipe. A thread reads on while a step works, up to a bound; beyond it the writer waits.

    Args:
        stream: of bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._finished = self._closed = False
        self._room = threading.Condition()
        self._position = self._line = 0
        self._suffix, self._head = "", b""
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def ended(self) -> bool:
        with self._room:
            return self._finished and not self._buffer

    @property
    def waiting(self) -> bool:
        with self._room:
            return b"\n" in self._buffer or self._finished

    @property
    def trouble(self) -> str:
        return ""

    def take(self, known: Mapping[str, Place], now: float) -> list[Chunk]:
        """All whole lines that have come, and at the end the rest."""
        with self._room:
            data = bytes(self._buffer)
            whole = data if self._finished else whole_records(data, quoted=self._suffix == ".csv")
        if not whole:
            return []
        self._suffix = self._suffix or (".jsonl" if whole.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else ".csv")
        place: dict[str, Any] = {"position": self._position + len(whole), "before": self._position, "line": self._line + whole.count(b"\n")}
        place |= {"seen": now, "head": known.get(PARTITION, {}).get("head", "") if self._position else ""}
        return [Chunk(PARTITION, PARTITION, self._suffix, whole, place, bytes.fromhex(place["head"]), self._line)]

    def kept(self, places: Mapping[str, Place]) -> None:
        """What is kept is let go of."""
        place = places.get(PARTITION)
        if place is None:
            return
        with self._room:
            del self._buffer[: int(place["position"]) - self._position]
            self._position, self._line = int(place["position"]), int(place["line"])
            self._room.notify()

    def rewind(self) -> None:
        """What was taken and not kept is still at hand."""

    def close(self) -> None:
        """Read no further."""
        with self._room:
            self._closed = True
            self._room.notify()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed under our hands
            while True:
                block = self._stream.read1(_BLOCK) if hasattr(self._stream, "read1") else self._stream.read(_BLOCK)
                with self._room:
                    self._buffer += block
                    if not block or self._closed:
                        break
                    self._room.wait_for(lambda: len(self._buffer) < MOST_BYTES or self._closed)
        with self._room:
            self._finished = True
