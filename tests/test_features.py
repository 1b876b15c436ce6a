"""Features against the obvious way to count them, and against logs that lack what they are counted from."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from graphdet.errors import BadNumbers
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence, expected_meetings, measure_pairs
from graphdet.schema import ACTIONS, HEARD_TYPES
from graphdet.settings import EvidenceSettings, Settings
from graphdet.signals import columns_of, measure_keys, measure_users
from graphdet.signals.company import LEVELS
from graphdet.signals.signal import FeatureTable, names_of
from graphdet.visits.base_rates import BaseRates, measure_base_rates
from graphdet.visits.visits import Visits, collect_visits

DAY = 86_400
USER_COLUMNS, KEY_COLUMNS = names_of(columns_of("user")), names_of(columns_of("item"))
LOOSE = EvidenceSettings(least=0.1, weak=0.1, stratum_visits=5)


def evidence_of(events: EventTable) -> tuple[Visits, BaseRates, PairEvidence]:
    visits = collect_visits(events, LOOSE, Settings().view)
    base_rates = measure_base_rates(visits, LOOSE)
    return visits, base_rates, measure_pairs(visits, base_rates, expected_meetings(visits), LOOSE, 1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    generator = np.random.default_rng(5)
    made = []
    for _ in range(400):
        row: dict[str, Any] = {"user": f"u{generator.integers(30)}", "time": float(generator.integers(10 * DAY))}
        if generator.random() < 0.9:
            row["item"] = f"i{generator.integers(25)}"
        if generator.random() < 0.7:
            row["device"] = f"d{generator.integers(20)}"
        row["action"] = ["order", "view", "stare"][generator.integers(3)]
        row["amount"] = float(generator.integers(100)) if generator.random() < 0.5 else None
        row["rating"] = float(generator.integers(1, 6)) if generator.random() < 0.3 else None
        made.append(row)
    return made


def test_user_features_equal_a_slow_count(rows: list[dict[str, Any]], make_events: Any) -> None:
    events = make_events(rows)
    visits, base_rates, pairs = evidence_of(events)
    table = measure_users(events, visits, base_rates, pairs, threads=3)
    assert table.names == USER_COLUMNS
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of[row["user"]].append(row)
    start = min(row["time"] for row in rows)
    span = max(row["time"] for row in rows) - start
    best: dict[int, list[float]] = defaultdict(list)
    met: dict[int, list[tuple[int, str, float, float]]] = defaultdict(list)  # user → key, view, evidence and hours apart of meetings
    together: dict[int, int] = defaultdict(int)
    for pair, (one, other) in enumerate(pairs.users.tolist()):
        meetings = range(pairs.offset[pair], pairs.offset[pair + 1])
        for user in (one, other):
            best[user].append(float(pairs.evidence[pair]))
            together[user] = max(together[user], len(meetings))
            met[user] += [(key, view_name(visits, key), said, apart) for key, said, apart in meetings_of(pairs, meetings)]
    at_items = [visit for visit in range(len(visits)) if view_name(visits, key_of(visits, visit)) == "item"]
    assert len(pairs) > 20
    for code, name in enumerate(events.ids["user"].to_pylist()):
        own = of[name]
        amounts = [np.log1p(row["amount"]) for row in own if row["amount"] is not None]
        ordered = [*sorted(best[code], reverse=True), 0, 0, 0]
        own_visits = np.flatnonzero(visits.user == code)
        at = [visit for visit in at_items if visits.user[visit] == code]
        ratings = [row["rating"] for row in own if row.get("rating") is not None]
        active_days = len({(row["time"] - start) // DAY for row in own})
        weight = sum(said for _, _, said, _ in met[code])
        expected = {
            **{f"share_{action}": np.mean([row["action"] == action for row in own]) for action in ACTIONS},
            **{f"pairs_{level:g}": np.log1p(sum(value >= level for value in best[code])) for level in LEVELS},
            **{f"met_{name}": max([said for _, view, said, _ in met[code] if view == name], default=0) for name in HEARD_TYPES},
            **dict.fromkeys(("log_sellers", "log_payments", "log_addresss"), 0),
            "log_events": np.log1p(len(own)),
            "log_items": np.log1p(len({row["item"] for row in own if "item" in row})),
            "log_devices": np.log1p(len({row["device"] for row in own if "device" in row})),
            "log_ips": 0,
            "first_day": (min(row["time"] for row in own) - start) / span,
            "last_day": (max(row["time"] for row in own) - start) / span,
            "log_days": np.log1p(active_days),
            "events_per_day": np.log1p(len(own) / active_days),
            "rating": np.mean(ratings) if ratings else 0,
            "base_rate_mean": np.mean(base_rates.log_base_rate[at]) if at else 0,
            "base_rate_least": min([0, *base_rates.log_base_rate[at]]),
            "intent_mean": np.mean(base_rates.log_intent[at]) if at else 0,
            "log_amount": np.mean(amounts) if amounts else 0,
            "best_pair": ordered[0],
            "second_pair": ordered[1],
            "third_pair": ordered[2],
            "keys_together": together[code],
            "met_share": min(len({key for key, *_ in met[code]}) / len(own_visits), 1),
            "hours_apart": sum(said * np.log10(1 + apart) for *_, said, apart in met[code]) / weight if weight else 0,
            "log_evidence": np.log1p(sum(best[code])),
            "log_met_keys": np.log1p(len({key for key, *_ in met[code]})),
        }
        assert set(expected) == set(USER_COLUMNS)
        for column, value in expected.items():
            assert table.column(column)[code] == pytest.approx(value, rel=1e-4, abs=1e-5), (name, column)


def view_name(visits: Visits, key: int) -> str:
    return next(view.name for view in visits.views if view.first_key <= key < view.first_key + view.keys)


def key_of(visits: Visits, visit: int) -> int:
    return int(np.searchsorted(visits.offset, visit, side="right")) - 1


def meetings_of(pairs: PairEvidence, meetings: range) -> list[tuple[int, float, float]]:
    """Key, evidence, and hours apart of each."""
    return [(int(pairs.key[n]), float(pairs.key_evidence[n]), pairs.seconds_apart[n] / 3600) for n in meetings]


def test_key_features_equal_a_slow_count(rows: list[dict[str, Any]], make_events: Any) -> None:
    events = make_events(rows)
    visits, base_rates, pairs = evidence_of(events)
    tables = measure_keys(events, visits, base_rates, pairs)
    for view in visits.views:
        for code, name in enumerate(events.ids[view.name].to_pylist()):
            key = view.first_key + code
            own = range(visits.offset[key], visits.offset[key + 1])
            times = visits.time[own.start : own.stop].tolist()
            events_here = [row for row in rows if row.get(view.name) == name]
            amounts = [np.log1p(row["amount"]) for row in events_here if row["amount"] is not None]
            ratings = [row["rating"] for row in events_here if row["rating"] is not None]
            met: dict[int, float] = defaultdict(float)
            for pair, users in enumerate(pairs.users.tolist()):
                for at, said, _ in meetings_of(pairs, range(pairs.offset[pair], pairs.offset[pair + 1])):
                    if at == key:
                        for user in users:
                            met[user] += said
            expected = {
                "log_visits": np.log1p(len(own)),
                "log_users": np.log1p(len({int(visits.user[visit]) for visit in own})),
                "fullest_share": max(sum(time <= other <= time + view.windows[0] for other in times) for time in times) / len(own),
                "log_met_evidence": np.log1p(sum(met.values())),
                "met_share": len(met) / len(own),
                "log_amount": np.mean(amounts) if amounts else 0,
                "rating": np.mean(ratings) if ratings else 0,
            }
            assert set(expected) == set(KEY_COLUMNS)
            for column, value in expected.items():
                assert tables[view.name].column(column)[code] == pytest.approx(value, rel=1e-4, abs=1e-5), (name, column)


@pytest.mark.parametrize("lost", ["time", "item", "device", "action", "amount"])
def test_a_log_that_lacks_something_has_the_same_columns(rows: list[dict[str, Any]], make_events: Any, lost: str) -> None:
    poorer = [{key: value for key, value in row.items() if key != lost} for row in rows]
    events = make_events([row for row in poorer if "item" in row or "device" in row])
    visits, base_rates, pairs = evidence_of(events)
    users, tables = measure_users(events, visits, base_rates, pairs), measure_keys(events, visits, base_rates, pairs)
    assert users.names == USER_COLUMNS
    assert len(users) == events.count("user")
    assert all(table.names == KEY_COLUMNS for table in tables.values())
    assert all(len(table) == events.count(name) for name, table in tables.items())
    assert set(tables) == {view.name for view in visits.views}


def test_numbers_that_are_none_are_named() -> None:
    values = np.zeros((3, 2), np.float32)
    values[1, 1] = np.nan
    with pytest.raises(BadNumbers, match=r"^features of users: log_amount holds"):
        FeatureTable("features of users", ("log_events", "log_amount"), values)
    with pytest.raises(ValueError, match="1 columns are named"):
        FeatureTable("features of users", ("log_events",), values)
