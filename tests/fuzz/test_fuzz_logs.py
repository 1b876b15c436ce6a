"""Logs and labels of any bytes: read, or refused in one line; and what was read adds up to what was accepted, rejected and repeated."""

from __future__ import annotations

import gzip
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from containers import packed
from fuzzing import inputs, outcome, tallied

from graphdet.events import EventTable, read_events, read_labels
from graphdet.settings import LogSettings, MachineSettings

ONE = MachineSettings(threads=1)
HEADERS = [
    "user_id,item_id,timestamp,action,amount,rating",
    "user_id;device_id;timestamp",
    "user_id\titem_id\taction",
    "uid,sku,time,price",
]
CELLS = [
    "u1", "u2", "u3", "", '"', '""', '"a,b"', '"a\nb"', "2024-01-02", "2024-01-02T03:04:05Z", "1704164645",
    "-1", "1e400", "nan", "\x00", "\x1b[31m", "\u202e",
    "用户", "é", "x" * 3000, "9" * 30, "order", "3.5", "1,000.50", "=1+1", "null", "\ufeff", "\ud7ff", "' OR 1=1 --", "{}", "[1]",
]  # fmt: skip
NAMES, MARKS, DAYS = ["u1", "u2", "u3"], ["0", "1"], ["2024-01-02", "2024-01-05"]
BY_COLUMN = {"user_id": NAMES, "uid": NAMES, "label": MARKS, "fraud": MARKS, "timestamp": DAYS, "time": DAYS, "known_at": DAYS}
USUAL = ["u1", "u2", "u3", "2024-01-02", "order", "3.5"]
JSON_LINES = [
    '{"user_id": "u1", "item_id": "i1", "timestamp": 99999999999999999999999, "amount": NaN}',
    '{"user_id": "\\ud800", "item_id": "\\udc00x", "a": {"b": {"c": [{"d": null}]}}}',
    '{"user_id": "u1", "user_id": "u2", "item_id": "i1", "": 1, "a.b": 2, "a": {"b": 3}}',
    '{"user_id": "u1", "item_id": "i1", "x": ' + "[" * 3000 + "]" * 3000 + "}",
    '{"user_id": "u2", "item_id": "i1", "y": ' + '{"y": ' * 400 + "1" + "}" * 400 + "}",
    '{"user_id": true, "item_id": -0.0, "timestamp": "2024-01-02", "rating": 1e999, "ip": "::ffff:1.2.3.4%eth0"}',
    '{"user_id": "u1", "item_id": "i1"}',
    '{"user_id": 1, "item_id": [1]}',
    "{",
    "[]",
    "null",
    '{"user_id": "u1"',
    '{"user_id": {"a": 1}}',
    '""',
]


def draw(chance: random.Random) -> dict[str, Any]:
    return {
        "seed": chance.randrange(2**32), "form": chance.choice([*["csv"] * 6, *["jsonl"] * 3, *FORMS]),
        "rows": chance.choice([0, 1, 5, 30]), "change": chance.choice(["none", "bytes", "cut", "gz", "gz cut", "utf-16", "latin-1", "end"]),
    }  # fmt: skip


WEB_LINES = ['1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326', '::1 - "" [x] "-" 400 -', '" " "', "x" * 4000]
FORMS = ["parquet", "noise", "json", "zip", "xlsx", "sqlite", "real.parquet", "access.log"]
ODD_HEADERS = [
    "user_id,item_id,item_id",
    "user_id,user_id",
    ",,,",
    "user_id,item_id," + ",".join(f"c{n}" for n in range(300)),
    "1,2,3",
    "u1,i1,2024-01-02",
]


def ending(one: dict[str, Any]) -> str:
    """How the file is called."""
    return one["form"].replace("noise", "csv").rpartition(".")[2] + (".gz" if one["change"].startswith("gz") else "")


def _fields(columns: list[str], chance: random.Random) -> list[str]:
    """Of one row: mostly what belongs there, at times one more or one fewer."""
    fields = [chance.choice(CELLS if chance.random() < 0.15 else BY_COLUMN.get(name, USUAL)) for name in columns]
    more = chance.choice([0] * 12 + [-1, 1])
    return fields[:more] if more < 0 else fields + ["x"] * more


