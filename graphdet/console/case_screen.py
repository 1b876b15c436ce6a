"""A case: its desk (verdict, work, history) and below it the ring's page of the report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from graphdet.cases.entries import RETURNED, Entry
from graphdet.cases.rows import Case
from graphdet.console.asked import Answer, Asked
from graphdet.console.assets import CHARTS
from graphdet.console.desk import Desk
from graphdet.console.today_screen import MINE, require_seen, take_back
from graphdet.printable import inert
from graphdet.schema import VERDICTS
from graphdet.schema.lookalikes import LOOK_ALIKES
from graphdet.words.console import CONSOLE_WORDS
from graphdet.words.interface import WORDS, page_words

SCRIPTS = (*CHARTS, "text.js", "charts.js", "grid.js", "ring.js", "case.js")
CODES = {"verdict": "", "lineage": "lineage_", "state": "state_", "why": "back_"}  # parts of entries, and how their words begin
MOST_TOLD = 200  # entries of a history that are shown, the latest


@dataclass(frozen=True)
class Told:
    """One entry in words."""

    time: str
    author: str
    told: str


def case_screen(desk: Desk, asked: Asked) -> Answer:
    """One case."""
    with desk.book(asked.who) as book:
        case = book.case(asked.place["name"])
        if case.name not in asked.session.seen:
            asked.session.seen.add(case.name)
            book.view(case.name)
        with book.reading():
            history = book.history(case.name)
            undone, last = book.undone(), book.last_word()
            accepted = book.suppression(case.accepted) if case.accepted else None
            standing = desk.standing(book)
            rate = desk.rate_of(book, standing, case, asked.language)
    queue = standing.queue
    run = desk.run_of(case)
    page: str | None = None
    why = "no_run"
    if run is not None:
        why = "page_comes" if run.has_pages else "no_dossiers"
        try:
            page = run.bench.page(case.ring_id) if run.has_pages else None
        except LookupError as error:
            why = str(error)
    at = queue.index(case.name) if case.name in queue else -1
    stories = [(one.name, one.short.to(asked.language)) for one in LOOK_ALIKES]
    return Answer(
        "case.html",
        {
            "case": case,
            "accepted": accepted,
            "colour": "review" if case.tier == "explained" and case.back else case.tier,
            "history": [_in_words(entry, asked, entry.number in undone) for entry in reversed(history)][:MOST_TOLD],
            "undoable": last is not None and last.case == case.name,
            "before": queue[at - 1] if at > 0 else "",
            "after": next(iter(queue[at + 1 :]), ""),  # after a decided one, the worthiest that waits
            "rate": rate,
            "verdicts": VERDICTS,
            "stories": stories,
            "page": page or "",
            "comes": page is None and why == "page_comes",
            "no_page": CONSOLE_WORDS[why].to(asked.language) if why in CONSOLE_WORDS else why,
            "labels": _labels() if page else "",
            "scripts": SCRIPTS if page else (),
        },
    )


@cache
def _labels() -> str:
    """All words of a ring's page; they hang on nothing."""
    return inert(page_words())


def _in_words(entry: Entry, asked: Asked, undone: bool) -> Told:
    """What an entry says, in the reader's language; whatever it holds besides stands behind it."""

    def word(key: str) -> str:
        words = CONSOLE_WORDS.get(key) or WORDS.get(key)
        return words.to(asked.language) if words else key

    told: dict[str, Any] = entry.told
    kind = "doubted" if entry.kind == RETURNED and not entry.suppression else entry.kind
    parts = [word(f"entry_{kind}")]
    parts += [word(before + str(told[key])) for key, before in CODES.items() if told.get(key)]
    parts += [str(told[key]) for key in ("user", "owner", "step", "text", "note", "reason") if told.get(key)]
    text = " · ".join(dict.fromkeys(parts))
    return Told(entry.time, entry.author, f"{text} ({word('taken_back')})" if undone else text)


def decide(desk: Desk, asked: Asked) -> Answer:
    """A verdict on the ring, or on one of its members."""
    member = asked.form.get("member", "")
    with desk.book(asked.who) as book:
        case = book.case(asked.place["name"])
        require_seen(asked, case)
        verdict = asked.form.get("verdict", "")
        story = asked.form.get("story", "") if verdict == VERDICTS[1] else ""
        book.decide(case.name, verdict, story, asked.form.get("note", ""), [member] if member else [])
    return _back(case)


def keep_work(desk: Desk, asked: Asked) -> Answer:
    """Owner, next step and a note: what differs from before is written down."""
    with desk.book(asked.who) as book:
        case = book.case(asked.place["name"])
        owner, step, note = (asked.form.get(name, "").strip() for name in ("owner", "next_step", "note"))
        owner = asked.who if asked.form.get(MINE) else owner
        if owner != case.owner:
            book.assign(case.name, owner)
        if step != case.next_step:
            book.plan(case.name, step)
        if note:
            book.note(case.name, note)
    return _back(case)


def accept(desk: Desk, asked: Asked) -> Answer:
    """Accept the finding for some days."""
    with desk.book(asked.who) as book:
        case = book.case(asked.place["name"])
        require_seen(asked, case)
        book.accept(case.name, asked.form.get("reason", ""), asked.until())
    return _back(case)


def undo_word(desk: Desk, asked: Asked) -> Answer:
    """Take back one's last word on the case."""
    with desk.book(asked.who) as book:
        case = book.case(asked.place["name"])
        take_back(book, case)
    return _back(case)


def _back(case: Case) -> Answer:
    return Answer(go=f"/case/{case.name}")
