"""The baselines of the benchmark against slow, obvious ways to the same groups: a weak rival would flatter us."""

from __future__ import annotations

import itertools
import math

import baselines
import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.events import EventTable, ReadReport
from graphdet.schema import arrow_schema

Row = tuple[int, int, int, int]  # user, item or device or ip, second, action

ACTIONS = ("order", "view")


def make_events(rows: list[Row], key: str = "item", *, times: bool = True) -> EventTable:
    """A table of (user, key, second, action) rows; every user and key up to the largest exists."""
    rows = sorted(rows, key=lambda row: (row[2], row))
    user, other, second, action = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))

    def names(prefix: str, codes: np.ndarray) -> pa.StringArray:
        return pa.array([f"{prefix}{code:03}" for code in range(int(codes.max()) + 1)])

    return EventTable(
        ids={"user": names("u", user), key: names("k", other)},
        codes={"user": user.astype(np.int32), key: other.astype(np.int32)},
        time=second * baselines.SECOND if times else None,
        resolution="instant" if times else "none",
        action=action.astype(np.int16),
        actions=ACTIONS,
        item_category=np.full(int(other.max()) + 1 if key == "item" else 0, -1, dtype=np.int32),
        categories=(),
        amount=None,
        rating=None,
        report=ReadReport((), arrow_schema("rejected").empty_table(), ()),
    )


edge_lists = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), min_size=1, max_size=25, unique=True)
logs = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 300_000), st.integers(0, 1)), min_size=1, max_size=60, unique=True
)


def as_sets(found: baselines.Found) -> set[frozenset[int]]:
    return {frozenset(group.tolist()) for group in found.groups}


