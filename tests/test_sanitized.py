"""The kernels under sanitizers: no read or write out of bounds, no undefined step, no race, on a whole detection."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphdet.simulate.zoo import make_shop, write_shop

ROOT = Path(__file__).parent.parent
DRAWN, SEED = int(os.environ.get("GRAPHDET_FUZZ", "0")), os.environ.get("GRAPHDET_FUZZ_SEED", "0")
LOGS, CALLS = min(DRAWN, 1000) or 60, DRAWN or 600  # a log takes as long as a hundred calls


def library(name: str) -> str | None:
    """Where the compiler keeps a library, if it has it."""
    if shutil.which("g++") is None or shutil.which("cmake") is None:
        return None
    path = subprocess.run(["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
    return path if Path(path).is_absolute() else None


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled module of a checking build."""
    return built(tmp_path_factory.mktemp("sanitized") / "build", "address,undefined", "libasan.so")


def built(build: Path, sanitizers: str, needed: str) -> Path:
    if library(needed) is None:
        pytest.skip("needs g++ with its sanitizers, and CMake")
    configure = ["cmake", "-S", str(ROOT), "-B", str(build), f"-DPython_EXECUTABLE={sys.executable}"]
    subprocess.run([*configure, "-DCMAKE_CXX_COMPILER=g++", f"-DGRAPHDET_SANITIZE={sanitizers}"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(build), "--parallel"], check=True, capture_output=True)
    return next(build.glob("_kernels*.so"))


def checked(kernels: Path, *arguments: object) -> str:
    """What the program of tests/sanitized.py prints, with that module."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": " ".join(filter(None, (library("libasan.so"), library("libstdc++.so")))),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python frees little at its end
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    command = [sys.executable, str(Path(__file__).with_name("sanitized.py")), str(kernels), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.mark.slow
def test_a_detection_under_sanitizers_is_clean(kernels: Path, tmp_path: Path) -> None:
    write_shop(make_shop("flooded", 5, 1500), tmp_path / "shop")
    assert int(checked(kernels, tmp_path / "shop" / "events.parquet").split()[0]) > 0


@pytest.mark.slow
def test_tiny_logs_at_all_edges_are_clean_under_sanitizers(kernels: Path) -> None:
    checked(kernels, LOGS, SEED)
    tell("kernels under sanitizers, by tiny logs", LOGS, LOGS, 0)


@pytest.mark.slow
def test_kernels_whose_arguments_are_changed_do_their_work_or_refuse_it(kernels: Path) -> None:
    """`make soak` draws 10,000; what came of them stands in docs/reliability.md."""
    told = checked(kernels, "calls", CALLS, SEED).split()
    numbers = [int(word) for word in told if word.isdigit()]
    found, done, refused = numbers
    assert found > 30
    assert done + refused == CALLS
    assert min(done, refused) > CALLS / 10
    tell("kernels under sanitizers, by changed calls", CALLS, done, refused)


def tell(kind: str, tried: int, taken: int, refused: int) -> None:
    """A soak's are written down, for docs/reliability.md."""
    if tally := os.environ.get("GRAPHDET_FUZZ_TALLY"):
        with Path(tally).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "tried": tried, "taken": taken, "refused": refused}) + "\n")


@pytest.mark.slow
@pytest.mark.skipif(not DRAWN, reason="in a soak: a build of its own, and a detection many times slower")
def test_threads_of_the_kernels_do_not_race(tmp_path: Path) -> None:
    """What libraries report of themselves is theirs; no report may name our module."""
    kernels = built(tmp_path / "build", "thread", "libtsan.so")
    write_shop(make_shop("flooded", 5, 1500), tmp_path / "shop")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LD_PRELOAD": library("libtsan.so") or "", "TSAN_OPTIONS": "exitcode=0"}
    command = [sys.executable, str(Path(__file__).with_name("sanitized.py")), str(kernels), str(tmp_path / "shop" / "events.parquet")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.split()[0]) > 0
    races = [report for report in done.stderr.split("==================") if "WARNING" in report and "_kernels" in report]
    assert not races, races[0][:4000]
