"""Expected precision among the first so many of a queue, against the budget → a chart as SVG, in which nothing is from a log."""

from __future__ import annotations

from collections.abc import Sequence

from graphdet.schema.wording import Language
from graphdet.week.chances import Precision
from graphdet.words.week_words import week_words

WIDE, HIGH, LEFT, BOTTOM, TOP, RIGHT = 640, 260, 48, 40, 16, 16


def precision_chart(curve: Sequence[Precision], budget: int, language: Language) -> str:
    """One `<svg>` element; colours follow the page's `currentColor`."""
    if not curve:
        return ""
    count = len(curve)

    def x(rank: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * (rank - 1) / max(count - 1, 1)

    def y(share: float) -> float:
        return TOP + (HIGH - TOP - BOTTOM) * (1 - share)

    def path(points: Sequence[tuple[float, float]]) -> str:
        return "M" + " L".join(f"{across:.1f} {down:.1f}" for across, down in points)

    ranks = range(1, count + 1)
    above = [(x(rank), y(one.high)) for rank, one in zip(ranks, curve, strict=True)]
    below = [(x(rank), y(one.low)) for rank, one in zip(ranks, curve, strict=True)]
    middle = [(x(rank), y(one.mean)) for rank, one in zip(ranks, curve, strict=True)]
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    parts = [f'<line x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke-opacity=".15"/>' for share in shares]
    parts += [f'<text x="{LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>' for share in shares]
    parts += [f'<text x="{x(rank):.1f}" y="{HIGH - BOTTOM + 16}" text-anchor="middle">{rank}</text>' for rank in _marks(count)]
    parts.append(f'<path d="{path([*above, *below[::-1]])} Z" fill="#2f6fb0" fill-opacity=".2" stroke="none"/>')
    parts.append(f'<path d="{path(middle)}" fill="none" stroke="#2f6fb0" stroke-width="2"/>')
    if count == 1:
        parts.append(f'<circle cx="{middle[0][0]:.1f}" cy="{middle[0][1]:.1f}" r="3" fill="#2f6fb0" stroke="none"/>')
    if 1 <= budget < count:
        across = (x(budget) + x(budget + 1)) / 2
        parts.append(f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{TOP}" y2="{HIGH - BOTTOM}" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{across + 4:.1f}" y="{TOP + 10}">{week_words("budget", language)} {budget}</text>')
    title = week_words("chart", language)
    parts.append(f'<text x="{(LEFT + WIDE - RIGHT) / 2}" y="{HIGH - 6}" text-anchor="middle">{week_words("rank_axis", language)}</text>')
    head = f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{title}" font-size="11" fill="currentColor" stroke="none">'
    lined = "".join(part.replace("<line ", '<line stroke="currentColor" ', 1) for part in parts)
    return f"{head}<title>{title}</title>{lined}</svg>"


def _marks(count: int) -> list[int]:
    """A few round ranks."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if count / step <= 10)
    return sorted({1, *range(step, count + 1, step)} - ({1} if step > 1 and count > 1 else set())) or [1]
