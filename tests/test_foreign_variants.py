"""Further inputs of the kinds of `tests/data/cases`, in other forms: each read rightly, or stopped by a line that names the way out."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphdet.errors import AmbiguousColumn, GraphdetError, MissingColumn, UnreadableFile
from graphdet.events import NO_TIME, EventTable, LogCheck, check_logs, read_events
from graphdet.settings import LogSettings

HEADER = "user_id,item_id,timestamp\n"
ROWS = "u1,i1,2025-03-01\nu2,i1,2025-03-02\n"
OBJECTS = [{"user_id": f"u{day}", "item_id": "i1", "timestamp": f"2025-03-0{day}"} for day in (1, 2)]
TABLE = {name: [row[name] for row in OBJECTS] for name in OBJECTS[0]}


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, name: str, content: str | bytes, **log: object) -> EventTable:
    return read_events([write(folder, name, content)], LogSettings(**log))  # type: ignore[arg-type]


def check(folder: Path, name: str, content: str | bytes, **log: object) -> LogCheck:
    found = check_logs([write(folder, name, content)], LogSettings(**log))  # type: ignore[arg-type]
    assert found.read == found.accepted + found.rejected + found.duplicates
    return found


def moments(folder: Path, values: list[str], **log: object) -> dict[str, str]:
    """Each value → the instant that it is read as; those that are rejected are not there, and those without a time are ''."""
    content = "user_id;item_id;timestamp\n" + "".join(f"u;i{place};{value}\n" for place, value in enumerate(values))
    table = read(folder, "times.csv", content, **log)
    items, micros = table.ids["item"].to_pylist(), [NO_TIME] * len(table) if table.time is None else table.time.tolist()
    return {
        values[int(items[code][1:])]: "" if one == NO_TIME else datetime.fromtimestamp(one / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for code, one in zip(table.codes["item"].tolist(), micros, strict=True)
    }


# 20, 21: times.

NOON = "2025-03-13 14:05:00"
LANGUAGES = {
    "13. März 2025 14:05": NOON,
    "Do, 13.03.2025, 14:05 Uhr": NOON,
    "13.03.2025 14.05": NOON,
    "jeudi 13 mars 2025 à 14h05": NOON,
    "1er mars 2025": "2025-03-01 00:00:00",
    "13 de marzo de 2025 14:05": NOON,
    "13 de março de 2025": "2025-03-13 00:00:00",
    "13-Dez-2025": "2025-12-13 00:00:00",
    "13 févr. 2025": "2025-02-13 00:00:00",
    "13 марта 2025 14:05": NOON,
    "13 sierpnia 2025": "2025-08-13 00:00:00",
    "２０２５年３月１３日 １４：０５": NOON,
    "二〇二五年三月十三日": "2025-03-13 00:00:00",
    "2025年3月13日（木）14時5分": NOON,
    "2025년 3월 13일 오후 2:05": NOON,
    "2025. 3. 13. 14:05": NOON,
    "٢٠٢٥-٠٣-١٣ 14:05": NOON,
}
MACHINES = {
    "2025-03-13 24:00": "2025-03-14 00:00:00",
    "13/03/2025 24:00": "2025-03-14 00:00:00",
    "2016-12-31 23:59:60": "2017-01-01 00:00:00",
    "2025-03-13T14:05:00Z[UTC]": NOON,
    "2025-03-13T15:05:00+01:00[Europe/Paris]": NOON,
    "2025-03-13 09:05:00 -0500": NOON,
    "2025-03-13-14.05.00.000000": NOON,
    "2025-03-13_14-05-00": NOON,
    "13MAR25:14:05:00": NOON,
    '="2025-03-13 14:05"': NOON,
    "/Date(1741874700000)/": NOON,
    "1741874700": NOON,
    "1741874700000": NOON,
    "1741874700000000": NOON,
    "1741874700000000000": NOON,
}


@pytest.mark.parametrize("written", [LANGUAGES, MACHINES])
def test_times_of_many_tongues_and_machines(tmp_path: Path, written: dict[str, str]) -> None:
    assert moments(tmp_path, list(written)) == written


@pytest.mark.parametrize(
    "value", ["13 Brumaire 2025", "2025-03-13 25:00", "13. 2025", "10:05", "Mar 13 10:05:03", "2025-02-30 10:00", "今天"]
)
def test_what_is_no_time_is_rejected_by_a_right_reason(tmp_path: Path, value: str) -> None:
    found = check(tmp_path, "log.csv", f"{HEADER}u,i,{value}\nu,j,2025-03-01 10:00\n")
    assert found.reasons == {"timestamp: cannot be read as a time": 1}
    assert check(tmp_path, "far.csv", f"{HEADER}u,i,1066-10-14\nu,j,2025-03-01\n").reasons == {
        "timestamp: a time outside the years 1970 to 2261": 1
    }


@pytest.mark.parametrize(
    ("values", "word", "read_as"),
    [
        (["638774715000000000", "638774715600000000"], "ticks", NOON),
        (["133863483000000000", "133863483600000000"], "filetime", NOON),
        (["13386348300000000", "13386348360000000"], "webkit", NOON),
        (["2460748.0868055555", "2460749.5"], "julian", NOON),
        (["45729.586805555555", "45730.5"], "excel", NOON),
        (["202503", "202504"], "%Y%m", ""),
        (["250313", "250314"], "%y%m%d", "2025-03-13 00:00:00"),
        (["2025", "2024"], "%Y", ""),
    ],
)
def test_numbers_that_count_something_else_than_seconds_stop(tmp_path: Path, values: list[str], word: str, read_as: str) -> None:
    with pytest.raises(AmbiguousColumn, match=word):
        moments(tmp_path, values)
    if read_as:
        assert moments(tmp_path, values, timestamp_format=word)[values[0]] == read_as


def test_a_count_from_a_start_of_its_own_stays_one(tmp_path: Path) -> None:
    steps = [str(step) for step in (1, 1985, 2001, 30_000, 250_313)]
    assert moments(tmp_path, steps)["1985"] == "1970-01-01 00:33:05"
    assert moments(tmp_path, ["44267.5868"], timestamp_format="excel1904") == {"44267.5868": "2025-03-13 14:04:59"}


def test_times_that_programs_write_for_none_are_missing(tmp_path: Path) -> None:
    none = ["0000-00-00 00:00:00", "NaT", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "1900-01-01", "0"]
    assert moments(tmp_path, [*none, "2025-03-13 14:05"]) == dict.fromkeys(none, "") | {"2025-03-13 14:05": NOON}


def test_hours_of_clock_changes_are_counted_and_said(tmp_path: Path) -> None:
    lines = [
        *("2025-03-30 02:30:00", "2025-03-30 03:30:00", "30.03.2025 2:15 Uhr", "2025-10-26 02:10:00", "2025-10-26T02:10:00Z"),
        *("2025-10-26 01:10:00+00:00", "2025-07-01 02:30:00"),
    ]
    content = HEADER + "".join(f"u{place},i,{line}\n" for place, line in enumerate(lines))
    notes = check(tmp_path, "log.csv", content, timezone="Europe/Berlin").notes
    assert any("leave out (2025-03-30): 2; they are read as an hour later" in note for note in notes)
    assert any("show twice (2025-10-26): 1; the later one" in note for note in notes)
    assert not any("clocks of" in note for note in check(tmp_path, "log.csv", content, timezone="Asia/Shanghai").notes)


# 23: numbers.


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (["１２５０．５０", "￥12.50", "7"], [1250.5, 12.5, 7]),
        (["Fr. 12.50", "S/. 3.25", "1’250.50"], [12.5, 3.25, 1250.5]),
        (["١٢٫٥٠", "-3,25 €", "−7,1"], [12.5, -3.25, -7.1]),
    ],
)
def test_numbers_of_other_scripts_and_purses(tmp_path: Path, values: list[str], right: list[float]) -> None:
    content = "user_id;item_id;amount\n" + "".join(f"u;i{place};{value}\n" for place, value in enumerate(values))
    table = read(tmp_path, "log.csv", content, rates={"PEN": 1.0})
    assert table.amount is not None
    assert table.amount[np.argsort(table.codes["item"])].tolist() == pytest.approx(right)


# 25: missing values.


@pytest.mark.parametrize("words", [["无", "未知", "空"], ["#REF!", "#VALUE!", "n.a."], ["[]", "{}", "—"], ["unbekannt", "inconnu", "なし"]])
def test_more_words_for_none_known(tmp_path: Path, words: list[str]) -> None:
    found = check(tmp_path, "log.csv", "user_id,item_id,device_id\n" + "".join(f"u{n},i,{word}\n" for n, word in enumerate(words)))
    assert (found.accepted, found.nodes.get("device", 0)) == (3, 0)


# 27, 28: JSON.

JSON = {
    "array on each line": "\n".join(json.dumps([row]) for row in OBJECTS),
    "commas behind objects": "".join(json.dumps(row) + ",\n" for row in OBJECTS),
    "objects side by side": "".join(map(json.dumps, OBJECTS)),
    "record separators": "".join("\x1e" + json.dumps(row) + "\n" for row in OBJECTS),
    "list deep inside": json.dumps({"status": {"code": 200}, "data": {"events": OBJECTS}}, indent=2),
    "columns of values": json.dumps(TABLE),
    "columns by row number": json.dumps({name: dict(enumerate(values)) for name, values in TABLE.items()}),
    "columns, index, data": json.dumps({"columns": list(TABLE), "index": [0, 1], "data": [list(row.values()) for row in OBJECTS]}),
    "objects by key": json.dumps({"e1": OBJECTS[0], "e2": OBJECTS[1]}),
    "lists under a header": json.dumps([list(TABLE), *(list(row.values()) for row in OBJECTS)]),
    "types of MongoDB": "".join(
        json.dumps({"user_id": {"$oid": row["user_id"]}, "item_id": "i1", "timestamp": {"$date": f"{row['timestamp']}T00:00:00Z"}}) + "\n"
        for row in OBJECTS
    ),
}


@pytest.mark.parametrize("shape", JSON)
@pytest.mark.parametrize("name", ["log.json", "log.csv"])
def test_json_of_more_shapes_whatever_it_is_called(tmp_path: Path, shape: str, name: str) -> None:
    table = read(tmp_path, name, JSON[shape])
    assert (table.ids["user"].to_pylist(), table.resolution, table.report.read) == (["u1", "u2"], "day", 2)


@pytest.mark.parametrize("name", ["log.json", "log.tsv", "log.dat"])
def test_a_table_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, HEADER + ROWS).count("user") == 2


# 30: archives.


def tarred(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in (("./logs/a.csv", HEADER + ROWS), ("./notes.md", "no log")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return out.getvalue()


@pytest.mark.parametrize(("name", "mode"), [("log.tar", "w"), ("log.tar.gz", "w:gz"), ("log.tgz", "w:gz"), ("log.tar.xz", "w:xz")])
def test_tar_archives(tmp_path: Path, name: str, mode: str) -> None:
    assert read(tmp_path, name, tarred(mode)).count("user") == 2
    cut = write(tmp_path, name, tarred(mode)[: 700 if mode == "w" else 90])
    with pytest.raises(GraphdetError, match=name):
        read_events([cut])


def test_a_damaged_archive_in_an_archive_is_named_by_its_place(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner.zip", b"PK\x03\x04 and no more")
    with pytest.raises(UnreadableFile, match=r"log.zip!inner.zip: the zip archive cannot be unpacked"):
        read(tmp_path, "log.zip", out.getvalue())


# 31: encodings.


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be", "utf-16-be", "utf-8-sig"])
def test_wide_characters_without_a_mark(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, "log.csv", (HEADER + ROWS).encode(encoding)).count("user") == 2


# 32, 37, 44: lines and what lies between fields.


LINES = {
    "a comma behind the header alone": HEADER.replace("\n", ",\n") + ROWS,
    "commas behind all lines": (HEADER + ROWS).replace("\n", ",,,\n"),
    "returns alone": (HEADER + ROWS).replace("\n", "\r"),
    "ends of several kinds": HEADER.replace("\n", "\r\n") + ROWS,
    "caret": (HEADER + ROWS).replace(",", "^"),
    "Hive's control character": (HEADER + ROWS).replace(",", "\x01"),
    "two colons": (HEADER + ROWS).replace(",", "::"),
    "columns of spaces": (HEADER + ROWS).replace(",", "     "),
    "columns in line, of which one fills its width": (HEADER + ROWS).replace("user_id,", " user_id  ").replace(",", " "),
    "single spaces": (HEADER + ROWS).replace(",", " "),
    "commas of full width": (HEADER + ROWS).replace(",", "，"),
    "comments and an empty line before the header": "# made at night\n\n# by a job\n" + HEADER + ROWS,
}


@pytest.mark.parametrize("lines", LINES)
def test_lines_of_more_kinds(tmp_path: Path, lines: str) -> None:
    table = read(tmp_path, "log.csv", LINES[lines])
    assert (table.ids["user"].to_pylist(), table.resolution, len(table)) == (["u1", "u2"], "day", 2)


SPACED = {"user id": "user_id"}


def test_spaces_inside_values_part_no_fields(tmp_path: Path) -> None:
    """Dates with their time, and names of one word or more, between two spaces; where each line has as many words, too."""
    table = read(
        tmp_path, "times.csv", "user id  item_id  timestamp\nu1  i1  2025-03-01 10:00:00\nu2  i1  2025-03-02 11:00:00\n", columns=SPACED
    )
    assert (table.ids["user"].to_pylist(), table.resolution) == (["u1", "u2"], "instant")
    table = read(tmp_path, "names.csv", "user id  item_id\nAnn Lee  i1\nBo  i 2\nCy  i1\n", columns=SPACED)
    assert table.ids["user"].to_pylist() == ["Ann Lee", "Bo", "Cy"]
    assert table.ids["item"].to_pylist() == ["i 2", "i1"]  # in the order of their characters


def test_headers_again_and_lines_of_totals_are_no_events(tmp_path: Path) -> None:
    again = check(tmp_path, "log.csv", f"user_id,item_id\nu1,i1\n{chr(0xFEFF)}USER_ID,item_id\nu2,i1\n")
    assert (again.events, again.reasons) == (2, {"the header again": 1})
    for word in ("Total", "Gesamt:", "合计", "TOTAL"):
        totals = check(tmp_path, "log.csv", f"{HEADER}{ROWS}{word},2,\n")
        assert (totals.events, totals.reasons) == (2, {"user_id: a line of totals": 1})
    assert check(tmp_path, "log.csv", f"{HEADER}{ROWS}total,i1,2025-03-03\n").events == 3  # somebody who is called so


def test_quotes_behind_backslashes(tmp_path: Path) -> None:
    table = read(tmp_path, "log.csv", HEADER + 'u1,"a \\"b\\", c",2025-03-01\n"u2",i1,2025-03-02\n')
    assert table.ids["item"].to_pylist() == ['a "b", c', "i1"]
    assert table.report.rejected.num_rows == 0


def test_names_for_too_few_columns_stop(tmp_path: Path) -> None:
    with pytest.raises(MissingColumn, match="has 2 columns, and the first line has 3 fields"):
        read(tmp_path, "log.csv", ROWS, names=("user_id", "item_id"))
    assert read(tmp_path, "log.txt", ROWS.replace(",", " "), names=("user_id", "item_id", "timestamp")).count("user") == 2


def test_a_header_that_is_written_otherwise_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingColumn, match=r'"User ID" = "user_id".*graphdet init'):
        read(tmp_path, "log.csv", "User ID,Item ID\nu,i\n")


# 42: ids.


def test_bytes_that_are_no_text_stand_in_hexadecimal(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"user_id": pa.array([bytes(range(16)), b"ann"], pa.binary()), "item_id": ["x", "x"]}), tmp_path / "log.parquet"
    )
    assert read_events([tmp_path / "log.parquet"]).ids["user"].to_pylist() == ["000102030405060708090a0b0c0d0e0f", "ann"]


# 45: lists and objects in Parquet.


def test_lists_in_parquet_are_noted_and_unrolled(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    lines = [[{"sku": "a", "price": 1.5}, {"sku": "b", "price": 2.0}], [], [{"sku": "a", "price": 3.0}]]
    pq.write_table(pa.table({"buyer": [{"id": "u1"}, {"id": "u2"}, {"id": "u3"}], "order": [{"lines": one} for one in lines]}), path)
    columns = {"buyer.id": "user_id", "lines.sku": "item_id", "order.lines.sku": "item_id", "order.lines.price": "amount"}
    del columns["lines.sku"]
    table = read_events([path], LogSettings(columns=columns, unroll=("order.lines",)))
    assert (table.ids["user"].to_pylist(), table.ids["item"].to_pylist()) == (["u1", "u3"], ["a", "b"])
    assert table.amount is not None
    assert sorted(table.amount.tolist()) == [1.5, 2.0, 3.0]
    assert [(row["line"], row["reason"]) for row in table.report.rejected.to_pylist()] == [(3, "none of item_id, device_id, ip")]
    with pytest.raises(UnreadableFile, match=r"unroll = \['order.lines'\]"):
        read_events([path], LogSettings(columns={"buyer.id": "user_id", "order.lines": "item_id"}))


def test_a_folder_of_several_layouts(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder, "a.csv", HEADER + "u1,i1,1741874700\n")
    write(folder, "b.csv.gz", gzip.compress(b"buyer;sku;when\r\nu2;i1;13.03.2025 14:05\r\n"))
    write(folder, "c.jsonl", '{"user_id": "u3", "item_id": "i1", "timestamp": 1741874700000}\n')
    pq.write_table(
        pa.table({"user_id": ["u4"], "item_id": ["i1"], "day": [date(2025, 3, 13)], "clock": [time(14, 5)]}), folder / "d.parquet"
    )
    columns = {"buyer": "user_id", "sku": "item_id", "when": "timestamp", "day": "date", "clock": "time"}
    table = read_events([folder], LogSettings(columns=columns))
    assert table.time is not None
    assert (table.count("user"), set(table.time.tolist())) == (4, {1_741_874_700_000_000})


# Words for actions, in both languages, are one list.


def test_usual_words_for_actions_are_read_as_ours(tmp_path: Path) -> None:
    words = {
        "下单": "order",
        "支付": "pay",
        "浏览": "view",
        "登录": "login",
        "退款": "refund",
        "Add To Cart": "cart",
        "评价": "review",
        "收藏": "favourite",
    }
    content = "user_id,item_id,action\n" + "".join(f"u,i{n},{word}\n" for n, word in enumerate(words)) + "u,x,dance\n"
    found = check(tmp_path, "log.csv", content)
    assert found.actions == dict.fromkeys(sorted(words.values()), 1) | {"dance": 1}
    assert any("read by their usual words" in note and "下单 as order" in note for note in found.notes)
    assert check(tmp_path, "log.csv", content, actions={"下单": "pay"}).actions["pay"] == 2


def test_what_no_column_tells_is_noted(tmp_path: Path) -> None:
    notes = check(tmp_path, "log.csv", HEADER + ROWS).notes
    assert any(note.startswith("no action: ") and "constants" in note for note in notes)
    assert any(note.startswith("no amount: ") for note in notes)
    full = check(tmp_path, "full.csv", "user_id,item_id,action,amount\nu,i,order,5\n").notes
    assert not any(note.startswith(("no action", "no amount")) for note in full)


def test_failed_requests_and_junk_are_no_visits(tmp_path: Path) -> None:
    lines = (
        '203.0.113.5 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 2030 "-" "Mozilla/5.0"\n'
        '203.0.113.5 - ann [17/May/2015:10:05:04 +0000] "GET /b HTTP/1.1" 304 0 "-" "Mozilla/5.0"\n'
        '203.0.113.7 - - [17/May/2015:10:05:05 +0000] "GET /wp-login.php HTTP/1.1" 404 12 "-" "x"\n'
        '203.0.113.7 - - [17/May/2015:10:05:06 +0000] "POST /b HTTP/1.1" 503 12 "-" "x"\n'
        '203.0.113.7 - - [17/May/2015:10:05:07 +0000] "\\x16\\x03\\x01\\x02" 400 12 "-" "-"\n'
        '203.0.113.7 - - [17/May/2015:10:05:08 +0000] "-" 408 0 "-" "-"\n'
    )
    table = read(tmp_path, "access.log", lines, preset="combined")
    assert (table.ids["user"].to_pylist(), table.ids["ip"].to_pylist()) == (["203.0.113.5", "ann"], ["203.0.113.5"])
    reasons = [row["reason"] for row in table.report.rejected.to_pylist()]
    assert reasons == ["a request that failed (status 400 and more)"] * 2 + ["not a request that a browser makes"] * 2
    assert read(tmp_path, "access.log", lines, preset="combined", columns={"visitor": "user_id"}).count("user") == 1
