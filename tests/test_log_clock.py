"""Times are shown by the log's own clock, and days stay days; what has no times is not told as if it had."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from commands import Command
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdet.errors import SettingsError
from graphdet.report.counted_once import days_of_log
from graphdet.run.choosing import select_rings
from graphdet.run.log_clock import LogClock
from graphdet.schema.zones import place_of

MOMENTS = st.integers(9131, 23741).flatmap(
    lambda day: st.integers(0, 86_399).map(lambda second: datetime.fromtimestamp(86_400 * day + second, UTC))
)
ZONES = {"UTC": UTC, "+08:00": timezone(timedelta(hours=8)), "-03:30": timezone(-timedelta(hours=3, minutes=30))} | {
    name: ZoneInfo(name) for name in ("Asia/Shanghai", "America/Sao_Paulo", "Europe/Berlin", "Australia/Lord_Howe")
}


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.sampled_from(sorted(ZONES)))
@settings(max_examples=50, deadline=None)
def test_a_clock_shows_what_pythons_zones_give(moments: list[datetime], zone: str) -> None:
    clock = LogClock(zone)
    local = [moment.astimezone(ZONES[zone]) for moment in moments]
    assert [clock.minute(moment) for moment in moments] == [f"{one:%Y-%m-%d %H:%M}" for one in local]
    assert [clock.second(moment.isoformat()) for moment in moments] == [f"{one:%Y-%m-%d %H:%M:%S}" for one in local]
    assert [LogClock(zone, dates=True).minute(moment) for moment in moments] == [f"{one:%Y-%m-%d}" for one in local]
    micros = np.array([round(moment.timestamp() * 1e6) for moment in moments], np.int64)
    walls = [datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(one)) for one in clock.wall(micros)]
    assert [f"{one:%Y-%m-%d %H:%M}" for one in walls] == [f"{one:%Y-%m-%d %H:%M}" for one in local]


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.sampled_from(sorted(ZONES)))
@settings(max_examples=30, deadline=None)
def test_an_accounts_days_on_the_page_are_those_of_the_shops_calendar(moments: list[datetime], zone: str) -> None:
    micros = np.array([round(moment.timestamp() * 1e6) for moment in moments], np.int64)
    recorded = SimpleNamespace(clock=LogClock(zone), start=int(micros.min()))
    dates = [moment.astimezone(ZONES[zone]).date() for moment in moments]
    assert days_of_log(recorded, micros).tolist() == [(date - min(moments).astimezone(ZONES[zone]).date()).days for date in dates]


@given(st.lists(MOMENTS, min_size=1, max_size=8), st.integers(0, 7), st.sampled_from(sorted(ZONES)))
@settings(max_examples=30, deadline=None)
def test_rings_are_chosen_by_days_of_the_shops_calendar(moments: list[datetime], place: int, zone: str) -> None:
    dates = [moment.astimezone(ZONES[zone]).date() for moment in moments]
    day = dates[place % len(dates)]
    seen = pa.array(moments, pa.timestamp("us", "UTC"))
    rings = pa.table({"rank": range(len(moments)), "tier": ["alert"] * len(moments), "first_seen": seen, "last_seen": seen})
    for since, until in ((True, True), (True, False), (False, True)):
        found = select_rings(rings, since=str(day) if since else None, until=str(day) if until else None, zone=zone)
        right = [rank for rank, date in enumerate(dates) if (date >= day or not since) and (date <= day or not until)]
        assert found["rank"].to_pylist() == right
    with pytest.raises(SettingsError, match="'soon' is no date or time"):
        select_rings(rings, since="soon")


def test_a_heading_names_the_zone_but_for_dates() -> None:
    assert LogClock("+08:00").beside("began") == "began +08:00"
    assert LogClock("+08:00", dates=True).beside("began") == "began"
    assert LogClock().minute(None) == ""


def write_dates(path: Path) -> None:
    """2,500 people who choose among 200 items in June, and 24 who come to seven of nine of them on two days."""
    chance = np.random.default_rng(4)
    rows = [(f"u{n}", item, 1 + int(chance.integers(30))) for n in range(2500) for item in chance.choice(200, 5, replace=False)]
    rows += [(f"z{n:02}", item, 10 + item % 2) for n in range(24) for item in chance.choice(9, 7, replace=False)]
    lines = [f"{user},i{item},c{item % 4},2025-06-{day:02}" for user, item, day in rows]
    path.write_text("\n".join(["user_id,item_id,category,timestamp", *lines]) + "\n")


def write_without_times(path: Path) -> None:
    """600 people who choose by popularity, and 16 who came to six items that nobody else knows."""
    chance = np.random.default_rng(4)
    share = 1 / np.arange(1, 81)
    lines = [f"u{n},i{item}" for n in range(600) for item in chance.choice(80, 5, p=share / share.sum())]
    path.write_text("\n".join(["user_id,item_id", *lines, *(f"z{n:02},rare{item}" for n in range(16) for item in range(6))]) + "\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_days_stay_days_on_every_screen_and_in_a_case_note(graphdet_command: Command, here: Path) -> None:
    write_dates(here / "log.csv")
    (here / "graphdet.toml").write_text('[log]\ntimezone = "+08:00"\nconstants = { action = "order" }\n')
    said = graphdet_command("run", "log.csv", "--out", "out")
    assert said.code == 0, said.err
    screens = [said.out] + [
        graphdet_command(*words).out for words in (("rings", "out"), ("show", "out", "1"), ("show", "out", "1", "--events"))
    ]
    assert graphdet_command("export", "out", "1", "--out", "note.md").code == 0
    screens.append((here / "note.md").read_text())
    for screen in screens:
        assert "2025-06-10" in screen
        assert "2025-06-09" not in screen  # as UTC has it
        assert not re.search(r"2025-06-\d\d[ T]\d\d:", screen)
        assert "UTC" not in screen  # the heading names +08:00 instead


def test_a_log_without_times_is_told_as_one(graphdet_command: Command, here: Path) -> None:
    write_without_times(here / "log.csv")
    said = graphdet_command("run", "log.csv", "--out", "out")
    assert said.code == 0, said.err
    assert "crowded" in said.out  # such keys have no window
    shown = graphdet_command("show", "out", "1")
    assert shown.code == 0, shown.err
    assert "events, no times\n" in shown.out
    assert "short time" not in shown.out
    assert graphdet_command("rings", "out").code == 0


def write_times(path: Path) -> None:
    """As `write_dates`, by the shop's own clock: all 24 come between two and half past three in the afternoon of 2 June."""
    chance = np.random.default_rng(4)
    people = [(f"u{n}", item) for n in range(2500) for item in chance.choice(200, 5, replace=False)]
    rows = [(user, item, 1 + int(chance.integers(60)), int(chance.integers(24 * 60))) for user, item in people]
    rows += [(f"z{n:02}", item, 33, 840 + int(chance.integers(90))) for n in range(24) for item in chance.choice(9, 7, replace=False)]
    days = [datetime(2025, 5, 1, tzinfo=UTC) + timedelta(days=day - 1, minutes=minute) for _, _, day, minute in rows]
    lines = [f"{user},i{item},c{item % 4},{day:%Y-%m-%d %H:%M:%S}" for (user, item, _, _), day in zip(rows, days, strict=True)]
    path.write_text("\n".join(["user_id,item_id,category,timestamp", *lines]) + "\n")


