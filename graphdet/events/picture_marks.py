"""A picture's bytes → the mark that is written in it, as crews put one: a phone or chat number, or else its words; "" where there is none.

Read by an OCR whose weights come with its package (the extra `ocr`), so nothing is fetched. One picture after the other and each on one
thread: a machine reads the same in a picture every time. Dates and clocks that a camera writes are no numbers.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from graphdet.events.picture_files import PictureRefused
from graphdet.events.picture_prints import HUGE, MOST_PIXELS, checked_kind
from graphdet.shortage import ran_out

SIDE = 640  # pixels of the longer side that is read; more costs more than it finds
SURE = 0.9  # of what the reader gives for sure, below which a line is left out
LONGEST = 48  # characters of a mark
FEWEST_WORDS = 6  # letters and digits that words must have

_DATE = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}:\d{2}(:\d{2})?")
_APART = re.compile(r"(?<=\d)[\s.()_-]+(?=\d)")
_NUMBER = re.compile(r"\d{7,15}")
_CHAT = re.compile(
    r"(?:wechat|weixin|whatsapp|telegram|vx|wx|qq|line|微信|薇信|v信|微|扣扣)\W*(?:id|号)?\W*([a-z0-9][a-z0-9_-]{4,19})(?![a-z0-9_-])"
)
_one_at_a_time = threading.Lock()


def picture_mark(data: bytes) -> str:
    """Of what moves, of its first frame.

    Raises:
        PictureRefused: it is no picture that is read.
    """
    kind, _ = checked_kind(data)
    try:
        with _one_at_a_time:
            told = _reader()(_pixels(data, kind), use_cls=False)
        return mark_of(line for line, sure in zip(told.txts or (), told.scores or (), strict=True) if sure >= SURE)
    except Exception as error:  # decoders and readers fail in all ways
        if ran_out(error):
            raise
        return ""


def mark_of(lines: Iterable[str]) -> str:
    """Of the lines that a picture shows: the first number, or else the first chat's name, or else all words; one form for all writings."""
    folded = [_DATE.sub(" ", unicodedata.normalize("NFKC", line).casefold()) for line in lines]
    numbers = [found[0] for line in folded if (found := _NUMBER.search(_APART.sub("", line)))]
    chats = [found[1] for line in folded if (found := _CHAT.search(line))]
    if numbers or chats:
        return (numbers or chats)[0]
    words = "".join(character for line in folded for character in line if character.isalnum())[:LONGEST]
    return words if len(words) >= FEWEST_WORDS else ""


def _pixels(data: bytes, kind: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """In colour, as its camera was held; small."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureRefused(HUGE)
        picture.draft("RGB", (SIDE, SIDE))
        small = ImageOps.exif_transpose(picture).convert("RGB")
        small.thumbnail((SIDE, SIDE))
        return np.asarray(small)[:, :, ::-1].copy()  # as the reader has colours


@cache
def _reader() -> Any:
    """The reader, with the weights of its own package alone."""
    from rapidocr import RapidOCR

    place = find_spec("rapidocr")
    assert place is not None
    assert place.origin is not None
    weights = Path(place.origin).parent / "models"
    finds, reads = (next(iter(sorted(weights.glob(f"*_{job}_*.onnx")))) for job in ("det", "rec"))
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": SIDE,
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE,
            "Det.model_path": str(finds),
            "Rec.model_path": str(reads),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
