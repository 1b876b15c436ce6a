"""Commands killed at any moment: what they write is whole or absent, and after the next one nothing of theirs lies about."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dossier_runs import LoggedRun, market_run
from fuzzing import INPUTS, inputs, tallied

from graphdet.learning.applying import load_for_run
from graphdet.run.folder import Run
from graphdet.settings import Settings, load_settings

KILLS = min(INPUTS, 200) or 3
LONGEST = 600.0  # seconds that a command may take


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    logged = market_run(tmp_path_factory.mktemp("kills") / "log", seed=1, events=12_000)
    log = logged.folder / "events.csv.gz"
    logged.log.to_csv(log, index=False)
    users = sorted(set(logged.log["user_id"]))  # any labels will do: it is not judged what is learned
    pd.DataFrame({"user_id": users, "label": [place % 2 for place in range(len(users))]}).to_csv(logged.folder / "labels.csv", index=False)
    return logged


def commands(logged: LoggedRun, out: Path) -> dict[str, list[str]]:
    """What is killed, and where it writes: `out`, a folder or a file."""
    log, run = str(logged.folder / "events.csv.gz"), str(logged.folder / "run")
    return {
        "run": ["run", log, "--out", str(out)],
        "train": ["train", log, "--labels", str(logged.folder / "labels.csv"), "--out", str(out)],
        "init": ["init", log, "--out", str(out)],
        "report": ["report", run, "--out", str(out)],
        "export": ["export", run, "1", "--format", "csv", "--out", str(out)],
        "kit": ["kit", run, "--out", str(out)],
        "offline": ["push", run, "--offline", str(out)],
    }


def is_whole(name: str, out: Path) -> bool:
    """What a command wrote says of itself that nothing is missing."""
    if name == "run":
        run = Run.load(out)
        return all(run.tables[table].num_rows >= 0 for table in run.tables)
    if name == "train":
        return bool(load_for_run(out, Settings()))
    if name == "init":
        return out.read_text(encoding="utf-8").endswith("\n") and load_settings(out) is not None
    if name == "report":
        return out.read_text(encoding="utf-8").rstrip().endswith("</html>")
    files = {path.name for path in out.iterdir()}
    if name == "offline":
        return all(
            Path(line.strip('"').split("=")[-1]).is_file() for line in (out / "import.args").read_text().splitlines() if "=/" in line
        )
    return {"members.csv", "events.csv", "ring.csv"} <= files if name == "export" else {"graphdet-kit", "guide.html", "links.html"} <= files


def start(arguments: list[str], temporary: Path) -> subprocess.Popen[bytes]:
    code = "from graphdet.cli import main; main()"
    environment = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def test_what_is_killed_leaves_the_whole_or_nothing(logged: LoggedRun, tmp_path: Path) -> None:
    temporary, place = tmp_path / "temporary", tmp_path / "place"
    temporary.mkdir()
    place.mkdir()
    names = list(commands(logged, place / "out"))
    took = {}
    for name in names if INPUTS else ["kit"]:
        began = time.monotonic()
        assert start(commands(logged, place / "out")[name], temporary).wait(LONGEST) == 0, name
        took[name] = time.monotonic() - began
        assert is_whole(name, place / "out")
        remove(place / "out")

    def draw(chance: random.Random) -> dict[str, Any]:
        return {
            "command": chance.choice(sorted(took)),
            "after": chance.random(),
            "signal": chance.choice(["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"]),
        }

    failures = []
    with tallied("commands that were killed") as tally:
        for one in list(inputs("kills", draw, few=KILLS))[:KILLS]:
            tally["tried"] += 1
            process = start(commands(logged, place / "out")[one["command"]], temporary)
            time.sleep(one["after"] * took[one["command"]] * 1.05)
            process.send_signal(getattr(signal, one["signal"]))
            process.wait(LONGEST)
            there = (place / "out").exists()
            if there and not is_whole(one["command"], place / "out"):
                tally["failed"] += 1
                failures.append(json.dumps(one))
            else:
                tally["taken" if there else "refused"] += 1
            remove(place / "out")
    for name in took:  # the next of each writes its own, and clears what is left
        remove(place / "out")
        assert start(commands(logged, place / "out")[name], temporary).wait(LONGEST) == 0, name
    assert not failures, failures
    assert [path.name for path in place.iterdir()] == ["out"]
    assert not list(temporary.iterdir())
    assert tally["tried"] == tally["taken"] + tally["refused"]


def remove(out: Path) -> None:
    """What was written, a folder or a file; what lies beside it stays."""
    if out.is_dir():
        shutil.rmtree(out)
    out.unlink(missing_ok=True)
