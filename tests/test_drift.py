"""Drift: each day is measured once, from its own events, and what moved is named; what did not is not."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from commands import Command

from graphdet.alerts.outbox import open_outbox
from graphdet.drift.comparing_days import Drift, compare_days, stability_index
from graphdet.drift.measuring import DAY, load_days, load_drift, measure_drift
from graphdet.drift.population import measure_population
from graphdet.drift_settings import DriftSettings
from graphdet.words.drift_words import DRIFT_WORDS

SETTINGS = DriftSettings(least_events=500)
FIRST = 20_000  # days since 1970


def day_of_events(
    day: int, events: int = 3000, *, price: float = 20.0, unknown: float = 0.05, proxy: float = 0.0, night: float = 0.0
) -> pa.Table:
    """A shop's day, drawn by its number."""
    draw = np.random.default_rng(day)
    hour = np.where(draw.random(events) < night, draw.integers(0, 5, events), np.clip(draw.normal(15, 3, events), 0, 23.9))
    device = np.array([f"d{n}" for n in draw.integers(0, 1500, events)], object)
    device[draw.random(events) < proxy] = "shared"
    device[draw.random(events) < unknown] = None
    return pa.table(
        {
            "timestamp": pa.array(day * DAY + (hour * 3.6e9).astype(np.int64) + draw.integers(0, 1000, events), pa.timestamp("us", "UTC")),
            "user_id": [f"u{n}" for n in draw.zipf(1.8, events) % 900],
            "item_id": [f"i{n}" for n in draw.integers(0, 400, events)],
            "device_id": pa.array(device, pa.string()),
            "action": draw.choice(["view", "order", "review"], events, p=[0.7, 0.2, 0.1]),
            "amount": pa.array(np.where(draw.random(events) < 0.2, draw.lognormal(math.log(price), 0.8, events), np.nan), from_pandas=True),
        }
    )


USUAL = [measure_population(day_of_events(FIRST + day)) for day in range(7)]


def beyond(table: pa.Table, **more: int) -> set[str]:
    return {one.name for one in compare_days(measure_population(table, **more), USUAL, SETTINGS) if one.beyond}


def test_a_usual_day_is_beyond_nothing_and_each_shift_is_named() -> None:
    for day in range(7, 20):
        assert beyond(day_of_events(FIRST + day)) == set()
    assert beyond(day_of_events(FIRST + 8, price=90.0)) == {"stability_amount"}
    assert beyond(day_of_events(FIRST + 8, unknown=0.5)) == {"unknown_device_id"}
    assert beyond(day_of_events(FIRST + 8, proxy=0.3)) == {"hubs_device"}
    assert beyond(day_of_events(FIRST + 8, night=0.5)) == {"stability_hour"}
    assert {"rate"} <= beyond(day_of_events(FIRST + 8, 600))
    assert "rate" in beyond(day_of_events(FIRST + 8, 12_000))
    assert beyond(day_of_events(FIRST + 8), alerts=40) == {"alerts"}
    assert beyond(day_of_events(FIRST + 8), alerts=4) == set()
    assert "unknown_device_id" in beyond(day_of_events(FIRST + 8).drop_columns(["device_id"]))  # a column that is gone is unknown in all
    assert compare_days(measure_population(day_of_events(FIRST + 8, 400)), USUAL, SETTINGS) == ()  # too few to tell


def test_scores_that_move_are_named() -> None:
    draw = np.random.default_rng(1)
    usual = [measure_population(day_of_events(FIRST + day), draw.beta(1, 50, 2000)) for day in range(3)]
    same, other = (measure_population(day_of_events(FIRST + 4), draw.beta(1, b, 2000)) for b in (50, 10))
    assert [one.name for one in compare_days(same, usual, SETTINGS) if one.beyond] == []
    assert [one.name for one in compare_days(other, usual, SETTINGS) if one.beyond] == ["stability_scores"]


def test_a_population_is_what_pandas_counts() -> None:
    table = day_of_events(FIRST)
    frame = table.to_pandas()
    found = measure_population(table)
    assert (found.events, found.users) == (len(frame), frame["user_id"].nunique())
    assert found.bins["action"] == frame["action"].value_counts().to_dict()
    assert found.bins["hour"] == {str(hour): int((frame["timestamp"].dt.hour == hour).sum()) for hour in range(24)}
    assert found.unknown["device_id"] == frame["device_id"].isna().mean()
    assert found.hubs["device"] == pytest.approx(frame["device_id"].value_counts().head(10).sum() / frame["device_id"].notna().sum())
    edges = [0, *(10 ** (place / 2) for place in range(-4, 15)), math.inf]
    cut = Counter(str(place) for place in pd.cut(frame["amount"].dropna(), edges, right=False, labels=False))
    assert {place: count for place, count in found.bins["amount"].items() if count} == dict(cut)
    assert "u1" not in json.dumps(found.as_dict())  # no id of anybody


