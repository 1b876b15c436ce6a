"""Findings that are no rings: bursts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdet.cli.shared import AsJson, Folder, Lang, Language, print_json

HEADING = "Look into a run"


class BurstOf(StrEnum):
    """Whose bursts, for the command line."""

    ITEM = "item"
    SELLER = "seller"
    CATEGORY = "category"
    SHOP = "shop"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(bursts)


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
        _draw(chosen, plot, language)
    if as_json:
        print_json(chosen if number is None else chosen[0])
    elif plot is None:
        from graphdet.terminal.finding_screens import show_bursts

        show_bursts(console_for(), chosen[:top], len(chosen), language.value, told=words or number is not None)


def _draw(chosen: list[dict[str, object]], path: Path, language: Lang) -> None:
    from graphdet.cli.manner import say
    from graphdet.errors import RunError
    from graphdet.report.burst_plot import draw_burst
    from graphdet.whole import whole_file

    if not chosen:
        raise RunError("no burst to draw: there is none that was asked for.")
    with whole_file(path) as partial:
        partial.write_text(draw_burst(chosen[0], language.value), encoding="utf-8")
    say(f"{path}: burst {chosen[0]['number']}")
