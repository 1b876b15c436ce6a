"""A push on real servers: what is written, that twice is once, that others' data stays, and that undo gives back the state before."""

from __future__ import annotations

import json
import threading
import time
import zlib
from datetime import timedelta
from typing import Any

import pytest
from store_runs import DAY, Touch, later_run, make_run, two_rings, with_embeddings
from store_servers import contents, evidence_of, run

from graphdet.errors import PushRefused, StoreError
from graphdet.run.folder import Run
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE
from graphdet.store import journal
from graphdet.store.connection import Database, Target, open_database
from graphdet.store.constraints import LOCK_SCHEMA, SCHEMA
from graphdet.store.decisions import decide
from graphdet.store.difference import Step
from graphdet.store.drawing import database_key
from graphdet.store.journal import _pack, _unpack
from graphdet.store.kinds import LABELS, LOCK, NODE_KINDS, RELATION_KINDS
from graphdet.store.lock import hold_lock
from graphdet.store.push import PushOptions, compare_run, push_run, undo_push

pytestmark = pytest.mark.server

CLEAN = PushOptions(clean_up=True, force=True)  # takes away what the later run no longer has


def one(database: Database, query: str, **parameters: Any) -> Any:
    rows = run(database, query, **parameters)
    assert len(rows) == 1, rows
    return rows[0][0] if len(rows[0]) == 1 else rows[0]


def test_everything_arrives_and_twice_is_once(database: Database) -> None:
    report = push_run(database, two_rings())
    assert report.counts["User"].added == 5
    assert one(database, "MATCH (r:FraudRing {ringId: 'ring-1'}) RETURN r.score, r.tier, r.pValue, r.status") == [
        0.98,
        "alert",
        0.02,
        "found",
    ]
    assert one(database, "MATCH (u:User {userId: 'ann'}) RETURN u.score, u.scoreRank, u.degree, labels(u)")[3] == ["User", "RiskCritical"]
    bands = run(database, "MATCH (u:User) RETURN u.userId, [l IN labels(u) WHERE l STARTS WITH 'Risk'] ORDER BY u.userId")
    assert bands == [["ann", ["RiskCritical"]], ["bob", ["RiskHigh"]], ["cid", ["RiskMedium"]], ["dan", ["RiskLow"]], ["out", ["RiskLow"]]]
    assert one(database, "MATCH (d:Device {deviceId: 'phone'}) RETURN d.degree, COUNT { (d)<-[:USED]-() }") == [4000, 4]
    assert one(database, "MATCH (:User {userId: 'ann'})-[r:PURCHASED]->(:Item {itemId: 'tea'}) RETURN r.count, r.amount") == [2, 12.5]
    seen = one(database, "MATCH (:User {userId: 'ann'})-[r:PURCHASED]->(:Item {itemId: 'tea'}) RETURN r.firstSeen").to_native()
    assert (seen - DAY).total_seconds() == 3600.000001
    assert one(database, "MATCH ()-[r:ACTED_ON {action: 'wave'}]->(:Item {itemId: 'hat'}) RETURN count(r)") == 3
    assert one(database, "MATCH (:User {userId: 'ann'})-[m:MEMBER_OF]->(:FraudRing {ringId: 'ring-1'}) RETURN m.role, m.contribution") == [
        "core",
        5.25,
    ]
    assert one(database, "MATCH (a)-[c:COORDINATED_WITH]->(b {userId: 'bob'}) RETURN a.userId, c.evidence, c.views, c.meetings") == [
        "ann",
        7.0,
        ["item"],
        2,
    ]
    assert one(database, "MATCH (:FraudRing)-[:FOUND_IN]->(d:DetectionRun {runId: 'run-a'}) RETURN count(*)") == 2
    labels = {label for (found,) in run(database, "MATCH (n) RETURN DISTINCT labels(n)") for label in found}
    assert labels <= set(LABELS)
    before = contents(database)
    assert push_run(database, two_rings()).rows == 0
    assert contents(database) == before


