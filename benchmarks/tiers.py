"""Shops of the zoo and small markets → every ring that the permuted logs support, with its facts and whether it is a true one.

python benchmarks/tiers.py collect DIR    # rings of all shops × seeds × clean and ringed, a file a log; what is there already stays
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from markets import as_events, make_market

from graphdet import EventTable, Settings
from graphdet.evaluate.truth import Truth
from graphdet.judging.conditions import ring_numbers
from graphdet.judging.judge import judge_rings
from graphdet.judging.log_index import index_log
from graphdet.judging.tiers import judge
from graphdet.progress import Progress
from graphdet.rings.null_search import affordable_permutations, search_null
from graphdet.rings.search import search_rings
from graphdet.signals import measure_log
from graphdet.simulate.zoo import SHOPS, make_shop

SEEDS = (101, 102, 103)
MARKET = "hard"
SHARE = 3  # of a shop's usual users, one in so many: what two cores bear
LEAST_USERS, MARKET_USERS = 2000, 10_000


def logs(seeds: tuple[int, ...], share: int) -> Iterator[tuple[str, int, bool]]:
    """Kind, seed, whether rings work there."""
    for seed in seeds:
        for kind in (*SHOPS, MARKET):
            for ringed in (True, False):
                yield kind, seed, ringed


def made(kind: str, seed: int, ringed: bool, share: int) -> tuple[EventTable, Truth]:
    """One log as a run would read it, and what was planted."""
    if kind == MARKET:
        market = make_market("hard", seed, users=MARKET_USERS, events=135 * MARKET_USERS // 10, parts="all" if ringed else "no rings")
        return as_events(market.log), market.truth
    log = make_shop(kind, seed, max(SHOPS[kind].users // share, LEAST_USERS), ringed)
    return as_events(log.events), Truth(**{name: table.to_pandas() for name, table in log.truth.items()})


def collect(events: EventTable, truth: Truth, kind: str, seed: int, ringed: bool) -> pa.Table:
    """A row for each ring that the permuted logs support."""
    settings = Settings.model_validate({"machine": {"threads": 1}})
    settings = settings.model_copy(update={"tiers": settings.tiers.model_copy(update={"objections_most": 99})})
    progress = Progress()
    begun = time.perf_counter()
    measured = measure_log(events, settings, progress)
    found = search_rings(measured.pairs, measured.index, measured.base_rates, settings.rings, 1)
    searched = time.perf_counter() - begun
    null = search_null(
        measured, settings.rings.permutations or affordable_permutations(measured.visits, measured.pairs), settings, 1, progress
    )
    log = index_log(measured.events, measured.index)
    judged = judge_rings(found, null, log, measured.base_rates, settings, progress)
    owner, detectable = owners(events, truth)
    views = [view.name for view in measured.visits.views]
    shape = float(measured.base_rates.homogeneity[0, views.index("item")]) if "item" in views else float("nan")
    rows = []
    for ring in judged.rings:
        members = ring.facts.grown.members
        targets = measured.index.items_among(ring.facts.grown.targets)
        numbers = ring_numbers(ring.facts, targets, judged.background)
        verdict = judge(ring.facts, targets, judged.background, settings.tiers)
        of = owner[members]
        best = int(np.bincount(of[of >= 0]).max()) if (of >= 0).any() else 0
        rows.append(
            {
                "numbers": json.dumps(numbers),
                "members": members.tolist(),
                "true_share": best / len(members),
                "in_any": float((of >= 0).mean()),
                "ring": int(np.bincount(of[of >= 0]).argmax()) if best else -1,
                "tier": ring.tier,
                "explanation": ring.explanation,
                "raised": list(verdict.raised),
                "homogeneity": shape,
                "q": ring.q_value,
            }
        )
    schema = pa.schema(
        [
            ("numbers", pa.string()),
            ("members", pa.list_(pa.int32())),
            ("true_share", pa.float64()),
            ("in_any", pa.float64()),
            ("ring", pa.int64()),
            ("tier", pa.string()),
            ("explanation", pa.string()),
            ("raised", pa.list_(pa.string())),
            ("homogeneity", pa.float64()),
            ("q", pa.float64()),
        ]
    )
    about = {
        "kind": kind,
        "seed": seed,
        "ringed": ringed,
        "users": events.count("user"),
        "days": log.end / 86_400,
        "events": len(events),
        "owner": owner.tolist(),
        "detectable": detectable.tolist(),
        "seconds": time.perf_counter() - begun,
        "searched": searched,
    }
    return pa.Table.from_pylist(rows, schema).replace_schema_metadata({"about": json.dumps(about)})


def owners(events: EventTable, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """(users,) number of the true ring that each is in, −1 for none; and whether detection could tell: two targets or more touched."""
    owner, detectable = np.full(events.count("user"), -1), np.zeros(events.count("user"), bool)
    own = truth.members[truth.members["node_type"] == "user"]
    code = {name: place for place, name in enumerate(events.ids["user"].to_pylist())}
    number = {name: place for place, name in enumerate(truth.rings["ring_id"])}
    for row in own.itertuples():
        if row.node_id in code:
            owner[code[row.node_id]] = number[row.ring_id]
            detectable[code[row.node_id]] |= row.targets_touched >= 2
    return owner, detectable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["collect"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--share", type=int, default=SHARE)
    parser.add_argument("--kinds", nargs="+")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for kind, seed, ringed in logs(tuple(options.seeds), options.share):
        path = options.folder / f"{kind}-{seed}-{'ringed' if ringed else 'clean'}.parquet"
        if path.exists() or (options.kinds and kind not in options.kinds):
            continue
        begun = time.perf_counter()
        events, truth = made(kind, seed, ringed, options.share)
        print(kind, seed, ringed, len(events), f"made {time.perf_counter() - begun:.1f} s", end=" ", flush=True)
        table = collect(events, truth, kind, seed, ringed)
        pq.write_table(table, path)
        about = json.loads(table.schema.metadata[b"about"])
        alerts = table["tier"].to_pylist().count("alert")
        print(f"{about['seconds']:.1f} s, search {about['searched']:.1f}; rings {table.num_rows}, alerts {alerts}", flush=True)


if __name__ == "__main__":
    main()
