"""The commands: what they print and where, how they fail, and that a killed run leaves nothing half-written."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pandas as pd
import pyarrow.parquet as pq
import pytest
import typer
from commands import PROGRAM, Command, Outcome, one_line
from rich.cells import cell_len
from rich.console import Console

import graphdet.cli.markets
import graphdet.cli.shared
from graphdet import settings
from graphdet.cli.program import app
from graphdet.errors import RunError
from graphdet.printable import as_json
from graphdet.run.folder import Run
from graphdet.run.saving import GrowingTables
from graphdet.schema import TIERS
from graphdet.settings import Settings, load_settings
from graphdet.simulate import preset, simulate, write_market
from graphdet.simulate.knobs import PresetName
from graphdet.terminal import clean, show_end, show_ring

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small market; its log is events.csv."""
    folder = tmp_path_factory.mktemp("market") / "market"
    write_market(simulate(preset("demo", users=1500, events=15_000), 3), folder, "csv")
    return folder


@pytest.fixture(scope="session")
def market_run(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the small market, made by the command itself."""
    folder = tmp_path_factory.mktemp("run") / "run"
    subprocess.run([*PROGRAM, "run", str(market / "events.csv"), "--out", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def saved(small_run: Run, tmp_path: Path) -> Path:
    small_run.save(tmp_path / "run")
    return tmp_path / "run"


def test_words_of_the_command_line_are_those_of_the_library() -> None:
    assert tuple(tier.value for tier in graphdet.cli.shared.Tier) == TIERS
    assert {preset.value for preset in graphdet.cli.markets.Preset} == set(get_args(PresetName))


def test_bounds_of_the_command_line_are_those_of_the_settings() -> None:
    shared = graphdet.cli.shared
    assert (shared.MOST_THREADS, shared.HIGHEST_SEED) == (settings.MOST_THREADS, settings.HIGHEST_SEED)


def test_version(graphdet_command: Command) -> None:
    assert graphdet_command("--version") == Outcome(0, graphdet.__version__ + "\n", "")


def test_settings_prints_a_file_that_loads(graphdet_command: Command, tmp_path: Path) -> None:
    (tmp_path / "all.toml").write_text(graphdet_command("settings").out, encoding="utf-8")
    assert load_settings(tmp_path / "all.toml") == Settings()


# Looking into a run


def test_rings_are_listed_worst_first(graphdet_command: Command, saved: Path) -> None:
    lines = graphdet_command("rings", saved).out.splitlines()
    assert [line.split()[1] for line in lines] == ["ring", "ring-1a2b", "ring-1a7c", "ring-9f00"]
    assert re.split(r"\s{2,}", lines[1].strip()) == [
        "1",
        "ring-1a2b",
        "alert",
        "0.990",
        "1/100",
        "3",
        "2",
        "1",
        "2024-03-01 00:00",  # no column of addresses, since no ring has any
        "5 h",
    ]
    assert lines[3].rstrip().endswith("fan club")


def test_rings_can_be_chosen(graphdet_command: Command, saved: Path, small_run: Run) -> None:
    def ids(*options: object) -> list[str]:
        return [ring["ring_id"] for ring in json.loads(graphdet_command("rings", saved, "--json", *options).out)]

    assert ids() == ["ring-1a2b", "ring-1a7c", "ring-9f00"]
    assert ids("--tier", "review", "--tier", "explained") == ["ring-1a7c", "ring-9f00"]
    assert ids("--top", 2) == ["ring-1a2b", "ring-1a7c"]
    assert ids("--tier", "review", "--top", 5) == ["ring-1a7c"]
    first = json.loads(graphdet_command("rings", saved, "--json").out)[0]
    assert first["first_seen"] == "2024-03-01T00:00:00+00:00"
    assert set(first) == set(small_run.rings.column_names)
    assert "… 2 of 3 rings" in graphdet_command("rings", saved, "--top", 2).out
    assert graphdet_command("rings", saved, "--tier", "guilty").code == 2


def test_show_gives_members_targets_and_evidence_against_expectation(graphdet_command: Command, saved: Path) -> None:
    shown = graphdet_command("show", saved, "1").out
    assert shown == graphdet_command("show", saved, "ring-1a2b").out
    assert "3 users acted together on 2 items and share 1 device, from 2024-03-01 00:00 to 2024-03-01 05:00 UTC (5 h)" in shown
    assert "Members (3)" in shown
    assert "Targets (2)" in shown
    assert "Shared devices (1)" in shown
    assert re.search(r"item +2 +2 +0\.0002 +8\.0", shown)  # two keys, two meetings, where chance gives 0.0002
    assert "Innocent explanations were not looked at" in shown  # as it holds nothing that they are weighed by
    assert "Explained by: fan club" in graphdet_command("show", saved, "3").out
    document = json.loads(graphdet_command("show", saved, "1", "--json").out)
    assert len(document["members"]) == 6
    assert len(document["evidence"]) == 2


def test_json_writes_null_for_what_is_no_number() -> None:
    assert json.loads(as_json({"a": [float("nan"), float("inf"), 1.5, None]})) == {"a": [None, None, 1.5, None]}


@pytest.mark.parametrize("width", [80, 100, 140])
def test_ids_cannot_deface_the_screen(small_run: Run, width: int) -> None:
    console = Console(width=width, markup=False, emoji=False, highlight=False, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    show_end(console, small_run, Path("out/\x1b[2Jevil"))
    for ring in ("1", "2", "3"):
        show_ring(console, small_run, small_run.ring(ring), everything=True)
    console.file.close()
    text = console.export_text()
    assert all(line.isprintable() and cell_len(line) <= width for line in text.split("\n"))
    assert "[red]ann" in text  # as it is in the log, not as a colour
    assert "bob\\x1b[31m" in text
    assert "\\u202eeve" in text
    assert "x" * 40 not in text


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("plain", 10, "plain"),
        ("a" * 20, 8, "aaaaaaa…"),
        ("tab\tnew\nline", None, "tab\\tnew\\nline"),
        ("\x00\x9b\u2028\u200b\ud800", None, "\\x00\\x9b\\u2028\\u200b\\ud800"),
        ("漢字漢字漢字", 7, "漢字漢…"),
        ("\x1b" * 10, 10, "\\x1b\\x1b\\…"),
        ("Ünïcode 漢字", None, "Ünïcode 漢字"),
    ],
)
def test_clean(text: str, width: int | None, expected: str) -> None:
    assert clean(text, width) == expected


# Failing


def test_what_the_user_can_mend_is_one_line_and_2(graphdet_command: Command, saved: Path, tmp_path: Path) -> None:
    assert "no such run folder" in one_line(graphdet_command("rings", tmp_path / "nowhere"), 2)
    assert "did you mean 'ring-9f00'" in one_line(graphdet_command("show", saved, "ring-9f01"), 2)
    assert "no readable truth table" in one_line(graphdet_command("evaluate", saved, tmp_path), 2)
    (tmp_path / "log.csv").write_text("user_id,item_id\na,b\n")
    assert "holds a run already" in one_line(graphdet_command("run", tmp_path / "log.csv", "--out", saved), 2)
    (tmp_path / "bad.toml").write_text("[log]\ntimezon = 'UTC'\n")
    run = ("run", tmp_path / "log.csv", "--out", tmp_path / "new", "--settings", tmp_path / "bad.toml")
    assert "did you mean 'timezone'" in one_line(graphdet_command(*run), 2)
    assert "nowhere.csv" in one_line(graphdet_command("run", tmp_path / "nowhere.csv", "--out", tmp_path / "new"), 2)
    assert "holds a run already" in one_line(graphdet_command("demo", "--out", saved), 2)
    assert not (tmp_path / "new").exists()


def test_a_fault_of_graphdet_is_one_line_unless_debugged(graphdet_command: Command, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> Run:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(Run, "load", fail)
    assert "unexpected ZeroDivisionError: by\\nzero" in one_line(graphdet_command("rings", saved), 1)
    with pytest.raises(ZeroDivisionError):
        graphdet_command("rings", saved, "--debug")


def test_ctrl_c_ends_with_130(graphdet_command: Command, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: Path) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "load", stopped)
    assert "stopped" in one_line(graphdet_command("rings", saved), 130)


def test_a_closed_pipe_is_no_fault(saved: Path) -> None:
    done = subprocess.run(f"{shlex.join(PROGRAM)} rings {saved} | true", shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr


# Running


def test_run_says_what_it_did_and_leaves_a_run(graphdet_command: Command, market: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    outcome = graphdet_command("run", market / "events.csv", "--out", out, "--threads", 1, "--seed", 5)
    assert outcome.code == 0
    run = Run.load(out)
    counts = run.meta["counts"]
    assert run.meta["seed"] == 5
    assert counts["read"] == counts["accepted"] + counts["rejected"] + counts["duplicates"]
    assert f"Read {counts['read']:,} rows = {counts['accepted']:,} accepted + " in outcome.out
    assert f"Run folder: {out}" in outcome.out
    assert f"graphdet show {out} 1" in outcome.out
    assert all(line.startswith("graphdet: ") for line in outcome.err.splitlines())
    assert {line.split(": ")[1] for line in outcome.err.splitlines()} >= {"read logs"}


def test_run_for_machines_puts_one_document_on_stdout(graphdet_command: Command, market: Path, market_run: Path, tmp_path: Path) -> None:
    document = json.loads(graphdet_command("run", market / "events.csv", "--out", tmp_path / "run", "--json").out)
    assert document["folder"] == str(tmp_path / "run")
    assert document["id"] == Run.load(market_run).id
    assert [ring["ring_id"] for ring in document["rings"]] == Run.load(market_run).rings["ring_id"].to_pylist()


def test_the_same_log_gives_the_same_bytes_for_any_number_of_threads(
    graphdet_command: Command, market: Path, market_run: Path, tmp_path: Path
) -> None:
    graphdet_command("run", market / "events.csv", "--out", tmp_path / "run", "--threads", 1)
    for path in sorted(market_run.iterdir()):
        if path.suffix == ".parquet":
            assert path.read_bytes() == (tmp_path / "run" / path.name).read_bytes(), path.name
    metas = [json.loads((folder / "run.json").read_text()) for folder in (market_run, tmp_path / "run")]
    for meta in metas:
        del meta["cost"]
    assert metas[0] == metas[1]


def test_evaluate_compares_with_the_truth(graphdet_command: Command, market: Path, market_run: Path) -> None:
    figures = json.loads(graphdet_command("evaluate", market_run, market, "--json").out)
    assert figures["members"] > 0
    shown = graphdet_command("evaluate", market_run, market).out
    assert "member precision" in shown
    assert f"{figures['members']:,} members" in shown


def test_check_says_what_the_log_holds_and_lacks(graphdet_command: Command, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp\nann,soap,2024-03-01\nbob,soap,yesterday\nbob,tea,2024-03-02\nbob,tea,2024-03-02\n")
    shown = graphdet_command("check", log)
    assert shown.code == 0
    assert re.search(r" csv +4 +2 +1 +1\n", shown.out)
    assert "yesterday" in shown.out
    assert "device" in shown.out
    document = json.loads(graphdet_command("check", log, "--json").out)
    assert document["read"] == 4
    assert document["accepted"] == document["read"] - document["rejected"] - document["duplicates"] == 2


NO_BAR = """
import sys
from collections.abc import Iterator
from pathlib import Path
from graphdet.events.reading import connect
from graphdet.settings import MachineSettings
print(connect(MachineSettings(), Path(sys.argv[1])).execute("SELECT current_setting('enable_progress_bar')").fetchall())
"""


def test_the_reader_draws_no_bar_of_its_own(tmp_path: Path) -> None:
    """DuckDB draws one on stdout where it takes the process for an interactive one, as it does any without a main file."""
    done = subprocess.run([sys.executable, "-c", NO_BAR, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[(False,)]\n"


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """A run in the background of a script is deaf to Ctrl-C, and so is what it starts; not so the program that is tried here."""
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    return subprocess.Popen([*PROGRAM[:-1], heard + PROGRAM[-1], *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_in_the_midst_leaves_nothing(market: Path, tmp_path: Path) -> None:
    for attempt in range(5):
        out = tmp_path / str(attempt) / "run"
        with start(["run", str(market / "events.csv"), "--out", str(out)]) as process:
            assert process.stderr is not None
            process.stderr.readline()  # that the log has been read
            process.send_signal(signal.SIGINT)
            printed, complaint = process.communicate(timeout=60)
        if not out.exists():  # else it was done before the signal came, and must be whole
            break
        assert Run.load(out).id
    assert process.returncode == 130
    assert printed == ""
    assert "Traceback" not in complaint
    assert not out.parent.exists() or list(out.parent.iterdir()) == []


def test_a_run_killed_at_any_moment_leaves_a_whole_folder_or_none(graphdet_command: Command, market: Path, tmp_path: Path) -> None:
    """Where the kill lands is drawn over the whole of a run; the moments around the saving are test_run's."""
    (tmp_path / "quick.toml").write_text("[rings]\npermutations = 1\n")
    out = tmp_path / "place" / "run"
    arguments = ["run", str(market / "events.csv"), "--out", str(out), "--settings", str(tmp_path / "quick.toml")]
    began = time.perf_counter()
    subprocess.run([*PROGRAM, *arguments], check=True, capture_output=True)
    whole = time.perf_counter() - began
    expected = Run.load(out).id
    moments = random.Random(7)  # noqa: S311
    for _ in range(3):
        if out.exists():
            assert Run.load(out).id == expected
            assert "holds a run already" in one_line(graphdet_command(*arguments), 2)
            for path in out.iterdir():
                path.unlink()
            out.rmdir()
        with start(arguments) as process:
            time.sleep(moments.uniform(0.3, 1.05) * whole)
            process.kill()
    if not out.exists():
        assert graphdet_command(*arguments).code == 0
    assert Run.load(out).id == expected
    assert [path.name for path in out.parent.iterdir()] == ["run"]


# Documents


def write_labels(market: Path, file: Path) -> None:
    """What an analyst knows of every user of the log, as `graphdet train` reads it."""
    members = pq.read_table(market / "truth" / "members.parquet").to_pandas()
    fraud = set(members["node_id"][members["node_type"] == "user"])
    users = pd.read_csv(market / "events.csv", usecols=["user_id"])["user_id"].drop_duplicates().sort_values()
    pd.DataFrame({"user_id": users, "label": users.isin(fraud).astype(int)}).to_csv(file, index=False)


def test_the_readme_is_run(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `graphdet …` line and every Python block of the README, in order, in a folder that holds what it speaks of.

    Those that need a Neo4j server are run by test_kit.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    write_market(simulate(preset("demo"), 3), tmp_path / "made", "csv")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "events.csv").symlink_to(tmp_path / "made" / "events.csv")
    (tmp_path / "logs" / "one.csv").write_text("user_id,item_id,timestamp\nu123,i1,2025-03-01 10:00:00\n")
    names = {"user_id": "buyer", "item_id": "sku", "timestamp": "created"}
    (tmp_path / "shop").mkdir()
    pd.read_csv(tmp_path / "made" / "events.csv", dtype=str).rename(columns=names | {"ip": "client_ip"}).to_csv(
        tmp_path / "shop" / "orders.csv", index=False
    )
    write_labels(tmp_path / "made", tmp_path / "labels.csv")
    settings = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "mine.toml").write_text(settings[0], encoding="utf-8")
    ran = 0
    for language, block in re.findall(r"```(sh|python)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(compile(block, "README.md", "exec"), {})  # noqa: S102
            continue
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "graphdet" and words[1] not in ("db", "push", "kit"):
                target = words.index(">") if ">" in words else len(words)
                outcome = graphdet_command(*words[1:target])
                assert outcome.code == 0, f"{line}: {outcome.err}"
                ran += 1
    assert ran >= 8
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"monday", "tuesday", "wednesday"}


