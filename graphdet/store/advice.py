"""A ring's members → whom a guide says to act on and whom to hold, as the run says it and a push writes it: of a crowd its core alone."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from graphdet.run.folder import RunRing
from graphdet.schema import ACT, HOLD, USER
from graphdet.store.crowds import CROWD


@dataclass(frozen=True)
class Advice:
    """Members' ids, those who add most first; `hold` with why, in codes of `WEAK_PARTS`. `told`: whether the run says it at all."""

    act: list[str]
    hold: list[tuple[str, list[str]]]
    outside: int  # of a crowd who is not of its core, and is not written
    told: bool


def read_advice(ring: RunRing) -> Advice:
    """What the run's table of members says of the ring's users."""
    users = ring.members.filter(pc.equal(ring.members["node_type"], USER))
    rows = users.sort_by([("contribution", "descending"), ("node_id", "ascending")]).to_pylist()
    weak = {row["node_id"]: row["weak"].split(",") if row["weak"] else [] for row in rows}
    return Advice(
        [row["node_id"] for row in rows if row["standing"] == ACT],
        [(row["node_id"], weak[row["node_id"]]) for row in rows if row["standing"] == HOLD and CROWD not in weak[row["node_id"]]],
        sum(CROWD in why for why in weak.values()),
        all(row["standing"] is not None for row in rows),
    )
