"""Steps → transactions, each with a journal entry that takes it back; and the journal played backwards.

A step and its entry are one transaction, so that whatever moment a push ends at, the journal tells exactly what it did.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from neo4j import ManagedTransaction

from graphdet.store.connection import Database
from graphdet.store.difference import Plan, Row, Step
from graphdet.store.kinds import BANDS, JOURNAL, NODE_KINDS, PUSH, RELATION_KINDS, NodeKind, grouped
from graphdet.store.lock import Lock
from graphdet.store.own import COUNT_CASES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MovedError(Exception):
    """The database is not as it was when the plan was made: plan again."""


class DecidedError(Exception):
    """Somebody decided since the plan was made, and what the verdict rests on must stay: plan again."""


@dataclass(frozen=True)
class Push:
    """One push as the database remembers it."""

    number: int
    run_id: str
    state: str  # running, done or undoing


def read_pushes(database: Database) -> list[Push]:
    """All pushes that can be undone, latest first."""
    rows = database.read(f"MATCH (p:{PUSH}) RETURN p.number, p.runId, p.state ORDER BY p.number DESC")
    return [Push(*row) for row in rows]


def begin_push(database: Database, lock: Lock, number: int, run_id: str) -> Push:
    """Note that a push begins."""

    def work(transaction: ManagedTransaction) -> None:
        lock.prove(transaction)
        transaction.run(
            f"MERGE (p:{PUSH} {{number: $number}}) ON CREATE SET p.runId = $run, p.state = 'running', p.startedAt = datetime()",
            number=number,
            run=run_id,
        ).consume()

    database.write(work)
    return Push(number, run_id, "running")


def set_state(database: Database, lock: Lock, push: Push, state: str) -> None:
    """Note that a push is done, or is being undone."""

    def work(transaction: ManagedTransaction) -> None:
        lock.prove(transaction)
        transaction.run(f"MATCH (p:{PUSH} {{number: $number}}) SET p.state = $state", number=push.number, state=state).consume()

    database.write(work)


def apply_steps(database: Database, lock: Lock, push: Push, plan: Plan, batch: int, advance: Callable[[int], None]) -> None:
    """Do the steps in batches, each in one transaction with its journal entry.

    Raises:
        MovedError, DecidedError: somebody changed what the plan was made for; what was done until then is in the journal.
    """
    last = database.read(f"MATCH (j:{JOURNAL}) WHERE j.entry STARTS WITH $push RETURN max(j.entry)", push=f"{push.number:08d}/")[0][0]
    sequence = int(last.partition("/")[2]) + 1 if last else 0
    for pieces in _transactions(plan.steps, batch):
        _apply(database, lock, f"{push.number:08d}/{sequence:08d}", pieces, plan.cases)
        sequence += 1
        advance(sum(len(piece.rows) for piece in pieces))


def _transactions(steps: list[Step], batch: int) -> Iterator[list[Step]]:
    """The steps in order, cut and gathered so that each transaction has at most `batch` rows."""
    gathered: list[Step] = []
    room = batch
    for step in steps:
        start = 0
        while start < len(step.rows):
            end = min(start + room, len(step.rows))
            gathered.append(Step(step.kind, step.operation, step.rows[start:end], step.undo, step.back[start:end]))
            room -= end - start
            start = end
            if room == 0:
                yield gathered
                gathered, room = [], batch
    if gathered:
        yield gathered


def _apply(database: Database, lock: Lock, entry: str, pieces: list[Step], cases: int) -> None:
    payload = _pack(pieces)

    def work(transaction: ManagedTransaction) -> None:
        lock.prove(transaction)
        if transaction.run(f"MATCH (j:{JOURNAL} {{entry: $entry}}) RETURN true", entry=entry).single() is not None:
            return  # it was committed, but the server's answer was lost
        if transaction.run(COUNT_CASES).single(strict=True)[0] != cases:
            raise DecidedError
        for step in pieces:
            # More than one relationship of a name is somebody's copy of ours: it goes the way of the original.
            if _do(transaction, step.kind, step.operation, step.rows) < len(step.rows):
                raise MovedError
        transaction.run(f"CREATE (:{JOURNAL} {{entry: $entry, payload: $payload}})", entry=entry, payload=payload).consume()

    database.write(work)


def play_back(database: Database, lock: Lock, push: Push, advance: Callable[[int], None]) -> None:
    """Undo a push, last step first, and forget it. An interrupted undo is finished by the next."""
    set_state(database, lock, push, "undoing")
    query = f"MATCH (j:{JOURNAL}) WHERE j.entry STARTS WITH $push RETURN j.entry ORDER BY j.entry DESC"
    entries = [row[0] for row in database.read(query, push=f"{push.number:08d}/")]
    for entry in entries:
        advance(_undo(database, lock, entry))

    def work(transaction: ManagedTransaction) -> None:
        lock.prove(transaction)
        transaction.run(f"MATCH (p:{PUSH} {{number: $number}}) DELETE p", number=push.number).consume()

    database.write(work)


def _undo(database: Database, lock: Lock, entry: str) -> int:
    def work(transaction: ManagedTransaction) -> int:
        lock.prove(transaction)
        found = transaction.run(
            f"MATCH (j:{JOURNAL} {{entry: $entry}}) WITH j, j.payload AS payload DELETE j RETURN payload", entry=entry
        ).single()
        if found is None:
            return 0  # undone, but the server's answer was lost
        pieces = _unpack(found[0])
        for kind, operation, rows in reversed(pieces):
            _do(transaction, kind, operation, rows)
        return sum(len(rows) for _, _, rows in pieces)

    return database.write(work)


def _do(transaction: ManagedTransaction, kind_name: str, operation: str, rows: list[Row]) -> int:
    """One operation on rows; how many elements it met."""
    kind = NODE_KINDS.get(kind_name) or RELATION_KINDS[kind_name]
    label, own = (kind.label, kind.own) if isinstance(kind, NodeKind) else ("", [])
    if operation == "create":
        rows = kind.created(rows)
    elif isinstance(kind, NodeKind):
        if operation in ("amend", "restore"):
            moments = {one.name for one in kind.properties if one.moment}
            rows = [{**row, "values": _with_moments(row["values"], moments)} for row in rows]
    else:
        rows = kind.amended(rows) if operation == "amend" else grouped(rows)
    record = transaction.run(kind.statement(operation), rows=rows, names=kind.names, label=label, own=own, bands=list(BANDS)).single()
    return int(record[0]) if record else 0


def _with_moments(values: dict[str, Any], moments: set[str]) -> dict[str, Any]:
    return {
        name: EPOCH + timedelta(microseconds=value) if name in moments and value is not None else value for name, value in values.items()
    }


def _pack(pieces: list[Step]) -> bytes:
    taken_back = [[step.kind, step.undo, step.back] for step in pieces]
    try:
        text = json.dumps(taken_back, ensure_ascii=False, separators=(",", ":"))
    except TypeError:
        taken_back = [[kind, operation, [_plain(row) for row in rows]] for kind, operation, rows in taken_back]
        text = json.dumps(taken_back, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), 1)


def _plain(value: Any) -> Any:
    """The value; None for a date, point or bytes: graphdet writes none, so others put it in a property of ours, and undo leaves it out."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    parts = value if isinstance(value, list) else [value]
    return value if all(part is None or isinstance(part, str | int | float) for part in parts) else None


