"""Logs as shops have them: forms, encodings, times, numbers, missing values; read rightly, or refused in a line that names the way out."""

from __future__ import annotations

import bz2
import json
import lzma
import os
import re
import sqlite3
import threading
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdet.errors import AmbiguousColumn, GraphdetError, MissingColumn, SettingsError, UnreadableFile
from graphdet.events import NO_TIME, EventTable, LogCheck, check_logs, read_events
from graphdet.settings import LogSettings, load_settings

CASES = Path(__file__).parent / "data" / "cases"
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(path: Path, **log: object) -> LogCheck:
    own = path.with_name(path.name.split(".")[0] + ".toml")
    found = check_logs([path], load_settings(own).log if own.exists() else LogSettings(**log))  # type: ignore[arg-type]
    assert found.read == found.accepted + found.rejected + found.duplicates
    return found


def read(folder: Path, name: str, content: str | bytes, **log: object) -> EventTable:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_events([path], LogSettings(**log))  # type: ignore[arg-type]


def times(table: EventTable) -> dict[str, str]:
    """Item → time in ISO 8601, UTC."""
    assert table.time is not None
    items = table.ids["item"].to_pylist()
    return {
        items[item]: datetime.fromtimestamp(micros / 1e6, UTC).isoformat()[:19]
        for item, micros in zip(table.codes["item"].tolist(), table.time.tolist(), strict=True)
        if micros != NO_TIME
    }


def amounts(table: EventTable) -> dict[str, float]:
    if table.amount is None:  # none could be told
        return {}
    items = table.ids["item"].to_pylist()
    return {items[i]: v for i, v in zip(table.codes["item"].tolist(), table.amount.tolist(), strict=True) if not np.isnan(v)}


def column_of(values: list[str], name: str = "timestamp") -> str:
    return f"user_id;item_id;{name}\n" + "".join(f"u;i{place};{value}\n" for place, value in enumerate(values))


# The cases themselves.


def test_one_order_of_day_and_month_is_told_by_the_column() -> None:
    found = check(CASES / "20-day-first-dates.csv")
    assert (found.accepted, found.first, found.last) == (4, "2020-04-03T10:00:00Z", "2020-12-31T08:26:00Z")
    assert any("day first" in note for note in found.notes)


def test_two_digit_years() -> None:
    found = check(CASES / "21-us-two-digit-year.csv")
    assert (found.accepted, found.first, found.last) == (2, "2015-04-18T02:47:00Z", "2015-06-08T01:38:00Z")


def test_money() -> None:
    table = read_events([CASES / "23-money.csv"], LogSettings(rates={"EUR": 1.0}))
    assert table.amount is not None
    users = table.ids["user"].to_pylist()
    found = {users[user]: amount for user, amount in zip(table.codes["user"].tolist(), table.amount.tolist(), strict=True)}
    assert found == {"u1": 1250.5, "u2": 1250.5, "u3": 12.5, "u4": -12.5, "u5": 12.5}
    without = check(CASES / "23-money.csv")
    assert without.accepted == 5
    assert any("left out of it: EUR (1)" in note for note in without.notes)


def test_words_for_none_known_are_missing_in_every_column() -> None:
    found = check(CASES / "25-nulls.csv")
    assert found.nodes == {"user": 1, "item": 1, "ip": 1}
    assert found.reasons == {"user_id: no user_id": 3, "none of item_id, device_id, ip": 1}


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("27-array.json", 2),
        ("28-nested.jsonl", 1),
        ("30-squeezed.csv.bz2", 2),
        ("30-zipped.zip", 2),
        ("31-gbk.csv", 2),
        ("32-order-lines.csv", 3),
        ("37-preamble.csv", 1),
        ("37-sep-line.csv", 1),
    ],
)
def test_forms_are_read(name: str, events: int) -> None:
    found = check(CASES / name)
    assert (found.read, found.events) == (events, events)


def test_quantities_written_as_lines_are_kept_and_counted() -> None:
    table = read_events([CASES / "32-order-lines.csv"])
    assert table.amount is not None
    assert table.amount.sum() == pytest.approx(29.7)
    assert any("quantities" in note for note in table.report.notes)


