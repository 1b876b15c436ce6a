"""Random histories on real servers end where a simple model says: push, push again, another run, undo, crash, foreign writes, decisions.

GRAPHDET_HISTORIES says how many are played on each line, 50 (a hundred in all, no two alike) if not set; in every twentieth the server is
killed too.
"""

from __future__ import annotations

import copy
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from store_runs import Touch, make_run, two_rings
from store_servers import contents, empty, run, start

from graphdet.errors import ServerError, StoreError
from graphdet.run.folder import Run
from graphdet.store import lock
from graphdet.store.connection import Database, Target, find_target, open_database
from graphdet.store.decisions import decide
from graphdet.store.journal import read_pushes
from graphdet.store.machine import LINES
from graphdet.store.push import PushOptions, push_run, undo_push
from graphdet.store.server import is_running, read_server, stop_server

pytestmark = pytest.mark.server

HISTORIES = int(os.environ.get("GRAPHDET_HISTORIES", "50"))
LENGTH = 7
OPTIONS = PushOptions(batch=9)  # small batches: many moments to crash at
BANDS = [("RiskCritical", 0.95), ("RiskHigh", 0.8), ("RiskMedium", 0.5), ("RiskLow", 0.0)]
Node = tuple[str, str, str]  # label, key, id


class Killed(BaseException):
    """Stands for the death of the process: nothing catches it."""


class Spec:
    """A run in a few words, and the run made of it."""

    def __init__(self, name: str, random_source: random.Random) -> None:
        self.name = name
        users, items, devices = [f"u{n}" for n in range(6)], [f"i{n}" for n in range(4)], ["d0", "d1"]
        self.rings: dict[str, dict[str, list[str]]] = {}
        for ring in random_source.sample(["r1", "r2", "r3"], random_source.randint(1, 3)):
            members = {"user": random_source.sample(users, random_source.randint(2, 4)), "item": random_source.sample(items, 2)}
            self.rings[ring] = {**members, "device": random_source.sample(devices, random_source.randint(0, 1))}
        self.scores = {user: random_source.choice([0.1, 0.6, 0.85, 0.99]) for user in users}
        pairs = [(user, item) for user in users for item in items]
        self.touches: list[Touch] = [
            (user, "order", "item", item, random_source.randint(0, 9)) for user, item in random_source.sample(pairs, 6)
        ]
        self.run: Run = make_run(name, self.rings, self.touches, self.scores)


