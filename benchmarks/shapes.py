"""Logs of odd shapes → processor seconds and memory of `graphdet run`, beside a plain log of as many events.

One key with everybody at it, one user who did everything, one second in which all happened, ids that never come twice, hundreds of columns,
few people who rated everything: none should cost more than three times what a plain log costs.

    python benchmarks/shapes.py --rows 200000
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from results_io import markdown_row, write_result
from scale import GIB, make_log, run_graphdet

MONTH = 30 * 86_400
PEOPLE, FILMS = 943, 1682  # of a well-known dense log of ratings
Columns = dict[str, pa.Array]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--only", nargs="+", choices=sorted(SHAPES), default=list(SHAPES))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        plain = run_graphdet(make_log(folder, options.rows), folder / "run-plain")
        rows.append({"shape": "plain", "processor": plain.processor, "times": 1.0, "peak_bytes": plain.peak_bytes})
        for name in options.only:
            path = folder / f"{name.replace(' ', '-')}.parquet"
            pq.write_table(pa.table(SHAPES[name](options.rows, np.random.default_rng(7))), path)
            cost = run_graphdet([path], folder / f"run-{path.stem}")
            times = cost.processor / plain.processor
            rows.append({"shape": name, "processor": cost.processor, "times": times, "peak_bytes": cost.peak_bytes})
            print(rows[-1], flush=True)
    lines = [f"# Logs of odd shapes, {options.rows:,} events each, {os.cpu_count()} cores", ""]
    lines += ["| log | processor seconds | times the plain one | peak memory |", "|---|---|---|---|"]
    for row in rows:
        lines.append(markdown_row([row["shape"], f"{row['processor']:.1f}", f"{row['times']:.1f}", f"{row['peak_bytes'] / GIB:.2f} GiB"]))
    text = "\n".join(lines) + "\n"
    write_result("shapes", {"rows": options.rows, "logs": rows}, text)
    print(text)


def _usual(rows: int, chance: np.random.Generator) -> Columns:
    """Independent users, some goods far more popular than others, a device and an address of everybody's own."""
    user = chance.integers(0, rows // 15 + 1, rows)
    item = (rows / 30 * chance.random(rows) ** 3).astype(np.int64)
    second = 1_740_000_000 + np.sort(chance.integers(0, MONTH, rows))
    return {
        "user_id": _named("u", user),
        "item_id": _named("i", item),
        "device_id": _named("d", user),
        "ip": _named("p", user // 2),
        "timestamp": _times(second),
        "action": pa.array(np.array(["click", "order"])[(chance.random(rows) < 0.15).astype(int)]),
    }


def _named(letter: str, code: np.ndarray) -> pa.Array:
    return pa.array([f"{letter}{number}" for number in code.tolist()])


def _times(second: np.ndarray) -> pa.Array:
    return pa.array(second * 1_000_000, pa.timestamp("us"))


def _everybody_at_one_ip(rows: int, chance: np.random.Generator) -> Columns:
    return _usual(rows, chance) | {"user_id": _named("u", np.arange(rows)), "ip": pa.array(["p0"] * rows)}


def _one_item_in_a_day(rows: int, chance: np.random.Generator) -> Columns:
    second = 1_740_000_000 + np.sort(chance.integers(0, 86_400, rows))
    own = _named("u", np.arange(rows))
    return _usual(rows, chance) | {"user_id": own, "item_id": pa.array(["i0"] * rows), "timestamp": _times(second)}


def _one_user(rows: int, chance: np.random.Generator) -> Columns:
    return _usual(rows, chance) | {"user_id": pa.array(["u0"] * rows)}


def _one_second(rows: int, chance: np.random.Generator) -> Columns:
    return _usual(rows, chance) | {"timestamp": _times(np.full(rows, 1_740_000_000))}


def _all_distinct(rows: int, chance: np.random.Generator) -> Columns:
    names = {column: _named(column[0], np.arange(rows)) for column in ("user_id", "item_id", "device_id", "ip")}
    return _usual(rows, chance) | names


def _many_columns(rows: int, chance: np.random.Generator) -> Columns:
    more = {f"note_{number}": pa.array(chance.integers(0, 1000, rows)).cast(pa.string()) for number in range(294)}
    return _usual(rows, chance) | more


def _dense_ratings(rows: int, chance: np.random.Generator) -> Columns:
    """Few people who rated most of what there is, as whole evenings of rating give it; nobody works with anybody."""
    user = chance.integers(0, PEOPLE, rows)
    evening = 1_740_000_000 + chance.integers(0, 200, PEOPLE) * 86_400
    columns: Columns = {
        "user_id": _named("u", user),
        "item_id": _named("i", (FILMS * chance.random(rows) ** 2).astype(np.int64)),
        "timestamp": _times(evening[user] + chance.integers(0, 7200, rows)),
        "rating": pa.array(chance.integers(1, 6, rows).astype(np.float64)),
    }
    return columns


SHAPES: dict[str, Callable[[int, np.random.Generator], Columns]] = {
    "everybody at one IP address": _everybody_at_one_ip,
    "one item that everybody visits in a day": _one_item_in_a_day,
    "one user": _one_user,
    "one second": _one_second,
    "all ids distinct": _all_distinct,
    "300 columns": _many_columns,
    "dense ratings": _dense_ratings,
}


if __name__ == "__main__":
    main()
