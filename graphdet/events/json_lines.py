"""JSON of any layout → one object a line, and the values in these objects by dotted names: {"user": {"id": 1}} has user.id."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np

from graphdet import _kernels
from graphdet.errors import UnreadableFile
from graphdet.events.expressions import quoted
from graphdet.events.json_documents import rows_of
from graphdet.events.refusals import ENGINE
from graphdet.events.timestamps import WHITESPACE
from graphdet.scratch import new_file

IS_OBJECT = f"line IS NOT NULL AND ltrim(line, {WHITESPACE}) LIKE '{{%' AND json_valid(line)"
_DEEPEST, _MOST = 8, 2000  # levels of objects, and leaves, beyond which what is nested stays one text
_LONGEST = 15_000_000
_SCANNED = 1 << 24  # bytes looked at at once
# DuckDB dies of structures some 120 levels deep; a line that has more brackets, which need not be so deep, is looked at by us.
_MANY_BRACKETS = "(length(line) > 240 AND length(line) - length(translate(line, '{[', '')) > 120)"
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Leaf:
    """A value in each object: its dotted name, its JSON pointer, and whether it is a list."""

    name: str
    pointer: str
    is_list: bool


def in_lines(connection: duckdb.DuckDBPyConnection, name: str, path: Path, unroll: tuple[str, ...], folder: Path) -> Path:
    """The file itself where each line is an object; else a copy that is so: of an array, of objects over several lines or with marks
    between them, of one document that holds all rows; and with a line for each value of the lists that are to be unrolled.

    Raises:
        UnreadableFile: an array that is broken.
    """
    shape = _shape(path)
    if shape == "lines" and not unroll:
        return path
    lines: Iterable[str]
    if shape == "lines":
        lines = _text_lines(path)
    elif shape == "loose":
        lines = _loose_lines(path)
    elif shape == "document":
        lines = _document(path, name)
    else:
        query = f"SELECT json(json)::VARCHAR FROM read_json_objects({quoted(path)}, format='{shape}', maximum_object_size={_LONGEST})"  # noqa: S608
        lines = _one_column(connection, query, name)
    target = new_file(folder)
    with target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        for line in _unrolled(lines, unroll):
            out.write(line + "\n")
    return target


def _shape(path: Path) -> str:
    """ "lines": an object each; "loose": the same with marks beside or between them; "array", "unstructured": as DuckDB calls them;
    "document": one that is read as a whole."""
    with path.open("rb") as stream:
        head = stream.read(1 << 20).lstrip(b"\xef\xbb\xbf \t\r\n")
    first, more, rest = head.partition(b"\n")
    first, later = first.strip(), rest.lstrip(b" \t\r\n")
    if head.startswith(b"["):
        inside = head[1:].lstrip(b" \t\r\n")
        if later.startswith(b"[") and first.endswith((b"]", b"],")) and not inside.startswith(b"["):
            return "loose"
        return "array" if inside[:1] in (b"{", b"]") else "document" if inside.startswith(b"[") else "lines"
    if head.startswith(b"\x1e") or first.endswith(b"},"):
        return "loose"
    if first.startswith(b"{") and (more or len(head) < 1 << 20):
        return _shape_of_objects(first, rest, later)
    return "document" if first.startswith(b"{") and not more else "lines"


def _shape_of_objects(first: bytes, rest: bytes, later: bytes) -> str:
    """Of a text that begins with an object, by its first line and what comes then."""
    try:
        whole = json.loads(first)
    except RecursionError:  # nested by the thousand: a row like others
        return "lines"
    except ValueError as error:
        if str(error).startswith("Extra data") and first[getattr(error, "pos", 0) :].lstrip().startswith(b"{"):
            return "unstructured"  # several objects on one line
        opened = first == b"{" or (later[:1] in (b'"', b"}", b"{", b"[") and not first.endswith(b"}"))
        return ("document" if _one_object(first + b"\n" + rest) else "unstructured") if opened else "lines"
    return "document" if not rest.strip() and any(isinstance(value, (list, dict)) for value in whole.values()) else "lines"


def _one_object(head: bytes) -> bool:
    """Whether an object over several lines seems to be the only one: it does not end in what was looked at, or nothing follows it."""
    try:
        _, end = json.JSONDecoder().raw_decode(head.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return True
    return not head.decode("utf-8", "replace")[end:].strip()


def _document(path: Path, name: str) -> Iterator[str]:
    """The rows of one document; the document itself where it is one row; and lines, where the first is very long."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8-sig", errors="replace"))
    except RecursionError:
        yield from _text_lines(path)
        return
    except ValueError as error:
        if "Extra data" in str(error):
            yield from _text_lines(path)
            return
        raise UnreadableFile(f"{name}: cannot be read as JSON ({error}); check that it is whole, or write one object per line.") from None
    yield from map(_written, rows_of(whole) or [whole])


