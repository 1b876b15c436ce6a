"""Which rings what came since may change, against a loop over all visits that asks what the rule asks, word for word."""

from __future__ import annotations

import numpy as np
import pytest
from planted_logs import HOUR, coded_table

from graphdet.rings.growth import Grown
from graphdet.rings.touched import touched_rings
from graphdet.settings import Settings
from graphdet.visits.index import VisitIndex, index_visits
from graphdet.visits.visits import collect_visits

DAYS = 12


def made_index(chance: np.random.Generator) -> VisitIndex:
    """Few people at few things, so that some were at two of a ring's targets and most were not."""
    events, settings = 400, Settings()
    user, second = chance.integers(0, 120, events), chance.integers(0, DAYS * 24 * HOUR, events)
    table = coded_table(user, second, item=chance.integers(0, 60, events), device=chance.integers(0, 40, events))
    return index_visits(collect_visits(table, settings.evidence, settings.view, 1))


def made_ring(chance: np.random.Generator, index: VisitIndex) -> Grown:
    """Anybody at anything, each thing in a time of its own: what is asked hangs on nothing else of a ring."""
    members = np.sort(chance.choice(index.visits.users, 4, replace=False)).astype(np.int32)
    targets = np.sort(chance.choice(index.visits.keys, 3, replace=False)).astype(np.int32)
    start = chance.integers(0, DAYS * 24 * HOUR, 3).astype(np.int32)
    end = (start + chance.integers(0, 12 * HOUR, 3)).astype(np.int32)
    none, nought = np.zeros(3, np.int32), np.zeros(4)
    return Grown(members, nought, targets, start, end, none, none, np.zeros(3), 1.0)


def is_touched(ring: Grown, news: set[int], came: set[int], index: VisitIndex) -> bool:
    visits = index.visits
    if len(news & set(ring.members.tolist())) >= 2:
        return True
    places = {target: place for place, target in enumerate(ring.targets.tolist())}
    for visit in came:
        place = places.get(int(index.key[visit]))
        if place is None:
            continue
        longest = visits.views[index.view[ring.targets[place]]].windows[-1]
        if not ring.start[place] - longest <= visits.time[visit] <= ring.end[place] + longest:
            continue
        been = {int(index.key[other]) for other in np.flatnonzero(visits.user == visits.user[visit])} & set(places)
        if len(been) >= 2:
            return True
    return False


@pytest.mark.parametrize("seed", range(6))
def test_touched_are_rings_whose_members_say_more_and_those_to_whose_targets_somebody_came_who_was_at_two(seed: int) -> None:
    chance = np.random.default_rng(seed)
    index = made_index(chance)
    rings = [made_ring(chance, index) for _ in range(600)]
    came = np.flatnonzero(chance.random(len(index.visits)) < 0.3)
    news = np.sort(chance.integers(0, index.visits.users, (12, 2)), axis=1).astype(np.int32)
    met = set(news.ravel().tolist())
    expected = [is_touched(ring, met, set(came.tolist()), index) for ring in rings]
    by_others = [is_touched(ring, set(), set(came.tolist()), index) for ring in rings]
    assert 10 < sum(by_others) < sum(expected) < 500
    found = touched_rings(rings, news, came, index)
    assert [id(ring) for ring in found] == [id(ring) for ring, is_one in zip(rings, expected, strict=True) if is_one]
    nobody, nothing = np.zeros((0, 2), np.int32), np.zeros(0, np.int64)
    assert touched_rings(rings, nobody, nothing, index) == []
    assert [id(ring) for ring in touched_rings(rings, nobody, came, index)] == [
        id(ring) for ring, is_one in zip(rings, by_others, strict=True) if is_one
    ]
