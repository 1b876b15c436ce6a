"""One JSON document that holds a whole log → its rows as objects: a list inside, columns of values, tables as pandas writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
_DEEPEST = 5


def rows_of(document: Any) -> list[Object] | None:
    """The rows of a document; None where it is one row itself, or nothing that is known."""
    if isinstance(document, list):
        return _of_lists(document)
    if not isinstance(document, dict) or {"user_id", "user"} & _plain_keys(document):
        return None
    lists = list(_lists_of_objects(document, 0))
    if len(lists) == 1:
        return lists[0]
    return None if lists else _of_columns(document)


def _plain_keys(document: Object) -> set[str]:
    return {key for key, value in document.items() if not isinstance(value, (dict, list))}


def _lists_of_objects(document: Object, depth: int) -> Iterator[list[Object]]:
    for value in document.values():
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            yield value
        elif isinstance(value, dict) and depth < _DEEPEST:
            yield from _lists_of_objects(value, depth + 1)


def _of_lists(rows: list[Any]) -> list[Object] | None:
    """A list of objects, or of lists of which the first names the columns."""
    if rows and all(isinstance(row, dict) for row in rows):
        return rows
    if len(rows) > 1 and all(isinstance(row, list) for row in rows) and all(isinstance(name, str) for name in rows[0]):
        return [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    return None


def _of_columns(document: Object) -> list[Object] | None:
    columns, data = document.get("columns"), document.get("data")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, columns), row, strict=False)) for row in data]
    values = list(document.values())
    if len(values) > 1 and all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    if not values or not all(isinstance(value, dict) and value for value in values):
        return None
    if len(values) > 1 and all(set(value) == set(values[0]) for value in values) and all(key.isdecimal() for key in values[0]):
        return [{name: column[row] for name, column in document.items()} for row in values[0]]
    shared = set(values[0]).intersection(*values[1:])
    return values if len(values) > 1 and shared and not {"user_id", "item_id"} & set(document) else None
