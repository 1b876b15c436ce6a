"""Today: what waits for somebody to decide, worth most first, and what waits for nobody, folded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import Case
from graphdet.console.asked import Answer, Asked
from graphdet.console.case_standing import GONE, QUEUE, Standing
from graphdet.console.desk import Desk
from graphdet.console.shelf import OpenRun
from graphdet.errors import CaseError
from graphdet.run.log_clock import clock_of
from graphdet.schema import VERDICTS
from graphdet.schema.lookalikes import look_alike
from graphdet.schema.wording import filled
from graphdet.week.queueing import LATER
from graphdet.words.console import CONSOLE_WORDS
from graphdet.words.run_notes import decides, note_in_words

MINUTES = 5  # that a person needs for one case
MOST_SHOWN = 200  # rows of the queue, and of each fold; what was decided makes room for the next
CONFIRMED, INNOCENT = VERDICTS[:2]
MINE = "mine"  # whoever says it looks at the case
COLUMNS = (
    ("case", ""), ("what", ""), ("shops", "number"), ("at_stake", "number"), ("accounts", "number"), ("since", "time"), ("certainty", ""),
    ("owner", ""), ("state", ""), ("acts", "no-print"),
)  # fmt: skip


@dataclass(frozen=True)
class QueueRow:
    """One case as the queue shows it."""

    case: Case
    colour: str
    tactics: tuple[str, ...]
    explained: str
    shops: int | None
    new_members: int
    since: str
    certainty: str
    undo: bool = False


@dataclass(frozen=True)
class Today:
    """What is before the house today; `queue`: the first of those `waiting`; `rates`: of a fold, rings among those decided."""

    queue: list[QueueRow]
    waiting: int
    new: int
    grew: int
    ended: int
    at_stake: float | None
    notes: list[str]
    rates: dict[str, tuple[int, int]]

    minutes: int = MINUTES

    @property
    def hours(self) -> str:
        return f"{self.waiting * self.minutes / 60:.1f}"


def today_screen(desk: Desk, asked: Asked) -> Answer:
    """The queue, and the folds below it with how many each holds; what is in them comes when somebody opens them."""
    run = desk.latest()
    with desk.book(asked.who) as book, book.reading():
        standing = desk.standing(book)
        waiting, cases = standing.folds["queue"], standing.cases.values()
        queue = [_row(desk, run, book, case, asked, standing) for case in waiting[:MOST_SHOWN]]
    stakes = [case.at_stake for case in waiting if case.at_stake is not None]
    notes = [note_in_words(note, asked.language) for note in run.run.meta["notes"] if decides(note)]
    today = Today(
        queue, len(waiting), sum(case.lineage == "new" for case in waiting), sum(case.lineage == "grew" for case in waiting),
        sum(case.lineage in GONE for case in cases), sum(stakes) if stakes else None, notes, _rates(cases),
    )  # fmt: skip
    folded = [(name, len(own)) for name, own in standing.folds.items() if own and name != QUEUE]
    return Answer("today.html", {"today": today, "columns": COLUMNS, "folded": folded, "beside": clock_of(run.run).beside})


def fold_screen(desk: Desk, asked: Asked) -> Answer:
    """What is in one fold below the queue."""
    run = desk.latest()
    with desk.book(asked.who) as book, book.reading():
        standing = desk.standing(book)
        if (cases := standing.folds.get(asked.place["fold"])) is None:
            raise HTTPException(404)
        rows = [_row(desk, run, book, case, asked, standing) for case in cases[:MOST_SHOWN]]
    values = {"rows": rows, "all": len(cases), "columns": COLUMNS, "beside": clock_of(run.run).beside}
    return Answer("fold.html", values, go="/", part=True)


def _before(book: Casebook, case: Case) -> int:
    """Members of a case in the run before the last that saw it."""
    seen = book.sightings(case.name)
    return seen[-2].size if len(seen) > 1 else case.size


def _rates(cases: Collection[Case]) -> dict[str, tuple[int, int]]:
    """Of the review and the explained cases that were decided, how many were rings."""
    told: dict[str, tuple[int, int]] = {}
    for tier in ("review", "explained"):
        words = [case.verdict for case in cases if case.tier == tier and case.verdict in (CONFIRMED, INNOCENT)]
        if words:
            told[f"folded_{tier}"] = (words.count(CONFIRMED), len(words))
    return told


def _row(desk: Desk, run: OpenRun, book: Casebook, case: Case, asked: Asked, standing: Standing, *, undo: bool = False) -> QueueRow:
    colour = "review" if case.tier == "explained" and case.back else case.tier
    certainty = filled(CONSOLE_WORDS["sure_of"].to(asked.language), chance=round(100 * desk.chance_of(book, standing, case)))
    explained = look_alike(case.explanation).short.to(asked.language) if case.explanation else ""
    came = max(case.size - _before(book, case), 0) if case.lineage == "grew" else 0
    return QueueRow(
        case, colour, run.tactics_of(case.ring_id) if case.run_id == run.run.id else (), explained, desk.shops_of(run, book, case), came,
        clock_of(run.run).minute(case.first_seen), certainty, undo,
    )  # fmt: skip


def quick_word(desk: Desk, asked: Asked) -> Answer:
    """A word from the queue: confirmed, innocent, later, mine, or the last one taken back; the row as it is then."""
    word, run = asked.form.get("word", ""), desk.latest()
    with desk.book(asked.who) as book:
        case = book.case(asked.place["name"])
        require_seen(asked, case)
        if word == "undo":
            take_back(book, case)
        elif word == LATER:
            book.plan(case.name, LATER)
        elif word == MINE:
            book.assign(case.name, asked.who)
        elif word in (CONFIRMED, INNOCENT):
            book.decide(case.name, word)
        else:
            raise HTTPException(400)
        row = _row(desk, run, book, book.case(case.name), asked, desk.standing(book), undo=word not in ("undo", MINE))
    return Answer("queue_row.html", {"row": row, "beside": clock_of(run.run).beside}, go="/", part=True)


def require_seen(asked: Asked, case: Case) -> None:
    """A word is about the ring that whoever says it had before them.

    Raises:
        CaseError: a newer run has changed it meanwhile.
    """
    if asked.form.get("ring") != case.ring_id:
        raise CaseError("changed_meanwhile")


def take_back(book: Casebook, case: Case) -> None:
    """Take back one's last word, if it was about this case.

    Raises:
        CaseError: it was not, and nothing is changed.
    """
    book.undo(only=case.name)
