"""What a demo tells at its end: which rings were planted, and what was found of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from graphdet.schema import TIERS
from graphdet.terminal.canvas import plain_table
from graphdet.terminal.screens import plural

if TYPE_CHECKING:  # who lists rings makes no market
    from graphdet.simulate.outcome import Outcome


def show_outcome(console: Console, outcome: Outcome) -> None:
    """Planted rings with what was found of them, and whether innocent groups were taken for rings."""
    tiers = [ring.tier if ring.found else "not found" for ring in outcome.rings]
    told = ", ".join(f"{tiers.count(tier)} {tier}" for tier in (*TIERS, "not found") if tier in tiers)
    console.print(f"Planted rings: {len(outcome.rings)}, of which {told}", style="bold")
    console.print()
    table = plain_table(("planted", "users", "found as", "of them", "others in it"), left=("planted", "found as"))
    for ring in outcome.rings:
        name = ring.kind.replace("_", " ")
        if ring.found:
            table.add_row(name, f"{ring.users}", f"{ring.tier} {ring.rank}", f"{ring.held}", f"{ring.strangers}")
        else:
            part = f"not found ({ring.held} in {ring.tier} {ring.rank})" if ring.held else "not found"
            table.add_row(name, f"{ring.users}", part, "", "")
    console.print(table)
    groups, accused = sum(outcome.innocent.values()), sum(outcome.accused.values())
    kinds = ", ".join(f"{count:,} {plural(kind.replace('_', ' '), count)}" for kind, count in outcome.innocent.items())
    console.print(f"Innocent look-alikes beside them: {groups:,} ({kinds}); an alert was made of {accused or 'none'}.")
