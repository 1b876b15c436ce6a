"""A made market's truth and the rings of a run → what was planted, and what was found of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

FOUND = 0.5  # share of a planted ring's members that one ring must hold to have found it


@dataclass(frozen=True)
class PlantedRing:
    """One planted ring, and the ring of the run that holds most of its members; `rank` 0 = none holds any.

    Attributes:
        kind: what it does, in the market's word.
        users: its members.
        rank, tier: of the ring that was found.
        held: members that it holds.
        strangers: members of the found ring that are none of the planted one.
    """

    kind: str
    users: int
    rank: int = 0
    tier: str = ""
    held: int = 0
    strangers: int = 0

    @property
    def found(self) -> bool:
        return self.held >= FOUND * self.users


@dataclass(frozen=True)
class Outcome:
    """Planted rings, the largest first, and how innocent groups came off: kind → groups, and those that an alert is made of."""

    rings: tuple[PlantedRing, ...]
    innocent: Mapping[str, int]
    accused: Mapping[str, int]


def compare_with_planted(truth: Path, rings: Sequence[Mapping[str, Any]], members: Sequence[Mapping[str, Any]]) -> Outcome:
    """What became of what was planted.

    Args:
        truth: the truth folder of a made market.
        rings, members: rows of the run's tables of these names.
    """
    found: dict[str, set[str]] = {str(ring["ring_id"]): set() for ring in rings}
    for row in members:
        if row["node_type"] == "user":
            found[str(row["ring_id"])].add(str(row["node_id"]))
    told = {str(ring["ring_id"]): ring for ring in rings}
    planted = _groups(truth / "members.parquet", "ring_id")
    kinds = {row["ring_id"]: row["kind"] for row in pq.read_table(truth / "rings.parquet", columns=["ring_id", "kind"]).to_pylist()}
    outcome = []
    for ring, users in planted.items():
        best = min(found, key=lambda name: (-len(found[name] & users), told[name]["rank"]), default="")
        held = len(found[best] & users) if best else 0
        one = PlantedRing(kinds[ring], len(users))
        if held:
            one = PlantedRing(kinds[ring], len(users), told[best]["rank"], told[best]["tier"], held, len(found[best]) - held)
        outcome.append(one)
    alerts = [users for name, users in found.items() if told[name]["tier"] == "alert"]
    innocent: Counter[str] = Counter()
    accused: Counter[str] = Counter()
    beside = truth / "lookalikes.parquet"
    kind_of = {row["group_id"]: row["kind"] for row in pq.read_table(beside, columns=["group_id", "kind"]).to_pylist()}
    for group, users in _groups(beside, "group_id").items():
        innocent[kind_of[group]] += 1
        accused[kind_of[group]] += any(2 * len(alert & users) > len(alert) for alert in alerts)
    return Outcome(tuple(sorted(outcome, key=lambda ring: (-ring.users, ring.rank))), dict(sorted(innocent.items())), dict(accused))


def _groups(table: Path, key: str) -> dict[str, set[str]]:
    """The users of each ring or group."""
    groups: dict[str, set[str]] = {}
    for row in pq.read_table(table, columns=[key, "node_type", "node_id"]).to_pylist():
        if row["node_type"] == "user":
            groups.setdefault(row[key], set()).add(row["node_id"])
    return groups
