"""Texts whose fields lie between two colons, spaces or commas of full width → the same with one mark between fields, as readers want it."""

from __future__ import annotations

import re
from pathlib import Path

from graphdet.events.time_writings import read_time
from graphdet.events.top_lines import DELIMITERS
from graphdet.scratch import new_file

MARK = b"\x1f"  # ASCII's own separator of units
_WIDE = ("，", "；")
_HEAD = 1 << 16
_LOOKED_AT = 5  # lines
_NO_WORD = re.compile(r'["\[{(<]')  # begins what may hold spaces of its own


def with_one_mark(path: Path, folder: Path, names: int) -> Path:
    """The text itself where one of the usual marks lies between its fields; else a copy that is so, if its first lines show which.

    Args:
        names: how many columns the settings name for a file without a header; single spaces part fields where they make so many, or
            where every line has as many words as the first.
    """
    head = _first_lines(path)
    lines = head[:_LOOKED_AT]
    if not lines or any(mark in line for line in lines for mark in DELIMITERS):
        return path
    if all("::" in line for line in lines):
        between = re.compile(rb"::")
    elif wide := next((mark for mark in _WIDE if all(mark in line for line in lines)), ""):
        between = re.compile(wide.encode())
    elif _are_words(head) or (names > 1 and all(len(line.split()) == names for line in lines)):
        between = re.compile(rb" +")
    elif len(lines) > 1 and all(re.search(r"\S(?:  +)\S", line) for line in lines):
        between = re.compile(rb"  +")
    else:
        return path
    target = new_file(folder)
    with path.open("rb") as source, target.open("wb") as out:
        for line in source:
            bare = line.rstrip(b"\r\n")
            out.write(between.sub(MARK, bare.strip(b" ") if b" " in between.pattern else bare) + b"\n")
    return target


def _are_words(lines: list[str]) -> bool:
    """Whether fields are single words, as where columns stand in line: as many in each line, and no date with its time among them."""
    if len(lines) < 2 or len({len(line.split()) for line in lines}) > 1 or any(_NO_WORD.search(line) for line in lines):
        return False
    parted = [re.split("  +", line.strip()) for line in lines[1:]]
    return len(lines[0].split()) > 1 and not any(_is_moment(field) for fields in parted for field in fields if " " in field)


def _is_moment(field: str) -> bool:
    return read_time(field, lambda _: "day first") is not None or read_time(field, lambda _: "month first") is not None


def _first_lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        head = stream.read(_HEAD)
        whole = head.splitlines()[: -1 if len(head) == _HEAD else None]
    return [line for line in whole if line.strip() and not line.startswith("#")]
