"""The line that `make demo` shows while it installs: it moves on a terminal, goes on in lines elsewhere, and tells why pip failed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "locks"))
from install import Installing, Stage, deal  # noqa: E402 - a script, not a part of the package

CALL = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
import install
site = Path(sys.argv[2])
install.follow([install.pip("--no-index", "--no-deps", "--target", str(site), one) for one in sys.argv[3:]], "asking for packages",
               install.packages_installed, lambda: install.installed(site), sys.stdout)
"""


def wheel(folder: Path, name: str) -> str:
    """A package of one empty module."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
        archive.writestr(f"{about}/RECORD", "".join(f"{inner},,\n" for inner in (*files, f"{about}/RECORD")))
    return str(path)


def command(tmp_path: Path, *packages: str) -> list[str]:
    return [sys.executable, "-c", CALL, str(ROOT / "locks"), str(tmp_path / "site"), *packages]


def test_where_lines_stay_each_stage_is_one(tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path, wheel(tmp_path, "one"), wheel(tmp_path, "other")), capture_output=True, text=True, check=True)
    assert "\r" not in done.stdout
    assert re.search(r"^installed 2 packages · \d+ s$", done.stdout, re.MULTILINE)
    assert all(re.search(r" · \d+ s$", line) for line in done.stdout.splitlines())
    assert (tmp_path / "site" / "other.py").exists()


def test_on_a_terminal_one_line_is_drawn_anew(tmp_path: Path) -> None:
    own, theirs = pty.openpty()
    process = subprocess.Popen(command(tmp_path, wheel(tmp_path, "one")), stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(own, 4096):
            shown += part
    except OSError:  # the terminal is closed
        pass
    os.close(own)
    assert process.wait() == 0
    *drawn, last = shown.decode().split("\r\x1b[K")
    assert len(drawn) > 1
    assert not any("\n" in line for line in drawn)
    assert last.startswith("installed 1 package · ")


def test_what_pip_says_is_shown_where_it_fails(tmp_path: Path) -> None:
    failed = subprocess.run(command(tmp_path, "no-such-package"), capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "No matching distribution found for no-such-package" in failed.stderr
    assert "installed" not in failed.stdout


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["Collecting numpy==2.3 (from -r locks/all.txt (line 9))", "  Using cached numpy.whl (16 MB)"], "fetching packages: 1 so far"),
        (["Requirement already satisfied: rich>=13 in x"], "fetching packages: 1 so far"),
        (["Collecting a", "Installing collected packages: a, b, c"], "installing packages: 2 of 3"),
        (["Obtaining file:///src", "  Installing build dependencies: started"], "building the kernels"),
        (["  Building editable for graphdet (pyproject.toml): started"], "building the kernels"),
        ([f"  Building editable for graphdet (pyproject.toml): {how}" for how in ("started", "still running...")], "building the kernels"),
    ],
)  # fmt: skip
def test_pips_words_tell_where_it_is(lines: list[str], told: str) -> None:
    there = iter([5, 7])  # two packages are there that were not before
    stage = Stage()
    found = Installing(lambda: next(there), [Stage(), stage])
    for line in lines:
        stage.hear(line)
    assert found.told() == told


def test_several_calls_of_pip_are_told_as_one() -> None:
    there = iter([5, 9])
    unpacking, building = Stage(), Stage()
    unpacking.hear("Installing collected packages: a, b, c, d, e")
    building.hear("  Building editable for graphdet (pyproject.toml): started")
    assert Installing(lambda: next(there), [unpacking, building]).told() == "installing packages: 4 of 5, building the kernels"


@pytest.mark.parametrize("lock", ["run", "light", "all", "development"])
@pytest.mark.parametrize("hands", [1, 2, 3])
def test_a_lock_is_dealt_out_whole_with_its_digests(lock: str, hands: int) -> None:
    text = (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
    dealt = deal(text, hands)
    assert len(dealt) == hands
    for pattern in (r"^[A-Za-z0-9][\w.-]*==[^\n\\]*", r"--hash=sha256:\w+"):
        whole = re.findall(pattern, text, re.MULTILINE)
        assert sorted(one for part in dealt for one in re.findall(pattern, part, re.MULTILINE)) == sorted(whole)
    sizes = [part.count("==") for part in dealt]
    assert min(sizes) > 0


def test_the_container_file_names_what_there_is() -> None:
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    (file,) = re.findall(r"```dockerfile\n(.*?)```", page, re.DOTALL)
    for path in re.findall(r"(?:--requirement|--constraint) (\S+)", file):
        assert (ROOT / path).is_file()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"\.\[(\w+)\]", page)) <= set(extras)
    assert file.index("locks/") < file.index("graphdet demo") < file.index("USER nobody")
