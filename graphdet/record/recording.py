"""Judged rings and their log → the tables that dossiers are made of later, when the logs may be gone.

Only what needs the whole log is worked out here; all else waits until somebody opens a dossier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet import _kernels
from graphdet.arrays import Bool, Int32, Int64, distinct_values, stretches
from graphdet.events import NO_TIME, EventTable
from graphdet.judging.conditions import Background
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.log_index import LogIndex, distinct_users
from graphdet.judging.stakes import Stakes
from graphdet.record.recorded_farms import describe_farm
from graphdet.record.texts import add_wording
from graphdet.record.usual import count_usual
from graphdet.record.windows import count_windows
from graphdet.rings.null_search import NullRings
from graphdet.rings.search import Search
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE, arrow_schema
from graphdet.settings import Settings
from graphdet.visits.base_rates import BaseRates, count_totals, count_visits
from graphdet.visits.crowding import most_at_once

MOST_EVENTS = 2000  # of one member that are kept: those on rings' targets, then the earliest
MOST_BINS = 400  # of an item's history
DAY = 86_400


def record_dossiers(
    rings: Sequence[JudgedRing], ids: Sequence[str], log: LogIndex, stakes: Sequence[Stakes], settings: Settings
) -> dict[str, pa.Table]:
    """The tables `events`, `keys`, `visits` and `dossiers` of `schema.OPTIONAL_RUN_TABLES`. O(events + visits).

    Members' texts and the like are read from the log files again, as far as these are still there.
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
    at_targets = {name: _rows_by_key(events, name, chosen) for name, chosen in targets.items() if chosen.any()}
    kept = events_table(events, rows)
    items = events.ids["item"].filter(pa.array(targets["item"])) if "item" in targets else pa.array([], pa.string())
    return {
        "events": add_wording(kept, events.report.files, items, settings.log, settings.machine),
        "keys": _keys_table(log, rows, targets, at_targets),
        "visits": _visits_table(rings, log),
        "dossiers": _dossiers_table(rings, ids, log, at_targets, stakes, settings.machine.workers),
    }


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
    `hours` (events by hour of the day, UTC), `views` (name, windows in seconds, homogeneity of groups and of keys),
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


def _rows_by_key(events: EventTable, name: str, chosen: Bool) -> tuple[Int32, Int64]:
    """(codes, rows) of the events at chosen keys, by key and in it by time."""
    code = events.codes[name]
    rows = np.flatnonzero(np.append(chosen, False)[code])
    order = np.argsort(code[rows], kind="stable")
    return code[rows[order]], rows[order]


def events_table(events: EventTable, rows: Int64) -> pa.Table:
    """These events as the table `events` has them."""
    schema = arrow_schema("events")
    columns: dict[str, pa.Array] = {}
    for node_type in NODE_TYPE.values():
        if node_type.name in events.ids:
            columns[node_type.column] = _taken(events.ids[node_type.name], events.codes[node_type.name][rows])
    if events.time is not None:
        columns["timestamp"] = _times(events.time[rows])
    columns["action"] = _taken(pa.array(events.actions, pa.string()), events.action[rows])
    if "item" in events.codes and events.categories:
        item = events.codes["item"][rows]
        columns["category"] = _taken(
            pa.array(events.categories, pa.string()), np.where(item >= 0, events.item_category[item], np.int32(-1))
        )
    for name, values in (("amount", events.amount), ("rating", events.rating)):
        if values is not None:
            columns[name] = pa.array(values[rows].astype(np.float64), from_pandas=True)
    absent = {field.name: pa.nulls(len(rows), field.type) for field in schema if field.name not in columns}
    return pa.table({**absent, **columns}).select(schema.names).cast(schema)


def _taken(names: pa.StringArray, codes: npt.NDArray[np.signedinteger[Any]]) -> pa.Array:
    return names.take(pa.array(codes, mask=codes < 0)).cast(pa.string())


def _times(values: Int64) -> pa.Array:
    return pa.array(values, pa.int64(), mask=values == NO_TIME).cast(arrow_schema("events").field("timestamp").type)


def _keys_table(log: LogIndex, rows: Int64, targets: Mapping[str, Bool], at_targets: Mapping[str, tuple[Int32, Int64]]) -> pa.Table:
    """Every key that the kept events name."""
    events, visits = log.events, log.visits.visits
    schema = arrow_schema("keys")
    crowded = {view.name: most_at_once(visits, view) > view.settings.cap for view in visits.views}
    parts = []
    for name in (name for name in KEY_TYPES if name in events.ids):
        code = events.codes[name]
        touched = np.zeros(events.count(name) + 1, np.bool_)
        touched[code[rows]] = True
        touched[-1] = False  # the last place stands for events without one
        own = np.flatnonzero(touched)
        count, users = _count_at(code, events.codes["user"], touched[:-1], events.count("user"))
        columns = {
            "node_type": pa.repeat(pa.scalar(name), len(own)),
            "node_id": events.ids[name].take(pa.array(own)).cast(pa.string()),
            "events": pa.array(count[own]),
            "users": pa.array(users[own]),
            "crowded": pa.array(crowded[name][own] if name in crowded else np.zeros(len(own), np.bool_)),
        }
        if name == "seller" and len(log.seller_share):
            columns["share"] = pa.array(log.seller_share[own + 1])
        if name == "item" and events.rating is not None:
            known = ~np.isnan(events.rating) & touched[code]
            ratings = np.bincount(code[known], minlength=events.count(name))[own]
            total = np.bincount(code[known], weights=events.rating[known], minlength=events.count(name))[own]
            columns["ratings"] = pa.array(ratings.astype(np.int64))
            columns["rating"] = pa.array(total / np.maximum(ratings, 1), mask=ratings == 0)
        if name in at_targets and events.time is not None:
            columns["history"] = _histories(events, own, targets[name], at_targets[name], log)
        parts.append(_filled(columns, schema, len(own)))
    if len(events.categories) and "item" in events.codes:
        item = events.codes["item"][rows]
        categories = distinct_values(events.item_category[item[item >= 0]])
        categories = categories[categories >= 0]
        columns = {
            "node_type": pa.repeat(pa.scalar("category"), len(categories)),
            "node_id": pa.array(events.categories, pa.string()).take(pa.array(categories)),
            "share": pa.array(log.category_share[categories + 1]),
        }
        parts.append(_filled(columns, schema, len(categories)))
    return pa.concat_tables(parts).combine_chunks() if parts else schema.empty_table()


