"""`Run` → `Picture`: every node and relationship that the database should hold for it, keyed as the database keys them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.errors import NotARun
from graphdet.run.folder import Run
from graphdet.schema import NODE_TYPE, RISK_BANDS
from graphdet.store.crowds import within_cores
from graphdet.store.gains import measure_gains
from graphdet.store.kinds import NODE_KINDS, PEOPLE_AND_THINGS, RELATION_KINDS, RING_PROPERTIES, WHOLE, relation_kind

Scope = Literal["rings", "graph"]
Values = Any  # a tuple with the names of the kind's properties: `NodeKind.values` or `RelationKind.values`
NodeState = tuple[tuple[str, ...], Values]  # band labels, values
RelationKey = tuple[str, str, str | None]  # start, end, qualifier

LONGEST_KEY = 2000  # bytes: an index of the database takes no more than about 8,000
SHORT = 12  # letters of an id in a table
LINE = 7  # letters on one line in a circle of Browser
FOUND, NOT_SEEN = "found", "not seen since"  # status of a ring: the latest run has it, or some run before
MOST_DISCOUNTED = 500  # cells that are listed on the run's node, largest first


@dataclass(frozen=True)
class Picture:
    """What a database should hold: kind → key → state."""

    nodes: dict[str, dict[str, NodeState]]
    relations: dict[str, dict[RelationKey, Values]]
    describe: Callable[[str, str], NodeState]  # node type, id → the state that any other node of the log would have
    dimensions: int | None = None  # of the embeddings, where there are any
    notes: tuple[str, ...] = ()

    def size(self) -> int:
        """Nodes and relationships in all."""
        return sum(len(states) for states in self.nodes.values()) + sum(len(states) for states in self.relations.values())


def database_key(name: str) -> str:
    """The id as a key: itself, or its start and a digest where it is too long for an index."""
    data = name.encode()
    if len(data) <= LONGEST_KEY:
        return name
    return f"{name[:200]}…{hashlib.sha256(data).hexdigest()}"


def short_id(name: str) -> str:
    """The id as a table holds it: itself, or its first and last letters, which are what ids of one kind differ in."""
    return name if len(name) <= SHORT else f"{name[:5]}…{name[-6:]}"


def circle_text(name: str) -> str:
    """The id as a circle of Browser holds it: on two lines, which it parts at a space; a word too long for its line loses its end there."""
    if len(name) > SHORT:
        return f"{name[:4]}… {name[-4:]}"
    if len(name) <= LINE or " " in name:
        return name
    middle = min(range(3, len(name) - 2), key=lambda place: (name[place - 1].isalnum(), abs(2 * place - len(name)), -place))
    return f"{name[:middle]} {name[middle:]}"


def band_of(score: float | None) -> tuple[str, ...]:
    """The label of the risk band that a score falls in, none for no score."""
    if score is None:
        return ()
    return (next(label for label, least in reversed(RISK_BANDS) if score >= least),)


def draw(run: Run, scope: Scope = "rings", relations: pa.Table | None = None) -> Picture:
    """The picture of a run.

    Args:
        run: its rings, members, evidence and scores, and its embeddings where it has some.
        scope: 'rings' for the rings and their surroundings, 'graph' for every scored node too.
        relations: schema OPTIONAL_RUN_TABLES["relations"]; the run's own where None.
    """
    asked_for, notes = relations is not None, []
    relations = run.relations if relations is None else relations
    if relations is None:
        notes.append("this run has no relations table (an older graphdet made it): only rings, members and evidence are written")
        relations = pa.table({"user_id": pa.array([], pa.string())}).slice(0, 0)
    members, evidence, bounded, left_out = within_cores(run, relations)
    relations = relations if asked_for else bounded
    notes += left_out
    embeddings, dimensions = _embeddings(run.embeddings)
    if not embeddings:
        notes.append("this run has no embeddings: no look-alike search")
    describe = _describer(run, relations, embeddings)
    nodes: dict[str, dict[str, NodeState]] = {}
    for node_type, names in _ids(members, evidence, relations, run.scores if scope == "graph" else None).items():
        nodes[node_type] = {database_key(name): describe(node_type, name) for name in sorted(names)}
    nodes["ring"] = {row["ring_id"]: ((), _ring_values(run.id, row)) for row in run.rings.to_pylist()}
    nodes["run"] = {run.id: ((), _run_values(run, scope))}
    edges: dict[str, dict[RelationKey, Values]] = {name: {} for name in RELATION_KINDS}
    _add_touches(edges, run.id, relations)
    for row in _rows(members):
        kind = RELATION_KINDS[f"{row['node_type']}-MEMBER_OF-ring"]
        edges[kind.name][database_key(row["node_id"]), row["ring_id"], None] = kind.values(
            graphdetRun=run.id,
            role=row["role"],
            standing=row["standing"],
            weak=row["weak"].split(",") if row["weak"] else None,
            contribution=row["contribution"],
            events=row["events"],
            firstSeen=row["first_seen"],
            lastSeen=row["last_seen"],
        )
    edges["user-COORDINATED_WITH-user"] = _coordination(run.id, evidence)
    found_in = RELATION_KINDS["ring-FOUND_IN-run"]
    for ring_id, (_, values) in nodes["ring"].items():
        told = {name: getattr(values, name) for name in RING_PROPERTIES.values()}
        edges[found_in.name][ring_id, run.id, None] = found_in.values(graphdetRun=run.id, **told)
    _add_gains(edges, nodes, run, describe)
    return Picture(nodes, edges, describe, dimensions, tuple(notes))


def _ids(members: pa.Table, evidence: pa.Table, relations: pa.Table, scores: pa.Table | None) -> dict[str, set[str]]:
    """Node type → ids of the nodes to write."""
    found: dict[str, set[str]] = {name: set() for name in PEOPLE_AND_THINGS}
    sources = [members]
    if relations.num_rows:
        sources.append(relations)
        found["user"].update(pc.unique(relations["user_id"]).to_pylist())
    if scores is not None:
        sources.append(scores)
    for table in sources:
        for node_type in pc.unique(table["node_type"]).to_pylist():
            own = table["node_id"].filter(pc.equal(table["node_type"], node_type))
            found[node_type].update(pc.unique(own).to_pylist())
    found["user"].update(pc.unique(evidence["user_a"]).to_pylist(), pc.unique(evidence["user_b"]).to_pylist())
    return found


def _describer(run: Run, relations: pa.Table, embeddings: dict[tuple[str, str], list[float]]) -> Callable[[str, str], NodeState]:
    scores: dict[str, dict[str, tuple[float, int]]] = {}
    degrees: dict[str, dict[str, int]] = {}
    for node_type in PEOPLE_AND_THINGS:
        own = run.scores.filter(pc.equal(run.scores["node_type"], node_type))
        told = zip(own["score"].to_pylist(), own["rank"].to_pylist(), strict=True)
        scores[node_type] = dict(zip(own["node_id"].to_pylist(), told, strict=True))
        degrees[node_type] = _degrees(relations, node_type)

    def describe(node_type: str, name: str) -> NodeState:
        score, rank = scores[node_type].get(name, (None, None))
        full = None if len(name) * 4 <= LONGEST_KEY or database_key(name) == name else name
        values = PEOPLE_AND_THINGS[node_type].values(
            graphdetOwns=WHOLE,
            graphdetRun=run.id,
            fullId=full,
            shortId=short_id(name),
            caption=circle_text(name),
            score=score,
            scoreRank=rank,
            degree=degrees[node_type].get(name),
            embedding=embeddings.get((node_type, name)),
        )
        return band_of(score) if node_type == "user" else (), values

    return describe


def _degrees(relations: pa.Table, node_type: str) -> dict[str, int]:
    """Node → relations that it has in the whole log, where the table tells."""
    if not relations.num_rows:
        return {}
    if node_type == "user":
        own, name, degree = relations, "user_id", "user_degree"
    else:
        own, name, degree = relations.filter(pc.equal(relations["node_type"], node_type)), "node_id", "node_degree"
    told = own.group_by(name).aggregate([(degree, "max")])
    return {key: value for key, value in zip(told[name].to_pylist(), told[f"{degree}_max"].to_pylist(), strict=True) if value is not None}


def _add_touches(edges: dict[str, dict[RelationKey, Values]], run_id: str, relations: pa.Table) -> None:
    if not relations.num_rows:
        return
    pairs = relations.select(["node_type", "verb"]).group_by(["node_type", "verb"]).aggregate([]).sort_by("node_type")
    for pair in pairs.to_pylist():
        node_type, verb = pair["node_type"], pair["verb"]
        own = relations.filter(pc.and_(pc.equal(relations["node_type"], node_type), pc.equal(relations["verb"], verb)))
        kind = relation_kind(verb, node_type)
        states = edges[kind.name]
        users, nodes = _keys(own["user_id"]), _keys(own["node_id"])
        amounts = [None if amount is None or math.isnan(amount) else amount for amount in own["amount"].to_pylist()]
        columns = (own["count"].to_pylist(), _moments(own["first_seen"]), _moments(own["last_seen"]), amounts)
        qualifier = verb if kind.qualifier else None
        make = partial(kind.values, graphdetRun=run_id, **({kind.qualifier: verb} if kind.qualifier else {}))
        for user, node, count, first, last, amount in zip(users, nodes, *columns, strict=True):
            states[user, node, qualifier] = make(count=count, firstSeen=first, lastSeen=last, amount=amount)


def _add_gains(
    edges: dict[str, dict[RelationKey, Values]], nodes: dict[str, dict[str, NodeState]], run: Run, describe: Callable[[str, str], NodeState]
) -> None:
    """Which sellers gain by which ring, and those sellers where nothing else names them."""
    kind = RELATION_KINDS["seller-GAINS_FROM-ring"]
    for gain in measure_gains(run):
        key = database_key(gain.seller)
        nodes["seller"].setdefault(key, describe("seller", gain.seller))
        told = {"orders": gain.orders, "expected": gain.expected, "inflated": gain.inflated, "amount": gain.amount}
        edges[kind.name][key, gain.ring, None] = kind.values(graphdetRun=run.id, atStake=gain.at_stake, **told)


def _keys(column: pa.ChunkedArray) -> list[str]:
    """The column as keys; equal ids become one string, which saves memory."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = [database_key(word) for word in encoded.dictionary.to_pylist()]
    return [words[place] for place in encoded.indices.to_pylist()]


