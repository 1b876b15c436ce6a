"""The hard market must defeat whoever looks at no coordination. Each gate prints its figure; a gate that fails is a fault of the market.

Takes about a minute. Figures on the full size are in docs/market.md.
"""

from __future__ import annotations

import market_gates as gates
import numpy as np
import pandas as pd
import pytest

from graphdet.simulate import Market, fraudar_block, preset, simulate, without_lookalikes, without_rings
from graphdet.simulate.writing import log_table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def full() -> Market:
    return simulate(preset("hard"), 4001)


@pytest.fixture(scope="module")
def third() -> Market:
    return simulate(preset("hard", users=24_000), 4002)


def show(title: str, figure: float, bound: str) -> None:
    print(f"{title}: {figure:.3f} (must be {bound})")  # noqa: T201 - the figures are the point of these tests


def test_ids_order_fractions_of_seconds_and_ip_numbers_tell_nothing(full: Market) -> None:
    for title, area in gates.leaks(full).items():
        show(f"AUC of members from {title}", area, "<= 0.53")
        assert area <= 0.53, title


def test_the_time_of_activity_tells_nothing_on_average() -> None:
    # One market's campaigns may lie early or late by chance; over several markets that must cancel out.
    areas = []
    for seed in (4003, 4004, 4005, 4006):
        market = simulate(preset("hard", users=30_000), seed)
        place = pd.Series(np.arange(len(market), dtype=float)).groupby(market.columns.user).mean()
        areas.append(gates.area(gates.members(market), place))
    show("AUC of members from the mean position of their rows, 4 markets", float(np.mean(areas)), "0.47 to 0.53")
    assert abs(float(np.mean(areas)) - 0.5) <= 0.03


def test_account_age_and_degree_alone_do_not_find_members(full: Market) -> None:
    for title, area in gates.sizes(full).items():
        show(f"AUC of members from {title} alone", area, "<= 0.65")
        assert area <= 0.65, title


def test_trees_on_tabular_features_do_not_find_members(third: Market) -> None:
    precision = gates.tree_precision(third)
    show(f"AUPRC of trees on tabular features ({gates.members(third).mean():.3f} are members)", precision, "<= 0.35")
    assert precision <= 0.35


def test_shared_devices_find_few_rings(third: Market) -> None:
    found = gates.rings_in_device_components(third)
    show("share of rings among components of shared devices", found, "< 0.30")
    assert found < 0.30


@pytest.mark.parametrize("actions", ["all events", "orders"])
def test_fraudar_fails_on_the_static_graph(full: Market, actions: str) -> None:
    columns = full.columns
    rows = columns.item >= 0 if actions == "all events" else (columns.order >= 0) & (columns.item >= 0)
    f1 = gates.fraudar_f1(columns.user[rows], columns.item[rows], gates.members(full), blocks=40)
    show(f"F1 of FRAUDAR on {actions}", f1, "< 0.20")
    assert f1 < 0.20


@pytest.mark.parametrize(("camouflage", "hijacked"), [("none", False), ("random", False), ("popular", False), ("popular", True)])
def test_fraudar_finds_a_block_of_its_own_kind(camouflage: str, hijacked: bool) -> None:
    background = simulate(without_lookalikes(without_rings(preset("hard", users=10_000))), 4007)
    log = log_table(background).select(["user_id", "item_id", "timestamp", "action"]).to_pandas().dropna(subset="item_id")
    planted = fraudar_block(log, users=200, targets=150, density=0.3, camouflage=camouflage, hijacked=hijacked, seed=1)  # type: ignore[arg-type]
    user, names = pd.factorize(planted.events["user_id"])
    item, _ = pd.factorize(planted.events["item_id"])
    f1 = gates.fraudar_f1(user.astype(np.int32), item.astype(np.int32), pd.Index(names).isin(planted.users), blocks=3)
    show(f"F1 of FRAUDAR on a block with camouflage {camouflage}, hijacked {hijacked}", f1, ">= 0.90")
    assert f1 >= 0.90
