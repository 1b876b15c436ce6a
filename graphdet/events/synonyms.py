"""Columns that name the same things one to one, as item, SKU and EAN do: what is mapped twice tells nothing twice, and one name will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from graphdet.events.expressions import name_expression
from graphdet.events.opening import Source
from graphdet.schema import NODE_TYPES

_FEWEST = 20  # things, below which columns may agree by chance
_AGAIN = 1.5  # how often each stands there at the least, on average
_LOOKED_AT, _MOST = 5_000, 30  # rows of each file, and columns that are not read

Codes = npt.NDArray[np.int32]


def same_things(codes: Mapping[str, Codes]) -> list[tuple[str, str, int]]:
    """(column, column, things) of ours that say the same of every row."""
    columns = [node_type.column for node_type in NODE_TYPES if node_type.column in codes]
    return [(one, other, things) for one, other in combinations(columns, 2) if (things := _paired(codes[one], codes[other]))]


def _paired(one: Codes, other: Codes) -> int:
    """How many things two columns name one to one; 0 where they do not."""
    for rows in (slice(0, _LOOKED_AT), slice(None)):  # most pairs part within the first rows
        a, b = one[rows], other[rows]
        if not len(a) or not np.array_equal(a < 0, b < 0):
            return 0
        a, b = a[a >= 0], b[b >= 0]
        if not len(a) or not (_one_each(a, b) and _one_each(b, a)):
            return 0
    things = int(np.count_nonzero(np.bincount(a)))
    return things if things >= _FEWEST and len(a) >= _AGAIN * things else 0


def _one_each(key: Codes, value: Codes) -> bool:
    told = np.full(int(key.max()) + 1, -1, np.int32)
    told[key] = value
    return bool(np.array_equal(told[key], value))


def unread_synonyms(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> tuple[tuple[str, str], ...]:
    """(column that is not read, column that is read as item_id) of files in whose first rows they name the same things."""
    found: dict[tuple[str, str], None] = {}
    for source in sources:
        place = source.mapping.positions.get("item_id")
        if source.empty or source.mapping.catalogue or place is None:
            continue
        used = set(source.mapping.positions.values())
        others = [other for other in range(len(source.columns)) if other not in used and source.mapping.header[other].strip()][:_MOST]
        if others:
            names = {other: source.mapping.header[other].strip() for other in others}
            same = _same_as(connection, source, place, others)
            found |= dict.fromkeys((names[other], source.mapping.header[place].strip()) for other in same)
    return tuple(found)


def _same_as(connection: duckdb.DuckDBPyConnection, source: Source, place: int, others: Sequence[int]) -> list[int]:
    texts = [f"{name_expression(source.columns[one], source.types[one])} AS x{n}" for n, one in enumerate((place, *others))]
    counted = ["count(x0)", "count(DISTINCT x0)"]
    for n in range(1, len(others) + 1):
        counted += [f"count(x{n})", f"count(DISTINCT x{n})", f"count(DISTINCT x0 || chr(31) || x{n})"]
    query = f"SELECT {', '.join(counted)} FROM (SELECT {', '.join(texts)} FROM {source.sql} LIMIT {_LOOKED_AT})"  # noqa: S608
    (told,) = connection.execute(query).fetchall()
    rows, things, rest = told[0], told[1], _threes(told[2:])
    if things < _FEWEST or rows < _AGAIN * things:
        return []
    return [other for other, (filled, distinct, pairs) in zip(others, rest, strict=True) if filled == rows and distinct == pairs == things]


def _threes(numbers: Sequence[Any]) -> list[tuple[Any, Any, Any]]:
    return [(numbers[at], numbers[at + 1], numbers[at + 2]) for at in range(0, len(numbers), 3)]
