"""Suspected takeovers: what is new to an account, by another way; planted breaks are found; without any, chances are what they say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from commands import Command
from conftest import event_table

from graphdet import read_events
from graphdet.events import EventTable
from graphdet.schema import ACTED_FROM
from graphdet.schema.wording import LANGUAGES
from graphdet.settings import Settings
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals.breaks import measure_breaks
from graphdet.signals.lives import Lives, own_blocks, read_lives
from graphdet.signals.takeovers import Takeovers, find_takeovers, takeover_tables
from graphdet.simulate import preset, simulate, with_takeovers, write_market
from graphdet.simulate.writing import log_table
from graphdet.words.takeover_words import AGAINST, FOR, PLACE, reasons_of, summary_of

WINDOW = 48 * 3600
USERS, EVENTS = 2500, 90_000


@dataclass(frozen=True)
class MadeLog:
    folder: Path
    events: EventTable
    taken: set[str]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> MadeLog:
    """A market in which strangers came."""
    folder = tmp_path_factory.mktemp("takeovers") / "market"
    write_market(simulate(with_takeovers(preset("hard", users=USERS, events=EVENTS), 100), 41), folder)
    taken = set(pq.read_table(folder / "truth" / "takeovers.parquet")["user_id"].to_pylist())
    return MadeLog(folder, read_events([folder / "events.parquet"]), taken)


@pytest.fixture(scope="module")
def found(broken: MadeLog) -> Takeovers:
    takeovers = find_takeovers(broken.events, TakeoverSettings(), 1)
    assert takeovers is not None
    return takeovers


def names(events: EventTable, codes: np.ndarray) -> list[str]:
    return list(events.ids["user"].take(codes).to_pylist())


def test_planted_breaks_come_first_and_those_named_are_right(broken: MadeLog, found: Takeovers) -> None:
    worst = names(broken.events, found.blocks.account)
    assert len(broken.taken) == 25
    assert len(broken.taken & set(worst[:50])) >= 15
    named = takeover_tables(broken.events, found, 0.1)["takeovers"]["user_id"].to_pylist()
    others = set(pq.read_table(broken.folder / "truth" / "members.parquet")["node_id"].to_pylist())  # some rings' members are victims, too
    assert len(broken.taken & set(named)) >= 5
    assert len(set(named) - broken.taken - others) <= 1


def test_without_takeovers_the_chances_are_what_they_say(tmp_path: Path) -> None:
    write_market(simulate(preset("hard", users=USERS, events=EVENTS), 42), tmp_path / "market")
    assert not (tmp_path / "market" / "truth" / "takeovers.parquet").exists()
    events = read_events([tmp_path / "market" / "events.parquet"])
    found = find_takeovers(events, TakeoverSettings(), 1)
    assert found is not None
    for chance in (0.02, 0.1, 0.3):
        assert (found.p_value <= chance).mean() <= 1.5 * chance + 0.005
    assert takeover_tables(events, found, 0.1)["takeovers"].num_rows <= 2


def test_parts_sum_to_the_score_and_chances_follow_the_formula(found: Takeovers) -> None:
    assert np.allclose(sum(found.parts.values()), found.score, atol=1e-5)
    q = [min(p * len(found.p_value) / rank for rank, p in list(enumerate(found.p_value, 1))[place:]) for place in range(40)]
    assert found.q_value[:40] == pytest.approx(np.minimum(q, 1))
    assert (np.diff(found.p_value) >= 0).all()


def test_row_order_threads_and_repeated_runs_change_nothing(broken: MadeLog, found: Takeovers, tmp_path: Path) -> None:
    log = pq.read_table(broken.folder / "events.parquet")
    pq.write_table(log.take(np.random.default_rng(3).permutation(log.num_rows)), tmp_path / "shuffled.parquet")
    events = read_events([tmp_path / "shuffled.parquet"])
    again = find_takeovers(events, TakeoverSettings(), 1)
    assert again is not None
    for name, table in takeover_tables(broken.events, found, 0.3).items():
        assert table.equals(takeover_tables(events, again, 0.3)[name])


def test_what_is_new_equals_the_obvious_loop(broken: MadeLog) -> None:
    lives = read_lives(broken.events)
    assert lives is not None
    blocks = own_blocks(lives, "device", WINDOW, 3)
    new = measure_breaks(lives, blocks, "device", WINDOW).new
    everything = np.arange(len(lives.row))
    user, second = lives.user(everything), lives.second(everything)
    codes_of = {kind: lives.code(kind, everything) for kind in lives.kinds}
    assert set(codes_of) == {"device", "ip", "payment", "address", "goods"}
    assert (user == broken.events.codes["user"][lives.row]).all()
    for number in range(0, len(blocks), max(len(blocks) // 60, 1)):
        account, start, device = int(blocks.account[number]), int(blocks.start[number]), int(blocks.thing[number])
        own = np.flatnonzero(user == account)
        rows = [row for row in own if codes_of["device"][row] == device and start <= second[row] < start + WINDOW]
        assert sorted(blocks.event[blocks.block == number]) == rows
        assert not [row for row in own if codes_of["device"][row] == device and second[row] < start]
        for kind, codes in codes_of.items():
            elsewhere = {int(codes[row]) for row in own if row not in rows}
            used = [int(codes[row]) for row in rows if codes[row] >= 0]
            share = sum(code not in elsewhere for code in used) / len(used) if used else np.nan
            assert new[kind][number] == pytest.approx(share, nan_ok=True)


def test_odd_hours_and_sittings_equal_the_obvious_loop_however_many_are_looked_at_together(
    broken: MadeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = read_lives(broken.events)
    assert lives is not None
    assert broken.events.time is not None
    blocks = own_blocks(lives, "device", WINDOW, 3)
    found = measure_breaks(lives, blocks, "device", WINDOW)
    monkeypatch.setattr("graphdet.signals.breaks.TOGETHER", 7)
    assert (measure_breaks(lives, blocks, "device", WINDOW).hour == found.hour).all()
    user, moment = broken.events.codes["user"][lives.row], broken.events.time[lives.row]
    time, since = moment // 1_000_000, (moment - moment.min()) // 1_000_000
    begins = [n for n in range(len(time)) if n == 0 or user[n] != user[n - 1] or since[n] - since[n - 1] > 1800]
    assert lives.begin.tolist() == begins
    everybody = np.bincount(time[begins] // 3600 % 24, minlength=24) / len(begins)
    for number in range(0, len(blocks), max(len(blocks) // 60, 1)):
        before = [n for n in begins if user[n] == blocks.account[number] and since[n] < blocks.start[number]]
        assert found.known[number] == len(before)
        own = np.bincount(time[before] // 3600 % 24, minlength=24)
        odd = []
        for row in blocks.event[blocks.block == number]:
            hour = int(time[row]) // 3600 % 24
            near = sum(own[(hour + apart) % 24] * (3 - abs(apart)) / 9 for apart in range(-2, 3))
            odd.append(min((1 / 24) / ((near + 4 * everybody[hour]) / (len(before) + 4)), 12))
        assert found.hour[number] == pytest.approx(np.clip(np.log10(0.3 + 0.7 * np.mean(odd)), -1, 1))


def test_a_life_that_ends_with_the_log_is_parted_from_one_that_begins_with_it() -> None:
    rows = [{"user": user, "item": "i", "time": time, "action": "view"} for user, time in (("u0", 100_000), ("u1", 0), ("u1", 1800))]
    lives = read_lives(event_table(rows))
    assert lives is not None
    assert lives.begin.tolist() == [0, 1]


def test_who_comes_afterwards_equals_the_obvious_loop(broken: MadeLog) -> None:
    lives = read_lives(broken.events)
    assert lives is not None
    blocks = own_blocks(lives, "device", WINDOW, 3)
    after = measure_breaks(lives, blocks, "device", WINDOW).classes["after"].of
    assert len(set(after.tolist())) == 4
    for number in range(0, len(blocks), max(len(blocks) // 150, 1)):
        assert after[number] == _comes_after(lives, int(blocks.account[number]), int(blocks.start[number]), int(blocks.thing[number]))


def _comes_after(lives: Lives, account: int, start: int, device: int) -> int:
    own = np.arange(lives.offset[account], lives.offset[account + 1])
    used = {int(lives.code("device", own)[row]) for row in np.flatnonzero(lives.second(own) < start)} - {-1}
    later = {int(lives.code("device", own)[row]) for row in np.flatnonzero(lives.second(own) > start + WINDOW)}
    return {(False, False): 0, (False, True): 1, (True, True): 2, (True, False): 3}[device in later, bool(used & later)]


def people_of_habit() -> list[dict[str, Any]]:
    """A log written by hand: everybody has a phone, a home, a card and hours; some get a new phone; u7 is robbed at night."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    for user in range(160):
        for day in range(20):
            phone = "new" if user % 4 == 0 and day >= 12 else "old"
            at = day * 86_400 + 18 * 3600 + int(rng.integers(0, 7200))
            place = {"user": f"u{user}", "device": f"{phone}{user}", "ip": f"home{user}" if rng.random() < 0.8 else f"cell{user % 7}"}
            rows.append({**place, "item": f"i{rng.integers(0, 60)}", "time": at, "action": "view"})
            if rng.random() < 0.5:
                bought = {"item": f"i{rng.integers(0, 60)}", "address": f"a{user}", "payment": f"p{user}", "amount": 20.0}
                rows.append({**place, **bought, "time": at + 60, "action": "order"})
    strange = {"user": "u7", "device": "burner", "ip": "vpn", "address": "drop", "payment": "stolen", "amount": 400.0, "action": "order"}
    return [*rows, *({**strange, "item": f"i{place}", "time": 15 * 86_400 + 3 * 3600 + 2000 * place} for place in range(4))]


