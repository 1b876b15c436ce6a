"""Verdicts of a casebook and of Neo4j, on a real server: both come to the same, nothing is said twice, the later word counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from case_runs import Clock
from store_runs import later_run, two_rings
from store_servers import contents, evidence_of, run

from graphdet.cases.casebook import Casebook
from graphdet.cases.mirror import Synced, sync_verdicts
from graphdet.errors import CaseError, StoreError
from graphdet.store.connection import Database
from graphdet.store.decisions import decide, read_dispositions
from graphdet.store.push import PushOptions, push_run, undo_push

pytestmark = pytest.mark.server


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))  # the server's clock is the machine's


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Casebook]:
    with Casebook(tmp_path / "home", "ann", clock) as book:
        yield book
        assert book.verify().faults == ()


def test_both_come_to_the_same_verdicts(database: Database, book: Casebook, clock: Clock) -> None:
    with pytest.raises(CaseError, match="take it in"):
        sync_verdicts(book, database, "run-a")
    book.take_in(two_rings())
    with pytest.raises(CaseError, match="push it"):
        sync_verdicts(book, database, "run-a")
    push_run(database, two_rings())
    case = book.case("ring-1").name
    assert sync_verdicts(book, database, "run-a") == Synced(0, 0)

    decide(database, "ring-1", "confirmed", "bo", "said in Browser'; DROP")
    clock.forward(1)
    book.decide("ring-2", "innocent", "household", "papers seen")
    assert sync_verdicts(book, database, "run-a") == Synced(1, 1)
    assert (book.case(case).verdict, book.case(case).verdict_author) == ("confirmed", "bo")
    assert book.history(case)[-1].told["note"] == "said in Browser'; DROP"
    told = {row["ring_id"]: (row["verdict"], row["author"], row["note"]) for row in read_dispositions(database, "run-a")}
    assert told == {"ring-1": ("confirmed", "bo", "said in Browser'; DROP"), "ring-2": ("innocent", "ann", "household: papers seen")}
    assert sync_verdicts(book, database, "run-a") == Synced(0, 0)

    clock.forward(1)
    book.decide("ring-1", "unsure")  # the later word
    run(  # and an earlier one that was said in Browser, and is only now found, with a time of another zone
        database,
        "MATCH (r:FraudRing {ringId: 'ring-1'}) CREATE (c:Case {caseId: 'x', status: 'innocent', author: 'graphdet'})-[:ABOUT]->(r) "
        "SET c.decidedAt = datetime($at)",
        at=(clock.now - timedelta(hours=60)).strftime("%Y-%m-%dT%H:%M:%S.123456789+05:00[Asia/Tashkent]"),
    )
    assert sync_verdicts(book, database, "run-a") == Synced(1, 1)
    assert book.case(case).verdict == "unsure"
    assert {row["ring_id"]: (row["verdict"], row["earlier"]) for row in read_dispositions(database, "run-a")}["ring-1"] == ("unsure", 2)
    assert [entry.author for entry in book.history(case) if entry.kind == "verdict"] == ["bo", "ann", "graphdet (Neo4j)"]

    clock.forward(1)
    assert book.undo().told["verdict"] == "unsure"
    assert sync_verdicts(book, database, "run-a") == Synced(0, 1)
    assert (
        {row["ring_id"]: row["verdict"] for row in read_dispositions(database, "run-a")}["ring-1"] == book.case(case).verdict == "confirmed"
    )
    assert sync_verdicts(book, database, "run-a") == Synced(0, 0)

    run(database, "MATCH (c:Case {caseId: 'x'}) SET c.status = 'guilty'")
    with pytest.raises(StoreError, match="no verdict"):
        sync_verdicts(book, database, "run-a")


WRITTEN = "MATCH (r:FraudRing {ringId: 'ring-1'}) CREATE (:Case {caseId: 'x', status: 'confirmed', author: 'bo', decidedAt: datetime($at)})"


@pytest.mark.either_line
@pytest.mark.parametrize(
    "way", ["casebook, then push", "casebook, of the run before", "by hand, before any push", "by hand, no time", "told late"]
)
def test_a_verdict_keeps_its_evidence_whatever_the_order_of_times(database: Database, book: Casebook, clock: Clock, way: str) -> None:
    """It was said a day before the push, or names no time at all: from where it is in the database, the evidence there stays."""
    clock.forward(-1)
    book.take_in(two_rings())
    book.decide("ring-1", "confirmed", "", "same card")
    push_run(database, two_rings())
    ring, kept = "ring-1", "run-a"
    if way == "casebook, of the run before":
        push_run(database, two_rings("run-0"))  # tells the same ring, and is pushed last
        kept = "run-0"
    if way == "told late":
        push_run(database, later_run())  # by now the database has what a later run tells, and that is what stays
        kept = "run-b"
    if way.startswith("by hand"):
        at = "2001-02-03T04:05:06Z" if "before" in way else None
        run(database, f"{WRITTEN}-[:ABOUT]->(r)", at=at)
    else:
        assert sync_verdicts(book, database, "run-a") == Synced(0, 1)
    seen, states = evidence_of(database, ring, kept), [contents(database)]
    assert seen.total() > 8
    following = [later_run("run-c"), two_rings("run-d"), later_run("run-e")]
    for found in following:
        push_run(database, found)
        assert evidence_of(database, ring, kept) == seen, found.id
        states.append(contents(database))
        assert push_run(database, found).rows == 0
    push_run(database, following[-1], PushOptions(clean_up=True, force=True))
    assert evidence_of(database, ring, kept) == seen
    undo_push(database, following[-1].id)
    for found in reversed(following):
        assert contents(database) == states.pop()
        undo_push(database, found.id)
    assert contents(database) == states.pop()
