"""Walks over stretches of keys, the filter that all threads share, and the sums: what they find must not depend on how the work was cut."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from graphdet import _kernels
from graphdet.arrays import Float32, Int32, Int64
from graphdet.evidence.pairs import PairEvidence

WINDOWS, CAP, LEAST, MOST, PRIOR, WEAK = (30, 90), (6, 4), 0.5, 4.0, -0.3, 1.0
MOST_OF_VIEW = np.array([5.0, 2.5])


class Log:
    """Visits at random to keys of two views, with all that a walk wants to know."""

    def __init__(self, seed: int, keys: int, visits: int, users: int = 9) -> None:
        draw = np.random.default_rng(seed)
        key = np.sort(draw.integers(0, keys, visits))
        time = draw.integers(0, 500, visits)
        self.keys, self.users = keys, users
        self.offset: Int64 = np.searchsorted(key, np.arange(keys + 1))
        self.view_of: Int32 = (np.arange(keys) >= 2 * keys // 3).astype(np.int32)
        self.group: Int32 = np.where(self.view_of, 3, draw.integers(0, 3, keys)).astype(np.int32)
        self.constant: Float32 = draw.choice(np.array([-np.inf, -1, 0, 1], np.float32), (keys, 2))
        self.user: Int32 = draw.integers(0, users, visits).astype(np.int32)
        self.time: Int32 = time[np.lexsort((time, key))].astype(np.int32)
        self.draw: Int32 = np.where(draw.random(visits) < 0.5, -1, self.user * 4 + draw.integers(0, 4, visits)).astype(np.int32)
        self.log_base_rate: Float32 = draw.choice(np.array([-1.9, -1.3, -0.6, -0.1], np.float32), visits)
        self.log_intent: Float32 = draw.uniform(-1, 0, visits).astype(np.float32)
        self.key_at: Int32 = np.lexsort((np.arange(keys), self.group)).astype(np.int32)

    def walk(self, **other: Any) -> _kernels.Walk:
        columns = {
            name: getattr(self, name)
            for name in ("offset", "user", "time", "draw", "log_base_rate", "log_intent", "view_of", "group", "key_at", "constant")
        }
        rank = np.empty(self.keys, np.int32)
        rank[self.key_at] = np.arange(self.keys)
        windows, cap, asked = np.array([WINDOWS] * 2, np.int32), np.array(CAP, np.int32), np.zeros(0, np.bool_)
        numbers = {"least": LEAST, "most": MOST, "users": self.users}
        return _kernels.Walk(**{**columns, "rank": rank, "windows": windows, "cap": cap, "asked": asked, **numbers, **other})

    def meetings(self) -> list[tuple[int, int, int, np.float32]]:
        """Key, the two visits, and evidence of each meeting, by a double loop."""
        found = []
        for key in range(self.keys):
            for one in range(self.offset[key], self.offset[key + 1]):
                for other in range(one + 1, min(self.offset[key + 1], one + 1 + CAP[self.view_of[key]])):
                    apart = self.time[other] - self.time[one]
                    said = [constant for window, constant in zip(WINDOWS, self.constant[key].tolist(), strict=True) if apart <= window]
                    value = max(said, default=-np.inf) - float(self.log_base_rate[one] + self.log_base_rate[other])
                    if self.user[one] != self.user[other] and value >= LEAST:
                        found.append((key, one, other, np.float32(min(value, MOST))))
        return found

    def pair(self, one: int, other: int) -> tuple[int, int]:
        low, high = sorted((int(self.user[one]), int(self.user[other])))
        return low, high

    def sums(self) -> dict[tuple[int, int], tuple[float, list[tuple[int, int, float, float]]]]:
        """Pair of users → evidence, and key, seconds apart, evidence and chance of each of their keys, one by one."""
        met: dict[tuple[int, int], dict[int, list[tuple[int, int, np.float32]]]] = defaultdict(lambda: defaultdict(list))
        for key, one, other, evidence in self.meetings():
            met[self.pair(one, other)][key].append((one, other, evidence))
        sums = {}
        for pair, by_key in met.items():
            said = {key: self._said(pair, many) for key, many in by_key.items()}
            choices = 0.0
            for key, (full, again, _, _, draws) in said.items():
                together = [sum(draws[side] == theirs[4][side] for theirs in said.values()) for side in (0, 1) if draws[side] >= 0]
                choices += 1 / max(together, default=1)
                said[key] = (full / max(together, default=1), again / max(together, default=1), *said[key][2:])
            for group in set(self.group[list(said)].tolist()):
                own = sorted(key for key in said if self.group[key] == group)
                gaps = [round(said[key][0] - said[key][1], 5) for key in own]
                for place, key in enumerate(own):
                    if place != gaps.index(max(gaps)):
                        said[key] = (said[key][1], *said[key][1:])
            by_view = [sum(one[0] for key, one in said.items() if self.view_of[key] == view) for view in (0, 1)]
            total = float(np.minimum(by_view, MOST_OF_VIEW).sum())
            if choices > 2 - 1e-6 and total >= WEAK:
                order = sorted(said, key=lambda key: (self.group[key], key))
                sums[pair] = total, [(key, said[key][2], float(said[key][0]), float(said[key][3])) for key in order]
        return sums

    def _said(self, pair: tuple[int, int], many: list[tuple[int, int, np.float32]]) -> tuple[float, float, int, float, tuple[int, int]]:
        """Evidence in full and again, seconds apart, chance and draws of all meetings of two users at one key."""
        full = max(evidence for *_, evidence in many)
        best = [(one, other) for one, other, evidence in many if evidence == full]
        again = min(PRIOR - float(self.log_intent[one]) - float(self.log_intent[other]) for one, other in best)
        chance = min(self.log_base_rate[one] + self.log_base_rate[other] for one, other in best)
        of_user = [[int(self.draw[visit]) for visits in best for visit in visits if self.user[visit] == who] for who in pair]
        apart = min(int(self.time[other] - self.time[one]) for one, other, _ in many)
        return float(full), min(max(again, 0.0), float(full)), apart, float(chance), (min(of_user[0]), min(of_user[1]))


def found_by(
    log: Log, cuts: list[int], threads: int, **other: Any
) -> dict[tuple[int, int], tuple[float, list[tuple[int, int, float, float]]]]:
    """The same as `Log.sums` as the kernels have it."""
    walk, repeats = log.walk(**other), _kernels.RepeatFilter(0)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda cut: walk.mark(*cut, repeats), pairwise(cuts)))
        parts = list(pool.map(lambda cut: walk.meetings(*cut, repeats), pairwise(cuts)))
    found = {}
    for bucket in range(_kernels.BUCKETS):
        one, other, meetings, evidence, *columns = _kernels.sum_pairs(walk, parts, bucket, MOST_OF_VIEW, intent_prior=PRIOR, weak=WEAK)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        for place, pair in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
            start = int(meetings[:place].sum())
            found[pair] = float(evidence[place]), rows[start : start + int(meetings[place])]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_meetings_are_those_of_the_obvious_double_loop_in_any_stretches(seed: int) -> None:
    log = Log(seed, keys=40, visits=3000)
    bars = np.linspace(LEAST, MOST, 300)
    evidence = np.array([evidence for *_, evidence in log.meetings()])
    expected = [int((evidence >= bar).sum()) for bar in bars]
    assert expected[0] > 1000
    for cuts in ([0, 40], [0, 0, 13, 14, 14, 30, 40], list(range(41))):
        walk = log.walk()
        assert sum(walk.count(*cut, bars) for cut in pairwise(cuts)).tolist() == expected


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_those_of_one_pair_after_the_other_whoever_walked_what(seed: int) -> None:
    log = Log(seed, keys=60, visits=900, users=30)
    expected = log.sums()
    assert len(expected) > 50
    assert len(expected) < len({log.pair(one, other) for _, one, other, _ in log.meetings()})
    for cuts, threads in (([0, 60], 1), ([0, 0, 13, 14, 14, 30, 60], 2), (list(range(61)), 3)):
        found = found_by(log, cuts, threads)
        assert list(found) == sorted(expected)
        for pair, (total, rows) in found.items():
            assert total == pytest.approx(expected[pair][0], abs=1e-5)
            assert [row[:2] for row in rows] == [row[:2] for row in expected[pair][1]]
            assert np.array([row[2:] for row in rows]) == pytest.approx(np.array([row[2:] for row in expected[pair][1]]), abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_of_users_who_are_asked_for_are_those_of_a_walk_for_all(seed: int) -> None:
    log = Log(seed, keys=60, visits=900, users=30)
    asked = np.zeros(30, np.bool_)
    asked[:5] = True
    every = found_by(log, [0, 13, 60], 2)
    found = found_by(log, [0, 13, 60], 2, asked=asked)
    assert found == {pair: said for pair, said in every.items() if asked[list(pair)].any()}
    assert 0 < len(found) < len(every)
    assert not found_by(log, [0, 60], 1, asked=np.zeros(30, np.bool_))


@pytest.mark.parametrize("threads", [1, 4])
def test_the_filter_loses_no_pair_that_meets_again_and_drops_nearly_all_others(threads: int) -> None:
    log = Log(1, keys=3000, visits=60_000, users=3000)
    log.constant[:] = 1.0
    meetings = log.meetings()
    times = Counter(log.pair(one, other) for _, one, other, _ in meetings)
    again = sum(count for count in times.values() if count > 1)
    assert 0 < again < len(meetings) / 3
    walk, repeats = log.walk(), _kernels.RepeatFilter(len(meetings))
    cuts = list(range(0, 3001, 50))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda cut: walk.mark(*cut, repeats), pairwise(cuts)))
        kept = sum(len(part) for part in pool.map(lambda cut: walk.meetings(*cut, repeats), pairwise(cuts)))
    assert again <= kept < again + 0.1 * (len(meetings) - again)
    nobody = _kernels.RepeatFilter(len(meetings))
    assert sum(len(walk.meetings(*cut, nobody)) for cut in pairwise(cuts)) == 0


def test_a_walk_refuses_what_would_lead_it_astray() -> None:
    log = Log(0, keys=4, visits=50)
    walk, repeats = log.walk(), _kernels.RepeatFilter(0)
    for change, complaint in (
        ({"offset": log.offset + 1}, "offset must rise"),
        ({"offset": log.offset[:-1]}, "same keys"),
        ({"time": log.time[1:]}, "same visits"),
        ({"view_of": log.view_of + np.int32(2)}, "view_of"),
        ({"rank": np.full(4, 4, np.int32)}, "ranks"),
        ({"users": 3}, "user codes"),
        ({"windows": np.zeros((1, 2), np.int32)}, "windows"),
        ({"asked": np.ones(3, np.bool_)}, "one by one"),
    ):
        with pytest.raises(ValueError, match=complaint):
            log.walk(**change)
    for first, end in ((-1, 2), (3, 2), (0, 5)):
        with pytest.raises(ValueError, match="within the keys"):
            walk.mark(first, end, repeats)
    other = Log(0, keys=5, visits=50).walk().meetings(0, 5, repeats)
    for parts, bucket in (([other], 0), ([walk.meetings(0, 4, repeats)], _kernels.BUCKETS)):
        with pytest.raises(ValueError, match=r"of this walk|buckets"):
            _kernels.sum_pairs(walk, parts, bucket, MOST_OF_VIEW, PRIOR, WEAK)


def test_pair_evidence_refuses_what_does_not_fit() -> None:
    def pairs(users: list[list[int]], offset: list[int], key_type: type = np.int32) -> PairEvidence:
        meetings = np.zeros(4, np.float32)
        return PairEvidence(
            users=np.array(users, np.int32).reshape(-1, 2), evidence=np.ones(len(users), np.float32), offset=np.array(offset),
            key=np.zeros(4, key_type), key_evidence=meetings, seconds_apart=np.zeros(4, np.int32), chance=meetings,
        )  # fmt: skip

    assert len(pairs([[0, 1], [0, 2]], [0, 2, 4])) == 2
    for users, complaint in ([[1, 0], [0, 2]], "smaller"), ([[0, 2], [0, 1]], "sorted"), ([[0, 1], [0, 1]], "sorted"):
        with pytest.raises(ValueError, match=complaint):
            pairs(users, [0, 2, 4])
    for offset in ([0, 5, 4], [1, 2, 4], [0, 2, 3]):
        with pytest.raises(ValueError, match="offset"):
            pairs([[0, 1], [0, 2]], offset)
    for wrong in (lambda: pairs([[0, 1]], [0, 2, 4]), lambda: pairs([[0, 1], [0, 2]], [0, 2, 4], np.int64)):
        with pytest.raises(ValueError, match=r"must be int32|must have .* values"):
            wrong()
