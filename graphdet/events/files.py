"""Paths → log files: what each one is, by extension and then by content, and its digest. Pipes are spooled, archives unpacked."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import re
import shutil
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from graphdet.errors import EmptyLog, UnreadableFile
from graphdet.events.databases import address_of, fetch
from graphdet.events.foreign_kinds import foreign_kind
from graphdet.events.unpacking import SQLITE, ZIP, Part, is_tar, is_workbook, sqlite_parts, tar_parts, workbook_parts, zip_parts
from graphdet.scratch import new_file
from graphdet.shortage import ran_out

FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".log": "csv",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
    ".ods": "workbook",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
}
COMPRESSIONS = {".gz": "gz", ".zst": "zst", ".bz2": "bz2", ".xz": "xz"}
_COMPRESSION_MAGIC = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
_PARQUET_MAGIC = b"PAR1"
_BLOCK = 1 << 20
_PARTITION = re.compile(r"(\w+)=(.+)")
NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
STANDARD_INPUT = "-"
DEEPEST = 3  # archives in archives; some hold themselves, and would never end
MARKET, TRUTH = "market.json", "truth"  # beside the log of a simulated market


@dataclass(frozen=True)
class LogFile:
    """One file to read.

    Attributes:
        path: where its bytes lie.
        format, compression: what they are; '' for none.
        label: what it is called where that is not its path: a member of an archive, standard input.
        origin: the file that was named, where that is another.
        partitions: (column, value) that the folders above it name.
        state: what changes when the file is written to, as it was before anything of it was read.
    """

    path: Path
    format: str
    compression: str
    label: str = ""
    origin: Path | None = None
    partitions: tuple[tuple[str, str], ...] = ()
    state: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.label or str(self.path)

    @property
    def whole(self) -> Path:
        """The file whose digest is told."""
        return self.origin or self.path

    @property
    def kind(self) -> str:
        return f"{self.format}.{self.compression}" if self.compression else self.format


def find_files(paths: Sequence[Path | str], folder: Path, most: int) -> list[LogFile]:
    """Files in the order given; a folder gives every log file below it, sorted by path (without a made market's truth).

    Args:
        paths: files, folders, patterns such as logs/2025-*.csv, pipes, or `-` for standard input.
        folder: where pipes are spooled and archives unpacked.
        most: bytes that an archive may unpack to.

    Raises:
        UnreadableFile: a path that is not there, may not be read, or is of a kind that is not read.
        EmptyLog: a folder without log files.
    """
    found: dict[Path, list[LogFile]] = {}
    for path in (Path(one) for text in map(str, paths) for one in _expanded(text)):
        database = address_of(str(path))
        if database is not None:
            table = fetch(database, folder)
            found[path] = [LogFile(table, "csv", "", database.name, state=state_of(table, database.name))]
            continue
        _require_seen(path)
        if str(path) == STANDARD_INPUT:
            found[path] = _recognise(_spooled(path, folder), folder, most, label="standard input")
        elif path.is_dir():
            for inner in _inside(path):
                if inner.resolve() not in found:
                    found[inner.resolve()] = _recognise(inner, folder, most, partitions=_partitions(inner))
        elif _is_stream(path):
            found[path] = _recognise(_spooled(path, folder), folder, most, label=str(path))
        elif path.exists():
            if path.resolve() not in found:
                found[path.resolve()] = _recognise(path, folder, most, partitions=_partitions(path))
        else:
            raise UnreadableFile(f"{path}: no such file or folder; check the spelling.")
    if not found:
        raise EmptyLog("no log files were named; give at least one file or folder.")
    return [file for files in found.values() for file in files]


def _require_seen(path: Path) -> None:
    """Raises:
    UnreadableFile: it may not even be looked at, or no path can be so.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read ({error.strerror}).") from None


def _expanded(text: str) -> list[str]:
    """A pattern as the paths that it fits; any other text as it is."""
    if address_of(text) is not None:
        return [text]
    if not glob.has_magic(text) or os.path.lexists(text):  # Path.exists raises where it may not look
        return [text]
    fitting = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
    if not fitting:
        raise UnreadableFile(f"{text}: no file fits this pattern; check the spelling.")
    return fitting


def _inside(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise UnreadableFile(f"{error.filename}: the folder cannot be read ({error.strerror}); allow it, or name the files.")

    every = (Path(base) / name for base, _, names in os.walk(folder, onerror=refuse) for name in names)
    inside = sorted(path for path in every if _is_log(path, folder))
    if not inside:
        endings = ", ".join(FORMATS)
        raise EmptyLog(
            f"{folder}: no log files in this folder; name files that end in {endings} (or these with {', '.join(COMPRESSIONS)})."
        )
    return inside


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise UnreadableFile(f"{path}: a device or a socket, not a log; name a file, a folder or a pipe.")
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _spooled(path: Path, folder: Path) -> Path:
    """All that a pipe gives, as a file."""
    target = new_file(folder)
    try:
        with sys.stdin.buffer if str(path) == STANDARD_INPUT else path.open("rb") as source, target.open("wb") as out:
            _require_end(source, path)
            shutil.copyfileobj(source, out, _BLOCK)
    except OSError as error:
        if ran_out(error):
            raise
        raise UnreadableFile(f"{path}: cannot be read ({error.strerror}).") from None
    return target


def _require_end(source: IO[bytes], path: Path) -> None:
    """Raises:
    UnreadableFile: it is a device, such as /dev/zero, which may give bytes for ever; a terminal ends where people say so.
    """
    try:
        state = os.fstat(source.fileno())
    except io.UnsupportedOperation:  # no file of the system's
        return
    if stat.S_ISCHR(state.st_mode) and not source.isatty() and state.st_rdev != Path(os.devnull).stat().st_rdev:
        raise UnreadableFile(f"{path}: a device, not a log; name a file, a folder or a pipe.")


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_log(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    market = path.parent.parent if path.parent.name == TRUTH else path.parent
    beside = (path.parent.name == TRUTH or path.name == MARKET) and (market / MARKET).is_file() and (market / TRUTH).is_dir()
    return not hidden and not beside and _by_name(path)[0] != "" and path.is_file()


def _partitions(path: Path) -> tuple[tuple[str, str], ...]:
    """What folders such as date=2025-03-01 say of all rows below them."""
    found = (_PARTITION.fullmatch(part) for part in path.parts[:-1])
    return tuple((one[1], unquote(one[2])) for one in found if one)


def _by_name(path: Path) -> tuple[str, str]:
    compression = COMPRESSIONS.get(path.suffix.lower(), "")
    name = path.with_suffix("") if compression else path
    return FORMATS.get(name.suffix.lower(), ""), compression


def _recognise(
    path: Path,
    folder: Path,
    most: int,
    label: str = "",
    named: str = "",
    partitions: tuple[tuple[str, str], ...] = (),
    depth: int = 0,
) -> list[LogFile]:
    """One file as what its first bytes and its name (`named`, where it is called otherwise) say; the parts of an archive or a workbook."""
    shown = label or str(path)
    if not shown.isascii() and shown != shown.encode("utf-8", "replace").decode("utf-8"):  # JSON and SQL have no way to write it
        raise UnreadableFile(f"{shown!a}: the file's name is no UTF-8; rename it.")
    state = state_of(path, shown)
    try:
        with path.open("rb") as stream:
            head = stream.read(_BLOCK)
    except OSError as error:
        raise UnreadableFile(f"{shown}: cannot be read ({error.strerror}).") from None
    form, _ = _by_name(Path(named or path))
    if head.startswith(_PARQUET_MAGIC):
        return [LogFile(path, "parquet", "", label, partitions=partitions, state=state)]
    is_zip, tar = head.startswith(ZIP), is_tar(path, head)
    if is_zip or tar or head.startswith(SQLITE):
        if head.startswith(SQLITE):
            found = _tables(sqlite_parts(path, folder, most, shown), shown)
        elif is_zip and is_workbook(path):
            found = _tables(workbook_parts(path, folder, most, shown), shown)
        elif depth == DEEPEST:
            raise UnreadableFile(f"{shown}: an archive in archives, more than {DEEPEST} deep; unpack it and name what is in it.")
        else:
            found = []
            members = zip_parts(path, folder, most, shown) if is_zip else tar_parts(path, folder, most, shown)
            for name, part in [member for member in members if _by_name(Path(member[0]))[0]] or members:
                found += _recognise(part, folder, most, f"{shown}!{name}", name, partitions, depth + 1)
        if not found:
            raise EmptyLog(f"{shown}: nothing in it that could be read; it should hold log files or tables.")
        return [replace(file, origin=path, partitions=partitions, state=state) for file in found]
    compression = next((kind for magic, kind in _COMPRESSION_MAGIC.items() if head.startswith(magic)), "")
    foreign = None if compression else foreign_kind(head)
    if foreign:
        raise UnreadableFile(f"{shown}: this is {foreign[0]}, which is not read; {foreign[1]}.")
    begins = b"".join(head[:2000].removeprefix(b"\xef\xbb\xbf").split()).lstrip(b"\x1e")
    if not compression and begins.startswith((b'{"', b'[{"', b'[["', b"{}")) and form != "jsonl":
        form = "jsonl"  # whatever it is called
    elif not compression and form == "jsonl" and begins[:1].isalnum():
        form = "csv"
    form = form if form in ("csv", "tsv", "jsonl", "parquet") else "csv"
    return [LogFile(path, form, compression, label, partitions=partitions, state=state)]


def _tables(tables: list[Part], shown: str) -> list[LogFile]:
    """Tables of a workbook or a database, which were written to files."""
    return [LogFile(part, "csv", "", f"{shown}!{name}" if len(tables) > 1 else shown) for name, part in tables]


def state_of(path: Path, shown: str) -> tuple[int, ...]:
    """What changes when a file is written to, or another takes its place.

    Raises:
        UnreadableFile: it is gone, or may not be looked at.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise UnreadableFile(f"{shown}: cannot be read any more ({error.strerror}); it was there a moment ago.") from None
    return state.st_size, state.st_mtime_ns, state.st_ino
