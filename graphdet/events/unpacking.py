"""Archives, workbooks and database files → the tables in them, as plain files that are read like others."""

from __future__ import annotations

import errno
import itertools
import json
import lzma
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from graphdet.errors import UnreadableFile
from graphdet.events.sheets import write_csv
from graphdet.scratch import new_file
from graphdet.shortage import ran_out

Part = tuple[str, Path]  # its name inside, and the plain file
ZIP, SQLITE = b"PK\x03\x04", b"SQLite format 3\x00"
ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, RuntimeError, EOFError, OSError, ValueError, OverflowError)
STEP = 1_000_000  # steps of SQLite's machine between two looks at how many are left
STEPS, STEPS_A_BYTE = 1_000_000_000, 1_000  # that reading a table or a view may take: far more than putting all of a file in order does


def zip_parts(path: Path, folder: Path, most: int, shown: str) -> list[Part]:
    """The files of a zip archive, which may be so many bytes together.

    Raises:
        UnreadableFile: it is damaged, needs a password, or unpacks to more.
    """
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            require_bounded(archive, shown, most)  # more than a member says of itself is not read of it
            for member in sorted(archive.infolist(), key=lambda one: one.filename):
                hidden = any(part.startswith((".", "__MACOSX")) for part in Path(member.filename).parts)
                if member.is_dir() or hidden:
                    continue
                target = new_file(folder)
                with archive.open(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                found.append((member.filename, target))
    except ZIP_FAULTS as error:
        if ran_out(error):
            raise
        raise UnreadableFile(
            f"{shown}: the zip archive cannot be unpacked ({str(error)[:80]}); unpack it and name what is in it."
        ) from None
    return found


def is_tar(path: Path, head: bytes) -> bool:
    """Whether a file is a tar archive, plain or squeezed."""
    if head[257:262] == b"ustar":
        return True
    try:
        squeezed = head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"))
        return squeezed and path.suffix.lower() not in (".csv", ".jsonl") and tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return False


def tar_parts(path: Path, folder: Path, most: int, shown: str) -> list[Part]:
    """The files of a tar archive, which may be so many bytes together.

    Raises:
        UnreadableFile: it is damaged, or unpacks to more.
    """
    found = []
    left = most
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                left -= member.size
                if left < 0:
                    raise UnreadableFile(f"{shown}: unpacks to more than {most / 1e9:g} GB; raise [log] unpacked_gb if that is right.")
                source = archive.extractfile(member) if member.isfile() else None
                if source is None or any(part.startswith(".") and part not in (".", "..") for part in Path(member.name).parts):
                    continue
                target = new_file(folder)
                with source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                found.append((member.name, target))
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if ran_out(error):
            raise
        raise UnreadableFile(
            f"{shown}: the tar archive cannot be unpacked ({str(error)[:80]}); unpack it and name what is in it."
        ) from None
    return sorted(found)


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is a workbook of Excel or LibreOffice."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except ZIP_FAULTS:
        return False
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"})


def workbook_parts(path: Path, folder: Path, most: int, shown: str) -> list[Part]:
    """The sheets of a workbook that hold anything.

    They are read by a process of their own, with half of the memory at most: two cells far apart make a sheet of billions, and a library
    that is not written in Python may end the process that it is in.

    Raises:
        UnreadableFile: it is damaged, needs a password, or unpacks to more than `most` bytes.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    try:
        with zipfile.ZipFile(path) as archive:
            require_bounded(archive, shown, most)
    except ZIP_FAULTS as error:
        raise UnreadableFile(f"{shown}: the workbook cannot be read ({str(error)[:80]}); save it as CSV.") from None
    command = [sys.executable, "-P", str(Path(__file__).with_name("sheets.py")), str(path), str(folder), str(memory)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own file
    told = done.stdout.decode("utf-8", "replace")
    if done.returncode == 0:
        return [(name, Path(part)) for name, part in json.loads(told)]
    if os.strerror(errno.ENOSPC) in told:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    reason = told.strip() or f"the reader of workbooks ended by itself, {-done.returncode}"
    raise UnreadableFile(f"{shown}: the workbook cannot be read ({reason[:80]}); save it as CSV.")


def require_bounded(archive: zipfile.ZipFile, shown: str, most: int) -> None:
    """Raises:
    UnreadableFile: the members of an archive say that they are more than so many bytes together.
    """
    told = sum(member.file_size for member in archive.infolist())
    if told > most:
        raise UnreadableFile(
            f"{shown}: unpacks to {told / 1e9:.1f} GB, more than {most / 1e9:g}; raise [log] unpacked_gb if that is right, "
            "or look where the file comes from."
        )


def sqlite_parts(path: Path, folder: Path, most: int, shown: str) -> list[Part]:
    """The tables and views of an SQLite file, as so many bytes at most.

    Raises:
        UnreadableFile: it is damaged, or a view in it does not come to an end.
    """
    found = []
    steps = STEPS + path.stat().st_size * STEPS_A_BYTE
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
            for (name,) in database.execute(query).fetchall():
                database.set_progress_handler(_ends_after(steps // STEP), STEP)
                quoted = name.replace('"', '""')
                with closing(database.execute(f'SELECT * FROM "{quoted}"')) as rows:  # noqa: S608 - the name is quoted
                    header = [column[0] for column in rows.description]
                    table = _bounded(itertools.chain([header], rows), shown, most)
                    found.append((name, write_csv(table, new_file(folder))))
    except (sqlite3.Error, ValueError, OverflowError) as error:  # its own complaints quote what they found, which need not be text
        reason = "a view in it does not come to an end" if "interrupted" in str(error) else str(error)
        raise UnreadableFile(f"{shown}: the SQLite file cannot be read ({reason}); export the table as CSV.") from None
    return found


def _ends_after(calls: int) -> Callable[[], bool]:
    """True from the call after so many on, which tells SQLite to end a query."""
    left = itertools.count(calls, -1)
    return lambda: next(left) <= 0


def _bounded(rows: Iterable[Iterable[Any]], shown: str, most: int) -> Iterator[Iterable[Any]]:
    """The same rows, of at most so many characters together."""
    left = most
    for row in rows:
        values = list(row)
        left -= sum(len(value) if isinstance(value, str | bytes) else 8 for value in values)
        if left < 0:
            raise UnreadableFile(f"{shown}: its tables hold more than {most / 1e9:g} GB; raise [log] unpacked_gb, or export the table.")
        yield values
