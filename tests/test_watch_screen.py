"""What a watch shows on a terminal: a live line that fits it, whatever its language, and lines that name nobody."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest
from rich.cells import cell_len
from test_watch_ends import RING, ring, shoppers, write
from watch_parts import watch_of

from graphdet.schema.wording import Language, named
from graphdet.terminal import watch_screen
from graphdet.terminal.watch_screen import Journal, Screen
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.state import open_state
from graphdet.watch.stepping import StepReport
from graphdet.words.watch_words import WATCH_WORDS


@contextlib.contextmanager
def terminal(columns: int) -> Iterator[tuple[TextIO, Callable[[], list[str]]]]:
    """A stream to a terminal of so many columns, and a function that tells its rows."""
    seen, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    written = bytearray()

    def rows() -> list[str]:
        os.set_blocking(seen, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                written.extend(os.read(seen, 65_536))
        return drawn(written.decode(), columns)

    with os.fdopen(end, "w", encoding="utf-8") as stream:
        yield stream, rows
    os.close(seen)


def drawn(text: str, columns: int) -> list[str]:
    """Rows as a terminal draws them: what is wider than it goes on in the next row, and stays there."""
    grid, row, column = [[" "] * columns], 0, 0
    for character in text:
        if character == "\r":
            column = 0
        elif character == "\n":
            grid.append([" "] * columns)
            row += 1
        else:
            width = cell_len(character)
            if column + width > columns:
                grid.append([" "] * columns)
                row, column = row + 1, 0
            grid[row][column : column + width] = [character, *[""] * (width - 1)]
            column += width
    return ["".join(one).rstrip() for one in grid]


def figures(number: int) -> dict[str, float]:
    names = ("events_read_total", "events_rejected_total", "events_duplicate_total", "window_events", "looks_total")
    return dict.fromkeys(names, float(number))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("columns", [80, 40, 20])
def test_the_live_line_fits_and_leaves_nothing_behind(language: Language, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_screen, "APART", 0.0)
    with terminal(columns) as (stream, rows):
        screen = Screen(io.StringIO(), stream, language, quiet=False)
        screen.stepped(StepReport(), figures(987_654_321))
        (long,) = rows()
        assert "987" in long
        assert cell_len(long) < columns
        screen.stepped(StepReport(), figures(5))
        (short,) = rows()
        assert "5" in short
        assert not set("98764") & set(short)
        screen.ended()
        assert rows() == [short, ""]
        screen.stepped(StepReport(), figures(987_654_321))
        screen.hindered("?")
        assert rows()[1].startswith("?")
        assert not set("98764…") & set("".join(rows()[1:]))


def test_what_people_should_know_is_told_in_their_language_and_with_its_values() -> None:
    values = {"count": 2, "moment": "M", "before": "B", "place": "P\x1b", "start": "S"}
    for what in ("forgotten", "leapt", "early", "deleted"):
        names = named(WATCH_WORDS[what].en)
        own, told, journal = {name: values[name] for name in names}, io.StringIO(), io.StringIO()
        Screen(io.StringIO(), told, "zh", quiet=False).noted(what, own)
        Journal(journal).noted(what, own)
        line = json.loads(journal.getvalue())
        assert (line["what"], {name: line[name] for name in names}) == (what, own)
        for text in (told.getvalue(), line["why"]):
            assert all(str(value).strip("\x1b") in text for value in own.values())
            assert "\x1b" not in text
        assert (line["why"].isascii(), told.getvalue().isascii()) == (True, False)


def test_a_look_and_its_alerts_name_nobody(tmp_path: Path) -> None:
    logs, out = tmp_path / "logs", io.StringIO()
    logs.mkdir()
    write(logs / "events.jsonl", sorted([*shoppers(4), *ring(1)]))
    with terminal(80) as (stream, rows), open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        watch.witness = Screen(out, stream, "en", quiet=False)
        assert watch.step() is not None
        assert watch.look() is not None
        live, told, *_ = rows()
        assert not live or "look 1: 1 alert" in live  # the live line made room
        assert "look 1: 1 alert" in live + told
    (line,) = out.getvalue().splitlines()
    assert "Suspected ring" in line
    assert f"{len(RING)} accounts" in line
    assert not any(user in line.split() for user in RING)
