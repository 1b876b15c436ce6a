"""Kinds → the constraints and indexes that the database keeps for them, each with the statement that makes it."""

from __future__ import annotations

from dataclasses import dataclass

from graphdet.schema import CASE_NODE
from graphdet.store.kinds import JOURNAL, LOCK, NODE_KINDS, PUSH, RUN


@dataclass(frozen=True)
class SchemaItem:
    """One constraint or index: its name, the statement that makes it, and what stands in its way if that fails."""

    name: str
    statement: str
    clash: str
    kind: str  # CONSTRAINT or INDEX


def _unique(label: str, key: str) -> SchemaItem:
    name = f"graphdet_{label}_{key}"
    statement = f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE"
    clash = (
        f"{label}.{key} cannot be made unique: nodes there share a value, or an index of that kind is in the way. "
        f"MATCH (n:{label}) WITH n.{key} AS {key}, count(*) AS nodes WHERE nodes > 1 RETURN * shows them; "
        "mend that, or push to a database of its own."
    )
    return SchemaItem(name, statement, clash, "CONSTRAINT")


def _index(label: str, name: str) -> SchemaItem:
    statement = f"CREATE INDEX graphdet_{label}_{name} IF NOT EXISTS FOR (n:{label}) ON (n.{name})"
    return SchemaItem(f"graphdet_{label}_{name}", statement, f"an index on {label}.{name} is in the way; drop it and try again.", "INDEX")


LOCK_SCHEMA = _unique(LOCK, "name")
CASE_SCHEMA = _unique(CASE_NODE.label, CASE_NODE.key)
SCHEMA = (
    *(_unique(kind.label, kind.key) for kind in NODE_KINDS.values()),
    _unique(PUSH, "number"),
    _unique(JOURNAL, "entry"),
    *(_index(kind.label, RUN) for kind in NODE_KINDS.values()),
    _index("User", "score"),
    _index("FraudRing", "rank"),
    _index("FraudRing", "score"),
    _index("DetectionRun", "pushNumber"),
)
FULL_TEXT = SchemaItem(
    "graphdet_ids",
    "CREATE FULLTEXT INDEX graphdet_ids IF NOT EXISTS FOR (n:"
    + "|".join(kind.label for kind in NODE_KINDS.values())
    + ") ON EACH ["
    + ", ".join(f"n.{kind.key}" for kind in NODE_KINDS.values())
    + "]",
    "a full-text index of the same labels and properties is in the way; drop it and try again.",
    "INDEX",
)


def vector_schema(dimensions: int) -> SchemaItem:
    """The index for look-alikes among users, by the cosine of their embeddings."""
    statement = (
        "CREATE VECTOR INDEX graphdet_embedding IF NOT EXISTS FOR (n:User) ON (n.embedding) "
        f"OPTIONS {{indexConfig: {{`vector.dimensions`: {dimensions}, `vector.similarity_function`: 'cosine'}}}}"
    )
    return SchemaItem(
        "graphdet_embedding", statement, "another vector index on User.embedding is in the way; drop it and try again.", "INDEX"
    )
