"""What was learned ↔ one file of plain arrays and JSON, which loads without running anything of what is in it.

The file is NumPy's archive of arrays without pickled objects; its member `about` is JSON text: kind, format, version, and the columns that
the model learned from, which must be those that this graphdet measures.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from graphdet.errors import ModelError, ModelMismatch, NotAModel
from graphdet.learning.neighbourhood import Scale
from graphdet.learning.network import TorchNetwork, make_network

Arrays = dict[str, npt.NDArray[Any]]


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


def check_columns(path: Path, about: dict[str, Any], entry: str, measured: tuple[str, ...]) -> tuple[str, ...]:
    """The column names that a model file has in one entry of its description.

    Raises:
        ModelMismatch: they are not those that this graphdet measures, in the same order.
    """
    kept = tuple(about.get(entry, ()))
    if kept != measured:
        odd = sorted(set(kept) ^ set(measured))
        what = f"such as {odd[0]!r}" if odd else "in another order"
        raise ModelMismatch(f"{path}: learned from other columns than this graphdet measures ({what}); learn it again.")
    return kept


def scale_arrays(scale: Scale, prefix: str) -> Arrays:
    """A scale, ready to be written."""
    return {f"{prefix}low": scale.low, f"{prefix}high": scale.high, f"{prefix}mean": scale.mean, f"{prefix}spread": scale.spread}


def read_scale(arrays: Arrays, prefix: str) -> Scale:
    """The scale whose arrays have this prefix."""
    return Scale(arrays[f"{prefix}low"], arrays[f"{prefix}high"], arrays[f"{prefix}mean"], arrays[f"{prefix}spread"])


def network_arrays(network: TorchNetwork, prefix: str) -> Arrays:
    """A network's weights, ready to be written."""
    return {f"{prefix}{name}": value.cpu().numpy() for name, value in network.state_dict().items()}


def read_network(arrays: Arrays, prefix: str) -> TorchNetwork:
    """The network whose weights have this prefix."""
    weights = {name.removeprefix(prefix): torch.from_numpy(value) for name, value in arrays.items() if name.startswith(prefix)}
    network = make_network(weights["0.weight"].shape[1])
    network.load_state_dict(weights)
    return network.eval()
