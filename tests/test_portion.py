"""A portion of a log is what a reader would make of the rows that are in it."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from graphdet.errors import EmptyLog
from graphdet.events import EventTable, read_events
from graphdet.schema.zones import moment
from graphdet.settings import LogSettings

HEADER = "user_id,item_id,device_id,timestamp,action,category,amount"
ROWS = [
    f"u{n % 7},{f'i{n % 5}' if n % 4 else ''},{f'd{n % 3}' if n % 2 or not n % 4 else ''},2025-03-{1 + n % 9:02} {n % 24:02}:15:{n:02},"
    f"{('view', 'order', '')[n % 3]},{f'c{n % 5 % 2}' if n % 4 else ''},{n if n % 3 == 1 else ''}"
    for n in range(60)
]


def read(folder: Path, rows: list[str], log: LogSettings | None = None) -> EventTable:
    path = folder / "log.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return read_events([path], log or LogSettings())


def assert_same(one: EventTable, other: EventTable) -> None:
    for field in fields(EventTable):
        if field.name == "report":
            continue
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, dict):
            assert set(left) == set(right), field.name
            for name in left:
                same = left[name].equals(right[name]) if isinstance(left[name], pa.Array) else np.array_equal(left[name], right[name])
                assert same, (field.name, name)
        elif isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, field.name
            assert np.array_equal(left, right, equal_nan=left.dtype.kind == "f"), field.name
        else:
            assert left == right, field.name


@given(first=st.integers(1, 9), days=st.integers(0, 8))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_span_is_the_log_of_its_rows(tmp_path: Path, first: int, days: int) -> None:
    last = min(first + days, 9)
    within = [row for row in ROWS if first <= int(row.split("2025-03-")[1][:2]) <= last]
    portion = read(tmp_path, ROWS, LogSettings(since=f"2025-03-{first:02}", until=f"2025-03-{last:02}"))
    assert_same(portion, read(tmp_path, within))
    assert portion.report.read == portion.report.accepted == len(ROWS)
    if len(within) < len(ROWS):
        assert f"{len(within)} of {len(ROWS)} events were taken" in portion.report.notes[-1]


def test_a_sample_has_whole_users_and_the_same_ones_in_every_log(tmp_path: Path) -> None:
    sampled = [read(tmp_path, rows, LogSettings(sample=0.6)) for rows in (ROWS, [*ROWS[::-1], "new,i1,,2025-03-01,view,,"])]
    users = [set(one.ids["user"].to_pylist()) for one in sampled]
    assert 0 < len(users[0]) < 7
    assert users[1] - {"new"} == users[0]
    assert_same(sampled[0], read(tmp_path, [row for row in ROWS if row.split(",")[0] in users[0]]))


@given(share=st.floats(0.1, 0.9))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sample_is_about_as_large_as_asked(tmp_path: Path, share: float) -> None:
    rows = [f"user{n},i,,2025-03-01,view,," for n in range(3000)]
    assert len(read(tmp_path, rows, LogSettings(sample=share))) == pytest.approx(3000 * share, abs=140)  # five sigma


def test_moments() -> None:
    def micros(*when: int) -> int:
        return round(datetime(*when, tzinfo=UTC).timestamp() * 1e6)  # type: ignore[misc,arg-type]

    assert moment("2025-03-01", "UTC") == micros(2025, 3, 1)
    assert moment("2025-03-01", "UTC", end=True) == micros(2025, 3, 2)
    assert moment("2025-03-01 18:30", "UTC", end=True) == micros(2025, 3, 1, 18, 30)
    assert moment("2025-03-01", "+08:00") == moment("2025-03-01", "Asia/Shanghai") == micros(2025, 2, 28, 16)
    assert moment("2025-03-01T00:00:00+08:00", "UTC") == micros(2025, 2, 28, 16)


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(EmptyLog, match=r"none of 60 events is left; the log goes from 2025-03-01 to 2025-03-09"):
        read(tmp_path, ROWS, LogSettings(since="2026-01-01"))
    timeless = [",".join([*row.split(",")[:3], "", *row.split(",")[4:]]) for row in ROWS]
    with pytest.raises(EmptyLog, match="the log has none"):
        read(tmp_path, timeless, LogSettings(until="2026-01-01"))
    for wrong in ({"since": "yesterday"}, {"sample": 0.0}, {"sample": 1.5}):
        with pytest.raises(ValidationError):
            LogSettings(**wrong)
