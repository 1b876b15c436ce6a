"""A market with pictures is in all else the market without them, and the copies that its crews hand round are found."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from graphdet.events import read_events
from graphdet.events.picture_prints import picture_print
from graphdet.settings import LogSettings
from graphdet.signals import with_meeting_places
from graphdet.simulate import Market, MarketSettings, preset, simulate, with_pictures, write_market
from graphdet.simulate.knobs import RingMix
from graphdet.simulate.photographs import CHANGES
from graphdet.simulate.writing import describe, log_table


def of_review_crews() -> MarketSettings:
    base = preset("hard", users=1500, events=30_000)
    mix = RingMix(**{**dict.fromkeys(RingMix.model_fields, 0.0), "review": 1.0})
    return base.model_copy(update={"rings": base.rings.model_copy(update={"mix": mix, "count": 40.0})})


@pytest.fixture(scope="module")
def market() -> Market:
    return simulate(with_pictures(of_review_crews(), 0.1), 3)


@pytest.fixture(scope="module")
def folder(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pictures") / "market"
    write_market(market, out)
    return out


def test_all_else_is_as_without_pictures(market: Market, folder: Path) -> None:
    plain = simulate(of_review_crews(), 3)
    assert log_table(market).drop_columns(["image"]).equals(log_table(plain))
    assert "pictures" not in describe(plain)["settings"]  # type: ignore[operator]
    shown = log_table(market).to_pandas().dropna(subset=["image"])
    assert set(shown["action"]) == {"review"}
    assert sorted(shown["image"]) == sorted(f"pictures/{path.name}" for path in (folder / "pictures").iterdir())
    truth = pq.read_table(folder / "truth" / "pictures.parquet").to_pandas()
    assert sorted(truth["image"]) == sorted(shown["image"])
    assert set(truth["change"]) == set(CHANGES)
    assert set(truth.loc[truth["source"].str.startswith("own"), "change"]) == {"same"}


def test_copies_are_found_and_different_pictures_are_different_groups(folder: Path) -> None:
    events = with_meeting_places(read_events([folder / "events.parquet"]))
    assert not any(note.startswith("image:") for note in events.report.notes)
    shown, names = events.written["image"], events.ids["image_group"].to_pylist()
    prints = [None if code < 0 else shown.values[code].as_py() for code in shown.code.tolist()]
    group_of = {one: names[group] for one, group in zip(prints, events.codes["image_group"].tolist(), strict=True) if one}
    truth = pq.read_table(folder / "truth" / "pictures.parquet").to_pylist()
    told = [(row["source"], group_of[picture_print((folder / row["image"]).read_bytes())]) for row in truth]
    pairs = [(left[0] == right[0], left[1] == right[1]) for left, right in combinations(told, 2)]
    found, true, together = sum(a and b for a, b in pairs), sum(a for a, _ in pairs), sum(b for _, b in pairs)
    assert true > 60
    assert found >= 0.8 * true
    assert found >= 0.95 * together


def test_without_the_setting_pictures_are_never_opened(folder: Path) -> None:
    events = with_meeting_places(read_events([folder / "events.parquet"], LogSettings(images=False)))
    assert "image_group" not in events.ids
