"""A log with texts and pictures → what the signals that are on by default cost beside the run without them: processor seconds and memory.

    python benchmarks/signals_cost.py --events 1000000 --pictures 5000    # by turns, each in a process of its own

The bars are those of the project's aims: for a million events 15 seconds and 3 GB, for 5,000 pictures 60 seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pictures import photograph
from results_io import markdown_row, write_result

from graphdet import Settings, detect, read_events
from graphdet.log_settings import LogSettings
from graphdet.progress import Progress
from graphdet.settings import GnnSettings, RingSettings
from graphdet.signal_settings import SeriesSettings, SignalSettings, TakeoverSettings
from graphdet.simulate import preset, simulate, write_market

NONE = SignalSettings(series=SeriesSettings(false_share=0.0), takeovers=TakeoverSettings(on=False))
NOTHING_READ = {"texts": False, "images": False}
ALONE: dict[str, tuple[dict[str, bool], SignalSettings]] = {  # what is switched on beside the run without any signal
    "no signals": (NOTHING_READ, NONE),
    "texts": ({"texts": True, "images": False}, NONE),
    "pictures": ({"texts": False, "images": True}, NONE),
    "bursts": (NOTHING_READ, SignalSettings(takeovers=TakeoverSettings(on=False))),
    "takeovers": (NOTHING_READ, SignalSettings(series=SeriesSettings(false_share=0.0))),
    "all but pictures": ({"texts": True, "images": False}, SignalSettings()),
    "all of them": ({"texts": True, "images": True}, SignalSettings()),
}
ORIGINALS, PIXELS = 40, (1280, 960)


def run_once(log: Path, name: str) -> dict[str, Any]:
    """Processor seconds by stage, and the most memory held, in this process."""
    read, signals = ALONE[name]
    settings = Settings(log=LogSettings(**read), signals=signals, rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))
    progress = Progress()
    events = read_events([log], settings.log, settings.machine)
    run = detect(events, settings, progress)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "processor": used.ru_utime + used.ru_stime,
        "gigabytes": used.ru_maxrss / 1e6,
        "events": len(events),
        "rings": run.rings.num_rows,
        **{column: int((one.code >= 0).sum()) for column, one in events.written.items()},
    }


def add_pictures(folder: Path, count: int) -> None:
    """So many events of a market, evenly spread, show a photograph; files are links to one of a few, and each is decoded for itself."""
    (folder / "pictures").mkdir(exist_ok=True)
    originals = [folder / f"original{number}.jpg" for number in range(min(count, ORIGINALS))]
    for number, path in enumerate(originals):
        path.write_bytes(photograph(number, PIXELS))
    table = pq.read_table(folder / "events.parquet")
    names: list[str | None] = [None] * table.num_rows
    for number, row in enumerate(np.linspace(0, table.num_rows - 1, count).astype(int).tolist()):
        names[row] = f"pictures/{number}.jpg"
        os.link(originals[number % len(originals)], folder / f"pictures/{number}.jpg")
    kept = [name for name in table.column_names if name != "image"]
    pq.write_table(table.select(kept).append_column("image", pa.array(names, pa.string())), folder / "events.parquet")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--events", type=int, default=1_000_000)
    asked.add_argument("--pictures", type=int, default=5000)
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--once", nargs=2, metavar=("LOG", "NAME"), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.once:
        print(json.dumps(run_once(Path(given.once[0]), given.once[1])))
        return
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ALONE}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "market"
        write_market(simulate(preset("hard", events=given.events), 9001), log)
        add_pictures(log, given.pictures)
        for _ in range(given.repeats):
            for name, told in rows.items():
                done = subprocess.run(
                    [sys.executable, __file__, "--once", str(log / "events.parquet"), name], capture_output=True, text=True, check=True
                )
                told.append(json.loads(done.stdout.splitlines()[-1]))
                print(name, told[-1], flush=True)
    text = as_text(rows, given.pictures)
    print(text)
    write_result("signals_cost", {"pictures": given.pictures, "runs": rows}, text)


def as_text(rows: dict[str, list[dict[str, Any]]], pictures: int) -> str:
    """Medians, and what each costs beside the run without signals."""
    middle = {name: [float(np.median([one[key] for one in told])) for key in ("processor", "gigabytes")] for name, told in rows.items()}
    (base, _), plain = middle["no signals"], rows["no signals"]
    about = f"Market `hard`, {plain[0]['events']:,} events with texts, {pictures:,} of them with photographs of {PIXELS[0]} × {PIXELS[1]}; "
    about += f"medians of {len(plain)}, by turns."
    lines = [f"# What signals cost\n\n{about}\n", markdown_row(["on", "processor seconds", "beside no signals", "GB"]), "|---" * 4 + "|"]
    lines += [markdown_row([name, f"{spent:.1f}", f"{spent - base:+.1f}", f"{held:.2f}"]) for name, (spent, held) in middle.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
