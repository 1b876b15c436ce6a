"""Marks written in pictures: one form for all writings, groups by them, nothing fetched, and nothing read unless it is asked for."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFont
from test_pictures import BAD_BYTES, about_pictures, groups, write_log

from graphdet.errors import MissingExtra
from graphdet.events.picture_files import PictureRefused
from graphdet.events.picture_marks import LONGEST, mark_of, picture_mark
from graphdet.events.picture_prints import picture_print
from graphdet.events.pictures import is_print
from graphdet.events.table import Written
from graphdet.extras import EXTRAS
from graphdet.settings import LogSettings
from graphdet.signals.review_pictures import groups_of_pictures
from graphdet.simulate.photographs import as_jpeg, changed, draw_at_home

MARKED = LogSettings(image_texts=True)
NUMBER = "13812345678"


def written_on(picture: int, text: str) -> Image.Image:
    """A photograph with a line of text in it."""
    shown = draw_at_home(picture, picture).resize((640, 480))
    font = ImageFont.load_default(size=32)
    ImageDraw.Draw(shown).text((30, 60 + 40 * picture), text, fill="white", font=font, stroke_width=2, stroke_fill="black")
    return shown


@pytest.mark.parametrize(
    ("lines", "mark"),
    [
        (["TEL 138-1234 5678"], NUMBER),
        (["ＴＥＬ：１３８１２３４５６７８", "WeChat: fan_li8866"], NUMBER),
        (["nice", "WeChat ID: Fan_Li8866"], "fan_li8866"),
        (["加微信 fanli8866 领红包"], "fanli8866"),
        (["SHOP", "66 88"], "shop6688"),
        (["旗舰店正品保证"], "旗舰店正品保证"),
        (["2025-03-14 10:22:09"], ""),
        (["hi"], ""),
        (["x" * 500], "x" * LONGEST),
        ([], ""),
    ],
)
def test_a_mark_has_one_form_for_all_writings(lines: list[str], mark: str) -> None:
    assert mark_of(lines) == mark


def test_copies_that_show_one_mark_are_one_group_whatever_the_order_and_marks_that_few_show_do_not_part_copies() -> None:
    first, other, third = (picture_print(as_jpeg(draw_at_home(n, n))) for n in range(3))
    copy = picture_print(changed(draw_at_home(0, 0), "half", 1))
    rows = [(f"{first} {NUMBER}", 0), (f"{first} {NUMBER}", 1), (f"{copy} misread", 2), (copy, 3), (f"{other} {NUMBER}", 4), (third, 5)]
    for order in itertools.islice(itertools.permutations(rows), 0, None, 97):
        values = sorted({one for one, _ in order})
        written = Written(pa.array(values, pa.large_string()), np.array([values.index(one) for one, _ in order], np.int32))
        named = groups_of_pictures(written, np.array([user for _, user in order], np.int32)).to_pylist()
        name_of = dict(zip([user for _, user in order], named, strict=True))
        assert {name_of[user] for user in range(5)} == {f"picture with {NUMBER}"}
        assert name_of[5].startswith("picture #")


def test_what_a_kept_log_says_of_a_picture_is_a_print_with_or_without_a_mark() -> None:
    own = picture_print(as_jpeg(draw_at_home(1, 1)))
    assert is_print(own)
    assert is_print(f"{own} {NUMBER}")
    for bad in (f"{own}{NUMBER}", f"{own} {'x' * (LONGEST + 1)}", f"{own} a\x1b[31m", own[:-1], f"{own[:-1]}z {NUMBER}"):
        assert not is_print(bad)


def test_pictures_with_one_number_are_one_where_it_is_asked_for_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something is fetched"))
    for name, picture in (
        ("a.jpg", written_on(1, "TEL 138 1234 5678")),
        ("b.jpg", written_on(2, "VX 13812345678")),
        ("c.jpg", draw_at_home(9, 9)),
    ):
        (tmp_path / name).write_bytes(as_jpeg(picture))
    bad = [data for every in BAD_BYTES.values() for data in every]
    for number, data in enumerate(bad):
        (tmp_path / f"bad{number}.jpg").write_bytes(data)
    log = write_log(tmp_path, ["a.jpg", "b.jpg", "c.jpg", *(f"bad{number}.jpg" for number in range(len(bad)))])
    plain, marked = groups(log), groups(log, MARKED)
    assert marked[:2] == [f"picture with {NUMBER}"] * 2
    assert marked[2:] == plain[2:]
    assert len(set(plain[:3])) == 3
    assert about_pictures(log, MARKED) == about_pictures(log)
    for data in bad:
        try:
            assert picture_mark(data) == ""
        except PictureRefused:
            continue


def test_who_asks_for_it_without_its_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(as_jpeg(draw_at_home(1, 1)))
    monkeypatch.setitem(EXTRAS, "ocr", ("no_such_reader",))
    with pytest.raises(MissingExtra, match=r"pip install 'graphdet\[ocr\]'"):
        groups(write_log(tmp_path, ["a.jpg"]), MARKED)
    assert groups(write_log(tmp_path, ["a.jpg"]))[0] is not None
