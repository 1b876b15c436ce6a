"""Events → visits: one user at one key (item, device, IP, …) once per window, in key and time order, for all views at once.

A visit is what the null shuffles. Five clicks and an order of one user on one item within a day are one decision, so they are
one visit; else every shopping session would look like five independent coincidences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np

from graphdet.arrays import Bool, Float32, Float64, Int32, Int64
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ITEM
from graphdet.settings import EvidenceSettings, Views, ViewSettings

DAY = 86_400
UNTIMED = np.iinfo(np.int32).max
UNSURE = 10.0  # visits at other times that say as much as the belief that users are alike


@dataclass(frozen=True)
class View:
    """One node type seen as a meeting place: `windows` in seconds, shortest first, and the settings that they come from."""

    name: str
    windows: tuple[int, ...]
    settings: ViewSettings
    first_key: int  # keys of this view are first_key … first_key + keys − 1
    keys: int


@dataclass(frozen=True)
class Visits:
    """v visits at k keys of all views, sorted by (key, time).

    Attributes:
        views: the views, in order of their keys.
        offset: (k + 1,) int64, visits of key i are offset[i] … offset[i + 1] − 1.
        user: (v,) int32 user code.
        time: (v,) int32 seconds since the log's first event; 0 where the log has no times.
        group: (k,) int32, keys of one kind: items of one category; every other view is one group.
        stratum: (k,) int32, keys between which the null may exchange users: groups, the small ones pooled.
        log_base_rate: (v,) float32, log10 of the chance that a visit of the group is the user's: his share of all visits, times how much
            more than others he was after the group at other times, as far as that can be told (see `homogeneity`).
        log_intent: (v,) float32, log10 of the chance that he comes by this key while he is after its group: his visits to the group
            within the shortest window around, times the key's share of the group's visits at other times.
        near: (v,) int32, those visits of the user to the group within the shortest window around, itself among them.
        usual: (v,) float32, the user's visits to the group per day at other times.
        homogeneity: (views,) float64, how alike users are in what they are after. Users' rates of visits to a group are taken for
            Gamma-distributed around everybody's rate with this shape: under 1 where a group has its fans, large where all do the same.
        users, groups, strata: how many there are.
    """

    views: tuple[View, ...]
    offset: Int64
    user: Int32
    time: Int32
    group: Int32
    stratum: Int32
    log_base_rate: Float32
    log_intent: Float32
    near: Int32
    usual: Float32
    homogeneity: Float64
    users: int
    groups: int
    strata: int

    def __len__(self) -> int:
        return len(self.user)

    @property
    def keys(self) -> int:
        return len(self.offset) - 1

    def view_of(self, keys: Int32) -> Int32:
        """Position in `views` of each key."""
        return np.searchsorted([view.first_key for view in self.views], keys, side="right").astype(np.int32) - np.int32(1)


def collect_visits(events: EventTable, settings: EvidenceSettings, of_view: Views) -> Visits:
    """All views of a log as visits.

    Events without a time are left out of logs that have times: nobody can say what they coincide with.
    """
    timed = events.time is not None
    seconds, known = _seconds(events)
    views: list[View] = []
    offsets: list[Int64] = [np.zeros(1, np.int64)]
    users, times, groups, strata = ([np.zeros(0, np.int32)] for _ in range(4))
    first_key = first_group = first_stratum = 0
    for name in settings.views:
        keys = events.count(name)
        if not keys:
            continue
        own = of_view[name]
        windows = _windows(own.windows, events.resolution) if timed else (UNTIMED,)
        code = np.where(known, events.codes[name], np.int32(-1)) if known is not None else events.codes[name]
        offset, user, time = _visits_of_view(code, events.codes["user"], seconds, keys, events.count("user"), windows[0])
        group = events.item_category + np.int32(1) if name == ITEM and events.categories else np.zeros(keys, np.int32)  # 0 = unknown
        stratum = _pooled(group, np.diff(offset), settings.stratum_visits)
        views.append(View(name, windows, own, first_key, keys))
        offsets.append(offset[1:] + offsets[-1][-1])
        users.append(user)
        times.append(time)
        groups.append(group + np.int32(first_group))
        strata.append(stratum + np.int32(first_stratum))
        first_key += keys
        first_group += int(group.max()) + 1
        first_stratum += int(stratum.max()) + 1
    return with_base_rates(
        Visits(
            views=tuple(views),
            offset=np.concatenate(offsets),
            user=np.concatenate(users),
            time=np.concatenate(times),
            group=np.concatenate(groups),
            stratum=np.concatenate(strata),
            log_base_rate=np.zeros(0, np.float32),
            log_intent=np.zeros(0, np.float32),
            near=np.zeros(0, np.int32),
            usual=np.zeros(0, np.float32),
            homogeneity=np.zeros(0),
            users=events.count("user"),
            groups=first_group,
            strata=first_stratum,
        ),
        settings,
    )


def with_base_rates(visits: Visits, settings: EvidenceSettings) -> Visits:
    """The same visits with what was usual measured on them; for a log, and again for each permuted log. O(visits).

    `homogeneity` is estimated from the log, and kept where it is known already: a permuted log must not pass for one with other tastes.
    Who visits a group has, on average, 1 + 1 / shape times everybody's rate, so visits at other times tell the shape (empirical Bayes).
    """
    view = visits.view_of(np.arange(visits.keys, dtype=np.int32))
    span = int(visits.time.max(initial=0)) + 1
    near = np.array([view.windows[0] for view in visits.views], np.int64)
    # A quarter of the log on either side is the most that may be called the time of a visit; the rest is history.
    away = np.array([min(view.windows[-1], span // 4) for view in visits.views], np.int64)
    log_share, log_intent, near_visits, other, expected = _base_rates(
        visits.offset, visits.user, visits.time, visits.group, view, near, away, visits.users, visits.groups, span
    )
    view_of_visit = np.repeat(view, np.diff(visits.offset))
    homogeneity = (
        visits.homogeneity if len(visits.homogeneity) else _homogeneity(view_of_visit, other, expected, len(visits.views), settings)
    )
    shape = homogeneity.astype(np.float32)[view_of_visit]
    days = np.maximum(span - 2 * near, span / 4).astype(np.float32) / DAY
    return replace(
        visits,
        log_base_rate=log_share + np.log10((shape + other) / (shape + expected)),
        log_intent=log_intent,
        near=near_visits,
        usual=(other / days[view_of_visit]).astype(np.float32),
        homogeneity=homogeneity,
    )


def _homogeneity(view: Int32, other: Float32, expected: Float32, views: int, settings: EvidenceSettings) -> Float64:
    """Shape of each view's Gamma distribution by the method of moments; all alike where the log is too short to tell."""
    lift = (np.bincount(view, other, views) + UNSURE) / (np.bincount(view, expected, views) + UNSURE)
    return np.asarray(1 / np.clip(lift - 1, 1 / settings.homogeneity_most, 1 / settings.homogeneity_least))


