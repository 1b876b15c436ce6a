"""The figures of a week → a page or a Markdown text, in either language; nothing in it is from a log."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from graphdet.schema.wording import Language
from graphdet.week.figures_of_week import CONFIRMED, INNOCENT, UNSURE, Week
from graphdet.week.precision_chart import precision_chart
from graphdet.words.interface import label
from graphdet.words.week_words import week_words

MOST_CASES = 60
Table = list[list[str]]  # with its headings

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d5dbe1}"
    "svg{width:100%;height:auto}@media(prefers-color-scheme:dark){body{color:#e6eaee;background:#14191f}th,td{border-color:#38424d}}"
)


def as_markdown(week: Week, language: Language) -> str:
    """The report as Markdown, without the chart."""
    parts = [f"# {_title(week, language)}", week_words("suspected", language)]
    for heading, table in _tables(week, language).items():
        parts += [f"## {heading}", _markdown_table(table)]
        if heading == week_words("next_cases", language):
            parts.insert(-1, _queue_line(week, language))
    return "\n\n".join(parts) + "\n"


def as_page(week: Week, language: Language, budget: int) -> str:
    """The report as one HTML file that opens from disk."""
    parts = [f"<h1>{escape(_title(week, language))}</h1>", f"<p>{escape(week_words('suspected', language))}</p>"]
    for heading, table in _tables(week, language).items():
        parts.append(f"<h2>{escape(heading)}</h2>")
        if heading == week_words("next_cases", language):
            parts.append(f"<p>{escape(_queue_line(week, language))}</p>")
        parts.append(_html_table(table))
    chart = precision_chart(week.queue.curve, budget, language)
    if chart:
        parts += [f"<h2>{escape(week_words('chart', language))}</h2>", chart]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(_title(week, language))}</title>'
    body = "\n".join(parts)
    tongue = {"en": "en", "zh": "zh-Hans"}[language]
    return f'<!doctype html>\n<html lang="{tongue}"><head>{head}<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n'


def _title(week: Week, language: Language) -> str:
    return week_words("report_title", language, since=week.since[:10], until=week.until[:10])


def _queue_line(week: Week, language: Language) -> str:
    queue = week.queue
    if queue.precision is None:
        return week_words("queue_none", language)
    told = {"mean": queue.precision.mean, "low": queue.precision.low, "high": queue.precision.high, "verdicts": f"{queue.verdicts:,}"}
    head = week_words("queue_head", language, asked=len(queue.asked), waiting=queue.waiting)
    return head + ("" if language == "zh" else " ") + week_words("queue_precision", language, **told)


def _tables(week: Week, language: Language) -> dict[str, Table]:
    return {
        week_words("figures", language): _figures(week, language),
        week_words("decided_cases", language): _decided(week, language),
        week_words("next_cases", language): _next(week, language),
    }


def _figures(week: Week, language: Language) -> Table:
    def words(key: str, **values: object) -> str:
        return week_words(key, language, **values)

    none = words("no_figure")
    comma = "，" if language == "zh" else ", "
    opened = comma.join(f"{label(tier, language)} {count:,}" for tier, count in week.opened.items())
    said = comma.join(f"{words(verdict)} {week.count(verdict):,}" for verdict in (CONFIRMED, INNOCENT, UNSURE) if week.count(verdict))
    precision = none
    if week.precision is not None:
        count = sum(one.tier == "alert" and one.case.verdict != UNSURE for one in week.decided)
        precision = words("interval", mean=week.precision.mean, low=week.precision.low, high=week.precision.high, count=count)
    return [
        ["", ""],
        [words("new_cases"), f"{sum(week.opened.values()):,}" + (f" ({opened})" if opened else "")],
        [words("decided"), f"{len(week.decided):,}" + (f" ({said})" if said else "")],
        [words("accepted_closed"), f"{week.accepted + week.closed:,}"],
        [words("money_confirmed"), _money(week.money_confirmed) or none],
        [words("precision"), precision],
        [words("time_to_verdict"), _time(week.hours, language)],
        [words("still_waiting"), f"{week.queue.waiting:,}"],
        [words("money_waiting"), _money(week.money_waiting) or none],
    ]


def _decided(week: Week, language: Language) -> Table:
    headings = [week_words(key, language) for key in ("case", "verdict", "tier", "at_stake", "took")]
    rows = [
        [
            one.case.name,
            week_words(one.case.verdict, language),
            label(one.tier, language),
            _money(one.at_stake),
            _time(one.hours, language),
        ]
        for one in week.decided[:MOST_CASES]
    ]
    return [headings, *rows]


def _next(week: Week, language: Language) -> Table:
    headings = [week_words(key, language) for key in ("case", "why", "tier", "chance", "at_stake", "accounts")]
    rows = [
        [
            one.case.name,
            week_words(one.why, language),
            label(one.case.tier, language),
            f"{one.chance:.0%}",
            _money(one.case.at_stake),
            f"{one.case.size:,}",
        ]
        for one in week.queue.asked[:MOST_CASES]
    ]
    return [headings, *rows]


def _money(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _time(hours: float | None, language: Language) -> str:
    if hours is None:
        return week_words("no_figure", language)
    return week_words("hours", language, hours=hours) if hours < 48 else week_words("days", language, days=hours / 24)


def _markdown_table(table: Table) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + " --- |" * len(table[0]), *lines[1:]])


def _html_table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head = row(table[0], "th") if any(table[0]) else ""
    return "<table>" + head + "".join(row(cells, "td") for cells in table[1:]) + "</table>"
