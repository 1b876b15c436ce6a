"""The documentation as a site: every link leads somewhere, it opens with no network, and the commands on its first pages run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Command

from graphdet.cli.program import HEADED
from graphdet.proposing import LAYOUTS
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
