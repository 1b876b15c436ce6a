"""A network that learns labels from steps: it learns what order tells, sees no label of whom it judges, and is kept, applied, explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted_logs import coded_table

from graphdet.errors import LabelError, NotAModel
from graphdet.evaluate.metrics import ranking_figures
from graphdet.events import EventTable, Labels
from graphdet.evidence.measured import Measured
from graphdet.learning import step_head
from graphdet.learning.applying import apply_labelled, inputs_for
from graphdet.learning.explaining import explain_user
from graphdet.learning.from_labels import Judgement, learn_from_log, learn_labels
from graphdet.learning.labelled_inputs import read_inputs
from graphdet.learning.labelled_model import LabelledModel, load_labelled
from graphdet.learning.life_events import reasons_in_life
from graphdet.learning.parting import part_labels
from graphdet.learning.step_head import HEAD, StepHead, learn_head, tokens_of
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.settings import GnnSettings, RingSettings, Settings
from graphdet.signal_settings import SequenceSettings, SignalSettings
from graphdet.signals import measure_log
from graphdet.signals.sequences import TOKENS, read_steps

USERS, EVENTS = 240, 16  # accounts, and events of each
SETTINGS = Settings(
    rings=RingSettings(permutations=1),
    gnn=GnnSettings(least_rings=0, epochs=1),
    signals=SignalSettings(sequences=SequenceSettings(labelled=True)),
)
POSITIVE = np.arange(USERS) % 4 == 0


@pytest.fixture(scope="module")
def log() -> EventTable:
    """Everybody comes back to one thing three times, at the same pace: positive accounts in a row, the others with something in between."""
    rng = np.random.default_rng(6)
    user, place = np.repeat(np.arange(USERS), EVENTS), np.tile(np.arange(EVENTS), USERS)
    item = rng.integers(0, 2000, len(user))
    begin = np.repeat(rng.integers(2, EVENTS - 7, USERS), EVENTS)
    after = place - begin
    inside = np.where(POSITIVE[user], (after >= 1) & (after <= 3), (after > 0) & (after <= 6) & (after % 2 == 0))
    item[inside] = item[np.flatnonzero(inside) - after[inside]]
    time = np.repeat(rng.integers(0, 86_400, USERS), EVENTS) + place * 43_200 + rng.integers(0, 40_000, len(user))
    return coded_table(user, time, item=item)


@pytest.fixture(scope="module")
def labels() -> Labels:
    known = np.sort(np.random.default_rng(2).permutation(USERS)[:200]).astype(np.int32)
    return Labels(known, POSITIVE[known], np.random.default_rng(3).permutation(200))


@pytest.fixture(scope="module")
def found(log: EventTable) -> tuple[Measured, Run]:
    measured = measure_log(log, SETTINGS)
    return measured, detect_in(measured, SETTINGS, Progress()).run


@pytest.fixture(scope="module")
def learned(found: tuple[Measured, Run], labels: Labels) -> tuple[LabelledModel, Judgement]:
    return learn_from_log(*found, labels, SETTINGS)


def head_of(log: EventTable, labels: Labels, seed: int = 0) -> tuple[StepHead, np.ndarray]:
    return learn_head(read_steps(log), USERS, labels, part_labels(labels, []), [], seed)


def test_steps_are_the_latest_of_each_account(log: EventTable) -> None:
    steps = read_steps(log)
    tokens = tokens_of(steps, USERS + 1)
    for user in (0, 7, USERS - 1):
        own = steps.token[steps.user == user].tolist()
        assert tokens[user].tolist() == own + [TOKENS] * (tokens.shape[1] - len(own))
    assert (tokens[USERS] == TOKENS).all()


def test_it_learns_what_order_tells_and_counts_do_not(learned: tuple[LabelledModel, Judgement]) -> None:
    area = {one.method: one.auroc for one in learned[1].methods}
    assert area["recurrent network over steps"] > 0.9 > area["trees over aggregates"]
    assert learned[0].columns[-1] == HEAD.name


def test_nobody_whom_trees_learn_from_is_judged_by_a_network_that_saw_the_label(
    log: EventTable, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[bytes]] = []
    learn = step_head._learn

    def watched(tokens: np.ndarray, *others: object) -> object:
        seen.append({row.tobytes() for row in tokens})
        return learn(tokens, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(step_head, "_learn", watched)
    head, told = head_of(log, labels)
    tokens = tokens_of(read_steps(log), USERS)
    by_each = np.array([StepHead((network,)).of_tokens(tokens) for network in head.networks])
    own = labels.user[part_labels(labels, []).learn]
    others = np.setdiff1d(np.arange(USERS), own)
    np.testing.assert_allclose(told[others], by_each.mean(0)[others], atol=1e-5)
    apart = np.abs(told[own] - by_each[:, own])
    assert apart.min(0).max() < 1e-5
    judges = apart.argmin(0)
    rows = [tokens[user].tobytes() for user in own.tolist()]
    alone = [place for place, row in enumerate(rows) if rows.count(row) == 1]
    assert len(alone) > 50
    for place in alone:
        assert rows[place] not in seen[judges[place]]
        assert rows[place] in seen[1 - judges[place]]
    assert ranking_figures(POSITIVE[own], told[own]).auroc > 0.85  # type: ignore[operator]


def test_a_ring_lies_in_one_half_and_one_alone_is_too_few(log: EventTable) -> None:
    labels = Labels(np.arange(USERS, dtype=np.int32), POSITIVE, np.arange(USERS))
    positive = np.flatnonzero(POSITIVE).astype(np.int32)
    rings = [positive[start : start + 12] for start in range(0, len(positive), 12)]
    parts = part_labels(labels, rings)
    head, told = learn_head(read_steps(log), USERS, labels, parts, rings, 0)
    by_each = np.array([StepHead((network,)).of_tokens(tokens_of(read_steps(log), USERS)) for network in head.networks])
    for ring in rings:
        own = np.intersect1d(ring, labels.user[parts.learn])
        judged = {int(np.abs(by_each[:, one] - told[one]).argmin()) for one in own.tolist()}
        assert len(judged) <= 1
    few = replace(parts, learn=parts.learn[np.isin(labels.user[parts.learn], rings[0]) | ~labels.positive[parts.learn]])
    with pytest.raises(LabelError, match=r"\[signals.sequences\] labelled"):
        learn_head(read_steps(log), USERS, labels, few, rings, 0)


def test_a_seed_gives_the_same_bytes_and_later_labels_alone_stop_it(log: EventTable, labels: Labels) -> None:
    told = head_of(log, labels)[1]
    assert head_of(log, labels)[1].tobytes() == told.tobytes()
    assert head_of(log, labels, 1)[1].tobytes() != told.tobytes()
    judged = labels.positive.copy()
    judged[part_labels(labels, []).judge] ^= True
    latest = part_labels(labels, [])
    flipped = replace(labels, positive=judged)
    assert learn_head(read_steps(log), USERS, flipped, latest, [], 0)[1].tobytes() == told.tobytes()


def test_a_model_with_it_is_kept_applied_and_explained(
    learned: tuple[LabelledModel, Judgement], found: tuple[Measured, Run], labels: Labels, tmp_path: Path
) -> None:
    model, (measured, run) = learned[0], found
    model.save(tmp_path / "model.npz")
    loaded = load_labelled(tmp_path / "model.npz")
    inputs = inputs_for(loaded, measured, run)
    assert loaded.chance(inputs).tobytes() == model.chance(inputs_for(model, measured, run)).tobytes()
    assert apply_labelled(run, measured, loaded).scores.num_rows == run.scores.num_rows
    others = np.setdiff1d(np.arange(USERS), labels.user)
    assert ranking_figures(POSITIVE[others], loaded.chance(inputs)[others]).auroc > 0.85  # type: ignore[operator]
    user = int(others[POSITIVE[others]][0])
    moved = [one.column for one in explain_user(loaded, inputs, user).moved]
    assert moved[0] == HEAD.name
    (reason,) = reasons_in_life(measured.events, user, moved, inputs, loaded.head)
    assert reason.column == HEAD.name
    assert reason.without < reason.value - 1
    assert 0 < reason.fidelity < 1
    items = [measured.events.ids["item"][code].as_py() for code in measured.events.codes["item"][measured.events.codes["user"] == user]]
    again = {item for item in items if items.count(item) > 1}  # the thing to which the account came back
    assert sum(event["item_id"] in again for event in reason.events if event["bits"] > 0) >= 2


def test_a_damaged_head_makes_the_file_no_model(learned: tuple[LabelledModel, Judgement], tmp_path: Path) -> None:
    learned[0].save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as archive:
        arrays = dict(archive)
    for name, value in (("head/0/tell.bias", np.array([np.nan], np.float32)), ("head/1/embed.weight", np.zeros((2, 2), np.float32))):
        np.savez(tmp_path / "damaged.npz", **{**arrays, name: value})
        with pytest.raises(NotAModel, match="damaged"):
            load_labelled(tmp_path / "damaged.npz")
    del arrays["head/1/tell.bias"]
    np.savez(tmp_path / "damaged.npz", **arrays)
    with pytest.raises(NotAModel, match="damaged"):
        load_labelled(tmp_path / "damaged.npz")


def test_without_the_setting_a_model_is_what_it_was(found: tuple[Measured, Run], labels: Labels) -> None:
    plain = SETTINGS.model_copy(update={"signals": SignalSettings()})
    model, judgement = learn_from_log(*found, labels, plain)
    again, _ = learn_labels(read_inputs(*found, None), labels, [], plain)
    assert model.head is None
    assert HEAD.name not in model.columns
    assert "recurrent network over steps" not in {one.method for one in judgement.methods}
    assert again.columns == model.columns
