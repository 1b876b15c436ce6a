"""Walks over slices of keys, and the filter that all threads share: what they find must not depend on how the work was cut."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdet.evidence.pairs import PairEvidence
from graphdet.evidence.repeats import RepeatFilter, hash_pairs
from graphdet.evidence.walk import Keys, Limits, Meetings, pairs_of, walk

LIMITS = Limits(windows=np.array([[30, 90]], np.int32), cap=np.array([6], np.int32), least=0.5, most=4.0)


def some_keys(seed: int, keys: int, visits: int) -> Keys:
    draw = np.random.default_rng(seed)
    key = np.sort(draw.integers(0, keys, visits))
    time = draw.integers(0, 500, visits)
    return Keys(
        offset=np.searchsorted(key, np.arange(keys + 1)),
        view_of=np.zeros(keys, np.int32),
        constant=draw.choice(np.array([-np.inf, -1, 0, 1], np.float32), (keys, 2)),
        user=draw.integers(0, 9, visits).astype(np.int32),
        time=time[np.lexsort((time, key))].astype(np.int32),
        log_base_rate=draw.uniform(-2, 0, visits).astype(np.float32),
    )


def part_of(keys: Keys, first: int, end: int) -> Keys:
    rows = slice(keys.offset[first], keys.offset[end])
    return Keys(
        offset=keys.offset[first : end + 1] - keys.offset[first],
        view_of=keys.view_of[first:end],
        constant=keys.constant[first:end],
        user=keys.user[rows],
        time=keys.time[rows],
        log_base_rate=keys.log_base_rate[rows],
    )


def obvious_walk(keys: Keys) -> list[tuple[int, int, int]]:
    found = []
    for key in range(len(keys.view_of)):
        for one in range(keys.offset[key], keys.offset[key + 1]):
            for other in range(one + 1, min(keys.offset[key + 1], one + 7)):
                apart = keys.time[other] - keys.time[one]
                said = [constant for window, constant in zip((30, 90), keys.constant[key], strict=True) if apart <= window]
                value = max(said, default=-np.inf) - (keys.log_base_rate[one] + keys.log_base_rate[other])
                if keys.user[one] != keys.user[other] and value >= LIMITS.least:
                    found.append((key, one, other))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_equals_the_obvious_double_loop_and_slices_joined_are_the_whole(seed: int) -> None:
    keys = some_keys(seed, keys=40, visits=6000)  # more meetings than the first room that the walk takes
    whole = walk(keys, LIMITS)
    assert list(zip(*(column.tolist() for column in whole[:3]), strict=True)) == obvious_walk(keys)
    assert len(whole.key) > 1 << 12
    for cuts in ([0, 1, 40], [0, 0, 13, 14, 14, 30, 40], range(41)):
        parts = []
        for first, end in pairwise(cuts):
            found, start = walk(part_of(keys, first, end), LIMITS), np.int32(keys.offset[first])
            parts.append(Meetings(found.key + np.int32(first), found.one + start, found.other + start, found.evidence))
        for column, pieces in zip(whole, zip(*parts, strict=True), strict=True):
            np.testing.assert_array_equal(np.concatenate(pieces), column)


def test_a_pair_is_its_two_users_whoever_came_first() -> None:
    keys = some_keys(1, keys=3, visits=200)
    found = walk(keys, LIMITS)
    pairs = pairs_of(found, keys, 9)
    users = np.sort(np.stack([keys.user[found.one], keys.user[found.other]], axis=1), axis=1)
    np.testing.assert_array_equal(np.stack([pairs // 9, pairs % 9], axis=1), users)


@given(st.lists(st.lists(st.integers(0, 400)), max_size=5), st.integers(1, 5))
def test_the_filter_loses_no_repeated_pair_and_does_not_depend_on_threads(parts: list[list[int]], threads: int) -> None:
    hashes = [hash_pairs(np.array(part, np.int64)) for part in parts]
    filters = []
    for number in (1, threads):
        filters.append(RepeatFilter(0))
        with ThreadPoolExecutor(number) as pool:
            for start in range(0, len(hashes), 2):
                filters[-1].add(hashes[start : start + 2], pool, number)
    np.testing.assert_array_equal(filters[0].words, filters[1].words)
    counts = Counter(pair for part in parts for pair in part)
    for part, hashed in zip(parts, hashes, strict=True):
        told = filters[0].repeated(hashed)
        assert told[[counts[pair] > 1 for pair in part]].all()


def test_the_filter_drops_nearly_all_pairs_that_are_given_once() -> None:
    once, twice = np.arange(90_000), np.arange(90_000, 95_000)
    repeats = RepeatFilter(100_000)
    with ThreadPoolExecutor(2) as pool:
        repeats.add([hash_pairs(np.r_[once, twice]), hash_pairs(twice)], pool, 2)
    assert repeats.repeated(hash_pairs(twice)).all()
    assert repeats.repeated(hash_pairs(once)).mean() < 0.1


def test_pair_evidence_refuses_what_does_not_fit() -> None:
    def pairs(users: list[list[int]], offset: list[int], key_type: type = np.int32) -> PairEvidence:
        meetings = np.zeros(4, np.float32)
        return PairEvidence(
            users=np.array(users, np.int32).reshape(-1, 2), evidence=np.ones(len(users), np.float32), offset=np.array(offset),
            key=np.zeros(4, key_type), key_evidence=meetings, seconds_apart=np.zeros(4, np.int32), chance=meetings,
        )  # fmt: skip

    assert len(pairs([[0, 1], [0, 2]], [0, 2, 4])) == 2
    for users, complaint in ([[1, 0], [0, 2]], "smaller"), ([[0, 2], [0, 1]], "sorted"), ([[0, 1], [0, 1]], "sorted"):
        with pytest.raises(ValueError, match=complaint):
            pairs(users, [0, 2, 4])
    for offset in ([0, 5, 4], [1, 2, 4], [0, 2, 3]):
        with pytest.raises(ValueError, match="offset"):
            pairs([[0, 1], [0, 2]], offset)
    for wrong in (lambda: pairs([[0, 1]], [0, 2, 4]), lambda: pairs([[0, 1], [0, 2]], [0, 2, 4], np.int64)):
        with pytest.raises(ValueError, match=r"must be int32|must have .* values"):
            wrong()
