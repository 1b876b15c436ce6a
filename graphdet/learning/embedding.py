"""Evidence, scores and rings → an embedding of every node: nodes that are near act with the same people.

Every user starts as a random direction of their own, and three rounds of messages turn those who keep company the same way (random
features propagated: FastRP, Chen et al. 2019). Company is pair evidence with its common partners, items in common whatever the time
(for rings so slow that nobody meets), both weighted by the network's odds of both ends (attention by score), so that chance acquaintances
do not tie; and rings, by tier and size. Other nodes are the mean of their visitors, by the visitors' odds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from graphdet import _kernels
from graphdet.arrays import Float32, Float64, Int32, Int64, stretches
from graphdet.events import EventTable
from graphdet.judging.judged_ring import JudgedRing
from graphdet.learning.messages import EvidenceMatrix
from graphdet.schema import EMBEDDING_WIDTH as WIDTH
from graphdet.schema import ITEM, arrow_schema
from graphdet.visits.visits import Visits

ROUNDS = 3
LEAST_ODDS = 1e-3
INNOCENT = 0.01  # weight of company that both ends' odds speak against; without it chance acquaintances are all that some users have
RING = 60.0  # how many members a ring has that says as much as all pair evidence of a user of whom the network is sure
SAYS = {"alert": 1.0, "review": 0.1, "explained": 0.02}  # a ring, by its tier
ALIKE = 0.083  # weight of items in common
LIKENESS = 1.5  # to this power: five items in common say more than five times as much as one
MOST_ALIKE = 15_000  # users of the highest odds among whom items in common are looked for
PARTNERS = 30  # of each, those with the most in common
ROWS = 1000  # users at once
USERS = 0.75  # share of the nodes kept that users may take, the rest is for what they touched


def embed_users(odds: Float64, relation: EvidenceMatrix, alike: EvidenceMatrix, rings: Sequence[tuple[Int32, float]], seed: int) -> Float32:
    """(users, 64) unit vectors.

    Args:
        odds: (users,) log10 odds of each user.
        relation: from `evidence_relation`.
        alike: from `items_in_common`.
        rings: members of each ring found, by their place among these users, and how much it says for each.
        seed: of the random directions.
    """
    users = len(odds)
    chance = (1 / (1 + 10.0**-odds)).astype(np.float32)
    one, other = np.repeat(chance, np.diff(relation.indptr)), chance[relation.indices]
    attention = np.sqrt(one * other) + np.float32(INNOCENT) * np.sqrt((1 - one) * (1 - other)) + np.float32(LEAST_ODDS)
    company = csr_array((relation.data * attention, relation.indices, relation.indptr), shape=relation.shape) + alike
    place = np.repeat(np.arange(len(rings)), [len(members) for members, _ in rings])
    member = np.concatenate([members for members, _ in rings]) if rings else np.zeros(0, np.int32)
    belongs = csr_array((np.ones(len(member), np.float32), (member, place)), shape=(users, max(len(rings), 1)))
    says = np.array([RING * weight / max(len(members), 1) for members, weight in rings] or [0.0], np.float32)[:, None]
    embedding = _unit(np.random.default_rng(seed).standard_normal((users, WIDTH), np.float32))
    for _ in range(ROUNDS):
        message = company @ embedding + belongs @ ((belongs.T @ embedding) * says)
        embedding = _unit(embedding + _unit(message))
    return embedding


def items_in_common(odds: Float64, kept: Int64, visits: Visits) -> EvidenceMatrix:
    """(n, n) float32: for each of n users those with whom they have most items in common, at whatever time, by the odds of both.

    An item in common counts 1 / √(its visits + 1).

    Args:
        odds: (n,) log10 odds of the users.
        kept: (n,) their codes, ascending.
        visits: of the log.
    """
    size = len(kept)
    view = next((view for view in visits.views if view.name == ITEM), None)
    best = np.sort(np.argsort(-odds, kind="stable")[:MOST_ALIKE])
    if view is None or not size:
        nobody = np.zeros(0, np.int64)
        return csr_array((np.zeros(0, np.float32), (nobody, nobody)), shape=(size, size))
    offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
    place = np.full(visits.users, -1, np.int64)
    place[kept[best]] = np.arange(len(best))
    row = place[visits.user[offset[0] : offset[-1]]]
    item = np.repeat(np.arange(view.keys), np.diff(offset))[row >= 0]
    items = csr_array((np.ones(len(item), np.float32), (row[row >= 0], item)), shape=(len(best), view.keys))
    items.sum_duplicates()
    items.data = ((np.diff(offset) + 1.0) ** -0.25).astype(np.float32)[items.indices]  # of two users the product is that of the pair
    by_item = csr_array(items.T)
    chance = (1 / (1 + 10.0 ** -odds[best])).astype(np.float32) ** 0.25
    ends, weights = [], []
    for start in range(0, len(best), ROWS):
        common = csr_array(items[start : start + ROWS] @ by_item)
        common.data = common.data**LIKENESS * chance[common.indices]
        column, weight = common.indices.astype(np.int32, copy=False), common.data
        entry, count = _kernels.strongest(common.indptr.astype(np.int64), column, weight, start, PARTNERS)
        one = np.repeat(np.arange(start, start + len(count)), count)
        ends.append(np.stack([one, column[entry]]))
        weights.append(np.float32(ALIKE) * chance[one] * weight[entry])
    pairs = best[np.concatenate(ends, axis=1)]
    return csr_array((np.concatenate(weights), (pairs[0], pairs[1])), shape=(size, size))


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
    place_of = np.full(len(odds), -1, np.int32)
    place_of[kept] = np.arange(len(kept), dtype=np.int32)
    place = np.maximum(place_of[visitor], 0)
    chance = np.where(place_of[visitor] >= 0, (1 / (1 + 10.0**-odds) + LEAST_ODDS)[visitor], 0).astype(np.float32)
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
        odds: (users,) log10 odds of each user; None where the network has no opinion, and the scores must do.
        seed: of the random directions.
        most: nodes; three quarters of them are users, and more where fewer others are there.
    """
    is_user = pc.equal(scores["node_type"], "user")
    if odds is None:
        own = scores.filter(is_user)
        chance = np.clip(own["score"].to_numpy(), 1e-9, 1 - 1e-9)
        odds = np.empty(visits.users)
        odds[pc.index_in(own["node_id"], value_set=events.ids["user"]).to_numpy()] = np.log10(chance / (1 - chance))
    ranked = np.argsort(-scores["score"].to_numpy(), kind="stable")
    first = is_user.to_numpy()[ranked]
    users, others = ranked[first], ranked[~first]
    users = users[: max(int(most * USERS), most - len(others))]
    chosen = scores.take(pa.array(np.concatenate([users, others[: most - len(users)]])))
    kept, vectors = np.zeros(0, np.int64), np.zeros((0, WIDTH), np.float32)
    parts = []
    for node_type in ["user", *(name for name in events.ids if name in [view.name for view in visits.views])]:
        names = chosen.filter(pc.equal(chosen["node_type"], node_type))["node_id"]
        codes = np.sort(pc.index_in(names, value_set=events.ids[node_type]).to_numpy()).astype(np.int64)
        if node_type == "user":
            kept = codes
            alike = items_in_common(odds[kept], kept, visits)
            values = vectors = embed_users(odds[kept], relation[kept][:, kept], alike, _among(rings, kept, visits.users), seed)
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
    """Members of each ring by their place among the users kept, and how much it says: to be one of few says more."""
    place = np.full(users, -1, np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    found = [(place[ring.facts.grown.members], SAYS[ring.tier] / len(ring.facts.grown.members)) for ring in rings]
    found = [(members[members >= 0], says) for members, says in found]
    return [(members, says) for members, says in found if len(members) > 1]


def _unit(values: Float32) -> Float32:
    """The same memory with rows of length one; empty rows stay empty. A block at a time, which stays in the processor's cache."""
    for start in range(0, len(values), ROWS):
        block = values[start : start + ROWS]
        block /= np.maximum(np.sqrt((block * block).sum(axis=1, keepdims=True)), 1e-12)
    return values
