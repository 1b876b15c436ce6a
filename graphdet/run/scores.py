"""Rings, pair evidence and the network's odds → a score for every node of every type, and the order of rings inside their tier.

A score is 1 / (1 + 10^−z), z = log10 odds: −3 for a node that nothing speaks against, more for pair evidence, most for members of
rings, by tier and contribution. Where the network has an opinion its odds are added, half a user's own and half the mean of the
ring, and the sum is shrunk to what it proved to be worth. The network moves no ring to another tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.arrays import Float64, Int32
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.judging.judged_ring import JudgedRing
from graphdet.name_columns import named, repeated
from graphdet.schema import TIERS as RING_TIERS
from graphdet.schema import arrow_schema
from graphdet.visits.visits import View, Visits

NOTHING = -3.0
PAIRS = (-2.5, -0.8)  # from the weakest pair evidence to any, however strong
TIERS = {"explained": (-1.5, -0.5), "review": (-0.5, 0.5), "alert": (0.7, 3.0)}


# log10 odds of being a member = BASE + z / (1 + SPREAD · weight): what the sum of evidence and `weight` times the network's odds is
# worth, by logistic regression on the hard market's tuning seeds; evidence alone is taken at its word.
BASE, SPREAD = -0.04, 2.13
VISITORS_LEAST = 1e-6


def score_nodes(
    events: EventTable,
    visits: Visits,
    pairs: PairEvidence,
    rings: Sequence[JudgedRing],
    network: Float64 | None = None,
    weight: float = 1.0,
) -> pa.Table:
    """Schema `scores`: each type's nodes, most suspicious first; ties by id.

    Args:
        events, visits, pairs, rings: of one log.
        network: (users,) log10 odds of each user, where the network has an opinion.
        weight: of these beside the evidence.
    """
    odds = {node_type: np.full(events.count(node_type), NOTHING) for node_type in events.ids}
    best = np.zeros(events.count("user"))
    evidence = pairs.evidence.astype(np.float64)
    for side in (0, 1):  # of other types NumPy's way is ten times as long
        np.maximum.at(best, pairs.users[:, side].astype(np.intp), evidence)
    odds["user"][best > 0] = _within(PAIRS, best[best > 0], 10.0)
    for ring in rings:
        grown = ring.facts.grown
        _raise(odds["user"], grown.members, _within(TIERS[ring.tier], grown.contribution, 10.0))
        view = visits.view_of(grown.targets)
        for position, seen in enumerate(visits.views):
            own = view == position
            _raise(odds[seen.name], grown.targets[own] - seen.first_key, _within(TIERS[ring.tier], grown.gain[own], 30.0))
    if network is not None:
        worth = 1 / (1 + SPREAD * weight)
        odds["user"] = BASE + worth * (odds["user"] + weight * _with_rings(network, rings))
        chance = 1 / (1 + 10.0 ** -odds["user"])
        for seen in visits.views:
            visitors = np.log10(np.maximum(_mean_of_visitors(chance, visits, seen), VISITORS_LEAST))
            odds[seen.name] = BASE + worth * (odds[seen.name] + weight * visitors)
    parts = [_table(node_type, events.ids[node_type], 1 / (1 + 10.0**-z)) for node_type, z in odds.items()]
    return pa.concat_tables(parts).cast(arrow_schema("scores"))


def rank_rings(rings: Sequence[JudgedRing], network: Float64) -> list[JudgedRing]:
    """The same rings, most suspicious first: within a tier by strength and by what the network thinks of the members, half and half."""
    ranked = []
    for ring in rings:
        third = len(RING_TIERS) - 1 - RING_TIERS.index(ring.tier)
        by_strength = ring.score * len(RING_TIERS) - third
        by_members = 1 / (1 + 10.0 ** -float(network[ring.facts.grown.members].mean()))
        ranked.append(replace(ring, score=(third + (by_strength + by_members) / 2) / len(RING_TIERS)))
    return sorted(ranked, key=lambda ring: (-ring.score, ring.facts.grown.members.tobytes()))


def _with_rings(network: Float64, rings: Sequence[JudgedRing]) -> Float64:
    """For members half their own odds and half the mean of the ring of theirs that has the highest."""
    of_ring = np.full(len(network), -np.inf)
    for ring in rings:
        members = ring.facts.grown.members
        _raise(of_ring, members, np.full(len(members), network[members].mean()))
    return np.where(np.isfinite(of_ring), (network + of_ring) / 2, network)


def _mean_of_visitors(chance: Float64, visits: Visits, view: View) -> Float64:
    """(keys,) mean chance of a key's visitors, as if half a visitor more had been there, beyond suspicion."""
    offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
    sums = np.concatenate([np.zeros(1), np.cumsum(chance[visits.user[offset[0] : offset[-1]]])])
    return np.asarray(np.diff(sums[offset - offset[0]]) / (np.diff(offset) + 0.5))


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
            "node_type": repeated(node_type, len(ids)),
            "node_id": named(ids, order),
            "score": pa.array(score[order]),
            "rank": pa.array(np.arange(1, len(ids) + 1)),
        }
    )
