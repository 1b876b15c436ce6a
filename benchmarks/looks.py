"""What a look of the watch costs as the window grows: processor seconds by stage, of looks between refreshes after some new events each.

python benchmarks/looks.py [NEW] [LOOKS] [EVENTS]...     # 1,000 new events before each of 3 looks; windows of 100,000 and 400,000

A made market of EVENTS fills a window but for its last day, which comes in portions of NEW, or of as many as that day has for each look.
Processor seconds of all threads are told, so that it matters little what else the machine does, and memory beyond what the market
itself takes; the first look is a refresh. Before each other one a step look is taken on the same events, and it is told whether the
rings that it grew are among those of the whole look.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from graphdet.alerts.alert import Alert
from graphdet.progress import Progress
from graphdet.settings import Settings
from graphdet.shortage import memory_now
from graphdet.simulate import preset, simulate
from graphdet.simulate.playing import lines_of
from graphdet.simulate.writing import log_batches
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import DAY
from graphdet.watch.state import RUNS, open_state
from graphdet.watch.step_looks import StepLook, take_step_look
from graphdet.watch.stepping import Bounds, StepReport
from graphdet.watch.taking_looks import Look, take_look
from graphdet.watch.watching import Watch
from graphdet.watch.window import Window

MINUTE = 60_000_000


class Costs(Progress):
    """Processor seconds of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextlib.contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """As told, with the time of the processor."""
        begun = time.process_time()
        with super().stage(name, total):
            yield
        self.seconds[name] += time.process_time() - begun


class Costed(Watch):
    """A watch whose looks tell what they cost."""

    costs: Costs

    def _take(self, window: Window) -> Look:
        self.costs = Costs()
        return take_look(window, self.between, self.settings, self.state.folder / RUNS, self.home, self.costs)

    def _glance_at(self, window: Window) -> StepLook | None:
        self.costs = Costs()
        assert self.standing is not None
        return take_step_look(window, self.between.events, self.standing, self.costs)


class Nobody:
    """Hears nothing of steps and looks."""

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        """A step."""

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """A look."""

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """A step look."""

    def hindered(self, why: str) -> None:
        """Nothing may hinder a benchmark."""
        raise AssertionError(why)

    def noted(self, what: str, values: Mapping[str, int | str]) -> None:
        """What people should know is no matter here."""


Rings = Mapping[frozenset[str], str]  # members → tier


def glance_at(watch: Costed) -> StepLook | None:
    """A step look; it says what it took. None where none is due."""
    watch.rested = 0.0
    begun = time.process_time()
    glance = watch.glance()
    seconds = time.process_time() - begun
    if glance is not None:
        told = ", ".join(f"{name} {cost:.2f}" for name, cost in watch.costs.seconds.items())
        print(
            f"  step look: {seconds:.2f} s, {1e6 * seconds / watch.state.events:.2f} µs for each event of the window ({told})", flush=True
        )
    return glance


def compare(glance: StepLook, look: Look) -> None:
    """Whether the rings that a step look grew are those of the whole look on the same events, and what it did not see."""
    ids = set(glance.rings["ring_id"].to_pylist())
    lasts = {line.last.ring_id: line.last for line in glance.step.lines if line.state == "here"}
    known = {frozenset(last.members): last.tier for last in lasts.values()}
    grown = {frozenset(lasts[one].members): lasts[one].tier for one in ids if one in lasts}
    whole = {frozenset(line.last.members): line.last.tier for line in look.step.lines if line.state == "here"}
    print(
        f"    of {len(grown)} rings that the step look grew {sum(whole.get(ring) == tier for ring, tier in grown.items())} are the whole"
        f" look's, with their tier, {_near(grown, whole)} nearly; of the whole look's {len(whole)} it knew {_near(whole, known)}",
        flush=True,
    )


def _near(rings: Rings, others: Rings) -> int:
    """How many of the rings are among others, with their tier and all but a fifth of the members of both."""
    return sum(
        any(tier == own and len(ring & other) >= 0.8 * len(ring | other) for other, own in others.items()) for ring, tier in rings.items()
    )


def main(new: int, looks: int, events: int) -> None:
    market = simulate(preset("hard", events=events), 1)
    lines = [line for batch in log_batches(market) for line in lines_of(batch)]
    today = int(np.searchsorted(market.columns.time, market.columns.time[-1] // DAY * DAY)) + 1  # one of today is there, so that it began
    new = min(new, (len(lines) - today) // looks)
    past = len(lines) - new * looks
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs" / "events.jsonl"
        log.parent.mkdir()
        log.write_bytes(b"".join(lines[:past]))
        own = memory_now()
        with open_state(Path(folder) / "state") as state:
            watch = Costed(state, FolderSource(log.parent, 3600.0), Settings(), Bounds(400), 2.0, 5 * MINUTE, None, Nobody())
            begun = time.process_time()
            while watch.step() is not None:
                pass
            print(
                f"{past:,} events, {new:,} new before each look: {past / (time.process_time() - begun):,.0f} taken in a processor second",
                flush=True,
            )
            for number in range(looks + 1):
                glance = glance_at(watch)
                begun = time.process_time()
                look = watch.look()
                seconds = time.process_time() - begun
                assert look is not None
                told = ", ".join(f"{name} {cost:.2f}" for name, cost in watch.costs.seconds.items())
                kind = "refresh" if look.refresh else "recorded" if look.is_recorded else "run stands"
                rest = seconds - sum(watch.costs.seconds.values())
                print(f"  {kind}, {look.run.rings.num_rows} rings: {seconds:.2f} s ({told}, rest {rest:.2f})", end="")
                print(f"; {(memory_now() - own) / 2**30:.2f} GiB", flush=True)
                if glance is not None:
                    compare(glance, look)
                with log.open("ab") as file:
                    file.write(b"".join(lines[past + number * new : past + (number + 1) * new]))
                watch.step()


if __name__ == "__main__":
    told = [int(argument) for argument in sys.argv[1:]]
    for window in told[2:] or [100_000, 400_000]:
        main(told[0] if told else 1_000, told[1] if len(told) > 1 else 3, window)