def test_a_mapped_column_that_no_file_has_stops() -> None:
    with pytest.raises(SettingsError, match=r"no file has a column 'purchse_time'.*did you mean 'purchase_time'"):
        check(CASES / "34-mapped-column-missing.csv")


def test_float_ids_are_noted_and_folded() -> None:
    files = [CASES / f"42-float-ids-{which}.csv" for which in "ab"]
    assert any("'123' and '123.0'" in note and "fold" in note for note in check_logs(files).notes)
    assert read_events(files, LogSettings(fold=("float",))).count("user") == 1


def test_a_file_without_header_is_told_and_read_by_names() -> None:
    with pytest.raises(MissingColumn, match=r"looks like values.*\[log\] names") as refused:
        check(CASES / "44-no-header.csv")
    assert "u1" not in str(refused.value)  # ids of the first row are nobody's business
    assert check(CASES / "44-no-header.csv", names=("user_id", "item_id", "timestamp")).events == 2


def test_lists_are_noted_and_unrolled() -> None:
    path = CASES / "45-list-of-items.jsonl"
    assert any("items is a list" in note for note in check(path).notes)
    assert check(path, unroll=("items",), columns={"items": "item_id"}).nodes["item"] == 2
    with pytest.raises(UnreadableFile, match="unroll"):
        check(path, columns={"items": "item_id"})


# Further inputs of the same kinds.

WRITINGS = {
    "18 Apr 2015 2:47 PM": "2015-04-18T14:47:00",
    "April 18, 2015": "2015-04-18T00:00:00",
    "18-Apr-15 02:47": "2015-04-18T02:47:00",
    "18/Apr/2015:02:47:33 +0100": "2015-04-18T01:47:33",
    "Sat, 18 Apr 2015 02:47:33 GMT": "2015-04-18T02:47:33",
    "Sat Apr 18 02:47:33 2015": "2015-04-18T02:47:33",
    "Sat Apr 18 02:47:33 +0800 2015": "2015-04-17T18:47:33",
    "Sat Apr 18 2015 02:47:33 GMT+0800 (China Standard Time)": "2015-04-17T18:47:33",
    "2025年3月1日 下午2:47": "2025-03-01T14:47:00",
    "2025年03月01日14时47分12秒": "2025-03-01T14:47:12",
    "2025年3月1日 星期六 上午12:30": "2025-03-01T00:30:00",
    "2025-3-1 2:47 PM": "2025-03-01T14:47:00",
    "20250301T144733Z": "2025-03-01T14:47:33",
    "2025.3.1 14:47": "2025-03-01T14:47:00",
}


def test_writings_of_times(tmp_path: Path) -> None:
    table = read(tmp_path, "log.csv", column_of(list(WRITINGS)))
    assert times(table) == {f"i{place}": moment for place, moment in enumerate(WRITINGS.values())}


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        (["03/04/2020", "05/04/2020"], "day_first"),
        (["31/12/2020", "12/31/2020"], "day_first"),
        (["20/11/05", "20/11/06"], "day_first"),
        (["45717.6159", "45718.5"], "timestamp_format"),
    ],
)
def test_what_no_value_tells_stops_and_names_the_setting(tmp_path: Path, values: list[str], setting: str) -> None:
    with pytest.raises(AmbiguousColumn, match=setting) as refused:
        read(tmp_path, "log.csv", column_of(values))
    assert ("Excel" in str(refused.value)) == (setting == "timestamp_format")


def test_the_order_is_told_by_all_files_of_the_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id,timestamp\nu,a,03/04/2020\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("user_id,item_id,timestamp\nu,b,31/12/2020\n", encoding="utf-8")
    assert times(read_events([tmp_path]))["a"] == "2020-04-03T00:00:00"


