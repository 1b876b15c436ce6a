"""What tests of the watch share: a watch in a process that is killed at random, and whether every event is in the state once afterwards.

`python tests/watch_parts.py 200` plays so many histories of kills, each another.
"""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from graphdet.alerts.alert import Alert
from graphdet.settings import Settings
from graphdet.watch.chunks import Source
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.reading_on import APART
from graphdet.watch.segments import DAY, read_rows
from graphdet.watch.state import State, open_state
from graphdet.watch.step_looks import StepLook
from graphdet.watch.stepping import Bounds, StepReport
from graphdet.watch.taking_looks import Look
from graphdet.watch.watching import Watch

NOON = datetime(2025, 3, 20, 12, tzinfo=UTC).timestamp()
WRITTEN = 400  # events of one history
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["graphdet.cli.streaming", "graphdet.pipeline", "graphdet.watch.watching"])


@dataclass
class Heard:
    """What a watch told."""

    steps: list[StepReport] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    glances: list[StepLook] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    hindrances: list[str] = field(default_factory=list)
    notes: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        self.steps.append(report)

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.looks.append(look)
        self.alerts += alerts

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.glances.append(look)
        self.alerts += alerts

    def hindered(self, why: str) -> None:
        self.hindrances.append(why)

    def noted(self, what: str, numbers: Mapping[str, Any]) -> None:
        self.notes.append((what, numbers))


def quick() -> Settings:
    settings = Settings()
    none, few = {"least_rings": 0}, {"permutations": 4}
    return settings.model_copy(update={"gnn": settings.gnn.model_copy(update=none), "rings": settings.rings.model_copy(update=few)})


def watch_of(state: State, source: Source, days: int = 30, home: Path | None = None, clock: Any = lambda: NOON, **bounds: Any) -> Watch:
    return Watch(state, source, quick(), Bounds(days, **bounds), 0.01, DAY // 24, home, Heard(), clock=clock)


@contextlib.contextmanager
def small_disk(place: Path, size: int) -> Iterator[bool]:
    """A disk that can be filled; False where only root may mount one, and the place is a folder as any other."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, room: int) -> None:
    """Leave so many bytes, until `filler` is gone; none, where somebody else writes meanwhile."""
    disk = os.statvfs(place)
    try:
        (place / "filler").write_bytes(b"x" * max(disk.f_bavail * disk.f_frsize - room, 0))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def add_up(state: State) -> None:
    """read = accepted + rejected + duplicates, and every event of the window is in it once."""
    counts = state.counts
    assert counts["read"] == counts["accepted"] + counts["rejected"] + counts["duplicate"]
    rows = read_rows(state.rows, state.segments, APART)
    assert state.events == rows.num_rows
    told = np.stack([rows[name].to_numpy() for name in APART], axis=1)
    assert len(np.unique(told, axis=0)) == rows.num_rows


def follow(state: str, logs: str) -> None:
    """Step until killed."""
    with open_state(Path(state)) as kept:
        watch = watch_of(kept, FolderSource(Path(logs), 3600.0))
        while True:
            watch.step()
            if kept.events and len(kept.segments) > 4:
                watch.window()  # and tidy up


def history(folder: Path, seed: int, kills: int) -> dict[str, int]:
    """Write events, some of them twice, while a watch is killed again and again; then let one go to the end, and count.

    Raises:
        AssertionError: an event is lost or counts twice.
    """
    chance = random.Random(seed)  # noqa: S311
    logs, state = folder / "logs", folder / "state"
    logs.mkdir(parents=True)
    written = lines = 0
    for _ in range(kills):
        process = FORKS.Process(target=follow, args=(str(state), str(logs)), daemon=True)
        process.start()
        end = time.monotonic() + chance.uniform(0.1, 1.2)
        while time.monotonic() < end:
            path = logs / f"{chance.randrange(3)}.jsonl"
            with path.open("ab", buffering=0) as file:
                for number in (written, max(written - chance.randrange(40), 0)):  # the second may be known
                    if written < WRITTEN:
                        line = event(number) + b"\n"
                        cut = chance.randrange(len(line))
                        file.write(line[:cut])
                        file.write(line[cut:])
                        lines += 1
            written = min(written + 1, WRITTEN)
            time.sleep(0.003)
            if chance.random() < 0.02 and path.exists():
                path.rename(path.with_name(f"{path.name}.{chance.randrange(1, 99999)}"))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    with open_state(state) as kept:
        watch = watch_of(kept, FolderSource(logs, 3600.0))
        while watch.step() is not None:
            pass
        add_up(kept)
        assert kept.counts["accepted"] == kept.events == written, (kept.counts, written)
        assert kept.counts["read"] == lines, (kept.counts, lines)
        return dict(kept.counts)


def event(number: int) -> bytes:
    moment = datetime.fromtimestamp(NOON - 40_000 + 60 * number, UTC).isoformat()
    row = {"event_id": f"e{number}", "timestamp": moment, "user_id": f"u{number % 50}", "item_id": f"i{number % 17}", "action": "view"}
    return json.dumps(row).encode()


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        place = Path(tempfile.mkdtemp())
        print(number, history(place, number, 4), flush=True)  # noqa: T201
        shutil.rmtree(place)
