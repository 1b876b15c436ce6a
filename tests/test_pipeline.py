"""The library's calls: one log is measured once, whatever is asked of it, and a network asks for as many rings as it has folds."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graphdet import apply, detect, explain, read_events, train
from graphdet.errors import LabelError, ModelError
from graphdet.events import EventTable, Labels
from graphdet.evidence.measured import Measured
from graphdet.pipeline import Trained
from graphdet.progress import Progress
from graphdet.record.recording import record_dossiers
from graphdet.settings import GnnSettings, RingSettings, Settings
from graphdet.signals import measure_log
from graphdet.simulate import preset, simulate, write_market

QUICK = Settings(rings=RingSettings(permutations=1), gnn=GnnSettings(epochs=1))
STAGES = ["visits", "pair evidence", "rings", "permuted logs", "facts and tiers"]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> EventTable:
    folder = tmp_path_factory.mktemp("market") / "market"
    write_market(simulate(preset("demo", users=2000, events=20_000), 3), folder)
    return read_events([folder])


@pytest.fixture(scope="module")
def labels(events: EventTable) -> Labels:
    """Of some users, a third of them positive; how good the model is does not matter here."""
    chosen = np.arange(90, dtype=np.int32)
    return Labels(chosen, chosen % 3 == 0, np.arange(90))


@pytest.fixture(scope="module")
def trained(events: EventTable, labels: Labels) -> tuple[Trained, Progress]:
    progress = Progress()
    return train(events, labels, QUICK, progress), progress


def stages(progress: Progress) -> list[str]:
    return [cost.name for cost in progress.costs if cost.name in STAGES]


def test_a_log_is_measured_once_for_training_applying_and_explaining(
    events: EventTable, trained: tuple[Trained, Progress], tmp_path: Path
) -> None:
    model, learned = trained
    assert stages(learned) == STAGES
    path = tmp_path / "model.npz"
    model.model.save(path)
    applied, explained = Progress(), Progress()
    run = apply(events, path, QUICK, applied)
    assert stages(applied) == STAGES
    assert run.id != model.run.id
    assert run.rings.equals(model.run.rings)
    user = events.ids["user"][0].as_py()
    found = explain(events, user, path, QUICK, explained)
    assert stages(explained) == STAGES
    scores = run.scores.filter(pc.and_(pc.equal(run.scores["node_type"], "user"), pc.equal(run.scores["node_id"], user)))
    assert found.chance == pytest.approx(scores["score"][0].as_py(), rel=1e-5)  # of one user as of all
    with pytest.raises(LabelError, match="no user 'nobody'"):
        explain(events, "nobody", path, QUICK)


def test_pair_evidence_goes_once_it_had_its_last_reader(events: EventTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a large part of what a run holds in memory, and the last stages do not need it."""
    seen: list[weakref.ref[object]] = []
    left: list[object] = []

    def measured_log(*arguments: Any) -> Measured:
        measured = measure_log(*arguments)
        seen.extend(weakref.ref(part) for part in (measured, measured.pairs, measured.expected))
        return measured

    def recorded(*arguments: Any) -> Iterator[dict[str, pa.Table]]:
        left.extend(part() for part in seen)
        return record_dossiers(*arguments)

    monkeypatch.setattr("graphdet.pipeline.measure_log", measured_log)
    monkeypatch.setattr("graphdet.pipeline.record_dossiers", recorded)
    detect(events, QUICK)
    assert left == [None] * 3


def test_a_network_asks_for_as_many_rings_as_it_has_folds(events: EventTable) -> None:
    """With fewer, a fold would have nothing to learn from."""
    alerts = detect(events, QUICK.model_copy(update={"gnn": GnnSettings(least_rings=0)})).rings["tier"].to_pylist().count("alert")
    assert alerts >= 1
    more = QUICK.model_copy(update={"gnn": GnnSettings(epochs=1, least_rings=1, folds=alerts + 1)})
    assert detect(events, more).rings["tier"].to_pylist().count("alert") == alerts
    with pytest.raises(ModelError, match=rf"too few alert rings to learn from \(at least {alerts + 1}\)"):
        train(events, None, more)
    enough = QUICK.model_copy(update={"gnn": GnnSettings(epochs=1, least_rings=1, folds=max(alerts, 2))})
    if alerts >= 2:
        assert train(events, None, enough).judgement is None
