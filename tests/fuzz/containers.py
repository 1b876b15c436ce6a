"""A table of text → the same as an archive, a workbook, a database or a file of columns, each of them with something odd in it."""

from __future__ import annotations

import contextlib
import html
import io
import random
import sqlite3
import warnings
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
MEMBERS = ["log.csv", "../log.csv", "/log.tsv", "a/b.json", "log.csv", ".x", "note.txt", "n" * 300]
KINDS = ["inlineStr", "inlineStr", "n", "d", "e", "b", "s", "str"]
ENTITIES = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
WIDEST = 400


def packed(form: str, text: str, chance: random.Random) -> bytes:
    """The table as a file of this form."""
    rows = [line.split(",") for line in text.splitlines()]
    header = list(dict.fromkeys(rows[0]))
    table = [(row + [""] * WIDEST)[: len(header)] for row in rows[1:]]
    return {"zip": lambda: _archive(text, chance), "xlsx": lambda: _workbook(rows, chance), "sqlite": lambda: _database(header, table)}.get(
        form, lambda: _columns(header, table, chance)
    )()


def _archive(text: str, chance: random.Random) -> bytes:
    return _zipped([(name, chance.choice([text, "", text[: len(text) // 2]])) for name in chance.sample(MEMBERS, chance.randrange(4))])


def _zipped(members: list[tuple[str, str]]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:  # of a name given twice
        for name, content in members:
            archive.writestr(name, content.encode("utf-8", "replace"))
    return out.getvalue()


def _database(header: list[str], rows: list[list[str]]) -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        names = [name.replace('"', "") or "x" for name in header]
        with contextlib.suppress(sqlite3.Error):  # a column twice
            database.execute("CREATE TABLE log (" + ", ".join(f'"{name}"' for name in names) + ")")
            places = ", ".join("?" * len(names))
            database.executemany(f"INSERT INTO log VALUES ({places})", rows)  # noqa: S608 - question marks
        database.execute("CREATE VIEW v AS SELECT x'00ff' AS user_id, 9e999 AS item_id, NULL AS ip")
        database.commit()
        return bytes(database.serialize())


def _columns(header: list[str], rows: list[list[str]], chance: random.Random) -> bytes:
    out = io.BytesIO()
    table = pa.table({name: [row[place] for row in rows] for place, name in enumerate(header)})
    if chance.random() < 0.3:
        moments = pa.array([2**61 - n for n in range(len(table))], pa.timestamp(chance.choice(["ms", "us", "ns"])))
        table = table.append_column("timestamp", moments)
    if chance.random() < 0.3:
        table = table.append_column("ip", pa.array([[{"a": 1}]] * len(table), pa.list_(pa.struct([("a", pa.int8())]))))
    pq.write_table(table, out, compression=chance.choice(["none", "zstd", "snappy"]), row_group_size=chance.choice([1, 1000]))
    return out.getvalue()


def _workbook(rows: list[list[str]], chance: random.Random) -> bytes:
    """One of its parts may be gone, or not what it should be."""
    cells = "".join(f"<row r='{at + 1}'>{''.join(_cell(value, at, chance) for value in row)}</row>" for at, row in enumerate(rows))
    sheet = chance.choice(["worksheets/sheet1.xml", "worksheets/sheet1.xml", "../../x", "http://192.0.2.1/x"])
    extent = chance.choice(["C9", "XFD1048576"])
    book = "<sheets><sheet name='s' sheetId='1' r:id='r1'/></sheets>"
    parts = {
        "_rels/.rels": _relation(f"{RELATIONS}/officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f"<workbook xmlns='{MAIN}' xmlns:r='{RELATIONS}'>{book}</workbook>",
        "xl/_rels/workbook.xml.rels": _relation(f"{RELATIONS}/worksheet", sheet),
        "xl/worksheets/sheet1.xml": f"{chance.choice(['', ENTITIES])}<worksheet xmlns='{MAIN}'><dimension ref='A1:{extent}'/>"
        f"<sheetData>{cells}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst xmlns='{MAIN}'><si><t>shared</t></si></sst>",
    }
    if chance.random() < 0.3:
        parts[chance.choice(sorted(parts))] = chance.choice(["", "<", "<a>" * 5000, "\ufffe", "<x/>"])
    return _zipped(list(parts.items()))


def _relation(kind: str, target: str) -> str:
    return f"<Relationships xmlns='{PACKAGE}'><Relationship Id='r1' Type='{kind}' Target='{target}'/></Relationships>"


def _cell(value: str, row: int, chance: random.Random) -> str:
    text = html.escape(value)
    return f"<c t='{chance.choice(KINDS) if row else 'inlineStr'}'><is><t>{text}</t></is><v>{text}</v></c>"
