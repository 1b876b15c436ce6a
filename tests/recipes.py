"""The recipes of CONTRIBUTING.md, and a copy of the package to follow them in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from street import PACKAGE, ROOT

RECIPES = dict(re.findall(r"### (.*?)\n(.*?)(?=\n### |\Z)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL))


class Copy:
    """A copy of the package in which a recipe was followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(PACKAGE, folder / "graphdet")  # with the compiled module

    def follow(self, recipe: str) -> None:
        """Write the files that it says, put in what it says, replace what it says."""
        text = RECIPES[recipe]
        done = 0
        for name, block in re.findall(r"[Ww]rite `([^`]+)`:\n\n```python\n(.*?)```", text, re.DOTALL):
            (self.folder / name).write_text(block, encoding="utf-8")
            done += 1
        for name, before, block in re.findall(r"[Ii]n `([^`]+)`, before `([^`]+)`, put:\n\n```python\n(.*?)```", text, re.DOTALL):
            self._replace(name, before, block + before)
            done += 1
        name = ""
        for place, old, new in re.findall(r"(?:[Ii]n `([^`]+)`[^`]*?)?replace `([^`]+)` by `([^`]+)`", text):
            name = place or name
            self._replace(name, old, new)
            done += 1
        assert done, f"nothing to do in the recipe {recipe!r}"

    def _replace(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def graphdet(self, *arguments: object, environment: Mapping[str, str] | None = None) -> str:
        """What the copy's command prints."""
        return self.python("from graphdet.cli import main; main()", *arguments, environment=environment)

    def python(self, code: str, *arguments: object, environment: Mapping[str, str] | None = None) -> str:
        """What code prints that is run in the copy."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), **(environment or {})},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
