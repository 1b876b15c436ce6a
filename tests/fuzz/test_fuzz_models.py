"""Model files that somebody changed: each is refused in one line before a log is read, or says something of every user."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzzing import inputs, outcome, tallied
from test_labels import COLUMNS, QUICK, USERS, made

from graphdet.events import Labels
from graphdet.learning.applying import load_for_run
from graphdet.learning.from_labels import learn_labels
from graphdet.learning.labelled_model import LabelledModel

NUMBERS = [0, -1, 1, 7, 1e308, -1e308, "nan", "inf", 2**31 - 1, 2**62, 1e-40]
TEXTS = [None, "x" * 10_000, [], {}, [[]], -1, 2**80, True, "\x1b[31m", 0, 99, 1.5]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(USERS, len(COLUMNS))).astype(np.float32)
    labels = Labels(np.arange(60, dtype=np.int32), generator.random(60) < 0.4, np.arange(60))
    path = tmp_path_factory.mktemp("model") / "model.npz"
    learn_labels(made(values), labels, [], QUICK)[0].save(path)
    return path


def draw(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(["bytes", "cut", *["array"] * 4, "dtype", "shape", "gone", "about", "about", "deep", "bomb", "header"])
    return {
        "kind": kind, "seed": chance.randrange(2**32), "value": chance.choice(TEXTS if kind == "about" else NUMBERS),
        "all": chance.random() < 0.1,
        "dtype": chance.choice(["<i2", "<f2", "<f8", ">f4", "<i8", "<u4", "|b1", "<c16", "<U3", "|S4", "<M8[us]"]),
        "shape": chance.choice([[0], [1, -1], [-1, 1], [2, -1], []]),
    }  # fmt: skip


def changed(one: dict[str, Any], data: bytes) -> bytes:
    chance, kind = random.Random(one["seed"]), one["kind"]  # noqa: S311 - the same change each time
    if kind in ("bytes", "cut"):
        if kind == "cut":
            return data[: chance.randrange(len(data))]
        found = bytearray(data)
        for _ in range(chance.randrange(1, 9)):
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        return bytes(found)
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(str(arrays.pop("about")))
    name = chance.choice(sorted(arrays))
    if kind == "about":
        about[chance.choice(sorted(about))] = one["value"]
    elif kind == "gone":
        del arrays[name]
    elif kind == "array" and arrays[name].size:
        flat, value = arrays[name].reshape(-1), float(one["value"])
        places = slice(None) if one["all"] else chance.randrange(flat.size)
        with np.errstate(all="ignore"):
            flat[places] = value if flat.dtype.kind == "f" else int(np.clip(np.nan_to_num(value), -(2**31), 2**31 - 1))
    elif kind == "dtype":
        with np.errstate(all="ignore"):
            arrays[name] = arrays[name].astype(one["dtype"])
    elif kind == "shape":
        flat, shape = arrays[name].reshape(-1), one["shape"]
        size = 0 if shape == [0] else 1 if shape == [] else flat.size // 2 * 2
        arrays[name] = flat[:size].reshape(shape) if size >= (shape == []) else flat
    told = "[" * 100_000 if kind == "deep" else json.dumps(about)
    out = io.BytesIO()
    if kind == "bomb":
        np.savez_compressed(out, about=np.array(told), **{**arrays, name: np.zeros(10_000_000)})
        return out.getvalue()
    np.savez(out, about=np.array(told), **arrays)
    return _with_header(out.getvalue(), name, chance) if kind == "header" else out.getvalue()


def _with_header(data: bytes, name: str, chance: random.Random) -> bytes:
    """An array whose header tells something else than follows."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            content = bytearray(old.read(member))
            if member.filename == f"{name}.npy":
                at = content.index(b"(") + 1
                content[at : at + 2] = chance.choice([b"99", b"-1", b"0,", b"1e", b"((", b"a,"])
            new.writestr(member.filename, bytes(content))
    return out.getvalue()


def test_no_change_to_a_model_file_ends_in_anything_but_one_clear_line(whole: Path, tmp_path: Path) -> None:
    path, data = tmp_path / "model.npz", whole.read_bytes()
    values = np.random.default_rng(4).normal(size=(50, len(COLUMNS))).astype(np.float32)
    rows = made(values)

    def use() -> None:
        model = load_for_run(path, QUICK)
        assert isinstance(model, LabelledModel)
        chance = model.chance(rows)
        assert ((chance >= 0) & (chance <= 1)).all()
        assert np.isfinite(model.contributions(rows.take(slice(2)))).all()

    failures = []
    with tallied("models") as tally:
        for one in inputs("models", draw, few=150):
            path.write_bytes(changed(one, data))
            told = outcome(use, tally, one)
            failures += [told] if told else []
    assert not failures, "\n".join(failures)
    assert tally["tried"] == tally["taken"] + tally["refused"]
    assert min(tally["taken"], tally["refused"]) > 10
