"""The commands around Neo4j: servers, push, undo, decisions, the kit. Thin; heavy imports stay inside."""

from __future__ import annotations

import getpass
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.listing import Listed
from graphdet.cli.manner import manner, progress_here, say, tell_done
from graphdet.cli.shared import AsJson, Folder, Lang, Language, print_json

if TYPE_CHECKING:
    from graphdet.store.difference import Counts
    from graphdet.store.server import Server

HEADING = "Investigate in Neo4j"
db = typer.Typer(cls=Listed, help="A Neo4j server of one's own.", no_args_is_help=True, rich_markup_mode=None)


class ServerLine(StrEnum):
    """Lines of Neo4j releases; a test holds them to `store.machine.LINES`."""

    LTS = "lts"
    CURRENT = "current"


class Way(StrEnum):
    """What runs a server."""

    JAVA = "java"
    DOCKER = "docker"


class PushScope(StrEnum):
    """How much of a run is written; a test holds them to `store.drawing.Scope`."""

    RINGS = "rings"
    GRAPH = "graph"


class Verdict(StrEnum):
    """What an analyst may decide; a test holds them to `schema.VERDICTS`."""

    CONFIRMED = "confirmed"
    INNOCENT = "innocent"
    UNSURE = "unsure"


Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="The server's folder.")]
Known = Annotated[
    Path | None,
    typer.Option(
        "--db",
        metavar="DIR",
        help="The folder of a server of `graphdet db up`; else NEO4J_URI, _USER, _PASSWORD, _DATABASE, else ./graphdet-db.",
    ),
]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for another push or undo to end.")]
DEFAULT_DATA = Path("graphdet-db")
DEFAULT_KIT = "http://localhost:7475"


@db.command()
def up(
    data: Data = DEFAULT_DATA,
    line: Annotated[
        ServerLine | None, typer.Option(help="lts: Neo4j 5.26 (Java 17 to 24); current: Neo4j 2026 (Java 21 or newer).")
    ] = None,
    way: Annotated[Way | None, typer.Option("--with", help="Java and Maven, or Docker; else what the machine has.")] = None,
    bolt_port: Annotated[int | None, typer.Option(min=0, help="Port for drivers; else 7687, or a free one.")] = None,
    http_port: Annotated[int | None, typer.Option(min=0, help="Port for Browser; else 7474, or a free one.")] = None,
    heap: Annotated[str, typer.Option(help="Memory for the server's heap.")] = "1g",
    pagecache: Annotated[str, typer.Option(help="Memory for its page cache.")] = "256m",
    kit: Annotated[str | None, typer.Option(metavar="URL", help=f"A kit that Browser sets up at log-in, such as {DEFAULT_KIT}.")] = None,
) -> None:
    """Start a server in a folder, wait until it answers, and print its links."""
    _need_driver("db")
    from graphdet.store.server import start_server

    server = start_server(data, line, way, bolt_port, http_port, heap, pagecache, kit, progress=progress_here())
    _show_server(data, server, "runs")


@db.command()
def down(data: Data = DEFAULT_DATA) -> None:
    """Stop the folder's server in good order; its data stays."""
    _need_driver("db")
    from graphdet.store.server import stop_server

    tell_done("stopped." if stop_server(data) else "was not running.")


@db.command()
def status(data: Data = DEFAULT_DATA) -> None:
    """Say whether the folder's server runs, and where."""
    _need_driver("db")
    from graphdet.store.server import is_running, read_server

    server = read_server(data)
    if server is None:
        print(f"{data}: no server; `graphdet db up --data {data}` starts one.")
    else:
        _show_server(data, server, "runs" if is_running(data, server) else "is down")


