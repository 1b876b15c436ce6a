"""Visits, slice of keys by slice of keys → how many meetings there are, whose they are, and those of users who meet again.

A slice has about as many visits however many threads there are, so what is held at once does not grow with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphdet.arrays import Float32, Float64, Int32, Int64
from graphdet.evidence.repeats import RepeatFilter, Words, hash_pairs
from graphdet.evidence.walk import Keys, Limits, pairs_of, walk
from graphdet.settings import EvidenceSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

SLICE = 1 << 15  # visits that are walked at once, or one key's


class PairMeetings(NamedTuple):
    """m meetings of users who meet again, in order of their keys."""

    pair: Int64  # (m,) the smaller user code times the number of users, and the larger
    key: Int32  # (m,)
    evidence: Float32  # (m,) if it is the one of its group that counts in full
    again: Float32  # (m,) if it is not
    apart: Int32  # (m,) seconds between the two visits
    chance: Float32  # (m,) log10 of the two users' base rates
    draws: Int32  # (2, m) draw of the smaller user's visit, and of the larger's


class Slices:
    """A log's keys in slices, to be walked in any order."""

    def __init__(self, visits: Visits, base_rates: BaseRates, constant: Float32, windows: Int32, settings: EvidenceSettings) -> None:
        """`constant` (k, w) and `windows` (views, w) as in `walk.Keys` and `walk.Limits`."""
        self._visits, self._base_rates, self._constant, self._intent_prior = visits, base_rates, constant, np.float64(settings.intent_prior)
        cap = np.array([view.settings.cap for view in visits.views], np.int32)
        self._limits = Limits(windows, cap, settings.least, settings.most)
        self._view_of = visits.view_of(np.arange(visits.keys, dtype=np.int32))
        self._edges = np.r_[np.searchsorted(visits.offset, np.arange(0, max(len(visits), 1), SLICE)), visits.keys]

    def __len__(self) -> int:
        return len(self._edges) - 1

    def count(self, number: int, bars: Float64) -> Int64:
        """How many of a slice's meetings have at least so much evidence."""
        evidence = walk(self._keys(number), self._limits).evidence
        return np.array([np.count_nonzero(evidence >= bar) for bar in bars])

    def hashes(self, number: int) -> Words:
        """The pair of users of each of a slice's meetings, hashed."""
        keys = self._keys(number)
        return hash_pairs(pairs_of(walk(keys, self._limits), keys, self._visits.users))

    def of_repeated(self, number: int, repeats: RepeatFilter) -> PairMeetings:
        """A slice's meetings of pairs that the filter has seen again."""
        keys = self._keys(number)
        meetings = walk(keys, self._limits)
        pair = pairs_of(meetings, keys, self._visits.users)
        chosen = np.flatnonzero(repeats.repeated(hash_pairs(pair)))
        one, other, evidence = meetings.one[chosen], meetings.other[chosen], meetings.evidence[chosen]
        rows = self._visits.offset[self._edges[number]]
        intent, draw = self._base_rates.log_intent[rows:], self._visits.draw[rows:]
        in_turn = keys.user[one] < keys.user[other]
        return PairMeetings(
            pair=pair[chosen],
            key=meetings.key[chosen] + self._edges[number].astype(np.int32),
            evidence=evidence,
            again=np.clip(self._intent_prior - intent[one] - intent[other], 0, evidence).astype(np.float32),
            apart=keys.time[other] - keys.time[one],
            chance=keys.log_base_rate[one] + keys.log_base_rate[other],
            draws=np.where(in_turn, (draw[one], draw[other]), (draw[other], draw[one])),
        )

    def _keys(self, number: int) -> Keys:
        """A slice's keys and visits, without a copy."""
        visits, keys = self._visits, slice(self._edges[number], self._edges[number + 1])
        offset = visits.offset[keys.start : keys.stop + 1]
        rows = slice(offset[0], offset[-1])
        return Keys(
            offset=offset - offset[0],
            view_of=self._view_of[keys],
            constant=self._constant[keys],
            user=visits.user[rows],
            time=visits.time[rows],
            log_base_rate=self._base_rates.log_base_rate[rows],
        )
