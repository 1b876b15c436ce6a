"""Text logs → plain UTF-8 files, and records with their line numbers.

DuckDB reads a regular file by itself, and fast. What it cannot be trusted with is prepared here first: compressed files (a truncated
one must not pass for a short one), UTF-16, Latin-1 and byte order marks. A file in which it finds any broken record is walked line
by line instead, with Python's `csv` module as the judge, and DuckDB then reads the good records alone.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from graphdet.errors import UnreadableFile
from graphdet.events.encodings import SAMPLE, foreign_lines, guess_encoding
from graphdet.events.files import LogFile
from graphdet.events.foreign_kinds import foreign_kind
from graphdet.scratch import new_file
from graphdet.shortage import ran_out

LONGEST_RECORD = 15_000_000  # bytes; a longer record is rejected
_BLOCK = 1 << 22
_LOOKAHEAD = LONGEST_RECORD  # characters in which a quote must close
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Windows-1252, which is what "Latin-1" files are in practice; its five holes stay control characters
_WESTERN = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0) if bytes([code]).decode("cp1252", "ignore")}


@dataclass(frozen=True)
class Text:
    """A file in UTF-8 without byte order mark (the log itself where it is so), and what is to be told about it."""

    path: Path
    encoding: str
    note: str


@dataclass(frozen=True)
class Record:
    """One record: the line it starts on, from 1; its text as it stands; and why it is none, or ''."""

    line: int
    raw: str
    reason: str
    fields: list[str] | None = None  # where it had to be parsed


def prepare(file: LogFile, folder: Path, most: int, wanted: str = "") -> Text:
    """The file as plain UTF-8, written into `folder` unless it is that already; a compressed one of at most so many bytes.

    Raises:
        UnreadableFile: truncated or corrupt compression, or undecodable UTF-16.
    """
    try:
        with _open(file) as stream:
            foreign = foreign_kind(stream.read(1024)) if file.compression else None
        if foreign:
            raise UnreadableFile(f"{file.name}: this is {foreign[0]}, squeezed, which is not read; {foreign[1]}.")
        with _open(file) as stream:
            encoding = wanted or _encoding(_Bounded(stream, file.name, most) if file.compression else stream)
        if encoding == "utf-8" and not file.compression:
            return Text(file.path, encoding, "")
        plain = new_file(folder)
        with _open(file) as stream, plain.open("wb") as out:
            _transcode(_Bounded(stream, file.name, most) if file.compression else stream, out, encoding)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, pa.ArrowException) as error:
        raise UnreadableFile(
            f"{file.name}: the compressed file is truncated or damaged ({_line(error)}); fetch or write it again."
        ) from None
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{file.name}: not valid {encoding} ({error.reason}); save it as UTF-8.") from None
    except OSError as error:
        if ran_out(error):
            raise
        raise UnreadableFile(f"{file.name}: cannot be read ({_line(error)}); fetch or write it again.") from None
    wide = {"utf-16": "UTF-16", "utf-32": "UTF-32"}.get(encoding.removesuffix("-le").removesuffix("-be"))
    name = wide or (_TOLD.get(encoding, encoding) + ", since it is no UTF-8; [log] encoding names another" if _is_guess(encoding) else "")
    return Text(plain, encoding, f"{file.name}: read as {name}." if name and not wanted else "")


_TOLD = {"western": "Windows-1252 (Latin-1)", "gb18030": "GBK (gb18030)"}


def _is_guess(encoding: str) -> bool:
    return encoding not in ("utf-8", "utf-8-sig")


@dataclass
class _Bounded:
    """A compressed file that may unpack to so much and no more: a few bytes can stand for a full disk."""

    stream: IO[bytes]
    name: str
    most: int
    read_so_far: int = 0

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        self.read_so_far += len(block)
        if self.read_so_far > self.most:
            raise UnreadableFile(
                f"{self.name}: unpacks to more than {self.most / 1e9:g} GB; raise [log] unpacked_gb if that is right, "
                "or look where the file comes from."
            )
        return block


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _open(file: LogFile) -> IO[bytes]:
    if file.compression == "gz":
        return cast(IO[bytes], gzip.GzipFile(file.path, "rb"))
    if file.compression == "zst":
        return cast(IO[bytes], pa.CompressedInputStream(pa.OSFile(str(file.path)), "zstd"))
    if file.compression == "bz2":
        return cast(IO[bytes], bz2.BZ2File(file.path, "rb"))
    if file.compression == "xz":
        return cast(IO[bytes], lzma.LZMAFile(file.path, "rb"))
    return file.path.open("rb")


def _encoding(stream: IO[bytes] | _Bounded) -> str:
    """By byte order mark, by the zeros of UTF-16, or by whether all of it is valid UTF-8; else by what its lines are made of.

    Damaged UTF-8 is read as UTF-8, and its bad lines are rejected.
    """
    block = stream.read(_BLOCK)
    for mark, encoding in _BOMS:
        if block.startswith(mark):
            return encoding
    head = block[:4096]
    quarters = [head[place::4].count(0) for place in range(4)]
    if sum(quarters) > 0.7 * len(head) > 0 and not min(quarters[0], quarters[3]):
        return "utf-32-le" if quarters[3] else "utf-32-be"
    even, odd = head[::2].count(0), head[1::2].count(0)  # most characters of a log are ASCII, of which UTF-16 makes one zero byte each
    if max(even, odd) > 0.15 * len(head) and max(even, odd) > 4 * min(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    valid, sample = True, b""
    while block:
        if not block.isascii() and len(sample) < SAMPLE:
            sample += foreign_lines(block)
        try:
            decoder.decode(block, final=False)
        except UnicodeDecodeError:
            valid = False
        if not valid and len(sample) >= SAMPLE:
            break
        block = stream.read(_BLOCK)
        while block and block.isascii() and ((valid and decoder.getstate()[0] == b"") or not valid):
            block = stream.read(_BLOCK)
    if valid:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            valid = False
    return "utf-8" if valid else guess_encoding(sample)


def _transcode(stream: IO[bytes] | _Bounded, out: IO[bytes], encoding: str) -> None:
    """What cannot be decoded of a guessed 8-bit or East Asian encoding stays as it is: such lines are rejected one by one."""
    strict = encoding.startswith("utf-")
    decoder = codecs.getincrementaldecoder("latin-1" if encoding == "western" else encoding)("strict" if strict else "surrogateescape")
    while block := stream.read(_BLOCK):
        if encoding == "utf-8":
            out.write(block)
        elif encoding == "western":
            out.write(decoder.decode(block).translate(_WESTERN).encode())
        else:
            out.write(decoder.decode(block).encode("utf-8", "surrogatepass" if strict else "surrogateescape"))
    if encoding not in ("utf-8", "western"):
        decoder.decode(b"", final=True)


def walk(path: Path, delimiter: str, width: int, skipped: int = 0, *, header: bool = True) -> Iterator[Record]:
    """All records after the header, good and bad; empty lines are no records.

    Args:
        path: plain UTF-8 text.
        delimiter: between fields; '' where a line is a record (JSON lines, which have no header).
        width: fields that a record must have.
        skipped: lines before the header.
        header: whether the first record after these is one.
    """
    lines = _Lines(path)
    limit = csv.field_size_limit(LONGEST_RECORD)
    try:
        lines.skip(skipped)
        if delimiter:
            if header:
                next(_delimited(lines, delimiter, width), None)
            yield from _delimited(lines, delimiter, width)
        else:
            for line, text in lines:
                if text.strip():
                    yield Record(line, text, _unfit(text))
    finally:
        csv.field_size_limit(limit)
        lines.close()


def _delimited(lines: _Lines, delimiter: str, width: int) -> Iterator[Record]:
    lookahead = _LOOKAHEAD
    for line, text in lines:
        reason = _unfit(text)
        if reason or '"' not in text:
            bare = text.rstrip("\r\n")
            if not bare:
                continue
            fields = bare.count(delimiter) + 1
            if not reason and fields == width + 1 and bare.endswith(delimiter):
                bare, fields = bare[: -len(delimiter)], width
            yield Record(line, bare, reason or _wrong_width(fields, width))
            continue
        taken = [text]
        feed = lines.from_here(taken, lookahead)
        try:
            fields_found = next(csv.reader(feed, delimiter=delimiter, skipinitialspace=True, strict=True))
        except csv.Error as error:
            escaped = _escaped(text, delimiter, width)
            if escaped is not None:
                lines.push_back(line + 1, taken[1:])
                yield Record(line, text.rstrip("\r\n"), _unfit(text), escaped)
                continue
            if "unexpected end" in str(error):  # an open quote must not swallow the rest of the file
                lookahead = max(lookahead // 2, 65_536)
                reason = "a quote that does not close"
            else:
                reason = "text beside a quoted field"
            lines.push_back(line + 1, taken[1:])
            yield Record(line, text.rstrip("\r\n"), reason)
            continue
        raw = "".join(taken).rstrip("\r\n")
        if len(fields_found) == width + 1 and not fields_found[-1]:
            fields_found.pop()
        yield Record(line, raw, _unfit(raw) or _wrong_width(len(fields_found), width), fields_found)


def _escaped(text: str, delimiter: str, width: int) -> list[str] | None:
    """The fields of a line whose quotes stand behind backslashes, as MySQL and Spark write them; None where that does not make it whole."""
    if '\\"' not in text:
        return None
    try:
        found = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True, doublequote=False, escapechar="\\"))
    except csv.Error:
        return None
    return found if len(found) == width else None


def _wrong_width(fields: int, width: int) -> str:
    return "" if fields == width else f"{fields} fields where the header has {width}"


def _unfit(text: str) -> str:
    size = len(text)
    if not text.isascii():
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            return "not valid UTF-8"
    return f"longer than {LONGEST_RECORD} bytes" if size >= LONGEST_RECORD else ""


class _Lines:
    """Numbered physical lines, which may be handed back. LF, CR LF and CR all end a line."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open(encoding="utf-8", errors="surrogateescape", newline="")
        self._pending: list[str] = []  # handed back, the next one last
        self._line = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while text := self._next():
            yield self._line, text

    def skip(self, lines: int) -> None:
        """Pass over the first lines."""
        for _ in range(lines):
            self._next()

    def _next(self) -> str:
        if self._pending:
            text = self._pending.pop()
        else:
            text = self._stream.readline(LONGEST_RECORD)
            if len(text) == LONGEST_RECORD and not text.endswith("\n"):
                while (more := self._stream.readline(LONGEST_RECORD)) and not more.endswith(("\n", "\r")):
                    pass
        self._line += bool(text)
        return text

    def from_here(self, taken: list[str], lookahead: int) -> Iterator[str]:
        """The line in `taken`, then further ones, which are put there too, until `lookahead` characters are taken."""
        yield taken[0]
        size = 0
        while size < lookahead and (text := self._next()):
            size += len(text)
            taken.append(text)
            yield text

    def push_back(self, line: int, texts: list[str]) -> None:
        """Hand back lines; the first of them is line `line`."""
        self._pending.extend(reversed(texts))
        self._line = line - 1

    def close(self) -> None:
        self._stream.close()


def write_good_records(records: Iterator[Record], delimiter: str, target: Path) -> Iterator[Record]:
    """Write the good records to `target` as DuckDB reads them without doubt, and yield the bad ones."""
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=delimiter or ",", quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in records:
            if record.reason:
                yield record
            elif record.fields is not None:
                writer.writerow(record.fields)
            else:
                out.write(record.raw.rstrip("\r\n") + "\n")
