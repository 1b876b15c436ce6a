"""Real Neo4j servers for the tests: one of each line for the whole session, kept by one worker."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from graphdet.errors import ServerError
from graphdet.store import push
from graphdet.store.connection import Database, Target, find_target, open_database
from graphdet.store.machine import LINES, choose_line, fetch_jars
from graphdet.store.server import Server, read_server, start_server, stop_server

SMALL = {
    "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
    "db.tx_log.rotation.size": "1m",
    "dbms.cypher.statistics_divergence_threshold": "1.0",  # tests fill and empty the database: its plans need not be made anew
}
QUICK = ("-XX:TieredStopAtLevel=1",)  # a server of minutes never earns back what the optimising compiler costs


def missing(reason: str) -> NoReturn:
    """This machine lacks something: the test is skipped here, and fails in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def start(folder: Path, line: str, **more: str) -> Server:
    port = None if read_server(folder) else 0  # where it was, or any free one: other workers may look for one at the same moment
    return start_server(
        folder,
        line=line,
        way="java",
        bolt_port=port,
        http_port=port,
        heap="320m",
        pagecache="32m",
        extra={**SMALL, **more},
        java_switches=QUICK,
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """All tests of one line go to one worker, so that it starts one server of it; others go wherever there is time."""
    from xdist.scheduler import LoadScopeScheduling

    class OneWorkerForALine(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((name for name in LINES if f"[{name}]" in nodeid or f"[{name}-" in nodeid), nodeid)

    return OneWorkerForALine(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What would be the same on each line of servers runs on the long-term one, and on both in a soak."""
    if not os.environ.get("GRAPHDET_FUZZ"):
        left_out = [item for item in items if item.get_closest_marker("either_line") and "[current" in item.nodeid]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session", params=sorted(LINES))
def line(request: pytest.FixtureRequest) -> str:
    """Each line of Neo4j releases; skipped where no Java here runs it or its jars cannot be had, which fails in CI."""
    name = str(request.param)
    try:
        fetch_jars(*choose_line(name))
    except ServerError as error:
        missing(str(error))
    return name


@pytest.fixture(scope="session")
def session_server(line: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("neo4j") / line
    start(folder, line)
    yield folder
    stop_server(folder)


@pytest.fixture
def server(session_server: Path, line: str) -> Path:
    """The folder of a running server; started again where an earlier test left it down."""
    start(session_server, line)
    return session_server


@pytest.fixture
def target(server: Path) -> Target:
    return find_target(server)


@pytest.fixture
def database(target: Target, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database, but for the constraints and indexes that earlier tests made: to make them anew costs the server all its plans."""
    if "drops_schema" not in request.keywords:
        monkeypatch.setattr(push, "_drop_schema", lambda database: None)
    with open_database(target) as opened:
        empty(opened)
        yield opened


def empty(database: Database) -> None:
    run(database, "MATCH (n) DETACH DELETE n")


def run(database: Database, query: str, **parameters: Any) -> list[list[Any]]:
    """Any statement at all, as somebody else might give it."""
    return database.write(lambda transaction: [record.values() for record in transaction.run(query, parameters)])


def contents(database: Database, whole: bool = True) -> tuple[list[Any], list[Any]]:
    """All nodes and relationships with labels and properties, ordered; `whole=False` leaves graphdet's machinery out."""
    nodes = run(database, "MATCH (n) RETURN labels(n), properties(n)")
    edges = run(database, "MATCH (a)-[r]->(b) RETURN labels(a), properties(a), type(r), properties(r), labels(b), properties(b)")
    machinery = ("GraphdetPush", "GraphdetJournal", "GraphdetLock")
    seen = [repr([sorted(labels), plain(values)]) for labels, values in nodes if whole or not set(labels) & set(machinery)]
    ties = [repr([sorted(a), plain(x), kind, plain(own), sorted(b), plain(y)]) for a, x, kind, own, b, y in edges]
    return sorted(seen), sorted(ties)


def evidence_of(database: Database, ring: str, run_id: str) -> Counter[str]:
    """What an analyst sees of a ring, as one run told it: members, what they did with each other and with the ring's things."""
    found = run(
        database,
        """MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF {graphdetRun: $run}]-(a)
        RETURN a.shortId AS node, properties(m) AS told, null AS did, null AS other
        UNION ALL
        MATCH (a)-[:MEMBER_OF {graphdetRun: $run}]->(r:FraudRing {ringId: $ring})<-[:MEMBER_OF {graphdetRun: $run}]-(b)
        MATCH (a)-[t {graphdetRun: $run}]->(b)
        RETURN a.shortId AS node, properties(t) AS told, type(t) AS did, b.shortId AS other""",
        ring=ring,
        run=run_id,
    )
    return Counter(repr([node, plain(told), did, other]) for node, told, did, other in found)


def plain(values: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((name, repr(value)) for name, value in values.items())
