"""Texts whose fields lie between two colons, spaces or commas of full width → the same with one mark between fields, as readers want it."""

from __future__ import annotations

import re
from pathlib import Path

from graphdet.events.top_lines import DELIMITERS
from graphdet.scratch import new_file

MARK = b"\x1f"  # ASCII's own separator of units
_WIDE = ("，", "；")
_LOOKED_AT = 5  # lines


def with_one_mark(path: Path, folder: Path, names: int) -> Path:
    """The text itself where one of the usual marks lies between its fields; else a copy that is so, if its first lines show which.

    Args:
        names: how many columns the settings name for a file without a header; spaces alone part fields only where they make so many.
    """
    lines = _first_lines(path)
    if not lines or any(mark in line for line in lines for mark in DELIMITERS):
        return path
    if all("::" in line for line in lines):
        between = re.compile(rb"::")
    elif wide := next((mark for mark in _WIDE if all(mark in line for line in lines)), ""):
        between = re.compile(wide.encode())
    elif len(lines) > 1 and all(re.search(r"\S(?:  +)\S", line) for line in lines):
        between = re.compile(rb"  +")
    elif names > 1 and all(len(line.split()) == names for line in lines):
        between = re.compile(rb" +")
    else:
        return path
    target = new_file(folder)
    with path.open("rb") as source, target.open("wb") as out:
        for line in source:
            bare = line.rstrip(b"\r\n")
            out.write(between.sub(MARK, bare.strip(b" ") if b" " in between.pattern else bare) + b"\n")
    return target


def _first_lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        head = stream.read(1 << 16)
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")]
    return lines[:_LOOKED_AT]
