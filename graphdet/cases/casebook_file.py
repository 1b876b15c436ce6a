"""A home folder → its open casebook: made or brought up to date where need be, and refused where it is none, or of a newer graphdet."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

from graphdet.errors import CaseError, NotACasebook
from graphdet.whole import is_full

NAME = "casebook.db"
APPLICATION = 0x67646362  # "gdcb", so that a database of another program is told from this one
LEAST_ROOM = (
    64 * 1024
)  # bytes without which SQLite cannot lay out the memory that writers share, and says no more than that the disk failed
PATIENCE = 30.0  # seconds that a writer waits for others
_NO_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT)

_FIRST = """
CREATE TABLE journal (
    number INTEGER PRIMARY KEY CHECK (number > 0), time TEXT NOT NULL, author TEXT NOT NULL, kind TEXT NOT NULL,
    case_name TEXT NOT NULL, suppression TEXT NOT NULL, payload TEXT NOT NULL, before TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX journal_of_case ON journal (case_name, number);
CREATE INDEX journal_of_suppression ON journal (suppression, number);
CREATE INDEX journal_of_kind ON journal (kind, author);
CREATE TRIGGER journal_stays BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'nothing in the journal is overwritten'); END;
CREATE TRIGGER journal_keeps BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'nothing in the journal is overwritten'); END;
CREATE TABLE cases (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, verdict TEXT NOT NULL, story TEXT NOT NULL, verdict_author TEXT NOT NULL,
    verdict_time TEXT NOT NULL, verdict_ring TEXT NOT NULL, owner TEXT NOT NULL, next_step TEXT NOT NULL, lineage TEXT NOT NULL,
    kin TEXT NOT NULL, run_id TEXT NOT NULL, ring_id TEXT NOT NULL, rank INTEGER NOT NULL, tier TEXT NOT NULL, standing TEXT NOT NULL,
    explanation TEXT NOT NULL, score REAL NOT NULL, size INTEGER NOT NULL, at_stake REAL, chance REAL, first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL, group_digest TEXT NOT NULL, opened TEXT NOT NULL, seen TEXT NOT NULL, changed TEXT NOT NULL,
    runs INTEGER NOT NULL, notes INTEGER NOT NULL, accepted TEXT NOT NULL, back TEXT NOT NULL, hidden TEXT NOT NULL
) STRICT;
CREATE INDEX cases_of_ring ON cases (ring_id);
CREATE TABLE sightings (
    run_id TEXT NOT NULL, case_name TEXT NOT NULL REFERENCES cases DEFERRABLE INITIALLY DEFERRED, ring_id TEXT NOT NULL,
    lineage TEXT NOT NULL, kin TEXT NOT NULL, rank INTEGER NOT NULL, tier TEXT NOT NULL, standing TEXT NOT NULL,
    explanation TEXT NOT NULL, score REAL NOT NULL, size INTEGER NOT NULL, at_stake REAL, chance REAL, first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL, group_digest TEXT NOT NULL REFERENCES groups, hidden TEXT NOT NULL, back TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES journal, PRIMARY KEY (run_id, case_name)
) STRICT;
CREATE INDEX sightings_of_case ON sightings (case_name, entry);
CREATE INDEX sightings_of_ring ON sightings (ring_id);
CREATE TABLE groups (digest TEXT PRIMARY KEY, nodes TEXT NOT NULL) STRICT;
CREATE TABLE ring_users (ring_id TEXT PRIMARY KEY, group_digest TEXT NOT NULL REFERENCES groups) STRICT;
CREATE TABLE touches (
    node_type TEXT NOT NULL, node_id TEXT NOT NULL, case_name TEXT NOT NULL REFERENCES cases DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (node_type, node_id, case_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX touches_of_case ON touches (case_name);
CREATE TABLE member_words (
    case_name TEXT NOT NULL REFERENCES cases DEFERRABLE INITIALLY DEFERRED, user_id TEXT NOT NULL, verdict TEXT NOT NULL,
    story TEXT NOT NULL, note TEXT NOT NULL, author TEXT NOT NULL, time TEXT NOT NULL, entry INTEGER NOT NULL REFERENCES journal,
    PRIMARY KEY (case_name, user_id)
) STRICT;
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, folder TEXT NOT NULL, time TEXT NOT NULL, author TEXT NOT NULL, events INTEGER NOT NULL,
    first_event TEXT NOT NULL, last_event TEXT NOT NULL, rings INTEGER NOT NULL, applied TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES journal
) STRICT;
CREATE TABLE suppressions (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, node_type TEXT NOT NULL, node_id TEXT NOT NULL, case_name TEXT NOT NULL,
    group_digest TEXT NOT NULL, size INTEGER NOT NULL, tier TEXT NOT NULL, at_stake REAL, reason TEXT NOT NULL, author TEXT NOT NULL,
    time TEXT NOT NULL, until TEXT NOT NULL, needs_approval INTEGER NOT NULL, approved_by TEXT NOT NULL, ended TEXT NOT NULL,
    ended_time TEXT NOT NULL, ended_by TEXT NOT NULL
) STRICT;
CREATE TABLE hid (
    suppression TEXT NOT NULL, run_id TEXT NOT NULL, rings TEXT NOT NULL, count INTEGER NOT NULL, evidence REAL NOT NULL,
    rows INTEGER NOT NULL, PRIMARY KEY (suppression, run_id)
) STRICT;
CREATE TABLE memory (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
"""
_HELD = "ALTER TABLE sightings ADD COLUMN held_digest TEXT NOT NULL DEFAULT '';"
MIGRATIONS = (_FIRST, _HELD)  # from each version of the file to the next; what stands here is never changed, only added to
VERSION = len(MIGRATIONS)


@contextlib.contextmanager
def open_file(home: Path, *, make: bool) -> Iterator[sqlite3.Connection]:
    """The casebook of a home folder, up to date.

    Args:
        home: folder; made with the casebook, for this account's eyes alone.
        make: whether one is made where there is none.

    Raises:
        NotACasebook: there is none, or the file is another program's, damaged, tampered with, or of a newer graphdet.
        CaseError: the disk or the rights do not allow it.
    """
    path = home / NAME
    _prepare(home, path, make=make)
    with told_in_one_line(path):
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        try:
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "foreign_keys = ON", "synchronous = FULL"):
                connection.execute(f"PRAGMA {pragma}")
            _patiently(lambda: _bring_up_to_date(connection, path))
            yield connection
        finally:
            connection.close()


def _prepare(home: Path, path: Path, *, make: bool) -> None:
    """An empty file that nobody else may read, where there is none yet."""
    if path.is_file():
        return
    if not make:
        raise NotACasebook(f"{home}: holds no casebook; `graphdet run LOGS… --home {home}` or `graphdet cases add RUN` makes one.")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise CaseError(f"{home}: a casebook cannot be made there ({error.strerror}); choose another --home.") from None
    if not path.is_file():
        raise NotACasebook(f"{path}: is no file; move it away, or choose another --home.")


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Every step or none, whoever else opens the file at the same moment."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE") if _lags(connection) else connection.execute("BEGIN")
    try:
        version = _version(connection, path)
        for step in MIGRATIONS[version:]:
            for statement in _statements(step):
                connection.execute(statement)
        if version < VERSION:
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        if _schema_of(connection) != _schema():
            raise NotACasebook(f"{path}: its tables are not those that graphdet made; restore it from a copy.")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _lags(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0] < VERSION)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION and not (is_empty and not version and not application):
        raise NotACasebook(f"{path}: is a database of another program, not a casebook; choose another --home.")
    if version > VERSION:
        raise NotACasebook(
            f"{path}: written by a newer graphdet (casebook version {version}; this one reads {VERSION}); upgrade to open it."
        )
    if version < 0:
        raise NotACasebook(f"{path}: has the version {version}, which no graphdet wrote; restore it from a copy.")
    return version


def _statements(script: str) -> Iterator[str]:
    """One by one, since a script as a whole would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _schema_of(connection: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name"
    return connection.execute(query).fetchall()


@cache
def _schema() -> list[tuple[str, str, str | None]]:
    """What the migrations make, and nothing else: a view or a trigger from elsewhere could change what is read or written."""
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        for step in MIGRATIONS:
            empty.executescript(step)
        return _schema_of(empty)


Result = TypeVar("Result")


def _patiently(act: Callable[[], Result]) -> Result:
    """Do it again while another has the file: not all of SQLite's waiting goes by its own timeout."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One writer at a time; all of the block is kept, or nothing."""
    _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        yield
        _patiently(lambda: connection.execute("COMMIT"))
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told_in_one_line(path: Path) -> Iterator[None]:
    """SQLite's complaints → what the user can do.

    Raises:
        NotACasebook, CaseError: as `open_file`.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or is_full(error) or (code == sqlite3.SQLITE_IOERR and _has_no_room(path)):
            raise CaseError(f"{path}: cannot be written, since the disk is full; free some space. What was kept before is whole.") from None
        if code == sqlite3.SQLITE_IOERR:
            raise CaseError(f"{path}: the disk does not read or write it ({error}); look after the disk, then try again.") from None
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise CaseError(f"{path}: may not be written by this account ({error}); ask for the right, or choose another --home.") from None
        if code == sqlite3.SQLITE_IOERR:  # a full disk has no room for what SQLite lays beside the file, even to read it
            raise CaseError(f"{path}: the disk is full or failing ({error}); free some space. What was kept before is whole.") from None
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise CaseError(f"{path}: others have been writing for {PATIENCE:.0f} seconds; try again.") from None
        if code in _NO_DATABASE or code == sqlite3.SQLITE_ERROR:
            raise NotACasebook(f"{path}: is no casebook, or damaged ({error}); restore it from a copy.") from None
        raise


def _has_no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < LEAST_ROOM
    except OSError:
        return False
