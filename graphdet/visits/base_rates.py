"""Visits → base rates: how likely it is that a user comes to a key just then if nobody coordinates anything.

Everything is counted first, and the rates are made of the counts: of each visit by its own user's other visits, of all visits by the
log's totals. The log, the permuted logs and a ring's replay with something taken away are counted and rated by the same code.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Float64, Int32, Int64, check_array
from graphdet.schema import ITEM
from graphdet.settings import EvidenceSettings
from graphdet.visits.earlier import Earlier
from graphdet.visits.rushes import drawn_share, log_share_of_hours, public_share
from graphdet.visits.visits import BLOCK, DAY, Visits

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
        drawn: (v,) float32, of its key's visits just then the share that something drew.
        log_hours: (v,) float32, at a key in a rush log10 of the user's share of the view's visits just then; elsewhere nobody asks.
    """

    own: Int64
    near: Int32
    elsewhen: Int32
    key_elsewhen: Int32
    returns: Int32
    public: Float32
    drawn: Float32
    log_hours: Float32

    def __post_init__(self) -> None:
        check_array("own", self.own, np.int64, len(self.own), least=0)
        check_array("near", self.near, np.int32, len(self.near), least=1)
        check_array("elsewhen", self.elsewhen, np.int32, len(self.near), least=0)
        check_array("key_elsewhen", self.key_elsewhen, np.int32, len(self.near), least=0)
        check_array("returns", self.returns, np.int32, len(self.near), least=0)
        check_array("public", self.public, np.float32, len(self.near), 0, 1)
        check_array("drawn", self.drawn, np.float32, len(self.near), 0, 1)
        check_array("log_hours", self.log_hours, np.float32, len(self.near), most=0)


def measure_base_rates(
    visits: Visits,
    settings: EvidenceSettings,
    homogeneity: Float64 | None = None,
    threads: int = 1,
    earlier: Earlier | None = None,
) -> BaseRates:
    """Base rates of a log, or of a permuted log. O(visits).

    Args:
        visits: of everybody.
        settings: bounds of what is believed of homogeneity.
        homogeneity: None = read from these visits. A permuted log gets that of the log: it must not pass for one with other tastes.
        threads: the result does not depend on it.
        earlier: the log that this one goes on from, whose counts save counting; the result does not depend on it.
    """
    totals = count_totals(visits)
    return rate_visits(visits, count_visits(visits, totals.seconds, threads, earlier), totals, settings, homogeneity, threads)


def count_totals(visits: Visits) -> LogTotals:
    """What hangs on everybody, of a whole log."""
    group_visits = np.bincount(visits.group, np.diff(visits.offset), visits.groups).astype(np.int64)
    group_keys = np.bincount(visits.group, minlength=visits.groups).astype(np.int64)
    return LogTotals(len(visits), int(visits.time.max(initial=0)) + 1, group_visits, group_keys)


def count_visits(visits: Visits, seconds: int, threads: int = 1, earlier: Earlier | None = None) -> VisitCounts:
    """What hangs on each visit, as far as its user's visits and its key's visits are all among these; `seconds` is the log's length."""
    with ThreadPoolExecutor(1) as beside:
        rushes = beside.submit(_count_rushes, visits, seconds)
        own, near, elsewhen = count_by_user(visits, threads) if earlier is None else _count_by_user_since(visits, earlier, threads)
        key_elsewhen, returns = count_key_elsewhen(visits, seconds), count_returns(visits, seconds, threads)
    return VisitCounts(own, near, elsewhen, key_elsewhen, returns, *rushes.result())


def count_by_user(visits: Visits, threads: int = 1, chosen: Bool | None = None) -> tuple[Int64, Int32, Int32]:
    """`own`, `near` and `elsewhen` of `VisitCounts`, as far as users' visits are all among these, or among the `chosen` ones of them."""
    reach = np.zeros(visits.groups, np.int64)
    reach[visits.group] = _near(visits)[_view(visits)]
    offset, user, time = visits.offset, visits.user, visits.time
    if chosen is not None:
        rows = np.flatnonzero(chosen)
        offset, user, time = np.searchsorted(rows, offset), user[rows], time[rows]
    return _kernels.count_by_user(offset, user, time, visits.group, reach, visits.users, threads)


