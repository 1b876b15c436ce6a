"""A new node type is one object: a copy of the package gets a `locker` in schema/nodes.py, and a log with lockers goes all the way."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recipes import Copy
from store_servers import run as statement
from street import PACKAGE

from graphdet.simulate import preset, simulate, write_market
from graphdet.store.connection import Database, Target

SETTINGS = "[rings]\npermutations = 2\n\n[gnn]\nleast_rings = 1\n\n[view.locker]\ncap = 50\n"
FORMS = ("csv", "json", "xlsx", "graphml", "gexf", "md")


class House(Copy):
    """A copy of the package with one object more, and a folder with a log and all that is made of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        shutil.copytree(PACKAGE.parent / "neo4j", folder / "neo4j")
        self.follow("A node type")

    def __call__(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
        return self.graphdet(*arguments, environment={"COLUMNS": "160", **(environment or {})})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Everybody has a locker of their own; members of planted rings share one between four."""
    house = House(tmp_path_factory.mktemp("lockers"))
    write_market(simulate(preset("demo", events=25_000), seed=3), house.folder / "market")
    log = pd.read_parquet(house.folder / "market" / "events.parquet")
    truth = pd.read_parquet(house.folder / "market" / "truth" / "members.parquet")
    members = truth[truth["node_type"] == "user"].drop_duplicates("node_id")
    order = members.groupby("ring_id").cumcount() // 4
    shared = dict(zip(members["node_id"], "box-" + members["ring_id"].astype(str) + "-" + order.astype(str), strict=True))
    log["locker_id"] = [shared.get(user, f"box-{user}") for user in log["user_id"]]
    log.loc[np.arange(len(log)) % 3 == 0, "locker_id"] = None  # not every event tells one
    log.to_parquet(house.folder / "log.parquet", index=False)
    (house.folder / "mine.toml").write_text(SETTINGS, encoding="utf-8")
    house("run", "log.parquet", "--out", "run", "--settings", "mine.toml")
    return house


@pytest.fixture(scope="module")
def lockers(house: House) -> pd.DataFrame:
    """Rows of `members` that are lockers, of rings with any."""
    members = pd.read_parquet(house.folder / "run" / "members.parquet")
    return members[members["node_type"] == "locker"]


@pytest.fixture(scope="module")
def ring(lockers: pd.DataFrame) -> str:
    """The ring with the most lockers."""
    return str(lockers["ring_id"].value_counts().index[0])


def test_check_counts_lockers_and_says_what_a_log_without_them_lacks(house: House) -> None:
    told = json.loads(house("check", "log.parquet", "--json"))
    log = pd.read_parquet(house.folder / "log.parquet")
    assert told["nodes"]["locker"] == log["locker_id"].nunique()
    assert told["columns"]["locker_id"] == log["locker_id"].notna().sum()
    without = json.loads(house("check", house.folder / "market" / "events.parquet", "--json"))
    assert "no locker_id: locker evidence off." in without["notes"]
    assert "[view.locker]" in house("settings")


def test_members_meet_at_lockers(house: House, lockers: pd.DataFrame) -> None:
    evidence = pd.read_parquet(house.folder / "run" / "evidence.parquet")
    met = evidence[evidence["view"] == "locker"]
    assert len(met) > 10
    assert met["key"].str.startswith("box-").all()
    assert (lockers["role"] == "shared_locker").all()
    assert len(lockers) > 5
    scores = pd.read_parquet(house.folder / "run" / "scores.parquet")
    assert set(lockers["node_id"]) <= set(scores.loc[scores["node_type"] == "locker", "node_id"])
    relations = pd.read_parquet(house.folder / "run" / "relations.parquet")
    assert set(relations.loc[relations["node_type"] == "locker", "verb"]) == {"fetched_from"}
    run = json.loads((house.folder / "run" / "run.json").read_text(encoding="utf-8"))
    assert run["settings"]["view"]["locker"]["cap"] == 50


def test_rings_and_show_speak_of_lockers(house: House, ring: str) -> None:
    assert ring in house("rings", "run")
    shown = house("show", "run", ring, "--all")
    assert "Shared parcel lockers" in shown
    dossier = json.loads(house("show", "run", ring, "--json"))["dossier"]
    assert any(key["type"] == "locker" for key in dossier["facts"]["shared"]["keys"])
    assert "locker" in {one["without"] for one in dossier["counterfactuals"]}
    assert "parcel lockers: " in house("show", "run", ring)
    assert "快递柜" in house("show", "run", ring, "--lang", "zh")


def test_similar_users_are_told_with_the_lockers_that_they_share(house: House, ring: str) -> None:
    assert json.loads(house("similar", "run", ring, "--json"))


def test_the_report_draws_lockers_in_their_own_colour(house: House, ring: str) -> None:
    house("report", "run", "--out", "report.html")
    page = (house.folder / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found.group(1))
    assert data["types"]["locker"] == {
        "one": {"en": "parcel locker", "zh": "快递柜"},
        "many": {"en": "parcel lockers", "zh": "快递柜"},
        "colour": "#9A5F2E",
        "shape": "square_pin",
        "size": 13,
        "column": "locker_id",
    }
    place = next(row["dossier"] for row in data["rings"] if row["ring_id"] == ring)
    column = data["columns"]["nodes"].index("type")
    assert "locker" in {node[column] for node in data["dossiers"][place]["nodes"]}


@pytest.mark.parametrize("form", FORMS)
def test_exports_take_lockers_along(house: House, ring: str, form: str) -> None:
    house("export", "run", ring, "--format", form, "--out", f"ring.{form}")
    out = house.folder / f"ring.{form}"
    files = sorted(out.iterdir()) if out.is_dir() else [out]
    assert files
    if form in ("csv", "json", "graphml", "gexf"):
        assert any("box-" in path.read_text(encoding="utf-8") for path in files)


@pytest.mark.server
def test_push_writes_lockers_with_label_key_and_constraint(
    house: House, ring: str, lockers: pd.DataFrame, target: Target, database: Database
) -> None:
    uri = {"NEO4J_URI": target.uri, "NEO4J_USER": target.user, "NEO4J_PASSWORD": target.password, "NEO4J_DATABASE": target.database}
    house("push", "run", environment=uri)
    own = lockers[lockers["ring_id"] == ring]
    found = statement(database, "MATCH (p:Locker)-[:MEMBER_OF]->(:FraudRing {ringId: $ring}) RETURN p.lockerId", ring=ring)
    assert {name for (name,) in found} == set(own["node_id"])
    assert statement(database, "MATCH (:User)-[r:FETCHED_FROM]->(:Locker) RETURN count(r) > 0") == [[True]]
    constraints = statement(database, "SHOW CONSTRAINTS YIELD labelsOrTypes, properties RETURN labelsOrTypes, properties")
    assert [["Locker"], ["lockerId"]] in constraints