def _filled(columns: dict[str, pa.Array], schema: pa.Schema, rows: int) -> pa.Table:
    absent = {field.name: pa.nulls(rows, field.type) for field in schema if field.name not in columns}
    return pa.table({**absent, **columns}).select(schema.names).cast(schema)


def _count_at(code: Int32, user: Int32, chosen: Bool, users: int) -> tuple[Int64, Int64]:
    """Events and distinct users of the chosen keys."""
    own = np.flatnonzero((code >= 0) & chosen[code])
    offset, order = _kernels.group_rows(code[own], len(chosen))
    return np.diff(offset), distinct_users(offset, user[own[order]], users)


def _history_seconds(end: int) -> int:
    """Width of a bin of the histories: whole days, no more than `MOST_BINS` of them."""
    return DAY * max(-(-(end // DAY + 1) // MOST_BINS), 1)


def _histories(events: EventTable, own: Int64, chosen: Bool, at: tuple[Int32, Int64], log: LogIndex) -> pa.Array:
    """For each of the own keys that is a target a list of its events in each bin; null for the others."""
    assert events.time is not None
    code, rows = at
    width = _history_seconds(log.end)
    bins = log.end // width + 1
    known = events.time[rows] != NO_TIME
    which = np.minimum((events.time[rows[known]] - log.start) // 1_000_000 // width, bins - 1)
    targets = np.flatnonzero(chosen[own])
    place = np.searchsorted(own[targets], code[known])
    count = np.bincount(place * bins + which, minlength=len(targets) * bins).astype(np.int32)
    length = np.where(chosen[own], bins, 0)
    offset = pa.array(np.r_[0, np.cumsum(length)].astype(np.int32), mask=np.r_[~chosen[own], False])
    return pa.ListArray.from_arrays(offset, pa.array(count))


def _visits_table(rings: Sequence[JudgedRing], log: LogIndex) -> pa.Table:
    """All visits to targets, and members' visits to other keys that two members of a ring came to."""
    index = log.visits
    visits = index.visits
    whole = np.zeros(visits.keys, np.bool_)
    shared = np.zeros(visits.keys, np.bool_)
    member = np.zeros(visits.users, np.bool_)
    for ring in rings:
        grown = ring.facts.grown
        whole[grown.targets] = True
        member[grown.members] = True
        of = index.by_user[stretches(index.user_offset, grown.members)]
        met = distinct_values(np.repeat(grown.members, _lengths(index.user_offset, grown.members)) * np.int64(visits.keys) + index.key[of])
        key, users = np.unique(met % visits.keys, return_counts=True)
        shared[key[users >= 2]] = True
    shared &= ~whole
    length = np.diff(visits.offset)
    chosen = np.flatnonzero(np.repeat(whole, length) | (np.repeat(shared, length) & member[visits.user]))
    key = index.key[chosen]
    at_target = whole[key]
    counts = count_visits(visits, log.end + 1)
    schema = arrow_schema("visits")
    parts = []
    view = index.view[key]
    for position, seen in enumerate(visits.views):
        of = view == position
        own, elsewhere = chosen[of], ~at_target[of]
        parts.append(
            pa.table(
                {
                    "node_type": pa.repeat(pa.scalar(seen.name), len(own)),
                    "node_id": log.events.ids[seen.name].take(pa.array(key[of] - seen.first_key)).cast(pa.string()),
                    "user_id": log.events.ids["user"].take(pa.array(visits.user[own])).cast(pa.string()),
                    "second": pa.array(visits.time[own]),
                    "draw": pa.array(visits.draw[own], mask=visits.draw[own] < 0),
                    "user_visits": pa.array(counts.own[visits.user[own]], mask=elsewhere),
                    "near": pa.array(counts.near[own], mask=elsewhere),
                    "elsewhen": pa.array(counts.elsewhen[own], mask=elsewhere),
                    "public": pa.array(counts.public[own], mask=elsewhere),
                    "log_hours": pa.array(counts.log_hours[own], mask=elsewhere),
                },
                schema=schema,
            )
        )
    return pa.concat_tables(parts).combine_chunks() if parts else schema.empty_table()


def _lengths(offset: Int64, users: Int32) -> Int64:
    return offset[users + 1] - offset[users]


def _dossiers_table(
    rings: Sequence[JudgedRing],
    ids: Sequence[str],
    log: LogIndex,
    at_targets: Mapping[str, tuple[Int32, Int64]],
    stakes: Sequence[Stakes],
    threads: int,
) -> pa.Table:
    windows = count_windows([ring.facts.grown for ring in rings], log, at_targets)
    usual = count_usual([ring.facts for ring in rings], log, threads)
    texts = [
        json.dumps(_measured(ring, own, stake, others, log), sort_keys=True)
        for ring, own, stake, others in zip(rings, windows, stakes, usual, strict=True)
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
