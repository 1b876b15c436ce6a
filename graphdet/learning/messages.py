"""Node features → messages: for each relation the weighted mean of what a user's neighbours are like, on stored sparse rows.

A relation leads from user to user: along pair evidence (weight: evidence times what the two share in partners), or through the keys of
one view (item, device, IP, …) to those who were there at about the same time. Nothing is learned here, so messages are computed once
for the whole graph, exactly, and training needs no neighbours (SIGN, Frasca et al. 2020; NARS, Yu et al. 2020, for several relations).

Through a key, a neighbour's weight falls off exponentially with the time between the two visits, so the sum over all earlier visitors
follows from the one before: s_i = (s_(i−1) + x_(i−1)) · exp(−(t_i − t_(i−1)) / τ). Two walks over a key's visits, up and down, give
the sum over all pairs of visits in linear time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphdet import _kernels
from graphdet.arrays import Float32
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import PLACES
from graphdet.visits.visits import Visits

PRIOR = 0.5  # neighbours that are like the mean, added to everybody's; who is nearly alone says little

EvidenceMatrix = csr_array[Any, tuple[int, int]]


def evidence_relation(pairs: PairEvidence, users: int, threads: int = 1) -> EvidenceMatrix:
    """(users, users) rows sum to one (or are empty): partners by evidence times the evidence that both have in common with others.

    Two people who happen to meet share no partners; members of a ring do. O(sum over pairs of the fewer partners of the two).
    The result does not depend on `threads`.
    """
    one, other = pairs.users[:, 0], pairs.users[:, 1]
    number = np.arange(len(pairs), dtype=np.int32)
    ends = (np.concatenate([one, other]), np.concatenate([other, one]))
    graph = csr_array((np.concatenate([number, number]), ends), shape=(users, users))
    graph.sort_indices()
    start, to, pair = graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data
    value = pairs.evidence.astype(np.float32)
    root = np.sqrt(value)[pair]
    common = _kernels.sum_common(start, to, pair, root, len(pairs), threads)
    graph = csr_array(((value * common)[pair], to, graph.indptr), shape=(users, users))
    total = np.asarray(graph.sum(axis=1)).ravel()
    graph.data /= np.repeat(np.maximum(total, 1e-12), np.diff(start)).astype(np.float32)
    return graph


def through_keys(visits: Visits, view: str, values: Float32) -> tuple[Float32, Float32]:
    """What those are like who were at a user's keys when the user was: mean over the user's visits, and the visit with the highest.

    Lets other threads work meanwhile.

    Args:
        visits: of the log.
        view: node type of the keys.
        values: (users, c) float32 features, centred, so that 0 stands for nothing special.

    Returns:
        mean (users, c + 1) and highest (users, c + 1) float32; the last column is log1p of how many others were there, by their weights.
    """
    users, width = values.shape
    seen = next((found for found in visits.views if found.name == view), None)
    if seen is None:
        return np.zeros((users, width + 1), np.float32), np.zeros((users, width + 1), np.float32)
    fade = PLACES[view].half_life * 3600 / np.log(2)
    keys = visits.offset[seen.first_key : seen.first_key + seen.keys + 1]
    total, highest, count = _kernels.meet(keys, visits.user, visits.time, fade, PRIOR, np.ascontiguousarray(values).ravel(), users)
    total, highest = total.reshape(users, width + 1), highest.reshape(users, width + 1)
    highest[count == 0] = 0
    total /= np.maximum(count, 1).astype(np.float32)[:, None]
    return total, highest
