"""Visits, stretch of keys by stretch of keys → how many meetings there are, and the pairs of users who meet again.

A meeting is two visits of two users close in time whose evidence is worth counting. Meetings are walked twice: first into a filter, since
only pairs that meet at two or more keys matter and about 99 % do not; then again to keep those, each in the bucket of its smaller user,
and bucket by bucket they are summed. What is found does not depend on how the work was cut, nor on who did it.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Float64, Int32, Int64
from graphdet.settings import EvidenceSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

STRETCH = 1 << 15  # visits that are walked at once, or one key's


class Walk:
    """A log's meetings, walked and summed by a pool of threads."""

    def __init__(
        self,
        visits: Visits,
        base_rates: BaseRates,
        constant: Float32,
        windows: Int32,
        settings: EvidenceSettings,
        pool: Executor,
        asked: Bool | None = None,
    ) -> None:
        """`constant` and `windows` as in `ExpectedMeetings`; `asked` (users,): one of the two at the least must be; None = any two."""
        self._visits, self._settings, self._pool = visits, settings, pool
        key_at = np.argsort(visits.group, kind="stable").astype(np.int32)  # keys by group
        rank = np.empty(visits.keys, np.int32)
        rank[key_at] = np.arange(visits.keys, dtype=np.int32)
        self._walk = _kernels.Walk(
            offset=visits.offset,
            user=visits.user,
            time=visits.time,
            draw=visits.draw,
            log_base_rate=base_rates.log_base_rate,
            log_intent=base_rates.log_intent,
            view_of=visits.view_of(np.arange(visits.keys, dtype=np.int32)),
            group=visits.group,
            key_at=key_at,
            rank=rank,
            constant=constant,
            windows=windows,
            cap=np.array([view.settings.cap for view in visits.views], np.int32),
            asked=np.zeros(0, np.bool_) if asked is None else asked,
            least=settings.least,
            most=settings.most,
            users=visits.users,
        )
        edges = np.r_[np.searchsorted(visits.offset, np.arange(0, max(len(visits), 1), STRETCH)), visits.keys].tolist()
        self._stretches = edges[:-1], edges[1:]

    def count(self, bars: Float64) -> Int64:
        """How many meetings have at least so much evidence; bars rise."""
        counts = self._pool.map(lambda first, end: self._walk.count(first, end, bars), *self._stretches)
        return np.asarray(sum(counts, np.zeros(len(bars), np.int64)))

    def pairs(self, most: float) -> tuple[Int32, Int32, Int32, Float32, Int32, Int32, Float32, Float32]:
        """Pairs of users that met by two choices or more, with evidence of at least `settings.weak`, sorted; and their meetings.

        Args:
            most: meetings that there can be, by which the filter is made.

        Returns:
            (n,) the smaller user, the larger, number of meetings and evidence; (m,) key, seconds apart, evidence and chance.
        """
        parts = self._of_repeated(most)
        most_of_view = np.array([view.settings.most for view in self._visits.views], np.float64)

        def summed(bucket: int) -> tuple[Int32, Int32, Int32, Float32, Int32, Int32, Float32, Float32]:
            return _kernels.sum_pairs(self._walk, parts, bucket, most_of_view, self._settings.intent_prior, self._settings.weak)

        columns = zip(*self._pool.map(summed, range(_kernels.BUCKETS)), strict=True)
        one, other, meetings, evidence, key, apart, key_evidence, chance = (np.concatenate(column) for column in columns)
        return one, other, meetings, evidence, key, apart, key_evidence, chance

    def _of_repeated(self, most: float) -> list[_kernels.Meetings]:
        """Meetings of users that the filter has seen again; it is gone by then."""
        repeats = _kernels.RepeatFilter(most)
        list(self._pool.map(lambda first, end: self._walk.mark(first, end, repeats), *self._stretches))
        return list(self._pool.map(lambda first, end: self._walk.meetings(first, end, repeats), *self._stretches))
