"""One writer at a time: a lock in the database, with a lease, that every writing transaction proves and renews.

A holder that lost the lock (it slept too long and another took over) can write nothing more, since its proof fails.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from neo4j import ManagedTransaction

from graphdet.errors import PushRefused, StoreError
from graphdet.store.connection import Database
from graphdet.store.constraints import LOCK_SCHEMA
from graphdet.store.ensuring import ensure_schema
from graphdet.store.kinds import LOCK

LEASE_SECONDS = 120

_TAKE = f"""
    MERGE (lock:{LOCK} {{name: 'push'}})
    SET lock.asked = datetime()  // two who ask queue up at this write
    WITH lock WHERE lock.holder IS NULL OR lock.holder IN $mine OR lock.until < datetime()
    SET lock.holder = $token, lock.owner = $owner, lock.since = datetime(), lock.until = datetime() + duration({{seconds: $lease}})
    RETURN true"""
_PROVE = f"""
    MATCH (lock:{LOCK} {{name: 'push'}})
    SET lock.asked = datetime()  // who reads the holder before this write may read one who is just losing it
    WITH lock WHERE lock.holder = $token
    SET lock.until = datetime() + duration({{seconds: $lease}}) RETURN true"""
_LOOK = f"MATCH (lock:{LOCK} {{name: 'push'}}) RETURN lock.holder, lock.owner, toString(lock.since)"
_FREE = f"MATCH (lock:{LOCK} {{name: 'push'}}) WHERE lock.holder = $token DELETE lock RETURN count(*)"


@dataclass(frozen=True)
class Lock:
    """A held lock."""

    token: str

    def prove(self, transaction: ManagedTransaction) -> None:
        """Renew the lease inside a transaction; it must be that transaction's first statement.

        Raises:
            PushRefused: somebody else has taken over.
        """
        if transaction.run(_PROVE, token=self.token, lease=LEASE_SECONDS).single() is None:
            raise PushRefused("another push took over meanwhile; nothing more was written. Give the same command again.")


@contextmanager
def hold_lock(database: Database, wait_seconds: float) -> Iterator[Lock]:
    """Take the lock, waiting for it at most so long.

    Raises:
        PushRefused: another push or undo holds it.
    """
    token, until = secrets.token_hex(8), time.monotonic() + wait_seconds
    while not _take(database, token):
        if time.monotonic() > until:
            held = database.read(_LOOK)
            since = f" since {held[0][2][:19]} UTC" if held and held[0][2] else ""
            raise PushRefused(
                f"{database.target.where}: another push or undo is at work{since}; wait for it to end, and give the same command again. "
                f"If it died on another machine, its lock ends by itself within {LEASE_SECONDS} seconds."
            )
        time.sleep(0.2)
    try:
        yield Lock(token)
    finally:
        with suppress(StoreError):  # where the server is gone, the lease or the owner's end frees it
            _free(database, token)


def _take(database: Database, token: str) -> bool:
    """Take it where it is free, has run out, or is of a process of this machine that is no more."""
    ensure_schema(database, (LOCK_SCHEMA,))  # each time: an undo that we waited for may have dropped it
    held = database.read(_LOOK)
    mine = [token]
    if held and held[0][0] is not None and _is_dead(str(held[0][1])):
        mine.append(held[0][0])

    def work(transaction: ManagedTransaction) -> bool:
        return transaction.run(_TAKE, mine=mine, token=token, owner=_owner(), lease=LEASE_SECONDS).single() is not None

    if not database.write(work):
        return False
    # Who waited at the write while the holder freed the lock has written to a node that is no more: only what is there counts.
    there = database.read(_LOOK)
    if len(there) > 1:  # two who had looked for the constraint just before it went: both let go
        _free(database, token)
        return False
    return bool(there) and there[0][0] == token


def _free(database: Database, token: str) -> None:
    """Let go of it."""
    database.write(lambda transaction: transaction.run(_FREE, token=token).consume())


def _owner() -> str:
    """This process, so that another one of the same machine can tell whether it lives."""
    return f"{_machine()} {os.getpid()}"


def _machine() -> str:
    try:
        space = str(Path("/proc/self/ns/pid").readlink())  # containers may share a host's name, but not its process numbers
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        space = boot = ""
    return f"{socket.gethostname()}/{boot}/{space}"


def _is_dead(owner: str) -> bool:
    machine, _, pid = owner.rpartition(" ")
    if machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
