"""Prints of pictures → groups of copies: everybody in a group differs from the group's first picture in few bits.

Bits drawn at random make keys that near prints often have in common (Indyk and Motwani 1998); the number of bits that differ decides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphdet.arrays import Float64, Int64
from graphdet.events.picture_prints import BITS, VIEWS
from graphdet.signals.leaders import assign, distinct_pairs, in_buckets, through_others

APART = 51  # bits of one view that may differ between near pictures: a fifth
TABLES, FEWEST_BITS, MOST_BITS = 64, 16, 28  # keys of each print, and bits of a key
FIRST = 3  # of the pictures of a bucket, those that the others are compared with
WORDS = BITS // 64
_CHUNK = 200_000  # pairs that are looked at at once
_SEED = 1998

Prints = npt.NDArray[np.uint64]  # (n, 2 · VIEWS, WORDS): of each view, as it is and mirrored


def near_pictures(prints: Prints) -> Int64:
    """(n,) the place of the picture that each is nearly the same as, or its own.

    Args:
        prints: of different pictures, those first that are to be the first of a group.
    """
    if len(prints) < 2:
        return np.arange(len(prints))
    pairs, likeness = _near(_candidates(prints), prints)
    first = assign(pairs, likeness, len(prints))
    again, more = _near(through_others(pairs, first), prints)
    return assign(np.concatenate([pairs, again]), np.concatenate([likeness, more]), len(prints))


def apart(pairs: Int64, prints: Prints) -> Int64:
    """(m,) bits in which pairs differ, of all views and either way round, where they agree best."""
    least = np.full(len(pairs), BITS, np.int64)
    for start in range(0, len(pairs), _CHUNK):
        one, other = prints[pairs[start : start + _CHUNK, 0]], prints[pairs[start : start + _CHUNK, 1]]
        for view in range(VIEWS):
            differ = np.bitwise_count(one[:, None, 2 * view] ^ other).sum(axis=2, dtype=np.int64)
            least[start : start + _CHUNK] = np.minimum(least[start : start + _CHUNK], differ.min(axis=1))
    return least


def _candidates(prints: Prints) -> Int64:
    """(m, 2) pairs, the lower place first, that have one of `TABLES` keys in common."""
    views = prints.reshape(-1, WORDS)
    place = np.repeat(np.arange(len(prints)), prints.shape[1])
    size = int(np.clip(np.ceil(np.log2(len(views))) + 2, FEWEST_BITS, MOST_BITS))
    draw = np.random.default_rng(_SEED)
    found = np.zeros((0, 2), np.int64)
    for _ in range(TABLES):
        key = np.zeros(len(views), np.uint64)
        for bit in draw.choice(BITS, size, replace=False).tolist():
            key = key << np.uint64(1) | views[:, bit >> 6] >> np.uint64(bit & 63) & np.uint64(1)
        found = distinct_pairs(np.concatenate([found, in_buckets(key, place, FIRST)]))
    return found


def _near(pairs: Int64, prints: Prints) -> tuple[Int64, Float64]:
    """The pairs that are near, and how near."""
    differ = apart(pairs, prints)
    return pairs[differ <= APART], 1 - differ[differ <= APART] / BITS
