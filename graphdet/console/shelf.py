"""Run folders → runs that are open: loaded when asked for, few at a time, and what their pages need of them.

Building a ring's page takes some tenths of a second of one core, so pages are kept, and one thread at a time builds for a run.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.replay.recorded import Recorded
from graphdet.report.data import ring_data
from graphdet.report.page import inert
from graphdet.run.folder import Run
from graphdet.schema import NODE_TYPE, SELLER, USER

ABOUT = "/about"  # the page of an account, item …
MOST_OPEN = 3
MOST_PAGES = 100  # of one run
MOST_IDS = 500  # that may be asked for at once
MOST_EVENTS = 200  # of one account on its page, the latest


class OpenRun:
    """One run, with its rings as rows and quick ways to what a page shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = Run.load(folder)
        self.rings: list[dict[str, Any]] = self.run.rings.sort_by("rank").to_pylist()
        self.by_id = {str(ring["ring_id"]): ring for ring in self.rings}
        self._pages: OrderedDict[str, str] = OrderedDict()
        self.tactics: dict[str, tuple[str, ...]] = {}
        self._building = threading.Lock()

    @cached_property
    def _recorded(self) -> Recorded:
        return Recorded(self.run)

    @property
    def has_pages(self) -> bool:
        """Whether the run holds what dossiers are made of."""
        return all(self.run.has(name) for name in ("events", "keys", "visits", "dossiers"))

    def page(self, ring_id: str) -> str:
        """What a ring's page shows, as JSON that stands in HTML.

        Raises:
            RunError: the run holds no dossiers, or no such ring.
        """
        with self._building:
            if ring_id not in self._pages:
                found = ring_data(self._recorded, self.run.ring(ring_id))
                self.tactics[ring_id] = tuple(found["dossiers"][0]["kinds"])
                self._pages[ring_id] = inert({**found, "about": ABOUT})
            self._pages.move_to_end(ring_id)
            if len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
            return self._pages[ring_id]

    def tactics_of(self, ring_id: str) -> tuple[str, ...]:
        """How a ring went about, where its page was built already."""
        return self.tactics.get(ring_id, ())

    def shops_of(self, ring_id: str) -> int | None:
        """How many shops its members share, None where the log tells of none."""
        return len(self.sellers.get(ring_id, ())) if self.sellers else None

    @cached_property
    def sellers(self) -> dict[str, tuple[str, ...]]:
        """Ring → shops that its members share."""
        rows = self.run.members.filter(pc.equal(self.run.members["node_type"], SELLER))
        found: dict[str, list[str]] = {}
        for ring_id, name in zip(rows["ring_id"].to_pylist(), rows["node_id"].to_pylist(), strict=True):
            found.setdefault(ring_id, []).append(name)
        return {ring_id: tuple(sorted(names)) for ring_id, names in found.items()}

    def rings_of(self, names: Sequence[str], node_type: str | None = None) -> list[dict[str, Any]]:
        """Rows of `members` whose id is one of these, of a type or of any, worst ring first."""
        keep = pc.is_in(self.run.members["node_id"], value_set=pa.array(names, pa.string()))
        if node_type is not None:
            keep = pc.and_(keep, pc.equal(self.run.members["node_type"], node_type))
        rows = self.run.members.filter(keep).to_pylist()
        return sorted(rows, key=lambda row: (self.by_id[row["ring_id"]]["rank"], row["node_type"], row["node_id"]))

    def scores_of(self, names: Sequence[str], node_type: str | None = None) -> list[dict[str, Any]]:
        """Rows of `scores` whose id is one of these, most suspicious first within a type."""
        keep = pc.is_in(self.run.scores["node_id"], value_set=pa.array(names, pa.string()))
        if node_type is not None:
            keep = pc.and_(keep, pc.equal(self.run.scores["node_type"], node_type))
        return sorted(self.run.scores.filter(keep).to_pylist(), key=lambda row: (row["node_type"] != USER, row["node_type"], row["rank"]))

    def events_of(self, name: str, node_type: str) -> tuple[list[dict[str, Any]], int]:
        """The latest recorded events of a node, newest first, and how many there are. A run records ring members' events alone."""
        column = NODE_TYPE[node_type].column
        if self.run.events is None or column not in self.run.events.column_names:
            return [], 0
        own = self.run.events.filter(pc.equal(self.run.events[column], name))
        return own.sort_by([("timestamp", "descending")]).slice(0, MOST_EVENTS).to_pylist(), own.num_rows


class Shelf:
    """Runs that are open: those looked at last stay so."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, OpenRun] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, folder: Path) -> OpenRun:
        """The run in a folder.

        Raises:
            RunError: there is none, or it is damaged.
        """
        with self._lock:
            run = self._open.pop(folder, None) or OpenRun(folder)
            self._open[folder] = run
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            return run
