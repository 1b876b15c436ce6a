"""The kernels under sanitizers: no read or write out of bounds, no undefined step, no race, on a whole detection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphdet.simulate.zoo import make_shop, write_shop

ROOT = Path(__file__).parent.parent


def library(name: str) -> str | None:
    """Where the compiler keeps a library, if it has it."""
    if shutil.which("g++") is None or shutil.which("cmake") is None:
        return None
    path = subprocess.run(["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
    return path if Path(path).is_absolute() else None


@pytest.mark.slow
@pytest.mark.skipif(library("libasan.so") is None, reason="needs g++ with its sanitizers, and CMake")
def test_a_detection_under_sanitizers_is_clean(tmp_path: Path) -> None:
    configure = ["cmake", "-S", str(ROOT), "-B", str(tmp_path / "build"), f"-DPython_EXECUTABLE={sys.executable}"]
    subprocess.run([*configure, "-DCMAKE_CXX_COMPILER=g++", "-DGRAPHDET_SANITIZE=address,undefined"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "build"), "--parallel"], check=True, capture_output=True)
    write_shop(make_shop("flooded", 5, 1500), tmp_path / "shop")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": " ".join(filter(None, (library("libasan.so"), library("libstdc++.so")))),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python frees little at its end
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    kernels = next((tmp_path / "build").glob("_kernels*.so"))
    command = [sys.executable, str(Path(__file__).with_name("sanitized.py")), str(kernels), str(tmp_path / "shop" / "events.parquet")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.split()[0]) > 0
