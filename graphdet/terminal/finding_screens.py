"""Findings that are no rings, on a terminal: bursts as a table or a sentence each, reviews with their reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from graphdet.run.log_clock import LogClock
from graphdet.schema.wording import Language
from graphdet.terminal.canvas import clean, name, plain_table, print_columns
from graphdet.words.claim_sentences import number_in_words
from graphdet.words.finding_words import burst_in_words, burst_label, few, kind_in_words, length_in_words, measure_in_words
from graphdet.words.review_words import finding_in_words, moved_in_words, reason_in_words, review_line, signs_in_words

Row = Mapping[str, Any]
MOST_REVIEWS = 5  # of a finding that a screen shows


def show_labelled_reviews(console: Console, judgement: Row, rows: Sequence[Row], language: Language, clock: LogClock) -> None:
    """How good what was learned from labels is, and the likeliest reviews of writers without one."""
    console.print(review_line("judged", language, users=judgement["users"], positives=judgement["positives"]), soft_wrap=True)
    table = plain_table((review_line("method", language), "AUROC", "AUPRC"), left={review_line("method", language)})
    for one in judgement["methods"]:
        table.add_row(review_line(one["method"], language), f"{one['auroc']:.3f}", f"{one['auprc']:.3f}")
    console.print(table)
    (passed, false), (missed, hits) = judgement["confusion"]
    shares = {key: f"{judgement[key] or 0:.3f}" for key in ("threshold", "precision", "recall", "f1", "accuracy")}
    console.print(review_line("flagged", language, hits=hits, false=false, missed=missed, passed=passed, **shares), soft_wrap=True)
    console.print()
    console.print(review_line("likeliest", language))
    for row in rows:
        told = f"{row['chance']:.3f}  {clock.minute(row['timestamp'])}  {name(row['user_id'])} · {name(row['item_id'])} · {row['rating']:g}"
        console.print(f"{told}  {clean(row['text'], 80)}", soft_wrap=True)
        console.print(f"       {clean(moved_in_words(row, language), 200)}", soft_wrap=True, style="dim")


def show_bursts(console: Console, bursts: Sequence[Row], total: int, language: Language, clock: LogClock, *, told: bool) -> None:
    """A table of bursts, or a sentence each where they are `told`; `total` is how many there are in all, times are by the log's clock."""
    if not bursts:
        console.print(burst_label("none", language))
        return
    if told:
        for burst in bursts:
            console.print(clean(burst_in_words(burst, language, burst_began(burst, clock))), soft_wrap=True)
    else:
        _show_table(console, bursts, language, clock)
    if len(bursts) < total:
        console.print(burst_label("more", language, shown=f"{len(bursts):,}", all=f"{total:,}"), style="dim")


def burst_began(burst: Row, clock: LogClock) -> str:
    """When a burst began, by the log's clock and with its zone."""
    return clock.named(burst["first_seen"], day=burst["grain"] == "day")


def _show_table(console: Console, bursts: Sequence[Row], language: Language, clock: LogClock) -> None:
    columns: dict[str, Callable[[Row], str]] = {
        "of": lambda burst: kind_in_words(burst["node_type"], language),
        "id": lambda burst: name(burst["node_id"]),
        "what": lambda burst: clean(measure_in_words(burst["measure"], language), 24),
        "from": lambda burst: burst_began(burst, clock).removesuffix(f" {clock.zone}"),
        "lasted": lambda burst: length_in_words(burst, language),
        "count": lambda burst: f"{burst['count']:,}",
        "usual": lambda burst: few(burst["expected"]),
        "excess": lambda burst: f"{burst['excess_low']:,.0f}–{burst['excess_high']:,.0f}",
        "false": lambda burst: number_in_words(burst["q_value"], "chance"),
    }
    headings = {key: burst_label(key, language) for key in columns}
    headings["from"] = clock.beside(headings["from"])
    left = {headings[key] for key in ("of", "id", "what", "from")}
    cells = {"#": [f"{place + 1}" for place in range(len(bursts))]}
    cells |= {headings[key]: [cell(burst) for burst in bursts] for key, cell in columns.items()}
    spared = [headings[key] for key in ("excess", "false", "usual", "lasted", "count")]
    print_columns(console, cells, left=left, ids=(headings["id"],), spared=spared)


def show_reviews(console: Console, findings: Sequence[Row], total: int, looked_at: int, language: Language, clock: LogClock) -> None:
    """Each finding with its reasons and the reviews that carry most of them; `total` is how many there are in all."""
    if not findings:
        console.print(review_line("none", language, reviews=f"{looked_at:,}"))
        return
    for finding in findings:
        told = finding_in_words(finding, language, clock.minute(finding["first_seen"]), clock.named(finding["last_seen"]))
        console.print(clean(f"{finding['number']}. {told}"), style="bold", soft_wrap=True)
        for reason in finding["reasons"]:
            console.print(f"  - {reason_in_words(reason['code'], reason['numbers'], language)}", soft_wrap=True)
        for review in sorted(finding["reviews"], key=lambda one: -len(one["signs"]))[:MOST_REVIEWS]:
            console.print(f"    {review['rating']:g}  {name(review['user_id'])}  {clean(review['text'], 80)}", style="dim")
            if review["signs"]:
                console.print(f"       {clean(signs_in_words(review, language), 200)}", style="dim", soft_wrap=True)
    if len(findings) < total:
        console.print(review_line("more", language, shown=f"{len(findings):,}", all=f"{total:,}"), style="dim")
