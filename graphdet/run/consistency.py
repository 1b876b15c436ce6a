"""One table of a run → nothing, or what contradicts its schema, its bounds or the run's other tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.schema import KEY_ROLES, KEY_TYPES, NODE_TYPE, TIERS, USER_ROLES, arrow_schema
from graphdet.schema.lookalikes import look_alike_names

UNIQUE = {
    "rings": (("ring_id",), ("rank",)),
    "members": (("ring_id", "node_type", "node_id"),),
    "scores": (("node_type", "node_id"),),
}
BOUNDS = {
    "rings": {"score": (0.0, 1.0), "p_value": (5e-324, 1.0), "q_value": (0.0, 1.0)},
    "scores": {"score": (0.0, 1.0)},
}
WORDS: dict[str, dict[str, Callable[[], tuple[str, ...]]]] = {
    "rings": {"tier": lambda: TIERS, "explanation": lambda: ("", *look_alike_names())},
    "members": {"node_type": lambda: tuple(NODE_TYPE), "role": lambda: (*USER_ROLES, *KEY_ROLES.values())},
    "evidence": {"view": lambda: KEY_TYPES},
    "scores": {"node_type": lambda: tuple(NODE_TYPE)},
}
OF_RINGS = ("members", "evidence")  # their ring_id must be one of `rings`


def check_table(name: str, table: pa.Table, rings: Callable[[], pa.Table]) -> None:
    """Check one table; `rings` gives the table of rings, and is called only for tables that name rings.

    Raises:
        ValueError: the table contradicts its schema, or the table of rings.
    """
    schema = arrow_schema(name)
    if table.schema.names != schema.names or not all(map(fits, table.schema.types, schema.types)):
        raise ValueError(f"{name} must have the columns {schema.to_string()} (found {table.schema.to_string()})")
    for columns in UNIQUE.get(name, ()):
        _must_be_unique(name, table, columns)
    for column, (low, high) in BOUNDS.get(name, {}).items():
        _must_lie_within(name, table, column, low, high)
    for column, known in WORDS.get(name, {}).items():
        _must_be_one_of(name, table, column, known())
    if name in OF_RINGS:
        _must_be_one_of(name, table, "ring_id", rings()["ring_id"].to_pylist())


def fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """The same type; embeddings of another graphdet may be wider or narrower."""
    if pa.types.is_fixed_size_list(found) and pa.types.is_fixed_size_list(wanted):
        return bool(found.value_type == wanted.value_type)
    return bool(found == wanted)


def _must_be_unique(name: str, table: pa.Table, columns: Sequence[str]) -> None:
    distinct = table.group_by(list(columns)).aggregate([]).num_rows
    if distinct != table.num_rows:
        raise ValueError(f"{name}: {', '.join(columns)} must be unique (found {table.num_rows - distinct} repeats)")


def _must_lie_within(name: str, table: pa.Table, column: str, low: float, high: float) -> None:
    values = table[column]
    good = pc.fill_null(pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high)), False)
    wrong = values.filter(pc.invert(good))
    if len(wrong):
        raise ValueError(f"{name}: {column} must lie in [{low:g}, {high:g}] (found {wrong[0].as_py()})")


def _must_be_one_of(name: str, table: pa.Table, column: str, known: Sequence[str]) -> None:
    values = table[column]
    wrong = values.filter(pc.invert(pc.is_in(values, value_set=pa.array(known, pa.string()))))
    if len(wrong):
        raise ValueError(f"{name}: unknown {column} {wrong[0].as_py()!r}")
