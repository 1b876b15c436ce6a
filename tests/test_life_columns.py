"""Single accounts' lives among what models with labels read: asked for by settings, told by the model file, said by explanations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted_logs import coded_table

from graphdet.events import EventTable, Labels
from graphdet.learning.explaining import explain_user
from graphdet.learning.from_labels import learn_labels
from graphdet.learning.labelled_inputs import labelled_columns, read_inputs
from graphdet.learning.labelled_model import load_labelled
from graphdet.learning.life_columns import LIVES, OF_TAKEOVERS, life_columns, lives_in, lives_wanted, measure_lives
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.settings import GnnSettings, RingSettings, Settings
from graphdet.signal_settings import MapSettings, SequenceSettings, SignalSettings, TakeoverSettings
from graphdet.signals import measure_log
from graphdet.signals.signal import names_of
from graphdet.signals.takeovers import PARTS

ALL = SignalSettings(
    takeovers=TakeoverSettings(columns=True), sequences=SequenceSettings(model="trigram"), activity_maps=MapSettings(columns=True)
)


@pytest.fixture(scope="module")
def log() -> EventTable:
    rng = np.random.default_rng(6)
    user = rng.integers(0, 120, 2500)
    device = np.where(rng.random(2500) < 0.9, user, 200 + rng.integers(0, 300, 2500))
    return coded_table(user, rng.integers(0, 30 * 86_400, 2500), item=rng.integers(0, 60, 2500), device=device)


def test_nothing_is_read_by_default_and_columns_tell_what_was() -> None:
    assert lives_wanted(SignalSettings()) == ()
    assert lives_wanted(ALL) == ("trigram", "activity maps", "takeovers")
    assert lives_wanted(SignalSettings(activity_maps=MapSettings(network=True))) == ("hours by network",)
    for name in LIVES:
        assert lives_in(names_of(labelled_columns((name,)))) == (name,)
    words = life_columns(tuple(LIVES))
    assert len({column.english for column in words}) == len({column.chinese for column in words}) == len(set(names_of(words))) == len(words)
    of_the_log = tuple(part for part in PARTS if part != "travel")  # which hangs on a table of networks, that a model does not carry along
    assert names_of(OF_TAKEOVERS)[1:] == tuple(f"takeover_{part}" for part in of_the_log)


def test_a_model_learned_with_them_is_saved_applied_and_explained(log: EventTable, tmp_path: Path) -> None:
    settings = Settings(rings=RingSettings(permutations=1), gnn=GnnSettings(least_rings=0, epochs=1))
    measured = measure_log(log, settings)
    run = detect_in(measured, settings, Progress()).run
    lives = lives_wanted(ALL)
    inputs = read_inputs(measured, run, None, 1, lives)
    width = len(life_columns(lives))
    assert inputs.names[-width:] == names_of(life_columns(lives))
    np.testing.assert_array_equal(inputs.values[:, -width:], measure_lives(log, lives))
    np.testing.assert_array_equal(inputs.values[:, :-width], read_inputs(measured, run, None).values)
    odd = inputs.column("surprise_mean") > np.quantile(inputs.column("surprise_mean"), 0.7)
    labels = Labels(np.arange(120, dtype=np.int32), odd, np.arange(120))
    model, _ = learn_labels(inputs, labels, [], settings)
    model.save(tmp_path / "model.npz")
    loaded = load_labelled(tmp_path / "model.npz")
    assert lives_in(loaded.columns) == lives
    again = read_inputs(measured, run, loaded.message_scale, 1, lives_in(loaded.columns))
    np.testing.assert_array_equal(loaded.chance(again), model.chance(inputs))
    moved = explain_user(loaded, again, int(np.flatnonzero(odd)[0])).moved
    assert moved[0].column == "surprise_mean"
    assert moved[0].words.startswith("surprise at the account's steps")
