"""Labels and inputs → a model: boosted trees, a network, the average of their ranks, calibrated; kept in one file without code.

Trees over neighbour-aggregated features are hard to beat with labels (XGBGraph, Tang et al. 2023), networks smooth what trees cut;
their ranks agree less than their strength would let expect, so the average is better than either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from graphdet import __version__
from graphdet.errors import LabelError, ModelMismatch, NotAModel
from graphdet.evidence.visits import Bool, Float32, Float64, Int64
from graphdet.features import FeatureTable
from graphdet.gnn.inputs import Scale, measure_scale
from graphdet.gnn.model import SCALE, Arrays, read_arrays, read_network, write_arrays
from graphdet.gnn.network import TorchNetwork, apply_network, train
from graphdet.settings import GnnSettings
from graphdet.supervised.calibration import Calibration
from graphdet.supervised.inputs import AGGREGATES, COLUMNS

FORMAT = 1
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


@dataclass(frozen=True)
class LabelledModel:
    """What was learned from labels.

    Attributes:
        trees, network: the two, each with the quantiles of its raw scores over the log that it learned from.
        scale: of the network's inputs.
        calibration: of the average of ranks.
        threshold: chance from which on a user is flagged.
    """

    trees: lgb.Booster
    network: TorchNetwork
    scale: Scale
    tree_grid: Float64
    network_grid: Float64
    calibration: Calibration
    threshold: float

    def ranks(self, values: Float32) -> Float64:
        """(n,) raw scores: the mean of the log odds of both ranks."""
        by_trees = _rank(tree_scores(self.trees, values), self.tree_grid)
        by_network = _rank(apply_network(self.network, self.scale, (values,)), self.network_grid)
        return np.asarray((_logit(by_trees) + _logit(by_network)) / 2)

    def chance(self, values: Float32) -> Float64:
        """(n,) calibrated chances of users with inputs (n, `COLUMNS`)."""
        return self.calibration.chance(self.ranks(values))

    def contributions(self, values: Float32) -> Float64:
        """(n, columns + 1) what each column adds to the trees' log odds, exactly (Lundberg et al. 2020); the last is the base."""
        return np.asarray(self.trees.predict(values, pred_contrib=True))

    def save(self, path: Path) -> None:
        """Write the model.

        Raises:
            ModelError: the file cannot be written.
        """
        arrays: Arrays = {f"scale/{name}": getattr(self.scale, name) for name in SCALE}
        arrays |= {f"network/{name}": value.numpy() for name, value in self.network.state_dict().items()}
        arrays |= {"tree_grid": self.tree_grid, "network_grid": self.network_grid, "trees": np.array(self.trees.model_to_string())}
        about = {
            "kind": KIND,
            "format": FORMAT,
            "version": __version__,
            "columns": list(COLUMNS),
            "slope": self.calibration.slope,
            "base": self.calibration.base,
            "threshold": self.threshold,
        }
        write_arrays(path, about, arrays)


def load_labelled(path: Path) -> LabelledModel:
    """The model that a file holds.

    Raises:
        NotAModel: it is no such model, is damaged, or is of a newer graphdet.
        ModelMismatch: it reads other columns than this graphdet measures.
    """
    about, arrays = read_arrays(path, KIND, FORMAT)
    if tuple(about.get("columns", ())) != COLUMNS:
        odd = sorted(set(about.get("columns", ())) ^ set(COLUMNS))
        what = f"such as {odd[0]!r}" if odd else "in another order"
        raise ModelMismatch(f"{path}: learned from other columns than this graphdet measures ({what}); learn it again.")
    try:
        return LabelledModel(
            lgb.Booster(model_str=str(arrays["trees"])),
            read_network(arrays, "network/"),
            Scale(*(arrays[f"scale/{name}"] for name in SCALE)),
            arrays["tree_grid"],
            arrays["network_grid"],
            Calibration(float(about["slope"]), float(about["base"])),
            float(about["threshold"]),
        )
    except (KeyError, RuntimeError, TypeError, ValueError, lgb.basic.LightGBMError) as error:
        raise NotAModel(f"{path}: damaged model ({str(error).splitlines()[0]}); learn it again.") from None


def grow_trees(
    values: Float32, positive: Bool, seed: int, names: tuple[str, ...] = COLUMNS, options: dict[str, Any] | None = None
) -> lgb.Booster:
    """Boosted trees; positives weigh as much as negatives together.

    Raises:
        LabelError: all labels are the same.
    """
    if positive.all() or not positive.any():
        raise LabelError("labels of one kind only: both positive and negative users are needed to learn from.")
    weight = np.where(positive, (~positive).sum() / positive.sum(), 1.0)
    data = lgb.Dataset(values, label=positive.astype(np.float64), weight=weight, feature_name=list(names), params={"verbosity": -1})
    return lgb.train({**TREES, **(options or {}), "seed": seed}, data)


def tree_scores(trees: lgb.Booster, values: Float32) -> Float64:
    """(n,) log odds."""
    return np.asarray(trees.predict(values, raw_score=True, num_threads=1), np.float64)


def aggregate_trees(inputs: FeatureTable, rows: Int64, positive: Bool, seed: int) -> Float64:
    """(users,) log odds by trees over aggregates alone: the bar."""
    values = inputs.values[:, [COLUMNS.index(name) for name in AGGREGATES]]
    return tree_scores(grow_trees(values[rows], positive, seed, AGGREGATES), values)


def fit_network(inputs: FeatureTable, rows: Int64, positive: Bool, settings: GnnSettings, seed: int) -> tuple[TorchNetwork, Scale]:
    """The network, with positives repeated until they are as many as negatives."""
    scale = measure_scale(inputs.values)
    times = max(int((~positive).sum() / max(positive.sum(), 1)), 1)
    again = np.concatenate([np.flatnonzero(~positive), np.repeat(np.flatnonzero(positive), times)])
    network = train(scale.apply(inputs.values[rows][again]), positive[again], settings, seed, "training with labels")
    return network, scale


def grid_of(raw: Float64) -> Float64:
    """Quantiles by which `_rank` finds a score's place."""
    return np.quantile(raw, np.linspace(0, 1, GRID))


def _rank(raw: Float64, grid: Float64) -> Float64:
    return np.interp(raw, grid, np.linspace(0, 1, len(grid)))


def _logit(share: Float64) -> Float64:
    bounded = np.clip(share, 0.5 / GRID, 1 - 0.5 / GRID)
    return np.asarray(np.log(bounded / (1 - bounded)))
