"""Constraints and indexes → there and at work in the database, whatever a server that died left of an earlier try."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from graphdet.errors import StoreError
from graphdet.store.connection import Database
from graphdet.store.constraints import SchemaItem

LONGEST = 300  # seconds that one of them may take to be filled
GIVEN = 2.0  # seconds that another one who is just making a constraint is given


def ensure_schema(database: Database, items: Sequence[SchemaItem]) -> None:
    """Make those that are not there yet, and wait until they work.

    Raises:
        StoreError: data or indexes that are there forbid one of them.
    """
    _drop_halves(database, items)
    present = _owners(database)
    missing = [item for item in items if item.name not in present]
    if missing:
        database.change_schema([(item.statement, item.clash) for item in missing])
        for item in missing:  # others' indexes are not ours to wait for
            database.read(f"CALL db.awaitIndex($name, {LONGEST})", name=item.name)


def _drop_halves(database: Database, items: Sequence[SchemaItem]) -> None:
    """A server that died while it made a constraint may come back with the constraint's index alone.

    It bears the name, forbids nothing, is never finished, and is in the constraint's way.
    """
    halves = _halves(database, items)
    if not halves:
        return
    time.sleep(GIVEN)
    for name in halves & _halves(database, items):
        with suppress(StoreError):  # it has become whole meanwhile, or is gone
            database.change_schema([(f"DROP INDEX `{name}` IF EXISTS", "")])


def _halves(database: Database, items: Sequence[SchemaItem]) -> set[str]:
    owner = _owners(database)
    return {item.name for item in items if item.kind == "CONSTRAINT" and item.name in owner and owner[item.name] is None}


def _owners(database: Database) -> dict[str, str | None]:
    """Index → the constraint that it belongs to."""
    return dict(database.read("SHOW INDEXES YIELD name, owningConstraint RETURN name, owningConstraint"))
