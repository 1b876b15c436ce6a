"""p- and q-values against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.rings.significance import p_values, q_values

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


@settings(max_examples=200, deadline=None)
@given(strengths, strengths, st.integers(1, 20))
def test_q_is_the_least_false_share_at_any_threshold_that_keeps_the_ring(real: np.ndarray, null: np.ndarray, permutations: int) -> None:
    def false_share(cut: float) -> float:
        return (1 + sum(other >= cut for other in null)) / permutations / sum(other >= cut for other in real)

    expected = [min([1.0, *(false_share(cut) for cut in real if cut <= own)]) for own in real]
    found = q_values(real.astype(float), null.astype(float), permutations)
    assert found.tolist() == pytest.approx(expected)
    assert ((found > 0) & (found <= 1)).all()
    assert (np.diff(found[np.argsort(real)]) <= 1e-12).all()  # stronger is never less significant


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