def test_timestamp_format_excel_and_columns_of_date_and_time(tmp_path: Path) -> None:
    assert times(read(tmp_path, "excel.csv", column_of(["45717.6159"]), timestamp_format="excel")) == {"i0": "2025-03-01T14:46:53"}
    assert times(read(tmp_path, "own.csv", column_of(["1503-20"]), timestamp_format="%d%m-%y")) == {"i0": "2020-03-15T00:00:00"}
    assert check(tmp_path / "own.csv", timestamp_format=("%Y", "%d%m-%y")).rejected == 0
    parts = "user_id,item_id,day,clock\nu,a,31/12/2020,2:47 PM\nu,b,01/02/2020,\n"
    joined = read(tmp_path, "parts.csv", parts, columns={"day": "date", "clock": "time"})
    assert times(joined) == {"a": "2020-12-31T14:47:00", "b": "2020-02-01T00:00:00"}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["1.250", "12,50", "7"], {"i0": 1250.0, "i1": 12.5, "i2": 7.0}),
        (["1,250", "12.50", "US$ 3"], {"i0": 1250.0, "i1": 12.5, "i2": 3.0}),
        (["1,250", "12,50", "12.50", "n/a"], {"i1": 12.5, "i2": 12.5}),
        (["₹1,25,000.50", "5-", "1 250.75 Rs", "five"], {"i0": 125000.5, "i1": -5.0, "i2": 1250.75}),
        (["1 250.75 €", "5-", "EUR 12.5", "five"], {"i0": 1250.75, "i1": -5.0, "i2": 12.5}),
    ],
)
def test_amounts_by_the_marks_of_their_column(tmp_path: Path, values: list[str], found: dict[str, float]) -> None:
    table = read(tmp_path, "log.csv", column_of(values, "amount"))
    assert amounts(table) == found
    assert len(table) == len(values)


def test_placeholders_of_a_telling_form_that_very_many_hold(tmp_path: Path) -> None:
    rows = "".join(f"u{n},i{n % 7},{'123456789012345' if n < 60 else f'd{n}'},4.3.2.{n % 200}\n" for n in range(100))
    (tmp_path / "ours.txt").write_text("ip = 4.3.2.7  # the office\nd99\n", encoding="utf-8")
    content = "user_id,item_id,device_id,ip\n" + rows
    table = read(tmp_path, "log.csv", content, ignore=str(tmp_path / "ours.txt"))
    assert "123456789012345" not in table.ids["device"].to_pylist()
    assert {"d99", "4.3.2.7"}.isdisjoint(table.ids["device"].to_pylist() + table.ids["ip"].to_pylist())
    assert any("looks like a placeholder and stands on 60 rows" in note for note in table.report.notes)
    assert any("[log] ignore" in note for note in table.report.notes)
    assert "123456789012345" in read(tmp_path, "log.csv", content, genuine=("123456789012345",)).ids["device"].to_pylist()


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "euc_kr", "cp1251"])
def test_encodings_are_found_and_said(tmp_path: Path, encoding: str) -> None:
    words = {"gb18030": "手机壳", "big5": "電腦配件", "shift_jis": "キーボード", "euc_kr": "키보드마우스", "cp1251": "клавиатура"}
    content = f"user_id,item_id\nu1,{words[encoding]}\nu2,{words[encoding]}\n".encode(encoding)
    table = read(tmp_path, "log.csv", content)
    assert table.ids["item"].to_pylist() == [words[encoding]]
    assert any("since it is no UTF-8" in note for note in table.report.notes)
    assert read(tmp_path, "log.csv", content, encoding=encoding).ids["item"].to_pylist() == [words[encoding]]


PLAIN = b"user_id,item_id,timestamp\nu1,i1,2025-03-01\nu2,i1,2025-03-02\n"


OBJECTS = [{"user_id": f"u{day}", "item_id": "i1", "timestamp": f"2025-03-0{day}"} for day in (1, 2)]


def in_a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.md", "no log")
        archive.writestr("logs/events.csv", PLAIN)


def in_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE settings (name TEXT)")
        database.execute("CREATE TABLE events (user_id TEXT, item_id INTEGER, timestamp TEXT)")
        database.executemany("INSERT INTO events VALUES (?, 1, ?)", [("u1", "2025-03-01"), ("u2", "2025-03-02")])
    database.close()


def in_partitions(path: Path) -> None:
    for day in (1, 2):
        folder = path / f"timestamp=2025-03-0{day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"user_id": [f"u{day}"], "item_id": ["i1"]}), folder / "part-0.parquet")


