"""A log that goes on is what a reader gives of both parts at once; but an item that has a category keeps it."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphdet.events import EventTable, read_events
from graphdet.events.going_on import go_on
from graphdet.settings import LogSettings

Row = dict[str, str]
BEGIN = datetime(2025, 3, 1)  # noqa: DTZ001 - as a log writes it


def rows_of(chance: np.random.Generator, count: int, *, tag: str, dated: bool = False) -> list[Row]:
    """Few moments, so that many rows are told apart by names alone; new names among old ones, in the middle and at both ends."""

    def one(number: int) -> Row:
        moment = BEGIN + timedelta(days=int(chance.integers(0, 3)), minutes=0 if dated else int(chance.integers(0, 40)))
        item = int(chance.integers(0, 25))
        told = {"timestamp": moment.strftime("%Y-%m-%d" if dated else "%Y-%m-%d %H:%M:%S"), "user_id": f"u{chance.integers(0, 30)}"}
        if chance.random() < 0.2:
            told["user_id"] = f"{chance.choice(['a', 'u1', 'z'])}-{tag}-{number % 5}"
        told |= {"item_id": f"p{item}", "category": f"c{item % 6}" if item % 5 else "", "action": ("order", "view", "")[number % 3]}
        return told | {"amount": f"{number % 7}.25" if tag == "new" else "", "rating": f"{1 + number % 5}" if number % 2 else ""} | {
            "text": f"{tag} is what {number % 4} of us said about it" if number % 4 else ""
        }  # fmt: skip

    return [one(number) for number in range(count)]


def read(path: Path, rows: list[Row]) -> EventTable:
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return read_events([path], LogSettings())


def texts(table: EventTable) -> list[tuple[Any, ...]]:
    """Of rows that differ in what is written alone the order is a digest's, which a table does not hold."""
    written = table.written["text"]
    told = [None if code < 0 else written.values[code].as_py() for code in written.code.tolist()]
    return sorted(zip(table.codes["user"].tolist(), table.codes["item"].tolist(), told, strict=True), key=str)


@pytest.mark.parametrize("dated", [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize("seed", range(4))
def test_of_both_parts_at_once(seed: int, dated: tuple[bool, bool], tmp_path: Path) -> None:
    chance = np.random.default_rng(seed)
    first = rows_of(chance, 160, tag="old", dated=dated[0])
    known = {tuple(row.items()) for row in first}
    second = [row for row in rows_of(chance, 60, tag="new", dated=dated[1]) if tuple(row.items()) not in known]
    before, new = read(tmp_path / "a.csv", first), read(tmp_path / "b.csv", second)
    found, moved = go_on(before, new)
    told = read(tmp_path / "c.csv", [*first, *second])
    assert len(found) == len(told) == len(before) + len(new)
    assert (found.resolution, found.actions, found.categories) == (told.resolution, told.actions, told.categories)
    for name, ids in told.ids.items():
        assert found.ids[name].equals(ids), name
        assert np.array_equal(found.codes[name], told.codes[name]), name
        place = moved.of(name, before.ids[name])
        assert place is not None
        assert ids.take(place).equals(before.ids[name])
    for field in ("time", "action", "item_category", "amount", "rating"):
        one, other = getattr(found, field), getattr(told, field)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), field
    assert texts(found) == texts(told)
    assert sorted(found.written["text"].values.to_pylist()) == sorted(told.written["text"].values.to_pylist())


def test_an_item_keeps_its_category_and_one_without_gets_what_is_told_first(tmp_path: Path) -> None:
    plain = {"timestamp": "2025-03-01 10:00:00", "user_id": "u", "action": "view"}
    before = read(tmp_path / "a.csv", [plain | {"item_id": "p1", "category": "cb"}, plain | {"item_id": "p3", "category": ""}])
    told = [("p0", "cz"), ("p1", "ca"), ("p2", ""), ("p3", "cx")]
    new = read(tmp_path / "b.csv", [plain | {"timestamp": "2025-03-02 10:00:00", "item_id": item, "category": own} for item, own in told])
    found, _ = go_on(before, new)
    own = [found.categories[code] if code >= 0 else None for code in found.item_category.tolist()]
    assert dict(zip(found.ids["item"].to_pylist(), own, strict=True)) == {"p0": "cz", "p1": "cb", "p2": None, "p3": "cx"}
    assert found.categories == ("cb", "cx", "cz")  # of "ca" nothing is left
