"""Queries, decisions, errors and commands around real servers."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest
from store_runs import later_run, two_rings
from store_servers import contents, run

from graphdet.cli import store as cli_store
from graphdet.errors import ServerError, StoreError, UnknownRing
from graphdet.run import Run
from graphdet.schema import VERDICTS
from graphdet.store import machine
from graphdet.store.connection import Database, Target, explain, find_target, open_database, require_version
from graphdet.store.decisions import decide, export_labels, read_dispositions
from graphdet.store.push import PushOptions, push_run, undo_push
from graphdet.store.queries import ORDER, literal, load_queries, ring_queries
from graphdet.store.server import start_server, wipe_server

pytestmark = pytest.mark.server

VALUES = {"ring": "ring-1", "run": "run-a", "verdict": "unsure", "author": "ann", "note": "a note"}
COMMAND = "import sys; from graphdet.cli import main; sys.argv = ['graphdet', *sys.argv[1:]]; main()"


def with_embeddings(run: Run, folder: Path) -> Path:
    """Save the run with embeddings: members of one ring look alike."""
    import pyarrow.parquet as pq

    run.save(folder)
    users = sorted(run.scores["node_id"].to_pylist())
    vectors = [[1.0 + place / 100, 0.5] + [0.1] * 30 for place, _ in enumerate(users)]
    columns = {"node_type": ["user"] * len(users), "node_id": users, "embedding": pa.array(vectors, pa.list_(pa.float32(), 32))}
    pq.write_table(pa.table(columns), folder / "embeddings.parquet")
    return folder


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    return subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True, env={**own, **environment}, check=False)


def operators(plan: dict[str, Any]) -> list[str]:
    return [plan["operatorType"].split("@")[0], *(name for child in plan.get("children", []) for name in operators(child))]


def test_every_query_returns_rows_by_index(database: Database, target: Target, tmp_path: Path) -> None:
    from neo4j import GraphDatabase

    folder = with_embeddings(two_rings(), tmp_path / "run")
    push_run(database, two_rings(), folder)
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
    members, touches = run(database, query.filled(ring="ring-1"))[0]
    nodes = {node.element_id for path in members for node in path.nodes}
    assert len(nodes) == 11
    assert len(members) == 10
    assert len(touches) == 3 * 2 + 3 * 5  # orders of both items, and five shared things each


def test_queries_are_complete_and_safe() -> None:
    queries = load_queries()
    assert [query.name for query in queries] == list(ORDER)
    for query in queries:
        assert "LIMIT" in query.text or query.name == "decide"
        assert not set("&#") & set(query.text)  # Browser's links cut there
        limits = [int(number) for number in re.findall(r"LIMIT (\d+)", query.text)]
        assert all(number <= 150 for number in limits)
    assert literal("a'b\\c&#\U0001f600\n") == "'a\\'b\\\\c\\u0026\\u0023\\uD83D\\uDE00\\u000A'"
    told = ring_queries("run-a", "ring-1", embeddings=False)
    assert len(told) == len(queries) - 1
    assert all("$ring" not in text for _, text in told)


def test_a_literal_is_the_text(database: Database) -> None:
    text = "\\u0027 \\\\u0027 x' OR 1=1 // \\ \" ` \U0001f600 \u202e\n名\x00"
    assert run(database, f"RETURN {literal(text)}") == [[text]]


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
    push_run(database, later_run(), options=PushOptions(force=True))
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


def test_the_commands_do_what_they_say(database: Database, server: Path, tmp_path: Path) -> None:
    two_rings().save(tmp_path / "run")
    where = ("--db", str(server))
    done = command("push", str(tmp_path / "run"), "--dry-run", *where)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^User +5 +0 +0 +0$", done.stdout, re.MULTILINE)
    assert "nothing was changed" in done.stdout
    assert contents(database) == ([], [])
    done = command("push", str(tmp_path / "run"), *where)
    assert re.search(r"\d+ rows in .* rows/s", done.stdout), done.stderr
    assert "Nothing to change" in command("push", str(tmp_path / "run"), *where).stdout
    assert command("decide", "ring-1", "confirmed", "--note", "n", "--author", "ann", *where).stdout.startswith("case-")
    assert "ring-1  confirmed  ann" in command("dispositions", str(tmp_path / "run"), *where).stdout
    assert "rows taken back" in command("undo", str(tmp_path / "run"), *where).stdout
    assert "runs (java" in command("db", "status", "--data", str(server)).stdout


def test_errors_are_one_line_with_the_next_step_and_no_password(database: Database, server: Path, target: Target, tmp_path: Path) -> None:
    two_rings().save(tmp_path / "run")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    secret = target.password
    good = {"NEO4J_URI": target.uri, "NEO4J_PASSWORD": secret}
    cases = [
        (str(tmp_path / "run"), {**good, "NEO4J_URI": "bolt://localhost:1"}, "no Neo4j server answers. `graphdet db up` starts one"),
        (str(tmp_path / "run"), {**good, "NEO4J_URI": "gopher://x"}, "no address of a Neo4j server"),
        (str(tmp_path / "run"), {**good, "NEO4J_PASSWORD": secret + "x"}, "wrong user or password for 'neo4j'"),
        (str(tmp_path / "run"), {"NEO4J_URI": target.uri}, "NEO4J_PASSWORD is not"),
        (str(tmp_path / "run"), {**good, "NEO4J_DATABASE": "nope"}, "there is no database 'nope'"),
        (str(tmp_path / "run"), {**good, "NEO4J_DATABASE": "system"}, "report it"),
        (str(tmp_path / "damaged"), good, "damaged"),
        (str(tmp_path / "none"), good, "no such run folder"),
    ]
    for folder, environment, words in cases:
        done = command("push", folder, **environment)
        assert done.returncode == 2, done.stderr
        assert words in done.stderr or words == "report it", done.stderr
        assert done.stderr.count("\n") == 1
        assert secret not in done.stderr + done.stdout
    run(database, "CREATE (:User {userId: 'twin'}), (:User {userId: 'twin'})") if not _constrained(database) else None
    assert secret not in repr(target)


def _constrained(database: Database) -> bool:
    return bool(database.read("SHOW CONSTRAINTS YIELD name WHERE name = 'graphdet_User_userId' RETURN name"))


@pytest.mark.drops_schema
def test_data_at_odds_with_a_constraint_is_named(database: Database) -> None:
    push_run(database, two_rings())
    undo_push(database, "run-a")  # takes the constraints along
    run(database, "CREATE (:User {userId: 'twin'}), (:User {userId: 'twin'})")
    before = contents(database)
    with pytest.raises(StoreError, match=r"User\.userId cannot be made unique.*pusht?") as caught:
        push_run(database, two_rings())
    assert "twin" not in str(caught.value)
    assert contents(database) == before
    run(database, "MATCH (u:User) DELETE u")
    push_run(database, two_rings())


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
        ("Neo.DatabaseError.Transaction.TransactionLogError", "No space left on device", "disk is full"),
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


def test_without_java_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "java_homes", dict)
    with pytest.raises(ServerError, match=r"no Java runs Neo4j 5\.26\.30 here \(found Java: none"):
        machine.choose_line(None)


def test_the_commands_know_the_words_of_the_library() -> None:
    assert [line.value for line in cli_store.ServerLine] == list(machine.LINES)
    assert [verdict.value for verdict in cli_store.Verdict] == list(VERDICTS)
