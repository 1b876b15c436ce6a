"""A casebook → whether its journal is one unbroken chain, and whether all else in it follows from that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphdet.cases.entries import BEGINNING, KINDS, RUN, Entry
from graphdet.cases.folding import fold
from graphdet.cases.rows import TABLES, Row
from graphdet.cases.stored_rows import COLUMNS, StoredTables, TablesInMemory
from graphdet.errors import NotACasebook

MOST_TOLD = 20


@dataclass(frozen=True)
class Verified:
    """What a check found.

    Attributes:
        entries: of the journal.
        head: hash of the last one; who keeps it elsewhere can tell later that nothing before it was changed.
        faults: in words, the first `MOST_TOLD` of them; none where all is well.
    """

    entries: int
    head: str
    faults: tuple[str, ...]


def verify_tables(tables: StoredTables, memory: str | None, head: str = "") -> Verified:
    """Follow the chain, fold the journal anew, and compare row by row.

    Args:
        tables: of the open casebook.
        memory: what lineage keeps there.
        head: a hash that was noted down earlier; it must be in the chain.
    """
    entries = list(tables.entries())
    faults = list(_faults_of_chain(entries))
    if head and head != BEGINNING and all(entry.hash != head for entry in entries):
        faults.append(f"no entry has the hash {head[:16]}…: the journal was cut or written anew since that was noted down")
    if not faults:
        faults += _faults_of_rows(tables, entries)
    if not faults:
        faults += _faults_of_memory(entries, memory)
    return Verified(len(entries), entries[-1].hash if entries else BEGINNING, tuple(faults[:MOST_TOLD]))


def _faults_of_chain(entries: list[Entry]) -> Iterator[str]:
    before, time = BEGINNING, ""
    for place, entry in enumerate(entries, 1):
        if entry.number != place:
            yield f"entry {place} is missing (entry {entry.number} stands in its place)"
            return
        if entry.before != before:
            yield f"entry {entry.number} does not follow the entry before it: one of them was changed"
        if not entry.is_whole:
            yield f"entry {entry.number} was changed after it was written"
        if entry.kind not in KINDS or entry.time < time:
            yield f"entry {entry.number} is of no known kind, or earlier than the one before it"
        before, time = entry.hash, entry.time


def _faults_of_rows(tables: StoredTables, entries: list[Entry]) -> Iterator[str]:
    anew = TablesInMemory()
    for entry in entries:
        anew.append(entry)
        try:
            fold(anew, entry)
        except (KeyError, TypeError, ValueError, AttributeError, NotACasebook) as error:
            yield f"entry {entry.number} does not follow from those before it ({error})"
            return
    for kind in TABLES:
        stored = {values[: kind.keys]: values for values in tables.values(kind)}
        yield from _differences(kind, stored, anew.held[kind])


def _differences(kind: type[Row], stored: dict[tuple[Any, ...], tuple[Any, ...]], anew: dict[tuple[str, ...], Row]) -> Iterator[str]:
    for key in sorted(stored.keys() | anew.keys()):
        name = f"{kind.table} {' '.join(key)[:100]}"
        if key not in anew:
            yield f"{name}: follows from no entry"
        elif key not in stored:
            yield f"{name}: is missing"
        elif stored[key] != anew[key].values:
            told = zip(COLUMNS[kind.table], stored[key], anew[key].values, strict=True)
            yield f"{name}: {', '.join(column for column, own, due in told if own != due)} is not what the journal says"


def _faults_of_memory(entries: list[Entry], memory: str | None) -> Iterator[str]:
    told = [entry.told["memory"] for entry in entries if entry.kind == RUN]
    due = next((digest for digest in reversed(told) if digest), "")
    if due != ("" if memory is None else hashlib.sha256(memory.encode()).hexdigest()):
        yield "what lineage remembers is not what the last run left"
