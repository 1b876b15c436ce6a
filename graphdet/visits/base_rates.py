"""Visits → base rates: how likely it is that a user comes to a key just then if nobody coordinates anything.

Everything is counted first, and the rates are made of the counts: of each visit by its own user's other visits, of all visits by the
log's totals. The log, the permuted logs and a ring's replay with something taken away are counted and rated by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from graphdet.arrays import Float32, Float64, Int32, Int64, check_array
from graphdet.schema import ITEM
from graphdet.settings import EvidenceSettings
from graphdet.visits.rushes import drawn_share, log_share_of_hours, public_share
from graphdet.visits.visits import DAY, Visits

UNSURE = 10.0  # visits at other times that say as much as the belief that users are alike
ROUNDING = 1e-4  # that may lift the logarithm of a chance of 1 above 0


@dataclass(frozen=True)
class BaseRates:
    """What was usual, for each of v visits.

    Attributes:
        log_base_rate: (v,) float32, log10 of the chance that a visit of the group is the user's: their share of all visits, times how
            much more than others they were after the group at other times, as far as that can be told (see `homogeneity`); in a rush
            (see `rushes.py`) no less than whoever was about just then came by it with.
        log_intent: (v,) float32, log10 of the chance that they come by this key while they are after its group: their visits to the
            group within the shortest window around, times the key's share of the group's visits at other times.
        near: (v,) int32, those visits of the user to the group within the shortest window around, itself among them.
        usual: (v,) float32, the user's visits to the group per day at other times.
        homogeneity: (2, views) float64, how alike users are in what they are after, and in the keys that they come back to. Users' rates of
            visits to a group, or a key, are taken for Gamma-distributed around everybody's rate with this shape: under 1 where it has its
            fans, large where all do the same.
    """

    log_base_rate: Float32
    log_intent: Float32
    near: Int32
    usual: Float32
    homogeneity: Float64

    def __post_init__(self) -> None:
        visits = len(self.log_base_rate)
        check_array("log_base_rate", self.log_base_rate, np.float32, visits, most=ROUNDING)
        check_array("log_intent", self.log_intent, np.float32, visits, most=0)
        check_array("near", self.near, np.int32, visits, least=1)
        check_array("usual", self.usual, np.float32, visits, least=0)
        for row in self.homogeneity:
            check_array("homogeneity", row, np.float64, self.homogeneity.shape[1], least=np.finfo(np.float64).tiny)

    def __len__(self) -> int:
        return len(self.log_base_rate)


@dataclass(frozen=True)
class LogTotals:
    """What hangs on everybody.

    Attributes:
        visits: all of them.
        seconds: from the log's first to its last, both counted.
        group_visits: (groups,) int64, of each group.
        group_keys: (groups,) int64, keys of each group.
    """

    visits: int
    seconds: int
    group_visits: Int64
    group_keys: Int64

    def __post_init__(self) -> None:
        check_array("group_visits", self.group_visits, np.int64, len(self.group_visits), 0, self.visits)
        check_array("group_keys", self.group_keys, np.int64, len(self.group_visits), 0)
        if self.seconds < 1:
            raise ValueError(f"a log lasts a second at the least (found {self.seconds})")


@dataclass(frozen=True)
class VisitCounts:
    """What hangs on one visit, its user and its key.

    Attributes:
        own: (users,) int64, all visits of each user.
        near: (v,) int32, of the user's visits to the key's group those within the shortest window around, itself among them.
        elsewhen: (v,) int32, the others of those.
        key_elsewhen: (v,) int32, everybody's visits to the key, but for those within its longest window around.
        returns: (v,) int32, of these the user's own.
        public: (v,) float32, of the users who came to what drew more than usual just then the share that is more than any ring has.
        log_hours: (v,) float32, at a key in a rush log10 of the user's share of the view's visits just then; elsewhere nobody asks.
    """

    own: Int64
    near: Int32
    elsewhen: Int32
    key_elsewhen: Int32
    returns: Int32
    public: Float32
    log_hours: Float32

    def __post_init__(self) -> None:
        check_array("own", self.own, np.int64, len(self.own), least=0)
        check_array("near", self.near, np.int32, len(self.near), least=1)
        check_array("elsewhen", self.elsewhen, np.int32, len(self.near), least=0)
        check_array("key_elsewhen", self.key_elsewhen, np.int32, len(self.near), least=0)
        check_array("returns", self.returns, np.int32, len(self.near), least=0)
        check_array("public", self.public, np.float32, len(self.near), 0, 1)
        check_array("log_hours", self.log_hours, np.float32, len(self.near), most=0)


def measure_base_rates(visits: Visits, settings: EvidenceSettings, homogeneity: Float64 | None = None) -> BaseRates:
    """Base rates of a log, or of a permuted log. O(visits).

    Args:
        visits: of everybody.
        settings: bounds of what is believed of homogeneity.
        homogeneity: None = read from these visits. A permuted log gets that of the log: it must not pass for one with other tastes.
    """
    totals = count_totals(visits)
    return rate_visits(visits, count_visits(visits, totals.seconds), totals, settings, homogeneity)


def count_totals(visits: Visits) -> LogTotals:
    """What hangs on everybody, of a whole log."""
    group_visits = np.bincount(visits.group, np.diff(visits.offset), visits.groups).astype(np.int64)
    group_keys = np.bincount(visits.group, minlength=visits.groups).astype(np.int64)
    return LogTotals(len(visits), int(visits.time.max(initial=0)) + 1, group_visits, group_keys)


def count_visits(visits: Visits, seconds: int) -> VisitCounts:
    """What hangs on each visit, as far as its user's visits and its key's visits are all among these; `seconds` is the log's length."""
    own, near, elsewhen = _count_by_user(
        visits.offset, visits.user, visits.time, visits.group, _view(visits), _near(visits), visits.users, visits.groups
    )
    public = public_share(visits, seconds)
    log_hours = log_share_of_hours(visits, drawn_share(visits, seconds, public) > 0)
    return VisitCounts(own, near, elsewhen, count_key_elsewhen(visits, seconds), count_returns(visits, seconds), public, log_hours)


