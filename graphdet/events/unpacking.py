"""Archives, workbooks and database files → the tables in them, as plain files that are read like others."""

from __future__ import annotations

import csv
import shutil
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from graphdet.errors import UnreadableFile
from graphdet.scratch import new_file
from graphdet.whole import is_full

Part = tuple[str, Path]  # its name inside, and the plain file
ZIP, SQLITE = b"PK\x03\x04", b"SQLite format 3\x00"


def zip_parts(path: Path, folder: Path) -> list[Part]:
    """The files of a zip archive.

    Raises:
        UnreadableFile: it is damaged, or needs a password.
    """
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda one: one.filename):
                hidden = any(part.startswith((".", "__MACOSX")) for part in Path(member.filename).parts)
                if member.is_dir() or hidden:
                    continue
                target = new_file(folder)
                with archive.open(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                found.append((member.filename, target))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        if is_full(error):
            raise
        raise UnreadableFile(f"{path}: the zip archive cannot be unpacked ({str(error)[:80]}); unpack it and name what is in it.") from None
    return found


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is a workbook of Excel or LibreOffice."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"})


def workbook_parts(path: Path, folder: Path) -> list[Part]:
    """The sheets of a workbook that hold anything.

    Raises:
        UnreadableFile: it is damaged, or needs a password.
    """
    import python_calamine

    try:
        book = python_calamine.load_workbook(str(path))
        sheets = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=True)) for name in book.sheet_names]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: the workbook cannot be read ({str(error)[:80]}); save it as CSV.") from None
    return [(name, _as_csv(rows, folder)) for name, rows in sheets if rows]


def sqlite_parts(path: Path, folder: Path) -> list[Part]:
    """The tables and views of an SQLite file.

    Raises:
        UnreadableFile: it is damaged.
    """
    found = []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
            for (name,) in database.execute(query).fetchall():
                quoted = name.replace('"', '""')
                rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - the name is quoted
                header = [column[0] for column in rows.description]
                found.append((name, _as_csv(_chained(header, rows), folder)))
    except sqlite3.Error as error:
        raise UnreadableFile(f"{path}: the SQLite file cannot be read ({error}); export the table as CSV.") from None
    return found


def _chained(header: list[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[Iterable[Any]]:
    yield header
    yield from rows


def _as_csv(rows: Iterable[Iterable[Any]], folder: Path) -> Path:
    target = new_file(folder)
    with target.open("w", encoding="utf-8", newline="") as out:
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
