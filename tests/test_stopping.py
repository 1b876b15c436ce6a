"""Stopped at any moment, graphdet ends with one line and 128 + the signal's number, and leaves nothing behind."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from graphdet.cli import stopping
from graphdet.errors import NoScratch
from graphdet.run.folder import Run
from graphdet.schema import RUN_TABLES
from graphdet.scratch import LOCK, PREFIX, UNLOCKED, new_file, scratch_folder
from graphdet.simulate import preset, simulate, write_market

# A run in the background of a script is deaf to Ctrl-C, and so is what it starts; not so the program that is tried here.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from graphdet.cli import main
print("begun", flush=True)
main()
"""
LINE = "graphdet: stopped; nothing half-written is left.\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that has to be unpacked to be read."""
    folder = tmp_path_factory.mktemp("log")
    write_market(simulate(preset("demo", users=1500, events=15_000), 3), folder / "market", "csv")
    with (folder / "market" / "events.csv").open("rb") as plain, gzip.open(folder / "events.csv.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    return folder / "events.csv.gz"


def start(log: Path, folder: Path) -> subprocess.Popen[str]:
    """A run with a temporary folder of its own, and its output in a folder of its own; it says when graphdet begins."""
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"TMPDIR": str(folder / "temporary")}
    command = [sys.executable, "-c", PROGRAM, "run", str(log), "--out", str(folder / "out" / "run")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def leftovers(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name not in ("temporary", "out")]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment(log: Path, tmp_path: Path, number: signal.Signals) -> None:
    """In the first moments things are imported; later rows are read, kernels run, tables are written."""
    moments = random.Random(number)  # noqa: S311
    stopped = 0
    for attempt, latest in enumerate((0.4, 1.0, 3.0, 6.0)):
        folder = tmp_path / str(attempt)
        with start(log, folder) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"  # what comes before Python does is the system's
            time.sleep(moments.uniform(0.01, latest))
            process.send_signal(number)
            printed, complaint = process.communicate(timeout=60)
        if process.returncode:
            stopped += 1
            assert process.returncode == 128 + number, complaint
            said = [line for line in complaint.splitlines(keepends=True) if not line.startswith("graphdet: ") or line == LINE]
            assert said == [LINE]
            if (folder / "out" / "run").exists():  # it came when all was written, and only being told was left
                found = Run.load(folder / "out" / "run")
                assert all(found.tables[name].num_columns for name in RUN_TABLES)  # each is read and checked here
                assert [one for one in leftovers(folder) if not one.startswith("out/run")] == []
            else:
                assert printed == ""
                assert leftovers(folder) == []
    assert stopped >= 2


HASTY = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Hasty:
    def find_spec(name, *others):
        if name == sys.argv[1]:
            signal.raise_signal(int(sys.argv[2]))
sys.meta_path.insert(0, Hasty)
from graphdet.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("place", ["graphdet.cli", "threading", "graphdet.cli.manner", "graphdet.cli.program"])
def test_a_signal_while_the_program_itself_is_read(number: signal.Signals, place: str) -> None:
    """From the first module on, though what hears signals in good order must be read, too."""
    done = subprocess.run([sys.executable, "-c", HASTY, place, str(number)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", LINE)


def test_the_main_thread_is_stopped_whoever_hears_it_first() -> None:
    """The watcher may be told of a signal before Python calls the handler; a second signal disturbs no clearing up."""
    held = stopping.Stopping()
    held.signal = signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
        held._heard(signal.SIGTERM, None)
    held._heard(signal.SIGINT, None)
    assert held.code == 128 + signal.SIGTERM


def test_that_it_was_stopped_is_said_once_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    held, begun, go_on = stopping.Stopping(), threading.Event(), threading.Event()
    said: list[str] = []

    def slow() -> None:
        begun.set()
        assert go_on.wait(60)
        said.append("slow")

    first = threading.Thread(target=held.tell, args=(slow,))
    first.start()
    assert begun.wait(60)
    monkeypatch.setattr(stopping, "GRACE", 0.05)
    held.tell(lambda: said.append("too late"))  # nobody reads what the first one says
    assert said == []
    monkeypatch.setattr(stopping, "GRACE", 60.0)
    second = threading.Thread(target=held.tell, args=(lambda: said.append("second"),))
    second.start()
    go_on.set()
    second.join()
    assert said == ["slow"]
    first.join()


def test_ctrl_c_before_signals_can_be_taken_over() -> None:
    """`signal` itself takes a while to be read where nothing has read it yet."""
    code = HASTY.replace("import signal, sys", "import _signal, sys").replace("signal.", "_signal.")
    done = subprocess.run([sys.executable, "-c", code, "signal", str(int(signal.SIGINT))], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", LINE)


BUSY = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from graphdet.cli import stopping
from graphdet.scratch import new_file, scratch_folder
stopping.GRACE = 0.2
with stopping.stoppable() as held, scratch_folder() as folder:
    new_file(folder)
    import numpy as np
    from graphdet import _kernels
    visits = 5_000_000  # of one user at one key: each is held against all before it, which takes hours
    offset, user, time = np.array([0, visits]), np.zeros(visits, np.int32), np.arange(visits, dtype=np.int32)
    def spin():
        _kernels.count_returns(offset, user, time, 1, 1, 1)
    if sys.argv[1] == "thread":
        threading.Thread(target=spin).start()
    try:
        print("busy", flush=True)
        spin()
    except KeyboardInterrupt:  # the signal came before the kernel began
        held.end()
"""


@pytest.mark.parametrize("where", ["main", "thread"])
def test_compiled_code_does_not_hold_a_stop_up(tmp_path: Path, where: str) -> None:
    command = [sys.executable, "-c", BUSY, where]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 143
    assert complaint == LINE
    assert list(tmp_path.glob(f"{PREFIX}*")) == []


SWALLOWED = """
import os, signal
from graphdet.cli import stopping
class Held:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
with stopping.stoppable():
    one = Held()
    del one
    print("went on", flush=True)
"""


def test_a_stop_that_comes_where_nobody_can_raise_it_still_counts() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", LINE)


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    """As under `nohup`."""
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from graphdet.cli.stopping import stoppable\n"
    code += "with stoppable(): signal.raise_signal(signal.SIGHUP); print('went on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")


# Scratch folders


def test_scratch_is_the_owners_alone_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder() as folder:
        file = new_file(folder)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o700}
        assert new_file(folder) != file
    assert list(tmp_path.iterdir()) == []


def test_nowhere_for_temporary_files_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    with pytest.raises(NoScratch, match="set TMPDIR"), scratch_folder():
        pass


def test_what_a_killed_process_left_is_cleared_and_what_a_living_one_has_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "import os, signal; from graphdet.scratch import *; folder = scratch_folder(); new_file(folder.__enter__())\n"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code + "os.kill(os.getpid(), signal.SIGKILL)"], env=environment, check=False)
    (left,) = tmp_path.glob(f"{PREFIX}*")
    mine = tmp_path / f"{PREFIX}demo"
    mine.mkdir()  # somebody's own folder of that name, or one whose lock is just being made
    (tmp_path / "graphdet-demo").mkdir()
    with scratch_folder() as living:
        assert not left.exists()
        with scratch_folder():
            assert living.is_dir()
        assert (living.parent / LOCK).is_file()
    assert mine.is_dir()
    os.utime(mine, (0, time.time() - UNLOCKED - 1))
    with scratch_folder():
        assert not mine.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["graphdet-demo"]


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / LOCK).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "precious")
    with scratch_folder():
        assert (tmp_path / "precious" / LOCK).exists()


WRITING = """
import sys, threading, time
from pathlib import Path
from graphdet.cli import stopping
from graphdet.whole import whole_folder
stopping.GRACE = 0.2
with stopping.stoppable() as held, whole_folder(Path(sys.argv[1]), replace=True) as folder:
    threading.Thread(target=lambda: [(folder / f"{n}").write_text("half") or time.sleep(0.01) for n in range(9999)]).start()
    try:
        print("busy", flush=True)
        time.sleep(100)
    except KeyboardInterrupt:
        time.sleep(100)  # unwinding waits for a thread, as a pool does
"""


def test_what_is_being_written_goes_with_a_process_that_cannot_wait(tmp_path: Path) -> None:
    """And what stood in its place stays."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "whole").write_text("before", encoding="utf-8")
    with subprocess.Popen([sys.executable, "-c", WRITING, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["run", "run/whole"]