def test_the_stability_index_is_the_sum_by_hand() -> None:
    p, q = {"a": 30.0, "b": 70.0}, {"a": 50.0, "b": 50.0}
    assert stability_index(p, q) == pytest.approx((0.3 - 0.5) * math.log(0.3 / 0.5) + (0.7 - 0.5) * math.log(0.7 / 0.5))
    assert stability_index(p, {"a": 3.0, "b": 7.0}) == pytest.approx(0)
    assert stability_index(p, q) == pytest.approx(stability_index(q, p))
    assert math.isfinite(stability_index({"a": 1.0}, {"b": 1.0}))


@pytest.fixture
def state(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "watch.sqlite", isolation_level=None)
    open_outbox(connection)
    return connection


def look(state: sqlite3.Connection, tables: dict[int, pa.Table], now: float) -> tuple[Drift, ...] | None:
    return measure_drift(state, tables, tables.__getitem__, round(now * DAY), SETTINGS)


def test_days_are_measured_once_they_are_over_and_kept_without_their_events(state: sqlite3.Connection) -> None:
    tables = {FIRST + day: day_of_events(FIRST + day) for day in range(4)}
    assert load_drift(state) == (None, ())
    assert look(state, tables, FIRST + 0.5) is None
    assert look(state, tables, FIRST + 1.1) == ()  # nothing to compare it with
    found = look(state, tables, FIRST + 3.9)
    assert found is not None
    assert load_drift(state) == (FIRST + 2, found)
    assert look(state, tables, FIRST + 3.95) is None
    assert [day for day, _ in load_days(state)] == [FIRST, FIRST + 1, FIRST + 2]
    assert dict(load_days(state))[FIRST + 1] == measure_population(tables[FIRST + 1])
    shifted = {FIRST + 3: day_of_events(FIRST + 3, price=90.0)}  # the others have left the window
    found = look(state, shifted, FIRST + 4)
    assert found is not None
    assert [one.name for one in found if one.beyond] == ["stability_amount"]
    late = {FIRST + 30: day_of_events(FIRST + 30)}
    assert look(state, late, FIRST + 31) == ()  # nothing is left of the days before it


def test_rings_that_the_first_look_tells_of_are_no_drift(state: sqlite3.Connection) -> None:
    """A watch that begins with a history tells of all its rings at once; how often rings are told of is known from the next day on."""
    tables = {FIRST + day: day_of_events(FIRST + day) for day in range(7)}

    def alerts(day: int, count: int) -> None:
        rows = [(f"{day}-{number}", "appeared", "l", "r", "alert", (FIRST + day) * DAY + DAY // 2, 0.0) for number in range(count)]
        state.executemany("INSERT INTO outbox (key, kind, line, ring_id, tier, moment, made) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def named(until: float) -> set[str]:
        return {one.name for one in look(state, {day: rows for day, rows in tables.items() if day < FIRST + until}, FIRST + until) or ()}

    alerts(2, 40)
    assert "alerts" not in named(2.6)  # the first look, in the third day, and what it told of days before it
    assert "alerts" not in named(3.1)
    alerts(4, 40)
    assert "alerts" not in named(4.1)
    found = look(state, tables, FIRST + 5.1)
    assert found is not None
    (told,) = [one for one in found if one.name == "alerts"]
    assert (told.value, told.usual, told.beyond) == (40, 0, True)


def test_of_a_window_longer_than_days_are_kept_each_day_is_read_once(state: sqlite3.Connection) -> None:
    asked: list[int] = []

    def read_day(day: int) -> pa.Table:
        asked.append(day)
        return day_of_events(day, 600)

    window = range(FIRST - 25, FIRST + 5)  # longer than days are kept for
    for now in (FIRST + 4.1, FIRST + 4.2, FIRST + 5.1, FIRST + 5.2):
        measure_drift(state, window, read_day, round(now * DAY), SETTINGS)
    assert sorted(asked) == sorted({*asked}) == [*range(FIRST + 3 - SETTINGS.days, FIRST + 5)]


def test_the_command_says_what_moved_and_what_it_means(state: sqlite3.Connection, tmp_path: Path, graphdet_command: Command) -> None:
    assert "No day has been compared" in graphdet_command("drift", tmp_path).out
    tables = {FIRST + day: day_of_events(FIRST + day) for day in range(3)}
    tables[FIRST + 3] = day_of_events(FIRST + 3, 600, price=90.0, unknown=0.6, proxy=0.4)
    look(state, tables, FIRST + 4)
    shown = graphdet_command("drift", tmp_path)
    assert shown.code == 0
    assert all(word in shown.out for word in ("amount", "device_id is missing in", "Events a minute", "busiest of devices"))
    assert "阈值" in graphdet_command("drift", tmp_path, "--lang", "zh").out
    told = json.loads(graphdet_command("drift", tmp_path, "--json").out)
    assert (told["day"], told["days_before"]) == ("2024-10-07", 3)
    assert {one["name"] for one in told["measures"] if one["beyond"]} >= {"stability_amount", "unknown_device_id", "rate", "hubs_device"}
    assert {one["kind"] for one in told["measures"]} <= set(DRIFT_WORDS)
