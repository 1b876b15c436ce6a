"""Rows → an HTML table for notebooks, in which no id from a log can be anything but text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from graphdet.printable import printable

MOST = 20  # rows shown
COLUMNS = ("rank", "ring_id", "tier", "score", "size", "targets", "first_seen", "last_seen", "explanation")
MEMBER_COLUMNS = ("node_type", "node_id", "role", "contribution", "events", "first_seen", "last_seen")


def as_table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], most: int = MOST) -> str:
    """A heading and a table of the first rows, with how many more there are."""
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{as_text(row[column])}</td>' for column in columns)}</tr>" for row in rows[:most])
    more = f"<p>… and {len(rows) - most:,} more</p>" if len(rows) > most else ""
    return f"<p><b>{as_text(title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def as_list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{as_text(line)}</li>' for line in lines)}</ul>"


def as_text(value: Any) -> str:
    """One value, escaped, on one line."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    return escape(printable(value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)))
