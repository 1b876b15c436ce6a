"""A page as a program reads it: every number of the report, of an export and of a case note counted again in the raw log, by its words.

The dossier's own numbers are counted again in test_dossier_facts.py; here is what pages make of them, and that all pages say the same.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dossier_oracle import DAY, Oracle
from dossier_runs import QUICK, LoggedRun, market_run, plain_log, run_of, taobao_run

from graphdet.dossier.building import build_dossier
from graphdet.export import export_ring
from graphdet.replay.recorded import Recorded
from graphdet.report.data import _ring, report_data
from graphdet.schema import ITEM, ITEM_RELATIONS, KEY_RELATIONS, NODE_TYPES, OTHER_ITEM_RELATION
from graphdet.settings import GnnSettings
from graphdet.simulate import preset, simulate, write_market
from graphdet.store.drawing import draw

CENT = 0.0051


def lacking_run(folder: Path, *lacks: str) -> LoggedRun:
    """A market's log with dates alone where it lacks times, and without the column of amounts where it lacks those."""
    write_market(simulate(preset("demo", events=40_000), seed=3), folder)
    log = pd.read_parquet(folder / "events.parquet")
    if "amounts" in lacks:
        log = log.drop(columns="amount")
    if "times" in lacks:
        log["timestamp"] = log["timestamp"].dt.floor("D")
    log.to_parquet(folder / "events.parquet", index=False)
    return run_of(folder, log, QUICK)


@dataclass(frozen=True)
class Page:
    """What the report holds, with named rows, and the raw log."""

    logged: LoggedRun
    data: dict[str, Any]
    recorded: Recorded

    def rows(self, dossier: dict[str, Any], table: str) -> list[dict[str, Any]]:
        return [dict(zip(self.data["columns"][table], row, strict=True)) for row in dossier[table]]

    def name(self, place: int) -> str:
        return str(self.data["ids"][place])

    def oracle(self, ring_id: str) -> Oracle:
        members = self.logged.run.ring(ring_id).members.to_pylist()
        users = {row["node_id"] for row in members if row["node_type"] == "user"}
        return Oracle(self.logged.log, users, json.loads(self.recorded.measured[ring_id])["windows"])


def hard_run(folder: Path, seed: int) -> LoggedRun:
    alone = QUICK.model_copy(update={"gnn": GnnSettings(least_rings=0)})  # a network would rank the rings anew
    return market_run(folder, seed, events=40_000, kind="hard", settings=alone)


def plain(logged: LoggedRun) -> LoggedRun:
    """With the log's own zone and words as graphdet's."""
    return replace(logged, log=plain_log(logged))


LOGS: dict[str, Callable[[Path], LoggedRun]] = {
    "market": lambda folder: market_run(folder, 1),
    "hard 5": lambda folder: hard_run(folder, 5),
    "taobao": lambda folder: plain(taobao_run(folder)),  # real, with a ring planted; dates alone and no amounts
    "no times": lambda folder: lacking_run(folder, "times"),
    "no amounts": lambda folder: lacking_run(folder, "amounts"),
}
IN_A_SOAK: dict[str, Callable[[Path], LoggedRun]] = {
    "hard 6": lambda folder: hard_run(folder, 6),
    "neither times nor amounts": lambda folder: lacking_run(folder, "times", "amounts"),
}


if os.environ.get("GRAPHDET_FUZZ"):
    LOGS |= IN_A_SOAK


@pytest.fixture(scope="module", params=list(LOGS))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    logged = LOGS[request.param](tmp_path_factory.mktemp("page") / "log")
    assert logged.run.rings.num_rows
    return Page(logged, json.loads(json.dumps(report_data(logged.run, 300))), Recorded(logged.run))


