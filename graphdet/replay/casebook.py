"""A run's dossier tables → one ring's own small log in codes: what its members did, and who else came to their targets.

The small log has the shape of the large one, so that the very code that grew and judged the ring can do it again with something
taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Float64, Int32, Int64, check_array, check_columns, check_sorted, stretches
from graphdet.errors import RunError, SettingsError
from graphdet.events import NO_TIME, EventTable
from graphdet.events.table import ReadReport, TimeResolution
from graphdet.judging.log_index import LogIndex, index_part
from graphdet.run.folder import Run, RunRing
from graphdet.schema import KEY_TYPES, NODE_TYPE, arrow_schema
from graphdet.settings import EvidenceSettings, Settings, parse_settings
from graphdet.visits.base_rates import BaseRates, LogTotals, VisitCounts, count_key_elsewhen, rate_visits
from graphdet.visits.index import VisitIndex
from graphdet.visits.visits import View, Visits

NONE = np.int32(-1)
DOSSIER_FORMAT = 2  # of run folders; older ones recorded base rates where counts are now


def sorted_ids(*columns: pa.ChunkedArray) -> pa.StringArray:
    """Distinct ids of some columns, sorted by their UTF-8 bytes."""
    found = pc.unique(pa.concat_arrays([part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in columns]))
    found = found.drop_null()
    return found.take(pc.sort_indices(found))


def codes_of(column: pa.ChunkedArray, ids: pa.StringArray) -> Int32:
    """(rows,) int32 positions in `ids`, −1 for null."""
    return np.asarray(pc.fill_null(pc.index_in(column, value_set=ids), -1).to_numpy(), np.int32)


@dataclass(frozen=True)
class SmallLog:
    """One ring's part of the log.

    Attributes:
        members: (n,) int32 user codes, sorted.
        rows: (e,) int64 the members' events, as rows of the run's `events`, in order of time.
        events: the same as an event table in local codes.
        visits: to what two or more members came to, everybody's; users and keys in the same codes.
        second: (e,) int64 of each event, in seconds since the log's first; −1 where it has no time in a log that has times.
        counts: of these visits in the whole log; `own` by user.
        told: (v,) bool, of which visits the run recorded them: those of keys that are targets.
        totals: of the whole log, for the groups that rings have targets in.
        homogeneity: (views,) float64, of the whole log.
        base_rates: made of these.
        known: (v,) bool, which visits some of the events made; and `made`: for each view (e,) int64 the visit that each event belongs to,
            −1 where there is none.
        key_ids: (k,) int64 position of each key in `Casebook.key_users`.
    """

    members: Int32
    rows: Int64
    second: Int64
    events: EventTable
    visits: Visits
    counts: VisitCounts
    told: Bool
    totals: LogTotals
    homogeneity: Float64
    base_rates: BaseRates
    known: Bool
    made: dict[str, Int64]
    key_ids: Int64

    def __post_init__(self) -> None:
        visits, events, users = len(self.visits), len(self.events), len(self.events.ids["user"])
        check_columns(members=(self.members, np.int32))
        check_sorted("members", self.members)
        check_array("rows", self.rows, np.int64, events, 0)
        check_array("second", self.second, np.int64, events, -1)
        check_array("told", self.told, np.bool_, visits)
        check_array("known", self.known, np.bool_, visits)
        check_array("key_ids", self.key_ids, np.int64, self.visits.keys, 0)
        for view in self.visits.views:
            check_array(f"made of {view.name}", self.made[view.name], np.int64, events, -1, visits - 1)
        if len(self.counts.own) != users or len(self.counts.near) != visits or len(self.base_rates) != visits:
            raise ValueError(f"counts and base rates must be those of {users} users and {visits} visits")


class Casebook:
    """A run's dossier tables in codes; made once, asked for each ring.

    Raises:
        RunError: the run was made without them.
    """

    def __init__(self, run: Run) -> None:
        if run.meta["format"] < DOSSIER_FORMAT:
            raise RunError("this run holds no dossiers that can be read (an older graphdet made it); run `graphdet run` on the logs again.")
        if run.events is None or run.keys is None or run.visits is None or run.dossiers is None:
            raise RunError("this run holds no dossiers (an older graphdet made it); run `graphdet run` on the logs again.")
        self.run = run
        self.events, self.keys, self.visits = run.events, run.keys, run.visits
        self.background: dict[str, Any] = run.meta["background"]
        try:
            self.settings: Settings = parse_settings(run.meta["settings"], "run.json")
        except SettingsError:
            raise RunError("this run was made by a graphdet with other settings; run `graphdet run` on the logs again.") from None
        self.measured = dict(zip(run.dossiers["ring_id"].to_pylist(), run.dossiers["measured"].to_pylist(), strict=True))
        self.users = sorted_ids(self.events["user_id"], self.visits["user_id"])
        self.event_user = codes_of(self.events["user_id"], self.users)
        self.time = _micros(self.events["timestamp"])
        self.start = self.background["start"]
        self.ids: dict[str, pa.StringArray] = {}
        self.event_code: dict[str, Int32] = {}
        self.key_users: dict[str, Int64] = {}
        kinds = self.keys["node_type"]
        for name in KEY_TYPES:
            known = self.keys.filter(pc.equal(kinds, name))
            if known.num_rows:
                self.ids[name] = known["node_id"].combine_chunks()
                self.event_code[name] = codes_of(self.events[NODE_TYPE[name].column], self.ids[name])
                self.key_users[name] = known["users"].to_numpy()
        self.actions = tuple(sorted_ids(self.events["action"]).to_pylist())
        self.action = codes_of(self.events["action"], pa.array(self.actions, pa.string())).astype(np.int16)
        self.amount = self.events["amount"].to_numpy()
        self._order_events()
        self._read_visits()

    def _order_events(self) -> None:
        self._by_user = np.lexsort((np.arange(len(self.event_user)), self.event_user))
        self._user_start = np.searchsorted(self.event_user[self._by_user], np.arange(len(self.users) + 1))

    def _read_visits(self) -> None:
        """Visits by (view, key, time), with keys numbered over all views."""
        present = [entry for entry in self.background["views"] if entry["name"] in self.ids]
        self.views = {entry["name"]: tuple(entry["windows"]) for entry in present}
        self.homogeneity = {entry["name"]: entry["homogeneity"] for entry in present}
        first = np.cumsum([0] + [len(self.ids[name]) for name in self.views])
        self.first_key = {name: int(first[place]) for place, name in enumerate(self.views)}
        key = np.full(self.visits.num_rows, -1, np.int64)
        for name in self.views:
            own = pc.equal(self.visits["node_type"], name).to_numpy()
            key[own] = codes_of(self.visits["node_id"].filter(pa.array(own)), self.ids[name]) + self.first_key[name]
        user = codes_of(self.visits["user_id"], self.users)
        second = self.visits["second"].to_numpy()
        order = np.lexsort((np.arange(len(key)), second, key))
        self.visit_key, self.visit_user, self.visit_second = key[order], user[order], second[order]
        self.told = self.visits["near"].is_valid().to_numpy()[order]
        self.user_visits, self.near, self.elsewhen = (
            pc.fill_null(self.visits[name], least).to_numpy()[order] for name, least in (("user_visits", 1), ("near", 1), ("elsewhen", 0))
        )
        self._key_start = np.searchsorted(self.visit_key, np.arange(int(first[-1]) + 1))
        self._visits_by_user = np.lexsort((np.arange(len(order)), self.visit_user))
        self._visit_user_start = np.searchsorted(self.visit_user[self._visits_by_user], np.arange(len(self.users) + 1))

    @cached_property
    def _category_share(self) -> Float64:
        return self.share_of("category", self.item_category[0])

    @cached_property
    def item_category(self) -> tuple[tuple[str, ...], Int32]:
        """Category names, sorted, and the category of each item."""
        if "item" not in self.ids:
            return (), np.zeros(0, np.int32)
        names = sorted_ids(self.events["category"])
        category = np.full(len(self.ids["item"]), NONE)
        item = self.event_code["item"]
        category[item[item >= 0]] = codes_of(self.events["category"], names)[item >= 0]
        return tuple(names.to_pylist()), category

    @cached_property
    def event_columns(self) -> list[str]:
        """Columns of `events` that hold anything."""
        return [name for name in self.events.column_names if self.events[name].null_count < self.events.num_rows]

    @cached_property
    def crowded(self) -> dict[str, Bool]:
        """Node type → which of `ids` are crowded."""
        kinds, crowded = self.keys["node_type"], self.keys["crowded"]
        return {name: crowded.filter(pc.equal(kinds, name)).to_numpy() for name in self.ids}

    @cached_property
    def rating(self) -> Float64:
        """(events,) stars, NaN where none."""
        return np.asarray(self.events["rating"].to_numpy(), np.float64)

    @cached_property
    def _items(self) -> dict[str, dict[str, Any]]:
        """Items that have a history (targets) or a rating, by id."""
        own = self.keys.filter(pc.equal(self.keys["node_type"], "item")).select(["node_id", "ratings", "rating", "history"])
        return {row["node_id"]: row for row in own.filter(pc.or_(own["history"].is_valid(), own["ratings"].is_valid())).to_pylist()}

    def history_of(self, item: str) -> list[int]:
        """A target's events in the whole log by `history_seconds`; empty without times."""
        return self._items.get(item, {}).get("history") or []

    def ratings_of(self, item: str) -> tuple[int, float | None]:
        """How many ratings an item has in the whole log, and their mean."""
        row = self._items.get(item, {})
        return row.get("ratings") or 0, row.get("rating")

    @cached_property
    def _shares(self) -> dict[str, dict[str, float]]:
        """Of categories and sellers by name, the share of the log's item events."""
        found: dict[str, dict[str, float]] = {"category": {}, "seller": {}}
        for kind, shares in found.items():
            own = self.keys.filter(pc.equal(self.keys["node_type"], kind))
            shares |= zip(own["node_id"].to_pylist(), pc.fill_null(own["share"], 0.0).to_pylist(), strict=True)
        return found

    def share_of(self, kind: str, names: Sequence[str]) -> Float64:
        """(names + 1,) share of the log's item events of each category or seller; the first place is for none."""
        shares = self._shares[kind]
        return np.array([0.0, *(shares.get(name, 0.0) for name in names)])

    @cached_property
    def _members(self) -> dict[str, Int32]:
        """Ring → its users, sorted."""
        table = self.run.members.filter(pc.equal(self.run.members["node_type"], "user"))
        codes, names = codes_of(table["node_id"], self.users), table["ring_id"].combine_chunks().dictionary_encode()
        of = names.indices.to_numpy()
        order = np.lexsort((codes, of))
        bounds = np.searchsorted(of[order], np.arange(len(names.dictionary) + 1))
        return {name: codes[order[bounds[n] : bounds[n + 1]]] for n, name in enumerate(names.dictionary.to_pylist())}

    def members_of(self, ring_id: str) -> Int32:
        """The ring's users, sorted."""
        return self._members[ring_id]

    def rings(self, most: int) -> list[RunRing]:
        """The worst rings with their members, but without evidence: filtering that for each of hundreds of rings takes seconds."""
        table = self.run.members
        names = table["ring_id"].combine_chunks().dictionary_encode()
        of = names.indices.to_numpy()
        order = np.argsort(of, kind="stable")
        bounds = np.searchsorted(of[order], np.arange(len(names.dictionary) + 1))
        place = {name: n for n, name in enumerate(names.dictionary.to_pylist())}
        nothing = self.run.evidence.schema.empty_table()
        found = []
        for facts in self.run.rings.sort_by("rank").slice(0, most).to_pylist():
            own = place[facts["ring_id"]]
            found.append(RunRing(facts, table.take(pa.array(order[bounds[own] : bounds[own + 1]])), nothing))
        return found

    def rows_of(self, members: Int32) -> Int64:
        """The members' kept events, in order of time."""
        return np.sort(self._by_user[stretches(self._user_start, members)])

    def small_log(self, members: Int32) -> SmallLog:
        """What these members did, and who else came to what two of them came to."""
        rows = self.rows_of(members)
        own = self._visits_by_user[stretches(self._visit_user_start, members)]
        met = np.unique(self.visit_key[own] << 32 | self.visit_user[own])
        keys, count = np.unique(met >> 32, return_counts=True)
        keys = keys[count >= 2]
        visit = stretches(self._key_start, keys)
        users = np.unique(np.r_[self.visit_user[visit], members]).astype(np.int32)
        views, key_ids, codes, ids, position = [], [], {}, {}, np.zeros(len(visit), np.int64)
        first = 0
        for name, windows in self.views.items():
            base = self.first_key[name]
            at_view = (self.visit_key[visit] >= base) & (self.visit_key[visit] < base + len(self.ids[name]))
            code = self.event_code[name][rows]
            used = np.unique(np.r_[self.visit_key[visit[at_view]] - base, code[code >= 0]])
            views.append(View(name, windows, self.settings.view[name], first, len(used)))
            key_ids.append(used)
            codes[name] = np.where(code >= 0, np.searchsorted(used, code), -1).astype(np.int32)
            ids[name] = self.ids[name].take(pa.array(used))
            position[at_view] = np.searchsorted(used, self.visit_key[visit[at_view]] - base) + first
            first += len(used)
        codes["user"] = np.searchsorted(users, self.event_user[rows]).astype(np.int32)
        ids["user"] = self.users.take(pa.array(users))
        events = self._event_table(rows, ids, codes, key_ids, list(self.views))
        order = np.lexsort((np.arange(len(visit)), self.visit_second[visit], position))
        visit, position = visit[order], position[order]
        user = np.searchsorted(users, self.visit_user[visit]).astype(np.int32)
        group = _groups(views, events)
        visits = Visits(
            views=tuple(views),
            offset=np.searchsorted(position, np.arange(first + 1)).astype(np.int64),
            user=user,
            time=self.visit_second[visit],
            group=group,
            stratum=np.zeros(first, np.int32),
            users=self.background["users"],
            groups=int(group.max(initial=-1)) + 1,
            strata=1,
        )
        made = _made_by(events, visits, position, self.seconds(rows))
        known = np.zeros(len(visit), np.bool_)
        for of in made.values():
            known[of[of >= 0]] = True
        totals = self._totals(views, events, visits.groups)
        counts = replace(self._counts(visit, user, len(users)), key_elsewhen=count_key_elsewhen(visits, totals.seconds))
        homogeneity = np.array([self.homogeneity[view.name] for view in views])
        return SmallLog(
            members=np.searchsorted(users, members).astype(np.int32),
            rows=rows,
            second=self.seconds(rows),
            events=events,
            visits=visits,
            counts=counts,
            told=self.told[visit],
            totals=totals,
            homogeneity=homogeneity,
            base_rates=rate_told(visits, counts, totals, homogeneity, self.told[visit]),
            known=known,
            made=made,
            key_ids=np.concatenate(key_ids),
        )

    def _counts(self, visit: Int64, user: Int32, users: int) -> VisitCounts:
        """As the run recorded them, of visits in the small log's codes; of keys that are no targets it recorded none."""
        told = self.told[visit]
        own = np.ones(users, np.int64)
        own[user[told]] = self.user_visits[visit[told]]
        return VisitCounts(own, self.near[visit], self.elsewhen[visit], np.zeros(len(visit), np.int32))

    def _totals(self, views: list[View], events: EventTable, groups: int) -> LogTotals:
        """Of the groups that rings have targets in; groups are as in `_groups`."""
        group_visits, group_keys = np.zeros(groups, np.int64), np.ones(groups, np.int64)
        first_group = {view.name: place * (len(events.categories) + 1) for place, view in enumerate(views)}
        category = {None: 0} | {name: place + 1 for place, name in enumerate(events.categories)}
        for entry in self.background["groups"]:
            if entry["node_type"] in first_group and entry["category"] in category:
                group = first_group[entry["node_type"]] + category[entry["category"]]
                if group < groups:
                    group_visits[group], group_keys[group] = entry["visits"], entry["keys"]
        return LogTotals(self.background["visits"], self.background["seconds"] + 1, group_visits, group_keys)

    def seconds(self, rows: Int64) -> Int64:
        """Seconds since the log's first event; −1 for an event without a time in a log that has times."""
        if self.start is None:
            return np.zeros(len(rows), np.int64)
        return np.where(self.time[rows] == NO_TIME, -1, (self.time[rows] - self.start) // 1_000_000)

    def _event_table(
        self, rows: Int64, ids: dict[str, pa.StringArray], codes: dict[str, Int32], key_ids: list[Int64], names: list[str]
    ) -> EventTable:
        categories, item_category = self.item_category
        resolution: TimeResolution = "none" if self.start is None else "instant"
        return EventTable(
            ids=ids,
            codes=codes,
            time=None if self.start is None else self.time[rows],
            resolution=resolution,
            action=self.action[rows],
            actions=self.actions,
            item_category=item_category[key_ids[names.index("item")]] if "item" in names else np.zeros(0, np.int32),
            categories=categories,
            amount=None if np.isnan(self.amount).all() else self.amount[rows],
            rating=None,
            report=ReadReport((), arrow_schema("rejected").empty_table(), ()),
        )

    def index_log(self, small: SmallLog, events: EventTable, index: VisitIndex) -> LogIndex:
        """What `measure_ring` reads, with the whole log's tastes, popularities and length where the small log cannot tell them."""
        users_of_ip, sellers = np.zeros(0, np.int64), np.zeros(0)
        for view in small.visits.views:
            if view.name == "ip":
                users_of_ip = self.key_users["ip"][small.key_ids[view.first_key : view.first_key + view.keys]]
        if "item" in events.codes and "seller" in events.codes:
            sellers = self.share_of("seller", events.ids["seller"].to_pylist())
        events_per_visit = self.background["events_per_visit"]
        return index_part(
            events,
            index,
            start=int(self.start or 0),
            end=int(self.background["seconds"]),
            events_per_visit=np.nan if events_per_visit is None else events_per_visit,
            category_share=self._category_share,
            seller_share=sellers,
            users_of_ip=users_of_ip,
        )


def rate_told(visits: Visits, counts: VisitCounts, totals: LogTotals, homogeneity: Float64, told: Bool) -> BaseRates:
    """Base rates of a small log's visits; where nothing was told anybody may come at any time, so that a meeting there says nothing."""
    near = np.where(told, counts.near, np.int32(1))
    counts = replace(counts, near=near, elsewhen=np.where(told, counts.elsewhen, np.int32(0)))
    rates = rate_visits(visits, counts, totals, EvidenceSettings(), homogeneity)
    return BaseRates(
        log_base_rate=np.where(told, rates.log_base_rate, np.float32(0)),
        log_intent=np.where(told, rates.log_intent, np.float32(0)),
        near=near,
        usual=np.where(told, rates.usual, np.float32(0)),
        homogeneity=homogeneity,
    )


def _micros(column: pa.ChunkedArray) -> Int64:
    values = column.cast(pa.int64())
    return np.asarray(pc.fill_null(values, int(NO_TIME)).to_numpy(), np.int64)


def _groups(views: list[View], events: EventTable) -> Int32:
    """One group per category of items, one for each other view, in the order of the whole log's."""
    parts = []
    first = 0
    for view in views:
        own = events.item_category + np.int32(1) if view.name == "item" and events.categories else np.zeros(view.keys, np.int32)
        parts.append(own + np.int32(first))
        first += len(events.categories) + 1
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _made_by(events: EventTable, visits: Visits, key: Int64, second: Int64) -> dict[str, Int64]:
    """For each view, the visit that each event belongs to: its user's latest visit to its key that began no later."""
    users = int(max(visits.user.max(initial=0), events.codes["user"].max(initial=0))) + 1
    code = (key * users + visits.user) << 31 | visits.time
    order = np.argsort(code, kind="stable")
    made = {}
    for view in visits.views:
        at = events.codes[view.name].astype(np.int64)
        wanted = ((at + view.first_key) * users + events.codes["user"]) << 31 | np.maximum(second, 0)
        place = np.searchsorted(code[order], wanted, side="right") - 1
        found = np.where(place >= 0, code[order][np.maximum(place, 0)], -1) if len(order) else np.full(len(at), -1)
        good = (at >= 0) & (second >= 0) & (place >= 0) & (found >> 31 == wanted >> 31)
        made[view.name] = np.where(good, order[np.maximum(place, 0)] if len(order) else -1, -1)
    return made
