"""Run folders that somebody changed: whatever was done to them, a push says so in one line, or writes what stands there as data."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from store_runs import two_rings

from graphdet.errors import GraphdetError, NotARun
from graphdet.run.folder import Run
from graphdet.schema import EMBEDDING_WIDTH, arrow_schema
from graphdet.store.difference import plan_push
from graphdet.store.drawing import Picture, draw
from graphdet.store.journal import _pack
from graphdet.store.kinds import NODE_KINDS, RELATION_KINDS
from graphdet.store.own import Own

pytestmark = pytest.mark.server
NAN, BIG = float("nan"), 2**62


def picture_of(folder: Path) -> Picture:
    """All that a push does before it asks the server to write."""
    run = Run.load(folder)
    picture = draw(run)
    nothing: dict[str, dict[str, Any]] = {name: {} for name in NODE_KINDS}
    own = Own(nothing, {name: {} for name in RELATION_KINDS}, copy.deepcopy(nothing), {name: set() for name in RELATION_KINDS})
    _pack(plan_push(picture, own, run.id, 1, 1, lambda _kind, _keys: {}).steps)
    return picture


def strange_values(kind: pa.DataType) -> list[Any]:
    if pa.types.is_timestamp(kind):
        return [None, -BIG, BIG]
    if pa.types.is_floating(kind):
        return [None, NAN, float("inf"), -1e308]
    if pa.types.is_fixed_size_list(kind):
        return [None, [NAN] * kind.list_size]
    return [None, -1] if pa.types.is_integer(kind) else [None, "", "zzz", "x" * 10_000]


def changed_tables(folder: Path) -> Iterator[tuple[str, Path, bytes | pa.Table]]:
    for path in sorted(folder.glob("*.parquet")):
        data, table = path.read_bytes(), pq.read_table(path)
        middle = len(data) // 3
        yield "empty", path, b""
        yield "cut off", path, data[: len(data) // 2]
        yield "one byte other", path, data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
        yield "without rows", path, table.slice(0, 0)
        for place, field in enumerate(table.schema if table.num_rows else ()):
            for value in strange_values(field.type):
                column = table[field.name]
                if pa.types.is_timestamp(field.type):
                    column = column.cast(pa.int64())
                first = pa.array([value, *column.to_pylist()[1:]], column.type).cast(field.type)
                yield f"{field.name} {str(value)[:9]}", path, table.set_column(place, field, first)


def changed_meta(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    meta = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    for part in (meta, meta["counts"]):
        for key, value in list(part.items()):
            for other in (None, 7, "x", "x" * 10_000, [], {}, [1], [{}], {"a": 1}, [{"size": "x"}]):
                part[key] = other
                yield f"{key} {str(other)[:9]}", meta
            del part[key]
            yield f"{key} gone", meta
            part[key] = value


def test_no_change_to_a_folder_ends_in_anything_but_one_clear_line(tmp_path: Path) -> None:
    whole, other = tmp_path / "whole", tmp_path / "other"
    two_rings().save(whole)
    vectors = [{"node_type": "user", "node_id": name, "embedding": [1.0] * EMBEDDING_WIDTH} for name in ("ann", "bob")]
    pq.write_table(pa.Table.from_pylist(vectors, arrow_schema("embeddings")), whole / "embeddings.parquet")
    sound = refused = 0
    shutil.copytree(whole, other)

    def judge(what: str) -> None:
        nonlocal sound, refused
        lines: list[str] = []
        try:
            picture = picture_of(other)
        except GraphdetError as error:
            lines = str(error).splitlines()
        if lines:
            assert len(lines) == 1, what
            refused += 1
            return
        sound += 1
        for name, edges in picture.relations.items():
            kind = RELATION_KINDS[name]
            assert {key[0] for key in edges} <= picture.nodes[kind.start.name].keys(), what
            assert {key[1] for key in edges} <= picture.nodes[kind.end.name].keys(), what

    for what, path, content in changed_tables(whole):
        if isinstance(content, bytes):
            (other / path.name).write_bytes(content)
        else:
            pq.write_table(content, other / path.name)
        judge(f"{path.name}: {what}")
        shutil.copy(path, other / path.name)
    for what, meta in changed_meta(whole):
        (other / "run.json").write_text(json.dumps(meta), encoding="utf-8")
        judge(f"run.json: {what}")
    assert sound
    assert refused > 100


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("members", "node_id", None, "members: node_id must not be empty"),
        ("members", "contribution", NAN, "members: contribution must lie in .* \\(found nan\\)"),
        ("relations", "node_type", "wormhole", "relations: unknown node_type 'wormhole'"),
        ("relations", "last_seen", BIG, "relations: last_seen must lie in .* \\(found 4611686018427387904\\)"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, table: str, column: str, value: Any, words: str) -> None:
    two_rings().save(tmp_path / "run")
    path = tmp_path / "run" / f"{table}.parquet"
    found = pq.read_table(path)
    field = found.schema.field(column)
    rest = found[column].cast(pa.int64()) if pa.types.is_timestamp(field.type) else found[column]
    values = pa.array([value, *rest.to_pylist()[1:]], rest.type).cast(field.type)
    pq.write_table(found.set_column(found.schema.get_field_index(column), field, values), path)
    with pytest.raises(NotARun, match=f"damaged \\({words}.*; run `graphdet run` again"):
        draw(Run.load(tmp_path / "run"))