def test_every_kind_of_the_model_occurs_in_the_test_run(database: Database) -> None:
    push_run(database, two_rings())
    others = [name for name in KEY_TYPES if name != ITEM]
    touches: list[Touch] = [("ann", NODE_TYPE[name].verb, name, f"a {name}", 1) for name in others]
    push_run(database, make_run("run-of-all", {"ring-9": {"user": ["ann", "bob"], **{name: [f"a {name}"] for name in KEY_TYPES}}}, touches))
    found = {row[0] for row in run(database, "MATCH (n) WHERE n.graphdetRun IS NOT NULL UNWIND labels(n) AS l RETURN DISTINCT l")}
    assert {kind.label for kind in NODE_KINDS.values()} <= found
    types = {row[0] for row in run(database, "MATCH ()-[r]->() RETURN DISTINCT type(r)")}
    # Who gains is told by runs with dossiers alone: see test_store_week.py.
    assert types | {"GAINS_FROM"} == {"PURCHASED", "VIEWED", "TOUCHED", "ACTED_ON", "GAINS_FROM"} | {
        kind.type for kind in RELATION_KINDS.values() if kind.end.name != "item"
    }


def test_a_later_run_stands_beside_the_earlier(database: Database) -> None:
    push_run(database, two_rings())
    before = contents(database, whole=False)[1]
    report = push_run(database, later_run())  # nothing needs --force
    assert all(count.removed == 0 for count in report.counts.values())
    rings = run(database, "MATCH (r:FraudRing) RETURN r.ringId, r.status, r.notSeenSince ORDER BY r.ringId")
    assert rings == [["ring-1", "found", None], ["ring-2", "not seen since", "run-a"], ["ring-3", "found", None]]
    assert run(database, "MATCH (d:DetectionRun) RETURN d.runId, d.latest ORDER BY d.runId") == [["run-a", False], ["run-b", True]]
    # what only the earlier run has is there as it told it, and says so
    assert one(database, "MATCH (u:User {userId:'out'})-[r:DEALT_WITH]->(:Seller {sellerId:'shop'}) RETURN u.score, r.graphdetRun") == [
        0.1,
        "run-a",
    ]
    assert one(database, "MATCH (:Item {itemId:'tea'})-[m:MEMBER_OF]->(:FraudRing {ringId:'ring-1'}) RETURN m.graphdetRun") == "run-a"
    assert one(database, "MATCH (:FraudRing {ringId:'ring-1'})-[f:FOUND_IN]->(d {runId:'run-a'}) RETURN f.targets, f.tier") == [2, "alert"]
    assert one(database, "MATCH (:FraudRing {ringId:'ring-1'})-[f:FOUND_IN]->(d {runId:'run-b'}) RETURN f.targets, f.tier") == [1, "alert"]
    assert len(contents(database, whole=False)[1]) > len(before)
    push_run(database, two_rings())  # the latest is the one that was pushed last
    assert run(database, "MATCH (d:DetectionRun) RETURN d.runId, d.latest ORDER BY d.runId") == [["run-a", True], ["run-b", False]]
    assert one(database, "MATCH (r:FraudRing {ringId:'ring-3'}) RETURN r.status, r.notSeenSince") == ["not seen since", "run-b"]


@pytest.mark.either_line
def test_moments_of_any_time_arrive_change_and_come_back(database: Database) -> None:
    """To the microsecond, before 1970 too; a later run's are set on what an earlier one wrote."""
    hours = -525_960, -9  # sixty years before
    for name, hour in zip(("run-a", "run-b"), hours, strict=True):
        push_run(database, make_run(name, {"ring-1": {"user": ["ann", "bob"], "item": ["soap"]}}, [("ann", "order", "item", "soap", hour)]))
        first, last = one(database, "MATCH (:User {userId: 'ann'})-[r:PURCHASED]->() RETURN r.firstSeen, r.lastSeen")
        assert first.to_native() == DAY + timedelta(hours=hours[0], microseconds=1)
        assert last.to_native() == DAY + timedelta(hours=hour + 5)
    undo_push(database, "run-b")
    last = one(database, "MATCH (:User {userId: 'ann'})-[r:PURCHASED]->() RETURN r.lastSeen").to_native()
    assert last == DAY + timedelta(hours=hours[0] + 5)