def nested_parquet(path: Path) -> None:
    pq.write_table(
        pa.table({"user_id": ["u1", "u2"], "item_id": ["i1", "i1"], "timestamp": ["2025-03-01", "2025-03-02"], "x": [[1], []]}), path
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("log.csv.xz", lambda path: path.write_bytes(lzma.compress(PLAIN))),
        ("log.bz2", lambda path: path.write_bytes(bz2.compress(PLAIN))),
        ("log.zip", in_a_zip),
        ("log.sqlite", in_sqlite),
        ("partitions", in_partitions),
        ("lists.parquet", nested_parquet),
        ("pretty.json", lambda path: path.write_text(json.dumps(OBJECTS, indent=2))),
        ("held.json", lambda path: path.write_text(json.dumps({"rows": OBJECTS}))),
        ("title.csv", lambda path: path.write_bytes(b"Orders of March\n\nexported, by hand\n" + PLAIN)),
        ("sep.csv", lambda path: path.write_bytes(b"sep=|\n" + PLAIN.replace(b",", b"|"))),
    ],
)
def test_further_forms(tmp_path: Path, name: str, make: object) -> None:
    path = tmp_path / name
    make(path)  # type: ignore[operator]
    table = read_events([path])
    assert table.ids["user"].to_pylist() == ["u1", "u2"]
    assert table.time is not None
    assert table.resolution == "day"
    assert table.report.rejected.num_rows == 0


def test_a_workbook(tmp_path: Path) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "log.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm"})
    book.add_worksheet("Notes").write_row(0, 0, ["made by hand"])
    sheet = book.add_worksheet("Orders")
    sheet.write_row(0, 0, ["user_id", "item_id", "timestamp"])
    sheet.write_row(1, 0, [123, "i1"])
    sheet.write_datetime(1, 2, datetime(2025, 3, 1, 14, 47))  # noqa: DTZ001 - a workbook knows no zones
    book.close()
    table = read_events([tmp_path / "log.xlsx"])
    assert table.ids["user"].to_pylist() == ["123"]
    assert times(table) == {"i1": "2025-03-01T14:47:00"}
    assert any("left out" in note and "Notes" in note for note in table.report.notes)


def test_nested_objects_of_any_depth(tmp_path: Path) -> None:
    rows = [{"who": {"account": {"id": "u1"}}, "item_id": 5}, {"who": {"account": {"id": "u2"}}, "item_id": 5, "who.account": 1}]
    content = "\n".join(map(json.dumps, rows))
    assert read(tmp_path, "log.jsonl", content, columns={"who.account.id": "user_id"}).ids["user"].to_pylist() == ["u1", "u2"]
    lines = {"user_id": "u", "order": {"lines": [{"sku": "a", "price": 1}, {"sku": "b", "price": 2.5}]}}
    columns = {"order.lines.sku": "item_id", "order.lines.price": "amount"}
    assert amounts(read(tmp_path, "orders.jsonl", json.dumps(lines), unroll=("order.lines",), columns=columns)) == {"a": 1.0, "b": 2.5}


def test_web_logs_by_their_preset(tmp_path: Path) -> None:
    lines = (
        '203.0.113.5 - - [17/May/2015:10:05:03 +0200] "GET /a?x=1 HTTP/1.1" 200 2030 "-" "Mozilla/5.0 (X; \\"Y\\")"\n'
        '203.0.113.6 - ann [17/May/2015:10:05:43 +0000] "POST /b HTTP/1.1" 302 -\nno request\n'
    )
    table = read(tmp_path, "access.log", lines, preset="combined")
    assert table.ids["user"].to_pylist() == ["203.0.113.5", "ann"]
    assert table.ids["ip"].to_pylist() == ["203.0.113.6"]
    assert times(table) == {"/a?x=1": "2015-05-17T08:05:03", "/b": "2015-05-17T10:05:43"}
    assert [row["line"] for row in table.report.rejected.to_pylist()] == [3]


