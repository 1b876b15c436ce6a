"""Bad input: what is rejected and where, what is refused, and random bytes and tables against a slow, obvious reader."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphdet.errors import GraphdetError, UnreadableFile
from graphdet.events import EventTable, check_logs, read_events
from graphdet.settings import LogSettings

HEADER = b"user_id,item_id,ip,timestamp,amount\n"


def read(folder: Path, name: str, content: bytes) -> EventTable:
    path = folder / name
    path.write_bytes(content)
    return read_events([path])


def pairs(table: EventTable) -> set[tuple[str | None, str | None]]:
    """(user, item) of each event."""
    users = table.ids["user"].to_pylist()
    items = [*table.ids["item"].to_pylist(), None] if "item" in table.ids else [None]
    item_codes = table.codes["item"].tolist() if "item" in table.codes else [-1] * len(table)
    return {(users[user], items[item]) for user, item in zip(table.codes["user"].tolist(), item_codes, strict=True)}


def rejects(table: EventTable) -> list[tuple[int, str, str]]:
    return [(row["line"], row["column"], row["reason"]) for row in table.report.rejected.to_pylist()]


def test_broken_records_are_rejected_at_their_lines(tmp_path: Path) -> None:
    rows = (
        b'u1,i1,,,\nu2,i2\n\nu3,i3,,,,7\n"u4"x,i4,,,\nu5,"two\nlines",,,\n'
        b'u6,i6,,never,\n"u7,i7,,,\nu8,i8,"",,\nu9,i\xc3\xa9,,,\nu10,i\xff,,,\n'
    )
    table = read(tmp_path, "log.csv", HEADER + rows)
    assert pairs(table) == {("u1", "i1"), ("u5", "two\nlines"), ("u8", "i8"), ("u9", "ié")}
    assert rejects(table) == [
        (3, "", "2 fields where the header has 5"),
        (5, "", "6 fields where the header has 5"),
        (6, "", "text beside a quoted field"),
        (9, "timestamp", "cannot be read as a time"),
        (10, "", "a quote that does not close"),
        (13, "", "not valid UTF-8"),
    ]
    assert table.report.rejected["raw"].to_pylist()[1] == "u3,i3,,,,7"


def test_a_stray_quote_does_not_swallow_the_rest_of_the_file(tmp_path: Path) -> None:
    rows = b"".join(b"u%d,i,,,\n" % row for row in range(5000))
    table = read(tmp_path, "log.csv", HEADER + b'"stray,i,,,\n' + rows)
    assert len(table) == 5000
    assert rejects(table) == [(2, "", "a quote that does not close")]


@pytest.mark.parametrize("ending", [b"\r\n", b"\r", b"\n"])
def test_line_ends_of_every_kind(tmp_path: Path, ending: bytes) -> None:
    table = read(tmp_path, "log.csv", (HEADER + b"u1,i1,,,\n\nu2,i2,,bad,\n").replace(b"\n", ending))
    assert pairs(table) == {("u1", "i1")}
    assert [(line, column) for line, column, _ in rejects(table)] == [(4, "timestamp")]


def test_mixed_line_ends(tmp_path: Path) -> None:
    table = read(tmp_path, "log.csv", HEADER + b"u1,i1,,,\r\nu2,i2,,bad,\nu3,i3,,,\ru4,i4,,,bad\r\n")
    assert pairs(table) == {("u1", "i1"), ("u3", "i3"), ("u4", "i4")}
    assert [(line, column) for line, column, _ in rejects(table)] == [(3, "timestamp")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz", "log.jsonl"])
def test_encodings(tmp_path: Path, encoding: str, name: str) -> None:
    user = "Zoë" if encoding == "latin-1" else "Zoë “€”" if encoding == "cp1252" else "Zoë 小红 😀"
    text = f'{{"user_id": "{user}", "item_id": "i"}}\n{{"user_id": "", "item_id": "i"}}\n'
    if "csv" in name:
        text = f"user_id,item_id\n{user},i\n,i\n"
    content = text.encode(encoding)
    table = read(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content)
    assert pairs(table) == {(user, "i")}
    assert [(line, column) for line, column, _ in rejects(table)] == [(3 if "csv" in name else 2, "user_id")]
    assert any("read as" in note for note in table.report.notes) == (encoding != "utf-8-sig")


def test_nul_bytes_are_characters(tmp_path: Path) -> None:
    assert pairs(read(tmp_path, "log.csv", HEADER + b"u\x00,i,,,\nu,i\x00\x00,,,\n")) == {("u\x00", "i"), ("u", "i\x00\x00")}


def test_ten_megabytes_in_one_field(tmp_path: Path) -> None:
    giant = b"x" * 10_000_000
    table = read(tmp_path, "log.csv", b'user_id,item_id,text\nu1,i1,"' + giant + b'\n"\nu2,' + giant + b",\nu3,i3,\n")
    assert pairs(table) == {("u1", "i1"), ("u3", "i3")}
    assert rejects(table) == [(4, "item_id", "longer than 100000 characters")]
    assert len(table.report.rejected["raw"][0].as_py()) == LogSettings().raw_characters


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
def test_a_record_beyond_all_bounds_is_rejected_and_the_rest_read(tmp_path: Path, name: str) -> None:
    giant = b"x" * 16_000_000
    lines = [b"user_id,item_id", b"u1,i1", b"u2," + giant, b'u3,"i""3"', b'u4,"' + b'""' * 7_000_000 + b'"', b"u5,i5"]
    if name == "log.jsonl":
        lines = [b"", b'{"user_id": "u1", "item_id": "i1"}', b'{"user_id": "' + giant + b'"}', b'{"user_id": "u5", "item_id": "i5"}']
    table = read(tmp_path, name, b"\n".join(lines))
    assert pairs(table) == {("u1", "i1"), ("u5", "i5")} | ({("u3", 'i"3')} if name == "log.csv" else set())
    assert rejects(table)[0] == (3, "", "longer than 15000000 bytes")
    assert rejects(table)[1:] == ([(5, "item_id", "longer than 100000 characters")] if name == "log.csv" else [])


def test_bad_json_lines(tmp_path: Path) -> None:
    lines = [
        b'{"user_id": 1, "item_id": "a/b", "x~y": 2}',
        b"",
        b"not json",
        b"[1]",
        b'{"user_id": null, "item_id": "i"}',
        b'{"user_id": "null", "item_id": 1.5}',
        b'{"user_id": "u\xff", "item_id": "i"}',
        b'  {"user_id": "\xe5\xb0\x8f\\u5c0f", "item_id": "i"}  ',
    ]
    table = read(tmp_path, "log.jsonl", b"\r\n".join(lines))
    assert pairs(table) == {("1", "a/b"), ("小小", "i")}
    assert rejects(table) == [
        (3, "", "not a JSON object"),
        (4, "", "not a JSON object"),
        (5, "user_id", "no user_id"),
        (6, "user_id", "no user_id"),
        (7, "", "not valid UTF-8"),
    ]
    mapped = read_events([tmp_path / "log.jsonl"], LogSettings(columns={"x~y": "device_id"}))
    assert mapped.ids["device"].to_pylist() == ["2"]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    good = gzip.compress(HEADER + b"u1,i1,,,\n" * 1000)
    parquet = io.BytesIO()
    pq.write_table(pa.table({"user_id": [f"u{n}" for n in range(5000)], "item_id": ["i"] * 5000}), parquet)
    whole = parquet.getvalue()
    with pa.output_stream(str(tmp_path / "whole.zst"), compression="zstd") as stream:
        stream.write(HEADER + os.urandom(5000).hex().encode())
    for name, content in {
        "truncated.csv.gz": good[:-10],
        "damaged.csv.gz": good[:40] + bytes([good[40] ^ 0xFF]) + good[41:],
        "truncated.jsonl.zst": (tmp_path / "whole.zst").read_bytes()[:-10],
        "truncated.parquet": whole[:-100],
        "no.parquet": b"user_id,item_id\nu,i\n",
        "array.json": b'[{"user_id": 1, "item_id": 2}, {"user_id',
        "document.csv": b"%PDF-1.7 " + bytes(range(256)),
        "picture.csv": bytes(range(1, 32)) * 50,
        "half.csv": "user_id,item_id\n".encode("utf-16") + b"\x00",
    }.items():
        with pytest.raises(UnreadableFile, match=name):
            read(tmp_path, name, content)
    zeros = bytearray(whole)
    zeros[100:2000] = bytes(1900)
    with pytest.raises(GraphdetError, match=r"zeros\.parquet"):
        read(tmp_path, "zeros.parquet", bytes(zeros))


def test_nested_parquet_columns(tmp_path: Path) -> None:
    nested = pa.table({"user_id": ["u", ""], "item_id": ["i", "j"], "tags": [["a"], []], "blob": [b"\xff", b""]})
    pq.write_table(nested, tmp_path / "log.parquet")
    table = read_events([tmp_path / "log.parquet"])
    assert table.report.files[0].unused_columns == ("tags", "blob")
    (rejected,) = table.report.rejected.to_pylist()
    assert (rejected["line"], rejected["column"]) == (2, "user_id")
    assert '"item_id":"j"' in rejected["raw"]
    with pytest.raises(UnreadableFile, match=r"log\.parquet: column 'tags', read as device_id, is nested"):
        read_events([tmp_path / "log.parquet"], LogSettings(columns={"tags": "device_id"}))


def test_empty_files_beside_good_ones(tmp_path: Path) -> None:
    for name, content in {
        "a.csv": HEADER + b"u,i,,,\n",
        "b.csv": b"",
        "c.csv": HEADER,
        "d.jsonl": b"\n\n",
        "e.csv": b"\n",
        "f.parquet": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    table = read_events([tmp_path])
    assert [file.read for file in table.report.files] == [1, 0, 0, 0, 0, 0]
    assert sum("empty" in note or "no rows" in note for note in table.report.notes) == 5


def test_names_of_files_are_no_patterns(tmp_path: Path) -> None:
    for name in ("a[1]*?.csv", "it's.csv", "a1x.csv"):
        (tmp_path / name).write_bytes(HEADER + f"{name},i,,bad,\n{name},i,,,\n".encode())
        table = read_events([tmp_path / name])
        assert pairs(table) == {(name, "i")}
    pq.write_table(pa.table({"user_id": ["u", ""], "item_id": ["i", "i"]}), tmp_path / "p[2].parquet")
    assert read_events([tmp_path / "p[2].parquet"]).report.rejected.num_rows == 1


def test_a_million_events_of_one_user_in_one_second(tmp_path: Path) -> None:
    count = 1_000_000
    items = pa.array([f"i{row % 1000}" for row in range(count)])
    amounts = pa.array([float(row // 1000) for row in range(count)])
    log = pa.table(
        {"user_id": pa.array(["u"] * count), "item_id": items, "amount": amounts, "timestamp": pa.array(["2024-01-01 10:00:00"] * count)}
    )
    pq.write_table(log, tmp_path / "log.parquet")
    table = read_events([tmp_path / "log.parquet"])
    assert len(table) == count
    assert table.count("user") == 1
    assert table.amount is not None
    assert (table.codes["item"][:1000] == 0).all()
    assert (table.amount[:1000] == range(1000)).all()


@pytest.mark.parametrize("broken", [False, True])
def test_lines_of_rejects_far_into_a_file(tmp_path: Path, broken: bool) -> None:
    count = 600_000  # more than a batch, so that DuckDB meets the broken last line when rows before it were taken already
    rows = [b"u%d,i,,%s,\n" % (row, b"x" if row % 200_000 == 199_999 else b"2024-01-01") for row in range(count)]
    table = read(tmp_path, "log.csv", HEADER + b"".join(rows) + b"u,i\n" * broken)
    assert [line for line, _, _ in rejects(table)] == [200_001, 400_001, 600_001] + [600_002] * broken
    assert (len(table), table.report.read) == (count - 3, count + broken)


NAMES_OF_KINDS = st.sampled_from(["log.csv", "log.tsv", "log.jsonl", "log.parquet", "log.csv.gz", "log.jsonl.zst", "log"])
# bytes that mean something to one of the readers, so that examples get past the first line
TOKENS = st.sampled_from(
    [
        b"u1",
        b"i1",
        b",",
        b"\n",
        b"\r\n",
        b"\r",
        b'"',
        b'""',
        b"\t",
        b";",
        b" ",
        b"\x00",
        b"\xff",
        b"\xc3\xa9",
        b"2024-01-01",
        b"1e5",
        b"{",
        b"}",
        b":",
        b'"user_id":"u"',
        b'"item_id":"i"',
        b"\\",
        b"'",
    ]
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_adds_up(path: Path) -> None:
    try:
        check = check_logs([path])
    except GraphdetError as refused:
        message = str(refused)
        if "\n" in message or str(path) not in message:
            raise AssertionError(f"not one clear line: {message}") from refused
        return
    assert check.read == check.accepted + check.rejected + check.duplicates
    assert check.rejected == sum(file.rejected for file in check.files)
    assert check.events == sum(file.accepted for file in check.files if not file.catalogue)  # a damaged header may name no user_id


@QUICK
@given(
    name=NAMES_OF_KINDS,
    content=st.binary(max_size=300),
    magic=st.sampled_from([b"", b"PAR1", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xff\xfe"]),
)
def test_random_bytes_never_crash(tmp_path: Path, name: str, content: bytes, magic: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(magic + content)
    assert_adds_up(path)


@QUICK
@given(name=st.sampled_from(["log.csv", "log.jsonl", "log.csv.gz"]), tokens=st.lists(TOKENS, max_size=60))
def test_random_rows_after_a_header_never_crash(tmp_path: Path, name: str, tokens: list[bytes]) -> None:
    path = tmp_path / name
    head = b'{"user_id":"u","item_id":"i"}\n' if "json" in name else b"user_id,item_id,timestamp\n"
    content = head + b"".join(tokens)
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert_adds_up(path)


@QUICK
@given(position=st.integers(0, 10**6), value=st.integers(0, 255), cut=st.integers(0, 3))
def test_a_damaged_parquet_file_never_crashes(tmp_path: Path, position: int, value: int, cut: int) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"user_id": ["u1", "u2"] * 50, "item_id": list(range(100)), "timestamp": ["2024-01-01"] * 100}), stream)
    content = bytearray(stream.getvalue())
    content[position % len(content)] = value
    path = tmp_path / "log.parquet"
    path.write_bytes(bytes(content[: len(content) - cut * 7]))
    assert_adds_up(path)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6) | st.sampled_from(
    ["", "a", "b", "null", 'x"y', "p,q", "two\nlines", " pad "]
)
SPACES = " \t\r\n\x0b\x0c\u00a0\u3000\ufeff"


@QUICK
@example(rows=[["\x07\x07", "a", "b"]], ending="\n", quoting=csv.QUOTE_MINIMAL)  # was taken for a binary file
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=30),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_random_tables_equal_the_csv_module(tmp_path: Path, rows: list[list[str]], ending: str, quoting: int) -> None:
    path = tmp_path / "log.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
        writer.writerows([["user_id", "item_id", "order_id"], *rows])
    expected: set[tuple[str, str, str]] = set()
    good = records = 0
    with path.open(encoding="utf-8", newline="") as stream:
        for row in list(csv.reader(stream))[1:]:
            if not row:
                continue
            records += 1
            if len(row) == 4 and not row[3]:
                row = row[:3]
            user, item = (row[0].strip(SPACES), row[1].strip(SPACES)) if len(row) == 3 else ("", "")
            if user and item:
                good += 1
                expected.add((user, item, row[2]))
    as_written = LogSettings(missing=())
    check = check_logs([path], as_written)
    assert (check.read, check.accepted, check.duplicates) == (records, len(expected), good - len(expected))
    if expected:
        assert pairs(read_events([path], as_written)) == {(user, item) for user, item, _ in expected}
