"""Small runs made by hand, for tests of the casebook: rings of named users at named items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from graphdet.run.folder import Run
from graphdet.schema import RUN_TABLES, arrow_schema

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MadeRing:
    """One ring as a run is to have it."""

    ring_id: str
    users: Sequence[str]
    items: Sequence[str] = ("item",)
    tier: str = "alert"
    at_stake: float | None = 100.0
    keys: Mapping[str, Sequence[str]] | None = None
    held: Sequence[str] | None = ()  # None = a run that does not say who is

    def nodes(self) -> dict[str, Sequence[str]]:
        return {"user": self.users, "item": self.items, **(self.keys or {})}


def made_run(run_id: str, rings: Sequence[MadeRing]) -> Run:
    facts = {"score": 0.9, "p_value": 0.01, "q_value": 0.01, "devices": 0, "ips": 0, "explanation": "", "strength": 30.0, "events": 3}
    more = {"density": 1.0, "dedication": 0.5, "chance": 0.8, "chance_low": 0.6, "chance_high": 0.9, "verdicts": 0}
    span = {"first_seen": START, "last_seen": START + timedelta(hours=3)}
    rows = [
        {**facts, **more, **span, "ring_id": ring.ring_id, "rank": rank, "tier": ring.tier, "size": len(ring.users)}
        | {"targets": len(ring.items), "at_stake": ring.at_stake, "standing": ring.tier}
        for rank, ring in enumerate(rings, 1)
    ]
    members = [
        {"ring_id": ring.ring_id, "node_type": node_type, "node_id": node_id, "role": "core", "contribution": 1.0, "events": 1}
        | {"standing": None if node_type != "user" or ring.held is None else "hold" if node_id in ring.held else "act"}
        for ring in rings
        for node_type, ids in ring.nodes().items()
        for node_id in ids
    ]
    tables = {name: arrow_schema(name).empty_table() for name in RUN_TABLES}
    tables["rings"] = pa.Table.from_pylist(rows, arrow_schema("rings"))
    tables["members"] = pa.Table.from_pylist(members, arrow_schema("members"))
    counts = {"read": 3, "accepted": 3, "rejected": 0, "duplicates": 0, "nodes": {}, "relations": {}}
    meta = {"format": 4, "id": run_id, "version": "0", "seed": 1, "settings": {}, "inputs": [], "counts": counts, "discounted": []}
    return Run({**meta, "notes": [], "cost": {"stages": []}}, tables)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, days: float) -> None:
        self.now += timedelta(days=days)
