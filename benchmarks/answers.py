"""A made market's run as a watch's state → how long a score takes, over HTTP and from the file, idle and beside a look at work.

python benchmarks/answers.py --events 1000000 --asked 2000

Every other question is about a member of a ring, the rest about anybody, in an order that is drawn. A connection stays open, as that of a
program that asks at each order would; beside it, one look after another keeps a core busy.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from results_io import markdown_row, write_result

from graphdet.answering.questions import Scores
from graphdet.answering.score_file import NAME, write_scores
from graphdet.answering.serving_answers import Door, answering
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.settings import GnnSettings, MachineSettings, RingSettings, Settings
from graphdet.simulate import preset, simulate, write_market

SETTINGS = Settings(gnn=GnnSettings(least_rings=0), rings=RingSettings(permutations=2), machine=MachineSettings(threads=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=601)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        state = Path(name)
        write_market(simulate(preset("medium", events=options.events, users=options.events // 20), seed=options.seed), state)
        run = detect(read_events([state / "events.parquet"]), SETTINGS)
        figures = measure(run, state, options.asked, options.seed)
    text = "\n".join([__doc__.split("\n\n")[0] if __doc__ else "", "", *table(figures), ""])
    write_result("answers", figures, text, rooms=("answering", "run", "schema"))
    print(text)


def measure(run: Run, state: Path, asked: int, seed: int) -> dict[str, Any]:
    """Milliseconds of each way to ask, and what the file costs."""
    begun, first = time.perf_counter(), 0.0
    while write_scores(state / NAME, run, look=1, moment=0):
        first = time.perf_counter() - begun
    begun = time.perf_counter()
    write_scores(state / NAME, run, look=2, moment=0)
    figures: dict[str, Any] = {
        "nodes": run.scores.num_rows,
        "rings": run.rings.num_rows,
        "write_seconds": round(time.perf_counter() - begun, 3),
        "first_write_seconds": round(first, 3),
        "megabytes": round((state / NAME).stat().st_size / 1e6, 1),
    }
    questions = draw_questions(run, asked, seed)
    scores = Scores(state / NAME)
    figures["file"] = timed(
        [lambda one=one: scores.event(one) if len(one) > 1 else scores.node("user", one["user_id"]) for one in questions]
    )
    with answering(state) as door:
        figures["http"] = over_http(door, questions)
        busy = multiprocessing.get_context("spawn").Process(target=look_for_ever, args=(state / "events.parquet",), daemon=True)
        busy.start()
        time.sleep(6.0)  # until it is at work
        figures["http_beside_looks"] = over_http(door, questions)
        busy.terminate()
    return figures


def draw_questions(run: Run, asked: int, seed: int) -> list[dict[str, str]]:
    """Users, and events of users with an item and a device where the log has them."""
    draw = random.Random(seed)  # noqa: S311
    rows = run.scores.to_pylist()
    ids = {kind: [row["node_id"] for row in rows if row["node_type"] == kind] for kind in ("user", "item", "device")}
    members = [row["node_id"] for row in run.members.to_pylist() if row["node_type"] == "user"]
    found = []
    for place in range(asked):
        one = {"user_id": draw.choice(members if place % 2 else ids["user"])}
        if draw.random() < 0.5:
            one |= {f"{kind}_id": draw.choice(ids[kind]) for kind in ("item", "device") if ids[kind]}
        found.append(one)
    return found


def over_http(door: Door, questions: list[dict[str, str]]) -> dict[str, float]:
    connection = http.client.HTTPConnection(door.host, door.port, timeout=60)

    def ask(one: dict[str, str]) -> None:
        if len(one) > 1:
            connection.request("POST", "/score", json.dumps(one).encode(), {"content-type": "application/json"})
        else:
            connection.request("GET", f"/score?id={one['user_id']}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    ask(questions[0])  # the first opens the file
    return timed([lambda one=one: ask(one) for one in questions])


def timed(calls: list[Callable[[], Any]]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    taken = []
    for call in calls:
        begun = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begun))
    return {f"p{share}": round(float(np.percentile(taken, share)), 3) for share in (50, 95, 99)}


def look_for_ever(log: Path) -> None:
    """What keeps a core busy."""
    while True:
        detect(read_events([log]), SETTINGS)


def table(figures: dict[str, Any]) -> list[str]:
    ways = {"file": "from the file, in one process", "http": "over HTTP", "http_beside_looks": "over HTTP, a look at work beside it"}
    lines = [markdown_row(["asked", "p50, ms", "p95, ms", "p99, ms"]), markdown_row(["---"] * 4)]
    lines += [markdown_row([told, *(f"{figures[way][share]:.2f}" for share in ("p50", "p95", "p99"))]) for way, told in ways.items()]
    told = f"{figures['nodes']:,} nodes and {figures['rings']:,} rings; the file has {figures['megabytes']} MB"
    return [
        *lines,
        "",
        f"{told} and takes {figures['write_seconds']} s a look ({figures['first_write_seconds']} s where all reasons are new).",
    ]


if __name__ == "__main__":
    main()
