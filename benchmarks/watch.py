"""The watch at work: how many events a second it takes in, how long from an event to its look, how much memory; and the batch beside it.

python benchmarks/watch.py [EVENTS] [RATE] [SECONDS] [SPACING] [DAYS]     # a window of so many events, then so many a second for so long

A made market of about EVENTS fills the window (catching up: as fast as it goes), then its last part comes at RATE events a second in
files that grow, while looks are taken beside the steps, SPACING minutes of the events' own time apart (5). A made shop has far fewer
events a day than come at such a rate, so that days would pass in seconds: the last part begins at a midnight, and its times are drawn
together into that day. With a window of DAYS they are not, only the first quarter of the market is there at the beginning, and days leave
while others come, so that memory shows whether it grows. Memory is told without what the market itself takes.
Beside it, what a user would do instead: `graphdet run` on the same events.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from fed_folder import FedFolder

from graphdet.alerts.alert import Alert
from graphdet.arrays import Int64
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.progress import share_heaps
from graphdet.settings import Settings
from graphdet.shortage import memory_now
from graphdet.simulate import preset, simulate
from graphdet.simulate.playing import lines_of
from graphdet.simulate.writing import log_batches
from graphdet.watch.segments import DAY
from graphdet.watch.state import open_state
from graphdet.watch.step_looks import StepLook
from graphdet.watch.stepping import Bounds, StepReport
from graphdet.watch.taking_looks import Look
from graphdet.watch.watching import Watch

MINUTE = 60_000_000


class Measured:
    """Steps and looks with the clock's time."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, int, float]] = []
        self.looks: list[tuple[float, int, float]] = []
        self.glances: list[tuple[float, int, float]] = []
        self.memories: list[int] = []
        self.recorded = 0

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        self.steps.append((time.monotonic(), report.counts["read"], figures["step_seconds"]))
        self.memories.append(memory_now())

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.looks.append((time.monotonic(), look.window.end, figures["look_seconds"]))
        self.recorded += look.is_recorded
        self.memories.append(memory_now())

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.glances.append((time.monotonic(), look.window.end, look.seconds))

    def hindered(self, why: str) -> None:
        raise AssertionError(why)

    def noted(self, what: str, values: Mapping[str, int | str]) -> None:
        print(f"  {what}: {dict(values)}", flush=True)


def main(events: int, rate: int, seconds: float, spacing: float, days: int) -> None:
    share_heaps()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        logs, state = Path(folder) / "logs", Path(folder) / "state"
        logs.mkdir()
        lines, times, past = write_market(logs / "events.jsonl", events, round(rate * seconds), days)
        print(f"market: {past + len(lines):,} events, of which {len(lines):,} come at {rate:,} a second", flush=True)
        seen, own = Measured(), memory_now()
        with open_state(state) as kept:
            source = FedFolder(logs, 3600.0)
            watch = Watch(kept, source, Settings(), Bounds(days or 400), 2.0, round(spacing * MINUTE), None, seen)
            begun = time.monotonic()
            while watch.step() is not None:
                pass
            took = time.monotonic() - begun
            print(f"catching up: {kept.counts['read'] / took:,.0f} events/s ({took:.1f} s); {gibibytes(own):.2f} GiB", flush=True)
            begun = time.monotonic()
            watch.look()
            print(f"first look, with a null of its own: {time.monotonic() - begun:.1f} s; {gibibytes(own):.2f} GiB", flush=True)
            arrived: list[tuple[float, int]] = []
            feeder = threading.Thread(target=feed, args=(logs / "events.jsonl", lines, rate, arrived))
            steps_before, looks_before, seen.recorded, seen.memories = len(seen.steps), len(seen.looks), 0, []
            feeder.start()
            source.is_fed = feeder.is_alive
            watch.run(once=False)
            print(f"the window holds {kept.events:,} events at the end", flush=True)
            report(seen, steps_before, looks_before, times, arrived, len(lines), own)
        begun = time.monotonic()
        run = detect(read_events([logs / "events.jsonl"]), Settings())
        print(f"beside it, `graphdet run` on the same events: {time.monotonic() - begun:.1f} s, {run.rings.num_rows} rings")


