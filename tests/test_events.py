"""Reading logs: values, duplicates, catalogues, and one table whatever the order of rows and files."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphdet.errors import EmptyLog, MissingColumn, SettingsError, UnreadableFile
from graphdet.events import NO_TIME, EventTable, check_logs, read_events
from graphdet.settings import LogSettings, MachineSettings, load_settings

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parent.parent


def as_rows(table: EventTable) -> list[tuple[Any, ...]]:
    """Each event as (user, item, device, ip, seller, action, micros, amount, rating)."""
    rows = []
    for i in range(len(table)):
        ids = [
            table.ids[name][int(table.codes[name][i])].as_py() if name in table.codes and table.codes[name][i] >= 0 else None
            for name in NAMES
        ]
        action = table.actions[table.action[i]] if table.action[i] >= 0 else None
        time = None if table.time is None or table.time[i] == NO_TIME else int(table.time[i])
        amount = None if table.amount is None or np.isnan(table.amount[i]) else float(table.amount[i])
        rating = None if table.rating is None or np.isnan(table.rating[i]) else float(table.rating[i])
        rows.append((*ids, action, time, amount, rating))
    return rows


NAMES = ("user", "item", "device", "ip", "seller")


def assert_same(one: EventTable, other: EventTable) -> None:
    assert {name: ids.to_pylist() for name, ids in one.ids.items()} == {name: ids.to_pylist() for name, ids in other.ids.items()}
    for name, codes in one.codes.items():
        np.testing.assert_array_equal(codes, other.codes[name])
    for name in ("time", "action", "item_category", "amount", "rating"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.actions, one.categories, one.resolution) == (other.actions, other.categories, other.resolution)


def made_rows(count: int, seed: int = 0) -> list[dict[str, str]]:
    """A log with ties, repeats and gaps in every column."""
    draw = random.Random(seed)  # noqa: S311
    return [
        {
            "user_id": f"u{draw.randrange(40)}",
            "item_id": draw.choice(["", f"i{draw.randrange(30)}"]) if row % 3 else f"i{draw.randrange(30)}",
            "device_id": f"d{draw.randrange(20)}",
            "ip": draw.choice(["", f"10.0.0.{draw.randrange(9)}", "2001:DB8::1"]),
            "action": draw.choice(["view", "Order", ""]),
            "category": draw.choice(["a", "b", ""]),
            "seller_id": f"s{draw.randrange(5)}",
            "amount": draw.choice(["", "1.5", "20"]),
            "rating": draw.choice(["", "5"]),
            "timestamp": draw.choice(["", f"2024-01-{draw.randrange(1, 28):02d} 10:00:0{draw.randrange(9)}"]),
            "text": draw.choice(["", "good", "bad"]),
        }
        for row in range(count)
    ]


def write_csv(path: Path, rows: Sequence[dict[str, str]], columns: Sequence[str]) -> Path:
    path.write_text("\n".join([",".join(columns), *(",".join(row[column] for column in columns) for row in rows)]) + "\n", encoding="utf-8")
    return path


def test_any_row_order_file_split_format_and_thread_count_give_the_same_table(tmp_path: Path) -> None:
    rows = made_rows(2900)
    rows += rows[:100]
    columns = list(rows[0])
    whole = read_events([write_csv(tmp_path / "whole.csv", rows, columns)])
    assert whole.report.duplicates >= 100
    assert whole.report.read == 3000 == whole.report.accepted + whole.report.duplicates

    random.Random(1).shuffle(rows)  # noqa: S311
    random.Random(2).shuffle(columns)  # noqa: S311
    folder = tmp_path / "parts"
    folder.mkdir()
    write_csv(folder / "a.csv", rows[:500], columns)
    (folder / "b.jsonl").write_text("\n".join(json.dumps(row) for row in rows[500:1200]), encoding="utf-8")
    (folder / "c.csv.gz").write_bytes(gzip.compress(write_csv(tmp_path / "c", rows[1200:2000], columns).read_bytes()))
    pq.write_table(pa.Table.from_pylist(rows[2000:2500]), folder / "d.parquet")
    tsv = "\n".join(["\t".join(columns), *("\t".join(row[column] for column in columns) for row in rows[2500:])])
    with pa.output_stream(str(folder / "e.tsv.zst"), compression="zstd") as stream:
        stream.write(tsv.encode())
    for threads in (1, 2):
        assert_same(read_events([folder], machine=MachineSettings(threads=threads)), whole)


def test_rows_are_in_the_order_of_the_contract(tmp_path: Path) -> None:
    table = read_events([write_csv(tmp_path / "log.csv", made_rows(2000), list(made_rows(1)[0]))])
    assert table.time is not None
    assert table.amount is not None
    assert table.rating is not None
    amount = np.nan_to_num(table.amount, nan=np.inf)
    rating = np.nan_to_num(table.rating, nan=np.inf)
    keys: list[Any] = [
        rating,
        amount,
        table.action,
        *(table.codes[name] for name in ("seller", "ip", "device", "item", "user")),
        table.time,
    ]
    np.testing.assert_array_equal(np.lexsort(keys), np.arange(len(table)))
    for name, ids in table.ids.items():
        assert ids.to_pylist() == sorted(ids.to_pylist(), key=str.encode), name
        assert set(np.unique(table.codes[name])) - {-1} == set(range(len(ids))), name


def test_ids_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text('user_id,item_id\n007,1e5\nnull,NA\n" a\u3000",\ti\t\n"a""b","x,y"\n😀,"two\nlines"\nU1,-\n', encoding="utf-8")
    rows = {row[:2] for row in as_rows(read_events([path]))}
    assert rows == {("007", "1e5"), ("a", "i"), ('a"b', "x,y"), ("😀", "two\nlines")}
    kept = {row[:2] for row in as_rows(read_events([path], LogSettings(missing=())))}
    assert kept - rows == {("null", "NA"), ("U1", "-")}


def test_typed_ids_become_their_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user_id": pa.array([1, 10**18, None], pa.int64()),
            "item_id": pa.array([1.0, 2.5, float("nan")]),
            "device_id": pa.array(["x", "y", "x"]).dictionary_encode(),
            "seller_id": pa.array([True, False, None]),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    found = read_events([tmp_path / "log.parquet"])
    assert {row[:3] for row in as_rows(found)} == {("1", "1", "x"), ("1000000000000000000", "2.5", "y")}
    assert found.report.rejected.to_pylist()[0]["line"] == 3


TIMES = {
    "2024-01-01T00:00:00+08:00": 1704038400,
    "2024-01-01 00:00:00Z": 1704067200,
    "2024-01-01T00:00:00.250Z": 1704067200.25,
    "2024-01-01 00:00:00.250": 1704067200.25,
    "2024-01-01T00:00:00.250+0100": 1704063600.25,
    "2024-01-01": 1704067200,
    " 2024-01-01\t": 1704067200,
    "2024/01/02 03:04": 1704164640,
    "2024/01/02 03:04:05": 1704164645,
    "20240102": 1704153600,
    "20240102030405": 1704164645,
    "20240102T030405": 1704164645,
    "2024-01-01 00:00:00 Asia/Shanghai": 1704038400,
    "2024-01-01 00:00:00-03": 1704078000,
    "03/04/2024": 1709510400,
    "03/04/2024 17:06:07": 1709571967,
    "3/4/2024 5:06 PM": 1709571960,
    "03.04.2024 05:06": 1712120760,
    "1704067200": 1704067200,
    "1704067200.5": 1704067200.5,
    "1704067200123": 1704067200.123,
    "1704067200123456": 1704067200.123456,
    "1704067200123456789": 1704067200.123456,
    "0": 0,
    "1970-01-01 00:00:01": 1,
    "2261-12-31 23:59:59": 9214646399,
}


def test_mixed_writings_of_times_in_one_column(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\n" + "".join(f"u,i{number},{text}\n" for number, text in enumerate(TIMES)), encoding="utf-8")
    table = read_events([path], LogSettings(day_first=False))
    assert not table.report.rejected.num_rows
    found = {row[1]: row[6] for row in as_rows(table)}
    assert {text: found[f"i{number}"] for number, text in enumerate(TIMES)} == {
        text: round(seconds * 1e6) for text, seconds in TIMES.items()
    }


def test_what_is_no_time_is_rejected_and_no_time_at_all_is_not(tmp_path: Path) -> None:
    wrong = [
        "nonsense",
        "2024-02-30",
        "2262-01-01",
        "1969-12-31",
        "-5",
        "infinity",
        "epoch",
        "2024-01-01 00:00:00 Nowhere/City",
        "9" * 30,
    ]
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,when\nu,i,\nu,i2,  \n" + "".join(f"u,i,{text}\n" for text in wrong), encoding="utf-8")
    table = read_events([path], LogSettings(columns={"When": "timestamp"}))
    assert len(table) == 2
    assert table.time is None
    assert table.resolution == "none"
    rejected = table.report.rejected.to_pylist()
    assert [(row["line"], row["column"], row["raw"]) for row in rejected] == [
        (4 + n, "when", f"u,i,{text}") for n, text in enumerate(wrong)
    ]


def test_zone_and_day_first_come_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\nu,i,03/04/2024\nu,j,2024-04-05\nu,k,2024-04-06T00:00:00Z\n", encoding="utf-8")
    for zone in ("Asia/Shanghai", "+08:00", "+8"):
        times = {row[1]: row[6] for row in as_rows(read_events([path], LogSettings(timezone=zone, day_first=True)))}
        assert times == {"i": 1712073600_000000, "j": 1712246400_000000, "k": 1712361600_000000}
    with pytest.raises(SettingsError, match="no such zone"):
        read_events([path], LogSettings(timezone="Mars/Olympus"))


ZONES = (None, "UTC", "+05:30")


def test_typed_times_of_any_unit_and_zone(tmp_path: Path) -> None:
    seconds = pa.array([1704067200, None], pa.timestamp("s"))
    columns = [
        seconds.cast(pa.timestamp(unit)).cast(pa.int64()).cast(pa.timestamp(unit, zone))
        for unit in ("s", "ms", "us", "ns")
        for zone in ZONES
    ]
    for number, column in enumerate([*columns, seconds.cast(pa.date32()), seconds.cast(pa.date64())]):
        pq.write_table(pa.table({"user_id": ["u", "v"], "item_id": ["i", "i"], "timestamp": column}), tmp_path / f"{number}.parquet")
        table = read_events([tmp_path / f"{number}.parquet"])
        assert [row[6] for row in as_rows(table)] == [None, 1704067200_000000], column.type
        assert table.resolution == "day"


def test_bare_dates_of_a_zone_are_days(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\nu,i,2024-03-30\nu,j,2024-04-01\n", encoding="utf-8")  # the clock changes in between
    assert read_events([path], LogSettings(timezone="Europe/Berlin")).resolution == "day"
    path.write_text("user_id,item_id,timestamp\nu,i,2024-03-30\nu,j,2024-04-01 01:00:00\n", encoding="utf-8")
    assert read_events([path], LogSettings(timezone="Europe/Berlin")).resolution == "instant"


def test_ip_addresses_have_one_writing(tmp_path: Path) -> None:
    written = {
        "192.168.1.1": "192.168.1.1",
        "::ffff:1.2.3.4": "1.2.3.4",
        "::FFFF:0102:0305": "1.2.3.5",
        "2001:DB8:0:0:0:0:0:1": "2001:db8::1",
        "fe80::1%eth0": "fe80::1",
        "127.0.0.1": None,  # nobody's
        "::ffff:127.0.0.1": None,
        "::": None,
        "1.2.3.4:80": "1.2.3.4",
        "[2001:db8::2]:443": "2001:db8::2",
        "10.0.0.9; 203.0.113.7; 198.51.100.1": "203.0.113.7",
        "10.0.0.9": "10.0.0.9",
        "1.2.3.xxx": "1.2.3.xxx",
        "1.2.3.0/24": "1.2.3.0/24",
        "5d41402abc4b2a76b9719d911017c592": "5d41402abc4b2a76b9719d911017c592",
        "Dialup-7.Example.NET": "dialup-7.example.net",
        "128.0.0.1": "128.0.0.1",
        "-": None,
        "unknown": None,
        "": None,
    }
    wrong = ["1.2.3", "1.2.3.256", "01.2.3.4", "host", "1.2.3.4.5", "::g", "a b"]
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,ip\n" + "".join(f"u,i{n},{ip}\n" for n, ip in enumerate([*written, *wrong])), encoding="utf-8")
    table = read_events([path])
    addresses = [*written.values(), *(None for _ in wrong)]
    assert {row[1]: row[3] for row in as_rows(table)} == {f"i{n}": ip for n, ip in enumerate(addresses)}
    assert any(note.startswith(f"ip: {len(wrong)} values cannot be read") for note in table.report.notes)
    alone = tmp_path / "alone.csv"
    alone.write_text("user_id,ip\nu,1.2.3\nu,1.2.3.4\n", encoding="utf-8")  # a row of which nothing else is left
    (rejected,) = read_events([alone]).report.rejected.to_pylist()
    assert (rejected["line"], rejected["column"], rejected["reason"]) == (2, "ip", "not an IP address")


def test_numbers_that_are_none_are_missing_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,item_id,amount,rating\nu,a,1e2,5\nu,b, 7 ,\nu,c,nan,\nu,d,inf,\nu,e,$5,\nu,f,,five\nu,g,-3,0\n", encoding="utf-8"
    )
    table = read_events([path])
    assert {row[1]: row[7] for row in as_rows(table)} == {"a": 100.0, "b": 7.0, "c": None, "d": None, "e": 5.0, "f": None, "g": -3.0}
    assert {row[1]: row[8] for row in as_rows(table)}["f"] is None
    assert not table.report.rejected.num_rows
    assert any("amount: 1 value cannot be read (such as 'inf')" in note for note in table.report.notes)
    assert any("rating: 1 value cannot be read (such as 'five')" in note for note in table.report.notes)


def test_event_id_decides_what_is_a_duplicate_where_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "event_id,user_id,item_id,timestamp,text\ne1,u,i,2024-01-02,\ne1,u,i,2024-01-01,\ne2,u,i,2024-01-02,\n"
        ",u,i,2024-01-02,x\n,u,i,2024-01-02,x\n,u,i,2024-01-02,y\n e2 ,v,j,2024-01-03,\n",
        encoding="utf-8",
    )
    table = read_events([path, tmp_path / "log.csv"])
    assert (table.report.read, len(table), table.report.duplicates) == (7, 4, 3)
    assert sorted(row[6] for row in as_rows(table)) == [1704067200_000000] + [1704153600_000000] * 3  # the earliest of e1 is kept
    assert any("repeat an event_id with other values: 2" in note for note in table.report.notes)


def test_whole_rows_are_duplicates_across_files_and_formats(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id,timestamp,amount\nu,1,2024-01-01,1.0\nu,1,2024-01-01,2\n", encoding="utf-8")
    table = pa.table({"user_id": ["u"], "item_id": [1], "timestamp": pa.array([1704067200], pa.timestamp("s")), "amount": [1]})
    pq.write_table(table, tmp_path / "b.parquet")
    (tmp_path / "c.jsonl").write_text('{"user_id":"u","item_id":1,"timestamp":1704067200000,"amount":2.0}\n', encoding="utf-8")
    report = read_events([tmp_path]).report
    assert [(file.accepted, file.duplicates) for file in report.files] == [(2, 0), (0, 1), (0, 1)]


def test_files_of_different_columns_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "clicks.csv").write_text("user_id,item_id\nu1,i1\n", encoding="utf-8")
    (tmp_path / "logins.csv").write_text("user_id,device_id,ip\nu1,d1,1.2.3.4\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("no log", encoding="utf-8")
    table = read_events([tmp_path], LogSettings(constants={"action": "login"}))
    assert {row[:6] for row in as_rows(table)} == {("u1", "i1", None, None, None, "login"), ("u1", None, "d1", "1.2.3.4", None, "login")}


def test_actions_are_mapped_in_lower_case_and_unknown_ones_kept(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,behaviour\nu,a,BUY\nu,b, Pv \nu,c,Twirl\nu,d,\n", encoding="utf-8")
    table = read_events([path], LogSettings(columns={"behaviour": "action"}, actions={"Buy": "order", "pv": "view"}))
    assert {row[1]: row[5] for row in as_rows(table)} == {"a": "order", "b": "view", "c": "twirl", "d": None}
    assert any("twirl" in note for note in table.report.notes)


def test_a_mapped_column_wins_over_one_that_has_our_name(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("User_ID ,uid,Item_Id,sku\nwrong,right,a,b\n", encoding="utf-8")
    table = read_events([path], LogSettings(columns={"UID": "user_id"}))
    assert as_rows(table)[0][:2] == ("right", "a")
    assert table.report.files[0].unused_columns == ("User_ID ", "sku")


def test_a_catalogue_fills_what_events_lack(tmp_path: Path) -> None:
    log, items = tmp_path / "log.csv", tmp_path / "items.csv"
    log.write_text("user_id,item_id,category\nu,a,own\nu,b,\nu,c,\nu,d,\n", encoding="utf-8")
    items.write_text("item_id,category,seller_id\na,cat,s1\nb,cat,s2\nb,aaa,s2\nb,cat,s2\nz,zzz,s9\n,x,y\n", encoding="utf-8")
    table = read_events([items, log])
    categories = [table.categories[code] if code >= 0 else None for code in table.item_category]
    assert categories == ["own", "aaa", None, None]
    assert {row[1]: row[4] for row in as_rows(table)} == {"a": "s1", "b": "s2", "c": None, "d": None}
    catalogue = table.report.files[0]
    assert (catalogue.read, catalogue.accepted, catalogue.rejected, catalogue.duplicates) == (6, 4, 1, 1)
    assert_same(table, read_events([log, items]))
    with pytest.raises(EmptyLog, match="only item catalogues"):
        read_events([items])


def test_an_items_category_is_the_commonest_of_its_events(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,category\nu,a,x\nv,a,y\nw,a,y\nu,b,y\nv,b,x\n", encoding="utf-8")
    table = read_events([path])
    assert [table.categories[code] for code in table.item_category] == ["y", "x"]


def test_the_real_log_reads_through_its_mapping() -> None:
    settings = load_settings(ROOT / "configs" / "taobao.toml").log
    table = read_events([DATA / "taobao_events.parquet", DATA / "taobao_items.parquet"], settings)
    events = pq.read_table(DATA / "taobao_events.parquet")
    distinct = set(zip(*(events[name].to_pylist() for name in events.column_names), strict=True))
    assert len(table) == len(distinct)
    assert table.report.duplicates == events.num_rows - len(distinct)
    assert table.resolution == "day"
    assert table.actions == ("cart", "click", "favourite", "order")
    items = pq.read_table(DATA / "taobao_items.parquet")
    of_item = dict(zip(map(str, items["item"].to_pylist()), map(str, items["category"].to_pylist()), strict=True))
    assert [table.categories[code] for code in table.item_category] == [of_item[item] for item in table.ids["item"].to_pylist()]


def test_errors_name_file_and_next_step(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("uid,product,time\n1,2,3\n", encoding="utf-8")
    with pytest.raises(MissingColumn, match=r'foreign\.csv: no column user_id \(found: uid, product, time\).*"uid" = "user_id"'):
        read_events([foreign])
    only_user = tmp_path / "user.csv"
    only_user.write_text("user_id,x\n1,2\n", encoding="utf-8")
    with pytest.raises(MissingColumn, match="item_id, device_id or ip"):
        read_events([only_user])
    with pytest.raises(UnreadableFile, match="no such file"):
        read_events([tmp_path / "absent.csv"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "market.json").write_text('{"user_id": "ann", "item_id": "tea"}\n', encoding="utf-8")
    assert len(read_events([tmp_path / "own"])) == 1  # the name alone makes no simulated market of it
    with pytest.raises(EmptyLog, match="no log files in this folder"):
        read_events([tmp_path / "empty"])
    bad = tmp_path / "bad.csv"
    bad.write_text("user_id,item_id\n,1\n", encoding="utf-8")
    with pytest.raises(EmptyLog, match=r"line 2, user_id: no user_id"):
        read_events([bad])
    with pytest.raises(SettingsError, match="did you mean 'user_id'"):
        read_events([bad], LogSettings(columns={"x": "userid"}))


def test_check_tells_counts_coverage_and_costs(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,item_id,action,timestamp,extra\nu,a,view,2024-01-01 10:00:00,1\n"
        "u,b,twirl,2024-01-02,1\nu,b,twirl,2024-01-02,1\nu,c,view,x,1\nu\n",
        encoding="utf-8",
    )
    check = check_logs([path])
    assert (check.read, check.accepted, check.rejected, check.duplicates) == (5, 2, 2, 1)
    assert check.columns == {"user_id": 2, "item_id": 2, "action": 2, "timestamp": 2}
    assert check.actions == {"twirl": 1, "view": 1}
    assert check.unknown_actions == ("twirl",)
    assert (check.first, check.last) == ("2024-01-01T10:00:00Z", "2024-01-02T00:00:00Z")
    assert check.nodes == {"user": 1, "item": 2}
    assert "no device_id: device evidence off." in check.notes
    assert check.files[0].unused_columns == ("extra",)
    assert [row["line"] for row in check.first_rejects] == [5, 6]
    assert check.reasons == {"1 fields where the header has 5": 1, "timestamp: cannot be read as a time": 1}
    assert json.loads(json.dumps(check.as_dict()))["events"] == 2
