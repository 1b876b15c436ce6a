"""Rows and entries ↔ the tables of an open casebook, or of one in memory that a check makes anew."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from graphdet.cases.entries import Entry
from graphdet.cases.folding import AnyRow
from graphdet.cases.rows import TABLES, Row

_ENTRY = "SELECT number, time, author, kind, case_name, suppression, payload, before, hash FROM journal"


def _columns(kind: type[Row]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _put(kind: type[Row]) -> str:
    names, keys = _columns(kind), _columns(kind)[: kind.keys]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names[kind.keys :])
    then = f"UPDATE SET {changed}" if changed else "NOTHING"
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {kind.table} ({', '.join(names)}) VALUES ({places}) ON CONFLICT ({', '.join(keys)}) DO {then}"  # noqa: S608


# Of each table; names are the classes' own.
COLUMNS = {kind.table: _columns(kind) for kind in TABLES}
_SELECT = {kind.table: f"SELECT {', '.join(_columns(kind))} FROM {kind.table}" for kind in TABLES}  # noqa: S608
_PUT = {kind.table: _put(kind) for kind in TABLES}


class StoredTables:
    """The tables of an open casebook."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, kind: type[AnyRow], *key: str) -> AnyRow | None:
        """The row of this key."""
        where = " AND ".join(f"{name} = ?" for name in COLUMNS[kind.table][: kind.keys])
        found = self._connection.execute(f"{_SELECT[kind.table]} WHERE {where}", key).fetchone()
        return None if found is None else kind(*found)

    def put(self, row: Row) -> None:
        """Write a row in place of that of its key."""
        self._connection.execute(_PUT[row.table], row.values)

    def clear(self, kind: type[Row], first: str) -> None:
        """Take out the rows whose key begins so."""
        self._connection.execute(f"DELETE FROM {kind.table} WHERE {COLUMNS[kind.table][0]} = ?", (first,))  # noqa: S608

    def about(self, *, case: str = "", suppression: str = "") -> Sequence[Entry]:
        """The entries so far on one case, or on one suppression."""
        column, value = ("case_name", case) if case else ("suppression", suppression)
        rows = self._connection.execute(f"{_ENTRY} WHERE {column} = ? ORDER BY number", (value,))
        return [Entry(*row) for row in rows]

    def append(self, entry: Entry) -> None:
        """One entry more of the journal."""
        self._connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", entry.values)

    def last(self) -> Entry | None:
        """The last entry."""
        found = self._connection.execute(f"{_ENTRY} ORDER BY number DESC LIMIT 1").fetchone()
        return None if found is None else Entry(*found)

    def entries(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """The journal from an entry on."""
        bounds = (after, 2**62 if until is None else until)
        for row in self._connection.execute(f"{_ENTRY} WHERE number > ? AND number <= ? ORDER BY number", bounds):
            yield Entry(*row)

    def latest(self, kind: str, author: str) -> Iterator[Entry]:
        """One author's entries of a kind, the latest first."""
        for row in self._connection.execute(f"{_ENTRY} WHERE kind = ? AND author = ? ORDER BY number DESC", (kind, author)):
            yield Entry(*row)

    def rows(self, kind: type[AnyRow], where: str = "", values: Sequence[object] = ()) -> list[AnyRow]:
        """Rows of a table, by key; `where` is written here in the code, values are parameters."""
        names = COLUMNS[kind.table]
        order = ", ".join(names[: kind.keys])
        return [
            kind.stored(names, row) for row in self._connection.execute(f"{_SELECT[kind.table]} {where} ORDER BY {order}", tuple(values))
        ]

    def values(self, kind: type[Row]) -> Iterator[tuple[Any, ...]]:
        """The rows of a table as they are stored; a check that looks at all of them makes no objects of them."""
        yield from self._connection.execute(_SELECT[kind.table])

    def count(self, query: str, values: Sequence[object] = ()) -> int:
        """The number that a query gives."""
        return int(self._connection.execute(query, tuple(values)).fetchone()[0])

    def select(self, where: str, values: Sequence[object]) -> list[Entry]:
        """Entries of which something is true, oldest first; `where` is written here in the code, values are parameters."""
        return [Entry(*row) for row in self._connection.execute(f"{_ENTRY} WHERE {where} ORDER BY number", tuple(values))]


class TablesInMemory:
    """The same, of a journal that is folded from its beginning."""

    def __init__(self) -> None:
        self.held: dict[type[Row], dict[tuple[str, ...], Row]] = defaultdict(dict)
        self._keys: dict[tuple[type[Row], str], set[tuple[str, ...]]] = defaultdict(set)  # table and first part → keys
        self._of_case: dict[str, list[Entry]] = defaultdict(list)
        self._of_suppression: dict[str, list[Entry]] = defaultdict(list)

    def get(self, kind: type[AnyRow], *key: str) -> AnyRow | None:
        """The row of this key."""
        found = self.held[kind].get(key)
        return found if isinstance(found, kind) else None

    def put(self, row: Row) -> None:
        """Write a row in place of that of its key."""
        key, kind = row.key, type(row)
        self.held[kind][key] = row
        self._keys[kind, key[0]].add(key)

    def clear(self, kind: type[Row], first: str) -> None:
        """Take out the rows whose key begins so."""
        for key in self._keys.pop((kind, first), ()):
            del self.held[kind][key]

    def about(self, *, case: str = "", suppression: str = "") -> Sequence[Entry]:
        """The entries so far on one case, or on one suppression."""
        return self._of_case[case] if case else self._of_suppression[suppression]

    def append(self, entry: Entry) -> None:
        """One entry more of the journal."""
        if entry.case:
            self._of_case[entry.case].append(entry)
        if entry.suppression:
            self._of_suppression[entry.suppression].append(entry)
