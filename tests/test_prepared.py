"""What the console prepares of a run, by a process of its own: it holds what the run holds, whatever order it was asked in."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from dossier_runs import LoggedRun, market_run

from graphdet.cases.casebook import Casebook
from graphdet.console import preparing
from graphdet.console.prepared import EVENTS, INDEX, MOST_EVENTS, PAGES, PLACES, SCORES, TOLD, Prepared, Told
from graphdet.console.preparing import ABOUT, as_in_the_queue, prepare, write_index
from graphdet.console.shelf import Shelf
from graphdet.console.workbench import ENDED, MOST_DEATHS, Workbench
from graphdet.dossier.building import build_dossier
from graphdet.errors import NotARun
from graphdet.printable import inert
from graphdet.replay.recorded import Recorded
from graphdet.report.data import ring_data
from graphdet.run.folder import Run, RunRing
from graphdet.schema import NODE_TYPE, NODE_TYPES, TIERS
from graphdet.week.queueing import make_queue
from graphdet.words.console import CONSOLE_WORDS
from graphdet.words.reasons import CATALOGUE

Found = TypeVar("Found")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    return market_run(tmp_path_factory.mktemp("prepared"), seed=5, events=20_000)


@pytest.fixture(scope="module")
def prepared(logged: LoggedRun, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """All of it, with the last ring asked for first."""
    place, asked = tmp_path_factory.mktemp("place") / "run", queue.Queue[str]()
    names = as_in_the_queue(logged.run)
    asked.put(names[-1])
    asked.put("nobody")
    told = []
    for one in prepare(logged.folder / "run", place, asked):
        told.append(one)
        if len(told) == len(names) + 2:  # the index, all pages, and what is no ring
            asked.put("")
    assert told == [INDEX, names[-1], "nobody\tno such ring", *names[:-1]]
    return Prepared(place)


def test_pages_come_in_the_order_of_a_queue_without_verdicts(logged: LoggedRun, tmp_path: Path) -> None:
    with Casebook(tmp_path, "ana") as book:
        book.take_in(logged.run)
        asked = [one.case for one in make_queue(book, 10_000).asked]
    names = as_in_the_queue(logged.run)
    assert sorted(names) == sorted(logged.run.rings["ring_id"].to_pylist())
    for tier in TIERS:
        own = [case.ring_id for case in asked if case.tier == tier]
        assert [name for name in names if name in own] == own


def test_pages_are_those_of_the_run_and_tactics_go_with_them(logged: LoggedRun, prepared: Prepared) -> None:
    recorded = Recorded(logged.run)
    told = prepared.told()
    for name in logged.run.rings["ring_id"].to_pylist():
        data = ring_data(recorded, logged.run.ring(name))
        assert prepared.page(name) == inert({**data, "about": ABOUT})
        codes = dict.fromkeys(code for code, _ in build_dossier(recorded, logged.run.ring(name)).reasons if CATALOGUE[code].side == "for")
        assert told[name] == Told(tuple(data["dossiers"][0]["kinds"]), tuple(codes))
    assert prepared.page("nobody") is None
    with (prepared.folder / TOLD).open("a", encoding="utf-8") as file:
        file.write('{"ring": "half')  # as another process may have come just now
    assert prepared.told() == told


def test_scores_and_events_are_found_by_id_as_a_slow_search_finds_them(logged: LoggedRun, prepared: Prepared) -> None:
    run = logged.run
    assert run.events is not None
    scores, events = run.scores.to_pylist(), run.events.to_pylist()
    every = sorted({row["node_id"] for row in scores})
    for name in [*every[:3], *every[:: len(every) // 40], *every[-3:], "", "nobody", "￿", every[5][:-1]]:
        assert [(row["node_type"], row["score"], row["rank"]) for row in prepared.scores_of([name])] == sorted(
            ((row["node_type"], row["score"], row["rank"]) for row in scores if row["node_id"] == name),
            key=lambda row: (row[0] != "user", row[0], row[2]),
        )
    for member in run.members.to_pylist()[::7]:
        node_type, name = member["node_type"], member["node_id"]
        own = [event for event in events if event[NODE_TYPE[node_type].column] == name]
        assert prepared.events_of(name, node_type) == (own[::-1][:MOST_EVENTS], len(own))
    assert prepared.events_of("nobody", "user") == ([], 0)


def test_a_process_prepares_what_is_asked_for_and_another_goes_on_when_it_dies(
    logged: LoggedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Workbench(logged.folder / "run", tmp_path / "place")
    names = logged.run.rings.sort_by("rank")["ring_id"].to_pylist()
    try:
        found = within(60, bench.index)
        assert found is not None
        assert found.scores_of([logged.run.members["node_id"][0].as_py()])
        assert within(60, lambda: bench.page(names[-1])) is not None
        first = bench._process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        (tmp_path / "place" / PAGES / names[0]).unlink(missing_ok=True)
        assert within(60, lambda: (tmp_path / "place" / PAGES / names[0]).exists() or None), "nobody has to ask"
        assert not bench.has_given_up
    finally:
        bench.close()
    assert bench._process is not first
    assert bench._process is not None
    assert bench._process.poll() is not None
    assert "was killed by signal 9" in caplog.text
    assert "it is started again now" in caplog.text


def test_a_process_that_dies_again_and_again_is_given_up_and_whoever_asks_is_told(
    logged: LoggedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And whoever asks after that has their page once it can be made."""
    bench = Workbench(logged.folder / "run", tmp_path / "place")
    name, killed = logged.run.rings["ring_id"][0].as_py(), set[int]()

    def kill() -> bool | None:
        process = bench._process
        if process is not None and process.pid not in killed:
            killed.add(process.pid)
            process.kill()
        return bench.has_given_up or None

    try:
        bench.start()
        assert within(60, kill)
        assert len(killed) == MOST_DEATHS
        assert len([one for one in caplog.messages if "was killed by signal 9" in one]) == MOST_DEATHS
        assert "once somebody asks" in caplog.messages[-1]
        assert str(tmp_path) not in caplog.text
        with pytest.raises(LookupError, match=f"^{ENDED}$"):
            bench.page(name)
        assert set(re.findall(r"\w+", CONSOLE_WORDS[ENDED].en)) >= {"process", "memory", "terminal"}
        assert within(60, lambda: bench.page(name)) is not None
        assert not bench.has_given_up
        assert bench._deaths == 0
    finally:
        bench.close()


