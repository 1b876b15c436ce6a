"""Settings files of any bytes and any TOML: taken, or refused in one line that says where."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from fuzzing import inputs, outcome, tallied

from graphdet.settings import Settings, load_settings, settings_as_toml

WHOLE = settings_as_toml(Settings())
VALUES = [
    "nan", "inf", "-inf", "-1", "0", "1e400", "9" * 400, "true", '""', '"x"', "[]", "[[]]", "{}", "[1, 'a']", "2020-01-01", "10:00:00",
    "2020-01-01T00:00:00Z",
    '"\\u001b[31m"', "0x7fffffffffffffff", "1e308", "5e-324", '"' + "x" * 5000 + '"', "[" * 2000 + "]" * 2000, "'''\n'''", "-0.0",
]  # fmt: skip


def draw(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(["value", "value", "value", "name", "section", "twice", "bytes", "cut", "deep", "nul"])
    return {"kind": kind, "seed": chance.randrange(2**32), "value": chance.choice(VALUES)}


def changed(one: dict[str, Any]) -> bytes:
    chance, kind = random.Random(one["seed"]), one["kind"]  # noqa: S311 - the same change each time
    lines = WHOLE.splitlines()
    place = chance.choice([at for at, line in enumerate(lines) if " = " in line and not line.startswith("#")])
    name = lines[place].split(" = ")[0]
    if kind == "value":
        lines[place] = f"{name} = {one['value']}"
    elif kind == "name":
        other = chance.choice([f"{name}x", name[1:], name.upper(), '"a\\nb"', '"\\u202e"'])
        lines[place] = f"{other} = {one['value']}"
    elif kind == "section":
        at = chance.choice([at for at, line in enumerate(lines) if line.startswith("[")])
        lines[at] = chance.choice(
            ["[[rings]]", "[log.columns.x]", "[view]", "[" + "a." * 900 + "b]", '["\\u001b"]', "[rings.rings]", "[seed]"]
        )
    elif kind == "twice":
        lines.insert(place, lines[place])
    elif kind == "deep":
        lines.append("a = " + "{b=" * 3000 + "1" + "}" * 3000)
    data = bytearray("\n".join(lines).encode())
    if kind == "bytes":
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == "cut":
        del data[chance.randrange(len(data)) :]
    elif kind == "nul":
        data[chance.randrange(len(data))] = 0
    return bytes(data)


def test_no_settings_file_ends_in_anything_but_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    failures = []
    with tallied("settings") as tally:
        for one in inputs("settings", draw, few=300):
            path.write_bytes(changed(one))
            told = outcome(lambda: load_settings(path), tally, one)
            failures += [told] if told else []
    assert not failures, "\n".join(failures[:20])
    assert tally["tried"] == tally["taken"] + tally["refused"]
    assert min(tally["taken"], tally["refused"]) > 10
