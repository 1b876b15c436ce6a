"""From logs to a run folder: run, check, demo, settings."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.manner import manner, progress_here, say, say_more
from graphdet.cli.shared import (
    AsJson,
    Home,
    Logs,
    Sample,
    Seed,
    SettingsFile,
    Since,
    Threads,
    Until,
    Wanted,
    choose_settings,
    follower,
    print_json,
    read_logs,
)

if TYPE_CHECKING:
    from graphdet.events import EventTable
    from graphdet.progress import Progress
    from graphdet.run.folder import Run
    from graphdet.settings import Settings

HEADING = "Find rings"
DEMO_SEED = 1


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (run, check, demo):
        app.command()(command)
    app.command("settings")(print_settings)


def run(
    logs: Logs,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run folder to write; must not exist yet, or be empty.")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", metavar="FILE", help="Score by a model that `graphdet train` wrote.")] = None,
    verdicts: Annotated[
        list[Path] | None,
        typer.Option("--verdicts", metavar="FILE", help="Verdicts on rings, as `graphdet dispositions` writes them: they update chances."),
    ] = None,
    home: Home = None,
    settings: SettingsFile = None,
    since: Since = None,
    until: Until = None,
    sample: Sample = None,
    threads: Threads = None,
    seed: Seed = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the logs and say what a run would work on; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read logs, find rings, and write a run folder.

    With --home the casebook of that folder takes the run in: its discounts are left out of the evidence, its verdicts update chances.
    """
    from graphdet.errors import RunError
    from graphdet.extras import need
    from graphdet.run.saving import require_free

    if out is not None:
        require_free(out)
    elif not dry_run:
        raise RunError("run: --out is missing; name the run folder to write, such as --out out/first, or give --dry-run to write none.")
    if model is not None:
        need("learn", "graphdet run --model")
    chosen = choose_settings(settings, logs, Wanted(threads, seed, since, until, sample))
    if out is None or dry_run:
        _show_logs(logs, chosen, as_json=as_json)
        say(f"dry run: nothing was written; without --dry-run the run would be in {out or 'the folder that --out names'}")
        return
    found = _detect(logs, out, chosen, progress_here(), model, verdicts, home)
    if as_json:
        print_json({**found.meta, "folder": str(out), "rings": found.rings.to_pylist()})
    elif not manner.quiet:
        from graphdet.terminal import console_for, show_end

        show_end(console_for(), found, out)


def check(
    logs: Logs,
    settings: SettingsFile = None,
    since: Since = None,
    until: Until = None,
    sample: Sample = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Validate logs without running: what they hold, what is missing and what that costs, and the first rejected rows."""
    _show_logs(logs, choose_settings(settings, logs, Wanted(threads, None, since, until, sample)), as_json=as_json)


def _show_logs(logs: list[Path], chosen: Settings, *, as_json: bool) -> None:
    from graphdet.events import check_logs

    progress = progress_here()
    with progress.stage("read logs"):
        found = check_logs(logs, chosen.log, chosen.machine, follower(progress))
    if as_json:
        print_json(found.as_dict())
    else:
        from graphdet.terminal import console_for, show_check

        show_check(console_for(), found)
    if not found.events:
        raise typer.Exit(2)


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to put the made log and the run.")] = Path("graphdet-demo"),
    open_report: Annotated[bool, typer.Option("--open", help="Write the report, too, and open it in a browser.")] = False,
) -> None:
    """Make a small market with planted rings, find them, and tell what was found of them."""
    from graphdet.extras import need
    from graphdet.run.saving import require_free
    from graphdet.settings import Settings
    from graphdet.simulate import preset, simulate, write_market
    from graphdet.whole import whole_or_gone

    if open_report:
        need("report", "graphdet demo --open")
    require_free(out)
    progress = progress_here()
    with whole_or_gone(out):
        with progress.stage("make a market"):
            write_market(simulate(preset("demo"), DEMO_SEED), out / "market", "csv")
        found = _detect([out / "market" / "events.csv"], out / "run", Settings(), progress)
    if not manner.quiet:
        _show_demo(found, out)
    if open_report:
        from graphdet.report import write_report

        write_report(found, out / "run" / "report.html")
        _open(out / "run" / "report.html")


def _show_demo(found: Run, out: Path) -> None:
    from graphdet.simulate.outcome import compare_with_planted
    from graphdet.terminal import clean, console_for, show_outcome, show_result, show_steps

    console = console_for()
    show_result(console, found)
    console.print()
    show_outcome(console, compare_with_planted(out / "market" / "truth", found.rings.to_pylist(), found.members.to_pylist()))
    run = clean(shlex.quote(str(out / "run")))
    steps = [(f"graphdet show {run} 1", "the worst ring and its evidence"), (f"graphdet report {run}", "all rings on one page")]
    show_steps(console, out / "run", [*steps, ("graphdet init YOUR-LOGS", "the same for logs of your own")])


def _open(path: Path) -> None:
    """Show a page in a browser; where there is none, say where it is."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        say(f"no browser was found here; open {path} in one")


def print_settings() -> None:
    """Print every setting with its default and meaning, as TOML."""
    from graphdet.settings import Settings, settings_as_toml

    print(settings_as_toml(Settings()), end="")


def _detect(
    logs: list[Path],
    out: Path,
    settings: Settings,
    progress: Progress,
    model: Path | None = None,
    verdicts: list[Path] | None = None,
    home: Path | None = None,
) -> Run:
    from graphdet.pipeline import apply, detect
    from graphdet.run.folder import Run
    from graphdet.run.house_verdicts import read_verdicts, with_verdicts
    from graphdet.run.saving import RunWriter
    from graphdet.schema.wording import numbered

    known = read_verdicts(verdicts or ())  # files that do not fit are told of before the logs are read
    if model is not None:
        from graphdet.learning.applying import load_for_run

        load_for_run(model, settings)  # a model that does not fit is told of before the logs are read

    def read(by: Settings) -> EventTable:
        events = read_logs(logs, by, progress)
        for file in events.report.files:
            say_more(
                f"{file.path}: {file.format}, {numbered(file.read, 'row', 'rows')} read, {file.accepted:,} accepted; "
                f"columns {', '.join(file.columns)}"
            )
        return events

    with RunWriter(out) as writer:

        def find(events: EventTable, by: Settings) -> Run:
            tables = writer.begin()
            return detect(events, by, progress, tables) if model is None else apply(events, model, by, progress, tables)

        if home is None:
            found = find(read(settings), settings)
            found = with_verdicts(found, known) if verdicts else found
            writer.finish(found.tables, found.meta)
            return Run.load(out)
        from graphdet.cases.casebook import Casebook
        from graphdet.cases.following import follow_lineage
        from graphdet.cases.suppressed_run import run_suppressed

        with Casebook(home) as book:
            known = {**known, **book.ring_verdicts()}
            under = run_suppressed(book, settings, read, find, progress)
            found = with_verdicts(under.run, known) if known else under.run
            writer.finish(found.tables, found.meta)
            found = Run.load(out)
            taken = book.take_in(found, follow_lineage, folder=out, discounts=under.discounts, costs=under.costs)
    say(f"{home}: {numbered(len(taken.opened), 'case', 'cases')} opened, {len(taken.case_of) - len(taken.opened):,} carried on")
    return found