def _seconds(events: EventTable) -> tuple[Int32, Bool | None]:
    """Seconds since the first timed event, and which events have a time (None = all)."""
    if events.time is None:
        return np.zeros(len(events), np.int32), None
    known = events.time != NO_TIME
    start = events.time[known].min() if known.any() else 0
    seconds = np.clip((events.time - start) // 1_000_000, 0, UNTIMED - 1).astype(np.int32)
    return seconds, None if known.all() else known


def _windows(hours: tuple[float, ...], resolution: str) -> tuple[int, ...]:
    """Windows in seconds; where times are bare dates, rounded up to whole days."""
    seconds = [round(hour * 3600) for hour in hours]
    if resolution == "day":
        seconds = [-(-second // DAY) * DAY for second in seconds]
    return tuple(sorted(set(seconds)))


@numba.njit(cache=True, nogil=True)
def _visits_of_view(code: Int32, user: Int32, seconds: Int32, keys: int, users: int, gap: int) -> tuple[Int64, Int32, Int32]:
    """Counting sort by key (events come in time order), then drop a user's return to a key within `gap` seconds."""
    offset = np.zeros(keys + 1, np.int64)
    for event in range(len(code)):
        if code[event] >= 0:
            offset[code[event] + 1] += 1
    for key in range(keys):
        offset[key + 1] += offset[key]
    place = offset[:-1].copy()
    sorted_user = np.empty(offset[keys], np.int32)
    sorted_time = np.empty(offset[keys], np.int32)
    for event in range(len(code)):
        key = code[event]
        if key >= 0:
            sorted_user[place[key]] = user[event]
            sorted_time[place[key]] = seconds[event]
            place[key] += 1
    last_key = np.full(users, -1, np.int32)
    last_time = np.zeros(users, np.int32)
    kept = np.zeros(keys + 1, np.int64)
    write = 0
    for key in range(keys):
        for read in range(offset[key], offset[key + 1]):
            who = sorted_user[read]
            when = sorted_time[read]
            if last_key[who] != key or when - last_time[who] > gap:
                sorted_user[write] = who
                sorted_time[write] = when
                write += 1
                last_key[who] = key
                last_time[who] = when
        kept[key + 1] = write
    return kept, sorted_user[:write].copy(), sorted_time[:write].copy()


def _pooled(group: Int32, visits: Int64, least: int) -> Int32:
    """Strata: groups with at least `least` visits, and one for all the others.

    Pooled, because in a category that a ring fills alone, shuffling would only hand the ring its own places back.
    """
    large = np.bincount(group, weights=visits) >= least
    return np.where(large, np.cumsum(large), 0)[group].astype(np.int32)


@numba.njit(cache=True, nogil=True)
def _base_rates(
    offset: Int64,
    user: Int32,
    time: Int32,
    group: Int32,
    view: Int32,
    near: Int64,
    away: Int64,
    users: int,
    groups: int,
    span: int,
) -> tuple[Float32, Float32, Int32, Float32, Float32]:
    """Of every visit: log10 of the user's share of all visits, `log_intent` and `near` as in `Visits`, the user's visits to the group at
    other times, and how many those would be if he cared as everybody does."""
    visits = len(user)
    in_group = np.zeros(groups, np.int64)
    keys_in_group = np.zeros(groups, np.int64)
    own = np.zeros(users + 1, np.int64)
    for key in range(len(group)):
        in_group[group[key]] += offset[key + 1] - offset[key]
        keys_in_group[group[key]] += 1
        for visit in range(offset[key], offset[key + 1]):
            own[user[visit] + 1] += 1
    for who in range(users):
        own[who + 1] += own[who]
    log_intent = np.empty(visits, np.float32)
    place = own[:-1].copy()
    by_user = np.empty(visits, np.int64)
    sort_key = np.empty(visits, np.int64)  # group, then time
    reach = np.zeros(groups, np.int64)
    for key in range(len(group)):
        aside = away[view[key]]
        reach[group[key]] = near[view[key]]
        low = high = offset[key]
        history_share = max(1.0 - 2.0 * aside / span, 0.0)
        for visit in range(offset[key], offset[key + 1]):
            while time[visit] - time[low] > aside:
                low += 1
            while high < offset[key + 1] and time[high] - time[visit] <= aside:
                high += 1
            elsewhen = (offset[key + 1] - offset[key]) - (high - low)
            share = (elsewhen + 0.5) / (in_group[group[key]] * history_share + 0.5 * keys_in_group[group[key]])
            log_intent[visit] = np.log10(share)
            by_user[place[user[visit]]] = visit
            sort_key[place[user[visit]]] = (np.int64(group[key]) << 32) | time[visit]
            place[user[visit]] += 1
    log_share, near_visits = np.empty(visits, np.float32), np.empty(visits, np.int32)
    other, expected = np.empty(visits, np.float32), np.empty(visits, np.float32)
    for who in range(users):
        start, stop = own[who], own[who + 1]
        order = np.argsort(sort_key[start:stop])
        share = np.log10((stop - start) / max(visits, 1)) if stop > start else 0.0
        first = 0
        while first < stop - start:
            here = sort_key[start + order[first]] >> 32
            last = first
            while last < stop - start and sort_key[start + order[last]] >> 32 == here:
                last += 1
            low = high = first
            for position in range(first, last):
                now = sort_key[start + order[position]]
                while now - sort_key[start + order[low]] > reach[here]:
                    low += 1
                while high < last and sort_key[start + order[high]] - now <= reach[here]:
                    high += 1
                visit = by_user[start + order[position]]
                log_share[visit] = share
                near_visits[visit] = high - low
                other[visit] = last - first - (high - low)
                expected[visit] = (stop - start - (high - low)) * in_group[here] / visits
                log_intent[visit] = min(log_intent[visit] + np.log10(high - low), 0.0)
            first = last
    return log_share, log_intent, near_visits, other, expected


def most_at_once(visits: Visits, view: View) -> Int64:
    """(keys,) of a view, the most visits to each key that lie within the view's shortest window."""
    begin, end = fullest(visits, view)
    return end - begin


def fullest(visits: Visits, view: View) -> tuple[Int64, Int64]:
    """(keys,) of a view, where the most visits to each key that lie within the view's shortest window begin and end."""
    return _fullest(visits.offset[view.first_key : view.first_key + view.keys + 1], visits.time, view.windows[0])


@numba.njit(cache=True, nogil=True)
def _fullest(offset: Int64, time: Int32, window: int) -> tuple[Int64, Int64]:
    begin, end = offset[:-1].copy(), offset[:-1].copy()
    for key in range(len(offset) - 1):
        start = offset[key]
        for visit in range(offset[key], offset[key + 1]):
            while time[visit] - time[start] > window:
                start += 1
            if visit - start + 1 > end[key] - begin[key]:
                begin[key], end[key] = start, visit + 1
    return begin, end
