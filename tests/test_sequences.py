"""Surprise at steps and oddness of hours, by slow dictionaries and by formulas of another book."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from conftest import event_table
from scipy.stats import dirichlet_multinomial

from graphdet.events import EventTable
from graphdet.signals.activity_maps import WEEK_HOURS, _log_chance, activity_maps, oddness, week_hours
from graphdet.signals.sequences import GAPS, PRIOR, REPEATS, TOKENS, read_steps, summarize, trigram_surprise
from graphdet.signals.signal import names_of

DAY = 86_400
ACTS = ("view", "click", "order", "gaze", None)


def made(seed: int, users: int = 14) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        at = 1_700_000_000 + int(rng.integers(0, DAY))
        for _ in range(int(rng.integers(1, 25))):
            at += int(rng.choice([3, 30, 200, 4000, 90_000, 400_000])) + int(rng.integers(0, 5))
            item = f"i{rng.integers(0, 5)}" if rng.random() < 0.9 else None
            rows.append({"user": f"u{user:02}", "item": item, "time": at, "action": ACTS[int(rng.integers(0, len(ACTS)))]})
    return rows


@pytest.fixture(scope="module")
def events() -> EventTable:
    return event_table(made(3))


def slow_steps(rows: list[dict[str, Any]]) -> dict[str, list[tuple[str, int, str]]]:
    """Each user's steps in words."""
    own: dict[str, list[tuple[str, int, str]]] = {}
    seen: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["time"], repr(sorted(row.items())))):
        before = seen.setdefault(row["user"], [])
        gap = row["time"] - before[-1]["time"] if before else None
        pace = len(GAPS) + 1 if gap is None else sum(gap >= bar for bar in GAPS)
        if row["item"] is None:
            repeat = "no item"
        elif before and before[-1]["item"] == row["item"]:
            repeat = "the item before"
        else:
            repeat = "an item of before" if any(one["item"] == row["item"] for one in before) else "a new item"
        own.setdefault(row["user"], []).append((str(row["action"]) if row["action"] != "gaze" else "another", pace, repeat))
        before.append(row)
    return own


def slow_surprise(own: dict[str, list[tuple[str, int, str]]], user: str) -> list[float]:
    """By dictionaries of everybody else's steps."""
    counts: list[Counter[Any]] = [Counter() for _ in range(5)]
    steps = 0
    for other, told in own.items():
        if other == user:
            continue
        path: list[Any] = ["begin", "begin", *told]
        for place in range(2, len(path)):
            a, b, c = path[place - 2 : place + 1]
            steps += 1
            for counter, key in zip(counts, (c, b, (b, c), (a, b), (a, b, c)), strict=True):
                counter[key] += 1
    bits = []
    path = ["begin", "begin", *own[user]]
    for place in range(2, len(path)):
        a, b, c = path[place - 2 : place + 1]
        chance = (counts[0][c] + 1) / (steps + TOKENS)
        chance = (counts[2][b, c] + PRIOR * chance) / (counts[1][b] + PRIOR)
        chance = (counts[4][a, b, c] + PRIOR * chance) / (counts[3][a, b] + PRIOR)
        bits.append(-math.log2(chance))
    return bits


def test_surprise_equals_dictionaries_of_everybody_else(events: EventTable) -> None:
    steps = read_steps(events)
    bits, own = trigram_surprise(steps), slow_steps(made(3))
    for code, user in enumerate(events.ids["user"].to_pylist()):
        assert bits[steps.user == code] == pytest.approx(slow_surprise(own, user))
    assert set(steps.token % len(REPEATS)) == {0, 1, 2, 3}


def test_order_and_names_of_users_change_nothing(events: EventTable) -> None:
    rows = made(3)
    renamed = [{**row, "user": f"u{97 * int(row['user'][1:]) % 14:02}"} for row in rows]
    first = summarize_of(events)
    second = summarize_of(event_table([renamed[place] for place in np.random.default_rng(1).permutation(len(rows))]))
    for user in range(14):
        assert (first[user] == second[97 * user % 14]).all()


