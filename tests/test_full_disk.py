"""A disk that is full: every command that writes says so in one line and exits with 2, and what was there before is there as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dossier_runs import QUICK, LoggedRun, market_run

from graphdet.settings import Settings
from graphdet.whole import whole_file, whole_folder

SMALL = 192  # kibibytes of the small file system
BIG_ENOUGH = 512 * 1024
NO_MOUNT = "mounting a small file system needs root"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    assert isinstance(QUICK, Settings)
    return market_run(tmp_path_factory.mktemp("disk") / "log", seed=1, events=12_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is nearly full."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", f"size={SMALL}k", "tmpfs", str(place)], capture_output=True, check=False)
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


def test_each_command_that_writes_names_the_full_disk_and_leaves_what_was_there(logged: LoggedRun, small_disk: Path) -> None:
    run, log = logged.folder / "run", logged.folder / "events.parquet"
    out = small_disk / "out"
    fill(small_disk, 0)
    before = sorted(path.name for path in small_disk.iterdir())
    for arguments in (
        ["run", log, "--out", out],
        ["report", run, "--out", small_disk / "report.html"],
        *(
            ["export", run, "1", "--format", form, "--out", small_disk / f"ring.{form}"]
            for form in ("csv", "json", "xlsx", "graphml", "md")
        ),
        ["push", run, "--offline", out],
        ["kit", run, "--out", out],
        ["simulate", "--preset", "demo", "--events", 2000, "--out", out],
    ):
        done = graphdet(*arguments)
        assert done.returncode == 2, (arguments[0], done.stderr[-500:])
        last = done.stderr.splitlines()[-1]
        assert "disk is full" in last, last
        assert "unexpected" not in done.stderr
        assert "Traceback" not in done.stderr
        assert sorted(path.name for path in small_disk.iterdir()) == before, arguments


@pytest.mark.parametrize("name", ["log.csv.gz", "log.csv.zip"])
def test_a_full_temporary_folder_is_not_the_logs_fault(name: str, logged: LoggedRun, small_disk: Path, tmp_path: Path) -> None:
    import pandas as pd

    pd.read_parquet(logged.folder / "events.parquet").to_csv(tmp_path / name, index=False)
    fill(small_disk, 8 * 1024)
    done = graphdet("check", tmp_path / name, TMPDIR=str(small_disk))
    assert done.returncode == 2, done.stderr
    assert "disk is full" in done.stderr.splitlines()[-1]
    assert f"{name}: cannot be read" not in done.stderr


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


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(OSError, match="device"), whole_file(Path("/dev/null")) as partial:
        partial.write_bytes(b"x")
    assert Path("/dev/null").is_char_device()
