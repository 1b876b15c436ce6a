"""Bytes that are no UTF-8 → the encoding that they are most likely in.

East Asian encodings are told by what their text is made of (kana, Hangul, common characters): a wrong one gives rare characters. Others are
left to charset-normalizer, and Windows-1252 is what remains.
"""

from __future__ import annotations

import codecs
import re

from graphdet.errors import SettingsError

_EIGHT_BIT = ["cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1252"]
SAMPLE = 1 << 16


def check_encoding(name: str) -> None:
    """Raises:
    SettingsError: Python knows no such encoding.
    """
    try:
        codecs.lookup(name or "utf-8")
    except LookupError:
        raise SettingsError(
            f'log.encoding = {name!r}: no such encoding; write one such as "gb18030", "big5", "shift_jis" or "cp1251".'
        ) from None


def foreign_lines(block: bytes) -> bytes:
    """The lines of a block that hold more than ASCII, as far as a sample needs."""
    found, size = [], 0
    for line in block.splitlines(keepends=True):
        if not line.isascii():
            found.append(line)
            size += len(line)
            if size > SAMPLE:
                break
    return b"".join(found)


def guess_encoding(sample: bytes) -> str:
    """'utf-8' where damaged UTF-8 is likelier than another encoding; else a name that Python knows, 'western' for Windows-1252."""
    lines = [line.decode("utf-8", "replace") for line in sample.splitlines()]
    bad = sum("\ufffd" in line for line in lines)
    if lines and len(lines) - bad >= bad:
        return "utf-8"
    for encoding, fits in (("shift_jis", _kana), ("euc_jp", _kana), ("euc_kr", _hangul), ("gb18030", _common_gb), ("big5", _common_big5)):
        decoded = _decoded(sample, encoding)
        if decoded and fits(decoded):
            return encoding
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_EIGHT_BIT).best()
    found = best.encoding if best else "cp1252"
    words = re.search(r"[^\W\d_\x00-\x7f]{3,}", sample.decode(found, "replace"))  # whole words of another script
    return found if words and found not in ("cp1252", "cp1250") else "western"


def _decoded(sample: bytes, encoding: str) -> str:
    """What is not ASCII of a sample, in an encoding that can read all of it; else ''."""
    text = "".join(character for character in sample.decode(encoding, "replace") if character > "\x7f")
    return text if text.count("\ufffd") <= 0.01 * len(text) else ""  # a sample may begin or end inside a character


def _kana(text: str) -> bool:
    return sum("\u3040" <= character <= "\u30ff" for character in text) >= 0.2 * len(text)


def _hangul(text: str) -> bool:
    return sum("\uac00" <= character <= "\ud7a3" for character in text) >= 0.9 * len(text)


def _common_gb(text: str) -> bool:
    return _share_below(text, "gb2312", 0xD8) >= 0.9


def _common_big5(text: str) -> bool:
    return _share_below(text, "big5", 0xC7) >= 0.9


def _share_below(text: str, encoding: str, first: int) -> float:
    """The share of characters among an encoding's common ones, which stand first in it."""
    common = 0
    for character in text:
        raw = character.encode(encoding, "ignore")
        common += bool(raw) and raw[0] < first
    return common / len(text)
