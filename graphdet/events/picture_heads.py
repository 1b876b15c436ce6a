"""A picture's first bytes → its kind and how many pixels it says it has, before any decoder sees it.

Few bytes may stand for billions of pixels, and a file's name says nothing about what is in it.
"""

from __future__ import annotations

import struct

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's markers of a frame's size
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # and those that nothing follows


def kind_and_pixels(data: bytes) -> tuple[str, int] | None:
    """Such as ("PNG", 307200), with kinds as Pillow calls them; None where it is no picture of the five kinds, or cut before it says."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _told("PNG", *struct.unpack_from(">II", data, 16))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return _told("GIF", *struct.unpack_from("<HH", data, 6))
        if data.startswith(b"BM"):
            return _told("BMP", *_bmp(data))
        if data.startswith(b"\xff\xd8\xff"):
            return _told("JPEG", *_jpeg(data))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _told("WEBP", *_webp(data))
    except (struct.error, IndexError, ValueError):
        pass
    return None


def _told(kind: str, wide: int, high: int) -> tuple[str, int]:
    if wide <= 0 or high <= 0:
        raise ValueError("a picture without pixels")
    return kind, wide * high


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the oldest header
        wide, high = struct.unpack_from("<HH", data, 18)
    else:
        wide, high = struct.unpack_from("<ii", data, 18)
    return wide, abs(high)  # from above, where it is less than nothing


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            high, wide = struct.unpack_from(">HH", data, at + 5)
            return wide, high
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    wide, high = struct.unpack_from("<HH", data, 26)
    return wide & 0x3FFF, high & 0x3FFF
