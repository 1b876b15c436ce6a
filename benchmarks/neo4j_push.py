"""How fast a push, an unchanged push and an undo are: 200,000 nodes and 1,000,000 relations, beside two naive writers in the same run.

    python benchmarks/neo4j_push.py --data DIR [--line lts|current] [--nodes 200000] [--relations 1000000]

The server runs on the same machine (heap 2 GB) and is stopped at the end; DIR is removed. The naive writers write a part of the same
rows, since all of them would take hours, and their rate is given.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from neo4j import GraphDatabase

from graphdet.progress import progress_for
from graphdet.run import Run
from graphdet.schema import arrow_schema
from graphdet.store.connection import Target, find_target, open_database
from graphdet.store.push import push_run, undo_push
from graphdet.store.server import start_server, stop_server, wipe_server

NAIVE_ROWS = 3_000  # row by row
UNWIND_ROWS = 20_000  # without constraints each MERGE scans the label, so time grows with the square


def make_run(nodes: int, relations: int, folder: Path) -> Run:
    """Half users, four tenths items, a tenth devices; a fifth of the relations to devices. 200 rings of 20 users."""
    rng = np.random.default_rng(7)
    counts = {"user": nodes // 2, "item": nodes * 4 // 10, "device": nodes // 10}
    ids = {name: np.array([f"{name}-{number:07d}" for number in range(count)]) for name, count in counts.items()}
    touches = []
    moment = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1_000_000)
    for target, verb, share in (("item", "order", 0.8), ("device", "used", 0.2)):
        wanted = int(relations * share)
        # Every node is used once, the rest falls at random; pairs are distinct.
        users = np.concatenate([np.arange(counts["user"]), rng.integers(0, counts["user"], wanted * 2)])
        others = np.concatenate([np.arange(counts["user"]) % counts[target], rng.integers(0, counts[target], wanted * 2)])
        _, first = np.unique(users.astype(np.int64) * counts[target] + others, return_index=True)
        first = np.sort(first)[:wanted]
        users, others = users[first], others[first]
        order = np.lexsort((others, users))  # as a run's relations are ordered
        users, others = users[order], others[order]
        seen = moment + rng.integers(0, 10**12, wanted)
        columns = {
            "user_id": ids["user"][users],
            "verb": [verb] * wanted,
            "node_type": [target] * wanted,
            "node_id": ids[target][others],
            "count": rng.integers(1, 9, wanted),
            "first_seen": pa.array(seen).cast(pa.timestamp("us", tz="UTC")),
            "last_seen": pa.array(seen + 3_600_000_000).cast(pa.timestamp("us", tz="UTC")),
            "amount": rng.random(wanted).round(2) * 100 if target == "item" else pa.nulls(wanted, pa.float64()),
            "user_degree": np.full(wanted, 10),
            "node_degree": np.full(wanted, 50),
        }
        touches.append(pa.table(columns, schema=arrow_schema("relations")))
    rings = [f"ring-{number}" for number in range(200)]
    ring = {
        "score": 0.9,
        "tier": "alert",
        "p_value": 0.01,
        "q_value": 0.01,
        "size": 20,
        "targets": 0,
        "devices": 0,
        "ips": 0,
        "explanation": "",
    }
    more = {
        "first_seen": None,
        "last_seen": None,
        "strength": 9.0,
        "events": 9,
        "amount": None,
        "density": 1.0,
        "dedication": 1.0,
        "taste": 0.0,
    }
    member = {"node_type": "user", "role": "core", "contribution": 4.0, "events": 5, "first_seen": None, "last_seen": None}
    members = [
        {**member, "ring_id": name, "node_id": str(ids["user"][place * 20 + step])}
        for place, name in enumerate(rings)
        for step in range(20)
    ]
    score = np.sort(rng.random(counts["user"]))[::-1]
    scores = {"node_type": ["user"] * counts["user"], "node_id": ids["user"], "score": score, "rank": np.arange(1, counts["user"] + 1)}
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=counts["user"] * 32).astype(np.float32)), 32)
    pq.write_table(
        pa.table({"node_type": ["user"] * counts["user"], "node_id": ids["user"], "embedding": vectors}), folder / "embeddings.parquet"
    )
    told = {"read": 1, "accepted": 1, "rejected": 0, "duplicates": 0, "nodes": counts, "relations": {}}
    meta = {"format": 1, "id": "run-benchmark", "version": "0", "seed": 1, "settings": {}, "inputs": [], "counts": told}
    return Run(
        rings=pa.Table.from_pylist(
            [{**ring, **more, "ring_id": name, "rank": rank} for rank, name in enumerate(rings, 1)], arrow_schema("rings")
        ),
        members=pa.Table.from_pylist(members, arrow_schema("members")),
        evidence=arrow_schema("evidence").empty_table(),
        scores=pa.table(scores, schema=arrow_schema("scores")),
        rejected=arrow_schema("rejected").empty_table(),
        meta={**meta, "discounted": [], "notes": [], "cost": {"stages": []}},
        relations=pa.concat_tables(touches),
    )


def naive_rates(target: Target, run: Run) -> dict[str, float]:
    """Relations per second of the two ways that tutorials show."""
    assert run.relations is not None
    rows = run.relations.select(["user_id", "node_id", "count"]).slice(0, UNWIND_ROWS).to_pylist()
    merge = "MERGE (a:NaiveUser {id: row.user_id}) MERGE (b:NaiveItem {id: row.node_id}) MERGE (a)-[r:BOUGHT]->(b) SET r.count = row.count"
    rates = {}
    with GraphDatabase.driver(target.uri, auth=(target.user, target.password), notifications_min_severity="OFF") as driver:
        for name, batches in (
            ("row by row MERGE, with constraints", [[row] for row in rows[:NAIVE_ROWS]]),
            ("UNWIND of 10,000 without constraints", [rows[start : start + 10_000] for start in range(0, len(rows), 10_000)]),
        ):
            for label in ("NaiveUser", "NaiveItem"):
                change = (
                    "CREATE CONSTRAINT naive_{0} IF NOT EXISTS FOR (n:{0}) REQUIRE n.id IS UNIQUE"
                    if "with constr" in name
                    else "DROP CONSTRAINT naive_{0} IF EXISTS"
                )
                driver.execute_query(change.format(label), database_=target.database)
            driver.execute_query("MATCH (n) WHERE n:NaiveUser OR n:NaiveItem DETACH DELETE n", database_=target.database)
            began = time.perf_counter()
            for batch in batches:
                driver.execute_query(f"UNWIND $rows AS row {merge}", rows=batch, database_=target.database)
            rates[name] = sum(map(len, batches)) / (time.perf_counter() - began)
        driver.execute_query("MATCH (n) WHERE n:NaiveUser OR n:NaiveItem DETACH DELETE n", database_=target.database)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--line", choices=["lts", "current"], default="lts")
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--relations", type=int, default=1_000_000)
    arguments = parser.parse_args()
    seconds: dict[str, float] = {}
    server = start_server(arguments.data, line=arguments.line, bolt_port=0, http_port=0, heap="2g", pagecache="1g")
    try:
        with tempfile.TemporaryDirectory() as name:
            run = make_run(arguments.nodes, arguments.relations, Path(name))
            target = find_target(arguments.data)
            with open_database(target) as database:
                progress = progress_for(sys.stderr)
                for step in ("push", "push again, unchanged"):
                    began = time.perf_counter()
                    rows = push_run(database, run, Path(name), progress=progress).rows
                    seconds[step] = time.perf_counter() - began
                    print(f"{step}: {rows:,} rows, {seconds[step]:.1f} s", file=sys.stderr)
                began = time.perf_counter()
                undo_push(database, run.id, progress=progress)
                seconds["undo"] = time.perf_counter() - began
            rates = naive_rates(target, run)
    finally:
        stop_server(arguments.data)
        wipe_server(arguments.data)
    told = {name: round(value, 1) for name, value in seconds.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    own = arguments.relations / seconds["push"]
    facts = {
        "server": server.version,
        "nodes": arguments.nodes,
        "relations": arguments.relations,
        "seconds": told,
        "client peak GB": round(peak, 2),
    }
    print(
        json.dumps(
            {
                **facts,
                "relations per second": {
                    "graphdet push, nodes included": round(own),
                    **{key: round(value) for key, value in rates.items()},
                },
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
