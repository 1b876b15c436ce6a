"""Where networks are, and journeys that nobody makes: by the standard library's networks, and by walking through each life."""

from __future__ import annotations

import ipaddress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import event_table

from graphdet.errors import SettingsError
from graphdet.events import EventTable
from graphdet.events.network_places import read_network_places
from graphdet.schema.wording import LANGUAGES
from graphdet.settings import load_settings
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals.lives import own_blocks, read_lives
from graphdet.signals.takeovers import find_takeovers, takeover_tables
from graphdet.signals.travel import measure_travel
from graphdet.words.takeover_words import reasons_of

DAY = 86_400
TOWNS = {"10.1": (31.2, 121.5), "10.2": (39.9, 116.4), "10.3": (-33.9, 151.2)}  # Shanghai, Beijing, Sydney


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    path = tmp_path / "networks.csv"
    rows = [f"{town}.0.0/16,x,{latitude},{longitude}" for town, (latitude, longitude) in TOWNS.items()]
    path.write_text("\n".join(["network,name,latitude,longitude", *rows, "10.9.0.0/16,nowhere,,"]))
    return path


def test_the_narrowest_network_says_where_an_address_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    networks = ["0.0.0.0/1", "::/3", *(f"{rng.integers(1, 4)}.{rng.integers(0, 3)}.0.0/{length}" for length in range(6, 25))]
    networks += [f"20{rng.integers(10, 13)}:{rng.integers(0, 3)}::/{length}" for length in range(8, 65, 4)] + ["2.2.2.2", "2.2.2.0/24"]
    known = {ipaddress.ip_network(one, strict=False): place for place, one in reversed(list(enumerate(networks)))}
    path = tmp_path / "networks.csv"
    path.write_text("\n".join(["prefix,latitude,longitude", *(f"{one},{place},{-place}" for place, one in enumerate(networks))]))
    addresses = [f"{rng.integers(0, 5)}.{rng.integers(0, 4)}.{rng.integers(0, 3)}.{rng.integers(0, 3)}" for _ in range(300)]
    addresses += [f"20{rng.integers(10, 14)}:{rng.integers(0, 4)}::{rng.integers(0, 9)}" for _ in range(300)] + [
        "2.2.2.2",
        "host.example",
        "",
        "::",
    ]
    found = read_network_places(path).locate([*addresses, None])
    for address, place in zip([*addresses, None], found.tolist(), strict=True):
        try:
            own = ipaddress.ip_address(address or "none")
        except ValueError:
            assert np.isnan(place).all()
            continue
        held = [network for network in known if network.version == own.version and own in network]
        assert held or np.isnan(place).all()
        if held:
            narrowest = max(network.prefixlen for network in held)
            assert place == [known[max(held, key=lambda one: one.prefixlen)], -known[max(held, key=lambda one: one.prefixlen)]], narrowest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("net,latitude,longitude\n10.0.0.0/8,1,2\n", "network"),
        ("network,latitude,longitude\n10.0.0.0/33,1,2\n", "no network"),
        ("network,latitude,longitude\nhome,1,2\n", "no network"),
        ("network,latitude,longitude\n10.0.0.0/8,91,2\n", "no place on earth"),
        ("network,latitude,longitude\n10.0.0.0/8,here,2\n", "no table"),
        ("", "no table"),
    ],
)
def test_what_is_no_table_of_networks_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "networks.csv"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as refused:
        read_network_places(path)
    assert "\n" not in str(refused.value)


def test_the_table_lies_beside_the_settings_and_its_lack_is_said_at_once(tmp_path: Path, towns: Path) -> None:
    settings = tmp_path / "mine.toml"
    settings.write_text('[signals.takeovers]\nplaces = "networks.csv"\n')
    assert load_settings(settings).signals.takeovers.places == str(towns)
    settings.write_text('[signals.takeovers]\nplaces = "gone.csv"\n')
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(settings)


