"""Made markets and the truth about them: simulate, evaluate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdet.cli.shared import AsJson, Folder, print_json


class LogFormat(StrEnum):
    """Formats of a simulated log."""

    PARQUET = "parquet"
    CSV = "csv"


class Preset(StrEnum):
    """Presets of the simulated market, for the command line; a test holds them to `simulate.PresetName`."""

    DEMO = "demo"
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("simulate")(simulate_market)
    app.command("evaluate")(evaluate_run)


def simulate_market(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the log and its truth to.")],
    preset_name: Annotated[Preset, typer.Option("--preset", help="How hard the rings are to find.")] = Preset.HARD,
    events: Annotated[int | None, typer.Option(min=1, help="About so many events; the preset says otherwise.")] = None,
    users: Annotated[int | None, typer.Option(min=1, help="So many users; the preset says otherwise.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same market.")] = 1,
    log_format: Annotated[LogFormat, typer.Option("--format", help="Format of the log.")] = LogFormat.PARQUET,
) -> None:
    """Make a market's log, with planted rings, innocent look-alikes, and the truth about both."""
    from graphdet.simulate import preset, simulate, write_market

    write_market(simulate(preset(preset_name.value, events, users), seed), out, log_format.value)
    print(out / f"events.{log_format.value}")


def evaluate_run(
    folder: Folder,
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="The folder of a simulated market, or its truth folder.")],
    as_json: AsJson = False,
) -> None:
    """Compare a run with the truth of its log."""
    from graphdet.evaluate import evaluate, load_truth
    from graphdet.run.folder import Run

    figures = evaluate(Run.load(folder), load_truth(truth))
    if as_json:
        print_json(figures.as_dict())
    else:
        from graphdet.terminal import console_for, show_evaluation

        show_evaluation(console_for(), figures)
