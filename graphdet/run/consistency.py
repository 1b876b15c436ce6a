"""One table of a run → nothing, or what contradicts its schema, its bounds or the run's other tables.

A run folder may come from anybody, so whatever is read of it passes here once; what is made of the tables later need not look again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import distinct_values
from graphdet.run.documents import read_measured
from graphdet.schema import BURST_NODES, GRAINS, KEY_ROLES, KEY_TYPES, MOMENTS, NODE_TYPE, TIERS, USER_ROLES, Field, arrow_schema, fields_of
from graphdet.schema.lookalikes import look_alike_names

UNIQUE = {
    "rings": (("ring_id",), ("rank",)),
    "members": (("ring_id", "node_type", "node_id"),),
    "scores": (("node_type", "node_id"),),
    "keys": (("node_type", "node_id"),),
    "dossiers": (("ring_id",),),
    "takeovers": (("user_id",), ("rank",)),
}
WORDS: dict[str, dict[str, Callable[[], tuple[str, ...]]]] = {
    "rings": {"tier": lambda: TIERS, "explanation": lambda: ("", *look_alike_names())},
    "members": {"node_type": lambda: tuple(NODE_TYPE), "role": lambda: (*USER_ROLES, *KEY_ROLES.values())},
    "evidence": {"view": lambda: KEY_TYPES},
    "scores": {"node_type": lambda: tuple(NODE_TYPE)},
    "embeddings": {"node_type": lambda: tuple(NODE_TYPE)},
    "relations": {"node_type": lambda: KEY_TYPES},
    "keys": {"node_type": lambda: (*KEY_TYPES, "category")},
    "visits": {"node_type": lambda: KEY_TYPES},
    "bursts": {"node_type": lambda: BURST_NODES, "grain": lambda: GRAINS},
}
OF_RINGS = ("members", "evidence", "dossiers")  # their ring_id must be one of `rings`
MOST_FLOAT, MOST_FLOAT32, MOST_INTEGER = 1e300, 1e38, 2**53  # whose sums, and whose floats, are still what they say
LONGEST_SHOWN = 60  # characters of a wrong value that a message shows


def check_table(name: str, table: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Check one table against its schema and those tables that it names things of; `others` are the run's.

    Raises:
        ValueError: the table contradicts its schema, or another table.
    """
    schema = arrow_schema(name)
    if table.schema.names != schema.names or not all(map(fits, table.schema.types, schema.types)):
        raise ValueError(f"{name} must have the columns {schema.to_string()} (found {table.schema.to_string()})")
    for field in fields_of(name):
        _check_column(name, field, table[field.name])
    for columns in UNIQUE.get(name, ()):
        _must_be_unique(name, table, columns)
    for column, known in WORDS.get(name, {}).items():
        _must_be_one_of(name, table, column, known())
    if name in OF_RINGS:
        _must_be_one_of(name, table, "ring_id", others["rings"]["ring_id"].to_pylist())
    if name in ACROSS:
        ACROSS[name](table, others)


def fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """The same type; embeddings of another graphdet may be wider or narrower."""
    if pa.types.is_fixed_size_list(found) and pa.types.is_fixed_size_list(wanted):
        return bool(found.value_type == wanted.value_type and 0 < found.list_size <= 4096)
    return bool(found == wanted)


def _check_column(name: str, field: Field, column: pa.ChunkedArray) -> None:
    """Nulls where they may be; text that is UTF-8 and of its form; numbers within their bounds; times of our calendar."""
    column.validate(full=True)
    what = f"{name}: {field.name}"
    if column.null_count and not field.lacks:
        raise ValueError(f"{what} must not be empty (found {column.null_count} rows without)")
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        column = pc.list_flatten(column)
        if column.null_count:
            raise ValueError(f"{what} must not hold empty places (found {column.null_count})")
    if field.form:
        _must_match(what, column, field.form)
    if pa.types.is_timestamp(column.type):
        _must_lie_within(what, column.cast(pa.int64()), *MOMENTS)
    elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        _must_lie_within(what, column, field.least, field.most)


