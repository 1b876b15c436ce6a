"""Bursts: against a slow reference, on noise, and where they were planted; and the command that lists them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
from commands import Command
from conftest import event_table
from scipy.stats import nbinom

from graphdet import _kernels
from graphdet.events import EventTable, read_events
from graphdet.run.log_clock import LogClock
from graphdet.settings import LogSettings, MachineSettings, Settings
from graphdet.signal_settings import SeriesSettings
from graphdet.signals.bursts import find_bursts
from graphdet.signals.counting import Counts, count_series
from graphdet.signals.surveillance import WINDOWS, least_count, negative_binomial_tail, surprises

DAYS, ITEMS = 40, 300
USUAL = 0.6  # users of an item in a day
DISPERSION = 0.5
WEEKLY = np.array([0.7, 0.8, 0.9, 1.0, 1.1, 1.4, 1.1])


def counts_of(table: np.ndarray) -> Counts:
    """Series as the signal has them, from a table of items by days."""
    item, day = np.nonzero(table)
    offset = np.r_[0, np.cumsum(np.bincount(item, minlength=len(table)))]
    born = np.array([np.flatnonzero(row)[0] for row in table], np.int32)
    exposure = table.sum(0).astype(np.float64)
    return Counts(
        "item", "orders", "day", 0, 86_400_000_000, np.arange(len(table)), offset, day.astype(np.int32),
        table[item, day].astype(np.int32), exposure, born,
    )  # fmt: skip


def noise(seed: int, items: int = ITEMS, dispersion: float = DISPERSION) -> np.ndarray:
    """Items by days: negative binomial about a level of each item and the days of the week."""
    generator = np.random.default_rng(seed)
    mean = USUAL * generator.gamma(2, 0.5, (items, 1)) * np.resize(WEEKLY, DAYS)
    table = generator.poisson(mean * generator.gamma(1 / dispersion, dispersion, mean.shape)) if dispersion else generator.poisson(mean)
    table[:, 0] = np.maximum(table[:, 0], 1)  # each is there from the first day on
    return table


def log_of(table: np.ndarray, folder: Path) -> EventTable:
    """A log in which each count is so many users, who come at any hour."""
    generator = np.random.default_rng(1)
    item, day = np.repeat(np.argwhere(table), table[table > 0], axis=0).T
    second = generator.integers(0, 86_400, len(item))
    frame = pd.DataFrame(
        {
            "user_id": [f"u{number}" for number in generator.permutation(len(item))],
            "item_id": [f"i{number}" for number in item],
            "action": "order",
            "timestamp": pd.Timestamp("2025-03-03") + pd.to_timedelta(day * 86_400 + second, unit="s"),
        }
    )
    path = folder / "events.csv"
    frame.sample(frac=1, random_state=0).to_csv(path, index=False)
    return read_events([path], LogSettings(), MachineSettings())


def slow_surges(
    counts: Counts, weight: np.ndarray, dispersion: np.ndarray, level_of_all: float, prior: float, least: int
) -> list[tuple[float, float, int]]:
    """Each cell's most unlikely stretch by slices of whole arrays and scipy's tail."""
    buckets = len(counts.exposure)
    found = []
    for series in range(len(counts)):
        cells = slice(counts.offset[series], counts.offset[series + 1])
        own, kept = np.zeros(buckets), np.ones(buckets)
        own[counts.bucket[cells]] = counts.count[cells]
        kept[counts.bucket[cells]] = weight[cells]
        alive = np.arange(buckets) >= counts.born[series]
        for first in counts.bucket[cells].tolist():
            best = (0.0, 0.0, 0)
            for place, (window, reach) in enumerate(zip(*WINDOWS[counts.grain], strict=True)):
                until = first + window
                if until > buckets:
                    continue
                inside = (np.arange(buckets) >= first) & (np.arange(buckets) < until)
                outside = alive & ~inside
                shape = prior + (own * kept)[outside].sum()
                rate = prior / level_of_all + (counts.exposure * kept)[outside].sum()
                levels = [(shape, rate)]
                for low, high in ((max(first - reach, counts.born[series]), first), (until, min(until + reach, buckets))):
                    if low < high:
                        levels.append((2 + own[low:high].sum(), 2 * rate / shape + counts.exposure[low:high].sum()))
                shape, rate = max(levels, key=lambda level: level[0] / level[1])
                mean = counts.exposure[inside].sum() * shape / rate
                own_dispersion = dispersion[place * len(counts) + series]
                wide = own_dispersion + (1 + own_dispersion) / shape
                count = own[inside].sum()
                if count >= least and count > mean + 2 * np.sqrt(mean + wide * mean**2):
                    surprise = -nbinom.logsf(count - 1, 1 / wide, 1 / (1 + wide * mean))
                    best = max(best, (surprise, mean, until - first))
            found.append(best)
    return found


def test_the_kernel_equals_slices_and_scipy() -> None:
    table = noise(5, 25)
    table[3, 20:22] += 9
    counts = counts_of(table)
    generator = np.random.default_rng(2)
    weight, dispersion = generator.uniform(0.3, 1, len(counts.bucket)), generator.uniform(0.01, 1, 4 * len(counts))
    windows, reach = (np.array(each, np.int32) for each in WINDOWS["day"])
    passed = np.r_[0.0, np.cumsum(counts.exposure)]
    cell, surprise, expected, _, length = _kernels.surges(
        counts.offset, counts.bucket, counts.count, weight, passed, counts.born, dispersion, 0.004, 0.5, windows, reach, 3
    )
    slow = slow_surges(counts, weight, dispersion, 0.004, 0.5, 3)
    assert cell.tolist() == [place for place, one in enumerate(slow) if one[0] > 0]
    assert len(cell) > 20
    slow = [slow[place] for place in cell.tolist()]
    np.testing.assert_allclose(surprise, [one[0] for one in slow], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(expected, [one[1] for one in slow], rtol=1e-9)
    assert length.tolist() == [one[2] for one in slow]
    with pytest.raises(ValueError, match="exposure must rise"):
        _kernels.surges(
            counts.offset, counts.bucket, counts.count, weight, passed[::-1].copy(), counts.born, dispersion, 1.0, 1.0, windows, reach, 3
        )


def test_sums_over_cells_equal_whole_tables() -> None:
    table = noise(6, 30)
    counts = counts_of(table)
    generator = np.random.default_rng(4)
    weight, level = generator.uniform(0.2, 1, len(counts.bucket)), generator.uniform(0.001, 0.01, len(counts))
    kept = np.ones(table.shape)
    kept[np.nonzero(table)] = weight
    cells = (counts.offset, counts.bucket, counts.count)
    spared, told = _kernels.sum_cells(*cells, weight, counts.exposure)
    np.testing.assert_allclose(spared, ((1 - kept) * counts.exposure).sum(1), rtol=1e-12)
    np.testing.assert_allclose(told, (kept * table).sum(1), rtol=1e-12)
    for window in (1, 2, 7):
        starts = np.arange(0, DAYS, window)
        exposure, blocks = np.add.reduceat(counts.exposure, starts), np.add.reduceat(table, starts, axis=1)
        trust = np.minimum.reduceat(np.where(table > 0, kept, 1.0), starts, axis=1) * (blocks > 0)
        mean = exposure * level[:, None]
        more, squares, passed = _kernels.sum_blocks(*cells, weight, exposure, level, window)
        np.testing.assert_allclose(more, (trust * ((blocks - mean) ** 2 - blocks)).sum(1), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(squares, (trust * mean**2).sum(1), rtol=1e-12)
        np.testing.assert_allclose(passed, ((blocks > 0) * exposure**2).sum(1), rtol=1e-12)
    dispersion = generator.uniform(0, 1, len(counts))
    cell, series, mean = _kernels.find_far(*cells, counts.exposure, level, dispersion, 3)
    usual = counts.exposure * level[:, None]
    far = (table >= 3) & (table > usual + 2 * np.sqrt(usual + dispersion[:, None] * usual**2))
    assert far.any()
    assert (np.column_stack([series, counts.bucket[cell]]) == np.argwhere(far)).all()
    assert (mean == usual[far]).all()


def test_tails_and_quantiles_are_those_of_the_negative_binomial() -> None:
    generator = np.random.default_rng(9)
    mean, dispersion = np.exp(generator.uniform(-3, 6, 300)), np.exp(generator.uniform(-9, 1, 300))
    count, size = (mean * generator.uniform(0.5, 3, 300)).astype(np.int64) + 1, 1 / dispersion
    share = size / (size + mean)
    np.testing.assert_allclose(negative_binomial_tail(count, mean, dispersion), nbinom.sf(count - 1, size, share), rtol=1e-7)
    for one in (0.05, 0.5, 0.95):
        told = [least_count(one, *each) for each in zip(mean.tolist(), dispersion.tolist(), strict=True)]
        assert told == nbinom.ppf(one, size, share).tolist()


def test_the_level_is_that_of_a_fitted_negative_binomial() -> None:
    """statsmodels is not asked for: the likelihood of level and dispersion of one long series is maximised by scipy."""
    from scipy.optimize import minimize

    generator = np.random.default_rng(8)
    exposure = np.resize(WEEKLY, 400) * 20.0
    one = generator.poisson(0.3 * exposure * generator.gamma(2, 0.5, 400))
    others = generator.poisson(np.outer(generator.uniform(0.1, 0.6, 60), exposure) * generator.gamma(2, 0.5, (60, 400)))
    counts = counts_of(np.vstack([one, others]))

    def loss(both: np.ndarray) -> float:
        mean, size = np.exp(both[0]) * counts.exposure, np.exp(both[1])
        return float(-nbinom.logpmf(one, size, size / (size + mean)).sum())

    fitted = minimize(loss, [np.log(0.01), 0.0], method="Nelder-Mead")
    found = surprises(counts, 3)
    own = found.of_series(0)
    buckets = counts.bucket[found.cell[own]]
    passed = np.r_[0, np.cumsum(counts.exposure)]
    height = found.expected[own] / (passed[buckets + found.length[own]] - passed[buckets])
    assert len(buckets) > 5
    assert np.median(height) == pytest.approx(np.exp(fitted.x[0]), rel=0.35)  # the highest of three levels, so a little above
    assert (height > 0.85 * np.exp(fitted.x[0])).all()


@pytest.mark.parametrize("dispersion", [0.0, 0.5, 1.0])
def test_noise_alarms_no_more_often_than_is_said(dispersion: float) -> None:
    """A log without bursts has one with a chance of `false_share`; by the model alone, without the second threshold."""
    alarms = 0
    for seed in range(12):
        found = surprises(counts_of(noise(100 + seed, 400, dispersion)), 5)
        alarms += bool((found.ln_chance + np.log(len(found.counts)) <= np.log(0.05)).any())
    assert alarms <= 3  # of 12 with a chance of .05 each: more has a chance of .002


def test_planted_bursts_are_found_with_start_length_and_excess(tmp_path: Path) -> None:
    table = noise(11)
    planted = {7: (20, 1, 14), 90: (12, 2, 20), 200: (30, 3, 10), 250: (5, 1, 18)}  # item → day, days, users a day
    for item, (day, days, users) in planted.items():
        table[item, day : day + days] += users
    found = find_bursts(log_of(table, tmp_path), SeriesSettings(rare_share=0.05))
    assert found is not None
    rows = [row for row in found.to_pylist() if row["node_type"] == "item"]
    assert {row["node_id"] for row in rows} == {f"i{item}" for item in planted}
    for row in rows:
        day, days, users = planted[int(row["node_id"][1:])]
        began = (row["first_seen"] - pd.Timestamp("2025-03-03", tz="UTC")) / pd.Timedelta(days=1)
        ended = (row["last_seen"] - pd.Timestamp("2025-03-03", tz="UTC")) / pd.Timedelta(days=1)
        assert began <= day + 1
        assert ended >= day + days - 1
        assert row["excess"] == pytest.approx(days * users, abs=4 + 0.2 * days * users)
        assert row["excess_low"] <= row["excess"] <= row["excess_high"] <= row["count"]
        assert row["q_value"] <= 0.01
        place = round(began) - round((row["since"] - pd.Timestamp("2025-03-03", tz="UTC")) / pd.Timedelta(days=1))
        if row["grain"] == "day":
            assert sum(row["counts"][place : place + round(ended - began)]) == row["count"]


def test_most_planted_bursts_are_found_and_hardly_any_other() -> None:
    generator = np.random.default_rng(3)
    table = noise(17, 2000)
    chosen = generator.choice(2000, 40, replace=False)
    day = generator.integers(3, DAYS - 4, 40)
    for item, first in zip(chosen.tolist(), day.tolist(), strict=True):
        table[item, first : first + 2] += 16
    found = surprises(counts_of(table), 5)
    alarmed = set(np.flatnonzero(found.ln_chance + np.log(2000) <= np.log(0.05)).tolist())
    assert len(alarmed & set(chosen.tolist())) >= 22
    assert len(alarmed - set(chosen.tolist())) <= 2


def test_a_step_up_is_no_burst_and_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    table = noise(23, 60)
    table[5, 20:] += np.random.default_rng(0).poisson(6, DAYS - 20)  # from now on
    found = surprises(counts_of(table), 5)
    assert found.best[5] < 8
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    table[9, 10] += 25
    first = log_of(table, tmp_path / "one")
    frame = pd.read_csv(tmp_path / "one" / "events.csv").sample(frac=1, random_state=9)
    frame.to_csv(tmp_path / "two" / "events.csv", index=False)
    second = read_events([tmp_path / "two" / "events.csv"], LogSettings(), MachineSettings())
    bursts = [find_bursts(one, SeriesSettings(rare_share=1.0)) for one in (first, second)]
    assert bursts[0] is not None
    assert bursts[0].num_rows
    assert bursts[0].equals(bursts[1])


def test_counts_are_those_of_a_plain_count(tmp_path: Path) -> None:
    generator = np.random.default_rng(12)
    second = generator.choice(9 * 86_400, 1500, replace=False)
    frame = pd.DataFrame(
        {
            "user_id": [f"u{number}" for number in generator.integers(0, 30, 1500)],
            "item_id": [f"i{number}" if number < 8 else "" for number in (9 * generator.random(1500) ** 2).astype(int)],
            "device_id": "d",  # so that an event without an item is one
            "action": generator.choice(["view", "cart", "order", "refund", "cancel"], 1500),
            "timestamp": (pd.Timestamp("2025-03-01", tz="UTC") + pd.to_timedelta(second, unit="s")).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    frame.loc[:20, "timestamp"] = ""
    frame["category"] = frame["item_id"].map(lambda item: f"c{int(item[1:]) % 3}" if item not in ("", "i1") else "")
    frame.to_csv(tmp_path / "events.csv", index=False)
    events = read_events([tmp_path / "events.csv"], LogSettings(), MachineSettings())
    frame["stamp"] = pd.to_datetime(frame["timestamp"].where(frame["timestamp"] != ""), utc=True)
    of = {"events": set(frame["action"]), "orders": {"order"}, "refunds": {"refund", "cancel"}}
    seen, left_out = [], 0
    for counts in count_series(events, 40, 2):
        seen.append((counts.grain, counts.measure, counts.node_type))
        name = {"category": "category", "item": "item_id", "shop": None}[counts.node_type]
        own = frame[frame["stamp"].notna() & frame["action"].isin(of.get(counts.measure, {counts.measure}))]
        own = own.assign(at=own["stamp"].dt.floor("h" if counts.grain == "hour" else "D"), node=own[name] if name else "")
        own = own if name is None else own[own["node"] != ""].drop_duplicates(["node", "at", "user_id"])
        slow = own.groupby(["node", "at"]).size()
        many = slow.groupby("node").sum()
        left_out += (many < 40).sum()
        names = {"category": events.categories, "item": events.ids["item"].to_pylist(), "shop": [""]}[counts.node_type]
        got = {
            (names[int(counts.node[one])], pd.Timestamp(counts.start + int(bucket) * counts.width, unit="us", tz="UTC")): int(count)
            for one in range(len(counts))
            for cells in [slice(counts.offset[one], counts.offset[one + 1])]
            for bucket, count in zip(counts.bucket[cells], counts.count[cells], strict=True)
        }
        assert got == slow[slow.index.get_level_values("node").isin(many.index[many >= 40])].to_dict()
        if counts.grain == "day" and name is not None:
            everybody = slow.groupby("at").sum().reindex(pd.date_range("2025-03-01", periods=9, tz="UTC"), fill_value=0)
            assert counts.exposure.tolist() == everybody.tolist()
    assert left_out
    assert {one for one in seen if one[2] != "shop"} == {
        (grain, measure, node) for grain in ("hour", "day") for measure in of for node in ("item", "category")
    }
    assert {measure for _, measure, node in seen if node == "shop"} == {"events", *frame["action"]}
    again = list(count_series(events, 40, 1))
    assert [(one.grain, one.measure, one.node_type) for one in again] == seen


@pytest.mark.parametrize("days", [6, 7, 8])
def test_a_log_of_a_week_is_counted_and_a_shorter_one_is_not(days: int) -> None:
    generator = np.random.default_rng(3)
    rows = [
        {"user": f"u{generator.integers(50)}", "item": f"i{generator.integers(5)}", "time": int(second), "action": "view"}
        for second in generator.integers(0, days * 86_400, 1000)
    ]
    rows += [{"user": f"u{number}", "item": "i0", "time": 3 * 86_400 + number, "action": "view"} for number in range(50)]
    found = find_bursts(event_table(rows), SeriesSettings(rare_share=1.0))
    assert found is not None
    assert ("i0" in found["node_id"].to_pylist()) == (days >= 7)


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_burst_of_the_whole_shop_is_found_whatever_hour_the_log_begins_at(hour: int) -> None:
    generator = np.random.default_rng(5)
    seconds = [*generator.integers(0, 30 * 86_400, 3000), *(17 * 86_400 + generator.integers(0, 5400, 60))]
    rows = [{"user": f"u{number}", "time": 3600 * hour + int(second), "action": "order"} for number, second in enumerate(seconds)]
    found = find_bursts(event_table(rows), SeriesSettings())
    assert found is not None
    assert "hour" in found.filter(pc.equal(found["node_type"], "shop"))["grain"].to_pylist()
    (start,) = {moment.timestamp() for moment in found["first_seen"].to_pylist()}
    assert start == 17 * 86_400 + 3600 * hour


@pytest.mark.parametrize("zone", ["+08:00", "-05:30", "Asia/Shanghai", "America/Phoenix"])
def test_days_are_those_of_the_shops_own_clock(zone: str) -> None:
    """What clocks on two walls showed alike has the same bursts, whatever time it was elsewhere; by days of UTC it has others."""
    generator = np.random.default_rng(6)
    seconds = [*generator.integers(0, 20 * 86_400, 2000), *(12 * 86_400 + generator.integers(0, 86_400, 90))]
    items = [*generator.integers(0, 8, 2000), *[3] * 90]
    monday = 18_262 * 86_400  # of 2020, when China's summers have the time of its winters
    ahead = round(LogClock(zone).wall(np.array([monday * 1_000_000]))[0] / 1e6) - monday

    def bursts(shift: int, own: str) -> list[dict[str, Any]]:
        rows = [
            {"user": f"u{number}", "item": f"i{item}", "time": monday + int(second) - shift, "action": "order"}
            for number, (item, second) in enumerate(zip(items, seconds, strict=True))
        ]
        found = find_bursts(event_table(rows), SeriesSettings(rare_share=1.0), zone=own)
        assert found is not None
        return [
            {**row, **{name: row[name].timestamp() + shift for name in ("first_seen", "last_seen", "since")}} for row in found.to_pylist()
        ]

    there = bursts(ahead, zone)
    assert there == bursts(0, "UTC") != bursts(ahead, "UTC")
    assert [row["first_seen"] - monday for row in there if row["grain"] == "day" and row["node_id"] == "i3"] == [12 * 86_400.0]


def test_a_log_without_times_has_no_table_and_says_so(graphdet_command: Command, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"user_id": generator.integers(0, 40, 400), "item_id": generator.integers(0, 30, 400)})
    frame.to_csv(tmp_path / "events.csv", index=False)
    assert graphdet_command("run", str(tmp_path / "events.csv"), "--out", str(tmp_path / "run")).code == 0
    assert not (tmp_path / "run" / "bursts.parquet").exists()
    told = graphdet_command("bursts", str(tmp_path / "run"))
    assert told.code == 2
    assert "no times" in told.err


def test_the_command_lists_tells_and_draws(graphdet_command: Command, tmp_path: Path) -> None:
    table = noise(31, 120)
    table[4, 15:17] += 20
    log_of(table, tmp_path)
    (tmp_path / "mine.toml").write_text("[signals.series]\nrare_share = 0.05\n[gnn]\nleast_rings = 0\n[rings]\npermutations = 1\n")
    done = graphdet_command("run", str(tmp_path / "events.csv"), "--out", str(tmp_path / "run"), "--settings", str(tmp_path / "mine.toml"))
    assert done.code == 0, done.err
    run = str(tmp_path / "run")
    rows = json.loads(graphdet_command("bursts", run, "--json", "--of", "item").out)
    assert rows[0]["node_id"] == "i4"
    assert rows[0]["number"] >= 1
    assert "i4" in graphdet_command("bursts", run).out
    sentence = graphdet_command("bursts", run, str(rows[0]["number"])).out
    assert f"{rows[0]['count']} people" in sentence
    assert "2025-03-18" in sentence
    assert "商品 i4" in graphdet_command("bursts", run, str(rows[0]["number"]), "--lang", "zh").out
    assert graphdet_command("bursts", run, str(rows[0]["number"]), "--plot", str(tmp_path / "one.svg")).code == 0
    picture = ET.parse(tmp_path / "one.svg").getroot()  # noqa: S314 - made here
    bars = [one for one in picture.iter("{http://www.w3.org/2000/svg}rect") if one.get("fill") == "#B3261E"]
    assert len(bars) >= 1
    wrong = graphdet_command("bursts", run, "999")
    assert wrong.code == 2
    assert "no burst 999" in wrong.err
    off = Settings().signals.series.model_copy(update={"false_share": 0.0})
    assert find_bursts(read_events([tmp_path / "events.csv"], LogSettings(), MachineSettings()), off) is None