@db.command()
def wipe(data: Data = DEFAULT_DATA, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a stopped server's folder with all its data."""
    _need_driver("db")
    from graphdet.store.server import wipe_server

    if not yes:
        typer.confirm(f"Remove {data} with all data of its server, decisions included?", abort=True)
    wipe_server(data)
    tell_done("removed.")


def push(
    folder: Folder,
    scope: Annotated[PushScope, typer.Option(help="The rings and what surrounds them, or every scored node too.")] = PushScope.RINGS,
    logs: Annotated[
        list[Path] | None, typer.Option("--log", metavar="LOG", help="With --scope graph: the run's logs, for all relations.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be added, changed and removed; change nothing.")] = False,
    clean_up: Annotated[
        bool,
        typer.Option("--clean-up", help="Remove what only earlier runs told, but for rings with members and what verdicts rest on."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Let a clean-up remove more than --most-removed.")] = False,
    most_removed: Annotated[float, typer.Option(min=0, max=1, help="Share of own elements that a clean-up may remove.")] = 0.05,
    batch: Annotated[int, typer.Option(min=1, help="Rows in one transaction.")] = 5_000,
    wait: Wait = 10.0,
    offline: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write files for Neo4j's offline import instead; for a first load of millions.")
    ] = None,
    server: Known = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's rings to Neo4j; the same run twice changes nothing, and `graphdet undo` takes it back."""
    _need_driver("push")
    from graphdet.run.folder import Run
    from graphdet.run.relations import relations_of_logs
    from graphdet.schema.wording import numbered
    from graphdet.store.push import PushOptions
    from graphdet.store.push import push as push_run

    run = Run.load(folder)
    progress = progress_here()
    relations = relations_of_logs(run, logs, progress) if logs else None
    if offline is not None:
        from graphdet.store.offline import write_import

        print(write_import(run, offline, scope.value, relations))
        return
    options = PushOptions(scope.value, clean_up, most_removed, force, wait, batch)
    report = push_run(run, server, options, progress, relations, dry_run=dry_run)
    if as_json:
        print_json({"run": report.run_id, "counts": {name: vars(counts) for name, counts in report.counts.items()}, "notes": report.notes})
        return
    if dry_run or not manner.quiet:
        _show_counts(report.counts)
    for note in report.notes:
        print(f"Note: {note}.")
    if manner.quiet and not dry_run:
        return
    rate = f"{numbered(report.rows, 'row', 'rows')} in {report.seconds:.1f} s ({report.rows / max(report.seconds, 1e-9):,.0f} rows/s)"
    print(
        "Dry run: nothing was changed."
        if dry_run
        else f"{rate}."
        if report.rows
        else "Nothing to change: the database holds this run already."
    )


def undo(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or a run's id.")], wait: Wait = 10.0, server: Known = None
) -> None:
    """Take a run's latest push back: the database is as it was before, properties included."""
    _need_driver("undo")
    from graphdet.schema.wording import numbered
    from graphdet.store.connection import find_target, open_database
    from graphdet.store.push import undo_push

    with open_database(find_target(server)) as database:
        rows = undo_push(database, _run_id(folder), wait, progress_here())
    tell_done(f"{numbered(rows, 'row', 'rows')} taken back.")


def decide(
    ring: Annotated[str, typer.Argument(metavar="RING", help="A ring's id as the database has it, its beginning, or its rank in the run.")],
    verdict: Annotated[Verdict, typer.Argument(metavar="VERDICT", help="The analyst's verdict.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="The rank's run: its folder or id; else the only one there is."),
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who decides; else the name of this account.")] = None,
    server: Known = None,
) -> None:
    """Note a verdict on a ring; earlier ones stay, the latest counts, and no push touches it."""
    _need_driver("decide")
    from graphdet.store.connection import find_target, open_database
    from graphdet.store.decisions import decide as note_verdict
    from graphdet.store.decisions import find_ring

    known = _run_id(run) if run else None
    with open_database(find_target(server)) as database:
        found, who = find_ring(database, ring, known), author or getpass.getuser()
        print(note_verdict(database, found, verdict.value, who, note))
    say(f"{found}: {verdict.value}, says {who}")


def dispositions(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or a run's id.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write users' labels for training, as .csv or .parquet.")] = None,
    server: Known = None,
    as_json: AsJson = False,
) -> None:
    """List analysts' verdicts on a run's rings, or export them as labels."""
    _need_driver("dispositions")
    from graphdet.schema.wording import numbered
    from graphdet.store.connection import find_target, open_database
    from graphdet.store.decisions import export_labels, read_dispositions

    with open_database(find_target(server)) as database:
        found = read_dispositions(database, _run_id(folder))
        if out is not None:
            say(f"{numbered(export_labels(database, _run_id(folder), out), 'label', 'labels')} written to {out}")
    if as_json:
        print_json(found)
        return
    from graphdet.terminal import clean

    for row in found:
        print("  ".join(clean(row[name]) for name in ("ring_id", "verdict", "author", "decided_at", "note") if row[name]))
    if not found:
        print("No verdicts yet; `graphdet decide RING confirmed|innocent|unsure` notes one.")


def kit(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write it; else RUN-kit beside the run.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve it on localhost until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=1, help="Port to serve on, and that the kit's links name.")] = 7475,
    language: Language = Lang.EN,
    server: Known = None,
) -> None:
    """Write a kit for Neo4j Browser from a run: styles, guides, saved queries, links; and serve it."""
    _need_driver("kit")
    from graphdet.run.folder import Run
    from graphdet.store.kit import serve_kit, write_kit

    run = Run.load(folder)
    target = out or folder.resolve().parent / f"{folder.resolve().name}-kit"
    for line in write_kit(run, target, f"http://localhost:{port}", _browser(server), language.value):
        print(line)
    if serve:
        sys.stdout.flush()
        serve_kit(target, port, _browser(server))


def register(app: typer.Typer) -> None:
    """Add all of these to the program."""
    app.add_typer(db, name="db")
    for command in (push, undo, dispositions, decide, kit):
        app.command()(command)


def _need_driver(command: str) -> None:
    from graphdet.extras import need

    need("neo4j", f"graphdet {command}")


def _show_server(data: Path, server: Server, state: str) -> None:
    print(f"Neo4j {server.version} {state} ({server.way}{f', process {server.pid}' if server.pid else ''})")
    print(f"  Browser   {server.browser}")
    print(f"  drivers   {server.bolt}")
    print(f"  user      neo4j, password in {data / 'password'}")


def _show_counts(counts: dict[str, Counts]) -> None:
    print(f"{'label or type':<24}{'added':>12}{'changed':>12}{'removed':>12}{'unchanged':>12}")
    for name, count in counts.items():
        numbers = (count.added, count.changed, count.removed, count.unchanged)
        if any(numbers):
            print(f"{name:<24}" + "".join(f"{number:>12,}" for number in numbers))


def _run_id(folder: str) -> str:
    """A run's id, from its folder, or as it is given."""
    from graphdet.run.folder import Run

    return Run.load(Path(folder)).id if Path(folder).is_dir() else folder


def _browser(server: Path | None) -> str:
    """Where Browser is: that of the server's folder, else the usual place."""
    from graphdet.store.server import read_server

    if server is None and os.environ.get("NEO4J_URI"):
        return os.environ.get("NEO4J_BROWSER", "http://localhost:7474/browser/")
    known = read_server(server or DEFAULT_DATA)
    return known.browser if known else "http://localhost:7474/browser/"
