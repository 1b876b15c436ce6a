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


def embed_users(odds: Float64, relation: EvidenceMatrix, rings: Sequence[tuple[Int32, Float64]], seed: int) -> Float32:
    """(users, 32) unit vectors.

    Args:
        odds: (users,) log10 odds of each user.
        relation: from `evidence_relation`.
        rings: members (codes) and contributions of each ring found.
        seed: of the random directions.
    """
    users = len(odds)
    chance = (1 / (1 + 10.0**-odds)).astype(np.float32)
    row = np.repeat(np.arange(users), np.diff(relation.indptr))
    attention = relation.data * (np.sqrt(chance[row] * chance[relation.indices]) + np.float32(LEAST_ODDS))
    relation = csr_array((attention, relation.indices, relation.indptr), shape=relation.shape)
    place = np.repeat(np.arange(len(rings)), [len(members) for members, _ in rings])
    member = np.concatenate([members for members, _ in rings]) if rings else np.zeros(0, np.int32)
    weight = np.concatenate([np.maximum(contribution, 0.1) for _, contribution in rings]) if rings else np.zeros(0)
    belongs = csr_array((weight.astype(np.float32), (member, place)), shape=(users, max(len(rings), 1)))
    directions = np.random.default_rng(seed).standard_normal((users, WIDTH), np.float32)
    embedding = _unit(relation @ directions)
    alone = ~embedding.any(axis=1)
    embedding[alone] = _unit(directions[alone])
    for _ in range(ROUNDS):
        message = _unit(relation @ embedding) + _unit(belongs @ _unit(belongs.T @ embedding))
        embedding = _unit(embedding + _unit(message))
    return embedding


def embed_keys(users: Float32, odds: Float64, visits: Visits, view: str, codes: Int64) -> Float32:
    """(n, 32) unit vectors of n of a view's keys, by their codes: the mean of their visitors, weighted by the visitors' odds."""
    first = next(found for found in visits.views if found.name == view).first_key + codes
    begin = np.concatenate([np.zeros(1, np.int64), np.cumsum(visits.offset[first + 1] - visits.offset[first])])
    chance = (1 / (1 + 10.0**-odds) + LEAST_ODDS).astype(np.float32)
    visitor = visits.user[stretches(visits.offset, first)]
    return _unit(csr_array((chance[visitor], visitor, begin), shape=(len(codes), len(users))) @ users)


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
    """Schema `embeddings`: the `most` highest scored nodes, by node type and id.

    Args:
        events, visits, relation, rings: of one log.
        scores: schema `scores`, of the same log; every ring's members are among its highest.
        odds: (users,) log10 odds of each user; None where the network has no opinion.
        seed: of the random directions.
        most: nodes.
    """
    odds = np.zeros(visits.users) if odds is None else odds
    users = embed_users(odds, relation, [(ring.facts.grown.members, ring.facts.grown.contribution) for ring in rings], seed)
    chosen = scores.take(pa.array(np.argsort(-scores["score"].to_numpy(), kind="stable")[:most]))
    parts = []
    for node_type in [name for name in events.ids if name == "user" or name in [view.name for view in visits.views]]:
        names = chosen.filter(pc.equal(chosen["node_type"], node_type))["node_id"]
        codes = np.sort(pc.index_in(names, value_set=events.ids[node_type]).to_numpy())
        values = users[codes] if node_type == "user" else embed_keys(users, odds, visits, node_type, codes)
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


def _unit(values: Float32) -> Float32:
    """Rows of length one; empty rows stay empty."""
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12), np.float32)
