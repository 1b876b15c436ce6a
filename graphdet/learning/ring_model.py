"""What was learned ↔ one file of plain arrays and JSON, which loads without running anything of what is in it.

The file is NumPy's archive of arrays without pickled objects; its member `about` is JSON text: format, version, the columns that the
model reads, and the settings it learned with.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from graphdet import __version__
from graphdet.arrays import Float32, Float64
from graphdet.errors import ModelError, ModelMismatch, NotAModel
from graphdet.learning.from_rings import Layer, Learned, pass_on
from graphdet.learning.messages import EvidenceMatrix
from graphdet.learning.neighbourhood import Scale
from graphdet.learning.network import TorchNetwork, apply_network, make_network
from graphdet.signals.columns import USER_COLUMNS
from graphdet.visits.visits import Visits

FORMAT = 1  # counted up when an older graphdet could misread a newer model
KIND = "graphdet network"
SCALE = ("low", "high", "mean", "spread")

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Model:
    """A learned network; inductive, so it scores logs with users it has never seen.

    Attributes:
        columns: names of the inputs of the first layer.
        scale: of `USER_COLUMNS`, for messages.
        layers, centre: see `Learned`.
        depth: of the messages.
        rings: that it learned from.
    """

    columns: tuple[str, ...]
    scale: Scale
    layers: tuple[Layer, Layer]
    centre: tuple[float, float]
    depth: int
    rings: int

    def logit(self, inputs: Float32, visits: Visits, relation: EvidenceMatrix, threads: int = 1) -> Float64:
        """(users,) the second layer's logits, mean over its networks; inputs from `gather_inputs` with `scale` and `depth`."""
        first = _mean_logit(self.layers[0], (inputs,), threads)
        return _mean_logit(self.layers[1], (inputs, pass_on(first, self.centre, visits, relation, threads)), threads)

    def rescore(self, inputs: Float32, messages: Float32) -> Float64:
        """(n,) logits of single users whose inputs and messages of the first layer were updated."""
        return _mean_logit(self.layers[1], (inputs, messages))

    def save(self, path: Path) -> None:
        """Write the model.

        Raises:
            ModelError: the file cannot be written.
        """
        arrays: Arrays = {f"scale/{name}": getattr(self.scale, name) for name in SCALE}
        for number, layer in enumerate(self.layers):
            arrays |= {f"layer{number}/scale/{name}": getattr(layer.scale, name) for name in SCALE}
            for fold, network in enumerate(layer.networks):
                arrays |= {f"layer{number}/fold{fold}/{name}": value.cpu().numpy() for name, value in network.state_dict().items()}
        about = {
            "kind": KIND,
            "format": FORMAT,
            "version": __version__,
            "features": list(USER_COLUMNS),
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


def model_of(learned: Learned, columns: tuple[str, ...], scale: Scale, depth: int, rings: int) -> Model:
    """The model that learning gave, ready to be saved."""
    return Model(columns, scale, learned.layers, learned.centre, depth, rings)


def load_model(path: Path) -> Model:
    """The model that a file holds.

    Raises:
        NotAModel: it is no model, is damaged, or is of a newer graphdet.
        ModelMismatch: it reads other features than this graphdet measures.
    """
    about, arrays = read_arrays(path, KIND, FORMAT)
    if tuple(about["features"]) != USER_COLUMNS:
        odd = sorted(set(about["features"]) ^ set(USER_COLUMNS))
        what = f"such as {odd[0]!r}" if odd else "in another order"
        raise ModelMismatch(f"{path}: learned from other features than this graphdet measures ({what}); learn it again.")
    try:
        layers = [
            Layer(
                _scale(arrays, f"layer{number}/scale"),
                tuple(read_network(arrays, f"layer{number}/fold{fold}/") for fold in range(about["folds"])),
            )
            for number in (0, 1)
        ]
        centre = (float(about["centre"][0]), float(about["centre"][1]))
        return Model(
            tuple(about["columns"]), _scale(arrays, "scale"), (layers[0], layers[1]), centre, int(about["depth"]), int(about["rings"])
        )
    except (KeyError, RuntimeError, TypeError, IndexError) as error:
        raise NotAModel(f"{path}: damaged model ({str(error).splitlines()[0]}); learn it again.") from None


def write_arrays(path: Path, about: dict[str, Any], arrays: Arrays) -> None:
    """One file of arrays with a JSON description.

    Raises:
        ModelError: the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), allow_pickle=False, **arrays)
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be written ({error.strerror}); choose another place.") from None


def kind_of(path: Path) -> str:
    """What kind of model a file says it is.

    Raises:
        NotAModel: it is none, or damaged.
    """
    return str(_read(path)[0]["kind"])


def read_arrays(path: Path, kind: str, newest: int, oldest: int = 1) -> tuple[dict[str, Any], Arrays]:
    """What `write_arrays` wrote; nothing in the file is run.

    Raises:
        NotAModel: the file is of another kind, is damaged, or is of a format that is not between `oldest` and `newest`.
    """
    about, arrays = _read(path)
    found, form = about["kind"], about["format"]
    if found != kind:
        raise NotAModel(f"{path}: is a {found!r} (a {kind!r} is needed).")
    if form > newest:
        raise NotAModel(f"{path}: written by a newer graphdet ({about.get('version')}, format {form}); upgrade to read it.")
    if form < oldest:
        raise NotAModel(f"{path}: written by an older graphdet ({about.get('version')}, format {form}); learn it again.")
    return about, arrays


def _read(path: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(str(arrays.pop("about")))
        about["kind"], about["format"] = str(about["kind"]), int(about["format"])
    except FileNotFoundError:
        raise NotAModel(f"{path}: no such model file; `graphdet train` makes one.") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, AttributeError):
        raise NotAModel(f"{path}: is no graphdet model, or is damaged; give a file that `graphdet train` wrote.") from None
    return about, arrays


def _scale(arrays: Arrays, prefix: str) -> Scale:
    return Scale(*(arrays[f"{prefix}/{name}"] for name in SCALE))


def read_network(arrays: Arrays, prefix: str) -> TorchNetwork:
    """The network whose weights have this prefix."""
    weights = {name.removeprefix(prefix): torch.from_numpy(value) for name, value in arrays.items() if name.startswith(prefix)}
    network = make_network(weights["0.weight"].shape[1])
    network.load_state_dict(weights)
    return network.eval()
