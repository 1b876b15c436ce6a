"""Crews who work by night: their windows fall into nights as long as they were, honest people are up then, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from graphdet.simulate import Market, preset, simulate, with_nights
from graphdet.simulate.clock import DAY, HOUR
from graphdet.simulate.night_shifts import BEGINS, LONG, by_night
from graphdet.simulate.writing import describe, log_table

BASE = preset("hard", users=4000, events=60_000)


@given(st.floats(0, 40 * DAY), st.floats(HOUR, 20 * DAY), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_window_falls_into_nights_in_its_order(begin: float, length: float, shares: list[float]) -> None:
    time = begin + np.sort(np.array(shares)) * length
    moved = by_night(time, np.full(len(time), begin), np.full(len(time), length))
    assert (((moved - BEGINS + 1e-3) % DAY) <= LONG + 2e-3).all()
    assert (np.diff(moved) >= -1e-3).all()
    assert np.abs(moved - time).max() <= 12 * HOUR + (DAY - LONG) + 1e-3  # the nearest night, and a day pressed into it
    if length <= LONG:
        np.testing.assert_allclose(np.diff(moved), np.diff(time), atol=1e-3)


@pytest.fixture(scope="module")
def nightly() -> Market:
    return simulate(with_nights(BASE, 1.0), 3)


def by_hour(market: Market) -> np.ndarray:
    """Which events are between eleven and six."""
    hour = (market.columns.time - market.start) % 86_400_000_000 / 3.6e9
    return np.asarray((hour >= 23) | (hour < 6))


def test_crews_work_by_night_and_a_market_without_them_is_what_it_was(nightly: Market) -> None:
    plain = simulate(BASE, 3)
    assert log_table(simulate(with_nights(BASE, 0.0), 3)).equals(log_table(plain))
    assert "nights" not in describe(plain)["settings"]["rings"]  # type: ignore[index]
    assert describe(nightly)["settings"]["rings"]["nights"] == 1.0  # type: ignore[index]
    for market, least, most in ((nightly, 0.75, 1.0), (plain, 0.0, 0.35)):
        night, shares = by_hour(market), []
        members = market.truth["members"].to_pandas()
        places = {name: {one: place for place, one in enumerate(market.ids[name].to_pylist())} for name in ("user", "item")}
        for _, ring in members.groupby("ring_id"):
            own = [places["user"][one] for one in ring.loc[ring["role"] == "member", "node_id"]]
            targets = [places["item"][one] for one in ring.loc[ring["role"] == "target", "node_id"]]
            shares.append(night[np.isin(market.columns.user, own) & np.isin(market.columns.item, targets)].mean())
        assert least <= float(np.mean(shares)) <= most


def test_honest_people_are_up_then_so_the_hour_alone_tells_little() -> None:
    areas = []
    for seed in (3, 4, 5):
        market = simulate(with_nights(preset("hard", users=8000), 0.2), seed)
        place = {one: number for number, one in enumerate(market.ids["user"].to_pylist())}
        member = np.zeros(len(place), np.bool_)
        member[[place[row["node_id"]] for row in market.truth["members"].to_pylist() if row["node_type"] == "user"]] = True
        events = np.bincount(market.columns.user, minlength=len(place))
        areas.append(roc_auc_score(member, np.bincount(market.columns.user, by_hour(market), len(place)) / events))
    assert float(np.mean(areas)) <= 0.65