def test_the_overview_counts_rows_users_and_money(page: Page) -> None:
    log, overview, rings = page.logged.log, page.data["overview"], page.data["rings"]
    members = page.logged.run.members.to_pandas()
    members = members[members["node_type"] == "user"]
    alerts = {ring["ring_id"] for ring in rings if ring["tier"] == "alert"}
    funnel = {step["of"]: step["count"] for step in overview["funnel"]}
    assert funnel["read"] == len(log)
    assert funnel["users"] == overview["users"] == log["user_id"].nunique()
    assert funnel["members"] == members["node_id"].nunique()
    assert funnel["alerted"] == overview["alerted"] == members[members["ring_id"].isin(alerts)]["node_id"].nunique()
    assert (funnel["rings"], funnel["alerts"]) == (len(rings), len(alerts))
    assert overview["tiers"] == {tier: sum(ring["tier"] == tier for ring in rings) for tier in ("alert", "review", "explained")}
    assert sum(overview["scores"]) == log["user_id"].nunique()
    # What is at stake: of each order the share that ordinary users would not have placed; one in two rings counts once.
    if "amount" not in log:
        assert overview["at_stake"] is None
        return
    worth: dict[Any, float] = {}
    for ring in rings:
        if ring["queued"]:
            oracle = page.oracle(ring["ring_id"])
            stakes = oracle.stakes()
            for row in oracle.bought(oracle.inside).itertuples():
                stake = stakes[row.item_id]
                share = row.amount * stake["inflated"] / stake["orders"]
                worth[row.Index] = max(worth.get(row.Index, 0.0), share if share == share else 0.0)
    assert overview["at_stake"] == pytest.approx(sum(worth.values()), abs=CENT)


def test_every_row_of_the_worklist_is_true(page: Page) -> None:
    table = {row["ring_id"]: row for row in page.logged.run.rings.to_pylist()}
    for ring in page.data["rings"]:
        oracle, row = page.oracle(ring["ring_id"]), table[ring["ring_id"]]
        said = page.data["dossiers"][ring["dossier"]]["chance"]["en"]
        shares = tuple(str(round(100 * ring[name])) for name in ("chance", "chance_low", "chance_high"))
        assert re.findall(r"(\d+) of 100 .* \((\d+) to (\d+)\)", said) == [shares]
        assert ring["size"] == len(oracle.members)
        assert ring["targets"] == len(oracle.windows)
        assert ring["events"] == len(oracle.inside)
        assert (ring["first_seen"], ring["last_seen"]) == tuple(round(moment.timestamp()) for moment in (oracle.start, oracle.end))
        assert ring["days"] == pytest.approx((oracle.end - oracle.start) / DAY, rel=1e-5, abs=1e-9)
        what = oracle.what()
        for name in ("amount", "at_stake"):
            assert ring[name] == (None if what[name] is None else pytest.approx(what[name], abs=CENT))
            assert row[name] == (None if what[name] is None else pytest.approx(what[name], abs=CENT))
        assert row["p_value"] <= row["q_value"] == pytest.approx(ring["q_value"], rel=1e-5)
        if ring["tier"] == "alert" or ring["contested"] or (row["chance"] or 0) >= 0.5:
            assert ring["queued"]