def _must_match(what: str, column: pa.ChunkedArray, form: str) -> None:
    wrong = column.filter(pc.invert(pc.match_substring_regex(column, rf"\A(?:{form})\z")))
    if len(wrong):
        raise ValueError(f"{what} must be of the form {form} (found {_shown(wrong[0].as_py())})")


def _must_lie_within(what: str, values: pa.ChunkedArray, least: float | None, most: float | None) -> None:
    """No NaN, and within the bounds, or else within those of all numbers."""
    if pa.types.is_integer(values.type):
        widest = float(2 ** (values.type.bit_width - 1) - 1) if values.type.bit_width < 64 else float(MOST_INTEGER)
    else:
        widest = MOST_FLOAT if values.type == pa.float64() else MOST_FLOAT32
    low, high = (-widest if least is None else least, widest if most is None else most)
    good = pc.and_(pc.greater_equal(values, pa.scalar(low).cast(values.type)), pc.less_equal(values, pa.scalar(high).cast(values.type)))
    wrong = values.filter(pc.invert(good))
    if len(wrong):
        bounds = f"[{'-inf' if least is None else f'{least:g}'}, {'inf' if most is None else f'{most:g}'}]"
        raise ValueError(f"{what} must lie in {bounds} (found {wrong[0].as_py()})")


def _must_be_unique(name: str, table: pa.Table, columns: Sequence[str]) -> None:
    number = np.zeros(table.num_rows, np.int64)
    for column in columns:  # one number a row; Arrow's own way to group rows takes a tenth of a second of imports
        values = table[column].combine_chunks().dictionary_encode()
        number = number * len(values.dictionary) + values.indices.to_numpy()
    distinct = len(distinct_values(number))
    if distinct != table.num_rows:
        raise ValueError(f"{name}: {', '.join(columns)} must be unique (found {table.num_rows - distinct} repeats)")


def _must_be_one_of(name: str, table: pa.Table, column: str, known: Sequence[str]) -> None:
    values = table[column]
    wrong = values.filter(pc.invert(pc.is_in(values, value_set=pa.array(known, pa.string()))))
    if len(wrong):
        raise ValueError(f"{name}: unknown {column} {_shown(wrong[0].as_py())}")