def _written(row: Any) -> str:
    """A row as a line; what is half a character stays escaped."""
    line = json.dumps(row, ensure_ascii=False)
    return line if line.isascii() or not _HALF.search(line) else json.dumps(row)


def _loose_lines(path: Path) -> Iterator[str]:
    """Objects and lists of objects, a line each, whatever marks stand beside them; a line that is neither stays as it is."""
    for line in _text_lines(path):
        bare = line.strip(" \t\r\n\ufeff\x1e,")
        try:
            found = json.loads(bare) if bare.startswith("[") else None
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            yield from map(_written, found)
        elif bare not in ("", "[", "]"):
            yield bare


def _one_column(connection: duckdb.DuckDBPyConnection, query: str, name: str) -> Iterator[str]:
    try:
        result = connection.execute(query)
        while rows := result.fetchmany(10_000):
            yield from (row[0] for row in rows)
    except ENGINE as error:
        first = str(error).splitlines()[0][:120]
        raise UnreadableFile(f"{name}: cannot be read as JSON ({first}); check that it is whole, or write one object per line.") from None


def _text_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        yield from (line.rstrip("\r\n") for line in stream)


def _unrolled(lines: Iterable[str], names: tuple[str, ...]) -> Iterator[str]:
    if not names:
        yield from lines
        return
    for line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            yield line
            continue
        rows = [found]
        for name in names:
            rows = [row for whole in rows for row in _of_each(whole, name.split("."))]
        yield from map(_written, rows)


def _of_each(whole: dict[str, Any], path: list[str]) -> list[dict[str, Any]]:
    """The object once for each value of the list at a path, with the value in the list's place; once as it is where there is none."""
    key, rest = path[0], path[1:]
    value = whole.get(key)
    if rest:
        return [whole | {key: inner} for inner in _of_each(value, rest)] if isinstance(value, dict) else [whole]
    if not isinstance(value, list):
        return [whole]
    return [whole | {key: one} for one in value] or [{name: other for name, other in whole.items() if name != key}]


def find_leaves(
    connection: duckdb.DuckDBPyConnection, path: Path, sql_of: Callable[[Path], str], wanted: Iterable[str], folder: Path
) -> list[Leaf]:
    """All values that any object has, by name; and those that the settings map by a dotted name, where only some have objects there.

    Args:
        path: of a file of lines, which `sql_of` makes a table of one column, `line`.
        wanted: names that the settings map.
        folder: for the lines that are no flat objects, where most are; of these alone DuckDB tells what is in them.
    """
    flat, unclear = _flat_names(path, folder)
    structure = _structure_of(connection, sql_of(unclear)) if unclear.stat().st_size else {}
    for name, told in flat.items():
        structure[name] = _merged(structure[name], "JSON") if told and name in structure else structure.get(name, "JSON")
    found = {leaf.name: leaf for leaf in _leaves(structure, (), 1)}
    if len(found) > _MOST:
        found = {key: Leaf(key, _pointer((key,)), isinstance(kind, list)) for key, kind in structure.items()}
    for name in wanted:
        keys = tuple(name.strip().split("."))
        if len(keys) > 1 and name.strip() not in found and any(".".join(keys[:stop]) in found for stop in range(1, len(keys))):
            found[name.strip()] = Leaf(name.strip(), _pointer(keys), is_list=False)
    return [found[name] for name in sorted(found)]