def test_every_table_of_a_ring_is_counted_again(page: Page) -> None:
    log = page.logged.log
    start = log["timestamp"].min().floor("D")
    for ring in page.data["rings"]:
        oracle, dossier = page.oracle(ring["ring_id"]), page.data["dossiers"][ring["dossier"]]
        members = [page.name(row["id"]) for row in page.rows(dossier, "members")]
        items = [page.name(row["id"]) for row in page.rows(dossier, "targets")]
        things = page.rows(dossier, "shared")
        assert set(members) == oracle.members
        assert dossier["inside"] == len(oracle.inside)
        # Who came where: events, the first of them, and whether that was outside the ring's time.
        count = oracle.inside.groupby(["user_id", "item_id"])["timestamp"].agg(["size", "min"])
        cells = {(members[one["member"]], items[one["target"]]): one for one in page.rows(dossier, "cells")}
        assert set(cells) == set(count.index)
        for pair, cell in cells.items():
            assert cell["events"] == count.loc[pair, "size"]
            assert cell["first"] == int(count.loc[pair, "min"].timestamp())
            assert cell["stray"] == (not oracle.start <= count.loc[pair, "min"] <= oracle.end)
        events = page.rows(dossier, "events")
        assert sum(event["mark"] == 3 for event in events) <= len(oracle.inside) - len(oracle.meant)
        assert len(events) == len(oracle.inside)
        # Who uses what members share, in the whole log.
        uses = {
            (things[one["thing"]]["type"], page.name(things[one["thing"]]["id"]), members[one["member"]]): one["events"]
            for one in page.rows(dossier, "uses")
        }
        for kind, column in (("device", "device_id"), ("ip", "ip"), ("payment", "payment_id"), ("address", "address_id")):
            if column not in log:
                continue
            own = oracle.own.groupby([column, "user_id"]).size()
            shared = own.groupby(level=0).transform("size") >= 2
            assert {key[1:]: events for key, events in uses.items() if key[0] == kind} == own[shared].to_dict()
        # Days in the ring and out of it.
        inside = set(oracle.inside.index)
        day = ((oracle.own["timestamp"].dt.floor("D") - start) / DAY).astype(int)
        lives = {(members[one["member"]], one["day"]): (one["inside"], one["outside"]) for one in page.rows(dossier, "life")}
        within = oracle.own.index.isin(list(inside))
        counted = (
            pd.DataFrame({"user": oracle.own["user_id"], "day": day, "inside": within, "outside": ~within}).groupby(["user", "day"]).sum()
        )
        assert lives == {key: (row["inside"], row["outside"]) for key, row in counted.to_dict("index").items()}
        # The waterfall: what kinds of things tell, at most so much of each member, less what it takes to point out so many among all.
        grown = page.logged.run.ring(ring["ring_id"]).members.to_pandas()
        by_kind = grown[grown["node_type"] != "user"].groupby("node_type")["contribution"].sum()
        most = {kind: QUICK.view[kind].share_most * len(members) for kind in by_kind.index}
        cost = len(members) * np.log10(oracle.users * np.e / len(members))
        parts = dossier["parts"]
        assert {kind: parts[kind] for kind in by_kind.index} == pytest.approx(
            {kind: min(by_kind[kind], most[kind]) for kind in most}, rel=1e-4
        )
        assert parts["cost"] == pytest.approx(-cost, rel=1e-4)
        assert sum(parts.values()) == pytest.approx(dossier["strength"], abs=0.01)
        assert dossier["strength"] == pytest.approx(ring["strength"], rel=1e-5)
        if "amount" in log:
            sellers = page.rows(dossier, "sellers")
            assert sum(one["amount"] for one in sellers) == pytest.approx(dossier["what"]["amount"], abs=CENT * len(sellers))
            assert sum(one["inflated_amount"] for one in sellers) == pytest.approx(dossier["what"]["at_stake"], abs=CENT * len(sellers))


def test_what_accounts_in_several_rings_did_there_counts_once(page: Page) -> None:
    """By item and by day: an event that is in two rings is one event."""
    inside = pd.concat([page.oracle(ring["ring_id"]).inside.assign(ring=ring["ring_id"]) for ring in page.data["rings"]])
    several = inside.groupby("user_id")["ring"].transform("nunique") > 1
    own = inside[several]
    own = own[~own.index.duplicated()]
    days = (own["timestamp"].dt.floor("D") - page.logged.log["timestamp"].min().floor("D")) / DAY
    told = page.data["several"]
    assert {(page.name(user), page.name(item)): events for user, item, events in told["items"]} == (
        own.groupby(["user_id", "item_id"]).size().to_dict()
    )
    assert {(page.name(user), day): events for user, day, events in told["days"]} == own.groupby(["user_id", days]).size().to_dict()


