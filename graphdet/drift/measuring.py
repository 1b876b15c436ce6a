"""A watch's state → the drift of its last whole day, kept beside it for all who ask. No part of the state: it can be measured anew.

A day is measured once it is over, from its own segments alone, and kept as counts; so a day that has left the window is still part of
the usual for as long as the settings say, and no id of it is kept.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.drift.comparing_days import Drift, compare_days
from graphdet.drift.population import Population, measure_population
from graphdet.drift_settings import DriftSettings

DAY = 24 * 60 * 60 * 1_000_000  # microseconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = (
    "CREATE TABLE IF NOT EXISTS drift_begun (day INTEGER NOT NULL) STRICT",  # of the first look, which tells of all rings that there are
    "CREATE TABLE IF NOT EXISTS drift_days (day INTEGER PRIMARY KEY, population TEXT NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS drift (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL, part TEXT NOT NULL, value REAL NOT NULL, usual REAL NOT NULL, threshold REAL NOT NULL,
        beyond INTEGER NOT NULL, day INTEGER NOT NULL
    ) STRICT""",
)


def measure_drift(
    connection: sqlite3.Connection,
    days: Iterable[int],
    read_day: Callable[[int], pa.Table],
    moment: int,
    settings: DriftSettings,
    scores: npt.NDArray[np.float64] | None = None,
) -> tuple[Drift, ...] | None:
    """Measure the days that are over and were not measured yet, in a transaction of its own, and compare the last one.

    Args:
        connection: to the state; no transaction may be open.
        days: of the window, counted from 1970.
        read_day: the rows of a day.
        moment: up to which events were taken in, in microseconds since 1970 UTC.
        settings: of drift.
        scores: of users, at the last look; they are those of the last whole day.

    Returns:
        What there is to tell of the last whole day; None where no day has ended since the last time.
    """
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO drift_begun SELECT ? WHERE NOT EXISTS (SELECT * FROM drift_begun)", (moment // DAY,))
    known = {day for (day,) in connection.execute("SELECT day FROM drift_days")}
    ended = [day for day in days if day < moment // DAY]
    last = max([*known, *ended], default=0)
    over = sorted(day for day in ended if day not in known and day >= last - settings.days)  # older ones would be forgotten at once
    if not over:
        return None
    measured = {day: measure_population(read_day(day), scores if day == over[-1] else None, _alerts(connection, day)) for day in over}
    connection.execute("BEGIN IMMEDIATE")
    rows = [(day, json.dumps(one.as_dict(), sort_keys=True)) for day, one in measured.items()]
    connection.executemany("INSERT OR REPLACE INTO drift_days VALUES (?, ?)", rows)
    connection.execute("DELETE FROM drift_days WHERE day < ?", (last - settings.days,))
    kept = load_days(connection)
    found = compare_days(kept[-1][1], [one for day, one in kept[:-1] if day >= last - settings.days], settings)
    connection.execute("DELETE FROM drift")
    told = [(one.name, one.kind, one.of, one.value, one.usual, one.threshold, int(one.beyond), last) for one in found]
    connection.executemany("INSERT INTO drift VALUES (?, ?, ?, ?, ?, ?, ?, ?)", told)
    connection.execute("COMMIT")
    return found


def load_days(connection: sqlite3.Connection) -> list[tuple[int, Population]]:
    """Day → what it was like, oldest first."""
    rows = connection.execute("SELECT day, population FROM drift_days ORDER BY day").fetchall()
    return [(day, Population(**json.loads(text))) for day, text in rows]


def load_drift(connection: sqlite3.Connection) -> tuple[int | None, tuple[Drift, ...]]:
    """The day that was compared, and what was found; None and nothing before the first."""
    try:
        rows = connection.execute(
            "SELECT day, name, kind, part, value, usual, threshold, beyond FROM drift ORDER BY beyond DESC, name"
        ).fetchall()
    except sqlite3.OperationalError:  # not measured yet
        return None, ()
    found = tuple(Drift(name, kind, of, value, usual, most, bool(beyond)) for _, name, kind, of, value, usual, most, beyond in rows)
    return (rows[0][0] if rows else None), found


def day_name(day: int) -> str:
    """As 2025-03-01."""
    return f"{EPOCH + timedelta(days=day):%Y-%m-%d}"


def _alerts(connection: sqlite3.Connection, day: int) -> int | None:
    """Rings that were told of in a day as new or as risen; None of days of which nobody watched the whole."""
    if day <= connection.execute("SELECT day FROM drift_begun").fetchone()[0]:
        return None
    found: Sequence[int] = connection.execute(
        "SELECT COUNT(*) FROM outbox WHERE kind IN ('appeared', 'rose', 'returned', 'split') AND moment >= ? AND moment < ?",
        (day * DAY, (day + 1) * DAY),
    ).fetchone()
    return found[0]
