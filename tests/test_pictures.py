"""Pictures: what is hostile is missing and counted, copies are found against all pairs, and what they mean for rings."""

from __future__ import annotations

import base64
import io
import itertools
import os
import random
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from planted_logs import Block, planted_log

from graphdet.dossier.building import build_dossier
from graphdet.events import EventTable, read_events
from graphdet.events.picture_files import MOST_BYTES, PictureRefused
from graphdet.events.picture_heads import kind_and_pixels
from graphdet.events.picture_prints import BITS, PARTS, PREFIX, VIEWS, picture_print
from graphdet.events.pictures import is_print
from graphdet.events.table import Written
from graphdet.pipeline import detect
from graphdet.progress import Progress
from graphdet.replay.recorded import Recorded
from graphdet.rings.null_search import search_null
from graphdet.settings import GnnSettings, LogSettings, RingSettings, Settings, load_settings
from graphdet.signals import measure_log, with_meeting_places
from graphdet.signals.near_pictures import APART, PART_APART, as_words, near_pictures
from graphdet.signals.review_pictures import groups_of_pictures
from graphdet.simulate.photographs import CHANGES, as_jpeg, changed, draw_at_home, draw_for_shop

QUICK = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))
HEAD = "user_id,item_id,timestamp,image"
HOME = draw_at_home(1, 1)


