"""Queries, decisions, errors and commands around real servers."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest
from store_runs import Touch, later_run, make_run, two_rings, with_embeddings, with_standings
from store_servers import contents, run

from graphdet.cli import database as cli_database
from graphdet.cli import main
from graphdet.errors import ServerError, StoreError, UnknownRing
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.progress import LineProgress
from graphdet.schema import VERDICTS
from graphdet.store import machine
from graphdet.store import server as servers
from graphdet.store.connection import Database, Target, explain, find_target, open_database, require_version
from graphdet.store.decisions import _labels, decide, export_labels, read_dispositions
from graphdet.store.machine import LINES
from graphdet.store.push import PushOptions, push_run, undo_push
from graphdet.store.queries import ORDER, literal, load_queries, ring_queries
from graphdet.store.server import Server, _comes_up, _has_ended, is_running, start_server, wipe_server
from graphdet.words.empty_words import PLACEHOLDERS

pytestmark = pytest.mark.server

VALUES = {"ring": "ring-1", "run": "run-a", "verdict": "unsure", "author": "ann", "note": "a note"}


def operators(plan: dict[str, Any]) -> list[str]:
    return [plan["operatorType"].split("@")[0], *(name for child in plan.get("children", []) for name in operators(child))]


def test_every_query_returns_rows_by_index(database: Database, target: Target) -> None:
    from neo4j import GraphDatabase

    push_run(database, with_embeddings(two_rings()))
    database.read("CALL db.awaitIndexes(60)")
    with GraphDatabase.driver(target.uri, auth=(target.user, target.password), notifications_min_severity="OFF") as driver:
        for query in load_queries():
            result = driver.execute_query("EXPLAIN " + query.text, VALUES, database_="neo4j")
            assert result.summary.plan is not None
            names = operators(result.summary.plan)
            assert not {"AllNodesScan", "NodeByLabelScan", "DirectedAllRelationshipsScan"} & set(names), (query.name, names)
            assert any("Index" in name or "ProcedureCall" in name for name in names), (query.name, names)
            for text in (query.text, query.filled(**VALUES)):
                records = driver.execute_query(text, VALUES, database_="neo4j")
                assert records.records, query.name
                graph = driver.execute_query(text, VALUES, database_="neo4j", result_transformer_=lambda answer: answer.graph())
                assert len(graph.nodes) <= 150, query.name


def test_the_ring_query_draws_the_ring(database: Database) -> None:
    push_run(database, two_rings())
    query = next(query for query in load_queries() if query.name == "ring")
    rows = run(database, query.filled(ring="ring-1"))
    assert len(rows) == 3  # members
    assert {row[0] for row in rows} == {"shown 3 of 3 members, 7 of 7 things"}
    lines = [path for *_, found, _ in rows for path in found]
    assert len({node.element_id for path in (*lines, *(row[2] for row in rows)) for node in path.nodes}) == 11
    assert len(lines) == 3 * 2 + 3 * 5  # orders of both items, and five shared things each


def test_queries_tell_act_and_hold_apart(database: Database) -> None:
    """As the run's table of members has them; what an older graphdet pushed tells neither."""
    held = with_standings(two_rings(), {"ring-1": {"cid": "few_items,stray"}, "ring-2": {"bob": "little_evidence"}})
    push_run(database, two_rings())
    queries = {query.name: query.filled(ring="ring-1", run="run-a") for query in load_queries()}
    assert {(row[0], row[-1]) for row in run(database, queries["members"])} == {
        (None, "shown 3 of 3 members; the run does not say whom to hold")
    }
    push_run(database, held)
    rows = run(database, queries["members"])
    of_ring = [row for row in held.ring("ring-1").members.to_pylist() if row["node_type"] == "user"]
    assert [(row[1], row[0], row[2]) for row in rows] == [
        (row["node_id"], row["standing"], row["weak"].split(",") if row["weak"] else None)
        for row in sorted(of_ring, key=lambda row: (row["standing"], -row["contribution"], row["node_id"]))
    ]
    assert rows[-1][:3] == ["hold", "cid", ["few_items", "stray"]]
    assert {row[-1] for row in rows} == {"shown 3 of 3 members: 2 to act on, 1 to hold"}
    standing = {row["node_id"]: row["standing"] for row in of_ring}
    drawn = run(database, queries["ring"])
    assert [row[1] for row in drawn] == ["act", "act", "hold"]
    assert [row[2].start_node["userId"] for row in drawn][-1] == "cid"
    for _first, _last, user, told, *_ in run(database, queries["timeline"]):
        assert told == standing[user]
    assert {(row[0].start_node["userId"], row[1]) for row in run(database, queries["sellers"])} == set(standing.items())
    bridges = {(row[0].nodes[1].get("userId"), row[1], row[2]) for row in run(database, queries["sharing"])}
    assert bridges == {("bob", "act", "hold"), (None, None, None)}