def content(one: dict[str, Any], headers: list[str] = HEADERS) -> bytes:
    chance = random.Random(one["seed"])  # noqa: S311 - the same file each time
    if one["form"] == "jsonl":
        text = "\n".join(chance.choice(JSON_LINES) for _ in range(one["rows"]))
    else:
        header = chance.choice(headers + ODD_HEADERS if chance.random() < 0.2 else headers)
        delimiter = next((mark for mark in ",;\t" if mark in header), ",")
        rows = [delimiter.join(_fields(header.split(delimiter), chance)) for _ in range(one["rows"])]
        text = chance.choice(["\n", "\n", "\r\n", "\r"]).join([header, *rows])
    data = text.encode("utf-16" if one["change"] == "utf-16" else "latin-1" if one["change"] == "latin-1" else "utf-8", "replace")
    if one["form"] == "noise":
        data = chance.randbytes(chance.randrange(1, 400))
    if one["form"] in ("zip", "xlsx", "sqlite", "real.parquet"):
        data = packed(one["form"], text, chance)
    if one["form"] == "json":
        lines = [chance.choice(JSON_LINES) for _ in range(one["rows"])]
        whole = [
            f"[{','.join(lines)}]",
            f'{{"rows": [{",".join(lines)}], "next": null}}',
            "\n".join(lines).replace(", ", ",\n"),
            "[" * 50_000,
        ]
        data = chance.choice(whole).encode()
    if one["form"] == "access.log":
        data = "\n".join(chance.choice(WEB_LINES) for _ in range(one["rows"])).encode()
    if one["form"] == "parquet":
        data = b"PAR1" + data + b"PAR1"
    if one["change"] == "bytes" and data:
        found = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            found[chance.randrange(len(found))] = chance.randrange(256)
        data = bytes(found)
    if one["change"].startswith("gz"):
        data = gzip.compress(data)
    return data[: chance.randrange(len(data) + 1)] if "cut" in one["change"] else data


@pytest.fixture
def one_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One database for all inputs, as it is made for each read: making it takes longer than reading a few rows."""
    from graphdet.events import reading

    with tempfile.TemporaryDirectory() as spill, reading.connect(ONE, Path(spill)) as database:
        monkeypatch.setattr("graphdet.events.tally.connect", lambda machine, folder: database.cursor())
        yield
        assert database.execute("SELECT 1").fetchall() == [(1,)]  # no input was the end of it


@pytest.mark.usefixtures("one_database")
def test_no_log_ends_in_anything_but_events_that_add_up_or_one_clear_line(tmp_path: Path) -> None:
    failures = []
    with tallied("logs") as tally:
        for one in inputs("logs", draw, few=50):
            path = tmp_path / f"log.{ending(one)}"
            path.write_bytes(content(one))

            def read(path: Path = path) -> None:
                report = read_events([path], LogSettings(), ONE).report
                assert report.read == report.accepted + report.rejected.num_rows + report.duplicates

            told = outcome(read, tally, one)
            failures += [told] if told else []
            path.unlink()
    assert not failures, "\n".join(failures[:20])
    assert tally["tried"] == tally["taken"] + tally["refused"]
    assert min(tally["taken"], tally["refused"]) > 2


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> EventTable:
    path = tmp_path_factory.mktemp("labels") / "log.csv"
    path.write_text("user_id,item_id,timestamp\n" + "".join(f"u{n},i{n % 3},2024-01-0{n % 9 + 1}\n" for n in range(9)), encoding="utf-8")
    return read_events([path])


@pytest.mark.usefixtures("one_database")
def test_no_labels_file_ends_in_anything_but_labels_that_add_up_or_one_clear_line(events: EventTable, tmp_path: Path) -> None:
    headers = ["user_id,label", "user_id,label,known_at", "uid;fraud", "user_id,item_id,label"]
    failures = []
    with tallied("labels") as tally:
        for one in inputs("labels", draw, few=25):
            path = tmp_path / f"labels.{ending(one)}"
            path.write_bytes(content(one, headers))

            def read(path: Path = path) -> None:
                known, report = read_labels([path], events, LogSettings(), ONE)
                assert len(known) <= events.count("user")
                assert all(file.read == file.accepted + file.rejected + file.duplicates for file in report.files)

            told = outcome(read, tally, one)
            failures += [told] if told else []
            path.unlink()
    assert not failures, "\n".join(failures[:20])
    assert tally["tried"] == tally["taken"] + tally["refused"]
