"""Items without categories → communities: found again where they were planted, kept coarse, the same whatever the row order."""

from __future__ import annotations

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

TASTES, ITEMS, USERS = 8, 400, 1500
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
    user, item = communities._lasting_visits(log)
    together = np.zeros((ITEMS, ITEMS))
    for who in range(USERS):
        own = item[user == who]
        if len(own) > 1:
            together[np.ix_(own, own)] += 1 / (len(own) - 1)
    np.fill_diagonal(together, 0)
    np.testing.assert_allclose(everybody.toarray(), together, atol=1e-9)
    monkeypatch.setattr(communities, "MOST_PAIRS", 10_000)
    assert communities._common_users(log).sum() < 0.7 * everybody.sum()
    assert adjusted_mutual_info_score(taste, with_communities(log, SETTINGS).item_category) > 0.7


def test_of_an_items_visitors_of_one_day_one_is_asked() -> None:
    log, _ = tastes_log(ring=40)
    assert log.time is not None
    user, item = communities._lasting_visits(log)
    visits = set(zip(log.codes["user"].tolist(), log.codes["item"].tolist(), strict=True))
    assert set(zip(user.tolist(), item.tolist(), strict=True)) <= visits
    days = len(set(zip(log.codes["item"].tolist(), (log.time // 86_400_000_000).tolist(), strict=True)))
    assert 0.9 * days <= len(user) <= days  # fewer where one user is asked about the same item on two days
