"""Names → codes and rows → one order, against Python's own dictionaries and sort."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet import _kernels
from graphdet.events.addresses import PLAIN_IPV4
from graphdet.events.assembling import commonest
from graphdet.events.coding import Dictionary, canonical_order, places_among, plain_names, repeated_keys, sorted_names, text_buffers

texts = st.text(st.sampled_from("ab\0é0"), max_size=20)
NONE = -(2**63)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.none() | texts, max_size=30), max_size=4), st.integers(0, 3))
def test_codes_are_in_order_of_first_appearance(batches: list[list[str | None]], skipped: int) -> None:
    dictionary, expected = Dictionary(), dict[str, int]()
    for batch in batches:
        names = pa.array([None, "x", "y"][:skipped] + batch, pa.large_string())[skipped:]  # a slice, as DuckDB gives them
        slow = [-1 if name is None else expected.setdefault(name, len(expected)) for name in batch]
        assert dictionary.encode(names).tolist() == slow
    assert dictionary.take().to_pylist() == list(expected)
    assert len(dictionary.take()) == 0


@settings(max_examples=200, deadline=None)
@given(st.sets(texts, max_size=30), st.lists(texts, max_size=30))
def test_places_among_sorted_names_are_those_of_bisection(known: set[str], asked: list[str]) -> None:
    names = sorted(name.encode() for name in known)
    place, there = places_among(pa.array([name.decode() for name in names], pa.string()), pa.array(asked, pa.string()))
    assert place.tolist() == [bisect_left(names, name.encode()) for name in asked]
    assert there.tolist() == [name in known for name in asked]


def test_a_dictionary_grows_and_tells_long_names_apart() -> None:
    generator = np.random.default_rng(1)
    batches = [[f"{'user' * (number % 5)}{number}" for number in generator.integers(0, 30_000, 50_000)] for _ in range(3)]
    long = "x" * (1 << 24)
    batches.append([long + "a", long + "b", long, long[:-1], long + "a", "", long[:-2]])
    dictionary, expected = Dictionary(), dict[str, int]()
    for batch in batches:
        codes = dictionary.encode(pa.array(batch, pa.large_string())).tolist()
        assert codes == [expected.setdefault(name, len(expected)) for name in batch]
    assert dictionary.take().to_pylist() == list(expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, max_size=60))
def test_names_are_sorted_by_their_bytes(names: list[str]) -> None:
    order, repeats = sorted_names(pa.array(names, pa.large_string()))
    raw = [name.encode() for name in names]
    slow = sorted(range(len(names)), key=raw.__getitem__)
    assert order.tolist() == slow
    assert repeats.tolist() == [place > 0 and raw[slow[place]] == raw[slow[place - 1]] for place in range(len(slow))]


@pytest.mark.parametrize("rows", [0, 1, 2, 31, 500, 40_000])
@pytest.mark.parametrize("bits", [1, 8, 20, 64])
def test_rows_are_sorted_by_one_key_after_the_other(rows: int, bits: int) -> None:
    """Runs that are sorted in each of the three ways, ties in the order given."""
    generator = np.random.default_rng([rows, bits])
    few = generator.integers(0, max(rows // 90, 1), rows).astype(np.uint64)
    keys = [few, generator.integers(0, 2**bits - 1, rows, dtype=np.uint64, endpoint=True), generator.integers(0, 3, rows).astype(np.uint64)]
    for used in (keys, keys[1:], keys[:1]):
        order, repeats = canonical_order(rows, [key.__getitem__ for key in used])
        slow = np.lexsort(used[::-1])
        assert order.tolist() == slow.tolist()
        told = np.stack([key[slow] for key in used])
        assert repeats.tolist() == [False, *(told[:, 1:] == told[:, :-1]).all(axis=0).tolist()][:rows]


def test_keys_of_128_bits_repeat_where_both_halves_do() -> None:
    generator = np.random.default_rng(2)
    first, second = (generator.integers(0, most, 5_000).astype(np.uint64) for most in (40, 50))
    seen: set[tuple[int, int]] = {(0, 0)}
    slow = []
    for key in zip(first.tolist(), second.tolist(), strict=True):
        slow.append(key in seen and key != (0, 0))
        seen.add(key)
    assert repeated_keys(first, second).tolist() == slow
    assert not repeated_keys(first[:0], second[:0]).size


@pytest.mark.parametrize("unit", [1, 250_000, 1_000_000])
def test_times_become_whole_seconds_where_all_are(unit: int) -> None:
    time = np.array([NONE, 7, 7 + 3 * unit, 7 + 8 * unit, NONE, 7 + 8 * unit])
    rows = np.array([5, 0, 1, 2], np.int32)
    grain = 1_000_000 if unit == 1_000_000 else 1
    assert _kernels.since_first(time, NONE, rows).tolist() == [8 * unit // grain + 1, 0, 1, 3 * unit // grain + 1]
    assert _kernels.since_first(np.full(2, NONE), NONE, rows[1:3]).tolist() == [0, 0]


def test_codes_stand_side_by_side_in_a_key() -> None:
    key, rows = np.array([0, 5], np.uint64), np.array([2, 0], np.int32)
    _kernels.append_codes(key, np.array([-1, 9, 6], np.int32), rows, 4)
    assert key.tolist() == [7, 5 << 4]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 4)), max_size=40))
def test_the_commonest_value_of_each_key(rows: list[tuple[int, int]]) -> None:
    key, value = (np.array([row[side] for row in rows], np.int32) for side in (0, 1))
    counts = [Counter(own for of_key, own in rows if of_key == each and own >= 0) for each in range(4)]
    slow = [min(count, key=lambda own: (-count[own], own), default=-1) for count in counts]
    assert commonest(key, value, 4, 5).tolist() == slow


@pytest.mark.parametrize(
    ("name", "plain"),
    [("u1", True), ("é", False), (" u", False), ("u\t", False), ("", False), ("a b", True), ("x" * 9, False), ("~", True), ("\x7f", False)],
)
def test_plain_names_need_no_second_look(name: str, plain: bool) -> None:
    assert plain_names(*text_buffers(pa.array(["ok", name], pa.large_string())), 8) is plain
    assert plain_names(*text_buffers(pa.array([], pa.large_string())), 8)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("0125.\n9"), max_size=16) | st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){3}\Z"))
def test_an_ipv4_address_is_four_numbers_up_to_255(text: str) -> None:
    """Without leading zeros, since some take these for octal."""
    parts = text.split(".")
    good = len(parts) == 4 and all(part.isdigit() and str(int(part)) == part and int(part) < 256 for part in parts)
    assert pc.match_substring_regex(pa.array([text], pa.large_string()), PLAIN_IPV4).to_pylist() == [good]


def test_wrong_arguments_are_refused() -> None:
    """Whatever would be read or written out of bounds."""
    bounds, content, rows = np.array([0, 2, 4]), np.zeros(4, np.uint8), np.array([0, 2], np.int32)
    none: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
    keys = np.zeros(2, np.uint64)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: _kernels.Dictionary().encode(bounds, content[:3], none, 0), "bounds must rise"),
        (lambda: _kernels.Dictionary().encode(bounds, content, np.zeros(1, np.uint8), 7), "a bit for each row"),
        (lambda: _kernels.eight_bytes(bounds, content, 0, rows), "rows must lie within"),
        (lambda: _kernels.append_codes(keys, rows, rows, 4), "rows must lie within"),
        (lambda: _kernels.append_codes(keys, rows, rows[:1], 64), "fewer bits"),
        (lambda: _kernels.since_first(bounds[:2], NONE, rows), "rows must lie within"),
        (lambda: _kernels.first_values(rows, rows, 2), "key must lie within"),
        (lambda: _kernels.sort_runs(rows, np.zeros(2, np.bool_), rows, keys), "positions must lie within"),
    ]
    for call, why in calls:
        with pytest.raises(ValueError, match=why):
            call()
    with pytest.raises(TypeError):
        partial(_kernels.append_codes, keys.astype(np.int64), rows, rows, 4)()
