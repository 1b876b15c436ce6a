"""The page's tables: their columns, named once. Rows go into the file as lists, since names in each row would double it.

The page holds TABLES as `columns`, and its script gives every row its names back before anything reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

# Ids are places in the page's list of ids; `member` and `target` are places in the dossier's own tables of those.
TABLES = {
    "members": (
        "id", "role", "contribution", "touched", "events", "all_events", "first", "seen_since", "shared_devices", "standing", "weak",
    ),
    "targets": ("id", "members", "users", "events", "start", "end", "category", "gain"),
    "shared": ("type", "id", "members", "users", "expected", "crowded"),
    "sellers": ("id", "items", "orders", "amount", "expected", "inflated_amount"),
    "events": ("second", "member", "target", "action", "amount", "mark"),  # and then the event's node of each type that the log has
    "cells": ("member", "target", "events", "first", "stray"),
    "uses": ("thing", "member", "events"),
    "life": ("member", "day", "inside", "outside"),
    "nodes": ("type", "id", "x", "y"),
    "edges": ("start", "end", "events"),
}  # fmt: skip


def rows_of(table: str, rows: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """Rows with names → lists in the order of the table's columns."""
    values = itemgetter(*TABLES[table])
    return [list(values(row)) for row in rows]


def rows_from(table: str, columns: Mapping[str, Iterable[Any]], more: Sequence[str] = ()) -> list[list[Any]]:
    """Columns with names → the same, for tables of many rows; `more` are columns that follow the table's own."""
    return [list(row) for row in zip(*(columns[name] for name in (*TABLES[table], *more)), strict=True)]
