"""`graphdet day` killed at any moment: the same day given again ends as one that was never killed, and nothing is told twice or lost."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pytest
from fuzzing import INPUTS, inputs, tallied
from test_random_kills import LONGEST, start

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import Case
from graphdet.run.folder import Run
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table

KILLS = min(INPUTS, 30) or 1
QUICK = "[gnn]\nleast_rings = 0\n\n[rings]\npermutations = 2\n"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The two halves of a made market's log."""
    folder = tmp_path_factory.mktemp("days")
    table = log_table(simulate(preset("demo", users=600, events=6_000), seed=11)).sort_by("timestamp")
    half = table.num_rows * 3 // 4
    for name, part in (("monday", table.slice(0, half)), ("tuesday", table.slice(half))):
        pa_csv.write_csv(part, folder / f"{name}.csv")
    return [folder / "monday.csv", folder / "tuesday.csv"]


def state(home: Path) -> tuple[list[dict[str, Any]], list[str], int]:
    """Cases but for when they were written down, the rings of the last run, and files that lie about."""
    with Casebook(home, "ana") as book:
        assert book.verify().faults == ()
        cases = [_timeless(case) for case in book.cases()]
        runs = book.runs()
    rings = Run.load(home / runs[-1].folder).rings["ring_id"].to_pylist()
    return cases, rings, len([path for path in home.rglob("*") if "partial" in path.name or ".graphdet" in path.name])


def _timeless(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in ("name", "ring_id", "tier", "size", "state", "lineage", "verdict", "at_stake", "hidden")}


def test_a_day_after_any_death_ends_as_one_that_nobody_killed(logs: list[Path], tmp_path: Path) -> None:
    temporary, monday, clean = tmp_path / "temporary", tmp_path / "monday", tmp_path / "clean"
    temporary.mkdir()
    monday.mkdir()
    (monday / "graphdet.toml").write_text(QUICK, encoding="utf-8")
    assert start(["day", str(logs[0]), "--home", str(monday)], temporary).wait(LONGEST) in (0, 3)
    shutil.copytree(monday, clean)
    began = time.monotonic()
    assert start(["day", str(logs[1]), "--home", str(clean)], temporary).wait(LONGEST) in (0, 3)
    took, wanted = time.monotonic() - began, state(clean)

    def draw(chance: random.Random) -> dict[str, Any]:
        return {"after": chance.random(), "signal": chance.choice(["kill", "kill", "terminate"])}

    with tallied("days that were killed") as tally:
        for one in list(inputs("day_kills", draw, few=KILLS))[:KILLS]:
            tally["tried"] += 1
            home = tmp_path / "home"
            shutil.copytree(monday, home)
            process = start(["day", str(logs[1]), "--home", str(home)], temporary)
            try:
                process.wait(took * one["after"] * 1.05)
            except subprocess.TimeoutExpired:
                getattr(process, one["signal"])()
            killed = process.wait(LONGEST) not in (0, 3)
            assert start(["day", str(logs[1]), "--home", str(home)], temporary).wait(LONGEST) in (0, 3), one
            tally["refused" if killed else "taken"] += 1
            assert state(home) == wanted, json.dumps(one)
            shutil.rmtree(home)
    assert not list(temporary.iterdir())
