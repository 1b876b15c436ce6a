"""A picture's bytes → its print: what it looks like in a few bits, of which those of a changed copy are nearly all the same.

The signs of its low spatial frequencies (a perceptual hash, as by a cosine transform; Zauner 2010) in whole numbers, so that every machine
says the same: of all of it and of its middle, both as they are and mirrored, and of what is left of it when more is cut off its edges, so
that what somebody cut out of it is found by the part that it is.
"""

from __future__ import annotations

import base64
import io
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from graphdet.arrays import Float64, Int64, UInt8
from graphdet.events.picture_files import PictureRefused
from graphdet.events.picture_heads import kind_and_pixels
from graphdet.shortage import ran_out

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, WAVES = 64, 16  # pixels of the small picture, and of its frequencies those that are kept, in each direction
BITS = WAVES * WAVES
VIEWS = 2  # all of it and its middle
CUT = 0.025  # of each edge, for the middle
MOST_PIXELS = 50_000_000
MANY_PIXELS = 8_000_000  # from which on pictures are decoded one at a time
FINE = 96  # pixels of the small picture whose parts are looked at, in each direction
CUTS = tuple((first, last) for first in (0, 7, 14) for last in (0, 7, 14))  # of these pixels, what a part lacks at either end
PARTS = len(CUTS) ** 2 - 1  # all but the whole
PREFIX = "print:"
LETTERS = len(PREFIX) + 2 * VIEWS * BITS // 4  # without its parts, which follow a full stop

OTHER_KIND = "no JPEG, PNG, WebP, GIF or BMP by the bytes"
BROKEN = "broken or cut short"
HUGE = f"of more than {MOST_PIXELS // 1_000_000} million pixels"
BLANK = "of one colour alone"

_LEAST_SPREAD = 12  # between the darkest and the lightest of the small picture's pixels
_STEPS = (np.arange(SIDE) + 0.5) * np.pi / SIDE
_COSINES: Int64 = np.rint(np.cos(np.outer(np.arange(WAVES), _STEPS)) * 16384).astype(np.int64)


def _cosines_of(first: int, last: int) -> Float64:
    """(WAVES, FINE) of what lies between two edges; whole numbers, as floats, whose sums stay below 2^53 and so are exact in any order."""
    left = FINE - first - last
    waves = np.zeros((WAVES, FINE))
    waves[:, first : FINE - last] = np.rint(np.cos(np.outer(np.arange(WAVES), (np.arange(left) + 0.5) * np.pi / left)) * 16384)
    return waves


_COSINES_OF_PARTS: Float64 = np.stack([_cosines_of(*cut) for cut in CUTS])
_ACROSS: Float64 = np.ascontiguousarray(_COSINES_OF_PARTS.reshape(-1, FINE).T)
_TURNED = np.where(np.arange(WAVES) % 2, -1, 1)  # what becomes of each frequency across in a mirror
_one_large = threading.Lock()


def picture_print(data: bytes) -> str:
    """A print as text; of what moves, of its first frame.

    Raises:
        PictureRefused: it is no picture that is read, or one that says nothing.
    """
    *views, fine = _views(data)
    return f"{PREFIX}{b''.join(_bits(view) for view in views).hex()}.{base64.b64encode(_bits_of_parts(fine)).decode()}"


def small_picture(data: bytes) -> UInt8:
    """(SIDE, SIDE) in grey, as its print is taken from.

    Raises:
        PictureRefused: as for `picture_print`.
    """
    return _views(data)[0].astype(np.uint8)


def _views(data: bytes) -> list[Int64]:
    """The picture and its middle, small, and the picture less small, once it is sure that it is one and says something."""
    kind, pixels = checked_kind(data)
    try:
        with _one_large if pixels > MANY_PIXELS else nullcontext():
            views = _small(data, kind)
    except PictureRefused:
        raise
    except Exception as error:  # decoders fail in all ways
        if ran_out(error):
            raise
        raise PictureRefused(BROKEN) from None
    if int(views[0].max()) - int(views[0].min()) < _LEAST_SPREAD:
        raise PictureRefused(BLANK)
    return views


def checked_kind(data: bytes) -> tuple[str, int]:
    """A picture's kind, as Pillow calls it, and its pixels, by its first bytes, before anything is decoded.

    Raises:
        PictureRefused: it is no picture that is read, or too large.
    """
    told = kind_and_pixels(data)
    if told is None:
        raise PictureRefused(OTHER_KIND)
    if told[1] > MOST_PIXELS:
        raise PictureRefused(HUGE)
    return told


def _small(data: bytes, kind: str) -> list[Int64]:
    """The picture and its middle in grey, small, and the picture less small, all turned as its camera says."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureRefused(HUGE)
        turn = picture.getexif().get(0x0112, 1)
        picture.draft("L", (4 * SIDE, 4 * SIDE))
        grey = _grey(picture)
    views = []
    for cut, side in ((0.0, SIDE), (CUT, SIDE), (0.0, FINE)):
        box = (cut * grey.width, cut * grey.height, (1 - cut) * grey.width, (1 - cut) * grey.height)
        small = grey.resize((side, side), Image.Resampling.BOX, box)
        views.append(_turned(np.asarray(small, np.int64), turn))
    return views


def _grey(picture: Image) -> Image:
    """In grey; what lets through what is behind it lies on white."""
    from PIL import Image as Images

    if picture.mode.startswith("I;16"):
        return Images.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        return Images.alpha_composite(Images.new("RGBA", clear.size, "white"), clear).convert("L")
    return picture.convert("L")


def _turned(view: Int64, turn: object) -> Int64:
    """As the camera that took it was held: Exif's orientation."""
    ways = {
        2: view[:, ::-1],
        3: view[::-1, ::-1],
        4: view[::-1],
        5: view.T,
        6: np.rot90(view, -1),
        7: view[::-1, ::-1].T,
        8: np.rot90(view),
    }
    return ways.get(turn, view) if isinstance(turn, int) else view


def _bits(view: Int64) -> bytes:
    """Of a view and of its mirror image. Frequencies that are hardly there, as of what looks the same in a mirror, count as not there."""
    waves = _COSINES @ view @ _COSINES.T
    waves[0, 0] = 0  # how light it is
    strength = np.sort(np.abs(waves), axis=None)
    least = strength[BITS // 2] * 3 // 20
    return b"".join(np.packbits(one > least).tobytes() for one in (waves, waves * _TURNED))


def _bits_of_parts(fine: Int64) -> bytes:
    """Of each part of a picture but the whole, as it is; as for a view."""
    # In products so small that no library parts them among threads of its own: there is one thread a picture as it is.
    waves = (_COSINES_OF_PARTS @ fine.astype(np.float64) @ _ACROSS).reshape(len(CUTS), WAVES, len(CUTS), WAVES)
    parts = waves.transpose(0, 2, 1, 3).reshape(-1, BITS)[1:]
    parts[:, 0] = 0
    strength = np.partition(np.abs(parts), BITS // 2, axis=1)[:, BITS // 2].astype(np.int64)
    return np.packbits(parts > (strength * 3 // 20)[:, None], axis=1).tobytes()
