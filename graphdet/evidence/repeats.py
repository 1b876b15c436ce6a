"""Pairs of users, once for each of their meetings → which of them were given twice or more, in bounded memory.

Only pairs that meet at two or more keys matter, and about 99 % do not. The filter is a blocked Bloom filter (Putze et al. 2007) with a
second storey: one word per pair, two bits for "seen" and the same two, 32 higher, for "seen again". It may take a pair for repeated that
is not; it never loses one. Pairs come in parts, in a given order; each thread marks the words of its own range from all parts, so no two
threads write one word and what a word holds does not depend on their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

from graphdet.arrays import Bool, Int64

Words = npt.NDArray[np.uint64]
MOST_WORDS = 1 << 26  # 512 MiB


class RepeatFilter:
    """What was seen, and what was seen again."""

    def __init__(self, pairs: int) -> None:
        """`pairs`: how many will be given, at most; with more, more are wrongly taken for repeated."""
        words = 1 << int(np.ceil(np.log2(max(pairs / 4, 1 << 10))))
        self.words: Words = np.zeros(min(words, MOST_WORDS), np.uint64)

    def add(self, parts: Sequence[Words], pool: Executor, threads: int) -> None:
        """Take in pairs, as hashed by `hash_pairs`."""
        edges = np.linspace(0, len(self.words), threads + 1).astype(np.int64)

        def mark(first: int, end: int) -> None:
            for part in parts:
                _mark(self.words, part, first, end)

        list(pool.map(lambda edge: mark(*edge), pairwise(edges.tolist())))

    def repeated(self, hashes: Words) -> Bool:
        """Which of these pairs were given twice or more, and perhaps some others."""
        return _repeated(self.words, hashes)


@numba.njit(cache=True, nogil=True)
def hash_pairs(pair: Int64) -> Words:
    """Each by splitmix64's finaliser (Steele et al. 2014)."""
    hashes = np.empty(len(pair), np.uint64)
    for row in range(len(pair)):
        mixed = np.uint64(pair[row]) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes[row] = mixed ^ (mixed >> np.uint64(31))
    return hashes


@numba.njit(cache=True, nogil=True)
def _bits(mixed: np.uint64) -> np.uint64:
    return (np.uint64(1) << ((mixed >> np.uint64(54)) & np.uint64(31))) | (np.uint64(1) << (mixed >> np.uint64(59)))


@numba.njit(cache=True, nogil=True)
def _mark(words: Words, hashes: Words, first: int, end: int) -> None:
    """Pairs whose word is among first … end − 1."""
    mask = np.uint64(len(words) - 1)
    for mixed in hashes:
        word = np.int64(mixed & mask)
        if first <= word < end:
            bits = _bits(mixed)
            if words[word] & bits == bits:
                words[word] |= bits << np.uint64(32)
            words[word] |= bits


@numba.njit(cache=True, nogil=True)
def _repeated(words: Words, hashes: Words) -> Bool:
    mask = np.uint64(len(words) - 1)
    found = np.empty(len(hashes), np.bool_)
    for row in range(len(hashes)):
        bits = _bits(hashes[row])
        found[row] = (words[np.int64(hashes[row] & mask)] >> np.uint64(32)) & bits == bits
    return found
