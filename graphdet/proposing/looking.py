"""The first rows of a file → its columns with what they hold: how much of it is times, addresses, numbers, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from graphdet.events.first_rows import FirstRows
from graphdet.events.forms import Order
from graphdet.events.time_writings import Numeric, read_time
from graphdet.events.top_lines import is_web_request

VALUES = 2_000  # different ones of a column, the commonest first, that are asked what they look like
_NOTHING = {"", "null", "na", "n/a", "none", "nan", "\\n", "(not set)", "unknown", "-"}
_TIME = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ]\d{1,2}(:\d{2}(:\d{2}(\.\d+)?)?)?.*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})( \d{1,2}:\d{2}.*)?"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|\d{4}年\d{1,2}月\d{1,2}日.*|\d{1,2}[ /-][A-Z][a-z]{2}[a-z]*[ /-]\d{4}.*"
    r"|\[?\d{1,2}/[A-Z][a-z]{2}/\d{4}:.*|[A-Z][a-z]{2}[a-z]* \d{1,2},? \d{4}.*"
)
_EPOCH = re.compile(r"(0[6-9]|[1-3])\d{8,9}(\.\d+)?|[1-3]\d{12}|[1-3]\d{15}|[1-3]\d{18}")  # seconds and finer from 1989 on
_IP = re.compile(r"(\d{1,3}\.){3}\d{1,3}(:\d+)?(, .*)?|\[?[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){3,7}\]?.*")
_NUMBER = re.compile(
    r"[-+(]?[$€£¥]?\s?\d{1,3}([., ]?\d{3})*([.,]\d+)?\)?( ?[A-Z]{3}| ?[€$])?|[-+]?\d+([.,]\d+)?(e[+-]?\d+)?", re.IGNORECASE
)
_AGENT = re.compile(r"(Mozilla/|Opera|Dalvik/|okhttp|curl/|python-requests|[A-Za-z]+/\d+\.\d+ \().*")


@dataclass(frozen=True)
class ColumnLook:
    """One column of a file, as its first rows have it.

    Attributes:
        name: as the header has it.
        filled: values that are not missing.
        distinct: different ones among them.
        no_time: its commonest value that is none.
        times, ips, numbers, agents: share of the values that look like times, IP addresses, numbers, clients' words about themselves.
        epochs: share that may be seconds (or finer) since 1970; ids of ten digits look the same.
        commonest: up to 60 values, commonest first.
        longest: characters of the longest value.
        table: the table that the column comes from, where it is joined.
        of: what that table's rows are about: our column of its key; "" where nothing tells.
        repeated: whether several rows of the log have one row of that table.
    """

    name: str
    filled: int
    distinct: int
    times: float
    no_time: str
    epochs: float
    ips: float
    numbers: float
    agents: float
    commonest: tuple[str, ...]
    longest: int
    table: str = ""
    of: str = ""
    repeated: bool = False


@dataclass(frozen=True)
class SharedKey:
    """A key that a file shares with another, which could be a table to it.

    Attributes:
        column: the key's name in the file.
        table, key: the other file, and the key's name there.
        rows, found: rows of the file that have a key, of those that were looked at; those whose key is in the table.
        keys, repeated: different keys of the table; those that stand on several rows of it, which differ.
    """

    column: str
    table: str
    key: str
    rows: int
    found: int
    keys: int
    repeated: int


@dataclass(frozen=True)
class FileLook:
    """One file.

    Attributes:
        rows: how many were looked at.
        headerless, web_log: whether its first row seems to be data rather than names, or a request to a web server.
        shared: the keys by which its rows find theirs in other files.
    """

    path: str
    rows: int
    columns: tuple[ColumnLook, ...]
    headerless: bool = False
    web_log: bool = False
    shared: tuple[SharedKey, ...] = ()

    def column(self, name: str) -> ColumnLook:
        return next(column for column in self.columns if column.name == name)


def look_at(first: FirstRows) -> FileLook:
    """A look at the first rows of a file."""
    rows, header = first.rows, [name.strip().strip("\ufeff") for name in first.header]
    headerless = first.format in ("csv", "tsv") and _is_data(header)
    if headerless:
        rows = [tuple(header), *rows]
        header = [f"column{place + 1}" for place in range(len(header))]
    columns = [_look_at_column(name, [row[place] for row in rows]) for place, name in enumerate(header)]
    return FileLook(first.path, len(rows), tuple(columns), headerless, is_web_request(" ".join(first.header)))


def _is_data(header: list[str]) -> bool:
    """Whether a first row holds values: a time or an address among them, or nothing but numbers and repeated values."""
    telling = any(_TIME.fullmatch(cell) or _IP.fullmatch(cell) or _EPOCH.fullmatch(cell) for cell in header)
    return telling or (len(header) > 1 and all(_NUMBER.fullmatch(cell) for cell in header))


def _is_time(value: str) -> bool:
    """Whether it looks like one, or can be read as one by some order of day and month."""
    if _TIME.fullmatch(value):
        return True
    has_digits = any(character.isdigit() for character in value)
    return has_digits and (read_time(value, _day_first) is not None or read_time(value, _month_first) is not None)


def _day_first(_: Numeric) -> Order:
    return "day first"


def _month_first(_: Numeric) -> Order:
    return "month first"


def _look_at_column(name: str, values: list[str | None]) -> ColumnLook:
    given = [value.strip() for value in values if value is not None and value.strip().lower() not in _NOTHING]
    counts = Counter(given)
    asked = dict(counts.most_common(VALUES))

    def share(like: Callable[[str], object]) -> float:
        return sum(count for value, count in asked.items() if like(value)) / max(sum(asked.values()), 1)

    return ColumnLook(
        name,
        len(given),
        len(counts),
        times=share(_is_time),
        no_time=next((value for value, _ in counts.most_common(200) if not _is_time(value) and not _EPOCH.fullmatch(value)), ""),
        epochs=share(_EPOCH.fullmatch),
        ips=share(_IP.fullmatch),
        numbers=share(_NUMBER.fullmatch),
        agents=share(_AGENT.fullmatch),
        commonest=tuple(value for value, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:60]),
        longest=max(map(len, counts), default=0),
    )
