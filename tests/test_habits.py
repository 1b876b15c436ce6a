"""What people expect of any command: help, versions, quiet, colours, settings found, pipes, and rings by any name."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from commands import PROGRAM, Command, one_line
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import graphdet.cli
from graphdet.cli.program import HEADED, app
from graphdet.errors import UnknownRing
from graphdet.events import read_events
from graphdet.progress import progress_for
from graphdet.run.folder import Run
from graphdet.settings import LogSettings, load_settings
from graphdet.store.decisions import ring_id_of
from graphdet.terminal import console_for
from graphdet.terminal.canvas import print_columns
from graphdet.terminal.screens import show_rings

LOG = "user_id,item_id,timestamp\nann,soap,2025-03-01 10:00:00\nbob,soap,2025-03-02 11:00:00\ncid,tea,2025-03-31 23:30:00\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log in a folder of its own, below the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "log.csv").write_text(LOG)
    return Path("logs/log.csv")


@pytest.fixture
def saved(small_run: Run, tmp_path: Path) -> Path:
    small_run.save(tmp_path / "run")
    return tmp_path / "run"


# Help


def test_every_command_is_listed_once_in_whole_sentences(graphdet_command: Command) -> None:
    shown = graphdet_command("--help").out
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "..." not in shown.split("Find rings:")[1]
    listed = [name for names in HEADED.values() for name in names]
    assert sorted(listed) == sorted({*listed}) == sorted(re.findall(r"^  ([a-z]+) {2,}[A-Z]", shown.split("Find rings:")[1], re.MULTILINE))
    assert len(listed) == len(app.registered_commands) + len(app.registered_groups)
    for sentence in re.split(r"^  [a-z]+ {2,}", shown.split("Find rings:")[1].split("`graphdet help")[0], flags=re.MULTILINE)[1:]:
        assert re.split(r"\n\n", sentence)[0].rstrip().endswith((".", ":"))


@pytest.mark.parametrize("words", [(), ("run",), ("db", "up")])
def test_help_is_a_word(graphdet_command: Command, words: Sequence[str]) -> None:
    assert graphdet_command("help", *words) == graphdet_command(*words, "--help") == graphdet_command(*words, "-h")
    assert graphdet_command("help", *words).out.startswith("Usage: graphdet")
    assert graphdet_command("help", "help", *words) == graphdet_command("help", *words)


def test_a_command_that_is_none_is_told_of_the_nearest(graphdet_command: Command) -> None:
    outcome = graphdet_command("rins", "x")
    assert outcome.code == 2
    assert "rings" in outcome.err


def test_short_version(graphdet_command: Command) -> None:
    assert graphdet_command("-V") == graphdet_command("--version")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(shell: str) -> None:
    """As the script of `--show-completion` asks."""
    environment = os.environ | {"_GRAPHDET_COMPLETE": f"complete_{shell}", "COMP_WORDS": "graphdet ri", "COMP_CWORD": "1"}
    environment |= {"_TYPER_COMPLETE_ARGS": "graphdet ri", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, check=False)
    assert re.search(r"\brings\b", done.stdout)
    assert not re.search(r"\bcheck\b", done.stdout)


# Manners


def test_quiet_says_nothing_but_what_is_asked_for(graphdet_command: Command, log: Path) -> None:
    for place in range(3):
        words = ["check", str(log), "--json"]
        words.insert(place, "-q")
        outcome = graphdet_command(*words)
        assert (outcome.code, outcome.err) == (0, "")
        assert json.loads(outcome.out)["read"] == 3
    assert graphdet_command("run", log, "--out", "out", "-q") == (0, "", "")
    assert Run.load(Path("out")).meta["counts"]["read"] == 3
    assert "no such run folder" in one_line(graphdet_command("-q", "rings", "nowhere"), 2)


def test_who_asked_for_quiet_is_not_told_what_was_done(graphdet_command: Command, saved: Path, tmp_path: Path) -> None:
    home, lists = ("--home", tmp_path / "home"), ("--out", tmp_path / "act.csv")
    for words in (
        ("add", saved),
        ("decide", "C-1", "confirmed", "--note", "seen"),
        ("undo",),
        ("decide", "C-1", "confirmed"),
        ("export", *lists),
    ):
        assert graphdet_command("cases", *words, *home, "-q") == (0, "", "")
    said = graphdet_command("cases", "undo", *home)
    assert (said.code, said.out.startswith("taken back: C-0001")) == (0, True)
    assert len(json.loads(graphdet_command("cases", "list", *home, "--json", "-q").out)) == 3  # what is asked for is told
    assert (tmp_path / "act.csv").is_file()


def test_commands_speak_beside_what_is_asked_for_by_one_way_alone() -> None:
    """So that one option silences them all."""
    own = Path(graphdet.cli.__file__).parent
    loud = [path.name for path in own.glob("*.py") if "file=sys.stderr" in path.read_text(encoding="utf-8")]
    assert sorted(loud) == ["manner.py", "program.py"]


def test_verbose_says_what_is_used(graphdet_command: Command, log: Path) -> None:
    outcome = graphdet_command("run", log, "--out", "out", "--seed", 7, "-v")
    assert re.search(r"^graphdet: setting seed = 7$", outcome.err, re.MULTILINE)
    assert re.search(
        r"^graphdet: logs/log.csv: csv, 3 rows read, 3 accepted; columns user_id, item_id, timestamp$", outcome.err, re.MULTILINE
    )
    machine = r"^graphdet: graphdet \S+, Python 3\.\d+\.\d+, \d+ threads?, seed {}$"
    assert re.search(machine.format(7), outcome.err, re.MULTILINE)
    assert re.search(machine.format(20240601), graphdet_command("check", log, "-v").err, re.MULTILINE)


def test_no_colour_means_no_escape_at_all(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = [subprocess.run([*PROGRAM, "rings", str(saved)], env=os.environ | more, capture_output=True, text=True, check=True).stdout
             for more in ({}, {"NO_COLOR": "1"})]  # fmt: skip
    assert "\x1b[" in shown[0]
    assert "\x1b[" not in shown[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert console_for().color_system is None


def test_bars_have_no_colour_either(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        written = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            self.written += text
            return len(text)

        def flush(self) -> None:
            pass

    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = []
    for value in ("", "1"):
        monkeypatch.setenv("NO_COLOR", value)
        stream = Terminal()
        with progress_for(stream).stage("read", 3):  # type: ignore[arg-type]
            pass
        coloured.append(bool(re.search(r"\x1b\[[\d;]*m", stream.written.replace("\x1b[0m", ""))))
    assert coloured == [True, False]


def test_a_broken_pipe_is_no_error(saved: Path) -> None:
    """Neither of a reader that never read, nor of one that stops after a line, with more to come than a pipe holds."""
    for command, reader in ((f"rings {saved}", "true"), ("settings", "head -n 1"), (f"show {saved} 1 --json", "head -c 1")):
        line = f"set -o pipefail; {shlex.join(PROGRAM)} {command} | {reader}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command
    code = "import sys\nsys.argv = ['graphdet', 'settings']\nimport graphdet.settings\n"
    code += "graphdet.settings.settings_as_toml = lambda _: 'x' * 10**7\nfrom graphdet.cli import main\nmain()"
    line = f"set -o pipefail; {shlex.join([*PROGRAM[:2], code])} | head -c 10"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "x" * 10, "")


# What to work on


def test_a_portion_of_the_log(graphdet_command: Command, log: Path) -> None:
    def events(*options: object) -> int:
        found: int = json.loads(graphdet_command("check", log, "--json", *options).out)["events"]
        return found

    assert events() == 3
    assert events("--since", "2025-03-02") == 2
    assert events("--until", "2025-03-31") == 3
    assert events("--until", "2025-03-02 11:00:00") == 1
    assert events("--since", "2025-03-02", "--until", "2025-03-30") == 1
    assert graphdet_command("run", log, "--out", "out", "--since", "2025-03-02").code == 0
    meta = Run.load(Path("out")).meta
    assert meta["settings"]["log"]["since"] == "2025-03-02"
    assert "2 of 3 events were taken" in " ".join(meta["notes"])
    assert "since = 'soon': no date or time; write one such as \"2025-03-01\"" in one_line(
        graphdet_command("check", log, "--since", "soon"), 2
    )
    assert "sample = 2.0" in one_line(graphdet_command("check", log, "--sample", 2), 2)


@pytest.mark.parametrize(
    ("option", "value", "bound"), [("--threads", "1000000", "1,024"), ("--seed", "99999999999999999999", f"{2**32 - 1:,}")]
)
def test_numbers_that_no_machine_takes(graphdet_command: Command, log: Path, option: str, value: str, bound: str) -> None:
    outcome = graphdet_command("run", log, "--out", "out", option, value)
    assert outcome.code == 2
    assert option in outcome.err
    assert bound in outcome.err
    section = f"[machine]\nthreads = {value}" if option == "--threads" else f"seed = {value}"
    Path("mine.toml").write_text(section + "\n")
    assert bound in one_line(graphdet_command("check", log, "--settings", "mine.toml"), 2)


def test_the_highest_seed_works(graphdet_command: Command, log: Path) -> None:
    assert graphdet_command("run", log, "--out", "out", "--seed", 2**32 - 1).code == 0


def test_a_dry_run_writes_nothing(graphdet_command: Command, log: Path) -> None:
    outcome = graphdet_command("run", log, "--out", "out", "--dry-run")
    assert outcome.code == 0
    assert outcome.out == graphdet_command("check", log).out
    assert "nothing was written" in outcome.err
    assert not Path("out").exists()
    Path("out").mkdir()
    Path("out", "mine").touch()
    assert "is not empty" in one_line(graphdet_command("run", log, "--out", "out", "--dry-run"), 2)


def test_settings_are_found_and_said(graphdet_command: Command, log: Path) -> None:
    def used(*options: object) -> tuple[list[str], str]:
        outcome = graphdet_command("run", log, "--out", f"out{len(list(Path().iterdir()))}", *options)
        assert outcome.code == 0
        newest = max(Path().glob("out*"), key=lambda path: path.stat().st_mtime_ns)
        said = [line for line in outcome.err.splitlines() if "graphdet.toml" in line]
        return said, Run.load(newest).meta["settings"]["log"]["timezone"]

    assert used() == ([], "UTC")
    Path("logs/graphdet.toml").write_text('[log]\ntimezone = "+01:00"\n')
    said, zone = used()
    assert zone == "+01:00"
    assert said == ["graphdet: settings from logs/graphdet.toml (--settings names another; /dev/null for none)"]
    Path("graphdet.toml").write_text('[log]\ntimezone = "+02:00"\n')
    said, zone = used()
    assert zone == "+02:00"
    assert [line.split(" (")[0] for line in said] == [
        "graphdet: logs/graphdet.toml is left aside, since there is graphdet.toml",
        "graphdet: settings from graphdet.toml",
    ]
    Path("mine.toml").write_text('[log]\ntimezone = "+03:00"\n')
    assert used("--settings", "mine.toml") == ([], "+03:00")
    assert used("--settings", "/dev/null") == ([], "UTC")
    Path("logs/graphdet.toml").unlink()
    Path("graphdet.toml").write_text("[log]\ntimezon = 1\n")
    assert "graphdet.toml: [log] has no setting 'timezon'" in one_line(graphdet_command("check", log), 2)
    assert load_settings(None).log.timezone == "UTC"


# Rings by any name


def test_a_ring_is_known_by_rank_id_or_beginning(graphdet_command: Command, saved: Path) -> None:
    shown = {graphdet_command("show", saved, name).out for name in ("3", "#3", "ring-9f00", "ring-9")}
    assert len(shown) == 1
    assert "could be any of 2" in one_line(graphdet_command("show", saved, "ring-1"), 2)


def test_rings_in_a_database_are_known_by_the_same_names() -> None:
    one = [("ring-1a2b", 1, "run-a"), ("ring-1a7c", 2, "run-a"), ("ring-9f00", 3, "run-a")]
    assert [ring_id_of(one, name, None) for name in ("1", "#2", "ring-9", "ring-1a2b")] == [
        "ring-1a2b",
        "ring-1a7c",
        "ring-9f00",
        "ring-1a2b",
    ]
    two = [*one, ("ring-77", 1, "run-b"), ("ring-9f00", 2, "run-b")]
    assert ring_id_of(two, "1", "run-b") == "ring-77"
    assert ring_id_of(two, "3", None) == "ring-9f00"
    for name, run, said in (
        ("1", None, "--run"),
        ("ring-1", None, "any of 2"),
        ("ring-8", None, "did you mean"),
        ("", None, "no ring ''"),
        ("1", "run-c", "no ring of run"),
        ("9", "run-b", "no ring of rank 9; ranks are 1 to 2"),
    ):
        with pytest.raises(UnknownRing, match=re.escape(said)):
            ring_id_of(two, name, run)


UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.mark.parametrize("width", ["30", "60", "80", "120"])
def test_ids_are_whole_where_they_may_be_copied(small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    """Ring ids on one line; other long ids over several where there is no room, nothing of them cut."""
    tables = {name: small_run.tables[name] for name in ("rings", "members", "evidence", "scores", "rejected")}
    rows = [row | {"node_id": UUID} if row["node_id"] == "[red]ann[/red]" else row for row in tables["members"].to_pylist()]
    tables["members"] = pa.Table.from_pylist(rows, tables["members"].schema)
    Run(small_run.meta, tables).save(tmp_path / "run")
    monkeypatch.setenv("COLUMNS", width)

    def shown(*words: str) -> str:
        return subprocess.run([*PROGRAM, words[0], str(tmp_path / "run"), *words[1:]], capture_output=True, text=True, check=True).stdout

    assert {"ring-1a2b", "ring-1a7c", "ring-9f00"} <= set(shown("rings").split())
    if int(width) >= 80:
        assert UUID in "".join(line[:36].split("  ")[0].strip() for line in shown("show", "1").split("Members")[1].splitlines())


@given(st.data(), st.integers(40, 120))
@settings(max_examples=40, deadline=None)
def test_columns_go_before_ids_are_parted(data: st.DataObject, width: int) -> None:
    long = {heading: data.draw(st.integers(1, 36)) for heading in ("one", "two", "three", "four")}
    console = Console(file=io.StringIO(), width=width)
    columns = {heading: [str(place) * size for place in range(3)] for heading, size in long.items()}
    shown = print_columns(console, columns, left=columns, ids=("one", "three"), spared=("four", "two"), cut=())
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    room = [max(len(heading), size) + 2 for heading, size in long.items()]
    needed = [sum(room) - 2, sum(room[:3]) - 2, room[0] + room[2] - 2]
    gone = next((place for place, one in enumerate(needed) if one <= width), 2)
    assert shown == [["one", "two", "three", "four"], ["one", "two", "three"], ["one", "three"]][gone]
    if needed[gone] <= width:
        assert [line.split() for line in lines] == [shown, *([columns[heading][row] for heading in shown] for row in range(3))]


@pytest.mark.parametrize("devices", [0, 3])
def test_a_column_of_noughts_is_not_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, devices: int) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    told = {
        "rank": 1,
        "ring_id": "R-1",
        "tier": "review",
        "score": 0.5,
        "q_value": 0.01,
        "size": 6,
        "targets": 0,
        "devices": devices,
        "ips": 0,
    }
    unknown = dict.fromkeys(("chance", "chance_low", "chance_high", "first_seen", "last_seen", "at_stake"))
    show_rings(console_for(), pa.Table.from_pylist([{**told, **unknown, "explanation": ""}]), 1)
    heading = capsys.readouterr().out.splitlines()[0].split()
    assert {"users"} <= set(heading)
    assert {"items", "IPs", "began", "explained"}.isdisjoint(heading)
    assert ("devices" in heading) == bool(devices)


def test_an_id_that_stands_for_nobody_says_how_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\n0,soap\nann,soap\n0,tea\n")
    (note,) = [one for one in read_events([tmp_path / "log.csv"]).report.notes if one.startswith("user_id: 0 ")]
    assert note.endswith("[log] genuine keeps what is an id.")
    assert "(2 rows, " in note
    kept = read_events([tmp_path / "log.csv"], LogSettings(genuine=("0",)))
    assert "0" in kept.ids["user"].to_pylist()
    assert not [one for one in kept.report.notes if "genuine" in one]


def of_numbers(count: int, rows_of_nought: int, first: int = 0, step: int = 1, form: str = "{}") -> list[str]:
    """Ids of `count` people with three rows each, numbered from `first` on, and 0 with as many as that."""
    people = [form.format(number) for number in range(first or 1, step * count, step) for _ in range(3)]
    return people + [form.format(0)] * rows_of_nought


@pytest.mark.parametrize(
    ("ids", "somebody"),
    [
        (of_numbers(50, 3), True),
        (of_numbers(50, 3, form="{}.0"), True),
        ([*of_numbers(50, 3), *(["n/a"] * 40)], True),
        (of_numbers(50, 4), False),  # a guest, whom more rows name than anybody
        (of_numbers(50, 3, step=3), False),  # numbers with gaps
        (of_numbers(50, 3, first=20), False),  # that begin elsewhere
        (of_numbers(8, 3), False),  # too few to tell
        ([f"u{n}" for n in range(50)] + ["0"], False),
    ],
)
@pytest.mark.parametrize("column", ["user_id", "device_id"])
def test_a_nought_that_numbers_begin_with_is_somebody(tmp_path: Path, ids: list[str], somebody: bool, column: str) -> None:
    other = "device_id" if column == "user_id" else "user_id"
    rows = "".join(f"{one},x{place % 7},i{place}\n" for place, one in enumerate(ids))
    (tmp_path / "log.csv").write_text(f"{column},{other},item_id\n{rows}")
    table = read_events([tmp_path / "log.csv"])
    kept = table.ids[column.removesuffix("_id")].to_pylist()
    assert bool({"0", "0.0"} & set(kept)) == somebody
    assert any(note.startswith(f"{column}: 0") for note in table.report.notes) != somebody
    assert len(kept) == len(set(ids) - {"n/a"} - (set() if somebody else {"0"}))
