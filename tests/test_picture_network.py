"""The network on review pictures: it learns what is there, judges nobody by their own label, and gives the same bytes for a seed."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from graphdet.arrays import Bool, UInt8
from graphdet.events.picture_files import PictureRefused
from graphdet.events.picture_prints import BLANK, BROKEN, HUGE, OTHER_KIND, SIDE, picture_print, small_picture
from graphdet.learning import picture_network
from graphdet.learning.picture_network import PictureOpinion, learn_pictures

WRITERS = np.arange(96) // 2  # two pictures each
COPIES = np.where(np.arange(96) % 8 == 0, 500 + np.arange(96) // 16, np.arange(96))  # every eighth is handed round by two writers


def drawn(seed: int, count: int) -> tuple[UInt8, Bool]:
    """Grain, and a light corner where the label is positive."""
    rng = np.random.default_rng(seed)
    positive = np.repeat(rng.random(count // 2) < 0.3, 2)
    pictures = rng.integers(60, 120, (count, SIDE, SIDE))
    pictures[positive, : SIDE // 3, : SIDE // 3] += 90
    return pictures.astype(np.uint8), positive


@pytest.fixture(autouse=True)
def _few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_network, "EPOCHS", 8)


@pytest.fixture(scope="module")
def taught() -> tuple[UInt8, Bool]:
    return drawn(1, 96)


@pytest.fixture
def learned(taught: tuple[UInt8, Bool]) -> PictureOpinion:
    return learn_pictures(*taught, WRITERS, COPIES, 3)


def test_it_tells_what_is_there_the_same_way_every_time(taught: tuple[UInt8, Bool], learned: PictureOpinion) -> None:
    pictures, positive = taught
    assert learned.own[positive].min() > learned.own[~positive].max()
    later, truth = drawn(2, 40)
    odds = learned.log_odds(later)
    assert odds[truth].min() > odds[~truth].max()
    np.testing.assert_allclose(learned.log_odds(later - np.uint8(20)), odds, atol=1e-3)  # a darker copy
    torch.rand(3)
    again = learn_pictures(pictures, positive, WRITERS, COPIES, 3)
    assert again.own.tobytes() == learned.own.tobytes()
    assert again.log_odds(later).tobytes() == odds.tobytes()
    assert len(learned.log_odds(later[:0])) == 0


def test_nobody_is_judged_by_what_their_own_or_their_copies_labels_taught(taught: tuple[UInt8, Bool], learned: PictureOpinion) -> None:
    pictures, positive = taught
    tied = np.isin(WRITERS, WRITERS[np.isin(COPIES, [500])])  # the two writers of one picture, and all that they show
    assert tied.sum() == 4
    other = np.where(tied, ~positive, positive)
    changed = learn_pictures(pictures, other, WRITERS, COPIES, 3)
    np.testing.assert_array_equal(changed.own[tied], learned.own[tied])
    assert np.abs(changed.own - learned.own).max() > 0


def test_a_part_without_labels_of_one_kind_teaches_nothing_and_ends() -> None:
    pictures, _ = drawn(4, 12)
    learned = learn_pictures(pictures, np.zeros(12, np.bool_), WRITERS[:12], np.arange(12), 1)
    assert np.isfinite(learned.own).all()


def test_a_small_picture_is_what_the_print_is_taken_from_and_is_refused_for_the_same_reasons() -> None:
    def encoded(pixels: np.ndarray) -> bytes:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue()

    ramp = np.tile(np.arange(4 * SIDE, dtype=np.uint8), (2 * SIDE, 1))
    small = small_picture(encoded(ramp))
    np.testing.assert_allclose(small, ramp[:, : 4 * SIDE].reshape(SIDE, 2, SIDE, 4).mean(axis=(1, 3)), atol=1)
    whole = encoded(ramp)
    bomb = bytearray(whole)
    bomb[16:24] = (50_000).to_bytes(4, "big") * 2
    for data, reason in ((b"GIF", OTHER_KIND), (whole[:60], BROKEN), (bytes(bomb), HUGE), (encoded(ramp * 0), BLANK)):
        for reads in (small_picture, picture_print):
            with pytest.raises(PictureRefused, match=rf"^{reason}$"):
                reads(data)
