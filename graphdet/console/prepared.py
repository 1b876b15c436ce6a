"""What lies prepared of a run: pages of its rings, and scores and events in an order in which one node's are found at once.

Arrow files are mapped instead of read, so that the server holds little of a run of millions of events. A process of its own writes all
of it (`preparing.py`), from tables that were checked when it read them.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from graphdet.schema import USER

SCORES, EVENTS, PLACES, TACTICS, PAGES = "scores.arrow", "events.arrow", "places.arrow", "tactics.jsonl", "pages"
INDEX, ALL = "index", "all"  # told by the process that prepares: scores and events can be looked up; nothing more can be prepared
MOST_EVENTS = 200  # of one node on its page, the latest


class Prepared:
    """One run's folder of prepared things.

    Args:
        folder: of the run and of this graphdet; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tactics: tuple[int, dict[str, tuple[str, ...]]] = (0, {})

    @property
    def is_indexed(self) -> bool:
        """Whether scores and events can be looked up; they come before all pages."""
        return (self.folder / PLACES).exists()

    def page(self, ring_id: str) -> str | None:
        """What a ring's page shows, as JSON that stands in HTML; None where it is not there yet."""
        try:
            return zlib.decompress((self.folder / PAGES / ring_id).read_bytes()).decode()
        except FileNotFoundError:
            return None

    def tactics(self) -> dict[str, tuple[str, ...]]:
        """Ring → how it went about, of the pages that are there; read anew where there are more of them."""
        path = self.folder / TACTICS
        size = path.stat().st_size if path.exists() else 0
        if size != self._tactics[0]:
            whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
            self._tactics = size, {one["ring"]: tuple(one["tactics"]) for one in map(json.loads, whole.splitlines())}
        return self._tactics[1]

    def scores_of(self, names: Sequence[str], node_type: str | None = None) -> list[dict[str, Any]]:
        """Rows of `scores` whose id is one of these, users first, most suspicious first within a type."""
        rows = [row for name in names for row in _rows_at(self._scores, name) if node_type in (None, row["node_type"])]
        return sorted(rows, key=lambda row: (row["node_type"] != USER, row["node_type"], row["rank"]))

    def events_of(self, name: str, node_type: str) -> tuple[list[dict[str, Any]], int]:
        """The latest recorded events of a node, newest first, and how many there are. A run records ring members' events alone."""
        for place in _rows_at(self._places, name):
            if place["node_type"] == node_type:
                latest = place["events"][-MOST_EVENTS:][::-1]
                return self._events.take(pa.array(latest, pa.int64())).to_pylist(), len(place["events"])
        return [], 0

    @cached_property
    def _scores(self) -> pa.Table:
        return _mapped(self.folder / SCORES)

    @cached_property
    def _events(self) -> pa.Table:
        return _mapped(self.folder / EVENTS)

    @cached_property
    def _places(self) -> pa.Table:
        return _mapped(self.folder / PLACES)


def _mapped(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _rows_at(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    """Rows of a table sorted by `node_id` that have this one."""
    ids = table["node_id"]
    first = bisect_left(range(len(ids)), name.encode(), key=lambda place: ids[place].as_py().encode())
    while first < len(ids) and ids[first].as_py() == name:
        yield table.slice(first, 1).to_pylist()[0]
        first += 1