def test_queries_are_complete_and_safe() -> None:
    queries = load_queries()
    assert [query.name for query in queries] == list(ORDER)
    for query in queries:
        assert "LIMIT" in query.text or "[.." in query.text or query.name == "decide"
        assert not set("&#") & set(query.text)  # Browser's links cut there
        limits = [int(number) for number in re.findall(r"(?:LIMIT |\[\.\.)(\d+)", query.text)]
        assert "[.." not in query.text or "'shown '" in query.text  # what is cut says so
        assert all(number <= 150 for number in limits)
    decide_query = next(query for query in queries if query.name == "decide")
    listed = re.search(r"WITH r, told, \[(.*?)\]\s+AS placeholders", decide_query.text, re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r"'([^']*)'", listed.group(1))) == PLACEHOLDERS
    assert literal("a'b\\c&#\U0001f600\n") == "'a\\'b\\\\c\\u0026\\u0023\\uD83D\\uDE00\\u000A'"
    told = ring_queries("run-a", "ring-1", embeddings=False)
    assert len(told) == len(queries) - 1
    assert all("$ring" not in text for _, text in told)


def test_a_long_ring_says_how_much_is_shown(database: Database) -> None:
    users = [f"user-{number:03d}" for number in range(412)]
    touches: list[Touch] = [(user, "order", "item", "i", 1) for user in users]
    push_run(database, make_run("run-x", {"ring-1": {"user": users, "item": ["i"]}}, touches))
    rows = {query.name: run(database, query.filled(ring="ring-1")) for query in load_queries() if query.name in ("ring", "timeline")}
    assert (len(rows["ring"]), rows["ring"][0][0]) == (90, "shown 90 of 412 members, 1 of 1 things")
    assert (len(rows["timeline"]), rows["timeline"][0][-1]) == (150, "shown 150 of 412")


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({"verdict": "confirmed, innocent or unsure"}, "verdict must be"),
        ({"author": "your name"}, "your name"),
        ({"author": " "}, "your name"),
        ({"author": "<analyst>"}, "your name"),
        ({"author": "您的姓名"}, "your name"),
        ({"note": "Why "}, "your reason"),
        ({"note": "[what you\nsaw]"}, "your reason"),
        ({"ring": "ring-9"}, "no ring of that id"),
    ],
)
def test_a_verdict_with_placeholders_is_refused_in_browser_and_by_the_command(
    database: Database, told: dict[str, str], missing: str
) -> None:
    push_run(database, two_rings())
    query = next(query for query in load_queries() if query.name == "decide")
    values = {"ring": "ring-1", "verdict": "confirmed", "author": "ann", "note": "same card"}
    answer = run(database, query.filled(**{**values, **told}))
    assert answer[0][0].startswith("not noted: ")
    assert missing in answer[0][0]
    with pytest.raises((StoreError, UnknownRing)):
        decide(database, *{**values, **told}.values())
    assert run(database, "MATCH (c:Case) RETURN c") == []
    assert run(database, query.text, **values) == [["noted: confirmed by ann"]]
    assert run(database, "MATCH (c:Case)-[:ABOUT]->(r) RETURN c.runId, c.status, r.ringId") == [["run-a", "confirmed", "ring-1"]]


