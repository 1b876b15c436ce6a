"""Looking into a run: rings, show, users, report, export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphdet.cli.shared import AsJson, ByUse, Folder, Lang, Language, Tier, UseName, print_json

if TYPE_CHECKING:
    from graphdet.run.folder import Run

HEADING = "Look into a run"
RING = "A ring's rank (1 is the worst), its id, or the beginning of its id."
RingName = Annotated[str, typer.Argument(metavar="RING", help=RING)]


class SortBy(StrEnum):
    """What rings are sorted by, the largest first."""

    RANK = "rank"
    SIZE = "size"
    AMOUNT = "amount"
    AT_STAKE = "at_stake"
    EVENTS = "events"
    STRENGTH = "strength"
    FIRST = "first"


class ExportFormat(StrEnum):
    """Formats of an export; a test holds them to `export.WRITERS`."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    GRAPHML = "graphml"
    GEXF = "gexf"
    MD = "md"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (rings, show, users, report, export):
        app.command()(command)


def rings(
    folder: Folder,
    tier: Annotated[list[Tier] | None, typer.Option(help="Only this tier; may be given more than once.")] = None,
    use: ByUse = None,
    explanation: Annotated[str | None, typer.Option(help="Only those that this innocent explanation covers, such as fan_club.")] = None,
    least_size: Annotated[int | None, typer.Option("--min-size", min=1, help="Only rings of so many members or more.")] = None,
    least_amount: Annotated[float | None, typer.Option("--min-amount", help="Only rings whose orders are worth so much or more.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only rings that were seen from this date or time on, by the log's clock.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only rings that began by this date, or before this time, by the log's clock.")
    ] = None,
    sort: Annotated[SortBy, typer.Option(help="Worst first, or by one of these, largest (first: newest) first.")] = SortBy.RANK,
    top: Annotated[int | None, typer.Option(min=1, help="Only so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List a run's rings, worst first."""
    from graphdet.run.choosing import only_rings, select_rings
    from graphdet.run.folder import Run
    from graphdet.run.log_clock import clock_of

    run = Run.load(folder)
    table = run.rings
    found = select_rings(
        table,
        tiers=[one.value for one in tier or []],
        explanation=explanation,
        least_size=least_size,
        least_amount=least_amount,
        since=since,
        until=until,
        zone=clock_of(run).zone,
        sort=sort.value,
    )
    told = _with_use(run, found["ring_id"].to_pylist(), use) if use else {}
    found = (only_rings(found, told) if use else found).slice(0, top)
    if as_json:
        print_json([{**row, "uses": told[row["ring_id"]]} if use else row for row in found.to_pylist()])
    else:
        from graphdet.terminal import console_for, show_rings

        show_rings(console_for(), found, table.num_rows, clock_of(run))


def _with_use(run: Run, rings: list[str], wanted: list[UseName]) -> dict[str, list[dict[str, Any]]]:
    """Those of the rings that seem to be for one of the wanted uses → all their uses, with words."""
    from graphdet.dossier.uses import uses_of
    from graphdet.replay.recorded import Recorded
    from graphdet.words.use_words import use_in_words

    asked = {one.value for one in wanted}
    return {
        ring: [
            {"use": use, "numbers": told, "en": use_in_words(use, told, "en"), "zh": use_in_words(use, told, "zh")} for use, told in uses
        ]
        for ring, uses in uses_of(Recorded(run), rings).items()
        if asked & {use for use, _ in uses}
    }


def show(
    folder: Folder,
    ring: RingName,
    language: Language = Lang.EN,
    events: Annotated[bool, typer.Option("--events", help="List the raw events: those the alert hangs on, and all on the items.")] = False,
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the saved queries on this ring, to paste into Neo4j Browser.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All members and all pairs' meetings with their evidence.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one ring's dossier: what it did, why it is suspected, why perhaps wrongly, and which events to read first."""
    from graphdet.run.folder import Run

    found = Run.load(folder)
    one = found.ring(ring)
    if cypher:
        from graphdet.store.queries import ring_queries

        for title, text in ring_queries(found.id, one.id, found.has("embeddings")):
            print(f"// {title}\n{text};\n")
        return
    tables = {"members": one.members.to_pylist(), "evidence": one.evidence.to_pylist()}
    if everything or found.dossiers is None:
        if as_json:
            print_json({**one.row, **tables})
        else:
            from graphdet.terminal import console_for, show_ring

            show_ring(console_for(), found, one, everything)
        return
    from graphdet.dossier.building import build_dossier, event_rows
    from graphdet.replay.recorded import Recorded

    recorded = Recorded(found)
    dossier = build_dossier(recorded, one)
    if as_json:
        print_json({**one.row, **tables, "dossier": dossier.as_dict(recorded)})
        return
    from graphdet.run.log_clock import clock_of
    from graphdet.terminal import console_for
    from graphdet.terminal.one_ring import event_headings, show_dossier, show_event_rows

    console, clock = console_for(), clock_of(found)
    if not events:
        show_dossier(console, dossier, recorded, language.value)
        return
    from graphdet.terminal.hours_picture import show_hours

    if not recorded.bare_dates:
        show_hours(console, recorded.time[dossier.events["inside"]], language.value, clock)
    for heading, rows in event_headings(dossier, language.value):
        show_event_rows(console, event_rows(recorded, rows), language.value, heading, clock)


def users(
    folder: Folder,
    user: Annotated[list[str] | None, typer.Option("--user", metavar="ID", help="Only this account; may be given more than once.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only so many.")] = None,
    events: Annotated[bool, typer.Option("--events", help="List the events that moved it.")] = False,
    language: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """List accounts that somebody else seems to act in (suspected takeovers), worst first, with reasons."""
    from graphdet.errors import RunError
    from graphdet.run.folder import Run
    from graphdet.run.log_clock import clock_of
    from graphdet.words.takeover_words import NOT_LOOKED, reasons_of, summary_of

    run = Run.load(folder)
    if run.takeovers is None or run.takeover_events is None:
        raise RunError(f"{folder}: {NOT_LOOKED.to(language.value)}")
    everything = run.takeovers.to_pylist()
    rows = [row for row in everything if not user or row["user_id"] in user][:top]
    moved: dict[str, list[dict[str, object]]] = {row["user_id"]: [] for row in rows}
    for event in run.takeover_events.to_pylist():
        if event["user_id"] in moved:
            own = {key: value for key, value in event.items() if key != "user_id"}
            moved[event["user_id"]].append({**own, "timestamp": event["timestamp"].isoformat()})
    clock = clock_of(run)
    if as_json:
        told = [
            {
                "summary": summary_of(row, language.value, clock.minute(row["first_seen"]), clock.named(row["last_seen"])),
                "reasons": reasons_of(row, language.value),
            }
            for row in rows
        ]
        print_json([{**row, **words, "moved_by": moved[row["user_id"]]} for row, words in zip(rows, told, strict=True)])
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.users_screen import show_takeovers

    show_takeovers(console_for(), rows, len(everything), language.value, clock, moved if events else None)


def report(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The HTML file to write; else report.html in the run folder.")
    ] = None,
    most: Annotated[int | None, typer.Option("--most", min=1, help="Dossiers of so many rings, worst first; the table holds all.")] = None,
) -> None:
    """Write one HTML file with the overview, all rings and their dossiers; it opens from disk with no network."""
    from graphdet.extras import need

    need("report", "graphdet report")
    from graphdet.report import MOST_RINGS, write_report
    from graphdet.run.folder import Run

    path = out or folder / "report.html"
    write_report(Run.load(folder), path, most or MOST_RINGS)
    print(path)


def export(
    folder: Folder,
    names: Annotated[list[str] | None, typer.Argument(metavar="RING", help=f"{RING} Several make a folder.", show_default=False)] = None,
    tier: Annotated[list[Tier] | None, typer.Option(help="All rings of this tier; may be given more than once.")] = None,
    use: ByUse = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="csv writes a folder of tables; md is a case note.")] = ExportFormat.MD,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="Where to; else the ring's id here, or RUN-rings. Must not exist.")
    ] = None,
    language: Language = Lang.EN,
) -> None:
    """Take rings away: tables, JSON, a workbook, a graph for other tools, or a case note of each."""
    from graphdet.errors import UnknownRing
    from graphdet.extras import need

    if form in (ExportFormat.XLSX, ExportFormat.GRAPHML, ExportFormat.GEXF):
        need("report", f"graphdet export --format {form.value}")
    from graphdet.dossier.building import build_dossiers
    from graphdet.export import export_ring, export_rings
    from graphdet.replay.recorded import Recorded
    from graphdet.run.choosing import select_rings
    from graphdet.run.folder import Run

    run = Run.load(folder)
    chosen = [run.ring(name).id for name in names or []]
    if tier:
        chosen += select_rings(run.rings, tiers=[one.value for one in tier])["ring_id"].to_pylist()
    if use:
        chosen = list(_with_use(run, chosen or run.rings["ring_id"].to_pylist(), use))
    recorded = Recorded(run)
    dossiers = list(build_dossiers(recorded, [run.ring(ring) for ring in dict.fromkeys(chosen)]))
    if not dossiers:
        raise UnknownRing(
            f"{folder}: no rings of that tier or use."
            if tier or use
            else "name rings by rank, id or its beginning, or all of a tier: --tier alert."
        )
    if len(dossiers) == 1 and not tier and not use:
        ending = "" if form is ExportFormat.CSV else f".{form.value}"
        print(export_ring(dossiers[0], recorded, out or Path(f"{chosen[0]}{ending}"), form.value, language.value))
        return
    for path in export_rings(dossiers, recorded, out or Path(f"{folder.resolve().name}-rings"), form.value, language.value):
        print(path)
