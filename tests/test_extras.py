"""A light installation detects, lists and shows; whatever else lacks its packages says in one line what to install."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphdet.extras import EXTRAS, lacks
from graphdet.run.folder import Run
from graphdet.settings import GnnSettings, Settings
from graphdet.simulate import preset, simulate, write_market

# Stands in for an installation without some packages: whoever asks for one of them finds none.
HIDING = """
import sys

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Hider())
sys.argv = ["graphdet", *{arguments!r}]
from graphdet.cli import main
main()
"""
EVERYTHING = tuple(package for packages in EXTRAS.values() for package in packages)


def run_without(hidden: tuple[str, ...], *arguments: object) -> subprocess.CompletedProcess[str]:
    code = HIDING.format(hidden=set(hidden), arguments=[str(argument) for argument in arguments])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "132"})


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("light") / "market"
    write_market(simulate(preset("easy", 20_000, 1_500), 1), folder, "csv")
    return folder


@pytest.fixture(scope="module")
def light(market: Path) -> tuple[Path, str]:
    """The run of a light installation, and what it said."""
    done = run_without(EVERYTHING, "run", market / "events.csv", "--out", market.parent / "run")
    assert done.returncode == 0, done.stderr
    return market.parent / "run", done.stdout


def test_a_light_installation_detects_lists_and_shows(light: tuple[Path, str], market: Path) -> None:
    folder, said = light
    notes = [line for line in said.splitlines() if "pip install" in line]
    assert notes == ["Note: network and embeddings were left out: torch is not installed (pip install 'graphdet[learn]')."]
    listed = run_without(EVERYTHING, "rings", folder, "--json")
    assert len(json.loads(listed.stdout)) == Run.load(folder).rings.num_rows > 0
    for arguments in (("show", folder, 1), ("show", folder, 1, "--lang", "zh", "--events"), ("export", folder, 1, "--format", "md")):
        out = ("--out", market.parent / "note.md") if arguments[0] == "export" else ()
        done = run_without(EVERYTHING, *arguments, *out)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    made = run_without(EVERYTHING, "simulate", "--preset", "easy", "--users", 600, "--events", 6000, "--out", market.parent / "made")
    assert made.returncode == 0, made.stderr


def test_a_run_without_the_network_is_the_run_whose_settings_say_so(light: tuple[Path, str], market: Path) -> None:
    from graphdet import detect, read_events

    run = Run.load(light[0])
    chosen = detect(read_events([market / "events.csv"]), Settings(gnn=GnnSettings(least_rings=0)))
    assert run.meta["settings"]["gnn"]["least_rings"] == 0
    assert run.rings.equals(chosen.rings)
    assert run.scores.equals(chosen.scores)


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("learn", "train LOG --out FILE"),
        ("learn", "run LOG --out FILE --model FILE"),
        ("learn", "explain LOG --user u --model FILE"),
        ("lab", "train LOG --out FILE --labels FILE --search 3"),
        ("lab", "train LOG --out FILE --labels FILE --tensorboard FILE"),
        ("lab", "evaluate RUN MARKET"),
        ("report", "report RUN"),
        ("report", "export RUN 1 --format xlsx --out FILE"),
        ("report", "export RUN 1 --format graphml --out FILE"),
        ("report", "export RUN 1 --format gexf --out FILE"),
        ("neo4j", "db status"),
        ("neo4j", "push RUN"),
        ("neo4j", "undo RUN"),
        ("neo4j", "kit RUN"),
        ("neo4j", "decide R-1 innocent"),
        ("neo4j", "dispositions RUN"),
    ],
)
def test_what_lacks_its_extra_says_what_to_install(
    light: tuple[Path, str], market: Path, tmp_path: Path, extra: str, arguments: str
) -> None:
    places = {"LOG": str(market / "events.csv"), "RUN": str(light[0]), "MARKET": str(market), "FILE": str(tmp_path / "file")}
    words = [places.get(word, word) for word in arguments.split()]
    for package in (EXTRAS[extra][0], EXTRAS[extra][-1]):
        done = run_without((package,), *words)
        assert done.returncode == 2
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"graphdet: graphdet {arguments.split()[0]}")
        assert line.endswith(f"needs {package}, which is not installed: pip install 'graphdet[{extra}]'")


def test_a_missing_package_that_no_command_foresaw_is_named_too(light: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's calls ask nobody beforehand; their ModuleNotFoundError is told as the commands tell it."""
    hidden = HIDING.replace("from graphdet.cli import main\n", "import graphdet.extras\ngraphdet.extras.need = lambda *_: None\n{main}")
    code = hidden.format(hidden={"bokeh"}, arguments=["report", str(light[0])], main="from graphdet.cli import main\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "graphdet: this needs bokeh, which is not installed: pip install 'graphdet[report]'\n"


def test_a_folder_named_like_a_package_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shoe").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(EXTRAS, "learn", ("shoe",))
    assert lacks("learn") == "shoe"
    (tmp_path / "shoe" / "__init__.py").touch()
    import importlib

    importlib.invalidate_caches()
    assert lacks("learn") == ""