def travellers() -> list[dict[str, Any]]:
    """Everybody lives in Shanghai or flies to Beijing by day; some get a new phone; u7's cards are used from Sydney half an hour later."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    for user in range(160):
        for day in range(20):
            phone, town = "new" if user % 4 == 0 and day >= 12 else "old", "10.2" if rng.random() < 0.2 else "10.1"
            at = day * DAY + 18 * 3600 + int(rng.integers(0, 7200))
            place = {"user": f"u{user}", "device": f"{phone}{user}", "ip": f"{town}.{user % 200}.{1 if rng.random() < 0.8 else day}"}
            rows.append({**place, "item": f"i{rng.integers(0, 60)}", "time": at, "action": "view"})
            if rng.random() < 0.5:
                bought = {"item": f"i{rng.integers(0, 60)}", "address": f"a{user}", "payment": f"p{user}", "amount": 20.0}
                rows.append({**place, **bought, "time": at + 60, "action": "order"})
    strange = {
        "user": "u7",
        "device": "burner",
        "ip": "10.3.0.1",
        "address": "drop",
        "payment": "stolen",
        "amount": 400.0,
        "action": "order",
    }
    return [*rows, *({**strange, "item": f"i{place}", "time": 15 * DAY + 20 * 3600 + 1800 + 60 * place} for place in range(4))]


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By the angle between two vectors."""
    points = [
        np.array([np.cos(np.radians(a)) * np.cos(np.radians(b)), np.cos(np.radians(a)) * np.sin(np.radians(b)), np.sin(np.radians(a))])
        for a, b in (one, other)
    ]
    return 6371.0 * float(np.arctan2(np.linalg.norm(np.cross(*points)), points[0] @ points[1]))


def slow_travel(events: EventTable, account: int, start: int, device: int, seconds: int) -> tuple[int, int, float]:
    """Class, impossible journeys before, and the kilometres of the fastest, in a walk through one account's life."""
    assert events.time is not None
    first = int(events.time.min())
    ips = events.ids["ip"].to_pylist()
    life = []
    for row in np.flatnonzero(events.codes["user"] == account).tolist():
        second, ip = (int(events.time[row]) - first) // 1_000_000, ips[events.codes["ip"][row]]
        strange = events.codes["device"][row] == device and start <= second < start + seconds
        if ip[:4] in TOWNS:
            life.append((second, bool(strange), TOWNS[ip[:4]]))
    hops = [(one, other, kilometres(one[2], other[2])) for one, other in pairwise(life)]
    impossible = [(one, other, far) for one, other, far in hops if far > 500 and far / max(other[0] - one[0], 1e-9) > 1000 / 3600]
    near = [
        (one, other)
        for one, other, _ in hops
        if one[1] != other[1] and all(start - DAY <= end[0] < start + seconds + DAY for end in (one, other))
    ]
    crossing = [hop for hop in impossible if (hop[0], hop[1]) in near]
    fastest = max((far / max(other[0] - one[0], 1), far) for one, other, far in crossing)[1] if crossing else np.nan
    return 2 if crossing else int(bool(near)), sum(other[0] < start for _, other, _ in impossible), fastest


def test_journeys_equal_a_walk_through_each_account(towns: Path) -> None:
    rows = travellers()
    rng = np.random.default_rng(2)
    for row in rows:  # somebody's network leaves the country now and then
        if row["user"] in ("u3", "u4", "u8") and rng.random() < 0.3:
            row["ip"] = "10.3.9.9" if rng.random() < 0.7 else "10.9.9.9"
    events = event_table(rows)
    lives = read_lives(events)
    assert lives is not None
    blocks = own_blocks(lives, "device", 2 * DAY, 3)
    found = measure_travel(lives, blocks, read_network_places(towns), 2 * DAY)
    slow = [
        slow_travel(events, *args, 2 * DAY)
        for args in zip(*(x.tolist() for x in (blocks.account, blocks.start, blocks.thing)), strict=True)
    ]
    assert found.of.tolist() == [one[0] for one in slow]
    assert found.habit.tolist() == [one[1] for one in slow]
    assert found.kilometres == pytest.approx([one[2] for one in slow], nan_ok=True)
    assert {0, 1, 2} >= set(found.of.tolist()) >= {1, 2}
    assert found.habit.max() > 2


def test_a_journey_that_nobody_makes_is_a_reason_and_without_the_table_nothing_changes(towns: Path) -> None:
    events = event_table(travellers())
    plain, told = (find_takeovers(events, TakeoverSettings(places=where), 1) for where in ("", str(towns)))
    assert plain is not None
    assert told is not None
    assert "travel" not in plain.parts
    row = takeover_tables(events, told, 1.0)["takeovers"].to_pylist()[0]
    assert row["user_id"] == "u7"
    assert row["by_travel"] > 0.2
    assert row["travel_km"] == pytest.approx(min(kilometres(TOWNS["10.3"], TOWNS[town]) for town in ("10.1", "10.2")), rel=0.2)
    assert row["travel_minutes"] < 180
    for language in LANGUAGES:
        reason = next(one for one in reasons_of(row, language) if one["part"] == "travel")
        assert f"{row['travel_km']:,.0f}" in reason["sentence"]
    before = takeover_tables(events, plain, 1.0)["takeovers"].to_pylist()[0]
    assert (before["by_travel"], before["travel_km"]) == (0.0, None)
    assert row["score"] - before["score"] == pytest.approx(row["by_travel"])
