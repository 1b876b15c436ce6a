"""Run folders that somebody changed: every command takes what stands there as data, or refuses it in one line."""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path

import pytest
from dossier_runs import QUICK, LoggedRun, market_run
from fuzzing import command, inputs, outcome, tallied
from tampering import apply_edit, draw_edit

from graphdet.export import WRITERS
from graphdet.settings import GnnSettings

FEW = QUICK.model_copy(update={"gnn": GnnSettings(embeddings=200)})  # thousands take longer to read and to write than all else together


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    return market_run(tmp_path_factory.mktemp("fuzz") / "log", seed=1, events=12_000, settings=FEW)


def commands(folder: Path, market: Path, out: Path) -> list[list[str]]:
    """All that read a run folder."""
    run = str(folder)
    looks = [["rings", run], ["rings", run, "--json"], ["rings", run, "--sort", "first", "--min-amount", "1"]]
    looks += [["show", run, "1", *more] for more in ([], ["--json"], ["--events", "--lang", "zh"], ["--all"], ["--cypher"])]
    looks += [["export", run, "1", "--format", form, "--out", str(out / f"ring.{form}")] for form in WRITERS]
    looks += [["report", run, "--out", str(out / "report.html")], ["similar", run, "1"], ["evaluate", run, str(market)]]
    looks += [["kit", run, "--out", str(out / "kit")]]
    return looks + [["push", run, "--scope", scope, "--offline", str(out / scope)] for scope in ("rings", "graph")]


def test_no_change_to_a_run_folder_ends_in_anything_but_one_clear_line(logged: LoggedRun, tmp_path: Path) -> None:
    whole, market = logged.folder / "run", logged.folder
    folder, out = tmp_path / "run", tmp_path / "out"
    numbers = itertools.count()

    def draw(chance: random.Random) -> dict[str, object]:
        return {"edits": [draw_edit(chance, whole) for _ in range(chance.choice((1, 1, 1, 2)))], "command": next(numbers)}

    failures = []
    with tallied("run folders") as tally:
        for one in inputs("run_folders", draw, few=25):
            for old in (folder, out):
                shutil.rmtree(old, ignore_errors=True)
            shutil.copytree(whole, folder)
            out.mkdir()
            for edit in one["edits"]:
                try:
                    apply_edit(edit, folder)
                except (OSError, KeyError, IndexError, TypeError, ValueError, RecursionError):
                    continue  # the edit before it took away what this one changes
            every = commands(folder, market, out)
            arguments = every[one["command"] % len(every)]
            told = outcome(lambda arguments=arguments: command(arguments), tally, {**one, "is": arguments[:1]})  # type: ignore[misc]
            failures += [told] if told else []
            assert {path.name for path in tmp_path.iterdir()} == {"run", "out"}, one
    assert not failures, "\n".join(failures)
    assert tally["tried"] == tally["taken"] + tally["refused"]
    assert min(tally["taken"], tally["refused"]) > 4
