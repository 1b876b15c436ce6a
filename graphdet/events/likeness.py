"""Ids that differ only in how they were written: by case, spaces, a point and a nought, or a second encoding; and how to make them one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import unescape
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.coding import text_buffers

ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+\d+$"  # by a spreadsheet, which many ids may then have become
_ENCODED = r"%[0-9A-Fa-f]{2}|&(?:amp|quot|lt|gt|#\d+);|[ÃÂ][" + "\u0080-\u00bf]|â€"
_FLOAT = r"^\d+\.0+$"
_LAYERS = 4  # of encoding that are taken off
WAYS = ("case", "spaces", "float", "encoding")


def folded(names: pa.LargeStringArray, ways: Sequence[str]) -> pa.LargeStringArray:
    """The names as they are when differences of these kinds are none."""
    for way in ways:
        if way == "case":
            names = pc.utf8_lower(names)
        elif way == "spaces":
            names = pc.replace_substring_regex(names, "[\\s\u00a0\u3000]+", "")
        elif way == "float":
            names = _where(names, _FLOAT, lambda name: name.partition(".")[0])
        else:
            names = _where(names, _ENCODED, _decoded)
    return names


def alike(names: pa.StringArray) -> list[tuple[str, int, str, str]]:
    """(way, how many names, one of them, the other) for each way by which several names would be one."""
    large = names.cast(pa.large_string())
    found = []
    for way in WAYS:
        if not _may_differ(large, way):
            continue
        one = folded(large, (way,))
        if way == "encoding":  # a name that is encoded twice is told by its form, even where the other is not there
            changed = np.flatnonzero(np.asarray(pc.not_equal(one, large)))
            if len(changed):
                found.append((way, len(changed), large[int(changed[0])].as_py(), one[int(changed[0])].as_py()))
            continue
        indices = one.dictionary_encode().indices.to_numpy()
        counts = np.bincount(indices)
        several = np.flatnonzero(counts[indices] > 1)
        if len(several):
            pair = np.flatnonzero(indices == indices[several[0]])[:2]
            found.append((way, len(several), large[int(pair[0])].as_py(), large[int(pair[1])].as_py()))
    rounded = np.flatnonzero(np.asarray(pc.match_substring_regex(large, ROUNDED))) if _has(large, b"+") else np.zeros(0, np.int64)
    if len(rounded):
        found.append(("rounded", len(rounded), large[int(rounded[0])].as_py(), ""))
    return found


def _may_differ(names: pa.LargeStringArray, way: str) -> bool:
    """Whether any byte speaks for it: looking at bytes costs little, folding much."""
    if way == "case":
        content = _content(names)
        upper = bool(np.any((content >= 65) & (content <= 90)))
        return (upper and bool(np.any((content >= 97) & (content <= 122)))) or bool(np.any(content >= 128))
    if way == "spaces":
        return _has(names, b" ") or _has(names, b"\xc2") or _has(names, b"\xe3")
    return _has(names, b".") if way == "float" else _has(names, b"%") or _has(names, b"&") or _has(names, b"\xc3") or _has(names, b"\xc2")


def _content(names: pa.LargeStringArray) -> npt.NDArray[np.uint8]:
    bounds, content = text_buffers(names)
    return content[bounds[0] : bounds[-1]]


def _has(names: pa.LargeStringArray, byte: bytes) -> bool:
    return byte[0] in _content(names)


def _where(names: pa.LargeStringArray, pattern: str, change: Callable[[str], str]) -> pa.LargeStringArray:
    """Change the names that match, and only these."""
    mask = pc.match_substring_regex(names, pattern)
    changed = pa.array([change(name) for name in names.filter(mask).to_pylist()], pa.large_string())
    return pc.replace_with_mask(names, mask, changed)


def _decoded(name: str) -> str:
    """A name that was encoded for an address, for a page, or as UTF-8 twice, as it was before the first time."""
    for _ in range(_LAYERS):
        name, before = _once(name), name
        if name == before:
            break
    return name


def _once(name: str) -> str:
    try:
        once = unescape(unquote(name, errors="strict")) if re.search(r"%[0-9A-Fa-f]{2}|&", name) else name
    except UnicodeError:
        return name
    try:
        return once.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return once
