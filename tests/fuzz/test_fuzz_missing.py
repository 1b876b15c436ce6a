"""Logs of which any column may be missing in any row, in every combination: whole runs whose counts a slow way counts again."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fuzzing import inputs, outcome, tallied
from text_groups import with_text_groups

from graphdet.dossier.building import build_dossier
from graphdet.events import check_logs, read_events
from graphdet.export import export_rings
from graphdet.pipeline import detect
from graphdet.replay.recorded import Recorded
from graphdet.report import write_report
from graphdet.run.folder import Run
from graphdet.schema import KEY_TYPES, NODE_TYPE, TEXT_GROUP
from graphdet.settings import Settings

QUICK = Settings.model_validate({"machine": {"threads": 1}, "gnn": {"least_rings": 1}, "rings": {"permutations": 2}})
KEYS = {name: NODE_TYPE[name].column for name in KEY_TYPES}
OPTIONAL = [*KEYS.values(), "timestamp", "action", "category", "amount", "rating", "text", "image", "order_id", "event_id", "user_agent"]
STATES = {"whole": 0.0, "absent": 1.0, "few": 0.05, "half": 0.5, "most": 0.95}


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """Everybody's events, and those of eight people who share all that can be shared and come to the same items; nothing is missing."""
    chance = np.random.default_rng(7)
    rows = pd.DataFrame({"user_id": [f"u{n:03d}" for n in chance.integers(0, 250, 1200)], "second": chance.integers(0, 30 * 86_400, 1200)})
    for column in KEYS.values():
        rows[column] = [f"{column[0]}{n:03d}" for n in chance.integers(0, 200, len(rows))]
    ring = pd.DataFrame([{"user_id": f"r{who}", "second": 900_000 + 10_000 * item + 60 * who, "item_id": f"i{item:03d}"}
                         for who in range(8) for item in range(8) for _ in range(2)])  # fmt: skip
    ring["second"] += np.arange(len(ring)) % 7
    for column in KEYS.values():
        if column != "item_id":
            ring[column] = [f"{column[0]}{who % 3:03d}" for who in range(len(ring))]
    log = pd.concat([rows, ring], ignore_index=True)
    log["ip"] = "10.0.0." + log["ip"].str[1:].str.lstrip("0").replace("", "0")
    log["timestamp"] = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(log.pop("second"), unit="s")
    draw = chance.integers(0, 1000, (len(log), 4))
    log["action"] = np.array(["view", "order", "pay", "review", "refund", "coupon", "waved"])[draw[:, 0] % 7]
    log["category"] = [f"c{int(name[1:]) % 9}" for name in log["item_id"]]
    log["amount"], log["rating"] = draw[:, 1] / 10, (draw[:, 2] % 5 + 1).astype(float)
    log["text"] = [f"as promised {n % 40}" for n in draw[:, 3]]
    for column in ("image", "order_id", "event_id", "user_agent"):
        log[column] = [f"{column} {n}" for n in range(len(log))]
    return log


def draw(chance: random.Random) -> dict[str, Any]:
    """For each column how much of it is missing; and, for some, only where another one is there, or is not."""
    return {
        "seed": chance.randrange(2**32),
        "missing": {column: chance.choice(["whole", "whole", *STATES]) for column in OPTIONAL},
        "only": {column: [chance.choice(OPTIONAL), chance.random() < 0.5] for column in OPTIONAL if chance.random() < 0.4},
        "form": chance.choice(["parquet", "csv"]),
        "early": chance.random() < 0.5,  # the ring begins with the log
    }


def log_of(one: dict[str, Any], whole: pd.DataFrame) -> pd.DataFrame:
    chance = np.random.default_rng(one["seed"])
    log = whole.astype({column: object for column in whole if column != "timestamp"})
    if one["early"]:
        log.loc[log["user_id"].str.startswith("r"), "timestamp"] -= (
            whole.loc[whole["user_id"].str.startswith("r"), "timestamp"].min() - whole["timestamp"].min()
        )
    for column, state in one["missing"].items():
        missing = chance.random(len(log)) < STATES[state]
        if column in one["only"] and 0 < STATES[state] < 1:
            other, there = one["only"][column]
            missing &= log[other].notna() == there
        log.loc[missing, column] = pd.NaT if column == "timestamp" else None
    return log.drop(columns=[column for column, state in one["missing"].items() if state == "absent" and chance.random() < 0.8])


