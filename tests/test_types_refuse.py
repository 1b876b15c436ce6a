"""What goes from room to room refuses values that do not fit, and says what it found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from planted_logs import made_ring, planted_log
from test_tiers import PLAIN

from graphdet.arrays import Int32
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.significance import p_values
from graphdet.rings.null_search import NullRings
from graphdet.rings.search import Search
from graphdet.settings import EvidenceSettings, Settings
from graphdet.visits.index import index_visits
from graphdet.visits.visits import collect_visits

RING = made_ring(range(5), range(4))
JUDGED = JudgedRing(PLAIN, 0.1, 0.1, "alert", "", 0.9, "alert")


def codes(*values: int) -> Int32:
    return np.array(values, np.int32)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"members": codes(0, 1, 2)}, "contribution must have 3 values (found 5)"),
        ({"gain": np.ones(3)}, "gain must have 4 values (found 3)"),
        ({"members": np.arange(5)}, "members must be int32 (found int64)"),
        ({"visitors": np.ones((4, 1), np.int32)}, "visitors must have one dimension (found 2)"),
        ({"members": codes(0, 1, 3, 2, 4)}, "members must be sorted, each once (found 2 after 3)"),
        ({"targets": codes(0, 1, 1, 2)}, "targets must be sorted, each once (found 1 after 1)"),
        ({"start": codes(0, 9000, 0, 0)}, "a target's time must not end before it starts (found 9000 … 3600)"),
    ],
)
def test_a_grown_ring_refuses_arrays_that_do_not_fit(wrong: dict[str, Any], found: str) -> None:
    with pytest.raises(ValueError, match="must") as refusal:
        replace(RING, **wrong)
    assert str(refusal.value) == found


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"item_view": 1}, "item_view must be a view's position, or -1 (found 1)"),
        ({"key": codes(0, 1)}, "key must have {visits} values (found 2)"),
        ({"view": np.zeros(2, np.int8)}, "view must have {keys} values (found 2)"),
        ({"user_offset": np.zeros(3, np.int64)}, "user_offset must have {offsets} places (found 3)"),
    ],
)
def test_an_index_of_visits_refuses_arrays_of_other_visits(wrong: dict[str, Any], found: str) -> None:
    visits = collect_visits(planted_log(np.random.default_rng(1))[0], EvidenceSettings(), Settings().view)
    index = index_visits(visits)
    with pytest.raises(ValueError, match="must") as refusal:
        replace(index, **wrong)
    assert str(refusal.value) == found.format(visits=len(visits), keys=visits.keys, offsets=visits.users + 1)
    with pytest.raises(ValueError, match="user_offset must end at"):
        replace(index, user_offset=index.user_offset + 1)


def test_a_search_refuses_more_untried_cores_than_there_were_and_rings_in_disorder() -> None:
    with pytest.raises(ValueError, match=r"untried must be in 0 … 3 cores \(found 4\)"):
        Search([RING], cores=3, untried=4, swallowed=0)
    with pytest.raises(ValueError, match="strongest first"):
        Search([RING, made_ring(range(5), range(4), strength=11.0)], cores=3, untried=0, swallowed=0)


@pytest.mark.parametrize(
    ("permutations", "cores", "strengths", "found"),
    [
        (0, 5, [1.0], r"a permuted log \(found 0\)"),
        (1, -1, [1.0], r"none \(found -1\)"),
        (1, 5, [1.0, 0.0], r"above 0 \(found 0.0\)"),
        (1, 5, [1.0, np.nan], r"above 0 \(found nan\)"),
    ],
)
def test_null_rings_refuse_what_no_permuted_log_gives(permutations: int, cores: int, strengths: list[float], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        NullRings(permutations, cores, np.array(strengths))


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"p_value": 0.0}, "p_value must be above 0 and at most 1 (found 0.0)"),
        ({"q_value": 1.5}, "q_value must be above 0 and at most 1 (found 1.5)"),
        ({"score": 1.01}, "score must be in 0 … 1 (found 1.01)"),
        ({"score": float("nan")}, "score must be in 0 … 1 (found nan)"),
        ({"tier": "alarm"}, "tier must be one of alert, review, explained (found 'alarm')"),
        ({"standing": "review"}, "standing must be one of the tier alert (found 'review')"),
        ({"tier": "explained"}, "what is explained has an explanation, and nothing else has (found '' for explained)"),
        ({"explanation": "fan_club"}, "what is explained has an explanation, and nothing else has (found 'fan_club' for alert)"),
    ],
)
def test_a_judged_ring_refuses_what_is_no_verdict(wrong: dict[str, Any], found: str) -> None:
    with pytest.raises(ValueError, match=r"must|explanation") as refusal:
        replace(JUDGED, **wrong)
    assert str(refusal.value) == found


def test_two_null_rings_of_one_core_leave_p_at_one() -> None:
    assert p_values(np.array([1.0]), np.array([5.0, 6.0]), 1).tolist() == [1.0]
