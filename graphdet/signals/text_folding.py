"""Texts as people write them → the letters that are left when case, width, accents, digits, marks and emoji are taken away; and shingles.

Shingles are what two texts are compared by: two characters where a script has no spaces between words (Chinese, Japanese, Korean), four
elsewhere. A word exchanged in a sentence changes a few of them, another sentence nearly all.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.arrays import Bool, Int64
from graphdet.events.coding import text_buffers

Points = npt.NDArray[np.uint32]  # code points
Hashes = npt.NDArray[np.uint64]

GAP, NOTHING = 0, 1  # what a character is that is no letter
DIGIT, SPACE = ord("0"), ord(" ")
UNSEEN = ("Mn", "Cf", "Cs")
LONG = 4  # characters of a shingle, where words have spaces between them
_CHUNK = 4 << 20  # bytes of text that are folded at once
_PLANE = 0x10000
_STYLED = range(0x1D400, 0x1D800)  # letters in the styles of mathematics, which look like plain ones
_FAR_LETTERS = (0x20000, 0x323B0)  # rare Chinese characters
# Scripts without spaces between words: kana, Chinese, Hangul, and compatibility forms of these.
_DENSE = ((0x3040, 0x3100), (0x3400, 0xA000), (0xAC00, 0xD7B0), (0xF900, 0xFB00), (0x20000, 0x323B0))


def fold(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """(n,) what is left of each text: letters, one 0 for each run of digits, and single spaces between words that need them."""
    parts = [_folded(*_points(chunk)) for chunk in _chunks(texts)]
    return pa.concat_arrays(parts) if parts else texts


def shingles(folded: pa.LargeStringArray) -> tuple[Hashes, Int64]:
    """Hashes of all shingles of all texts, one text after the other, and the bounds (n + 1,) between these."""
    points, bounds = _points(folded)
    size = np.diff(bounds)
    of_text = np.repeat(np.arange(len(size)), size)
    left = np.repeat(bounds[1:], size) - np.arange(len(points))  # characters from here to the text's end
    dense = is_dense(points)
    width = np.where(dense, 2, LONG)
    kept = (left >= width) | (
        left == np.repeat(size, size)
    )  # the last ones are in those before; a text too short for its first is that one
    padded = np.append(points, np.zeros(LONG, np.uint32)).astype(np.uint64)
    at = np.flatnonzero(kept)
    width, left = np.minimum(width[at], left[at]), left[at]
    parts = [np.where(width > step, padded[at + step], np.uint64(0)) for step in range(LONG)]
    found = mixed((parts[0] | parts[1] << np.uint64(21) | parts[2] << np.uint64(42)) ^ mixed(parts[3]))
    return found, np.append(0, np.cumsum(np.bincount(of_text[at], minlength=len(size))))


def mixed(values: Hashes) -> Hashes:
    """Each number to one that looks random (splitmix64)."""
    with np.errstate(over="ignore"):
        values = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(values ^ (values >> np.uint64(31)))


def is_dense(points: Points) -> Bool:
    """Which characters are of scripts that leave no spaces between words."""
    return np.asarray(np.any([(points >= low) & (points < high) for low, high in _DENSE], axis=0))


def _chunks(texts: pa.LargeStringArray) -> Iterator[pa.LargeStringArray]:
    bounds, _ = text_buffers(texts)
    start = 0
    while start < len(texts):
        stop = max(int(np.searchsorted(bounds, bounds[start] + _CHUNK)), start + 1)
        yield texts.slice(start, stop - start)
        start = stop


def _points(texts: pa.LargeStringArray) -> tuple[Points, Int64]:
    """The code points of some texts, one after the other, and the bounds (n + 1,) between texts."""
    bounds, content = text_buffers(texts)
    own = content[bounds[0] : bounds[-1]] if len(texts) else content[:0]
    points = np.frombuffer(own.tobytes().decode("utf-8").encode("utf-32-le"), np.uint32)
    begun = np.append(0, np.cumsum((own & 0xC0) != 0x80))
    return points, begun[bounds - bounds[0]]


def _folded(points: Points, bounds: Int64) -> pa.LargeStringArray:
    letter = _letters(points)
    kept = np.flatnonzero(letter > NOTHING)
    text = np.searchsorted(bounds, kept, side="right") - 1
    own = letter[kept]
    inside = np.append(False, text[1:] == text[:-1])[: len(kept)]  # behind another letter of the same text
    rest = inside & (own == DIGIT) & np.append(False, own[:-1] == DIGIT)[: len(kept)]
    gaps = np.append(0, np.cumsum(letter == GAP))[kept]
    kept, text, own, gaps, inside = (values[~rest] for values in (kept, text, own, gaps, inside))
    apart = np.append(False, gaps[1:] > gaps[:-1])[: len(kept)]
    dense = is_dense(own)
    spaced = inside & apart & ~dense & ~np.append(False, dense[:-1])[: len(kept)]
    written = np.full(len(kept) + int(spaced.sum()), SPACE, np.uint32)
    written[np.arange(len(kept)) + np.cumsum(spaced)] = own
    texts = len(bounds) - 1
    characters = np.bincount(text, weights=1 + spaced, minlength=texts).astype(np.int64)
    width = 1 + (written >= 0x80).astype(np.int64) + (written >= 0x800) + (written >= _PLANE)
    starts = np.append(0, np.cumsum(width))[np.append(0, np.cumsum(characters))]
    content = written.astype("<u4").tobytes().decode("utf-32-le").encode("utf-8")
    return pa.LargeStringArray.from_buffers(texts, pa.py_buffer(starts), pa.py_buffer(content))


def _letters(points: Points) -> Points:
    """Each character's letter, `DIGIT` for a digit, `GAP` for what parts words, `NOTHING` for what does not."""
    within = np.minimum(points, _PLANE - 1)
    used = np.flatnonzero(np.bincount(within))
    table = np.zeros(_PLANE, np.uint32)
    table[used] = [_letter(point) for point in used.tolist()]
    near = table[within]
    if not (points >= _PLANE).any():
        return near
    far = np.where((points >= _FAR_LETTERS[0]) & (points < _FAR_LETTERS[1]), points, np.uint32(GAP))
    styled = (points >= _STYLED.start) & (points < _STYLED.stop)
    plain = _styled()[np.where(styled, points - np.uint32(_STYLED.start), 0)]
    return np.where(points < _PLANE, near, np.where(styled, plain, far)).astype(np.uint32)


@functools.cache
def _styled() -> Points:
    return np.array([_letter(point) for point in _STYLED], np.uint32)


@functools.cache
def _letter(point: int) -> int:
    """One character without case, width and accent. Accents on their own, and what nobody sees, part no words."""
    character = chr(point)
    if unicodedata.category(character) in UNSEEN:
        return NOTHING
    plain = unicodedata.normalize("NFKC", character).casefold()
    parts = unicodedata.normalize("NFKD", plain)
    if len(parts) > 1 and all(unicodedata.category(part) == "Mn" for part in parts[1:]):
        plain = parts[0]
    kind = unicodedata.category(plain[0]) if plain else "Cn"
    return DIGIT if kind == "Nd" else ord(plain[0]) if kind[0] in "LM" else GAP
