"""What is installed is what was locked: versions with the digests of their files, the server's jars, licences, and a bill of it all."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from graphdet.errors import ServerError
from graphdet.store.machine import LINES, _require_known, project_folder

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "locks"))
from supply_chain import (  # noqa: E402 - a script, not a part of the package
    EXTRAS,
    LOCKS,
    bill_of_materials,
    closure,
    licences_of,
    normal,
    read_lock,
    strange_licences,
)

DIGEST = re.compile(r"[0-9a-f]{64}")


@pytest.mark.parametrize("name", [*EXTRAS, "build"])
def test_a_lock_has_digests_of_every_package_and_the_versions_of_the_constraints(name: str) -> None:
    lock = read_lock(LOCKS / f"{name}.txt")
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = {normal(line.split("==")[0]): line.split("==")[1].split()[0] for line in lines if "==" in line}
    assert lock
    for package, (version, _, hashes) in lock.items():
        assert hashes, package
        assert all(DIGEST.fullmatch(one) for one in hashes)
        assert wanted.get(package, version) == version, package


def test_what_is_installed_of_graphdets_needs_is_locked() -> None:
    lock = read_lock(LOCKS / "development.txt")
    assert {"nvidia-nccl-cu13", "triton"} <= lock.keys()  # what only some machines want
    missing = [
        wanted for wanted in metadata.requires("graphdet") or [] if normal(re.split(r"[\s\[<>=!~;(]", wanted)[0]) not in {*lock, "graphdet"}
    ]
    assert not missing, f"run `make lock`: {missing}"


def test_every_licence_is_free_or_was_looked_at() -> None:
    packages = closure("graphdet")
    assert len(packages) > 50
    assert not list(strange_licences(packages))
    numpy = packages["numpy"]
    assert licences_of(numpy)


def test_a_strange_licence_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for told, free in (("GPL-3.0-only", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False), ("", False)):
        monkeypatch.setattr("supply_chain.licences_of", lambda package, told=told: [told] if told else [])
        assert (not list(strange_licences({"numpy": metadata.distribution("numpy")}))) == free, told


@pytest.mark.parametrize("line", LINES.values(), ids=str)
def test_another_jar_is_refused(line: object, tmp_path: Path) -> None:
    name = next(name for name, one in LINES.items() if one is line)
    rows = (project_folder() / f"jars-{name}.sha256").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 100
    for row in rows:
        (tmp_path / row.split("  ")[1]).write_bytes(b"another")
    with pytest.raises(ServerError, match=f"{len(rows)} of the server's jars are not those"):
        _require_known(tmp_path, LINES[name])


def test_the_bill_names_all_that_a_user_gets() -> None:
    bill = bill_of_materials()
    names = {component["name"] for component in bill["components"]}
    assert {"numpy", "torch", "duckdb"} <= names
    assert any(name.startswith("neo4j-") for name in names)
    assert len({component["bom-ref"] for component in bill["components"]}) == len(bill["components"])
    assert bill["bomFormat"] == "CycloneDX"
