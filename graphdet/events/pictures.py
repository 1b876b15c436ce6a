"""The column `image` of a batch, paths or bytes → prints of the pictures; those that are refused are missing, and counted."""

from __future__ import annotations

import base64
import hashlib
import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.files import LogFile
from graphdet.events.picture_files import ADDRESS, ADDRESSES, PictureRefused, read_inside
from graphdet.events.picture_marks import LONGEST, picture_mark
from graphdet.events.picture_prints import BITS, LETTERS, PARTS, PREFIX, picture_print
from graphdet.events.timestamps import SPACES
from graphdet.extras import need
from graphdet.printable import printable
from graphdet.schema.wording import numbered
from graphdet.settings import LogSettings, MachineSettings

COLUMN = "image"
_SHOWN = 60  # characters of a name in a note


@dataclass
class Pictures:
    """The pictures of one reading of a log, each decoded once.

    Attributes:
        found: (folder, what the log says) → its print, or why it is refused.
        addresses: file → how many rows name a place elsewhere, and one of these; such a log may have a million of them, each another one.
    """

    settings: LogSettings
    machine: MachineSettings
    found: dict[tuple[str, str], str | PictureRefused] = field(default_factory=dict)
    addresses: dict[str, tuple[int, str]] = field(default_factory=dict)

    def begin(self, file: LogFile) -> None:
        """Before a file is read, and before it is read again."""
        self.addresses.pop(file.name, None)

    def read(self, batch: pa.RecordBatch, file: LogFile) -> pa.RecordBatch:
        """The batch with prints in place of pictures."""
        place = batch.schema.get_field_index(COLUMN)
        if place < 0:
            return batch
        given = self._without_addresses(batch.column(place), file.name).dictionary_encode()
        folder = self._folder(file)
        values = given.dictionary.to_pylist()
        keys = [self._key(value, folder) for value in values]
        wanted = {key: value for key, value in zip(keys, values, strict=True) if key is not None and key not in self.found}
        if wanted:
            if self.settings.image_texts:
                need("ocr", "[log] image_texts")
            self._look_at(wanted, folder)
        told = [None if key is None else self.found[key] for key in keys]
        prints = pa.array([one if isinstance(one, str) else None for one in told], pa.large_string())
        return batch.set_column(place, COLUMN, prints.take(given.indices))

    def note(self) -> list[str]:
        """What was refused, in one sentence."""
        named = ((str(told), name if folder else "") for (folder, name), told in self.found.items() if isinstance(told, PictureRefused))
        refused = sorted(named)
        counts = Counter(reason for reason, _ in refused)
        first = dict(reversed(refused))
        elsewhere = sum(count for count, _ in self.addresses.values())
        if elsewhere:
            counts[ADDRESSES] += elsewhere
            first.setdefault(ADDRESSES, min(name for _, name in self.addresses.values()))
        if not counts:
            return []
        parts = [
            f"{count:,} {reason}{f' ({printable(first[reason])[:_SHOWN]})' if first[reason] else ''}"
            for reason, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        told = numbered(len(self.found) + elsewhere, "picture counts", "pictures count")
        return [f"image: {counts.total():,} of {told} as missing: {', '.join(parts)}."]

    def _without_addresses(self, column: pa.Array, file: str) -> pa.Array:
        if not pa.types.is_large_string(column.type):
            return column
        elsewhere = pc.match_substring_regex(column, ADDRESS)
        count = pc.sum(elsewhere).as_py() or 0
        if not count:
            return column
        before, example = self.addresses.get(file, (0, ""))
        least = pc.min(column.filter(elsewhere)).as_py()
        self.addresses[file] = before + count, min(filter(None, (example, least)))
        return pc.if_else(elsewhere, pa.scalar(None, column.type), column)

    def _folder(self, file: LogFile) -> Path | None:
        if self.settings.image_folder:
            return Path(self.settings.image_folder)
        piped = bool(file.label) and file.origin is None
        return None if piped else file.whole.parent

    def _key(self, value: str | bytes | None, folder: Path | None) -> tuple[str, str] | None:
        """What tells a picture from others; None where there is none."""
        if isinstance(value, bytes):
            return ("", hashlib.sha256(value).hexdigest()) if value else None
        name = (value or "").strip(SPACES)
        return None if not name or name.lower() in self.settings.missing else (str(folder), name)

    def _look_at(self, wanted: dict[tuple[str, str], str | bytes], folder: Path | None) -> None:
        threads = min(self.machine.threads or os.cpu_count() or 1, len(wanted))
        with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
            warnings.simplefilter("ignore")  # what a decoder makes of a hostile picture is told by us, once
            marked = self.settings.image_texts
            prints = pool.map(lambda pair: _print_of(pair[0][1], pair[1], folder, marked=marked), wanted.items())
            self.found |= dict(zip(wanted, prints, strict=True))


def _print_of(name: str, value: str | bytes, folder: Path | None, *, marked: bool) -> str | PictureRefused:
    """A picture's print and, where asked for, the mark in it behind a space."""
    try:
        if not isinstance(value, bytes) and is_print(name):
            return name
        data = value if isinstance(value, bytes) else read_inside(folder, name)
        found = picture_print(data)
        mark = picture_mark(data) if marked else ""
        return f"{found} {mark}" if mark else found
    except PictureRefused as refused:
        return refused


def is_print(value: str) -> bool:
    """Whether it is what a log that graphdet keeps has instead of a picture."""
    found, _, mark = value.partition(" ")
    whole, _, parts = found.partition(".")
    plain = len(whole) == LETTERS and whole.startswith(PREFIX) and set(whole[len(PREFIX) :]) <= set("0123456789abcdef")
    return plain and (not parts or _are_parts(parts)) and len(mark) <= LONGEST and mark.isprintable()


def _are_parts(told: str) -> bool:
    """Whether the parts of a picture can be read from it; prints of logs that were kept before there were any have none."""
    try:
        return len(base64.b64decode(told, validate=True)) * 8 == PARTS * BITS
    except ValueError:
        return False
