"""Files that were named → those that are logs: not the tables that these are joined with, nor what `[log] skip` leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphdet.errors import EmptyLog, UnreadableFile
from graphdet.events.files import LogFile, find_files
from graphdet.settings import LogSettings

PART = "!"  # between an archive, a workbook or a database and what is in it


@dataclass(frozen=True)
class Chosen:
    """Log files, and names of those that the settings leave out, a file of several tables being told by each of them."""

    files: list[LogFile]
    skipped: tuple[str, ...]


def find_logs(paths: Sequence[Path | str], folder: Path, settings: LogSettings) -> Chosen:
    """The log files among `paths`, as `find_files` finds them.

    Raises:
        UnreadableFile: as in `find_files`.
        EmptyLog: as in `find_files`, or all of them are left out.
    """
    found = find_files(paths, folder, int(settings.unpacked_gb * 1e9))
    logs = without(found, settings.join)
    kept = without(logs, settings.skip)
    if logs and not kept:
        raise EmptyLog(f"{logs[0].name}: [log] skip leaves {'all' if len(logs) > 1 else 'it'} out; name a log, or take it from that list.")
    return Chosen(kept, tuple(file.name for file in logs if file not in kept))


def without(files: Sequence[LogFile], named: Iterable[str]) -> list[LogFile]:
    """Without the files, and parts of files, that the settings name."""
    places = {_place(name) for name in named}
    if not places:
        return list(files)
    return [file for file in files if not {(file.whole.resolve(), ""), (file.whole.resolve(), _part(file.name))} & places]


def named_file(name: str, folder: Path, settings: LogSettings) -> LogFile:
    """One file, or a part of one such as `shop.xlsx!orders`.

    Raises:
        UnreadableFile: it is not there.
    """
    whole, part = _place(name)
    if not part:
        return find_files([name], folder, int(settings.unpacked_gb * 1e9))[0]
    found = find_files([whole], folder, int(settings.unpacked_gb * 1e9))
    parts = [_part(file.name) for file in found]
    if part not in parts:
        raise UnreadableFile(f"{name}: no such table in this file; it has {', '.join(filter(None, parts)) or 'but one'}.")
    return found[parts.index(part)]


def _place(name: str) -> tuple[Path, str]:
    """The file on disk, and what of it is named; "" for all of it."""
    if PART not in name or Path(name).exists():
        return Path(name).resolve(), ""
    whole, _, part = name.partition(PART)
    return Path(whole).resolve(), part


def _part(name: str) -> str:
    return "" if Path(name).exists() else name.partition(PART)[2]
