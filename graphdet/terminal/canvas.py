"""What all screens are made of: a console, text that no id from a log can deface, and tables in which ids stay whole."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphdet.printable import printable

ID_WIDTH = 64  # a SHA-256 in hexadecimal; longer ids are cut, `--json` has them whole
FOLDED = 38  # columns after which an id goes on in the next line; a UUID fits, and an alert's key
NARROW = 100  # columns below which tables tell the day of a time
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


def print_columns(
    console: Console,
    columns: Mapping[str, Sequence[str | Text]],
    *,
    left: Collection[str],
    ids: Collection[str],
    spared: Iterable[str] = (),
    cut: Collection[str] = (),
    style: str = "bold",
) -> list[str]:
    """A table in which ids stand whole, on one line up to `FOLDED` columns: where there is no room, columns of `spared` go, one by one.

    Args:
        columns: heading → cells.
        left: columns of text; all others are to the right.
        cut: those of `left` whose text may be cut.
        style: of the headings.

    Returns:
        The headings that are shown.
    """
    widths = {heading: cell_len(heading) for heading in columns}
    for heading, cells in columns.items():
        if heading not in cut:
            longest = max((cell_len(str(cell)) for cell in cells), default=0)
            widths[heading] = max(widths[heading], min(longest, FOLDED) if heading in ids else longest)
    for heading in spared:
        if heading in widths and _beside_each_other(widths) > console.width:
            del widths[heading]
    whole = _beside_each_other(widths) <= console.width
    table = Table(box=None, pad_edge=False, header_style=style, padding=(0, 2, 0, 0))
    for heading, width in widths.items():
        add_column(table, clean(heading), left=heading in left, ids=heading in ids)
        table.columns[-1].min_width = width if whole and heading in ids else None
    for row in zip(*(columns[heading] for heading in widths), strict=True):
        table.add_row(*row)
    console.print(table)
    return list(widths)


def _beside_each_other(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + 2 * (len(widths) - 1)


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
