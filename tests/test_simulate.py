"""The market: the same seed gives the same bytes, logs hold together, and the truth tells what the log shows. Takes about ten seconds."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from graphdet import read_events
from graphdet.errors import GraphdetError, MarketError, UnknownSetting
from graphdet.settings import parse_section
from graphdet.simulate import Market, MarketSettings, preset, simulate, without_lookalikes, without_rings, write_market
from graphdet.simulate.knobs import LookalikeSettings, RingMix
from graphdet.simulate.planted import TRUTH_TABLES, truth_schema
from graphdet.simulate.sessions import ACTION, Columns
from graphdet.simulate.tactics import KINDS
from graphdet.simulate.writing import log_schema, log_table

SMALL = preset("hard", users=6000)


@pytest.fixture(scope="module")
def market() -> Market:
    return simulate(SMALL, 7)


@pytest.fixture(scope="module")
def log(market: Market) -> pd.DataFrame:
    return log_table(market).to_pandas()


def same(one: Market, other: Market) -> bool:
    columns = all(
        np.array_equal(getattr(one.columns, f.name), getattr(other.columns, f.name), equal_nan=f.name == "amount") for f in fields(Columns)
    )
    return columns and all(one.truth[name].equals(other.truth[name]) for name in one.truth) and log_table(one).equals(log_table(other))


def test_the_same_seed_gives_the_same_market_on_one_thread_and_on_eight(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphdet.simulate.market._BLOCK_EVENTS", 10_000)
    markets = []
    for threads in (1, 8):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        markets.append(simulate(SMALL, 7))
    assert same(*markets)
    monkeypatch.undo()
    assert same(market, simulate(SMALL, 7))


def test_another_seed_gives_another_market(market: Market) -> None:
    other = simulate(SMALL, 8)
    assert not set(market.ids["user"].to_pylist()) & set(other.ids["user"].to_pylist())


def test_turning_one_knob_leaves_the_other_mechanisms_as_they_were(market: Market) -> None:
    labels = SMALL.model_copy(update={"labels": SMALL.labels.model_copy(update={"known_high": 0.9, "known_low": 0.9})})
    changed = simulate(labels, 7)
    assert log_table(changed).equals(log_table(market))
    assert changed.truth["labels"].num_rows > 2 * market.truth["labels"].num_rows
    # Without rings, the planned look-alikes and the people's homes are the same ones.
    bare = simulate(without_rings(SMALL), 7)
    assert bare.truth["rings"].num_rows == 0
    for kind in ("household", "fan_club", "group_buy"):
        tables = (market.truth["lookalikes"].to_pandas(), bare.truth["lookalikes"].to_pandas())
        sizes = [sorted(table[table["kind"] == kind].groupby("group_id").size()) for table in tables]
        assert sizes[0] == sizes[1], kind


def test_the_size_is_as_asked() -> None:
    for settings in (SMALL, preset("demo"), preset("medium", users=5000), preset("easy", users=5000), preset("hard", events=50_000)):
        made = simulate(settings, 3)
        assert abs(len(made) / settings.events - 1) < 0.03
        assert 0.99 * settings.users < len(made.ids["user"]) <= settings.users


def test_the_log_has_its_schema_and_order(market: Market, log: pd.DataFrame) -> None:
    assert log_table(market).schema == log_schema()
    assert log["timestamp"].is_monotonic_increasing
    assert log["timestamp"].min() >= pd.Timestamp(SMALL.start, tz="UTC")
    assert log["timestamp"].max() < pd.Timestamp(SMALL.start, tz="UTC") + pd.Timedelta(days=SMALL.days)
    assert log["event_id"].is_unique
    for column in ("event_id", "user_id", "device_id", "ip", "action"):
        assert log[column].notna().all(), column
    assert (log["item_id"].isna() == (log["action"] == "login")).all()
    for name, ids in market.ids.items():
        assert len(set(ids.to_pylist())) == len(ids), name


def test_the_reader_accepts_every_row(market: Market, tmp_path: Path) -> None:
    write_market(market, tmp_path / "m")
    events = read_events([tmp_path / "m" / "events.parquet"])
    assert len(events) == len(market)
    assert (events.report.accepted, events.report.duplicates) == (len(market), 0)
    for node_type in ("user", "item", "device", "ip", "payment", "address"):
        assert events.count(node_type) == len(market.ids[node_type]), node_type


def test_an_order_hangs_together(log: pd.DataFrame) -> None:
    orders = log[log["action"] == "order"].set_index("order_id")
    assert orders.index.is_unique
    for action in ("pay", "cancel", "refund", "review"):
        rows = log[log["action"] == action]
        assert len(rows) > 20
        theirs = orders.loc[rows["order_id"]]
        assert (theirs["user_id"].to_numpy() == rows["user_id"].to_numpy()).all()
        assert (theirs["item_id"].to_numpy() == rows["item_id"].to_numpy()).all()
        assert (theirs["timestamp"].to_numpy() < rows["timestamp"].to_numpy()).all()
    assert log.loc[log["action"] == "review", "rating"].between(1, 5).all()
    assert log.loc[log["action"] != "review", ["rating", "text"]].isna().all(axis=None)
    assert (log.loc[log["action"].isin(["order", "pay", "refund"]), "amount"] > 0).all()


def test_people_sleep_and_have_weekends(log: pd.DataFrame) -> None:
    hours = log["timestamp"].dt.hour.value_counts(normalize=True)
    assert hours[[20, 21]].sum() > 5 * hours[[3, 4]].sum()
    days = log["timestamp"].dt.normalize().value_counts()
    weekend = days.index.day_of_week >= 5
    assert days[weekend].mean() > days[~weekend].mean()


def test_activity_and_popularity_have_heavy_tails(market: Market) -> None:
    user = np.sort(np.bincount(market.columns.user))
    item = np.sort(np.bincount(market.columns.item[market.columns.item >= 0]))
    assert user.mean() > 1.15 * np.median(user)
    assert item[-len(item) // 100 :].sum() > 0.1 * item.sum()


def test_every_ring_kind_and_every_look_alike_kind_is_there() -> None:
    made = simulate(preset("hard", users=20_000), 5)
    counts = made.truth["rings"].to_pandas()["kind"].value_counts()
    assert set(counts.index) == set(KINDS) == set(RingMix.model_fields)
    assert counts.max() - counts.min() <= 1
    kinds = set(made.truth["lookalikes"].column("kind").to_pylist())
    planned = {"fan_club", "group_buy", "flash_sale", "campus_class", "bulk_office", "reseller", "subscription", "staff", "second_hand"}
    assert kinds >= planned | {"household", "campus", "carrier", "cafe"}


def test_the_truth_is_what_the_log_shows(market: Market, log: pd.DataFrame) -> None:
    rings, members = market.truth["rings"].to_pandas(), market.truth["members"].to_pandas()
    assert len(rings) > 5
    looks = log[log["item_id"].notna()]
    for ring in rings.itertuples():
        mine = members[members["ring_id"] == ring.ring_id]
        users = mine[mine["role"] == "member"].set_index("node_id")["targets_touched"]
        targets = mine.loc[mine["role"] == "target", "node_id"]
        assert (len(users), len(targets)) == (ring.size, ring.targets)
        assert ring.detectable == (users >= 2).sum()
        assert ring.density == pytest.approx(users.sum() / (ring.size * ring.targets))
        # What follows an order may come later, and a member may come back by chance, so the log may show more but not less.
        seen = looks[looks["item_id"].isin(targets) & looks["user_id"].isin(users.index) & (looks["timestamp"] >= ring.start)]
        touched = seen.groupby("user_id")["item_id"].nunique().reindex(users.index).fillna(0)
        assert (touched >= users).mean() > 0.97
        assert touched.sum() < 1.5 * users.sum()
        shared = mine.loc[mine["role"] == "shared_device", "node_id"]
        users_of = log[log["device_id"].isin(shared)].groupby("device_id")["user_id"].nunique()
        assert (users_of >= 2).all()


def test_rings_have_the_sizes_and_densities_that_were_asked() -> None:
    rings = simulate(preset("hard", users=40_000), 9).truth["rings"].to_pandas()
    assert 15 <= rings["size"].median() <= 40
    assert rings["size"].max() <= 40_000 / 60
    assert rings["targets"].between(2, 30).all()
    assert rings["density"].between(0.07, 0.9).all()
    detectable = rings["detectable"].sum() / rings["size"].sum()
    assert 0.84 <= detectable <= 0.95
    slow = rings.loc[rings["kind"] == "slow", "end"] - rings.loc[rings["kind"] == "slow", "start"]
    assert slow.median() > pd.Timedelta(days=14)
    members = rings.set_index("ring_id")
    assert (
        members.loc[members["kind"] == "takeover", "end"] - members.loc[members["kind"] == "takeover", "start"]
    ).median() < pd.Timedelta(days=3)


def test_cartels_share_their_workers() -> None:
    made = simulate(preset("hard", users=30_000), 9)
    kinds = made.truth["rings"].to_pandas().set_index("ring_id")["kind"]
    members = made.truth["members"].to_pandas().query("role == 'member'")
    members = members[members["ring_id"].map(kinds) == "cartel"]
    groups = [set(users) for _, users in members.groupby("ring_id")["node_id"]]
    shares = [len(a & b) / min(len(a), len(b)) for a in groups for b in groups if a is not b]
    assert max(shares) > 0.4


def test_labels_are_few_late_and_sometimes_wrong() -> None:
    settings = preset("hard", users=30_000)
    found = []
    for seed in (1, 2, 3):
        made = simulate(settings, seed)
        labels, members = made.truth["labels"].to_pandas(), made.truth["members"].to_pandas()
        fraud = set(members.loc[members["role"] == "member", "node_id"])
        known = labels["user_id"].isin(fraud)
        found.append(known.sum() / len(fraud))
        wrong = labels["label"] != known
        assert wrong.mean() < 0.06
        assert labels["user_id"].is_unique
        end = pd.Timestamp(settings.start, tz="UTC") + pd.Timedelta(days=settings.days)
        assert (labels["known_at"] < end).all()
        first = made.truth["rings"].to_pandas().set_index("ring_id")["start"]
        member = members[members["role"] == "member"]
        start = member["ring_id"].map(first).groupby(member["node_id"]).min()
        delay = labels.loc[known, "known_at"].to_numpy() - start.loc[labels.loc[known, "user_id"]].to_numpy()
        assert delay.min() >= np.timedelta64(3, "D")
    assert min(found) > 0.01
    assert max(found) < 0.26
    assert max(found) - min(found) > 0.01


def test_scripted_reviews_are_near_duplicates_and_own_words_are_not(market: Market) -> None:
    told = np.flatnonzero(market.columns.action == ACTION["review"])
    texts = pd.Series(log_table(market).column("text").take(pa.array(told)).to_pylist())
    script = pd.Series(market.columns.script[told])
    both = texts.notna() & (script > 0)
    assert both.sum() > 15

    def alike(some: pd.Series) -> float:
        words = [{text[at : at + 3] for at in range(len(text) - 2)} for text in some.head(30)]
        return float(np.mean([len(a & b) / len(a | b) for a in words for b in words if a is not b]))

    same_script = [alike(group) for _, group in texts[both].groupby(script[both]) if len(group) > 3]
    assert np.mean(same_script) > 4 * alike(texts[texts.notna() & (script == 0)])
    own = texts[texts.notna() & (script == 0)]
    assert own.nunique() > 0.85 * len(own)
    assert own.str.contains("[\u4e00-\u9fff]").mean() > 0.5
    assert own.str.match("^[\x00-\x7f]+$").mean() > 0.1


def test_without_lookalikes_none_are_planned() -> None:
    made = simulate(without_lookalikes(preset("hard", users=3000)), 1)
    assert set(made.truth["lookalikes"].column("kind").to_pylist()) == {"household", "campus", "carrier", "cafe"}
    assert set(LookalikeSettings.model_fields) >= {"fan_clubs", "staff"}


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_market_is_written_whole(market: Market, log: pd.DataFrame, tmp_path: Path, form: str) -> None:
    out = tmp_path / "deep" / "market"
    write_market(market, out, form)  # type: ignore[arg-type]
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert names == {f"events.{form}", "market.json", *(f"truth/{name}.parquet" for name in TRUTH_TABLES)}
    if form == "parquet":
        assert pq.read_table(out / "events.parquet").equals(log_table(market))
    else:
        read = pa_csv.read_csv(out / "events.csv")
        assert read.column("user_id").to_pylist() == log["user_id"].to_list()
        assert read.num_rows == len(market)
    for name in TRUTH_TABLES:
        assert pq.read_table(out / "truth" / f"{name}.parquet").schema.equals(truth_schema(name))
    made = json.loads((out / "market.json").read_text(encoding="utf-8"))
    assert (made["seed"], made["events"]) == (7, len(market))
    assert MarketSettings.model_validate(made["settings"]) == SMALL
    assert [path.name for path in out.parent.iterdir()] == ["market"]


def test_nothing_is_overwritten_or_half_written(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for taken in ("full", "file"):
        with pytest.raises(MarketError, match="something already"):
            write_market(market, tmp_path / taken)
    (tmp_path / "empty").mkdir()
    write_market(market, tmp_path / "empty")
    assert (tmp_path / "empty" / "events.parquet").exists()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graphdet.simulate.writing._write_log", fail)
    with pytest.raises(MarketError, match="No space left"):
        write_market(market, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"full", "file", "empty"}


def test_what_cannot_be_made_is_refused_in_words() -> None:
    with pytest.raises(MarketError, match="did you mean 'hard'"):
        preset("hardd")  # type: ignore[arg-type]
    with pytest.raises(MarketError, match="too few"):
        preset("hard", users=10_000, events=12_000)
    with pytest.raises(MarketError, match="too few"):
        simulate(preset("hard", users=5000, events=12_000), 1)
    with pytest.raises(MarketError, match="out of bounds"):
        preset("hard", users=3)
    with pytest.raises(MarketError, match="YYYY-MM-DD"):
        simulate(SMALL.model_copy(update={"start": "soon"}), 1)
    with pytest.raises(UnknownSetting, match="did you mean 'camouflage'"):
        parse_section(MarketSettings, {"rings": {"camouflag": 1.0}}, "m.toml")
    with pytest.raises(GraphdetError, match="exceeds"):
        parse_section(MarketSettings, {"rings": {"targets_min": 40}}, "m.toml")


def test_the_folder_of_a_market_is_read_without_its_truth(tmp_path: Path) -> None:
    write_market(simulate(preset("demo", users=1500, events=15_000), 1), tmp_path / "market")
    alone, folder = (read_events([path]) for path in (tmp_path / "market" / "events.parquet", tmp_path / "market"))
    assert len(folder) == len(alone)
    assert folder.report.files == alone.report.files
