"""Stages are timed whether they are shown or not, and what is shown fits where it is shown."""

from __future__ import annotations

import ctypes
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from graphdet.progress import BarProgress, LineProgress, Progress, progress_for, show_bytes


def work(progress: Progress) -> None:
    with progress.stage("read", 1000):
        progress.advance(400)
        progress.advance(600)
    with progress.stage("think"):
        pass


def test_costs_are_recorded_in_order() -> None:
    progress = Progress()
    work(progress)
    assert [cost.name for cost in progress.costs] == ["read", "think"]
    assert all(cost.seconds >= 0 and cost.peak_bytes > 1_000_000 for cost in progress.costs)


@pytest.mark.parametrize("progress", [Progress(), LineProgress(io.StringIO()), BarProgress(Console(file=io.StringIO()))])
def test_a_stage_that_fails_is_not_recorded(progress: Progress) -> None:
    def fail() -> None:
        with progress.stage("read"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert progress.costs == []
    work(progress)
    assert len(progress.costs) == 2


def test_a_line_a_stage_where_nobody_watches() -> None:
    stream = io.StringIO()
    progress = progress_for(stream)
    work(progress)
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"graphdet: read: 1,000 done in \d+\.\d s, peak memory [\d.]+ [MG]B", first)
    assert re.fullmatch(r"graphdet: think: \d+\.\d s, peak memory [\d.]+ [MG]B", second)


def test_bars_on_a_terminal_leave_a_line_a_stage() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    work(BarProgress(console))
    shown = stream.getvalue()
    assert "of 1,000" in shown
    assert "left" in shown
    assert re.search(r"✓ read +1,000 +\d+\.\d s", shown)
    assert re.search(r"✓ think +\d+\.\d s", shown)


def test_sizes_are_told_in_round_numbers() -> None:
    assert [show_bytes(size) for size in (0, 310_400_000, 1_240_000_000)] == ["0 MB", "310 MB", "1.2 GB"]


def test_a_long_stage_is_told_in_a_file_as_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("graphdet.progress.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    progress = progress_for(stream)
    with progress.stage("write", 1000):
        for _ in range(10):
            clock[0] += 3
            progress.advance(100)
    with progress.stage("read"):
        for _ in range(4):
            clock[0] += 6
            progress.advance(50)
    lines = [line for line in stream.getvalue().splitlines() if "after" in line]
    assert lines == [
        "graphdet: write: 400 of 1,000 after 12 s, about 18 s left",
        "graphdet: write: 800 of 1,000 after 24 s, about 6 s left",
        "graphdet: read: 100 after 12 s",
        "graphdet: read: 200 after 24 s",
    ]


TAKERS = """
import ctypes, sys, threading
from graphdet.progress import share_heaps
if "shared" in sys.argv:
    share_heaps()
libc = ctypes.CDLL(None)
together = threading.Barrier(12)
def take():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="glibc tells of its heaps")
def test_threads_of_a_process_that_lasts_share_two_heaps(tmp_path: Path) -> None:
    heaps = {}
    for how in ("shared", "apart"):
        file = tmp_path / how
        subprocess.run([sys.executable, "-c", TAKERS, str(file), how], check=True, timeout=60)
        heaps[how] = file.read_text().count("<heap nr=")
    assert heaps["shared"] <= 2 < heaps["apart"]