def test_embeddings_of_an_earlier_run_go_since_they_compare_with_nothing(database: Database) -> None:
    push_run(database, with_embeddings(two_rings()))
    push_run(database, with_embeddings(later_run()))
    have = {row[0] for row in run(database, "MATCH (u:User) WHERE u.embedding IS NOT NULL RETURN u.userId")}
    assert have == set(later_run().scores["node_id"].to_pylist())
    undo_push(database, "run-b")
    assert one(database, "MATCH (u:User {userId:'out'}) RETURN size(u.embedding)") == 32


def test_what_a_verdict_rests_on_stays_as_it_was(database: Database) -> None:
    """In a later run and in a clean-up of all else; and what the later run tells stands beside it."""
    push_run(database, two_rings())
    decide(database, "ring-1", "confirmed", "ann", "same card")
    seen = evidence_of(database, "ring-1", "run-a")
    assert seen.total() > 20
    states = [contents(database)]
    later = later_run()
    push_run(database, later)
    states.append(contents(database))
    assert evidence_of(database, "ring-1", "run-a") == seen
    both = run(
        database,
        "MATCH (:User {userId:'ann'})-[r:PURCHASED]->(:Item {itemId:'soap'}) RETURN r.graphdetRun, r.lastSeen ORDER BY r.graphdetRun",
    )
    assert [row[0] for row in both] == ["run-a", "run-b"]
    assert push_run(database, later).rows == 0
    push_run(database, later, options=CLEAN)
    assert evidence_of(database, "ring-1", "run-a") == seen
    assert run(database, "MATCH (u:User {userId:'out'}) RETURN u") == []
    third = make_run("run-c", {"ring-4": {"user": ["ann", "zed"], "item": ["soap"]}}, [("ann", "order", "item", "soap", 60)])
    push_run(database, third)
    assert evidence_of(database, "ring-1", "run-a") == seen
    kept = run(database, "MATCH ({userId:'ann'})-[r:PURCHASED]->({itemId:'soap'}) RETURN r.graphdetRun ORDER BY r.lastSeen")
    assert kept == [["run-a"], ["run-c"]]  # nobody decided on what run-b told
    undo_push(database, "run-c")
    undo_push(database, "run-b")
    assert contents(database) == states[1]
    undo_push(database, "run-b")
    assert contents(database) == states[0]


def test_a_clean_up_takes_what_only_earlier_runs_told(database: Database) -> None:
    push_run(database, two_rings())
    push_run(database, later_run(), options=CLEAN)
    rings = run(database, "MATCH (r:FraudRing) RETURN r.ringId, r.status ORDER BY r.ringId")
    assert rings == [["ring-1", "found"], ["ring-2", "not seen since"], ["ring-3", "found"]]
    firsts = one(
        database, "MATCH (:User {userId:'ann'})-[r:PURCHASED]->(:Item {itemId:'soap'}) RETURN r.firstSeen, r.lastSeen, r.graphdetRun"
    )
    assert (firsts[0].to_native() - DAY).total_seconds() == 3600.000001  # of the run before
    assert (firsts[1].to_native() - DAY).total_seconds() == 35 * 3600
    assert firsts[2] == "run-b"
    # dan is in a ring only that was not seen since: they stay, with the new run's score and band; out and the shop are gone
    assert one(database, "MATCH (u:User {userId:'dan'}) RETURN u.score, labels(u)") == [0.2, ["User", "RiskLow"]]
    assert one(database, "MATCH (:User {userId:'dan'})-[:MEMBER_OF]->(r:FraudRing) RETURN r.ringId") == "ring-2"
    assert run(database, "MATCH (u:User {userId:'out'}) RETURN u") == []
    assert run(database, "MATCH (s:Seller) RETURN s") == []
    assert one(database, "MATCH (:FraudRing {ringId:'ring-1'})-[:FOUND_IN]->(d) RETURN collect(d.runId)") in (
        ["run-a", "run-b"],
        ["run-b", "run-a"],
    )
    assert run(database, "MATCH (d:DetectionRun) RETURN d.runId ORDER BY d.pushNumber") == [["run-a"], ["run-b"]]


