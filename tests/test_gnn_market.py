"""A small market from the log to scores, embeddings and models, by the commands that people type."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from graphdet import Run, Settings, detect, read_events
from graphdet.cli.program import app
from graphdet.errors import ModelError, NotAModel, NotARun, RunError, UnknownRing
from graphdet.evaluate import evaluate, load_truth
from graphdet.learning.labelled_inputs import read_inputs
from graphdet.learning.labelled_model import load_labelled
from graphdet.run.similar import find_similar
from graphdet.schema import EMBEDDING_WIDTH
from graphdet.settings import GnnSettings
from graphdet.signals import measure_log
from graphdet.simulate import preset, simulate, write_market

pytestmark = pytest.mark.slow

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    write_market(simulate(preset("hard", users=8000), 11), folder)
    return folder


@pytest.fixture(scope="module")
def log(market: Path) -> Path:
    return market / "events.parquet"


@pytest.fixture(scope="module")
def without(log: Path) -> Run:
    return detect(read_events([log]), Settings(gnn=GnnSettings(least_rings=0)))


@pytest.fixture(scope="module")
def invoke() -> Invoke:
    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture(scope="module")
def folder(log: Path, invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("run") / "run"
    done = invoke("run", log, "--out", target)
    assert done.exit_code == 0, done.output
    return target


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return Run.load(folder)


def test_the_network_ranks_better_than_evidence_alone_and_vetoes_nothing(market: Path, without: Run, run: Run) -> None:
    truth = load_truth(market)
    before, after = evaluate(without, truth), evaluate(run, truth)
    assert after.ranking["user"].auprc is not None
    assert before.ranking["user"].auprc is not None
    assert after.ranking["user"].auprc > before.ranking["user"].auprc
    tiers = [sorted(one.rings["tier"].to_pylist()) for one in (without, run)]
    assert tiers[0] == tiers[1]
    assert run.rings["tier"].to_pylist() == sorted(run.rings["tier"].to_pylist(), key=["alert", "review", "explained"].index)
    kept = set(zip(*(without.members[name].to_pylist() for name in ("node_type", "node_id")), strict=True))
    assert kept <= set(zip(*(run.members[name].to_pylist() for name in ("node_type", "node_id")), strict=True))


def test_scores_mean_about_what_they_say(market: Path, run: Run) -> None:
    users = run.scores.filter(pc.equal(run.scores["node_type"], "user"))
    members = load_truth(market).members
    member = np.isin(users["node_id"].to_pylist(), members["node_id"][members["node_type"] == "user"])
    score = users["score"].to_numpy()
    assert member[score >= 0.8].mean() > 0.7
    assert member[score < 0.2].mean() < 0.1


def test_every_node_of_a_small_log_has_an_embedding(run: Run, folder: Path) -> None:
    assert run.embeddings is not None
    names = zip(*(run.embeddings[name].to_pylist() for name in ("node_type", "node_id")), strict=True)
    scored = zip(*(run.scores[name].to_pylist() for name in ("node_type", "node_id")), strict=True)
    assert set(names) == set(scored)
    length = np.linalg.norm(run.embeddings["embedding"].combine_chunks().flatten().to_numpy().reshape(len(run.embeddings), -1), axis=1)
    np.testing.assert_allclose(length, 1, rtol=1e-4)
    assert pq.read_schema(folder / "embeddings.parquet").field("embedding").type.list_size == EMBEDDING_WIDTH


def test_runs_with_embeddings_of_another_width_still_load(run: Run, tmp_path: Path) -> None:
    assert run.embeddings is not None
    run.save(tmp_path / "run")
    vectors = run.embeddings["embedding"].combine_chunks().flatten().to_numpy().reshape(len(run.embeddings), -1)[:, :32]
    narrow = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 32)
    pq.write_table(run.embeddings.set_column(2, "embedding", narrow), tmp_path / "run" / "embeddings.parquet")
    older = Run.load(tmp_path / "run")
    user = run.ring("1").members["node_id"][0].as_py()
    assert len(find_similar(older, user, 5)) == 5
    words = pa.array([["near"] * 32] * len(vectors), pa.list_(pa.string(), 32))
    pq.write_table(run.embeddings.set_column(2, "embedding", words), tmp_path / "run" / "embeddings.parquet")
    with pytest.raises(NotARun, match="no column 'embedding' of type"):
        _ = Run.load(tmp_path / "run").embeddings


def test_the_same_log_gives_the_same_bytes_on_any_threads(log: Path, run: Run) -> None:
    settings = Settings()
    again = detect(read_events([log]), settings.model_copy(update={"machine": settings.machine.model_copy(update={"threads": 1})}))
    assert again.embeddings is not None
    for name in ("scores", "embeddings", "rings", "members"):
        assert getattr(again, name).equals(getattr(run, name)), name


def test_fewer_embeddings_are_those_of_the_highest_scored(log: Path) -> None:
    run = detect(read_events([log]), Settings(gnn=GnnSettings(least_rings=10_000, embeddings=3000)))
    assert run.embeddings is not None
    assert pc.sum(pc.equal(run.embeddings["node_type"], "user")).as_py() == 2250  # users first, but a quarter is for what they touched
    assert 2250 < len(run.embeddings) <= 3000
    members = run.members.filter(pc.equal(run.members["node_type"], "user"))
    alerts = run.rings.filter(pc.equal(run.rings["tier"], "alert"))["ring_id"]
    wanted = set(members.filter(pc.is_in(members["ring_id"], value_set=alerts.combine_chunks()))["node_id"].to_pylist())
    assert wanted <= set(run.embeddings["node_id"].to_pylist())


def test_similar_lists_ring_mates_with_what_they_share(folder: Path, run: Run, invoke: Invoke) -> None:
    users = run.ring("1").members.filter(pc.equal(run.ring("1").members["node_type"], "user"))["node_id"].to_pylist()
    done = invoke("similar", folder, users[0], "--count", 5, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert len(found) == 5
    assert sum(one["user_id"] in users for one in found) >= 3
    assert any(run.ring("1").id in one["rings"] and one["shared"] for one in found)
    assert all(first["cosine"] >= second["cosine"] for first, second in itertools.pairwise(found))
    plain = invoke("similar", folder, "1", "--count", 3)
    assert len(plain.stdout.splitlines()) == 3
    assert not {line.split()[3] for line in plain.stdout.splitlines()} & set(users)
    with pytest.raises(UnknownRing, match=r"no ring 'nobody'.* No user 'nobody' has an embedding"):
        find_similar(run, "nobody")
    with pytest.raises(RunError, match="no embeddings"):
        find_similar(Run(run.meta, {name: table for name, table in run.tables.items() if name != "embeddings"}), "1")


def test_a_network_learned_on_one_log_scores_another(log: Path, invoke: Invoke, tmp_path: Path) -> None:
    model, target = tmp_path / "network.npz", tmp_path / "run"
    done = invoke("train", log, "--out", model)
    assert done.exit_code == 0, done.output
    other = tmp_path / "other"
    write_market(simulate(preset("hard", users=5000), 12), other)
    done = invoke("run", other / "events.parquet", "--model", model, "--out", target)
    assert done.exit_code == 0, done.output
    scored = Run.load(target)
    alone = detect(read_events([other / "events.parquet"]), Settings(gnn=GnnSettings(least_rings=0)))
    after, before = (evaluate(one, load_truth(other)).ranking["user"].auprc for one in (scored, alone))
    assert after is not None
    assert before is not None
    assert after > before - 0.02
    assert scored.id != alone.id
    itself = detect(read_events([other / "events.parquet"]), Settings())  # by a network learned on this log
    assert not scored.scores.equals(itself.scores)


def test_labels_are_learned_from_and_applied(market: Path, log: Path, run: Run, invoke: Invoke, tmp_path: Path) -> None:
    members = load_truth(market).members
    users = run.scores.filter(pc.equal(run.scores["node_type"], "user"))["node_id"].to_pylist()
    generator = np.random.default_rng(0)
    # Two thirds of the users: of fewer, two dozen members are judged, and one crew more or less decides.
    chosen = generator.choice(sorted(users), 5000, replace=False)
    member = np.isin(chosen, members["node_id"][members["node_type"] == "user"])
    labels, model = tmp_path / "labels.csv", tmp_path / "model.npz"
    pd.DataFrame({"user_id": chosen, "label": member.astype(int)}).to_csv(labels, index=False)
    done = invoke("train", log, "--labels", labels, "--out", model, "--report", tmp_path / "report", "--json")
    assert done.exit_code == 0, done.output
    judged = json.loads(done.stdout[done.stdout.index("{") :])
    assert judged["calibration_error"] <= 0.05
    assert (judged["labels"]["read"], judged["labels"]["accepted"], judged["labels"]["users"]) == (5000, 5000, 5000)
    assert "graphdet: labels: read 5,000 rows = 5,000 accepted + 0 rejected + 0 duplicates" in done.stderr
    assert (tmp_path / "report" / "precision_recall.png").exists()
    done = invoke("run", log, "--model", model, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    scored = Run.load(tmp_path / "run")
    assert scored.rings.equals(run.rings)
    events = read_events([log])
    learned = load_labelled(model)
    chance = learned.chance(read_inputs(measure_log(events, Settings()), run, learned.message_scale))
    told = dict(zip(scored.scores["node_id"].to_pylist(), scored.scores["score"].to_pylist(), strict=True))
    assert [told[name] for name in events.ids["user"].to_pylist()] == pytest.approx(chance)
    top = scored.scores.filter(pc.equal(scored.scores["node_type"], "user"))["node_id"][0].as_py()
    done = invoke("explain", log, "--user", top, "--model", model)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("chance ")
    assert len(done.stdout.splitlines()) == 9


def test_options_that_would_do_nothing_are_refused_before_the_work(log: Path, tmp_path: Path, invoke: Invoke) -> None:
    done = invoke("train", log, "--out", tmp_path / "model.npz", "--search", 5)
    assert isinstance(done.exception, ModelError)
    assert "give --labels" in str(done.exception)
    done = invoke("train", log, "--out", tmp_path / "model.npz", "--json")
    assert json.loads(done.stdout) == {"model": str(tmp_path / "model.npz")}
    (tmp_path / "off.toml").write_text("[gnn]\nleast_rings = 0\n")
    done = invoke("run", log, "--model", tmp_path / "model.npz", "--settings", tmp_path / "off.toml", "--out", tmp_path / "run")
    assert isinstance(done.exception, ModelError)
    assert "least_rings" in str(done.exception)
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_no_model_is_refused_before_the_work(log: Path, tmp_path: Path, invoke: Invoke) -> None:
    wrong = tmp_path / "labels.csv"
    wrong.write_text("user_id,label\n")
    done = invoke("run", log, "--model", wrong, "--out", tmp_path / "run")
    assert isinstance(done.exception, NotAModel)
    assert not (tmp_path / "run").exists()


def test_the_documents_network_on_pytorch_geometric_finds_ring_members(tmp_path: Path) -> None:
    """The example of docs/gnn.md, as it stands there."""
    text = (Path(__file__).parent.parent / "docs" / "gnn.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    write_market(simulate(preset("hard", users=3000), 11), tmp_path)
    (tmp_path / "logs").mkdir()
    shutil.move(tmp_path / "events.parquet", tmp_path / "logs")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.removeprefix("AUROC of ring members: ")) > 0.8