def test_one_stranger_among_people_of_habit_is_named() -> None:
    events = event_table(people_of_habit())
    found = find_takeovers(events, TakeoverSettings(), 1)
    assert found is not None
    named = takeover_tables(events, found, 0.1)
    assert named["takeovers"]["user_id"].to_pylist() == ["u7"]
    assert named["takeover_events"]["device_id"].to_pylist() == ["burner"] * 4
    told = [reason["part"] for reason in reasons_of(named["takeovers"].to_pylist()[0], "en") if reason["log10"] > 0]
    assert {"place", "sent_to", "hour"} <= set(told)


@pytest.mark.parametrize("lacking", ["time", "places"])
def test_a_log_that_cannot_tell_has_no_tables(lacking: str) -> None:
    rows = [{"user": f"u{n % 9}", "item": f"i{n % 5}", "device": f"d{n % 9}", "time": 60 * n, "action": "view"} for n in range(200)]
    for row in rows:
        del row["time" if lacking == "time" else "device"]
    assert find_takeovers(event_table(rows), TakeoverSettings(), 1) is None


def test_the_command_lists_them_with_reasons_in_both_languages(graphdet_command: Command, tmp_path: Path) -> None:
    ours = {
        "user": "user_id",
        "item": "item_id",
        "device": "device_id",
        "address": "address_id",
        "payment": "payment_id",
        "time": "timestamp",
    }
    rows = [{ours.get(key, key): value for key, value in row.items()} for row in people_of_habit()]
    for row in rows:
        row["timestamp"] = f"{datetime(2025, 3, 1, tzinfo=UTC) + timedelta(seconds=row['timestamp']):%Y-%m-%d %H:%M:%S}"
    rows = [{key: value for key, value in row.items() if key != "ip"} for row in rows]  # names of networks are no addresses
    log, settings = tmp_path / "log.csv", tmp_path / "quick.toml"
    pd.DataFrame(rows).to_csv(log, index=False)
    zone = "[log]\ntimezone = '+08:00'\n"
    settings.write_text(f"{zone}[rings]\npermutations = 1\n[signals.takeovers]\nq = 0.2\n", encoding="utf-8")
    assert graphdet_command("run", log, "--settings", settings, "--out", tmp_path / "run").code == 0
    told = json.loads(graphdet_command("users", tmp_path / "run", "--json", "--lang", "zh").out)
    assert [row["user_id"] for row in told] == ["u7"]
    assert [event["device_id"] for event in told[0]["moved_by"]] == ["burner"] * 4
    assert sum(told[0][f"by_{part}"] for part in AGAINST) == pytest.approx(told[0]["score"], abs=1e-4)
    assert "疑似" in told[0]["summary"]
    shown = graphdet_command("users", tmp_path / "run", "--user", "u7", "--events").out
    assert "2025-03-16 03:00" in shown
    written = {row["timestamp"] for row in rows if row["user_id"] == "u7"}  # by the shop's own clock, as all that is told of u7
    said = [*re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?", shown + told[0]["summary"])]
    assert len(said) > 4
    assert all(any(one.startswith(time) for one in written) for time in said)
    assert "+08:00" in shown
    assert "+08:00" in told[0]["summary"]
    assert "UTC" not in shown + told[0]["summary"]
    assert "burner" in shown
    assert "network" not in shown  # the log tells none
    assert "u7" not in graphdet_command("users", tmp_path / "run", "--user", "u8").out
    settings.write_text(settings.read_text(encoding="utf-8") + "on = false\n", encoding="utf-8")
    assert graphdet_command("run", log, "--settings", settings, "--out", tmp_path / "off").code == 0
    refused = graphdet_command("users", tmp_path / "off")
    assert refused.code == 2
    assert "[signals.takeovers]" in refused.err
    assert not list((tmp_path / "off").glob("takeover*"))


def test_every_part_has_words_in_both_languages_and_no_verdict(found: Takeovers, broken: MadeLog) -> None:
    row = takeover_tables(broken.events, found, 1.0)["takeovers"].to_pylist()[0]
    assert set(AGAINST) == {"place", *FOR} == {*found.parts, "travel"}
    for language in LANGUAGES:
        for sign in (1.0, -1.0):
            told = reasons_of({**row, **{f"by_{part}": sign for part in AGAINST}}, language)
            assert len({reason["sentence"] for reason in told}) == len(AGAINST)
        assert ("uspected" if language == "en" else "疑似") in summary_of(row, language, "2025-03-01 10:00", "2025-03-01 12:00 UTC")
    assert len(PLACE) == 3


def test_a_market_without_takeovers_is_what_it_was(broken: MadeLog) -> None:
    before, zero = preset("demo", users=800, events=6000), with_takeovers(preset("demo", users=800, events=6000), 0.0)
    assert log_table(simulate(before, 3)).equals(log_table(simulate(zero, 3)))
    strangers = pq.read_table(broken.folder / "truth" / "takeovers.parquet").to_pylist()
    log = pq.read_table(broken.folder / "events.parquet", columns=["timestamp", "user_id", "device_id"]).to_pandas()
    for row in strangers:
        own = log[log["user_id"] == row["user_id"]]
        began = row["start"] - timedelta(minutes=10)  # by when they log in
        there = own[(own["timestamp"] >= began) & (own["timestamp"] <= row["end"])]
        assert set(there["device_id"]) - set(own[own["timestamp"] < began]["device_id"])


def test_takeovers_are_of_the_marketplace(graphdet_command: Command, tmp_path: Path) -> None:
    refused = graphdet_command("simulate", "--shop", "news", "--takeovers", "5", "--out", tmp_path / "shop")
    assert refused.code == 2
    assert "--takeovers" in refused.err


def test_places_are_kinds_of_the_log(found: Takeovers) -> None:
    assert set(ACTED_FROM) <= set(found.found.new)
    assert Settings().signals.takeovers.on
