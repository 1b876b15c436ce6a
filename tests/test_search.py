"""The search for rings: its cores against networkx and an obvious loop, rings that share people, and any number of threads."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import Block, planted_log
from test_growth import same_ring

import graphdet.rings.cores
import graphdet.rings.search
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence, expected_meetings, measure_pairs
from graphdet.rings.cores import connected_users, crowds, users_of_shared_targets
from graphdet.rings.growth import Grower
from graphdet.rings.search import Search, from_its_own, search_rings
from graphdet.settings import EvidenceSettings, RingSettings, Settings, parse_settings
from graphdet.visits.base_rates import measure_base_rates
from graphdet.visits.crowding import fullest
from graphdet.visits.index import index_visits
from graphdet.visits.visits import collect_visits

NARROW = parse_settings({"view": {"item": {"cap": 12}}}, "test").view  # few visitors make a crowd

Met = dict[tuple[int, int], tuple[float, list[int]]]  # pair of users → its evidence and the keys where they met


def pair_evidence(met: Met) -> PairEvidence:
    pairs = sorted(met)
    keys = [key for pair in pairs for key in met[pair][1]]
    return PairEvidence(
        users=np.array(pairs, np.int32).reshape(-1, 2),
        evidence=np.array([met[pair][0] for pair in pairs], np.float32),
        offset=np.cumsum([0, *(len(met[pair][1]) for pair in pairs)]).astype(np.int64),
        key=np.array(keys, np.int32),
        key_evidence=np.ones(len(keys), np.float32),
        seconds_apart=np.zeros(len(keys), np.int32),
        chance=np.zeros(len(keys), np.float32),
    )


pairs_of_users = st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] < pair[1])
# Halves, so that sums are exact and the order of summing does not matter.
evidence = st.integers(6, 50).map(lambda n: n / 2)
meetings = st.dictionaries(
    pairs_of_users, st.tuples(evidence, st.lists(st.integers(0, 6), min_size=2, max_size=5, unique=True)), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(meetings, st.lists(evidence, min_size=1, max_size=4, unique=True), st.integers(2, 5))
def test_components_equal_those_of_networkx(met: Met, levels: list[float], least: int) -> None:
    expected = []
    for level in levels:
        graph = nx.Graph([pair for pair, (value, _) in met.items() if value >= level])
        expected += [sorted(component) for component in nx.connected_components(graph) if len(component) >= least - 1]
    found = connected_users(pair_evidence(met), 13, RingSettings(levels=tuple(levels), least_members=least))
    assert sorted(core.tolist() for core in found) == sorted(expected)


def test_the_giant_component_of_a_random_graph_is_no_group() -> None:
    chain = {(user, user + 1): (5.0, [0, 1]) for user in range(1500)} | {(2000 + user, 2001 + user): (5.0, [0, 1]) for user in range(900)}
    found = connected_users(pair_evidence(chain), 3000, RingSettings(levels=(4.0,)))
    assert [core.tolist() for core in found] == [list(range(2000, 2901))]


@settings(max_examples=150, deadline=None)
@given(meetings, st.sampled_from([0.0, 24.0, 60.0]), st.lists(st.booleans(), min_size=7, max_size=7))
def test_users_of_two_keys_equal_an_obvious_loop(met: Met, seed: float, suffices: list[bool]) -> None:
    users: dict[tuple[int, int], set[int]] = defaultdict(set)
    total: dict[tuple[int, int], float] = defaultdict(float)
    for pair, (value, keys) in met.items():
        for both in [*itertools.combinations(sorted(keys), 2), *((key, key) for key in keys if suffices[key])]:
            users[both] |= set(pair)
            total[both] += value
    expected = {both: sorted(users[both]) for both in users if len(users[both]) >= 3 and total[both] >= seed}
    found = users_of_shared_targets(pair_evidence(met), RingSettings(seed=seed), np.array(suffices))
    assert {core.keys: core.users.tolist() for core in found} == expected
    assert len(found) == len(expected)
    order = [total[core.keys] / len(core.users) for core in found]
    assert order == sorted(order, reverse=True)


def search(events: EventTable, threads: int = 2) -> Search:
    visits = collect_visits(events, EvidenceSettings(), Settings().view)
    base_rates = measure_base_rates(visits, EvidenceSettings())
    pairs = measure_pairs(visits, base_rates, expected_meetings(visits), EvidenceSettings(), threads)
    # Small and weak rings, too: more of them to compare.
    return search_rings(pairs, index_visits(visits), base_rates, RingSettings(least_members=4, least_strength=0.0), threads)


def found_of(members: set[int], block: Block) -> float:
    """Jaccard similarity."""
    return len(members & set(block.users)) / len(members | set(block.users))


@pytest.mark.parametrize("seed", range(3))
def test_two_rings_that_share_people_come_back_as_two(seed: int) -> None:
    blocks = [
        Block(users=tuple(range(18)), items=tuple(range(8))),
        Block(users=tuple(range(16, 34)), items=tuple(range(100, 108))),
        Block(users=tuple(range(60, 72)), items=tuple(range(200, 207))),
    ]
    events, _ = planted_log(np.random.default_rng(seed), blocks, users=6000, items=3000, events=40_000)
    found = search(events).rings
    best = [max(found, key=lambda ring, block=block: found_of(set(ring.members.tolist()), block)) for block in blocks]  # type: ignore[misc]
    assert len({id(ring) for ring in best}) == 3
    for ring, block in zip(best, blocks, strict=True):
        assert found_of(set(ring.members.tolist()), block) >= 0.9
    # The same ring is not told twice.
    for one, other in itertools.combinations(found, 2):
        common = [len(np.intersect1d(getattr(one, name), getattr(other, name))) for name in ("members", "targets")]
        least = [min(len(getattr(one, name)), len(getattr(other, name))) for name in ("members", "targets")]
        assert not all(many > 0.5 * few for many, few in zip(common, least, strict=True))
    strengths = [ring.strength for ring in found]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] > 0


def test_a_ring_stands_with_what_its_members_did_since_but_not_two_in_one() -> None:
    """Where two rings share people, growth takes in the members of both; they are two for all that."""
    blocks = [
        Block(users=tuple(range(18)), items=tuple(range(8))),
        Block(users=tuple(range(16, 34)), items=tuple(range(100, 108))),
        Block(users=tuple(range(60, 72)), items=tuple(range(200, 207))),
    ]
    events, _ = planted_log(np.random.default_rng(0), blocks, users=6000, items=3000, events=40_000)
    visits = collect_visits(events, EvidenceSettings(), Settings().view)
    grower = Grower(index_visits(visits), measure_base_rates(visits, EvidenceSettings()), RingSettings())
    both, one = (grower.grow(np.array(blocks[number].users, np.int32)) for number in (0, 2))
    assert both.members.tolist() == [*range(34)]
    assert np.array_equal(grower.grow(both.members).members, both.members)
    assert from_its_own(grower, one) is one
    grown, two = (from_its_own(grower, replace(ring, visitors=ring.visitors - np.int32(1))) for ring in (one, both))  # members came since
    assert two is None
    assert grown is not None
    same_ring(grown, one)
    assert from_its_own(grower, replace(one, outsiders=one.outsiders + np.int32(1))) is None  # others came, or went


def test_the_number_of_threads_changes_nothing() -> None:
    blocks = [Block(users=tuple(range(n * 9, n * 9 + 12)), items=tuple(range(n * 10, n * 10 + 6)), density=0.6) for n in range(12)]
    events, _ = planted_log(np.random.default_rng(4), blocks, users=6000, items=3000, events=40_000)
    one, two, three = (search(events, threads) for threads in (1, 2, 3))
    assert len(one.rings) >= 6
    for other in (two, three):
        assert other.cores == one.cores
        assert len(other.rings) == len(one.rings)
        for ring, same in zip(one.rings, other.rings, strict=True):
            same_ring(ring, same)


def test_how_far_the_search_looks_ahead_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [Block(users=tuple(range(n * 9, n * 9 + 12)), items=tuple(range(n * 8, n * 8 + 9)), density=0.6) for n in range(8)]
    events, _ = planted_log(np.random.default_rng(5), blocks, users=3000, items=1500, events=20_000)
    for effort in (200_000, 10_000_000):  # of which the first is spent before all cores are tried
        monkeypatch.setattr(graphdet.rings.search, "LEAST_EFFORT", effort)
        monkeypatch.setattr(graphdet.rings.search, "WINDOW", 128)
        far = search(events)
        monkeypatch.setattr(graphdet.rings.search, "WINDOW", graphdet.rings.search.BATCH)
        near = search(events)
        assert (near.cores, near.untried, near.swallowed) == (far.cores, far.untried, far.swallowed)
        for ring, same in zip(near.rings, far.rings, strict=True):
            same_ring(ring, same)


def test_a_log_of_chance_has_no_strong_ring() -> None:
    events, _ = planted_log(np.random.default_rng(9), users=6000, items=3000, events=40_000)
    found = search(events).rings
    assert found
    assert all(ring.strength < 20 for ring in found)


def test_a_ring_so_large_that_its_items_look_like_sales_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    block = Block(users=tuple(range(240)), items=tuple(range(80)), density=0.6, hours=20.0)
    events, _ = planted_log(np.random.default_rng(6), [block], users=1700, items=3000, events=15_000)
    found = search(events)
    assert found_of(set(found.rings[0].members.tolist()), block) >= 0.9
    same_ring(found.rings[0], search(events, 3).rings[0])
    monkeypatch.setattr(graphdet.rings.cores, "crowds", lambda visits: [])
    assert all(found_of(set(ring.members.tolist()), block) < 0.5 for ring in search(events).rings)


@pytest.mark.parametrize("seed", range(5))
def test_crowds_are_those_of_an_obvious_loop(seed: int) -> None:
    generator = np.random.default_rng(seed)
    events, _ = planted_log(generator, users=300, items=40, events=9000, days=3)
    visits = collect_visits(events, EvidenceSettings(), NARROW)
    (view,) = (view for view in visits.views if view.name == "item")
    begin, end = fullest(visits, view)
    for key in range(view.keys):
        times = visits.time[visits.offset[key] : visits.offset[key + 1]]
        assert end[key] - begin[key] == max(int(((times >= time) & (times <= time + view.windows[0])).sum()) for time in times)
        assert visits.time[end[key] - 1] - visits.time[begin[key]] <= view.windows[0]
        assert visits.offset[key] <= begin[key] < end[key] <= visits.offset[key + 1]
    counted: set[int] = set()
    expected = []
    for key in sorted(range(view.keys), key=lambda key: (begin[key] - end[key], key)):
        users = set(visits.user[begin[key] : end[key]].tolist())
        if end[key] - begin[key] > 12 and len(users & counted) <= 0.5 * len(users):
            counted |= users
            expected.append((key, key, sorted(users)))
    assert expected
    assert [(*core.keys, core.users.tolist()) for core in crowds(visits)] == expected
    untimed = replace(events, time=None, resolution="none")
    assert crowds(collect_visits(untimed, EvidenceSettings(), NARROW)) == []
