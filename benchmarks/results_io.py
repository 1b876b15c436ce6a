"""Measured figures → `benchmarks/results`, each stamped with the code that it was measured on.

Stamps stand in `results/stamps.json`: name of the result → the commit that was checked out and a digest of each room of `graphdet`, and of
the scripts in `benchmarks`. `stale.py` compares them with the code that is there now. Comments and blank lines count as nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
STAMPS = RESULTS / "stamps.json"

SHOWN = ("words", "dossier", "export", "report", "terminal", "cli", "store")  # rooms that show what was found, and change no figure
STORED = ("schema", "store")  # rooms that say how fast a push is
SCRIPTS = "benchmarks"


def write_result(name: str, figures: Any, text: str, rooms: tuple[str, ...] | None = None) -> None:
    """Write raw figures (.json; text that is one already goes as it is) and table (.md), and stamp them.

    Args:
        rooms: of the package, that the figures depend on; all that do not merely show what was found, where not told.
    """
    RESULTS.mkdir(exist_ok=True)
    raw = figures if isinstance(figures, str) else json.dumps(figures, indent=1)
    (RESULTS / f"{name}.json").write_text(raw + "\n", encoding="utf-8")
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    code = code_digests()
    chosen = [room for room in code if room in (*rooms, SCRIPTS)] if rooms else [room for room in code if room not in SHOWN]
    stamp = {"commit": commit(), "code": {room: code[room] for room in chosen}}
    STAMPS.write_text(json.dumps(dict(sorted((read_stamps() | {name: stamp}).items())), indent=1) + "\n", encoding="utf-8")
    print(f"written: benchmarks/results/{name}.json and .md")


def markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def read_stamps() -> dict[str, Mapping[str, Any]]:
    """Result → its stamp; `code` is None where it was measured before there were stamps, and `commit` is the one that brought it."""
    stamps: dict[str, Mapping[str, Any]] = json.loads(STAMPS.read_text(encoding="utf-8")) if STAMPS.exists() else {}
    return stamps


def code_digests() -> dict[str, str]:
    """Room of the package, or `benchmarks` → digest of what its files say to Python."""
    package = ROOT / "graphdet"
    files: dict[str, list[Path]] = {SCRIPTS: sorted((ROOT / SCRIPTS).glob("*.py"))}
    for path in sorted(package.rglob("*.py")):
        files.setdefault(path.relative_to(package).parts[0].removesuffix(".py"), []).append(path)
    return {room: _digest(paths) for room, paths in sorted(files.items())}


def _digest(paths: list[Path]) -> str:
    told = hashlib.sha256()
    for path in paths:
        told.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        told.update(ast.dump(ast.parse(path.read_bytes())).encode() + b"\0")
    return told.hexdigest()[:12]


def commit() -> str:
    """The commit that is checked out; with a plus where files were changed since, and empty outside a repository."""
    found = git("rev-parse", "--short=12", "HEAD")
    return found + "+" * bool(found and git("status", "--porcelain", "--untracked-files=no"))


def git(*words: str) -> str:
    """What git says, or nothing where it does not know."""
    try:
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
