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
from graphdet.evidence.pairs import PairEvidence, expected_meetings, measure_pairs
from graphdet.schema import arrow_schema
from graphdet.settings import EvidenceSettings, Settings, parse_settings
from graphdet.visits.base_rates import BaseRates, measure_base_rates
from graphdet.visits.permuting import permute
from graphdet.visits.visits import Visits, collect_visits

HOUR = 3600
EVERY_VIEW = ("item", "device", "ip", "seller", "payment", "address")
# An odd bound, so that no meeting sits on it and rounding cannot decide.
LOOSE = EvidenceSettings(least=0.0123, weak=0.0, stratum_visits=5, intent_prior=0.0)
LOOSE_VIEWS = parse_settings({"view": {"item": {"cap": 4, "most": 1.1}, "device": {"most": 0.7}}}, "test").view

Row = tuple[int, int, dict[str, int]]  # seconds, user, view → key
Pair = tuple[int, int]
Places = dict[tuple[str, int], list[tuple[int, int]]]  # (view, key) → [(second, user)]
Usual = tuple[float, int, float, float]  # log_base_rate, near, log_intent, usual
Meeting = tuple[float, float, float, int]  # evidence in full, evidence again, log10 chance by base_rate, seconds apart
Said = tuple[float, float, list[float], int]  # the same of all meetings at a key, with the chances of those that say most


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
    categories = draw(st.lists(st.integers(-1, 1), min_size=1, max_size=4))
    return event_table(rows, categories, resolution=resolution)


def group_of(events: EventTable, view: str, key: int) -> int:
    return int(events.item_category[key]) if view == "item" else 0


def obvious_visits(events: EventTable, visits: Visits) -> Places:
    """(view, key) → [(second, user)]: a user's return within the shortest window of a visit is no new one."""
    found: Places = defaultdict(list)
    start = 0 if events.time is None else int(events.time.min())
    for view in visits.views:
        last: dict[tuple[int, int], int] = {}
        for row in range(len(events)):
            key, user = int(events.codes[view.name][row]), int(events.codes["user"][row])
            if key < 0:
                continue
            second = 0 if events.time is None else (int(events.time[row]) - start) // 1_000_000
            if (key, user) in last and second - last[key, user] <= view.windows[0]:
                continue
            last[key, user] = second
            found[view.name, key].append((second, user))
    return found


def places_of(visits: Visits) -> Places:
    """The same shape as `obvious_visits`, read off the visits: for permuted ones, which no log tells."""
    found: Places = defaultdict(list)
    for view in visits.views:
        for key in range(view.keys):
            rows = slice(visits.offset[view.first_key + key], visits.offset[view.first_key + key + 1])
            found[view.name, key] = list(zip(visits.time[rows].tolist(), visits.user[rows].tolist(), strict=True))
    return found


