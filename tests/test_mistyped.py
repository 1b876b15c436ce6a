"""What is typed wrongly is told in one line of our words, and lists of commands cut no sentence."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from commands import Command, one_line

from graphdet.cli.case_commands import cases
from graphdet.cli.program import app
from graphdet.run.folder import Run


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (
            "decide 1 confirm",
            "decide: VERDICT 'confirm' must be confirmed, innocent or unsure; did you mean 'confirmed'? `graphdet help decide` ",
        ),
        (
            "cases decide C-1 xy",
            "cases decide: VERDICT 'xy' must be confirmed, innocent or unsure. `graphdet help cases decide` tells more.",
        ),
        ("run log --sample x --out o", "run: --sample 'x' must be a number. "),
        ("run log --sample 50 --out o", "sample = 50.0: must be at most 1. "),
        ("run log --seed 1.5 --out o", "run: --seed '1.5' must be a whole number. "),
        ("run log --threads -1 --out o", "run: --threads '-1' must be at least 0. "),
        ("run log", "run: --out is missing; name the run folder to write, such as --out out/first, or give --dry-run to write none."),
        ("run log --ot o", "run: there is no option --ot; did you mean '--out'? "),
        ("rings", "rings: RUN is missing. "),
        ("rings o --tier alerts", "--tier 'alerts' must be alert, review or explained; did you mean 'alert'? "),
        ("rins o", "no such command 'rins'. Did you mean 'rings', 'train'? `graphdet help` tells more."),
        ("cases discount ip=1 --until soon --reason x", "cases discount: --until 'soon' must be a date such as 2025-03-01. "),
        ("bursts o 0", "bursts: [N] '0' must be at least 1. "),
        ("rings o \x1b[2J", "rings: got unexpected extra argument"),
    ],
)
def test_what_is_typed_wrongly_is_told_in_our_words(graphdet_command: Command, typed: str, says: str) -> None:
    line = one_line(graphdet_command(*typed.split(" ")), 2)
    assert says in line
    assert not re.search(r"Value error|Input should|valid |\x1b", line)


@pytest.mark.parametrize("typed", [(), ("cases",), ("db",), ("alerts",), ("account",)])
def test_no_list_of_commands_cuts_a_sentence(graphdet_command: Command, typed: tuple[str, ...]) -> None:
    bare = graphdet_command(*typed)
    asked = graphdet_command(*typed, "--help")
    assert (bare.code, bare.out, asked.code) == (2, "", 0)
    assert bare.err.strip() == asked.out.strip()
    assert all(len(line) <= 80 for line in asked.out.splitlines())
    assert "..." not in asked.out.replace("[ARGS]...", "")


def test_every_command_of_a_group_is_listed(graphdet_command: Command) -> None:
    shown = graphdet_command("cases", "-h").out.split("Commands:")[1]
    assert re.findall(r"^  ([a-z]+) {2,}[A-Z]", shown, re.MULTILINE) == [
        one.name or one.callback.__name__ for one in cases.registered_commands if one.callback
    ]
    assert app.registered_groups


def test_who_does_not_say_yes_is_told_that_nothing_was_done(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.confirm", lambda *_, **__: _no())
    outcome = graphdet_command("db", "wipe", "--data", tmp_path)
    assert outcome == (2, "", "graphdet: this was not answered with yes; nothing was done.\n")
    assert tmp_path.is_dir()


def _no() -> bool:
    import typer

    raise typer.Abort


def test_a_run_without_a_ring_says_what_one_would_do_next(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text("user_id,item_id,timestamp\nann,soap,2025-03-01 10:00:00\nbob,soap,2025-03-02 11:00:00\n", encoding="utf-8")
    shown = graphdet_command("run", "log.csv", "--out", "out").out
    assert Run.load(Path("out")).rings.num_rows == 0
    assert shown.endswith("Run folder: out\n  graphdet check LOGS  what this log lacks, and what that costs\n")


def test_a_dry_run_needs_no_folder(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text("user_id,item_id,timestamp\nann,soap,2025-03-01 10:00:00\n", encoding="utf-8")
    outcome = graphdet_command("run", "log.csv", "--dry-run")
    assert (outcome.code, outcome.out) == (0, graphdet_command("check", "log.csv").out)
    assert "nothing was written; without --dry-run the run would be in the folder that --out names" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_nothing_is_kept_from_being_cleared_once_duckdb_was_used(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells on stderr of all that is alive at the end, where the kernels were built by another compiler than its own."""
    kept: list[str] = []
    monkeypatch.setattr("graphdet.cli.gc.freeze", lambda: kept.append("all"))
    (tmp_path / "log.csv").write_text("user_id,item_id\nann,soap\n", encoding="utf-8")
    assert graphdet_command("check", tmp_path / "log.csv").code == 0
    assert kept == []
    monkeypatch.delitem(sys.modules, "duckdb")
    assert graphdet_command("--version").code == 0
    assert kept == ["all"]
