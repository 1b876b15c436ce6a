"""What changed from one run to another: diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphdet.cli.shared import AsJson, Lang, print_json

HEADING = "Look into a run"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(diff)


def diff(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run folder.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="The run folder to compare it with, as a rule the later one.")],
    everything: Annotated[bool, typer.Option("--all", help="Rings that do not differ, too, and all of a long list.")] = False,
    members: Annotated[bool, typer.Option("--members", help="Who came and who went, by id.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where any ring differs, and with 0 where none does.")] = False,
    language: Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")] = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """Tell what changed from one run to another: rings that are new, grew, shrank, split, merged or are gone, tiers, members and money."""
    from graphdet.lineage.comparing import compare_runs
    from graphdet.run.folder import Run

    runs = Run.load(before), Run.load(after)
    found = compare_runs(*runs)
    if as_json:
        print_json(found.as_dict())
    else:
        from graphdet.run.log_clock import clock_of
        from graphdet.terminal import console_for
        from graphdet.terminal.changes import show_difference

        told = [(str(folder), clock_of(run)) for folder, run in zip((before, after), runs, strict=True)]
        show_difference(console_for(), found, told, language.value, everything=everything, members=members)
    if exit_code and found.differs:
        raise typer.Exit(1)
