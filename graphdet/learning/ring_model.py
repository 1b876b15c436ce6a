"""The network that was learned from rings: it keeps the names and the scale of the columns that it learned from, and scores other logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphdet import __version__
from graphdet.arrays import Float32, Float64, Int64
from graphdet.learning.from_rings import PASSED_COLUMNS, Layer, Learned, logit_by_fold, pass_on
from graphdet.learning.messages import EvidenceMatrix
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
from graphdet.learning.neighbourhood import Scale, input_columns
from graphdet.learning.network import apply_network
from graphdet.signals import columns_of
from graphdet.signals.signal import names_of
from graphdet.visits.visits import Visits

FORMAT = 1  # counted up when an older graphdet could misread a newer model
KIND = "graphdet network"
MOST_FOLDS = 1000


@dataclass(frozen=True)
class RingModel:
    """A learned network; inductive, so it scores logs with users it has never seen.

    Attributes:
        features: names of the users' columns that it learned from, and `scale`, theirs, with which messages are made.
        columns: names of the inputs of the first layer.
        layers, centre: see `Learned`.
        depth: of the messages.
        rings: that it learned from.
    """

    features: tuple[str, ...]
    scale: Scale
    columns: tuple[str, ...]
    layers: tuple[Layer, Layer]
    centre: tuple[float, float]
    depth: int
    rings: int

    def logit(self, inputs: Float32, visits: Visits, relation: EvidenceMatrix, threads: int = 1) -> Float64:
        """(users,) the second layer's logits, mean over its networks; inputs from `gather_inputs` with `scale` and `depth`."""
        return _mean_logit(self.layers[1], (inputs, self.passed_on(inputs, visits, relation, None, threads)), threads)

    def passed_on(self, inputs: Float32, visits: Visits, relation: EvidenceMatrix, fold: Int64 | None, threads: int = 1) -> Float32:
        """(users, c) what the second layer reads beside the inputs; `fold`: whose networks score each user, where not all of them do."""
        first, parts = self.layers[0], (inputs,)
        said = _mean_logit(first, parts, threads) if fold is None else logit_by_fold(first, parts, fold, threads)
        return pass_on(said, self.centre, visits, relation, threads)

    def save(self, path: Path) -> None:
        """Write the model.

        Raises:
            ModelError: the file cannot be written.
        """
        arrays = scale_arrays(self.scale, "scale/")
        for place, layer in enumerate(self.layers):
            arrays |= scale_arrays(layer.scale, f"layer{place}/scale/")
            for fold, network in enumerate(layer.networks):
                arrays |= network_arrays(network, f"layer{place}/fold{fold}/")
        about = {
            "kind": KIND,
            "format": FORMAT,
            "version": __version__,
            "features": list(self.features),
            "columns": list(self.columns),
            "centre": list(self.centre),
            "depth": self.depth,
            "rings": self.rings,
            "folds": len(self.layers[0].networks),
        }
        write_arrays(path, about, arrays)


def _mean_logit(layer: Layer, parts: Sequence[Float32], threads: int = 1) -> Float64:
    logits = [apply_network(network, layer.scale, parts, threads=threads) for network in layer.networks]
    return np.asarray(np.mean(logits, axis=0), np.float64)


def model_of(learned: Learned, scale: Scale, depth: int, rings: int) -> RingModel:
    """The model that learning on this graphdet's columns gave, ready to be saved."""
    return RingModel(names_of(columns_of("user")), scale, names_of(input_columns(depth)), learned.layers, learned.centre, depth, rings)


def load_model(path: Path) -> RingModel:
    """The model that a file holds.

    Raises:
        NotAModel: it is no model, is damaged, or is of a newer graphdet.
        ModelMismatch: it reads other features than this graphdet measures.
    """
    about, arrays = read_arrays(path, KIND, FORMAT)
    features = check_columns(path, about, "features", names_of(columns_of("user")))
    with no_model_if_wrong(path):
        depth = int(number(about, "depth", 0, 2))
        columns = check_columns(path, about, "columns", names_of(input_columns(depth)))
        folds = int(number(about, "folds", 1, MOST_FOLDS))
        first = _read_layer(arrays, "layer0/", folds, len(columns))
        second = _read_layer(arrays, "layer1/", folds, len(columns) + PASSED_COLUMNS)
        middle, spread = about["centre"]
        centre = (number({"centre": middle}, "centre", -LARGEST, LARGEST), number({"centre": spread}, "centre", 1e-30, LARGEST))
        rings = int(number(about, "rings", 0, 2**53))
        scale = read_scale(arrays, "scale/", len(features))
        return RingModel(features, scale, columns, (first, second), centre, depth, rings)


def _read_layer(arrays: Arrays, prefix: str, folds: int, columns: int) -> Layer:
    networks = tuple(read_network(arrays, f"{prefix}fold{fold}/", columns) for fold in range(folds))
    return Layer(read_scale(arrays, f"{prefix}scale/", columns), networks)
