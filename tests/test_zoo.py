"""The zoo: each shop does what it is there for, crews work as their tactics say, and the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from graphdet.cli.program import app
from graphdet.errors import MarketError
from graphdet.evaluate import load_truth
from graphdet.events import read_events
from graphdet.schema import EVENT_COLUMN
from graphdet.simulate.zoo import SHOPS, ShopLog, make_shop

USERS = {name: max(shop.users // 8, 1500) for name, shop in SHOPS.items()}


@pytest.fixture(scope="module")
def logs() -> dict[str, ShopLog]:
    return {name: make_shop(name, 3, users) for name, users in USERS.items()}


def frame(log: ShopLog) -> pd.DataFrame:
    return log.events.to_pandas()


def _two_or_more(touched: pd.Series) -> int:
    return int((touched >= 2).sum())


def test_there_are_at_least_twelve_kinds() -> None:
    assert len(SHOPS) >= 12
    assert all(name == shop.name and shop.meaning for name, shop in SHOPS.items())


@pytest.mark.parametrize("name", SHOPS)
def test_the_log_has_the_shops_columns_and_the_truth_names_its_nodes(name: str, logs: dict[str, ShopLog]) -> None:
    log = logs[name]
    events = frame(log)
    assert set(events) <= set(EVENT_COLUMN)
    assert events["timestamp"].is_monotonic_increasing
    assert events["user_id"].notna().all()
    assert not events["event_id"].duplicated().any()
    members, rings = log.truth["members"].to_pandas(), log.truth["rings"].to_pandas()
    assert len(rings) == round(SHOPS[name].rings * USERS[name] / 10_000)
    column = {"user": "user_id", "item": "item_id", "device": "device_id", "ip": "ip"}
    for node_type, own in members.groupby("node_type"):
        assert own["node_id"].isin(events[column[str(node_type)]]).all()
    users = members[members["node_type"] == "user"]
    counted = users.groupby("ring_id").agg(
        size=("node_id", "nunique"), detectable=("targets_touched", lambda touched: int((touched >= 2).sum()))
    )
    pd.testing.assert_frame_equal(
        counted, rings.set_index("ring_id")[["size", "detectable"]].sort_index(), check_dtype=False, check_names=False
    )


@pytest.mark.parametrize("name", ["marketplace", "reviews", "logins"])
def test_members_did_touch_so_many_targets(name: str, logs: dict[str, ShopLog]) -> None:
    events, members = frame(logs[name]), logs[name].truth["members"].to_pandas()
    for _, own in members.groupby("ring_id"):
        targets = own.loc[own["role"] == "target", "node_id"]
        if len(targets) == 0:
            assert (own["node_type"] != "item").all()
            continue
        here = events[events["item_id"].isin(targets)].groupby("user_id")["item_id"].nunique()
        users = own[own["node_type"] == "user"]
        assert (here.reindex(users["node_id"], fill_value=0).to_numpy() >= users["targets_touched"].to_numpy()).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_log() -> None:
    one, again, other = make_shop("tiny", 5), make_shop("tiny", 5), make_shop("tiny", 6)
    assert one.events.equals(again.events)
    assert all(one.truth[name].equals(again.truth[name]) for name in one.truth)
    assert not one.events.equals(other.events)


@pytest.mark.parametrize("name", ["marketplace", "logins"])
def test_a_clean_log_is_the_ringed_one_without_the_crews_work(name: str, logs: dict[str, ShopLog]) -> None:
    """Habits draw from streams of their own, so crews come on top and change nobody else's day."""
    clean, ringed = frame(make_shop(name, 3, USERS[name], ringed=False)), frame(logs[name])
    keys = [column for column in ("timestamp", "user_id", "item_id", "action") if column in clean]
    assert len(clean) < len(ringed)
    assert len(clean.merge(ringed[keys].drop_duplicates(), on=keys)) == len(clean)


def test_a_sale_draws_an_eighth_of_the_users_on_its_day(logs: dict[str, ShopLog]) -> None:
    events = frame(logs["flash-sale"])
    day = (events["timestamp"] - events["timestamp"].min().normalize()).dt.days
    users = events.groupby(day)["user_id"].nunique()
    assert users.idxmax() == 12
    assert users[12] > 0.12 * USERS["flash-sale"] + 0.5 * users.median()


def test_packs_of_coupons_come_at_one_second(logs: dict[str, ShopLog]) -> None:
    events = frame(logs["coupon-day"])
    packs = events[(events["action"] == "coupon")].groupby(["user_id", "timestamp"])["item_id"].nunique()
    assert (packs == 3).mean() > 0.9
    assert events.loc[events["action"] == "coupon", "user_id"].nunique() > 0.2 * USERS["coupon-day"]


