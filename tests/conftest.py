"""Small logs and runs that several tests share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer.main
import typer.testing
from commands import graphdet_command  # noqa: F401 - for tests of commands
from kafka_broker import broker  # noqa: F401 - for tests of the watch
from store_servers import (  # noqa: F401 - for the store's tests
    database,
    line,
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
    server,
    session_server,
    target,
)

from graphdet.cli.manner import read_manner
from graphdet.events.table import NO_TIME, EventTable, FileReport, ReadReport
from graphdet.run.describing import describe_run
from graphdet.run.folder import Run
from graphdet.schema import NODE_TYPES, arrow_schema
from graphdet.settings import Settings

MakeEvents = Callable[[Sequence[dict[str, Any]]], EventTable]


@pytest.fixture(scope="session", autouse=True)
def _commands_are_built_once() -> Iterator[None]:
    """To build all commands takes longer than most of them run, and a process of their own builds them once, too."""
    built = functools.cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", built)
        patch.setattr(typer.testing, "_get_command", built)
        yield


@pytest.fixture(autouse=True)
def _no_manner_of_an_earlier_command() -> Iterator[None]:
    """Commands of a test may have asked for quiet; the next test's have not."""
    yield
    read_manner([])


@pytest.fixture(scope="session")
def make_events() -> MakeEvents:
    """Rows as dicts (`user`, `item`, …, `time` in seconds, `action`, …) → the event table that a reader would make of them."""
    return event_table


def event_table(rows: Sequence[dict[str, Any]]) -> EventTable:
    rows = sorted(rows, key=lambda row: (row["time"] if row.get("time") is not None else -1e18, repr(sorted(row.items()))))
    ids: dict[str, pa.StringArray] = {}
    codes = {}
    for node_type in NODE_TYPES:
        name = node_type.name
        names = sorted({row[name] for row in rows if row.get(name) is not None}, key=str.encode)
        if names or name == "user":
            ids[name] = pa.array(names, pa.string())
            codes[name] = np.array([names.index(row[name]) if row.get(name) is not None else -1 for row in rows], dtype=np.int32)
    actions = tuple(sorted({row["action"] for row in rows if row.get("action")}))
    timed = any(row.get("time") is not None for row in rows)
    paid, rated = (any(row.get(column) is not None for row in rows) for column in ("amount", "rating"))
    times = [NO_TIME if row.get("time") is None else int(row["time"] * 1_000_000) for row in rows]
    return EventTable(
        ids=ids,
        codes=codes,
        time=np.array(times, dtype=np.int64) if timed else None,
        resolution="instant" if timed else "none",
        action=np.array([actions.index(row["action"]) if row.get("action") else -1 for row in rows], dtype=np.int16),
        actions=actions,
        item_category=np.full(len(ids.get("item", ())), -1, dtype=np.int32),
        categories=(),
        amount=np.array([np.nan if row.get("amount") is None else row["amount"] for row in rows]) if paid else None,
        rating=np.array([np.nan if row.get("rating") is None else row["rating"] for row in rows], np.float32) if rated else None,
        report=ReadReport(
            (FileReport("log.csv", "csv", "0" * 64, ("user_id",), (), len(rows), len(rows), 0, 0),),
            arrow_schema("rejected").empty_table(),
            ("no category: all items count as one",),
        ),
    )


@pytest.fixture(scope="session")
def small_run() -> Run:
    """A run of three rings, one of each tier, with hostile ids among its members."""
    day = datetime(2024, 3, 1, tzinfo=UTC)
    fact = {"q_value": 0.01, "targets": 2, "devices": 1, "ips": 0, "first_seen": day, "last_seen": day.replace(hour=5), "strength": 30.0}
    more = {"events": 12, "amount": 250.5, "density": 1.0, "dedication": 0.9, "taste": -0.5}
    rings = [
        {"ring_id": "ring-1a2b", "rank": 1, "score": 0.99, "tier": "alert", "p_value": 0.02, "size": 3, "explanation": "", **fact, **more},
        {"ring_id": "ring-1a7c", "rank": 2, "score": 0.7, "tier": "review", "p_value": 0.04, "size": 2, "explanation": "", **fact, **more},
        {
            **fact,
            **more,
            "ring_id": "ring-9f00",
            "rank": 3,
            "score": 0.2,
            "tier": "explained",
            "p_value": 0.04,
            "size": 2,
            "explanation": "fan_club",
            "first_seen": None,
            "last_seen": None,
            "amount": None,
        },
    ]
    seen = {"events": 4, "first_seen": day, "last_seen": day.replace(hour=5)}
    people = {"ring-1a2b": ["[red]ann[/red]", "bob\x1b[31m", "\u202eeve"], "ring-1a7c": ["dan", "bob\x1b[31m"], "ring-9f00": ["fay", "gus"]}
    nodes = [(ring_id, "user", user, "core", 9.5) for ring_id, users in people.items() for user in users]
    nodes += [(ring_id, "item", item, "target", 4.0) for ring_id in people for item in ("soap", "x" * 500)]
    nodes += [(ring_id, "device", "phone-7", "shared_device", 2.0) for ring_id in people]
    members = [
        {"ring_id": ring_id, "node_type": node_type, "node_id": node_id, "role": role, "contribution": contribution, **seen}
        for ring_id, node_type, node_id, role, contribution in nodes
    ]
    pair = {"view": "item", "evidence": 4.0, "events": 2, "expected": 0.0001, "seconds_apart": 65.0}
    evidence = [
        {"ring_id": ring_id, "user_a": min(users[:2]), "user_b": max(users[:2]), "key": key, **pair}
        for ring_id, users in people.items()
        for key in ("soap", "x" * 500)
    ]
    users = sorted({user for names in people.values() for user in names})
    scores = [{"node_type": "user", "node_id": user, "score": 1 / rank, "rank": rank} for rank, user in enumerate(users, 1)]
    rejected = [{"file": "log.csv", "line": 7, "column": "timestamp", "reason": "not a time", "raw": "u1,soap,yesterday"}]
    events = event_table([{"user": user, "item": item, "time": 10, "action": "order"} for user in users for item in ("soap", "x" * 500)])
    discounted = [{"view": "item", "window": "24h", "key": "[bold]sale[/]", "reason": "denser than 80 events", "size": 4000}]
    rows = {"rings": rings, "members": members, "evidence": evidence, "scores": scores, "rejected": rejected}
    tables = {name: pa.Table.from_pylist(own, arrow_schema(name)) for name, own in rows.items()}
    return Run(describe_run(events, Settings(), discounted, ["no refunds"], []), tables)
