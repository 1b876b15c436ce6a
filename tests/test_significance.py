"""p- and q-values against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.judging.significance import false_rings, p_values, q_values

strengths = st.lists(st.integers(-5, 30).map(lambda n: n / 2), max_size=30).map(np.array)


@settings(max_examples=200, deadline=None)
@given(strengths, strengths, st.integers(0, 50))
def test_p_is_the_share_of_null_cores_at_least_as_strong(real: np.ndarray, null: np.ndarray, nothing: int) -> None:
    cores = len(null) + nothing
    expected = [(1 + sum(other >= strength for other in null)) / (1 + cores) for strength in real]
    found = p_values(real.astype(float), null.astype(float), cores)
    assert found.tolist() == pytest.approx(expected)
    assert ((found > 0) & (found <= 1)).all()
    order = np.argsort(real)
    assert (np.diff(found[order]) <= 0).all()  # stronger is never less significant


positive = st.lists(st.integers(1, 60).map(lambda n: n / 2), max_size=30).map(np.array)


@settings(max_examples=200, deadline=None)
@given(positive, positive, st.integers(1, 20))
def test_q_is_the_least_false_share_at_any_threshold_that_keeps_the_ring(real: np.ndarray, null: np.ndarray, permutations: int) -> None:
    false = dict(zip(real.tolist(), false_rings(real.astype(float), null.astype(float), permutations).tolist(), strict=True))
    least = [min([1.0, *(false[cut] / sum(other >= cut for other in real) for cut in real.tolist() if cut <= own)]) for own in real]
    expected = [max(one, 1e-6) for one in least]
    found = q_values(real.astype(float), null.astype(float), permutations)
    assert found.tolist() == pytest.approx(expected)
    assert ((found > 0) & (found <= 1)).all()
    assert (np.diff(found[np.argsort(real)]) <= 1e-12).all()  # stronger is never less significant


@settings(max_examples=200, deadline=None)
@given(positive, positive, st.integers(1, 20))
def test_never_fewer_false_rings_than_the_permuted_logs_hold(real: np.ndarray, null: np.ndarray, permutations: int) -> None:
    found = false_rings(real.astype(float), null.astype(float), permutations)
    assert all(rings >= sum(other >= own for other in null) / permutations for own, rings in zip(real, found, strict=True))
    assert (found > 0).all()


@pytest.mark.parametrize("mean", [1.5, 3.0, 12.0])
def test_the_tail_of_exponential_null_rings_is_that_of_many_more_of_them(mean: float) -> None:
    """Twenty permuted logs of thirty null rings each tell what ten thousand hold, at most twice too sure and four times too careful."""
    generator = np.random.default_rng(5)
    some, many = generator.exponential(mean, 600), generator.exponential(mean, 300_000)
    cut = np.array([mean * 9.0])  # e^-9 of the rings: one in 8000, far beyond the strongest of the six hundred
    told = false_rings(cut, some, 20)[0]
    held = (many >= cut).sum() / 10_000
    assert held / 2 < told < held * 4


def test_the_fewer_null_rings_the_more_cautious_the_tail() -> None:
    one, none = false_rings(np.array([40.0]), np.full(1, 3.0), 1)[0], false_rings(np.array([40.0]), np.zeros(0), 1)[0]
    many = false_rings(np.array([40.0]), np.full(100, 3.0), 100)[0]  # as many a log
    assert many < one
    assert 0 < none < 0.05  # a strong ring in a log whose permutation holds nothing at all is significant


@settings(max_examples=50, deadline=None)
@given(strengths, strengths, st.randoms(use_true_random=False))
def test_the_order_of_rings_does_not_matter(real: np.ndarray, null: np.ndarray, random) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(real)))
    random.shuffle(order)
    shuffled = real.astype(float)[np.array(order, int)]
    np.testing.assert_allclose(
        q_values(shuffled, null.astype(float), 3), q_values(real.astype(float), null.astype(float), 3)[np.array(order, int)]
    )


def test_no_ring_at_all_has_no_values() -> None:
    assert len(p_values(np.zeros(0), np.zeros(0), 0)) == 0
    assert len(q_values(np.zeros(0), np.zeros(0), 1)) == 0


def test_a_log_without_null_cores_proves_nothing() -> None:
    assert p_values(np.array([1e9]), np.zeros(0), 0).tolist() == [1.0]
