"""Text from anywhere → text that does no harm where it is shown: on a terminal, in JSON, in a spreadsheet.

What controls a screen or turns the reading direction is spelt out; what a spreadsheet would take for a formula is told to be text.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from datetime import datetime
from typing import Any

FORMULA = "=+-@|%"  # what a formula, or a command to another program, begins with; in full width, too
CELLS = re.compile(r'(?:^|[;,\t|])[\s"]*(?=[^\s"])')  # where a cell may begin, whatever stands between cells
# What is surely printable is passed over quickly.
UNPRINTABLE = re.compile(r"[^\n -~\xa1-\xac\xae-\u02ff\u2010-\u2027\u3001-\u303e\u4e00-\u9fef\uff01-\uff5e]")


def printable(text: str) -> str:
    """Control, format, surrogate and separator characters as escapes (`\\x1b`, `\\u202e`); all else as it is."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)


def as_json(document: Any) -> str:
    """A JSON document in which nothing controls a screen: such characters are escapes, which every parser reads back.

    Times are ISO 8601, and numbers that are none null.
    """
    return spelt_out(json.dumps(_plain(document), ensure_ascii=False, indent=1))


def inert(value: Any) -> str:
    """JSON that no HTML parser can take for markup, no JavaScript parser for line ends, and that turns no reading direction."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    text = spelt_out(text)
    return text.encode("utf-8", "backslashreplace").decode()


def spelt_out(text: str) -> str:
    """JSON with what controls a screen as escapes."""
    return UNPRINTABLE.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value


def for_spreadsheet(value: Any) -> Any:
    """A value as a cell of a table of text: what is no number is printable, and an apostrophe stands before all that would be a formula,
    wherever a cell may begin: a program may part cells at semicolons, tabs or bars instead of commas."""
    if isinstance(value, (list, dict)):
        value = as_json(value).replace("\n", "")
    if not isinstance(value, str):
        return value
    return CELLS.sub(_told_to_be_text, printable(value))


def _told_to_be_text(begin: re.Match[str]) -> str:
    after = unicodedata.normalize("NFKC", begin.string[begin.end()])
    return f"{begin[0]}'" if after[0] in FORMULA else begin[0]


def shown_name(name: str) -> str:
    """A column's name for people: that of row numbers is often empty."""
    return name.strip()[:40] or "(no name)"