def test_undo_gives_back_each_state_before(database: Database) -> None:
    run(database, "CREATE (:Shop {name: 'x'})-[:KNOWS {since: 1}]->(:User {userId: 'bob', email: 'b@x', score: 7})")
    states = [contents(database)]
    names = []
    for number, found in enumerate((two_rings(), later_run(), two_rings("run-c"))):
        push_run(database, found, options=CLEAN)
        states.append(contents(database))
        names.append(found.id)
        assert states[number] != states[number + 1]
    with pytest.raises(PushRefused, match="run-c was pushed after run-a; undo that one first"):
        undo_push(database, "run-a")
    for name in reversed(names):
        states.pop()
        undo_push(database, name)
        assert contents(database) == states[-1]
    with pytest.raises(StoreError, match="no push of run-a is there to undo"):
        undo_push(database, "run-a")


def test_what_belongs_to_others_stays_byte_for_byte(database: Database) -> None:
    run(
        database,
        "CREATE (:User:Vip {userId: 'ann', name: 'Ann', score: 'gold', tags: ['a']})"
        "-[:PURCHASED {orderId: 9}]->(:Item {itemId: 'soap', price: 3.5})",
    )
    run(database, "CREATE (:User:RiskHigh {userId: 'bob'})-[:MEMBER_OF]->(:Club {name: 'chess'})")
    run(database, "CREATE (:User {userId: 'stranger', score: 1})")
    before = contents(database, whole=False)
    report = push_run(database, two_rings())
    assert "2 nodes have properties or labels of our names" in " ".join(report.notes)
    assert one(database, "MATCH (u:User {userId: 'ann'}) RETURN u.score, u.scoreRank, u.name, u.tags") == ["gold", 1, "Ann", ["a"]]
    assert set(one(database, "MATCH (u:User {userId: 'ann'}) RETURN labels(u)")) == {"User", "Vip", "RiskCritical"}
    assert one(
        database, "MATCH (:User {userId:'ann'})-[r:PURCHASED]->(:Item {itemId:'soap'}) WHERE r.orderId = 9 RETURN properties(r)"
    ) == {"orderId": 9}
    push_run(database, later_run(), options=CLEAN)
    undo_push(database, "run-b")
    undo_push(database, "run-a")
    assert contents(database, whole=False) == before


@pytest.mark.either_line
@pytest.mark.drops_schema
def test_an_index_that_a_dead_server_left_of_a_constraint_is_made_whole(database: Database) -> None:
    """As servers come back when they were killed in the middle: the index bears the constraint's name, and forbids nothing."""
    for (name,) in run(database, "SHOW CONSTRAINTS YIELD name"):
        run(database, f"DROP CONSTRAINT `{name}`")
    run(database, "CREATE INDEX graphdet_User_userId FOR (n:User) ON (n.userId)")
    run(database, f"CREATE INDEX {LOCK_SCHEMA.name} FOR (n:{LOCK}) ON (n.name)")
    push_run(database, two_rings())
    constraints = {name for (name,) in run(database, "SHOW CONSTRAINTS YIELD name")}
    assert {item.name for item in SCHEMA if item.kind == "CONSTRAINT"} | {LOCK_SCHEMA.name} <= constraints
    undo_push(database, "run-a")
    assert run(database, "SHOW INDEXES YIELD name WHERE name STARTS WITH 'graphdet_' RETURN name") == []


