"""Evidence, scores and rings → an embedding of every node: nodes that are near act with the same people.

Every user starts as a random direction of his own, and three rounds of messages turn those who keep company the same way (random
features propagated: FastRP, Chen et al. 2019). A message is weighted by the evidence, by common partners, and by the network's odds
of both ends (attention by score), so that chance acquaintances do not tie; rings are relations of their own. Other nodes are the mean
of their visitors, by the visitors' odds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from graphdet.events import EventTable
from graphdet.evidence.visits import Float32, Float64, Int32, Int64, Visits, stretches
from graphdet.gnn.messages import EvidenceMatrix
from graphdet.rings.tables import JudgedRing
from graphdet.schema import EMBEDDING_WIDTH as WIDTH
from graphdet.schema import arrow_schema

ROUNDS = 3
LEAST_ODDS = 1e-3
INNOCENT = 0.01  # weight of company that both ends' odds speak against; without it chance acquaintances are all that some users have
RING = 60.0  # how many members a ring has that says as much as all pair evidence of a user of whom the network is sure
REVIEW = 0.1  # what a ring that is no alert says beside one that is
USERS = 0.75  # share of the nodes kept that users may take, the rest is for what they touched


def embed_users(odds: Float64, relation: EvidenceMatrix, rings: Sequence[tuple[Int32, float]], seed: int) -> Float32:
    """(users, 64) unit vectors.

    Args:
        odds: (users,) log10 odds of each user.
        relation: from `evidence_relation`.
        rings: members (codes) of each ring found, and how much it says; to be a member of a small ring says more.
        seed: of the random directions.
    """
    users = len(odds)
    chance = (1 / (1 + 10.0**-odds)).astype(np.float32)
    one, other = np.repeat(chance, np.diff(relation.indptr)), chance[relation.indices]
    attention = np.sqrt(one * other) + np.float32(INNOCENT) * np.sqrt((1 - one) * (1 - other)) + np.float32(LEAST_ODDS)
    relation = csr_array((relation.data * attention, relation.indices, relation.indptr), shape=relation.shape)
    place = np.repeat(np.arange(len(rings)), [len(members) for members, _ in rings])
    member = np.concatenate([members for members, _ in rings]) if rings else np.zeros(0, np.int32)
    belongs = csr_array((np.ones(len(member), np.float32), (member, place)), shape=(users, max(len(rings), 1)))
    says = np.array([RING * weight / max(len(members), 1) ** 2 for members, weight in rings] or [0.0], np.float32)[:, None]
    embedding = _unit(np.random.default_rng(seed).standard_normal((users, WIDTH), np.float32))
    for _ in range(ROUNDS):
        message = relation @ embedding + belongs @ ((belongs.T @ embedding) * says)
        embedding = _unit(embedding + _unit(message))
    return embedding


def embed_keys(users: Float32, kept: Int64, odds: Float64, visits: Visits, view: str, codes: Int64) -> Float32:
    """(n, 64) unit vectors of n of a view's keys, by their codes: the mean of their visitors, weighted by the visitors' odds.

    Args:
        users, kept: vectors of the users that have one, and their codes, ascending; other visitors do not count.
        odds: (users,) log10 odds of each user.
        visits, view, codes: the keys.
    """
    first = next(found for found in visits.views if found.name == view).first_key + codes
    begin = np.concatenate([np.zeros(1, np.int64), np.cumsum(visits.offset[first + 1] - visits.offset[first])])
    visitor = visits.user[stretches(visits.offset, first)]
    place = np.minimum(np.searchsorted(kept, visitor), len(kept) - 1)
    chance = np.where(kept[place] == visitor, 1 / (1 + 10.0 ** -odds[visitor]) + LEAST_ODDS, 0).astype(np.float32)
    return _unit(csr_array((chance, place, begin), shape=(len(codes), len(kept))) @ users)


def embeddings_table(
    events: EventTable,
    visits: Visits,
    relation: EvidenceMatrix,
    rings: Sequence[JudgedRing],
    scores: pa.Table,
    odds: Float64 | None,
    seed: int,
    most: int,
) -> pa.Table:
    """Schema `embeddings`: the highest scored nodes, users first, by node type and id.

    Args:
        events, visits, relation, rings: of one log.
        scores: schema `scores`, of the same log.
        odds: (users,) log10 odds of each user; None where the network has no opinion.
        seed: of the random directions.
        most: nodes; a quarter of them, at least, are no users.
    """
    odds = np.zeros(visits.users) if odds is None else odds
    ranked = scores.take(pa.array(np.argsort(-scores["score"].to_numpy(), kind="stable")))
    is_user = pc.equal(ranked["node_type"], "user")
    users = ranked.filter(is_user)[: int(most * USERS)]
    chosen = pa.concat_tables([users, ranked.filter(pc.invert(is_user))[: most - len(users)]])
    kept, vectors = np.zeros(0, np.int64), np.zeros((0, WIDTH), np.float32)
    parts = []
    for node_type in ["user", *(name for name in events.ids if name in [view.name for view in visits.views])]:
        names = chosen.filter(pc.equal(chosen["node_type"], node_type))["node_id"]
        codes = np.sort(pc.index_in(names, value_set=events.ids[node_type]).to_numpy()).astype(np.int64)
        if node_type == "user":
            kept = codes
            values = vectors = embed_users(odds[kept], relation[kept][:, kept], _among(rings, kept, visits.users), seed)
        elif len(kept):
            values = embed_keys(vectors, kept, odds, visits, node_type, codes)
            met = values.any(axis=1)  # a key that none of the users kept has visited is near nobody
            codes, values = codes[met], values[met]
        else:
            continue
        parts.append(
            pa.table(
                {
                    "node_type": pa.repeat(pa.scalar(node_type), len(codes)),
                    "node_id": events.ids[node_type].take(pa.array(codes)).cast(pa.string()),
                    "embedding": pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), WIDTH),
                },
                schema=arrow_schema("embeddings"),
            )
        )
    return pa.concat_tables(parts)


def _among(rings: Sequence[JudgedRing], kept: Int64, users: int) -> list[tuple[Int32, float]]:
    """Members of each ring by their place among the users kept, and how much the ring says."""
    place = np.full(users, -1, np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    found = [(place[ring.facts.grown.members], 1.0 if ring.tier == "alert" else REVIEW) for ring in rings]
    return [(members[members >= 0], says) for members, says in found]


def _unit(values: Float32) -> Float32:
    """Rows of length one; empty rows stay empty."""
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12), np.float32)
