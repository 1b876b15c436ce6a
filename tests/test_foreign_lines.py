"""Order lines, mapped columns that are not there, and files without a header, in further forms than those of `tests/data/cases`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphdet.errors import SettingsError
from graphdet.events import check_logs
from graphdet.settings import LogSettings

LINES = [  # a quantity of three written as lines, and a line of another item
    {"order_id": "o1", "line": line, "user_id": "u1", "item_id": item, "timestamp": "2025-03-01 10:00:00", "amount": 9.9}
    for line, item in enumerate(["a", "a", "a", "b"], 1)
]
Writer = Callable[[Path, list[dict[str, object]]], Path]


def as_csv(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "log.csv"
    path.write_text("\r\n".join([";".join(rows[0]), *(";".join(map(str, row.values())) for row in rows)]))
    return path


def as_json(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "log.json"
    path.write_text(json.dumps({"lines": rows}))
    return path


def as_parquet(folder: Path, rows: list[dict[str, object]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), folder / "log.parquet")
    return folder / "log.parquet"


WRITERS = pytest.mark.parametrize("write", [as_csv, as_json, as_parquet])


@WRITERS
def test_quantities_are_lines_and_a_line_told_twice_is_one(tmp_path: Path, write: Writer) -> None:
    found = check_logs([write(tmp_path, [*LINES, LINES[3]])])
    assert (found.read, found.events, found.duplicates, found.rejected) == (5, 4, 1, 0)
    assert any("are kept (quantities)" in note for note in found.notes)


@WRITERS
def test_a_column_that_no_file_has_stops_with_the_nearest(tmp_path: Path, write: Writer) -> None:
    own = LogSettings(columns={"timestmp": "timestamp"})
    with pytest.raises(SettingsError, match=r"no file has a column 'timestmp', to be read as timestamp; did you mean 'timestamp'"):
        check_logs([write(tmp_path, LINES)], own)


def test_a_mapped_column_may_be_in_one_file_of_several(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id,when\nu1,i1,2025-03-01\n")
    (tmp_path / "b.csv").write_text("user_id,item_id,at\nu2,i1,2025-03-02\n")
    found = check_logs([tmp_path], LogSettings(columns={"when": "timestamp", "at": "timestamp"}))
    assert found.columns["timestamp"] == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.tsv", b"u1\ti1\t2025-03-01\nu2\ti1\t2025-03-02\n"),
        ("log.txt", b"\xef\xbb\xbfu1|i1|2025-03-01\r\nu2|i1|2025-03-02"),
        ("log.csv.gz", gzip.compress(b'"u1","i1","2025-03-01"\n"u2","i1","2025-03-02"\n', mtime=0)),
    ],
    ids=["tsv", "txt", "gz"],
)
def test_files_without_a_header_by_names(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = check_logs([tmp_path / name], LogSettings(names=("user_id", "item_id", "timestamp")))
    assert (found.events, found.first, found.last) == (2, "2025-03-01T00:00:00Z", "2025-03-02T00:00:00Z")
