"""Scores at once, health and figures: what the file tells is what the run has, and the door lets in whom it should."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from alert_parts import NOW, alert_settings, by_name, line
from commands import Command
from dossier_runs import market_run
from prometheus_client.parser import text_string_to_metric_families

from graphdet.alerts.outbox import list_deliveries, mark, open_outbox, set_pause
from graphdet.alerts.telling import tell
from graphdet.answering import score_file
from graphdet.answering.questions import Scores
from graphdet.answering.score_file import LEARNED, NAME, ScoreFile, write_learned, write_scores
from graphdet.answering.serving_answers import Door, answering, make_app
from graphdet.answering.watch_figures import health, metrics
from graphdet.dossier.building import build_dossier
from graphdet.errors import AlertError, NoScores
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.settings import GnnSettings, RingSettings, Settings
from graphdet.words.reasons import CATALOGUE

SETTINGS = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return market_run(tmp_path_factory.mktemp("answers"), seed=1, events=40_000, settings=SETTINGS).run


@pytest.fixture(scope="module")
def state(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state as a watch leaves it."""
    folder = tmp_path_factory.mktemp("state")
    while write_scores(folder / NAME, run, look=7, moment=NOW):
        pass
    connection = sqlite3.connect(folder / "watch.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute("CREATE TABLE figures (name TEXT PRIMARY KEY, value REAL)")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [("look", "7"), ("run", "run-1"), ("looked", "2025-10-09T08:53:20+00:00")])
    told = {"events_read_total": 9.0, "lag_seconds": 1.5, "step_seconds": 0.2, "stepped": time.time(), "memory_bytes": 1e8}
    connection.executemany("INSERT INTO figures VALUES (?, ?)", list(told.items()))
    open_outbox(connection)
    sinks = {"a": {"kind": "file", "path": "x"}, 'b"\\': {"kind": "file", "path": "x"}}
    tell(connection, by_name(line("one"), line("two")), (), alert_settings({"a": sinks["a"]}), NOW)
    mark(connection, list_deliveries(connection)[:1], "dead")
    for failures in (1, 2, 0):
        set_pause(connection, "a", failures, 0.0)
    connection.close()
    return folder


def test_every_score_ring_and_reason_is_the_runs(run: Run, state: Path) -> None:
    scores = Scores(state / NAME)
    rings = {row["ring_id"]: row for row in run.rings.to_pylist()}
    members: dict[tuple[str, str], dict[str, Any]] = {}
    for row in run.members.to_pylist():
        members.setdefault((row["node_type"], row["node_id"]), {})[row["ring_id"]] = row
    assert len(rings) > 2
    for place, row in enumerate(run.scores.to_pylist()):
        node = (row["node_type"], row["node_id"])
        if node not in members and place % 50:
            continue
        told = scores.node(*node)
        assert (told["known"], told["score"], told["look"]) == (True, row["score"], 7)
        own = members.get(node, {})
        assert {ring["ring_id"]: (ring["tier"], ring["size"], ring["role"]) for ring in told["rings"]} == {
            ring_id: (rings[ring_id]["tier"], rings[ring_id]["size"], one["role"]) for ring_id, one in own.items()
        }
    recorded, seen = Recorded(run), 0
    for ring_id, row in rings.items():
        user = next(node_id for (node_type, node_id), own in members.items() if node_type == "user" and ring_id in own)
        told = next(ring for ring in scores.node("user", user, "zh")["rings"] if ring["ring_id"] == ring_id)
        dossier = build_dossier(recorded, run.ring(ring_id))
        assert [one["words"] for one in told["reasons"]] == [CATALOGUE[code].words("zh", numbers) for code, numbers in dossier.reasons[:8]]
        assert told["chance"] == row["chance"]
        met: dict[str, tuple[set[str], set[str]]] = {}
        for pair in run.evidence.to_pylist():
            if pair["ring_id"] == ring_id and user in (pair["user_a"], pair["user_b"]):
                others, keys = met.setdefault(pair["view"], (set(), set()))
                others.add(pair["user_b"] if user == pair["user_a"] else pair["user_a"])
                keys.add(pair["key"])
        assert {one["view"]: (one["others"], one["keys"]) for one in told["met"]} == {v: (len(o), len(k)) for v, (o, k) in met.items()}
        seen += len(met)
    assert seen


def test_an_event_is_scored_by_its_user_and_by_the_rings_that_it_touches(run: Run, state: Path) -> None:
    scores = Scores(state / NAME)
    rows = [row for row in run.members.to_pylist() if row["ring_id"] == run.rings["ring_id"][0].as_py()]
    of = {kind: next((row["node_id"] for row in rows if row["node_type"] == kind), None) for kind in ("user", "item", "device")}
    member = scores.event({"user_id": of["user"], "item_id": of["item"]})
    assert member["score"] == scores.node("user", str(of["user"]))["score"]
    assert member["near"] == []
    stranger = scores.event({"user_id": "nobody-knows", "item_id": of["item"], "other": "column"})
    assert (stranger["score"], stranger["near"], stranger["nodes"]["user"]["known"]) == (0.0, [], False)  # a target is anybody's
    both = scores.event({"user_id": "nobody-knows", "item_id": of["item"], "device_id": of["device"]})
    assert [ring["touched"] for ring in both["near"]] == [["item", "device"]]
    assert both["score"] == min(scores.node(kind, str(of[kind]))["score"] for kind in ("item", "device"))
    with pytest.raises(AlertError, match="names no node"):
        scores.event({"user": "u1"})
    for odd in ([], {"a": 1}, True, json.loads("[" * 900 + "]" * 900)):
        with pytest.raises(AlertError, match="device_id is no id"):
            scores.event({"user_id": "u1", "device_id": odd})
    with pytest.raises(AlertError, match="did you mean 'device'"):
        scores.node("devise", "x")
    assert (state / NAME).stat().st_mode & 0o777 == 0o600  # it names people
    for odd in ("", "\x1f", "user\x1fu", "\U0001f600", "x" * 5000, "\x00"):
        assert scores.node("user", odd)["known"] is False


def _with_stake(run: Run, factor: float) -> Run:
    rings = run.rings
    stake = pc.multiply(rings["at_stake"], factor)
    return Run(run.meta, {**run.tables, "rings": rings.set_column(rings.schema.get_field_index("at_stake"), "at_stake", stake)})


def test_reasons_are_kept_from_look_to_look_and_worked_out_a_few_at_a_time(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_file, "MOST_DOSSIERS", 2)
    made = [write_scores(tmp_path / NAME, run, look=look, moment=NOW) for look in range(run.rings.num_rows)]
    assert sum(made) == run.rings.num_rows
    assert set(made) <= {0, 1, 2}
    first = (tmp_path / NAME).read_bytes()
    scores = Scores(tmp_path / NAME)
    grown = run.rings.set_column(run.rings.schema.get_field_index("amount"), "amount", pa.array([9.5] * run.rings.num_rows))
    changed = Run(run.meta, {**run.tables, "rings": grown})
    assert write_scores(tmp_path / NAME, changed, look=1, moment=NOW) == 2  # what changed is worked out anew
    while write_scores(tmp_path / NAME, changed, look=2, moment=NOW):
        pass
    moved = [_with_stake(changed, factor) for factor in (1.0001, 1.009, 1.02)]  # as the rest of the log moves it
    assert [write_scores(tmp_path / NAME, one, look=3, moment=NOW) for one in moved] == [0, 0, 2]
    user = next(row["node_id"] for row in run.members.to_pylist() if row["node_type"] == "user")
    assert scores.node("user", user)["rings"][0]["amount"] == 9.5  # an open one follows
    assert write_scores(tmp_path / "other", run, look=0, moment=NOW, hurried=True) == 1  # another look waits
    assert write_scores(tmp_path / "other", run, look=0, moment=NOW) == 2
    (tmp_path / NAME).write_bytes(first[: len(first) // 2])
    with pytest.raises(NoScores, match="no file of scores"):
        ScoreFile.open(tmp_path / NAME)
    write_scores(tmp_path / NAME, run, look=3, moment=NOW)
    assert ScoreFile.open(tmp_path / NAME).meta["look"] == "3"


def test_the_command_tells_the_same_in_words(run: Run, state: Path, graphdet_command: Command, tmp_path: Path) -> None:
    user = next(
        row["node_id"]
        for row in run.members.to_pylist()
        if row["node_type"] == "user" and row["ring_id"] == run.rings["ring_id"][0].as_py()
    )
    assert json.loads(graphdet_command("score", state, user, "--json").out) == Scores(state / NAME).node("user", user)
    shown = graphdet_command("score", state, user)
    assert shown.code == 0
    assert run.rings["ring_id"][0].as_py() in shown.out
    assert "评分" in graphdet_command("score", state, user, "--lang", "zh").out
    write_learned(state / LEARNED, pa.array([user]), np.array([0.873]), model="model-a", time="2026-01-01T00:00:00+00:00")
    assert "By the model in use (model-a): 87% likely" in graphdet_command("score", state, user).out
    (state / LEARNED).unlink()
    assert "model" not in graphdet_command("score", state, user).out
    assert "No event of the window" in graphdet_command("score", state, "--node", "device=none").out
    assert json.loads(graphdet_command("score", state, "--event", json.dumps({"user_id": user}), "--json").out)["score"] > 0
    for wrong in ([], [user, "--event", "{}"], ["--event", "[]"], ["--node", "device"], ["--event", "{"]):
        done = graphdet_command("score", state, *wrong)
        assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "no scores yet" in graphdet_command("score", tmp_path, user).err


@pytest.fixture(scope="module")
def door(state: Path) -> Iterator[Door]:
    with answering(state) as found:
        yield found


def ask(door: Door, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(door.host, door.port, timeout=30)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET" if body is None else "POST", path, body, told)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if answer.headers["content-type"] == "application/json" else text.decode()


def test_the_door_tells_scores_to_who_asks_rightly(run: Run, state: Path, door: Door) -> None:
    user = next(row["node_id"] for row in run.members.to_pylist() if row["node_type"] == "user")
    assert ask(door, f"/score?id={user}") == (200, Scores(state / NAME).node("user", user))
    event = json.dumps({"user_id": user}).encode()
    assert ask(door, "/score?lang=zh", event, content_type="application/json") == (200, Scores(state / NAME).event({"user_id": user}, "zh"))
    wrong = [
        (ask(door, "/score"), 400),
        (ask(door, f"/score?id={user}&type=devise"), 400),
        (ask(door, f"/score?id={user}&lang=fr"), 400),
        (ask(door, "/score", event, content_type="text/plain"), 415),
        (ask(door, "/score", b"[" * 60_000, content_type="application/json"), 400),
        (ask(door, "/score", b"[]", content_type="application/json"), 400),
        (ask(door, "/score", b"{}", content_type="application/json"), 400),
        (ask(door, "/score", b'{"user_id":%s1%s}' % (b"[" * 940, b"]" * 940), content_type="application/json"), 400),
        (ask(door, "/score", b"x" * 70_000, content_type="application/json"), 413),
        (ask(door, f"/score?id={user}", host="evil.example.org"), 421),
        (ask(door, "/metrics", host="evil.example.org"), 421),
    ]
    assert [status for (status, _), _ in wrong] == [status for _, status in wrong]


def status_of(app: Any, path: str, token: str | None) -> int:
    """What an application answers to a request, without a server."""
    headers = [(b"host", b"127.0.0.1:80"), *([(b"authorization", token.encode())] if token else [])]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"id=u",
        "headers": headers,
        "scheme": "http",
        "http_version": "1.1",
    }
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(app(scope, receive, send))
    return int(told[0]["status"])


def test_a_token_is_asked_for_where_it_is_set(state: Path) -> None:
    for place, token, header, status in (
        (Door("127.0.0.1", 80), "abc", None, 401),
        (Door("127.0.0.1", 80), "abc", "Bearer abd", 401),
        (Door("127.0.0.1", 80), "abc", "Bearer abc", 200),
        (Door("0.0.0.0", 80), "", None, 403),  # noqa: S104 - asked for
        (Door("0.0.0.0", 80), "abc", "Bearer abc", 200),  # noqa: S104
    ):
        app = make_app(state, place, token)
        assert status_of(app, "/score", header) == status
        assert status_of(app, "/healthz", None) == 200


@pytest.mark.parametrize("place", ["", "127.0.0.1", "example.org:80", "127.0.0.1:99999", "127.0.0.1:x"])
def test_places_that_are_none_are_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(AlertError, match="no place to listen at"), answering(tmp_path, place):
        pass


def test_a_place_that_is_taken_is_refused(door: Door, tmp_path: Path) -> None:
    with pytest.raises(AlertError, match="cannot listen"), answering(tmp_path, f"127.0.0.1:{door.port}"):
        pass


def test_health_follows_the_last_step(state: Path, door: Door, tmp_path: Path) -> None:
    status, told = ask(door, "/healthz")
    assert (status, told["status"], told["look"], told["lag_seconds"]) == (200, "ok", "7", 1.5)
    assert told["deliveries"] == {"waiting": 1, "delivered": 0, "dead": 1}
    assert health(state, time.time() + 500)[0] is False
    assert health(tmp_path) == (False, {"status": "no step yet"})


def test_prometheus_reads_the_figures(state: Path, door: Door, tmp_path: Path) -> None:
    status, text = ask(door, "/metrics")
    assert status == 200
    found = {
        (one.name, *sorted(one.labels.values())): one.value for family in text_string_to_metric_families(text) for one in family.samples
    }
    assert found["graphdet_up",] == 1
    assert found["graphdet_events_read_total",] == 9
    assert found["graphdet_lag_seconds",] == 1.5
    assert found["graphdet_memory_bytes",] == 1e8
    assert found["graphdet_alerts_total", "alert", "appeared"] == 2
    assert found["graphdet_deliveries", "a", "dead"] == 1
    assert found["graphdet_sink_failures_total", "a"] == 2
    assert b"graphdet_up 0" in metrics(tmp_path)


@pytest.mark.parametrize("is_up", [True, False])
def test_a_watch_that_ends_by_itself_does_not_say_that_it_was_stopped(tmp_path: Path, is_up: bool) -> None:
    """However far the process that answers has come, which reads the installer's script, too; it is no longer there afterwards."""
    script = tmp_path / "graphdet"
    script.write_text("from graphdet.__main__ import main\nif __name__ == '__main__':\n    main()\n", encoding="utf-8")
    command = [sys.executable, str(script), "watch", "-", "--state", str(tmp_path / "state"), "--serve", "127.0.0.1:0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        port = int(said.rpartition(":")[2])
        while is_up and not answers(port):
            time.sleep(0.05)
        _, rest = process.communicate("user_id,item_id,timestamp\nu1,i1,2025-03-01 10:00:00\n", timeout=60)
    assert process.returncode == 0
    assert "stopped" not in said + rest
    assert not answers(port)


def answers(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status > 0
        except OSError:
            return False
