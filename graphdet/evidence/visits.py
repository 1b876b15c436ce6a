"""Events → visits: one user at one key (item, device, IP, …) once per window, in key and time order, for all views at once.

A visit is what the null shuffles. Five clicks and an order of one user on one item within a day are one decision, so they are
one visit; else every shopping session would look like five independent coincidences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from graphdet.events import NO_TIME, EventTable
from graphdet.settings import EvidenceSettings

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

DAY = 86_400
UNTIMED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class View:
    """One node type seen as a meeting place: `windows` in seconds, shortest first; `cap` visitors that a window may hold."""

    name: str
    windows: tuple[int, ...]
    cap: int
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
        stratum: (k,) int32, keys between which the null may exchange users.
        log_share: (v,) float32, log10 of the smoothed share of the visit's user in the stratum's visits.
        users: how many users the log names.
        strata: how many strata there are.
    """

    views: tuple[View, ...]
    offset: Int64
    user: Int32
    time: Int32
    stratum: Int32
    log_share: Float32
    users: int
    strata: int

    def __len__(self) -> int:
        return len(self.user)

    @property
    def keys(self) -> int:
        return len(self.offset) - 1

    def view_of(self, keys: Int32) -> Int32:
        """Position in `views` of each key."""
        return np.searchsorted([view.first_key for view in self.views], keys, side="right").astype(np.int32) - np.int32(1)


def collect_visits(events: EventTable, settings: EvidenceSettings) -> Visits:
    """All views of a log as visits.

    Events without a time are left out of logs that have times: nobody can say what they coincide with.
    """
    timed = events.time is not None
    seconds, known = _seconds(events)
    offsets, users, times, views, strata = [np.zeros(1, np.int64)], [], [], [], []
    first_key = first_stratum = 0
    for name in settings.views:
        if not events.count(name):
            continue
        keys = events.count(name)
        windows = _windows(getattr(settings, f"{name}_windows"), events.resolution)
        code = np.where(known, events.codes[name], np.int32(-1)) if known is not None else events.codes[name]
        offset, user, time = _visits_of_view(code, events.codes["user"], seconds, keys, events.count("user"), windows[0] if timed else UNTIMED)
        stratum, found = _strata_of_keys(name, events, offset, settings.stratum_visits)
        views.append(View(name, windows if timed else (UNTIMED,), getattr(settings, f"{name}_cap"), first_key, keys))
        offsets.append(offset[1:] + offsets[-1][-1])
        users.append(user)
        times.append(time)
        strata.append(stratum + np.int32(first_stratum))
        first_key += keys
        first_stratum += found
    offset = np.concatenate(offsets)
    user = np.concatenate(users) if users else np.zeros(0, np.int32)
    stratum = np.concatenate(strata) if strata else np.zeros(0, np.int32)
    return Visits(
        views=tuple(views),
        offset=offset,
        user=user,
        time=np.concatenate(times) if times else np.zeros(0, np.int32),
        stratum=stratum,
        log_share=_log_shares(offset, user, stratum, events.count("user"), first_stratum, settings.share_smoothing),
        users=events.count("user"),
        strata=first_stratum,
    )


def _seconds(events: EventTable) -> tuple[Int32, npt.NDArray[np.bool_] | None]:
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


def _strata_of_keys(view: str, events: EventTable, offset: Int64, least: int) -> tuple[Int32, int]:
    """Strata of a view's keys: for items their category, small categories pooled; one stratum for every other view.

    Pooled, because in a category that a ring fills alone, shuffling would only hand the ring its own places back.
    """
    keys = len(offset) - 1
    if view != "item" or not events.categories:
        return np.zeros(keys, np.int32), 1
    category = events.item_category + 1  # 0 = unknown
    visits = np.bincount(category, weights=np.diff(offset), minlength=len(events.categories) + 1)
    large = visits >= least
    stratum = np.where(large, np.cumsum(large), 0)
    return stratum[category].astype(np.int32), int(large.sum()) + 1


@numba.njit(cache=True, nogil=True)
def _log_shares(offset: Int64, user: Int32, stratum: Int32, users: int, strata: int, smoothing: float) -> Float32:
    """log10 of (own visits in the stratum + smoothing · own share of everything) / (visits in the stratum + smoothing).

    Everything = all strata; a user's own visit always counts, so no share is zero.
    """
    visits = len(user)
    total = np.zeros(strata, np.int64)
    own = np.zeros(users + 1, np.int64)
    for key in range(len(stratum)):
        total[stratum[key]] += offset[key + 1] - offset[key]
    for visit in range(visits):
        own[user[visit] + 1] += 1
    for who in range(users):
        own[who + 1] += own[who]
    place = own[:-1].copy()
    by_user = np.empty(visits, np.int64)
    stratum_of = np.empty(visits, np.int32)
    for key in range(len(stratum)):
        for visit in range(offset[key], offset[key + 1]):
            by_user[place[user[visit]]] = visit
            place[user[visit]] += 1
            stratum_of[visit] = stratum[key]
    shares = np.empty(visits, np.float32)
    count = np.zeros(strata, np.int64)
    for who in range(users):
        for position in range(own[who], own[who + 1]):
            count[stratum_of[by_user[position]]] += 1
        for position in range(own[who], own[who + 1]):
            visit = by_user[position]
            here = stratum_of[visit]
            share = (own[who + 1] - own[who]) / visits
            shares[visit] = np.log10((count[here] + smoothing * share) / (total[here] + smoothing))
        for position in range(own[who], own[who + 1]):
            count[stratum_of[by_user[position]]] = 0
    return shares
