"""The kernels of visits on a log that takes several blocks, against slow loops over it; threads change nothing."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from graphdet import _kernels
from graphdet.arrays import Int32, Int64, distinct_values
from graphdet.visits.visits import visits_of_view

DAY, HOUR = 86_400, 3_600
USERS, KEYS, GROUPS = 3_000, 500, 7


@dataclass(frozen=True)
class Log:
    offset: Int64
    user: Int32
    time: Int32
    group: Int32

    @property
    def rows(self) -> list[tuple[int, int, int]]:
        """(key, user, time) of each visit."""
        key = np.repeat(np.arange(KEYS), np.diff(self.offset))
        return list(zip(key.tolist(), self.user.tolist(), self.time.tolist(), strict=True))


@pytest.fixture(scope="module")
def log() -> Log:
    """Some users and keys have thousands of visits, some one, some none."""
    generator = np.random.default_rng(5)
    events = 90_000
    user = (USERS * generator.random(events) ** 3).astype(np.int32)
    code = (KEYS * generator.random(events) ** 2).astype(np.int32) - np.int32(1)  # −1: no key
    seconds = np.sort(generator.integers(0, 40 * 24, events) * HOUR).astype(np.int32)  # full hours, so that many are just within reach
    offset, own, time = visits_of_view(code, user, seconds, KEYS, USERS, DAY // 2)

    expected: dict[int, list[tuple[int, int]]] = defaultdict(list)
    last: dict[tuple[int, int], int] = {}
    for key, who, when in zip(code.tolist(), user.tolist(), seconds.tolist(), strict=True):
        if key >= 0 and when - last.get((key, who), -DAY) > DAY // 2:
            expected[key].append((who, when))
            last[key, who] = when
    for key in range(KEYS):
        stretch = slice(offset[key], offset[key + 1])
        assert list(zip(own[stretch].tolist(), time[stretch].tolist(), strict=True)) == expected[key]
    return Log(offset, own, time, generator.integers(0, GROUPS, KEYS).astype(np.int32))


def test_accounts_are_users_in_order_of_their_first_visit(log: Log) -> None:
    seen: dict[tuple[int, int], list[int]] = {}
    for key, user, time in log.rows:
        seen.setdefault((key, user), []).append(time)
    offset, *columns = _kernels.list_accounts(log.offset, log.user, log.time, USERS)
    user, visits, first, last = (column.tolist() for column in columns)
    assert np.diff(offset).tolist() == np.bincount([key for key, _ in seen], minlength=KEYS).tolist()
    assert user == [user for _, user in seen]
    assert list(zip(visits, first, last, strict=True)) == [(len(times), times[0], times[-1]) for times in seen.values()]


@pytest.mark.parametrize("threads", [1, 3])
def test_visits_of_a_user_near_in_time_and_at_other_times(log: Log, threads: int) -> None:
    reach = np.arange(1, GROUPS + 1) * DAY // 2
    times = defaultdict(list)
    for key, user, time in log.rows:
        times[user, int(log.group[key])].append(time)
    of_user, near, elsewhen = _kernels.count_by_user(log.offset, log.user, log.time, log.group, reach, USERS, threads)
    assert of_user.tolist() == np.bincount(log.user, minlength=USERS).tolist()
    seconds, group, slow = reach.tolist(), log.group.tolist(), []
    for key, user, time in log.rows:
        own = sorted(times[user, group[key]])
        close = bisect_right(own, time + seconds[group[key]]) - bisect_left(own, time - seconds[group[key]])
        slow.append((close, len(own) - close))
    assert list(zip(near.tolist(), elsewhen.tolist(), strict=True)) == slow


@pytest.mark.parametrize("threads", [1, 3])
def test_returns_to_a_key_at_other_times(log: Log, threads: int) -> None:
    """Of the keys from 100 on, as of one view of several."""
    first, away = 100, 5 * DAY
    times = defaultdict(list)
    for key, user, time in log.rows:
        times[key, user].append(time)
    returns = _kernels.count_returns(log.offset[first:], log.user, log.time, away, USERS, threads)
    slow = [sum(abs(other - time) > away for other in times[key, user]) for key, user, time in log.rows if key >= first]
    assert returns.tolist() == slow
    assert max(slow) > 2


def test_visits_to_a_key_around_each(log: Log) -> None:
    first, reach = 3, np.arange(KEYS - 3) * HOUR
    around = _kernels.count_around(log.offset[first:], log.time, reach)
    start = int(log.offset[first])
    times = defaultdict(list)
    for key, _, time in log.rows:
        times[key].append(time)
    seconds = [0] * first + reach.tolist()
    slow = [bisect_right(times[key], time + seconds[key]) - bisect_left(times[key], time - seconds[key]) for key, _, time in log.rows]
    assert around.tolist() == slow[start:]


@pytest.mark.parametrize("threads", [1, 3])
def test_rates_are_made_of_counts(log: Log, threads: int) -> None:
    generator = np.random.default_rng(6)
    visits = len(log.user)
    own = np.bincount(log.user, minlength=USERS).astype(np.int64)
    near, elsewhen = generator.integers(1, 3_000, visits).astype(np.int32), generator.integers(0, 4, visits).astype(np.int32)
    share, in_group, keys = generator.random(KEYS), generator.integers(1, 9_000, GROUPS), generator.integers(1, 90, GROUPS)
    found = _kernels.rate_visits(log.offset, log.user, log.group, own, near, elsewhen, share, 2 * visits, in_group, keys, threads)
    slow = []
    for row, (key, user, _) in enumerate(log.rows):
        group = int(log.group[key])
        of_key = (elsewhen[row] + 0.5) / (in_group[group] * share[key] + 0.5 * keys[group])
        expected = (own[user] - near[row]) * in_group[group] / (2 * visits)
        slow.append((math.log10(own[user] / (2 * visits)), min(math.log10(of_key) + math.log10(near[row]), 0), expected))
    np.testing.assert_allclose(np.transpose(found), slow, rtol=1e-6, atol=1e-6)


def test_users_are_exchanged_as_by_cards_drawn_one_after_the_other(log: Log) -> None:
    """Fisher and Yates by hand, with splitmix64 as published."""
    generator = np.random.default_rng(7)
    draw = np.where(generator.random(len(log.user)) < 0.2, generator.integers(0, 9_000, len(log.user)), -1).astype(np.int32)
    shuffled = _kernels.exchange(log.offset, log.user, draw, log.group, GROUPS, 2**63 + 5)
    first: dict[int, int] = {}
    places: list[list[int]] = [[] for _ in range(GROUPS)]
    for row, (key, _, _) in enumerate(log.rows):
        if draw[row] < 0 or first.setdefault(int(draw[row]), row) == row:
            places[log.group[key]].append(row)
    slow, state, word = log.user.tolist(), 2**63 + 5, 2**64 - 1
    for own in places:
        for left in range(len(own) - 1, 0, -1):
            state = state + 0x9E3779B97F4A7C15 & word
            mixed = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & word
            mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & word
            other = own[((mixed ^ mixed >> 31) >> 32) * (left + 1) >> 32]
            slow[own[left]], slow[other] = slow[other], slow[own[left]]
    assert shuffled.tolist() == [slow[first.get(int(draw[row]), row)] for row in range(len(slow))]


def test_wrong_arguments_are_refused(log: Log) -> None:
    """Whatever would be read or written out of bounds."""
    beyond = log.user.copy()
    beyond[-1] = USERS
    falling = log.offset[::-1].copy()
    group, reach = log.group, np.full(GROUPS, DAY)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: _kernels.list_accounts(log.offset, beyond, log.time, USERS), "user must lie within"),
        (lambda: _kernels.list_accounts(falling, log.user, log.time, USERS), "offset must rise"),
        (lambda: _kernels.count_by_user(log.offset, beyond, log.time, group, reach, USERS, 1), "user must lie within"),
        (lambda: _kernels.count_by_user(log.offset[1:], log.user, log.time, group[1:], reach, USERS, 1), "each visit must have a key"),
        (lambda: _kernels.count_by_user(log.offset, log.user, log.time, group + np.int32(1), reach, USERS, 1), "group must lie within"),
        (lambda: _kernels.count_returns(log.offset, log.user, log.time[1:], DAY, USERS, 1), "as long as each other"),
        (lambda: _kernels.count_around(log.offset, log.time, np.full(KEYS, -1)), "reach must not be negative"),
        (lambda: _kernels.exchange(log.offset, log.user, log.user, group, GROUPS - 1, 0), "stratum must lie within"),
        (lambda: visits_of_view(log.user, log.user, log.time, 5, USERS, DAY), "code must lie within"),
    ]
    for call, why in calls:
        with pytest.raises(ValueError, match=why):
            call()


@pytest.mark.parametrize("size", [0, 1, 2, 900])
def test_distinct_values_are_those_of_a_set(size: int) -> None:
    values = np.random.default_rng(size).integers(-50, 50, size)
    assert distinct_values(values).tolist() == sorted(set(values.tolist()))
