"""The two rings inside a ring, against the same in NumPy and SciPy; and what two rings tell together, against sets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import Block, planted_log
from scipy.cluster.hierarchy import linkage
from test_growth import grower_of, index_of, same_ring

from graphdet import _kernels
from graphdet.rings import growers as growers_of_threads
from graphdet.rings.growers import Growers
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import EvidenceSettings, RingSettings
from graphdet.visits.base_rates import measure_base_rates

SETTINGS = RingSettings(least_members=4, least_strength=0.0)


def first_branch(merges: np.ndarray, leaves: int) -> list[bool]:  # type: ignore[type-arg]
    """Which leaves are under the first of the two branches that the last of SciPy's merges joins."""
    under: list[set[int]] = [{leaf} for leaf in range(leaves)]
    for one, other, *_ in merges:
        under.append(under[int(one)] | under[int(other)])
    return [leaf in under[int(merges[-1, 0])] for leaf in range(leaves)]


def test_what_is_shared_out_waits_for_what_is_done_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the effort is spent, nobody waits for the last window; but it has the same growers, which cannot do two things at once."""
    index = index_of(planted_log(np.random.default_rng(1), [], users=50, items=50, events=200)[0])
    begun, go_on, order = threading.Event(), threading.Event(), []

    def slow(*_: object) -> list[object]:
        begun.set()
        assert go_on.wait(60)
        order.append("ahead")
        return []

    monkeypatch.setattr(growers_of_threads, "grow_each", slow)
    with Growers(index, measure_base_rates(index.visits, EvidenceSettings()), SETTINGS, 2) as growers, ThreadPoolExecutor(1) as pool:
        growers.work_ahead([], [])
        assert begun.wait(60)
        shared = pool.submit(growers.each, lambda _, thing: order.append(thing), ["shared out"])
        wait((shared,), timeout=0.2)
        go_on.set()
        shared.result()
    assert order == ["ahead", "shared out"]


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 14), st.integers(0, 1000), st.sampled_from([1, 9]))
def test_the_two_branches_of_the_last_merge_are_those_of_scipy(leaves: int, seed: int, digits: int) -> None:
    distance = np.random.default_rng(seed).random(leaves * (leaves - 1) // 2).round(digits)  # with one digit many are equal
    expected = first_branch(linkage(distance, "average"), leaves)
    assert _kernels.first_branch(distance, leaves).astype(bool).tolist() == expected


def met_of(ring: Grown, grower: Grower) -> set[tuple[int, int]]:
    who, what = grower.incidence(ring)
    return set(zip(ring.members[who].tolist(), ring.targets[what].tolist(), strict=True))


def slow_parts(ring: Grown, grower: Grower) -> list[Grown]:
    met = np.zeros((len(ring.members), len(ring.targets)))
    met[grower.incidence(ring)] = 1.0
    if met.shape[1] < 2:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.corrcoef(met.T))
    half = np.array(first_branch(linkage(np.round(1 - correlation, 9)[np.triu_indices(met.shape[1], 1)], "average"), met.shape[1]))
    mostly = met[:, half].mean(1) > met[:, ~half].mean(1) + 1e-12
    if mostly.all() or not mostly.any():
        return []
    parts = [grower.grow(ring.members[side], generous=False) for side in (mostly, ~mostly)]
    if min(len(part.members) for part in parts) < SETTINGS.least_members:
        return []
    weak, strong = sorted(parts, key=lambda part: part.strength)
    again = met_of(weak, grower)
    shared = len(again & met_of(strong, grower)) / max(len(again), 1)
    together = strong.strength + weak.strength * (1 - shared)
    assert grower.told_by_both(*parts) == pytest.approx((together, shared))
    return parts if shared <= SETTINGS.overlap and together > ring.strength else []


@pytest.mark.parametrize("seed", range(3))
def test_parts_are_those_of_numpy_and_scipy(seed: int) -> None:
    """Of the members of two rings, and of each by itself: as one they tell what they do together, which may be more than two rings do."""
    blocks = [Block(users=tuple(range(n * 13, n * 13 + 14)), items=tuple(range(n * 8, n * 8 + 9)), density=0.7) for n in range(4)]
    index = index_of(planted_log(np.random.default_rng(seed), blocks, users=3000, items=1500, events=20_000)[0])
    grower = grower_of(index, SETTINGS)
    both = [np.unique(np.array([*one.users, *other.users], np.int32)) for one in blocks for other in blocks]
    rings = [replace(ring, strength=ring.strength * share) for ring in map(grower.describe, both) for share in (1.0, 2.0)]
    found = [grower.parts_of(ring) for ring in rings]
    for ring, parts in zip(rings, found, strict=True):
        expected = slow_parts(ring, grower)
        assert len(parts) == len(expected)
        for part, same in zip(parts, expected, strict=True):
            same_ring(part, same)
    assert 0 < sum(len(parts) for parts in found) < 2 * len(rings)
    with Growers(index, measure_base_rates(index.visits, EvidenceSettings()), SETTINGS, 3) as growers:
        ahead = growers.work_ahead([np.array(block.users, np.int32) for block in blocks], rings).result()
        assert growers.walked == 0  # nobody has asked for it
        for tried, parts in zip(ahead.parts, found, strict=True):
            for part, same in zip(growers.count(tried), parts, strict=True):
                same_ring(part, same)
        assert growers.walked == sum(tried.walked for tried in ahead.parts) > 0
        for block, tried in zip(blocks, ahead.grown, strict=True):
            (ring,) = tried.rings
            same_ring(ring, grower.grow(np.array(block.users, np.int32)))


def union_of(one: Grown, other: Grown, grower: Grower) -> Grown | None:
    """The ring of two where it is shorter to tell than they are and has no two rings inside it, by what a grower gives step by step."""
    union = grower.grow(np.union1d(one.members, other.members))
    return union if union.strength > grower.told_by_both(one, other)[0] and not grower.parts_of(union) else None


@pytest.mark.parametrize("seed", range(3))
def test_unions_are_those_of_growing_two_step_by_step(seed: int) -> None:
    """Of the parts of crews, each crew in four, some of which are one crew's and some not; the same for one thread and three."""
    blocks = [Block(users=tuple(range(n * 20, n * 20 + 20)), items=tuple(range(n * 8, n * 8 + 9)), density=0.6) for n in range(4)]
    index = index_of(planted_log(np.random.default_rng(seed), blocks, users=3000, items=1500, events=20_000)[0])
    grower = grower_of(index, SETTINGS)
    cut = [grower.grow(np.array(block.users[n::4], np.int32), generous=False) for block in blocks for n in range(4)]
    rings = [replace(ring, strength=ring.strength * share) for ring in cut if len(ring.members) for share in (1.0, 0.4)]
    pairs = [(one, other) for one in rings for other in rings if one is not other]
    before = grower.walked
    expected = [union_of(*pair, grower) for pair in pairs]
    assert 0 < sum(union is not None for union in expected) < len(pairs)
    for threads in (1, 3):
        with Growers(index, measure_base_rates(index.visits, EvidenceSettings()), SETTINGS, threads) as growers:
            for union, same in zip(growers.unite(pairs), expected, strict=True):
                assert (union is None) == (same is None)
                if union is not None and same is not None:
                    same_ring(union, same)
            assert growers.walked == grower.walked - before
            assert growers.unite([]) == []
