"""Judged rings and their log → the tables that dossiers are made of later, when the logs may be gone.

Only what needs the whole log is worked out here; all else waits until somebody opens a dossier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Int32, Int64, distinct_counts, distinct_values, stretches
from graphdet.events import NO_TIME, EventTable
from graphdet.judging.conditions import Background
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.log_index import LogIndex, distinct_users
from graphdet.judging.stakes import Stakes
from graphdet.name_columns import named, repeated
from graphdet.record.recorded_farms import describe_farm
from graphdet.record.ring_scripts import count_scripts
from graphdet.record.texts import add_wording
from graphdet.record.usual import count_usual
from graphdet.record.windows import count_windows
from graphdet.rings.null_search import NullRings
from graphdet.rings.search import Search
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE, arrow_schema
from graphdet.settings import Settings
from graphdet.visits.base_rates import BaseRates, count_totals, elsewhen_of
from graphdet.visits.crowding import most_at_once
from graphdet.visits.index import VisitIndex
from graphdet.visits.rushes import drawn_share, log_share_of_hours, public_share
from graphdet.visits.visits import View, Visits

MOST_EVENTS = 2000  # of one member that are kept: those on rings' targets, then the earliest
MOST_BINS = 400  # of an item's history
RINGS = 256  # whose members' visits are looked through at once
LOW = 0xFFFFFFFF  # the lower half of a number of eight bytes
DAY = 86_400


def record_dossiers(
    rings: Sequence[JudgedRing], ids: Sequence[str], log: LogIndex, base_rates: BaseRates, stakes: Sequence[Stakes], settings: Settings
) -> Iterator[dict[str, pa.Table]]:
    """The tables `events`, `keys`, `dossiers` and then `visits` of `schema.OPTIONAL_RUN_TABLES`. O(events + visits).

    The large ones are made last, and one after the other, so that who takes them may drop one before the next. Members' texts and the
    like are read from the log files again, as far as these are still there.
    """
    events, index = log.events, log.visits
    member = np.zeros(events.count("user"), np.bool_)
    for ring in rings:
        member[ring.facts.grown.members] = True
    targets = {name: np.zeros(events.count(name), np.bool_) for name in events.ids if name != "user"}
    for ring in rings:
        keys = ring.facts.grown.targets
        view = index.visits.view_of(keys)
        for position, seen in enumerate(index.visits.views):
            targets[seen.name][keys[view == position] - seen.first_key] = True
    rows = _rows_of_members(events, member, targets)
    keys, at_targets = _keys_table(log, rows, targets)
    dossiers = _dossiers_table(rings, ids, log, at_targets, stakes, settings.machine.workers)
    del at_targets
    items = events.ids["item"].filter(pa.array(targets["item"])) if "item" in targets else pa.array([], pa.string())
    worded = add_wording(events_table(events, rows), events.report.files, items, settings.log, settings.machine)
    yield {"events": worded, "keys": keys, "dossiers": dossiers}
    del worded, keys, dossiers
    yield {"visits": _visits_table(rings, log, base_rates, settings.machine.workers)}


def describe_background(
    log: LogIndex,
    base_rates: BaseRates,
    rings: Sequence[JudgedRing],
    null: NullRings,
    found: Search,
    judged_by: Background,
    learned: Sequence[str],
) -> dict[str, Any]:
    """What run.json says of the whole log, for dossiers to be compared with.

    Keys: `start` (microseconds since 1970 UTC of the first event, null without times), `seconds` (from it to the last event), `users`,
    `to_themselves` (share of users in groups that have their targets to themselves; 0 with times), `visits`,
    `events_per_visit` (to items; null without items), `learned` (categories that are not the shop's, but communities of items),
    `deal` (see `LogIndex`), `users_of_ips` (users of all IP addresses, those of each counted), `new_by_day` (users first seen on each day),
    `users_by_day` (users with an event on each day), `hours` (events by hour of the day, UTC), `views` (name, windows in seconds,
    homogeneity of groups and of keys),
    `groups` (those of rings' targets: node type, category of items or null, everybody's visits, keys), `history_seconds`,
    `permutations`, `null_strengths`, `found_strengths`.
    """
    events, visits = log.events, log.visits.visits
    timed = events.time is not None
    return {
        "start": log.start if timed else None,
        "seconds": log.end,
        "users": events.count("user"),
        "to_themselves": judged_by.to_themselves,
        "visits": len(visits),
        "events_per_visit": _plain(log.events_per_visit),
        "learned": list(learned),
        "deal": log.deal,
        "users_of_ips": log.users_of_ips,
        "new_by_day": log.new_by_day.tolist(),
        "users_by_day": log.users_by_day.tolist(),
        "hours": _by_hour(events).tolist(),
        "views": [
            {"name": view.name, "windows": view.windows, "homogeneity": homogeneity}
            for view, homogeneity in zip(visits.views, base_rates.homogeneity.T.tolist(), strict=True)
        ],
        "groups": _groups_of_targets(log, rings),
        "history_seconds": _history_seconds(log.end),
        "permutations": null.permutations,
        "null_strengths": sorted(null.strengths.tolist(), reverse=True),
        "found_strengths": [ring.strength for ring in found.rings],
    }


def _groups_of_targets(log: LogIndex, rings: Sequence[JudgedRing]) -> list[dict[str, Any]]:
    """Everybody's visits and the keys of each group that a ring has a target in."""
    events, visits = log.events, log.visits.visits
    totals = count_totals(visits)
    keys = np.unique(np.concatenate([np.zeros(0, np.int32), *(ring.facts.grown.targets for ring in rings)]))
    groups, place = np.unique(visits.group[keys], return_index=True)
    found = []
    for group, key in zip(groups.tolist(), keys[place].tolist(), strict=True):
        view = visits.views[int(log.visits.view[key])]
        category = int(events.item_category[key - view.first_key]) if view.name == ITEM and events.categories else -1
        found.append(
            {
                "node_type": view.name,
                "category": events.categories[category] if category >= 0 else None,
                "visits": int(totals.group_visits[group]),
                "keys": int(totals.group_keys[group]),
            }
        )
    return found


def _rows_of_members(events: EventTable, member: Bool, targets: Mapping[str, Bool]) -> Int64:
    """Events of members, ascending; of each at most `MOST_EVENTS`."""
    rows = np.flatnonzero(member[events.codes["user"]])
    user = events.codes["user"][rows]
    if not len(rows) or np.bincount(user).max() <= MOST_EVENTS:
        return rows
    away = np.ones(len(rows), np.bool_)
    for name, chosen in targets.items():
        code = events.codes[name][rows]
        away &= ~(chosen[code] & (code >= 0))
    order = np.lexsort((rows, away, user))
    start = np.flatnonzero(np.r_[True, np.diff(user[order]) != 0])
    place = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    return np.sort(rows[order[place < MOST_EVENTS]])


def events_table(events: EventTable, rows: Int64) -> pa.Table:
    """These events as the table `events` has them."""
    schema = arrow_schema("events")
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for node_type in NODE_TYPE.values():
        if node_type.name in events.ids:
            columns[node_type.column] = named(events.ids[node_type.name], events.codes[node_type.name][rows])
    if events.time is not None:
        columns["timestamp"] = _times(events.time[rows])
    columns["action"] = named(pa.array(events.actions, pa.string()), events.action[rows])
    if "item" in events.codes and events.categories:
        item = events.codes["item"][rows]
        columns["category"] = named(pa.array(events.categories, pa.string()), np.where(item >= 0, events.item_category[item], np.int32(-1)))
    for name, values in (("amount", events.amount), ("rating", events.rating)):
        if values is not None:
            columns[name] = pa.array(values[rows].astype(np.float64), from_pandas=True)
    absent = {field.name: pa.nulls(len(rows), field.type) for field in schema if field.name not in columns}
    return pa.table({**absent, **columns}).select(schema.names).cast(schema)


def _times(values: Int64) -> pa.Array:
    return pa.array(values, pa.int64(), mask=values == NO_TIME).cast(arrow_schema("events").field("timestamp").type)


Rows = tuple[Int32, Int64]  # codes and rows of events at some keys, by key and in it by time


def _keys_table(log: LogIndex, rows: Int64, targets: Mapping[str, Bool]) -> tuple[pa.Table, dict[str, Rows]]:
    """Every key that the kept events name; and, by node type, all events at targets."""
    events, schema = log.events, arrow_schema("keys")
    types = [name for name in KEY_TYPES if name in events.ids]
    made = [_keys_of_type(name, log, rows, targets[name]) for name in types]
    parts = [table for table, _ in made]
    if len(events.categories) and "item" in events.codes:
        item = events.codes["item"][rows]
        categories = distinct_values(events.item_category[item[item >= 0]])
        categories = categories[categories >= 0]
        columns = {
            "node_type": repeated("category", len(categories)),
            "node_id": pa.array(events.categories, pa.string()).take(pa.array(categories)),
            "share": pa.array(log.category_share[categories + 1]),
        }
        parts.append(_filled(columns, schema, len(categories)))
    table = pa.concat_tables(parts) if parts else schema.empty_table()
    return table, {name: at_targets for name, (_, at_targets) in zip(types, made, strict=True)}


def _keys_of_type(name: str, log: LogIndex, rows: Int64, target: Bool) -> tuple[pa.Table, Rows]:
    events, code = log.events, log.events.codes[name]
    touched = np.zeros(len(target) + 1, np.bool_)
    touched[code[rows]] = True
    touched[-1] = False  # the last place stands for events without one
    own, targets = np.flatnonzero(touched), np.flatnonzero(target)
    there = np.flatnonzero((touched | np.append(target, False))[code])
    offset, order = _kernels.group_rows(code[there], len(target))
    row, count = there[order], np.diff(offset)
    columns = {
        "node_type": repeated(name, len(own)),
        "node_id": named(events.ids[name], own),
        "events": pa.array(count[own]),
        "users": pa.array(distinct_users(offset, events.codes["user"][row], events.count("user"))[own]),
        "crowded": pa.array(_crowded(name, log)[own]),
    }
    if name == "seller" and len(log.seller_share):
        columns["share"] = pa.array(log.seller_share[own + 1])
    if name == "item" and events.rating is not None:
        known = ~np.isnan(events.rating) & touched[code]
        ratings = np.bincount(code[known], minlength=len(target))[own]
        total = np.bincount(code[known], weights=events.rating[known], minlength=len(target))[own]
        columns["ratings"] = pa.array(ratings.astype(np.int64))
        columns["rating"] = pa.array(total / np.maximum(ratings, 1), mask=ratings == 0)
    at_targets = np.repeat(targets.astype(np.int32), count[targets]), row[stretches(offset, targets)]
    if len(targets) and events.time is not None:
        columns["history"] = _histories(events.time, own, target, at_targets, log)
    return _filled(columns, arrow_schema("keys"), len(own)), at_targets


def _crowded(name: str, log: LogIndex) -> Bool:
    """Which keys of a node type more came to at once than a visitor is compared with."""
    visits = log.visits.visits
    for view in visits.views:
        if view.name == name:
            return most_at_once(visits, view) > view.settings.cap
    return np.zeros(log.events.count(name), np.bool_)


def _filled(columns: dict[str, pa.Array | pa.ChunkedArray], schema: pa.Schema, rows: int) -> pa.Table:
    absent = {field.name: pa.nulls(rows, field.type) for field in schema if field.name not in columns}
    return pa.table({**absent, **columns}).select(schema.names).cast(schema)


def _history_seconds(end: int) -> int:
    """Width of a bin of the histories: whole days, no more than `MOST_BINS` of them."""
    return DAY * max(-(-(end // DAY + 1) // MOST_BINS), 1)


def _histories(time: Int64, own: Int64, target: Bool, at_targets: Rows, log: LogIndex) -> pa.Array:
    """For each of the own keys that is a target a list of its events in each bin; null for the others."""
    code, rows = at_targets
    width = _history_seconds(log.end)
    bins = log.end // width + 1
    chosen = target[own]
    place = np.full(len(target), -1)
    place[own[chosen]] = np.arange(chosen.sum())
    moment, place = time[rows], place[code]
    known = (moment != NO_TIME) & (place >= 0)
    which = np.minimum((moment[known] - log.start) // 1_000_000 // width, bins - 1)
    count = np.bincount(place[known] * bins + which, minlength=int(chosen.sum()) * bins).astype(np.int32)
    offset = pa.array(np.r_[0, np.cumsum(np.where(chosen, bins, 0))].astype(np.int32), mask=np.r_[~chosen, False])
    return pa.ListArray.from_arrays(offset, pa.array(count))


def _visits_table(rings: Sequence[JudgedRing], log: LogIndex, base_rates: BaseRates, threads: int) -> pa.Table:
    """All visits to targets, and members' visits to other keys that two members of a ring came to."""
    index, visits, ids = log.visits, log.visits.visits, log.events.ids
    whole, shared, member = (np.zeros(many, np.bool_) for many in (visits.keys, visits.keys, visits.users))
    for ring in rings:
        whole[ring.facts.grown.targets] = True
        member[ring.facts.grown.members] = True
    for first in range(0, len(rings), RINGS):
        shared[_shared_keys(rings[first : first + RINGS], index)] = True
    keys = np.flatnonzero(whole | shared)
    chosen = stretches(visits.offset, keys)
    chosen = chosen[whole[index.key[chosen]] | member[visits.user[chosen]]]
    key, user = index.key[chosen], visits.user[chosen]
    elsewhere = ~whole[key]
    own, elsewhen = np.diff(index.user_offset), elsewhen_of(base_rates, visits, chosen, log.end + 1)
    public, log_hours = _rushes(visits, log.end + 1, chosen)
    schema = arrow_schema("visits")

    def of_view(view: View) -> pa.Table:
        of = slice(*np.searchsorted(key, (view.first_key, view.first_key + view.keys)))
        at = chosen[of]
        columns = {
            "node_type": repeated(view.name, len(at)),
            "node_id": named(ids[view.name], key[of] - view.first_key),
            "user_id": named(ids["user"], user[of]),
            "second": pa.array(visits.time[at]),
            "draw": pa.array(visits.draw[at], mask=visits.draw[at] < 0),
        }
        told = {
            "user_visits": own[user[of]],
            "near": base_rates.near[at],
            "elsewhen": elsewhen[of],
            "public": public[at],
            "log_hours": log_hours[at],
        }
        return pa.table(columns | {name: pa.array(values, mask=elsewhere[of]) for name, values in told.items()}, schema=schema)

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(of_view, visits.views))
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _shared_keys(rings: Sequence[JudgedRing], index: VisitIndex) -> Int64:
    """Keys that two members of one ring came to."""
    member = np.concatenate([ring.facts.grown.members for ring in rings])
    ring = np.repeat(np.arange(len(rings)), [ring.facts.size for ring in rings])
    who = np.repeat(np.arange(len(member)), index.user_offset[member + 1] - index.user_offset[member])
    met = distinct_values(who << 32 | index.key[index.by_user[stretches(index.user_offset, member)]])
    key, users = distinct_counts(ring[met >> 32] << 32 | met & LOW)
    return key[users >= 2] & LOW


def _rushes(visits: Visits, seconds: int, chosen: Int64) -> tuple[Float32, Float32]:
    """`public` and `log_hours` of `VisitCounts`, as far as the chosen visits want them."""
    public = public_share(visits, seconds)
    rush, asked = drawn_share(visits, seconds, public) > 0, np.zeros(len(visits), np.bool_)
    asked[chosen] = True
    return public, log_share_of_hours(visits, rush & asked)


def _dossiers_table(
    rings: Sequence[JudgedRing],
    ids: Sequence[str],
    log: LogIndex,
    at_targets: Mapping[str, Rows],
    stakes: Sequence[Stakes],
    threads: int,
) -> pa.Table:
    windows = count_windows([ring.facts.grown for ring in rings], log, at_targets)
    facts = [ring.facts for ring in rings]
    usual, scripts = count_usual(facts, log, threads), count_scripts(facts, log)
    texts = [
        json.dumps(_measured(ring, own, stake, others, log) | {"script": script}, sort_keys=True)
        for ring, own, stake, others, script in zip(rings, windows, stakes, usual, scripts, strict=True)
    ]
    schema = arrow_schema("dossiers")
    return pa.table([pa.array(list(ids), pa.string()), pa.array(texts, pa.string())], schema=schema)


def _measured(ring: JudgedRing, windows: list[dict[str, Any]], stakes: Stakes, usual: dict[str, Any], log: LogIndex) -> dict[str, Any]:
    """One ring's JSON: its scalars and its time, the window of each target with who came in it and, of items, what was bought there; what
    everybody else did in the ring's time; and, of a farm, what makes it one."""
    scalars = {name: _plain(value) for name, value in ring.facts.scalars().items()}
    presence = ring.facts.presence
    moments = {"start": presence.start, "end": presence.end, "until": presence.until}
    time = {name: None if moment == NO_TIME else moment for name, moment in moments.items()}
    bought = {
        name: {"own": own, "others": others, "inflated": inflated, "amount": _plain(amount), "inflated_amount": _plain(worth)}
        for name, own, others, inflated, amount, worth in zip(
            log.events.ids[ITEM].take(pa.array(stakes.item)).to_pylist() if len(stakes.item) else [], stakes.own.tolist(),
            stakes.others.tolist(), stakes.inflated.tolist(), stakes.amount.tolist(), stakes.inflated_amount.tolist(), strict=True,
        )
    }  # fmt: skip
    return {
        "scalars": scalars,
        "time": time,
        "windows": windows,
        "bought": bought,
        "usual": usual,
        "farm": None if ring.farm is None else describe_farm(ring.farm, log),
    }


def _plain(value: float) -> float | None:
    return None if value != value else value


def _by_hour(events: EventTable) -> Int64:
    if events.time is None:
        return np.zeros(24, np.int64)
    known = events.time[events.time != NO_TIME]
    return np.bincount(known // 3_600_000_000 % 24, minlength=24).astype(np.int64)
