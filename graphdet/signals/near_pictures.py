"""Prints of pictures → groups of copies: everybody in a group differs from the group's first picture in few bits.

Bits drawn at random make keys that near prints often have in common (Indyk and Motwani 1998); the number of bits that differ decides. Two
pictures are near as they are, or where one is nearly a part of the other: what somebody cut out of it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from graphdet.arrays import Float64, Int64
from graphdet.events.picture_prints import BITS, LETTERS, PARTS, PREFIX, VIEWS
from graphdet.signals.leaders import assign, distinct_pairs, in_buckets, through_others

APART = 51  # bits of one view that may differ between near pictures: a fifth
PART_APART = 47  # and between a picture and a part of another, of which there are many
TABLES, FEWEST_BITS, MOST_BITS = 64, 16, 28  # keys of each print, and bits of a key
FIRST = 3  # of the pictures of a bucket, those that the others are compared with
WORDS = BITS // 64
_CHUNK, _CHUNK_OF_PARTS = 200_000, 4000  # pairs that are looked at at once
_SEED = 1998
_BEGIN = np.uint64(42)  # bits of a key that its beginning lacks

Prints = npt.NDArray[np.uint64]  # (n, 2 · VIEWS, WORDS): of each view, as it is and mirrored; or (n, PARTS, WORDS): of each part


def as_words(prints: list[str]) -> tuple[Prints, Prints]:
    """Views and parts, of prints as text. What was kept before prints told of parts has its whole for each of them."""
    views = np.frombuffer(bytes.fromhex("".join(one[len(PREFIX) : LETTERS] for one in prints)), "<u8").reshape(-1, 2 * VIEWS, WORDS)
    parts = np.repeat(views[:, :1], PARTS, axis=1)
    for row, one in enumerate(prints):
        if told := one.partition(" ")[0][LETTERS + 1 :]:
            parts[row] = np.frombuffer(base64.b64decode(told), "<u8").reshape(PARTS, WORDS)
    return views, parts


def near_pictures(prints: Prints, parts: Prints) -> Int64:
    """(n,) the place of the picture that each is nearly the same as or a part of, or the other way round, or its own.

    Args:
        prints: of different pictures, those first that are to be the first of a group.
        parts: of the same.
    """
    if len(prints) < 2:
        return np.arange(len(prints))
    whole = _candidates(prints)
    found = [whole[apart(whole, prints) <= APART], _candidate_parts(prints, parts)]
    pairs, likeness = _near(distinct_pairs(np.concatenate(found)), prints, parts)
    first = assign(pairs, likeness, len(prints))
    again, more = _near(through_others(pairs, first), prints, parts)
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


def parts_apart(pairs: Int64, prints: Prints, parts: Prints) -> Int64:
    """(m,) bits in which a view of either one of a pair, either way round, differs from the part of the other that is most like it."""
    least = np.full(len(pairs), BITS, np.int64)
    for start in range(0, len(pairs), _CHUNK_OF_PARTS):
        some = slice(start, start + _CHUNK_OF_PARTS)
        for whole, cut in (pairs[some].T, pairs[some, ::-1].T):
            for view in range(prints.shape[1]):
                differ = np.bitwise_count(prints[whole, None, view] ^ parts[cut]).sum(axis=2, dtype=np.int64)
                least[some] = np.minimum(least[some], differ.min(axis=1))
    return least


def _candidates(prints: Prints) -> Int64:
    """(m, 2) pairs, the lower place first, that have one of `TABLES` keys in common."""
    views = prints.reshape(-1, WORDS)
    place = np.repeat(np.arange(len(prints)), prints.shape[1])
    found = np.zeros((0, 2), np.int64)
    for bits in _keys(len(views)):
        found = distinct_pairs(np.concatenate([found, in_buckets(_key_of(views, bits), place, FIRST)]))
    return found


def _candidate_parts(prints: Prints, parts: Prints) -> Int64:
    """(m, 2) pairs, the lower place first, of which a view of one has a key in common with a part of the other, and is near it."""
    views, cuts = prints.reshape(-1, WORDS), parts.reshape(-1, WORDS)
    found = np.zeros((0, 2), np.int64)
    for bits in _keys(len(cuts)):
        key, asked = _key_of(views, bits), _key_of(cuts, bits)
        order = np.argsort(key, kind="stable")
        there = np.zeros(1 << 64 - int(_BEGIN), np.bool_)  # the beginnings of keys of views, since most parts have a key that no view has
        there[key >> _BEGIN] = True
        some = np.flatnonzero(there[asked >> _BEGIN])
        at = np.searchsorted(key[order], asked[some])
        for step in range(FIRST):
            inside = at + step < len(order)
            cut, view = some[inside], order[at[inside] + step]
            same = key[view] == asked[cut]
            cut, view = cut[same], view[same]
            near = np.bitwise_count(views[view] ^ cuts[cut]).sum(axis=1, dtype=np.int64) <= PART_APART
            pairs = np.sort(np.column_stack([view[near] // prints.shape[1], cut[near] // parts.shape[1]]), axis=1)
            found = distinct_pairs(np.concatenate([found, pairs[pairs[:, 0] < pairs[:, 1]]]))
    return found


def _keys(entries: int) -> Iterator[npt.NDArray[np.uint64]]:
    """(WORDS,) the bits of each of `TABLES` keys; the more prints, the more of them."""
    size = int(np.clip(np.ceil(np.log2(entries)) + 2, FEWEST_BITS, MOST_BITS))
    draw = np.random.default_rng(_SEED)
    for _ in range(TABLES):
        bits = draw.choice(BITS, size, replace=False).astype(np.uint64)
        yield np.array(
            [np.bitwise_or.reduce(np.uint64(1) << (bits[bits >> 6 == word] & 63), initial=0) for word in range(WORDS)], np.uint64
        )


def _key_of(views: Prints, bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One number for the bits that are asked for (their product of Fowler, Noll and Vo)."""
    key = np.zeros(len(views), np.uint64)
    for word in range(WORDS):
        key = (key ^ (views[:, word] & bits[word])) * np.uint64(0x9E3779B97F4A7C15)
    return key


def _near(pairs: Int64, prints: Prints, parts: Prints) -> tuple[Int64, Float64]:
    """The pairs that are near, and how near."""
    differ = apart(pairs, prints)
    rest = np.flatnonzero(differ > APART)
    cut = parts_apart(pairs[rest], prints, parts)
    differ[rest] = np.where(cut <= PART_APART, cut, BITS)
    return pairs[differ <= APART], 1 - differ[differ <= APART] / BITS
