"""Every note that reading makes of a log is told in both languages: no note without its kind, and no kind that nothing says."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from graphdet.events import read_events
from graphdet.settings import LogSettings
from graphdet.words.log_notes import LOG_KINDS
from graphdet.words.run_notes import KINDS, note_in_words

CHINESE = re.compile("[\u4e00-\u9fff]")
DAY = "2025-03-01 10:00"


def notes(folder: Path, files: dict[str, str], **log: object) -> tuple[str, ...]:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return read_events([folder], LogSettings(**log)).report.notes  # type: ignore[arg-type]


def rows(header: str, *lines: str) -> str:
    return "\n".join((header, *lines)) + "\n"


def strange_times(folder: Path) -> tuple[str, ...]:
    usual = [f"u{place},i,2025-07-{place + 1:02d} 02:30:00" for place in range(20)]
    odd = ["a,i,2025-03-30 02:30:00", "b,i,2025-10-26 02:10:00", "c,i,0", "d,i,9999-12-31 23:59:59", "e,i,", "f,i,1990-01-01 05:00"]
    return notes(folder, {"log.csv": rows("user_id,item_id,timestamp", *usual, *odd)}, timezone="Europe/Berlin")


def orders_of_days(folder: Path) -> tuple[str, ...]:
    told = [
        notes(folder.with_name(f"{folder.name}{place}"), {"log.csv": rows("user_id,item_id,timestamp", f"a,i,{one}", f"b,i,{other}")})
        for place, (one, other) in enumerate((("31/12/2024", "03/04/2025"), ("12/31/2024", "03/04/2025"), ("99/12/31", "99/03/04")))
    ]
    return tuple(note for own in told for note in own)


def strange_ids(folder: Path) -> tuple[str, ...]:
    pairs = ("Ann", "ann", "a b", "ab", "123", "123.0", "x%2520y", "1.23457E+12")
    twice = [f"{user},{item},{item}x,k{n % 25}" for n, (user, item) in enumerate((f"u{n}", f"i{n % 25}") for n in range(60))]
    whole = [f"{one},i1,i1x,k1" for one in pairs]
    header = "user_id,item_id,device_id,sku"
    told = notes(folder.with_name("same"), {"log.csv": rows(header, *twice)})
    told += notes(folder.with_name("more"), {"log.csv": rows(header, *whole, "q,i2,,1", "q,i2,,2")})
    again = [f"{one},i1,e{n},1" for n, one in enumerate(pairs)]
    return told + notes(folder, {"log.csv": rows("user_id,item_id,event_id,line", *again, "z,i2,e1,1")})


def strange_values(folder: Path) -> tuple[str, ...]:
    held = [f"u{n},i{n % 7},{'123456789012345' if n < 60 else '8E+14' if n < 80 else f'd{n}'},order,{n},12" for n in range(100)]
    odd = ["a,i1,NULL,shopped,purchase,x", "b,i1,d99,buy,4,y"]
    amounts = rows("user_id,item_id,amount", "a,i,12 EUR", "b,i,13 EUR", "c,i,5 USD", "d,i,7 GBP")
    commas = rows("user_id;item_id;amount", "a;i;12,50", "b;i;1.250,75")
    pictures = rows("user_id,item_id,image", "a,i,none-such.png")
    told = notes(
        folder, {"log.csv": rows("user_id,item_id,device_id,action,amount,rating", *held, *odd)}, ignore_keys={"device_id": ("d99",)}
    )
    told += notes(folder.with_name("money"), {"log.csv": amounts}, rates={"USD": 0.9})
    told += notes(folder.with_name("rated"), {"log.csv": amounts}, rates={"USD": 0.9, "GBP": 1.2})
    return told + notes(folder.with_name("commas"), {"log.csv": commas}) + notes(folder.with_name("pictures"), {"log.csv": pictures})


def several_files(folder: Path) -> tuple[str, ...]:
    plain = rows("user_id,item_id,timestamp", *(f"u{n},i{n},{DAY}" for n in range(40)))
    files = {"log.csv": plain, "items.csv": rows("item_id,category", "i1,shoes"), "empty.csv": "", "bare.csv": "user_id,item_id\n"}
    told = notes(
        folder,
        files | {"lists.jsonl": '{"user_id": "a", "item_id": "i", "tags": ["x", "y"]}\n', "rates.csv": "a,b\n1,2\n"},
        skip=(str(folder / "rates.csv"),),
        sample=0.5,
    )
    gbk = folder.with_name("gbk")
    gbk.mkdir()
    (gbk / "log.csv").write_bytes(rows("用户,商品,user_id,item_id", *(f"张三{n},商品名称很长,u{n},i" for n in range(30))).encode("gb18030"))
    told += read_events([gbk], LogSettings()).report.notes
    orders = rows("order_id,user_id", "o1,a")
    told += notes(folder.with_name("joined"), {"log.csv": rows("order_id,item_id", "o1,i", "o2,i"), "orders.csv": orders},
                  join={str(folder.with_name("joined") / "orders.csv"): "order_id"})  # fmt: skip
    with zipfile.ZipFile(folder.with_name("part.zip"), "w") as archive:
        archive.writestr("log.csv", plain)
        archive.writestr("other.csv", "x,y\n1,2\n")
    told += read_events([folder.with_name("part.zip")], LogSettings()).report.notes
    return told + notes(folder.with_name("devices"), {"log.csv": rows("user_id,device_id", "a,d")})


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    made = (strange_times, orders_of_days, strange_ids, strange_values, several_files)
    return [note for one in made for note in one(tmp_path_factory.mktemp("notes") / "log")]


def test_every_note_of_a_log_has_words_in_both_languages(noted: list[str]) -> None:
    unknown = {note for note in noted if not any(kind.pattern.fullmatch(note) for kind in KINDS)}
    assert not unknown
    for note in noted:
        english, chinese = (note_in_words(note, language) for language in ("en", "zh"))
        assert CHINESE.search(chinese), note
        assert not {"{", "}"} & {*english, *chinese}


def test_no_kind_is_of_a_note_that_nobody_makes(noted: list[str]) -> None:
    made = [*noted, "rating: 3 values cannot be read and count as missing."]  # of a column so long that no example was met
    dead = {kind.pattern.pattern for kind in LOG_KINDS if not any(kind.pattern.fullmatch(note) for note in made)}
    assert not dead


def test_ids_that_look_alike_are_told_with_their_number_and_example() -> None:
    note = "user_id: 2 ids differ only in case, such as 'Ann' and 'ann'; [log] fold = [\"case\"] makes them one."
    assert (
        note_in_words(note, "zh")
        == "user_id 列有 2 个标识可能只是写法不同（大小写），例如 'Ann' 和 'ann'；可用 [log] fold = [\"case\"] 合并。"
    )
    assert note_in_words("user_id: 1 id looks rounded by a spreadsheet (such as 1.23457E+12); export the column as text.", "en").startswith(
        "In user_id, 1 id looks rounded by a spreadsheet, such as 1.23457E+12"
    )
