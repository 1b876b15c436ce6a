"""Items without categories → communities: found again where they were planted, kept coarse, the same whatever the row order."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from planted_logs import HOUR, coded_table
from sklearn.metrics import adjusted_mutual_info_score

from graphdet import Settings
from graphdet.events import EventTable
from graphdet.evidence import measured
from graphdet.evidence.measured import measure
from graphdet.learning.labelled_inputs import read_inputs
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.settings import EvidenceSettings, GnnSettings, RingSettings
from graphdet.visits import communities as communities
from graphdet.visits.communities import lacks_categories, with_communities

TASTES, ITEMS, USERS, TARGETS, FARM = 8, 400, 1500, 16, 240
SETTINGS = EvidenceSettings()


def tastes_log(seed: int = 1, ring: int = 0) -> tuple[EventTable, np.ndarray]:
    """Users who mostly keep to one of eight tastes, and a ring of so many at six items of six tastes; each item's taste beside it."""
    generator = np.random.default_rng(seed)
    taste_of_item, taste_of_user = generator.integers(0, TASTES, ITEMS), generator.integers(0, TASTES, USERS)
    user = generator.integers(0, USERS, 15_000)
    item = np.array(
        [
            generator.choice(np.flatnonzero(taste_of_item == taste_of_user[who]))
            if generator.random() < 0.85
            else generator.integers(ITEMS)
            for who in user
        ]
    )
    second = generator.integers(0, 30 * 24 * HOUR, len(user))
    targets = [int(np.flatnonzero(taste_of_item == taste)[0]) for taste in range(6)]
    members = generator.choice(USERS, ring, replace=False)
    user, item = np.r_[user, np.repeat(members, 6)], np.r_[item, np.tile(targets, ring)]
    second = np.r_[second, generator.integers(10 * 24 * HOUR, 11 * 24 * HOUR, 6 * ring)]
    user, item = np.r_[user, np.arange(USERS)], np.r_[item, np.arange(USERS) % ITEMS]  # everybody and everything is in the log
    second = np.r_[second, generator.integers(0, 30 * 24 * HOUR, USERS)]
    return coded_table(user, second, item=item), taste_of_item


def test_planted_tastes_are_found_again() -> None:
    log, taste = tastes_log()
    assert lacks_categories(log)
    found = with_communities(log, SETTINGS)
    assert not lacks_categories(found)
    assert adjusted_mutual_info_score(taste, found.item_category) > 0.9
    assert set(found.item_category[found.item_category >= 0]) == set(range(len(found.categories)))


def test_a_ring_does_not_become_a_community_of_its_own() -> None:
    log, taste = tastes_log(ring=40)
    found = with_communities(log, SETTINGS).item_category
    targets = [int(np.flatnonzero(taste == number)[0]) for number in range(6)]
    assert len(set(found[targets])) > 3
    assert adjusted_mutual_info_score(taste, found) > 0.9


def test_known_categories_stay_and_a_few_gaps_need_nothing_learned() -> None:
    log, taste = tastes_log()
    names = tuple(f"c{number}" for number in range(TASTES))
    few = replace(log, item_category=np.where(np.arange(ITEMS) % 20 == 0, -1, taste).astype(np.int32), categories=names)
    assert not lacks_categories(few)
    many = replace(log, item_category=np.where(np.arange(ITEMS) % 2 == 0, -1, taste).astype(np.int32), categories=names)
    assert lacks_categories(many)
    found = with_communities(many, SETTINGS)
    known = many.item_category >= 0
    np.testing.assert_array_equal(found.item_category[known], taste[known])
    assert found.item_category[~known].min() >= TASTES


def test_a_few_gaps_among_many_known_items_are_no_community() -> None:
    log, taste = tastes_log()
    names = tuple(f"c{number}" for number in range(TASTES))
    gaps = np.isin(np.arange(ITEMS), np.flatnonzero(taste == 0)[: communities.LEAST_ITEMS - 1])
    few = replace(log, item_category=np.where(gaps, -1, taste).astype(np.int32), categories=names)
    assert with_communities(few, SETTINGS).categories == names