def test_look_alikes_are_as_near_as_members_are_to_each_other(database: Database) -> None:
    found = two_rings()
    users = sorted(found.scores["node_id"].to_pylist())
    away = {"dan": [0.0, 1.0], "out": [1.0, 0.14]}  # dan lies elsewhere, out among ring-1's members
    vectors = [[*away.get(user, [1.0, place / 10]), *([0.0] * 62)] for place, user in enumerate(users)]
    columns = {"node_type": ["user"] * len(users), "node_id": users, "embedding": pa.array(vectors, pa.list_(pa.float32(), 64))}
    found = found.with_tables(embeddings=pa.table(columns))
    push_run(database, found)
    database.read("CALL db.awaitIndexes(60)")
    query = next(query for query in load_queries() if query.name == "look_alikes")
    rows = run(database, query.filled(ring="ring-1"))
    assert [row[0]["userId"] for row in rows] == ["out"]
    assert rows[0][1] >= 2
    assert rows[0][2] >= rows[0][3]
    assert set(rows[0][4]) <= {"10.0.0.1", "card", "lane 1", "phone", "shop", "hat"}
    # Who is to be held says nothing of others; the two that are left are as near to it as to each other.
    push_run(database, with_standings(found, {"ring-1": {"ann": "stray"}}))
    held = run(database, query.filled(ring="ring-1"))
    assert [(row[0]["userId"], row[1]) for row in (*rows, *held)] == [("out", 3), ("out", 2)]


def test_a_literal_is_the_text(database: Database) -> None:
    text = "\\u0027 \\\\u0027 x' OR 1=1 // \\ \" ` \U0001f600 \u202e\n名\x00"
    assert run(database, f"RETURN {literal(text)}") == [[text]]


@pytest.mark.either_line
def test_verdicts_outlive_pushes_and_become_labels(database: Database, tmp_path: Path) -> None:
    push_run(database, two_rings())
    decide(database, "ring-1", "unsure", "ann", "looks odd'; DROP")
    decide(database, "ring-1", "confirmed", "bob", "refund scam")
    run(
        database,
        next(query for query in load_queries() if query.name == "decide").text,
        **{**VALUES, "ring": "ring-2", "verdict": "innocent"},
    )
    found = read_dispositions(database, "run-a")
    assert [(row["ring_id"], row["verdict"], row["author"], row["earlier"]) for row in found] == [
        ("ring-1", "confirmed", "bob", 1),
        ("ring-2", "innocent", "ann", 0),
    ]
    cases = run(database, "MATCH (c:Case) RETURN c.caseId, properties(c) ORDER BY c.caseId")
    push_run(database, later_run(), options=PushOptions())
    undo_push(database, "run-b")
    assert run(database, "MATCH (c:Case) RETURN c.caseId, properties(c) ORDER BY c.caseId") == cases
    assert export_labels(database, "run-a", tmp_path / "labels.csv") == 4
    labels = {row["user_id"]: row["label"] for row in pa.csv.read_csv(tmp_path / "labels.csv").to_pylist()}
    assert labels == {"ann": 1, "bob": 1, "cid": 1, "dan": 0}
    undo_push(database, "run-a")
    assert run(database, "MATCH (c:Case)-[:ABOUT]->(r:FraudRing) WITH DISTINCT r RETURN properties(r) ORDER BY r.ringId") == [
        [{"ringId": "ring-1"}],
        [{"ringId": "ring-2"}],
    ]
    with pytest.raises(UnknownRing, match="did you mean 'ring-1'"):
        decide(database, "ring-11", "unsure", "ann")
    with pytest.raises(StoreError, match="did you mean 'innocent'"):
        decide(database, "ring-1", "inocent", "ann")