def _count_by_user_since(visits: Visits, earlier: Earlier, threads: int) -> tuple[Int64, Int32, Int32]:
    """The same, with the counts that stand of visits of users of whom nothing came."""
    came = earlier.touched[visits.user]
    _, *anew = count_by_user(visits, threads, came)
    near, elsewhen = np.empty(len(visits), np.int32), np.empty(len(visits), np.int32)
    for found, then, now in ((near, earlier.near, anew[0]), (elsewhen, earlier.elsewhen, anew[1])):
        found[~came], found[came] = then[earlier.stood], now
    return np.bincount(visits.user, minlength=visits.users).astype(np.int64), near, elsewhen


def count_elsewhen(base_rates: BaseRates, visits: Visits) -> Int32:
    """(v,) int32, `elsewhen` of `VisitCounts` of a whole log's visits; see `elsewhen_of`."""
    days = _days(visits, int(visits.time.max(initial=0)) + 1)
    parts = [np.rint(base_rates.usual[rows] * np.float64(days[view])).astype(np.int32) for view, rows in enumerate(_stretches(visits))]
    return np.concatenate([np.zeros(0, np.int32), *parts])


def _count_rushes(visits: Visits, seconds: int) -> tuple[Float32, Float32, Float32]:
    public = public_share(visits, seconds)
    drawn = drawn_share(visits, seconds, public)
    return public, drawn, log_share_of_hours(visits, drawn > 0)


def elsewhen_of(base_rates: BaseRates, visits: Visits, chosen: Int64, seconds: int) -> Int32:
    """`elsewhen` of `VisitCounts` of some of a log's visits, which their base rates tell: exact below eight million visits of one user."""
    days = np.array(_days(visits, seconds))[
        visits.view_of(np.searchsorted(visits.offset, chosen, side="right").astype(np.int32) - np.int32(1))
    ]
    return np.asarray(np.rint(base_rates.usual[chosen] * days), np.int32)


def count_key_elsewhen(visits: Visits, seconds: int) -> Int32:
    """(v,) int32, of each visit everybody's visits to its key at other times."""
    around = _kernels.count_around(visits.offset, visits.time, _away(visits, seconds)[_view(visits)])
    of_key = np.diff(visits.offset).astype(np.int32)
    return np.repeat(of_key, of_key) - around


def count_returns(visits: Visits, seconds: int, threads: int = 1) -> Int32:
    """(v,) int32, of each visit the user's own visits to its key at other times; 0 but at items, since phones have owners."""
    returns = np.zeros(len(visits), np.int32)
    for view, away in zip(visits.views, _away(visits, seconds).tolist(), strict=True):
        if view.name == ITEM:
            offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
            returns[offset[0] : offset[-1]] = _kernels.count_returns(offset, visits.user, visits.time, away, visits.users, threads)
    return returns


def rate_visits(
    visits: Visits, counts: VisitCounts, totals: LogTotals, settings: EvidenceSettings, homogeneity: Float64 | None, threads: int = 1
) -> BaseRates:
    """Counts → base rates; homogeneity None = as the counts tell."""
    seconds, elsewhen = totals.seconds, counts.elsewhen.astype(np.float32)
    history_share = np.maximum(1.0 - 2.0 * _away(visits, seconds) / seconds, 0.0)
    log_share, log_intent, expected = _kernels.rate_visits(
        visits.offset, visits.user, visits.group, counts.own, counts.near, counts.key_elsewhen, history_share[_view(visits)],
        totals.visits, totals.group_visits, totals.group_keys, threads,
    )  # fmt: skip
    of_groups = _homogeneity(visits, elsewhen, expected, settings) if homogeneity is None else homogeneity[0]
    days = _days(visits, seconds)
    log_habit, usual = np.empty(len(visits), np.float32), np.empty(len(visits), np.float32)

    def by_groups(rows: slice, view: int) -> None:
        shape = np.float32(of_groups[view])
        log_habit[rows] = log_share[rows] + np.log10((shape + elsewhen[rows]) / (shape + expected[rows]))
        expected[rows] = 10.0 ** log_habit[rows] * counts.key_elsewhen[rows]
        usual[rows] = elsewhen[rows] / days[view]

    _in_blocks(visits, by_groups, threads)
    of_keys = _homogeneity(visits, counts.returns.astype(np.float32), expected, settings) if homogeneity is None else homogeneity[1]

    def by_keys(rows: slice, view: int) -> None:
        log_habit[rows] = _with_returns(log_habit[rows], np.float32(of_keys[view]), counts.returns[rows], expected[rows])

    _in_blocks(visits, by_keys, threads)
    return BaseRates(
        log_base_rate=_unless_drawn(log_habit, counts.drawn, counts.log_hours),
        log_intent=log_intent,
        near=counts.near,
        usual=usual,
        homogeneity=np.stack([of_groups, of_keys]),
    )


