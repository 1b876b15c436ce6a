"""Learning on: a fresh model is used only where it is no worse on the latest labels or rings, and can be taken back."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command
from dossier_runs import market_run
from sklearn.metrics import average_precision_score

from graphdet.alerts.deliver import connect
from graphdet.alerts.outbox import open_outbox
from graphdet.answering.questions import Scores
from graphdet.answering.score_file import LEARNED, NAME, write_learned, write_scores
from graphdet.drift.model_shelf import ModelShelf, is_due
from graphdet.drift.refreshing import latest_members
from graphdet.errors import ModelError
from graphdet.evaluate.metrics import ranking_figures
from graphdet.learning.ring_model import load_model
from graphdet.settings import GnnSettings, RingSettings, Settings
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table

SETTINGS = "[rings]\npermutations = 2\n[gnn]\nleast_rings = 0\n"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A watch's folder with one segment, two files of labels and settings."""
    folder = tmp_path_factory.mktemp("refresh")
    chosen = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))
    made = market_run(folder / "log", seed=1, events=20_000, settings=chosen)
    (folder / "segments").mkdir()
    shutil.copy(made.folder / "events.parquet", folder / "segments" / "2024-01-01-0.parquet")
    connection = sqlite3.connect(folder / "watch.sqlite", isolation_level=None)
    connection.execute("CREATE TABLE segments (name TEXT)")
    connection.execute("INSERT INTO segments VALUES ('2024-01-01-0.parquet')")
    open_outbox(connection)
    connection.close()
    write_scores(folder / NAME, made.run, look=1, moment=0)
    ring = {row["node_id"] for row in made.run.members.to_pylist() if row["node_type"] == "user"}
    counts = made.log["user_id"].astype(str).value_counts()
    counts = counts[[user not in ring for user in counts.index]].sample(300, random_state=1)  # who does much is easy to learn
    users = pd.DataFrame({"user_id": counts.index, "label": (counts > counts.median()).astype(int).to_numpy()})
    users["known_at"] = pd.date_range("2024-01-01", periods=len(users), freq="h")
    users.to_csv(folder / "right.csv", index=False)
    early = np.arange(len(users)) < 0.7 * len(users)
    users.assign(label=np.where(early, 1 - users["label"], users["label"])).to_csv(folder / "wrong.csv", index=False)
    (folder / "mine.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def test_a_worse_model_is_left_a_good_one_kept_and_taken_back(state: Path, graphdet_command: Command) -> None:
    def refresh(*arguments: object) -> list[dict[str, object]]:
        done = graphdet_command("refresh", state, "--settings", state / "mine.toml", "--json", *arguments)
        assert done.code == 0, done.err
        found: list[dict[str, object]] = json.loads(done.out)
        return found

    (first,) = refresh("--labels", state / "right.csv", "--every", 7)
    assert (first["what"], first["reason"], first["before"], first["figure_before"]) == ("kept", "first", "", None)
    assert refresh("--labels", state / "right.csv", "--every", 7) == []  # not due
    (worse,) = refresh("--labels", state / "wrong.csv")
    assert (worse["what"], worse["before"]) == ("left", first["name"])
    assert float(str(worse["figure"])) < float(str(worse["figure_before"]))
    user = pd.read_csv(state / "right.csv")["user_id"].astype(str)[0]
    told = Scores(state / NAME).node("user", user)["learned"]
    assert told["model"] == first["name"]  # the one in use still says it
    assert 0 <= told["chance"] <= 1
    assert [entry["what"] for entry in refresh("--journal")] == ["kept", "left"]
    assert graphdet_command("refresh", state).code == 2  # neither verdicts nor labels
    with contextlib.closing(connect(state / "watch.sqlite")) as connection:
        shelf = ModelShelf(state, connection)
        bad = shelf.add(Written(shelf.path_of(str(worse["name"])).read_bytes()), "asked", 1.0, 0.5, 9, 3)
        write_learned(state / LEARNED, pa.array([user]), np.ones(1), model=bad.name, time=bad.time)
    scores = Scores(state / NAME)
    assert scores.node("user", user)["learned"]["model"] == worse["name"]
    (back,) = refresh("--back")
    assert (back["what"], back["name"]) == ("taken back", first["name"])
    again = scores.node("user", user)["learned"]
    assert (again["model"], again["chance"]) == (first["name"], pytest.approx(told["chance"]))
    assert refresh("--back")[0]["name"] == ""
    assert "learned" not in scores.node("user", user)


@pytest.fixture
def many_rings(tmp_path: Path) -> Path:
    """A watch's folder with one segment in which networks have rings to learn from."""
    easy = preset("easy", users=800)
    rings = easy.rings.model_copy(update={"count": 12 * easy.rings.count})
    (tmp_path / "segments").mkdir()
    log = log_table(simulate(easy.model_copy(update={"days": 14, "rings": rings, "start": "2025-03-01"}), 1))
    pq.write_table(log, tmp_path / "segments" / "2025-03-01-0.parquet")
    with contextlib.closing(sqlite3.connect(tmp_path / "watch.sqlite", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE segments (name TEXT)")
        connection.execute("INSERT INTO segments VALUES ('2025-03-01-0.parquet')")
        open_outbox(connection)
    return tmp_path


def test_a_network_is_judged_on_the_latest_rings_and_stands_apart_from_the_models(
    state: Path, many_rings: Path, graphdet_command: Command
) -> None:
    def refresh(*arguments: object) -> list[dict[str, object]]:
        done = graphdet_command("refresh", many_rings, "--network", "--settings", state / "mine.toml", "--json", *arguments)
        assert done.code == 0, done.err
        found: list[dict[str, object]] = json.loads(done.out)
        return found

    (first,) = refresh("--every", 7)
    assert (first["what"], first["reason"], first["before"], first["figure_before"]) == ("kept", "first", "", None)
    assert float(str(first["figure"])) > 2 * int(str(first["positive"])) / int(str(first["judged"]))
    with contextlib.closing(connect(many_rings / "watch.sqlite")) as connection:
        shelf = ModelShelf(many_rings, connection, "network")
        bad = load_model(shelf.path_of(shelf.in_use))
        for network in bad.layers[1].networks:  # what it holds for a member is none
            for weights in network[-1].parameters():
                weights.data.neg_()
        worse = shelf.add(bad, "asked", 1.0, 0.5, 9, 3)
    assert refresh("--every", 7) == []
    (again,) = refresh()
    assert (again["what"], again["name"], again["before"]) == ("kept", first["name"], worse.name)
    assert again["figure"] == first["figure"]
    assert float(str(again["figure_before"])) < float(str(again["figure"]))
    (seen,) = refresh()  # judged beside one that has learned from these very rings
    assert seen["what"] == ("left" if float(str(seen["figure_before"])) > float(str(seen["figure"])) else "kept")
    assert refresh("--back")[0]["name"] == worse.name
    assert {str(entry["name"] or entry["before"]).split("-")[0] for entry in refresh("--journal")} == {"network"}
    assert "none can be taken back" in graphdet_command("refresh", many_rings, "--back").err  # of the models with labels there are none
    assert graphdet_command("refresh", many_rings, "--network", "--labels", state / "right.csv").code == 2
    few = graphdet_command("refresh", state, "--network", "--settings", state / "mine.toml")
    assert (few.code, "too few alert rings" in few.err) == (2, True)


def test_networks_are_judged_on_who_is_in_the_latest_rings_alone() -> None:
    draw = np.random.default_rng(4)
    rings = []
    for number in range(9):
        grown = SimpleNamespace(members=np.sort(draw.choice(60, 5, replace=False)), start=draw.integers(0, 1000, 4))
        rings.append(SimpleNamespace(tier="alert" if number % 3 else "review", facts=SimpleNamespace(grown=grown)))
    users, positive = latest_members(rings, 60)  # type: ignore[arg-type]
    alerts = sorted((ring for ring in rings if ring.tier == "alert"), key=lambda ring: min(ring.facts.grown.start))
    (last,) = alerts[-1:]  # a fifth of six
    others = {user for ring in rings if ring is not last for user in ring.facts.grown.members.tolist()}
    assert users.tolist() == [user for user in range(60) if user not in others]
    assert users[positive].tolist() == sorted(set(last.facts.grown.members.tolist()) - others)


class Written:
    """A model of a few bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def save(self, path: Path) -> None:
        path.write_bytes(self.content)


def test_the_journal_tells_which_model_is_in_use(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path, sqlite3.connect(tmp_path / "db", isolation_level=None))
    with pytest.raises(ModelError, match="none can be taken back"):
        shelf.take_back("asked")
    names = [
        shelf.add(Written(content), "asked", figure, before, 9, 3) for content, figure, before in ((b"a", 0.5, None), (b"b", 0.6, 0.5))
    ]
    assert shelf.add(Written(b"c"), "drift", 0.59, 0.6, 9, 3).what == "left"
    assert shelf.in_use == names[1].name
    assert shelf.path_of(shelf.in_use).read_bytes() == b"b"
    assert (shelf.take_back("asked").name, shelf.in_use) == (names[0].name, names[0].name)
    assert shelf.add(Written(b"d"), "asked", 0.7, 0.5, 9, 3).before == names[0].name
    assert [shelf.take_back("asked").name, shelf.take_back("asked").name] == [names[0].name, ""]
    assert shelf.in_use == ""
    with pytest.raises(ModelError):
        shelf.take_back("asked")
    names = [shelf.add(Written(content), "schedule", 0.7, 0.7, 9, 3).name for content in (b"e", b"f", b"f")]
    assert shelf.take_back("asked").name == names[0]  # what was learned twice is one
    assert [entry.what for entry in shelf.entries()][:7] == ["kept", "kept", "left", "taken back", "kept", "taken back", "taken back"]


def test_a_model_is_due_by_schedule_and_after_drift_but_not_daily_without(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path, sqlite3.connect(tmp_path / "db", isolation_level=None))
    now = datetime.now(UTC)
    assert is_due(shelf.entries(), 86_400, now, drifted=False) == "first"
    shelf.add(Written(b"a"), "first", 0.5, None, 9, 3)
    told = [
        is_due(shelf.entries(), 7 * 86_400, now + timedelta(days=days), drifted=drifted)
        for days, drifted in ((0.5, True), (1.1, True), (1.1, False), (7.1, False))
    ]
    assert told == ["", "drift", "", "schedule"]


def test_the_figure_is_scikit_learns() -> None:
    draw = np.random.default_rng(0)
    positive, score = draw.random(200) < 0.3, draw.random(200).round(1)
    assert ranking_figures(positive, score).auprc == pytest.approx(average_precision_score(positive, score))