def test_who_is_to_be_held_has_no_label_by_the_ring() -> None:
    members = [["r", "ann", "core", "alert", "act"], ["r", "bob", "core", "alert", "act"], ["r", "cid", "attached", "alert", "hold"]]
    members += [["s", "cid", "core", "review", "act"], ["s", "dan", "core", "review", None], ["s", "bob", "core", "review", "act"]]
    labels = _labels({"r": "confirmed", "s": "innocent"}, members)
    assert {user: (row["label"], row["ring_id"]) for user, row in labels.items()} == {
        "ann": (1, "r"), "bob": (1, "r"), "cid": (0, "s"), "dan": (0, "s")
    }  # fmt: skip


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The program in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["graphdet", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_commands_do_what_they_say(
    database: Database, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_rings().save(tmp_path / "run")

    def said(*words: str) -> str:
        assert call(monkeypatch, *words, "--db", str(server)) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    told = said("push", str(tmp_path / "run"), "--dry-run")
    assert re.search(r"^User +5 +0 +0 +0$", told, re.MULTILINE)
    assert "nothing was changed" in told
    assert contents(database) == ([], [])
    assert re.search(r"\d+ rows in .* rows/s", said("push", str(tmp_path / "run")))
    assert "Nothing to change" in said("push", str(tmp_path / "run"))
    assert said("decide", "ring-1", "confirmed", "--note", "n", "--author", "ann").startswith("case-")
    assert "ring-1  confirmed  ann" in said("dispositions", str(tmp_path / "run"))
    assert "rows taken back" in said("undo", str(tmp_path / "run"))
    assert call(monkeypatch, "db", "status", "--data", str(server)) == 0
    assert "runs (java" in capsys.readouterr().out


def test_a_whole_log_is_written_where_it_is_given(
    database: Database, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"r{n},t{place},p{n % 2},{90_000 * place + n},order" for n in range(8) for place in range(6)]
    rows += [f"u{n},i{n * 7 % 50},d{n},{n * 3600},view" for n in range(120)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["user_id,item_id,device_id,timestamp,action", *rows]))
    found = detect(read_events([log]))
    found.save(tmp_path / "run")
    where = ("--db", str(server))
    assert call(monkeypatch, "push", str(tmp_path / "run"), "--scope", "graph", "--log", str(log), *where) == 0, capsys.readouterr().err
    counts = "MATCH (n) UNWIND labels(n) AS label WITH label WHERE label IN ['User', 'Item', 'Device'] RETURN label, count(*)"
    assert dict(run(database, counts)) == {"Device": 122, "Item": 56, "User": 128}
    ties = run(database, "MATCH (:User)-[r:PURCHASED|VIEWED|USED]->() RETURN type(r), count(*), sum(r.count)")
    assert sorted(ties) == [["PURCHASED", 48, 48], ["USED", 128, 168], ["VIEWED", 120, 120]]
    assert run(database, "MATCH (d:Device {deviceId: 'p0'}) RETURN d.degree") == [[4]]
    before = contents(database)
    log.write_text(log.read_text() + "\nu0,i1,d0,7,view")
    assert call(monkeypatch, "push", str(tmp_path / "run"), "--scope", "graph", "--log", str(log), *where) == 2
    assert "these are not the logs that the run was made from" in capsys.readouterr().err
    assert contents(database) == before


def test_errors_are_one_line_with_the_next_step_and_no_password(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_rings().save(tmp_path / "run")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    secret = target.password
    good = {"NEO4J_URI": target.uri, "NEO4J_USER": "neo4j", "NEO4J_PASSWORD": secret, "NEO4J_DATABASE": "neo4j"}
    cases: list[tuple[str, dict[str, str | None], str]] = [
        ("run", {"NEO4J_URI": "bolt://localhost:1"}, "no Neo4j server answers. `graphdet db up` starts one"),
        ("run", {"NEO4J_URI": "gopher://x"}, "no address of a Neo4j server"),
        ("run", {"NEO4J_URI": f"bolt://neo4j:{secret}@localhost:1"}, "user and password in NEO4J_USER and NEO4J_PASSWORD"),
        ("run", {"NEO4J_URI": f"bolt://localhost:1?password={secret}"}, "no address of a Neo4j server"),
        ("run", {"NEO4J_URI": f"neo4j:{secret}@localhost:1"}, "the server that NEO4J_URI names: no address"),
        ("run", {"NEO4J_URI": f"bolt://neo4j:a?{secret}@localhost:1"}, "no address of a Neo4j server"),
        ("run", {"NEO4J_URI": f"neo4j:/u:{secret}@localhost"}, "the server that NEO4J_URI names: no address"),
        ("run", {"NEO4J_PASSWORD": secret + "x"}, "wrong user or password for 'neo4j'; check NEO4J_USER and NEO4J_PASSWORD"),
        ("run", {"NEO4J_PASSWORD": None}, "NEO4J_PASSWORD is not; set it in the environment"),
        ("run", {"NEO4J_DATABASE": "nope"}, "there is no database 'nope'; check NEO4J_DATABASE"),
        ("run", {"NEO4J_DATABASE": "system"}, "'system' holds no data; check NEO4J_DATABASE"),
        ("damaged", {}, "damaged"),
        ("none", {}, "no such run folder; `graphdet run"),
    ]
    for folder, changes, words in cases:
        for name, value in {**good, **changes}.items():
            if value is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, value)
        code = call(monkeypatch, "push", str(tmp_path / folder))
        told = capsys.readouterr()
        assert code == 2, told.err
        assert words in told.err
        assert told.err.count("\n") == 1
        assert secret not in told.err + told.out
    assert secret not in repr(target)


def test_an_expired_password_and_a_second_user(database: Database, target: Target) -> None:
    run_system(target, "CREATE USER expired SET PASSWORD 'first-password' CHANGE REQUIRED")
    try:
        with (
            pytest.raises(ServerError, match=r"the password of 'expired' has expired; set a new one"),
            open_database(Target(target.uri, "expired", "first-password")),
        ):
            pass
    finally:
        run_system(target, "DROP USER expired")


def run_system(target: Target, statement: str) -> None:
    with open_database(Target(target.uri, target.user, target.password, "neo4j")) as database:
        database._driver.execute_query(statement, database_="system")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", "", "may not write"),
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "", "smaller --batch"),
        ("Neo.DatabaseError.General.UnknownError", "'secret-id'", "server's log says more"),
    ],
)
def test_rare_errors_of_the_server_are_explained(code: str, text: str, words: str) -> None:
    from neo4j.exceptions import Neo4jError

    error = Neo4jError._hydrate_neo4j(code=code, message=text)
    told = explain(error, Target("bolt://x", "neo4j", "hidden"))
    assert words in str(told)
    assert "secret-id" not in str(told)
    assert "hidden" not in str(told)


