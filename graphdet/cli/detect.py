"""From logs to a run folder: run, check, demo, settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.shared import AsJson, Logs, Seed, SettingsFile, Threads, choose_settings, follower, print_json, read_logs

if TYPE_CHECKING:
    from graphdet.progress import Progress
    from graphdet.run.folder import Run
    from graphdet.settings import Settings

DEMO_SEED = 1


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (run, check, demo):
        app.command()(command)
    app.command("settings")(print_settings)


def run(
    logs: Logs,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The run folder to write; must not exist yet, or be empty.")],
    model: Annotated[Path | None, typer.Option("--model", metavar="FILE", help="Score by a model that `graphdet train` wrote.")] = None,
    settings: SettingsFile = None,
    threads: Threads = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Read logs, find rings, and write a run folder."""
    from graphdet.extras import need
    from graphdet.progress import progress_for
    from graphdet.run.saving import require_free

    require_free(out)
    if model is not None:
        need("learn", "graphdet run --model")
    chosen = choose_settings(settings, threads, seed)
    found = _detect(logs, out, chosen, progress_for(sys.stderr), model)
    if as_json:
        print_json({**found.meta, "folder": str(out), "rings": found.rings.to_pylist()})
    else:
        from graphdet.terminal import console_for, show_end

        show_end(console_for(), found, out)


def check(logs: Logs, settings: SettingsFile = None, threads: Threads = None, as_json: AsJson = False) -> None:
    """Validate logs without running: what they hold, what is missing and what that costs, and the first rejected rows."""
    from graphdet.events import check_logs
    from graphdet.progress import progress_for

    chosen = choose_settings(settings, threads, None)
    progress = progress_for(sys.stderr)
    with progress.stage("read logs"):
        found = check_logs(logs, chosen.log, chosen.machine, follower(progress))
    if as_json:
        print_json(found.as_dict())
    else:
        from graphdet.terminal import console_for, show_check

        show_check(console_for(), found)


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to put the made log and the run.")] = Path("graphdet-demo"),
) -> None:
    """Make a small market with planted rings, find them, and show them."""
    from graphdet.progress import progress_for
    from graphdet.run.saving import require_free
    from graphdet.settings import Settings
    from graphdet.simulate import preset, simulate, write_market
    from graphdet.terminal import console_for, show_end

    require_free(out)
    progress = progress_for(sys.stderr)
    with progress.stage("make a market"):
        write_market(simulate(preset("demo"), DEMO_SEED), out / "market", "csv")
    found = _detect([out / "market" / "events.csv"], out / "run", Settings(), progress)
    show_end(console_for(), found, out / "run")


def print_settings() -> None:
    """Print every setting with its default and meaning, as TOML."""
    from graphdet.settings import Settings, settings_as_toml

    print(settings_as_toml(Settings()), end="")


def _detect(logs: list[Path], out: Path, settings: Settings, progress: Progress, model: Path | None = None) -> Run:
    from graphdet.pipeline import apply, detect

    if model is not None:
        from graphdet.learning.applying import load_for_run

        load_for_run(model, settings)  # a model that does not fit is told of before the logs are read
    events = read_logs(logs, settings, progress)
    found = detect(events, settings, progress) if model is None else apply(events, model, settings, progress)
    found.save(out)
    return found
