"""Mixes of forms in one column, ids, and good and bad rows, against a slow reading of each value; further inputs of kinds of cases."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdet import detect
from graphdet.events import EventTable, check_logs, read_events
from graphdet.settings import LogSettings, Settings

CASES = Path(__file__).parent / "data" / "cases"
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Rows = list[dict[str, object]]


def as_csv(folder: Path, rows: Rows) -> Path:
    path = folder / "log.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_json(folder: Path, rows: Rows) -> Path:
    path = folder / "log.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode(), mtime=0))
    return path


def as_parquet(folder: Path, rows: Rows) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), folder / "log.parquet")
    return folder / "log.parquet"


WRITERS = pytest.mark.parametrize("write", [as_csv, as_json, as_parquet])


# Any mix of ids in one column.

FORMS = ("{n}", "{n}.0", "{n}.00", " {n}", "{n}\u3000", "u{n}", "U{n}", "u {n}", "00{n}", "用户{n}", "u%20{n}", "u%2520{n}", "-{n}", "{n}x")
WORDS = ("", "NULL", "n/a", "(not set)", "0", "000-000", "无")  # nobody, in any column
SLOW: dict[str, Callable[[str], str]] = {
    "case": str.lower,
    "spaces": lambda name: re.sub(r"[\s\u00a0\u3000]+", "", name),
    "float": lambda name: re.sub(r"^(\d+)\.0+$", r"\1", name),
    "encoding": lambda name: unquote(unquote(name)),
}
IDS = st.one_of(st.builds(lambda form, n: form.format(n=n), st.sampled_from(FORMS), st.integers(1, 3)), st.sampled_from(WORDS))


@QUICK
@given(ids=st.lists(IDS, min_size=1, max_size=20), ways=st.sets(st.sampled_from(sorted(SLOW))), write=st.sampled_from((as_csv, as_json)))
def test_no_mix_of_ids_is_misread(tmp_path: Path, ids: list[str], ways: set[str], write: Callable[[Path, Rows], Path]) -> None:
    """Two rows have the same user where their ids are the same but for what is folded, and none where nobody is named."""
    fold = tuple(way for way in SLOW if way in ways)
    path = write(tmp_path, [{"user_id": "first", "item_id": "i"}, *({"user_id": one, "item_id": f"i{n}"} for n, one in enumerate(ids))])
    table = read_events([path], LogSettings(fold=fold))
    names, items = table.ids["user"].to_pylist(), table.ids["item"].to_pylist()
    codes = zip(table.codes["item"].tolist(), table.codes["user"].tolist(), strict=True)
    found = {items[item]: names[user] for item, user in codes}
    right = {}
    for place, one in enumerate(ids):
        name = one.strip(" \u3000")
        if name not in WORDS:
            for way in fold:
                name = SLOW[way](name)
            right[f"i{place}"] = name
    assert found == {"i": "first", **right}
    assert counts_add_up(table)
    assert table.report.rejected.num_rows == len(ids) - len(right)


def test_ids_that_are_one_by_a_way_are_noted_by_it_alone(tmp_path: Path) -> None:
    for one, other in (("Ab", "aB"), ("a b", "ab"), ("7", "7.0"), ("a%2520b", "c")):
        notes = read_events([as_csv(tmp_path, [{"user_id": name, "item_id": "i"} for name in (one, other)])]).report.notes
        ways = [way for way in SLOW if any(f'"{way}"' in note for note in notes)]
        assert ways == [way for way, change in SLOW.items() if change(one) == change(other) or (way == "encoding" and "%25" in one)]


def counts_add_up(table: EventTable) -> bool:
    report = table.report
    return report.read == report.accepted + report.rejected.num_rows + report.duplicates and report.accepted == len(table)


# Good and bad rows in any mix.

TIMES = {
    "2025-03-01 10:00": True,
    "1 Mar 2025 10:00 AM": True,
    "2025年3月1日 上午10:00": True,
    "2025-03-01T10:00:00Z": True,
    "": True,  # without a time
    "soon": False,
    "2025-02-30 10:00": False,
    "1066-10-14": False,
}
MONEY = {"12.50": 12.5, "$3": 3.0, "1,250.00": 1250.0, "(2.50)": -2.5, "five": None, "": None, "NULL": None}
ROW = st.tuples(st.sampled_from(("ann", "bob", "", "NULL", "-")), st.sampled_from(sorted(TIMES)), st.sampled_from(sorted(MONEY)))


@QUICK
@given(rows=st.lists(ROW, min_size=1, max_size=25), again=st.integers(0, 5), write=st.sampled_from((as_csv, as_json)))
def test_only_user_and_time_decide_over_a_row_and_counts_add_up(
    tmp_path: Path, rows: list[tuple[str, str, str]], again: int, write: Callable[[Path, Rows], Path]
) -> None:
    rows = [("first", "2025-03-01 10:00", "1.00"), *rows]
    said: Rows = [
        {"user_id": user, "item_id": f"i{n}", "timestamp": time, "amount": money, "line": n} for n, (user, time, money) in enumerate(rows)
    ]
    good = [user not in ("", "NULL", "-") and TIMES[time] for user, time, _ in rows]
    path = write(tmp_path, said + said[:again])
    table = read_events([path])
    assert counts_add_up(table)
    assert (table.report.accepted, table.report.duplicates) == (sum(good), sum(good[:again]))
    items = table.ids["item"].to_pylist()
    assert sorted(items) == sorted(f"i{n}" for n, fine in enumerate(good) if fine)
    amounts = dict(zip((items[code] for code in table.codes["item"].tolist()), table.amount.tolist(), strict=True))  # type: ignore[union-attr]
    for n, (_, _, money) in enumerate(rows[1:], 1):
        value = MONEY[money]
        if good[n]:
            assert amounts[f"i{n}"] == value or (value is None and amounts[f"i{n}"] != amounts[f"i{n}"])
    found = check_logs([path])
    assert (found.read, found.accepted, found.rejected, found.duplicates) == (
        len(said) + again if again <= len(said) else 2 * len(said),
        table.report.accepted,
        table.report.rejected.num_rows,
        table.report.duplicates,
    )


# Further inputs of kinds of cases that no other file has in three forms.


@WRITERS
def test_05_an_event_under_several_ids_makes_nobody(tmp_path: Path, write: Callable[[Path, Rows], Path]) -> None:
    """The case's honest log, written anew: under two ids of other forms, a second apart, or in columns side by side."""
    with gzip.open(CASES / "05-every-event-under-three-ids.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["item_id"].startswith("i")]
    number = {item: f"{4_000_000_000_000 + 7 * n}" for n, item in enumerate(sorted({row["item_id"] for row in rows}))}
    twice: Rows = []
    for row in rows:
        beside = dict(row)
        if write is as_parquet:  # which `check` tells of
            twice.append({**row, "ean": number[row["item_id"]]})
            continue
        beside["item_id"] = number[row["item_id"]]
        if write is as_json:
            beside["timestamp"] = re.sub(r"\d$", lambda second: str((int(second[0]) + 1) % 10), beside["timestamp"])
        twice += [dict(row), dict(beside)]
    run = detect(read_events([write(tmp_path, twice)]), Settings.model_validate({"gnn": {"least_rings": 0}}))
    assert [tier for tier in run.rings["tier"].to_pylist() if tier != "explained"] == []
    told = "ean names the same things as item_id" if write is as_parquet else "one thing under several ids"
    assert any(told in note for note in run.meta["notes"])


@pytest.mark.parametrize(
    ("column", "nobody"),
    [
        ("device_id", ["{00000000-0000-0000-0000-000000000000}", "000000000000000", "00:00:00:00:00:00"]),
        ("device_id", ["0", "-", "unknown"]),
        ("ip", ["::1", "0.0.0.0", "127.0.0.53"]),  # noqa: S104 - values
        ("ip", ["localhost", "::ffff:127.0.0.1", "::"]),
    ],
)
@WRITERS
def test_11_zeros_and_loopback_are_nobodys_and_noted(
    tmp_path: Path, column: str, nobody: list[str], write: Callable[[Path, Rows], Path]
) -> None:
    rows: Rows = [{"user_id": f"u{n}", "item_id": "i", column: one} for n, one in enumerate([*nobody, "198.51.100.7"])]
    found = check_logs([write(tmp_path, rows)])
    assert found.nodes[column.removesuffix("_id")] == 1
    (note,) = [one for one in found.notes if one.startswith(f"{column}: ") and "genuine" in one]
    assert f"({len(nobody)} rows, " in note


@pytest.mark.parametrize(
    "ids", [["123", "123.0"], ["123.00", "123"], ["123", "123.000", "123.0"]], ids=["one nought", "two noughts", "three writings"]
)
@WRITERS
def test_42_ids_that_a_spreadsheet_wrote_as_numbers(tmp_path: Path, ids: list[str], write: Callable[[Path, Rows], Path]) -> None:
    path = write(tmp_path, [{"user_id": one, "item_id": f"i{n}"} for n, one in enumerate(ids)])
    assert any("point and noughts" in note and 'fold = ["float"]' in note for note in check_logs([path]).notes)
    assert read_events([path], LogSettings(fold=("float",))).ids["user"].to_pylist() == ["123"]


def test_42_a_column_of_floats_and_one_of_integers_name_the_same(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user_id": pa.array([123.0, 7.0]), "item_id": ["a", "b"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"user_id": pa.array([123, 7]), "item_id": ["c", "d"]}), tmp_path / "b.parquet")
    table = read_events([tmp_path], LogSettings(fold=("float",)))
    assert table.ids["user"].to_pylist() == ["123", "7"]


@pytest.mark.parametrize("shape", ["lines", "array", "nested", "parquet"])
def test_45_lists_of_scalars_are_told_and_unrolled(tmp_path: Path, shape: str) -> None:
    rows: Rows = [{"user_id": user, "device_id": "d", "order": {"items": items}} for user, items in (("u", ["a", "b"]), ("v", ["b"]))]
    name, content = {
        "lines": ("log.jsonl", "\n".join(map(json.dumps, rows))),
        "array": ("log.json", json.dumps(rows, indent=1)),
        "nested": ("log.json", json.dumps({"data": {"rows": rows}})),
        "parquet": ("log.parquet", ""),
    }[shape]
    path = tmp_path / name
    if shape == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text(content)
    assert any("order.items is a list" in note for note in check_logs([path]).notes)
    table = read_events([path], LogSettings(unroll=("order.items",), columns={"order.items": "item_id"}))
    users, items = table.ids["user"].to_pylist(), table.ids["item"].to_pylist()
    pairs = zip(table.codes["user"].tolist(), table.codes["item"].tolist(), strict=True)
    assert sorted((users[user], items[item]) for user, item in pairs) == [("u", "a"), ("u", "b"), ("v", "b")]
