"""Real Neo4j servers for the tests: one of each line for the whole session, shared by its workers, used by one test at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from graphdet.errors import ServerError
from graphdet.store import push
from graphdet.store.connection import Database, Target, find_target, open_database
from graphdet.store.machine import LINES, java_for
from graphdet.store.server import Server, start_server, stop_server

SMALL = {"internal.server.bolt.thread_pool_shutdown_wait_time": "0s", "db.tx_log.rotation.size": "1m"}
QUICK = ("-XX:TieredStopAtLevel=1",)  # a server of minutes never earns back what the optimising compiler costs


@contextmanager
def locked(path: Path, how: int) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how)
        yield handle
    finally:
        os.close(handle)


def start(folder: Path, line: str) -> Server:
    return start_server(
        folder, line=line, way="java", bolt_port=None, http_port=None, heap="320m", pagecache="32m", extra=SMALL, java_switches=QUICK
    )


@pytest.fixture(scope="session")
def server_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that all workers share, with a folder for each line's server; the last worker to leave stops them."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "neo4j-servers"
    shared.mkdir(exist_ok=True)
    with locked(shared / "users.lock", fcntl.LOCK_SH) as handle:
        yield shared
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # another worker still uses them
        for line in LINES:
            if (shared / line).exists():
                stop_server(shared / line)


@pytest.fixture(params=sorted(LINES))
def line(request: pytest.FixtureRequest) -> str:
    """Each line of Neo4j releases; skipped where no Java here runs it, which fails in CI."""
    name = str(request.param)
    if java_for(LINES[name]) is None:
        reason = f"no Java for Neo4j {LINES[name].version} on this machine (Java {LINES[name].java.start} or newer is needed)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return name


@pytest.fixture
def server(line: str, server_folders: Path) -> Iterator[Path]:
    """The folder of a running server, for this test alone."""
    with locked(server_folders / f"{line}.lock", fcntl.LOCK_EX):
        try:
            start(server_folders / line, line)
        except ServerError as error:
            pytest.fail(str(error))
        yield server_folders / line


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


def plain(values: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((name, repr(value)) for name, value in values.items())
