"""Made markets, played into a watch → days from a ring's first event to the moment that it may be told of, beside looking every five days.

python benchmarks/time_to_detect.py [EVENTS] [HOURS] [SEED]...     # hard markets of 40,000 events, a look every 12 hours, seeds 1 and 2

The watch spends the day's allowed false discovery over its looks; who looks every five days takes the run's alerts as they are. Both see
the same rings: a look at midnight has a null of its own and is `graphdet run` on the window. Rings that are never told of are counted.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from detection import first_days
from looks import Nobody
from markets import make_market
from results_io import markdown_row, write_result

from graphdet.evaluate import evaluate
from graphdet.settings import Settings
from graphdet.simulate import preset, simulate
from graphdet.simulate.playing import lines_of
from graphdet.simulate.writing import log_batches
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import DAY
from graphdet.watch.state import open_state
from graphdet.watch.stepping import Bounds
from graphdet.watch.watching import Watch

EVERY = 5  # days between the looks of who runs it now and then
WANTED = 0.6


@dataclass
class Waits:
    """Days until a ring was told of, by ring; `kind` and `begun` of every ring that was planted."""

    kind: dict[str, str] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    watch: dict[str, float] = field(default_factory=dict)
    batch: dict[str, float] = field(default_factory=dict)


def play(events: int, hours: float, seed: int, waits: Waits) -> None:
    """One market: a look at every mark, and what each of the two would tell of then."""
    market = simulate(preset("hard", events=events), seed)
    told = make_market("hard", seed, events=events)
    kind = dict(zip(told.truth.rings["ring_id"], told.truth.rings["kind"], strict=True))
    waits.kind |= {f"{seed} {ring}": str(own) for ring, own in kind.items()}
    waits.begun |= {f"{seed} {ring}": day for ring, day in first_days(told).items()}
    lines = [line for batch in log_batches(market) for line in lines_of(batch)]
    time, start = market.columns.time, int(market.columns.time[0]) // DAY * DAY
    marks = np.arange(start + DAY, int(time[-1]) + DAY, round(hours * DAY / 24))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs" / "events.jsonl"
        log.parent.mkdir()
        with open_state(Path(folder) / "state") as state, log.open("ab") as file:
            watch = Watch(state, FolderSource(log.parent, 3600.0), Settings(), Bounds(400), 2.0, DAY, None, Nobody())
            done = 0
            for mark in marks.tolist():
                due = int(np.searchsorted(time, mark))
                file.write(b"".join(lines[done:due]))
                file.flush()
                done = due
                while watch.step() is not None:
                    pass
                look = watch.look()
                if look is None:
                    continue
                told_now = {ring for ring, line in look.step.line_of.items() if line in look.lines}
                day = (mark - int(time[0])) / DAY
                for alert in evaluate(look.run, told.truth).alert_outcomes:
                    if alert.true_ring is None:
                        continue
                    ring = f"{seed} {alert.true_ring}"
                    if alert.ring_id in told_now:
                        waits.watch.setdefault(ring, day)
                    if (mark - start) % (EVERY * DAY) == 0 or mark == marks[-1]:
                        waits.batch.setdefault(ring, day)
    print(
        f"seed {seed}: {len(waits.watch)} told by the watch, {len(waits.batch)} by looking every {EVERY} days, {len(waits.begun)} planted"
    )


def main(events: int, hours: float, seeds: list[int]) -> None:
    waits = Waits()
    for seed in seeds:
        play(events, hours, seed, waits)
    rows = defaultdict(list)
    for ring, kind in waits.kind.items():
        rows["all"].append(ring)
        rows[kind].append(ring)
    text = f"# Days until a ring is told of\n\n{len(seeds)} hard markets of about {events:,} events each, a look every {hours:g} hours.\n\n"
    text += "Medians are over the rings that both told of; in brackets the quartiles.\n\n"
    text += "| rings | planted | told by the watch | by looking every five days | days, the watch | days, every five days | share |\n"
    text += "|---|---|---|---|---|---|---|\n"
    for kind, rings in rows.items():
        both = [ring for ring in rings if ring in waits.watch and ring in waits.batch]
        watch, batch = ([told[ring] - waits.begun[ring] for ring in both] for told in (waits.watch, waits.batch))
        share = f"{np.median(watch) / np.median(batch):.0%}" if both else "–"
        counts = [str(len(rings)), *(str(sum(ring in told for ring in rings)) for told in (waits.watch, waits.batch))]
        text += markdown_row([kind, *counts, quartiles(watch), quartiles(batch), share]) + "\n"
    text += f"\nWanted: at most {WANTED:.0%} for all.\n"
    print(text)
    figures = {"events": events, "hours": hours, "seeds": seeds, "kind": waits.kind, "begun": waits.begun}
    write_result("time_to_detect", figures | {"watch": waits.watch, "batch": waits.batch}, text)


def quartiles(days: list[float]) -> str:
    if not days:
        return "–"
    low, median, high = np.percentile(days, [25, 50, 75])
    return f"{median:.1f} [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 40_000,
        float((sys.argv[2:] or ["12"])[0]),
        [int(seed) for seed in sys.argv[3:]] or [1, 2],
    )
