"""A run → files for Neo4j's offline import, for a first load of millions into an empty database.

The import writes the store directly, so it is many times faster than any push. A push afterwards makes constraints and indexes, finds
nothing else to do, and is what every later run builds on. What was imported cannot be undone, only removed with the database.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from graphdet.errors import StoreError
from graphdet.run.folder import Run
from graphdet.schema.wording import numbered
from graphdet.store.difference import Row, plan_push
from graphdet.store.drawing import Scope, draw
from graphdet.store.journal import EPOCH
from graphdet.store.kinds import NODE_KINDS, RELATION_KINDS, NodeKind, Property, RelationKind
from graphdet.store.own import Own
from graphdet.whole import whole_folder, why

ARRAY_DELIMITER = "\x1f"  # occurs in no sensible text; ids that hold it are no arrays
TYPES = {
    **dict.fromkeys(
        (
            "score",
            "contribution",
            "evidence",
            "expected",
            "inflated",
            "amount",
            "atStake",
            "pValue",
            "qValue",
            "strength",
            "density",
            "dedication",
            "taste",
            "chance",
            "chanceLow",
            "chanceHigh",
        ),
        "double",
    ),
    **dict.fromkeys(
        (
            "scoreRank",
            "degree",
            "count",
            "events",
            "meetings",
            "orders",
            "rank",
            "size",
            "targets",
            "devices",
            "ips",
            "pushNumber",
            "seed",
            "verdicts",
        ),
        "long",
    ),
    **dict.fromkeys(("rings", "alerts", "read", "accepted", "rejected"), "long"),
    **dict.fromkeys(("views", "weak", "discounted", "notes"), "string[]"),
    "embedding": "double[]",
    "latest": "boolean",
}


def write_import(run: Run, out: Path, scope: Scope = "rings", relations: pa.Table | None = None) -> str:
    """Write CSV files and an argument file; returns the command to give with the server stopped.

    Raises:
        StoreError: `out` holds something already, or cannot be written.
    """
    picture = draw(run, scope, relations)
    own = Own({name: {} for name in NODE_KINDS}, {name: {} for name in RELATION_KINDS}, {name: {} for name in NODE_KINDS})
    own.shared, own.kept = {name: set() for name in RELATION_KINDS}, {name: {} for name in RELATION_KINDS}
    # The plan of a push into an empty database is what a push would write there, so both ways end in the same state.
    plan = plan_push(picture, own, run.id, 1, time.time_ns() // 1000, lambda _kind, _keys: {})
    arguments = ["--array-delimiter=U+001F", "--multiline-fields=true", "--id-type=string", "--overwrite-destination"]
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise StoreError(f"{out}: is not empty; name a new folder for --offline.")
        with whole_folder(out) as partial:
            for step in plan.steps:
                kind = NODE_KINDS.get(step.kind) or RELATION_KINDS[step.kind]
                path = out.resolve() / f"{step.kind}.csv"
                with (partial / path.name).open("w", encoding="utf-8", newline="") as file:
                    if isinstance(kind, NodeKind):
                        _write_nodes(file, kind, step.rows)
                        arguments.append(f"--nodes={path}")
                    else:
                        _write_relations(file, kind, step.rows)
                        arguments.append(f"--relationships={kind.type}={path}")
            (partial / "import.args").write_text("".join(f'"{argument}"\n' for argument in arguments), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({why(error)}); name another folder for --offline.") from None
    quoted = shlex.quote(f"@{(out / 'import.args').resolve()}")
    return (
        f"{numbered(plan.rows, 'row', 'rows')} written to {out}. With the server stopped, on its machine:\n"
        f"  neo4j-admin database import full neo4j {quoted}\n"
        "then start it and push the same run: constraints and indexes are made, and later pushes build on it."
    )


def _write_nodes(file: TextIO, kind: NodeKind, rows: Iterable[Row]) -> None:
    header = [f"{kind.key}:ID({kind.label})", ":LABEL", *(_column(one) for one in kind.properties)]
    _write(file, header, ([row["key"], [kind.label, *row["labels"]], *_in_order(kind.properties, row["values"])] for row in rows))


def _write_relations(file: TextIO, kind: RelationKind, rows: Iterable[Row]) -> None:
    header = [f":START_ID({kind.start.label})", f":END_ID({kind.end.label})", *(_column(one) for one in kind.properties)]
    _write(file, header, ([row["start"], row["end"], *_in_order(kind.properties, row["values"])] for row in rows))


def _column(one: Property) -> str:
    return f"{one.name}:{'datetime' if one.moment else TYPES.get(one.name, 'string')}"


def _in_order(properties: tuple[Property, ...], values: dict[str, Any]) -> Iterator[Any]:
    """The values in the order of the file's columns."""
    for one in properties:
        value = values[one.name]
        yield _moment(value) if one.moment and value is not None else value


def _moment(value: int) -> str:
    moment: datetime = EPOCH + timedelta(microseconds=value)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write(file: TextIO, header: list[str], rows: Iterable[list[Any]]) -> None:
    file.write(",".join(header) + "\n")
    for row in rows:
        file.write(",".join(map(_cell, row)) + "\n")


def _cell(value: Any) -> str:
    """A null is nothing, a text stands in quotes, so that the empty text stays one."""
    if value is None:
        return ""
    if isinstance(value, list):
        return _quoted(ARRAY_DELIMITER.join(part if isinstance(part, str) else repr(part) for part in value))
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
