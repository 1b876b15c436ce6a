"""`EventTable` → `FraudGraph`: typed nodes and the relations between users and everything they touch.

A relation is built when first asked for, by counting sorts alone, so that 10 million events take seconds and nobody pays for
what they do not use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet import _kernels
from graphdet.events.table import NO_TIME, EventTable
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE

if TYPE_CHECKING:
    import networkx as nx

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Relation:
    """Users' edges to nodes of one type; to items there is one relation for each action."""

    target: str  # node type
    verb: str

    @property
    def name(self) -> str:
        """Such as 'user-order-item'."""
        return "-".join(self.triple)

    @property
    def triple(self) -> tuple[str, str, str]:
        """(source node type, verb, target node type), as heterogeneous graph libraries name a relation."""
        return ("user", self.verb, self.target)


@dataclass(frozen=True)
class Edges:
    """The m edges of one relation in compressed sparse rows: row r's edges are those from `start[r]` to `start[r + 1]`.

    Attributes:
        start: (rows + 1,) int64.
        to: (m,) int32, the node at the other end; ascending within a row.
        count: (m,) int64, events of the edge.
        first, last: (m,) int64 microseconds since 1970 UTC, `NO_TIME` where no event of the edge has one; None for a log without times.
        amount: (m,) float64, the sum over the edge's events, NaN where none has one; None for a log without amounts.
    """

    start: npt.NDArray[np.int64]
    to: npt.NDArray[np.int32]
    count: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64] | None
    last: npt.NDArray[np.int64] | None
    amount: npt.NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.to)

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """(m,) int32, the row of each edge; with `to`, the edge list."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    def transposed(self, size: int) -> Edges:
        """The same edges with `size` target nodes as rows and users at the other end."""
        start, order = _kernels.group_rows(self.to, size)
        return Edges(
            start,
            self.rows[order],
            self.count[order],
            None if self.first is None else self.first[order],
            None if self.last is None else self.last[order],
            None if self.amount is None else self.amount[order],
        )


@dataclass(frozen=True)
class FraudGraph:
    """A log as a graph: node i of a type is the i-th of `ids[type]`, and edges lead from users to all other types.

    Attributes:
        events: the log.
        relations: those that have an edge, in a fixed order.
    """

    events: EventTable
    relations: tuple[Relation, ...]
    _edges: dict[tuple[Relation, bool], Edges] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ids(self) -> Mapping[str, pa.StringArray]:
        """Node type → its ids."""
        return self.events.ids

    def relation(self, name: str) -> Relation:
        """The relation of a name such as 'user-order-item'.

        Raises:
            KeyError: the log has no such relation.
        """
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise KeyError(f"no relation {name!r}; this log has {', '.join(relation.name for relation in self.relations)}")

    def edges(self, relation: Relation, transposed: bool = False) -> Edges:
        """The relation's edges with users as rows, or with its target nodes as rows; built once and kept.

        Raises:
            KeyError: the log has no such relation.
        """
        found = self._edges.get((relation, transposed))
        if found is None:
            self.relation(relation.name)
            if transposed:
                found = self.edges(relation).transposed(self.events.count(relation.target))
            else:
                found = _edges(self.events, relation, np.flatnonzero(_belongs(self.events, relation)))
            self._edges[relation, transposed] = found
        return found

    def edges_of(self, relation: Relation, rows: npt.NDArray[np.int64]) -> Edges:
        """The relation's edges that the chosen events (ascending rows of the log) make; built anew each time."""
        return _edges(self.events, relation, rows[_belongs(self.events, relation, rows)])

    def subgraph(self, members: pa.Table) -> nx.MultiGraph[str]:
        """One ring as a networkx graph that any networkx writer (GraphML, GEXF, JSON) can save.

        Args:
            members: the ring's rows of `Run.members` (`node_type`, `node_id`, `role`), such as `run.ring("1").members`.

        Returns:
            Nodes 'type:id' with `type`, `id` and `role`; edges between the ring's users and its other nodes, one for each relation
            (its name is the edge's key), with `count` and, where the log has them, `first` and `last` (ISO 8601, UTC) and `amount`.

        Raises:
            ValueError: the members are of several rings, or one of them is not in this log.
        """
        import networkx as nx  # an extra's: only pictures and exports of one ring need it

        if "ring_id" in members.schema.names and len(members["ring_id"].unique()) > 1:
            raise ValueError("members of one ring are needed (found several rings); filter by ring_id first")
        graph: nx.MultiGraph[str] = nx.MultiGraph()
        inside = {name: np.zeros(self.events.count(name), dtype=bool) for name in self.ids}
        rows = members.select(["node_type", "node_id", "role"])
        for node_type in rows["node_type"].unique().to_pylist():
            own = rows.filter(pc.equal(rows["node_type"], node_type))
            codes = _positions(self.events, node_type, own["node_id"])
            inside[node_type][codes] = True
            for node_id, role in zip(own["node_id"].to_pylist(), own["role"].to_pylist(), strict=True):
                graph.add_node(f"{node_type}:{node_id}", type=node_type, id=node_id, role=role)
        by_members = inside["user"][self.events.codes["user"]]
        for relation in self.relations:
            if inside[relation.target].any():
                chosen = np.flatnonzero(by_members & _belongs(self.events, relation))
                chosen = chosen[inside[relation.target][self.events.codes[relation.target][chosen]]]
                _add_edges(graph, self.events, relation, _edges(self.events, relation, chosen))
        return graph


