"""Visits → pair evidence: how much likelier two users' meetings are if they are coordinated than if users choose by themselves.

For two visits of users u and v at key k within window w:

    evidence = log10( μ · (½ / N + ½ · P_kw / P_w) )  −  log10( 2 · P_kw · h_u · h_v )  −  log10(number of windows)

P_kw = pairs of visits at k within w, P_w = the same over the view, N = keys of the view where anybody meets, μ = meetings expected
of a coordinated pair, h = the user's base rate: the smoothed share of the visits to k's group, counted at other times than now. The
second term is the chance meetings that the null has; the first spreads a coordinated pair's meetings half over keys alike, half
over meetings alike, so that a ring that made its own target popular is not explained away by its own size. The best window and the
best meeting at a key count. Ancestors: SynchroTrap (Cao et al. 2014), CopyCatch (Beutel et al. 2013).

Base rates do not tell that two people are both after one kind of thing just now. So of a pair's keys in one group, one counts in full;
each other counts at most log10(chance that a coordinated pair meets there too) − intent_u − intent_v, where intent = log10 of the chance
that a user who is after the group comes by k anyway. The sum over keys, weak views capped, is the pair's evidence.

`walk.py` walks the meetings.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Float64, Int32, Int64, check_array, check_columns, check_sorted, offsets, stretches
from graphdet.evidence.walk import Walk
from graphdet.settings import EvidenceSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits


@dataclass(frozen=True)
class PairEvidence:
    """n pairs of users with evidence, and the m meetings that it is the sum of.

    Attributes:
        users: (n, 2) int32 user codes, the smaller first; sorted.
        evidence: (n,) float32, log10 likelihood ratio summed over keys, weak views capped; higher = more suspicious.
        offset: (n + 1,) int64, meetings of pair i are offset[i] … offset[i + 1] − 1.
        key: (m,) int32 key where they met.
        key_evidence: (m,) float32 what that key adds to the sum, before weak views are capped.
        seconds_apart: (m,) int32, the closest two of their visits there that say at least `settings.least`.
        chance: (m,) float32, log10 of h_u · h_v at the strongest meeting there.
    """

    users: Int32
    evidence: Float32
    offset: Int64
    key: Int32
    key_evidence: Float32
    seconds_apart: Int32
    chance: Float32

    def __post_init__(self) -> None:
        if self.users.ndim != 2 or self.users.shape[1] != 2:
            raise ValueError(f"users must be (n, 2) (found {self.users.shape})")
        smaller, larger = self.users.T
        check_columns(len(self.evidence), smaller=(smaller, np.int32), larger=(larger, np.int32), evidence=(self.evidence, np.float32))
        check_columns(
            len(self.key),
            key=(self.key, np.int32),
            key_evidence=(self.key_evidence, np.float32),
            seconds_apart=(self.seconds_apart, np.int32),
            chance=(self.chance, np.float32),
        )
        check_array("offset", self.offset, np.int64, len(self.evidence) + 1)
        if self.offset[0] != 0 or self.offset[-1] != len(self.key) or (np.diff(self.offset) < 0).any():
            raise ValueError("offset must rise from 0 to the number of meetings")
        if (smaller >= larger).any():
            raise ValueError("users must be two, the smaller first")
        check_sorted("pairs", (smaller.astype(np.int64) << 32) | larger)

    def __len__(self) -> int:
        return len(self.users)

    def take(self, chosen: Int64) -> PairEvidence:
        """Some of the pairs, numbers rising, with their meetings."""
        rows = stretches(self.offset, chosen)
        return PairEvidence(
            users=self.users[chosen],
            evidence=self.evidence[chosen],
            offset=offsets(np.diff(self.offset)[chosen]),
            key=self.key[rows],
            key_evidence=self.key_evidence[rows],
            seconds_apart=self.seconds_apart[rows],
            chance=self.chance[rows],
        )


@dataclass(frozen=True)
class ExpectedMeetings:
    """What the null expects at each key: the null keeps every visit's place and time, so real and permuted logs share it.

    Attributes:
        pairs: (k, w) float64, pairs of visits at key k within window w of its view.
        constant: (k, w) float32, evidence of a meeting before the two users' shares are taken off.
        windows: (k's view, w) int32 seconds; shorter rows are filled with −1.
    """

    pairs: Float64
    constant: Float32
    windows: Int32

    def __post_init__(self) -> None:
        if self.pairs.shape != self.constant.shape or self.windows.shape[1:] != self.pairs.shape[1:]:
            raise ValueError(
                f"pairs, constant and windows must fit together (found {self.pairs.shape}, {self.constant.shape}, {self.windows.shape})"
            )
        if self.pairs.size and not self.pairs.min() >= 0:
            raise ValueError("pairs of visits must be numbers of at least 0")


def expected_meetings(visits: Visits) -> ExpectedMeetings:
    """Chance meetings per key and window. O(visits)."""
    width = max((len(view.windows) for view in visits.views), default=1)
    windows = np.full((len(visits.views), width), -1, np.int32)
    pairs = np.zeros((visits.keys, width))
    constant = np.full((visits.keys, width), -np.inf, np.float32)
    for position, view in enumerate(visits.views):
        windows[position, : len(view.windows)] = view.windows
        rows = slice(view.first_key, view.first_key + view.keys)
        for column, window in enumerate(view.windows):
            found = _kernels.count_pairs(visits.offset[view.first_key : view.first_key + view.keys + 1], visits.time, window)
            pairs[rows, column] = found
            meeting = found > 0
            prior = view.settings.meetings * (0.5 / max(meeting.sum(), 1) + 0.5 * found / max(found.sum(), 1))
            with np.errstate(divide="ignore", invalid="ignore"):
                constant[rows, column] = np.where(meeting, np.log10(prior / (2 * found)) - np.log10(len(view.windows)), -np.inf)
    return ExpectedMeetings(pairs, constant, windows)


def affordable_evidence(
    visits: Visits, base_rates: BaseRates, expected: ExpectedMeetings, settings: EvidenceSettings, threads: int
) -> EvidenceSettings:
    """The same settings, `least` raised by halves until no more than `meetings_most` meetings for each visit are counted."""
    bars = settings.least + 0.5 * np.arange(max(np.ceil((settings.most - settings.least) / 0.5), 0) + 1)
    with ThreadPoolExecutor(threads) as pool:
        counts = Walk(visits, base_rates, expected.constant, expected.windows, settings, pool).count(bars)
    affordable = counts <= settings.meetings_most * len(visits)
    affordable[-1] = True
    return settings.model_copy(update={"least": float(bars[np.argmax(affordable)])})


def measure_pairs(
    visits: Visits,
    base_rates: BaseRates,
    expected: ExpectedMeetings,
    settings: EvidenceSettings,
    threads: int,
    asked: Bool | None = None,
) -> PairEvidence:
    """Pairs of users that met at two or more keys, with evidence of at least `settings.weak`.

    Args:
        visits: of the log, or of a permuted log.
        base_rates: of these visits.
        expected: from `expected_meetings`, of the log or of a permuted log of it.
        settings: affordable ones, from `affordable_evidence`.
        threads: the result does not depend on it.
        asked: (users,) only pairs of which one is among these; None = all pairs.
    """
    most = min(expected.pairs.max(axis=1, initial=0).sum(), settings.meetings_most * len(visits))
    with ThreadPoolExecutor(threads) as pool:
        walk = Walk(visits, base_rates, expected.constant, expected.windows, settings, pool, asked)
        one, other, meetings, evidence, key, apart, key_evidence, chance = walk.pairs(most)
    return PairEvidence(
        users=np.stack([one, other], axis=1),
        evidence=evidence,
        offset=np.r_[0, np.cumsum(meetings, dtype=np.int64)],
        key=key,
        key_evidence=key_evidence,
        seconds_apart=apart,
        chance=chance,
    )