def _in_blocks(visits: Visits, do: Callable[[slice, int], None], threads: int) -> None:
    """Calls `do` for stretches of visits and the position of their view, on so many threads."""
    blocks = [
        (slice(first, min(first + BLOCK, rows.stop)), view)
        for view, rows in enumerate(_stretches(visits))
        for first in range(rows.start, rows.stop, BLOCK)
    ]
    if threads == 1 or len(blocks) == 1:  # of a ring's part of a log; a thread would take longer than the work
        for rows, view in blocks:
            do(rows, view)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda block: do(*block), blocks))


def _with_returns(log_habit: Float32, shape: np.float32, returns: Int32, expected: Float32) -> Float32:
    """Who comes back to a key at other times comes by it by habit: a favourite place, a standing order. Whoever does not is no rarer there.

    `returns` and how many of them the base rate gives, `expected`, with the shape of the visits' view.
    """
    found = np.minimum(log_habit, 0) + np.float32(0)  # no −0
    back = np.flatnonzero(returns)
    likelier = np.log10(np.maximum((shape + returns[back]) / (shape + expected[back]), 1.0))
    found[back] = np.minimum(log_habit[back] + likelier, 0)
    return found


def _unless_drawn(log_habit: Float32, drawn: Float32, log_hours: Float32) -> Float32:
    """What draws everybody to a key just then draws whoever is about; who comes by habit comes by habit still."""
    log_base_rate = log_habit.copy()
    rush = np.flatnonzero(drawn > 0)
    mixed = np.log10(drawn[rush] * 10.0 ** log_hours[rush] + (1 - drawn[rush]) * 10.0 ** log_habit[rush])
    log_base_rate[rush] = np.maximum(log_habit[rush], mixed)
    return log_base_rate


def _homogeneity(visits: Visits, elsewhen: Float32, expected: Float32, settings: EvidenceSettings) -> Float64:
    """Shape of each view's Gamma distribution by the method of moments; all alike where the log is too short to tell.

    Who visits a group has, on average, 1 + 1 / shape times everybody's rate, so visits at other times tell the shape (empirical Bayes).
    """
    lift = (_sums(visits, elsewhen) + UNSURE) / (_sums(visits, expected) + UNSURE)
    return np.asarray(1 / np.clip(lift - 1, 1 / settings.homogeneity_most, 1 / settings.homogeneity_least))


def _sums(visits: Visits, values: Float32) -> Float64:
    """(views,) of the visits of each, added one after the other, so that the sum is the same on every machine."""
    return np.array([np.cumsum(values[rows], dtype=np.float64)[-1] if rows.start < rows.stop else 0.0 for rows in _stretches(visits)])


def _stretches(visits: Visits) -> list[slice]:
    """Visits of each view."""
    ends = [0, *(int(visits.offset[view.first_key + view.keys]) for view in visits.views)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


def _view(visits: Visits) -> Int32:
    return visits.view_of(np.arange(visits.keys, dtype=np.int32))


def _days(visits: Visits, seconds: int) -> list[float]:
    """For each view days of a log that are other times for a visit."""
    return list((np.maximum(seconds - 2 * _near(visits), seconds / 4).astype(np.float32) / DAY).tolist())


def _near(visits: Visits) -> Int64:
    """(views,) seconds around a visit in which its user is still after the same."""
    return np.array([view.windows[0] for view in visits.views], np.int64)


def _away(visits: Visits, seconds: int) -> Int64:
    """(views,) seconds around a visit that are its time; a quarter of the log on either side is the most, and the rest is history."""
    return np.array([min(view.windows[-1], seconds // 4) for view in visits.views], np.int64)
