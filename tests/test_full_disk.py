"""A disk that is full: every command that writes says so in one line and exits with 2, and what was there before is there as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from dossier_runs import QUICK, LoggedRun, market_run
from watch_parts import event, watch_of

from graphdet.cli.program import app
from graphdet.errors import WatchError
from graphdet.export import WRITERS
from graphdet.settings import Settings
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import is_disk_full
from graphdet.watch.state import open_state
from graphdet.whole import whole_file, whole_folder

SMALL = 192  # kibibytes of the small file system
BIG_ENOUGH = 512 * 1024
NO_MOUNT = "mounting a small file system needs root"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    assert isinstance(QUICK, Settings)
    return market_run(tmp_path_factory.mktemp("disk") / "log", seed=1, events=12_000)


@pytest.fixture(scope="module")
def labels(logged: LoggedRun) -> Path:
    """Any will do: it is not judged what is learned."""
    users = sorted(set(logged.log["user_id"]))
    path = logged.folder / "labels" / "labels.csv"
    (path.parent / "watched").mkdir(parents=True)
    shutil.copy(logged.folder / "events.parquet", path.parent / "watched")
    pd.DataFrame({"user_id": users, "label": [place % 2 for place in range(len(users))]}).to_csv(path, index=False)
    assert graphdet("cases", "add", logged.folder / "run", "--home", path.parent / "home").returncode == 0
    assert graphdet("cases", "decide", "C-0001", "confirmed", "--home", path.parent / "home").returncode == 0
    rush(path.parent)
    return path


def rush(folder: Path) -> None:
    """A run with a burst: each of twenty items is wanted by six users a day, and one of them by two hundred on one day."""
    wanted = [(day, item, place) for day in range(60) for item in range(20) for place in range(200 if (day, item) == (30, 0) else 6)]
    days, items, places = (pd.Series(column) for column in zip(*wanted, strict=True))
    moments = pd.Timestamp("2026-03-02 09:00", tz="UTC") + pd.to_timedelta(days, unit="D") + pd.to_timedelta(5 * places, unit="min")
    users = [f"u{place}" for place in range(len(wanted))]
    log = pd.DataFrame({"user_id": users, "item_id": "i" + items.astype(str), "timestamp": moments})
    log.to_csv(folder / "rush.csv", index=False)
    assert graphdet("run", folder / "rush.csv", "--out", folder / "rush").returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of its own that is nearly full."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    size = getattr(request, "param", SMALL)
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)], capture_output=True, check=False)
    if not done or done.returncode:
        pytest.skip(NO_MOUNT)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def graphdet(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from graphdet.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def fill(disk: Path, left: int) -> None:
    state = os.statvfs(disk)
    (disk / "filler").write_bytes(b"x" * max(state.f_bavail * state.f_frsize - left, 0))


def writers(logged: LoggedRun, labels: Path, disk: Path) -> dict[str, list[list[object]]]:
    """Every command that writes files where its user says, in each of its forms."""
    run, log, out = logged.folder / "run", logged.folder / "events.parquet", disk / "out"
    return {
        "run": [["run", log, "--out", out]],
        "demo": [["demo", "--out", out]],
        "init": [["init", log, "--out", disk / "graphdet.toml"]],
        "train": [
            ["train", log, "--labels", labels, "--out", disk / "model.npz"],
            ["train", log, "--labels", labels, "--out", labels.parent / "model.npz", "--report", out],
        ],
        "report": [["report", run, "--out", disk / "report.html"]],
        "bursts": [["bursts", labels.parent / "rush", "1", "--plot", disk / "burst.svg"]],
        "export": [["export", run, "1", "--format", form, "--out", disk / f"ring.{form}"] for form in WRITERS]
        + [["export", run, "--tier", "alert", "--format", form, "--out", out] for form in WRITERS],
        "push": [["push", run, "--offline", out], ["push", run, "--scope", "graph", "--offline", out]],
        "kit": [["kit", run, "--out", out]],
        "watch": [["watch", labels.parent / "watched", "--state", disk / "state", "--once"]],
        "day": [["day", log, "--home", disk / "desk"]],
        "cases export": [
            ["cases", "export", "C-0001", "--home", labels.parent / "home", "--out", disk / f"act.{form}"]
            for form in ("csv", "jsonl", "xlsx")
        ],
        "cases week": [["cases", "week", "--home", labels.parent / "home", "--out", disk / f"week.{form}"] for form in ("html", "md")],
        "simulate": [
            ["simulate", "--preset", "demo", "--events", 2000, "--out", out],
            ["simulate", "--shop", "flooded", "--users", 500, "--format", "csv", "--out", out],
        ],
    }


# What a home folder holds: the casebook's journal, and accounts; each of these is one entry or one line more.
KEEPERS: dict[str, list[str]] = {
    "cases add": [],
    "cases decide": ["C-0001", "confirmed"],
    "cases note": ["C-0001", "a note"],
    "cases assign": ["C-0001", "ann"],
    "cases plan": ["C-0001", "call them"],
    "cases accept": ["C-0001", "--reason", "known"],
    "cases undo": [],
    "cases close": ["C-0001"],
    "cases reopen": ["C-0001"],
    "cases discount": ["ip=203.0.113.7", "--reason", "an office"],
    "cases approve": ["S-0001"],
    "cases withdraw": ["S-0001"],
    "cases identify": ["P-" + 20 * "0", "--reason", "the bank asks"],
    "account add": ["bob"],
    "account remove": ["ann"],
}
LOOKERS = {
    "cases list",
    "cases show",
    "cases history",
    "cases verify",
    "cases suppressions",
    "cases queue",
    "account list",
    "serve",
    "alerts list",
}

# What writes nothing but its answer, or what only a database server holds: the server's own log and store are its own affair.
NO_FILES = {
    *("check", "settings", "rings", "show", "users", "reviews", "diff", "similar", "explain", "evaluate"),
    *("undo", "decide", "db up", "db down", "db status", "db wipe"),
    # What goes into a casebook alone: test_a_casebook_on_a_full_disk_loses_no_word.
    *(f"cases {word}" for word in ("add", "decide", "note", "assign", "plan", "close", "reopen", "undo")),
    *(f"cases {word}" for word in ("accept", "discount", "approve", "withdraw", "sync")),
    *(f"cases {word}" for word in ("list", "show", "history", "suppressions", "verify")),
    *("alerts list", "alerts resend", "score", "drift", "refresh"),  # a row of an outbox that `watch` made
    "dispositions",  # its labels: test_labels_of_dispositions_on_a_full_disk
}


MANY_FILES = ("push", "kit", "simulate")  # or parts: the disk may be full in the middle of them


def test_no_command_is_forgotten(logged: LoggedRun, tmp_path: Path) -> None:
    """Whoever adds a command says here what it writes, so that a full disk is tried."""

    def leaves(command: click.Command, above: str = "") -> Iterator[str]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from leaves(inner, f"{above}{name} ") if hasattr(inner, "commands") else (f"{above}{name}",)

    told = {*writers(logged, tmp_path, tmp_path), *NO_FILES, *KEEPERS, *LOOKERS}
    assert set(leaves(typer.main.get_command(app))) == told


def test_each_command_that_writes_names_the_full_disk_and_leaves_what_was_there(logged: LoggedRun, labels: Path, small_disk: Path) -> None:
    (small_disk / "model.npz").write_bytes(b"good")
    for place in ("desk", "state"):  # which the next day and the next watch go on with
        (small_disk / place).mkdir()
    for left in (0, 24 * 1024):  # not even a folder's first file, and a few of them
        (small_disk / "filler").unlink(missing_ok=True)
        fill(small_disk, left)
        before = sorted(path.name for path in small_disk.iterdir())
        every = writers(logged, labels, small_disk)
        for arguments in (one for name in (MANY_FILES if left else every) for one in every[name]):
            done = graphdet(*arguments)
            if left and not done.returncode:  # it was small enough
                for path in {path.name for path in small_disk.iterdir()} - set(before):
                    shutil.rmtree(small_disk / path) if (small_disk / path).is_dir() else (small_disk / path).unlink()
                continue
            assert done.returncode == 2, (arguments, done.stderr[-500:])
            last = done.stderr.splitlines()[-1]
            assert "disk is full" in last, (arguments, last)
            assert "unexpected" not in done.stderr
            assert "Traceback" not in done.stderr
            assert sorted(path.name for path in small_disk.iterdir()) == before, arguments
            assert (small_disk / "model.npz").read_bytes() == b"good"
            assert not (arguments[0] == "day" and list((small_disk / "desk").rglob("run.json"))), "half a run"


def test_a_home_folder_on_a_full_disk_holds_what_it_held(logged: LoggedRun, small_disk: Path) -> None:
    """An entry may still find room in what is there; else the disk is named, and the journal is whole and as it was."""
    home, run = small_disk / "home", logged.folder / "run"
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert graphdet("cases", "add", run, "--home", home).returncode == 0
    assert graphdet("account", "add", home, "ann", GRAPHDET_PASSWORD="long enough for anybody").returncode == 0  # noqa: S106 - made here
    assert graphdet("cases", "discount", "ip=203.0.113.9", "--reason", "an office", "--home", home).returncode == 0
    fill(small_disk, 0)

    def held() -> str:
        looks = (["list"], ["suppressions"], ["history", "C-0001"])
        return "".join(graphdet("cases", *look, "--home", home, "--json").stdout for look in looks)

    before, kept = held(), []
    fill(small_disk, 0)
    for command, more in KEEPERS.items():
        group, name = command.split()
        arguments = [group, name, home, *more] if group == "account" else [group, name, *(more or [run] * (name == "add")), "--home", home]
        done = graphdet(*arguments, GRAPHDET_PASSWORD="long enough for anybody")  # noqa: S106 - made here
        assert done.returncode in (0, 2), (command, done.stderr[-500:])
        assert done.returncode == 0 or done.stderr.splitlines()[-1].startswith("graphdet: "), command
        assert "unexpected" not in done.stderr
        assert "Traceback" not in done.stderr
        kept += [command] * (done.returncode == 0)
    (small_disk / "filler").unlink()
    assert graphdet("cases", "verify", "--home", home).returncode == 0
    assert graphdet("account", "list", home).returncode == 0
    assert len(kept) < len(KEEPERS)
    assert kept or held() == before


@pytest.mark.parametrize("name", ["log.csv.gz", "log.csv.zip"])
def test_a_full_temporary_folder_is_not_the_logs_fault(name: str, logged: LoggedRun, small_disk: Path, tmp_path: Path) -> None:
    pd.read_parquet(logged.folder / "events.parquet").to_csv(tmp_path / name, index=False)
    fill(small_disk, 8 * 1024)
    done = graphdet("check", tmp_path / name, TMPDIR=str(small_disk))
    assert done.returncode == 2, done.stderr
    assert "disk is full" in done.stderr.splitlines()[-1]
    assert f"{name}: cannot be read" not in done.stderr


@pytest.mark.parametrize("small_disk", [4096], indirect=True)
def test_a_casebook_on_a_full_disk_loses_no_word(logged: LoggedRun, small_disk: Path) -> None:
    home = small_disk / "home"

    def said(*arguments: str, code: int = 0) -> str:
        done = graphdet("cases", *arguments, "--home", str(home), GRAPHDET_AUTHOR="ann")
        assert done.returncode == code, (arguments, done.stderr)
        return done.stderr if code else done.stdout

    fill(small_disk, 0)
    assert "disk is full" in said("add", str(logged.folder / "run"), code=2).splitlines()[-1]
    (small_disk / "filler").unlink()
    said("add", str(logged.folder / "run"))
    said("note", "C-1", "kept")
    fill(small_disk, 0)
    for words in (["note", "C-1", "lost" * 2000], ["decide", "C-1", "confirmed", "--note", "lost" * 2000]):
        complaint = said(*words, code=2).splitlines()
        assert len(complaint) == 1
        assert "disk is full" in complaint[0]
    (small_disk / "filler").unlink()
    assert "one chain" in said("verify")
    assert "note: kept" in said("show", "C-1")
    assert "lost" not in said("history")


def test_what_stood_there_stays_until_the_new_one_is_whole(small_disk: Path) -> None:
    path = small_disk / "model.npz"
    path.write_bytes(b"good")
    with pytest.raises(OSError, match="No space"), whole_file(path) as partial:
        partial.write_bytes(b"x" * BIG_ENOUGH)
    assert path.read_bytes() == b"good"
    with whole_file(path) as partial:
        partial.write_bytes(b"better")
    assert path.read_bytes() == b"better"
    folder = small_disk / "kit"
    with whole_folder(folder) as partial:
        (partial / "one").write_bytes(b"1")
    with pytest.raises(OSError, match="No space"), whole_folder(folder, replace=True) as partial:
        (partial / "two").write_bytes(b"x" * BIG_ENOUGH)
    assert [inner.name for inner in folder.iterdir()] == ["one"]
    with whole_folder(folder, replace=True) as partial:
        (partial / "two").write_bytes(b"2")
    assert [inner.name for inner in folder.iterdir()] == ["two"]
    assert sorted(path.name for path in small_disk.iterdir()) == ["kit", "model.npz"]


def test_what_a_dead_process_left_is_cleared_and_a_folder_that_it_put_aside_comes_back(tmp_path: Path) -> None:
    dead = tmp_path / ".kit.graphdet-0000"
    (dead / "new").mkdir(parents=True)
    (dead / "old").mkdir()
    (dead / "old" / "one").write_bytes(b"1")
    with pytest.raises(ValueError, match="stop"), whole_folder(tmp_path / "kit", replace=True):
        raise ValueError("stop")
    assert [path.name for path in tmp_path.iterdir()] == ["kit"]
    assert (tmp_path / "kit" / "one").read_bytes() == b"1"


def refused(write: Callable[[], object]) -> WatchError:
    """What a part of the watch makes of what cannot be written."""
    try:
        try:
            write()
        except (OSError, sqlite3.Error, pa.ArrowException):
            raise WatchError("cannot be written") from None
    except WatchError as error:
        return error
    raise AssertionError("it was written")


def into_sqlite(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE one (data BLOB)")
        connection.execute("INSERT INTO one VALUES (?)", (os.urandom(BIG_ENOUGH),))
        connection.commit()


WRITES: dict[str, Callable[[Path], object]] = {
    "a file": lambda path: path.write_bytes(b"x" * BIG_ENOUGH),
    "a Parquet file": lambda path: pq.write_table(pa.table({"a": np.random.default_rng(1).random(BIG_ENOUGH // 8)}), path),
    "an Arrow file": lambda path: pa.OSFile(str(path), "wb").write(b"x" * BIG_ENOUGH),
    "a database": into_sqlite,
}


def test_a_watch_waits_for_room_where_room_is_what_lacks_and_only_there(small_disk: Path) -> None:
    """Whatever library said so, and in whatever words; a name that has `full` in it says nothing."""
    disk = small_disk / "No space left on device" / "full"
    disk.mkdir(parents=True)
    for name, write in WRITES.items():
        assert is_disk_full(refused(partial(write, disk / "one"))), name
        (disk / "one").unlink(missing_ok=True)
        (disk / "one").mkdir()
        assert not is_disk_full(refused(partial(write, disk / "one"))), name
        (disk / "one").rmdir()
    assert not is_disk_full(WatchError("the disk is full"))
    assert not is_disk_full(sqlite3.OperationalError("no such column: full"))


def test_a_watch_whose_folder_is_called_full_ends_where_something_else_is_wrong(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "events.jsonl").write_bytes(event(0) + b"\n")
    with open_state(tmp_path / "full") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        state.rows.rmdir()
        state.rows.write_bytes(b"")
        with pytest.raises(WatchError, match="cannot be written"):
            watch.run(once=False)


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(OSError, match="device"), whole_file(Path("/dev/null")) as partial:
        partial.write_bytes(b"x")
    assert Path("/dev/null").is_char_device()