@given(edge_lists, st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_peeling_equals_the_obvious_peel(edges: list[tuple[int, int]], seed: int) -> None:
    weight = np.random.default_rng(seed).uniform(0.1, 1, len(edges))  # no two nodes tie
    weighted = [(user, item + 7, float(w)) for (user, item), w in zip(edges, weight, strict=True)]

    def mass(nodes: set[int], touching: set[int]) -> float:
        return sum(w for u, i, w in weighted if u in nodes and i in nodes and (u in touching or i in touching))

    left = {node for u, i, _ in weighted for node in (u, i)}
    met = [(mass(left, left) / len(left), set(left))]
    while len(left) > 1:
        left = left - {min(left, key=lambda node: mass(left, {node}))}
        met.append((mass(left, left) / len(left), left))
    user, item = (np.array(side) for side in zip(*edges, strict=True))
    inside, density = baselines.peel(user, item + 7, weight, 13)
    best_density, best_nodes = max(met, key=lambda pair: pair[0])
    assert density == pytest.approx(best_density)
    assert set(np.flatnonzero(inside).tolist()) == best_nodes


def test_fraudar_finds_a_block_and_then_the_next() -> None:
    generator = np.random.default_rng(1)
    rows = [(user, item, 0, 0) for user in range(20) for item in range(8)]
    rows += [(user, item, 0, 0) for user in range(20, 32) for item in range(8, 14)]
    rows += [
        (int(user), int(item), 0, 0) for user, item in zip(generator.integers(32, 400, 900), generator.integers(14, 300, 900), strict=True)
    ]
    found = baselines.fraudar(make_events(sorted(set(rows))), blocks=2, keep=0.0)
    assert [group.tolist() for group in found.groups] == [list(range(20)), list(range(20, 32))]
    assert found.named(make_events(rows))["2"][0] == "u020"


@given(logs, st.integers(1, 3), st.sampled_from([1, 24]), st.integers(2, 6))
@settings(deadline=None)
def test_copurchase_pairs_equal_the_double_loop(log: list[Row], common: int, hours: int, least: int) -> None:
    pairs, count = baselines._pairs_in_windows(
        make_events(log), "item", hours * baselines.HOUR, most_events=10**6, committing=False, distinct_keys=True
    )
    slow: dict[tuple[int, int], set[int]] = {}
    for (u, i, t, _), (v, j, s, _) in itertools.product(log, log):
        if u < v and i == j and abs(t - s) < 3600 * hours:
            slow.setdefault((u, v), set()).add(i)
    assert {(int(u), int(v)): int(n) for (u, v), n in zip(pairs, count, strict=True)} == {pair: len(items) for pair, items in slow.items()}
    graph = nx.Graph(pair for pair, items in slow.items() if len(items) >= common)
    found = baselines.copurchase_components(
        make_events(log), common=common, hours=hours, most_events=10**6, committing=False, least_size=least
    )
    assert as_sets(found) == {frozenset(part) for part in nx.connected_components(graph) if len(part) >= least}


@given(logs, st.integers(1, 3), st.integers(2, 10), st.booleans())
@settings(deadline=None)
def test_common_items_equal_the_double_loop(log: list[Row], common: int, most_users: int, committing: bool) -> None:
    orders = [row for row in log if ACTIONS[row[3]] == "order"]
    touched: dict[int, set[int]] = {}
    users_of: dict[int, set[int]] = {}
    for user, item, _, _ in (orders or log) if committing else log:
        touched.setdefault(user, set()).add(item)
        users_of.setdefault(item, set()).add(user)
    rare = {item for item, users in users_of.items() if len(users) <= most_users}
    graph = nx.Graph((u, v) for u, v in itertools.combinations(touched, 2) if len(touched[u] & touched[v] & rare) >= common)
    found = baselines.common_items(make_events(log), common=common, most_users=most_users, committing=committing, least_size=2)
    assert as_sets(found) == {frozenset(part) for part in nx.connected_components(graph)}


def test_shared_devices_leave_hubs_out() -> None:
    rows = [(user, 0, 0, 0) for user in range(6)] + [(user, 1, 0, 0) for user in range(4, 9)] + [(user, 2, 0, 0) for user in range(9, 40)]
    found = baselines.shared_device(make_events(rows, "device"), most_users=20, least_size=5)
    assert as_sets(found) == {frozenset(range(9))}


def test_the_sixty_second_rule_counts_meetings() -> None:
    rows = [(user, 0, 1000 * day + user, 0) for day in range(2) for user in range(5)] + [(5, 0, 1003, 0), (6, 1, 1003, 0)]
    events = make_events(rows, "ip")
    assert as_sets(baselines.ip_within_a_minute(events, meetings=2)) == {frozenset(range(5))}
    assert as_sets(baselines.ip_within_a_minute(events, meetings=1)) == {frozenset(range(6))}


def test_leiden_tells_two_crews_apart() -> None:
    rows = [(user, item, 60 * user, 0) for user in range(8) for item in range(4)]
    rows += [(user, item, 60 * user, 0) for user in range(8, 16) for item in range(4, 8)]
    rows += [(user, item, 0, 0) for user in (0, 8) for item in (8, 9)]  # a chance meeting joins them
    events = make_events(sorted(set(rows)))
    assert as_sets(baselines.copurchase_components(events, common=2)) == {frozenset(range(16))}
    assert as_sets(baselines.copurchase_leiden(events)) == {frozenset(range(8)), frozenset(range(8, 16))}


def test_the_forest_flags_the_odd_user() -> None:
    rows = [(user, user % 7, 100 * user + k, 1) for user in range(100) for k in range(3)] + [(100, k, k, 0) for k in range(60)]
    found = baselines.isolation_forest(make_events(sorted(set(rows))), share=0.01)
    assert [group.tolist() for group in found.groups] == [[100]]
    assert math.isclose(found.user_score.max(), found.user_score[100])  # type: ignore[union-attr]


def test_a_missing_column_is_said_so() -> None:
    events = make_events([(0, 0, 0, 0)], times=False)
    for baseline in (baselines.shared_device, baselines.ip_within_a_minute, baselines.copurchase_leiden):
        with pytest.raises(baselines.MissingKeyError, match="the log has no"):
            baseline(events)
