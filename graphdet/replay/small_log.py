"""A run's recorded tables → one ring's own small log: what its members did, and who else came to their targets.

The small log has the shape of the large one, so that the very code that grew and judged the ring can do it again with something
taken away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from graphdet.arrays import Bool, Float64, Int32, Int64, check_array, check_sorted, distinct_counts, distinct_values
from graphdet.events import EventTable
from graphdet.events.table import ReadReport, TimeResolution
from graphdet.replay.recorded import Recorded
from graphdet.schema import arrow_schema
from graphdet.settings import EvidenceSettings
from graphdet.visits.base_rates import BaseRates, LogTotals, VisitCounts, count_key_elsewhen, count_returns, rate_visits
from graphdet.visits.draws import renumbered
from graphdet.visits.rushes import drawn_share
from graphdet.visits.visits import View, Visits

UNASKED = EvidenceSettings()  # rating asks them for the bounds of homogeneity, which is known here


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
        homogeneity: (2, views) float64, of the whole log.
        base_rates: made of these.
        known: (v,) bool, which visits some of the events made; and `made`: for each view (e,) int64 the visit that each event belongs to,
            −1 where there is none.
        key_ids: (k,) int64 position of each key in `Recorded.key_users`.
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
        check_array("members", self.members, np.int32, len(self.members), 0, users - 1)
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

    def users_of(self, view: str, recorded: Recorded) -> Int64:
        """(keys,) how many use each of a view's keys in the whole log."""
        return recorded.key_users[view][self._ids_of(view)]

    def seller_share(self, recorded: Recorded) -> Float64:
        """(sellers,) share of each in the whole log's item events."""
        return recorded.seller_share[self._ids_of("seller")]

    def _ids_of(self, view: str) -> Int64:
        (own,) = (one for one in self.visits.views if one.name == view)
        return self.key_ids[own.first_key : own.first_key + own.keys]


def cut_small_log(recorded: Recorded, members: Int32) -> SmallLog:
    """What these members did, and who else came to what two of them came to."""
    rows = recorded.rows_of(members)
    visit = _visits_at_shared_keys(recorded, members)
    users = distinct_values(np.r_[recorded.visits.user[visit], members]).astype(np.int32)
    part = _local_keys(recorded, rows, visit)
    part.codes["user"] = np.searchsorted(users, recorded.event_user[rows]).astype(np.int32)
    part.ids["user"] = recorded.users.take(pa.array(users))
    events = _event_table(recorded, rows, part)
    order = np.lexsort((np.arange(len(visit)), recorded.visits.second[visit], part.key))
    visit, key = visit[order], part.key[order]
    group = _groups(part.views, events)
    visits = Visits(
        views=tuple(part.views),
        offset=np.searchsorted(key, np.arange(len(group) + 1)).astype(np.int64),
        user=np.searchsorted(users, recorded.visits.user[visit]).astype(np.int32),
        time=recorded.visits.second[visit],
        draw=renumbered(recorded.visits.draw[visit]),
        group=group,
        stratum=np.zeros(len(group), np.int32),
        users=len(users),
        groups=int(group.max(initial=-1)) + 1,
        strata=1,
    )
    second = recorded.seconds(rows)
    made = _made_by(events, visits, key, second)
    known = np.zeros(len(visit), np.bool_)
    for of in made.values():
        known[of[of >= 0]] = True
    totals = _totals(recorded, part.views, events, visits.groups)
    counts = _counts(recorded, visit, visits, len(users), totals)
    told = recorded.visits.told[visit]
    homogeneity = np.array([recorded.homogeneity[view.name] for view in part.views]).reshape(-1, 2).T
    return SmallLog(
        members=np.searchsorted(users, members).astype(np.int32),
        rows=rows,
        second=second,
        events=events,
        visits=visits,
        counts=counts,
        told=told,
        totals=totals,
        homogeneity=homogeneity,
        base_rates=rate_told(visits, counts, totals, homogeneity, told),
        known=known,
        made=made,
        key_ids=np.concatenate(part.key_ids),
    )


@dataclass(frozen=True)
class LocalKeys:
    """Keys of a small log, numbered anew.

    Attributes:
        views: the views.
        key_ids: of each view the recorded keys that are left, sorted.
        ids, codes: node type → names, and (e,) int32 code of each event, −1 where there is none.
        key: (v,) int64 of each visit, numbered over all views.
    """

    views: list[View]
    key_ids: list[Int64]
    ids: dict[str, pa.StringArray]
    codes: dict[str, Int32]
    key: Int64


def _visits_at_shared_keys(recorded: Recorded, members: Int32) -> Int64:
    """Everybody's recorded visits to what two or more members came to."""
    own = recorded.visits_of(members)
    met = distinct_values(recorded.visits.key[own] << 32 | recorded.visits.user[own])
    keys, count = distinct_counts(met >> 32)
    return recorded.visits_at(keys[count >= 2])


