"""The package's own source → a digest: which code made a run, since a version says that only between releases."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def code_digest() -> str:
    """SHA-256, cut to 16 digits, of every Python file of graphdet and its path inside it; some ten milliseconds, once a process.

    Where the package lies, in a folder or a zip, and what Python compiled of it make no difference.
    """
    digest = hashlib.sha256()
    for path, file in sorted(_sources(files("graphdet"), "").items()):
        content = file.read_bytes()
        digest.update(f"{path}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _sources(folder: Traversable, above: str) -> dict[str, Traversable]:
    """Path inside the package → file, of the folder and all below it."""
    found: dict[str, Traversable] = {}
    for entry in folder.iterdir():
        path = f"{above}{entry.name}"
        if entry.name.endswith(".py"):
            found[path] = entry
        elif entry.is_dir():
            found |= _sources(entry, f"{path}/")
    return found
