"""Runs detection with kernels from a checking build: `python sanitized.py KERNELS LOG`, or on many tiny logs that are drawn:
`python sanitized.py KERNELS COUNT SEED`, or many changed calls: `python sanitized.py KERNELS calls COUNT SEED`.

The module is put in place before anything imports the usual one. A fault ends the process with the sanitizer's report on stderr.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator

    from graphdet.events import EventTable


def put_in_place(path: Path) -> None:
    """`graphdet._kernels` is the module in this file from now on."""
    import graphdet

    spec = importlib.util.spec_from_file_location("graphdet._kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["graphdet._kernels"] = module
    spec.loader.exec_module(module)
    graphdet._kernels = module  # type: ignore[attr-defined]


def run(log: Path) -> None:
    """The whole path from a log to rings, farms and facts, on two threads, without what is learned."""
    from graphdet.events import read_events
    from graphdet.pipeline import detect
    from graphdet.settings import Settings

    chosen = Settings.model_validate({"machine": {"threads": 2}, "gnn": {"least_rings": 0}})
    found = detect(read_events([log], chosen.log, chosen.machine), chosen)
    sys.stdout.write(f"{found.rings.num_rows} rings\n")


def run_many(count: int, seed: str) -> None:
    """Tiny logs at the edges of what a log may be: few events or none at a node, all at once, centuries apart, anything missing."""
    import numpy as np

    from graphdet.errors import GraphdetError
    from graphdet.pipeline import detect
    from graphdet.settings import Settings

    rings = 0
    for number in range(count):
        chosen = Settings.model_validate(
            {
                "machine": {"threads": 1 + number % 2},
                "gnn": {"least_rings": 0},
                "rings": {"permutations": 1},
                "signals": {"series": {"false_share": 0.01 if number % 5 == 0 else 0.0}},  # a third of the time, and few kernels
            }
        )
        try:
            rings += detect(tiny_log(np.random.default_rng([int(seed), number])), chosen).rings.num_rows
        except GraphdetError as refused:
            sys.stderr.write(f"{number}: {refused}\n")
    sys.stdout.write(f"{rings} rings\n")


def tiny_log(chance: Generator) -> EventTable:
    import numpy as np
    import pyarrow as pa

    from graphdet.events import NO_TIME, EventTable, ReadReport
    from graphdet.schema import ACTIONS, KEY_TYPES, arrow_schema

    events = int(chance.choice([1, 2, 5, 40, 120]))
    many = int(chance.choice([1, 3, 12, 60]))
    codes, ids = {}, {}
    block = slice(30, 90) if chance.random() < 0.5 else slice(0, 0)  # who come to the same things at once
    for name in ("user", *KEY_TYPES):
        code = chance.integers(0, many, events)
        code[block] = (np.arange(60) % 8 if name == "user" else np.arange(60) // 8)[: len(code[block])]
        if name != "user":
            code = np.where(chance.random(events) < chance.choice([0, 0.1, 0.9, 1]), -1, code)
        used = np.unique(code[code >= 0])
        if len(used):
            codes[name] = np.where(code < 0, -1, np.searchsorted(used, code)).astype(np.int32)
            ids[name] = pa.array([f"{name}{place:06d}" for place in range(len(used))])
    span = int(chance.choice([1, 60, 86_400, 90 * 86_400, 2**31 - 2]))
    time = np.sort(chance.integers(0, span, events)) * 1_000_000 + int(chance.choice([0, -(10**15), 10**15]))
    time[: int(chance.choice([0, 0, events // 3]))] = NO_TIME
    begun, step = time[block][:1], int(chance.choice([0, 1_000_000]))
    time[block] = np.where(begun == NO_TIME, NO_TIME, begun + np.arange(len(time[block])) * step)  # no log holds times before year 1
    time.sort()
    timed = bool(chance.random() < 0.8) and bool((time != NO_TIME).any())
    items = len(ids.get("item", ()))
    categories = int(chance.choice([0, 1, 4]))
    return EventTable(
        ids=ids,
        codes=codes,
        time=time if timed else None,
        resolution="instant" if timed else "none",
        action=chance.integers(-1, len(ACTIONS), events).astype(np.int16),
        actions=tuple(sorted(ACTIONS)),
        item_category=chance.integers(-1, categories, items).astype(np.int32) if categories else np.full(items, -1, np.int32),
        categories=tuple(f"c{place}" for place in range(categories)),
        amount=np.where(chance.random(events) < 0.5, np.nan, chance.choice([0.0, -1.0, 1e15, 5.5], events)),
        rating=None,
        report=ReadReport((), arrow_schema("rejected").empty_table(), ()),
    )


if __name__ == "__main__":
    put_in_place(Path(sys.argv[1]))
    if sys.argv[2] == "calls":
        from changed_calls import call_many

        call_many(int(sys.argv[3]), sys.argv[4])
    elif len(sys.argv) == 4:
        run_many(int(sys.argv[2]), sys.argv[3])
    else:
        run(Path(sys.argv[2]))
