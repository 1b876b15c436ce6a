"""The graph that is written, as data derived from `graphdet.schema`: kinds of nodes and relationships, their properties, their Cypher.

Every label, type and property name in a statement comes from here; what comes from a run is always a parameter.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from graphdet.schema import (
    CASE_NODE,
    ITEM,
    ITEM_RELATIONS,
    KEY_RELATIONS,
    NODE_TYPES,
    OTHER_ITEM_RELATION,
    RING_NODE,
    RISK_BANDS,
    RUN_NODE,
    USER,
    NodeType,
    OwnNode,
)

OWNS = "graphdetOwns"  # on nodes: "node" where graphdet made it, else the properties and labels that it added, comma-separated
RUN = "graphdetRun"  # on all own elements: of the runs that hold them, the one that was pushed last
WHOLE = "node"
PIECE = 1000  # rows in one record of an answer
COMPUTED = {"pushNumber": "INTEGER", "fullId": "STRING"}  # properties that decide something, and their types
STARTS = 100  # nodes with all their relationships in one record
BANDS = tuple(label for label, _ in RISK_BANDS)
PUSH, JOURNAL, LOCK = "GraphdetPush", "GraphdetJournal", "GraphdetLock"
LABELS = (*(node.label for node in (*NODE_TYPES, RING_NODE, RUN_NODE, CASE_NODE)), PUSH, JOURNAL, LOCK, *BANDS)  # bands last


@dataclass(frozen=True)
class Property:
    """One property: its name, and whether it is a moment (microseconds since 1970 UTC here, a zoned time in the database)."""

    name: str
    moment: bool = False

    def read(self, variable: str) -> str:
        """Cypher for the property as it is here; what is computed with is null where others put another type of value there."""
        value = f"{variable}.{self.name}"
        if self.moment:
            return f"CASE WHEN {value} IS :: ZONED DATETIME THEN {value}.epochSeconds * 1000000 + {value}.microsecond ELSE null END"
        kind = COMPUTED.get(self.name)
        return f"CASE WHEN {value} IS :: {kind} THEN {value} ELSE null END" if kind else value


def _values_type(properties: tuple[Property, ...]) -> Any:
    """A tuple type with the properties' names: values of millions of elements in the least memory, read and made by name."""
    return namedtuple("Values", [one.name for one in properties])


def _written(properties: tuple[Property, ...], first: int) -> list[tuple[str, str]]:
    """Name → Cypher for the value that the cells of a row hold from place `first` on; null stays null."""
    found, place = [], first
    for one in properties:
        cell = f"row[{place}]"
        moment = f"CASE WHEN {cell} IS NULL THEN null ELSE datetime({{epochSeconds: {cell}, nanosecond: row[{place + 1}]}}) END"
        found.append((one.name, moment if one.moment else cell))
        place += 1 + one.moment
    return found


def _cells(properties: tuple[Property, ...], values: dict[str, Any]) -> list[Any]:
    """Values as `_written` finds them: lists are half the work of maps for driver and server, and so are moments in two whole numbers."""
    found: list[Any] = []
    for one in properties:
        value = values.get(one.name)
        if one.moment:
            found += _split(value)
        else:
            found.append(value)
    return found


