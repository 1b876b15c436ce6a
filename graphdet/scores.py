"""Rings and pair evidence → a score for every node of every type. The GNN will join in here.

A score is 1 / (1 + 10^−z), z = log10 odds: −3 for a node that nothing speaks against, more for pair evidence, most for members of
rings, by tier and contribution.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.evidence.visits import Float64, Int32, Visits
from graphdet.rings.tables import JudgedRing
from graphdet.schema import arrow_schema

NOTHING = -3.0
PAIRS = (-2.5, -0.8)  # from the weakest pair evidence to any, however strong
TIERS = {"explained": (-1.5, -0.5), "review": (-0.5, 0.5), "alert": (0.7, 3.0)}


def score_nodes(events: EventTable, visits: Visits, pairs: PairEvidence, rings: list[JudgedRing]) -> pa.Table:
    """Schema `scores`: each type's nodes, most suspicious first; ties by id."""
    odds = {node_type: np.full(events.count(node_type), NOTHING) for node_type in events.ids}
    best = np.zeros(events.count("user"))
    for side in (0, 1):
        np.maximum.at(best, pairs.users[:, side], pairs.evidence)
    odds["user"][best > 0] = _within(PAIRS, best[best > 0], 10.0)
    for ring in rings:
        grown = ring.facts.grown
        _raise(odds["user"], grown.members, _within(TIERS[ring.tier], grown.contribution, 10.0))
        view = visits.view_of(grown.targets)
        for position, seen in enumerate(visits.views):
            own = view == position
            _raise(odds[seen.name], grown.targets[own] - seen.first_key, _within(TIERS[ring.tier], grown.gain[own], 30.0))
    parts = [_table(node_type, events.ids[node_type], 1 / (1 + 10.0**-z)) for node_type, z in odds.items()]
    return pa.concat_tables(parts).cast(arrow_schema("scores"))


def _within(bounds: tuple[float, float], evidence: npt.NDArray[np.floating], half: float) -> Float64:
    """Evidence 0 → the lower bound, `half` → half way, infinite → the upper bound."""
    low, high = bounds
    strength = np.maximum(evidence.astype(np.float64), 0)
    return np.asarray(low + (high - low) * strength / (strength + half))


def _raise(odds: Float64, codes: Int32, values: Float64) -> None:
    odds[codes] = np.maximum(odds[codes], values)


def _table(node_type: str, ids: pa.StringArray, score: Float64) -> pa.Table:
    order = np.argsort(-score, kind="stable")  # ids are sorted, so ties stay in their order
    return pa.table(
        {
            "node_type": pa.repeat(pa.scalar(node_type), len(ids)),
            "node_id": ids.take(pa.array(order)).cast(pa.string()),
            "score": pa.array(score[order]),
            "rank": pa.array(np.arange(1, len(ids) + 1)),
        }
    )
