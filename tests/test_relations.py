"""The relations around rings against a slow count in pandas, from any log and with any limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.events.table import EventTable
from graphdet.graph import build_graph
from graphdet.pipeline import detect
from graphdet.run.relations import all_relations, ring_relations
from graphdet.schema import KEY_TYPES, NODE_TYPE, arrow_schema

MakeEvents = Callable[[Sequence[dict[str, Any]]], EventTable]
Rows = list[dict[str, Any]]

ROWS = st.lists(
    st.fixed_dictionaries(
        {"user": st.sampled_from("abcdef")},
        optional={
            "item": st.sampled_from("wxyz"),
            "device": st.sampled_from("de"),
            "seller": st.just("s"),
            "time": st.integers(-5, 5) | st.none(),
            "action": st.sampled_from(["order", "view", NODE_TYPE["item"].verb]),
            "amount": st.sampled_from([0.5, 2.0, -1.0]) | st.none(),
        },
    ),
    min_size=1,
    max_size=60,
)
ORDER = ["node_type", "verb", "user_id", "node_id"]


def members_of(chosen: dict[str, set[str]]) -> pa.Table:
    roles = {"user": "core", "item": "target", "device": "shared_device", "seller": "shared_seller"}
    rows = [
        {"ring_id": "r", "node_type": kind, "node_id": name, "role": roles[kind], "contribution": 1.0, "events": 1}
        for kind, names in chosen.items()
        for name in sorted(names)
    ]
    return pa.Table.from_pylist(rows, arrow_schema("members"))


def by_hand(rows: Rows) -> pd.DataFrame:
    """All relations of the log, one row each, with the degrees of both ends."""
    long = [
        {
            "user_id": row["user"],
            "verb": (row.get("action") or NODE_TYPE["item"].verb) if kind == "item" else NODE_TYPE[kind].verb,
            "node_type": kind,
            "node_id": row[kind],
            "time": row.get("time"),
            "amount": row.get("amount"),
        }
        for row in rows
        for kind in KEY_TYPES
        if row.get(kind) is not None
    ]
    frame = pd.DataFrame(long, columns=["user_id", "verb", "node_type", "node_id", "time", "amount"])
    frame = frame.astype({"time": "float64", "amount": "float64"})
    grouped = frame.groupby(ORDER, as_index=False)
    found = grouped.agg(
        count=("user_id", "size"), first=("time", "min"), last=("time", "max"), amount=("amount", lambda x: x.sum(min_count=1))
    )
    found["user_degree"] = found.groupby("user_id")["node_id"].transform("size")
    found["node_degree"] = found.groupby(["node_type", "node_id"])["user_id"].transform("size")
    return found


def expected(rows: Rows, chosen: dict[str, set[str]], most_per_user: int, most_per_node: int) -> pd.DataFrame:
    found = by_hand(rows)
    member = found["user_id"].isin(chosen.get("user", set()))
    shared = pd.Series(
        [name in chosen.get(kind, set()) for kind, name in zip(found["node_type"], found["node_id"], strict=True)], dtype=bool
    )
    keep = set(found.index[member & shared])
    own = found[member & ~shared].sort_values(["count", "node_id"], ascending=[False, True])
    for _, group in own.groupby(["node_type", "verb", "user_id"]):
        keep |= set(group.index[:most_per_user])
    others = found[shared & ~member].sort_values(["count", "user_id"], ascending=[False, True])
    for _, group in others.groupby(["node_type", "verb", "node_id"]):
        keep |= set(group.index[:most_per_node])
    found["user_degree"] = found["user_degree"].where(member)
    found["node_degree"] = found["node_degree"].where(shared)
    return found.loc[sorted(keep)].sort_values(ORDER, ignore_index=True)


def as_rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = [*ORDER, "count", "first", "last", "amount", "user_degree", "node_degree"]
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame[columns].itertuples(index=False)]


def told(table: pa.Table) -> list[tuple[Any, ...]]:
    assert table.schema.equals(arrow_schema("relations"))
    rows = table.to_pylist()
    for row in rows:
        for name in ("first", "last"):
            moment = row[f"{name}_seen"]
            row[name] = None if moment is None else moment.timestamp()
    return [tuple(row[name] for name in (*ORDER, "count", "first", "last", "amount", "user_degree", "node_degree")) for row in rows]


@given(ROWS, st.data(), st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None)  # the first call may compile
def test_ring_relations_equal_the_slow_count(
    make_events: MakeEvents, rows: Rows, data: st.DataObject, most_per_user: int, most_per_node: int
) -> None:
    there = {kind: sorted({row[kind] for row in rows if row.get(kind) is not None}) for kind in ("user", "item", "device", "seller")}
    chosen = {kind: data.draw(st.sets(st.sampled_from(names)), label=kind) for kind, names in there.items() if names}
    found = ring_relations(make_events(rows), members_of(chosen), most_per_user, most_per_node)
    assert told(found) == as_rows(expected(rows, chosen, most_per_user, most_per_node))


@given(ROWS)
@settings(deadline=None)  # the first call may compile
def test_all_relations_equal_the_slow_count(make_events: MakeEvents, rows: Rows) -> None:
    assert told(all_relations(build_graph(make_events(rows)))) == as_rows(by_hand(rows).sort_values(ORDER))


def test_members_that_are_not_in_the_log_are_refused(make_events: MakeEvents) -> None:
    events = make_events([{"user": "a", "item": "x"}])
    with pytest.raises(ValueError, match="1 of the members are in no event of this log"):
        ring_relations(events, members_of({"user": {"b"}}))
    with pytest.raises(ValueError, match="no nodes of type 'device'"):
        ring_relations(events, members_of({"device": {"d"}}))


def test_a_run_carries_the_relations_of_its_rings(make_events: MakeEvents) -> None:
    crowd = [{"user": f"u{n}", "item": f"i{n * 7 % 50}", "time": n * 3600, "action": "order"} for n in range(400)]
    ring = [{"user": f"r{n}", "item": f"t{place}", "time": 90_000 * place + n, "action": "order"} for n in range(12) for place in range(8)]
    events = make_events([*crowd, *ring])
    run = detect(events)
    assert run.rings.num_rows
    assert run.relations is not None
    assert run.relations.equals(ring_relations(events, run.members))
    users = set(run.members.filter(pa.compute.equal(run.members["node_type"], "user"))["node_id"].to_pylist())
    assert users == {f"r{n}" for n in range(12)}
    pairs = set(zip(run.relations["user_id"].to_pylist(), run.relations["node_id"].to_pylist(), strict=True))
    assert {(f"r{n}", f"t{place}") for n in range(12) for place in range(8)} <= pairs
