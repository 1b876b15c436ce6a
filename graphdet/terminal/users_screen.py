"""Accounts of a run that somebody else seems to act in, on a terminal: a paragraph each, with reasons and, asked for, the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from graphdet.run.log_clock import LogClock
from graphdet.schema.wording import Language, numbered
from graphdet.terminal.canvas import name
from graphdet.terminal.one_ring import show_event_rows
from graphdet.words.takeover_words import NONE, reasons_of, summary_of


def show_takeovers(
    console: Console,
    rows: Sequence[dict[str, Any]],
    total: int,
    language: Language,
    clock: LogClock,
    events: dict[str, list[dict[str, Any]]] | None,
) -> None:
    """Rows of the table `takeovers`, worst first; `events`: of each account, where they are to be listed. Times are by the log's clock."""
    if not rows:
        console.print(NONE.to(language))
        return
    for row in rows:
        console.print(Text(f"{row['rank']}  {name(row['user_id'])}", style="bold"))
        console.print(f"   {summary_of(row, language, clock.minute(row['first_seen']), clock.named(row['last_seen']))}")
        for reason in reasons_of(row, language):
            console.print(f"   {reason['log10']:+5.2f}  {reason['sentence']}")
        if events is not None:
            show_event_rows(console, events.get(row["user_id"], []), language, clock=clock)
        console.print()
    if len(rows) < total:
        console.print(f"… {len(rows):,} of {numbered(total, 'account', 'accounts')}", style="dim")
