"""Logs of growing size → seconds, peak memory and events a second of `graphdet run`, stage by stage, beside a pandas recipe.

Each run is a fresh process as a user would start it, reading a Parquet log of the `hard` market (popularity tails, carriers' NAT) and
writing a run folder. A small warm-up run comes first, so that compiled code is in the cache as it is from the second run on.

    python benchmarks/scale.py --sizes 0.1 1 10 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results_io import RESULTS, write_result
from scale_plot import draw_scale

from graphdet.simulate import preset, simulate, write_market

RECIPE = Path(__file__).parent / "pandas_recipe.py"
SEED = 77
WARM_UP = 20_000
GIB = 2**30


@dataclass(frozen=True)
class Cost:
    """What one process took, and of the processors, which hangs less on who else uses them; `failure` says why it has no result."""

    seconds: float
    peak_bytes: int
    failure: str = ""
    processor: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1.0, 10.0], help="millions of events")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--recipe-limit", type=float, default=300.0, help="seconds that the pandas recipe may take")
    parser.add_argument("--recipe-memory", type=float, default=12.0, help="GiB that the pandas recipe may take")
    parser.add_argument("--no-recipe", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to keep the logs; a temporary folder otherwise")
    parser.add_argument("--name", default="scale", help="of the files in benchmarks/results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        run_graphdet(make_log(folder, WARM_UP), Path(temporary) / "warm-up")
        rows = []
        for size in options.sizes:
            rows.append(measure(make_log(folder, round(size * 1e6)), Path(temporary), options))
            print(json.dumps(rows[-1]), flush=True)
    results = {"machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}, "sizes": rows}
    text = as_markdown(rows, options)
    write_result(options.name, results, text)
    draw_scale(rows, RESULTS / f"{options.name}.png")
    print(text)


def make_log(folder: Path, events: int) -> list[Path]:
    """The `hard` market at a size, as Parquet; made once and kept where a folder is given."""
    market = folder / f"market-{events}"
    if not market.exists():
        write_market(simulate(preset("hard", events=events), SEED), market)
    return sorted(market.glob("*.parquet"))


def measure(logs: Sequence[Path], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Medians and spreads over repeats of one size; the stages are those of the median run."""
    runs = []
    for repeat in range(options.repeats):
        out = folder / f"run-{logs[0].parent.name}-{repeat}"
        cost = run_graphdet(logs, out)
        runs.append((cost, json.loads((out / "run.json").read_text(encoding="utf-8"))))
    seconds = [cost.seconds for cost, _ in runs]
    median, meta = sorted(runs, key=lambda run: run[0].seconds)[len(runs) // 2]
    recipe = None
    if not options.no_recipe:
        recipe = run_process([sys.executable, str(RECIPE), *map(str, logs)], options.recipe_limit, options.recipe_memory)
    events = meta["counts"]["accepted"]
    return {
        "events": events,
        "bytes": sum(path.stat().st_size for path in logs),
        "seconds": median.seconds,
        "seconds_all": seconds,
        "peak_bytes": int(np.median([cost.peak_bytes for cost, _ in runs])),
        "events_per_second": events / median.seconds,
        "stages": meta["cost"]["stages"],
        "recipe": recipe and {"seconds": recipe.seconds, "peak_bytes": recipe.peak_bytes, "failure": recipe.failure},
    }


def run_graphdet(logs: Sequence[Path], out: Path) -> Cost:
    command = [sys.executable, "-c", "from graphdet.cli import main; main()", "run", *map(str, logs), "--out", str(out)]
    cost = run_process(command)
    if cost.failure:
        raise SystemExit(f"graphdet run failed: {cost.failure}")
    return cost


def run_process(command: Sequence[str], limit: float | None = None, memory_gib: float | None = None) -> Cost:
    """Run a command to its end, or to a time or memory limit; wall seconds and its highest resident memory."""

    def bound() -> None:
        if memory_gib is not None:
            resource.setrlimit(resource.RLIMIT_AS, (round(memory_gib * GIB),) * 2)

    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=bound)
        failure = ""
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if limit is not None and time.perf_counter() - begin > limit:
                process.kill()
                failure = f"stopped after {limit:.0f} s"
                _, status, usage = os.wait4(process.pid, 0)
                break
            time.sleep(0.01)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and not failure:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            out_of_memory = memory_gib is not None and ("memory" in last[0].lower() or "alloc" in last[0].lower())
            failure = f"out of memory at {memory_gib:.0f} GiB" if out_of_memory else last[0]
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(seconds, peak, failure, usage.ru_utime + usage.ru_stime)


def as_markdown(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> str:
    spread = f"median of {options.repeats} runs, least and most in brackets"
    lines = [f"# `graphdet run` from Parquet log to run folder, {os.cpu_count()} cores ({spread})\n"]
    lines += ["| events | seconds | events/s | peak memory | pandas + networkx recipe |", "|---|---|---|---|---|"]
    for row in rows:
        low, high = min(row["seconds_all"]), max(row["seconds_all"])
        recipe = "–"
        if row["recipe"]:
            recipe = row["recipe"]["failure"] or f"{row['recipe']['seconds']:.1f} s, {row['recipe']['peak_bytes'] / GIB:.2f} GiB"
        lines.append(
            f"| {row['events']:,} | {row['seconds']:.1f} [{low:.1f}, {high:.1f}] | {row['events_per_second']:,.0f} "
            f"| {row['peak_bytes'] / GIB:.2f} GiB | {recipe} |"
        )
    stages = [stage["stage"] for stage in rows[-1]["stages"]]
    lines += ["", "Seconds by stage (the highest resident memory so far, GiB):\n"]
    lines += ["| stage | " + " | ".join(f"{row['events']:,}" for row in rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for name in stages:
        cells = []
        for row in rows:
            stage = next((stage for stage in row["stages"] if stage["stage"] == name), None)
            cells.append(f"{stage['seconds']:.2f} ({stage['peak_bytes'] / GIB:.2f})" if stage else "–")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
