"""What became of alerts, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from graphdet.alerts.outbox import Delivery
from graphdet.schema.wording import Language
from graphdet.terminal.canvas import clean, name, plain_table
from graphdet.words.alert_words import alert_words

STYLES = {"waiting": "yellow", "delivered": "", "dead": "red"}


def show_deliveries(console: Console, deliveries: Sequence[Delivery], language: Language) -> None:
    """A line for each alert and sink, oldest first."""
    if not deliveries:
        console.print(alert_words("none_listed", language))
        return
    headings = {key: alert_words(key, language) for key in ("key", "change", "ring", "sink", "state", "attempts", "why")}
    left = {text for key, text in headings.items() if key != "attempts"}
    table = plain_table(headings.values(), left=left, ids=(headings["key"], headings["ring"]))
    for one in deliveries:
        state = Text(alert_words(one.state, language), style=STYLES[one.state])
        change = alert_words(one.kind, language)
        table.add_row(one.key, change, name(one.ring_id), clean(one.sink), state, str(one.attempts), clean(one.why))
    console.print(table)
