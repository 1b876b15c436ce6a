"""What the database holds of graphdet's → `Own`: the state of every own element, and what of it belongs to others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from graphdet.schema import CASE_NODE, RING_NODE
from graphdet.store.connection import Database
from graphdet.store.drawing import NodeState, RelationKey, Values
from graphdet.store.kinds import BANDS, NODE_KINDS, OWNS, RELATION_KINDS, RUN, NodeKind, RelationKind

COUNT_CASES = f"MATCH (c:{CASE_NODE.label}) RETURN count(c)"
# A verdict may have been given long before it came into the database: what counts is what was there when it came.
_DECIDED = f"""
    MATCH (c:{CASE_NODE.label})-[:ABOUT]->(r:{RING_NODE.label})
    WITH r.ringId AS ring, c.runId AS run, CASE WHEN c.notedAt IS :: ZONED DATETIME NOT NULL THEN c.notedAt
        WHEN c.decidedAt IS :: ZONED DATETIME NOT NULL THEN c.decidedAt ELSE datetime({{epochSeconds: 0}}) END AS moment
    RETURN ring, run, max(moment.epochSeconds * 1000000 + moment.microsecond)"""


@dataclass
class Own:
    """Own elements, kind → key → state.

    Attributes:
        foreign: on nodes that others made, the names among graphdet's that are theirs: properties, and ':' + label for labels.
        shared: own relationships on which others put properties; a clean-up leaves them.
        kept: relationships as earlier runs told them, beside those of `relations`: what analysts saw when they decided.
        cases: verdicts that the database held.
        decided: ring → until when runs were pushed that a verdict on it rests on, in microseconds since 1970 UTC.
    """

    nodes: dict[str, dict[str, NodeState]] = field(default_factory=dict)
    relations: dict[str, dict[RelationKey, Values]] = field(default_factory=dict)
    foreign: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    shared: dict[str, set[RelationKey]] = field(default_factory=dict)
    kept: dict[str, dict[RelationKey, list[Values]]] = field(default_factory=dict)
    cases: int = 0
    decided: dict[str, int] = field(default_factory=dict)

    def size(self) -> int:
        """Nodes and relationships in all."""
        kept = sum(len(values) for states in self.kept.values() for values in states.values())
        return kept + sum(len(states) for states in self.nodes.values()) + sum(len(states) for states in self.relations.values())

    def pushed_at(self, run_id: object) -> int | None:
        """When a run was pushed; None where the database does not know."""
        state = self.nodes["run"].get(run_id) if isinstance(run_id, str) else None
        moment: int | None = state[1].pushedAt if state else None
        return moment


def read_own(database: Database, advance: Callable[[int], None]) -> Own:
    """All own elements; `advance` is told of rows read."""
    own = Own()
    there = _present(database)

    def read(kind: NodeKind | RelationKind) -> list[Any]:
        known = kind.label if isinstance(kind, NodeKind) else kind.name
        rows: list[Any] = []
        for (piece,) in database.read(kind.read_own(), names=kind.names, bands=list(BANDS)) if known in there else []:
            rows += piece
        return rows

    with ThreadPoolExecutor(2) as pool:  # while one answer is taken apart here, the server works on the next
        for node, rows in zip(NODE_KINDS.values(), pool.map(read, NODE_KINDS.values()), strict=True):
            own.nodes[node.name], own.foreign[node.name] = _node_states(node, rows)
            advance(len(rows))
        numbers = {name: values.pushNumber or 0 for name, (_, values) in own.nodes["run"].items()}
        for relation, starts in zip(RELATION_KINDS.values(), pool.map(read, RELATION_KINDS.values()), strict=True):
            states = _relation_states(relation, starts, numbers)
            own.relations[relation.name], own.kept[relation.name], own.shared[relation.name] = states
            advance(len(own.relations[relation.name]))
    own.cases = database.read(COUNT_CASES)[0][0]  # before they are read: one that comes between the two is looked at once more
    own.decided = _decided(own, [row for row in database.read(_DECIDED) if isinstance(row[0], str)])
    return own


def _present(database: Database) -> set[str]:
    """Labels of nodes, and names of kinds of relationships, of which anything is there.

    The server keeps these counts, so asking for all of them is much cheaper than reading what is not there; but to plan so long a question
    takes a fresh server seconds, so it is asked of labels and types that were ever used alone.
    """
    asked = "CALL db.labels() YIELD label AS name RETURN name UNION CALL db.relationshipTypes() YIELD relationshipType AS name RETURN name"
    known = {row[0] for row in database.read(asked)}
    nodes = [kind.label for kind in NODE_KINDS.values() if kind.label in known]
    ties = [kind for kind in RELATION_KINDS.values() if {kind.type, kind.start.label} <= known]
    parts = [f"MATCH (n:{label}) RETURN '{label}' AS what, count(n) AS many" for label in nodes]
    parts += [f"MATCH (:{one.start.label})-[r:{one.type}]->() RETURN '{one.name}' AS what, count(r) AS many" for one in ties]
    return {row[0] for row in database.read(" UNION ALL ".join(parts)) if row[1]} if parts else set()


def _decided(own: Own, verdicts: list[list[Any]]) -> dict[str, int]:
    """Ring → until when runs were pushed that its verdicts rest on: the run that each names is among them, whatever the clocks said.

    A verdict of a time before any push can only rest on the first run that told of the ring.
    """
    found: dict[str, int] = {}
    for ring, run_id, moment in verdicts:
        found[ring] = max(found.get(ring, 0), moment, own.pushed_at(run_id) or 0)
    first: dict[str, int] = {}
    for ring, run_id, _ in own.relations["ring-FOUND_IN-run"]:
        pushed = own.pushed_at(run_id)
        if pushed is not None:
            first[ring] = min(first.get(ring, pushed), pushed)
    return {ring: max(moment, first.get(ring, 0)) for ring, moment in found.items()}


def _node_states(kind: NodeKind, rows: list[list[object]]) -> tuple[dict[str, NodeState], dict[str, frozenset[str]]]:
    states: dict[str, NodeState] = {}
    foreign: dict[str, frozenset[str]] = {}
    for key, bands, present, *told in rows:
        assert isinstance(key, str)
        assert isinstance(bands, list)
        values = kind.values._make(told)  # in the order in which `read_own` asks for them
        if present is None:
            states[key] = (tuple(bands), values)
            continue
        assert isinstance(present, list)
        tokens = set(str(values.graphdetOwns).split(","))
        theirs = {name for name in present if name not in tokens and name not in (kind.key, OWNS, RUN)}
        theirs |= {f":{band}" for band in bands if f":{band}" not in tokens}
        foreign[key] = frozenset(theirs)
        others = {name: None for name in kind.values._fields if name not in tokens and name not in (OWNS, RUN)}
        states[key] = (tuple(band for band in bands if f":{band}" in tokens), values._replace(**others))
    return states, foreign


def _relation_states(
    kind: RelationKind, starts: list[list[Any]], numbers: dict[str, int]
) -> tuple[dict[RelationKey, Values], dict[RelationKey, list[Values]], set[RelationKey]]:
    """Each relationship as the latest run tells it, as earlier ones do, and those that carry properties of others."""
    states: dict[RelationKey, Values] = {}
    kept: dict[RelationKey, list[Values]] = {}
    shared: set[RelationKey] = set()
    make = kind.values._make
    for start, rows in starts:
        for end, qualifier, others, *values in rows:
            key, told = (start, end, qualifier), make(values)
            before = states.get(key)
            if before is not None and before.graphdetRun != told.graphdetRun:
                earlier, told = sorted((before, told), key=lambda one: (numbers.get(one.graphdetRun, 0), str(one.graphdetRun)))
                kept.setdefault(key, []).append(earlier)
            states[key] = told
            if others:
                shared.add(key)
    return states, kept, shared


def read_foreign(database: Database, kind: NodeKind, keys: list[str], batch: int) -> dict[str, frozenset[str]]:
    """Of these keys, the nodes that others made, each with the names among graphdet's that are theirs."""
    if not keys or not database.read(f"MATCH (n:{kind.label}) WHERE n.{RUN} IS NULL RETURN 1 LIMIT 1"):
        return {}
    found: dict[str, frozenset[str]] = {}
    for start in range(0, len(keys), batch):
        rows = database.read(kind.read_foreign(), keys=keys[start : start + batch], names=kind.names, bands=list(BANDS))
        for key, bands, present in rows:
            found[key] = frozenset([*(name for name in present if name != kind.key), *(f":{band}" for band in bands)])
    return found