def test_a_fault_at_one_ring_keeps_no_other_from_its_page(logged: LoggedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names, asked = as_in_the_queue(logged.run), queue.Queue[str]()

    def faulty(recorded: Recorded, ring: RunRing) -> dict[str, object]:
        if ring.id == names[0]:
            raise KeyError("u-17")
        return ring_data(recorded, ring)

    monkeypatch.setattr(preparing, "ring_data", faulty)
    told = []
    for one in prepare(logged.folder / "run", tmp_path, asked):
        told.append(one)
        if len(told) == 3:
            asked.put("")
    assert told == [INDEX, f"{names[0]}\tKeyError, a fault of graphdet", names[1]]


def test_a_process_ends_with_its_console_even_while_it_reads_tables(tmp_path: Path) -> None:
    slow = "import time, graphdet.console.preparing as own; own.prepare = lambda *_: time.sleep(600); own.GRACE_SECONDS = 0.1; own.main()"
    command = [sys.executable, "-P", "-c", slow, "run", str(tmp_path)]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False, timeout=300).returncode == 0


def within(seconds: float, ask: Callable[[], Found | None]) -> Found | None:
    until = time.monotonic() + seconds
    while (found := ask()) is None and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_a_run_that_was_made_before_a_node_type_was_known_opens_with_the_same_pages(logged: LoggedRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(logged.folder / "run", run)
    events = pq.read_table(run / "events.parquet")
    unknown = [kind.column for kind in NODE_TYPES if events[kind.column].null_count == len(events)]
    assert unknown
    pq.write_table(events.drop_columns(unknown), run / "events.parquet")
    name = logged.run.rings["ring_id"][0].as_py()
    old, now = Run.load(run), logged.run
    assert ring_data(Recorded(old), old.ring(name)) == ring_data(Recorded(now), now.ring(name))


def test_a_damaged_run_is_told_of_in_its_own_words(logged: LoggedRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for path in (logged.folder / "run").iterdir():
        (run / path.name).write_bytes(path.read_bytes() if path.name != "scores.parquet" else b"PAR1")
    with pytest.raises(NotARun, match=r"scores\.parquet: damaged"):
        list(prepare(run, tmp_path / "place", queue.Queue()))
    bench = Workbench(run, tmp_path / "place")
    try:
        with pytest.raises(LookupError, match=r"scores\.parquet: damaged"):
            within(60, bench.index)
    finally:
        bench.close()


def test_where_looking_up_dies_it_is_tried_again_and_given_up_in_the_end(
    logged: LoggedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf, ring, folder = Shelf(tmp_path), logged.run.rings["ring_id"][0].as_py(), logged.folder / "run"
    for death in range(MOST_DEATHS):
        assert shelf.tell(folder, logged.run.id, [ring])
        assert shelf._telling is not None
        shelf._telling[0].kill()
        shelf._telling[0].wait()
        assert len(caplog.messages) == death
    assert not shelf.tell(folder, logged.run.id, [ring])
    assert ["given up" in one for one in caplog.messages] == [False] * (MOST_DEATHS - 1) + [True]
    assert shelf.told_of(logged.run.id, ring) is None
    other = Shelf(tmp_path)
    assert other.tell(folder, logged.run.id, [ring])
    assert within(60, lambda: other.told_of(logged.run.id, ring)) is not None
    assert within(60, lambda: not other.tell(folder, logged.run.id, [ring]) or None), "it is over"
    other.close()


def test_what_was_prepared_of_runs_long_past_or_by_another_graphdet_goes(logged: LoggedRun, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    run = shelf.open(logged.folder / "run")
    own = run.bench.prepared.folder
    for name in (own.name, f"{run.run.id}-0123456789abcdef", "run-0000000000000000-0123456789abcdef"):
        (tmp_path / name / PAGES).mkdir(parents=True)
        (tmp_path / name / TOLD).touch()
    past = "run-0000000000000000"
    (tmp_path / f"{past}{own.name.removeprefix(run.run.id)}" / PAGES).mkdir(parents=True)
    kept = tmp_path / f"{past}{own.name.removeprefix(run.run.id)}" / TOLD
    kept.write_text('{"ring": "R", "tactics": ["device_farm"], "reasons": ["device_farm", "dense"]}\n', encoding="utf-8")
    shelf.clear([run.run.id], [past])
    assert {path.name for path in tmp_path.iterdir()} == {own.name, kept.parent.name}
    assert [path.name for path in kept.parent.iterdir()] == [TOLD], "what an old run's pages told in codes stays, and its pages go"
    assert shelf.told_of(past, "R") == Told(("device_farm",), ("device_farm", "dense"))
    assert shelf.told_of(past, "R-2") is None
    assert shelf.told_of("run-1111111111111111", "R") is None
    shelf.clear([run.run.id])
    assert [path.name for path in tmp_path.iterdir()] == [own.name]


def replacements(path: Path) -> dict[str, Callable[[], object]]:
    """What may stand in a file's place, though nobody but the console writes there."""
    whole = path.read_bytes()
    return {
        "nothing": lambda: path.write_bytes(b""),
        "half": lambda: path.write_bytes(whole[: len(whole) // 2]),
        "noise": lambda: path.write_bytes(b"\xff" * 4096),
        "a pipe": lambda: os.mkfifo(path),
        "a folder": path.mkdir,
        "a link": lambda: path.symlink_to("/dev/zero"),
        "markup": lambda: path.write_bytes(zlib.compress(b"{}</script><script>alert(1)</script>")),
    }


@pytest.mark.parametrize("name", ["page", TOLD, SCORES, EVENTS, PLACES])
def test_what_was_put_in_a_prepared_files_place_is_made_again(name: str, prepared: Prepared, logged: LoggedRun, tmp_path: Path) -> None:
    """A page that is damaged would stay so: nothing of it is shown, and it goes."""
    ring = logged.run.rings["ring_id"][0].as_py()
    node = logged.run.members["node_id"][0].as_py()
    shutil.copytree(prepared.folder, tmp_path / "place")
    path = tmp_path / "place" / (f"{PAGES}/{ring}" if name == "page" else name)
    whole = path.read_bytes()
    for told, put in replacements(path).items():
        path.unlink()
        put()
        found = Prepared(tmp_path / "place")
        if name == "page":
            assert found.page(ring) is None, told
        elif name == TOLD:
            assert ring not in found.told(), told
        else:
            assert not found.is_indexed, told
            with pytest.raises(LookupError):
                found.scores_of([node])
            write_index(logged.run, tmp_path / "place")
            assert Prepared(tmp_path / "place").scores_of([node]) == prepared.scores_of([node])
            continue
        assert not path.is_dir(), told
        path.unlink(missing_ok=True)
        path.write_bytes(whole)


def test_what_lies_beside_what_is_prepared_is_somebodys(logged: LoggedRun, tmp_path: Path) -> None:
    own, other = tmp_path / "run-00-0123456789abcdef", tmp_path / "letters"
    for folder in (own, other):
        folder.mkdir()
    (tmp_path / "run-01-0123456789abcdef").symlink_to(other)
    Shelf(tmp_path).clear([])
    assert {path.name for path in tmp_path.iterdir()} == {"letters", "run-01-0123456789abcdef"}


def test_nothing_of_a_page_is_lost_or_markup(prepared: Prepared, logged: LoggedRun) -> None:
    page = prepared.page(logged.run.rings["ring_id"][0].as_py())
    assert page is not None
    assert not set("<>&") & set(page)
    members = pc.filter(logged.run.members["node_id"], pc.equal(logged.run.members["ring_id"], logged.run.rings["ring_id"][0]))
    assert set(members.to_pylist()) <= set(json.loads(page)["ids"])