def write_market(path: Path, events: int, live: int, days: int) -> tuple[list[bytes], Int64, int]:
    """The last part of a made market, the times of all of it, and how many events are before that part, which the file holds."""
    market = simulate(preset("hard", events=events), 1)
    times = market.columns.time
    past = len(times) - min(live, len(times) * (3 if days else 1) // 4)
    if not days:
        begin = int(times[past]) // DAY * DAY
        past = int(np.searchsorted(times, begin)) + 1  # the first of that day is there, so that its refresh is the first look
        since = times[past:] - begin
        times = np.concatenate([times[:past], begin + (since * min((DAY - 1) / int(since[-1]), 1.0)).astype(np.int64)])
        market = replace(market, columns=replace(market.columns, time=times))
    lines: list[bytes] = []
    with path.open("wb") as file:
        place = 0
        for batch in log_batches(market):
            for line in lines_of(batch):
                if place < past:
                    file.write(line)
                else:
                    lines.append(line)
                place += 1
    return lines, times, past


def gibibytes(own: int) -> float:
    """Of memory beyond the market's."""
    return (memory_now() - own) / 2**30


def feed(path: Path, lines: list[bytes], rate: int, arrived: list[tuple[float, int]]) -> None:
    begun = time.monotonic()
    done = 0
    while done < len(lines):
        due = min(round((time.monotonic() - begun) * rate) + 1, len(lines))
        with path.open("ab") as file:
            file.write(b"".join(lines[done:due]))
        done = due
        arrived.append((time.monotonic(), done))
        time.sleep(0.1)


def report(seen: Measured, steps: int, looks: int, times: Int64, arrived: list[tuple[float, int]], live: int, market: int) -> None:
    own = seen.steps[steps:]
    print(f"steps: {len(own)}, p50 {np.median([one[2] for one in own]):.2f} s, p95 {np.quantile([one[2] for one in own], 0.95):.2f} s")
    taken = np.cumsum([one[1] for one in own])
    lag = []
    for moment, count in arrived:  # from the file to the state
        place = int(np.searchsorted(taken, count))
        if place < len(own):
            lag.append(own[place][0] - moment)
    rate = live / (own[-1][0] - arrived[0][0])
    print(f"taken in: {rate:,.0f} events/s, p95 from file to state {np.quantile(lag, 0.95):.2f} s")
    later = sorted([*seen.looks[looks:], *seen.glances])  # of either kind
    held = np.searchsorted(times, [one[1] for one in later], side="right")  # events come in their order
    past = len(times) - live
    told = arrived[: len(arrived) * 3 // 4]  # the source's end stops the watch, and its last look is a whole one
    waited = [later[place][0] - moment for moment, count in told if (place := int(np.searchsorted(held, past + count))) < len(later)]
    print(f"from the file to an alert, of the first three quarters: p50 {np.median(waited):.1f} s, p95 {np.quantile(waited, 0.95):.1f} s")
    took, stepped = [one[2] for one in seen.looks[looks:]], [one[2] for one in seen.glances]
    print(f"looks: {len(took)}, {seen.recorded} recorded, p50 {np.median(took):.1f} s")
    print(f"step looks: {len(stepped)}" + (f", p50 {np.median(stepped):.2f} s" if stepped else ""))
    highest = ", ".join(f"{(max(part) - market) / 2**30:.2f}" for part in np.array_split(seen.memories, 5) if len(part))
    print(f"highest memory in each fifth of the time: {highest} GiB")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 5_000,
        float((sys.argv[3:] or ["60"])[0]),
        float((sys.argv[4:] or ["5"])[0]),
        int((sys.argv[5:] or ["0"])[0]),
    )
