"""What was learned ↔ one file of plain arrays and JSON, which loads without running anything of what is in it.

The file is NumPy's archive of arrays without pickled objects; its member `about` is JSON text: kind, format, version, and the columns that
the model learned from, which must be those that this graphdet measures. A model file may come from anybody: all of it is checked when it is
loaded, so that it fails before a log is read, and in one line.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError  # NumPy takes a header that it cannot parse apart once more
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from graphdet.arrays import check_array
from graphdet.errors import ModelError, ModelMismatch, NotAModel
from graphdet.learning.neighbourhood import Scale
from graphdet.learning.network import TorchNetwork, make_network
from graphdet.whole import whole_file, why

Arrays = dict[str, npt.NDArray[Any]]
MOST_BYTES = 1 << 28
MOST_ARRAYS = 10_000
LARGEST = 1e30  # of weights and scales: what is multiplied a few times is still a number in 32 bits


def write_arrays(path: Path, about: dict[str, Any], arrays: Arrays) -> None:
    """One file of arrays with a JSON description; what stood there stays until all of it is written.

    Raises:
        ModelError: the file cannot be written.
    """
    try:
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), allow_pickle=False, **arrays)
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be written ({why(error)}); choose another place.") from None


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
    version = str(about.get("version"))[:20]
    if form > newest:
        raise NotAModel(f"{path}: written by a newer graphdet ({version}, format {form}); upgrade to read it.")
    if form < oldest:
        raise NotAModel(f"{path}: written by an older graphdet ({version}, format {form}); learn it again.")
    return about, arrays


def _read(path: Path) -> tuple[dict[str, Any], Arrays]:
    if path.exists() and not path.is_file():
        raise NotAModel(f"{path}: no file, but a folder, a pipe or a device; give the file that `graphdet train` wrote.")
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            arrays = _members(archive)
        about = json.loads(str(arrays.pop("about")))
        about["kind"], about["format"] = str(about["kind"])[:80], int(about["format"])
    except FileNotFoundError:
        raise NotAModel(f"{path}: no such model file; `graphdet train` makes one.") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, AttributeError, RuntimeError, SyntaxError, TokenError):
        raise NotAModel(f"{path}: is no graphdet model, or is damaged; give a file that `graphdet train` wrote.") from None
    return about, arrays


def _members(archive: zipfile.ZipFile) -> Arrays:
    """The arrays by name. Nothing in an archive of ours is compressed, so that nothing unpacks to more than there is."""
    members = archive.infolist()
    stored = all(member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size for member in members)
    names = {member.filename.removesuffix(".npy") for member in members}
    if not stored or len(members) > MOST_ARRAYS or len(names) != len(members) or sum(member.file_size for member in members) > MOST_BYTES:
        raise ValueError("an archive of another kind")
    return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def _array(data: bytes) -> npt.NDArray[Any]:
    """One array of numbers or text, whose header must tell just what follows."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array of another version")
    shape, by_column, kind = np.lib.format.read_array_header_1_0(stream)
    if kind.hasobject or kind.names is not None or kind.kind not in "fiuU" or len(shape) > 2:
        raise ValueError(f"an array of {kind}")
    if math.prod(shape) * kind.itemsize != len(data) - stream.tell():
        raise ValueError("an array of another length")
    array: npt.NDArray[Any] = np.frombuffer(data, kind, offset=stream.tell()).reshape(shape, order="F" if by_column else "C")
    return array.copy()


@contextmanager
def no_model_if_wrong(path: Path) -> Iterator[None]:
    """What does not fit while a model is put together makes the file none.

    Raises:
        NotAModel: the file is damaged; the message says what of it.
    """
    try:
        yield
    except (KeyError, RuntimeError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        what = next(iter(str(error).splitlines()), type(error).__name__)[:120]
        raise NotAModel(f"{path}: damaged model ({what}); learn it again.") from None


def check_columns(path: Path, about: dict[str, Any], entry: str, measured: tuple[str, ...]) -> tuple[str, ...]:
    """The column names that a model file has in one entry of its description.

    Raises:
        ModelMismatch: they are not those that this graphdet measures, in the same order.
    """
    told = about.get(entry, ())
    kept = tuple(str(name)[:80] for name in told) if isinstance(told, list) else ()
    if kept != measured:
        odd = sorted(set(kept) ^ set(measured))
        what = f"such as {odd[0]!r}" if odd else "in another order"
        raise ModelMismatch(f"{path}: learned from other columns than this graphdet measures ({what}); learn it again.")
    return kept


def number(about: dict[str, Any], entry: str, least: float, most: float) -> float:
    """A number of the description.

    Raises:
        KeyError, ValueError: it is not there, no number, or out of bounds.
    """
    found = about[entry]
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise ValueError(f"{entry} must be a number from {least:g} to {most:g}")
    return float(found)


def scale_arrays(scale: Scale, prefix: str) -> Arrays:
    """A scale, ready to be written."""
    return {f"{prefix}low": scale.low, f"{prefix}high": scale.high, f"{prefix}mean": scale.mean, f"{prefix}spread": scale.spread}


def read_scale(arrays: Arrays, prefix: str, columns: int) -> Scale:
    """The scale of so many columns whose arrays have this prefix.

    Raises:
        KeyError, ValueError: they are missing, of another length, or no scale.
    """
    parts = {name: arrays[f"{prefix}{name}"] for name in ("low", "high", "mean", "spread")}
    for name, values in parts.items():
        check_array(f"{prefix}{name}", values, np.float32, columns, 1e-30 if name == "spread" else -LARGEST, LARGEST)
    if (parts["low"] > parts["high"]).any():
        raise ValueError(f"{prefix}low must be at most {prefix}high")
    return Scale(**parts)


def network_arrays(network: TorchNetwork, prefix: str) -> Arrays:
    """A network's weights, ready to be written."""
    return {f"{prefix}{name}": value.cpu().numpy() for name, value in network.state_dict().items()}


def read_network(arrays: Arrays, prefix: str, columns: int) -> TorchNetwork:
    """The network of so many columns whose weights have this prefix.

    Raises:
        KeyError, ValueError, RuntimeError: they are missing, of another shape, or no numbers.
    """
    weights = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
    for name, value in weights.items():
        check_array(f"{prefix}{name}", value.reshape(-1), np.float32, value.size, -LARGEST, LARGEST)
    network = make_network(columns)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return network.eval()