def test_articles_live_for_hours(logs: dict[str, ShopLog]) -> None:
    events = frame(logs["news"])
    first = events.groupby("item_id")["timestamp"].min()
    age = (events["timestamp"] - events["item_id"].map(first)).dt.total_seconds() / 3600
    assert age.median() < 12


def test_companies_order_the_same_goods_every_week(logs: dict[str, ShopLog]) -> None:
    log = logs["wholesale"]
    events = frame(log)
    orders = events[events["action"] == "order"]
    office = log.truth["lookalikes"].to_pandas().groupby("group_id")["node_id"].agg(list)
    again = []
    for users in office:
        own = orders[orders["user_id"].isin(users)]
        weeks = own.groupby("item_id")["timestamp"].agg(lambda times: len(set(times.dt.isocalendar().week)))
        again.append(weeks.max())
    assert np.median(again) >= 3


def test_lunch_and_dinner_are_the_hours_of_food(logs: dict[str, ShopLog]) -> None:
    hours = frame(logs["food-delivery"])["timestamp"].dt.hour
    assert hours.isin([11, 12, 13, 17, 18, 19, 20]).mean() > 0.85


def test_players_come_to_the_same_levels(logs: dict[str, ShopLog]) -> None:
    events = frame(logs["daily-game"])
    game = events[(events["action"] == "click")]
    most = game.groupby([game["timestamp"].dt.date, "item_id"])["user_id"].nunique().groupby(level=0).max()
    players = game.groupby(game["timestamp"].dt.date)["user_id"].nunique()
    assert (most / players).median() > 0.6


def test_some_logs_lack_what_they_say(logs: dict[str, ShopLog]) -> None:
    assert "item_id" not in logs["logins"].events.column_names
    assert "item_id" not in logs["payments"].events.column_names
    reviews = frame(logs["reviews"])
    assert (reviews["timestamp"] == reviews["timestamp"].dt.normalize()).all()
    assert "device_id" not in reviews


def test_accounts_of_one_phone_act_from_one_phone(logs: dict[str, ShopLog]) -> None:
    for name in ("marketplace", "flooded"):
        events, truth = frame(logs[name]), logs[name].truth
        rings = truth["rings"].to_pandas()
        members = truth["members"].to_pandas()
        for ring in rings.loc[rings["kind"] == "one_phone", "ring_id"]:
            own = members[members["ring_id"] == ring]
            phones = own.loc[own["node_type"] == "device", "node_id"]
            assert len(phones) == 1
            assert set(own.loc[own["node_type"] == "user", "node_id"]) <= set(events.loc[events["device_id"].isin(phones), "user_id"])


def test_who_asks_for_no_shop_of_the_zoo_is_told_the_nearest() -> None:
    with pytest.raises(MarketError, match="did you mean 'news'"):
        make_shop("newz", 1)
    with pytest.raises(MarketError, match="at least 500 users"):
        make_shop("tiny", 1, 20)


def test_the_command_makes_a_shop_that_a_run_and_its_evaluation_read(tmp_path: Path) -> None:
    graphdet = CliRunner()
    listed = graphdet.invoke(app, ["simulate", "--shop", "list"])
    assert [line.split()[0] for line in listed.output.splitlines()] == list(SHOPS)
    made = graphdet.invoke(app, ["simulate", "--shop", "tiny", "--users", "800", "--format", "csv", "--out", str(tmp_path / "tiny")])
    assert made.exit_code == 0, made.output
    assert made.output.strip() == str(tmp_path / "tiny" / "events.csv")
    about = json.loads((tmp_path / "tiny" / "market.json").read_text())
    assert about["shop"] == "tiny"
    assert about["rings"]
    truth = load_truth(tmp_path / "tiny")
    assert len(truth.rings) == sum(about["rings"].values())
    events = read_events([tmp_path / "tiny"])
    assert len(events) == about["events"]
    clean = graphdet.invoke(app, ["simulate", "--shop", "tiny", "--users", "800", "--clean", "--out", str(tmp_path / "clean")])
    assert clean.exit_code == 0
    assert json.loads((tmp_path / "clean" / "market.json").read_text())["rings"] == {}
    for arguments in (["--shop", "tiny", "--preset", "easy", "--out", "x"], ["--shop", "tiny"], ["--shop", "tony", "--out", "x"]):
        assert isinstance(graphdet.invoke(app, ["simulate", *arguments]).exception, MarketError)
