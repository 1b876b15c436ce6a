"""Ways to deeds, read step by step; a market whose crews work by sheets is without them what it was, and the sheets are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import event_table
from dossier_oracle import way_to

from graphdet import _kernels
from graphdet.events import EventTable
from graphdet.signals.scripts import read_ways
from graphdet.simulate import preset, simulate, with_sheets
from graphdet.simulate.writing import describe, log_table

ACTS = ("view", "click", "cart", "order", "gaze", None)


def made(seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for user in range(30):
        at = 1_700_000_000
        for _ in range(int(rng.integers(1, 40))):
            at += int(rng.choice([3, 10, 59, 60, 300, 600, 1799, 1800, 90_000]))
            item = f"i{rng.integers(0, 3)}" if rng.random() < 0.9 else None
            time = at if rng.random() < 0.95 else None
            rows.append({"user": f"u{user:02}", "item": item, "time": time, "action": ACTS[int(rng.integers(0, len(ACTS)))]})
    return rows


def ways_of(events: EventTable) -> dict[int, str]:
    offset, by_user = _kernels.group_rows(events.codes["user"], events.count("user"))
    ways = read_ways(events, offset, by_user)
    assert ways is not None
    for user in range(events.count("user")):
        assert set(events.codes["user"][ways.row[ways.offset[user] : ways.offset[user + 1]]]) <= {user}
    return {row: ways.told(script) for row, script in zip(ways.row.tolist(), ways.script.tolist(), strict=True)}


def slow_ways(events: EventTable) -> dict[int, str]:
    """Each deed's way by walking back from it; an event without a time is nobody's step."""
    assert events.time is not None
    items = [None if code < 0 else f"i{code}" for code in events.codes["item"].tolist()]
    words = [None if code < 0 else events.actions[code] for code in events.action.tolist()]
    found = {}
    for user in range(events.count("user")):
        rows = [row for row in np.flatnonzero(events.codes["user"] == user).tolist() if events.time[row] > 0]
        words_of = ["another" if words[row] == "gaze" else words[row] for row in rows]
        moments = [pd.Timestamp(events.time[row], unit="us") for row in rows]
        steps = list(zip(rows, words_of, (items[row] for row in rows), moments, strict=True))
        for place, (row, word, item, _) in enumerate(steps):
            if word == "order" and item and (way := way_to(steps, place)):  # type: ignore[arg-type]
                found[row] = f"{way}order"
    return found


@pytest.mark.parametrize("seed", range(4))
def test_ways_are_those_of_a_walk_back_from_each_deed(seed: int) -> None:
    events = event_table(made(seed))
    ways = ways_of(events)
    assert len(set(ways.values())) > 20
    assert ways == slow_ways(events)


def test_a_log_without_deeds_or_times_has_no_ways() -> None:
    looks = [{"user": "u", "item": "i", "time": at, "action": "view"} for at in range(5)]
    dates = [{**row, "time": None, "action": "order"} for row in looks]
    for rows in (looks, dates):
        events = event_table(rows)
        assert read_ways(events, *_kernels.group_rows(events.codes["user"], events.count("user"))) is None


def test_a_market_without_sheets_is_what_it_was_and_one_with_them_has_looks_more() -> None:
    base = preset("hard", users=1500, events=30_000)
    plain, sheets = simulate(base, 3), simulate(with_sheets(base, 1.0), 3)
    assert "sheets" not in describe(plain)["settings"]["rings"]  # type: ignore[index]
    assert log_table(simulate(with_sheets(base, 0.0), 3)).equals(log_table(plain))
    for market in (plain, sheets):
        assert market.truth["rings"].num_rows == plain.truth["rings"].num_rows
    assert not log_table(sheets).equals(log_table(plain))
