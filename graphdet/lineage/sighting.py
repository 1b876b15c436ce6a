"""A run → what lasts of it: each ring with the ids of its members, and the span of time that the log reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.run.folder import Run
from graphdet.schema import USER

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_SHARE = 0.1  # of a mean member's contribution counts for one whom no evidence reaches, since they are a member all the same


@dataclass(frozen=True)
class Member:
    """A user in a ring: the share of the ring's contribution that is theirs, and when what they did there began, where times are told."""

    weight: float
    began: int | None  # microseconds since 1970 UTC


@dataclass(frozen=True)
class Sighting:
    """One ring as one run saw it. Members go by the log's own ids: codes differ from run to run."""

    ring_id: str
    tier: str
    members: Mapping[str, Member]
    first_seen: int | None = None  # microseconds since 1970 UTC, as `last_seen`
    last_seen: int | None = None
    amount: float | None = None
    at_stake: float | None = None

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError(f"ring {self.ring_id} has no member")

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def money(self) -> float | None:
        """What is at stake, or where that is not told what was moved."""
        return self.amount if self.at_stake is None else self.at_stake

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; members by id."""
        members = {user: [one.weight, one.began] for user, one in sorted(self.members.items())}
        return {**vars(self), "members": members}

    @staticmethod
    def from_dict(told: Mapping[str, Any]) -> Sighting:
        """What `as_dict` told."""
        return Sighting(**{**told, "members": {user: Member(*one) for user, one in told["members"].items()}})


@dataclass(frozen=True)
class Snapshot:
    """All rings of one run, and the first and the last event of its log, in microseconds since 1970 UTC; None without times."""

    rings: tuple[Sighting, ...]
    start: int | None = None
    end: int | None = None


def take_snapshot(run: Run) -> Snapshot:
    """What lasts of a run."""
    start, end = log_span(run)
    return Snapshot(tuple(sightings_of(run.rings, run.members)), start, end)


def sightings_of(rings: pa.Table, members: pa.Table) -> list[Sighting]:
    """What lasts of a run's tables of these names."""
    users: dict[str, dict[str, tuple[float, int | None]]] = {}
    people = members.filter(pc.equal(members["node_type"], USER))
    began = people["first_seen"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())  # since 1970
    columns = (*(people[name] for name in ("ring_id", "node_id", "contribution")), began)
    for ring, user, contribution, moment in zip(*(column.to_pylist() for column in columns), strict=True):
        users.setdefault(ring, {})[user] = (contribution, moment)
    return [
        Sighting(
            row["ring_id"],
            row["tier"],
            weigh(users[row["ring_id"]]),
            in_microseconds(row["first_seen"]),
            in_microseconds(row["last_seen"]),
            row["amount"],
            row["at_stake"],
        )
        for row in rings.to_pylist()
        if row["ring_id"] in users
    ]


def weigh(users: Mapping[str, tuple[float, int | None]]) -> dict[str, Member]:
    """Members with weights that sum to one, from (contribution, began) of each; a contribution under zero counts as none."""
    told = {user: max(contribution, 0.0) for user, (contribution, _) in users.items()}
    least = LEAST_SHARE * sum(told[user] for user in sorted(told)) / len(told) or 1.0
    total = sum(told[user] + least for user in sorted(told))
    return {user: Member((told[user] + least) / total, began) for user, (_, began) in users.items()}


def log_span(run: Run) -> tuple[int | None, int | None]:
    """The first and the last event of a run's log; None where it has no times, or an older graphdet did not tell them."""
    background = run.meta.get("background", {})
    start = background.get("start")
    return (None, None) if start is None else (start, start + round(1_000_000 * background["seconds"]))


def in_microseconds(time: datetime | None) -> int | None:
    """Since 1970 UTC."""
    return None if time is None else round((time - EPOCH) / timedelta(microseconds=1))