def test_pipes_and_patterns(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(PLAIN))
    writer.start()
    found = read_events([pipe])
    writer.join()
    assert (found.report.read, found.report.files[0].path) == (2, str(pipe))
    for day in (1, 2):
        (tmp_path / f"day-{day}.csv").write_bytes(PLAIN)
    assert read_events([tmp_path / "day-*.csv"]).report.read == 4
    with pytest.raises(UnreadableFile, match="no file fits"):
        read_events([tmp_path / "month-*.csv"])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"Rar!\x1a\x07\x00" + bytes(50), "RAR"),
        (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "Office"),
        (b"<!DOCTYPE html><html></html>", "web page"),
    ],
)
def test_what_is_not_read_is_named_by_its_kind(tmp_path: Path, content: bytes, kind: str) -> None:
    with pytest.raises(UnreadableFile, match=kind) as refused:
        read(tmp_path, "log.csv", content)
    assert str(refused.value).isascii()


def test_databases_are_told_how_to_be_exported() -> None:
    with pytest.raises(UnreadableFile, match="psql") as refused:
        read_events(["postgres://ann:secret@host/shop"])
    assert "secret" not in str(refused.value)


def test_columns_that_are_one_of_ours_twice(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousColumn, match="are both user_id"):
        read(tmp_path, "log.csv", "a,b,item_id\nu,v,i\n", columns={"a": "user_id", "b": "user_id"})
    with pytest.raises(AmbiguousColumn, match=r"'item_id' and 'Item_ID' \(2, 3\)"):
        read(tmp_path, "log.csv", "user_id,item_id,Item_ID\nu,i,j\n")


@pytest.mark.parametrize(
    ("ids", "way"),
    [
        (["Ann", "ann"], "case"),
        (["a b", "ab"], "spaces"),
        (["a%2520b"], "encoding"),
        (["a%2520b", "a%20b", "a b", "a%252520b"], "encoding"),
        (["MÃ¼ller"], "encoding"),
        (["1.23457E+12"], "rounded"),
        (["4E+12"], "rounded"),
    ],
)
def test_ids_that_may_be_one_are_noted_and_folded(tmp_path: Path, ids: list[str], way: str) -> None:
    content = "user_id,item_id\n" + "".join(f"{one},i\n" for one in ids)
    assert any(
        note.startswith("user_id: ") and (way in note or "encoded" in note) for note in read(tmp_path, "log.csv", content).report.notes
    )
    if way != "rounded":
        assert read(tmp_path, "log.csv", content, fold=(way,)).count("user") == 1


@pytest.mark.parametrize("rounded", ["1.23457E+12", "8E+14", '"3,60001E+14"'])
def test_a_device_that_a_spreadsheet_made_of_many_is_no_evidence(tmp_path: Path, rounded: str) -> None:
    """Thirty phones become one by rounding; two accounts on one phone that was rounded alone stay, with a note."""
    held = [f"u{n},i{n % 7},{rounded if n < 30 else f'd{n}' if n < 98 else '2.5E+12'}" for n in range(100)]
    table = read(tmp_path, "log.csv", "user_id,item_id,device_id\n" + "\n".join(held) + "\n")
    own = rounded.strip('"')
    assert own not in table.ids["device"].to_pylist()
    assert "2.5E+12" in table.ids["device"].to_pylist()
    assert [note.split(";")[0] for note in table.report.notes if "rounded" in note] == [
        f"device_id: {own!r} looks rounded by a spreadsheet and stands on 30 rows (30.0%)",
        "device_id: 1 id looks rounded by a spreadsheet (such as 2.5E+12)",
    ]
    assert (
        own in read(tmp_path, "log.csv", "user_id,item_id,device_id\n" + "\n".join(held) + "\n", genuine=(own,)).ids["device"].to_pylist()
    )


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(PLAIN)

    def grow(stage: str, rows: int, total: int | None) -> None:
        with path.open("ab") as out:
            out.write(b"u3,i3,2025-03-03\n")

    with pytest.raises(UnreadableFile, match="changed while it was read"):
        read_events([path], progress=grow)


# Whatever is mixed in one column is read rightly or stopped.

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2060, 12, 31), allow_imaginary=False).map(lambda one: one.replace(microsecond=0))  # noqa: DTZ001
FORMATS = {
    "day first": ["%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d/%m/%y %H:%M:%S"],
    "month first": ["%m/%d/%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S", "%m/%d/%y %I:%M:%S %p"],
    "both": [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y/%m/%d %H:%M:%S",
        "%d %b %Y %H:%M:%S",
        "%B %d, %Y %I:%M:%S %p",
        "%Y年%m月%d日 %H:%M:%S",
    ],
}