def test_what_others_hang_on_our_nodes_outlives_them(database: Database) -> None:
    push_run(database, two_rings())
    run(database, "MATCH (u:User {userId: 'out'}) SET u.segment = 'new', u:Vip")
    run(database, "MATCH (s:Seller {sellerId: 'shop'}) CREATE (s)<-[:OWNS]-(:Company {name: 'co'})")
    run(database, "MATCH (:User {userId:'out'})-[r:USED]->() SET r.checked = true")
    report = push_run(database, later_run(), options=CLEAN)
    assert "1 relationship that would go carries properties of others and stays" in report.notes
    assert one(database, "MATCH (u:User {userId: 'out'}) RETURN properties(u), size(labels(u))") == [{"userId": "out", "segment": "new"}, 2]
    assert one(database, "MATCH (s:Seller) RETURN properties(s)") == {"sellerId": "shop"}
    assert one(database, "MATCH ()-[r:USED {checked: true}]->() RETURN r.count") == 2
    middle = contents(database)
    assert push_run(database, later_run(), options=CLEAN).rows == 0
    assert contents(database) == middle
    undo_push(database, "run-b")
    assert one(database, "MATCH (u:User {userId: 'out'}) RETURN u.score, u.segment, size(labels(u))") == [0.1, "new", 3]
    undo_push(database, "run-a")
    assert one(database, "MATCH (u:User {userId: 'out'}) RETURN properties(u)") == {"userId": "out", "segment": "new"}
    assert one(database, "MATCH ()-[r:USED]->() RETURN properties(r)") == {"checked": True}


def test_undo_spares_what_others_put_in_the_place_of_ours(database: Database) -> None:
    push_run(database, two_rings())
    run(database, "MATCH (u:User {userId: 'out'}) SET u.email = 'e'")
    push_run(database, later_run(), options=CLEAN)  # takes all that was graphdet's off this node
    run(database, "MATCH (u:User {userId: 'out'}) SET u.score = 'theirs'")
    undo_push(database, "run-b")
    assert one(database, "MATCH (u:User {userId: 'out'}) RETURN u.score, u.scoreRank, u:RiskLow") == ["theirs", 5, True]
    undo_push(database, "run-a")
    assert one(database, "MATCH (u:User {userId: 'out'}) RETURN properties(u), size(labels(u))") == [
        {"userId": "out", "email": "e", "score": "theirs"},
        1,
    ]


def test_what_others_changed_of_ours_is_mended(database: Database) -> None:
    push_run(database, two_rings())
    good = contents(database, whole=False)
    run(database, "MATCH (u:User {userId: 'ann'}) SET u.score = 0 REMOVE u:RiskCritical SET u:RiskLow")
    run(database, "MATCH (u:User {userId: 'cid'}) DETACH DELETE u")
    assert push_run(database, two_rings()).rows > 0
    assert contents(database, whole=False) == good


def test_values_of_other_types_in_our_places_are_mended(database: Database) -> None:
    push_run(database, two_rings())
    good = contents(database, whole=False)
    run(database, "MATCH (u:User {userId: 'ann'}) SET u.score = date('2024-01-01'), u.degree = [point({x: 1, y: 2})]")
    run(database, "MATCH (r:FraudRing {ringId: 'ring-1'}) SET r.firstSeen = 'then', r.lastSeen = date('2024-01-01'), r.amount = 'much'")
    run(database, "MATCH (d:DetectionRun) SET d.pushNumber = 'first', d.notes = time('12:00')")
    run(database, "MATCH ()-[r:PURCHASED]->() SET r.firstSeen = 'yesterday', r.count = localtime('12:00')")
    run(database, "MATCH (a)-[r:COORDINATED_WITH]->(b) CREATE (a)-[s:COORDINATED_WITH]->(b) SET s = properties(r)")
    compare_run(database, two_rings())
    report = push_run(database, two_rings())
    assert report.counts["User"].changed == 1
    run(database, "MATCH (a)-[r:COORDINATED_WITH]->(b) WITH a, b, collect(r) AS found FOREACH (r IN found[1..] | DELETE r)")
    nodes, ties = contents(database, whole=False)
    assert [row for row in nodes if "runId" not in row] == [row for row in good[0] if "runId" not in row]  # the run got a number anew
    assert [row for row in ties if "runId" not in row] == [row for row in good[1] if "runId" not in row]
    undo_push(database, "run-a")
    undo_push(database, "run-a")
    assert contents(database, whole=False) == ([], [])


def test_a_copy_of_a_relationship_of_ours_goes_with_it(database: Database) -> None:
    push_run(database, two_rings())
    run(database, "MATCH (a)-[r:DEALT_WITH]->(b) CREATE (a)-[s:DEALT_WITH]->(b) SET s = properties(r)")
    run(database, "MATCH (u:User {userId: 'dan'}) SET u.fullId = 7")  # what the state of a closed ring's member is looked up by
    push_run(database, later_run(), options=CLEAN)
    assert run(database, "MATCH ()-[r:DEALT_WITH]->() RETURN r") == []
    assert one(database, "MATCH (u:User {userId: 'dan'}) RETURN u.score") == 0.2


