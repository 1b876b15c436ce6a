"""JSON of any layout → one object a line, and the values in these objects by dotted names: {"user": {"id": 1}} has user.id."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from graphdet.errors import UnreadableFile
from graphdet.events.expressions import quoted
from graphdet.events.timestamps import WHITESPACE
from graphdet.scratch import new_file

IS_OBJECT = f"line IS NOT NULL AND ltrim(line, {WHITESPACE}) LIKE '{{%' AND json_valid(line)"
_DEEPEST, _MOST = 8, 2000  # levels of objects, and leaves, beyond which what is nested stays one text
_LONGEST = 15_000_000
# DuckDB dies of structures some 120 levels deep; a line that has more brackets, which need not be so deep, is looked at by us.
_MANY_BRACKETS = "(length(line) > 240 AND length(line) - length(translate(line, '{[', '')) > 120)"


@dataclass(frozen=True)
class Leaf:
    """A value in each object: its dotted name, its JSON pointer, and whether it is a list."""

    name: str
    pointer: str
    is_list: bool


def in_lines(connection: duckdb.DuckDBPyConnection, name: str, path: Path, unroll: tuple[str, ...], folder: Path) -> Path:
    """The file itself where each line is an object; else a copy that is so: of an array, of objects over several lines, of one that holds a
    list of them; and with a line for each value of the lists that are to be unrolled.

    Raises:
        UnreadableFile: an array that is broken.
    """
    shape = _shape(path)
    if shape == "lines" and not unroll:
        return path
    lines: Iterable[str]
    if shape == "lines":
        lines = _text_lines(path)
    else:
        query = f"SELECT json(json)::VARCHAR FROM read_json_objects({quoted(path)}, format='{shape}', maximum_object_size={_LONGEST})"  # noqa: S608
        lines = _one_column(connection, query, name)
    target = new_file(folder)
    with target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        for line in _unrolled(_unwrapped(lines) if shape == "unstructured" else lines, unroll):
            out.write(line + "\n")
    return target


def _shape(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(1 << 20).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"["):
        rest = head[1:].lstrip(b" \t\r\n")
        return "array" if rest[:1] in (b"{", b"]") else "lines"
    first, more, rest = head.partition(b"\n")
    if first.startswith(b"{") and (more or len(head) < 1 << 20):
        try:
            json.loads(first)
        except RecursionError:
            return "lines"
        except ValueError:
            later = rest.lstrip(b" \t\r\n")
            return "unstructured" if first.strip() == b"{" or (later[:1] in (b'"', b"}") and not first.rstrip().endswith(b"}")) else "lines"
        if not rest.strip() and b"[" in first:
            return "unstructured"
    return "lines"


def _one_column(connection: duckdb.DuckDBPyConnection, query: str, name: str) -> Iterator[str]:
    try:
        result = connection.execute(query)
        while rows := result.fetchmany(10_000):
            yield from (row[0] for row in rows)
    except duckdb.Error as error:
        first = str(error).splitlines()[0][:120]
        raise UnreadableFile(f"{name}: cannot be read as JSON ({first}); check that it is whole, or write one object per line.") from None


def _text_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        yield from (line.rstrip("\r\n") for line in stream)


def _unwrapped(lines: Iterable[str]) -> Iterator[str]:
    """One object that holds a single list of objects stands for these."""
    every = list(lines)
    if len(every) == 1:
        try:
            whole = json.loads(every[0])
        except RecursionError:  # nested by the thousand: whatever it is, it is no wrapping
            whole = {}
        if not isinstance(whole, dict):
            return iter(every)
        lists = [value for value in whole.values() if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)]
        if len(lists) == 1 and not {"user_id", "user"} & set(whole):
            return iter([json.dumps(one) for one in lists[0]])
    return iter(every)


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
        yield from (json.dumps(row) for row in rows)  # halves of characters are no UTF-8, but may stand in JSON


def _of_each(whole: dict[str, Any], path: list[str]) -> list[dict[str, Any]]:
    """The object once for each value of the list at a path, with the value in the list's place; once as it is where there is none."""
    key, rest = path[0], path[1:]
    value = whole.get(key)
    if rest:
        return [whole | {key: inner} for inner in _of_each(value, rest)] if isinstance(value, dict) else [whole]
    if not isinstance(value, list):
        return [whole]
    return [whole | {key: one} for one in value] or [{name: other for name, other in whole.items() if name != key}]


def find_leaves(connection: duckdb.DuckDBPyConnection, lines: str, wanted: Iterable[str]) -> list[Leaf]:
    """All values that any object has, by name; and those that the settings map by a dotted name, where only some have objects there."""
    query = f"SELECT json_group_structure(line::JSON) FROM {lines} WHERE {IS_OBJECT} AND NOT {_MANY_BRACKETS}"  # noqa: S608 - paths are quoted
    (told,) = connection.execute(query).fetchall()[0]
    structure = json.loads(told) if told else {}
    asked = connection.execute(f"SELECT line FROM {lines} WHERE {_MANY_BRACKETS} AND {IS_OBJECT}")  # noqa: S608 - as above
    while rows := asked.fetchmany(1000):
        for (line,) in rows:
            with contextlib.suppress(RecursionError, ValueError):  # a line that nests by the thousand has nothing for us
                structure = _merged(structure, _kind(json.loads(line), 0))
    if not isinstance(structure, dict):
        return []
    found = {leaf.name: leaf for leaf in _leaves(structure, (), 1)}
    if len(found) > _MOST:
        found = {key: Leaf(key, _pointer((key,)), isinstance(kind, list)) for key, kind in structure.items()}
    for name in wanted:
        path = tuple(name.strip().split("."))
        if len(path) > 1 and name.strip() not in found and any(".".join(path[:stop]) in found for stop in range(1, len(path))):
            found[name.strip()] = Leaf(name.strip(), _pointer(path), is_list=False)
    return [found[name] for name in sorted(found)]


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
        if isinstance(kind, dict) and kind and depth < _DEEPEST:
            yield from _leaves(kind, path, depth + 1)
        else:
            yield Leaf(".".join(path), _pointer(path), isinstance(kind, list))


def _pointer(path: tuple[str, ...]) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
