"""Large arrays in files: the same numbers, given back when nobody has them, and plain memory where a file cannot be had."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphdet import _kernels
from graphdet.settings import MachineSettings
from graphdet.spilling import SHARE, bounds_of_groups, spill_arrays, usable_memory

LARGE = 1 << 20  # elements, or bytes: more than from which arrays are counted


@pytest.fixture
def spilling(tmp_path: Path) -> Iterator[Path]:
    _kernels.spill_beyond(str(tmp_path), 1)
    yield tmp_path
    _kernels.spill_beyond("", 0)


def in_files(folder: Path) -> int:
    """Bytes of this process's memory that lie in files of a folder, all of them without a name."""
    lines = [line for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines() if str(folder) in line]
    assert all(line.endswith("(deleted)") for line in lines)
    spans = [line.split()[0].split("-") for line in lines]
    return sum(int(end, 16) - int(begin, 16) for begin, end in spans)


def test_arrays_lie_in_files_and_go_with_their_last_reader(spilling: Path) -> None:
    here = np.arange(LARGE)
    assert in_files(spilling) == here.nbytes
    assert not list(spilling.iterdir())
    cleared = np.zeros(LARGE, np.int32)
    assert not cleared.any()
    assert here.sum() == LARGE * (LARGE - 1) // 2
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(in_files(spilling) + int(np.ones(LARGE).sum())))
    thread.start()
    thread.join()
    assert seen == [here.nbytes + cleared.nbytes + LARGE]
    del here, cleared
    assert in_files(spilling) == 0


def test_arrays_grow_and_shrink(spilling: Path) -> None:
    values = np.arange(LARGE)
    values.resize(3 * LARGE, refcheck=False)
    assert in_files(spilling) == values.nbytes
    assert np.array_equal(values[:LARGE], np.arange(LARGE))
    assert not values[LARGE:].any()
    values.resize(5, refcheck=False)
    assert values.tolist() == [0, 1, 2, 3, 4]
    assert in_files(spilling) == 0
    small = np.arange(10)
    small.resize(LARGE, refcheck=False)
    assert small[:12].tolist() == [*range(10), 0, 0]


def test_arrays_made_before_and_after_are_given_back(tmp_path: Path) -> None:
    before = np.arange(LARGE)
    _kernels.spill_beyond(str(tmp_path), 1)
    during = before + 1
    _kernels.spill_beyond("", 0)
    after = during + 1
    assert in_files(tmp_path) == during.nbytes
    del before, during
    assert in_files(tmp_path) == 0
    assert after[-1] == LARGE + 1


def test_only_what_memory_may_not_hold_lies_in_files(tmp_path: Path) -> None:
    _kernels.spill_beyond(str(tmp_path), 1 << 40)
    held = np.ones(LARGE)
    assert in_files(tmp_path) == 0
    _kernels.spill_beyond(str(tmp_path), held.nbytes * 2)
    beside = np.ones(3 * LARGE)
    assert in_files(tmp_path) == beside.nbytes
    _kernels.spill_beyond("", 0)


def test_kernels_give_the_same(spilling: Path) -> None:
    code = np.random.default_rng(1).integers(0, 1000, 2 * LARGE, dtype=np.int32)
    offset, rows = _kernels.group_rows(code, 1000)
    assert in_files(spilling) >= code.nbytes + rows.nbytes
    assert np.array_equal(rows, np.argsort(code, kind="stable"))
    assert np.array_equal(np.diff(offset), np.bincount(code, minlength=1000))


def test_a_disk_without_room_means_plain_memory(tmp_path: Path) -> None:
    code = (
        "import resource, sys, numpy as np; from graphdet import _kernels; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16,) * 2);"
        "_kernels.spill_beyond(sys.argv[1], 1); print(int(np.arange(1 << 20).sum()), _kernels.most_spilled())"
    )
    for folder in (tmp_path, tmp_path / "none"):
        told = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
        assert told.stdout.split() == [str((1 << 19) * ((1 << 20) - 1)), "0"]


def test_memory_is_what_the_process_may_take() -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert usable_memory() <= machine
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (machine - 4096, hard))
    try:
        assert usable_memory() <= machine - 4096
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    assert 0 < SHARE < 1
    spill_arrays(MachineSettings())
    held = np.ones(LARGE)
    assert held.sum() == LARGE
    _kernels.spill_beyond("", 0)


def test_control_groups_bound_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer, inner = tmp_path / "v1" / "desk", tmp_path / "v1" / "desk" / "one run"
    inner.mkdir(parents=True)
    (tmp_path / "v2").mkdir()
    (outer / "memory.limit_in_bytes").write_text("3000000\n", encoding="ascii")
    (inner / "memory.limit_in_bytes").write_text("9223372036854771712\n", encoding="ascii")
    (tmp_path / "v2" / "memory.max").write_text("max\n", encoding="ascii")
    listed = tmp_path / "cgroup"
    listed.write_text("5:cpu,cpuacct:/desk\n4:memory:/desk/one run\n0::/desk\n", encoding="utf-8")
    monkeypatch.setattr("graphdet.spilling.GROUPS", listed)
    places = {"": f"{tmp_path}/v2{{}}/memory.max", "memory": f"{tmp_path}/v1{{}}/memory.limit_in_bytes"}
    monkeypatch.setattr("graphdet.spilling.BOUNDS", places)
    assert sorted(bounds_of_groups()) == [3_000_000, 9_223_372_036_854_771_712]
    assert usable_memory() == 3_000_000
    (tmp_path / "v2" / "desk").mkdir()
    (tmp_path / "v2" / "desk" / "memory.max").write_text("2000000\n", encoding="ascii")
    assert usable_memory() == 2_000_000
    monkeypatch.setattr("graphdet.spilling.GROUPS", tmp_path / "none")
    assert list(bounds_of_groups()) == []


def test_a_run_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate = "from graphdet.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", simulate, "simulate", "--events", "300000", "--out", tmp_path / "market"], check=True, capture_output=True
    )
    (tmp_path / "small.toml").write_text("[machine]\narrays_gb = 1e-6\n", encoding="utf-8")
    code = (
        "import atexit; from graphdet import _kernels; from graphdet.cli import main;"
        "atexit.register(lambda: print(_kernels.most_spilled())); main()"
    )
    digests, spilled = [], []
    for name, settings in (("plain", []), ("spilled", ["--settings", str(tmp_path / "small.toml")])):
        command = [sys.executable, "-c", code, "run", str(tmp_path / "market" / "events.parquet"), "--out", str(tmp_path / name), *settings]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        spilled.append(int(told.stdout.split()[-1]))
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / name).glob("*.parquet")})
    assert digests[0] == digests[1]
    assert spilled[0] == 0
    assert spilled[1] > 10 * LARGE
