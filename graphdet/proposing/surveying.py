"""Log files → a look at each of them, and which keys they share: by their names first, and then by all their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graphdet.events.first_rows import OpenFiles, opened_files
from graphdet.events.header import squeezed
from graphdet.events.joining import table_name
from graphdet.proposing.composed_names import composed
from graphdet.proposing.lexicon import NAMES
from graphdet.proposing.looking import ColumnLook, FileLook, SharedKey, look_at
from graphdet.schema import NODE_TYPES
from graphdet.settings import MachineSettings

ROWS = 20_000  # that are looked at of each file
FILES = 8  # of which so many rows are looked at; of more of them fewer each
LEAST_ROWS = 500
REPEATED = 1.2  # rows for each of its keys, in the first rows, from which on a file is no table: more than copied rows come to
KEYS = (*(one.column for one in NODE_TYPES), "order_id", "category")  # of ours, by which files may be joined
_NO_KEYS = {ours for ours in NAMES if ours not in KEYS}
_OWN_KEY = ("id", "key", "nr", "no", "code", "number", "uuid", "nummer", "编号")  # what a table may call its own key
_ANYTHING = {*_OWN_KEY, "name", "title", "status", "state", "country", "city", "index", "row", "rowid", "lang", "language", "currency"}


def look_at_files(paths: Sequence[Path | str], machine: MachineSettings) -> list[FileLook]:
    """A look at the first rows of each log file, and at the keys by which they find rows of one another.

    Args:
        paths: as for `read_events`.
        machine: threads and memory.

    Raises:
        UnreadableFile, EmptyLog: as in `read_events`.
    """
    with opened_files(paths, machine) as files:
        most = max(ROWS * FILES // max(len(files.sources), FILES), LEAST_ROWS)
        looks = [look_at(first) for first in files.first_rows(most)]
        kinds = Counter(_kind(look) for look in looks)
        tables = [look for look in looks if kinds[_kind(look)] == 1]  # a table is one file
        return [replace(look, shared=tuple(_shared(files, look, tables, most))) for look in looks]


def _kind(look: FileLook) -> tuple[str, ...]:
    return tuple(squeezed(column.name) for column in look.columns)


def _shared(files: OpenFiles, look: FileLook, others: Sequence[FileLook], most: int) -> list[SharedKey]:
    found = []
    for other in others:
        if other.path == look.path or look.headerless or other.headerless or look.web_log or other.web_log:
            continue
        for one, column in enumerate(look.columns):
            for two, key in enumerate(other.columns):
                if may_be_keys(column, key, other.path):
                    counted = files.count_keys((look.path, one), (other.path, two), most)
                    if counted is not None and counted.rows:
                        told = (counted.rows, counted.found, counted.keys, counted.repeated)
                        found.append(SharedKey(column.name, other.path, key.name, *told))
    return found


def may_be_keys(column: ColumnLook, key: ColumnLook, table: str) -> bool:
    """Whether a column may name rows of a table by their key: they are called alike, and a key stands on one row.

    Args:
        table: the file of the key, whose name may tell what its `id` is of.
    """
    if not column.filled or not key.filled or key.filled > REPEATED * key.distinct or max(key.times, column.times) > 0.8:
        return False
    theirs, ours = squeezed(key.name), squeezed(column.name)
    if ours in _ANYTHING or meanings(column.name) & _NO_KEYS:
        return False
    if theirs == ours:
        return True
    if theirs in _ANYTHING:
        called = _called(table_name(table))
        return theirs in _OWN_KEY and bool(
            ours in called or any(ours == name + own for name in called for own in _OWN_KEY) or _meaning_of(called) & meanings(column.name)
        )
    return bool(meanings(key.name) & meanings(column.name) & set(KEYS))


def meanings(name: str) -> set[str]:
    """Which of our columns a name is known for."""
    known = {ours for ours, names in NAMES.items() if squeezed(name) in names}
    return known or {one for one in (composed(name),) if one}


def _called(table: str) -> set[str]:
    """What one row of a table is called, by the table's name: customers, dim_customer and Customers_2025 hold a customer each."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", table))]
    singular = {ending.sub(one, word) for word in words for ending, one in _PLURALS}
    return {word for word in {*words, *singular} if word}


def _meaning_of(called: set[str]) -> set[str]:
    return {ours for name in called for ours in meanings(name)}


_PLURALS = ((re.compile(r"ies$"), "y"), (re.compile(r"(?<=[sxz])es$|(?<=[cs]h)es$"), ""), (re.compile(r"s$"), ""))
