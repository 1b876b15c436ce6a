"""Commands with little memory: they end whole, or in one line and with 2, whatever a library is refused; nothing hangs."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fuzzing import ONE_LINE, inputs, tallied

from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.settings import Settings
from graphdet.shortage import LIMITS
from graphdet.simulate import preset, simulate, write_market

MOST = {"RLIMIT_AS": 6_000, "RLIMIT_DATA": 1_500}  # megabytes; above that even training has enough
LONGEST = 300


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory") / "made"
    write_market(simulate(preset("demo", events=12_000), seed=1), folder)
    detect(read_events([folder / "events.parquet"]), Settings.model_validate({"rings": {"permutations": 2}})).save(folder / "run")
    return folder


def commands(made: Path, out: Path) -> dict[str, list[str]]:
    log, run = str(made / "events.parquet"), str(made / "run")
    return {
        "check": ["check", log],
        "run": ["run", log, "--out", str(out)],
        "train": ["train", log, "--out", str(out)],
        "demo": ["demo", "--out", str(out)],
        "show": ["show", run, "1"],
        "report": ["report", run, "--out", str(out)],
        "export": ["export", run, "1", "--format", "xlsx", "--out", str(out)],
        "init": ["init", log, "--out", str(out)],
    }


def draw(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(sorted(LIMITS))
    least = LIMITS[kind][1] >> 20
    return {
        "command": chance.choice(sorted(commands(Path(), Path()))),
        "kind": kind,
        "megabytes": int(least * (MOST[kind] / least) ** chance.uniform(-0.2, 1)),
    }


def test_little_memory_is_one_line(made: Path, tmp_path: Path) -> None:
    failures, out = [], tmp_path / "out"
    with tallied("little memory") as tally:
        for one in inputs("memory", draw, few=3, most=200):
            limit = one["megabytes"] << 20
            process = subprocess.Popen(
                [sys.executable, "-c", "from graphdet.cli import main; main()", *commands(made, out)[one["command"]]],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                preexec_fn=lambda kind=one["kind"], limit=limit: resource.setrlimit(getattr(resource, kind), (limit, limit)),
            )  # fmt: skip
            try:
                _, told = process.communicate(timeout=LONGEST)
                ended = process.returncode
            except subprocess.TimeoutExpired:
                process.kill()
                ended, told = -1, process.communicate()[1]
            tally["tried"] += 1
            last = (told.splitlines() or [""])[-1]
            good = ended == 0 or (ended == 2 and last.startswith("graphdet: ") and ONE_LINE.fullmatch(last) and "Traceback" not in told)
            tally["failed" if not good else "taken" if ended == 0 else "refused"] += 1
            failures += [] if good else [f"{one}: {ended} {told[-600:]}"]
            if ended == 0 and one["command"] in ("run", "demo"):
                assert Run.load(out / "run" if one["command"] == "demo" else out).rings.num_rows >= 0
            elif one["command"] != "demo":
                assert ended == 0 or not out.exists(), one
            assert {path.name for path in tmp_path.iterdir()} <= {"out"}, one
            shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
    assert not failures, "\n".join(failures)
    assert tally["tried"] == tally["taken"] + tally["refused"]
