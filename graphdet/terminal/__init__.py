"""What graphdet says on a terminal: tables and paragraphs made of text that no id from a log can deface."""

from graphdet.terminal.canvas import clean, console_for, name
from graphdet.terminal.demo_end import show_outcome
from graphdet.terminal.screens import (
    lines_of_steps,
    plural,
    show_check,
    show_end,
    show_evaluation,
    show_next,
    show_result,
    show_ring,
    show_rings,
    show_steps,
    tier_counts,
)

__all__ = [
    "clean",
    "console_for",
    "lines_of_steps",
    "name",
    "plural",
    "show_check",
    "show_end",
    "show_evaluation",
    "show_next",
    "show_outcome",
    "show_result",
    "show_ring",
    "show_rings",
    "show_steps",
    "tier_counts",
]
