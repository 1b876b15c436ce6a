"""The recipe of graph database tutorials, run on a Neo4j server: who took the same items within a day is joined, and components are groups.

All of it is Cypher, weakly connected components included, so that any server does, without plug-ins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from baselines import HOUR, Found, committing_events, largest_first, need
from neo4j import GraphDatabase, Session

from graphdet.events import EventTable
from graphdet.store.connection import find_target
from graphdet.store.server import start_server, stop_server, wipe_server

CYPHER = "Cypher on Neo4j, 24 h"
BATCH = 20_000
KEYS = ("CREATE CONSTRAINT shopper IF NOT EXISTS FOR (n:Shopper) REQUIRE n.code IS UNIQUE",)
KEYS += ("CREATE CONSTRAINT good IF NOT EXISTS FOR (n:Good) REQUIRE n.code IS UNIQUE",)
EMPTY = "MATCH (n:Shopper|Good) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
LOAD_SHOPPERS = "UNWIND $codes AS code CREATE (:Shopper {code: code, component: code})"
LOAD_GOODS = "UNWIND $codes AS code CREATE (:Good {code: code})"
LOAD = """
UNWIND $rows AS row
MATCH (user:Shopper {code: row[0]}) MATCH (item:Good {code: row[1]})
CREATE (user)-[:TOOK {at: row[2]}]->(item)
"""
JOIN = """
MATCH (item:Good) WHERE COUNT { (item)<-[:TOOK]-() } <= $most_events
MATCH (one:Shopper)-[first:TOOK]->(item)<-[second:TOOK]-(other:Shopper)
WHERE one.code < other.code AND abs(first.at - second.at) < $window
WITH one, other, count(DISTINCT item) AS common WHERE common >= $common
CREATE (one)-[:TOGETHER]->(other)
"""
SPREAD = """
MATCH (one:Shopper)-[:TOGETHER]-(other:Shopper)
WITH one, min(other.component) AS least WHERE least < one.component
SET one.component = least
RETURN count(*)
"""
READ = "MATCH (one:Shopper) WHERE EXISTS { (one)-[:TOGETHER]-() } RETURN one.component, one.code"


@contextmanager
def server_in(folder: Path) -> Iterator[Session]:
    """A session with an empty server of our own, which is stopped and removed in the end."""
    start_server(folder, line="lts", bolt_port=0, http_port=0, heap="3g", pagecache="1g")
    try:
        target = find_target(folder)
        with (
            GraphDatabase.driver(target.uri, auth=(target.user, target.password), notifications_min_severity="OFF") as driver,
            driver.session(database=target.database) as session,
        ):
            yield session
    finally:
        stop_server(folder)
        wipe_server(folder)


def cypher_components(
    events: EventTable,
    *,
    session: Session,
    common: int = 2,
    hours: int = 24,
    most_events: int = 100,
    committing: bool = False,
    least_size: int = 5,
) -> Found:
    """Components of users who took `common` items, of those with at most `most_events`, within `hours` of each other."""
    need(events, "item", times=True)
    assert events.time is not None
    chosen = (events.codes["item"] >= 0) & (committing_events(events) if committing else True)
    user, item, at = events.codes["user"][chosen], events.codes["item"][chosen], events.time[chosen]
    for statement in (EMPTY, *KEYS):
        session.run(statement).consume()
    for statement, codes in ((LOAD_SHOPPERS, np.unique(user)), (LOAD_GOODS, np.unique(item))):
        session.run(statement, codes=codes.tolist()).consume()
    for start in range(0, len(user), BATCH):
        part = slice(start, start + BATCH)
        session.run(LOAD, rows=list(zip(user[part].tolist(), item[part].tolist(), at[part].tolist(), strict=True))).consume()
    session.run(JOIN, most_events=most_events, window=hours * HOUR, common=common).consume()
    while session.run(SPREAD).single(strict=True)[0]:
        pass
    members: dict[int, list[int]] = defaultdict(list)
    for component, code in session.run(READ):
        members[component].append(code)
    return Found(largest_first([np.array(group, np.int32) for group in members.values()], least_size))
