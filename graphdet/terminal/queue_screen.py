"""Which cases to look at, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from graphdet.schema.wording import Language
from graphdet.terminal.canvas import clean, name, print_columns
from graphdet.terminal.screens import TIER_STYLES
from graphdet.week.queueing import Queue
from graphdet.words.interface import label
from graphdet.words.week_words import week_words


def show_queue(console: Console, queue: Queue, language: Language) -> None:
    """A table of what is asked, and how many of it should be rings."""
    if queue.precision is None:
        console.print(week_words("queue_none", language))
        return
    console.print(week_words("queue_head", language, asked=len(queue.asked), waiting=queue.waiting), style="bold")
    console.print()
    headings = {key: week_words(key, language) for key in ("case", "why", "tier", "chance", "at_stake", "accounts", "owner", "ring")}
    left = {headings[key] for key in ("case", "why", "tier", "owner", "ring")}
    rows: list[tuple[str | Text, ...]] = []
    for one in queue.asked:
        case = one.case
        stake = "" if case.at_stake is None else f"{case.at_stake:,.2f}"
        tier = Text(label(case.tier, language), style=TIER_STYLES[case.tier])
        owner = clean(case.owner, 24)
        why = week_words(one.why, language)
        rows.append((case.name, why, tier, f"{one.chance:.0%}", stake, f"{case.size:,}", owner, name(case.ring_id)))
    columns = {heading: [row[place] for row in rows] for place, heading in enumerate(headings.values())}
    spared = [headings[key] for key in ("owner", "accounts", "at_stake", "tier")]
    print_columns(console, columns, left=left, ids=(headings["case"], headings["ring"]), spared=spared)
    console.print()
    told = {"mean": queue.precision.mean, "low": queue.precision.low, "high": queue.precision.high}
    console.print(week_words("queue_precision", language, **told, verdicts=f"{queue.verdicts:,}"), soft_wrap=True)