def count_key_elsewhen(visits: Visits, seconds: int) -> Int32:
    """(v,) int32, of each visit everybody's visits to its key at other times."""
    return _count_by_key(visits.offset, visits.time, _view(visits), _away(visits, seconds))


def count_returns(visits: Visits, seconds: int) -> Int32:
    """(v,) int32, of each visit the user's own visits to its key at other times; 0 but at items, since phones have owners."""
    reach = zip(visits.views, _away(visits, seconds).tolist(), strict=True)
    away = np.array([away if view.name == ITEM else seconds for view, away in reach], np.int64)
    return _count_returns(visits.offset, visits.user, visits.time, _view(visits), away, visits.users)


def rate_visits(
    visits: Visits, counts: VisitCounts, totals: LogTotals, settings: EvidenceSettings, homogeneity: Float64 | None
) -> BaseRates:
    """Counts → base rates; homogeneity None = as the counts tell."""
    view, near, seconds = _view(visits), _near(visits), totals.seconds
    history_share = np.maximum(1.0 - 2.0 * _away(visits, seconds) / seconds, 0.0)
    log_share, log_intent, expected = _rate(
        visits.offset, visits.user, visits.group, view, counts.own, counts.near, counts.key_elsewhen, history_share,
        totals.visits, totals.group_visits, totals.group_keys,
    )  # fmt: skip
    view_of_visit = np.repeat(view, np.diff(visits.offset))
    elsewhen = counts.elsewhen.astype(np.float32)
    of_groups = _homogeneity(view_of_visit, elsewhen, expected, len(visits.views), settings) if homogeneity is None else homogeneity[0]
    shape = of_groups.astype(np.float32)[view_of_visit]
    days = np.maximum(seconds - 2 * near, seconds / 4).astype(np.float32) / DAY
    log_habit = log_share + np.log10((shape + elsewhen) / (shape + expected))
    expected = (10.0**log_habit * counts.key_elsewhen).astype(np.float32)
    of_keys = (
        _homogeneity(view_of_visit, counts.returns.astype(np.float32), expected, len(visits.views), settings)
        if homogeneity is None
        else homogeneity[1]
    )
    log_habit = _with_returns(log_habit, of_keys.astype(np.float32)[view_of_visit], counts.returns, expected)
    return BaseRates(
        log_base_rate=_unless_drawn(log_habit, drawn_share(visits, seconds, counts.public), counts.log_hours),
        log_intent=log_intent,
        near=counts.near,
        usual=(elsewhen / days[view_of_visit]).astype(np.float32),
        homogeneity=np.stack([of_groups, of_keys]),
    )


