"""The house keeps its shape: order of imports, public names, packaging, licences, and documents that tell the truth."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import hooks
import networkx as nx
import pytest
from packaging.requirements import Requirement
from pydantic import BaseModel
from street import CONFINED, DOCUMENT, ORDER, PACKAGE, ROOT, files, functions_of, imports_of, renewed, room_of

import graphdet
from graphdet.extras import EXTRAS
from graphdet.settings import Settings, load_settings, settings_as_toml

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOST_LINES, MOST_FUNCTION_LINES = 400, 60


def test_every_file_has_its_place_in_the_order() -> None:
    assert {room_of(path) for path in files()} == set(ORDER)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_those_before_it(path: Path) -> None:
    own = room_of(path)
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if top == "graphdet" and rest not in ("", "__version__", "_kernels"):  # kernels know arrays only, so that any room may call them
            room = rest.split(".")[0]
            assert room == own or ORDER.index(room) < ORDER.index(own), f"{own} must not import {name}"
        if top in CONFINED:
            assert own in CONFINED[top], f"{own} must not import {top}"


def test_no_file_imports_itself_by_a_way_round() -> None:
    """Not even by imports inside functions, which would only hide a circle."""
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in files()}
    graph: nx.DiGraph[str] = nx.DiGraph()
    for module, path in modules.items():
        for name in imports_of(path):
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != module and not module.startswith(f"{target}."):
                graph.add_edge(module, target)
    assert list(nx.simple_cycles(graph)) == []


def test_the_street_in_the_documents_is_that_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == renewed(text), "python tests/street.py draws it anew"


def test_every_station_of_the_walks_is_there() -> None:
    """Each walk names at most ten files, and what it says is in a file is."""
    part = DOCUMENT.read_text(encoding="utf-8").split("## Three walks")[1].split("## The rooms")[0]
    walks = re.split(r"\n\*\*(.+?)\*\*\n", part)[1:]
    assert len(walks) == 2 * 3
    for title, text in zip(walks[::2], walks[1::2], strict=True):
        stations = re.findall(r"`([a-z_/]+\.py)` `(\w+)`", text)
        assert 5 <= len({path for path, _ in stations}) <= 10, title
        for path, name in stations:
            assert re.search(rf"^(def |class |@.*\n)?{name}\b", (PACKAGE / path).read_text(encoding="utf-8"), re.MULTILINE), (
                f"{path}: {name}"
            )


def test_no_two_files_have_one_name() -> None:
    """So that a name alone says which; but for the doors of the rooms."""
    counted = Counter(path.name for path in files() if path.name != "__init__.py")
    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    long = [own.name for own in functions_of(path) if (own.end_lineno or 0) - own.lineno + 1 > MOST_FUNCTION_LINES]
    assert long == []


def test_the_public_names_are_these() -> None:
    assert graphdet.__all__ == [
        "EventTable",
        "FraudGraph",
        "GraphdetError",
        "Run",
        "Settings",
        "apply",
        "as_hetero",
        "build_graph",
        "check_logs",
        "detect",
        "explain",
        "load_settings",
        "push",
        "read_events",
        "read_labels",
        "train",
        "write_report",
    ]
    for name in graphdet.__all__:
        assert getattr(graphdet, name).__doc__, name
        assert name in dir(graphdet)
    with pytest.raises(AttributeError, match="no attribute 'detekt'"):
        getattr(graphdet, "detekt")  # noqa: B009


@pytest.mark.parametrize(
    "what", ["import graphdet", "import sys; sys.argv = ['graphdet', '--help']; import graphdet.cli; graphdet.cli.main()"]
)
def test_import_and_help_load_nothing_heavy(what: str) -> None:
    heavy = ["numpy", "pandas", "pyarrow", "duckdb", "numba", "scipy", "networkx", "pydantic", "torch", "rich"]
    code = f"import atexit, sys\natexit.register(lambda: print('loaded', [name for name in {heavy} if name in sys.modules]))\n{what}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded []\n")


def test_every_package_is_packed() -> None:
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]) == packages | {
        "graphdet.neo4j",
        "graphdet.neo4j.queries",
    }


def test_the_default_config_is_the_code() -> None:
    path = ROOT / "configs" / "default.toml"
    assert path.read_text(encoding="utf-8") == settings_as_toml(Settings())
    assert load_settings(path) == Settings()


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.name)
def test_every_config_loads(path: Path) -> None:
    load_settings(path)


def test_every_setting_has_its_sentence() -> None:
    def check(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                assert field.annotation.__doc__, name
                check(field.annotation)
            else:
                assert field.description, name

    check(Settings)


def test_the_licence_is_apache() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert (
        "Apache License"
        in (ROOT / "LICENSE").read_text(encoding="utf-8").splitlines()[0] + (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
    )


def names_of_requirements() -> list[str]:
    wanted = PROJECT["dependencies"] + [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    names = {re.split(r"[<>=!~ \[;]", line)[0] for line in wanted}
    return sorted(names - {"graphdet"})  # extras that hold others


def imported_name(requirement: str) -> str:
    return {"pillow": "PIL", "scikit-learn": "sklearn", "scikit-network": "sknetwork", "torch-geometric": "torch_geometric"}.get(
        requirement, requirement.replace("-", "_")
    )


LOADED_BY_OTHERS = {"neo4j_rust_ext", "onnxruntime"}  # the driver does, where it is there; the reader of texts in pictures does


def test_every_dependency_is_imported_and_every_import_is_a_dependency() -> None:
    """The package itself uses all of its dependencies; the extra `lab` may serve benchmarks and notebooks alone."""
    extras = {
        extra: {imported_name(re.split(r"[<>=]", line)[0]) for line in lines} - LOADED_BY_OTHERS
        for extra, lines in PROJECT["optional-dependencies"].items()
    }
    assert {extra: set(packages) for extra, packages in EXTRAS.items()} == {extra: extras[extra] for extra in EXTRAS}
    assert set(extras) == {*EXTRAS, "light", "all", "development"}
    core = {imported_name(re.split(r"[<>=]", line)[0]) for line in PROJECT["dependencies"]}
    imported = {name.split(".")[0] for path in files() for name in imports_of(path)} - set(sys.stdlib_module_names) - {"graphdet"}
    needed = core | set().union(*(extras[extra] for extra in EXTRAS if extra != "lab"))
    assert needed <= imported
    assert imported <= needed | extras["lab"]
    for package in extras["lab"] - imported:
        assert any(
            re.search(rf"^\s*(import|from) {package}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
            for path in (ROOT / "benchmarks").glob("*.py")
        ), package


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line)


def needed_here() -> list[str]:
    """What is pinned and is for this Python and this system: some of it is for newer ones alone."""
    lock = (ROOT / "locks" / "development.txt").read_text(encoding="utf-8")
    needs = [Requirement(line) for line in re.findall(r"^([a-z0-9].*?) \\$", lock, re.M)]
    elsewhere = {canonical(need.name) for need in needs if need.marker is not None and not need.marker.evaluate()}
    return sorted(name for name in pinned() if canonical(name) not in elsewhere)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_hold_an_exact_version_of_all_that_is_needed() -> None:
    held = {canonical(name) for name in pinned()}
    assert {canonical(name) for name in names_of_requirements()} <= held
    for name in needed_here():
        needs = [
            re.split(r"[<>=!~ \[;(]", line)[0]
            for line in importlib.metadata.requires(name) or []
            if "extra ==" not in line and ";" not in line
        ]
        assert {canonical(need) for need in needs} <= held, name


@pytest.mark.parametrize("name", needed_here())
def test_no_dependency_is_under_the_gpl(name: str) -> None:
    about = importlib.metadata.metadata(name)
    stated = [about.get("License-Expression") or "", (about.get("License") or "").split("\n")[0]]
    stated += [line for line in about.get_all("Classifier") or [] if line.startswith("License")]
    # Compiled wheels carry GCC's runtime, whose exception leaves the user free.
    words = " ".join(stated).replace("GPL-3.0-or-later WITH GCC-exception-3.1", "").replace("LGPL", "")
    assert "GPL" not in words
    assert "General Public License" not in words


def test_the_changelog_knows_this_version() -> None:
    assert f"## {graphdet.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def project_files() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="git tells which files are the project's")
def test_no_file_names_a_machine() -> None:
    homes = re.compile(rb"/(?:work|root|home)/[a-z]")
    found = [path.relative_to(ROOT) for path in project_files() if path.suffix != ".parquet" and homes.search(path.read_bytes())]
    assert found == []


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_people_are_they() -> None:
    """In code and documents alike; whoever is spoken of may be anybody."""
    one_sex = re.compile(r"\b(he|his|him|himself)\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*files(), *DOCUMENTS]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if one_sex.search(line)
    ]
    assert found == []


def settings_names(model: type[BaseModel] = Settings, prefix: str = "") -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        names.add(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= settings_names(field.annotation, f"{prefix}{name}.")
    return names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_settings_in_the_documents_exist(path: Path, tmp_path: Path) -> None:
    """Every TOML block loads, and every `[section] name` or `section.name` in the text is a setting."""
    text = path.read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)):
        config = tmp_path / f"{number}.toml"
        config.write_text(block, encoding="utf-8")
        load_settings(config)
    known = settings_names()
    sections = {name.split(".")[0] for name in known if "." in name}
    for section, name in re.findall(r"`\[?([a-z_]+)\]?[. ]([a-z_]+)`", text):
        if section in sections and name not in ("parquet", "py", "toml"):
            assert f"{section}.{name}" in known, f"{section}.{name}"


@pytest.fixture(scope="module")
def made_pages() -> frozenset[str]:
    """Pages that the site makes from the code."""
    return frozenset(hooks.pages())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(path: Path, made_pages: frozenset[str]) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists() or target in made_pages, target
