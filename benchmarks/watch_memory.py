"""An hour's worth of events at 5,000 a second through a watch: how much memory it takes as days come and leave.

python benchmarks/watch_memory.py [EVENTS] [DAYS] [MARKET]     # 18,000,000 events after the window of 30 days is full; markets of 5,500,000

Made markets, one after the other in time, are written by a process of their own, in files of 250,000 events, of which the next comes to
the watch's folder once what lies there has been read. The watch looks as one with `--keep DAYSd` does: a new day comes every few seconds,
so that whole looks with a null of their own follow each other. Told is the highest memory of the watch's process in each tenth of what
came after the window was full.
"""

from __future__ import annotations

import itertools
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from fed_folder import FedFolder

from graphdet.alerts.alert import Alert
from graphdet.progress import share_heaps
from graphdet.settings import Settings
from graphdet.shortage import memory_now
from graphdet.simulate import preset, simulate
from graphdet.simulate.playing import lines_of
from graphdet.simulate.writing import log_batches
from graphdet.watch.chunks import Chunk, Place
from graphdet.watch.segments import DAY
from graphdet.watch.state import State, open_state
from graphdet.watch.step_looks import StepLook
from graphdet.watch.stepping import Bounds, StepReport
from graphdet.watch.taking_looks import Look
from graphdet.watch.watching import Watch

FILE = 250_000  # events
PARTS = 10
MINUTE = 60_000_000


class InTurn(FedFolder):
    """A folder to which files come from another one, each once nothing is left of the one before."""

    coming: Path
    logs: Path

    def take(self, known: Mapping[str, Place], now: float) -> list[Chunk]:
        if not self.gave and (files := sorted(self.coming.glob("*.jsonl"))):
            files[0].rename(self.logs / files[0].name)
        return super().take(known, now)


class Measured:
    """Memory after each step and look; `state` tells how far events have come."""

    def __init__(self, state: State, days: int) -> None:
        self.state, self.days = state, days
        self.begun: int | None = None  # the first event's time
        self.full: int | None = None  # events read when the window was
        self.looks = self.step_looks = 0
        self.memories: list[tuple[int, int]] = []  # events read since, bytes

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        self.note()

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.looks += 1
        self.note()
        held = f"{self.state.counts['read']:,} events read, {self.state.events:,} in the window, {look.run.rings.num_rows} rings"
        print(f"  look {self.looks}: {figures['look_seconds']:.0f} s; {held}; {memory_now() / 2**30:.2f} GiB", flush=True)

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.step_looks += 1
        self.note()

    def hindered(self, why: str) -> None:
        raise AssertionError(why)

    def noted(self, what: str, values: Mapping[str, int | str]) -> None:
        print(f"  {what}: {dict(values)}", flush=True)

    def note(self) -> None:
        state, read = self.state, self.state.counts["read"]
        if state.end is None:
            return
        self.begun = state.end if self.begun is None else self.begun
        if self.full is None and state.end - self.begun >= self.days * DAY:
            self.full = read
        if self.full is not None:
            self.memories.append((read - self.full, memory_now()))


def write(logs: Path, events: int, days: int, market: int) -> None:
    """So many events beside those that fill the window, in files."""
    begin, made = date(2025, 3, 3), 0
    for number in itertools.count(1):
        settings = preset("hard", events=market)
        settings = settings.model_copy(update={"start": begin.isoformat()})
        found = simulate(settings, number)
        save(logs, number, itertools.chain.from_iterable(lines_of(batch) for batch in log_batches(found)))
        begin, made = begin + timedelta(days=settings.days), made + len(found)
        if made - market * days / settings.days >= events:
            return


def save(logs: Path, market: int, lines: Iterable[bytes]) -> None:
    left = iter(lines)
    for number in itertools.count():
        part = b"".join(itertools.islice(left, FILE))
        if not part:
            return
        unfinished = logs / f"{market:02}-{number:04}.part"
        unfinished.write_bytes(part)
        unfinished.rename(unfinished.with_suffix(".jsonl"))


def main(events: int, days: int, market: int) -> None:
    share_heaps()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        logs, coming = Path(folder) / "logs", Path(folder) / "coming"
        logs.mkdir()
        coming.mkdir()
        with open_state(Path(folder) / "state") as state:
            source, seen = InTurn(logs, 3600.0), Measured(state, days)
            source.coming, source.logs = coming, logs
            writer = multiprocessing.get_context("spawn").Process(target=write, args=(coming, events, days, market), daemon=True)
            writer.start()
            source.is_fed = lambda: writer.is_alive() or any(coming.iterdir())
            begun = time.monotonic()
            Watch(state, source, Settings(), Bounds(days), 0.2, 5 * MINUTE, None, seen).run(once=False)
            writer.join()
            took = time.monotonic() - begun
    since, memory = (np.array(column) for column in zip(*seen.memories, strict=True))
    print(f"{since[-1]:,} events after the window of {days} days was full", end="; ")
    print(f"{took:,.0f} s in all, {seen.looks} looks, {seen.step_looks} step looks")
    highest = [memory[part].max() / 2**30 for part in np.array_split(np.arange(len(since)), PARTS) if len(part)]
    print(f"highest memory of the process in each tenth of the time: {', '.join(f'{one:.2f}' for one in highest)} GiB")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(18_000_000, 30, 5_500_000)[len(given) :])
