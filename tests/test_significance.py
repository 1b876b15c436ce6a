"""p- and q-values against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.rings.significance import p_values, q_values

strengths = st.lists(st.integers(-5, 30).map(lambda n: n / 2), max_size=30).map(np.array)
shares = st.lists(st.integers(1, 40).map(lambda n: n / 40), min_size=1, max_size=30).map(np.array)


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
@given(shares)
def test_q_equals_benjamini_and_hochberg_where_every_core_gave_a_ring(p: np.ndarray) -> None:
    np.testing.assert_allclose(q_values(p, len(p)), scipy.stats.false_discovery_control(p, method="bh"))


@settings(max_examples=200, deadline=None)
@given(shares, st.integers(0, 60))
def test_q_is_the_least_false_share_at_any_threshold_that_keeps_the_ring(p: np.ndarray, more: int) -> None:
    cores = len(p) + more
    expected = [min(min(1.0, cores * cut / sum(p <= cut)) for cut in p if cut >= own) for own in p]
    found = q_values(p, cores)
    assert found.tolist() == pytest.approx(expected)
    assert ((found > 0) & (found <= 1)).all()
    assert (found >= p - 1e-12).all()
    assert (np.diff(found[np.argsort(p)]) >= -1e-12).all()


@settings(max_examples=50, deadline=None)
@given(shares, st.randoms(use_true_random=False))
def test_the_order_of_rings_does_not_matter(p: np.ndarray, random) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(p)))
    random.shuffle(order)
    np.testing.assert_allclose(q_values(p[order], 50), q_values(p, 50)[order])


def test_no_ring_at_all_has_no_values() -> None:
    assert len(p_values(np.zeros(0), np.zeros(0), 0)) == 0
    assert len(q_values(np.zeros(0), 0)) == 0


def test_a_log_without_null_cores_proves_nothing() -> None:
    assert p_values(np.array([1e9]), np.zeros(0), 0).tolist() == [1.0]
