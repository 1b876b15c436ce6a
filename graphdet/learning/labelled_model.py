"""Labels and inputs → a model: boosted trees, a network, the average of their ranks, calibrated; kept in one file without code.

Both begin at the odds of the run without labels and learn what is to be added to them, so that few labels do little harm; unless the
labels contradict the run.
Trees over neighbour-aggregated features are hard to beat with labels (XGBGraph, Tang et al. 2023), networks smooth what trees cut;
their ranks agree less than their strength would let expect, so the average is better than either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphdet import __version__
from graphdet.arrays import Bool, Float32, Float64, Int64, check_array
from graphdet.errors import LabelError
from graphdet.evaluate.metrics import ranking_figures
from graphdet.learning.calibration import Calibration
from graphdet.learning.labelled_inputs import aggregates, labelled_columns
from graphdet.learning.life_columns import lives_in
from graphdet.learning.model_file import (
    LARGEST,
    Arrays,
    check_columns,
    network_arrays,
    no_model_if_wrong,
    number,
    read_arrays,
    read_network,
    read_scale,
    scale_arrays,
    write_arrays,
)
from graphdet.learning.neighbourhood import Scale, measure_scale
from graphdet.learning.network import TorchNetwork, apply_network, integrated_gradients, train
from graphdet.learning.step_head import HEAD, StepHead, head_arrays, read_head
from graphdet.learning.trees import Trees, read_trees, tree_arrays, trees_of
from graphdet.settings import GnnSettings
from graphdet.signals import columns_of
from graphdet.signals.signal import FeatureTable, names_of

FORMAT = 4  # 3: columns in their own units, and the scale of messages; 4: trees as arrays
KIND = "graphdet model with labels"
GRID = 1001  # quantiles by which a raw score is turned into its rank
TREES: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
    "num_iterations": 200,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
CAREFUL: dict[str, Any] = {"learning_rate": 0.03, "num_leaves": 6, "lambda_l2": 20.0, "num_iterations": 100}  # where trees begin at odds
SCORE = "score_odds"


@dataclass(frozen=True)
class LabelledModel:
    """What was learned from labels.

    Attributes:
        features: names of the users' columns that it learned from, and `message_scale`, theirs, with which messages are made.
        columns: names of its inputs.
        trees, network: what is added to the run's log odds.
        scale: of the network's inputs.
        tree_grid, network_grid: quantiles of the raw scores by each, over the log that it learned from.
        trust: share of the run's log odds that they are added to.
        usual: mean of that share, over those it learned from.
        calibration: of the average of ranks.
        threshold: chance from which on a user is flagged.
        head: what learned labels from accounts' steps; None where nothing did.
    """

    features: tuple[str, ...]
    message_scale: Scale
    columns: tuple[str, ...]
    trees: Trees
    network: TorchNetwork
    scale: Scale
    tree_grid: Float64
    network_grid: Float64
    trust: float
    usual: float
    calibration: Calibration
    threshold: float
    head: StepHead | None = None

    def ranks(self, inputs: FeatureTable) -> Float64:
        """(n,) raw scores: the mean of the log odds of both ranks."""
        by_trees = _rank(self.by_trees(inputs), self.tree_grid)
        by_network = _rank(self.by_network(inputs), self.network_grid)
        return np.asarray((_logit(by_trees) + _logit(by_network)) / 2)

    def by_trees(self, inputs: FeatureTable) -> Float64:
        """(n,) log odds."""
        return self.trust * run_odds(inputs) + tree_scores(self.trees, inputs.select(self.columns))

    def by_network(self, inputs: FeatureTable) -> Float64:
        """(n,) log odds."""
        return self.trust * run_odds(inputs) + apply_network(self.network, self.scale, (inputs.select(self.columns).values,))

    def chance(self, inputs: FeatureTable) -> Float64:
        """(n,) calibrated chances of users whose messages were made with `message_scale`."""
        return self.calibration.chance(self.ranks(inputs))

    def contributions(self, inputs: FeatureTable) -> Float64:
        """(n, columns + 1) what each column adds to the log odds by trees, exactly (Lundberg et al. 2020); the last is the base."""
        added = self.trees.contributions(inputs.select(self.columns).values)
        added[:, self.columns.index(SCORE)] += self.trust * run_odds(inputs) - self.usual
        added[:, -1] += self.usual
        return added

    def network_contributions(self, own: FeatureTable, ordinary: FeatureTable) -> Float64:
        """(columns,) what each column adds to the log odds by the network, from one ordinary user's row to another's."""
        rows: list[Float32] = [table.select(self.columns).values[0] for table in (own, ordinary)]
        added = integrated_gradients(self.network, self.scale, *rows)
        added[self.columns.index(SCORE)] += self.trust * float(run_odds(own)[0] - run_odds(ordinary)[0])
        return added

    def save(self, path: Path) -> None:
        """Write the model.

        Raises:
            ModelError: the file cannot be written.
        """
        arrays = scale_arrays(self.message_scale, "message_scale/") | scale_arrays(self.scale, "scale/")
        arrays |= network_arrays(self.network, "network/")
        arrays |= tree_arrays(self.trees, "trees/")
        arrays |= {"tree_grid": self.tree_grid, "network_grid": self.network_grid}
        arrays |= {} if self.head is None else head_arrays(self.head, "head/")
        about = {
            "kind": KIND,
            "format": FORMAT,
            "version": __version__,
            "features": list(self.features),
            "columns": list(self.columns),
            "trust": self.trust,
            "usual": self.usual,
            "slope": self.calibration.slope,
            "base": self.calibration.base,
            "threshold": self.threshold,
        }
        write_arrays(path, about, arrays)


def load_labelled(path: Path) -> LabelledModel:
    """The model that a file holds.

    Raises:
        NotAModel: it is no such model, is damaged, or is of a newer graphdet or of one too old.
        ModelMismatch: it reads other columns than this graphdet measures.
    """
    about, arrays = read_arrays(path, KIND, FORMAT, oldest=4)
    features = check_columns(path, about, "features", names_of(columns_of("user")))
    told = about.get("columns", ())
    lives = lives_in(tuple(name for name in told if isinstance(name, str)) if isinstance(told, list) else ())
    headed = isinstance(told, list) and HEAD.name in told
    columns = check_columns(path, about, "columns", names_of(labelled_columns(lives, head=headed)))
    with no_model_if_wrong(path):
        return LabelledModel(
            features,
            read_scale(arrays, "message_scale/", len(features)),
            columns,
            read_trees(arrays, "trees/", len(columns)),
            read_network(arrays, "network/", len(columns)),
            read_scale(arrays, "scale/", len(columns)),
            _read_grid(arrays, "tree_grid"),
            _read_grid(arrays, "network_grid"),
            number(about, "trust", 0, 1),
            number(about, "usual", -LARGEST, LARGEST),
            Calibration(number(about, "slope", 0, LARGEST), number(about, "base", -LARGEST, LARGEST)),
            number(about, "threshold", 0, 2),
            read_head(arrays, "head/") if headed else None,
        )


def _read_grid(arrays: Arrays, name: str) -> Float64:
    grid: Float64 = arrays[name]
    check_array(name, grid, np.float64, GRID, -LARGEST, LARGEST)
    if (np.diff(grid) < 0).any():
        raise ValueError(f"{name} must rise")
    return grid


def run_odds(inputs: FeatureTable) -> Float64:
    """(n,) log odds by the run without labels."""
    return np.asarray(np.log(10) * inputs.column(SCORE).astype(np.float64))


def measure_trust(odds: Float64, positive: Bool) -> float:
    """Share of odds to begin at: all where they rank the labels well (AUROC 0.75), none where no better than chance would."""
    auroc = ranking_figures(positive, odds).auroc
    return float(np.clip(4 * (auroc - 0.5), 0, 1)) if auroc is not None else 0.0


def grow_trees(
    inputs: FeatureTable, positive: Bool, seed: int, options: dict[str, Any] | None = None, begin: Float64 | None = None
) -> Trees:
    """Boosted trees; positives weigh as much as negatives together, unless the trees begin at odds, which know how rare positives are.

    Args:
        inputs: of the n users to learn from.
        positive: (n,).
        seed: of the columns that each tree sees.
        options: instead of those of `TREES`.
        begin: (n,) log odds that the trees are added to.

    Raises:
        LabelError: all labels are the same.
    """
    if positive.all() or not positive.any():
        raise LabelError("labels of one kind only: both positive and negative users are needed to learn from.")
    import lightgbm as lgb  # grows trees alone: whoever has learned needs it no more

    settings = {**TREES, **(CAREFUL if begin is not None else {}), **(options or {}), "seed": seed}
    weight = np.where(positive, (~positive).sum() / positive.sum(), 1.0) if begin is None else None
    label, names = positive.astype(np.float64), list(inputs.names)
    data = lgb.Dataset(inputs.values, label, weight=weight, init_score=begin, feature_name=names, params={"verbosity": -1})
    return trees_of(lgb.train(settings, data).dump_model(), len(names))


def tree_scores(trees: Trees, inputs: FeatureTable) -> Float64:
    """(n,) log odds of users in the columns that the trees learned from."""
    return trees.scores(inputs.values)


def aggregate_trees(inputs: FeatureTable, rows: Int64, positive: Bool, seed: int) -> Float64:
    """(users,) log odds by trees over aggregates alone: the bar."""
    chosen = inputs.select(aggregates())
    return tree_scores(grow_trees(chosen.take(rows), positive, seed), chosen)


def fit_network(
    inputs: FeatureTable, rows: Int64, positive: Bool, settings: GnnSettings, seed: int, begin: Float64 | None = None
) -> tuple[TorchNetwork, Scale]:
    """The network that is added to the log odds `begin` (rows,), and the scale of its inputs.

    Without odds, positives are repeated until they are as many as negatives.
    """
    scale = measure_scale(inputs.values)
    again = np.arange(len(rows))
    if begin is None:
        times = max(int((~positive).sum() / max(positive.sum(), 1)), 1)
        again = np.concatenate([np.flatnonzero(~positive), np.repeat(np.flatnonzero(positive), times)])
    values = scale.apply(inputs.values[rows][again])
    return train(values, positive[again], settings, seed, "training with labels", begin), scale


def grid_of(raw: Float64) -> Float64:
    """Quantiles by which `_rank` finds a score's place."""
    return np.quantile(raw, np.linspace(0, 1, GRID))


def _rank(raw: Float64, grid: Float64) -> Float64:
    return np.interp(raw, grid, np.linspace(0, 1, len(grid)))


def _logit(share: Float64) -> Float64:
    bounded = np.clip(share, 0.5 / GRID, 1 - 0.5 / GRID)
    return np.asarray(np.log(bounded / (1 - bounded)))