def _unpack(payload: bytes) -> list[tuple[str, str, list[Row]]]:
    pieces = json.loads(zlib.decompress(bytes(payload)))
    return [(kind, operation, [_named(kind, operation, row) for row in rows]) for kind, operation, rows in pieces]


SINCE_0_1 = frozenset({"shortId", "caption", "latest", "notSeenSince"})  # properties that version 0.1 did not know


def _named(kind_name: str, operation: str, row: Row | list[Any]) -> Row:
    """A row of the journal; version 0.1 wrote them as lists, and its pushes can still be undone."""
    if isinstance(row, dict):
        return row
    if kind_name in NODE_KINDS:
        key, *rest = row
        if operation == "create":
            names = [name for name in NODE_KINDS[kind_name].values._fields if name not in SINCE_0_1]
            values = dict(zip(names, rest[1:], strict=True))
            return {"key": key, "labels": rest[0], "values": values}
        return {"key": key, **dict(zip(("values", "labels", "unlabel"), rest, strict=False))}
    start, end, qualifier, *rest = row
    named: Row = {"start": start, "end": end, "qualifier": qualifier}
    if operation == "create":
        return {**named, "values": RELATION_KINDS[kind_name].values(*rest)._asdict()}
    return {**named, "values": rest[0]} if rest else named
