"""How fast a push, an unchanged push and an undo are: 200,000 nodes and 1,000,000 relations, beside two naive writers in the same run.

    python benchmarks/neo4j_push.py --data DIR [--lines lts current] [--nodes 200000] [--relations 1000000] [--run RUN]

--run takes a real run's folder instead, with its own nodes and relations, and writes no naive rows.

The server runs on the same machine (heap 2 GB) and is stopped at the end; DIR is removed. Its search indexes fill in the background after
the push; the next step waits for them, and that wait is given. The naive writers write a part of the same rows, since all of them would
take hours, and their rate is given. Processor seconds are given beside those of the clock, for the machine may have other work.
The floor is what the run's first relations cost the same server, warm by then, where they have neither properties nor a journal.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from neo4j import GraphDatabase
from results_io import STORED, write_result

from graphdet.progress import progress_for
from graphdet.run.folder import Run
from graphdet.schema import arrow_schema
from graphdet.store.connection import Database, Target, find_target, open_database
from graphdet.store.machine import LINES
from graphdet.store.push import PushOptions, push_run, undo_push
from graphdet.store.server import start_server, stop_server, wipe_server

NAIVE_ROWS = 3_000  # row by row
BARE_ROWS = 100_000
UNWIND_ROWS = 20_000  # without constraints each MERGE scans the label, so time grows with the square


def make_run(nodes: int, relations: int) -> Run:
    """Half users, four tenths items, a tenth devices; a fifth of the relations to devices. 200 rings of 20 users."""
    rng = np.random.default_rng(7)
    counts = {"user": nodes // 2, "item": nodes * 4 // 10, "device": nodes // 10}
    ids = {name: np.array([f"{name}-{number:07d}" for number in range(count)]) for name, count in counts.items()}
    touches = [
        make_relations(ids, target, verb, int(relations * share), rng)
        for target, verb, share in (("item", "order", 0.8), ("device", "used", 0.2))
    ]
    score = np.sort(rng.random(counts["user"]))[::-1]
    scores = {"node_type": ["user"] * counts["user"], "node_id": ids["user"], "score": score, "rank": np.arange(1, counts["user"] + 1)}
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=counts["user"] * 32).astype(np.float32)), 32)
    tables = make_rings(ids["user"]) | {
        "evidence": arrow_schema("evidence").empty_table(),
        "scores": pa.table(scores, schema=arrow_schema("scores")),
        "rejected": arrow_schema("rejected").empty_table(),
        "relations": pa.concat_tables(touches),
        "embeddings": pa.table({"node_type": ["user"] * counts["user"], "node_id": ids["user"], "embedding": vectors}),
    }
    told = {"read": 1, "accepted": 1, "rejected": 0, "duplicates": 0, "nodes": counts, "relations": {}}
    meta = {"format": 1, "id": "run-benchmark", "version": "0", "seed": 1, "settings": {}, "inputs": [], "counts": told}
    return Run({**meta, "discounted": [], "notes": [], "cost": {"stages": []}}, tables)


def make_relations(ids: Mapping[str, npt.NDArray[np.str_]], target: str, verb: str, wanted: int, rng: np.random.Generator) -> pa.Table:
    """So many distinct pairs: every node is used once, the rest falls at random."""
    count = {name: len(names) for name, names in ids.items()}
    users = np.concatenate([np.arange(count["user"]), rng.integers(0, count["user"], wanted * 2)])
    others = np.concatenate([np.arange(count["user"]) % count[target], rng.integers(0, count[target], wanted * 2)])
    _, first = np.unique(users.astype(np.int64) * count[target] + others, return_index=True)
    first = np.sort(first)[:wanted]
    users, others = users[first], others[first]
    order = np.lexsort((others, users))  # as a run's relations are ordered
    users, others = users[order], others[order]
    seen = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1_000_000) + rng.integers(0, 10**12, wanted)
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
    return pa.table(columns, schema=arrow_schema("relations"))


def make_rings(users: npt.NDArray[np.str_]) -> dict[str, pa.Table]:
    """Tables `rings` and `members`."""
    names = [f"ring-{number}" for number in range(200)]
    ring = {"score": 0.9, "tier": "alert", "p_value": 0.01, "q_value": 0.01, "size": 20, "targets": 0, "devices": 0, "ips": 0}
    ring |= {"explanation": "", "first_seen": None, "last_seen": None, "strength": 9.0, "events": 9, "amount": None}
    ring |= {"density": 1.0, "dedication": 1.0, "taste": 0.0}
    member = {"node_type": "user", "role": "core", "contribution": 4.0, "events": 5, "first_seen": None, "last_seen": None}
    rings = [{**ring, "ring_id": name, "rank": rank} for rank, name in enumerate(names, 1)]
    members = [
        {**member, "ring_id": name, "node_id": str(users[place * 20 + step])} for place, name in enumerate(names) for step in range(20)
    ]
    return {
        "rings": pa.Table.from_pylist(rings, arrow_schema("rings")),
        "members": pa.Table.from_pylist(members, arrow_schema("members")),
    }


def bare_rate(database: Database, run: Run, server: int) -> float:
    """Relations a processor second of the plainest way to write them: between nodes that are there, no properties, no journal."""
    assert run.relations is not None
    rows = [list(row.values()) for row in run.relations.select(["user_id", "node_id"]).slice(0, BARE_ROWS).to_pylist()]

    def give(query: str, values: list[Any]) -> None:
        for start in range(0, len(values), PushOptions.batch):
            piece = values[start : start + PushOptions.batch]
            database.write(lambda transaction: transaction.run(query, rows=piece).consume())  # noqa: B023 - it is used at once

    for place, label in enumerate(("BareUser", "BareThing")):
        database.change_schema([(f"CREATE CONSTRAINT bare_{label} IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE", "")])
        give(f"UNWIND $rows AS id CREATE (:{label} {{id: id}})", sorted({row[place] for row in rows}))
    create = "UNWIND $rows AS row MATCH (a:BareUser {id: row[0]}) MATCH (b:BareThing {id: row[1]}) CREATE (a)-[:BARE]->(b)"
    cost = cost_of(lambda: give(create, rows), server)
    return len(rows) / (cost.client + cost.server)


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


@dataclass(frozen=True)
class Cost:
    """What one step took, in seconds."""

    seconds: float
    client: float  # processor time
    server: float


def cost_of(step: Callable[[], object], server: int) -> Cost:
    began, client, busy = time.perf_counter(), time.process_time(), processor_seconds(server)
    step()
    return Cost(time.perf_counter() - began, time.process_time() - client, processor_seconds(server) - busy)


def processor_seconds(process: int) -> float:
    """Of all threads, since the process began; Linux only."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path, line: str, run: Run, naive: bool) -> dict[str, Any]:
    """All steps on a fresh server of one line."""
    steps: dict[str, Cost] = {}
    progress = progress_for(sys.stderr)
    server = start_server(folder, line=line, bolt_port=0, http_port=0, heap="2g", pagecache="1g")
    try:
        target = find_target(folder)
        with open_database(target) as database:

            def push() -> None:
                push_run(database, run, progress=progress)

            steps["push"] = cost_of(push, server.pid)
            steps["search indexes filled"] = cost_of(lambda: database.read("CALL db.awaitIndexes(600)"), server.pid)
            there = [
                database.read("MATCH (n) WHERE n.graphdetRun IS NOT NULL RETURN count(n)")[0][0],
                database.read("MATCH ()-[r]->() RETURN count(r)")[0][0],
            ]
            steps["push again, unchanged"] = cost_of(push, server.pid)
            steps["undo"] = cost_of(lambda: undo_push(database, run.id, progress=progress), server.pid)
            assert database.read("MATCH (n) RETURN count(n)") == [[0]]
            bare = bare_rate(database, run, server.pid)
        rates = naive_rates(target, run) if naive else {}
    finally:
        stop_server(folder)
        wipe_server(folder)
    nodes, relations = there
    pushed = steps["push"]
    own = {"graphdet push, nodes included": relations / pushed.seconds}
    own["the same, a processor second"] = relations / (pushed.client + pushed.server)
    own["bare CREATE, a processor second"] = bare
    return {
        "server": server.version,
        "nodes": nodes,
        "relations": relations,
        "steps": {name: asdict(cost) for name, cost in steps.items()},
        "client_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "load": os.getloadavg()[0],
        "relations_per_second": {**own, **rates},
    }


