"""A seed and the name of a mechanism → its own stream of random numbers.

Streams are keyed by name, so turning one knob leaves the draws of every other mechanism as they were.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """The generator of one mechanism, named by words and numbers, under one seed."""
    key = tuple(zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path)
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=key)))


def mix(words: npt.NDArray[np.integer], salt: int) -> Words:
    """64-bit words scrambled one to one (splitmix64's finaliser), so that distinct codes get distinct, orderless words."""
    with np.errstate(over="ignore"):
        mixed = words.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt & 0xFFFFFFFFFFFFFFFF)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def ranges(counts: npt.NDArray[np.integer]) -> Longs:
    """0…c−1 for each count c, one after another: (sum of counts,)."""
    ends = np.cumsum(counts, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    first: Longs = np.repeat(ends - counts, counts)
    return np.arange(total, dtype=np.int64) - first
