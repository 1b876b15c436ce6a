"""One row of `bursts` → an SVG picture: what was counted hour by hour or day by day, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Any

from graphdet.printable import printable
from graphdet.run.log_clock import LogClock
from graphdet.schema.wording import Language
from graphdet.words.finding_words import burst_in_words, burst_label

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 860, 300, 50, 56, 36
BAR, BURST, LINE, INK = "#9AA5B1", "#B3261E", "#1F5FA8", "#1D2329"


def draw_burst(burst: Mapping[str, Any], clock: LogClock, language: Language = "en") -> str:
    """An SVG document with nothing in it but shapes and text; times by the log's clock."""
    counts, usual, days = burst["counts"], burst["usual"], burst["grain"] == "day"
    step = (WIDTH - LEFT - 10) / max(len(counts), 1)
    high = max([*counts, *usual, 1.0])
    scale = (HEIGHT - TOP - BOTTOM) / high
    floor = HEIGHT - BOTTOM
    width = timedelta(hours=1) if burst["grain"] == "hour" else timedelta(days=1)
    moments = [burst["since"] + place * width for place in range(len(counts))]
    bars = [
        f'<rect x="{LEFT + place * step:.1f}" y="{floor - count * scale:.1f}" width="{max(step - 0.5, 0.5):.1f}" '
        f'height="{count * scale:.1f}" '
        f'fill="{BURST if burst["first_seen"] <= moment < burst["last_seen"] else BAR}"/>'
        for place, (count, moment) in enumerate(zip(counts, moments, strict=True))
        if count
    ]
    line = " ".join(f"{LEFT + (place + 0.5) * step:.1f},{floor - value * scale:.1f}" for place, value in enumerate(usual))
    title = escape(printable(burst_in_words(burst, language, clock.named(burst["first_seen"], day=days))))
    ends = [(LEFT, "start", burst["since"]), (WIDTH - 10, "end", moments[-1] + width if moments else burst["since"])]
    axis = [f'<text x="{at}" y="{HEIGHT - 12}" text-anchor="{side}">{clock.named(moment, day=days)}</text>' for at, side, moment in ends]
    marks = [
        f'<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{high:,.0f}</text>',
        f'<text x="{LEFT - 6}" y="{floor}" text-anchor="end">0</text>',
    ]
    key = f'<text x="{WIDTH - 10}" y="{TOP - 10}" text-anchor="end" fill="{LINE}">{burst_label("usual", language)}</text>'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">'
    )
    shown = title if len(title) <= 130 else title[:129].rsplit("&", 1)[0] + "…"
    body = [
        f"<title>{title}</title>",
        '<rect width="100%" height="100%" fill="#FFFFFF"/>',
        f'<text x="{LEFT}" y="22">{shown}</text>',
        *bars,
        f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>',
        f'<line x1="{LEFT}" y1="{floor}" x2="{WIDTH - 10}" y2="{floor}" stroke="{INK}"/>',
        *axis,
        *marks,
        key,
    ]
    return "\n".join([head, *body, "</svg>"]) + "\n"