def _split(moment: int | None) -> tuple[int | None, int | None]:
    """A moment in whole seconds and the nanoseconds after them."""
    return (None, None) if moment is None else (moment // 1_000_000, moment % 1_000_000 * 1000)


def grouped(rows: list[dict[str, Any]]) -> list[Any]:
    """Rows of relationships in groups of one start, so that each start is looked up once."""
    return [{"start": start, "rows": list(group)} for start, group in groupby(rows, itemgetter("start"))]


def _properties(*names: str, moments: tuple[str, ...] = ("firstSeen", "lastSeen", "pushedAt")) -> tuple[Property, ...]:
    return tuple(Property(name, name in moments) for name in names)


def _in_pieces(variable: str, values: str) -> str:
    """Many rows in each record: a record costs the driver more than the row in it."""
    return (
        f"WITH collect({variable}) AS found UNWIND range(0, size(found) - 1, {PIECE}) AS place "
        f"RETURN [{variable} IN found[place..place + {PIECE}] | [{values}]] AS rows"
    )


@dataclass(frozen=True)
class NodeKind:
    """Nodes of one label. Rows of the statements have `key` and, where it is said, `labels` to add, `unlabel` to remove, and `values`."""

    name: str
    label: str
    key: str
    properties: tuple[Property, ...]  # OWNS and RUN first
    values: Any = field(init=False, repr=False, compare=False)  # the type of an element's values: a tuple with the properties' names

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _values_type(self.properties))

    def statement(self, operation: str) -> str:
        """The statement that does one operation of a step."""
        return {"create": self.create, "amend": self.amend, "restore": self.restore, "remove": self.remove}[operation]()

    @property
    def is_dated(self) -> bool:
        """Whether it has a moment at which it was first seen."""
        return "firstSeen" in self.values._fields

    @property
    def names(self) -> list[str]:
        """All property names that graphdet may own, the key's included."""
        return [self.key, *(one.name for one in self.properties)]

    def read_own(self) -> str:
        """Own nodes: key, own band labels, names of own-named properties that are there (for nodes of others), values."""
        values = ", ".join(one.read("n") for one in self.properties)
        present = f"CASE WHEN n.{OWNS} = '{WHOLE}' THEN null ELSE [p IN keys(n) WHERE p IN $names] END"
        bands = "[l IN labels(n) WHERE l IN $bands]"
        # One whose key others took or changed cannot be found again: it is theirs now.
        told = f"n.{RUN} IS NOT NULL AND n.{self.key} IS :: STRING NOT NULL"
        return f"MATCH (n:{self.label}) WHERE {told} {_in_pieces('n', f'n.{self.key}, {bands}, {present}, {values}')}"

    def read_foreign(self) -> str:
        """Of the given keys, nodes that others made: key, band labels and own-named properties that they have."""
        return (
            f"UNWIND $keys AS key MATCH (n:{self.label} {{{self.key}: key}}) WHERE n.{RUN} IS NULL "
            "RETURN key, [l IN labels(n) WHERE l IN $bands], [p IN keys(n) WHERE p IN $names]"
        )

    def create(self) -> str:
        """Rows as `created` gives them → new nodes; counts those that were new."""
        sets = ", ".join(f"n.{name} = {value}" for name, value in _written(self.properties, 2))
        return (
            f"UNWIND $rows AS row MERGE (n:{self.label} {{{self.key}: row[0]}}) ON CREATE SET n.{OWNS} = '{WHOLE}' "
            f"WITH n, row WHERE n.{OWNS} = '{WHOLE}' AND n.{RUN} IS NULL SET {sets} SET n:$(row[1]) RETURN count(*)"
        )

    def created(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Rows with labels and values as `create` takes them."""
        return [[row["key"], row["labels"], *_cells(self.properties, row["values"])] for row in rows]

    def amend(self) -> str:
        """Rows with changed values, labels and labels to remove → changed nodes; counts them."""
        return (
            f"UNWIND $rows AS row MATCH (n:{self.label} {{{self.key}: row.key}}) "
            "SET n += row.values SET n:$(row.labels) REMOVE n:$(row.unlabel) RETURN count(*)"
        )

    def restore(self) -> str:
        """The same for nodes that went since; what others put there meanwhile under a name of ours stays theirs."""
        return f"""
            UNWIND $rows AS row MERGE (n:{self.label} {{{self.key}: row.key}})
            WITH n, row, [p IN keys(row.values) WHERE n[p] IS NOT NULL] AS theirs, [l IN row.labels WHERE l IN labels(n)] AS marked
            WITH n, row, size(theirs) + size(marked) > 0 AS shared, [l IN row.labels WHERE NOT l IN marked | ':' + l] AS labels,
                 [p IN keys(row.values) WHERE NOT p IN theirs AND NOT p IN ['{OWNS}', '{RUN}']] AS mine
            SET n.{RUN} = row.values.{RUN}, n.{OWNS} = CASE WHEN shared
                THEN substring(reduce(text = '', one IN mine + labels | text + ',' + one), 1) ELSE row.values.{OWNS} END
            FOREACH (p IN mine | SET n[p] = row.values[p])
            SET n:$(row.labels) RETURN count(*)"""

    def remove(self) -> str:
        """Rows → own nodes gone; those that carry anything of others only lose what is graphdet's. Counts both."""
        return f"""
            UNWIND $rows AS row MATCH (n:{self.label} {{{self.key}: row.key}}) WHERE n.{RUN} IS NOT NULL
            WITH n, CASE WHEN n.{OWNS} = '{WHOLE}' THEN $own ELSE split(n.{OWNS}, ',') END AS own,
                 n.{OWNS} = '{WHOLE}' AND NOT EXISTS {{ (n)--() }} AND all(p IN keys(n) WHERE p IN $names)
                 AND all(l IN labels(n) WHERE l = $label OR l IN $bands) AS gone
            WITH n, gone, CASE WHEN gone THEN [] ELSE ['{OWNS}', '{RUN}'] + [p IN own WHERE p <> '' AND NOT p STARTS WITH ':'] END
                 AS properties,
                 CASE WHEN gone THEN [] ELSE [p IN own WHERE p STARTS WITH ':' | substring(p, 1)] END AS labels
            FOREACH (p IN properties | REMOVE n[p])
            FOREACH (l IN labels | REMOVE n:$(l))
            FOREACH (_ IN CASE WHEN gone THEN [1] ELSE [] END | DELETE n)
            RETURN count(*)"""

    @property
    def own(self) -> list[str]:
        """Everything that OWNS stands for on a node that graphdet made."""
        return [*(one.name for one in self.properties[2:]), *(f":{band}" for band in BANDS)]


@dataclass(frozen=True)
class RelationKind:
    """Relationships of one type between two labels, named by their ends and, where there may be several, by one property.

    Rows of the statements have `start`, `end`, `qualifier`, `run`: whose it is, and, where it is said, `values`. A relationship as an
    analyst saw it at a verdict stays beside the one that a later run tells: they differ by their run.
    """

    type: str
    start: NodeKind
    end: NodeKind
    properties: tuple[Property, ...]  # RUN first
    qualifier: str | None = None  # a property that tells parallel relationships apart
    name: str = field(init=False, default="")
    values: Any = field(init=False, repr=False, compare=False)  # the type of an element's values: a tuple with the properties' names

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.start.name}-{self.type}-{self.end.name}")
        object.__setattr__(self, "values", _values_type(self.properties))

    def statement(self, operation: str) -> str:
        """The statement that does one operation of a step."""
        return {"create": self.create, "amend": self.amend, "remove": self.remove}[operation]()

    @property
    def is_dated(self) -> bool:
        """Whether it has a moment at which it was first seen."""
        return "firstSeen" in self.values._fields

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.properties]

    def _match(self) -> str:
        told = f" AND r.{self.qualifier} = row.qualifier" if self.qualifier else ""
        told += f" AND (row.run IS NULL OR r.{RUN} = row.run)"  # journals of version 0.1 name no run
        return f"{self._ends()} MATCH (a)-[r:{self.type}]->(b) WHERE r.{RUN} IS NOT NULL{told} "

    def _ends(self) -> str:
        """Rows come in groups of one start, so that each start is looked up once."""
        return (
            f"UNWIND $rows AS group MATCH (a:{self.start.label} {{{self.start.key}: group.start}}) "
            f"UNWIND group.rows AS row MATCH (b:{self.end.label} {{{self.end.key}: row.end}}) "
        )

    def read_own(self) -> str:
        """Each start with its own relationships: end, qualifier, whether others put properties on it, values."""
        values = ", ".join(one.read("r") for one in self.properties)
        facts = (
            f"b.{self.end.key}, {f'r.{self.qualifier}' if self.qualifier else 'null'}, any(p IN keys(r) WHERE NOT p IN $names), {values}"
        )
        told = f"r.{RUN} IS NOT NULL AND b.{self.end.key} IS :: STRING NOT NULL"
        # Only the starts are gathered, so that the server never holds all relationships, and some of them share a record.
        return (
            f"MATCH (a:{self.start.label}) WHERE a.{self.start.key} IS :: STRING NOT NULL AND EXISTS {{ (a)-[:{self.type}]->() }} "
            f"WITH collect(a) AS found UNWIND range(0, size(found) - 1, {STARTS}) AS place "
            f"RETURN [a IN found[place..place + {STARTS}] | "
            f"[a.{self.start.key}, [(a)-[r:{self.type}]->(b:{self.end.label}) WHERE {told} | [{facts}]]]] AS starts"
        )

    def create(self) -> str:
        """Rows as `created` gives them → new relationships; counts them."""
        sets = ", ".join(f"{name}: {value}" for name, value in _written(self.properties, 1))
        return (
            f"UNWIND $rows AS group MATCH (a:{self.start.label} {{{self.start.key}: group[0]}}) "
            f"UNWIND group[1] AS row MATCH (b:{self.end.label} {{{self.end.key}: row[0]}}) "
            f"CREATE (a)-[r:{self.type} {{{sets}}}]->(b) RETURN count(*)"
        )

    def created(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Rows with values as `create` takes them, in groups of one start."""
        groups = groupby(rows, itemgetter("start"))
        return [[start, [[row["end"], *_cells(self.properties, row["values"])] for row in group]] for start, group in groups]

    def amend(self) -> str:
        """Rows as `amended` gives them → changed relationships; counts them."""
        moment = "CASE WHEN one[1] IS NULL THEN null ELSE datetime({epochSeconds: one[1], nanosecond: one[2]}) END"
        moments = f"FOREACH (one IN row.moments | SET r[one[0]] = {moment}) " if self.is_dated else ""
        return f"{self._match()} SET r += row.values {moments}RETURN count(*)"

    def amended(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Rows with changed values as `amend` takes them: the driver would make moments at great cost, the server does at little."""
        dated = {one.name for one in self.properties if one.moment}
        found = []
        for row in rows:
            moments = [[name, *_split(value)] for name, value in row["values"].items() if name in dated]
            values = {name: value for name, value in row["values"].items() if name not in dated}
            found.append({**row, "values": values, "moments": moments})
        return grouped(found)

    def remove(self) -> str:
        """Rows → own relationships gone; those with properties of others lose graphdet's alone."""
        bare = ", ".join(f"r.{name} = null" for name in self.names)
        return (
            f"{self._match()} WITH r, all(p IN keys(r) WHERE p IN $names) AS gone "
            "FOREACH (_ IN CASE WHEN gone THEN [1] ELSE [] END | DELETE r) "
            f"FOREACH (_ IN CASE WHEN NOT gone THEN [1] ELSE [] END | SET {bare}) RETURN count(*)"
        )


def _node_kind(node: NodeType | OwnNode, *names: str) -> NodeKind:
    return NodeKind(node.name, node.label, node.key, _properties(OWNS, RUN, *names))


RING_PROPERTIES = {
    "rank": "rank",
    "score": "score",
    "tier": "tier",
    "p_value": "pValue",
    "q_value": "qValue",
    "size": "size",
    "targets": "targets",
    "devices": "devices",
    "ips": "ips",
    "first_seen": "firstSeen",
    "last_seen": "lastSeen",
    "explanation": "explanation",
    "strength": "strength",
    "events": "events",
    "amount": "amount",
    "at_stake": "atStake",
    "density": "density",
    "dedication": "dedication",
    "taste": "taste",
    "standing": "standing",
    "chance": "chance",
    "chance_low": "chanceLow",
    "chance_high": "chanceHigh",
    "verdicts": "verdicts",
}  # column of `rings` → property

PEOPLE_AND_THINGS = {
    node.name: _node_kind(node, "fullId", "shortId", "caption", "score", "scoreRank", "degree", "embedding") for node in NODE_TYPES
}  # fullId: only where the id is too long to be a key
# closedBy: version 0.1 wrote it; it goes from what is pushed again
RING = _node_kind(RING_NODE, "shortId", "caption", "status", "notSeenSince", "closedBy", *RING_PROPERTIES.values())
RUN_KIND = _node_kind(
    RUN_NODE,
    "latest",
    "pushNumber",
    "pushedAt",
    "version",
    "seed",
    "scope",
    "rings",
    "alerts",
    "read",
    "accepted",
    "rejected",
    "discounted",
    "notes",
)
NODE_KINDS = {kind.name: kind for kind in (*PEOPLE_AND_THINGS.values(), RING, RUN_KIND)}

_USER = PEOPLE_AND_THINGS[USER]
_TOUCH = ("count", "firstSeen", "lastSeen", "amount")
_KINDS = (
    *(RelationKind(word, _USER, PEOPLE_AND_THINGS[ITEM], _properties(RUN, *_TOUCH)) for word in dict.fromkeys(ITEM_RELATIONS.values())),
    RelationKind(OTHER_ITEM_RELATION, _USER, PEOPLE_AND_THINGS[ITEM], _properties(RUN, *_TOUCH, "action"), "action"),
    *(RelationKind(word, _USER, PEOPLE_AND_THINGS[name], _properties(RUN, *_TOUCH)) for name, word in KEY_RELATIONS.items()),
    *(
        RelationKind(
            "MEMBER_OF", kind, RING, _properties(RUN, "role", "standing", "weak", "contribution", "events", "firstSeen", "lastSeen")
        )
        for kind in PEOPLE_AND_THINGS.values()
    ),
    RelationKind("COORDINATED_WITH", _USER, _USER, _properties(RUN, "evidence", "views", "meetings")),
    RelationKind("FOUND_IN", RING, RUN_KIND, _properties(RUN, *RING_PROPERTIES.values())),
    RelationKind("GAINS_FROM", PEOPLE_AND_THINGS["seller"], RING, _properties(RUN, "orders", "expected", "inflated", "amount", "atStake")),
)
RELATION_KINDS = {kind.name: kind for kind in _KINDS}


def relation_kind(verb: str, node_type: str) -> RelationKind:
    """The kind of a user's relation to a node, by the log's verb."""
    word = KEY_RELATIONS[node_type] if node_type in KEY_RELATIONS else ITEM_RELATIONS.get(verb, OTHER_ITEM_RELATION)
    return RELATION_KINDS[f"user-{word}-{node_type}"]
