"""What is left of members' events → all visits as the whole log would have them: members' made and measured anew, strangers' as they were.

Whoever is left with fewer visits looks less busy and less given to the things he came for, so what remains of him tells more. Without
that a ring would seem to fall apart long before detection lost it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import numpy as np

from graphdet.arrays import Bool, Float64, Int64
from graphdet.record.recording import BASE_RATES
from graphdet.replay.casebook import Casebook, SmallLog
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import DAY, Visits


class Habits:
    """One ring's members and all their events at keys of any view, in order of user, key and time.

    `visits/visits.py` defines what is measured. What hangs on everybody (a key's share of its kind's visits, a kind's share of all) is
    read back from what the run recorded; so nothing changes where nothing is taken away.
    """

    def __init__(self, casebook: Casebook, small: SmallLog) -> None:
        self._visits = visits = small.visits
        self._rates, self._told = small.base_rates, small.told
        second = casebook.seconds(small.rows)
        columns: list[list[Int64]] = [[] for _ in range(5)]
        for view in visits.views:
            code = small.events.codes[view.name]
            event = np.flatnonzero((code >= 0) & (second >= 0))
            of = (event, small.events.codes["user"][event].astype(np.int64), code[event].astype(np.int64) + view.first_key)
            for column, values in zip(columns, (*of, second[event], small.made[view.name][event]), strict=True):
                column.append(values)
        event, user, key, at, made = (np.concatenate(column) for column in columns)
        order = np.lexsort((event, at, key, user))
        self._event, self._user, self._key, self._at, self._made = event[order], user[order], key[order], at[order], made[order]
        self._view = visits.view_of(self._key.astype(np.int32)).astype(np.int64)
        self._group = visits.group[self._key].astype(np.int64)
        self._near = np.array([view.windows[0] for view in visits.views], np.int64)
        span = float(casebook.background["seconds"] + 1)
        self._days = np.maximum(span - 2.0 * self._near, span / 4.0) / DAY
        self._away = np.array([min(view.windows[-1], int(span) // 4) for view in visits.views], np.int64)
        self._log_visits = np.log10(float(casebook.background["visits"]))
        static = np.flatnonzero(~small.known)
        self._place = np.repeat(np.arange(visits.keys), np.diff(visits.offset))[static] << 32 | visits.time[static]
        self._static = {name: getattr(visits, name)[static] for name in ("user", "time")}
        self._static |= {name: getattr(self._rates, name)[static] for name in BASE_RATES}
        self._key_share, self._group_share = self._of_everybody()
        keys = np.repeat(np.arange(visits.keys), np.diff(visits.offset))
        self._elsewhen = self._at_other_times([keys << 32 | visits.time], keys, visits.time.astype(np.int64))

    def _begin(self, removed: Bool) -> tuple[Int64, Int64, Int64, Int64]:
        """Rows that begin a visit; near, other and own visits of each, as in `Visits`."""
        rows = np.flatnonzero(~removed[self._event])
        begin = rows[_begins(self._user[rows], self._key[rows], self._at[rows], self._near[self._view[rows]])]
        order = np.lexsort((self._at[begin], self._group[begin], self._user[begin]))
        begin = begin[order]
        near, other, own = _counts(self._user[begin], self._group[begin], self._at[begin], self._near[self._view[begin]])
        return begin, near, other, own

    def _of_everybody(self) -> tuple[Float64, Float64]:
        """(v,) log10 of the key's share of its group at other times; (v,) share of the group of all visits, both of known visits."""
        visits = self._visits
        begin, near, other, own = self._begin(np.zeros(int(self._event.max(initial=-1)) + 1, np.bool_))
        made = self._made[begin]
        begin, near, other, own, made = (column[made >= 0] for column in (begin, near, other, own, made))
        shape = self._rates.homogeneity[self._view[begin]]
        ratio = 10.0 ** (self._rates.log_base_rate[made] - np.log10(own) + self._log_visits)
        expected = np.maximum((shape + other) / ratio - shape, 0.0)
        key_share, group_share = np.zeros(len(visits)), np.zeros(len(visits))
        key_share[made] = self._rates.log_intent[made] - np.log10(near)
        group_share[made] = expected / np.maximum(own - near, 1)
        return key_share, group_share

    def _at_other_times(self, places: list[Int64], key: Int64, second: Int64) -> Int64:
        """How many of some visits (sorted, key and second in one) are at a key, but not near or around a second."""
        away = self._away[self._visits.view_of(key.astype(np.int32))]
        bounds = (key << 32, (key << 32) + np.maximum(second - away, 0), (key << 32) + second + away + 1, (key + 1) << 32)
        first, low, high, last = (sum(np.searchsorted(place, bound) for place in places) for bound in bounds)
        return np.asarray(last - first - (high - low))

    def left(self, removed: Bool) -> tuple[Visits, BaseRates]:
        """(e,) bool over the small log's events → the visits as if these had never been."""
        visits = self._visits
        begin, near, other, every = self._begin(removed)
        made = self._made[begin]
        begin, near, other, every, made = (column[made >= 0] for column in (begin, near, other, every, made))
        view = self._view[begin]
        shape = self._rates.homogeneity[view]
        habit = np.log10(every) - self._log_visits + np.log10((shape + other) / (shape + (every - near) * self._group_share[made]))
        order = np.argsort(self._key[begin] << 32 | self._at[begin], kind="stable")
        own = (self._key[begin] << 32 | self._at[begin])[order]
        elsewhen = self._at_other_times([self._place, own], self._key[begin], self._at[begin])
        key_share = self._key_share[made] + np.log10((elsewhen + 0.5) / (self._elsewhen[made] + 0.5))
        told = self._told[made]
        measured = {
            "log_base_rate": habit,
            "log_intent": np.minimum(key_share + np.log10(near), 0.0),
            "near": near,
            "usual": other / self._days[view],
        }
        columns: dict[str, np.ndarray[Any, Any]] = {"user": self._user[begin], "time": self._at[begin]} | measured
        before = np.searchsorted(self._place, own, side="right")
        of_visits: dict[str, Any] = {}
        for name, static in self._static.items():
            anew = columns[name] if name not in BASE_RATES else np.where(told, columns[name], getattr(self._rates, name)[made])
            of_visits[name] = np.insert(static, before, anew[order].astype(static.dtype))
        starts = np.arange(visits.keys + 1) << 32
        offset = np.searchsorted(self._place, starts) + np.searchsorted(own, starts)
        user, time = of_visits.pop("user"), of_visits.pop("time")
        return replace(visits, offset=offset, user=user, time=time), replace(self._rates, **of_visits)


@numba.njit(cache=True, nogil=True)
def _begins(user: Int64, key: Int64, second: Int64, gap: Int64) -> Int64:
    """Of rows by user, key and time those that are no return within `gap` seconds of the visit before."""
    found = np.empty(len(user), np.int64)
    count = 0
    for row in range(len(user)):
        last = found[count - 1] if count else -1
        if last < 0 or user[row] != user[last] or key[row] != key[last] or second[row] - second[last] > gap[row]:
            found[count] = row
            count += 1
    return found[:count]


@numba.njit(cache=True, nogil=True)
def _counts(user: Int64, group: Int64, second: Int64, near: Int64) -> tuple[Int64, Int64, Int64]:
    """Of visits by user, group and time: the user's visits to the group near in time, those at other times, and all his visits."""
    visits = len(user)
    close, other, own = np.empty(visits, np.int64), np.empty(visits, np.int64), np.empty(visits, np.int64)
    begin = 0
    while begin < visits:
        finish = begin
        while finish < visits and user[finish] == user[begin]:
            finish += 1
        first = begin
        while first < finish:
            last = first
            while last < finish and group[last] == group[first]:
                last += 1
            low = high = first
            for visit in range(first, last):
                while second[visit] - second[low] > near[visit]:
                    low += 1
                while high < last and second[high] - second[visit] <= near[visit]:
                    high += 1
                close[visit], other[visit], own[visit] = high - low, last - first - (high - low), finish - begin
            first = last
        begin = finish
    return close, other, own