def leaves(command: click.Command, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, (*above, name)) if hasattr(inner, "commands") else ((*above, name),)


def test_every_command_and_option_in_the_documents_exists(graphdet_command: Command) -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    )
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    commands = set(re.findall(r"^graphdet ([a-z]+)", blocks, re.MULTILINE)) | set(re.findall(r"`graphdet ([a-z]+)", text))
    assert {"run", "check", "rings", "show", "demo", "simulate", "evaluate", "settings"} <= commands
    helped = graphdet_command("--help").out
    for command in commands - {"help"}:  # a word of the program, which lists it in its last line
        assert re.search(rf"^  {command} ", helped, re.MULTILINE), command
    options = "".join(graphdet_command(*command, "--help").out for command in leaves(typer.main.get_command(app))) + helped
    for option in set(re.findall(r"`(--[a-z-]+)", text)):
        assert option in options, option


def test_the_demo_ends_with_its_rings_and_its_folder_as_the_readme_shows(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("graphdet.pipeline.lacks", lambda extra: "torch" if extra == "learn" else "")  # as `make demo` installs
    outcome = graphdet_command("demo", "--out", "demo")
    assert outcome.code == 0
    run = Run.load(tmp_path / "demo" / "run")
    assert run.rings["tier"].to_pylist().count("alert") >= 2
    assert str(run.rings["ring_id"][0]) in outcome.out
    assert "Run folder: demo/run\n" in outcome.out
    assert pq.read_table(tmp_path / "demo" / "market" / "truth" / "rings.parquet").num_rows > 0
    shown = re.findall(r"```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    lines = [[line.rstrip() for line in text.strip().splitlines()] for text in (shown, outcome.out)]
    assert lines[0] == lines[1], "put the end of `make demo` into README.md"
    long = {rank: len(graphdet_command("show", "demo/run", rank).out.splitlines()) for rank in range(1, 9)}
    assert max(long.values()) < 90, long


def test_save_errors_reach_the_user_in_one_line(
    graphdet_command: Command, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: GrowingTables, name: str) -> None:
        raise RunError(f"{name}: the run cannot be written (No space left on device); choose another --out.")

    monkeypatch.setattr(GrowingTables, "_write", full)
    outcome = graphdet_command("run", market / "events.csv", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert outcome.out == ""
    assert "No space left" in outcome.err.splitlines()[-1]
    assert not (tmp_path / "run").exists()
