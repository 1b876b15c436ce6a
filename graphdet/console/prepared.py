"""What lies prepared of a run: pages of its rings, and scores and events in an order in which one node's are found at once.

Arrow files are mapped instead of read, so that the server holds little of a run of millions of events. A process of its own writes all
of it (`preparing.py`), from tables that were checked when it read them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from graphdet.schema import USER

PREPARED = "console"  # folder of the home for what the console prepares; whatever is in it can be made again
SCORES, EVENTS, PLACES, TOLD, PAGES = "scores.arrow", "events.arrow", "places.arrow", "told.jsonl", "pages"
INDEX, ALL = "index", "all"  # told by the process that prepares: scores and events can be looked up; nothing more can be prepared
INDEXED = {
    SCORES: frozenset({"node_type", "node_id", "score", "rank"}),
    EVENTS: frozenset[str](),
    PLACES: frozenset({"node_type", "node_id", "events"}),
}
MARKUP = frozenset("<>&")
MOST_BYTES = 256 * 1024 * 1024  # of a page, packed or not
MOST_EVENTS = 200  # of one node on its page, the latest


@dataclass(frozen=True)
class Told:
    """What a ring's page tells in codes: how it went about, and all reasons for the suspicion."""

    tactics: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


NOTHING_TOLD = Told()


class Prepared:
    """One run's folder of prepared things.

    Args:
        folder: of the run and of this graphdet; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._told: tuple[int, dict[str, Told]] = (0, {})
        self._opened: dict[str, pa.Table] | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether scores and events can be looked up; they come before all pages. What is damaged goes, to be made again."""
        return self._tables() is not None

    def page(self, ring_id: str) -> str | None:
        """What a ring's page shows, as JSON that stands in HTML; None where it is not there yet, or was damaged and goes."""
        path = self.folder / PAGES / ring_id
        try:
            return _unpacked(_content(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            remove(path)
            return None

    def told(self) -> dict[str, Told]:
        """Ring → what its page tells in codes, of the pages that are there; read anew where there are more of them."""
        path = self.folder / TOLD
        try:
            size = path.stat().st_size
            if size != self._told[0]:
                whole, _, _ = _content(path).decode().rpartition("\n")
                rows = [json.loads(line) for line in whole.splitlines()]
                self._told = size, {str(one["ring"]): Told(_codes(one["tactics"]), _codes(one["reasons"])) for one in rows}
        except FileNotFoundError:
            self._told = 0, {}
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            remove(path)
        return self._told[1]

    def scores_of(self, names: Sequence[str], node_type: str | None = None) -> list[dict[str, Any]]:
        """Rows of `scores` whose id is one of these, users first, most suspicious first within a type."""
        rows = [row for name in names for row in _rows_at(self._table(SCORES), name) if node_type in (None, row["node_type"])]
        return sorted(rows, key=lambda row: (row["node_type"] != USER, row["node_type"], row["rank"]))

    def events_of(self, name: str, node_type: str) -> tuple[list[dict[str, Any]], int]:
        """The latest recorded events of a node, newest first, and how many there are. A run records ring members' events alone."""
        for place in _rows_at(self._table(PLACES), name):
            if place["node_type"] == node_type:
                latest = place["events"][-MOST_EVENTS:][::-1]
                return self._table(EVENTS).take(pa.array(latest, pa.int64())).to_pylist(), len(place["events"])
        return [], 0

    def _table(self, name: str) -> pa.Table:
        """One of the index.

        Raises:
            LookupError: it is not there.
        """
        found = self._tables()
        if found is None:
            raise LookupError("page_comes")
        return found[name]

    def _tables(self) -> dict[str, pa.Table] | None:
        """The index, opened once; None where it is not there, or is none."""
        if self._opened is None and os.path.lexists(self.folder / PLACES):
            try:
                self._opened = {name: _mapped(self.folder / name, columns) for name, columns in INDEXED.items()}
            except (OSError, ValueError):  # of which Arrow's own are some
                for name in INDEXED:
                    remove(self.folder / name)
        return self._opened


def _codes(told: list[object]) -> tuple[str, ...]:
    return tuple(map(str, told))


def _content(path: Path) -> bytes:
    """A file's bytes; a pipe would be waited for, and a link lead elsewhere.

    Raises:
        FileNotFoundError: there is none.
        OSError: it is no file, or cannot be read.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no file")
        return file.read(MOST_BYTES)


def _unpacked(packed: bytes) -> str:
    """A page's text.

    Raises:
        ValueError: it is none, or holds what would be markup: nobody but `preparing.py` writes here, and it writes none.
    """
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, MOST_BYTES).decode()
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacking.eof or MARKUP & set(text):
        raise ValueError("no page")
    return text


def _mapped(path: Path, columns: frozenset[str]) -> pa.Table:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "no file")
    found = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    if not columns <= set(found.column_names):
        raise ValueError("another table")
    return found


def remove(path: Path) -> None:
    """Whatever stands there: room for what is made again."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _rows_at(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    """Rows of a table sorted by `node_id` that have this one."""
    ids = table["node_id"]
    first = bisect_left(range(len(ids)), name.encode(), key=lambda place: ids[place].as_py().encode())
    while first < len(ids) and ids[first].as_py() == name:
        yield table.slice(first, 1).to_pylist()[0]
        first += 1
