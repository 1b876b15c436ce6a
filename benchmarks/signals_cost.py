"""A log with texts → what the signals that are on by default cost beside the run without them: processor seconds and memory.

    python benchmarks/signals_cost.py --events 1000000    # each with and without, by turns, each in a process of its own

The bars are those of the project's aims, for a million events: 15 seconds and 3 GB. Pictures are in `pictures.py`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from results_io import markdown_row, write_result

from graphdet import Settings, detect, read_events
from graphdet.log_settings import LogSettings
from graphdet.progress import Progress
from graphdet.settings import GnnSettings, RingSettings
from graphdet.signal_settings import SeriesSettings, SignalSettings, TakeoverSettings
from graphdet.simulate import preset, simulate, write_market

NONE = SignalSettings(series=SeriesSettings(false_share=0.0), takeovers=TakeoverSettings(on=False))
ALONE = {  # what is switched on beside the run without any signal
    "no signals": (False, NONE),
    "texts": (True, NONE),
    "bursts": (False, SignalSettings(takeovers=TakeoverSettings(on=False))),
    "takeovers": (False, SignalSettings(series=SeriesSettings(false_share=0.0))),
    "all of them": (True, SignalSettings()),
}


def run_once(log: Path, name: str) -> dict[str, Any]:
    """Processor seconds by stage, and the most memory held, in this process."""
    texts, signals = ALONE[name]
    settings = Settings(log=LogSettings(texts=texts), signals=signals, rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))
    progress = Progress()
    events = read_events([log], settings.log, settings.machine)
    run = detect(events, settings, progress)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "processor": used.ru_utime + used.ru_stime,
        "gigabytes": used.ru_maxrss / 1e6,
        "events": len(events),
        "rings": run.rings.num_rows,
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--events", type=int, default=1_000_000)
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
        for _ in range(given.repeats):
            for name, told in rows.items():
                done = subprocess.run(
                    [sys.executable, __file__, "--once", str(log / "events.parquet"), name], capture_output=True, text=True, check=True
                )
                told.append(json.loads(done.stdout.splitlines()[-1]))
                print(name, told[-1], flush=True)
    text = as_text(rows)
    print(text)
    write_result("signals_cost", {"runs": rows}, text)


def as_text(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Medians, and what each costs beside the run without signals."""
    middle = {name: [float(np.median([one[key] for one in told])) for key in ("processor", "gigabytes")] for name, told in rows.items()}
    (base, _), plain = middle["no signals"], rows["no signals"]
    about = f"Market `hard`, {plain[0]['events']:,} events with texts; medians of {len(plain)}, by turns."
    lines = [f"# What signals cost\n\n{about}\n", markdown_row(["on", "processor seconds", "beside no signals", "GB"]), "|---" * 4 + "|"]
    lines += [markdown_row([name, f"{spent:.1f}", f"{spent - base:+.1f}", f"{held:.2f}"]) for name, (spent, held) in middle.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