def _local_keys(recorded: Recorded, rows: Int64, visit: Int64) -> LocalKeys:
    part = LocalKeys([], [], {}, {}, np.zeros(len(visit), np.int64))
    at = recorded.visits.key[visit]
    first = 0
    for name, windows in recorded.views.items():
        base = recorded.first_key[name]
        at_view = slice(*np.searchsorted(at, [base, base + len(recorded.ids[name])]))  # visits come by key
        code = recorded.event_code[name][rows]
        used = distinct_values(np.r_[at[at_view] - base, code[code >= 0]])
        part.views.append(View(name, windows, recorded.settings.view[name], first, len(used)))
        part.key_ids.append(used)
        part.codes[name] = np.where(code >= 0, np.searchsorted(used, code), -1).astype(np.int32)
        part.ids[name] = recorded.ids[name].take(pa.array(used))
        part.key[at_view] = np.searchsorted(used, at[at_view] - base) + first
        first += len(used)
    return part


def _counts(recorded: Recorded, visit: Int64, visits: Visits, users: int, totals: LogTotals) -> VisitCounts:
    """As the run recorded them; of keys that are no targets it recorded none."""
    told = recorded.visits.told[visit]
    own = np.ones(users, np.int64)
    own[visits.user[told]] = recorded.visits.user_visits[visit[told]]
    key_elsewhen = count_key_elsewhen(visits, totals.seconds)
    returns = count_returns(visits, totals.seconds)
    of_visit = recorded.visits
    public = of_visit.public[visit]
    drawn = drawn_share(visits, totals.seconds, public)
    return VisitCounts(own, of_visit.near[visit], of_visit.elsewhen[visit], key_elsewhen, returns, public, drawn, of_visit.log_hours[visit])


def rate_told(visits: Visits, counts: VisitCounts, totals: LogTotals, homogeneity: Float64, told: Bool) -> BaseRates:
    """Base rates of a small log's visits; where nothing was told anybody may come at any time, so that a meeting there says nothing."""
    near = np.where(told, counts.near, np.int32(1))
    counts = replace(counts, near=near, elsewhen=np.where(told, counts.elsewhen, np.int32(0)))
    rates = rate_visits(visits, counts, totals, UNASKED, homogeneity)
    return BaseRates(
        log_base_rate=np.where(told, rates.log_base_rate, np.float32(0)),
        log_intent=np.where(told, rates.log_intent, np.float32(0)),
        near=near,
        usual=np.where(told, rates.usual, np.float32(0)),
        homogeneity=homogeneity,
    )


def _totals(recorded: Recorded, views: list[View], events: EventTable, groups: int) -> LogTotals:
    """Of the groups that rings have targets in; groups are as in `_groups`."""
    group_visits, group_keys = np.zeros(groups, np.int64), np.ones(groups, np.int64)
    first_group = {view.name: place * (len(events.categories) + 1) for place, view in enumerate(views)}
    category = {None: 0} | {name: place + 1 for place, name in enumerate(events.categories)}
    for entry in recorded.background["groups"]:
        if entry["node_type"] in first_group and entry["category"] in category:
            group = first_group[entry["node_type"]] + category[entry["category"]]
            if group < groups:
                group_visits[group], group_keys[group] = entry["visits"], entry["keys"]
    return LogTotals(recorded.background["visits"], recorded.background["seconds"] + 1, group_visits, group_keys)


def _event_table(recorded: Recorded, rows: Int64, part: LocalKeys) -> EventTable:
    categories, item_category = recorded.item_category
    names = [view.name for view in part.views]
    resolution: TimeResolution = "none" if recorded.start is None else "instant"
    return EventTable(
        ids=part.ids,
        codes=part.codes,
        time=None if recorded.start is None else recorded.time[rows],
        resolution=resolution,
        action=recorded.action[rows],
        actions=recorded.actions,
        item_category=item_category[part.key_ids[names.index("item")]] if "item" in names else np.zeros(0, np.int32),
        categories=categories,
        amount=None if np.isnan(recorded.amount).all() else recorded.amount[rows],
        rating=None,
        report=ReadReport((), arrow_schema("rejected").empty_table(), ()),
    )


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
    rising = code[order]
    made = {}
    for view in visits.views:
        at = events.codes[view.name].astype(np.int64)
        wanted = ((at + view.first_key) * users + events.codes["user"]) << 31 | np.maximum(second, 0)
        place = np.searchsorted(rising, wanted, side="right") - 1
        found = np.where(place >= 0, rising[np.maximum(place, 0)], -1) if len(order) else np.full(len(at), -1)
        good = (at >= 0) & (second >= 0) & (place >= 0) & (found >> 31 == wanted >> 31)
        made[view.name] = np.where(good, order[np.maximum(place, 0)] if len(order) else -1, -1)
    return made
