"""Relations against a slow, obvious count, and a ring's networkx graph."""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.events.table import NO_TIME, EventTable
from graphdet.graph import Relation, build_graph, count_relations
from graphdet.schema import KEY_TYPES, NODE_TYPE, arrow_schema

MakeEvents = Callable[[Sequence[dict[str, Any]]], EventTable]

ROWS = st.lists(
    st.fixed_dictionaries(
        {"user": st.sampled_from("abc")},
        optional={
            "item": st.sampled_from("xyz"),
            "device": st.sampled_from("de"),
            "ip": st.sampled_from("pq"),
            "seller": st.just("s"),
            "payment": st.sampled_from("kl"),
            "address": st.just("home"),
            "time": st.integers(-5, 5) | st.none(),
            "action": st.sampled_from(["order", "view", NODE_TYPE["item"].verb]),
            "amount": st.sampled_from([0.5, 2.0, -1.0]) | st.none(),
        },
    ),
    max_size=30,
)


def by_hand(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str, str], list[dict[str, Any]]]:
    """(verb, node type, user, node) → its rows."""
    edges = defaultdict(list)
    for row in rows:
        for target in KEY_TYPES:
            if row.get(target) is not None:
                verb = row.get("action") or NODE_TYPE["item"].verb if target == "item" else NODE_TYPE[target].verb
                edges[verb, target, row["user"], row[target]].append(row)
    return dict(edges)


@given(ROWS)
@settings(deadline=None)  # the first call may compile
def test_relations_equal_the_obvious_count(make_events: MakeEvents, rows: list[dict[str, Any]]) -> None:
    events = make_events(rows)
    graph = build_graph(events)
    expected = by_hand(rows)
    assert {(relation.verb, relation.target) for relation in graph.relations} == {(verb, target) for verb, target, _, _ in expected}
    found = {}
    for relation in graph.relations:
        edges = graph.edges(relation)
        assert edges.start[0] == 0
        assert edges.start[-1] == len(edges)
        assert len(edges.start) == events.count("user") + 1
        for row in range(events.count("user")):
            assert np.all(np.diff(edges.to[edges.start[row] : edges.start[row + 1]]) > 0)
        for index in range(len(edges)):
            user = graph.ids["user"][int(edges.rows[index])].as_py()
            node = graph.ids[relation.target][int(edges.to[index])].as_py()
            found[relation.verb, relation.target, user, node] = (edges, index)
        assert count_relations(events)[relation] == edges.count.sum()
    assert set(found) == set(expected)
    for edge, (edges, index) in found.items():
        own = expected[edge]
        assert edges.count[index] == len(own)
        times = [row["time"] * 1_000_000 for row in own if row.get("time") is not None]
        if edges.first is not None and edges.last is not None:
            assert edges.first[index] == (min(times) if times else NO_TIME)
            assert edges.last[index] == (max(times) if times else NO_TIME)
        else:
            assert not times
        amounts = [row["amount"] for row in own if row.get("amount") is not None]
        if edges.amount is not None:
            assert edges.amount[index] == pytest.approx(sum(amounts) if amounts else math.nan, nan_ok=True)
        else:
            assert not amounts


@given(ROWS)
@settings(deadline=None)  # the first call may compile
def test_transposed_twice_is_the_same(make_events: MakeEvents, rows: list[dict[str, Any]]) -> None:
    events = make_events(rows)
    graph = build_graph(events)
    for relation in graph.relations:
        edges, turned = graph.edges(relation), graph.edges(relation, transposed=True)
        assert {(a, b) for a, b in zip(edges.rows, edges.to, strict=True)} == {(b, a) for a, b in zip(turned.rows, turned.to, strict=True)}
        back = turned.transposed(events.count("user"))
        for name in ("start", "to", "count", "first", "last", "amount"):
            np.testing.assert_array_equal(getattr(back, name), getattr(edges, name))