def _with_returns(log_habit: Float32, shape: Float32, returns: Int32, expected: Float32) -> Float32:
    """Who comes back to a key at other times comes by it by habit: a favourite place, a standing order. Whoever does not is no rarer there.

    `returns` and how many of them the base rate gives, `expected`, with the shape of each visit's view.
    """
    likelier = np.log10(np.maximum((shape + returns) / (shape + expected), 1.0))
    return np.minimum(log_habit + likelier, 0).astype(np.float32)


def _unless_drawn(log_habit: Float32, drawn: Float32, log_hours: Float32) -> Float32:
    """What draws everybody to a key just then draws whoever is about; who comes by habit comes by habit still."""
    log_base_rate = log_habit.copy()
    rush = np.flatnonzero(drawn > 0)
    mixed = np.log10(drawn[rush] * 10.0 ** log_hours[rush] + (1 - drawn[rush]) * 10.0 ** log_habit[rush])
    log_base_rate[rush] = np.maximum(log_habit[rush], mixed)
    return log_base_rate


def _homogeneity(view: Int32, elsewhen: Float32, expected: Float32, views: int, settings: EvidenceSettings) -> Float64:
    """Shape of each view's Gamma distribution by the method of moments; all alike where the log is too short to tell.

    Who visits a group has, on average, 1 + 1 / shape times everybody's rate, so visits at other times tell the shape (empirical Bayes).
    """
    lift = (np.bincount(view, elsewhen, views) + UNSURE) / (np.bincount(view, expected, views) + UNSURE)
    return np.asarray(1 / np.clip(lift - 1, 1 / settings.homogeneity_most, 1 / settings.homogeneity_least))


def _view(visits: Visits) -> Int32:
    return visits.view_of(np.arange(visits.keys, dtype=np.int32))


def _near(visits: Visits) -> Int64:
    """(views,) seconds around a visit in which its user is still after the same."""
    return np.array([view.windows[0] for view in visits.views], np.int64)