def _shown(value: object) -> str:
    """A wrong value, cut; `repr` spells out what would deface a terminal."""
    return repr(value if not isinstance(value, str) or len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…")


def _members_make_up_rings(members: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Each ring has as many users as it says."""
    users = members.filter(pc.equal(members["node_type"], "user")).group_by("ring_id").aggregate([("ring_id", "count")])
    found = dict(zip(users["ring_id"].to_pylist(), users["ring_id_count"].to_pylist(), strict=True))
    rings = others["rings"]
    for ring, size in zip(rings["ring_id"].to_pylist(), rings["size"].to_pylist(), strict=True):
        if found.get(ring, 0) != size:
            raise ValueError(f"members: ring {ring} must have {size} users (found {found.get(ring, 0)})")


def _keys_are_measured(keys: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Only categories lack their counts; all keys that events name are there."""
    shops_own = pc.equal(keys["node_type"], "category")
    for column in ("events", "users", "crowded"):
        if pc.any(pc.and_(pc.is_null(keys[column]), pc.invert(shops_own))).as_py():
            raise ValueError(f"keys: {column} must not be empty but for categories")
    events = others["events"]
    for name in KEY_TYPES:
        column = events[NODE_TYPE[name].column].drop_null()
        known = keys["node_id"].filter(pc.equal(keys["node_type"], name)).combine_chunks()
        if not pc.all(pc.is_in(column, value_set=known), min_count=0).as_py():
            raise ValueError(f"keys: a {name} that events name is missing")


def _events_are_of_members(events: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Each member has events; they are in order of time, those without one first."""
    _must_hold("events", "user", events["user_id"], others["members"])
    times = pc.fill_null(events["timestamp"].cast(pa.int64()), MOMENTS[0]).combine_chunks()
    if not pc.all(pc.less_equal(times[:-1], times[1:]), min_count=0).as_py():
        raise ValueError("events must be in order of time")


def _visits_are_to_targets(visits: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Each member came somewhere, and each target has visits."""
    members = others["members"]
    _must_hold("visits", "user", visits["user_id"], members)
    for name in KEY_TYPES:
        _must_hold("visits", name, visits["node_id"].filter(pc.equal(visits["node_type"], name)), members)
    own, near, elsewhen = (pc.fill_null(visits[name], 0).to_numpy().astype(np.int64) for name in ("user_visits", "near", "elsewhen"))
    if (near + elsewhen > own).any():
        row = int((near + elsewhen - own).argmax())
        raise ValueError(f"visits: near and elsewhen must be among the {own[row]} of user_visits (found {near[row]} and {elsewhen[row]})")


def _must_hold(name: str, node_type: str, column: pa.ChunkedArray, members: pa.Table) -> None:
    """A column must name all of the rings' nodes of a type."""
    wanted = members["node_id"].filter(pc.equal(members["node_type"], node_type))
    if not pc.all(pc.is_in(wanted, value_set=pc.unique(column)), min_count=0).as_py():
        raise ValueError(f"{name}: a ring's {node_type} has none")


def _dossiers_say_what_is_there(dossiers: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Each ring has one, in the shape that dossiers are made from, with targets of types that `keys` has, and amounts where events do."""
    if dossiers.num_rows != others["rings"].num_rows:
        raise ValueError(f"dossiers must be as many as rings, {others['rings'].num_rows} (found {dossiers.num_rows})")
    known = set(pc.unique(others["keys"]["node_type"]).to_pylist())
    paid = others["events"]["amount"].null_count < others["events"].num_rows
    for ring, text in zip(dossiers["ring_id"].to_pylist(), dossiers["measured"].to_pylist(), strict=True):
        measured = read_measured(ring, text)
        strange = measured.types - known
        if paid and any(None in (one.amount, one.inflated_amount) for one in measured.bought.values()):
            raise ValueError(f"dossiers: ring {ring} must say what was bought for how much, since events do")
        if strange:
            raise ValueError(f"dossiers: ring {ring} has targets of a type that is not in keys (found {min(strange)})")


def _embedded_are_scored(embeddings: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """Each node that has an embedding has a score."""
    scores = others["scores"]
    for node_type in pc.unique(embeddings["node_type"]).to_pylist():
        scored, own = (table["node_id"].filter(pc.equal(table["node_type"], node_type)) for table in (scores, embeddings))
        if not pc.all(pc.is_in(own, value_set=scored.combine_chunks()), min_count=0).as_py():
            raise ValueError(f"embeddings: a {node_type} has no score")


def _moved_accounts_are_named(takeover_events: pa.Table, others: Mapping[str, pa.Table]) -> None:
    """The events are of accounts that are named, and each of those has some."""
    named = others["takeovers"]["user_id"].to_pylist() if "takeovers" in others else []
    _must_be_one_of("takeover_events", takeover_events, "user_id", named)
    if set(named) - set(takeover_events["user_id"].to_pylist()):
        raise ValueError("takeover_events: an account of takeovers has none")


ACROSS: dict[str, Callable[[pa.Table, Mapping[str, pa.Table]], None]] = {
    "members": _members_make_up_rings,
    "keys": _keys_are_measured,
    "events": _events_are_of_members,
    "visits": _visits_are_to_targets,
    "dossiers": _dossiers_say_what_is_there,
    "embeddings": _embedded_are_scored,
    "takeover_events": _moved_accounts_are_named,
}
