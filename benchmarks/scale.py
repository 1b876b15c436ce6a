"""Logs of growing size → seconds, peak memory and events a second of `graphdet run`, stage by stage, beside what a user would run instead.

Each run is a fresh process as a user would start it, reading a Parquet log of the `hard` market (popularity tails, carriers' NAT) and
writing a run folder. A small run comes first, which fills the system's caches and Python's own: bytecode is kept, as on a user's
desk, also where the environment forbids it.

    python benchmarks/scale.py --sizes 0.1 1 10 --repeats 3 --peers pandas cypher coaction
    systemd-run --scope -p MemoryMax=8G python benchmarks/scale.py --sizes 50 --repeats 1 --peers --name scale_large  # or in a container
    python benchmarks/scale.py --shop flash-sale --repeats 3 --peers pandas --name scale_flash_sale
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from results_io import RESULTS, markdown_row, write_result
from scale_peers import PEERS
from scale_plot import draw_scale

from graphdet.simulate import preset, simulate, write_market
from graphdet.simulate.zoo import make_shop, write_shop
from graphdet.spilling import usable_memory

PEER = Path(__file__).parent / "scale_peers.py"
SEED = 77
WARM_UP = 100_000  # events, enough for a network, whose library is compiled to bytecode once
GRACE = 120.0  # seconds beyond its limit in which a peer stops what it started
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
    parser.add_argument("--shop", help="a shop of the zoo at its own size, such as flash-sale, in place of `--sizes`")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=["pandas"], help="run beside it; none after one that failed")
    parser.add_argument("--peer-limit", type=float, default=300.0, help="seconds that a peer may take")
    parser.add_argument("--peer-memory", type=float, default=12.0, help="GiB that a peer may take, but for the server of Neo4j")
    parser.add_argument("--folder", type=Path, help="where to keep the logs; a temporary folder otherwise")
    parser.add_argument("--name", default="scale", help="of the files in benchmarks/results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        run_graphdet(make_log(folder, WARM_UP), Path(temporary) / "warm-up")
        rows: list[dict[str, Any]] = []
        logs = [shop_log(folder, options.shop)] if options.shop else [make_log(folder, round(size * 1e6)) for size in options.sizes]
        for paths in logs:
            failed = {peer for row in rows for peer, cost in row["peers"].items() if cost["failure"]}
            rows.append(measure(paths, Path(temporary), options, [peer for peer in options.peers if peer not in failed]))
            print(json.dumps(rows[-1]), flush=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    text = as_markdown(rows, options)
    write_result(options.name, {"machine": machine, "sizes": rows}, text)
    if len(rows) > 1:
        draw_scale(rows, RESULTS / f"{options.name}.png")
    print(text)


def make_log(folder: Path, events: int) -> list[Path]:
    """The `hard` market at a size, as Parquet; made once and kept where a folder is given."""
    market = folder / f"market-{events}"
    if not market.exists():
        write_market(simulate(preset("hard", events=events), SEED), market)
    return sorted(market.glob("*.parquet"))


def shop_log(folder: Path, shop: str) -> list[Path]:
    """A log of the zoo with rings, at its full size; made once and kept where a folder is given."""
    market = folder / f"shop-{shop}"
    if not market.exists():
        write_shop(make_shop(shop, SEED), market)
    return sorted(market.glob("*.parquet"))


def measure(logs: Sequence[Path], folder: Path, options: argparse.Namespace, peers: Sequence[str]) -> dict[str, Any]:
    """Medians and spreads over repeats of one log; the stages are those of the median run. A run that fails is told, and is the last."""
    costs: list[Cost] = []
    stages: list[list[dict[str, Any]]] = []
    for repeat in range(options.repeats):
        out = folder / f"run-{logs[0].parent.name}-{repeat}"
        cost = run_process(_command(logs, out))
        costs.append(cost)
        stages.append([] if cost.failure else json.loads((out / "run.json").read_text(encoding="utf-8"))["cost"]["stages"])
        if cost.failure:
            break
    median = sorted(range(len(costs)), key=lambda place: costs[place].seconds)[len(costs) // 2]
    events = sum(parquet.read_metadata(path).num_rows for path in logs)
    return {
        "log": logs[0].parent.name,
        "events": events,
        "bytes": sum(path.stat().st_size for path in logs),
        "seconds": costs[median].seconds,
        "seconds_all": [cost.seconds for cost in costs],
        "peak_bytes": int(np.median([cost.peak_bytes for cost in costs])),
        "events_per_second": events / costs[median].seconds,
        "failure": costs[-1].failure,
        "stages": stages[median],
        "peers": {peer: _run_peer(peer, logs, options) for peer in peers},
    }


def _run_peer(peer: str, logs: Sequence[Path], options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, str(PEER), peer, *map(str, logs), "--limit", str(options.peer_limit)]
    memory = None if peer == "cypher" else options.peer_memory  # a server of Java asks for more addresses than it uses
    cost = run_process(command, options.peer_limit + GRACE, memory)
    return {"seconds": cost.seconds, "peak_bytes": cost.peak_bytes, "failure": cost.failure}


def run_graphdet(logs: Sequence[Path], out: Path) -> Cost:
    cost = run_process(_command(logs, out))
    if cost.failure:
        raise SystemExit(f"graphdet run failed: {cost.failure}")
    return cost


def _command(logs: Sequence[Path], out: Path) -> list[str]:
    return [sys.executable, "-c", "from graphdet.cli import main; main()", "run", *map(str, logs), "--out", str(out)]


def run_process(command: Sequence[str], limit: float | None = None, memory_gib: float | None = None) -> Cost:
    """Run a command to its end, or to a time or memory limit; wall seconds and its highest resident memory."""

    def bound() -> None:
        if memory_gib is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (round(memory_gib * GIB),) * 2)

    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=bound, env=kept)
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
            if process.returncode == -signal.SIGKILL:
                failure = "killed by the system, as it does where memory is at its end"
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(seconds, peak, failure, usage.ru_utime + usage.ru_stime)


def as_markdown(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> str:
    spread = f"median of {options.repeats} runs, least and most in brackets" if options.repeats > 1 else "one run"
    machine, usable = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), usable_memory()
    allowed = f", {usable / GIB:g} GiB of memory" if usable < machine else ""
    shop = f", the zoo's {options.shop}" if options.shop else ""
    lines = [f"# `graphdet run` from Parquet log to run folder{shop}, {os.cpu_count()} cores{allowed} ({spread})\n"]
    peers = [peer for peer in PEERS if any(peer in row["peers"] for row in rows)]
    lines.append(markdown_row(["events", "seconds", "events/s", "peak memory", *(PEERS[peer] for peer in peers)]))
    lines.append("|---" * (4 + len(peers)) + "|")
    for row in rows:
        low, high = min(row["seconds_all"]), max(row["seconds_all"])
        took = f"{row['seconds']:.1f} [{low:.1f}, {high:.1f}]"
        own = [row["failure"] or took, "–" if row["failure"] else f"{row['events_per_second']:,.0f}", f"{row['peak_bytes'] / GIB:.2f} GiB"]
        lines.append(markdown_row([f"{row['events']:,}", *own, *(_told(row["peers"].get(peer)) for peer in peers)]))
    stages = list(dict.fromkeys(stage["stage"] for row in rows for stage in row["stages"]))
    lines += ["", "Seconds by stage (the highest resident memory so far, GiB):\n"]
    lines += ["| stage | " + " | ".join(f"{row['events']:,}" for row in rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for name in stages:
        cells = []
        for row in rows:
            stage = next((stage for stage in row["stages"] if stage["stage"] == name), None)
            cells.append(f"{stage['seconds']:.2f} ({stage['peak_bytes'] / GIB:.2f})" if stage else "–")
        lines.append(markdown_row([name, *cells]))
    return "\n".join(lines) + "\n"


def _told(peer: dict[str, Any] | None) -> str:
    if peer is None:
        return "–"
    return peer["failure"] or f"{peer['seconds']:.1f} s, {peer['peak_bytes'] / GIB:.2f} GiB"


if __name__ == "__main__":
    main()
