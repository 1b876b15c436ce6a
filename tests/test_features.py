"""Features against the obvious way to count them, and against logs that lack what they are counted from."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from graphdet.errors import BadNumbers
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence, expected_rates, measure_pairs
from graphdet.evidence.visits import Visits, collect_visits
from graphdet.features import KEY_COLUMNS, USER_COLUMNS, FeatureTable, measure_features
from graphdet.settings import EvidenceSettings

DAY = 86_400
LOOSE = EvidenceSettings(least=0.1, weak=0.1, stratum_visits=5)


def evidence_of(events: EventTable) -> tuple[Visits, PairEvidence]:
    visits = collect_visits(events, LOOSE)
    return visits, measure_pairs(visits, expected_rates(visits, LOOSE), LOOSE, 1)


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
        made.append(row)
    return made


def test_user_features_equal_a_slow_count(rows: list[dict[str, Any]], make_events: Any) -> None:
    events = make_events(rows)
    visits, pairs = evidence_of(events)
    table = measure_features(events, visits, pairs)["user"]
    assert table.names == USER_COLUMNS
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of[row["user"]].append(row)
    start = min(row["time"] for row in rows)
    span = max(row["time"] for row in rows) - start
    best: dict[int, list[float]] = defaultdict(list)
    met: dict[int, set[int]] = defaultdict(set)
    for pair, (one, other) in enumerate(pairs.users.tolist()):
        for user in (one, other):
            best[user].append(float(pairs.evidence[pair]))
            met[user] |= set(pairs.key[pairs.offset[pair] : pairs.offset[pair + 1]].tolist())
    assert len(pairs) > 20
    for code, name in enumerate(events.ids["user"].to_pylist()):
        own = of[name]
        amounts = [np.log1p(row["amount"]) for row in own if row["amount"] is not None]
        ordered = [*sorted(best[code], reverse=True), 0, 0, 0]
        expected = {
            "log_events": np.log1p(len(own)),
            "log_items": np.log1p(len({row["item"] for row in own if "item" in row})),
            "log_devices": np.log1p(len({row["device"] for row in own if "device" in row})),
            "log_ips": 0,
            "share_order": np.mean([row["action"] == "order" for row in own]),
            "share_view": np.mean([row["action"] == "view" for row in own]),
            "share_pay": 0,
            "first_day": (min(row["time"] for row in own) - start) / span,
            "last_day": (max(row["time"] for row in own) - start) / span,
            "log_days": np.log1p(len({(row["time"] - start) // DAY for row in own})),
            "log_amount": np.mean(amounts) if amounts else 0,
            "best_pair": ordered[0],
            "third_pair": ordered[2],
            "log_evidence": np.log1p(sum(best[code])),
            "pairs_4": np.log1p(sum(value >= 4 for value in best[code])),
            "log_met_keys": np.log1p(len(met[code])),
        }
        for column, value in expected.items():
            assert table.column(column)[code] == pytest.approx(value, rel=1e-4, abs=1e-5), (name, column)


@pytest.mark.parametrize("lost", ["time", "item", "device", "action", "amount"])
def test_a_log_that_lacks_something_has_the_same_columns(rows: list[dict[str, Any]], make_events: Any, lost: str) -> None:
    poorer = [{key: value for key, value in row.items() if key != lost} for row in rows]
    events = make_events([row for row in poorer if "item" in row or "device" in row])
    visits, pairs = evidence_of(events)
    tables = measure_features(events, visits, pairs)
    assert tables["user"].names == USER_COLUMNS
    assert all(table.names == KEY_COLUMNS for name, table in tables.items() if name != "user")
    assert all(len(table) == events.count(name) for name, table in tables.items())
    assert set(tables) == {"user"} | {view.name for view in visits.views}


def test_numbers_that_are_none_are_named() -> None:
    values = np.zeros((3, 2), np.float32)
    values[1, 1] = np.nan
    with pytest.raises(BadNumbers, match=r"^features of users: log_amount holds"):
        FeatureTable("features of users", ("log_events", "log_amount"), values)
    with pytest.raises(ValueError, match="1 columns are named"):
        FeatureTable("features of users", ("log_events",), values)
