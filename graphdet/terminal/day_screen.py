"""What a day brought, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from graphdet.schema.wording import Language
from graphdet.terminal.canvas import clean, name, print_columns
from graphdet.terminal.screens import TIER_STYLES
from graphdet.week.news import AGAIN, CaseNews
from graphdet.week.working_day import Day
from graphdet.words.interface import label
from graphdet.words.lineage_words import change_in_words, difference
from graphdet.words.week_words import week_words

MOST_CASES = 30


def show_day(console: Console, day: Day, language: Language) -> None:
    """What was taken in, what is new, grew and ended, and what waits."""
    intake = day.intake
    key = "taken" if intake.files else "none_taken"
    console.print(week_words(key, language, files=f"{len(intake.files):,}", rows=f"{intake.rows:,}", known=f"{intake.known:,}"))
    counts = {"rejected": sum(file.rejected for file in intake.files), "late": intake.late, "ahead": intake.ahead, "gone": intake.gone}
    for kind, rows in counts.items():
        if rows:
            console.print(week_words(kind, language, rows=f"{rows:,}"))
    console.print(week_words("window", language, rows=f"{intake.all_rows:,}"))
    if day.run is not None:
        console.print(week_words("run_made", language, folder=clean(day.run)), soft_wrap=True)
    console.print()
    news = day.news
    if not news.cases:
        console.print(week_words("nothing_new", language), style="bold")
    else:
        headline = week_words("alerts_new", language, count=news.alerts) if news.alerts else week_words("other_news", language)
        console.print(headline, style="bold")
        _show_cases(console, news.cases, language)
    tiers = "，" if language == "zh" else ", "
    told = tiers.join(f"{label(tier, language)} {count:,}" for tier, count in news.waiting.items())
    console.print(week_words("waits", language, tiers=told) if told else week_words("nobody_waits", language))


def _show_cases(console: Console, cases: tuple[CaseNews, ...], language: Language) -> None:
    headings = [
        week_words("case", language),
        *(difference(key, language) for key in ("change", "tier_heading", "users", "money_heading", "ring")),
    ]
    rows: list[tuple[str | Text, ...]] = []
    for one in cases[:MOST_CASES]:
        case, before = one.case, one.before
        what = week_words(one.what, language) if one.what in AGAIN else change_in_words(one.what, language)
        tiers = dict.fromkeys(label(tier, language) for tier in ((before.tier,) if before else ()) + (case.tier,))
        sizes = dict.fromkeys(f"{size:,}" for size in ((before.size,) if before else ()) + (case.size,))
        sums = [before.at_stake if before else None, case.at_stake]
        money = dict.fromkeys(f"{value:,.2f}" for value in sums if value is not None)
        cells = (Text(case.name, style="bold" if one.is_alert else ""), what, Text(" → ".join(tiers), style=TIER_STYLES[case.tier]))
        rows.append((*cells, " → ".join(sizes), " → ".join(money), name(case.ring_id)))
    console.print()
    columns = {heading: [row[place] for row in rows] for place, heading in enumerate(headings)}
    left, ids = [headings[place] for place in (0, 1, 2, 5)], (headings[0], headings[5])
    print_columns(console, columns, left=left, ids=ids, spared=(headings[4], headings[3]))
    if len(cases) > MOST_CASES:
        console.print(week_words("more_cases", language, count=len(cases) - MOST_CASES), style="dim")
    console.print()
