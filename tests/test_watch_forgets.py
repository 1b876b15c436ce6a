"""What left the window is in no file of a state any more, whatever it was written for; what still waits for somebody is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from alert_parts import HOUR as HOUR_US
from alert_parts import NOW, by_name, line
from test_watch_ends import BEGIN, HOUR, ring, shoppers, write
from watch_parts import Heard, add_up, watch_of

from graphdet.alerts.outbox import list_deliveries, mark, waiting
from graphdet.alerts.telling import load_told, tell
from graphdet.answering.score_file import LEARNED, write_learned
from graphdet.settings import AlertSettings
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.forgetting import lines_left
from graphdet.watch.state import FILE, open_state
from graphdet.watch.watching import Watch

DAY, KEEP = 24 * HOUR, 4
NAMED = "somebody-of-the-ring-"  # of each of its members, so that bytes can be searched for it
ALONE = "somebody-who-came-once"
OWN = (FILE, f"{FILE}-wal")
SINKS = ("taken", "refused", "slow")


def told_by(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what they stand for where that is compressed."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield str(pq.read_table(path).to_pydict()).encode()
    if path.suffix == ".arrow":
        with pa.OSFile(str(path)) as file:
            yield str(pa.ipc.open_file(file).read_all().to_pydict()).encode()


def naming(state: Path, name: str) -> set[str]:
    """The files of a state that name somebody."""
    files = (path for path in state.rglob("*") if path.is_file())
    return {str(path.relative_to(state)) for path in files if any(name.encode() in told for told in told_by(path))}


def history(folder: Path, days: int) -> None:
    """Everybody's days as files; a ring acts on the second and the third, somebody once on the first, and a line of each cannot be read."""
    folder.mkdir()
    events = [*shoppers(days), *((second, NAMED + user, item) for second, user, item in ring(1)), (9 * HOUR, ALONE, "i1")]
    for day in range(days):
        write(folder / f"{day}.later", sorted(one for one in events if one[0] // DAY == day))
        if day < 2:
            with (folder / f"{day}.later").open("a") as file:
                file.write(f'{{"user_id": "{(ALONE, NAMED)[day]}", "timestamp": "no time", "item_id": "i1"}}\n')


def live(watch: Watch, logs: Path, day: int) -> None:
    """One day comes, and is looked at while it does."""
    (logs / f"{day}.later").rename(logs / f"{day}.jsonl")
    watch.clock = lambda: BEGIN + (day + 1) * DAY
    while watch.step() is not None:
        pass
    watch.look()
    add_up(watch.state)


def watch_with_sinks(state: object, logs: Path) -> Watch:
    watch = watch_of(state, FolderSource(logs, 60.0), days=KEEP)  # type: ignore[arg-type]
    sinks = {name: {"kind": "file", "path": str(logs / name)} for name in SINKS}
    watch.settings = watch.settings.model_copy(update={"alerts": AlertSettings.model_validate({"sinks": sinks})})
    return watch


def test_who_left_the_window_is_named_by_no_file_but_an_alert_that_waits(tmp_path: Path) -> None:
    logs, folder = tmp_path / "logs", tmp_path / "state"
    history(logs, 12)
    with open_state(folder) as state:
        watch, witness = watch_with_sinks(state, logs), Heard()
        watch.witness = witness
        for day in range(5):
            live(watch, logs, day)
        assert not naming(folder, ALONE)  # its only day has left
        write_learned(folder / LEARNED, pa.array([f"{NAMED}r0", "u1"]), np.array([0.5, 0.25]), model="m", time="t")
        assert LEARNED in naming(folder, NAMED)
        assert naming(folder, NAMED) & set(OWN)
        for name, became in (("taken", "delivered"), ("refused", "dead")):
            mark(state.connection, list_deliveries(state.connection, sink=name), became)  # type: ignore[arg-type]
        for day in range(5, 9):
            live(watch, logs, day)
            for name, became in (("taken", "delivered"), ("refused", "dead")):
                mark(state.connection, list_deliveries(state.connection, sink=name), became)  # type: ignore[arg-type]
        kinds = [(one.kind, one.end) for one in witness.alerts if any(user.startswith(NAMED) for user in one.members)]
        assert kinds == [("appeared", ""), ("ended", "left_window")]
        slow = [alert for _, alert in waiting(state.connection, "slow", 1e12, 100)]
        assert {user for alert in slow for user in alert.members} == {f"{NAMED}r{number}" for number in range(7)}  # nobody has it yet
        assert naming(folder, NAMED) <= set(OWN)
        mark(state.connection, list_deliveries(state.connection, sink="slow"), "dead")
        for day in range(9, 12):
            live(watch, logs, day)
        assert not naming(folder, NAMED)
        assert len(list_deliveries(state.connection, ["delivered"])) >= 2  # of these the keys stay
        gone = [numbers for what, numbers in witness.notes if what == "forgotten"]
        assert sum(numbers["count"] for numbers in gone) == watch.figures["dead_letters_forgotten_total"] >= 4
        assert not list_deliveries(state.connection, ["dead"])
    assert not naming(folder, NAMED)


def test_a_ring_that_goes_on_is_known_without_those_who_left(tmp_path: Path) -> None:
    """Its line, and what was told of it, lose whom no event of the window names, and nobody else."""
    with open_state(tmp_path / "state") as state:
        connection = state.connection
        first = line("a", users=["left", "stays", "new"], size=3)
        slept = line("b", state="dormant", users=["slept"])
        past = [line("c", state="dormant", users=["past"]), line("d", state="left_window", users=["owed"])]
        past = [replace(one, last=replace(one.last, last_seen=NOW - 9 * HOUR_US)) for one in past]
        tell(connection, by_name(first, slept, *(replace(one, state="here") for one in past)), (), AlertSettings(), NOW)
        now = replace(first, last=line("a", users=["stays", "new"]).last)
        scores = pa.table({"node_type": ["user", "user", "device"], "node_id": ["stays", "new", "left"]})
        lines = [now, slept, *past]
        look = SimpleNamespace(run=SimpleNamespace(scores=scores), step=SimpleNamespace(lines=lines), lines=by_name(now, slept, past[1]))
        left = {one.name: sorted(one.known) for one in lines_left(connection, look, NOW - HOUR_US)}  # type: ignore[arg-type]
        assert left == {"line-a": ["new", "stays"], "line-b": ["slept"], "line-d": ["owed"]}  # of the last its end is still to be told
        told = load_told(connection)
        assert {name: one.members for name, one in told.items()} == {"line-a": ("new", "stays"), "line-d": ()}
        assert told["line-a"].size == 3  # by which its growth is measured
        told_of = tell(connection, by_name(past[1]), (), AlertSettings(), NOW + 99 * HOUR_US)
        assert [(one.kind, one.members) for one in told_of] == [("ended", ("owed",))]
        look.lines = {}
        assert [one.name for one in lines_left(connection, look, NOW - HOUR_US)] == ["line-a", "line-b"]  # type: ignore[arg-type]


def test_while_somebody_reads_the_log_of_the_state_waits_to_be_emptied(tmp_path: Path) -> None:
    with open_state(tmp_path / "state") as state, contextlib.closing(sqlite3.connect(tmp_path / "state" / FILE)) as reader:
        watch = watch_of(state, FolderSource(tmp_path, 60.0))
        with state.writing() as connection:
            connection.execute("INSERT INTO meta VALUES ('name', ?)", (NAMED,))
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        with state.writing() as connection:
            connection.execute("DELETE FROM meta WHERE name = 'name'")
        watch._forgot(0, moved=True)
        assert naming(tmp_path / "state", NAMED)
        watch._forgot(0, moved=False)
        assert naming(tmp_path / "state", NAMED)
        reader.execute("ROLLBACK")
        watch._forgot(0, moved=False)  # at the next look
        assert not naming(tmp_path / "state", NAMED)
