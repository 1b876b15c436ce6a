"""Paths → log files: what each one is, by extension and then by content, and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphdet.errors import EmptyLog, UnreadableFile

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
}
COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
_COMPRESSION_MAGIC = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}
_PARQUET_MAGIC = b"PAR1"
_BLOCK = 1 << 20
MARKET, TRUTH = "market.json", "truth"  # beside the log of a simulated market


@dataclass(frozen=True)
class LogFile:
    """One file to read: its path as given, its format, and its compression or ''."""

    path: Path
    format: str
    compression: str

    @property
    def kind(self) -> str:
        return f"{self.format}.{self.compression}" if self.compression else self.format


def find_files(paths: Sequence[Path | str]) -> list[LogFile]:
    """Files in the order given; a folder gives every log file below it, sorted by path (without a made market's truth).

    Raises:
        UnreadableFile: a path that is not there or may not be read.
        EmptyLog: a folder without log files.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(inner for inner in path.rglob("*") if _is_log(inner, path))
            if not inside:
                raise EmptyLog(
                    f"{path}: no log files in this folder; name files that end in {', '.join(FORMATS)} (or these with .gz, .zst)."
                )
        elif path.exists():
            inside = [path]
        else:
            raise UnreadableFile(f"{path}: no such file or folder; check the spelling.")
        for inner in inside:
            found.setdefault(inner.resolve(), inner)
    if not found:
        raise EmptyLog("no log files were named; give at least one file or folder.")
    return [_recognise(path) for path in found.values()]


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_log(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    market = path.parent.parent if path.parent.name == TRUTH else path.parent
    beside = (path.parent.name == TRUTH or path.name == MARKET) and (market / MARKET).is_file() and (market / TRUTH).is_dir()
    return not hidden and not beside and _by_name(path)[0] != "" and path.is_file()


def _by_name(path: Path) -> tuple[str, str]:
    compression = COMPRESSIONS.get(path.suffix.lower(), "")
    name = path.with_suffix("") if compression else path
    return FORMATS.get(name.suffix.lower(), ""), compression


def _recognise(path: Path) -> LogFile:
    try:
        with path.open("rb") as stream:
            head = stream.read(_BLOCK)
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read ({error.strerror}).") from None
    form, compression = _by_name(path)
    if head.startswith(_PARQUET_MAGIC):
        return LogFile(path, "parquet", "")
    compression = next((kind for magic, kind in _COMPRESSION_MAGIC.items() if head.startswith(magic)), "")
    return LogFile(path, form or "csv", compression)
