"""A casebook's verdicts ↔ those in Neo4j, for one run that was pushed: what was said in Browser comes in, what was said here goes out.

Both keep every word with author and time, and of each case the later word counts, wherever it was said. Running it again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import LONGEST_NAME, LONGEST_TEXT, MACHINE, UNDONE, VERDICT, Entry, as_text
from graphdet.cases.folding import undone_among
from graphdet.errors import CaseError
from graphdet.schema import VERDICTS
from graphdet.store.connection import Database
from graphdet.store.decisions import Word, read_words, rings_of, write_words

NOBODY = "unknown"
UNSURE = VERDICTS[2]


@dataclass(frozen=True)
class Synced:
    """How many verdicts came in from the database, and how many went out."""

    came_in: int
    went_out: int


def sync_verdicts(book: Casebook, database: Database, run_id: str) -> Synced:
    """Bring both to the same verdicts on the rings of a run.

    Args:
        book: open; it has taken the run in.
        database: the run was pushed there.
        run_id: of the run.

    Raises:
        CaseError: the casebook never took the run in, or the database does not hold it.
        StoreError: a case in the database has a status that is no verdict.
    """
    case_of = book.cases_of_run(run_id)
    if not case_of:
        raise CaseError(f"the casebook has no rings of run '{run_id}'; take it in with `graphdet cases add RUN` first.")
    rings = rings_of(database, run_id) & case_of.keys()
    if not rings:
        raise CaseError(f"the database holds no rings of run '{run_id}'; push it with `graphdet push RUN` first.")
    theirs = [word for word in read_words(database, run_id) if word.ring in rings]
    came_in = _take_words(book, theirs, case_of)
    known = {word.case for word in theirs}
    ours = [word for ring in sorted(rings) for word in _to_go_out(book.history(case_of[ring]), ring, known)]
    return Synced(came_in, write_words(database, ours, run_id))


def _take_words(book: Casebook, theirs: Sequence[Word], case_of: dict[str, str]) -> int:
    """Write the database's words down that are not in the casebook yet."""
    came_in = 0
    with book.writing() as writer:
        for word in theirs:
            case = case_of[word.ring]
            history = book.history(case)
            if word.case in {_name(entry, word.ring) for entry in history}:
                continue
            author = word.author.strip()[:LONGEST_NAME] or NOBODY
            told = {"verdict": word.verdict, "story": "", "note": word.note[:LONGEST_TEXT], "ring": word.ring, "word": word.case}
            said = min(_as_said(word.said) or writer.now, writer.now)  # nobody decides in the future
            writer.add(VERDICT, case, told={**told, "said": said}, author=f"{author} (Neo4j)" if author == MACHINE else author)
            came_in += 1
    return came_in


def _to_go_out(history: Sequence[Entry], ring: str, known: set[str]) -> Iterator[Word]:
    """The verdicts of a case that the database lacks at one ring.

    A verdict that the database has and that was taken back is followed by what counts since then, as the database knows no undoing.
    """
    undone = undone_among(history)
    verdicts = {entry.number: entry for entry in history if entry.kind == VERDICT}
    for entry in history:
        name, told = _name(entry, ring), entry.told
        if name in known:
            continue
        if entry.kind == VERDICT and entry.number not in undone:
            note = f"{told['story']}: {told['note']}".strip(": ") if told["story"] else told["note"]
            yield Word(name, ring, told["verdict"], entry.author, note, told.get("said", entry.time))
        elif entry.kind == UNDONE and told["undoes"] in verdicts and _name(verdicts[told["undoes"]], ring) in known:
            yield Word(name, ring, _counting(history, entry), entry.author, "taken back", entry.time)


def _counting(history: Sequence[Entry], undo: Entry) -> str:
    """The verdict that counted once a word was taken back; unsure where none was left."""
    undone = undone_among([entry for entry in history if entry.number <= undo.number])
    said = [entry for entry in history if entry.kind == VERDICT and entry.told.get("said", entry.time) <= undo.time]
    left = [entry for entry in said if entry.number not in undone]
    last = max(left, key=lambda entry: (entry.told.get("said", entry.time), entry.number), default=None)
    return str(last.told["verdict"]) if last else UNSURE


def _name(entry: Entry, ring: str) -> str:
    """Of the `Case` that mirrors an entry at a ring, the same whenever it is written; of a word that came in, its own where it was said."""
    told = entry.told
    if told.get("word") and told["ring"] == ring:
        return str(told["word"])
    return "case-" + hashlib.sha256(f"{entry.hash} {ring}".encode()).hexdigest()[:32]


def _as_said(text: str) -> str:
    """Neo4j's writing of a time as the journal has it; empty where it is none."""
    try:
        moment = datetime.fromisoformat(text.partition("[")[0])
    except ValueError:
        return ""
    return as_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
