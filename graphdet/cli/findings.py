"""Findings that are no rings: bursts, reviews."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.shared import AsJson, Folder, Lang, Language, SettingsFile, choose_settings, print_json, read_logs

if TYPE_CHECKING:
    from graphdet.events import EventTable
    from graphdet.reviews.review_reading import Reviews
    from graphdet.run.folder import Run
    from graphdet.settings import Settings

HEADING = "Look into a run"


class BurstOf(StrEnum):
    """Whose bursts, for the command line."""

    ITEM = "item"
    SELLER = "seller"
    CATEGORY = "category"
    SHOP = "shop"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (bursts, reviews):
        app.command()(command)


def bursts(
    folder: Folder,
    number: Annotated[int | None, typer.Argument(metavar="[N]", min=1, help="Only the Nth, in a sentence.", show_default=False)] = None,
    of: Annotated[list[BurstOf] | None, typer.Option("--of", help="Only of items, sellers, categories or the whole shop.")] = None,
    measure: Annotated[str | None, typer.Option(help="Only of events, orders, reviews, refunds, or an action's own word.")] = None,
    node: Annotated[str | None, typer.Option("--id", metavar="ID", help="Only of this item, seller or category.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the first of them (or the Nth) as an SVG.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Only so many, the least likely first.")] = 20,
    words: Annotated[bool, typer.Option("--words", help="A sentence each instead of a table.")] = False,
    language: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """List bursts: items, sellers, categories and actions with more than season and own level explain.

    A burst is no suspicion of anybody: sales, news and influencers make them, too.
    """
    from graphdet.errors import RunError
    from graphdet.run.folder import Run
    from graphdet.terminal import console_for
    from graphdet.words.finding_words import burst_label

    run = Run.load(folder)
    if run.bursts is None:
        timeless = run.rings.num_rows == run.rings["first_seen"].null_count and any(
            note.startswith("no timestamp") for note in run.meta["notes"]
        )
        raise RunError(f"{folder}: {burst_label('no_times' if timeless else 'not_there', language.value)}")
    rows = run.bursts.to_pylist()
    asked = {one.value for one in of or []}
    chosen = [
        {"number": place, **row}
        for place, row in enumerate(rows, 1)
        if (not asked or row["node_type"] in asked) and measure in (None, row["measure"]) and node in (None, row["node_id"])
    ]
    if number is not None:
        chosen = [row for row in chosen if row["number"] == number]
        if not chosen:
            raise RunError(f"{folder}: no burst {number} that was asked for; there are {len(rows):,}, and `graphdet bursts` lists them.")
    if plot is not None:
        _draw(run, chosen, plot, language)
    if as_json:
        print_json(chosen if number is None else chosen[0])
    elif plot is None:
        from graphdet.run.log_clock import clock_of
        from graphdet.terminal.finding_screens import show_bursts

        show_bursts(console_for(), chosen[:top], len(chosen), language.value, clock_of(run), told=words or number is not None)


def _draw(run: Run, chosen: list[dict[str, object]], path: Path, language: Lang) -> None:
    from graphdet.cli.manner import say
    from graphdet.errors import RunError
    from graphdet.report.burst_plot import draw_burst
    from graphdet.run.log_clock import clock_of
    from graphdet.whole import whole_file

    if not chosen:
        raise RunError("no burst to draw: there is none that was asked for.")
    with whole_file(path) as partial:
        partial.write_text(draw_burst(chosen[0], clock_of(run), language.value), encoding="utf-8")
    say(f"{path}: burst {chosen[0]['number']}")


def reviews(
    logs: Annotated[list[Path], typer.Argument(metavar="LOGS", help="Log files, or a run folder, whose logs are read again.")],
    false_share: Annotated[float, typer.Option("--false-share", min=0, max=1, help="Share of false alarms among findings.")] = 0.05,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="user_id and label (1 or 0) of some writers: learn from them, judge by later ones.")
    ] = None,
    settings: SettingsFile = None,
    top: Annotated[int, typer.Option(min=1, help="Only so many, the surest first.")] = 20,
    language: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """List reviews that seem bought or malicious: by days, stars, repeated texts, and words that do not fit the stars.

    A finding needs two of these signs at once, and says how often such findings are coincidence; whether a rule was broken, people decide.
    """
    from graphdet.cli.manner import progress_here
    from graphdet.errors import EmptyLog
    from graphdet.reviews.review_finding import as_rows, find_reviews
    from graphdet.reviews.review_reading import read_reviews
    from graphdet.words.review_words import reason_in_words, review_line

    progress = progress_here()
    paths, chosen = _logs_of(logs, settings)
    events = read_logs(paths, chosen, progress)
    with progress.stage("reviews"):
        found = read_reviews(events, chosen)
        if found is None:
            raise EmptyLog(f"{paths[0]}: {review_line('no_reviews', language.value)}")
        if labels is not None:
            _show_labelled(found, events, labels, chosen, top, language, as_json=as_json)
            return
        rows = as_rows(find_reviews(found, events, false_share, chosen.log.timezone), found, events)
    if as_json:
        for row in rows:
            for reason in row["reasons"]:
                reason |= {one.value: reason_in_words(reason["code"], reason["numbers"], one.value) for one in Lang}
        print_json({"reviews": len(found), "findings": rows[:top]})
        return
    from graphdet.run.log_clock import clock_by
    from graphdet.terminal import console_for
    from graphdet.terminal.finding_screens import show_reviews

    show_reviews(console_for(), rows[:top], len(rows), len(found), language.value, clock_by(chosen.log.timezone, events.report.notes))


def _show_labelled(
    reviews: Reviews, events: EventTable, labels: Path, chosen: Settings, top: int, language: Lang, *, as_json: bool
) -> None:
    """What labels teach: figures on later reviews by other writers, then the reviews that seem most so, of writers without a label."""
    from graphdet.events import read_labels
    from graphdet.reviews.labelled_reviews import labelled_rows, learn_reviews
    from graphdet.run.log_clock import clock_by
    from graphdet.terminal import console_for
    from graphdet.terminal.finding_screens import show_labelled_reviews

    known, _ = read_labels([labels], events, chosen.log, chosen.machine)
    learned = learn_reviews(reviews, events, known, chosen.seed)
    rows = labelled_rows(learned, reviews, events, known, top)
    if as_json:
        print_json({"reviews": len(reviews), "judgement": learned.judgement.as_dict(), "likeliest": rows})
        return
    show_labelled_reviews(
        console_for(), learned.judgement.as_dict(), rows, language.value, clock_by(chosen.log.timezone, events.report.notes)
    )


def _logs_of(logs: list[Path], settings: Path | None) -> tuple[list[Path], Settings]:
    """The log files, and how to read them: of a run folder its own, by the settings that it was made with."""
    if len(logs) == 1 and (logs[0] / "run.json").is_file():
        from graphdet.errors import RunError
        from graphdet.run.folder import Run
        from graphdet.settings import parse_settings

        meta = Run.load(logs[0]).meta
        paths = list(dict.fromkeys(Path(str(one["path"]).partition("!")[0]) for one in meta["inputs"]))
        gone = [path for path in paths if not path.exists()]
        if gone:
            raise RunError(f"{logs[0]}: its log {gone[0]} is not there any more, and a run keeps no texts; name the log itself.")
        return paths, parse_settings(meta["settings"], "run.json")
    return logs, choose_settings(settings, logs)