def test_exports_and_notes_say_what_the_page_says(page: Page, tmp_path: Path) -> None:
    for ring in page.data["rings"]:
        dossier = build_dossier(page.recorded, page.logged.run.ring(ring["ring_id"]))
        told = page.data["dossiers"][ring["dossier"]]
        folder = export_ring(dossier, page.recorded, tmp_path / ring["ring_id"], "csv")
        tables = {
            path.stem: list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))) for path in folder.glob("*.csv")
        }
        assert len(tables["members"]) == len(told["members"])
        assert len(tables["events"]) == told["inside"]
        assert {row["id"]: row["standing"] for row in tables["members"]} == {
            page.name(row["id"]): row["standing"] for row in page.rows(told, "members")
        }
        strays = sum(row["mark"] == "stray" for row in tables["events"])
        assert strays == sum(row["mark"] == 3 for row in page.rows(told, "events"))
        for name in ("amount", "at_stake"):
            found = tables["ring"][0][name]
            assert (float(found) if found else None) == (None if ring[name] is None else pytest.approx(ring[name], abs=CENT))
        for language in ("en", "zh"):
            note = export_ring(dossier, page.recorded, tmp_path / f"{ring['ring_id']}-{language}.md", "md", language).read_text(
                encoding="utf-8"
            )  # type: ignore[arg-type]
            for name in ("amount", "at_stake"):
                if ring[name] is not None:
                    assert re.search(rf"\| {ring[name]:.2f} \|", note)
            for row in page.rows(told, "members"):
                assert note.count(f"\n| {page.name(row['id'])} |") == 1


def test_what_a_push_writes_is_counted_again(page: Page) -> None:
    log, run = page.logged.log, page.logged.run
    picture = draw(run)
    told = {
        (start, kind.split("-")[1], end): values for kind, states in picture.relations.items() for (start, end, _), values in states.items()
    }
    members = {row["node_id"] for row in run.members.to_pylist() if row["node_type"] == "user"}
    # What members did: relations of the database and of the raw log, by the node type's own column and word.
    own = log[log["user_id"].isin(members)].assign(money=log.get("amount", np.nan))
    found: dict[tuple[str, str, str], tuple[int, int, int, float]] = {}
    for node_type in NODE_TYPES:
        if node_type.column in own and node_type.name in (*KEY_RELATIONS, ITEM):
            verbs = own["action"].map(lambda word: ITEM_RELATIONS.get(word, OTHER_ITEM_RELATION))
            verbs = verbs if node_type.name == ITEM else pd.Series(KEY_RELATIONS[node_type.name], own.index)
            of = own.groupby(["user_id", verbs.rename("verb"), node_type.column])
            rows = of.agg(count=("money", "size"), first=("timestamp", "min"), last=("timestamp", "max"), money=("money", "sum"))
            for key, count, first, last, money in rows.itertuples():
                found[key] = count, in_micros(first), in_micros(last), money
    pushed = {key: values for key, values in told.items() if key[0] in members and key[1] not in ("MEMBER_OF", "COORDINATED_WITH")}
    assert set(pushed) == set(found)
    for key, values in pushed.items():
        *counted, money = found[key]
        assert [values.count, values.firstSeen, values.lastSeen] == counted, key
        assert values.amount is None or values.amount == pytest.approx(money, abs=CENT)
    degrees = Counter(user for user, *_ in found)
    for user in members:
        assert picture.nodes["user"][user][1].degree == degrees[user]
    # Rings and who is in them.
    kinds = {name: set(states) for name, states in picture.nodes.items()}
    for ring in page.data["rings"]:
        oracle, values = page.oracle(ring["ring_id"]), picture.nodes["ring"][ring["ring_id"]][1]
        what = oracle.what()
        assert (values.size, values.targets, values.events) == (len(oracle.members), len(oracle.windows), len(oracle.inside))
        assert (values.firstSeen, values.lastSeen) == (in_micros(oracle.start), in_micros(oracle.end))
        for name, value in (("amount", values.amount), ("at_stake", values.atStake)):
            assert value == (None if what[name] is None else pytest.approx(what[name], abs=CENT))
        for node_type, column, value in (("device", "device_id", values.devices), ("ip", "ip", values.ips)):
            met = {start for start, verb, end in told if verb == "MEMBER_OF" and end == ring["ring_id"] and start in kinds[node_type]}
            assert value == len(met)
            if column not in log:
                continue
            assert (oracle.own[oracle.own[column].isin(met)].groupby(column)["user_id"].nunique() >= 2).all()
        inside = oracle.inside.groupby("user_id")["timestamp"].agg(["size", "min", "max"])
        dossier = page.data["dossiers"][ring["dossier"]]
        standing = {page.name(row["id"]): row["standing"] for row in page.rows(dossier, "members")}
        for user in oracle.members:
            member = told[user, "MEMBER_OF", ring["ring_id"]]
            assert member.events == inside.loc[user, "size"]
            assert member.standing == standing[user]
            assert (member.firstSeen, member.lastSeen) == tuple(in_micros(inside.loc[user, name]) for name in ("min", "max"))
        assert told[ring["ring_id"], "FOUND_IN", run.id].events == values.events
    # Pairs: each meeting is at a key where both were.
    column = {node_type.name: node_type.column for node_type in NODE_TYPES}
    users = {view: log.groupby(name)["user_id"].agg(set).to_dict() for view, name in column.items() if name in log and view != "user"}
    pairs: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in run.evidence.to_pylist():
        pairs.setdefault((row["user_a"], row["user_b"]), set()).add((row["view"], row["key"]))
    assert {(start, end) for start, verb, end in told if verb == "COORDINATED_WITH"} == set(pairs)
    for (a, b), keys in pairs.items():
        values = told[a, "COORDINATED_WITH", b]
        assert values.meetings == len(keys)
        assert values.views == sorted({view for view, _ in keys})
        for view, key in keys:
            if view in users:
                assert {a, b} <= users[view][key]


