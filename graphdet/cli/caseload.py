"""What a desk does with its cases: cases queue, export, identify, week."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdet.cli.case_commands import Author, Home, Language, Verdict, cases, opened
from graphdet.cli.manner import tell_done
from graphdet.cli.shared import HIGHEST_SEED, AsJson, Lang, print_json

HEADING = "Work on cases"
Budget = Annotated[int, typer.Option("--budget", min=1, max=100_000, help="So many cases can be looked at.")]
Explore = Annotated[
    float, typer.Option("--explore", min=0, max=1, help="Share of them that is drawn blindly, so that nothing is never seen.")
]


class AccountsFormat(StrEnum):
    """Formats of a list of accounts; a test holds them to `hand_over.WRITERS`."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"


def register(app: typer.Typer) -> None:
    """Add these commands to those of `cases`."""
    for command in (queue, export, identify, week):
        cases.command()(command)


def queue(
    home: Home = None,
    budget: Budget = 40,
    explore: Explore = 0.1,
    learn: Annotated[int, typer.Option("--learn", min=0, help="So many of them are those whose verdict teaches most.")] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, max=HIGHEST_SEED, metavar="N", help="Of what is drawn.")] = 0,
    lang: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """Tell which waiting cases to look at: those worth most, by chance and money, a few drawn, and how many should be rings."""
    from graphdet.week.queueing import make_queue

    with opened(home) as book:
        found = make_queue(book, budget, explore, learn, seed)
    if as_json:
        print_json(found.as_dict())
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.queue_screen import show_queue

    show_queue(console_for(), found, lang.value)


def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; its ending tells the format. Must not exist.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="CASE", help="Only these cases.", show_default=False)] = None,
    verdict: Annotated[list[Verdict] | None, typer.Option(help="Accounts with this verdict; may be given more than once.")] = None,
    form: Annotated[AccountsFormat | None, typer.Option("--format", help="Where the ending does not tell.")] = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Other names for the accounts; `cases identify` tells whose they are.")
    ] = False,
    home: Home = None,
    lang: Language = Lang.EN,
) -> None:
    """Write the accounts of judged cases for those who act on them: case, ring, verdict, reasons and contribution of each."""
    from graphdet.console.prepared import PREPARED
    from graphdet.console.shelf import Shelf
    from graphdet.errors import CaseError
    from graphdet.extras import need
    from graphdet.printable import printable
    from graphdet.week.hand_over import account_rows, still_to_act_on, under_other_names, write_accounts
    from graphdet.words.week_words import week_words

    ending = form.value if form else out.suffix.removeprefix(".").lower()
    if ending not in [one.value for one in AccountsFormat]:
        raise CaseError(f"{out}: its ending tells no format; end it with .csv, .jsonl or .xlsx, or give --format.")
    if ending == AccountsFormat.XLSX.value:
        need("report", "graphdet cases export --format xlsx")
    with opened(home) as book:
        told_of = Shelf(book.home / PREPARED).told_of
        judged = account_rows(book, [one.value for one in verdict or [Verdict.CONFIRMED]], names or (), told_of=told_of)
        rows = judged if names else still_to_act_on(judged, book.now)
        at_rest = len(judged) - len(rows)
        if pseudonyms:
            rows = under_other_names(book, rows)
    write_accounts(rows, out, ending)
    told = {"count": f"{len(rows):,}", "cases": len({row["case"] for row in rows}), "path": printable(str(out))}
    tell_done(week_words("accounts_written", lang.value, **told))
    if at_rest:
        tell_done(week_words("accounts_at_rest", lang.value, count=at_rest))


def identify(
    pseudonym: Annotated[str, typer.Argument(metavar="P-…", help="As `cases export --pseudonyms` wrote it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; needed when you ask.")] = "",
    home: Home = None,
    author: Author = None,
    lang: Language = Lang.EN,
) -> None:
    """Tell whose pseudonym it is; where there are several people, another one must approve, and then ask once more."""
    from graphdet.printable import printable
    from graphdet.words.casework import word

    with opened(home, author) as book:
        found = book.identify(pseudonym, reason)
    print(f"{pseudonym}: {word('asked', lang.value)}" if found is None else printable(found))


def week(
    home: Home = None,
    since: Annotated[
        datetime | None, typer.Option(help="Its first day (UTC); else seven days before its end.", formats=["%Y-%m-%d"])
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="The day after its last (UTC); else now.", formats=["%Y-%m-%d"])] = None,
    budget: Budget = 40,
    explore: Explore = 0.1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="An .html page, with a chart, or an .md text; else the text is printed.")
    ] = None,
    lang: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """Report a week: new, decided and confirmed cases, money, precision of alerts, time to a verdict, and what to look at next."""
    from datetime import UTC, timedelta

    from graphdet.errors import CaseError
    from graphdet.week.figures_of_week import week_of
    from graphdet.week.home import write_text
    from graphdet.week.weekly_report import as_markdown, as_page

    if out is not None and out.suffix.lower() not in (".html", ".md"):
        raise CaseError(f"{out}: its ending tells no format; end it with .html or .md.")
    with opened(home) as book:
        end = until or book.clock().astimezone(UTC)
        begin = since or end - timedelta(days=7)
        if begin.replace(tzinfo=UTC) >= end.replace(tzinfo=UTC):
            raise CaseError(f"--since {begin:%Y-%m-%d} is not before the end, {end:%Y-%m-%d}; give an earlier day.")
        found = week_of(book, begin, end, budget, explore)
    if as_json:
        print_json(found.as_dict())
    elif out is None:
        print(as_markdown(found, lang.value), end="")
    else:
        write_text(out, as_page(found, lang.value, budget) if out.suffix.lower() == ".html" else as_markdown(found, lang.value))
        print(out)