def test_a_node_of_ours_whose_key_others_took_is_theirs(database: Database) -> None:
    push_run(database, two_rings())
    run(database, "MATCH (u:User {userId: 'ann'}) REMOVE u.userId")
    run(database, "MATCH (u:Item {itemId: 'tea'}) SET u.itemId = 42")
    push_run(database, two_rings())
    assert one(database, "MATCH (u:User {userId: 'ann'})-[:PURCHASED]->(i:Item {itemId: 'tea'}) RETURN u.score, i.degree") == [0.97, None]
    assert one(database, "MATCH (i:Item {itemId: 42}) RETURN count(i)") == 1


def test_others_values_of_any_type_beside_ours_stay(database: Database) -> None:
    run(database, "CREATE (:FraudRing {ringId: 'ring-1', firstSeen: 'yesterday', rank: date('2024-01-01'), score: [true]})")
    run(database, "CREATE (:DetectionRun {runId: 'theirs', pushNumber: 'first'}), (:DetectionRun {runId: 'run-a', pushNumber: [1, 2]})")
    run(database, "CREATE (:User {userId: 42}), (:User {name: 'no id'}), (:Item {itemId: point({x: 1, y: 2})})")
    before = contents(database, whole=False)
    push_run(database, two_rings())
    middle = contents(database)
    assert push_run(database, two_rings()).rows == 0
    assert contents(database) == middle
    push_run(database, later_run(), options=CLEAN)
    undo_push(database, "run-b")
    assert contents(database) == middle
    undo_push(database, "run-a")
    assert contents(database, whole=False) == before


def test_a_dry_run_tells_the_truth_and_changes_nothing(database: Database, target: Target) -> None:
    told = compare_run(database, two_rings())
    assert contents(database) == ([], [])
    done = push_run(database, two_rings())
    assert {name: vars(count) for name, count in told.counts.items()} == {name: vars(count) for name, count in done.counts.items()}
    before = contents(database)
    told = compare_run(database, later_run(), options=PushOptions(clean_up=True))
    assert "would remove" in " ".join(told.notes)
    assert contents(database) == before
    done = push_run(database, later_run(), options=CLEAN)
    assert {name: vars(count) for name, count in told.counts.items()} == {name: vars(count) for name, count in done.counts.items()}
    with pytest.raises(StoreError, match="may not write"):  # reads are held to it by the server
        database.read("CREATE (n:Nope) RETURN n")


def test_a_clean_up_of_too_much_is_refused(database: Database) -> None:
    push_run(database, two_rings())
    before = contents(database)
    with pytest.raises(PushRefused, match=r"would remove \d+ of \d+ elements \(\d+%; the limit is 5%\).*--force"):
        push_run(database, later_run(), options=PushOptions(clean_up=True))
    assert contents(database) == before
    assert push_run(database, later_run(), options=PushOptions(clean_up=True, most_removed=0.9)).rows > 0


def test_hostile_ids_and_texts_arrive_as_data(database: Database) -> None:
    hostile = [
        'O\'Brien "the" `rm`',
        "x'}) DETACH DELETE (n) //",
        "$rows {{}} \\u0027 \\",
        "名前\U0001f600\u202e\x00\x1b[31m",
        "https://a/?b=c&d=#e",
        "<script>alert(1)</script>",
        " ",
        "y" * 10_000,
        "é" * 9_999 + "1",
        "é" * 9_999 + "2",
    ]
    touches = [(user, "order`]->() DELETE r //", "item", item, 1) for user in hostile for item in hostile[:3]]
    meta = {"discounted": [{"view": "item", "key": "'; DROP", "reason": "z" * 10_000, "window": "24h", "size": 3}], "notes": ["' OR 1=1"]}
    with pytest.raises(ValueError, match="ring_id must be of the form"):  # ids of rings are graphdet's own, and a run with others is none
        make_run("run-'`x", {"ring-'`\"": {"user": hostile, "item": hostile[:3]}}, touches, meta=meta)
    found = make_run("run-'`x", {"ring-1": {"user": hostile, "item": hostile[:3]}}, touches, meta=meta)
    push_run(database, found)
    users = run(database, "MATCH (u:User)-[:MEMBER_OF]->(r:FraudRing {ringId: 'ring-1'}) RETURN coalesce(u.fullId, u.userId)")
    assert sorted(row[0] for row in users) == sorted(hostile)
    assert {row[0] for row in run(database, "MATCH (u:User) RETURN u.userId")} == {database_key(name) for name in hostile}
    assert one(database, "MATCH ()-[r:ACTED_ON]->() RETURN count(r), collect(DISTINCT r.action)") == [30, ["order`]->() DELETE r //"]]
    assert push_run(database, found).rows == 0
    undo_push(database, found.id)
    assert contents(database) == ([], [])


