"""Pushes of which the client, the server or both are killed while others write: the next push ends as a clean one, and undo is exact."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzzing import INPUTS, inputs, tallied
from store_runs import Touch, make_run
from store_servers import contents, empty, run, start

from graphdet.errors import ServerError, StoreError
from graphdet.run.folder import Run
from graphdet.store.connection import Database, find_target, open_database
from graphdet.store.journal import read_pushes
from graphdet.store.push import undo_push
from graphdet.store.server import read_server

pytestmark = pytest.mark.server

ROUNDS = min(INPUTS, 30) or 1
LONGEST = 300.0
PROGRAM = [sys.executable, "-X", "faulthandler", "-c", "from graphdet.cli import main; main()"]


def found_run() -> Run:
    users, items = [f"user-{number}" for number in range(400)], [f"item-{number}" for number in range(20)]
    touches: list[Touch] = [
        (user, "order", "item", items[(place * 7 + step) % 20], 1) for place, user in enumerate(users) for step in range(8)
    ]
    return make_run("run-killed", {"ring-1": {"user": users[:60], "item": items[:5]}}, touches, dict.fromkeys(users, 0.7))


def draw(chance: random.Random) -> dict[str, Any]:
    return {"killed": chance.choice([["client"], ["server"], ["client", "server"], ["server", "client"]]), "after": chance.random()}


def facts(database: Database) -> Any:
    """What graphdet and others put there, but for when it was and for the others' own counting."""
    nodes, ties = contents(database, whole=False)
    return [row for row in nodes if "pushedAt" not in row and "Invoice" not in row], [row for row in ties if "FOUND_IN" not in row]


@contextlib.contextmanager
def others_at_work(folder: Path) -> Iterator[None]:
    """Somebody else who writes without pause, as far as there is a server."""
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with contextlib.suppress(ServerError, StoreError), open_database(find_target(folder), retry_seconds=0.1) as database:
                for number in range(10_000):
                    if done.is_set():
                        return
                    run(database, "MERGE (i:Invoice {number: $number % 50}) SET i.times = coalesce(i.times, 0) + 1", number=number)
            time.sleep(0.1)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join(60)


def theirs(database: Database) -> None:
    """An empty database but for what others have there: a user of theirs who is ours as well, and one who is not."""
    empty(database)
    run(database, "CREATE (:User {userId: 'user-7', email: 'e'})-[:KNOWS {since: 3}]->(:User {userId: 'stranger'})")


def push_again(command: list[str], server: Path, about: dict[str, Any]) -> None:
    """A push that ends well; one that takes too long tells where it is, and what the server is at."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        told = process.communicate(timeout=LONGEST)[1]
    except subprocess.TimeoutExpired:
        with open_database(find_target(server)) as database:
            at_work = run(database, "SHOW TRANSACTIONS YIELD currentQuery, status, elapsedTime, waitTime, activeLockCount")
        process.send_signal(signal.SIGABRT)
        raise AssertionError(f"{about}: takes too long; the server: {at_work}; the client: {process.communicate()[1]}") from None
    assert process.returncode == 0, (about, told)


@pytest.mark.either_line
def test_the_next_push_after_any_death_ends_as_a_clean_one(server: Path, line: str, tmp_path: Path) -> None:
    found = found_run()
    found.save(tmp_path / "run")
    command = [*PROGRAM, "push", str(tmp_path / "run"), "--db", str(server), "--batch", "50"]
    with open_database(find_target(server)) as database:
        theirs(database)
        before = facts(database)
        began = time.monotonic()
        assert subprocess.run(command, capture_output=True, check=False, timeout=LONGEST).returncode == 0
        took = time.monotonic() - began
        whole = facts(database)
        undo_push(database, found.id)
        assert facts(database) == before
    tried = 0
    for one in list(inputs("push_kills", draw, few=ROUNDS))[:ROUNDS]:
        with tallied(f"pushes, {line}") as tally:  # written down round by round: a long soak may be stopped
            tally.update(tried=1, failed=1)  # until it is known to have gone well
            with open_database(find_target(server)) as database:
                theirs(database)
            about = read_server(server)
            assert about is not None
            with others_at_work(server):
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(took * (0.3 + 0.7 * one["after"]))
                for victim in one["killed"]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid if victim == "client" else about.pid, signal.SIGKILL)
                if "server" in one["killed"]:
                    start(server, line)
                process.wait(LONGEST)  # who lost its server goes on once it is back, or says so
                with open_database(find_target(server)) as database:
                    finished = [push.state for push in read_pushes(database)] == ["done"]
                push_again(command, server, one)
            with open_database(find_target(server)) as database:
                assert facts(database) == whole, one
                undo_push(database, found.id)
                assert facts(database) == before, one
            tally["failed"] -= 1
            tally["taken" if finished else "refused"] += 1
            tried += 1
    assert tried == ROUNDS
