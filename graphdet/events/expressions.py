"""Values, paths and names as SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def name_expression(column: str, kind: str) -> str:
    """A column as text; whole numbers without a decimal point."""
    if kind == "VARCHAR":
        return column
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        is_whole, whole = f"{column} = trunc({column}) AND abs({column}) < 1e18", f"TRY_CAST({column} AS BIGINT)::VARCHAR"
        return f"CASE WHEN isnan({column}::DOUBLE) THEN NULL WHEN {is_whole} THEN {whole} ELSE {column}::VARCHAR END"
    return f"{column}::VARCHAR"


def text_of_bytes(column: str) -> str:
    """Bytes as text where they are some; in hexadecimal where they are none, such as a UUID's."""
    text = f"TRY(decode({column}))"
    return f"CASE WHEN {text} IS NULL OR regexp_matches({text}, '[\\x00-\\x08]') THEN lower(hex({column})) ELSE {text} END"


def told_in_short(column: str, kind: str) -> str:
    """A column as text; of bytes, such as a picture's, what tells them from others."""
    return f"'md5:' || md5({column})" if kind == "BLOB" else name_expression(column, kind)


def quoted(path: Path) -> str:
    """A path as an SQL literal; DuckDB takes `*`, `?` and `[` for patterns, of which a bracketed one stands for itself."""
    text = re.sub(r"([*?\[])", r"[\1]", str(path))
    return "'" + text.replace("'", "''") + "'"


def quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def unmapped_expressions(header: Sequence[str], columns: Sequence[str], types: Sequence[str], used: set[int]) -> tuple[str, ...]:
    """What the columns hold that are not in `used`, as text where they are plain, in the order of their names: rows agree only in all."""
    rest = sorted((name.strip().lower(), position) for position, name in enumerate(header) if position not in used)
    return tuple(_anything(columns[position], types[position]) for _, position in rest)


def _anything(column: str, kind: str) -> str:
    return column if is_nested(kind) or kind == "BLOB" else f"COALESCE({name_expression(column, kind)}, '')"


def is_nested(kind: str) -> bool:
    """Whether a DuckDB type holds lists or fields of its own."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))
