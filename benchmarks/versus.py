"""Two commits → seconds and memory of `graphdet run`, both timed in turn in one run, since machines are shared and noisy.

The commit before is checked out beside this one and runs with the packages of this environment (`pip install numba` where it still needs
that). What counts is the ratio of medians; the seconds are those of this machine in this hour.

    python benchmarks/versus.py --before 8ec905b --sizes 0.1 1 10 --repeats 5
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from results_io import ROOT, markdown_row, write_result
from scale import GIB, Cost, make_log, run_process, shop_log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="the commit to compare with")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1.0, 10.0], help="millions of events")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--flash-sale", action="store_true", help="a foreign log, too: the zoo's flash sale")
    parser.add_argument("--folder", type=Path, help="where to keep the logs; a temporary folder otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        before = check_out(options.before, Path(temporary) / "before")
        folder = options.folder or Path(temporary)
        logs = {f"{size:g} M": make_log(folder, round(size * 1e6)) for size in options.sizes}
        if options.flash_sale:
            logs["flash sale"] = shop_log(folder, "flash-sale")
        rows = [compare(name, paths, before, Path(temporary), options.repeats) for name, paths in logs.items()]
    text = as_markdown(rows, options)
    write_result("versus", {"before": options.before, "logs": rows}, text)
    print(text)


def check_out(commit: str, folder: Path) -> Path:
    """The project as it was, with its compiled module where it has one."""
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=folder, check=True)
    if (folder / "CMakeLists.txt").exists():
        python = f"-DPython_EXECUTABLE={sys.executable}"
        subprocess.run(["cmake", "-S", ".", "-B", "build", python, "-DCMAKE_INSTALL_PREFIX=."], cwd=folder, check=True, capture_output=True)
        subprocess.run(["cmake", "--build", "build", "--target", "install"], cwd=folder, check=True, capture_output=True)
    return folder


def compare(name: str, logs: Sequence[Path], before: Path, folder: Path, repeats: int) -> dict[str, Any]:
    """Both commits, one after the other, again and again; one run of each before, which fills caches, counts for nothing."""
    costs: dict[str, list[Cost]] = {"before": [], "now": []}
    for repeat in range(repeats + 1):
        for which, checkout in (("before", before), ("now", ROOT)):
            out = folder / f"run-{which}-{name.replace(' ', '-')}-{repeat}"
            cost = run_commit(checkout, logs, out)
            if repeat:
                costs[which].append(cost)
    row: dict[str, Any] = {"log": name}
    for which, found in costs.items():
        seconds = sorted(cost.seconds for cost in found)
        row[which] = {
            "seconds": statistics.median(seconds),
            "least": seconds[0],
            "most": seconds[-1],
            "peak_bytes": int(statistics.median(cost.peak_bytes for cost in found)),
        }
    print(row, flush=True)
    return row


def run_commit(checkout: Path, logs: Sequence[Path], out: Path) -> Cost:
    code = f"import sys; sys.path.insert(0, {str(checkout)!r}); from graphdet.cli import main; main()"
    os.environ["PYTHONPATH"] = str(checkout)
    cost = run_process([sys.executable, "-c", code, "run", *map(str, logs), "--out", str(out)])
    if cost.failure:
        raise SystemExit(f"{checkout}: {cost.failure}")
    return cost


def as_markdown(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> str:
    lines = [
        f"# Commit {options.before} and now",
        "",
        f"Medians of {options.repeats} runs of each, in turn, on {os.cpu_count()} cores; least and most in brackets.",
        "",
        "| log | before | now | times faster | memory before | memory now |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row["log"]]
        cells += [f"{row[which]['seconds']:.1f} s ({row[which]['least']:.1f}, {row[which]['most']:.1f})" for which in ("before", "now")]
        cells.append(f"{row['before']['seconds'] / row['now']['seconds']:.2f}")
        cells += [f"{row[which]['peak_bytes'] / GIB:.1f} GiB" for which in ("before", "now")]
        lines.append(markdown_row(cells))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
