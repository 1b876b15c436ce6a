"""Events and ring members → the relations around the rings: what members did, and who else uses what they share.

A hub is cut to its strongest relations and keeps its true degree, so that one popular item does not drag the whole log along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.errors import RunError
from graphdet.events import NO_TIME, EventTable, read_events
from graphdet.graph import Edges, FraudGraph, Relation, build_graph
from graphdet.name_columns import named, repeated
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.schema import arrow_schema
from graphdet.settings import parse_settings
from graphdet.signals import with_meeting_places


def ring_relations(events: EventTable, members: pa.Table, most_per_user: int = 200, most_per_node: int = 25) -> pa.Table:
    """The relations of ring members, and of others with what the rings share.

    Args:
        events: the log.
        members: `Run.members` of the same log.
        most_per_user: relations of one kind that a member keeps with nodes outside all rings, those with most events first.
        most_per_node: relations of one kind that a shared node keeps with users outside all rings, those with most events first.

    Returns:
        schema OPTIONAL_RUN_TABLES["relations"], ordered by node type, verb, user and node; relations between a member and a shared
        node are all there.

    Raises:
        ValueError: a member is in no event of this log.
    """
    inside = _members_of(events, members)
    kept = []
    degrees = {name: np.zeros(events.count(name), np.int64) for name in events.ids}
    graph = build_graph(events)
    by_member = inside["user"][events.codes["user"]]
    touched = {
        name: np.flatnonzero((by_member | inside[name][codes]) & (codes >= 0)) for name, codes in events.codes.items() if name != "user"
    }
    for relation in graph.relations:
        edges = graph.edges_of(relation, touched[relation.target])
        user, node = edges.rows, edges.to
        # All events of members and of shared nodes are among the chosen, so their degrees are those of the whole log.
        degrees["user"] += np.bincount(user, minlength=events.count("user"))
        degrees[relation.target] += np.bincount(node, minlength=events.count(relation.target))
        of_member, of_shared = inside["user"][user], inside[relation.target][node]
        few = _strongest(user, edges.count, node, of_member & ~of_shared, most_per_user)
        few |= _strongest(node, edges.count, user, of_shared & ~of_member, most_per_node)
        kept.append(_Kept.of(relation, edges, user, few | (of_member & of_shared)))
    return _as_table(events, kept, degrees, inside)


def all_relations(graph: FraudGraph) -> pa.Table:
    """Every relation of a log, in the same form, with the degrees of all nodes; for the whole graph, not for a day's work."""
    everything = {name: np.ones(graph.events.count(name), dtype=bool) for name in graph.ids}
    degrees = {name: np.zeros(graph.events.count(name), np.int64) for name in graph.ids}
    kept = []
    for relation in graph.relations:
        edges = graph.edges(relation)
        user = edges.rows
        degrees["user"] += np.bincount(user, minlength=len(degrees["user"]))
        degrees[relation.target] += np.bincount(edges.to, minlength=len(degrees[relation.target]))
        kept.append(_Kept.of(relation, edges, user, np.ones(len(edges), dtype=bool)))
    return _as_table(graph.events, kept, degrees, everything)


def _members_of(events: EventTable, members: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
    inside = {name: np.zeros(events.count(name), dtype=bool) for name in events.ids}
    for node_type in members["node_type"].unique().to_pylist():
        own = pc.unique(members["node_id"].filter(pc.equal(members["node_type"], node_type)))
        if node_type not in events.ids:
            raise ValueError(f"this log has no nodes of type {node_type!r}, but the rings do")
        inside[node_type] = pc.is_in(events.ids[node_type], value_set=own).to_numpy(zero_copy_only=False)
        missing = len(own) - int(inside[node_type].sum())
        if missing:
            raise ValueError(f"{missing} of the members are in no event of this log (type {node_type})")
    return inside


def _strongest(
    group: npt.NDArray[np.int32],
    count: npt.NDArray[np.int64],
    other: npt.NDArray[np.int32],
    among: npt.NDArray[np.bool_],
    most: int,
) -> npt.NDArray[np.bool_]:
    """Marks, in each group, the `most` edges with the highest count, ties by the other end."""
    chosen = among.copy()
    at = np.flatnonzero(among)
    at = at[np.bincount(group[at])[group[at]] > most] if len(at) else at  # all others are few enough
    chosen[at] = False
    at = at[np.lexsort((other[at], -count[at], group[at]))]
    starts = np.flatnonzero(np.diff(group[at], prepend=-1))
    place = np.arange(len(at)) - np.repeat(starts, np.diff(np.append(starts, len(at))))
    chosen[at[place < most]] = True
    return chosen


@dataclass(frozen=True)
class _Kept:
    """The edges of one relation that go into the table, by columns; the others need not wait in memory for the other relations."""

    relation: Relation
    user: Int32
    node: Int32
    count: Int64
    first: Int64 | None
    last: Int64 | None
    amount: Float64 | None

    @classmethod
    def of(cls, relation: Relation, edges: Edges, user: Int32, chosen: Bool) -> _Kept:
        """Those edges that are chosen; `user` is `edges.rows`."""
        first, last = (None if moments is None else moments[chosen] for moments in (edges.first, edges.last))
        amount = None if edges.amount is None else edges.amount[chosen]
        return cls(relation, user[chosen], edges.to[chosen], edges.count[chosen], first, last, amount)


def _as_table(events: EventTable, kept: Sequence[_Kept], degrees: Mapping[str, Int64], known: Mapping[str, Bool]) -> pa.Table:
    schema = arrow_schema("relations")
    pieces = []
    for own in sorted(kept, key=lambda one: (one.relation.target, one.relation.verb)):
        target, size = own.relation.target, len(own.user)
        columns = {
            "user_id": named(events.ids["user"], own.user),
            "verb": repeated(own.relation.verb, size),
            "node_type": repeated(target, size),
            "node_id": named(events.ids[target], own.node),
            "count": pa.array(own.count),
            "first_seen": _times(own.first, size),
            "last_seen": _times(own.last, size),
            "amount": pa.nulls(size, pa.float64()) if own.amount is None else pa.array(own.amount, from_pandas=True),
            "user_degree": pa.array(degrees["user"][own.user], mask=~known["user"][own.user]),
            "node_degree": pa.array(degrees[target][own.node], mask=~known[target][own.node]),
        }
        pieces.append(pa.table([columns[name] for name in schema.names], schema=schema))
    return pa.concat_tables(pieces) if pieces else schema.empty_table()


def _times(moments: Int64 | None, size: int) -> pa.Array:
    kind = arrow_schema("relations").field("first_seen").type
    return pa.nulls(size, kind) if moments is None else pa.array(moments, mask=moments == NO_TIME).cast(kind)


def relations_of_logs(run: Run, logs: Sequence[Path | str], progress: Progress | None = None) -> pa.Table:
    """All relations of the logs that a run was made from; the run itself keeps those of its rings.

    Raises:
        RunError: they are other logs.
    """
    progress = progress or Progress()
    settings = parse_settings(run.meta["settings"], "run.json")
    with progress.stage("read logs"):
        events = read_events(logs, settings.log)
    own = sorted(str(file["sha256"]) for file in run.meta["inputs"])
    if sorted(file.sha256 for file in events.report.files) != own:
        raise RunError("these are not the logs that the run was made from; give the same files, or leave --log out.")
    return all_relations(build_graph(with_meeting_places(events)))
