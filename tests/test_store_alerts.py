"""Alerts that go to Neo4j: the run that they are of is in a real server once they are delivered, once, and after an outage."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest
from alert_parts import NOW, alert_settings, by_name, line
from store_runs import two_rings
from store_servers import contents, run

from graphdet.alerts.deliver import Courier
from graphdet.alerts.outbox import list_deliveries, open_outbox
from graphdet.alerts.sinks import make_sinks
from graphdet.alerts.telling import tell
from graphdet.store.connection import Database

pytestmark = pytest.mark.either_line


def test_the_run_that_alerts_are_of_is_in_the_database_once_they_are_delivered(server: Path, database: Database, tmp_path: Path) -> None:
    runs: list[Path] = []
    nowhere = str(tmp_path / "no-server")
    with contextlib.closing(sqlite3.connect(tmp_path / "watch.sqlite", isolation_level=None)) as outbox:
        open_outbox(outbox)

        def attempt(where: str) -> list[tuple[str, str]]:
            settings = alert_settings({"graph": {"kind": "neo4j", "server": where}})
            tell(outbox, by_name(line("a"), line("b")), (), settings, NOW)
            (sink,) = make_sinks(settings, "settings", lambda: runs[-1] if runs else None).values()
            clock[0] += 7200.0  # past any pause
            Courier(tmp_path / "watch.sqlite", "graph", sink, settings, clock=lambda: clock[0]).step(outbox)
            return [(one.state, one.why) for one in list_deliveries(outbox)]

        clock = [time.time()]
        assert attempt(str(server)) == [("waiting", "there is no run to push yet")] * 2
        two_rings().save(tmp_path / "run-a")
        runs.append(tmp_path / "run-a")
        (state, why), (_, again) = attempt(nowhere)
        assert (state, again) == ("waiting", why)
        assert "ServerError" in why
        assert nowhere not in why
        assert run(database, "MATCH (r:FraudRing) RETURN count(r)") == [[0]]
        assert [state for state, _ in attempt(str(server))] == ["delivered"] * 2
        assert run(database, "MATCH (r:FraudRing)-[:FOUND_IN]->(:DetectionRun {runId: 'run-a'}) RETURN count(r)") == [[2]]
        before = contents(database)
        assert [state for state, _ in attempt(str(server))] == ["delivered"] * 2
        assert contents(database) == before
