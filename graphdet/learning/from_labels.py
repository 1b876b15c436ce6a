"""Run and labels → a calibrated model, and how good it is on later users of other rings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.errors import ModelError
from graphdet.evaluate.metrics import ranking_figures
from graphdet.events import Labels
from graphdet.evidence.measured import Measured
from graphdet.learning.calibration import budget_threshold, calibration_error, choose_threshold, fit_calibration
from graphdet.learning.labelled_inputs import LabelledInputs, read_inputs, ring_members
from graphdet.learning.labelled_model import (
    LabelledModel,
    aggregate_trees,
    fit_network,
    grid_of,
    grow_trees,
    measure_trust,
    run_odds,
    tree_scores,
)
from graphdet.learning.life_columns import lives_wanted
from graphdet.learning.parting import Parts, part_labels
from graphdet.learning.step_head import learn_head
from graphdet.run.folder import Run
from graphdet.settings import Settings
from graphdet.signals import columns_of
from graphdet.signals.sequences import Steps, read_steps
from graphdet.signals.signal import FeatureTable, names_of

OURS = "average of trees and network"


@dataclass(frozen=True)
class Figures:
    """One way of scoring, judged on the last part of the labels."""

    method: str
    auroc: float
    auprc: float


@dataclass(frozen=True)
class Judgement:
    """How good the model is on later users of other rings.

    Attributes:
        users, positives: judged by.
        threshold, precision, recall, f1, accuracy: of the flagged users; None where nobody is flagged or positive.
        confusion: ((true negatives, false positives), (false negatives, true positives)).
        calibration_error: expected, on these users.
        methods: the parts beside each other.
        chance, positive: (n,) of these users, for curves.
    """

    users: int
    positives: int
    threshold: float
    precision: float | None
    recall: float | None
    f1: float
    accuracy: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    calibration_error: float
    methods: tuple[Figures, ...]
    chance: Float64
    positive: Bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without the single users."""
        return {name: value for name, value in asdict(self).items() if name not in ("chance", "positive")}


def learn_from_log(measured: Measured, run: Run, labels: Labels, settings: Settings, **options: Any) -> tuple[LabelledModel, Judgement]:
    """Learn what the settings ask for of a log and its run; options are those of `learn_labels`.

    Raises:
        LabelError, BadNumbers: as there.
    """
    inputs = read_inputs(measured, run, None, settings.machine.workers, lives_wanted(settings.signals))
    steps = read_steps(measured.events) if settings.signals.sequences.labelled else None
    return learn_labels(inputs, labels, ring_members(measured.events, run), settings, steps=steps, **options)


def learn_labels(
    inputs: LabelledInputs,
    labels: Labels,
    rings: Sequence[Int32],
    settings: Settings,
    *,
    precision: float = 0.9,
    budget: int = 0,
    trials: int = 0,
    board: Path | None = None,
    steps: Steps | None = None,
) -> tuple[LabelledModel, Judgement]:
    """Learn, calibrate on later labels, judge on the latest.

    Args:
        inputs: of all users, from `read_inputs` without a scale.
        labels: of some of them.
        rings: user codes of the run's rings; none lies in two parts.
        settings: seed and network.
        precision: that the threshold aims at.
        budget: users that can be looked at; 0 = the precision decides.
        trials: of the trees' settings, by Optuna, on the labels to learn from alone; 0 = none.
        board: folder for TensorBoard, where wanted.
        steps: of all users, where a network is to learn labels from them, too, and the model to read what it says.

    Raises:
        LabelError: too few labels for three parts, or for the halves of a network that learns from steps.
        BadNumbers: the loss is no finite number.
    """
    parts = part_labels(labels, rings)
    rows, positive = labels.user[parts.learn].astype(np.int64), labels.positive[parts.learn]
    head, of_steps = None, {}
    if steps is not None:
        head, told = learn_head(steps, len(inputs), labels, parts, rings, settings.seed)
        inputs, of_steps = inputs.with_head(told), {"recurrent network over steps": told}
    model = replace(_fit(inputs, rows, positive, settings, trials), head=head)
    by_trees, by_network = model.by_trees(inputs), model.by_network(inputs)
    model = replace(model, tree_grid=grid_of(by_trees), network_grid=grid_of(by_network))
    raw = model.ranks(inputs)
    later = labels.user[parts.calibrate]
    model = replace(model, calibration=fit_calibration(raw[later], labels.positive[parts.calibrate]))
    chance = model.calibration.chance(raw)
    threshold = budget_threshold(chance, budget) if budget else choose_threshold(chance[later], labels.positive[parts.calibrate], precision)
    model = replace(model, threshold=threshold)
    others = {
        "run without labels": run_odds(inputs),
        "trees over aggregates": aggregate_trees(inputs, rows, positive, settings.seed),
        "trees over messages and rings": by_trees,
        "network over messages and rings": by_network,
        **of_steps,
        OURS: raw,
    }
    judgement = _judge(chance, labels, parts, threshold, others)
    if board is not None:
        _write_board(judgement, board)
    return model, judgement