def test_logs_without_times_or_items_learn_nothing() -> None:
    log, _ = tastes_log()
    assert not lacks_categories(replace(log, time=None, resolution="none"))
    assert not lacks_categories(coded_table(np.arange(10), np.arange(10), device=np.arange(10) % 3))


def test_models_with_labels_read_what_detection_read(monkeypatch: pytest.MonkeyPatch) -> None:
    log, _ = tastes_log(ring=40)
    settings = Settings(rings=RingSettings(permutations=1), gnn=GnnSettings(least_rings=0))
    told = measure(log, settings)
    assert told.learned
    run = detect_in(told, settings, Progress()).run
    values = read_inputs(told, run, None).values
    np.testing.assert_array_equal(values, read_inputs(measure(with_communities(log, SETTINGS), settings), run, None).values)
    monkeypatch.setattr(measured, "lacks_categories", lambda events: False)
    assert not np.array_equal(values, read_inputs(measure(log, settings), run, None).values)


def test_the_order_of_the_events_does_not_matter() -> None:
    log, _ = tastes_log()
    assert log.time is not None
    order = np.random.default_rng(0).permutation(len(log))
    mixed = coded_table(log.codes["user"][order], log.time[order] // 1_000_000, item=log.codes["item"][order])
    np.testing.assert_array_equal(with_communities(log, SETTINGS).item_category, with_communities(mixed, SETTINGS).item_category)


def test_of_a_large_log_some_users_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    log, taste = tastes_log()
    everybody = communities._common_users(log)
    monkeypatch.setattr(communities, "MOST_PAIRS", 10_000)
    assert communities._common_users(log).sum() < 0.7 * everybody.sum()
    assert adjusted_mutual_info_score(taste, with_communities(log, SETTINGS).item_category) > 0.7


def test_items_are_joined_by_visits_of_one_day_and_by_visits_more_than_a_week_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    log, _ = tastes_log(ring=40)
    assert log.time is not None
    visits = {
        (item, day, user * 2_654_435_761 % 2**32, user)
        for user, item, day in zip(
            log.codes["user"].tolist(), log.codes["item"].tolist(), (log.time // (24 * communities.HOUR)).tolist(), strict=True
        )
    }
    first: list[dict[int, int]] = [{} for _ in range(USERS)]
    usual = plain_weights(log)
    asked: list[dict[int, set[int]]] = [defaultdict(set) for _ in range(USERS)]
    for (item, day), visitors in itertools.groupby(sorted(visits), key=lambda visit: visit[:2]):
        for place, (_, _, _, user) in enumerate(visitors):
            first[user].setdefault(item, day)
            if place == 0:
                asked[user][item].add(day)
    together = np.zeros((ITEMS, ITEMS))
    for user, (own, of) in enumerate(zip(first, asked, strict=True)):
        for one, other in itertools.permutations(own, 2):
            lasting = abs(own[one] - own[other]) > communities.APART
            together[one, other] += lasting * usual[user, one] * usual[user, other] / (len(own) - 1)
        for one, other in itertools.permutations(of, 2):
            together[one, other] += len(of[one] & of[other]) / (len(of) - 1)
    np.testing.assert_allclose(communities._common_users(log).toarray(), together, atol=1e-9)
    monkeypatch.setattr(communities, "BLOCK", 1000)
    np.testing.assert_allclose(communities._common_users(log).toarray(), together, atol=1e-9)


def test_a_campaign_of_days_joins_nothing() -> None:
    """Though its forty people come to eight of sixteen things each, and hardly anybody else comes to these."""
    log, _ = tastes_log()
    assert log.time is not None
    generator = np.random.default_rng(2)
    crew = np.repeat(generator.choice(USERS, 40, replace=False), 8)
    targets = ITEMS + np.concatenate([generator.choice(TARGETS, 8, replace=False) for _ in range(40)])
    second = generator.integers(10 * 24 * HOUR, 16 * 24 * HOUR, len(crew))
    user, item = np.r_[log.codes["user"], crew], np.r_[log.codes["item"], targets]
    rest = generator.integers(0, USERS, 60)  # who else comes by, at any time
    user, item = np.r_[user, rest], np.r_[item, ITEMS + np.arange(60) % TARGETS]
    second = np.r_[log.time // 1_000_000, second, generator.integers(0, 30 * 24 * HOUR, 60)]
    found = with_communities(coded_table(user, second, item=item), SETTINGS).item_category[ITEMS:]
    assert np.bincount(found[found >= 0]).max(initial=0) <= 5


@pytest.mark.parametrize("dated", [True, False])
def test_a_farm_of_weeks_joins_nothing(dated: bool) -> None:
    """Accounts with nothing else to do come to four of sixteen things each, of which each has its own eight days within three weeks."""
    log, taste = tastes_log()
    assert log.time is not None
    generator = np.random.default_rng(3)
    things = np.concatenate([np.flatnonzero(taste == one)[: TARGETS // TASTES] for one in range(TASTES)])
    targets = np.concatenate([generator.choice(TARGETS, 4, replace=False) for _ in range(FARM)])
    day = generator.integers(4, 16, TARGETS)[targets] + generator.integers(0, 8, len(targets))
    user, item = np.r_[log.codes["user"], np.repeat(USERS + np.arange(FARM), 4)], np.r_[log.codes["item"], things[targets]]
    second = np.r_[log.time // 1_000_000, day * 24 * HOUR + generator.integers(0, 24 * HOUR, len(day))]
    second = second // (24 * HOUR) * 24 * HOUR if dated else second
    farmed = replace(coded_table(user, second, item=item), resolution="day" if dated else "second")
    assert most_in_one(things, farmed) < TARGETS // 2


def test_fans_who_come_to_each_new_thing_at_once_join_its_things() -> None:
    """Half of 240 are at each of sixteen new things within hours, one every second day: times tell that it was news to them."""
    log, _ = tastes_log()
    assert log.time is not None
    generator = np.random.default_rng(4)
    fan, thing = np.nonzero(generator.random((FARM, TARGETS)) < 0.5)
    second = np.r_[log.time // 1_000_000, thing * 2 * 24 * HOUR + generator.integers(0, 6 * HOUR, len(thing))]
    fans = coded_table(np.r_[log.codes["user"], USERS + fan], second, item=np.r_[log.codes["item"], ITEMS + thing])
    assert most_in_one(ITEMS + np.arange(TARGETS), fans) == TARGETS


def plain_weights(log: EventTable) -> dict[tuple[int, int], float]:
    """Of each user's first visit to an item how far it counts, in a log of thirty days with times: four weeks, the last of nine days."""
    assert log.time is not None
    first: dict[tuple[int, int], int] = {}
    for user, item, moment in sorted(
        zip(log.codes["user"].tolist(), log.codes["item"].tolist(), log.time.tolist(), strict=True), key=lambda visit: visit[2]
    ):
        first.setdefault((user, item), moment // communities.HOUR)
    hours: dict[int, list[int]] = defaultdict(list)
    for (_, item), hour in first.items():
        hours[item].append(hour)
    told = {}
    for (user, item), hour in first.items():
        quiet = min(sum(min(other // 24 // 7, 3) == week for other in hours[item]) for week in range(4))
        around = [other for other in hours[item] if abs(other // 24 - hour // 24) <= 3]
        slow = sum(abs(other - hour) > communities.HALF_A_DAY for other in around)
        told[user, item] = min(max(communities.SURGE * quiet, communities.FEW) / max(slow, 1), 1.0)
    return told


def most_in_one(things: np.ndarray, log: EventTable) -> int:
    found = with_communities(log, SETTINGS).item_category[things]
    return int(np.bincount(found[found >= 0], minlength=1).max())