def _moments(column: pa.ChunkedArray) -> list[int | None]:
    moments: list[int | None] = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return moments


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows with moments as microseconds."""
    for name in table.schema.names:
        if pa.types.is_timestamp(table.schema.field(name).type):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, table[name].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _ring_values(run_id: str, row: dict[str, Any]) -> Values:
    values = {}
    for column, name in RING_PROPERTIES.items():
        value = row[column]
        if column in ("first_seen", "last_seen") and value is not None:
            value = pa.scalar(value, pa.timestamp("us", tz="UTC")).value
        values[name] = None if isinstance(value, float) and not math.isfinite(value) else value
    told = {
        "shortId": short_id(row["ring_id"]),
        "caption": circle_text(row["ring_id"]),
        "status": FOUND,
        "notSeenSince": None,
        "closedBy": None,
    }
    return NODE_KINDS["ring"].values(graphdetOwns=WHOLE, graphdetRun=run_id, **told, **values)


def _run_values(run: Run, scope: Scope) -> Values:
    counts = run.meta["counts"]
    cells = sorted(run.meta["discounted"], key=lambda cell: -float(cell.get("size", 0)))[:MOST_DISCOUNTED]
    discounted = [", ".join(f"{name}: {value}" for name, value in cell.items()) for cell in cells]
    tiers = run.rings["tier"].to_pylist()
    found = {
        "latest": True,
        "pushNumber": None,  # the push fills these two in
        "pushedAt": None,
        "version": run.meta["version"],
        "seed": run.meta["seed"],
        "scope": scope,
        "rings": len(tiers),
        "alerts": tiers.count("alert"),
        "read": counts["read"],
        "accepted": counts["accepted"],
        "rejected": counts["rejected"],
        "discounted": discounted or None,
        "notes": [str(note) for note in run.meta["notes"]] or None,
    }
    return NODE_KINDS["run"].values(graphdetOwns=WHOLE, graphdetRun=run.id, **found)


def _coordination(run_id: str, evidence: pa.Table) -> dict[RelationKey, Values]:
    """Pair of users → summed evidence, views and number of keys; a key that two rings count is counted once."""
    keys = evidence.group_by(["user_a", "user_b", "view", "key"]).aggregate([("evidence", "max")])
    order = [("user_a", "ascending"), ("user_b", "ascending"), ("view", "ascending"), ("key", "ascending")]
    kind = RELATION_KINDS["user-COORDINATED_WITH-user"]
    parts: dict[RelationKey, list[float]] = {}
    views: dict[RelationKey, set[str]] = {}
    for row in keys.sort_by(order).to_pylist():
        pair = (database_key(row["user_a"]), database_key(row["user_b"]), None)
        parts.setdefault(pair, []).append(row["evidence_max"])
        views.setdefault(pair, set()).add(row["view"])
    return {
        pair: kind.values(graphdetRun=run_id, evidence=math.fsum(own), views=sorted(views[pair]), meetings=len(own))
        for pair, own in parts.items()
    }


def _embeddings(table: pa.Table | None) -> tuple[dict[tuple[str, str], list[float]], int | None]:
    """(type, id) → floats, and their number; nothing where the run has none."""
    if table is None or not table.num_rows:
        return {}, None
    if not pc.all(pc.is_finite(pc.list_flatten(table["embedding"])), min_count=0).as_py():
        raise NotARun("damaged run: it holds embeddings with what is no number; run `graphdet run` again.")
    vectors = table["embedding"].to_pylist()
    lengths = {len(vector) for vector in vectors if vector is not None}
    if len(lengths) != 1 or not set(pc.unique(table["node_type"]).to_pylist()) <= set(NODE_TYPE):
        raise NotARun("damaged run: it holds embeddings of different lengths or unknown node types; run `graphdet run` again.")
    names = zip(table["node_type"].to_pylist(), table["node_id"].to_pylist(), strict=True)
    return {name: vector for name, vector in zip(names, vectors, strict=True) if vector is not None}, lengths.pop()