def test_edges_are_built_once_and_unknown_relations_are_named(make_events: MakeEvents) -> None:
    graph = build_graph(make_events([{"user": "a", "item": "x", "action": "order"}]))
    order = graph.relation("user-order-item")
    assert order.triple == ("user", "order", "item")
    assert graph.edges(order) is graph.edges(order)
    with pytest.raises(KeyError, match=r"no relation 'user-refund-item'; this log has user-order-item"):
        graph.edges(Relation("item", "refund"))


RING = [
    {"user": "a", "item": "x", "device": "d", "time": 0, "action": "order", "amount": 5.0},
    {"user": "a", "item": "x", "device": "d", "time": 60, "action": "order", "amount": 7.0},
    {"user": "a", "item": "x", "time": 30, "action": "view"},
    {"user": "b", "item": "x", "device": "d", "time": 5, "action": "order"},
    {"user": "b", "item": "outside", "time": 5, "action": "order"},
    {"user": "stranger", "item": "x", "device": "d", "time": 5, "action": "order"},
]


def ring_members(*members: tuple[str, str, str], ring_id: str = "r") -> pa.Table:
    rows = [
        {"ring_id": ring_id, "node_type": node_type, "node_id": node_id, "role": role, "contribution": 1.0, "events": 1}
        for node_type, node_id, role in members
    ]
    return pa.Table.from_pylist(rows, arrow_schema("members"))


MEMBERS = ring_members(("user", "a", "core"), ("user", "b", "attached"), ("item", "x", "target"), ("device", "d", "shared_device"))


def test_a_ring_is_cut_out_as_a_networkx_graph(make_events: MakeEvents) -> None:
    ring = build_graph(make_events(RING)).subgraph(MEMBERS)
    assert dict(ring.nodes(data=True)) == {
        "user:a": {"type": "user", "id": "a", "role": "core"},
        "user:b": {"type": "user", "id": "b", "role": "attached"},
        "item:x": {"type": "item", "id": "x", "role": "target"},
        "device:d": {"type": "device", "id": "d", "role": "shared_device"},
    }
    midnight, minute = "1970-01-01T00:00:00+00:00", "1970-01-01T00:01:00+00:00"
    assert {(a, b, key): facts for a, b, key, facts in ring.edges(keys=True, data=True)} == {
        ("user:a", "item:x", "user-order-item"): {"count": 2, "first": midnight, "last": minute, "amount": 12.0},
        ("user:a", "item:x", "user-view-item"): {
            "count": 1,
            "first": "1970-01-01T00:00:30+00:00",
            "last": "1970-01-01T00:00:30+00:00",
        },
        ("user:a", "device:d", "user-used-device"): {"count": 2, "first": midnight, "last": minute, "amount": 12.0},
        ("user:b", "item:x", "user-order-item"): {"count": 1, "first": "1970-01-01T00:00:05+00:00", "last": "1970-01-01T00:00:05+00:00"},
        ("user:b", "device:d", "user-used-device"): {"count": 1, "first": "1970-01-01T00:00:05+00:00", "last": "1970-01-01T00:00:05+00:00"},
    }


def test_the_ring_graph_can_be_written_as_graphml(make_events: MakeEvents) -> None:
    ring = build_graph(make_events(RING)).subgraph(MEMBERS)
    file = io.BytesIO()
    nx.write_graphml(ring, file)
    file.seek(0)
    again = nx.read_graphml(file, force_multigraph=True)
    assert set(again.nodes) == set(ring.nodes)
    assert again.number_of_edges() == ring.number_of_edges() == 5


def test_members_of_another_log_or_of_several_rings_are_refused(make_events: MakeEvents) -> None:
    graph = build_graph(make_events(RING))
    with pytest.raises(ValueError, match="in no event of this log"):
        graph.subgraph(ring_members(("user", "nobody", "core")))
    with pytest.raises(ValueError, match="no nodes of type 'seller'"):
        graph.subgraph(ring_members(("seller", "s", "shared_seller")))
    with pytest.raises(ValueError, match="several rings"):
        graph.subgraph(pa.concat_tables([MEMBERS, ring_members(("user", "a", "core"), ring_id="other")]))
