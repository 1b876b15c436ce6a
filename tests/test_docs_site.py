"""The documentation as a site: every link leads somewhere, it opens with no network, and the commands on its first pages run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Command
from test_init import of_layout, write

from graphdet.cli.program import HEADED
from graphdet.proposing import LAYOUTS, Layout
from graphdet.simulate import preset, simulate, write_market

ROOT = Path(__file__).parent.parent


def test_the_site_is_built_strict_and_needs_no_network(tmp_path: Path) -> None:
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {str(path.relative_to(tmp_path / "site")): path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")}
    assert {"index.html", "your-log.html", "contributing.html", "reference/settings.html"} <= set(pages)
    assert {f"layouts/{layout.name}.html" for layout in LAYOUTS} <= set(pages)
    for name in (name for own in HEADED.values() for name in own):
        assert f"Usage: graphdet {name}" in pages["reference/commands.html"]
    for name, text in pages.items():
        assert re.findall(r"<(?:script|img|iframe)[^>]* src=\"https?:", text) == [], name
        assert re.findall(r"<link[^>]* rel=\"stylesheet\"[^>]* href=\"https?:", text) == [], name


@pytest.mark.slow
def test_the_commands_of_the_first_pages_are_run(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small log; the demo itself is test_cli's, which compares what it prints."""
    monkeypatch.chdir(tmp_path)
    write_market(simulate(preset("demo", users=1500, events=15_000), 3), tmp_path / "made", "csv")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "events.csv").symlink_to(tmp_path / "made" / "events.csv")
    text = (ROOT / "docs" / "your-log.md").read_text(encoding="utf-8") + (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    ran = 0
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line.replace("demo/run", "out/first"), comments=True)
            if words[:2] != ["graphdet", "demo"]:
                outcome = graphdet_command(*words[1:])
                assert outcome.code == 0, f"{line}: {outcome.err}"
                ran += 1
    assert ran >= 9


def commands_of(text: str) -> list[list[str]]:
    """The words of each `graphdet` command of a page, without its comments."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))[:1] == ["graphdet"]]


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_commands_of_each_layouts_page_are_run(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    monkeypatch.chdir(tmp_path)
    log = write(tmp_path / "LOG", of_layout(layout))
    if not layout.header:
        log.write_text("".join(log.read_text().splitlines(keepends=True)[1:]))
    commands = commands_of(pages_of_the_site()[f"layouts/{layout.name}.md"])
    assert len(commands) == (3 if layout.alone else 1)
    for words in commands:
        outcome = graphdet_command(*words[1:])
        assert outcome.code == 0, f"{words}: {outcome.err}"


def pages_of_the_site() -> dict[str, str]:
    """What docs/hooks.py makes."""
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    made: dict[str, str] = hooks.pages()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("page", ["dossier.md"])
def test_the_commands_of_pages_on_runs_are_run(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """On two runs of one small log; a difference is told by the exit code 1, and there is none."""
    monkeypatch.chdir(tmp_path)
    write_market(simulate(preset("demo", users=1500, events=15_000), 3), tmp_path / "made", "csv")
    for day in ("monday", "tuesday"):
        assert graphdet_command("run", "made/events.csv", "--out", f"out/{day}").code == 0
    commands = commands_of((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert commands
    for words in commands:
        outcome = graphdet_command(*words[1:])
        assert outcome.code == 0, f"{words}: {outcome.err}"


TESTED_ELSEWHERE = {  # page → the tests that run its commands, against servers, markets or casebooks of their own
    "casebook.md": ("test_casebook.py", "test_casework.py"),
    "neo4j.md": ("test_kit_server.py", "test_store_cli.py", "test_kit.py"),
    "market.md": ("test_zoo.py", "test_simulate.py", "test_cli.py"),
    "index.md": ("test_docs_site.py",),
    "your-log.md": ("test_docs_site.py",),
    "dossier.md": ("test_docs_site.py",),
    "accounts.md": ("test_takeovers.py",),
    "week.md": ("test_day.py", "test_desk_week.py", "test_play.py", "test_diff.py", "test_casework.py"),
    "console.md": ("test_console.py",),
    "signals.md": ("test_series.py", "test_reviews.py"),
    "uses.md": ("test_uses.py",),
    "watch.md": ("test_watch.py",),
    "alerts.md": ("test_alert_delivery.py", "test_answering.py", "test_drift.py", "test_refresh.py"),
}


def test_every_page_with_commands_has_tests_that_run_them() -> None:
    """Each command's own word stands in one of the tests that its page names; a new page must name some."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        commands = commands_of(path.read_text(encoding="utf-8"))
        tests = "".join(
            (ROOT / "tests" / name).read_text(encoding="utf-8")
            for name in TESTED_ELSEWHERE.get(path.name, ())
            if (ROOT / "tests" / name).exists()
        )
        for words in commands:
            assert f'"{words[1]}"' in tests or path.name in tests, f"{path.name}: graphdet {words[1]}"
