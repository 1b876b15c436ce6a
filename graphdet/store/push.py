"""A run → the database, so that the same run twice changes nothing, a killed push is finished by the next, and each can be undone."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from graphdet.errors import PushRefused, StoreError
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.schema import CASE_NODE
from graphdet.schema.wording import numbered
from graphdet.store.connection import Database, find_target, open_database
from graphdet.store.constraints import CASE_SCHEMA, FULL_TEXT, SCHEMA, vector_schema
from graphdet.store.difference import Counts, Plan, plan_push
from graphdet.store.drawing import Picture, Scope, draw
from graphdet.store.ensuring import ensure_schema
from graphdet.store.journal import DecidedError, MovedError, Push, apply_steps, begin_push, play_back, read_pushes, set_state
from graphdet.store.kinds import RUN, RUN_KIND, NodeKind
from graphdet.store.lock import Lock, hold_lock
from graphdet.store.own import Own, read_foreign, read_own

_NOW = "WITH datetime() AS now RETURN now.epochSeconds * 1000000 + now.microsecond"  # by the clock that verdicts go by, too
TRIES = 5  # plans made anew because somebody changed the database meanwhile


@dataclass(frozen=True)
class PushOptions:
    """How to push.

    Attributes:
        scope: 'rings', or 'graph' for every scored node too.
        clean_up: remove what only earlier runs told, but for rings with their members and for what verdicts rest on.
        most_removed: share of own elements that a clean-up may remove; more needs `force`.
        wait_seconds: how long to wait for another push to end.
        batch: rows in one transaction.
    """

    scope: Scope = "rings"
    clean_up: bool = False
    most_removed: float = 0.05
    force: bool = False
    wait_seconds: float = 10.0
    batch: int = 5_000  # more would fill the young part of a small heap, and the server would spend its time on collecting


@dataclass(frozen=True)
class PushReport:
    """What a push did, or a dry run would do."""

    run_id: str
    counts: dict[str, Counts]  # label or ':TYPE'
    rows: int
    notes: tuple[str, ...]
    seconds: float = 0.0  # of the writing


def push(
    run: Run,
    server: Path | None = None,
    options: PushOptions | None = None,
    progress: Progress | None = None,
    relations: pa.Table | None = None,
    *,
    dry_run: bool = False,
) -> PushReport:
    """Write a run to Neo4j: the same run twice changes nothing.

    Args:
        run: as `detect` gives it, or `Run.load`.
        server: folder of a server of `graphdet db up`; None = that of NEO4J_URI and its kin, else ./graphdet-db.
        options: how much, and how careful.
        progress: told of each stage.
        relations: all relations of the run's logs, from `relations_of_logs`, where the scope is the whole graph.
        dry_run: only read, and say what would be done.

    Raises:
        ServerError: no server, or one that cannot be used as it is.
        PushRefused, StoreError: as for `push_run`.
    """
    with open_database(find_target(server)) as database:
        if dry_run:
            return compare_run(database, run, options, relations)
        return push_run(database, run, options, progress, relations)


def push_run(
    database: Database,
    run: Run,
    options: PushOptions | None = None,
    progress: Progress | None = None,
    relations: pa.Table | None = None,
) -> PushReport:
    """Write a run; see the package's documentation for what is written and what stays.

    Raises:
        PushRefused: another push is at work, or the clean-up would remove too much.
        StoreError: the database cannot be written to.
    """
    options, progress = options or PushOptions(), progress or Progress()
    with _no_garbage():
        with progress.stage("gather what to write"):
            picture = draw(run, options.scope, relations)
            progress.advance(picture.size())
        return _write(database, run.id, picture, options, progress)


def compare_run(database: Database, run: Run, options: PushOptions | None = None, relations: pa.Table | None = None) -> PushReport:
    """What a push would do; only reads, and that in read-only transactions."""
    options = options or PushOptions()
    with _no_garbage():
        return _compare(database, run, options, draw(run, options.scope, relations))


def undo_push(database: Database, run_id: str, wait_seconds: float = 10.0, progress: Progress | None = None) -> int:
    """Take the run's latest push back; returns the rows restored or removed.

    Raises:
        PushRefused: another run was pushed after it, or another push is at work.
        StoreError: the database does not know of a push of this run.
    """
    progress = progress or Progress()
    done = 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        progress.advance(rows)

    with hold_lock(database, wait_seconds) as lock:
        pushes = read_pushes(database)
        if not any(push.run_id == run_id for push in pushes):
            raise StoreError(f"{database.target.where}: no push of {run_id} is there to undo.")
        latest = pushes[0]
        if latest.run_id != run_id:
            raise PushRefused(f"{latest.run_id} was pushed after {run_id}; undo that one first, for undo gives back the state before.")
        with progress.stage("undo"):
            play_back(database, lock, latest, advance)
        if len(pushes) == 1:
            _drop_schema(database)
    return done


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Millions of rows hold no cycles; the collector would walk them again and again for half of the time."""
    worked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if worked:
            gc.enable()


def _write(database: Database, run_id: str, picture: Picture, options: PushOptions, progress: Progress) -> PushReport:
    seconds = 0.0
    with hold_lock(database, options.wait_seconds) as lock:
        unfinished, notes = _settle(database, lock, run_id, progress)
        ensure_schema(database, SCHEMA)
        moved = 0
        while moved < TRIES:
            push = unfinished or Push(_next_number(database), run_id, "new")
            plan = _plan(database, picture, run_id, push.number, options, progress)
            if plan.rows == 0:
                break
            if push.state == "new":
                push = begin_push(database, lock, push.number, run_id)
            unfinished, began = push, time.perf_counter()
            try:
                with progress.stage("write", plan.rows):
                    apply_steps(database, lock, push, plan, options.batch, progress.advance)
                seconds = time.perf_counter() - began
                break
            except MovedError:
                moved += 1
            except DecidedError:  # people decide less often than a plan takes, and what is written by now need not be again
                continue
        else:
            raise StoreError("the database keeps changing under the push; give the same command again when others are done.")
        if unfinished:
            set_state(database, lock, unfinished, "done")
        _ensure_search(database, picture)
    return PushReport(run_id, plan.counts, plan.rows, (*notes, *picture.notes, *_notes(plan)), seconds)


