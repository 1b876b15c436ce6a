"""A folder to which log files are added → chunks: each file is known by its inode and its first bytes, and read on from where it was.

A file that grows is read up to its last whole line; one that was renamed (rotation) is gone on with under its new name; one that was
emptied, or whose place another took, begins anew. What is compressed, or no text of lines, is read whole, once it has come to rest.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphdet.errors import UnreadableFile
from graphdet.events.files import COMPRESSIONS, FORMATS
from graphdet.watch.chunks import LINES, MOST_BYTES, Chunk, Place, digest_of, first_lines, whole_records

FIRST = 4096  # bytes by which a file is known again
RESTS = 1.0  # seconds without a change after which a file that is read whole is taken to be whole
ROTATED = re.compile(r"([._-]\d{1,14})+$")  # events.csv.1, events.csv-20250301
MAGIC = (
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"PAR1",
    b"PK\x03\x04",
    b"SQLite format 3\x00",
    b"\xff\xfe",
    b"\xfe\xff",
)


@dataclass(frozen=True)
class Seen:
    """A file as a look at the folder found it."""

    path: Path
    inode: int
    size: int
    changed: float


class FolderSource:
    """All log files below a folder, those that come later too.

    Args:
        folder: to follow.
        idle: seconds after which a file that does not grow any more is taken to be finished, its last line too.
        left_out: files there that are no logs: tables that logs are joined with, and what `[log] skip` names.

    Raises:
        UnreadableFile: there is no such folder.
    """

    def __init__(self, folder: Path, idle: float, left_out: Iterable[str] = ()) -> None:
        if not folder.is_dir():
            raise UnreadableFile(f"{folder}: no such folder to watch; make it, or check the spelling.")
        self._folder, self._idle = folder, idle
        self._left_out = {Path(file).resolve() for file in left_out}
        self._quiet: dict[int, tuple[int, float]] = {}  # inode → size and time of change at which nothing more was to be read
        self.waiting = False

    @property
    def ended(self) -> bool:
        return False

    @property
    def trouble(self) -> str:
        return "" if self._folder.is_dir() else f"{self._folder}: the folder is gone."

    def take(self, known: Mapping[str, Place], now: float) -> list[Chunk]:
        """What files hold beyond the places that are known, oldest files first, as much as fits into memory."""
        by_inode: dict[int, list[tuple[str, Place]]] = {}
        for partition, place in known.items():
            by_inode.setdefault(int(place.get("inode", -1)), []).append((partition, place))
        chunks: list[Chunk] = []
        left = MOST_BYTES
        self.waiting = bool(self.trouble)  # nobody knows what is there
        for file in self._files(set(by_inode)):
            if self._quiet.get(file.inode) == (file.size, file.changed):
                continue
            if left <= 0:
                self.waiting = True
                break
            chunk = self._chunk(file, by_inode.get(file.inode, []), now, left)
            if chunk is not None:
                chunks.append(chunk)
                left -= len(chunk.data) if chunk.path is None else file.size
        return chunks

    def kept(self, places: Mapping[str, Place]) -> None:
        """Nothing to tell anybody."""

    def rewind(self) -> None:
        """Places come from the state each time."""

    def close(self) -> None:
        """Nothing is held open."""

    def _files(self, known: set[int]) -> Iterator[Seen]:
        """Those that are logs by their name, and those that were before they were renamed; the oldest first, as their names tell."""
        found = []
        for base, folders, names in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
            for name in names:
                path = Path(base) / name
                if self._left_out and path.resolve() in self._left_out:
                    continue
                try:
                    state = path.stat()
                except OSError:  # renamed or removed a moment ago
                    continue
                if stat.S_ISREG(state.st_mode) and (state.st_ino in known or _is_log(name)):
                    found.append(Seen(path, state.st_ino, state.st_size, state.st_mtime))
        yield from sorted(found, key=_by_age)

    def _chunk(self, file: Seen, known: list[tuple[str, Place]], now: float, most: int) -> Chunk | None:
        try:
            with file.path.open("rb") as stream:
                first = stream.read(FIRST)
                partition, place = _recognise(file, first, known)
                if _is_whole(file.path, first):
                    return self._whole(file, partition, place, now)
                position = int(place["position"])
                stream.seek(position)
                data = stream.read(most)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableFile(f"{file.path}: cannot be read ({error.strerror}).") from None
        suffix = _suffix(file.path, first)
        whole = whole_records(data, quoted=suffix not in LINES)
        at_end = position + len(data) >= file.size
        if at_end and len(whole) < len(data) and now - file.changed >= self._idle:
            whole = data  # finished without a line end
        self.waiting = self.waiting or not at_end
        if not whole:
            if at_end and (len(data) == 0 or now - file.changed >= self._idle):
                self._quiet[file.inode] = (file.size, file.changed)
            return None
        after = {
            **place,
            "inode": file.inode,
            "path": str(file.path.relative_to(self._folder)),
            "position": position + len(whole),
            "before": position,
            "first": min(len(first), position + len(whole)),
            "digest": digest_of(first[: position + len(whole)]),
            "line": int(place["line"]) + whole.count(b"\n"),
            "seen": now,
        }
        head = bytes.fromhex(place.get("head", ""))
        return Chunk(partition, after["path"], suffix, whole, after, head, int(place["line"]))

    def _whole(self, file: Seen, partition: str, place: Place, now: float) -> Chunk | None:
        told = [file.size, file.changed]
        if place.get("whole") == told:
            self._quiet[file.inode] = (file.size, file.changed)
            return None
        if now - file.changed < RESTS:
            self.waiting = True
            return None
        shown = str(file.path.relative_to(self._folder))
        after = {**place, "inode": file.inode, "path": shown, "position": file.size, "whole": told, "seen": now, "before": 0}
        return Chunk(partition, shown, file.path.suffix, b"", after, path=file.path)


def _recognise(file: Seen, first: bytes, known: list[tuple[str, Place]]) -> tuple[str, dict[str, Any]]:
    """The partition that the file is, with its place; the beginning of a new one where none of its inode has these first bytes."""
    for partition, place in known:
        length = int(place["first"])
        if "whole" in place or (file.size >= int(place["position"]) and digest_of(first[:length]) == place["digest"]):
            return partition, dict(place)
    begun = {"position": 0, "line": 0, "first": len(first), "digest": digest_of(first), "head": ""}
    return f"{file.inode}-{digest_of(first + str(file.changed).encode())}", begun


def _is_log(name: str) -> bool:
    if name.startswith((".", "_")):
        return False
    path = Path(ROTATED.sub("", name))
    path = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return Path(ROTATED.sub("", path.name)).suffix.lower() in FORMATS


def _by_age(file: Seen) -> tuple[Path, str, bool, int, str]:
    """events.csv.2 comes before events.csv.1, events.csv-20250301 before events.csv-20250302, and all of them before events.csv."""
    name = file.path.name
    rotated = ROTATED.search(name)
    digits = re.sub(r"\D", "", rotated[0]) if rotated else ""
    return file.path.parent, ROTATED.sub("", name), rotated is None, -int(digits) if 0 < len(digits) < 6 else 0, name


def _is_whole(path: Path, first: bytes) -> bool:
    """Whether it is no text of lines that could be read in parts."""
    if first.startswith(MAGIC) or b"\x00" in first:
        return True
    if path.suffix.lower() not in LINES:
        return False
    begins = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not begins.startswith(b"{"):
        return begins.startswith(b"[")
    line = first_lines(begins, 1)
    try:
        json.loads(line)
    except ValueError:
        return line.rstrip() in (b"{", b"{ ") or (line.endswith(b"\n") and line.count(b'"') <= 2)  # a document over many lines
    return False


def _suffix(path: Path, first: bytes) -> str:
    if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b'{"'):
        return ".jsonl"
    name = Path(ROTATED.sub("", path.name))
    suffix = name.suffix.lower()
    return ".csv" if suffix not in FORMATS or (suffix in LINES and first.lstrip()[:1].isalnum()) else suffix
