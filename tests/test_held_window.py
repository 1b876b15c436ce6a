"""What a watch holds of its window between looks is what the reader gives of the same segments, whatever was added, dropped or made one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from graphdet.errors import WatchError
from graphdet.events import EventTable, read_events
from graphdet.settings import Settings
from graphdet.watch.held_window import NAME, HeldWindow
from graphdet.watch.reading_on import APART, ROWS
from graphdet.watch.segments import DAY, Segment, merged, read_rows, write_segments
from graphdet.week.kept_log import settings_of_kept

MORNING = 20_000 * DAY


def rows_of(number: int, count: int = 400) -> pa.Table:
    """Rows as a watch keeps them: shared things, equal rows, names that look like placeholders, columns that some segments lack."""
    chance = np.random.default_rng(number)
    people, things = chance.integers(0, 60, count), chance.integers(0, 25, count)
    columns: dict[str, Any] = {
        "timestamp": pa.array(MORNING + (number % 3) * DAY + np.sort(chance.integers(0, 80_000, count)) * 1_000_000),
        "user_id": [f"u{one}" if one % 13 else f"ü{one} {number}" for one in people.tolist()],
        "item_id": [f"p{one}" if one % 5 else None for one in things.tolist()],
        "device_id": ["test device" if one % 3 else f"d{one}" for one in people.tolist()],
        "action": [("view", "order", "custom", None)[one % 4] for one in things.tolist()],
        "category": [f"c{one % 4}" if one % 7 else None for one in things.tolist()],
    }
    if number % 2:
        columns["ip"] = [f"10.0.{one % 3}.{one}" for one in people.tolist()]
        columns["amount"] = [float(one) / 4 if one % 2 else None for one in things.tolist()]
        columns["currency"] = [("EUR", "USD", None)[one % 3] for one in things.tolist()]
        columns["text"] = [f"good {one % 3}\nquite good" if one % 6 else None for one in things.tolist()]
        columns["rating"] = pa.array((things % 5).astype(np.float32))
    for place, name in enumerate(APART):
        columns[name] = pa.array(np.arange(count, dtype=np.uint64) + np.uint64(10_000 * number + 7 + place))
    given = {name: columns.get(name, pa.nulls(count)) for name in ROWS.names}
    rows = pa.table({name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in given.items()})
    return pa.table([rows[name].cast(ROWS.field(name).type) for name in ROWS.names], schema=ROWS)


def assert_the_reader_gives(
    held: HeldWindow, folder: Path, segments: list[Segment], settings: Settings, end: int, on_from: EventTable | None = None
) -> EventTable:
    """`on_from`: that was read last, and is gone on from; the report stays its own then."""
    if on_from is None:
        found = held.read(folder, segments, end, "digest", settings)
    else:
        found, moved = held.read_on(folder, segments, end, "digest", settings)
        assert found.report.files == on_from.report.files
        for name, ids in on_from.ids.items():
            place = moved.of(name, ids)
            assert place is not None
            assert found.ids[name].take(pa.array(place)).equals(ids)
    told = read_events([folder / segment.name for segment in segments], settings_of_kept(settings.log), settings.machine)
    assert len(found) == len(told) > 0
    for field in fields(EventTable):
        one, other = getattr(found, field.name), getattr(told, field.name)
        if field.name in ("ids", "codes"):
            assert set(one) == set(other)
            assert all(np.array_equal(one[name], other[name]) for name in one), field.name
        elif field.name == "written":
            # rows that differ in what is written alone stand in the order of a digest, which an event table does not hold
            texts = [
                {name: sorted(_texts(own), key=str) if on_from else _texts(own) for name, own in told.items()} for told in (one, other)
            ]
            assert texts[0] == texts[1]
        elif field.name == "report":
            if on_from is not None:
                continue
            assert one.notes == other.notes
            assert [getattr(one, name) for name in ("read", "accepted", "duplicates")] == [other.read, other.accepted, other.duplicates]
            assert one.rejected.num_rows == other.rejected.num_rows
            for name in ("line", "column", "reason"):
                assert one.rejected[name].equals(other.rejected[name]), name
            assert [file.path for file in one.files] == [NAME]
        elif isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), field.name
        else:
            assert one == other, field.name
    return found


def _texts(written: Any) -> list[str | None]:
    return [None if code < 0 else written.values[code].as_py() for code in written.code.tolist()]


def test_what_is_held_is_what_the_reader_gives_after_each_step(tmp_path: Path) -> None:
    held, settings = HeldWindow(), Settings()
    segments: list[Segment] = []
    for number in range(6):
        segments += write_segments(tmp_path, rows_of(number))
        if number in (0, 2, 5):
            assert_the_reader_gives(held, tmp_path, segments, settings, MORNING + 3 * DAY - 1)
    ignoring = settings.log.model_copy(update={"ignore_keys": {"user_id": ("u7", "u8"), "device_id": ("d3",)}})
    without = settings.model_copy(update={"log": ignoring})
    found = assert_the_reader_gives(held, tmp_path, segments, without, MORNING + 3 * DAY - 1)  # as a casebook discounts them
    assert found.report.rejected.num_rows > 0
    assert '"user_id": "u7"' in "".join(found.report.rejected["raw"].to_pylist())
    first = min(segment.day for segment in segments)
    segments = [segment for segment in segments if segment.day > first]  # a day leaves the window
    assert_the_reader_gives(held, tmp_path, segments, settings, MORNING + 3 * DAY - 1)
    last = max(segment.day for segment in segments)
    for number in range(8, 44, 3):
        segments += write_segments(tmp_path, rows_of(number, 20))
    new, old = merged(tmp_path, segments)
    assert new
    assert old
    segments = [segment for segment in segments if segment not in old] + new
    untexted = settings.model_copy(update={"log": settings.log.model_copy(update={"texts": False})})
    assert_the_reader_gives(held, tmp_path, segments, untexted, (last + 1) * DAY - 1)


def test_what_is_gone_on_from_is_what_the_reader_gives_of_all_of_it(tmp_path: Path) -> None:
    held, settings, end = HeldWindow(), Settings(), MORNING + 3 * DAY - 1
    segments = [segment for number in range(3) for segment in write_segments(tmp_path, rows_of(number))]
    read = assert_the_reader_gives(held, tmp_path, segments, settings, end)
    read = assert_the_reader_gives(held, tmp_path, segments, settings, end, on_from=read)  # nothing came
    for number in (5, 4, 9, 10, 12):  # days before the last one, too
        segments += write_segments(tmp_path, rows_of(number, 60))
        read = assert_the_reader_gives(held, tmp_path, segments, settings, end, on_from=read)
    assert "test device" not in read.ids["device"].to_pylist()  # many hold it, though few of those who came last


def test_where_only_the_whole_window_tells_nothing_is_gone_on_from(tmp_path: Path) -> None:
    held, settings, end = HeldWindow(), Settings(), MORNING + 3 * DAY - 1
    segments = [segment for number in range(3) for segment in write_segments(tmp_path, rows_of(number))]
    held.read(tmp_path, segments, end, "digest", settings)

    def goes_on(folder: Path, segments: list[Segment], settings: Settings, end: int) -> bool:
        found, moved = held.read_on(folder, segments, end, "digest", settings)
        told = read_events([folder / segment.name for segment in segments], settings_of_kept(settings.log))
        assert {name: ids.to_pylist() for name, ids in found.ids.items()} == {name: ids.to_pylist() for name, ids in told.ids.items()}
        return bool(moved.ids)

    assert goes_on(tmp_path, segments, settings, end)
    ignoring = settings.log.model_copy(update={"ignore_keys": {"user_id": ("u7",)}})
    assert not goes_on(tmp_path, segments, settings.model_copy(update={"log": ignoring}), end)  # a casebook discounts somebody
    assert not goes_on(tmp_path, segments, settings, end)
    assert not goes_on(tmp_path, segments, settings, end + DAY)
    segments = segments[1:]
    assert not goes_on(tmp_path, segments, settings, end + DAY)  # a day left the window
    rows = rows_of(7, 90)
    counted = pa.array([str(one % 30) for one in range(90)])
    segments += write_segments(tmp_path, rows.set_column(rows.column_names.index("user_id"), "user_id", counted))
    assert not goes_on(tmp_path, segments, settings, end + DAY)  # a 0 among numbers


def test_a_segment_is_read_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(folder: Path, segments: list[Segment], columns: Any = None) -> pa.Table:
        read.extend(segment.name for segment in segments)
        return read_rows(folder, segments, columns)

    monkeypatch.setattr("graphdet.watch.held_window.read_rows", counted)
    held, segments, last = HeldWindow(), [], MORNING + 3 * DAY - 1
    for number in range(3):
        segments += write_segments(tmp_path, rows_of(number))
        table = held.read(tmp_path, segments, last, "digest", Settings())
    assert table.report.rejected.num_rows > 0
    times = [read.count(segment.name) for segment in segments]
    assert max(times) <= 4  # once, and where more of its rows are rejected, for their text
    held.read(tmp_path, segments, last, "digest", Settings())
    assert [read.count(segment.name) for segment in segments] == times
    held.read(tmp_path, segments, last + 1, "digest", Settings())
    assert all(read.count(segment.name) > before for segment, before in zip(segments, times, strict=True))


def test_a_segment_is_named_by_what_it_holds_in_whatever_order_it_came(tmp_path: Path) -> None:
    rows = rows_of(3)
    shuffled = rows.take(pa.array(np.random.default_rng(1).permutation(rows.num_rows)))
    assert write_segments(tmp_path, rows) == write_segments(tmp_path, shuffled)
    assert write_segments(tmp_path, rows) != write_segments(tmp_path, rows.slice(1))


def test_a_segment_that_is_gone_is_an_error_and_not_less_evidence(tmp_path: Path) -> None:
    segments = write_segments(tmp_path, rows_of(0))
    lost = replace(segments[0], name="2024-01-01-0000000000000000.parquet")
    with pytest.raises(WatchError, match="missing or damaged"):
        HeldWindow().read(tmp_path, [*segments, lost], MORNING, "digest", Settings())