def test_an_old_run_without_relations_is_written_without_them(database: Database) -> None:
    whole = two_rings()
    old = Run(whole.meta, {name: table for name, table in whole.tables.items() if name != "relations"})
    report = push_run(database, old)
    assert "no relations table" in " ".join(report.notes)
    assert one(database, "MATCH (n)-[:MEMBER_OF]->(:FraudRing {ringId: 'ring-1'}) RETURN count(n)") == 10
    assert push_run(database, whole).counts[":PURCHASED"].added == 9


def test_of_two_pushes_at_once_one_waits_or_refuses(database: Database, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()
    real = journal.begin_push

    def slow(*arguments: Any) -> Any:
        inside.set()
        go_on.wait(30)
        return real(*arguments)

    monkeypatch.setattr("graphdet.store.push.begin_push", slow)
    first = threading.Thread(target=lambda: push_run(database, two_rings()))
    first.start()
    assert inside.wait(30)
    with open_database(target) as other:
        with pytest.raises(PushRefused, match=r"another push or undo is at work since .* UTC"):
            push_run(other, later_run(), options=PushOptions(wait_seconds=0))
        with pytest.raises(PushRefused, match="at work"):
            undo_push(other, "run-a", wait_seconds=0)
        threading.Timer(0.5, go_on.set).start()
        push_run(other, later_run(), options=PushOptions(wait_seconds=60))
    first.join(30)
    assert run(database, "MATCH (d:DetectionRun) RETURN d.runId, d.pushNumber ORDER BY d.runId") == [["run-a", 1], ["run-b", 2]]


def test_a_lock_that_is_freed_while_another_asks_is_taken_for_good(database: Database) -> None:
    with hold_lock(database, 0):
        pass  # the constraint is there by now
    run(database, "CREATE (:GraphdetLock {name: 'push', holder: 'x', owner: 'elsewhere 1', until: datetime() + duration('PT60S')})")
    held: list[Any] = []

    def ask() -> None:
        with hold_lock(database, 30) as lock:
            held.append([[lock.token]] == run(database, "MATCH (l:GraphdetLock) RETURN l.holder"))

    with database._session() as session, session.begin_transaction() as freeing:
        freeing.run("MATCH (l:GraphdetLock) DELETE l").consume()
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)  # it found the lock, and waits for this transaction to end
        freeing.commit()
    asking.join(60)
    assert held == [True]


def test_who_is_just_losing_the_lock_proves_nothing(database: Database) -> None:
    refused: list[str] = []
    with hold_lock(database, 0) as lock:

        def prove() -> None:
            try:
                database.write(lock.prove)
            except PushRefused as error:
                refused.append(str(error))

        with database._session() as session, session.begin_transaction() as taking:
            taking.run("MATCH (l:GraphdetLock) SET l.holder = 'somebody else'").consume()
            proving = threading.Thread(target=prove)
            proving.start()
            time.sleep(0.5)
            taking.commit()
        proving.join(60)
    assert len(refused) == 1


