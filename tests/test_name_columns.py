"""Columns of names against Python's own way, in pieces and in one, and where their memory lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphdet import _kernels
from graphdet.name_columns import named, repeated

NAMES = ["", "一号", "a" * 300, "z", "b c", "🙂"]


@pytest.fixture(params=[3, 7, 1 << 20])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphdet.name_columns.ROWS", request.param)


@pytest.fixture
def spilling(tmp_path: Path) -> Iterator[Path]:
    _kernels.spill_beyond(str(tmp_path), 1)
    yield tmp_path
    _kernels.spill_beyond("", 0)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 21, 50])
def test_names_are_those_of_the_codes(rows: int) -> None:
    codes = np.random.default_rng(rows).integers(-1, len(NAMES), rows, dtype=np.int32)
    column = named(pa.array(NAMES), codes)
    column.validate(full=True)
    assert column.type == pa.string()
    assert column.to_pylist() == [None if code < 0 else NAMES[code] for code in codes.tolist()]
    assert named(pa.array([*NAMES, None]), np.full(rows, len(NAMES))).null_count == rows
    alike = repeated("device", rows)
    alike.validate(full=True)
    assert alike.type == pa.string()
    assert alike.to_pylist() == ["device"] * rows


@pytest.mark.usefixtures("spilling")
def test_names_lie_in_files_where_arrays_do() -> None:
    codes = np.zeros(1 << 20, np.int8)
    before = pa.total_allocated_bytes()
    column = named(pa.array(["a name of some length"]), codes)
    assert column.nbytes > 20 * len(codes)
    assert pa.total_allocated_bytes() - before < len(codes)
    assert _kernels.most_spilled() >= column.nbytes


def test_one_word_takes_the_memory_of_one_piece() -> None:
    before = pa.total_allocated_bytes()
    column = repeated("device", 5 << 20)
    assert len(column) == 5 << 20
    assert pa.total_allocated_bytes() - before < 2 * len("device      ") << 20
