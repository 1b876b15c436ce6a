"""Looks at files that share keys → which of them are logs, and which tables these are joined with, nearest first.

A table is joined only for what a log lacks: who, what, when, by which device, of which category. What else a table may tell stays where it
is: a customer's date is no event's, and the sum of an order would be counted once for each of its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphdet.events.header import KEY_COLUMNS, plain
from graphdet.events.items import FACTS
from graphdet.events.joining import table_name
from graphdet.proposing.looking import ColumnLook, FileLook, SharedKey
from graphdet.proposing.surveying import KEYS, meanings
from graphdet.schema import NODE_TYPES
from graphdet.schema.wording import numbered

ALIKE, OTHERWISE = 0.5, 0.9  # share of rows that find theirs, from which on a key of the same name, and of another, joins
WANTED = {*(one.column for one in NODE_TYPES), "timestamp", "action", "category", "amount"}
TOLD_OF = {  # what a table of such things may tell of an event; of anything else, such as an order, all
    "user_id": {"user_id", "device_id", "ip", "payment_id", "address_id", "phone_id", "coupon_id"},
    "item_id": {"item_id", "seller_id", "category", "amount"},
    "seller_id": {"seller_id"},
    "category": {"category"},
}
MOST_UNSURE = 6
Guessed = Callable[[FileLook], Mapping[str, str]]  # a file's columns → ours, as far as they are told
Tables = Mapping[str, SharedKey]  # path of a table → by which key it is joined, those that others need first


@dataclass(frozen=True)
class Join:
    """One table: its file, the key as `[log.join]` has it, and why it is joined, or why not."""

    table: str
    key: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Logs, with the columns of what they are joined with; the tables; and files that share a key and are not joined."""

    looks: tuple[FileLook, ...]
    joins: tuple[Join, ...] = ()
    unsure: tuple[Join, ...] = ()


def objection_to_table(ours: str, column: ColumnLook) -> str:
    """Why a column of a joined table tells nothing of a single event, or ''."""
    if column.table and ours not in TOLD_OF.get(column.of, {ours}):
        return f"{table_name(column.table)} tells it of the {column.of.removesuffix('_id')}, not of the event"
    if column.table and ours == "amount" and column.of != "item_id" and column.repeated:
        return f"several rows have one row of {table_name(column.table)}: it would be counted once for each of them"
    return ""


def plan_joins(looks: Sequence[FileLook], guessed: Guessed) -> Plan:
    """Which files are logs, and which others are joined to them by which keys.

    Args:
        guessed: what the columns of a file are taken for.
    """
    own = {look.path: set(guessed(look).values()) for look in looks}
    files = {look.path: look for look in looks}
    tables: dict[str, SharedKey] = {}
    logs: set[str] = set()
    for path in sorted(files, key=lambda path: _weight(files[path], own[path])):
        if path in tables:
            continue
        for free in (False, True):  # first without tables that could be logs by themselves
            usable = {one: look for one, look in files.items() if one not in logs and _may_be_table(look, own, path, free=free)}
            reached = dict(_reached(files[path], usable, own))
            mapping = guessed(with_tables(files[path], reached, files))
            if _is_log(set(mapping.values())):
                needed = _needed(with_tables(files[path], reached, files), mapping, reached)
                tables |= {table: key for table, key in needed.items() if table not in tables}
                logs.add(path)
                break
    if not tables:
        return Plan(tuple(looks))
    kept = [look for look in looks if look.path not in tables]
    joins = tuple(Join(table, _as_setting(key), _why(key, guessed, kept, tables, files)) for table, key in tables.items())
    unsure = [join for look in kept if look.path in logs for join in _not_joined(look, logs, tables)]
    return Plan(tuple(with_tables(look, tables, files) for look in kept), joins, tuple(unsure[:MOST_UNSURE]))


def _weight(look: FileLook, own: set[str]) -> tuple[bool, bool, int, int, str]:
    """Which files are tried first as logs: those that need tables, of them those that name what was touched, and by the most keys."""
    return _is_log(own), not own & set(KEY_COLUMNS), -len(own & set(KEYS)), -look.rows, look.path


def _is_log(ours: set[str]) -> bool:
    return "user_id" in ours and bool(ours & set(KEY_COLUMNS))


def _may_be_table(look: FileLook, own: Mapping[str, set[str]], log: str, *, free: bool) -> bool:
    """Not the log itself; a log only where nothing else will do; no catalogue where it serves as it is."""
    if look.path == log or (_is_log(own[look.path]) and not free):
        return False
    more = (own[look.path] & WANTED) - own[log] - {"item_id", *FACTS}
    catalogue = "item_id" in own[look.path] and "user_id" not in own[look.path]
    return not (catalogue and _is_log(own[log]) and not more)