def in_micros(moment: pd.Timestamp) -> int:
    return int(moment.value) // 1000


def test_money_is_told_to_the_cent_however_much_it_is(page: Page) -> None:
    """In the overview as everywhere: six digits that count are enough for what is measured, not for what is counted."""
    ring = page.logged.run.rings.to_pylist()[0] | {"amount": 1_234_567.894, "at_stake": 10_904.531}
    row = _ring(ring, 0, page.data["dossiers"])
    assert (row["amount"], row["at_stake"]) == (1_234_567.89, 10_904.53)


def test_nothing_is_told_of_minutes_where_dates_are_bare(page: Page) -> None:
    moments = page.logged.log["timestamp"]
    bare = (moments - moments.dt.floor("D")).nunique() == 1  # midnight of the log's own zone
    assert page.data["run"]["bare_dates"] == bare
    codes = {reason["code"] for dossier in page.data["dossiers"] for reason in dossier["reasons"]}
    if bare:
        assert not codes & {"same_minute", "periodic_gaps", "night_shift"}
        for dossier in page.data["dossiers"]:
            assert not any("–" in reason["en"] for reason in dossier["reasons"] if reason["code"] != "inflated_orders")


def test_what_members_do_is_told_where_it_is_twice_as_common_as_among_others(page: Page) -> None:
    """And both figures stand in the sentence."""
    for ring in page.data["rings"]:
        oracle, dossier = page.oracle(ring["ring_id"]), page.data["dossiers"][ring["dossier"]]
        codes = {reason["code"]: reason for reason in dossier["reasons"]}
        ages = oracle.ages()
        new, usual = ages["new"] / len(oracle.members), ages["others_new"] / max(ages["others"], 1)
        assert ("new_accounts" in codes) == (ages["new"] >= 3 and ages["others"] > 0 and new >= 2 * usual)
        if "new_accounts" in codes:
            assert f"{usual:.0%}" in codes["new_accounts"]["en"]
            assert f"{usual:.0%}" in codes["new_accounts"]["zh"]
        taste = oracle.taste()
        usual = taste["others_events"] / taste["others_item_events"]
        assert ("dedication" in codes) == (taste["dedication"] >= max(0.3, 2 * usual))
        assert np.isfinite(usual)