def test_who_lost_the_lock_can_write_nothing_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    real = journal.begin_push

    def robbed(*arguments: Any) -> Any:
        push = real(*arguments)
        run(database, "MATCH (l:GraphdetLock) SET l.holder = 'somebody else'")
        return push

    monkeypatch.setattr("graphdet.store.push.begin_push", robbed)
    with pytest.raises(PushRefused, match="another push took over"):
        push_run(database, two_rings())
    assert run(database, "MATCH (n:User) RETURN n") == []
    monkeypatch.undo()
    run(database, "MATCH (l:GraphdetLock) SET l.until = datetime() - duration('PT1S')")
    push_run(database, two_rings())
    assert run(database, "MATCH (l:GraphdetLock) RETURN l") == []


def test_a_change_between_plan_and_write_makes_a_new_plan(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    push_run(database, two_rings())
    real, calls = journal.apply_steps, []

    def late(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            run(database, "CREATE (:User {userId: 'eve', mine: 'theirs'})")
        real(*arguments)

    monkeypatch.setattr("graphdet.store.push.apply_steps", late)
    push_run(database, later_run(), options=CLEAN)
    assert len(calls) == 2
    assert one(database, "MATCH (u:User {userId: 'eve'}) RETURN u.mine, u.score") == ["theirs", 0.99]
    undo_push(database, "run-b")
    assert one(database, "MATCH (u:User {userId: 'eve'}) RETURN properties(u)") == {"userId": "eve", "mine": "theirs"}


@pytest.mark.either_line
def test_a_verdict_that_comes_while_a_push_is_at_work_keeps_what_is_there(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    push_run(database, two_rings())
    before = evidence_of(database, "ring-1", "run-a")
    real, calls = journal._apply, []

    def meanwhile(*arguments: Any) -> None:
        if len(calls) in (1, 8):
            decide(database, "ring-1", "confirmed", "ann", "same card")
        calls.append(1)
        real(*arguments)

    monkeypatch.setattr(journal, "_apply", meanwhile)
    push_run(database, later_run(), PushOptions(batch=5))
    monkeypatch.undo()
    assert run(database, "MATCH (c:Case) RETURN count(c)") == [[2]]
    assert evidence_of(database, "ring-1", "run-a") == before
    assert push_run(database, later_run()).rows == 0
    run(database, "MATCH (c:Case) DETACH DELETE c")
    undo_push(database, "run-b")
    undo_push(database, "run-a")
    assert run(database, "MATCH (n) RETURN n") == []


def test_journals_of_version_0_1_can_be_played_back() -> None:
    touch = {"graphdetRun": "run-a", "count": 2, "firstSeen": 7, "lastSeen": 9, "amount": None}
    node = {"graphdetOwns": "node", "graphdetRun": "run-a", "fullId": None, "score": 0.9, "scoreRank": 1, "degree": 7, "embedding": None}
    pieces: list[tuple[str, str, list[Any], list[dict[str, Any]]]] = [  # as it was written, as it is read
        ("user", "remove", [["ann"]], [{"key": "ann"}]),
        ("user", "create", [["ann", ["RiskHigh"], *node.values()]], [{"key": "ann", "labels": ["RiskHigh"], "values": node}]),
        (
            "user",
            "amend",
            [["ann", {"score": 1}, ["A"], ["B"]]],
            [{"key": "ann", "values": {"score": 1}, "labels": ["A"], "unlabel": ["B"]}],
        ),
        ("user-PURCHASED-item", "remove", [["ann", "tea", None]], [{"start": "ann", "end": "tea", "qualifier": None}]),
        (
            "user-PURCHASED-item",
            "create",
            [["ann", "tea", None, *touch.values()]],
            [{"start": "ann", "end": "tea", "qualifier": None, "values": touch}],
        ),
        (
            "user-ACTED_ON-item",
            "amend",
            [["ann", "tea", "wave", {"count": 3}]],
            [{"start": "ann", "end": "tea", "qualifier": "wave", "values": {"count": 3}}],
        ),
    ]
    written = zlib.compress(json.dumps([[kind, operation, rows] for kind, operation, rows, _ in pieces]).encode())
    read = [(kind, operation, rows) for kind, operation, _, rows in pieces]
    assert _unpack(written) == read
    assert _unpack(_pack([Step(kind, "", [], operation, rows) for kind, operation, rows in read])) == read
