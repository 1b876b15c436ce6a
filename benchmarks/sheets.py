"""Markets whose crews work by task sheets → whom the dossier says it of, and what ways to deeds would be worth as evidence.

    python benchmarks/sheets.py    # fresh hard markets, with sheets, without, and permuted; then the same with ways as a meeting place

As a meeting place a way of two steps or more stands in the place of a coupon, which these markets do not have: users meet at it under
the null that holds for all keys.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from markets import as_events, permuted
from results_io import markdown_row, write_result

from graphdet import EventTable, Settings, _kernels, detect
from graphdet.dossier.reasoning import tells_script
from graphdet.evaluate import evaluate
from graphdet.evaluate.truth import TRUTH_COLUMNS, Truth
from graphdet.run.folder import Run
from graphdet.settings import GnnSettings, RingSettings
from graphdet.signals.scripts import read_ways
from graphdet.simulate import Market, preset, simulate, with_sheets
from graphdet.simulate.writing import log_table

SEEDS = (9301, 9302, 9303)
SETTINGS = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))
FIGURES = ("f1", "precision", "recall")


def met_by_way(events: EventTable) -> EventTable:
    """The log with ways of two steps or more in the place of coupons."""
    ways = read_ways(events, *_kernels.group_rows(events.codes["user"], events.count("user")))
    assert ways is not None
    names = [ways.told(script) for script in range(ways.scripts)]
    long = np.array([name.count(" · ") >= 4 for name in names])
    code = np.full(len(events), -1, np.int32)
    kept = long[ways.script]
    code[ways.row[kept]] = (np.cumsum(long) - 1)[ways.script[kept]]
    order = sorted(range(int(long.sum())), key=[name for name, wanted in zip(names, long, strict=True) if wanted].__getitem__)
    place = np.empty(len(order) + 1, np.int32)
    place[order], place[-1] = np.arange(len(order)), -1
    ids = pa.array(sorted(name for name, wanted in zip(names, long, strict=True) if wanted), pa.string())
    return replace(events, ids={**events.ids, "coupon": ids}, codes={**events.codes, "coupon": place[code]})


def told_of(run: Run, market: Market) -> dict[str, tuple[int, int]]:
    """Rings and other groups that a run has, and of how many of them the dossier would tell a sheet."""
    bad = {row["node_id"] for row in market.truth["members"].to_pylist() if row["node_type"] == "user"}
    own: dict[str, list[bool]] = {}
    for row in run.tables["members"].to_pylist():
        if row["node_type"] == "user":
            own.setdefault(row["ring_id"], []).append(row["node_id"] in bad)
    found = {"rings": [0, 0], "others": [0, 0]}
    for row in run.tables["dossiers"].to_pylist():
        ring_id, text = row.values()
        kind = found["rings" if np.mean(own[ring_id]) > 0.5 else "others"]
        kind[0] += tells_script(json.loads(text)["script"])
        kind[1] += 1
    return {kind: (told, many) for kind, (told, many) in found.items()}


def measure(seeds: Sequence[int], size: int) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for seed in seeds:
        for name, share in (("without sheets", 0.0), ("with sheets", 1.0)):
            market = simulate(with_sheets(preset("hard", events=size), share), seed)
            log, truth = log_table(market), Truth(**{table: market.truth[table].to_pandas() for table in TRUTH_COLUMNS})
            for how, events in (("", as_events(log)), (", as evidence", met_by_way(as_events(log)))):
                run = detect(events, SETTINGS)
                row = rows.setdefault(name + how, {figure: [] for figure in (*FIGURES, "told")})
                figures = evaluate(run, truth).as_dict()
                for figure in FIGURES:
                    row[figure].append(float(figures[figure]))
                row["told"].append(told_of(run, market))
            alone = met_by_way(as_events(permuted(log, seed)))
            tiers = detect(alone, SETTINGS).tables["rings"]["tier"].to_pylist()
            rows.setdefault("permuted, as evidence", []).append({tier: tiers.count(tier) for tier in ("alert", "review")})
            print(seed, name, json.dumps(rows), flush=True)
    return rows


def as_text(rows: dict[str, Any], size: int) -> str:
    lines = [
        f"# Task sheets\n\nMarkets `hard` of {size:,} events, seeds {', '.join(map(str, SEEDS))}.\n",
        markdown_row(["", *FIGURES, "told, of rings", "told, of other groups"]),
        "|---" * (len(FIGURES) + 3) + "|",
    ]
    for name, row in rows.items():
        if isinstance(row, dict):
            told = [
                f"{sum(one[kind][0] for one in row['told'])} of {sum(one[kind][1] for one in row['told'])}" for kind in ("rings", "others")
            ]
            lines.append(markdown_row([name, *(f"{np.mean(row[figure]):.3f}" for figure in FIGURES), *told]))
    null = rows["permuted, as evidence"]
    alerts, reviews = sum(one["alert"] for one in null), sum(one["review"] for one in null)
    return "\n".join([*lines, "", f"{len(null)} permuted logs with ways as evidence: {alerts} alerts, {reviews} for review.", ""])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--events", type=int, default=100_000)
    size = asked.parse_args().events
    rows = measure(SEEDS, size)
    text = as_text(rows, size)
    print(text)
    write_result("sheets", rows, text)


if __name__ == "__main__":
    main()
