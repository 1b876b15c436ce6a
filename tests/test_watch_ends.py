"""A ring's end and events that come late, through whole watches: what is told of is what was planted, once, and what left is gone."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from watch_parts import Heard, add_up, watch_of

from graphdet.alerts.alert import Alert
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import DAY
from graphdet.watch.state import SEGMENTS, open_state
from graphdet.watch.watching import Watch

BEGIN = int(datetime(2025, 3, 1, tzinfo=UTC).timestamp())
HOUR = 3600
RING = [f"r{number}" for number in range(7)]
Event = tuple[int, str, str]  # seconds since the begin, user, item


def shoppers(days: int) -> list[Event]:
    """Everybody's events, that nobody made up with anybody."""
    chance = random.Random(11)  # noqa: S311
    return [(chance.randrange(days * 24 * HOUR), f"u{chance.randrange(150)}", f"i{chance.randrange(300)}") for _ in range(450 * days)]


def ring(day: int) -> list[Event]:
    """Seven people come to the same eight things in the same two hours, on each of two days."""
    chance = random.Random(12)  # noqa: S311
    return [
        ((day + turn) * 24 * HOUR + 9 * HOUR + chance.randrange(2 * HOUR), user, f"t{item + 4 * turn}")
        for turn in (0, 1)
        for user in RING
        for item in range(4)
    ]


def crowd(day: int) -> list[Event]:
    """Sixty others come to these things just then."""
    chance = random.Random(13)  # noqa: S311
    return [
        ((day + turn) * 24 * HOUR + 9 * HOUR + chance.randrange(2 * HOUR), f"c{user}", f"t{item + 4 * turn}")
        for turn in (0, 1)
        for user in range(60)
        for item in range(4)
    ]


def write(path: Path, events: list[Event]) -> None:
    lines = [
        {"event_id": f"{user}-{item}-{second}", "timestamp": datetime.fromtimestamp(BEGIN + second, UTC).isoformat()}
        | {"user_id": user, "item_id": item, "action": "order"}
        for second, user, item in events
    ]
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))


def look(watch: Watch) -> None:
    while watch.step() is not None:
        pass
    assert watch.look() is not None
    add_up(watch.state)


def told_of_the_ring(watch: Watch) -> list[Alert]:
    assert isinstance(watch.witness, Heard)
    told = [alert for alert in watch.witness.alerts if set(alert.members) & set(RING)]
    assert len({alert.key for alert in told}) == len(told)
    return told


def test_a_ring_whose_days_leave_the_window_is_told_to_have_left_once_and_is_gone_from_the_disk(tmp_path: Path) -> None:
    logs, days, keep = tmp_path / "logs", 9, 4
    logs.mkdir()
    events, kinds = sorted([*shoppers(days), *ring(1)]), []
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0), days=keep)
        for day in range(days):
            write(logs / "events.jsonl", [one for one in events if one[0] // (24 * HOUR) == day])
            look(watch)
            first = max(day - keep + 1, 0) * 24 * HOUR
            assert state.events == sum(first <= one[0] < (day + 1) * 24 * HOUR for one in events)
            kinds.append([alert.kind for alert in told_of_the_ring(watch)])
        told = told_of_the_ring(watch)
        assert [alert.kind for alert in told] == ["appeared", "ended"]
        assert {set(alert.members) == set(RING) for alert in told} == {True}
        assert [alert.end for alert in told] == ["", "left_window"]
        seen = [len(kind) for kind in kinds]
        assert seen[1] <= 1 == seen[2]  # its second day is over
        assert seen[5] == 1  # its second day is in the window still
        assert seen[-1] == 2
        kept = {path.name for path in (tmp_path / "state" / SEGMENTS).iterdir()}
        assert kept == {one.name for one in state.segments}
        assert min(one.day for one in state.segments) == BEGIN * 1_000_000 // DAY + days - keep


def test_a_ring_that_late_events_explain_is_told_to_be_found_no_more_and_later_ones_change_nothing(tmp_path: Path) -> None:
    logs, days = tmp_path / "logs", 6
    logs.mkdir()
    events = sorted([*shoppers(days), *ring(1)])
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0), lateness=2 * DAY)
        write(logs / "events.jsonl", [one for one in events if one[0] // (24 * HOUR) <= 2])
        look(watch)
        assert [alert.kind for alert in told_of_the_ring(watch)] == ["appeared"]
        write(logs / "events.jsonl", crowd(1))  # of a day and two before, and taken
        look(watch)
        assert state.counts["late"] == 0
        assert state.counts["accepted"] == state.events == sum(one[0] // (24 * HOUR) <= 2 for one in events) + len(crowd(1))
        assert isinstance(watch.witness, Heard)
        assert not set(watch.witness.looks[-1].run.members["node_id"].to_pylist()) & set(RING)
        assert [alert.kind for alert in told_of_the_ring(watch)] == ["appeared"]  # it may be found again within a day
        for day in (3, 4, 5):
            write(logs / "events.jsonl", [one for one in events if one[0] // (24 * HOUR) == day])
            look(watch)
        told, before = told_of_the_ring(watch), state.digest
        assert [(alert.kind, alert.end) for alert in told] == [("appeared", ""), ("ended", "dormant")]
        late = [(second, f"late {user}", item) for second, user, item in ring(1)]
        write(logs / "events.jsonl", late)  # by three days: these are kept aside
        while watch.step() is not None:
            pass
        assert (state.counts["late"], state.digest) == (len(late), before)
        assert watch.look() is None


@pytest.mark.parametrize("hours", [3, 20])
def test_a_ring_whose_events_come_late_is_told_of_as_if_they_had_come_in_time(tmp_path: Path, hours: int) -> None:
    told = []
    for name, by in (("late", hours * HOUR), ("in time", 0)):
        logs = tmp_path / name / "logs"
        logs.mkdir(parents=True)
        arrivals = sorted([*((one[0], one) for one in shoppers(4)), *((one[0] + by, one) for one in ring(1))])
        with open_state(tmp_path / name / "state") as state:
            watch = watch_of(state, FolderSource(logs, 60.0), lateness=DAY)
            for day in range(4):
                write(logs / "events.jsonl", [one for moment, one in arrivals if moment // (24 * HOUR) == day])
                look(watch)
            assert (state.counts["late"], state.events) == (0, len(arrivals))
            told.append([(alert.kind, set(alert.members)) for alert in told_of_the_ring(watch)])
    assert told[0] == told[1] == [("appeared", set(RING))]
