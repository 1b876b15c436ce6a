"""What is left of members' events → all visits as the whole log would have them, counted and rated anew.

Whoever is left with fewer visits looks less busy and less given to the things they came for, so what remains of them tells more.
Without that a ring would seem to fall apart long before detection lost it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphdet.arrays import Bool, Int32, Int64
from graphdet.replay.small_log import SmallLog, rate_told
from graphdet.visits.base_rates import BaseRates, LogTotals, VisitCounts, count_key_elsewhen, count_returns, count_visits
from graphdet.visits.draws import ALONE
from graphdet.visits.rushes import drawn_share
from graphdet.visits.visits import Visits, visits_of_view


@dataclass(frozen=True)
class Made:
    """Members' own visits, from events: `counts` of them, and `position` (v,) int64 of the recorded visit that each stands for, or −1."""

    visits: Visits
    counts: VisitCounts
    position: Int64


class Remaining:
    """One ring's small log without some of its events.

    What members do is counted by the code that counts a whole log (`visits/base_rates.py`); what hangs on everybody is as the run
    recorded it, less what is gone. So nothing changes where nothing is taken away.
    """

    def __init__(self, small: SmallLog) -> None:
        self._small = small
        self._static = np.flatnonzero(~small.known)
        every = self._made(np.zeros(len(small.events), np.bool_))
        self._every = every
        # Of members with more events than the run keeps, the others count as they did.
        near, elsewhen = np.zeros(len(small.visits), np.int32), np.zeros(len(small.visits), np.int32)
        at = every.position >= 0
        near[every.position[at]] = every.counts.near[at]
        elsewhen[every.position[at]] = every.counts.elsewhen[at]
        self._unseen_near = np.where(near > 0, small.counts.near - near, 0)
        self._unseen_elsewhen = np.where(near > 0, small.counts.elsewhen - elsewhen, 0)

    def without(self, removed: Bool) -> tuple[Visits, BaseRates]:
        """(e,) bool over the small log's events → visits and base rates as if these had never been."""
        small, static = self._small, self._static
        made = self._made(removed)
        at = np.flatnonzero(made.position >= 0)
        told = made.position[at]
        key = np.repeat(np.arange(small.visits.keys), np.diff(small.visits.offset))
        own_key = np.repeat(np.arange(small.visits.keys), np.diff(made.visits.offset))[at]
        keys, times = np.r_[key[static], own_key], np.r_[small.visits.time[static], made.visits.time[at]]
        recorded = np.r_[static, told]
        order = np.lexsort((recorded, times, keys))
        visits = replace(
            small.visits,
            offset=np.searchsorted(keys[order], np.arange(small.visits.keys + 1)).astype(np.int64),
            user=np.r_[small.visits.user[static], made.visits.user[at]][order],
            time=times[order],
            draw=small.visits.draw[recorded[order]],
        )
        near = np.r_[small.counts.near[static], np.maximum(made.counts.near[at] + self._unseen_near[told], 1)]
        elsewhen = np.r_[small.counts.elsewhen[static], np.maximum(made.counts.elsewhen[at] + self._unseen_elsewhen[told], 0)]
        public = small.counts.public[recorded[order]]
        counts = VisitCounts(
            own=np.maximum(small.counts.own - (self._every.counts.own - made.counts.own), 1),
            near=near[order].astype(np.int32),
            elsewhen=elsewhen[order].astype(np.int32),
            key_elsewhen=count_key_elsewhen(visits, small.totals.seconds),
            returns=count_returns(visits, small.totals.seconds),
            public=public,
            drawn=drawn_share(visits, small.totals.seconds, public),
            log_hours=small.counts.log_hours[recorded[order]],
        )
        return visits, rate_told(visits, counts, self._totals(made), small.homogeneity, small.told[recorded[order]])

    def _totals(self, made: Made) -> LogTotals:
        totals = self._small.totals
        gone = _by_group(self._every.visits, totals) - _by_group(made.visits, totals)
        return replace(
            totals,
            visits=totals.visits - (len(self._every.visits) - len(made.visits)),
            group_visits=np.maximum(totals.group_visits - gone, 0),
        )

    def _made(self, removed: Bool) -> Made:
        small = self._small
        offsets, users, times = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        before = 0  # visits of the views before; a view may have none here, and no key
        for view in small.visits.views:
            code = np.where(removed | (small.second < 0), np.int32(-1), small.events.codes[view.name])
            second = np.maximum(small.second, 0).astype(np.int32)
            offset, user, time = visits_of_view(code, small.events.codes["user"], second, view.keys, small.visits.users, view.windows[0])
            offsets.append(offset[1:] + before)
            before += len(user)
            users.append(user)
            times.append(time)
        visits = replace(
            small.visits,
            offset=np.concatenate(offsets),
            user=np.concatenate(users),
            time=np.concatenate(times),
            draw=np.full(sum(len(user) for user in users), ALONE, np.int32),
            users=len(small.counts.own),
        )
        return Made(visits, count_visits(visits, small.totals.seconds), _latest(small.visits, visits))


def _by_group(visits: Visits, totals: LogTotals) -> Int64:
    return np.bincount(visits.group, np.diff(visits.offset), len(totals.group_visits)).astype(np.int64)


def _latest(recorded: Visits, made: Visits) -> Int64:
    """Of each made visit the recorded one of its user at its key that began last, no later; −1 where there is none."""
    known, wanted = _codes(recorded, made.users), _codes(made, made.users)
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known[order], wanted, side="right") - 1
    found = order[np.maximum(place, 0)]
    return np.where((place >= 0) & (known[found] >> 31 == wanted >> 31), found, -1)


def _codes(visits: Visits, users: int) -> Int64:
    """Key, user and second of each visit in one number."""
    key: Int32 = np.repeat(np.arange(visits.keys), np.diff(visits.offset))
    return np.asarray((key.astype(np.int64) * users + visits.user) << 31 | visits.time)
