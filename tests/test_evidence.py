"""Pair evidence against a slow, obvious double loop, and the null against what it must keep."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.events import NO_TIME, EventTable, ReadReport
from graphdet.evidence.null import permute
from graphdet.evidence.pairs import PairEvidence, expected_rates, measure_pairs
from graphdet.evidence.visits import Visits, collect_visits
from graphdet.schema import arrow_schema
from graphdet.settings import EvidenceSettings

HOUR = 3600
EVERY_VIEW = ("item", "device", "ip", "seller", "payment", "address")
LOOSE = EvidenceSettings(least=0.0, weak=0.0, stratum_visits=5, item_cap=4)

Row = tuple[int, int, dict[str, int]]  # seconds (or None), user, view → key


def event_table(rows: list[Row], categories: list[int], *, resolution: str = "instant") -> EventTable:
    """A table of (seconds, user, keys); every user, item, … code that is used is below the counts found."""
    rows = sorted(rows, key=lambda row: (row[0], row[1], sorted(row[2].items())))
    codes = {"user": np.array([user for _, user, _ in rows], np.int32)}
    for view in EVERY_VIEW:
        column = np.array([keys.get(view, -1) for _, _, keys in rows], np.int32)
        if (column >= 0).any():
            codes[view] = column
    ids = {name: pa.array([f"{name}{n:03d}" for n in range(column.max() + 1)]) for name, column in codes.items()}
    items = len(ids.get("item", ()))
    return EventTable(
        ids=ids,
        codes=codes,
        time=None if resolution == "none" else np.array([second * 1_000_000 for second, _, _ in rows], np.int64),
        resolution=resolution,  # type: ignore[arg-type]
        action=np.zeros(len(rows), np.int16),
        actions=("order",),
        item_category=np.array([categories[n % len(categories)] for n in range(items)], np.int32),
        categories=tuple(f"c{n}" for n in range(max(categories) + 1)),
        amount=None,
        rating=None,
        report=ReadReport((), arrow_schema("rejected").empty_table(), ()),
    )


@st.composite
def logs(draw: st.DrawFn) -> EventTable:
    views = draw(st.lists(st.sampled_from(EVERY_VIEW), min_size=1, unique=True))
    resolution = draw(st.sampled_from(["instant", "day", "none"]))
    step = 24 * HOUR if resolution == "day" else HOUR // 2
    times = st.integers(0, 40 if resolution == "day" else 1500).map(lambda n: n * step)
    keys = st.fixed_dictionaries({view: st.integers(-1, 4) for view in views})
    rows = draw(st.lists(st.tuples(times, st.integers(0, 6), keys), min_size=2, max_size=60))
    categories = draw(st.lists(st.integers(0, 1), min_size=1, max_size=4))
    return event_table(rows, categories, resolution=resolution)


def obvious_visits(events: EventTable, visits: Visits) -> dict[tuple[str, int], list[tuple[int, int]]]:
    """(view, key) → [(second, user)]: a user's return within the shortest window is no new visit."""
    found: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    start = 0 if events.time is None else int(events.time.min())
    for view in visits.views:
        last: dict[tuple[int, int], int] = {}
        for row in range(len(events)):
            key, user = int(events.codes[view.name][row]), int(events.codes["user"][row])
            if key < 0:
                continue
            second = 0 if events.time is None else (int(events.time[row]) - start) // 1_000_000
            if (key, user) in last and second - last[key, user] <= view.windows[0]:
                last[key, user] = second
                continue
            last[key, user] = second
            found[view.name, key].append((second, user))
    return found


def obvious_evidence(events: EventTable, visits: Visits, rules: EvidenceSettings) -> dict[tuple[int, int], dict[tuple[str, int], float]]:
    """Pair of users → evidence of each key where they meet, by a double loop over visits."""
    places = obvious_visits(events, visits)
    category_visits: dict[int, int] = defaultdict(int)
    for (view, key), rows in places.items():
        if view == "item":
            category_visits[int(events.item_category[key])] += len(rows)

    def stratum(view: str, key: int) -> tuple[str, int]:
        if view != "item":
            return view, -1
        category = int(events.item_category[key])
        return view, category if category_visits[category] >= rules.stratum_visits else -1

    own: dict[tuple[tuple[str, int], int], int] = defaultdict(int)
    total: dict[tuple[str, int], int] = defaultdict(int)
    everywhere: dict[int, int] = defaultdict(int)
    for (view, key), rows in places.items():
        for _, user in rows:
            own[stratum(view, key), user] += 1
            total[stratum(view, key)] += 1
            everywhere[user] += 1
    visited = sum(everywhere.values())

    def share(view: str, key: int, user: int) -> float:
        at = stratum(view, key)
        return (own[at, user] + rules.share_smoothing * everywhere[user] / visited) / (total[at] + rules.share_smoothing)

    evidence: dict[tuple[int, int], dict[tuple[str, int], float]] = defaultdict(dict)
    for view in visits.views:
        meetings = {
            (key, window): sum(abs(a - b) <= window for (a, _), (b, _) in itertools.combinations(places[view.name, key], 2))
            for key in range(view.keys)
            for window in view.windows
        }
        for key in range(view.keys):
            rows = places[view.name, key]
            for first, second in itertools.combinations(range(len(rows)), 2):
                (when, one), (later, other) = rows[first], rows[second]
                if one == other or second - first > view.cap:
                    continue
                values = []
                for window in view.windows:
                    if later - when <= window:
                        here = meetings[key, window]
                        keys = sum(meetings[any_key, window] > 0 for any_key in range(view.keys))
                        everything = sum(meetings[any_key, window] for any_key in range(view.keys))
                        prior = getattr(rules, f"{view.name}_meetings") * (0.5 / keys + 0.5 * here / everything)
                        chance = 2 * here * share(view.name, key, one) * share(view.name, key, other)
                        values.append(math.log10(prior / chance) - math.log10(len(view.windows)))
                if values and max(values) >= rules.least:
                    pair = (min(one, other), max(one, other))
                    before = evidence[pair].get((view.name, key), -math.inf)
                    evidence[pair][view.name, key] = max(before, min(max(values), rules.most))
    return evidence


