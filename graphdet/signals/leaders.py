"""Pairs of things that are near → groups, each around its first: everybody in it is near that one, so that likeness does not wander."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graphdet.arrays import Float64, Int32, Int64, distinct_values


def assign(pairs: Int64, likeness: Float64, things: int) -> Int64:
    """(things,) for each the nearest earlier one that is itself nobody's, or itself; in order of place.

    Args:
        pairs: (m, 2), the lower place first.
        likeness: of each pair.
    """
    first = np.arange(things)
    nearest = np.zeros(things)
    for row in np.lexsort([pairs[:, 0], -likeness, pairs[:, 1]]).tolist():
        one, other = pairs[row].tolist()
        if first[one] == one and first[other] == other and nearest[other] == 0:
            first[other], nearest[other] = one, likeness[row]
    return first


def through_others(pairs: Int64, first: Int64) -> Int64:
    """(k, 2) pairs to look at as well: who is near a thing that is itself another's may be near that other."""
    moved = pairs[first[pairs[:, 0]] != pairs[:, 0]]
    again = np.column_stack([first[moved[:, 0]], moved[:, 1]])
    return distinct_pairs(again[again[:, 0] < again[:, 1]])


def distinct_pairs(pairs: Int64) -> Int64:
    """Each pair once, in order."""
    code = distinct_values(pairs[:, 0] << 32 | pairs[:, 1])
    return np.column_stack([code >> 32, code & 0xFFFFFFFF])


def in_buckets(key: npt.NDArray[np.uint64], place: Int64, first: int) -> Int64:
    """(m, 2) pairs of different places that have a key in common, the lower first: each with the first few of its bucket.

    Args:
        key, place: of each entry; places ascend.
    """
    order = np.argsort(key, kind="stable")
    sorted_key, at = key[order], place[order]
    begins = np.append(True, sorted_key[1:] != sorted_key[:-1])
    start = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    found = []
    for step in range(first):
        later = np.flatnonzero(start + step < np.arange(len(order)))
        found.append(np.column_stack([at[start[later] + step], at[later]]))
    pairs = np.concatenate(found)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def numbered(codes: npt.NDArray[np.integer[Any]], size: int) -> tuple[Int64, Int64]:
    """Those of `size` codes that are there, and for each given code its place among these."""
    used = np.flatnonzero(np.bincount(codes, minlength=size))
    place = np.zeros(size, np.int64)
    place[used] = np.arange(len(used))
    return used, place[codes]


def users_of(group: Int64, user: Int32, groups: int) -> Int64:
    """(groups,) users of each."""
    pairs = distinct_values(group << 32 | user)
    return np.bincount(pairs >> 32, minlength=groups)
