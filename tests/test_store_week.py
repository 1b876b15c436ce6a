"""A week of daily pushes of a sliding window on one real server: nothing needs force, and what a verdict rests on is there at its end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dossier_runs import QUICK
from store_servers import contents, evidence_of, run

from graphdet.dossier.building import build_dossier
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.simulate import preset, simulate, write_market
from graphdet.store.connection import Database
from graphdet.store.decisions import decide, read_dispositions
from graphdet.store.drawing import draw
from graphdet.store.push import PushOptions, push_run, undo_push

DAYS, WINDOW = 7, timedelta(days=9)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Runs of seven days, each of the nine days before it."""
    folder = tmp_path_factory.mktemp("week")
    write_market(simulate(preset("demo", events=30_000), seed=5), folder)
    log = pd.read_parquet(folder / "events.parquet")
    last = log["timestamp"].max().ceil("D")
    runs = []
    for day in range(DAYS):
        end = last - timedelta(days=DAYS - 1 - day)
        part = log[(log["timestamp"] >= end - WINDOW) & (log["timestamp"] < end)]
        path = folder / f"day-{day}.parquet"
        part.to_parquet(path, index=False)
        runs.append(detect(read_events([path]), QUICK))
    return runs


@pytest.mark.either_line
@pytest.mark.server
def test_a_week_of_daily_pushes_keeps_what_verdicts_rest_on(database: Database, week: list[Run]) -> None:
    states: list[Any] = []
    seen: dict[tuple[str, str], Counter[str]] = {}
    lines = 0
    for found in week:
        states.append(contents(database))
        report = push_run(database, found, PushOptions())
        assert all(count.removed == 0 for count in report.counts.values())
        for (ring, run_id), evidence in seen.items():
            assert evidence_of(database, ring, run_id) == evidence, f"{ring} of {run_id} after {found.id}"
        # Each day the worst ring that nobody has decided on yet.
        fresh = [ring for ring in found.rings.sort_by("rank")["ring_id"].to_pylist() if ring not in {one for one, _ in seen}]
        if fresh:
            decide(database, fresh[0], "confirmed", "ann", "same devices")
            seen[fresh[0], found.id] = evidence_of(database, fresh[0], found.id)
            lines += seen[fresh[0], found.id].total()
        assert run(database, "MATCH (d:DetectionRun {latest: true}) RETURN d.runId") == [[found.id]]
        assert _rings_of(database, found.id) == sorted(found.rings["ring_id"].to_pylist())
        assert push_run(database, found, PushOptions()).rows == 0
    assert len(seen) >= 3, "the week has rings to decide on"
    assert lines > 100
    statuses = run(database, "MATCH (r:FraudRing) RETURN r.ringId, r.status, r.notSeenSince")
    latest = set(week[-1].rings["ring_id"].to_pylist())
    by_run = {ring: found.id for found in week for ring in found.rings["ring_id"].to_pylist()}
    for ring, status, since in statuses:
        assert (status, since) == (("found", None) if ring in latest else ("not seen since", by_run[ring]))
    assert {status for _, status, _ in statuses} == {"found", "not seen since"}
    # A clean-up takes away the rest, and nothing of that.
    push_run(database, week[-1], PushOptions(clean_up=True, force=True))
    for (ring, run_id), evidence in seen.items():
        assert evidence_of(database, ring, run_id) == evidence
    undo_push(database, week[-1].id)
    decided = run(database, "MATCH (c:Case) RETURN count(c)")
    assert sum(len(read_dispositions(database, found.id)) for found in week) >= len(seen)
    run(database, "MATCH (c:Case) DETACH DELETE c")
    for found, state in zip(reversed(week), reversed(states), strict=True):
        undo_push(database, found.id)
        assert contents(database) == ([row for row in state[0] if "caseId" not in row], [row for row in state[1] if "caseId" not in row])
    assert decided == [[len(seen)]]


def _rings_of(database: Database, run_id: str) -> list[str]:
    found = run(database, "MATCH (r:FraudRing)-[:FOUND_IN]->(:DetectionRun {runId: $run}) RETURN r.ringId ORDER BY r.ringId", run=run_id)
    return [row[0] for row in found]


def test_who_gains_is_what_the_page_says(week: list[Run], tmp_path: Path) -> None:
    told = 0
    for found in week[:2]:
        found.save(tmp_path / found.id)
        recorded = Recorded(Run.load(tmp_path / found.id))
        gains = draw(found).relations["seller-GAINS_FROM-ring"]
        for ring in found.rings["ring_id"].to_pylist():
            page = {row["id"]: row for row in build_dossier(recorded, found.ring(ring)).facts["sellers"] if row["orders"]}
            mine = {seller: values for (seller, of, _), values in gains.items() if of == ring}
            assert set(mine) == set(page)
            for seller, values in mine.items():
                row = page[seller]
                assert values.orders == row["orders"]
                assert (values.expected, values.inflated) == pytest.approx((row["expected"], row["inflated"]))
                assert (values.amount, values.atStake) == pytest.approx((row["amount"], row["inflated_amount"]))
                told += 1
    assert told > 3
