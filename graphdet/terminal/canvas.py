"""What all screens are made of: a console, text that no id from a log can deface, and tables in which ids stay whole."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table

from graphdet.printable import printable

ID_WIDTH = 64  # a SHA-256 in hexadecimal; longer ids are cut, `--json` has them whole
FOLDED = 36  # columns after which an id goes on in the next line; a UUID fits
PIPE_WIDTH = 132  # columns where no terminal says how wide it is


def console_for() -> Console:
    """A console that takes text as it is: no markup, no emoji codes, no guessing at colours."""
    plain = bool(os.environ.get("NO_COLOR"))  # nothing that is no text: no bold or dim either
    console = Console(markup=False, emoji=False, highlight=False, color_system=None if plain else "auto")
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


def clean(value: object, width: int | None = None) -> str:
    """Text that stays on its line: control and format characters (colours, right-to-left overrides) spelt out, long text cut."""
    text = str(value)
    cut = width is not None and len(text) > width
    text = text[:width]
    text = printable(text)
    if width is not None and (cut or cell_len(text) > width):
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return text


def name(value: object, width: int = ID_WIDTH) -> str:
    """An id from a log, as it may stand in a table."""
    return clean(value, width)


def plain_table(headings: Iterable[str], left: Collection[str], ids: Collection[str] = (), long: Collection[str] = ()) -> Table:
    """A table of one line a row, but for long ids, and for long texts where there is no room: they go on in the next line, so that no
    number beside them is cut. Columns are to the right but for those of text."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        if heading in long:
            table.add_column(heading, overflow="fold")
        else:
            add_column(table, heading, left=heading in left, ids=heading in ids)
    return table


def add_column(table: Table, heading: str, *, left: bool, ids: bool) -> None:
    """A column whose text is cut where there is no room, or one of ids, which are not: they may be copied, and go on in the next line."""
    justify: Literal["left", "right"] = "left" if left else "right"
    if ids:
        table.add_column(heading, justify=justify, overflow="fold", max_width=FOLDED)
    else:
        table.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis")
