"""Made markets and the truth about them: simulate, evaluate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.shared import AsJson, Folder, print_json

if TYPE_CHECKING:
    from graphdet.simulate import MarketSettings

HEADING = "Make and measure"


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
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The folder to write the log and its truth to.")] = None,
    preset_name: Annotated[
        Preset | None, typer.Option("--preset", help="How hard the rings of the marketplace are to find; else hard.")
    ] = None,
    shop: Annotated[
        str | None, typer.Option(metavar="NAME", help="A shop of another kind instead, such as news or wholesale; `list` names them all.")
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Without rings: whatever is found there is a false alarm.")] = False,
    events: Annotated[int | None, typer.Option(min=1, help="About so many events; the preset says otherwise.")] = None,
    users: Annotated[int | None, typer.Option(min=1, help="So many users; the preset says otherwise.")] = None,
    takeovers: Annotated[
        float, typer.Option(min=0, max=2000, help="So many accounts of 10,000 are taken over by strangers, one by one.")
    ] = 0.0,
    pictures: Annotated[
        float, typer.Option(min=0, max=1, help="Such a share of reviews shows a picture, drawn by code; crews hand theirs round.")
    ] = 0.0,
    sheets: Annotated[
        float, typer.Option(min=0, max=1, help="Such a share of rings works by a sheet: what to look at before a task, and how long.")
    ] = 0.0,
    nights: Annotated[
        float, typer.Option(min=0, max=1, help="Such a share of rings works by night, beside honest people who are up then.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same market.")] = 1,
    log_format: Annotated[LogFormat, typer.Option("--format", help="Format of the log.")] = LogFormat.PARQUET,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print the events of a marketplace as JSON lines: its past at once, then its last hours.")
    ] = False,
    hours: Annotated[float, typer.Option(min=0, help="So many hours at the end are played by --stream.")] = 1.0,
    speed: Annotated[float, typer.Option(min=0.001, help="So many times as fast as the marketplace's own clock.")] = 60.0,
) -> None:
    """Make a log with planted rings, innocent look-alikes, and the truth about both: of a marketplace, or of a shop of the zoo."""
    from graphdet.errors import MarketError
    from graphdet.simulate import preset, simulate, with_nights, with_pictures, with_sheets, with_takeovers, without_rings, write_market
    from graphdet.simulate.zoo import SHOPS, make_shop, write_shop

    if shop == "list":
        for one in SHOPS.values():
            print(f"{one.name:<14}  {one.meaning}")
        return
    if stream:
        if out is not None or shop is not None:
            raise MarketError("--stream prints a marketplace and writes no folder; leave --out and --shop out.")
        settings = preset((preset_name or Preset.DEMO).value, events, users)
        _play(without_rings(settings) if clean else settings, seed, hours, speed)
        return
    if out is None:
        raise MarketError("name the folder to write to with --out DIR, or --stream to print the events.")
    if shop is not None:
        if preset_name is not None or events is not None or takeovers or pictures or sheets or nights:
            raise MarketError(
                "--preset, --events, --takeovers, --pictures, --sheets and --nights are about the marketplace; "
                "a shop of the zoo takes --users, --seed and --clean."
            )
        write_shop(make_shop(shop, seed, users, not clean), out, log_format.value)
    else:
        settings = with_takeovers(preset((preset_name or Preset.HARD).value, events, users), takeovers)
        settings = with_nights(with_sheets(with_pictures(settings, pictures), sheets), nights)
        write_market(simulate(without_rings(settings) if clean else settings, seed), out, log_format.value)
    print(out / f"events.{log_format.value}")


def _play(settings: MarketSettings, seed: int, hours: float, speed: float) -> None:
    """On stdout, until it is over or nobody reads any more."""
    import os
    import sys

    from graphdet.simulate import simulate
    from graphdet.simulate.playing import play

    try:
        play(simulate(settings, seed), sys.stdout.buffer, hours, speed)
    except BrokenPipeError:  # whoever read has seen enough; nothing may be flushed into the pipe at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def evaluate_run(
    folder: Folder,
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="The folder of a simulated market, or its truth folder.")],
    as_json: AsJson = False,
) -> None:
    """Compare a run with the truth of its log."""
    from graphdet.extras import need

    need("lab", "graphdet evaluate")
    from graphdet.evaluate import evaluate, load_truth
    from graphdet.run.folder import Run

    figures = evaluate(Run.load(folder), load_truth(truth))
    if as_json:
        print_json(figures.as_dict())
    else:
        from graphdet.terminal import console_for, show_evaluation

        show_evaluation(console_for(), figures)
