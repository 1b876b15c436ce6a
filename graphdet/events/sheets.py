"""A workbook → its sheets as CSV files: `python sheets.py WORKBOOK FOLDER MEMORY`, a process that may end by itself without harm to ours.

It prints the sheets' names and files as JSON; or why there are none, and ends with 2.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any


def write_csv(rows: Iterable[Iterable[Any]], target: Path) -> Path:
    """Rows as text."""
    with target.open("w", encoding="utf-8", errors="replace", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for row in rows:
            writer.writerow([_plain(value) for value in row])
    return target


def _plain(value: Any) -> Any:
    """A cell as text: whole numbers without a point, times in ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value.hex() if isinstance(value, bytes) else value


def _sheets(path: str, folder: str) -> list[tuple[str, str]]:
    import python_calamine

    book = python_calamine.load_workbook(path)
    found = []
    for name in book.sheet_names:
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        if rows:
            handle, target = tempfile.mkstemp(".txt", "", folder)
            os.close(handle)
            found.append((name, str(write_csv(rows, Path(target)))))
    return found


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (allowed if hard == resource.RLIM_INFINITY else min(allowed, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        told = json.dumps(_sheets(sys.argv[1], sys.argv[2]))
    except BaseException as error:  # the library's own panics are no Exception
        sys.stdout.write(str(error).splitlines()[0] if str(error) else type(error).__name__)
        sys.exit(2)
    sys.stdout.write(told)