def as_markdown(results: list[dict[str, Any]]) -> str:
    first = results[0]
    lines = [
        f"# A push of {first['nodes']:,} nodes and {first['relations']:,} relations, client and server on {os.cpu_count()} cores",
        "",
        "Seconds by the clock, in brackets processor seconds of client + server. The search indexes fill in the background.",
        "",
        "| server | " + " | ".join(first["steps"]) + " | client's peak memory |",
        "|---" * (len(first["steps"]) + 2) + "|",
    ]
    for one in results:
        costs = [f"{cost['seconds']:.0f} ({cost['client']:.0f} + {cost['server']:.0f})" for cost in one["steps"].values()]
        lines.append(f"| {one['server']} | {' | '.join(costs)} | {one['client_peak_bytes'] / 2**30:.2f} GiB |")
    lines += ["", "Relations a second:", "", "| server | " + " | ".join(first["relations_per_second"]) + " |"]
    lines.append("|---" * (len(first["relations_per_second"]) + 1) + "|")
    lines += [
        f"| {one['server']} | " + " | ".join(f"{rate:,.0f}" for rate in one["relations_per_second"].values()) + " |" for one in results
    ]
    lines += ["", "Other work on the machine while this ran (load over the last minute, two of it our own): "]
    lines[-1] += ", ".join(f"{one['load']:.1f}" for one in results) + "."
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lines", choices=list(LINES), nargs="+", default=list(LINES))
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--relations", type=int, default=1_000_000)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--name", default="neo4j_push", help="of the files in benchmarks/results")
    options = parser.parse_args()
    results = []
    run = Run.load(options.run) if options.run else make_run(options.nodes, options.relations)
    for line in options.lines:
        results.append(measure(options.data, line, run, naive=options.run is None))
        print(json.dumps(results[-1]), flush=True)
    write_result(options.name, results, as_markdown(results), rooms=STORED)
    print(as_markdown(results))


if __name__ == "__main__":
    main()