def write(log: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        log.to_csv(path, index=False)
    else:
        log.astype({column: float for column in ("amount", "rating") if column in log}).to_parquet(path, index=False)


def with_groups(log: pd.DataFrame) -> pd.DataFrame:
    """Groups of texts that the log names itself stand; else those that are made of its texts."""
    column = KEYS[TEXT_GROUP]
    return log if column in log and log[column].notna().any() else with_text_groups(log)


def counted_again(path: Path, log: pd.DataFrame, run: Run) -> None:
    """What pandas counts, where a missing value is missing and nothing else."""
    found = check_logs([path], QUICK.log, QUICK.machine)
    keys = [column for column in KEYS.values() if column in log]
    places = [column for column in ("item_id", "device_id", "ip") if column in log]
    kept = log[log[places].notna().any(axis=1)]
    assert found.read == len(log) == found.accepted + found.rejected + found.duplicates
    assert found.accepted == len(kept), (found.accepted, len(kept))
    for column in ("user_id", *keys, "timestamp", "action", "amount", "rating"):
        there = int(kept[column].notna().sum()) if column in kept else 0
        assert found.columns.get(column, 0) == there, (column, found.columns.get(column), there)
    for name, column in KEYS.items():
        assert found.nodes.get(name, 0) == (kept[column].nunique() if column in kept else 0), name
    told, kept = run.keys.to_pandas() if run.keys is not None else pd.DataFrame(), with_groups(kept)
    for name, own in told.groupby("node_type") if len(told) else ():
        if name in KEYS:
            groups = kept.groupby(KEYS[name])
            assert own.set_index("node_id")["events"].to_dict() == groups.size()[own["node_id"]].to_dict(), name
            assert own.set_index("node_id")["users"].to_dict() == groups["user_id"].nunique()[own["node_id"]].to_dict(), name
        if name == "item" and "rating" in kept:
            rated = kept[kept["rating"].notna()].groupby("item_id")["rating"].size()
            own = own[own["ratings"].notna() & (own["ratings"] > 0)]
            assert (
                own.set_index("node_id")["ratings"].to_dict()
                == rated.reindex(told[told["node_type"] == "item"]["node_id"]).dropna().to_dict()
            )


def facts_agree(run: Run, ring: str, dossier: dict[str, Any], log: pd.DataFrame) -> None:
    """What is told of a ring in its row and in its dossier, counted again from the log."""
    what, row = dossier["facts"]["what"], run.ring(ring).row
    assert sum(what["actions"].values()) == what["events"]
    assert row["events"] == what["events"], (row["events"], what["events"])
    if row["amount"] is not None:
        assert row["amount"] == pytest.approx(what["amount"])
    members = {member["id"] for member in dossier["members"]}
    own = log[log["user_id"].isin(members)]
    assert what["all_events"] <= len(own)
    windows = {window["id"]: window for window in dossier["facts"]["targets"]}
    if windows:
        inside = own[own["item_id"].isin(windows)] if "item_id" in own else own[:0]
        if "timestamp" in log and log["timestamp"].notna().any():
            bounds = [[pd.Timestamp(windows[item][side]) for item in inside["item_id"]] for side in ("start", "end")]
            inside = inside[[a <= t < b + pd.Timedelta(seconds=1) for t, a, b in zip(inside["timestamp"], *bounds, strict=True)]]
        assert what["events"] == len(inside), (what["events"], len(inside))


def test_whatever_is_missing_a_run_is_whole_and_its_counts_are_those_of_what_is_there(whole: pd.DataFrame, tmp_path: Path) -> None:
    failures, rings = [], 0
    with tallied("logs that lack values") as tally:
        for number, one in enumerate(inputs("missing", draw, few=6, most=1000)):
            folder = tmp_path / f"{number}"
            folder.mkdir()
            path, log = folder / f"log.{one['form']}", log_of(one, whole)
            write(log, path)

            def act(path: Path = path, log: pd.DataFrame = log, folder: Path = folder, number: int = number) -> None:
                nonlocal rings
                detect(read_events([path], QUICK.log, QUICK.machine), QUICK).save(folder / "run")
                run = Run.load(folder / "run")
                counted_again(path, log, run)
                recorded, dossiers = Recorded(run), []
                for ring in run.rings["ring_id"].to_pylist():
                    dossiers.append(build_dossier(recorded, run.ring(ring)))
                    facts_agree(run, ring, dossiers[-1].as_dict(recorded), with_groups(log))
                rings += len(dossiers)
                if dossiers:
                    export_rings(dossiers[:2], recorded, folder / "rings", "graphml")
                if number % 4 == 0:  # slower than all else, and the same for each
                    write_report(run, folder / "report.html", 3)

            told = outcome(act, tally, one)
            failures += [told] if told else []
    assert not failures, "\n".join(failures)
    assert tally["tried"] == tally["taken"] + tally["refused"]
    assert tally["taken"] > tally["refused"]
    assert rings
