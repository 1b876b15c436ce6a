"""Looking into a run: rings, show."""

from __future__ import annotations

from typing import Annotated

import typer

from graphdet.cli.shared import AsJson, Folder, Tier, print_json


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (rings, show):
        app.command()(command)


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
        print_json(found.to_pylist())
    else:
        from graphdet.terminal import console_for, show_rings

        show_rings(console_for(), found, total)


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
        print_json({**one.facts, "members": one.members.to_pylist(), "evidence": one.evidence.to_pylist()})
    else:
        from graphdet.terminal import console_for, show_ring

        show_ring(console_for(), found, one, everything)
