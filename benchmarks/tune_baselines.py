"""Every setting of every baseline on the tuning seeds → which is best, by F1 on detectable members.

The best settings are the defaults in `baselines.py`; run this again when the market changes.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from baselines import BASELINES, Found
from cypher_recipe import CYPHER, cypher_components, server_in
from markets import TUNING_SEEDS, as_events, make_market

from graphdet.evaluate import evaluate_groups

GRIDS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "FRAUDAR": {"blocks": (1, 10, 30, 80), "committing": (False, True), "keep": (0.0, 0.5, 0.8)},
    "shared device": {"most_users": (5, 20, 60), "least_size": (3, 5, 8)},
    "IP 60 s": {"meetings": (1, 2, 5, 10), "least_size": (3, 5, 8)},
    "3 common items": {"most_users": (30, 100, 300, 1000), "committing": (False, True), "least_size": (3, 5, 8)},
    "24 h, 2 items, Leiden": {
        "most_events": (30, 100, 300),
        "committing": (False, True),
        "resolution": (1.0, 10.0, 100.0),
        "least_size": (3, 5, 8),
    },
    "24 h, 3 items": {"most_events": (30, 100, 300), "committing": (False, True), "least_size": (3, 5, 8)},
    CYPHER: {"common": (2, 3), "most_events": (100, 300, 1000), "least_size": (3, 5, 8)},
    "isolation forest": {"share": (0.02, 0.05, 0.1, 0.15)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="hard")
    parser.add_argument("--methods", nargs="+", default=list(GRIDS), choices=list(GRIDS))
    parser.add_argument("--top", type=int, default=3, help="settings shown per baseline")
    parser.add_argument("--neo4j", type=Path, metavar="DIR", help="empty folder for a server, which the Cypher recipe needs")
    options = parser.parse_args()
    if CYPHER in options.methods and not options.neo4j:
        parser.error("the Cypher recipe needs --neo4j DIR; name the other --methods to leave it out")
    methods: dict[str, Callable[..., Found]] = dict(BASELINES)
    with contextlib.ExitStack() as stack:
        if options.neo4j:
            methods[CYPHER] = partial(cypher_components, session=stack.enter_context(server_in(options.neo4j)))
        tune(options, {name: methods[name] for name in options.methods})


def tune(options: argparse.Namespace, methods: Mapping[str, Callable[..., Found]]) -> None:
    markets = [make_market(options.preset, seed) for seed in TUNING_SEEDS]
    logs = [as_events(market.log) for market in markets]
    for method, find in methods.items():
        grid = GRIDS[method]
        tried = []
        for values in itertools.product(*grid.values()):
            chosen = dict(zip(grid, values, strict=True))
            begin = time.perf_counter()
            figures = []
            for events, market in zip(logs, markets, strict=True):
                figures.append(evaluate_groups(find(events, **chosen).named(events), market.truth))
            seconds = (time.perf_counter() - begin) / len(markets)
            f1 = float(np.mean([figure.detectable_f1 for figure in figures]))
            precision = float(np.mean([figure.precision or 0.0 for figure in figures]))
            recall = float(np.mean([figure.detectable_recall or 0.0 for figure in figures]))
            tried.append((f1, f"F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}, {seconds:.1f} s: {chosen}"))
        print(method)
        for _, line in sorted(tried, reverse=True, key=lambda pair: pair[0])[: options.top]:
            print("   ", line, flush=True)


if __name__ == "__main__":
    main()
