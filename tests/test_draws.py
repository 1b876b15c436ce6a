"""What one user does at one go is one choice: draws, bundles, how they count, and rushes, each against an obvious reference."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evidence import event_table

from graphdet.evidence.pairs import expected_meetings, measure_pairs
from graphdet.rings.growth import Grower
from graphdet.settings import EvidenceSettings, RingSettings, Settings
from graphdet.visits.base_rates import measure_base_rates
from graphdet.visits.draws import ALONE, bundles_of, draws_by_bundle, draws_by_time, renumbered
from graphdet.visits.index import index_visits
from graphdet.visits.permuting import permute
from graphdet.visits.rushes import drawn_share, log_share_of_hours, public_share
from graphdet.visits.visits import Visits, collect_visits

HOUR = 3600
VIEWS = Settings().view
LOOSE = EvidenceSettings(least=0.0123, weak=0.0, stratum_visits=5)
people = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 200)), max_size=25)


def parts(draw: np.ndarray) -> set[frozenset[int]]:
    """Draws as sets of visits; what is alone is left out."""
    return {frozenset(np.flatnonzero(draw == number).tolist()) for number in set(draw.tolist()) - {-1}}


@settings(max_examples=200, deadline=None)
@given(people, st.integers(0, 30))
def test_draws_are_chains_of_visits_seconds_apart(visits: list[tuple[int, int]], gap: int) -> None:
    user, time = (np.array([visit[side] for visit in visits], np.int32) for side in (0, 1))
    near = {(a, b) for a, b in itertools.permutations(range(len(visits)), 2) if user[a] == user[b] and abs(time[a] - time[b]) <= gap}
    group = list(range(len(visits)))
    for _ in visits:
        for a, b in near:
            group[a] = group[b] = min(group[a], group[b])
    expected = {frozenset(n for n in range(len(visits)) if group[n] == first) for first in group}
    draw = draws_by_time(user, time, gap)
    assert parts(draw) == {whole for whole in expected if len(whole) > 1}
    assert parts(renumbered(draw)) == parts(draw)
    chosen = np.arange(0, len(visits), 2)
    again = renumbered(draw[chosen])
    assert (again == -1).tolist() == (draw[chosen] == -1).tolist()
    assert set(again.tolist()) - {-1} == set(range(len(set(draw[chosen].tolist()) - {-1})))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=40))
def test_bundles_are_items_that_nearly_all_visit_at_one_go(visits: list[tuple[int, int]]) -> None:
    visits = sorted(set(visits))
    occasion, item = (np.array([visit[side] for visit in visits], np.int64) for side in (0, 1))
    at = {which: set(occasion[item == which].tolist()) for which in range(5)}
    bundle = bundles_of(item.astype(np.int32), occasion * 1000, 5)
    for a, b in itertools.combinations(range(5), 2):
        if min(len(at[a]), len(at[b])) >= 3 and len(at[a] & at[b]) >= 0.8 * max(len(at[a]), len(at[b])):
            assert bundle[a] == bundle[b] >= 0
    for which in np.flatnonzero(bundle >= 0):
        assert any(len(at[which] & at[other]) >= 0.8 * max(len(at[which]), len(at[other])) for other in set(range(5)) - {which})


def test_a_pack_is_one_choice_where_times_are_bare_dates() -> None:
    user = np.array([1, 1, 1, 1, 2, 2], np.int32)
    day = np.array([5, 5, 5, 6, 5, 5], np.int32)
    bundle = np.array([0, 0, -1, 0, 0, -1], np.int32)
    assert draws_by_bundle(user, day, bundle).tolist() == [0, 0, ALONE, ALONE, ALONE, ALONE]


def shop(sets: int, apart: int) -> Visits:
    """Twelve people buy sets of three things, pieces `apart` seconds apart; sixty others visit ten other things each."""
    generator = np.random.default_rng(5)
    rows = [
        (day * 24 * HOUR + user * 60 + piece * apart, user, {"item": 3 * (day - 1) + piece})
        for day in range(1, sets + 1)
        for user in range(12)
        for piece in range(3)
    ]
    rows += [
        (int(when), user, {"item": 9 + int(item)})
        for user in range(12, 72)
        for when, item in zip(generator.integers(0, 40 * 24 * HOUR, 10), generator.integers(0, 30, 10), strict=True)
    ]
    return collect_visits(event_table(rows, [0] * 39), LOOSE, VIEWS)


def test_the_pieces_of_a_set_are_one_meeting_and_three_visits_apart_are_three() -> None:
    for apart, meets in ((2, False), (600, True)):
        visits = shop(1, apart)
        base_rates = measure_base_rates(visits, LOOSE)
        pairs = measure_pairs(visits, base_rates, expected_meetings(visits), LOOSE, threads=1)
        assert ([0, 1] in pairs.users.tolist()) is meets
        grown = Grower(index_visits(visits), base_rates, RingSettings()).grow(np.arange(12, dtype=np.int32))
        assert (len(grown.members) == 12) is meets


def test_a_draw_counts_as_the_mean_of_what_it_brought() -> None:
    visits = shop(3, 2)  # three choices and nine visits each
    base_rates, expected = measure_base_rates(visits, LOOSE), expected_meetings(visits)
    together = measure_pairs(visits, base_rates, expected, LOOSE, threads=1)
    alone = replace(visits, draw=np.full(len(visits), ALONE, np.int32))
    apart = measure_pairs(alone, base_rates, expected, LOOSE, threads=1)
    one, several = (float(found.evidence[found.users.tolist().index([0, 1])]) for found in (together, apart))
    assert one <= several / 2


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_the_null_exchanges_draws(seed: int) -> None:
    visits = shop(2, 2)
    shuffled = permute(visits, seed)
    for whole in parts(visits.draw):
        assert len({int(shuffled.user[visit]) for visit in whole}) == 1
    first = [min(whole) for whole in parts(visits.draw)] + np.flatnonzero(visits.draw < 0).tolist()
    assert sorted(shuffled.user[first].tolist()) == sorted(visits.user[first].tolist())


def test_a_rush_is_what_comes_beyond_the_usual_and_beyond_the_cap() -> None:
    cap, half = VIEWS["item"].cap, 12 * HOUR
    generator = np.random.default_rng(8)
    rush = [(20 * 24 * HOUR + int(when), user, {"item": 0}) for user, when in enumerate(generator.integers(0, 8 * HOUR, 300))]
    usual = [
        (int(when), int(user), {"item": int(item)})
        for when, user, item in zip(
            generator.integers(0, 40 * 24 * HOUR, 900), generator.integers(0, 400, 900), generator.integers(0, 20, 900), strict=True
        )
    ]
    visits = collect_visits(event_table(rush + usual, [0] * 20), LOOSE, VIEWS)
    seconds = int(visits.time.max()) + 1
    drawn = drawn_share(visits, seconds, np.zeros(len(visits), np.float32))
    hours = log_share_of_hours(visits, drawn > 0)
    for visit in range(len(visits)):
        key = int(np.searchsorted(visits.offset, visit, side="right")) - 1
        own = range(visits.offset[key], visits.offset[key + 1])
        local = sum(abs(int(visits.time[other]) - int(visits.time[visit])) <= half for other in own)
        elsewhen = (len(own) - local) * 2 * half / (seconds - 2 * half)
        share = max(local - max(cap, 3 * elsewhen), 0) / local
        assert drawn[visit] == pytest.approx(share, abs=1e-6)
        if share:
            around = [other for other in range(len(visits)) if abs(int(visits.time[other]) - int(visits.time[visit])) <= half]
            assert hours[visit] == pytest.approx(
                math.log10(sum(visits.user[other] == visits.user[visit] for other in around) / len(around)), abs=1e-5
            )
    assert drawn.max() > 0.6
    assert (drawn[visits.offset[1] :] == 0).all()
    # Who is drawn is no rarer than those who were about then are; nobody's rate falls.
    quiet = measure_base_rates(visits, LOOSE)
    calm = replace(visits, views=tuple(replace(view, settings=view.settings.model_copy(update={"cap": 10_000})) for view in visits.views))
    assert (quiet.log_base_rate >= measure_base_rates(calm, LOOSE).log_base_rate - 1e-6).all()
    assert (quiet.log_base_rate[: visits.offset[1]] > measure_base_rates(calm, LOOSE).log_base_rate[: visits.offset[1]]).mean() > 0.5


def test_a_growth_into_everybody_is_stopped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    visits = shop(1, 600)
    index, base_rates = index_visits(visits), measure_base_rates(visits, LOOSE)
    whole = Grower(index, base_rates, RingSettings())
    assert len(whole.grow(np.arange(6, dtype=np.int32)).members) == 12
    assert (whole.swallowed, whole.walked > 36) == (0, True)
    monkeypatch.setattr("graphdet.rings.growth.most_members", lambda users: 8)
    stopped = Grower(index, base_rates, RingSettings())
    ring = stopped.grow(np.arange(6, dtype=np.int32))
    assert (len(ring.members), len(ring.targets), stopped.swallowed) == (0, 0, 1)


def busy_shop(sale_buyers: int, every_day: bool) -> Visits:
    """Thirty days of six hundred users, and on one day (or all days) a sale of twenty things, thirty buyers to a thing at most."""
    generator = np.random.default_rng(4)
    rows = [
        (int(when), int(user), {"item": 620 + int(item)})
        for when, user, item in generator.integers(0, (30 * 24 * HOUR, 600, 300), (3000, 3)).tolist()
    ]
    for day in range(30) if every_day else (12,):
        for user, (when, item) in enumerate(generator.integers(0, (24 * HOUR, 20), (sale_buyers, 2)).tolist()):
            rows.append((day * 24 * HOUR + when, user, {"item": 20 * day + item}))
    return collect_visits(event_table(rows, [0] * 920), LOOSE, VIEWS)


@pytest.mark.parametrize(("buyers", "every_day", "is_public"), [(500, False, True), (100, False, False), (500, True, False)])
def test_a_sale_of_many_things_is_public_and_a_ring_and_daily_news_are_not(buyers: int, every_day: bool, is_public: bool) -> None:
    visits = busy_shop(buyers, every_day)
    seconds = int(visits.time.max()) + 1
    public = public_share(visits, seconds)
    sold = np.arange(len(visits)) < visits.offset[600]
    on_the_day = sold & (visits.time >= 12 * 24 * HOUR) & (visits.time < 13 * 24 * HOUR)
    assert bool(public[on_the_day].mean() > 0.5) is is_public
    assert public[(visits.time < 10 * 24 * HOUR) | (visits.time > 15 * 24 * HOUR)].max() == 0
    assert bool(drawn_share(visits, seconds, public)[on_the_day].mean() > 0.3) is is_public
