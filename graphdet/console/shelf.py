"""Run folders → runs that are open: their rings and members at hand, and the rest of them prepared on disk, a few runs at a time."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.console.prepared import NOTHING_TOLD, TOLD, Prepared, Told, remove
from graphdet.console.workbench import MOST_DEATHS, Workbench, log
from graphdet.run.code import code_digest
from graphdet.run.folder import Run
from graphdet.schema import SELLER

MOST_OPEN = 3
OURS = re.compile(r"run-[0-9a-f]+-[0-9a-f]{16}")  # folders of this and other versions; whatever else lies there is somebody's
MOST_IDS = 500  # that may be asked for at once


class OpenRun:
    """One run, with quick ways to what a page shows; `by_id`: ring → its rank and tier.

    Args:
        folder: of the run.
        prepared: where what is prepared of runs lies.
    """

    def __init__(self, folder: Path, prepared: Path) -> None:
        self.run = Run.load(folder)
        rings: list[dict[str, Any]] = self.run.rings.select(["ring_id", "rank", "tier"]).to_pylist()
        self.by_id = {str(ring["ring_id"]): ring for ring in rings}
        self.bench = Workbench(folder, prepared / _own_name(self.run.id))

    @property
    def has_pages(self) -> bool:
        """Whether the run holds what dossiers are made of."""
        return all(self.run.has(name) for name in ("events", "keys", "visits", "dossiers"))

    def tactics_of(self, ring_id: str) -> tuple[str, ...]:
        """How a ring went about, where its page is prepared."""
        return self.bench.prepared.told().get(ring_id, NOTHING_TOLD).tactics

    @property
    def tells_shops(self) -> bool:
        """Whether the log does."""
        return bool(self.run.meta["counts"]["nodes"].get(SELLER))

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


class Shelf:
    """Runs that are open: those looked at last stay so.

    Args:
        prepared: where what is prepared of them lies.
    """

    def __init__(self, prepared: Path) -> None:
        self._prepared = prepared
        self._open: OrderedDict[Path, Future[OpenRun]] = OrderedDict()
        self._told: dict[str, Prepared] = {}
        self._telling: tuple[subprocess.Popen[bytes], set[tuple[str, str]]] | None = None
        self._tried = set[tuple[str, str]]()
        self._deaths = 0
        self._lock = threading.Lock()

    def open(self, folder: Path) -> OpenRun:
        """The run in a folder.

        Raises:
            RunError: there is none, or it is damaged.
        """
        with self._lock:
            known = self._open.pop(folder, None)
            opening = self._open[folder] = known or Future()
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].add_done_callback(_close)
        if known is None:  # read without the lock: whoever wants another run does not wait for this one
            self._read(folder, opening)
        return opening.result()

    def _read(self, folder: Path, opening: Future[OpenRun]) -> None:
        try:
            opening.set_result(OpenRun(folder, self._prepared))
        except BaseException as error:
            opening.set_exception(error)
            with self._lock:
                if self._open.get(folder) is opening:  # the next one tries again
                    del self._open[folder]

    def told_of(self, run_id: str, ring_id: str) -> Told | None:
        """What the page of a ring of any run told in codes; None where this graphdet never prepared it."""
        known = self._told.setdefault(run_id, Prepared(self._prepared / _own_name(run_id)))
        return known.told().get(ring_id)

    def tell(self, folder: Path, run_id: str, rings: Collection[str]) -> bool:
        """Find out what pages of some rings of a run tell in codes: each is tried once, by one process at a time, and again where it died.

        Returns:
            Whether it is being found out.
        """
        with self._lock:
            self._mind_the_dead()
            names = sorted(ring for ring in rings if (run_id, ring) not in self._tried)
            if names and self._telling is None:
                command = [sys.executable, "-P", "-m", "graphdet.console.preparing", str(folder.resolve())]
                command += [str(self._prepared / _own_name(run_id)), *names]
                process = subprocess.Popen(  # noqa: S603
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                self._telling = process, {(run_id, ring) for ring in names}
                self._tried |= self._telling[1]
            return self._telling is not None and not self._telling[1].isdisjoint((run_id, ring) for ring in rings)

    def _mind_the_dead(self) -> None:
        """Where the process that finds out died, what it was to find out may be tried again, so often; the lock is held."""
        if self._telling is None or self._telling[0].poll() is None:
            return
        process, rings = self._telling
        self._telling = None
        if process.returncode:
            self._deaths += 1
            again = self._deaths < MOST_DEATHS
            self._tried -= rings if again else set()
            log.warning(
                "the process that looks up reasons died (%d); it is %s.", process.returncode, "tried again" if again else "given up"
            )

    def clear(self, runs: Collection[str], past: Collection[str] = ()) -> None:
        """Remove what was prepared of other runs than these, or by another graphdet; of those past, what pages told in codes stays."""
        kept, told = {_own_name(run) for run in runs}, {_own_name(run) for run in past}
        for old in self._prepared.iterdir() if self._prepared.is_dir() else ():
            if OURS.fullmatch(old.name) and old.name not in kept and not old.is_symlink():
                for part in old.iterdir() if old.name in told else [old]:
                    if part.name != TOLD:
                        remove(part)

    def close(self) -> None:
        """End what prepares."""
        with self._lock:
            for opening in self._open.values():
                opening.add_done_callback(_close)
            if self._telling is not None and self._telling[0].poll() is None:
                self._telling[0].terminate()
                self._telling[0].wait()


def _own_name(run_id: str) -> str:
    """The folder of what this graphdet prepares of a run."""
    return f"{run_id}-{code_digest()}"


def _close(opening: Future[OpenRun]) -> None:
    """End what prepares a run, once it is open."""
    if opening.exception() is None:
        opening.result().bench.close()