def _flat_names(path: Path, folder: Path) -> tuple[dict[str, bool], Path]:
    """Names in the lines that are flat objects, with whether any value is other than null, and a file of all other lines."""
    found: dict[str, bool] = {}
    unclear = new_file(folder)
    with path.open("rb") as stream, unclear.open("wb") as out:
        rest = b""
        while data := stream.read(_SCANNED):
            cut = data.rfind(b"\n") + 1
            block, rest = rest + data[:cut], data[cut:] if cut else rest + data
            if len(rest) > _LONGEST or not _scan(block, found, out):
                return {}, path  # DuckDB knows what to say of it
        if not _scan(rest, found, out):
            return {}, path
    return found, unclear


def _scan(block: bytes, found: dict[str, bool], unclear: BinaryIO) -> bool:
    """Whether the block is UTF-8, and so could be looked at."""
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    told, empty, others = _kernels.flat_names(np.frombuffer(block, np.uint8))
    found |= {name.decode(): True for name in told}
    for name in empty:
        found.setdefault(name.decode(), False)
    for begin, end in others.reshape(-1, 2).tolist():
        unclear.write(block[begin:end] + b"\n")
    return True


def _structure_of(connection: duckdb.DuckDBPyConnection, lines: str) -> dict[str, Any]:
    """What objects in these lines hold: a name's kind, the names inside it, or the kind of a list's values."""
    query = f"SELECT json_group_structure(line::JSON) FROM {lines} WHERE {IS_OBJECT} AND NOT {_MANY_BRACKETS}"  # noqa: S608 - paths are quoted
    (told,) = connection.execute(query).fetchall()[0]
    structure = json.loads(told) if told else {}
    asked = connection.execute(f"SELECT line FROM {lines} WHERE {_MANY_BRACKETS} AND {IS_OBJECT}")  # noqa: S608 - as above
    while rows := asked.fetchmany(1000):
        for (line,) in rows:
            with contextlib.suppress(RecursionError, ValueError):  # a line that nests by the thousand has nothing for us
                structure = _merged(structure, _kind(json.loads(line), 0))
    return structure if isinstance(structure, dict) else {}


def _kind(value: Any, depth: int) -> Any:
    """The structure of a value as DuckDB tells it: of an object its names, of a list one of its kinds, of all else a word."""
    if isinstance(value, dict) and depth <= _DEEPEST:
        return {key: _kind(inner, depth + 1) for key, inner in value.items()}
    return ["JSON"] if isinstance(value, list) else "JSON"


def _merged(one: Any, other: Any) -> Any:
    """The structure of what has either structure; where only one has objects, it is one text."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one[key], kind) if key in one else kind for key, kind in other.items()}}
    return one if isinstance(one, list) and isinstance(other, list) else "JSON"


def _leaves(structure: dict[str, Any], above: tuple[str, ...], depth: int) -> Iterator[Leaf]:
    for key, kind in structure.items():
        path = (*above, key)
        if isinstance(kind, dict) and len(kind) == 1 and (only := next(iter(kind))).startswith("$"):  # as MongoDB writes types
            inner = (*path, only, *(kind[only] if isinstance(kind[only], dict) and len(kind[only]) == 1 else ()))
            yield Leaf(".".join(path), _pointer(inner), isinstance(kind[only], list))
        elif isinstance(kind, dict) and kind and depth < _DEEPEST:
            yield from _leaves(kind, path, depth + 1)
        else:
            yield Leaf(".".join(path), _pointer(path), isinstance(kind, list))


def _pointer(path: tuple[str, ...]) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
