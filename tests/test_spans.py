"""What a log has within spans of its rows, and the heaviest entries of rows, against sets and lists built row by row."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from graphdet import _kernels
from graphdet.arrays import Int32, Int64, distinct_counts

NONE = np.zeros(0, np.int64)


def made(seed: int, rows: int, numbers: int, spans: int) -> tuple[Int32, Int64, Int64]:
    """Numbers, some of them none; spans of any length, some empty, some with one begin or one end, some all of the log."""
    generator = np.random.default_rng(seed)
    number = generator.integers(-1, numbers, rows).astype(np.int32)
    low, high = generator.integers(0, rows + 1, (2, spans))
    low[: spans // 4], high[spans // 2 :] = low[0], np.maximum(high[-1], low[spans // 2 :])
    low[-1], high[-1] = 0, rows
    return number, low, high


@pytest.mark.parametrize(("seed", "rows", "numbers", "spans"), [(1, 400, 30, 40), (2, 1, 1, 4), (3, 0, 5, 4), (4, 3000, 2000, 90)])
def test_what_spans_hold_is_what_sets_of_their_rows_hold(seed: int, rows: int, numbers: int, spans: int) -> None:
    number, low, high = made(seed, rows, numbers, spans)
    inside = [set(number[a:b].tolist()) - {-1} for a, b in zip(low, high, strict=True)]
    outside = [set(number[:a].tolist()) | set(number[max(a, b) :].tolist()) for a, b in zip(low, high, strict=True)]
    assert _kernels.distinct_within(number, numbers, low, high, NONE, NONE).tolist() == [len(own) for own in inside]
    assert _kernels.only_within(number, numbers, low, high).tolist() == [
        len(own - other) for own, other in zip(inside, outside, strict=True)
    ]

    born, latest = np.random.default_rng(seed).integers(0, 50, numbers), low * 50 // max(rows, 1) - 3
    old = [{one for one in own if born[one] <= bound} for own, bound in zip(inside, latest.tolist(), strict=True)]
    assert _kernels.distinct_within(number, numbers, low, high, born, latest).tolist() == [len(own) for own in old]


def test_births_that_do_not_rise_with_spans_are_refused() -> None:
    number, low, high = np.zeros(4, np.int32), np.array([0, 2]), np.array([4, 4])
    with pytest.raises(ValueError, match="latest births must rise"):
        _kernels.distinct_within(number, 1, low, high, np.zeros(1, np.int64), np.array([3, 2]))
    with pytest.raises(ValueError, match="ends must lie within"):
        _kernels.only_within(number, 1, low, high + 1)


def test_pairs_have_one_number_each() -> None:
    generator = np.random.default_rng(3)
    one, other = (generator.integers(-1, size, 500).astype(np.int32) for size in (20, 9))
    number, pairs = _kernels.number_pairs(*_kernels.group_rows(one, 20), other, 9)
    there = (one >= 0) & (other >= 0)
    assert (number[~there] == -1).all()
    named = {(a, b, c) for a, b, c in zip(one[there].tolist(), other[there].tolist(), number[there].tolist(), strict=True)}
    assert len(named) == len({(a, b) for a, b, _ in named}) == pairs
    assert {c for _, _, c in named} == set(range(pairs))


def test_counts_of_numbers_are_those_of_numpy() -> None:
    values = np.random.default_rng(4).integers(0, 9, 100)
    for some in (values, values[:0], values[:1]):
        assert [found.tolist() for found in distinct_counts(some)] == [found.tolist() for found in np.unique(some, return_counts=True)]


def test_the_heaviest_entries_of_rows_come_first_and_none_is_its_own() -> None:
    generator = np.random.default_rng(6)
    begin = np.concatenate([[0, 0], np.cumsum(generator.integers(0, 60, 40))]).astype(np.int64)
    column = generator.integers(0, 45, begin[-1]).astype(np.int32)
    weight = generator.integers(0, 20, begin[-1]).astype(np.float32)  # many are equal
    for most in (0, 1, 7, 100):
        entry, count = _kernels.strongest(begin, column, weight, 3, most)
        expected = [
            sorted((at for at in range(a, b) if column[at] != row + 3), key=lambda at: (-weight[at], at))[:most]
            for row, (a, b) in enumerate(pairwise(begin.tolist()))
        ]
        assert count.tolist() == [len(own) for own in expected]
        assert entry.tolist() == [at for own in expected for at in own]