def _fit(inputs: LabelledInputs, rows: Int64, positive: Bool, settings: Settings, trials: int) -> LabelledModel:
    """A model of the users to learn from, whose ranks and chances are still to be set."""
    learned_from = inputs.take(rows)
    run = run_odds(inputs)
    trust = measure_trust(run[rows], positive)
    begin = trust * run[rows] if trust else None
    options = _search(learned_from, positive, begin, trials, settings.seed) if trials else {}
    trees = grow_trees(learned_from, positive, settings.seed, options, begin)
    network, scale = fit_network(inputs, rows, positive, settings.gnn, settings.seed, begin)
    return LabelledModel(
        features=names_of(columns_of("user")),
        message_scale=inputs.scale,
        columns=inputs.names,
        trees=trees,
        network=network,
        scale=scale,
        tree_grid=np.zeros(2),
        network_grid=np.zeros(2),
        trust=trust,
        usual=trust * float(run[rows].mean()),
        calibration=fit_calibration(np.zeros(2), np.array([True, False])),
        threshold=0.5,
    )


def _judge(chance: Float64, labels: Labels, parts: Parts, threshold: float, methods: dict[str, Float64]) -> Judgement:
    users, positive = labels.user[parts.judge], labels.positive[parts.judge]
    own = chance[users]
    flagged = own >= threshold
    hits, false = int((flagged & positive).sum()), int((flagged & ~positive).sum())
    missed, passed = int((~flagged & positive).sum()), int((~flagged & ~positive).sum())
    figures = []
    for method, score in methods.items():
        ranking = ranking_figures(positive, score[users])
        assert ranking.auroc is not None
        assert ranking.auprc is not None
        figures.append(Figures(method, ranking.auroc, ranking.auprc))
    return Judgement(
        users=len(users),
        positives=int(positive.sum()),
        threshold=threshold,
        precision=hits / (hits + false) if hits + false else None,
        recall=hits / (hits + missed) if hits + missed else None,
        f1=2 * hits / max(2 * hits + false + missed, 1),
        accuracy=(hits + passed) / len(users),
        confusion=((passed, false), (missed, hits)),
        calibration_error=calibration_error(own, positive),
        methods=tuple(figures),
        chance=own,
        positive=positive,
    )


def _search(inputs: FeatureTable, positive: Bool, begin: Float64 | None, trials: int, seed: int) -> dict[str, Any]:
    """The trees' settings that are best on the last third of the labels to learn from."""
    try:
        import optuna
    except ImportError:
        raise ModelError("--search needs Optuna: pip install 'graphdet[search]'.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    until = max(2 * len(positive) // 3, 1)

    def score(trial: Any) -> float:
        options = {
            "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 3, 50, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 30.0, log=True),
        }
        trees = grow_trees(inputs.take(slice(until)), positive[:until], seed, options, None if begin is None else begin[:until])
        added = tree_scores(trees, inputs.take(slice(until, None)))
        return ranking_figures(positive[until:], added if begin is None else begin[until:] + added).auprc or 0.0

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(score, n_trials=trials)
    return dict(study.best_params)


def _write_board(judgement: Judgement, folder: Path) -> None:
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise ModelError("--tensorboard needs TensorBoard: pip install 'graphdet[board]'.") from None
    writer = EventFileWriter(str(folder))
    values = [Summary.Value(tag=f"auprc/{one.method}", simple_value=one.auprc) for one in judgement.methods]
    values.append(Summary.Value(tag="calibration_error", simple_value=judgement.calibration_error))
    writer.add_event(Event(step=0, summary=Summary(value=values)))
    writer.close()
