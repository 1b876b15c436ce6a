"""The first lines of a delimited text → where its header is, what it says, and what lies between fields.

A line "sep=;" and comments before the header are passed over, and so is any other preamble, if one of the next lines is a header that names
what is needed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphdet.errors import MissingColumn
from graphdet.events.header import ColumnMap, plain
from graphdet.schema import EVENT_COLUMN
from graphdet.schema.wording import numbered
from graphdet.settings import LogSettings

_HEAD = 1 << 20
_PREAMBLE = 50  # lines that are looked at for a header
DELIMITERS = ",;\t|"
_RARE = "\x01^~\x1f"  # which only a line without any of these has between fields
_WEB_REQUEST = re.compile(r"\[\d{1,2}/[A-Za-z]{3}/\d{4}:\d{2}:\d{2}:\d{2}[^\]]*\]\W+[A-Z]{3,7} /")


@dataclass(frozen=True)
class Top:
    """The delimiter, the names of the columns (none where the file has no line), the lines before them, and whether they are given."""

    delimiter: str
    names: tuple[str, ...]
    skipped: int
    given: bool
    mapping: ColumnMap


def find_header(
    name: str, path: Path, delimiter: str, settings: LogSettings, mapper: Callable[[str, Sequence[str], LogSettings], ColumnMap]
) -> Top:
    """Raises:
    MissingColumn: no line names what is needed, and `names` does not either.
    """
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        head = stream.read(_HEAD).removeprefix("\ufeff")
    lines = head.splitlines(keepends=True)
    start = next((place for place, line in enumerate(lines) if line.strip("\r\n")), len(lines))
    if start == len(lines):
        return Top(delimiter or ",", (), 0, True, ColumnMap((), {}, catalogue=False))
    first = lines[start].strip()
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        delimiter, start = first[-1], start + 1
    while start < len(lines) - 1 and lines[start].startswith("#"):
        start += 1
    if delimiter == "\t" and start < len(lines) and "\t" not in lines[start]:
        delimiter = ""  # it is called a .tsv and is none
    own, names = _without_end(lines, start, *_record(lines, start, delimiter))
    if settings.names and not _is_header(names, settings):
        if len(names) != len(settings.names):
            raise MissingColumn(
                f"{name}: [log] names has {len(settings.names)} columns, and the first line has {len(names)} fields; "
                "name all of them in their order, with any word for those of no use."
            )
        return Top(own, settings.names, start, False, mapper(name, settings.names, settings))
    try:
        return Top(own, tuple(names), start, True, mapper(name, names, settings))
    except MissingColumn as error:
        for later in range(start + 1, min(start + _PREAMBLE, len(lines))):
            other, found = _without_end(lines, later, *_record(lines, later, delimiter))
            if len(found) > 1 and _is_header(found, settings):
                return Top(other, tuple(found), later, True, mapper(name, found, settings))
        if is_web_request(own.join(names)):
            raise MissingColumn(f'{name}: seems to be the log of a web server, a request a line; set [log] preset = "combined".') from None
        if _looks_like_values(names):
            raise MissingColumn(
                f"{name}: the first line looks like values, not like a header ({numbered(len(names), 'field', 'fields')}); "
                f"name its columns in their order, "
                f'such as [log] names = ["user_id", "item_id", "timestamp"].'
            ) from None
        raise error from None


def is_web_request(line: str) -> bool:
    """Whether a line seems to be one request of the log of Apache or nginx."""
    return bool(_WEB_REQUEST.search(line))


def _record(lines: list[str], start: int, delimiter: str) -> tuple[str, list[str]]:
    """The delimiter, told by the line unless given, and the record that begins on it."""
    delimiter = delimiter or max(DELIMITERS + _RARE if not any(map(lines[start].count, DELIMITERS)) else DELIMITERS, key=lines[start].count)
    text = "".join(lines[start : start + 200])
    try:
        return delimiter, next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return delimiter, lines[start].split(delimiter)


def _without_end(lines: list[str], start: int, delimiter: str, names: list[str]) -> tuple[str, list[str]]:
    """The delimiter and the names without empty ones at the end that the records have no fields for."""
    if len(names) > 1 and not names[-1].strip():
        records = (
            len(_record(lines, place, delimiter)[1]) for place in range(start + 1, min(start + 20, len(lines))) if lines[place].strip()
        )
        most = max(records, default=0)
        while len(names) > 1 and not names[-1].strip() and len(names) > most:
            names = names[:-1]
    return delimiter, names


def _is_header(names: Sequence[str], settings: LogSettings) -> bool:
    known = {*EVENT_COLUMN, *(plain(theirs) for theirs in settings.columns), *(plain(one) for one in settings.names)}
    return any(plain(one) in known for one in names)


def _looks_like_values(names: Sequence[str]) -> bool:
    """Whether a field has a digit at its beginning, as times, numbers and addresses do, or all have digits, as ids do."""
    given = [one.strip() for one in names if one.strip()]
    return any(one[:1].isdigit() for one in given) or (bool(given) and all(any(map(str.isdigit, one)) for one in given))
