"""A market's ledger → the truth tables, and the labels that a shop would have by then: few, late, and some wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from graphdet.schema import TEXT, TIME, Field
from graphdet.simulate.clock import DAY
from graphdet.simulate.ledger import BreakIns, Ledger
from graphdet.simulate.streams import Ints, Longs, stream

TRUTH_TABLES = {
    "rings": (
        Field("ring_id", TEXT, "the planted ring"),
        Field("kind", TEXT, "device_farm, crowd, hijacked, slow, coattail, cartel, review, refund, coupon, takeover or payment"),
        Field("start", TIME, "first visit of a member to a target"),
        Field("end", TIME, "last visit of a member to a target"),
        Field("size", pa.int32(), "members who touched at least one target"),
        Field("detectable", pa.int32(), "members who touched at least two targets"),
        Field("targets", pa.int32(), "targets that somebody touched"),
        Field("density", pa.float64(), "share of member-target pairs that were touched"),
        Field("window_seconds", pa.float64(), "median length of the time in which one target was worked on"),
    ),
    "members": (
        Field("ring_id", TEXT, "the planted ring"),
        Field("node_type", TEXT, "user, item, device or ip"),
        Field("node_id", TEXT, "the id as the log has it"),
        Field("role", TEXT, "member, target, decoy (a hot item that coattails ride on), shared_device or shared_ip"),
        Field("targets_touched", pa.int32(), "of users: distinct targets really touched; detectable from two on. Null for others"),
    ),
    "lookalikes": (
        Field("group_id", TEXT, "the innocent group"),
        Field("kind", TEXT, "what makes it look organised"),
        Field("node_type", TEXT, "user, item, device or ip"),
        Field("node_id", TEXT, "the id as the log has it"),
    ),
    "labels": (
        Field("user_id", TEXT, "whom the label is about"),
        Field("label", pa.int8(), "1 = the shop thinks fraud, 0 = the shop thinks good; some are wrong"),
        Field("known_at", TIME, "when the shop learned it; never after the log's end"),
    ),
}

# Only of markets that were asked for such accounts.
OPTIONAL_TRUTH_TABLES = {
    "takeovers": (
        Field("user_id", TEXT, "the account that a stranger took over by themselves"),
        Field("start", TIME, "the stranger's first visit"),
        Field("end", TIME, "their last visit"),
    ),
}

# Victims complain and banks report, so some kinds are known more often than others.
_REPORTED = {"takeover": 2.0, "payment": 2.0, "refund": 1.3, "device_farm": 1.2}


def truth_schema(table: str) -> pa.Schema:
    """The Arrow schema of one truth table."""
    fields = TRUTH_TABLES[table] if table in TRUTH_TABLES else OPTIONAL_TRUTH_TABLES[table]
    return pa.schema([pa.field(field.name, field.type) for field in fields])


def make_truth(
    ledger: Ledger, places: Mapping[str, Longs], ids: Mapping[str, pa.StringArray], start: int, seed: int
) -> dict[str, pa.Table]:
    """All truth tables; nodes that no event names are left out."""
    tables = {
        "rings": _rings(ledger, start),
        "members": _members(ledger, places, ids),
        "lookalikes": _lookalikes(ledger, places, ids),
        "labels": _labels(ledger, places, ids, start, seed),
    }
    if ledger.break_ins is not None:
        tables["takeovers"] = _takeovers(ledger.break_ins, places, ids, start)
    return tables


def ring_id(number: int) -> str:
    return f"truth-{number + 1:05d}"


def _rings(ledger: Ledger, start: int) -> pa.Table:
    rings = ledger.rings
    columns = {
        "ring_id": [ring_id(number) for number in range(len(rings))],
        "kind": [ring.kind for ring in rings],
        "start": [start + int(ring.start * 1e6) for ring in rings],
        "end": [start + int(ring.end * 1e6) for ring in rings],
        "size": [len(ring.members) for ring in rings],
        "detectable": [int((ring.touched >= 2).sum()) for ring in rings],
        "targets": [len(ring.targets) for ring in rings],
        "density": [ring.density for ring in rings],
        "window_seconds": [ring.window for ring in rings],
    }
    schema = truth_schema("rings")
    return pa.table({name: pa.array(columns[name], type=schema.field(name).type) for name in schema.names}, schema=schema)


def _members(ledger: Ledger, places: Mapping[str, Longs], ids: Mapping[str, pa.StringArray]) -> pa.Table:
    schema = truth_schema("members")
    tables = []
    for number, ring in enumerate(ledger.rings):
        for node_type, role, codes in (
            ("user", "member", ring.members),
            ("item", "target", ring.targets),
            ("item", "decoy", ring.decoys),
            ("device", "shared_device", ring.devices),
            ("ip", "shared_ip", ring.ips),
        ):
            place = places[node_type][codes]
            there = place >= 0
            count = int(there.sum())
            touched = pa.array(ring.touched[there], type=pa.int32()) if role == "member" else pa.nulls(count, pa.int32())
            columns = [
                pa.array([ring_id(number)] * count, type=TEXT),
                pa.array([node_type] * count, type=TEXT),
                ids[node_type].take(pa.array(place[there])),
                pa.array([role] * count, type=TEXT),
                touched,
            ]
            tables.append(pa.table(columns, schema=schema))
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()


def _lookalikes(ledger: Ledger, places: Mapping[str, Longs], ids: Mapping[str, pa.StringArray]) -> pa.Table:
    schema = truth_schema("lookalikes")
    tables = []
    for number, group in enumerate(ledger.groups):
        place = places[group.node_type][group.node]
        there = place >= 0
        count = int(there.sum())
        names, which = np.unique(group.group[there], return_inverse=True)
        labels = pa.array([f"{group.kind}-{number + 1:05d}-{name}" for name in names.tolist()], type=TEXT)
        columns = [
            labels.take(pa.array(which)),
            pa.array([group.kind] * count, type=TEXT),
            pa.array([group.node_type] * count, type=TEXT),
            ids[group.node_type].take(pa.array(place[there])),
        ]
        tables.append(pa.table(columns, schema=schema))
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()


def _takeovers(break_ins: BreakIns, places: Mapping[str, Longs], ids: Mapping[str, pa.StringArray], start: int) -> pa.Table:
    place = places["user"][break_ins.user]
    there = place >= 0
    times = [pa.array(start + (time[there] * 1e6).astype(np.int64), pa.int64()).cast(TIME) for time in (break_ins.start, break_ins.end)]
    return pa.table([ids["user"].take(pa.array(place[there])), *times], schema=truth_schema("takeovers"))


def _labels(ledger: Ledger, places: Mapping[str, Longs], ids: Mapping[str, pa.StringArray], start: int, seed: int) -> pa.Table:
    """What is known by the log's end: a share of the fraud, days to weeks late, some of it wrong, and some known good."""
    knobs, rng = ledger.world.settings.labels, stream(seed, "labels")
    people, end = ledger.world.people, ledger.world.clock.end
    n = len(people)
    first, reported = np.full(n, np.inf), np.ones(n)
    for ring in ledger.rings:
        np.minimum.at(first, ring.members, ring.joined)
        reported[ring.members] = _REPORTED.get(ring.kind, 1.0)
    fraud = np.flatnonzero(np.isfinite(first)).astype(np.int32)
    share = rng.uniform(knobs.known_low, knobs.known_high)
    delay = rng.uniform(knobs.delay_low, knobs.delay_high, n) * DAY
    in_time = fraud[first[fraud] + delay[fraud] < end]
    weight = reported[in_time]
    count = min(round(share * len(fraud)), len(in_time))
    known: Ints = rng.choice(in_time, count, replace=False, p=weight / weight.sum()) if count else fraud[:0]
    honest = rng.permutation(np.setdiff1d(np.arange(n, dtype=np.int32), fraud))
    good = honest[: round(len(known) * knobs.good_ratio)]
    wrong = rng.uniform(knobs.wrong_low, knobs.wrong_high)
    user = np.concatenate([known, good])
    label = np.concatenate([np.ones(len(known), dtype=np.int8), np.zeros(len(good), dtype=np.int8)])
    label = np.where(rng.random(len(label)) < wrong, 1 - label, label).astype(np.int8)
    at = np.concatenate([(first + delay)[known], rng.uniform(0.1 * end, end, len(good))])
    place = places["user"][user]
    order = np.argsort(at, kind="stable")[place[np.argsort(at, kind="stable")] >= 0]
    schema = truth_schema("labels")
    return pa.table(
        [
            ids["user"].take(pa.array(place[order])),
            pa.array(label[order]),
            pa.array(start + (at[order] * 1e6).astype(np.int64), type=pa.int64()).cast(TIME),
        ],
        schema=schema,
    )
