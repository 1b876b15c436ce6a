"""An open casebook: what it holds at present, and how an entry more is written."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from graphdet.cases.casebook_file import NAME, open_file, told_in_one_line, transaction
from graphdet.cases.entries import (
    LAPSED,
    LONGEST_NAME,
    MACHINE,
    UNDONE,
    VIEWED,
    WORDS,
    Clock,
    Entry,
    as_text,
    bounded,
    clock_here,
    is_moment,
    new_entry,
)
from graphdet.cases.folding import fold, undone_among
from graphdet.cases.rows import Case, Group, Hid, MemberWord, Sighting, Suppression, TakenRun
from graphdet.cases.stored_rows import StoredTables
from graphdet.errors import CaseError, NotACasebook, UnknownCase, nearest

AUTHOR = "GRAPHDET_AUTHOR"
HOME = "GRAPHDET_HOME"


def author_here(author: str | None = None) -> str:
    """Whose word it is: the one named, else that of the environment, else this account's name.

    Raises:
        CaseError: nobody's name can be told, or it is too long, or the machine's own.
    """
    try:
        told = author or os.environ.get(AUTHOR) or getpass.getuser()
    except (KeyError, OSError):
        raise CaseError(f"nobody's name can be told here; say who decides with --author, or set {AUTHOR}.") from None
    name = bounded(told, LONGEST_NAME, "the author's name", needed=True)
    if name == MACHINE:
        raise CaseError(f"'{MACHINE}' is the author of what the casebook writes by itself; give a person's name.")
    return name


class Writer:
    """One transaction: entries that are kept together."""

    def __init__(self, tables: StoredTables, last: Entry | None, author: str, now: str) -> None:
        self._tables, self._last, self._author = tables, last, author
        self.now = max(now, last.time) if last else now  # as entries have it, which do not go back though clocks may

    def add(self, kind: str, case: str = "", suppression: str = "", told: dict[str, Any] | None = None, author: str = "") -> Entry:
        """Write one entry and what follows from it."""
        entry = new_entry(self._last, self.now, author or self._author, kind, case, suppression, told)
        self._tables.append(entry)
        try:
            fold(self._tables, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotACasebook(f"the casebook contradicts itself ({error}); `graphdet cases verify` tells where.") from None
        self._last = entry
        return entry


class OpenBook:
    """The casebook of a home folder, to be used in a `with` block; see `graphdet.cases.casebook.Casebook`, which is all of it.

    Args:
        home: the folder.
        author: whose words are written; None = as `author_here` finds out.
        clock: tells the time; words are written with it, and suppressions end by it.
        make: whether a casebook is made where there is none.
    """

    def __init__(self, home: Path, author: str | None = None, clock: Clock = clock_here, *, make: bool = True) -> None:
        self.home, self.author, self.clock = home, author_here(author), clock
        self._make = make
        self._open = ExitStack()

    def __enter__(self) -> Self:
        connection = self._open.enter_context(open_file(self.home, make=self._make))
        try:
            self._connection = connection
            self.tables = StoredTables(connection)
            self.lapse_due()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self.home / NAME

    @property
    def now(self) -> str:
        """The clock's time, as entries have it."""
        return as_text(self.clock())

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the book for all that is read in the block, whatever others write meanwhile."""
        with told_in_one_line(self.path):
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """All entries of the block are kept, or none; others wait meanwhile. What has lapsed by now is written down first.

        Raises:
            NotACasebook: the last entry was tampered with.
        """
        with told_in_one_line(self.path), transaction(self._connection):
            last = self.tables.last()
            if last is not None and not (last.is_whole and is_moment(last.time)):
                raise NotACasebook(f"{self.path}: entry {last.number} was tampered with; `graphdet cases verify` tells more.")
            writer = Writer(self.tables, last, self.author, self.now)
            for one in self._due(writer.now):
                writer.add(LAPSED, one.case_name, one.name, {"until": one.until}, MACHINE)
            yield writer

    def lapse_due(self) -> None:
        """Write down which suppressions have lapsed by now: their findings are back, and history tells since when."""
        with self.reading():
            due = self._due(self.now)
        if due:
            with self.writing():
                pass

    def _due(self, now: str) -> list[Suppression]:
        return self.tables.rows(Suppression, "WHERE ended = '' AND until <= ?", (now,))

    # What the book holds.

    def cases(self) -> list[Case]:
        """All cases, by name."""
        with self.reading():
            return sorted(self.tables.rows(Case), key=lambda case: number_of(case.name))

    def case(self, name: str) -> Case:
        """One case, by its name (`C-0012`, `c-12`), or by the id, or the beginning of the id, of a ring that it had.

        Raises:
            UnknownCase: none or several fit; the message names the nearest.
        """
        with self.reading():
            found = self._named(name.strip())
            case = self.tables.get(Case, found)
        if case is None:
            raise NotACasebook(f"{self.path}: has runs of a case that it lacks; `graphdet cases verify` tells more.")
        return case

    def _named(self, name: str) -> str:
        as_case = full_name(name, "C")
        if self.tables.get(Case, as_case) is not None:
            return as_case
        name = bounded(name, LONGEST_NAME, "the name of a case")
        seen = self._connection.execute(
            "SELECT ring_id, case_name FROM sightings WHERE substr(ring_id, 1, length(?)) = ? ORDER BY entry", (name, name)
        ).fetchall()
        last = dict(seen) if name else {}  # of a ring that several cases had, the latest
        if name in last:
            return str(last[name])
        names = sorted(set(last.values()))
        if len(names) > 1:
            raise UnknownCase(f"'{name}' could be a ring of {len(names)} cases (such as {names[0]} and {names[1]}); give more of it.")
        if not names:
            known = [row[0] for row in self._connection.execute("SELECT name FROM cases")]
            hint = f"; a rank is a run's, and means no case: did you mean C-{name}?" if name.isdecimal() else nearest(as_case, known) or "."
            raise UnknownCase(f"the casebook has no case '{name}'{hint} `graphdet cases list` lists them.")
        return str(names[0])

    def sightings(self, case: str) -> list[Sighting]:
        """A case in all runs that saw it, oldest first."""
        with self.reading():
            return sorted(self.tables.rows(Sighting, "WHERE case_name = ?", (case,)), key=lambda one: one.entry)

    def cases_of_run(self, run_id: str) -> dict[str, str]:
        """Ring of a run → its case."""
        with self.reading():
            query = "SELECT ring_id, case_name FROM sightings WHERE run_id = ? ORDER BY case_name"
            return dict(self._connection.execute(query, (run_id,)).fetchall())

    def cases_of_rings(self, ring_ids: Iterable[str]) -> dict[str, str]:
        """Ring → the case that had this very ring in any run, the latest of several; rings that no run told are left out."""
        with self.reading():
            query = "SELECT ring_id, case_name FROM sightings WHERE ring_id IN (SELECT value FROM json_each(?)) ORDER BY entry"
            return dict(self._connection.execute(query, (json.dumps(list(ring_ids)),)).fetchall())

    def cases_with(self, node_type: str, node_id: str) -> list[str]:
        """Names of the cases that had a node in any run."""
        with self.reading():
            query = "SELECT case_name FROM touches WHERE node_type = ? AND node_id = ? ORDER BY case_name"
            return [row[0] for row in self._connection.execute(query, (node_type, node_id))]

    def group(self, digest: str) -> Group:
        """The nodes of a ring."""
        with self.reading():
            found = self.tables.get(Group, digest)
        if found is None:
            raise NotACasebook(f"{self.path}: lacks the nodes of a ring; `graphdet cases verify` tells more.")
        return found

    def groups(self, digests: Iterable[str]) -> list[Group]:
        """The nodes of many rings, in one look; those that are not there are left out."""
        with self.reading():
            return self.tables.rows(Group, "WHERE digest IN (SELECT value FROM json_each(?))", (json.dumps(list(digests)),))

    def member_words(self, case: str = "") -> list[MemberWord]:
        """What was last said of single members, of one case or of all."""
        with self.reading():
            return self.tables.rows(MemberWord, "WHERE case_name = ?" if case else "", (case,) if case else ())

    def runs(self) -> list[TakenRun]:
        """Runs that were taken in, oldest first."""
        with self.reading():
            return sorted(self.tables.rows(TakenRun), key=lambda run: run.entry)

    def suppressions(self) -> list[Suppression]:
        """All of them, those that ended too, by name."""
        with self.reading():
            return sorted(self.tables.rows(Suppression), key=lambda one: number_of(one.name))

    def suppression(self, name: str) -> Suppression:
        """One, by its name (`S-0003`, `s-3`).

        Raises:
            UnknownCase: there is none of that name.
        """
        with self.reading():
            found = self.tables.get(Suppression, full_name(name.strip(), "S"))
            if found is None:
                known = [row[0] for row in self._connection.execute("SELECT name FROM suppressions")]
                hint = nearest(full_name(name.strip(), "S"), known) or "."
                raise UnknownCase(f"the casebook has no suppression '{name}'{hint} `graphdet cases suppressions` lists them.")
        return found

    def hid(self, suppression: str) -> list[Hid]:
        """What a suppression hid, run by run, the run that was taken in last at the end."""
        with self.reading() as connection:
            taken = dict(connection.execute("SELECT run_id, entry FROM runs"))
            return sorted(self.tables.rows(Hid, "WHERE suppression = ?", (suppression,)), key=lambda one: taken.get(one.run_id, 0))

    def history(self, case: str = "", suppression: str = "") -> Sequence[Entry]:
        """All entries on a case or a suppression, or else the whole journal, oldest first; those that were undone too."""
        with self.reading():
            return self.tables.about(case=case, suppression=suppression) if case or suppression else list(self.tables.entries())

    def cases_changed_since(self, number: int) -> set[str]:
        """Names of the cases on which anything but somebody's looking at them was written after an entry."""
        query = "SELECT DISTINCT case_name FROM journal WHERE number > ? AND kind != ? AND case_name != ''"
        with self.reading():
            return {row[0] for row in self._connection.execute(query, (number, VIEWED))}

    def undone(self) -> set[int]:
        """Numbers of entries that were undone."""
        with self.reading():
            return undone_among(self.tables.select("kind = ?", (UNDONE,)))

    def recall(self, name: str) -> str | None:
        """What whoever follows rings through runs wanted to be told again."""
        with self.reading():
            found = self._connection.execute("SELECT document FROM memory WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def authors(self) -> set[str]:
        """Everybody who ever said something here."""
        places = ", ".join("?" * len(WORDS))
        with self.reading():
            rows = self._connection.execute(f"SELECT DISTINCT author FROM journal WHERE kind IN ({places})", WORDS)  # noqa: S608
            return {row[0] for row in rows}

    def users_of(self, case: Case) -> tuple[str, ...]:
        """Members of a case as it was last seen."""
        return self.group(case.group_digest).ids("user")

    def require_member(self, case: Case, user: str) -> str:
        """A user who was in the case in some run.

        Raises:
            UnknownCase: they never were; the message names the nearest.
        """
        with self.reading():
            if case.name in self.cases_with("user", user):
                return user
            known = self.users_of(case)
        raise UnknownCase(f"{case.name} has no member '{user}'{nearest(user, known) or '.'} `graphdet cases show {case.name}` lists them.")


def full_name(name: str, letter: str) -> str:
    """`c-12` → `C-0012`; anything else as it is."""
    before, dash, digits = name.partition("-")
    if dash and before.upper() == letter and digits.isascii() and digits.isdecimal() and len(digits) < 12:
        return f"{letter}-{int(digits):04d}"
    return name


def number_of(name: str) -> int:
    """`C-0012` → 12."""
    return int(name.partition("-")[2])