def as_dict(pairs: PairEvidence, visits: Visits) -> dict[tuple[int, int], dict[tuple[str, int], float]]:
    found: dict[tuple[int, int], dict[tuple[str, int], float]] = {}
    for row, (one, other) in enumerate(pairs.users.tolist()):
        keys = {}
        for meeting in range(pairs.offset[row], pairs.offset[row + 1]):
            view = visits.views[int(visits.view_of(pairs.key[meeting : meeting + 1])[0])]
            keys[view.name, int(pairs.key[meeting]) - view.first_key] = float(pairs.key_evidence[meeting])
        found[one, other] = keys
    return found


@settings(max_examples=150, deadline=None)
@given(logs())
def test_evidence_equals_the_obvious_double_loop(events: EventTable) -> None:
    visits = collect_visits(events, LOOSE)
    pairs = measure_pairs(visits, expected_rates(visits, LOOSE), LOOSE, threads=2)
    slow = {pair: keys for pair, keys in obvious_evidence(events, visits, LOOSE).items() if len(keys) >= 2}
    fast = as_dict(pairs, visits)
    assert fast.keys() == slow.keys()
    for pair, keys in slow.items():
        assert fast[pair] == pytest.approx(keys, abs=1e-4)
    for row, (one, other) in enumerate(pairs.users.tolist()):
        by_view: dict[str, float] = defaultdict(float)
        for (view, _), value in slow[one, other].items():
            by_view[view] += value
        assert pairs.evidence[row] == pytest.approx(sum(min(v, getattr(LOOSE, f"{k}_most")) for k, v in by_view.items()), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(logs(), st.integers(1, 5))
def test_evidence_does_not_depend_on_threads(events: EventTable, threads: int) -> None:
    visits = collect_visits(events, LOOSE)
    rates = expected_rates(visits, LOOSE)
    one, many = (measure_pairs(visits, rates, LOOSE, threads=n) for n in (1, threads))
    for column in ("users", "evidence", "offset", "key", "key_evidence", "seconds_apart"):
        np.testing.assert_array_equal(getattr(one, column), getattr(many, column))


@settings(max_examples=40, deadline=None)
@given(logs(), st.integers(0, 2**32))
def test_the_null_keeps_places_and_exchanges_users_within_strata(events: EventTable, seed: int) -> None:
    visits = collect_visits(events, LOOSE)
    shuffled = permute(visits, seed)
    np.testing.assert_array_equal(shuffled.offset, visits.offset)
    np.testing.assert_array_equal(shuffled.time, visits.time)
    stratum = np.repeat(visits.stratum, np.diff(visits.offset))
    for place in np.unique(stratum):
        before = sorted(zip(visits.user[stratum == place].tolist(), visits.log_share[stratum == place].tolist(), strict=True))
        after = sorted(zip(shuffled.user[stratum == place].tolist(), shuffled.log_share[stratum == place].tolist(), strict=True))
        assert before == after
    np.testing.assert_array_equal(permute(visits, seed).user, shuffled.user)


def test_the_null_gives_every_order_of_users_alike() -> None:
    events = event_table([(0, user, {"item": 0}) for user in range(3)], [0])
    visits = collect_visits(events, LOOSE)
    orders = [tuple(permute(visits, seed).user.tolist()) for seed in range(3000)]
    counts = [orders.count(order) for order in itertools.permutations(range(3))]
    # Chi-square with 5 degrees of freedom: 20.5 is passed by chance once in a thousand.
    assert sum((count - 500) ** 2 / 500 for count in counts) < 20.5


def test_events_without_a_time_meet_nobody_in_a_log_with_times() -> None:
    rows: list[Row] = [(second, user, {"item": item}) for second, user in ((10, 0), (20, 1)) for item in range(3)]
    events = event_table(rows, [0])
    assert events.time is not None
    untimed = np.where(events.codes["user"] == 1, NO_TIME, events.time)
    order = np.argsort(untimed, kind="stable")
    lost = EventTable(
        ids=events.ids, codes={k: v[order] for k, v in events.codes.items()}, time=untimed[order], resolution="instant", action=events.action,
        actions=events.actions, item_category=events.item_category, categories=events.categories, amount=None, rating=None, report=events.report,
    )  # fmt: skip
    for log, expected in ((events, 1), (lost, 0)):
        visits = collect_visits(log, LOOSE)
        assert len(measure_pairs(visits, expected_rates(visits, LOOSE), LOOSE, threads=1)) == expected