def build_graph(events: EventTable) -> FraudGraph:
    """The graph of a log; cheap, since relations are built when asked for."""
    return FraudGraph(events, tuple(relation for relation, count in count_relations(events).items() if count))


def count_relations(events: EventTable) -> dict[Relation, int]:
    """How many events each relation of the log has."""
    counts: dict[Relation, int] = {}
    for target in KEY_TYPES:
        if target not in events.ids:
            continue
        present = events.codes[target] >= 0
        if target == ITEM:
            by_action = np.bincount(events.action[present] + 1, minlength=len(events.actions) + 1)
            words = (NODE_TYPE[ITEM].verb, *events.actions)
            for word, count in zip(words, by_action.tolist(), strict=True):
                counts[Relation(target, word)] = counts.get(Relation(target, word), 0) + count
        else:
            counts[Relation(target, NODE_TYPE[target].verb)] = int(present.sum())
    return {relation: count for relation, count in counts.items() if count}


def _belongs(events: EventTable, relation: Relation, rows: npt.NDArray[np.int64] | slice = slice(None)) -> npt.NDArray[np.bool_]:
    present = events.codes[relation.target][rows] >= 0
    if relation.target != ITEM:
        return present
    chosen = np.array([word == relation.verb for word in (*events.actions, NODE_TYPE[ITEM].verb)])
    return np.asarray(present & chosen[events.action[rows]])  # code −1, no action, is the last word


def _edges(events: EventTable, relation: Relation, rows: npt.NDArray[np.int64]) -> Edges:
    """The edges that the given events (ascending, so in order of time) make."""
    timed, paid = events.time is not None, events.amount is not None
    start, to, count, first, last, amount = _kernels.fold_edges(
        events.codes["user"],
        events.codes[relation.target],
        rows,
        events.count("user"),
        events.count(relation.target),
        events.time if events.time is not None else np.empty(0, np.int64),
        events.amount if events.amount is not None else np.empty(0),
    )
    return Edges(start, to, count, first if timed else None, last if timed else None, amount if paid else None)


def _positions(events: EventTable, node_type: str, names: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    if node_type not in NODE_TYPE or node_type not in events.ids:
        raise ValueError(f"this log has no nodes of type {node_type!r}")
    found = pc.index_in(names, value_set=events.ids[node_type])
    if found.null_count:
        raise ValueError(f"{found.null_count} of the members are in no event of this log (type {node_type})")
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _add_edges(graph: nx.MultiGraph[str], events: EventTable, relation: Relation, edges: Edges) -> None:
    users = events.ids["user"].take(pa.array(edges.rows)).to_pylist()
    others = events.ids[relation.target].take(pa.array(edges.to)).to_pylist()
    for index, (user, other) in enumerate(zip(users, others, strict=True)):
        facts: dict[str, int | float | str] = {"count": int(edges.count[index])}
        for name, times in (("first", edges.first), ("last", edges.last)):
            if times is not None and times[index] != NO_TIME:
                facts[name] = (EPOCH + timedelta(microseconds=int(times[index]))).isoformat()
        if edges.amount is not None and not np.isnan(edges.amount[index]):
            facts["amount"] = float(edges.amount[index])
        graph.add_edge(f"user:{user}", f"{relation.target}:{other}", key=relation.name, **facts)
