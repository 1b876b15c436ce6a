"""A run's bursts → those at one ring's targets in its time: what the targets had beyond the expected, by whomever.

A burst accuses nobody: it stands in the dossier beside what members did, and no score or tier is made of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.run.folder import RunRing
from graphdet.schema import ITEM

SHOWN = (
    "node_type",
    "node_id",
    "measure",
    "grain",
    "first_seen",
    "last_seen",
    "count",
    "expected",
    "excess",
    "excess_low",
    "excess_high",
    "q_value",
)


def bursts_at(bursts: pa.Table | None, ring: RunRing) -> list[dict[str, Any]]:
    """Rows of `bursts`, the least likely first, without their series; none where the run or the ring has no times."""
    first, last = ring.row["first_seen"], ring.row["last_seen"]
    if bursts is None or first is None or not bursts.num_rows:
        return []
    members = ring.members
    targets = members.filter(pc.equal(members["role"], "target"))
    items = targets.filter(pc.equal(targets["node_type"], ITEM))["node_id"].combine_chunks()
    here = pc.and_(pc.equal(bursts["node_type"], ITEM), pc.is_in(bursts["node_id"], value_set=items))
    then = pc.and_(pc.less_equal(bursts["first_seen"], pa.scalar(last)), pc.greater_equal(bursts["last_seen"], pa.scalar(first)))
    found: list[dict[str, Any]] = bursts.filter(pc.and_(here, then)).select(SHOWN).to_pylist()
    return found


def told_plainly(value: Any) -> Any:
    """A value as JSON has it; times as ISO 8601."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