def summarize_of(log: EventTable) -> np.ndarray:
    steps = read_steps(log)
    return summarize(trigram_surprise(steps), steps.user, log.count("user"))


def test_an_odd_path_among_many_of_one_kind_surprises() -> None:
    rows = [
        {"user": f"u{user:02}", "item": f"i{user % 7}", "time": 1_700_000_000 + 100 * user + 20 * place, "action": action}
        for user in range(40)
        for place, action in enumerate(("refund", "refund", "login") if user == 17 else ("view", "cart", "order"))
    ]
    columns = summarize_of(event_table(rows))
    assert columns[:, 0].argmax() == 17
    assert (columns[np.arange(40) != 17, 2] == 0).all()
    assert columns[17, 2] > 0.6


def test_logs_without_times_or_items_or_actions_have_steps() -> None:
    for lacking in ("time", "item", "action"):
        log = event_table([{key: value for key, value in row.items() if key != lacking} for row in made(4)])
        assert np.isfinite(summarize_of(log)).all()
        assert np.isfinite(oddness(activity_maps(log)[0])).all()


def test_maps_count_hours_of_the_week_and_weeks(events: EventTable) -> None:
    import datetime as dt

    hours, weeks = activity_maps(events)
    moments = [dt.datetime.fromtimestamp(row["time"], dt.UTC) for row in made(3) if row["user"] == "u05"]
    told = Counter(moment.weekday() * 24 + moment.hour for moment in moments)
    assert {hour: int(count) for hour, count in enumerate(hours[5]) if count} == told
    assert weeks.sum() == hours.sum() == len(events)
    assert len({moment.isocalendar()[:2] for moment in moments}) == (weeks[5] > 0).sum()
    assert week_hours(np.array([0])) == (0, 72)


def test_the_likelihood_is_the_dirichlet_multinomials_less_the_orders() -> None:
    rng = np.random.default_rng(2)
    counts, share = rng.integers(0, 4, (6, 9)), rng.dirichlet(np.ones(9))
    for row, found in zip(counts, _log_chance(counts, share, 5.0), strict=True):
        orders = math.lgamma(row.sum() + 1) - sum(math.lgamma(count + 1) for count in row)
        assert found == pytest.approx(dirichlet_multinomial.logpmf(row, 5.0 * share, int(row.sum())) - orders)


def test_who_wakes_when_all_sleep_is_odd() -> None:
    rng = np.random.default_rng(8)
    counts = np.zeros((60, WEEK_HOURS), np.int64)
    for user in range(60):
        np.add.at(counts[user], rng.integers(0, 7, 20) * 24 + (3 if user == 9 else rng.integers(17, 23, 20)), 1)
    assert oddness(counts).argmax() == 9


def test_the_picture_is_dark_where_most_happens() -> None:
    import datetime as dt

    from graphdet.terminal.hours_picture import hours_picture

    at = [
        dt.datetime(2025, 3, day, hour, 5, tzinfo=dt.UTC) for day, hour, times in ((3, 0, 8), (9, 23, 1), (5, 12, 4)) for _ in range(times)
    ]
    lines = hours_picture(np.array([int(moment.timestamp() * 1e6) for moment in at]))
    assert (lines[0][0], lines[2][12], lines[6][23]) == ("█", "▒", "░")
    assert sum(line.count("·") for line in lines) == 168 - 3
    assert hours_picture(np.array([], np.int64)) == []


def test_columns_have_names_of_their_own() -> None:
    from graphdet.signals.activity_maps import ACTIVITY_MAPS
    from graphdet.signals.sequences import SEQUENCES

    names = names_of((*SEQUENCES.columns, *ACTIVITY_MAPS.columns))
    assert len(set(names)) == len(names) == 5
