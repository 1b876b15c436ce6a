"""What is left of members' events → all visits as the whole log would have them, counted and rated anew.

Whoever is left with fewer visits looks less busy and less given to the things they came for, so what remains of them tells more.
Without that a ring would seem to fall apart long before detection lost it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from graphdet.arrays import Bool, Int32, Int64, Number, offsets
from graphdet.replay.small_log import SmallLog, rate_told
from graphdet.visits.base_rates import BaseRates, LogTotals, VisitCounts, count_by_user, count_key_elsewhen, count_returns
from graphdet.visits.draws import ALONE
from graphdet.visits.rushes import drawn_share
from graphdet.visits.visits import Visits, visits_of_view


@dataclass(frozen=True)
class Made:
    """Members' own visits, from events.

    Attributes:
        visits: by key and time.
        own: (users,) int64, `near` and `elsewhen` (v,) int32 as in `VisitCounts`.
        position: (v,) int64 of the recorded visit that each stands for, or −1.
    """

    visits: Visits
    own: Int64
    near: Int32
    elsewhen: Int32
    position: Int64


class Remaining:
    """One ring's small log without some of its events.

    What members do is counted by the code that counts a whole log (`visits/base_rates.py`); what hangs on everybody is as the run
    recorded it, less what is gone. So nothing changes where nothing is taken away.
    """

    def __init__(self, small: SmallLog) -> None:
        self._small = small
        self._key = key_of_visits(small.visits)
        self._static = np.flatnonzero(~small.known)
        self._moment = self._key << 31 | small.visits.time  # rising
        self._codes, self._by_code = _ordered_codes(small.visits, self._key, len(small.counts.own))
        every = self._made(np.zeros(len(small.events), np.bool_))
        self._every = every
        self._group_visits = _by_group(every.visits, small.totals)
        # Of members with more events than the run keeps, the others count as they did.
        near, elsewhen = np.zeros(len(small.visits), np.int32), np.zeros(len(small.visits), np.int32)
        at = every.position >= 0
        near[every.position[at]] = every.near[at]
        elsewhen[every.position[at]] = every.elsewhen[at]
        self._unseen_near = np.where(near > 0, small.counts.near - near, np.int32(0))
        self._unseen_elsewhen = np.where(near > 0, small.counts.elsewhen - elsewhen, np.int32(0))

    def without(self, removed: Bool) -> tuple[Visits, BaseRates]:
        """(e,) bool over the small log's events → visits and base rates as if these had never been."""
        small = self._small
        made = self._made(removed)
        at = np.flatnonzero(made.position >= 0)
        own_key = key_of_visits(made.visits)[at]
        at, between, left = self._merged(at, own_key, made)
        told, place = made.position[at], between + np.arange(len(at))
        others = np.ones(len(at) + len(self._static), np.bool_)
        others[place] = False

        def merged(static: npt.NDArray[Number], own: npt.NDArray[Number]) -> npt.NDArray[Number]:
            found = np.empty(len(others), static.dtype)
            found[place], found[others] = own, static[self._static]
            return found

        visits = replace(
            small.visits,
            offset=left,
            user=merged(small.visits.user, made.visits.user[at]),
            time=merged(small.visits.time, made.visits.time[at]),
            draw=merged(small.visits.draw, small.visits.draw[told]),
        )
        public = merged(small.counts.public, small.counts.public[told])
        counts = VisitCounts(
            own=np.maximum(small.counts.own - (self._every.own - made.own), 1),
            near=merged(small.counts.near, np.maximum(made.near[at] + self._unseen_near[told], 1)),
            elsewhen=merged(small.counts.elsewhen, np.maximum(made.elsewhen[at] + self._unseen_elsewhen[told], 0)),
            key_elsewhen=count_key_elsewhen(visits, small.totals.seconds),
            returns=count_returns(visits, small.totals.seconds),
            public=public,
            drawn=drawn_share(visits, small.totals.seconds, public),
            log_hours=merged(small.counts.log_hours, small.counts.log_hours[told]),
        )
        return visits, rate_told(visits, counts, self._totals(made), small.homogeneity, merged(small.told, small.told[told]))

    def _merged(self, at: Int64, own_key: Int64, made: Made) -> tuple[Int64, Int64, Int64]:
        """Own visits in the order in which they stand among the others, before how many of these each does, and the offsets of all.

        A visit stands where its recorded one stood; what begins later than that one did, before whatever came then.
        """
        told, moment = made.position[at], own_key << 31 | made.visits.time[at]
        same = moment == self._moment[told]
        place = 2 * np.where(same, told, np.searchsorted(self._moment, moment)) - ~same
        order = np.lexsort((told, moment, place))
        lengths = np.bincount(self._key[self._static], minlength=self._small.visits.keys) + np.bincount(
            own_key, minlength=self._small.visits.keys
        )
        return at[order], np.searchsorted(2 * self._static, place[order]), offsets(lengths)

    def _totals(self, made: Made) -> LogTotals:
        totals = self._small.totals
        gone = self._group_visits - _by_group(made.visits, totals)
        return replace(
            totals,
            visits=totals.visits - (len(self._every.visits) - len(made.visits)),
            group_visits=np.maximum(totals.group_visits - gone, 0),
        )

    def _made(self, removed: Bool) -> Made:
        small = self._small
        of_views, users, times = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        before = 0  # visits of the views before; a view may have none here, and no key
        gone, second = removed | (small.second < 0), np.maximum(small.second, 0).astype(np.int32)
        for view in small.visits.views:
            code = np.where(gone, np.int32(-1), small.events.codes[view.name])
            offset, user, time = visits_of_view(code, small.events.codes["user"], second, view.keys, small.visits.users, view.windows[0])
            of_views.append(offset[1:] + before)
            before += len(user)
            users.append(user)
            times.append(time)
        visits = replace(
            small.visits,
            offset=np.concatenate(of_views),
            user=np.concatenate(users),
            time=np.concatenate(times),
            draw=np.full(before, ALONE, np.int32),
        )
        return Made(visits, *count_by_user(visits), self._latest(visits))

    def _latest(self, made: Visits) -> Int64:
        """Of each made visit the recorded one of its user at its key that began last, no later; −1 where there is none."""
        wanted = _codes(made, key_of_visits(made), made.users)
        if not len(self._codes):
            return np.full(len(wanted), -1, np.int64)
        place = np.searchsorted(self._codes, wanted, side="right") - 1
        known = np.maximum(place, 0)
        return np.where((place >= 0) & (self._codes[known] >> 31 == wanted >> 31), self._by_code[known], -1)


def key_of_visits(visits: Visits) -> Int64:
    """(v,) key of each visit."""
    return np.repeat(np.arange(visits.keys), np.diff(visits.offset))


def _by_group(visits: Visits, totals: LogTotals) -> Int64:
    return np.bincount(visits.group, np.diff(visits.offset), len(totals.group_visits)).astype(np.int64)


def _ordered_codes(visits: Visits, key: Int64, users: int) -> tuple[Int64, Int64]:
    codes = _codes(visits, key, users)
    order = np.argsort(codes, kind="stable")
    return codes[order], order


def _codes(visits: Visits, key: Int64, users: int) -> Int64:
    """Key, user and second of each visit in one number."""
    return (key * users + visits.user) << 31 | visits.time