def test_too_old_a_server_is_refused() -> None:
    target = Target("bolt://x", "neo4j", "p")
    require_version("5.26.30", target)
    require_version("2026.09.0", target)
    require_version("5.27-aura", target)
    with pytest.raises(ServerError, match=r"runs Neo4j 5\.9\.0; graphdet needs 5\.26 or newer"):
        require_version("5.9.0", target)


def test_the_password_is_for_its_owner_alone(server: Path) -> None:
    for name in ("password", "server.json", "server.log"):
        assert stat.S_IMODE((server / name).stat().st_mode) == 0o600, name
    password = (server / "password").read_text().strip()
    assert password not in (server / "server.log").read_text()
    shown = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert password not in shown
    assert find_target(server).password == password


def test_a_server_that_runs_is_not_wiped_and_other_folders_neither(server: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="its server runs"):
        wipe_server(server)
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ServerError, match="no server's folder"):
        wipe_server(tmp_path)
    with pytest.raises(ServerError, match=r"holds other things \(such as 'mine.txt'\)"):
        start_server(tmp_path)


def test_a_server_that_starts_has_not_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child.returncode = 0  # as for a server: it may outlive us
    assert not _has_ended(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while not _has_ended(child.pid):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert _has_ended(child.pid)


def test_a_server_that_dies_while_we_look_does_not_count_as_running(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a-password")
    home = f"--home-dir={tmp_path.resolve() / 'home'}"
    dying = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)", home])
    about = Server("bolt://localhost:9", "http://localhost:9/browser/", LINES["lts"].version, "java", dying.pid, 0.0)
    assert is_running(tmp_path, about)
    assert not _comes_up(tmp_path, about, 60)
    dying.wait()
    hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", home])
    try:
        with pytest.raises(ServerError, match=r"runs but does not answer; see .*server\.log"):
            _comes_up(tmp_path, replace(about, pid=hanging.pid), 0)
    finally:
        hanging.kill()
        hanging.wait()


def test_without_java_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "java_homes", dict)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(
        ServerError, match=r"no Java runs Neo4j 5\.26\.30 here \(found Java: none.*Install one and Maven.*or install and start Docker"
    ):
        start_server(tmp_path / "db")


