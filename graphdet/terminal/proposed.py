"""What `graphdet init` proposes, for people: each column with its reason, and what each file is good for."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from graphdet.printable import shown_name
from graphdet.proposing import Proposal
from graphdet.proposing.guessing import WEB_LOG
from graphdet.terminal.canvas import add_column, clean


def show_proposal(console: Console, proposal: Proposal) -> None:
    """The proposal on one screen; what is unsure stands below what is mapped."""
    if proposal.layout is not None:
        console.print(f"Layout: {proposal.layout.title}. {proposal.layout.told}")
    if proposal.preset:
        console.print(f'preset = "{proposal.preset}": {WEB_LOG}.')
    rows = [(guess.theirs, guess.ours, guess.reason) for guess in proposal.mapped]
    why = "by its place and its values, since the first row seems to be data" if proposal.names else "has our name already"
    rows += [(name, name.strip().lower(), why) for name in proposal.own]
    _table(console, "Read as", rows)
    _table(
        console, "Not sure, and so not mapped", [(guess.theirs, guess.ours and f"{guess.ours}?", guess.reason) for guess in proposal.unsure]
    )
    if proposal.unused:
        shown = ", ".join(clean(shown_name(name)) for name in proposal.unused[:20])
        console.print(f"Not used: {shown}{f' and {len(proposal.unused) - 20:,} more' if len(proposal.unused) > 20 else ''}")
    if proposal.actions:
        console.print("Actions: " + ", ".join(f"{clean(theirs, 30)} = {ours}" for theirs, ours in proposal.actions.items()))
    if proposal.kept:
        console.print(f"Action words kept as they are: {', '.join(clean(word, 30) for word in proposal.kept[:12])}")
    for join in proposal.joins:
        console.print(f"{clean(join.table)}: joined by {clean(join.key)}; {clean(join.reason)}.", soft_wrap=True)
    for file in proposal.files:
        if file.role not in ("events", "table"):
            console.print(f"{clean(file.path)}: {file.role}, since {file.why}.", soft_wrap=True)


def _table(console: Console, title: str, rows: list[tuple[str, str, str]]) -> None:
    if not rows:
        return
    console.print(title, style="bold")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    add_column(table, "theirs", left=True, ids=True)
    table.add_column("ours", no_wrap=True)
    table.add_column("why", style="dim", overflow="fold")
    for theirs, ours, why in rows:
        table.add_row(f"  {clean(theirs, 60)}", ours, clean(why))
    console.print(table)
    console.print()