@QUICK
@given(order=st.sampled_from(["day first", "month first"]), data=st.data(), moments=st.lists(MOMENTS, min_size=1, max_size=12))
def test_no_mix_of_writings_is_misread(tmp_path: Path, order: str, data: st.DataObject, moments: list[datetime]) -> None:
    written = [moment.strftime(data.draw(st.sampled_from(FORMATS[order] + FORMATS["both"]))) for moment in moments]
    try:
        found = times(read(tmp_path, "log.csv", column_of(written)))
    except GraphdetError as refused:
        assert "[log]" in str(refused)  # noqa: PT017
        return
    for place, moment in enumerate(moments):
        right = moment.isoformat()
        if f"i{place}" in found:
            assert found[f"i{place}"] == right, written[place]


NUMBERS = st.decimals(0, 99999, places=2).map(float)


@QUICK
@given(point=st.booleans(), numbers=st.lists(NUMBERS, min_size=1, max_size=10), data=st.data())
def test_no_mix_of_numbers_is_misread(tmp_path: Path, point: bool, numbers: list[float], data: st.DataObject) -> None:
    def write(number: float) -> str:
        text = data.draw(st.sampled_from([f"{number:.2f}", f"{number:,.2f}", f"{number:.2f}".rstrip("0").rstrip("."), f"{number:,.0f}"]))
        return text if point else text.translate(str.maketrans(",.", ".,"))

    written = [write(number) for number in numbers]
    found = amounts(read(tmp_path, "log.csv", column_of(written, "amount"))) if any(written) else {}
    for place, text in enumerate(written):
        plain = text.replace(",", "") if point else text.replace(".", "").replace(",", ".")
        if f"i{place}" in found:
            assert found[f"i{place}"] in (pytest.approx(float(plain)),), written


@pytest.mark.parametrize(
    ("written", "decimal", "right"),
    [
        (("1.000", "2.500", "950"), "", {"i2": 950.0}),  # thousands or thousandths: missing, and a note says so
        (("1.000", "2.500"), ",", {"i0": 1000.0, "i1": 2500.0}),
        (("1.000", "2.500"), ".", {"i0": 1.0, "i1": 2.5}),
        (("1.000", "12.50"), "", {"i0": 1.0, "i1": 12.5}),
        (("1.000", "12,50"), "", {"i0": 1000.0, "i1": 12.5}),
    ],
)
def test_a_point_before_three_digits_is_told_by_the_others(
    tmp_path: Path, written: tuple[str, ...], decimal: str, right: dict[str, float]
) -> None:
    table = read(tmp_path, "log.csv", column_of(list(written), "amount"), decimal=decimal)
    assert amounts(table) == right
    if len(right) < len(written):
        assert any("[log] decimal" in note for note in table.report.notes)


# The page about it.

PAGE = (Path(__file__).parent.parent / "docs" / "logs.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"<!-- (?:reads|joins) (\d+)(?: ([\w.]+):(.*?))? -->\n```toml\n(.*?)```\n```(\w+)\n(.*?)```", re.DOTALL)


def test_every_example_of_the_page_is_read(tmp_path: Path) -> None:
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("<!-- reads") + PAGE.count("<!-- joins")
    for events, table, rows, toml, ending, content in examples:
        if table:
            (tmp_path / table).write_text(rows.replace(":", "\n") + "\n", encoding="utf-8")
        (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
        path = tmp_path / f"log.{ending}"
        path.write_text(content, encoding="utf-8")
        found = check_logs([path], load_settings(tmp_path / "mine.toml").log)
        assert (found.events, found.rejected) == (int(events), 0), content


def test_the_page_names_every_setting_of_reading() -> None:
    elsewhere = {"columns", "actions", "constants", "since", "until", "sample", "raw_characters", "max_id_characters", "timezone"}
    assert [name for name in LogSettings.model_fields if name not in elsewhere and name not in PAGE] == []