def _away(visits: Visits, seconds: int) -> Int64:
    """(views,) seconds around a visit that are its time; a quarter of the log on either side is the most, and the rest is history."""
    return np.array([min(view.windows[-1], seconds // 4) for view in visits.views], np.int64)


@numba.njit(cache=True, nogil=True)
def _count_by_user(
    offset: Int64, user: Int32, time: Int32, group: Int32, view: Int32, near: Int64, users: int, groups: int
) -> tuple[Int64, Int32, Int32]:
    """All visits of each user; of each visit the user's visits to its group near in time, and those at other times."""
    visits = len(user)
    begin = np.zeros(users + 1, np.int64)
    for visit in range(visits):
        begin[user[visit] + 1] += 1
    for who in range(users):
        begin[who + 1] += begin[who]
    place = begin[:-1].copy()
    by_user = np.empty(visits, np.int64)
    sort_key = np.empty(visits, np.int64)  # group, then time
    reach = np.zeros(groups, np.int64)
    for key in range(len(group)):
        reach[group[key]] = near[view[key]]
        for visit in range(offset[key], offset[key + 1]):
            by_user[place[user[visit]]] = visit
            sort_key[place[user[visit]]] = (np.int64(group[key]) << 32) | time[visit]
            place[user[visit]] += 1
    near_visits, elsewhen = np.empty(visits, np.int32), np.empty(visits, np.int32)
    for who in range(users):
        start, stop = begin[who], begin[who + 1]
        if start == stop:
            continue
        order = np.argsort(sort_key[start:stop])
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
                near_visits[visit] = high - low
                elsewhen[visit] = last - first - (high - low)
            first = last
    return begin[1:] - begin[:-1], near_visits, elsewhen


@numba.njit(cache=True, nogil=True)
def _count_by_key(offset: Int64, time: Int32, view: Int32, away: Int64) -> Int32:
    """Of each visit the visits to its key that are more than `away` from it."""
    elsewhen = np.empty(len(time), np.int32)
    for key in range(len(offset) - 1):
        aside = away[view[key]]
        low = high = offset[key]
        for visit in range(offset[key], offset[key + 1]):
            while time[visit] - time[low] > aside:
                low += 1
            while high < offset[key + 1] and time[high] - time[visit] <= aside:
                high += 1
            elsewhen[visit] = (offset[key + 1] - offset[key]) - (high - low)
    return elsewhen


@numba.njit(cache=True, nogil=True)
def _count_returns(offset: Int64, user: Int32, time: Int32, view: Int32, away: Int64, users: int) -> Int32:
    """Of each visit the visits of its user to its key that are more than `away` from it."""
    returns = np.zeros(len(user), np.int32)
    last_key = np.full(users, -1, np.int64)
    before = np.full(users, -1, np.int64)
    previous = np.full(len(user), -1, np.int64)  # the same user's visit before, at the same key
    for key in range(len(offset) - 1):
        for visit in range(offset[key], offset[key + 1]):
            who = user[visit]
            if last_key[who] == key:
                previous[visit] = before[who]
            last_key[who], before[who] = key, visit
        for visit in range(offset[key], offset[key + 1]):
            other = previous[visit]
            while other >= 0:
                if time[visit] - time[other] > away[view[key]]:
                    returns[visit] += 1
                    returns[other] += 1
                other = previous[other]
    return returns


@numba.njit(cache=True, nogil=True)
def _rate(
    offset: Int64,
    user: Int32,
    group: Int32,
    view: Int32,
    own: Int64,
    near: Int32,
    key_elsewhen: Int32,
    history_share: Float64,
    all_visits: int,
    group_visits: Int64,
    group_keys: Int64,
) -> tuple[Float32, Float32, Float32]:
    """Of each visit log10 of the user's share of all visits, `log_intent`, and how many visits to the group at other times the user
    would have made in the way of everybody."""
    visits = len(user)
    share_of_user = np.empty(len(own), np.float32)
    for who in range(len(own)):
        share_of_user[who] = np.log10(own[who] / max(all_visits, 1)) if own[who] else 0.0
    log_share, log_intent, expected = np.empty(visits, np.float32), np.empty(visits, np.float32), np.empty(visits, np.float32)
    for key in range(len(group)):
        in_group = group_visits[group[key]]
        history = in_group * history_share[view[key]] + 0.5 * group_keys[group[key]]
        for visit in range(offset[key], offset[key + 1]):
            log_key_share = np.float32(np.log10((key_elsewhen[visit] + 0.5) / history))
            log_share[visit] = share_of_user[user[visit]]
            log_intent[visit] = min(log_key_share + np.log10(np.float64(near[visit])), 0.0)
            expected[visit] = (own[user[visit]] - near[visit]) * in_group / all_visits
    return log_share, log_intent, expected