def _reached(log: FileLook, usable: Mapping[str, FileLook], own: Mapping[str, set[str]]) -> Iterator[tuple[str, SharedKey]]:
    """Tables that a log's rows lead to, those that lie nearest first."""
    seen, edge = {log.path}, [(log, "")]
    while edge:
        further = []
        for look, of in edge:
            for key in look.shared:
                about = about_what(key)
                told = about in TOLD_OF.get(of, {about})
                alone = not _is_log(own.get(key.table, set())) or about not in TOLD_OF  # an event by user or item is no table of these
                if key.table in usable and key.table not in seen and joins(key) and told and alone:
                    seen.add(key.table)
                    further.append((usable[key.table], about))
                    yield key.table, key
        edge = further


def joins(key: SharedKey) -> bool:
    """Whether rows find theirs, each one row."""
    alike = plain(key.column) == plain(key.key)
    return key.repeated == 0 and key.found >= (ALIKE if alike else OTHERWISE) * key.rows


def about_what(key: SharedKey) -> str:
    """What the rows of a table are about: our column of its key; "" where nothing tells."""
    known = meanings(key.column) | meanings(key.key)
    return next((ours for ours in KEYS if ours in known), "")


def with_tables(look: FileLook, tables: Tables, files: Mapping[str, FileLook]) -> FileLook:
    """A file with the columns of the tables that it has keys for, as reading joins them."""
    columns = list(look.columns)
    for path, shared in tables.items():
        key = next((column for column in columns if plain(column.name) == plain(shared.column)), None)
        if key is None or path == look.path:
            continue
        repeated = key.repeated or key.distinct < key.filled
        taken = {plain(column.name) for column in columns}
        for column in files[path].columns:
            if plain(column.name) != plain(shared.key):
                name = f"{table_name(path)}.{column.name}" if plain(column.name) in taken else column.name
                columns.append(replace(column, name=name, table=path, of=about_what(shared), repeated=repeated))
    return replace(look, columns=tuple(columns))


def _needed(joined: FileLook, mapping: Mapping[str, str], reached: Tables) -> dict[str, SharedKey]:
    """The tables of which something is used, and those on the way to them."""
    used = {column.table for column in joined.columns if column.table and mapping.get(column.name) in WANTED}
    holders = {plain(column.name): column.table for column in joined.columns}
    while True:
        before = {holders.get(plain(reached[table].column), "") for table in used} - {""}
        if before <= used:
            return {table: key for table, key in reached.items() if table in used}
        used |= before


def _as_setting(key: SharedKey) -> str:
    column, theirs = key.column.strip(), key.key.strip()
    return column if plain(column) == plain(theirs) else f"{column} = {theirs}"


def _why(key: SharedKey, guessed: Guessed, kept: Sequence[FileLook], tables: Tables, files: Mapping[str, FileLook]) -> str:
    brought = []
    for look in kept:
        joined = with_tables(look, tables, files)
        mapping = guessed(joined)
        brought += [ours for name in joined.columns if name.table == key.table and (ours := mapping.get(name.name)) in WANTED]
        onward = {plain(other.column): other for other in tables.values()}
        brought += [
            f"the key of {table_name(onward[plain(column.name)].table)}"
            for column in joined.columns
            if column.table == key.table and plain(column.name) in onward
        ]
    tells = f"; tells {', '.join(dict.fromkeys(brought))}" if brought else ""
    many = "one row for many" if key.rows > key.keys else "one row for each"
    finds = f"{key.found:,} of {numbered(key.rows, 'row finds its', 'rows find their')} {key.column.strip()}"
    return f"{finds} among its {key.keys:,}, {many}{tells}"


def _not_joined(look: FileLook, logs: set[str], tables: Tables) -> Iterator[Join]:
    for key in look.shared:
        if key.table in tables or key.table in logs or joins(key):
            continue
        if key.repeated:
            yield Join(
                key.table,
                _as_setting(key),
                f"not joined: {key.repeated:,} of its {numbered(key.keys, 'key has', 'keys have')} several rows",
            )
        elif plain(key.column) == plain(key.key):
            yield Join(
                key.table,
                _as_setting(key),
                f"not joined: {key.found:,} of {numbered(key.rows, 'row finds its', 'rows find their')} key in it",
            )
