"""Arguments → the library, and what it says → the terminal. Thin: heavy imports stay inside the commands, so that --help is instant.

Data goes to stdout, progress and complaints to stderr; `--json` puts one JSON document on stdout and nothing else.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphdet import __version__, cli_store
from graphdet.errors import GraphdetError

if TYPE_CHECKING:
    from graphdet.progress import Progress
    from graphdet.run import Run
    from graphdet.settings import Settings

DEBUG = "--debug"
DEMO_SEED = 1

app = typer.Typer(
    help="Finds organised fraud rings in shop and marketplace logs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Tier(StrEnum):
    """Tiers of rings, for the command line; a test holds them to `schema.TIERS`."""

    ALERT = "alert"
    REVIEW = "review"
    EXPLAINED = "explained"


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


Logs = Annotated[
    list[Path], typer.Argument(metavar="LOGS", help="Log files or folders of them: CSV, TSV, JSON lines, Parquet; plain, .gz or .zst.")
]
Folder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file; `graphdet settings` prints one with all defaults.")]
Threads = Annotated[int | None, typer.Option(min=0, help="Threads; 0 = all cores. The results do not depend on it.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the permutations.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an unexpected error; may stand anywhere.")] = False,
) -> None:
    """Options that stand before the command; `main` looks for --debug itself."""


@app.command()
def run(
    logs: Logs,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The run folder to write; must not exist yet, or be empty.")],
    settings: SettingsFile = None,
    threads: Threads = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Read logs, find rings, and write a run folder."""
    from graphdet.progress import progress_for
    from graphdet.run import require_free

    require_free(out)
    chosen = _settings(settings, threads, seed)
    found = _detect(logs, out, chosen, progress_for(sys.stderr))
    if as_json:
        _print_json({**found.meta, "folder": str(out), "rings": found.rings.to_pylist()})
    else:
        from graphdet.terminal import console_for, show_end

        show_end(console_for(), found, out)


@app.command()
def check(logs: Logs, settings: SettingsFile = None, threads: Threads = None, as_json: AsJson = False) -> None:
    """Validate logs without running: what they hold, what is missing and what that costs, and the first rejected rows."""
    from graphdet.events import check_logs
    from graphdet.progress import progress_for

    chosen = _settings(settings, threads, None)
    progress = progress_for(sys.stderr)
    with progress.stage("read logs"):
        found = check_logs(logs, chosen.log, chosen.machine, _follower(progress))
    if as_json:
        _print_json(found.as_dict())
    else:
        from graphdet.terminal import console_for, show_check

        show_check(console_for(), found)


@app.command()
def rings(
    folder: Folder,
    tier: Annotated[list[Tier] | None, typer.Option(help="Only this tier; may be given more than once.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List a run's rings, worst first."""
    import pyarrow.compute as pc

    from graphdet.run import Run

    found = Run.load(folder).rings.sort_by("rank")
    total = found.num_rows
    if tier:
        found = found.filter(pc.field("tier").isin([one.value for one in tier]))
    found = found.slice(0, top)
    if as_json:
        _print_json(found.to_pylist())
    else:
        from graphdet.terminal import console_for, show_rings

        show_rings(console_for(), found, total)


@app.command()
def show(
    folder: Folder,
    ring: Annotated[str, typer.Argument(help="A ring's id, the start of it, or its rank (1 is the worst).")],
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the saved queries on this ring, to paste into Neo4j Browser.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All members and meetings, however many.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one ring: members, targets, times, devices, IPs, and the evidence against what chance would give."""
    from graphdet.run import Run

    found = Run.load(folder)
    one = found.ring(ring)
    if cypher:
        from graphdet.store.queries import ring_queries

        for title, text in ring_queries(found.id, one.id, (folder / "embeddings.parquet").exists()):
            print(f"// {title}\n{text};\n")
        return
    if as_json:
        _print_json({**one.facts, "members": one.members.to_pylist(), "evidence": one.evidence.to_pylist()})
    else:
        from graphdet.terminal import console_for, show_ring

        show_ring(console_for(), found, one, everything)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to put the made log and the run.")] = Path("graphdet-demo"),
) -> None:
    """Make a small market with planted rings, find them, and show them."""
    from graphdet.progress import progress_for
    from graphdet.run import require_free
    from graphdet.settings import Settings
    from graphdet.simulate import preset, simulate, write_market
    from graphdet.terminal import console_for, show_end

    require_free(out)
    progress = progress_for(sys.stderr)
    with progress.stage("make a market"):
        write_market(simulate(preset("demo"), DEMO_SEED), out / "market", "csv")
    found = _detect([out / "market" / "events.csv"], out / "run", Settings(), progress)
    show_end(console_for(), found, out / "run")


@app.command("simulate")
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


@app.command("settings")
def print_settings() -> None:
    """Print every setting with its default and meaning, as TOML."""
    from graphdet.settings import Settings, settings_as_toml

    print(settings_as_toml(Settings()), end="")


@app.command("evaluate")
def evaluate_run(
    folder: Folder,
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="The folder of a simulated market, or its truth folder.")],
    as_json: AsJson = False,
) -> None:
    """Compare a run with the truth of its log."""
    from graphdet.evaluate import evaluate, load_truth
    from graphdet.run import Run

    figures = evaluate(Run.load(folder), load_truth(truth))
    if as_json:
        _print_json(figures.as_dict())
    else:
        from graphdet.terminal import console_for, show_evaluation

        show_evaluation(console_for(), figures)


cli_store.register(app)


def main() -> None:
    """The console script. Exit codes: 0 done, 1 a fault in graphdet, 2 something the user can mend, 130 stopped by Ctrl-C."""
    arguments = sys.argv[1:]
    try:
        app([argument for argument in arguments if argument != DEBUG], prog_name="graphdet")
    except GraphdetError as error:
        _complain(str(error))
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:
            _complain("stopped; nothing half-written is left.")
        raise
    except Exception as error:
        if DEBUG in arguments:
            raise
        _complain(f"unexpected {type(error).__name__}: {error}. Please report it, with what {DEBUG} adds to the same command.")
        sys.exit(1)


def _complain(message: str) -> None:
    from graphdet.terminal import clean

    print(f"graphdet: {clean(message)}", file=sys.stderr)


def _settings(path: Path | None, threads: int | None, seed: int | None) -> Settings:
    """The settings file's, but for what the command line says otherwise."""
    from graphdet.settings import load_settings

    chosen = load_settings(path)
    if seed is not None:
        chosen = chosen.model_copy(update={"seed": seed})
    if threads is not None:
        chosen = chosen.model_copy(update={"machine": chosen.machine.model_copy(update={"threads": threads})})
    return chosen


def _detect(logs: list[Path], out: Path, settings: Settings, progress: Progress) -> Run:
    from graphdet.events import read_events
    from graphdet.pipeline import detect

    with progress.stage("read logs"):
        events = read_events(logs, settings.log, settings.machine, _follower(progress))
    found = detect(events, settings, progress)
    found.save(out)
    return found


def _follower(progress: Progress) -> Callable[[str, int, int | None], None]:
    """Tells the open stage of the rows that the reader has done; the reader tells their sum so far."""
    told = 0

    def follow(stage: str, rows: int, total: int | None) -> None:
        nonlocal told
        progress.advance(max(rows - told, 0))
        told = max(rows, told)

    return follow


def _print_json(document: object) -> None:
    print(json.dumps(_plain(document), ensure_ascii=False, indent=1))


def _plain(value: Any) -> Any:
    """What JSON can hold: times in ISO 8601, and null for numbers that are none."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value
