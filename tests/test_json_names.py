"""Names in lines of JSON, scanned where lines are flat objects, are those that a parser of all of JSON finds in every line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdet import _kernels
from graphdet.events import json_lines
from graphdet.events.json_lines import Leaf, find_leaves
from graphdet.events.opening import lines_sql

names = st.sampled_from(["a", "b", "c.d", "ü", '"', "long name", "$oid", "/~"])
plain = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text('ab{}[]"\\,:é\n ', max_size=6))
values = st.one_of(plain, plain, plain, st.lists(plain, max_size=2), st.dictionaries(names, plain, max_size=2))
objects = st.dictionaries(names, values, max_size=5).map(json.dumps)
foul = st.sampled_from(
    ["", " ", "{", "{}", "[1]", "x", '{"a": 1', '{"b": 01}', '{"z": 1,}', '{"z": +1}', '{"z": "\\x"}', '{"z": "\\ud800"}', '{"z" 1}',
     '{"z": nul}', ' {"y" : 1 } ', '{"a": 1}\r', '{"": 1}', '{"z": 1} {"z": 2}', '{"z": 1.}', '{"z": 1e+}', '{"y": -0.5E-2}',
     '{"y":"\\u00e9"}', "null"]
)  # fmt: skip


def found_by(path: Path, monkeypatch: pytest.MonkeyPatch, *, scanned: bool) -> list[Leaf]:
    with duckdb.connect() as connection, monkeypatch.context() as patch:
        if not scanned:
            patch.setattr(json_lines, "_flat_names", lambda path, folder: ({}, path))
        return find_leaves(connection, path, lines_sql, ["a.b"], path.parent)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(objects | foul, max_size=12), last=st.booleans())
def test_scanned_names_are_those_of_every_line_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], last: bool
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes("\n".join(lines).encode() + b"\n" * last)
    monkeypatch.setattr(json_lines, "_SCANNED", 37)  # so that lines lie across what is read at once
    assert found_by(path, monkeypatch, scanned=True) == found_by(path, monkeypatch, scanned=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(objects | foul | st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8))
def test_an_object_is_scanned_only_where_json_knows_it_as_flat(lines: list[str]) -> None:
    text = "\n".join(lines).encode()
    told, empty, unclear = _kernels.flat_names(np.frombuffer(text, np.uint8))
    left = [text[begin:end] for begin, end in unclear.reshape(-1, 2).tolist()]
    sure: dict[bytes, bool] = {}
    for line in text.split(b"\n"):
        if left and left[0] == line:
            left.pop(0)
        elif line:
            whole: Any = json.loads(line)
            assert isinstance(whole, dict)
            assert not any(isinstance(value, (dict, list)) for value in whole.values())
            for name, value in whole.items():
                sure[name.encode()] = sure.get(name.encode(), False) or value is not None
    assert not left
    assert {name for name, is_told in sure.items() if is_told} == set(told)
    assert {name for name, is_told in sure.items() if not is_told} == set(empty)
    assert _kernels.flat_names(np.frombuffer(b'{"a": 1, "b": null}\n{"a": "x"}', np.uint8))[2].size == 0
