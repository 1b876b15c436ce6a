"""A ring's time holds nearly all of its meetings, and none of the strays."""

from __future__ import annotations

import numpy as np
import pytest

from graphdet.events import NO_TIME
from graphdet.judging.ring_time import DAY, LEAST, STRAYS, time_of_ring

HOUR = DAY // 24


def test_one_early_click_does_not_make_a_campaign_long() -> None:
    campaign = 100 * DAY + np.arange(60) * HOUR
    assert time_of_ring(np.r_[campaign, 80 * DAY]) == (campaign[0], campaign[-1])
    assert time_of_ring(np.r_[campaign, 120 * DAY, NO_TIME]) == (campaign[0], campaign[-1])


def test_a_steady_campaign_keeps_its_ends_and_two_waves_are_one_ring() -> None:
    steady = np.arange(100) * 7 * HOUR
    assert time_of_ring(steady) == (0, steady[-1])
    waves = np.r_[np.arange(80) * HOUR, 20 * DAY + np.arange(20) * HOUR]
    assert time_of_ring(waves) == (0, waves[-1])


def test_where_nothing_is_timed_there_is_no_time() -> None:
    assert time_of_ring(np.full(5, NO_TIME)) == (NO_TIME, NO_TIME)
    assert time_of_ring(np.zeros(0, np.int64)) == (NO_TIME, NO_TIME)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_shortest_stretch_and_what_lies_near_it(seed: int) -> None:
    """By trying every stretch of the meetings."""
    generator = np.random.default_rng(seed)
    times = np.sort(np.r_[generator.normal(50, 1, 40), generator.uniform(0, 100, seed)]) * DAY
    times = times.astype(np.int64)
    spared = max(len(times) // STRAYS, 1) if len(times) >= LEAST else 0
    holding = [
        (times[j] - times[i], times[i], times[j])
        for i in range(len(times))
        for j in range(i, len(times))
        if j - i + 1 >= len(times) - spared
    ]
    long, low, high = min(holding)
    reach = max(DAY, long // 2)
    inside = [at for at in times.tolist() if low <= at <= high]
    while True:
        near = [at for at in times.tolist() if at not in inside and min(abs(at - inside[0]), abs(at - inside[-1])) <= reach]
        if not near:
            break
        inside = sorted([*inside, *near])
    assert time_of_ring(times[generator.permutation(len(times))]) == (inside[0], inside[-1])
