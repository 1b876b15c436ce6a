"""Numbers of things and of moments → pictures drawn by code, as reviews show them; and what becomes of one that is handed on.

A thing looks like itself in each picture of it: at home on a table among other things, in another light and from elsewhere each time, or as
the shop shows it, in the middle of plain white. No picture shows anybody.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageDraw import ImageDraw

Change = Literal["same", "jpeg", "half", "watermark", "brightness", "mirror", "crop"]
CHANGES: tuple[Change, ...] = ("same", "jpeg", "half", "watermark", "brightness", "mirror", "crop")
WIDE, HIGH = 320, 240
_PARTS = (3, 6)  # fewest and most parts of a thing
_QUALITY = 82


def draw_at_home(thing: int, moment: int) -> Image.Image:
    """A thing as one of its buyers shows it: the same moment gives the same picture."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([2, thing, moment])
    picture = Image.fromarray(_surface(rng))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, int(HIGH * rng.uniform(0.3, 0.7)), WIDE, HIGH), fill=_colour(rng))
    picture = Image.blend(picture, Image.fromarray(_surface(rng)), 0.35)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(1, 6))):  # what stands about
        _draw_parts(draw, rng, rng.uniform(0, WIDE), rng.uniform(0, HIGH), rng.uniform(15, 45), 0.0, 1)
    turn, size = rng.uniform(-0.9, 0.9), rng.uniform(45, 85)
    where = rng.uniform(0.3, 0.7) * WIDE, rng.uniform(0.35, 0.65) * HIGH
    _draw_parts(draw, np.random.default_rng([1, thing]), *where, size, turn)
    light = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1), WIDE)[None, :, None]
    lit = np.asarray(picture) * light + rng.normal(0, 3, (HIGH, WIDE, 1))
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def draw_for_shop(thing: int) -> Image.Image:
    """A thing as its shop shows it, in the middle of plain white."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDE, HIGH), "white")
    _draw_parts(ImageDraw.Draw(picture), np.random.default_rng([1, thing]), WIDE / 2, HIGH / 2, 85, 0.0)
    return picture


def changed(picture: Image.Image, change: Change, seed: int) -> bytes:
    """A picture as somebody hands it on, in JPEG: as it is, or worse, smaller, marked, lighter or darker, mirrored, or cut at its edges."""
    from PIL import Image, ImageDraw, ImageEnhance, ImageOps

    rng = np.random.default_rng([3, seed])
    quality = _QUALITY
    if change == "jpeg":
        quality = int(rng.integers(25, 60))
    elif change == "half":
        picture = picture.resize((picture.width // 2, picture.height // 2))
    elif change == "watermark":
        high, at = int(picture.height * rng.uniform(0.08, 0.14)), rng.uniform(0.0, 0.86)
        top = int(at * picture.height)
        marked = picture.copy()
        ImageDraw.Draw(marked).rectangle((0, top, int(picture.width * 0.6), top + high), fill=_colour(rng))
        ImageDraw.Draw(marked).text((6, top + 3), "SHOP 6688", fill="white")
        picture = Image.blend(picture, marked, 0.7)
    elif change == "brightness":
        picture = ImageEnhance.Brightness(picture).enhance(rng.choice([0.7, 0.8, 1.2, 1.3]))
    elif change == "mirror":
        picture = ImageOps.mirror(picture)
    elif change == "crop":
        shares = rng.uniform(0.0, 0.05, 4).tolist()
        left, top, right, bottom = (int(share * side) for share, side in zip(shares, (picture.width, picture.height) * 2, strict=True))
        picture = picture.crop((left, top, picture.width - right, picture.height - bottom))
    return as_jpeg(picture, quality)


def as_jpeg(picture: Image.Image, quality: int = _QUALITY) -> bytes:
    """Its bytes."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _surface(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A wall or a cloth: colours that go over into one another, with a pattern."""
    from PIL import Image

    rough = rng.integers(40, 230, (int(rng.integers(2, 5)), int(rng.integers(2, 6)), 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(rough).resize((WIDE, HIGH), Image.Resampling.BICUBIC)).astype(float)
    x, y = np.meshgrid(np.arange(WIDE), np.arange(HIGH))
    stripes = np.sin(x * rng.uniform(0, 0.4) + y * rng.uniform(0, 0.4) + rng.uniform(0, 6)) * rng.uniform(0, 18)
    return (smooth + stripes[:, :, None]).clip(0, 255).astype(np.uint8)


def _draw_parts(draw: ImageDraw, rng: np.random.Generator, x: float, y: float, size: float, turn: float, parts: int = 0) -> None:
    """A thing's parts, the largest first."""
    count = parts or int(rng.integers(*_PARTS))
    for number in range(count):
        away, angle = (0.0 if not number else rng.uniform(0.1, 0.9)) * size, rng.uniform(0, 2 * np.pi) + turn
        own = size * rng.uniform(0.5, 1.0) * 0.75**number
        middle_x, middle_y = x + away * np.cos(angle), y + away * np.sin(angle)
        corners, flat, start = int(rng.integers(3, 9)), rng.uniform(0.4, 1.0), rng.uniform(0, 2 * np.pi)
        around = np.linspace(0, 2 * np.pi, 40 if corners > 6 else corners, endpoint=False) + start
        left, up = own * np.cos(around), own * flat * np.sin(around)
        points = np.stack([middle_x + left * np.cos(turn) - up * np.sin(turn), middle_y + left * np.sin(turn) + up * np.cos(turn)], axis=1)
        draw.polygon([tuple(point) for point in points.tolist()], fill=_colour(rng), outline=_colour(rng))


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(20, 235, 3).tolist()
    return red, green, blue