class Model:
    """What the database should hold, as sets of facts about nodes and relationships. Undo is a pile of copies."""

    def __init__(self) -> None:
        self.nodes: dict[Node, dict[str, Any]] = {}
        self.ties: dict[tuple[Node, str, Node], dict[str, Any]] = {}
        self.foreign: dict[Node, dict[str, Any]] = {}
        self.kept: list[tuple[tuple[Node, str, Node], dict[str, Any]]] = []
        self.cases: list[tuple[str, str, int, str]] = []  # ring, verdict, moment, run that told of the ring then
        self.clock = 0
        self.pile: list[tuple[str, Any]] = []

    def state(self) -> Any:
        return copy.deepcopy((self.nodes, self.ties, self.kept))

    def push(self, spec: Spec) -> None:
        before = self.state()
        nodes: dict[Node, dict[str, Any]] = {}
        ties: dict[tuple[Node, str, Node], dict[str, Any]] = {}

        def node(kind: str, name: str) -> Node:
            found: Node = {"user": ("User", "userId", name), "item": ("Item", "itemId", name), "device": ("Device", "deviceId", name)}[kind]
            score = spec.scores.get(name)
            band = next((label for label, least in BANDS if score is not None and score >= least), None)
            nodes[found] = {"score": score, "band": band}
            return found

        ring_of = {ring: ("FraudRing", "ringId", ring) for ring in ("r1", "r2", "r3")}
        this = ("DetectionRun", "runId", spec.name)
        for ring, members in spec.rings.items():
            nodes[ring_of[ring]] = {"status": "found"}
            ties[ring_of[ring], "FOUND_IN", this] = {}
            for kind, names in members.items():
                for name in names:
                    ties[node(kind, name), "MEMBER_OF", ring_of[ring]] = {}
            users = sorted(members["user"])
            for a, b in itertools.pairwise(users):
                ties[node("user", a), "COORDINATED_WITH", node("user", b)] = {}
        for user, _, kind, name, hour in spec.touches:
            tie = (node("user", user), "PURCHASED", node(kind, name))
            ties[tie] = {"first": min(hour, self.ties.get(tie, {}).get("first", hour)), "last": hour}
        for tie, own in ties.items():
            own["run"] = spec.name
            there = self.ties.get(tie)
            if there is not None and there["run"] != spec.name and there["run"] in self.rested_on(tie):
                self.kept.append((tie, there))  # what somebody decided on stays beside what this run tells
            for twin in [one for one in self.kept if one[0] == tie and one[1]["run"] == spec.name]:
                self.kept.remove(twin)  # the run told it before, and that stands
                own.update(twin[1])
        for facts in nodes.values():
            facts["run"] = spec.name
        for found, facts in self.nodes.items():
            if found in nodes:
                continue
            if found[0] == "User":  # every run scores all users
                nodes[found] = node("user", found[2]) and nodes[found] | {"run": spec.name}
            elif found[0] == "FraudRing":
                nodes[found] = facts | {"status": "not seen since"}
            else:
                nodes[found] = facts | ({"latest": False} if found[0] == "DetectionRun" else {})
        latest = max((facts["number"] for found, facts in self.nodes.items() if found[0] == "DetectionRun"), default=0)
        mine = self.nodes.get(this, {}).get("number", 0)
        self.clock += 1
        pushed = self.nodes[this]["pushed"] if mine else self.clock
        nodes[this] = {"number": mine if mine == latest and mine else latest + 1, "latest": True, "run": spec.name, "pushed": pushed}
        self.nodes, self.ties = nodes, self.ties | ties
        if self.state() != before:
            self.pile.append((spec.name, before))

    def rested_on(self, tie: tuple[Node, str, Node]) -> set[str]:
        """Runs that were pushed before a verdict that rests on this, or that it names."""
        start, kind, end = tie
        found = set()
        when = {one[2]: facts["pushed"] for one, facts in self.nodes.items() if one[0] == "DetectionRun"}
        for ring, _, moment, run_id in self.cases:
            node = ("FraudRing", "ringId", ring)
            first = min((when[to[2]] for one, verb, to in self.ties if verb == "FOUND_IN" and one == node), default=0)
            moment = max(moment, when.get(run_id, 0), first)
            told = [*self.ties.items(), *self.kept]
            of = {one for (one, verb, other), facts in told if verb == "MEMBER_OF" and other == node and when[facts["run"]] <= moment}
            if node in ((start,) if kind == "FOUND_IN" else (end,)) or (start in of and end in of):
                found |= {one[2] for one, facts in self.nodes.items() if one[0] == "DetectionRun" and facts["pushed"] <= moment}
        return found

    def undo(self, name: str) -> bool:
        if not self.pile or self.pile[-1][0] != name:
            return False
        _, (self.nodes, self.ties, self.kept) = self.pile.pop()
        return True

    def seen(self) -> tuple[list[Any], list[Any]]:
        nodes = []
        held = {("FraudRing", "ringId", ring): {} for ring, *_ in self.cases}
        for found in sorted({*self.nodes, *self.foreign, *held}):
            own, theirs = self.nodes.get(found, {}), self.foreign.get(found, {})
            score = theirs.get("score", own.get("score"))
            told = [own.get(name) for name in ("band", "status", "number", "latest", "run")]
            nodes.append([*found, score, *told, theirs.get("email")])
        every = [*self.ties.items(), *self.kept]
        ties = [[a[2], kind, b[2], own.get("first"), own.get("last"), own["run"]] for (a, kind, b), own in every]
        return nodes, sorted([*ties, *([verdict, "ABOUT", ring, None, None, None] for ring, verdict, *_ in self.cases)], key=repr)


