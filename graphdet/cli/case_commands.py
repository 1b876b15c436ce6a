"""The casebook's commands: cases list, show, decide, note, accept, discount, undo, verify and the like; they need no server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphdet.cli.database import Known
from graphdet.cli.listing import Listed
from graphdet.cli.manner import manner, say, tell_done
from graphdet.cli.shared import AsJson, Folder, Lang, print_json

if TYPE_CHECKING:
    from graphdet.cases.casebook import Casebook
    from graphdet.cases.entries import Entry
    from graphdet.cases.rows import Case, Suppression

HEADING = "Work on cases"
PLACE = "GRAPHDET_HOME"
Home = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help=f"Home folder of the casebook; else that of {PLACE}.", envvar=PLACE)
]
Author = Annotated[str | None, typer.Option("--author", help="Whose word it is; else GRAPHDET_AUTHOR, else this account's name.")]
Name = Annotated[str, typer.Argument(metavar="CASE", help="A case's name (C-0001), or a ring's id or the beginning of it.")]
Suppressed = Annotated[str, typer.Argument(metavar="SUPPRESSION", help="A suppression's name, such as S-0001.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Until = Annotated[datetime | None, typer.Option("--until", metavar="DATE", help="Its end; else in 90 days.", formats=["%Y-%m-%d"])]
Language = Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")]


class Verdict(StrEnum):
    """Verdicts, for the command line; a test holds them to `schema.VERDICTS`."""

    CONFIRMED = "confirmed"
    INNOCENT = "innocent"
    UNSURE = "unsure"


class State(StrEnum):
    """States of cases, for the command line; a test holds them to `cases.rows.STATES`."""

    OPEN = "open"
    DECIDED = "decided"
    DORMANT = "dormant"
    CLOSED = "closed"


cases = typer.Typer(
    cls=Listed,
    help="Work on cases: what was found, what people said of it, and until when. Needs no server.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(cases, name="cases")


def opened(home: Path | None, author: str | None = None, *, make: bool = False) -> Casebook:
    """The casebook of the home folder that was named, for a `with` block.

    Raises:
        CaseError: none was named.
    """
    from graphdet.cases.casebook import Casebook
    from graphdet.errors import CaseError

    if home is None:
        raise CaseError(f"no home folder: name it with --home DIR, or set {PLACE}.")
    return Casebook(home, author, make=make)


@cases.command("list")
def list_cases(
    home: Home = None,
    state: Annotated[list[State] | None, typer.Option(help="Only cases of this state; may be given more than once.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    node: Annotated[str | None, typer.Option("--with", metavar="TYPE=ID", help="Only cases that ever had this node: user=u1, ip=…")] = None,
    lang: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """List cases, by name."""
    with opened(home) as book:
        found = [case for case in book.cases() if owner in (None, case.owner) and (not state or case.state in state)]
        if node is not None:
            names = set(book.cases_with(*_node(node)))
            found = [case for case in found if case.name in names]
    if as_json:
        print_json([asdict(case) for case in found])
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.case_screens import show_cases

    show_cases(console_for(), found, lang.value)


def _node(told: str) -> tuple[str, str]:
    from graphdet.errors import CaseError, nearest
    from graphdet.schema import NODE_TYPE

    node_type, mark, node_id = told.partition("=")
    if not mark or node_type not in NODE_TYPE:
        raise CaseError(f"--with '{told}'{nearest(node_type, NODE_TYPE) or '.'} Write a node as TYPE=ID; types are {', '.join(NODE_TYPE)}.")
    return node_type, node_id


@cases.command()
def show(name: Name, home: Home = None, lang: Language = Lang.EN, as_json: AsJson = False) -> None:
    """Show one case: what is known, what was said, and all runs that saw it."""
    with opened(home) as book:
        case = book.case(name)
        history, undone = book.history(case.name), book.undone()
        words, users = book.member_words(case.name), book.users_of(case)
    if as_json:
        told = {"accounts": list(users), "member_words": [asdict(one) for one in words], "history": _as_dicts(history, undone)}
        print_json({**asdict(case), **told})
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.case_screens import show_case

    show_case(console_for(), case, users, words, history, undone, lang.value)


def _as_dicts(history: Sequence[Entry], undone: set[int]) -> list[dict[str, Any]]:
    return [{**asdict(entry), "payload": entry.told, "undone": entry.number in undone} for entry in history]


@cases.command()
def history(
    name: Annotated[str | None, typer.Argument(metavar="[CASE]", help="Only this case's.")] = None,
    home: Home = None,
    lang: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """Tell every change there ever was, who made it and when; taken-back words too."""
    with opened(home) as book:
        found = book.history(book.case(name).name if name else "")
        undone = book.undone()
    if as_json:
        print_json(_as_dicts(found, undone))
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.case_screens import show_history

    show_history(console_for(), found, undone, lang.value)


@cases.command()
def add(folder: Folder, home: Home = None, author: Author = None, as_json: AsJson = False) -> None:
    """Take a run folder in that was made without --home, or whose taking in was cut short."""
    from graphdet.cases.following import follow_lineage
    from graphdet.run.folder import Run
    from graphdet.schema.wording import numbered

    run = Run.load(folder)
    with opened(home, author, make=True) as book:
        taken = book.take_in(run, follow_lineage, folder=folder)
    if as_json:
        print_json({"run": taken.run.run_id, "is_new": taken.is_new, "opened": list(taken.opened), "cases": dict(taken.case_of)})
    else:
        told = f"{numbered(len(taken.opened), 'case', 'cases')} opened, {len(taken.case_of) - len(taken.opened):,} carried on"
        tell_done(told if taken.is_new else "This run was taken in before; nothing was changed.")


@cases.command()
def decide(
    name: Name,
    verdict: Annotated[Verdict, typer.Argument(metavar="VERDICT", help="The verdict.")],
    story: Annotated[str, typer.Option("--story", help="Of innocent: which look-alike, such as household.")] = "",
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    user: Annotated[
        list[str] | None, typer.Option("--user", metavar="ID", help="Judge this member only; may be given more than once.")
    ] = None,
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Judge a case's ring, or single members of it; later words count, all are kept."""
    with opened(home, author) as book:
        _tell_case(book.decide(name, verdict.value, story, note, user or ()), as_json=as_json)