@pytest.mark.parametrize("zone", ["+08:00", "America/New_York"])
def test_every_screen_tells_times_by_the_shops_own_clock(graphdet_command: Command, here: Path, zone: str) -> None:
    write_times(here / "log.csv")
    (here / "graphdet.toml").write_text(f'[log]\ntimezone = "{zone}"\nconstants = {{ action = "order" }}\n')
    said = graphdet_command("run", "log.csv", "--out", "out")
    assert said.code == 0, said.err
    assert graphdet_command("bursts", "out", "--plot", "burst.svg").code == 0
    assert graphdet_command("export", "out", "1", "--out", "note.md").code == 0
    commands = (
        ("check", "log.csv"), ("rings", "out"), ("show", "out", "1"), ("show", "out", "1", "--events"), ("bursts", "out"),
        ("bursts", "out", "--words"), ("bursts", "out", "--words", "--lang", "zh"), ("users", "out", "--events"),
        ("diff", "out", "out"),
    )  # fmt: skip
    screens = {" ".join(words): graphdet_command(*words).out for words in commands}
    screens |= {"run": said.out, "note": (here / "note.md").read_text(), "plot": (here / "burst.svg").read_text()}
    for command, screen in screens.items():
        assert "UTC" not in screen, command
    told = ("run", "rings out", "show out 1", "show out 1 --events", "bursts out", "bursts out --words", "note", "plot")
    for command in told:
        assert re.search(r"2025-06-02 1[45]:\d\d", screens[command]), command  # as the shop's people would say it
    assert zone in screens["bursts out --words"]
    document = json.loads(graphdet_command("bursts", "out", "--json").out)
    moment = datetime.fromisoformat(document[0]["first_seen"])
    assert moment.utcoffset() == timedelta(0)  # UTC inside
    assert moment.astimezone(place_of(zone)).strftime("%Y-%m-%d %H") in {"2025-06-02 14", "2025-06-02 15"}


def test_a_watch_and_the_guides_for_neo4j_tell_times_as_the_log_writes_them(graphdet_command: Command, here: Path) -> None:
    (here / "logs").mkdir()
    write_times(here / "logs" / "log.csv")
    (here / "graphdet.toml").write_text('[log]\ntimezone = "+08:00"\nconstants = { action = "order" }\n')
    written = {line.split(",")[3][:16] for line in (here / "logs" / "log.csv").read_text().splitlines()[1:]}
    watched = graphdet_command("watch", "logs", "--state", "state", "--once")
    assert watched.code == 0, watched.err
    assert graphdet_command("run", "logs", "--out", "out").code == 0
    assert graphdet_command("kit", "out").code == 0
    guides = " ".join(path.read_text() for path in here.rglob("ring-*.html"))
    for screen, least in ((watched.out + watched.err, 1), (guides, 2)):
        told = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", screen)
        assert len(told) >= least
        assert set(told) <= written
        assert "+08:00" in screen
        assert "UTC" not in screen
    assert max(written) in watched.err  # how far the watch has read
