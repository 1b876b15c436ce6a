"""Folded texts → groups of near-duplicates: everybody in a group is nearly the group's first text, so that likeness does not wander.

MinHash finds pairs that may be near (bands of equal values, Broder 1997; the library is rensa); their exact Jaccard similarity decides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import csr_array

from graphdet.arrays import Float64, Int64, distinct_values
from graphdet.signals.leaders import assign, distinct_pairs, in_buckets, through_others
from graphdet.signals.text_folding import mixed, shingles

NEAR = 0.6  # Jaccard similarity of shingles from which on two texts are near-duplicates
FEWEST = 8  # shingles that a text must have, to be near another and not the same
VALUES, BAND = 64, 4  # MinHash values of a text, and how many of them make a band
FIRST = 3  # of the texts of a bucket, those that the others are compared with
_SLACK = 0.2  # by which an estimate from MinHash may fall short of the similarity
_CHUNK = 50_000  # texts or pairs that are looked at at once
_SEED = 1997


def near_groups(folded: pa.LargeStringArray) -> Int64:
    """(n,) the place of the text that each text is nearly the same as, or its own.

    Args:
        folded: different texts, those first that are to be the first of a group.
    """
    signature, size = _signatures(folded)
    long = np.flatnonzero(size >= FEWEST)
    pairs = _candidates(signature[long])
    pairs = long[pairs] if len(pairs) else np.zeros((0, 2), np.int64)
    pairs, likeness = _near(pairs, folded)
    first = assign(pairs, likeness, len(folded))
    again, more = _near(through_others(pairs, first), folded)
    return assign(np.concatenate([pairs, again]), np.concatenate([likeness, more]), len(folded))


def similarity(pairs: Int64, folded: pa.LargeStringArray) -> Float64:
    """(m,) exact Jaccard similarity of the shingles of pairs (m, 2) of texts."""
    used = distinct_values(pairs.ravel())
    place = np.searchsorted(used, pairs)
    found, bounds = shingles(folded.take(pa.array(used)))
    table = csr_array((np.ones(len(found), np.int32), (found >> np.uint64(33)).astype(np.int32), bounds), shape=(len(used), 1 << 31))
    table.sum_duplicates()
    table.data[:] = 1
    size = np.diff(table.indptr)
    both = np.empty(len(pairs))
    for start in range(0, len(pairs), _CHUNK):
        one, other = place[start : start + _CHUNK].T
        both[start : start + _CHUNK] = table[one].multiply(table[other]).sum(axis=1)
    union = size[place].sum(axis=1) - both
    return np.asarray(both / np.maximum(union, 1))


def _signatures(folded: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint32], Int64]:
    """(n, VALUES) MinHash values and (n,) shingles of each text."""
    import rensa

    signature = np.empty((len(folded), VALUES), np.uint32)
    size = np.empty(len(folded), np.int64)
    for start in range(0, len(folded), _CHUNK):
        found, bounds = shingles(folded.slice(start, _CHUNK))
        matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(found, bounds.astype(np.uint64), VALUES, _SEED)
        signature[start : start + _CHUNK] = np.array(matrix.to_rows(), np.uint32).reshape(-1, VALUES)
        size[start : start + _CHUNK] = np.diff(bounds)
    return signature, size


def _candidates(signature: npt.NDArray[np.uint32]) -> Int64:
    """(m, 2) pairs, the lower place first, that share a band and whose values agree about as often as those of near texts."""
    found = np.zeros((0, 2), np.int64)
    if len(signature) < 2:
        return found
    for band in range(0, VALUES, BAND):
        key = np.zeros(len(signature), np.uint64)
        for place in range(band, band + BAND):
            key = mixed(key ^ signature[:, place])
        pairs = in_buckets(key, np.arange(len(signature)), FIRST)
        found = distinct_pairs(np.concatenate([found, pairs[_alike(signature, pairs)]]))
    return found


def _alike(signature: npt.NDArray[np.uint32], pairs: Int64) -> npt.NDArray[np.bool_]:
    least = (NEAR - _SLACK) * VALUES
    alike = [
        np.count_nonzero(signature[part[:, 0]] == signature[part[:, 1]], axis=1) >= least
        for part in np.array_split(pairs, max(len(pairs) // _CHUNK, 1))
    ]
    return np.concatenate(alike)


def _near(pairs: Int64, folded: pa.LargeStringArray) -> tuple[Int64, Float64]:
    """The pairs that are near, and how near."""
    if not len(pairs):
        return pairs, np.zeros(0)
    likeness = similarity(pairs, folded)
    return pairs[likeness >= NEAR], likeness[likeness >= NEAR]