def obvious_base_rates(
    places: Places,
    events: EventTable,
    visits: Visits,
    rules: EvidenceSettings,
    homogeneity: dict[str, tuple[float, float | None]] | None = None,
) -> dict[tuple[str, int], list[Usual]]:
    """(log_base_rate, near, log_intent, usual) of every visit, each by looking at all visits; `homogeneity` None = as these visits tell."""
    everything = [(view, key, when, who) for (view, key), rows in places.items() for when, who in rows]
    span = max(when for _, _, when, _ in everything) + 1 if everything else 1
    if homogeneity is None:
        homogeneity = {}
        told = obvious_base_rates(places, events, visits, rules, homogeneity={view.name: (1.0, math.inf) for view in visits.views})
        for view in visits.views:
            days = max(span - 2 * view.windows[0], span / 4) / 86_400
            other = expected = 0.0
            for key in range(view.keys):
                for (_, me), (log_base_rate, _, _, usual) in zip(places[view.name, key], told[view.name, key], strict=True):
                    overall = sum(who == me for *_, who in everything) / len(everything)
                    other += usual * days
                    expected += (1 + usual * days) * overall / 10**log_base_rate - 1  # log_base_rate solved for it, at a shape of 1
            lift = (other + 10) / (expected + 10)
            homogeneity[view.name] = 1 / min(max(lift - 1, 1 / rules.homogeneity_most), 1 / rules.homogeneity_least), None
    found: dict[tuple[str, int], list[Usual]] = {}
    returns: dict[tuple[str, int], list[tuple[int, float]]] = {}  # own visits to the key at other times, and what the base rate gives
    for view in visits.views:
        away = min(view.windows[-1], span // 4)
        shape, days = homogeneity[view.name][0], max(span - 2 * view.windows[0], span / 4) / 86_400
        for key in range(view.keys):
            group = group_of(events, view.name, key)
            in_group = [(when, who) for name, other, when, who in everything if (name, group_of(events, name, other)) == (view.name, group)]
            group_keys = sum(group_of(events, view.name, other) == group for other in range(view.keys))
            found[view.name, key], returns[view.name, key] = [], []
            for now, me in places[view.name, key]:
                mine = [when for when, who in in_group if who == me]
                near = sum(abs(when - now) <= view.windows[0] for when in mine)
                overall = sum(who == me for *_, who in everything) / len(everything)
                everybodys = (sum(who == me for *_, who in everything) - near) * len(in_group) / len(everything)
                base_rate = overall * (shape + len(mine) - near) / (shape + everybodys)
                elsewhen = sum(abs(when - now) > away for when, _ in places[view.name, key])
                again = sum(abs(when - now) > away and who == me for when, who in places[view.name, key]) if view.name == "item" else 0
                returns[view.name, key].append((again, base_rate * elsewhen))
                share = (elsewhen + 0.5) / (len(in_group) * max(1 - 2 * away / span, 0) + 0.5 * group_keys)
                found[view.name, key].append((math.log10(base_rate), near, min(0.0, math.log10(share * near)), (len(mine) - near) / days))
    return with_returns(found, returns, visits, rules, {name: of_keys for name, (_, of_keys) in homogeneity.items()})


def with_returns(
    found: dict[tuple[str, int], list[Usual]],
    returns: dict[tuple[str, int], list[tuple[int, float]]],
    visits: Visits,
    rules: EvidenceSettings,
    shapes: dict[str, float | None],
) -> dict[tuple[str, int], list[Usual]]:
    """The same, where users who come back to a thing are likelier to come by it."""
    for view in visits.views:
        own = [pair for key in range(view.keys) for pair in returns[view.name, key]]
        lift = (sum(again for again, _ in own) + 10) / (sum(expected for _, expected in own) + 10)
        as_told = 1 / min(max(lift - 1, 1 / rules.homogeneity_most), 1 / rules.homogeneity_least)
        shape = shapes[view.name] or as_told
        for key in range(view.keys):
            for place, (again, expected) in enumerate(returns[view.name, key]):
                log_base_rate, *others = found[view.name, key][place]
                likelier = math.log10(max((shape + again) / (shape + expected), 1)) if shape < math.inf else 0.0
                found[view.name, key][place] = (min(log_base_rate + likelier, 0), *others)
    return found


def obvious_evidence(events: EventTable, visits: Visits, rules: EvidenceSettings) -> dict[Pair, dict[tuple[str, int], Said]]:
    """Pair of users → what each key says where they meet, by a double loop over visits."""
    places = obvious_visits(events, visits)
    base_rates = obvious_base_rates(places, events, visits, rules)
    found: dict[Pair, dict[tuple[str, int], list[Meeting]]] = defaultdict(lambda: defaultdict(list))
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
                if one == other or second - first > LOOSE_VIEWS[view.name].cap:
                    continue
                (base_rate, _, intent, _), (other_base_rate, _, other_intent, _) = (
                    base_rates[view.name, key][first],
                    base_rates[view.name, key][second],
                )
                values = []
                for window in view.windows:
                    if later - when <= window:
                        here = meetings[key, window]
                        keys = sum(meetings[any_key, window] > 0 for any_key in range(view.keys))
                        all_pairs = sum(meetings[any_key, window] for any_key in range(view.keys))
                        prior = LOOSE_VIEWS[view.name].meetings * (0.5 / keys + 0.5 * here / all_pairs)
                        values.append(math.log10(prior / (2 * here)) - math.log10(len(view.windows)) - base_rate - other_base_rate)
                if values and max(values) >= rules.least:
                    full = min(max(values), rules.most)
                    again = max(min(full, rules.intent_prior - intent - other_intent), 0.0)
                    found[min(one, other), max(one, other)][view.name, key].append((full, again, base_rate + other_base_rate, later - when))
    return {
        pair: {key: (*best_of(many), min(apart for *_, apart in many)) for key, many in keys.items()}
        for pair, keys in found.items()
        if len(keys) >= 2
    }


def best_of(meetings: list[Meeting]) -> tuple[float, float, list[float]]:
    """(full, again, chances) of the meeting with the most evidence; of equal ones, the one that says least the second time."""
    most = max(full for full, *_ in meetings)
    equal = [meeting for meeting in meetings if meeting[0] > most - 1e-5]
    return most, min(again for _, again, *_ in equal), [chance for *_, chance, _ in equal]


def as_dict(pairs: PairEvidence, visits: Visits) -> dict[Pair, dict[tuple[str, int], tuple[float, int, float]]]:
    """Pair of users → (evidence, seconds apart, chance by base_rate) of each key."""
    found: dict[Pair, dict[tuple[str, int], tuple[float, int, float]]] = {}
    for row, (one, other) in enumerate(pairs.users.tolist()):
        keys = {}
        for meeting in range(pairs.offset[row], pairs.offset[row + 1]):
            view = visits.views[int(visits.view_of(pairs.key[meeting : meeting + 1])[0])]
            said = float(pairs.key_evidence[meeting]), int(pairs.seconds_apart[meeting]), float(pairs.chance[meeting])
            keys[view.name, int(pairs.key[meeting]) - view.first_key] = said
        found[one, other] = keys
    return found


@settings(max_examples=40, deadline=None)
@given(logs())
def test_base_rates_equal_a_look_at_every_other_visit(events: EventTable) -> None:
    visits = collect_visits(events, LOOSE, LOOSE_VIEWS)
    assert_base_rates(measure_base_rates(visits, LOOSE), obvious_base_rates(obvious_visits(events, visits), events, visits, LOOSE))


def assert_base_rates(found: BaseRates, slow: dict[tuple[str, int], list[Usual]]) -> None:
    """`slow` has its keys in the order of the visits."""
    in_order = [base_rate for rows in slow.values() for base_rate in rows]
    fast = list(zip(found.log_base_rate.tolist(), found.near.tolist(), found.log_intent.tolist(), found.usual.tolist(), strict=True))
    assert len(fast) == len(in_order)
    np.testing.assert_allclose(np.reshape(fast, (-1, 4)), np.reshape(in_order, (-1, 4)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [0.2, 1.0, 5.0])
def test_how_alike_tastes_are_is_read_from_the_log(shape: float) -> None:
    """Users whose rates of visits to two hundred categories are drawn from the distribution that is to be found again."""
    generator = np.random.default_rng(3)
    rows: list[Row] = []
    for user, rates in enumerate(generator.gamma(shape, 1 / shape, (150, 200))):
        for item, visits in enumerate(generator.poisson(rates)):
            rows += [(int(when), user, {"item": item}) for when in generator.integers(0, 300, visits) * 24 * HOUR]
    visits_made = collect_visits(event_table(rows, list(range(200))), EvidenceSettings(), Settings().view)
    found = measure_base_rates(visits_made, EvidenceSettings()).homogeneity
    assert found[0, 0] == pytest.approx(shape, rel=0.25)


@settings(max_examples=150, deadline=None)
@given(logs())
def test_evidence_equals_the_obvious_double_loop(events: EventTable) -> None:
    visits = collect_visits(events, LOOSE, LOOSE_VIEWS)
    pairs = measure_pairs(visits, measure_base_rates(visits, LOOSE), expected_meetings(visits), LOOSE, threads=2)
    slow = obvious_evidence(events, visits, LOOSE)
    fast = as_dict(pairs, visits)
    assert fast.keys() == slow.keys()
    for (pair, keys), total in zip(fast.items(), pairs.evidence.tolist(), strict=True):
        assert keys.keys() == slow[pair].keys()
        groups: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
        for view, key in keys:
            groups[view, group_of(events, view, key)].append((view, key))
            assert keys[view, key][1] == slow[pair][view, key][3]
            assert any(keys[view, key][2] == pytest.approx(chance, abs=2e-4) for chance in slow[pair][view, key][2])
        by_view: dict[str, float] = defaultdict(float)
        for (view, _), members in groups.items():
            # Which of two keys with the same gap counts in full is up to the last bit, so any of them may.
            gaps = {key: slow[pair][key][0] - slow[pair][key][1] for key in members}
            candidates = [key for key in members if gaps[key] > max(gaps.values()) - 1e-4]
            readings = [{key: slow[pair][key][0 if key == full else 1] for key in members} for full in candidates]
            assert any(all(keys[key][0] == pytest.approx(reading[key], abs=2e-4) for key in members) for reading in readings)
            by_view[view] += sum(readings[0].values())
        assert total == pytest.approx(sum(min(v, LOOSE_VIEWS[view].most) for view, v in by_view.items()), abs=1e-3)


def test_one_meeting_of_a_group_counts_in_full_and_the_first_of_equal_ones() -> None:
    # Strangers keep two categories busy on other days; the pair meets at items 0 and 1 of one category and item 2 of the other.
    rows: list[Row] = [(day * 24 * HOUR, 2 + day, {"item": item}) for day in range(1, 30) for item in range(3)]
    rows += [(400 * 24 * HOUR + 60 * item, user, {"item": item}) for user in (0, 1) for item in range(3)]
    rows.append((400 * 24 * HOUR, 1, {"item": 3}))  # so that the two are not in the same intent
    events = event_table(rows, [0, 0, 1, 0])
    visits = collect_visits(events, LOOSE, LOOSE_VIEWS)
    pairs = measure_pairs(visits, measure_base_rates(visits, LOOSE), expected_meetings(visits), LOOSE, threads=1)
    said = as_dict(pairs, visits)[0, 1]
    full, again, *_ = obvious_evidence(events, visits, LOOSE)[0, 1]["item", 0]
    assert again < full - 0.1
    assert [said["item", item][0] for item in range(2)] == pytest.approx([full, again], abs=1e-4)
    assert said["item", 2][0] == pytest.approx(obvious_evidence(events, visits, LOOSE)[0, 1]["item", 2][0], abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(logs(), st.integers(1, 5))
def test_evidence_does_not_depend_on_threads(events: EventTable, threads: int) -> None:
    visits = collect_visits(events, LOOSE, LOOSE_VIEWS)
    base_rates, expected = measure_base_rates(visits, LOOSE), expected_meetings(visits)
    one, many = (measure_pairs(visits, base_rates, expected, LOOSE, threads=n) for n in (1, threads))
    for column in ("users", "evidence", "offset", "key", "key_evidence", "seconds_apart", "chance"):
        np.testing.assert_array_equal(getattr(one, column), getattr(many, column))


@settings(max_examples=40, deadline=None)
@given(logs(), st.integers(0, 2**32))
def test_the_null_keeps_places_and_exchanges_users_within_strata(events: EventTable, seed: int) -> None:
    visits = collect_visits(events, LOOSE, LOOSE_VIEWS)
    shuffled = permute(visits, seed)
    for column in ("offset", "time", "group", "stratum"):
        np.testing.assert_array_equal(getattr(shuffled, column), getattr(visits, column))
    stratum = np.repeat(visits.stratum, np.diff(visits.offset))
    _, first_of_draw = np.unique(visits.draw, return_index=True)
    first = np.union1d(first_of_draw[visits.draw[first_of_draw] >= 0], np.flatnonzero(visits.draw < 0))
    for place in np.unique(stratum):
        own = first[stratum[first] == place]
        np.testing.assert_array_equal(np.sort(shuffled.user[own]), np.sort(visits.user[own]))
    # Base rates belong to the users that the visits have now.
    # How alike users are is the log's; the permuted log must not pass for one with other tastes.
    of_log = measure_base_rates(visits, LOOSE).homogeneity
    homogeneity = dict(zip((view.name for view in visits.views), (tuple(of_view) for of_view in of_log.T.tolist()), strict=True))
    slow = obvious_base_rates(places_of(shuffled), events, shuffled, LOOSE, homogeneity)
    assert_base_rates(measure_base_rates(shuffled, LOOSE, of_log), slow)
    np.testing.assert_array_equal(permute(visits, seed).user, shuffled.user)


def test_the_null_gives_every_order_of_users_alike() -> None:
    events = event_table([(0, user, {"item": 0}) for user in range(3)], [0])
    visits = collect_visits(events, LOOSE, LOOSE_VIEWS)
    orders = [tuple(permute(visits, seed).user.tolist()) for seed in range(3000)]
    counts = [orders.count(order) for order in itertools.permutations(range(3))]
    # Chi-square with 5 degrees of freedom: 20.5 is passed by chance once in a thousand.
    assert sum((count - 500) ** 2 / 500 for count in counts) < 20.5


def test_events_without_a_time_meet_nobody_in_a_log_with_times() -> None:
    rows: list[Row] = [(second + 60 * item, user, {"item": item}) for second, user in ((10, 0), (20, 1)) for item in range(3)]
    rows += [(30, user, {"item": 1 + user}) for user in range(2, 30)]  # others, elsewhere
    events = event_table(rows, [0])
    assert events.time is not None
    untimed = np.where(events.codes["user"] == 1, NO_TIME, events.time)
    order = np.argsort(untimed, kind="stable")
    lost = EventTable(
        ids=events.ids, codes={k: v[order] for k, v in events.codes.items()}, time=untimed[order], resolution="instant",
        action=events.action, actions=events.actions, item_category=events.item_category, categories=events.categories,
        amount=None, rating=None, report=events.report,
    )  # fmt: skip
    for log, expected in ((events, 1), (lost, 0)):
        visits = collect_visits(log, LOOSE, LOOSE_VIEWS)
        assert len(measure_pairs(visits, measure_base_rates(visits, LOOSE), expected_meetings(visits), LOOSE, threads=1)) == expected


def test_users_who_visit_nothing_meet_nobody() -> None:
    visits = collect_visits(event_table([(second, second, {}) for second in range(3)], [0]), LOOSE, LOOSE_VIEWS)
    assert len(visits) == 0
    assert len(measure_pairs(visits, measure_base_rates(visits, LOOSE), expected_meetings(visits), LOOSE, threads=2)) == 0
    assert len(permute(visits, 1)) == 0
