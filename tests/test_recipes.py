"""The recipes of CONTRIBUTING.md, followed word by word in a copy of the package."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from recipes import RECIPES, Copy

from graphdet.evaluate.truth import load_truth
from graphdet.run.folder import Run
from graphdet.simulate import preset, simulate, write_market


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_every_recipe_has_its_test() -> None:
    """That of a node type stands in test_node_type.py."""
    assert set(RECIPES) == {"A node type", "A look-alike", "A signal", "A meeting place", "A command"}


def test_a_command(copy: Copy, small_run: Run) -> None:
    copy.follow("A command")
    small_run.save(copy.folder / "run")
    assert re.search(r"^  busiest ", copy.graphdet("--help"), re.MULTILINE)
    assert copy.graphdet("busiest", "run", "--top", "1") == "   2  bob\\x1b[31m\n"
    assert json.loads(copy.graphdet("busiest", "run", "--json"))[0] == {"user_id": "bob\x1b[31m", "rings": 2}


def test_a_look_alike(copy: Copy) -> None:
    """Members of a planted ring, each at home and all with one delivery address, are judged, worded and loaded by one object more."""
    copy.follow("A look-alike")
    write_market(simulate(preset("demo", events=40_000), seed=1), copy.folder / "market")
    log = pd.read_parquet(copy.folder / "market" / "events.parquet")
    users = load_truth(copy.folder / "market").members.query("node_type == 'user'")
    guests = log["user_id"].isin(users.groupby("ring_id").get_group(users["ring_id"].value_counts().idxmax())["node_id"])
    log.loc[guests, "device_id"], log.loc[guests, "ip"] = "phone-" + log.loc[guests, "user_id"], None
    log.loc[guests, "payment_id"], log.loc[guests, "address_id"] = None, "the-couple"
    log.to_parquet(copy.folder / "log.parquet", index=False)
    (copy.folder / "quick.toml").write_text("[rings]\npermutations = 1\n[gnn]\nleast_rings = 0\n", encoding="utf-8")
    copy.graphdet("run", "log.parquet", "--settings", "quick.toml", "--out", "run")
    rings = json.loads(copy.graphdet("rings", "run", "--explanation", "wedding_list", "--json"))
    assert [ring["tier"] for ring in rings] == ["explained"]
    ring = rings[0]["ring_id"]
    told = json.loads(copy.graphdet("show", "run", ring, "--json"))["dossier"]["innocent"][0]
    assert (told["code"], told["holds"], told["ways"][0][0]["setting"]) == ("wedding_list", True, "nearly_all")
    assert "people deliver to one address" in told["en"]
    assert "wedding list" in copy.graphdet("show", "run", "1")
    assert "宾客按同一对新人的礼单购买" in copy.graphdet("show", "run", ring, "--lang", "zh")
    copy.graphdet("report", "run")
    copy.graphdet("export", "run", ring, "--format", "md", "--out", "note.md")
    assert "婚礼礼单" in (copy.folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "wedding list" in (copy.folder / "note.md").read_text(encoding="utf-8")


def test_a_signal(copy: Copy) -> None:
    """A named column goes through detection, learning and explaining; a model learned without it is refused."""
    folder, log = copy.folder, "market/events.parquet"
    copy.graphdet("simulate", "--preset", "easy", "--users", 600, "--seed", 3, "--out", "market")
    users = sorted(pq.read_table(folder / log)["user_id"].unique().to_pylist())
    labels = [f"{user},{int(number % 3 == 0)}" for number, user in enumerate(users[:90])]
    (folder / "labels.csv").write_text("\n".join(["user_id,label", *labels]), encoding="utf-8")
    (folder / "quick.toml").write_text("[rings]\npermutations = 1\n[gnn]\nepochs = 1\n", encoding="utf-8")
    learn = ("train", log, "--labels", "labels.csv", "--settings", "quick.toml", "--out")
    copy.graphdet(*learn, "before.npz")
    copy.follow("A signal")
    copy.graphdet("run", log, "--settings", "quick.toml", "--out", "run")
    copy.graphdet(*learn, "after.npz")
    words = dict(line.split("\t") for line in copy.python(PRINT_COLUMNS).splitlines())
    assert words["share_night"] == "share of events between midnight and six, UTC"
    assert words["item_most_share_night"] == "share of events between midnight and six, UTC, of others at the same items, highest"
    with np.load(folder / "after.npz") as model:
        assert json.loads(str(model["about"]))["columns"] == list(words)
    explain = ("explain", log, "--user", users[0], "--settings", "quick.toml", "--json", "--model")
    assert {one["column"]: one["words"] for one in json.loads(copy.graphdet(*explain, "after.npz"))["moved"]}.items() <= words.items()
    with pytest.raises(AssertionError, match=r"before\.npz: learned from other columns than this graphdet measures"):
        copy.graphdet(*explain, "before.npz")


PRINT_COLUMNS = """
from graphdet.learning.labelled_inputs import labelled_columns
for column in labelled_columns():
    print(column.name, column.english, sep="\\t")
"""


def test_a_meeting_place(copy: Copy) -> None:
    """Members of a planted ring who pay the same odd sums meet there: in evidence, members, scores, dossier, report and exports."""
    copy.follow("A meeting place")
    write_market(simulate(preset("demo", events=40_000), seed=1), copy.folder / "market")
    log = pd.read_parquet(copy.folder / "market" / "events.parquet")
    users = load_truth(copy.folder / "market").members.query("node_type == 'user'")
    ring = users["ring_id"].value_counts().idxmax()
    paid = log["user_id"].isin(users.loc[users["ring_id"] == ring, "node_id"]) & log["amount"].notna()
    log.loc[~paid & log["amount"].notna(), "amount"] = 20.0
    log.loc[paid, "amount"] = 0.37 + log.loc[paid, "timestamp"].dt.day_of_year
    log.to_parquet(copy.folder / "log.parquet", index=False)
    (copy.folder / "quick.toml").write_text("[rings]\npermutations = 1\n[gnn]\nleast_rings = 0\n", encoding="utf-8")
    copy.graphdet("run", "log.parquet", "--settings", "quick.toml", "--out", "run")
    sums = {str(round(100 * amount)) for amount in log.loc[paid, "amount"].unique()}
    scored, evidence = (pq.read_table(copy.folder / "run" / f"{name}.parquet").to_pandas() for name in ("scores", "evidence"))
    assert set(scored.loc[scored["node_type"] == "sum", "node_id"]) == sums
    assert set(evidence.loc[evidence["view"] == "sum", "key"]) <= sums
    assert (evidence["view"] == "sum").any()
    told = json.loads(copy.graphdet("show", "run", "1", "--json"))["dossier"]["facts"]["shared"]["keys"]
    assert {key["id"] for key in told if key["type"] == "sum"} <= sums
    copy.graphdet("report", "run")
    for form in ("csv", "xlsx", "graphml", "md"):
        copy.graphdet("export", "run", "1", "--format", form, "--out", f"one.{form}")