def observed(database: Database) -> tuple[list[Any], list[Any]]:
    """The same facts, read from the database."""
    nodes = run(
        database,
        """MATCH (n) WHERE NOT n:Case AND NOT n:GraphdetPush AND NOT n:GraphdetJournal AND NOT n:GraphdetLock
        UNWIND [['User', 'userId'], ['Item', 'itemId'], ['Device', 'deviceId'], ['FraudRing', 'ringId'], ['DetectionRun', 'runId']] AS k
        WITH n, k WHERE k[0] IN labels(n)
        RETURN k[0], k[1], n[k[1]], n.score, head([l IN labels(n) WHERE l STARTS WITH 'Risk']),
        n.status, n.pushNumber, n.latest, n.graphdetRun, n.email""",
    )
    for row in nodes:
        if row[0] == "FraudRing":
            row[3] = None
    ties = run(
        database,
        """MATCH (a)-[r]->(b) RETURN coalesce(a.userId, a.itemId, a.deviceId, a.ringId, a.status), type(r),
        coalesce(b.userId, b.itemId, b.deviceId, b.ringId, b.runId),
        CASE WHEN type(r) = 'PURCHASED' THEN r.firstSeen.epochSeconds ELSE null END,
        CASE WHEN type(r) = 'PURCHASED' THEN r.lastSeen.epochSeconds - 5 * 3600 ELSE null END, r.graphdetRun""",
    )
    for row in ties:
        if row[1] == "ABOUT":
            row[0] = run(database, "MATCH (c:Case)-[:ABOUT]->(:FraudRing {ringId: $r}) RETURN c.status", r=row[2])[0][0]
        row[3:5] = [None if seconds is None else (seconds - 1709251200) // 3600 for seconds in row[3:5]]
    return sorted(nodes, key=lambda row: tuple(row[:3])), sorted(ties, key=repr)


def crash_at(monkeypatch: pytest.MonkeyPatch, moment: int, when: str, server: Path) -> None:
    """From the `moment`-th writing transaction on, the process is dead: before it, inside it, or after its commit; or the server is."""
    real, calls = Database.write, [0]
    about = read_server(server)
    assert about is not None

    def dying(self: Database, work: Any) -> Any:
        calls[0] += 1
        if calls[0] == moment and when == "server":
            os.kill(about.pid, signal.SIGKILL)
        if calls[0] < moment or when == "server":
            return real(self, work)
        if calls[0] == moment and when == "inside":

            def half(transaction: Any) -> Any:
                work(transaction)
                raise Killed

            return real(self, half)
        if calls[0] == moment and when == "after":
            real(self, work)
        raise Killed

    monkeypatch.setattr(Database, "write", dying)
    monkeypatch.setattr(lock, "_is_dead", lambda owner: True)


@pytest.mark.either_line
@pytest.mark.parametrize("number", range(HISTORIES))
def test_random_histories_end_where_the_model_says(database: Database, server: Path, line: str, number: int) -> None:
    source = random.Random(number * len(LINES) + sorted(LINES).index(line))  # noqa: S311
    deaths = iter(["server"] if number % 20 == 19 else [])
    specs = [Spec(f"run-{letter}", source) for letter in "abc"]
    model = Model()
    told: list[str] = []
    for _ in range(LENGTH):
        act = source.choice(["push", "push", "push", "undo", "crash", "crash", "crash undo", "foreign", "decide"])
        spec = source.choice(specs)
        if act in ("undo", "crash undo") and model.pile:
            spec = next(one for one in specs if one.name == model.pile[-1][0])
        told.append(f"{act} {spec.name}")
        if act == "push":
            push_run(database, spec.run, options=OPTIONS)
            model.push(spec)
        elif act == "undo":
            play_undo(database, model, spec.name)
        elif act in ("crash", "crash undo"):
            when = next(deaths, None) or source.choice(["before", "inside", "after"])
            told.append(play_crash(database, model, spec, specs, act, source, when, server, line))
        elif act == "foreign":
            found: Node = ("User", "userId", f"u{source.randint(0, 5)}")
            if found not in model.nodes and source.random() < 0.5:
                run(database, "MERGE (u:User {userId: $id}) SET u.email = 'e', u.score = 'theirs'", id=found[2])
                model.foreign[found] = {"email": "e", "score": "theirs"}
            else:
                run(database, "MERGE (u:User {userId: $id}) SET u.email = 'e'", id=found[2])
                model.foreign[found] = {**model.foreign.get(found, {}), "email": "e"}
        else:
            rings = [found[2] for found in model.nodes if found[0] == "FraudRing" and found[2] not in {case[0] for case in model.cases}]
            if rings:
                decide(database, rings[0], "unsure", "ann")
                model.clock += 1
                model.cases.append((rings[0], "unsure", model.clock, model.nodes["FraudRing", "ringId", rings[0]]["run"]))
        expected, real = model.seen(), observed(database)
        assert real[0] == expected[0], told
        lacks = [one for one in expected[1] if real[1].count(one) < expected[1].count(one)]
        more = [one for one in real[1] if real[1].count(one) > expected[1].count(one)]
        assert real[1] == expected[1], f"{told}: lacks {lacks}, has {more} besides"
    while model.pile:
        play_undo(database, model, model.pile[-1][0])
    assert observed(database) == model.seen(), told
    assert run(database, "MATCH (n) WHERE n.graphdetRun IS NOT NULL OR n.graphdetOwns IS NOT NULL OR n:GraphdetJournal RETURN n") == []


def play_undo(database: Database, model: Model, name: str) -> None:
    if model.undo(name):
        undo_push(database, name)
    else:
        with pytest.raises(StoreError):
            undo_push(database, name)


def play_crash(
    database: Database,
    model: Model,
    spec: Spec,
    specs: list[Spec],
    act: str,
    source: random.Random,
    when: str,
    server: Path,
    line: str,
) -> str:
    """Die at a random moment, then go on in one of the ways a user may: the same again, another run, or undo."""
    before = [push.number for push in read_pushes(database)]
    moment = source.randint(2, 9)
    with pytest.MonkeyPatch.context() as dying, open_database(database.target, retry_seconds=0.5) as mortal:
        crash_at(dying, moment, when, server)
        try:
            if act == "crash":
                push_run(mortal, spec.run, options=OPTIONS)
            else:
                undo_push(mortal, spec.name)
        except Killed:
            pass
        except StoreError:
            assert act == "crash undo" or when == "server"
    if when == "server":
        start(server, line)
    after = read_pushes(database)
    next_spec = spec if source.random() < 0.5 else source.choice(specs)
    with pytest.MonkeyPatch.context() as dead:
        dead.setattr(lock, "_is_dead", lambda owner: True)
        if act == "crash":
            if after and after[0].number not in before and source.random() < 0.3:
                undo_push(database, spec.name)  # whether it had finished or not
                return f"(at {moment}, {when}; then undone)"
            if after and after[0].number not in before and after[0].state == "done":
                model.push(spec)
            elif not after or after[0].number in before:
                pass  # nothing had begun
            elif next_spec is spec:
                pass  # it is finished by the push below
        else:
            undone = len(after) < len(before)
            running = bool(after) and after[0].state == "undoing"
            if undone or running:
                model.undo(spec.name)  # the push below takes it back to its beginning first
        push_run(database, next_spec.run, options=OPTIONS)
        model.push(next_spec)
    return f"(at {moment}, {when}; then {next_spec.name})"


COMMAND = "import sys; from graphdet.cli import main; sys.argv = ['graphdet', *sys.argv[1:]]; main()"


def big_run(name: str, shift: int = 0) -> Run:
    users = [f"user-{number + shift}" for number in range(600)]
    items = [f"item-{number}" for number in range(20)]
    touches: list[Touch] = [
        (user, "order", "item", items[(place * 7 + step) % 20], 1) for place, user in enumerate(users) for step in range(10)
    ]
    return make_run(name, {"ring-1": {"user": users[:60], "item": items[:5]}}, touches, dict.fromkeys(users, 0.7))


def facts(database: Database) -> Any:
    nodes, ties = contents(database, whole=False)
    return [row for row in nodes if "pushedAt" not in row], [row for row in ties if "FOUND_IN" not in row]


def test_a_killed_client_is_finished_by_the_next_push(database: Database, target: Target, server: Path, tmp_path: Path) -> None:
    found = big_run("run-big")
    found.save(tmp_path / "run")
    push_run(database, found)
    whole = facts(database)
    empty(database)
    command = [sys.executable, "-c", COMMAND, "push", str(tmp_path / "run"), "--db", str(server), "--batch", "100"]
    cut = 0
    for delay in (0.0, 0.15, 0.4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until and not run(database, "MATCH (j:GraphdetJournal) RETURN 1 LIMIT 1"):
            time.sleep(0.02)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        states = [push.state for push in read_pushes(database)]
        cut += states == ["running"]
    assert cut, "no kill hit a push at work"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert facts(database) == whole
    undo_push(database, "run-big")
    assert contents(database) == ([], [])


@pytest.mark.either_line
def test_a_killed_server_leaves_what_the_next_push_finishes(server: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = big_run("run-big")
    with open_database(find_target(server)) as database:
        empty(database)
        push_run(database, found)
        whole = facts(database)
        undo_push(database, "run-big")
    about = read_server(server)
    assert about is not None
    with open_database(find_target(server), retry_seconds=1.0) as database:
        from graphdet.store import journal

        real, calls = journal._apply, [0]

        def fatal(*arguments: Any) -> None:
            calls[0] += 1
            if calls[0] == 9:
                os.kill(about.pid, signal.SIGKILL)
            real(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal, "_apply", fatal)
            with pytest.raises(ServerError, match="no Neo4j server answers"):
                push_run(database, found, options=PushOptions(batch=100))
    start(server, line)
    with open_database(find_target(server)) as database:
        assert [push.state for push in read_pushes(database)] == ["running"]
        monkeypatch.setattr(lock, "_is_dead", lambda owner: True)  # as it would be, were this another process
        push_run(database, found)
        assert facts(database) == whole
        undo_push(database, "run-big")
        assert contents(database) == ([], [])


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root can make a disk that is full")
@pytest.mark.parametrize("line", ["lts"], indirect=True)
def test_a_full_disk_is_named_and_the_push_finished_afterwards(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, disk = big_run("run-big"), tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=True)
    try:
        about = start(disk / "db", line, **{"db.tx_log.preallocate": "false"})
        with open_database(find_target(disk / "db")) as database:
            push_run(database, two_rings())  # the schema is there by then
        used = shutil.disk_usage(disk).used // 1024
        subprocess.run(["mount", "-o", f"remount,size={used + 200}k", disk], check=True)
        with open_database(find_target(disk / "db")) as database, pytest.raises(ServerError, match="its disk may be full"):
            push_run(database, found, options=PushOptions(force=True, batch=500))
        os.kill(about.pid, signal.SIGKILL)  # it does not stop by itself any more
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        start(disk / "db", line, **{"db.tx_log.preallocate": "false"})
        monkeypatch.setattr(lock, "_is_dead", lambda owner: True)  # as it would be, were this another process
        with open_database(find_target(disk / "db")) as database:
            push_run(database, found, options=PushOptions(force=True))
            assert run(database, "MATCH (u:User)-[p:PURCHASED {graphdetRun: 'run-big'}]->() RETURN count(DISTINCT u), count(p)") == [
                [600, 6000]
            ]
        stop_server(disk / "db")
    finally:
        known = read_server(disk / "db")
        if known and is_running(disk / "db", known):
            os.kill(known.pid, signal.SIGKILL)
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_database_that_only_reads_says_so(session_server: Path, line: str) -> None:
    stop_server(session_server)
    start(session_server, line, **{"server.databases.read_only": "neo4j"})
    try:
        with open_database(find_target(session_server)) as database, pytest.raises(StoreError, match="may not write to 'neo4j'"):
            push_run(database, two_rings())
    finally:
        stop_server(session_server)  # the next test starts it as it was


def schema(database: Database) -> list[Any]:
    return sorted(
        row[0]
        for row in database.read("SHOW CONSTRAINTS YIELD name")
        + database.read("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name")
    )


@pytest.mark.either_line
@pytest.mark.drops_schema
def test_undo_of_the_last_push_takes_the_schema_along(database: Database) -> None:
    push_run(database, two_rings())
    assert {"graphdet_User_userId", "graphdet_ids"} <= set(schema(database))
    undo_push(database, "run-a")
    assert [name for name in schema(database) if name.startswith("graphdet_")] in ([], ["graphdet_Case_caseId"] * 2)  # where cases are


@pytest.mark.drops_schema
def test_data_at_odds_with_a_constraint_is_named(database: Database) -> None:
    push_run(database, two_rings())
    undo_push(database, "run-a")  # takes the constraints along
    run(database, "CREATE (:User {userId: 'twin'}), (:User {userId: 'twin'})")
    before = contents(database)
    with pytest.raises(StoreError, match=r"User\.userId cannot be made unique.*push to a database of its own") as caught:
        push_run(database, two_rings())
    assert "twin" not in str(caught.value)
    assert contents(database) == before
    run(database, "MATCH (u:User) DELETE u")
    push_run(database, two_rings())
