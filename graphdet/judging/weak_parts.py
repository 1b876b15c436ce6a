"""What each member did in their ring → why their part in it is weak, if it is: such a member is held, not acted on, and is no label.

Said here alone: the run's table of members tells it to dossiers, exports, Neo4j and the casebook.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from graphdet.arrays import Bool, Float64, Int64
from graphdet.judging.lockstep import Core
from graphdet.schema import ACT, HOLD, WEAK_PARTS

FEW = 2  # who touched no more of the ring's items, of which there are more, may have come by chance
LITTLE = 0.5  # of the evidence that the median member adds


def weak_parts(contribution: Float64, touched: Int64, stray: Bool, items: int, core: Core | None) -> Bool:
    """(members, reasons) which of `WEAK_PARTS` hold of each member.

    Args:
        contribution: (members,) evidence that each adds; members in the order of their ids.
        touched: (members,) item targets that each was at in their time.
        stray: (members,) who came to them outside the ring's time alone.
        items: item targets.
        core: of a crowd.
    """
    in_lockstep = items > FEW and int((touched >= 2).sum()) >= 2
    weak = {
        "few_items": (touched <= FEW) & in_lockstep,
        "little_evidence": contribution < LITTLE * np.median(contribution),
        "stray": stray,
        "crowd": np.zeros(len(touched), np.bool_),
    }
    if core is not None:
        order = np.argsort(-contribution, kind="stable")
        weak["crowd"][:] = True
        weak["crowd"][order[touched[order] >= core.least][: core.size]] = False
    return np.stack([weak[name] for name in WEAK_PARTS], axis=1)


def standing_columns(weak: Bool) -> dict[str, pa.Array]:
    """Columns `standing` and `weak` of the run's table of members, for users; (users, reasons) as `weak_parts` gives them."""
    told = [",".join(name for name, holds in zip(WEAK_PARTS, row, strict=True) if holds) for row in weak.tolist()]
    return {"standing": pa.array([HOLD if reasons else ACT for reasons in told], pa.string()), "weak": pa.array(told, pa.string())}
