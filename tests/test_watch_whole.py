"""A step, and a look, is in the state whole or not at all, whichever of its writes fails; and what the watermark is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alert_parts import line
from test_watch_ends import ring, shoppers, write
from watch_parts import add_up, watch_of

from graphdet.alerts.outbox import list_deliveries
from graphdet.errors import WatchError
from graphdet.lineage.line import Line
from graphdet.settings import AlertSettings
from graphdet.watch import stepping, watching
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.state import State, open_state, save_lines, save_meta
from graphdet.watch.stepping import Bounds, watermark
from graphdet.watch.watching import Watch
from graphdet.watch.window import window_of

NOW = 1_000.0


def failing(monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str) -> None:
    """A function that does its work and then fails, as a disk does that is full by then."""
    works: Callable[..., Any] = getattr(where, name)

    def fails(*arguments: Any, **options: Any) -> None:
        works(*arguments, **options)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(where, name, fails)


def kept(state: State) -> list[str]:
    """All that another process finds."""
    with sqlite3.connect(state.folder / "watch.sqlite") as other:
        return [line for line in other.iterdump() if '"figures"' not in line]


def begun(state: State, logs: Path) -> Watch:
    logs.mkdir()
    write(logs / "events.jsonl", sorted([*shoppers(4), *ring(1)]))
    watch = watch_of(state, FolderSource(logs, 60.0))
    sink = {"kind": "file", "path": str(logs.with_name("alerts.jsonl"))}
    told = AlertSettings.model_validate({"sinks": {"file": sink}})
    watch.settings = watch.settings.model_copy(update={"alerts": told})
    return watch


def test_whichever_write_fails_a_step_or_a_look_left_nothing(tmp_path: Path) -> None:
    with open_state(tmp_path / "state") as state:
        watch = begun(state, tmp_path / "logs")
        before = kept(state)
        for name in ("save_places", "save_segments", "save_meta"):
            with pytest.MonkeyPatch.context() as patch:
                failing(patch, stepping, name)
                with pytest.raises(WatchError):
                    watch.step()
            assert kept(state) == before, name
            assert (state.places, state.segments, state.events) == ({}, [], 0)
        report = watch.step()
        assert report is not None
        assert report.counts["accepted"] == state.events == report.counts["read"]
        look, before = watch._take(watch.window()), kept(state)
        for name in ("save_lines", "save_meta", "tell", "forget", "lines_left"):
            with pytest.MonkeyPatch.context() as patch:
                failing(patch, watching, name)
                with pytest.raises(WatchError):
                    watch.keep(look)
            assert kept(state) == before, name
            assert (state.meta["look"], list_deliveries(state.connection)) == ("0", [])
        alerts = watch.keep(look)
        assert [one.key for one in list_deliveries(state.connection)] == [alert.key for alert in alerts] != []
        assert state.meta["look"] == "1"
        add_up(state)


def test_the_watermark_is_that_of_the_busy_partition_that_is_furthest_behind() -> None:
    def of(**partitions: tuple[int | None, float]) -> int | None:
        state = State(Path(), sqlite3.connect(":memory:"), watermarks=partitions)
        return watermark(state, Bounds(idle=60.0), NOW)

    assert of() is None
    assert of(a=(None, NOW)) is None  # nothing came of it that has a time
    assert of(a=(70, NOW), b=(50, NOW - 59), c=(None, NOW)) == 50
    assert of(a=(70, NOW), b=(50, NOW - 60)) == 70  # who is silent holds up nobody
    assert of(a=(70, NOW - 300), b=(50, NOW - 60)) == 70  # nor do all of them together


def test_of_lines_what_was_told_once_is_not_held_beside_what_is_told_now(tmp_path: Path) -> None:
    with open_state(tmp_path / "state") as state:
        with state.writing() as connection:
            save_meta(connection, {"end": "0"})
        state.meta["end"] = "0"
        before: Sequence[Line] = ()
        for look in range(5):
            lines = [line("stays"), line("grows", size=10 + look), *(line(f"of-look-{look}-{number}") for number in range(3))]
            with state.writing() as connection:
                save_lines(connection, lines, {"line-grows"})
            window = window_of(state)
            assert {one.name: one for one in window.lines} == {one.name: one for one in lines}
            assert window.tellable == {"line-grows"}
            assert len(state.lines) == len(lines)
            assert sum(one is other for one in window.lines for other in before) == (1 if look else 0)  # which is not read again
            before = window.lines