def _compare(database: Database, run: Run, options: PushOptions, picture: Picture) -> PushReport:
    notes = [
        f"an interrupted push of {push.run_id} would first be "
        + ("finished" if push.run_id == run.id and push.state == "running" else "taken back")
        for push in read_pushes(database)
        if push.state != "done"
    ]
    force = replace(options, force=True)
    plan = _plan(database, picture, run.id, _next_number(database), force, Progress())
    refused = _too_much(plan, plan_size(plan), options)
    return PushReport(run.id, plan.counts, plan.rows, (*notes, *picture.notes, *_notes(plan), *([refused] if refused else [])))


def _settle(database: Database, lock: Lock, run_id: str, progress: Progress) -> tuple[Push | None, list[str]]:
    """Deal with what an interrupted command left: this run's push is continued, anything else taken back."""
    unfinished = [push for push in read_pushes(database) if push.state != "done"]
    notes: list[str] = []
    for push in unfinished:
        if push.run_id == run_id and push.state == "running":
            return push, [*notes, "an interrupted push of this run was finished"]
        with progress.stage("take back an interrupted push"):
            play_back(database, lock, push, progress.advance)
        notes.append(f"an interrupted {'undo' if push.state == 'undoing' else 'push'} of {push.run_id} was taken back to its beginning")
    return None, notes


def _next_number(database: Database) -> int:
    pushes = read_pushes(database)
    runs = database.read(f"MATCH (n:{RUN_KIND.label}) WHERE n.{RUN} IS NOT NULL RETURN max(toIntegerOrNull(n.pushNumber))")[0][0]
    return max([push.number for push in pushes] + [int(runs or 0)]) + 1


def _plan(database: Database, picture: Picture, run_id: str, number: int, options: PushOptions, progress: Progress) -> Plan:
    with progress.stage("read what is there"):
        own: Own = read_own(database, progress.advance)

    def foreign(kind: NodeKind, keys: list[str]) -> dict[str, frozenset[str]]:
        return read_foreign(database, kind, keys, options.batch)

    plan = plan_push(picture, own, run_id, number, database.read(_NOW)[0][0], foreign, clean_up=options.clean_up)
    refused = _too_much(plan, own.size(), options)
    if refused and not options.force:
        raise PushRefused(refused)
    return plan


def _too_much(plan: Plan, size: int, options: PushOptions) -> str:
    if not size or plan.removed <= options.most_removed * size:
        return ""
    return (
        f"this clean-up would remove {plan.removed:,} of {numbered(size, 'element', 'elements')} "
        f"({plan.removed / size:.0%}; the limit is {options.most_removed:.0%}). "
        "See --dry-run; --force does it all the same."
    )


def plan_size(plan: Plan) -> int:
    """Own elements that were there when the plan was made."""
    return sum(counts.changed + counts.removed + counts.unchanged for counts in plan.counts.values()) + plan.shared


def _notes(plan: Plan) -> list[str]:
    notes = []
    if plan.clashes:
        notes.append(
            f"{numbered(plan.clashes, 'node has', 'nodes have')} properties or labels of our names that others set: those stay as they are"
        )
    if plan.shared:
        notes.append(
            f"{numbered(plan.shared, 'relationship that would go carries', 'relationships that would go carry')} "
            f"properties of others and {'stays' if plan.shared == 1 else 'stay'}"
        )
    return notes


def _ensure_search(database: Database, picture: Picture) -> None:
    """Full-text and vector indexes, after the data: filling them at once is much cheaper than row by row."""
    present = _schema_names(database)
    if FULL_TEXT.name not in present:
        database.change_schema([(FULL_TEXT.statement, FULL_TEXT.clash)])
    if picture.dimensions:
        item = vector_schema(picture.dimensions)
        found = database.read("SHOW INDEXES YIELD name, options WHERE name = $name RETURN options", name=item.name)
        if found and found[0][0]["indexConfig"].get("vector.dimensions") != picture.dimensions:
            database.change_schema([(f"DROP INDEX {item.name} IF EXISTS", "")])
            found = []
        if not found:
            database.change_schema([(item.statement, item.clash)])


def _schema_names(database: Database) -> set[str]:
    names = database.read("SHOW INDEXES YIELD name RETURN name")
    return {row[0] for row in names}


def _drop_schema(database: Database) -> None:
    """What pushes created, when the last of them is undone, the lock's constraint too; what decisions need stays while there are any."""
    kept = (CASE_SCHEMA.name,) if database.read(f"MATCH (c:{CASE_NODE.label}) RETURN true LIMIT 1") else ()
    found = database.read("SHOW CONSTRAINTS YIELD name WHERE name STARTS WITH 'graphdet_' RETURN name")
    database.change_schema([(f"DROP CONSTRAINT `{name}` IF EXISTS", "") for (name,) in found if name not in kept])
    found = database.read("SHOW INDEXES YIELD name WHERE name STARTS WITH 'graphdet_' RETURN name")  # constraints took theirs along
    database.change_schema([(f"DROP INDEX `{name}` IF EXISTS", "") for (name,) in found if name not in kept])
