"""Every number of a dossier against a count of its own in the raw log, over all rings of four logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dossier_oracle import Oracle
from dossier_runs import LoggedRun, market_run, taobao_run

from graphdet.dossier.casebook import Casebook
from graphdet.dossier.dossier import Dossier, build_dossier


def plain_log(logged: LoggedRun) -> pd.DataFrame:
    """The raw log in the log schema: UTC times in microseconds, action words mapped."""
    settings = logged.settings.log
    log = logged.log.rename(columns=settings.columns)
    moments = pd.to_datetime(log["timestamp"])
    if moments.dt.tz is None:
        moments = moments.dt.tz_localize(settings.timezone.replace("+08:00", "Asia/Shanghai"))
    log = log.assign(timestamp=moments.dt.tz_convert("UTC").dt.as_unit("us"))
    if "action" in log:
        log["action"] = log["action"].map(lambda word: settings.actions.get(word, word))
    return log


@pytest.fixture(scope="module", params=["market 1", "market 2", "market 3", "taobao"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Casebook, pd.DataFrame, list[Dossier]]:
    folder: Path = tmp_path_factory.mktemp("case") / "log"
    logged = taobao_run(folder) if request.param == "taobao" else market_run(folder, int(request.param[-1]))
    casebook = Casebook(logged.run)
    dossiers = [build_dossier(casebook, logged.run.ring(ring)) for ring in logged.run.rings["ring_id"].to_pylist()]
    assert any(dossier.ring["tier"] == "alert" for dossier in dossiers)
    return casebook, plain_log(logged), dossiers


def same(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict), where
        for key, value in expected.items():
            same(found[key], value, f"{where}.{key}")
    elif expected is None or isinstance(expected, str):
        assert found == expected, where
    else:
        assert found == pytest.approx(float(expected), rel=1e-6, abs=1e-9), where


def test_every_number_is_the_one_that_pandas_counts(case: tuple[Casebook, pd.DataFrame, list[Dossier]]) -> None:
    casebook, log, dossiers = case
    for dossier in dossiers:
        ring, facts = dossier.ring["ring_id"], dossier.facts
        measured = json.loads(casebook.measured[ring])
        oracle = Oracle(log, {member["id"] for member in dossier.members}, measured["windows"])
        same(facts["what"], oracle.what(), f"{ring} what")
        same(facts["lockstep"], oracle.lockstep(facts["lockstep"]["least"]), f"{ring} lockstep")
        same(facts["timing"], oracle.timing(), f"{ring} timing")
        same(facts["taste"], oracle.taste(), f"{ring} taste")
        same(facts["ages"], oracle.ages(), f"{ring} ages")
        same(facts["ratings"], oracle.ratings(), f"{ring} ratings")
        same(facts["rotation"], oracle.rotation(), f"{ring} rotation")
        same({seller["id"]: seller for seller in facts["sellers"]}, oracle.sellers(), f"{ring} sellers")
        same({target["id"]: target for target in facts["targets"]}, oracle.targets(), f"{ring} targets")
        same(facts["coattail"], oracle.coattail(), f"{ring} coattail")
        shared = oracle.shared()
        assert len(facts["shared"]["keys"]) == min(len(shared), 30)
        for key in facts["shared"]["keys"]:
            same(key, shared[key["type"], key["id"]], f"{ring} shared {key['id']}")
        assert (facts["shared"]["on_devices"], facts["shared"]["devices_of_three"]) == oracle.on_devices(), ring
        bursts = oracle.bursts()
        burst = facts["timing"]["burst"]
        same((burst["events"], burst["usual"]) == pytest.approx(bursts[burst["item"]]), True, f"{ring} burst")
        assert burst["ratio"] == pytest.approx(max(peak / (usual + 1) for peak, usual in bursts.values())), ring


def test_what_the_tiers_are_judged_by_is_what_pandas_counts(case: tuple[Casebook, pd.DataFrame, list[Dossier]]) -> None:
    casebook, log, dossiers = case
    for dossier in dossiers:
        measured = json.loads(casebook.measured[dossier.ring["ring_id"]])
        oracle = Oracle(log, {member["id"] for member in dossier.members}, measured["windows"])
        same(dossier.facts["scalars"], oracle.habits(), f"{dossier.ring['ring_id']} scalars")
        together, strangers = oracle.company()
        assert dossier.facts["scalars"]["crowd"] == pytest.approx(strangers / max(together + strangers, 1))


def test_every_member_is_told_as_the_log_has_them(case: tuple[Casebook, pd.DataFrame, list[Dossier]]) -> None:
    casebook, log, dossiers = case
    first = log.groupby("user_id")["timestamp"].min()
    for dossier in dossiers:
        measured = json.loads(casebook.measured[dossier.ring["ring_id"]])
        oracle = Oracle(log, {member["id"] for member in dossier.members}, measured["windows"])
        touched, inside = oracle.inside.groupby("user_id")["item_id"].nunique(), oracle.inside.groupby("user_id").size()
        for member in dossier.members:
            assert member["touched"] == touched.get(member["id"], 0)
            assert member["events"] == inside.get(member["id"], 0)
            assert member["all_events"] == (oracle.own["user_id"] == member["id"]).sum()
            assert member["seen_since"] == first[member["id"]].floor("s").strftime("%Y-%m-%dT%H:%M:%SZ")
        assert sum(member["events"] for member in dossier.members) == len(dossier.events["inside"])


def test_events_carry_every_column_of_the_log(case: tuple[Casebook, pd.DataFrame, list[Dossier]]) -> None:
    casebook, log, dossiers = case
    kept = casebook.events.to_pandas()
    targets = {window["id"] for measured in casebook.measured.values() for window in json.loads(measured)["windows"]}
    at_targets = kept[kept["item_id"].isin(targets)]
    assert kept["event_id"].notna().sum() == len(at_targets)
    assert at_targets["event_id"].is_unique
    both = at_targets.merge(log, on="event_id", suffixes=("", "_raw"))
    assert len(both) == len(at_targets)
    members = {member["id"] for dossier in dossiers for member in dossier.members}
    assert len(kept) == log["user_id"].isin(members).sum()
    for column in ("user_id", "item_id", "device_id", "ip", "action", "text", "order_id", "user_agent"):
        if column in log:
            left, right = both[column].astype(object).where(both[column].notna(), ""), both[f"{column}_raw"]
            assert (left == right.astype(object).where(right.notna(), "")).all(), column
