"""The first bytes of a file → what it is, for those that are not read: told by name, never shown as bytes."""

from __future__ import annotations

_UNPACK = "unpack it and name what is in it"
_EXPORT = "export it as CSV or Parquet"
_MAGIC = (
    (b"%PDF", "a PDF document", _EXPORT),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"\x1f\x9d", "a file of compress (.Z)", _UNPACK),
    (b"\x04\x22\x4d\x18", "an LZ4 file", _UNPACK),
    (b"\xff\x06\x00\x00sNaPpY", "a Snappy file", _UNPACK),
    (b"\xd0\xcf\x11\xe0", "an old Office document (such as .xls)", "save it as .xlsx or CSV"),
    (b"Obj\x01", "an Avro file", "write it as Parquet or JSON lines"),
    (b"ORC", "an ORC file", "write it as Parquet"),
    (b"ARROW1", "an Arrow or Feather file", "write it as Parquet"),
    (b"FEA1", "a Feather file", "write it as Parquet"),
    (b"\x89HDF", "an HDF5 file", "write it as Parquet"),
    (b"\x93NUMPY", "a NumPy array", "write it as Parquet"),
    (b"\x80\x04\x95", "a Python pickle", "write it as Parquet"),
    (b"\x80\x05\x95", "a Python pickle", "write it as Parquet"),
    (b"RDX", "an R data file", "write it as CSV or Parquet"),
    (b"\x7fELF", "a program", "name a log"),
    (b"MZ", "a program", "name a log"),
    (b"\x89PNG", "a picture", "name a log"),
    (b"\xff\xd8\xff", "a picture", "name a log"),
    (b"GIF8", "a picture", "name a log"),
    (b"PGDMP", "a PostgreSQL dump", "restore it, and export the table with \\copy … csv header"),
    (b"{\\rtf", "a rich-text document", "save it as plain text"),
)
_LIKE_TEXT = ((b"<!doctype html", "a web page"), (b"<html", "a web page"), (b"<?xml", "an XML document"))
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x1b\x00\x1c\x1d\x1e\x1f\x08\x01")


def foreign_kind(head: bytes) -> tuple[str, str] | None:
    """(what it is, what to do) of a file that no reader reads, by its first bytes; None where it may be a log."""
    for magic, kind, advice in _MAGIC:
        if head.startswith(magic):
            return kind, advice
    plain = head[:200].lstrip().lower()
    for start, kind in _LIKE_TEXT:
        if plain.startswith(start):
            return kind, _EXPORT
    if head[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if _is_header(head[:4096].partition(b"\n")[0]):
        return None  # below a header in plain letters cells may hold what they like
    return ("a binary file of no known kind", _EXPORT) if _controls(head[:4096]) > 0.05 * min(len(head), 4096) else None


def _controls(content: bytes) -> int:
    return sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in content)


def _is_header(line: bytes) -> bool:
    try:
        return bool(line.decode().strip()) and not _controls(line)
    except UnicodeDecodeError:
        return False