@cases.command("note")
def write_note(
    name: Name, text: Annotated[str, typer.Argument(help="The note.")], home: Home = None, author: Author = None, as_json: AsJson = False
) -> None:
    """Write a note on a case."""
    with opened(home, author) as book:
        _tell_case(book.note(name, text), as_json=as_json)


@cases.command()
def assign(
    name: Name,
    owner: Annotated[str, typer.Argument(help="Who is to look at it; '' = nobody.")],
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Say who looks at a case."""
    with opened(home, author) as book:
        _tell_case(book.assign(name, owner), as_json=as_json)


@cases.command()
def plan(
    name: Name,
    step: Annotated[str, typer.Argument(help="What is to be done; '' = nothing.")],
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Say what the next step is."""
    with opened(home, author) as book:
        _tell_case(book.plan(name, step), as_json=as_json)


@cases.command()
def close(
    name: Name,
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Close a case: nothing is left to do."""
    with opened(home, author) as book:
        _tell_case(book.close(name, note), as_json=as_json)


@cases.command()
def reopen(
    name: Name,
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Open a case again; what was said of it stays."""
    with opened(home, author) as book:
        _tell_case(book.reopen(name, note), as_json=as_json)


@cases.command()
def undo(home: Home = None, author: Author = None, as_json: AsJson = False) -> None:
    """Take your own last word back; the journal keeps both."""
    with opened(home, author) as book:
        gone = book.undo()
    if as_json:
        print_json({**asdict(gone), "payload": gone.told, "undone": True})
        return
    from graphdet.terminal import clean
    from graphdet.words.casework import entry_in_words

    tell_done(f"taken back: {gone.case or gone.suppression}  {clean(entry_in_words(gone.kind, gone.told, gone.suppression, 'en'), 200)}")


@cases.command()
def verify(
    home: Home = None,
    head: Annotated[str, typer.Option("--head", metavar="HASH", help="A head that was noted down earlier: it must be in the chain.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check that nothing was changed behind the casebook's back; exit code 1 where something was."""
    from graphdet.schema.wording import numbered

    with opened(home) as book:
        found = book.verify(head)
    if as_json:
        print_json(asdict(found))
    elif found.faults:
        from graphdet.terminal import clean

        print("\n".join(clean(fault, 300) for fault in found.faults))
    elif not manner.quiet:
        print(f"{numbered(found.entries, 'entry', 'entries')}, one chain; all else follows from them\nhead {found.head}")
    if found.faults:
        raise typer.Exit(1)


def _tell_case(case: Case, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(case))
    else:
        from graphdet.words.casework import word

        say(f"{case.name}: {word(case.state, 'en')}" + (f", {case.verdict}" if case.verdict else ""))


@cases.command()
def accept(name: Name, reason: Reason, until: Until = None, home: Home = None, author: Author = None, as_json: AsJson = False) -> None:
    """Accept a finding until a date: counted, but back only when it grows by half, or its tier or the money rises."""
    with opened(home, author) as book:
        _tell_suppression(book, book.accept(name, reason, until), as_json=as_json)


@cases.command()
def discount(
    node: Annotated[
        str,
        typer.Argument(
            metavar="TYPE=ID",
            help="The key: ip=203.0.113.7, a network (ip=10.20.0.0/16), device=…, address, item, seller, payment, user.",
        ),
    ],
    reason: Reason,
    until: Until = None,
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Leave a key's evidence out of the runs to come; where there are several people, another one must approve it."""
    with opened(home, author, make=True) as book:
        _tell_suppression(book, book.discount(*_node(node), reason, until), as_json=as_json)


@cases.command()
def approve(name: Suppressed, home: Home = None, author: Author = None, as_json: AsJson = False) -> None:
    """Approve a discount that somebody else asked for, or that they are told whose pseudonym P-… is."""
    with opened(home, author) as book:
        if name.startswith("P-"):
            book.approve_identifying(name)
            return
        _tell_suppression(book, book.approve(name), as_json=as_json)


@cases.command()
def withdraw(
    name: Suppressed,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    home: Home = None,
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """End a suppression before its time."""
    with opened(home, author) as book:
        _tell_suppression(book, book.withdraw(name, reason), as_json=as_json)


@cases.command()
def sync(folder: Folder, home: Home = None, author: Author = None, server: Known = None, as_json: AsJson = False) -> None:
    """Bring the casebook and Neo4j to the same verdicts on a run that was pushed: both keep every word, the later one counts."""
    from graphdet.extras import need
    from graphdet.schema.wording import numbered

    need("neo4j", "graphdet cases sync")
    from graphdet.cases.mirror import sync_verdicts
    from graphdet.run.folder import Run
    from graphdet.store.connection import find_target, open_database

    run_id = Run.load(folder).id
    with opened(home, author) as book, open_database(find_target(server)) as database:
        done = sync_verdicts(book, database, run_id)
    if as_json:
        print_json(asdict(done))
    else:
        tell_done(f"{numbered(done.came_in, 'verdict', 'verdicts')} came in, {done.went_out:,} went out")


@cases.command()
def suppressions(home: Home = None, lang: Language = Lang.EN, as_json: AsJson = False) -> None:
    """List all suppressions, how they stand, and what each hid; those that ended, too."""
    with opened(home) as book:
        found, now = book.suppressions(), book.now
        hid = {one.name: book.hid(one.name) for one in found}
    if as_json:
        print_json([_as_dict(one, now) | {"hid": [asdict(run) for run in hid[one.name]]} for one in found])
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.case_screens import show_suppressions

    show_suppressions(console_for(), found, hid, now, lang.value)


def _as_dict(one: Suppression, now: str) -> dict[str, Any]:
    return {**asdict(one), "standing": one.standing(now)}


def _tell_suppression(book: Casebook, one: Suppression, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_dict(one, book.now))
    else:
        from graphdet.words.casework import standing_in_words

        print(f"{one.name}: {standing_in_words(one.standing(book.now), 'en')}, until {one.until[:10]}")
