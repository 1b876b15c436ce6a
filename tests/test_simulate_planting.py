"""A ring planted in somebody's log: its density, its windows, and a background that stays as it was. Takes about three seconds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from graphdet.errors import MarketError
from graphdet.simulate import Planted, fraudar_block, plant_ring


@pytest.fixture(scope="module")
def background() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 20_000
    item = (rng.random(n) ** 3 * 3000).astype(int)
    time = pd.Timestamp("2024-05-01", tz="UTC") + pd.to_timedelta(np.sort(rng.random(n)) * 20, unit="D")
    return pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in rng.integers(0, 1500, n)],
            "item_id": [f"i{code}" for code in item],
            "timestamp": time,
            "action": rng.choice(["view", "order"], n),
            "category": [f"c{code % 40}" for code in item],
        }
    )


WISH: dict[str, Any] = {"users": 40, "targets": 12, "density": 0.4, "camouflage": "popular", "seed": 3}


def ring_rows(planted: Planted) -> pd.DataFrame:
    rows = planted.events[planted.events["user_id"].isin(planted.users)]
    return rows[rows["item_id"].isin(planted.targets)]


@pytest.mark.parametrize("camouflage", ["none", "random", "popular", "copied"])
def test_a_planted_ring_is_as_dense_and_as_quick_as_asked(background: pd.DataFrame, camouflage: Any) -> None:
    planted = plant_ring(background, **{**WISH, "camouflage": camouflage}, window=6 * 3600, noise_events_per_user=8)
    assert (len(set(planted.users)), len(set(planted.targets))) == (40, 12)
    assert sum(planted.touched) / (40 * 12) == pytest.approx(0.4, abs=0.08)
    rows = ring_rows(planted)
    block = rows[rows["action"] == "order"].groupby("user_id")["item_id"].nunique().reindex(planted.users).fillna(0)
    assert (block.to_numpy() >= np.array(planted.touched)).all()
    if camouflage == "none":
        span = rows.groupby("item_id")["timestamp"].agg(lambda times: times.max() - times.min())
        assert span.max() <= pd.Timedelta(hours=6)
        assert block.to_list() == list(planted.touched)
    noise = len(planted.events) - len(background) - sum(planted.touched)
    assert noise == 0 if camouflage == "none" else noise == pytest.approx(320, rel=0.25)


def test_the_background_stays_and_targets_are_little_known(background: pd.DataFrame) -> None:
    planted = plant_ring(background, **WISH, window=3600, noise_events_per_user=5)
    kept = planted.events[~planted.events["user_id"].isin(planted.users)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, background)
    assert planted.events["timestamp"].is_monotonic_increasing
    counts = background["item_id"].value_counts()
    assert (counts[list(planted.targets)] <= 10).all()
    whole = planted.events.groupby("item_id")["category"].nunique(dropna=False)
    assert (whole == 1).all()


def test_a_log_of_dates_gets_dates(background: pd.DataFrame) -> None:
    dates = background.assign(timestamp=background["timestamp"].dt.normalize())
    planted = plant_ring(dates, **WISH, window=86_400, noise_events_per_user=5)
    assert (planted.events["timestamp"] == planted.events["timestamp"].dt.normalize()).all()
    assert (ring_rows(planted).query("action == 'order'").groupby("item_id")["timestamp"].nunique() <= 3).all()


def test_a_log_without_times_or_actions_will_do(background: pd.DataFrame) -> None:
    bare = background[["user_id", "item_id"]]
    planted = plant_ring(bare, **WISH, window=3600, noise_events_per_user=5)
    assert list(planted.events.columns) == ["user_id", "item_id"]
    assert len(planted.events) > len(bare) + sum(planted.touched)


def test_the_same_seed_plants_the_same_ring(background: pd.DataFrame) -> None:
    one, two, other = (plant_ring(background, **{**WISH, "seed": seed}, window=3600, noise_events_per_user=5) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.events, two.events)
    assert one.targets != other.targets


@pytest.mark.parametrize("hijacked", [False, True])
def test_a_block_spreads_over_the_log_with_as_many_other_visits(background: pd.DataFrame, hijacked: bool) -> None:
    planted = fraudar_block(background, **WISH, hijacked=hijacked)
    assert set(planted.users) <= set(background["user_id"]) if hijacked else not set(planted.users) & set(background["user_id"])
    assert len(planted.events) == len(background) + 2 * sum(planted.touched)
    times = ring_rows(planted)["timestamp"]
    assert times.max() - times.min() > pd.Timedelta(days=15)


def test_popular_camouflage_is_more_popular_than_random(background: pd.DataFrame) -> None:
    counts = background["item_id"].value_counts()
    means = []
    for camouflage in ("random", "popular"):
        planted = plant_ring(background, **{**WISH, "camouflage": camouflage}, window=3600, noise_events_per_user=20)
        rows = planted.events[planted.events["user_id"].isin(planted.users) & ~planted.events["item_id"].isin(planted.targets)]
        means.append(counts[rows["item_id"]].mean())
    assert all(later > 1.5 * earlier for earlier, later in pairwise(means))


def test_what_cannot_be_planted_is_refused_in_words(background: pd.DataFrame) -> None:
    fine: dict[str, Any] = {**WISH, "window": 3600, "noise_events_per_user": 5}
    with pytest.raises(MarketError, match="no column 'item_id'"):
        plant_ring(background[["user_id"]], **fine)
    with pytest.raises(MarketError, match="density"):
        plant_ring(background, **{**fine, "density": 0.0})
    with pytest.raises(MarketError, match="did you mean 'random'"):
        plant_ring(background, **{**fine, "camouflage": "randm"})
    with pytest.raises(MarketError, match="too few for 9000 targets"):
        plant_ring(background, **{**fine, "targets": 9000})
    with pytest.raises(MarketError, match="too few to hijack"):
        fraudar_block(background, **{**WISH, "users": 5000}, hijacked=True)
