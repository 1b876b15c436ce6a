"""What may be done to a run folder, as data that JSON can hold, so that each try can be kept and tried again."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BIG = 2**62
MOMENTS = [None, -BIG, BIG, 0, -62_135_596_800_000_000, 253_402_300_799_999_999, 253_402_300_800_000_000]
FLOATS = [None, "nan", "inf", "-inf", -1e308, 1e308, 0.0, -1.0, 5e-324]
INTEGERS = [None, -1, 0, 1, 7, 2**31 - 1, -(2**31), BIG]
TEXTS = [None, "", "zzz", "x" * 10_000, "\x1b[31m", "../../x", "/srv/x", "[", "{", "null", "user", "item", "a\0b", "=1+1", "\u202eevil"]
JUNK = [None, 7, -1, 0, 1e308, BIG, 10**30, "x", "x" * 10_000, [], {}, [1], [[]], [{}], {"a": 1}, True, "\x1b[31m", 1.5, -1.5]
DEEP = "[" * 100_000
Edit = dict[str, Any]


def draw_edit(chance: random.Random, folder: Path) -> Edit:
    """One change to a whole run folder."""
    what = chance.choice(["table", "table", "table", "meta", "meta", "dossier"])
    if what == "meta":
        return {"what": "meta", **_draw_change(chance, json.loads((folder / "run.json").read_text(encoding="utf-8")))}
    if what == "dossier" and (folder / "dossiers.parquet").exists():
        texts = pq.read_table(folder / "dossiers.parquet")["measured"].to_pylist()
        row = chance.randrange(len(texts))
        return {"what": "dossier", "row": row, **_draw_change(chance, json.loads(texts[row]))}
    name = chance.choice(sorted(path.stem for path in folder.glob("*.parquet")))
    schema, rows = pq.read_schema(folder / f"{name}.parquet"), pq.read_metadata(folder / f"{name}.parquet").num_rows
    kind = chance.choice(["value", "value", "value", "value", "shuffle", "empty", "drop", "double", "column", "bits", "gone", "cut"])
    edit: Edit = {"what": "table", "name": name, "kind": kind, "column": chance.choice(schema.names), "seed": chance.randrange(2**32)}
    if rows:
        edit |= {
            "row": chance.randrange(rows),
            "all": chance.random() < 0.2,
            "value": _draw_value(chance, schema.field(edit["column"]).type),
        }
    return edit


def _draw_value(chance: random.Random, kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return chance.choice(MOMENTS)
    if pa.types.is_floating(kind):
        return chance.choice(FLOATS)
    if pa.types.is_fixed_size_list(kind):
        return chance.choice([None, *([one] * kind.list_size for one in ("nan", 0.0, 3e38, None))])
    if pa.types.is_list(kind):
        return chance.choice([None, [], [None], [-1], [2**31 - 1] * 3])
    if pa.types.is_boolean(kind):
        return chance.choice([None, True, False])
    return chance.choice(INTEGERS if pa.types.is_integer(kind) else TEXTS)


def _draw_change(chance: random.Random, document: Any) -> Edit:
    if chance.random() < 0.03:
        return {"deep": True}
    places = [place for place in _places(document) if place]
    inner = [place for place in places if place[0] in ("background", "farm", "windows")]
    place = chance.choice(inner if inner and chance.random() < 0.5 else places)
    return {"place": place, "gone": True} if chance.random() < 0.25 else {"place": place, "value": chance.choice(JUNK)}


def _places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))[:3] if isinstance(value, list) else []
    return [above, *(place for key, inner in inside for place in _places(inner, (*above, key)))]


def apply_edit(edit: Edit, folder: Path) -> None:
    """Do it; what cannot be done to this folder is left undone."""
    if edit["what"] == "meta":
        path = folder / "run.json"
        path.write_text(_changed(path.read_text(encoding="utf-8"), edit), encoding="utf-8")
    elif edit["what"] == "dossier":
        path = folder / "dossiers.parquet"
        table = pq.read_table(path)
        texts = table["measured"].to_pylist()
        if not texts:  # an edit before this one took them all
            return
        row = edit["row"] % len(texts)
        texts[row] = _changed(texts[row], edit)
        pq.write_table(table.set_column(1, "measured", pa.array(texts)), path)
    else:
        _change_table(edit, folder / f"{edit['name']}.parquet")


def _changed(text: str, edit: Edit) -> str:
    if edit.get("deep"):
        return DEEP
    document = json.loads(text)
    at, last = document, edit["place"][-1]
    for key in edit["place"][:-1]:
        at = at[key]
    if edit.get("gone"):
        del at[last]
    else:
        at[last] = edit["value"]
    return json.dumps(document)


def _change_table(edit: Edit, path: Path) -> None:
    kind, chance = edit["kind"], random.Random(edit["seed"])  # noqa: S311 - the same change each time
    if kind == "gone":
        path.unlink()
        return
    if kind in ("bits", "cut"):
        data = bytearray(path.read_bytes())
        if kind == "cut":
            del data[chance.randrange(len(data)) :]
        else:
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        return
    table, column = pq.read_table(path), edit["column"]
    if kind == "empty":
        table = table.slice(0, 0)
    elif kind == "column":
        table = table.drop_columns([column])
    elif table.num_rows:
        row = edit["row"] % table.num_rows
        if kind == "drop":
            table = pa.concat_tables([table.slice(0, row), table.slice(row + 1)])
        elif kind == "double":
            table = pa.concat_tables([table, table.slice(row, 1)])
        else:
            table = _with_values(table, column, edit, row, chance)
    pq.write_table(table, path)


def _with_values(table: pa.Table, column: str, edit: Edit, row: int, chance: random.Random) -> pa.Table:
    """Shuffled, or with another value in one row or in all."""
    field = table.schema.field(column)
    raw = pa.int64() if pa.types.is_timestamp(field.type) else field.type
    values = table[column].cast(raw).to_pylist()
    if edit["kind"] == "shuffle":
        chance.shuffle(values)
    else:
        for place in range(len(values)) if edit["all"] else (row,):
            values[place] = _number(edit["value"], raw)
    return table.set_column(table.schema.get_field_index(column), field, pa.array(values, raw).cast(field.type))


def _number(value: Any, kind: pa.DataType) -> Any:
    """JSON has no infinite numbers, and a column of 32 bits no wide ones."""
    if isinstance(value, list):
        return [_number(inner, kind.value_type) for inner in value]
    if isinstance(value, str) and pa.types.is_floating(kind):
        return float(value)
    return (
        value
        if not pa.types.is_integer(kind) or value is None
        else max(min(value, 2 ** (kind.bit_width - 1) - 1), -(2 ** (kind.bit_width - 1)))
    )
