"""What a stage costs and how far it is: recorded always, shown as bars on a terminal or as lines elsewhere.

A stage is opened with `with progress.stage("pairs", total=blocks):` and told of work done with `progress.advance(n)`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


LINE_SECONDS = 10.0  # between two lines of one stage in a file


@dataclass(frozen=True)
class StageCost:
    """What one stage took: wall seconds, and the process's highest resident memory in bytes up to the stage's end."""

    name: str
    seconds: float
    peak_bytes: int


class Progress:
    """Records the cost of each stage in `costs` and shows nothing; the subclasses show it too.

    Stages do not nest. A stage that fails is not recorded.
    """

    def __init__(self) -> None:
        self.costs: list[StageCost] = []
        self._done = 0

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Open a stage of `total` steps (rows, blocks, permutations; None where that is not known beforehand)."""
        self._done = 0
        self._opened(name, total)
        began = time.perf_counter()
        try:
            yield
        except BaseException:
            self._closed(None)
            raise
        give_back()
        cost = StageCost(name, time.perf_counter() - began, peak_memory())
        self.costs.append(cost)
        self._closed(cost)

    def advance(self, steps: int) -> None:
        """Tell that `steps` more of the open stage's total are done."""
        self._done += steps
        self._advanced()

    def _opened(self, name: str, total: int | None) -> None:
        pass

    def _advanced(self) -> None:
        pass

    def _closed(self, cost: StageCost | None) -> None:
        pass


class LineProgress(Progress):
    """A line on `stream` for each stage as it ends, and one now and then for a long one; for log files and pipes."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        super().__init__()
        self._stream = stream
        self._name = ""
        self._total: int | None = None
        self._began = self._told = 0.0

    def _opened(self, name: str, total: int | None) -> None:
        self._name, self._total = name, total
        self._began = self._told = time.monotonic()

    def _advanced(self) -> None:
        now = time.monotonic()
        if now - self._told < LINE_SECONDS:
            return
        self._told, took = now, now - self._began
        steps, left = f"{self._done:,}", ""
        if self._total is not None:
            steps += f" of {self._total:,}"
            left = f", about {took * max(self._total - self._done, 0) / max(self._done, 1):.0f} s left"
        self._write(f"{self._name}: {steps} after {took:.0f} s{left}")

    def _closed(self, cost: StageCost | None) -> None:
        if cost is not None:
            done = f"{self._done:,} done in " if self._done else ""
            self._write(f"{cost.name}: {done}{cost.seconds:.1f} s, peak memory {show_bytes(cost.peak_bytes)}")

    def _write(self, line: str) -> None:
        self._stream.write(f"graphdet: {line}\n")
        self._stream.flush()


class BarProgress(Progress):
    """A bar on the terminal for the open stage, with steps and time left, and a line for each one that ended."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._bars: RichProgress | None = None
        self._task: TaskID | None = None

    def _opened(self, name: str, total: int | None) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        steps = "{task.completed:,.0f} of {task.total:,.0f}" if total is not None else "{task.fields[counted]}"
        columns = [TextColumn("  {task.description:<28}"), BarColumn(24), TextColumn(steps), TimeElapsedColumn()]
        if total is not None:
            columns += [TimeRemainingColumn(), TextColumn("left")]
        self._bars = RichProgress(*columns, console=self._console, transient=True)
        self._task = self._bars.add_task(name, total=total, counted="")
        self._bars.start()

    def _advanced(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=self._done, counted=f"{self._done:,}")

    def _closed(self, cost: StageCost | None) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._task = None
        if cost is not None:
            done = f"{self._done:,}" if self._done else ""
            line = f"[green]✓[/] {cost.name:<28}{done:>14}{cost.seconds:>9.1f} s{show_bytes(cost.peak_bytes):>10}"
            self._console.print(line, highlight=False)


def progress_for(stream: TextIO) -> Progress:
    """Bars where `stream` is a terminal, lines where it is not."""
    if not stream.isatty():
        return LineProgress(stream)
    from rich.console import Console

    return BarProgress(Console(file=stream, color_system=None if os.environ.get("NO_COLOR") else "auto"))


def peak_memory() -> int:
    """The highest resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux kilobytes


def give_back() -> None:
    """What was freed goes back to the system: what Arrow keeps for later, and small pieces where the C library has a way (glibc's).

    Else the leavings of one stage stay beside those of the next: a tenth of a run's peak.
    """
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def share_heaps() -> None:
    """For a process that lasts: all threads take small pieces from two heaps, where the C library has a way to say so (glibc's).

    Else each thread has one of its own, up to eight for each processor, and what is left of pieces in each of them is never whole pages to
    be given back: a watch's memory grew by a third in an hour.
    """
    arenas_most, few = -8, 2  # as in malloc.h
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if limit is not None:
        limit(arenas_most, few)


def show_bytes(size: int) -> str:
    """'310 MB' or '1.2 GB'."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
