"""Events → visits: one user at one key (item, device, IP, …) once per window, in key and time order, for all views at once.

A visit is what the null shuffles. Five clicks and an order of one user on one item within a day are one decision, so they are
one visit; else every shopping session would look like five independent coincidences.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Int32, Int64, check_array
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ITEM
from graphdet.settings import EvidenceSettings, Views, ViewSettings
from graphdet.visits.draws import ALONE, bundles_of, draws_by_bundle, draws_by_time

DAY = 86_400
UNTIMED = np.iinfo(np.int32).max
BLOCK = 1 << 16  # visits whose numbers stay near a core


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
        draw: (v,) int32, visits of one number are one choice of one user (see `draws.py`), −1 where a visit is one by itself.
        stratum: (k,) int32, keys between which the null may exchange users: groups, the small ones pooled.
        users, groups, strata: how many there are.
    """

    views: tuple[View, ...]
    offset: Int64
    user: Int32
    time: Int32
    draw: Int32
    group: Int32
    stratum: Int32
    users: int
    groups: int
    strata: int

    def __post_init__(self) -> None:
        if [view.first_key for view in self.views] != [0, *np.cumsum([view.keys for view in self.views])][: len(self.views)]:
            raise ValueError(f"views must hold the keys one after the other (found {self.views})")
        keys, visits = sum(view.keys for view in self.views), len(self.user)
        check_array("offset", self.offset, np.int64, keys + 1)
        check_array("user", self.user, np.int32, visits, 0, self.users - 1)
        check_array("time", self.time, np.int32, visits, 0)
        check_array("draw", self.draw, np.int32, visits, ALONE)
        check_array("group", self.group, np.int32, keys, 0, self.groups - 1)
        check_array("stratum", self.stratum, np.int32, keys, 0, self.strata - 1)
        if self.offset[0] != 0 or self.offset[-1] != visits:
            raise ValueError(f"offset must go from 0 to the number of visits, {visits} (found {self.offset[0]} to {self.offset[-1]})")
        if not _in_order(self.offset, self.time):
            raise ValueError("visits must be sorted by key and time")

    def __len__(self) -> int:
        return len(self.user)

    @property
    def keys(self) -> int:
        return len(self.offset) - 1

    def rows_of(self, view: View) -> slice:
        """The visits of one of the views."""
        return slice(int(self.offset[view.first_key]), int(self.offset[view.first_key + view.keys]))

    def view_of(self, keys: Int32) -> Int32:
        """Position in `views` of each key."""
        return np.searchsorted([view.first_key for view in self.views], keys, side="right").astype(np.int32) - np.int32(1)


class OfView(NamedTuple):
    """Visits of one view, as in `Visits`; keys go by their codes among the view's own."""

    offset: Int64
    user: Int32
    time: Int32
    draw: Int32


def collect_visits(events: EventTable, settings: EvidenceSettings, of_view: Views, threads: int = 1) -> Visits:
    """All views of a log as visits; the result does not depend on `threads`.

    Events without a time are left out of logs that have times: nobody can say what they coincide with.
    """
    seconds, known = seconds_of(events)
    windows = windows_of_views(events, settings, of_view)

    def collect(name: str, gap: int) -> OfView:
        code = np.where(known, events.codes[name], np.int32(-1)) if known is not None else events.codes[name]
        offset, user, time = visits_of_view(code, events.codes["user"], seconds, events.count(name), events.count("user"), gap)
        return OfView(offset, user, time, draws_of_view(name, offset, user, time, events.resolution, settings))

    with ThreadPoolExecutor(threads) as pool:
        found = dict(zip(windows, pool.map(collect, windows, [own[0] for own in windows.values()]), strict=True))
    return put_together(events, windows, found, settings, of_view)


def windows_of_views(events: EventTable, settings: EvidenceSettings, of_view: Views) -> dict[str, tuple[int, ...]]:
    """Seconds of each view's windows, in the order of the views that the log has."""
    names = [name for name in settings.views if events.count(name)]
    return {name: (UNTIMED,) if events.time is None else _windows(of_view[name].windows, events.resolution) for name in names}


def put_together(
    events: EventTable, windows: Mapping[str, tuple[int, ...]], found: Mapping[str, OfView], settings: EvidenceSettings, of_view: Views
) -> Visits:
    """The visits of a log, of those `found` in each view."""
    views: list[View] = []
    offsets: list[Int64] = [np.zeros(1, np.int64)]
    groups, strata = ([np.zeros(0, np.int32)] for _ in range(2))
    first_key = first_group = first_stratum = 0
    for name, (offset, *_) in found.items():
        keys = events.count(name)
        group = events.item_category + np.int32(1) if name == ITEM and events.categories else np.zeros(keys, np.int32)  # 0 = unknown
        stratum = _pooled(group, np.diff(offset), settings.stratum_visits)
        views.append(View(name, windows[name], of_view[name], first_key, keys))
        offsets.append(offset[1:] + offsets[-1][-1])
        groups.append(group + np.int32(first_group))
        strata.append(stratum + np.int32(first_stratum))
        first_key += keys
        first_group += int(group.max()) + 1
        first_stratum += int(stratum.max()) + 1
    user, time, draw = (np.concatenate([np.zeros(0, np.int32), *(one[place] for one in found.values())]) for place in (1, 2, 3))
    return Visits(
        views=tuple(views),
        offset=np.concatenate(offsets),
        user=user,
        time=time,
        draw=draw,
        group=np.concatenate(groups),
        stratum=np.concatenate(strata),
        users=events.count("user"),
        groups=first_group,
        strata=first_stratum,
    )


def draws_of_view(view: str, offset: Int64, user: Int32, time: Int32, resolution: str, settings: EvidenceSettings) -> Int32:
    """Draws of one view's visits: only at items are rows written together that are one choice."""
    if view != ITEM or resolution == "none":
        return np.full(len(user), ALONE, np.int32)
    if resolution != "day":
        return draws_by_time(user, time, settings.draw_seconds)
    item = np.repeat(np.arange(len(offset) - 1, dtype=np.int32), np.diff(offset))
    bundle = bundles_of(item, user * np.int64(UNTIMED) + time, len(offset) - 1)
    return draws_by_bundle(user, time, bundle[item])


def seconds_of(events: EventTable) -> tuple[Int32, Bool | None]:
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


def _in_order(offset: Int64, time: Int32) -> bool:
    begins = np.zeros(len(time) + 1, np.bool_)
    begins[offset] = True
    return bool((np.diff(offset) >= 0).all() and (begins[1:-1] | (time[1:] >= time[:-1])).all())


def visits_of_view(code: Int32, user: Int32, seconds: Int32, keys: int, users: int, gap: int) -> tuple[Int64, Int32, Int32]:
    """Visits to each key, by key and time: `offset` (keys + 1,), `user` and `time` (v,).

    Args:
        code: (n,) the key of each event, −1 for none; with `user` and `seconds` in order of time.
        gap: seconds within which a user's return to a key is part of their last visit.
    """
    return _kernels.collect_visits(code, user, seconds, keys, users, gap)


def _pooled(group: Int32, visits: Int64, least: int) -> Int32:
    """Strata: groups with at least `least` visits, and one for all the others.

    Pooled, because in a category that a ring fills alone, shuffling would only hand the ring its own places back.
    """
    large = np.bincount(group, weights=visits) >= least
    return np.where(large, np.cumsum(large), 0)[group].astype(np.int32)