def test_without_maven_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "java_for", lambda _line: tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ServerError, match=r"Maven \(mvn\) is needed once.*install it; or install and start Docker; or set NEO4J_URI"):
        start_server(tmp_path / "db")


def test_what_maven_fetches_is_told_file_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maven, stream = tmp_path / "bin" / "mvn", io.StringIO()
    maven.parent.mkdir()
    maven.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case $word in -DoutputDirectory=*) mkdir -p "${word#-DoutputDirectory=}";; esac; done\n'
        'for file in one two; do echo "Downloaded from central: https://repo/$file.jar (1.2 kB at 3.4 kB/s)"; done\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "_require_known", lambda _jars, _line: None)
    assert machine.fetch_jars(machine.LINES["lts"], tmp_path, LineProgress(stream)).is_dir()
    assert stream.getvalue().startswith("graphdet: fetch Neo4j 5.26.30 by Maven, files: 2 done in ")
    maven.write_text("#!/bin/sh\necho '[ERROR] nobody answers'\nexit 1\n")
    with pytest.raises(ServerError, match=r"could not fetch Neo4j 2026\.09\.0: \[ERROR\] nobody answers Check the network"):
        machine.fetch_jars(machine.LINES["current"], tmp_path)


def test_a_server_is_given_up_when_nothing_moves_and_not_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now, used, stream = [0.0], [0.0], io.StringIO()
    monkeypatch.setattr(servers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(servers, "_processor_seconds", lambda _pid: used[0])
    progress = LineProgress(stream)
    with progress.stage("wait"):
        patience = servers._Patience(tmp_path, Server("bolt://a:1", "http://a:2/browser/", "5.26.30", "java", 4711, 0.0), 100, progress)
        now[0] = 99
        assert not patience.is_over()
        (tmp_path / "server.log").write_text("Starting...\n")  # it says something
        assert not patience.is_over()
        now[0] = 198
        assert not patience.is_over()
        now[0], used[0] = 200, 30  # it says nothing, but works
        assert not patience.is_over()
        now[0], used[0] = 301, 33  # that is how it waits for requests
        assert patience.is_over()
    assert "wait: 1 done in" in stream.getvalue()


@pytest.mark.parametrize(("told", "seconds"), [("00:01:44", 104), ("1-02:03:04", 93_784), ("1:44.50", 104.5), ("", 0)])
def test_processor_time_is_read_as_systems_tell_it(told: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers.shutil, "which", lambda _name: "ps")
    monkeypatch.setattr(servers.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=f"  {told}\n"))
    assert servers._processor_seconds(4711) == seconds


def test_without_ps_a_server_is_judged_by_its_log_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert servers._processor_seconds(os.getpid()) == 0.0


def test_the_commands_know_the_words_of_the_library() -> None:
    assert [line.value for line in cli_database.ServerLine] == list(machine.LINES)
    assert [verdict.value for verdict in cli_database.Verdict] == list(VERDICTS)