def encoded(kind: str, picture: Image.Image = HOME, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def write_log(folder: Path, images: list[str], name: str = "log.csv") -> Path:
    rows = [f'u{n},i{n % 3},2025-03-0{1 + n % 9} 10:00:00,"{image}"' for n, image in enumerate(images)]
    (folder / name).write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    return folder / name


def groups(path: Path, log: LogSettings | None = None) -> list[str | None]:
    """Of users u0, u1, … the name of their picture's group."""
    events = with_meeting_places(read_events([path], log or LogSettings()))
    if "image_group" not in events.ids:
        return [None] * len(events)
    names = events.ids["image_group"].to_pylist()
    users = events.ids["user"].to_pylist()
    codes = zip(events.codes["user"].tolist(), events.codes["image_group"].tolist(), strict=True)
    found = {users[user]: names[group] if group >= 0 else None for user, group in codes}
    return [found[f"u{n}"] for n in range(len(found))]


def about_pictures(path: Path, log: LogSettings | None = None) -> str:
    told = [note for note in read_events([path], log or LogSettings()).report.notes if note.startswith("image:")]
    assert len(told) <= 1
    return told[0] if told else ""


def png_of(wide: int, high: int) -> bytes:
    """A file of a few bytes that says it has so many pixels."""
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    chunks = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def gif_of(wide: int, high: int) -> bytes:
    data = bytearray(encoded("GIF"))
    data[6:10] = struct.pack("<HH", wide, high)
    return bytes(data)


def webp_of(wide: int, high: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (wide - 1).to_bytes(3, "little") + (high - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_of(wide: int, high: int) -> bytes:
    data = encoded("JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", high, wide) + data[at + 4 :]


def bmp_of(wide: int, high: int) -> bytes:
    return encoded("BMP")[:18] + struct.pack("<ii", wide, -high) + encoded("BMP")[26:]


BOMBS = {"PNG": png_of, "GIF": gif_of, "WEBP": webp_of, "JPEG": jpeg_of, "BMP": bmp_of}
BAD_BYTES = {
    "broken or cut short": [encoded("JPEG")[:3000], encoded("PNG")[:2000], png_of(50, 50), encoded("WEBP")[:900], encoded("GIF")[:700]],
    "no JPEG, PNG, WebP, GIF or BMP by the bytes": [
        *(b"plain text", b"", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", b"\xff\xd8\xff"),
        *(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", encoded("TIFF"), encoded("ICO"), encoded("PPM"), b"GIF89a", b"BM"),
    ],
    "of more than 50 million pixels": [make(16_000, 16_000) for make in BOMBS.values()],
    "of one colour alone": [encoded("PNG", Image.new("RGB", (200, 100), "white"))],
}


@pytest.mark.parametrize("kind", BOMBS)
def test_how_large_a_picture_says_to_be_is_known_before_it_is_decoded(kind: str) -> None:
    assert kind_and_pixels(encoded(kind)) == (kind, HOME.width * HOME.height)
    assert kind_and_pixels(BOMBS[kind](16_000, 15_000)) == (kind, 16_000 * 15_000)


@pytest.mark.parametrize("reason", BAD_BYTES)
def test_bad_bytes_are_refused_with_a_reason(reason: str) -> None:
    for data in BAD_BYTES[reason]:
        with pytest.raises(PictureRefused) as refused:
            picture_print(data)
        assert str(refused.value) == reason, data[:40]


@given(st.sampled_from([encoded(kind) for kind in BOMBS]), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_are_a_picture_or_refused(data: bytes, draw: random.Random) -> None:
    spoilt = bytearray(data[: draw.randrange(20, len(data) + 1)])
    for _ in range(draw.randrange(12)):
        spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
    told = ""
    try:
        told = picture_print(bytes(spoilt))
    except PictureRefused as refused:
        reason = str(refused)
    assert len(told) == len(PREFIX) + VIEWS * BITS // 2 + 1 + -(-PARTS * BITS // 24) * 4 if told else reason in BAD_BYTES


def test_what_is_no_plain_picture_inside_the_folder_is_missing_counted_and_the_row_is_kept(tmp_path: Path) -> None:
    folder, outside = tmp_path / "shop", tmp_path / "outside"
    for made in (folder / "pictures", outside):
        made.mkdir(parents=True)
    for place in (outside / "secret.jpg", folder / "pictures" / "good one.jpg", folder / "beside.jpg"):
        place.write_bytes(as_jpeg(HOME))
    (folder / "link.jpg").symlink_to(outside / "secret.jpg")
    (folder / "linked").symlink_to(outside)
    os.mkfifo(folder / "pipe.jpg")
    with (folder / "large.jpg").open("wb") as large:
        large.truncate(MOST_BYTES + 1)
    (folder / "text.jpg").write_text("no picture")
    (folder / "cut.jpg").write_bytes(as_jpeg(HOME)[:4000])
    expected = {
        "": ["pictures/good one.jpg", "./beside.jpg", r"pictures\good one.jpg", "pictures//good one.jpg"],
        "outside the log's folder": [
            "../outside/secret.jpg",
            str(outside / "secret.jpg"),
            "pictures/../../outside/secret.jpg",
            r"C:\a.jpg",
            ".",
        ],
        "no plain file (a link, folder, pipe or device)": ["link.jpg", "linked/secret.jpg", "pipe.jpg", "pictures", "beside.jpg/a.jpg"],
        "at addresses (nothing is fetched)": [
            "http://127.0.0.1:9/a.jpg",
            "//cdn.example/a.jpg",
            "file:///etc/passwd",
            "data:image/png;base64,iVBO",
        ],
        "not there ([log] image_folder says where names start)": ["none.jpg", "a" * 5000, "BESIDE.JPG"],
        "with control characters in the name": ["a\x1b[2Jb.jpg", "a\u202egpj.exe"],
        "of more than 64 MB": ["large.jpg"],
        "no JPEG, PNG, WebP, GIF or BMP by the bytes": ["text.jpg"],
        "broken or cut short": ["cut.jpg"],
    }
    images = [image for group in expected.values() for image in group] + ["", "NULL", "n/a"]
    path = write_log(folder, images)
    told = about_pictures(path)
    assert told.startswith(f"image: {len(images) - 3 - 4} of {len(images) - 3} pictures count as missing: ")
    for reason, group in expected.items():
        assert not reason or re.search(rf"\b{len(group)} {re.escape(reason)} \(", told), reason
    assert told.isprintable()
    found = groups(path)
    assert len(found) == len(images)
    assert found[0] is not None
    assert found == [found[0]] * 4 + [None] * (len(images) - 4)


def test_a_log_from_a_pipe_has_no_folder_and_a_setting_names_one(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(as_jpeg(HOME))
    (tmp_path / "logs").mkdir()
    path = write_log(tmp_path / "logs", ["a.jpg"])
    assert "1 not there ([log] image_folder says where names start) (a.jpg)" in about_pictures(path)
    (tmp_path / "logs" / "mine.toml").write_text('[log]\nimage_folder = "../pictures"\n')
    own = load_settings(tmp_path / "logs" / "mine.toml").log
    assert about_pictures(path, own) == ""
    assert groups(path, own)[0] is not None
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    if os.fork() == 0:
        pipe.write_bytes(path.read_bytes())
        os._exit(0)
    assert "in no folder that is known" in about_pictures(pipe)
    os.wait()
    without = read_events([path], LogSettings(images=False))
    assert "image" not in without.written
    assert not any(note.startswith("image:") for note in without.report.notes)


def test_the_same_picture_in_any_kind_and_however_it_is_turned_is_one() -> None:
    exif = Image.Exif()
    held = []
    for turn, way in ((6, Image.Transpose.ROTATE_90), (3, Image.Transpose.ROTATE_180), (8, Image.Transpose.ROTATE_270)):
        exif[0x0112] = turn
        held.append(encoded("JPEG", HOME.transpose(way), quality=90, exif=exif))
    moving = encoded("GIF", HOME, save_all=True, append_images=[draw_at_home(2, 2)])
    plain = np.asarray(draw_for_shop(3))
    clear = Image.fromarray(np.dstack([plain, np.where((plain == 255).all(axis=2), 0, 255).astype(np.uint8)]))
    deep = Image.fromarray(np.asarray(HOME.convert("L")).astype(np.uint16) << 8)
    modes = [encoded("PNG", HOME.convert("P")), encoded("PNG", deep), encoded("JPEG", HOME.convert("CMYK"))]
    same = [*(encoded(kind) for kind in BOMBS), *held, moving, *modes]
    other = [encoded("PNG", clear), encoded("WEBP", clear), as_jpeg(draw_for_shop(3))]
    assert near(same + other) == [0] * len(same) + [len(same)] * len(other)


def near(pictures: list[bytes]) -> list[int]:
    return near_pictures(*as_words([picture_print(data) for data in pictures])).tolist()


def apart_by_hand(one: str, other: str) -> int:
    views = [[int(text.removeprefix(PREFIX)[at : at + 64], 16) for at in range(0, 256, 64)] for text in (one, other)]
    return min((left ^ right).bit_count() for left in views[0][::2] for right in views[1])


def part_apart_by_hand(one: str, other: str) -> int:
    """The bits in which either differs, either way round, from the part of the other that is most like it."""
    views = [[int(text.removeprefix(PREFIX)[at : at + 64], 16) for at in range(0, 256, 64)] for text in (one, other)]
    cut = [base64.b64decode(text.partition(".")[2]).hex() for text in (one, other)]
    parts = [[int(text[at : at + 64], 16) for at in range(0, len(text), 64)] for text in cut]
    return min((view ^ part).bit_count() for own, theirs in ((0, 1), (1, 0)) for view in views[own] for part in parts[theirs])


def near_by_hand(one: str, other: str) -> bool:
    return apart_by_hand(one, other) <= APART or part_apart_by_hand(one, other) <= PART_APART


def test_groups_are_those_of_all_pairs() -> None:
    """Everybody is near the first of their group, and of those who stay alone no two are near; of copies nearly all are found."""
    originals = [draw_at_home(n // 2, n) for n in range(12)] + [draw_for_shop(n) for n in range(8)]
    made = [(n, picture_print(changed(one, change, n))) for n, one in enumerate(originals) for change in CHANGES]
    random.Random(3).shuffle(made)  # noqa: S311
    prints = [one for _, one in made]
    first = near_pictures(*as_words(prints)).tolist()
    for place, leader in enumerate(first):
        assert first[leader] == leader <= place
        assert leader == place or near_by_hand(prints[place], prints[leader])
        assert made[place][0] == made[leader][0]
    alone = [place for place, leader in enumerate(first) if leader == place]
    close = [(one, other) for one, other in itertools.combinations(alone, 2) if apart_by_hand(prints[one], prints[other]) <= APART - 10]
    assert close == []
    assert len(alone) <= 1.15 * len(originals)


def test_what_is_cut_out_of_a_picture_is_found_by_the_part_that_it_is() -> None:
    """A group is near its first by hand, too; nearly all cuts are found, as is the whole where a part is shown more, and nothing else."""
    originals = [draw_at_home(400 + n, n) for n in range(12)] + [draw_for_shop(400 + n) for n in range(6)]
    shares = [(0.12, 0, 0, 0), (0, 0.13, 0, 0.13), (0.08, 0.02, 0.06, 0.1), (0.07, 0.07, 0.07, 0.07)]
    own = [picture_print(as_jpeg(one)) for one in originals]
    parts = [picture_print(cut_out(one, *share)) for one in originals for share in shares]
    of_own, of_parts = list(range(len(own))), np.repeat(np.arange(len(own)), len(shares)).tolist()
    for every, source in ((own + parts, of_own + of_parts), (parts + own, of_parts + of_own)):
        leaders = near_pictures(*as_words(every)).tolist()
        for place, leader in enumerate(leaders):
            assert leader == place or near_by_hand(every[place], every[leader])
            assert source[place] == source[leader]
        later = leaders[len(own) :] if every[0] == own[0] else leaders[len(parts) :]
        assert sum(leader < len(every) - len(later) for leader in later) >= 0.9 * len(later)
    assert apart_by_hand(own[0], parts[3]) > APART >= part_apart_by_hand(own[0], parts[3])


def cut_out(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> bytes:
    """What is left in between, smaller and worse."""
    wide, high = picture.size
    part = picture.crop((int(left * wide), int(top * high), int((1 - right) * wide), int((1 - bottom) * high)))
    return as_jpeg(part.resize((int(part.width * 0.7), int(part.height * 0.7))), 60)


def test_a_print_that_was_kept_before_there_were_parts_is_one_still(tmp_path: Path) -> None:
    """It is compared by its whole alone, and its group has the name that it had."""
    now = picture_print(encoded("JPEG"))
    before = now.partition(".")[0]
    changed_now = picture_print(changed(HOME, "jpeg", 1))
    assert is_print(before)
    assert groups(write_log(tmp_path, [before, changed_now]))[0] == groups(write_log(tmp_path, [now, changed_now]))[0]
    for bad in (f"{before}.", f"{before}.AAAA", f"{now[:-4]}", f"{now}=", f"{before}.{'!' * 3416}"):
        assert is_print(bad) == (bad == f"{before}.")


def test_groups_and_their_names_depend_on_no_order_and_bytes_are_as_good_as_files(tmp_path: Path) -> None:
    made = [changed(draw_at_home(n, n), change, n) for n in range(4) for change in ("same", "jpeg", "mirror")]
    for n, data in enumerate(made):
        (tmp_path / f"{n}.jpg").write_bytes(data)
    found = groups(write_log(tmp_path, [f"{n}.jpg" for n in range(12)]))
    assert [len(set(found[at : at + 3])) for at in (0, 3, 6, 9)] == [1] * 4
    assert len(set(found)) == 4
    log = (tmp_path / "log.csv").read_text().splitlines()
    (tmp_path / "turned.csv").write_text("\n".join([log[0], *reversed(log[1:])]))
    assert groups(tmp_path / "turned.csv") == found
    (tmp_path / "bytes").mkdir()
    rows = [line.split(",") for line in log[1:]]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(HEAD.split(",")[:3])}
    pq.write_table(pa.table({**columns, "image": pa.array(made, pa.binary())}), tmp_path / "bytes" / "log.parquet")
    assert groups(tmp_path / "bytes" / "log.parquet") == found
    kept = read_events([tmp_path / "log.csv"])
    again = write_log(tmp_path, kept.written["image"].values.take(pa.array(kept.written["image"].code)).to_pylist(), "kept.csv")
    assert sorted(filter(None, groups(again))) == sorted(filter(None, found))


def noisy(base: np.ndarray, draw: np.random.Generator, flips: int) -> np.ndarray:
    """A copy's print: each view with some bits exchanged."""
    bits = np.unpackbits(base.view(np.uint8)).reshape(2 * VIEWS, BITS)
    for view in bits:
        view[draw.choice(BITS, flips, replace=False)] ^= 1
    return np.packbits(bits).view(np.uint64)


def shown_log(blocks: list[Block], print_of: Callable[[int, int], np.ndarray | None], **size: int) -> EventTable:
    """A made log in which `print_of(user, row)` says which picture each event's user shows."""
    events = planted_log(np.random.default_rng(5), blocks, **size)[0]
    told = [print_of(user, row) for row, user in enumerate(events.codes["user"].tolist())]
    texts = [None if one is None else PREFIX + one.tobytes().hex() for one in told]
    distinct = sorted({text for text in texts if text is not None})
    code = np.array([-1 if text is None else distinct.index(text) for text in texts], np.int32)
    return replace(events, written={"image": Written(pa.array(distinct, pa.large_string()), code)})


def drawn(number: int) -> np.ndarray:
    return np.random.default_rng([9, number]).integers(0, 1 << 63, 2 * VIEWS * 4, np.uint64)


def test_what_a_shop_shows_and_thousands_take_over_accuses_nobody() -> None:
    draw = np.random.default_rng(1)
    files = [noisy(drawn(n % 2), draw, n % 8) for n in range(60)]
    log = shown_log([], lambda user, row: files[row % 60], users=2500, items=300, events=6000)
    run = detect(log, QUICK)
    assert "alert" not in run.rings["tier"].to_pylist()
    assert run.evidence.filter(pc.equal(run.evidence["view"], "image_group")).num_rows == 0
    assert len([one for one in run.meta["discounted"] if one["view"] == "image_group"]) == 2
    assert any("image_group keys are crowded" in note for note in run.meta["notes"])


def test_copies_stand_in_the_ring_and_chance_makes_none_of_it() -> None:
    """Members show changed copies of a few pictures, the others their own; with users exchanged, no ring is left."""
    draw = np.random.default_rng(2)
    ring = Block(users=tuple(range(12)), items=tuple(range(6)))
    log = shown_log(
        [ring], lambda user, row: noisy(drawn(row % 3), draw, 12) if user < 12 else drawn(1000 + row), users=400, items=150, events=4000
    )
    measured = measure_log(log, QUICK)
    assert measured.events.count("image_group") > 2000
    run = detect(log, QUICK)
    best = run.rings["ring_id"][0].as_py()
    members = run.members.filter(pc.equal(run.members["ring_id"], best)).to_pylist()
    assert {one["role"] for one in members if one["node_type"] == "image_group"} == {"shared_image"}
    assert max(search_null(measured, 2, QUICK, 1, Progress()).strengths.tolist(), default=0) < QUICK.tiers.alert_strength
    dossier = build_dossier(Recorded(run), run.ring(best))
    told = dict(dossier.reasons)["shared_image"]
    assert told["members"] >= 10
    assert told["users"] == 12
    assert {one["without"] for one in dossier.counterfactuals} >= {"image_group"}


def test_names_of_groups_are_those_of_their_first_picture() -> None:
    prints = [PREFIX + drawn(n).tobytes().hex() for n in range(3)]
    user = np.arange(5, dtype=np.int32)
    some = groups_of_pictures(Written(pa.array(prints, pa.large_string()), np.array([0, 1, 2, 1, -1], np.int32)), user).to_pylist()
    turned = groups_of_pictures(Written(pa.array(prints[::-1], pa.large_string()), np.array([2, 1, 0, 1, -1], np.int32)), user).to_pylist()
    assert some == turned
    assert some[1] == some[3]
    assert some[4] is None
    assert all(re.fullmatch("picture #[0-9a-f]{16}", name) for name in some[:4])


def test_addresses_are_counted_once_though_a_log_is_read_twice(tmp_path: Path) -> None:
    """Dates that nobody told how to read make a file be read from its beginning again."""
    rows = [f"u{n},i{n % 3},{13 + n}/03/2025 10:00,https://cdn.example/{n}.jpg" for n in range(9)]
    (tmp_path / "log.csv").write_text("\n".join([HEAD, *rows]))
    expected = "image: 9 of 9 pictures count as missing: 9 at addresses (nothing is fetched) (https://cdn.example/0.jpg)."
    assert about_pictures(tmp_path / "log.csv") == expected
