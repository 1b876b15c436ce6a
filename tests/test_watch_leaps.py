"""Few events far after all others move the window away from them: that is told, with where the latest stands."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from watch_parts import NOON, Heard, add_up, watch_of

from graphdet.watch.folder_source import FolderSource
from graphdet.watch.leaps import Leap, find_leap
from graphdet.watch.segments import DAY
from graphdet.watch.state import open_state
from graphdet.watch.watching import Watch

HOUR = 3600
LAST_YEAR = [-365 * 24 * HOUR + 6 * HOUR * number for number in range(80)]  # twenty days


def told(seconds: float) -> str:
    return datetime.fromtimestamp(NOON + seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def write(path: Path, seconds: Sequence[float], kind: str) -> None:
    rows = [(f"{path.stem}-{number}", datetime.fromtimestamp(NOON + one, UTC).isoformat()) for number, one in enumerate(seconds)]
    if kind == "jsonl":
        text = "".join(f'{{"event_id": "{name}", "timestamp": "{moment}", "user_id": "u", "item_id": "i"}}\n' for name, moment in rows)
    else:
        text = "event_id,timestamp,user_id,item_id\n" + "".join(f"{name},{moment},u,i\n" for name, moment in rows)
    data = text.encode()
    file = path.with_suffix(".csv.gz" if kind == "gz" else f".{kind}")
    file.write_bytes(gzip.compress(data) if kind == "gz" else data)
    os.utime(file, (NOON, NOON))


def steps(watch: Watch) -> Heard:
    while watch.step() is not None:
        pass
    add_up(watch.state)
    assert isinstance(watch.witness, Heard)
    return watch.witness


@pytest.mark.parametrize(("kind", "place"), [("jsonl", "a.jsonl, line {}"), ("csv", "a.csv, line {}"), ("gz", "a.csv.gz")])
@pytest.mark.parametrize("at", [0, 7, 37, 80])
def test_one_event_of_today_in_a_history_of_last_year_is_told_with_its_line(kind: str, place: str, at: int, tmp_path: Path) -> None:
    times = [*LAST_YEAR[:at], 0.0, *LAST_YEAR[at:]]
    write(tmp_path / "a", times, kind)
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(tmp_path, 0.0), clock=lambda: NOON + 60)
        witness = steps(watch)
        line = at + 1 + (kind != "jsonl")
        numbers = {"count": 80, "moment": told(0), "before": told(LAST_YEAR[-1]), "place": place.format(line)}
        assert witness.notes == [("leapt", numbers)]
        assert state.events == 1
        write(tmp_path / "b", [one + HOUR for one in LAST_YEAR], kind)  # and what comes after it is put aside
        watch.clock = lambda: NOON + 120
        witness = steps(watch)
        start = told(-29 * 24 * HOUR - 12 * HOUR)
        assert witness.notes[1:] == [("early", {"count": 80, "start": start, "moment": told(0), "place": place.format(line)})]
        assert state.counts["rejected"] == state.counts["late"] == 80


def test_more_that_come_too_late_are_told_of_once_they_are_ten_times_as_many(tmp_path: Path) -> None:
    write(tmp_path / "a", [0.0], "jsonl")
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(tmp_path, 0.0), clock=lambda: NOON + 60)
        for number in range(25):
            witness = steps(watch)
            write(tmp_path / f"b{number}", [LAST_YEAR[number]], "jsonl")
        assert [(what, numbers["count"]) for what, numbers in witness.notes] == [("early", 1), ("early", 10)]
        assert {numbers["place"] for _, numbers in witness.notes} == {"a.jsonl"}


def test_what_goes_on_as_it_did_is_no_leap(tmp_path: Path) -> None:
    """A history that is longer than the window, and a pause after which things go on."""
    write(tmp_path / "a", [-86_400.0 * number for number in range(90, 40, -1)], "jsonl")
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(tmp_path, 0.0), clock=lambda: NOON + 60)
        assert steps(watch).notes == []
        write(tmp_path / "b", [-60.0 * number for number in range(50, 0, -1)], "jsonl")  # after forty days
        assert steps(watch).notes == []
        assert state.events == 50


def test_a_leap_is_what_a_slow_search_finds() -> None:
    chance = random.Random(5)  # noqa: S311
    for _ in range(400):
        days, hours = chance.choice((2, 30)), [chance.randrange(40) for _ in range(chance.randrange(1, 12))]
        hours += [chance.randrange(40) + 24 * chance.choice((1, 3, 6, 8, 40)) for _ in range(chance.randrange(3))]
        times = [NOON_US + one * DAY // 24 for one in hours]
        end = chance.choice((None, NOON_US - DAY, NOON_US + DAY))
        every = sorted([*times, *([] if end is None else [end])])
        found = None
        for place in range(1, len(every)):
            far = every[place] - every[place - 1] > min(7, days) * DAY
            if far:
                found = Leap(every[place - 1], every[-1]) if len(every) - place == 1 else None
        cut = chance.randrange(len(times) + 1)
        assert find_leap([np.array(times[:cut], np.int64), np.array(times[cut:], np.int64)], end, days) == found


NOON_US = round(NOON * 1e6)
