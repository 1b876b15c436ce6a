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

One kernel walks the pairs twice: first into a counting filter (a Bloom filter with a second storey), since only pairs that meet at two
or more keys matter and about 99 % do not; then again to emit those. It works on blocks of keys, so threads share nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from graphdet.arrays import Bool, Float32, Float64, Int32, Int64
from graphdet.settings import EvidenceSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

Words = npt.NDArray[np.uint64]
Result = TypeVar("Result")


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
        if not (len(self.users) == len(self.evidence) == len(self.offset) - 1 and self.offset[-1] == len(self.key)):
            raise ValueError("pairs, evidence and offsets must fit together")

    def __len__(self) -> int:
        return len(self.users)


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
            found = _count_pairs(visits.offset[view.first_key : view.first_key + view.keys + 1], visits.time, window)
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
    most = settings.meetings_most * len(visits)
    while _count_meetings(visits, base_rates, expected, settings, threads) > most and settings.least < settings.most:
        settings = settings.model_copy(update={"least": settings.least + 0.5})
    return settings


def measure_pairs(
    visits: Visits, base_rates: BaseRates, expected: ExpectedMeetings, settings: EvidenceSettings, threads: int
) -> PairEvidence:
    """Pairs of users that met at two or more keys, with evidence of at least `settings.weak`.

    Args:
        visits: of the log, or of a permuted log.
        base_rates: of these visits.
        expected: from `expected_meetings`, of the log or of a permuted log of it.
        settings: affordable ones, from `affordable_evidence`.
        threads: the result does not depend on it.
    """
    walk = _walker(visits, base_rates, expected, settings)
    blocks = _blocks(visits, threads)
    words = 1 << int(np.clip(np.ceil(np.log2(max(_count_meetings(visits, base_rates, expected, settings, threads), 1) / 4)), 10, 26))

    def mark(first: int, last: int) -> Words:
        table = np.zeros(words, np.uint64)
        walk(first, last, table, 1)
        return table

    def meet() -> list[npt.NDArray[Any]]:
        table = _merge_filters(_in_threads(mark, blocks, threads))
        found = _in_threads(lambda first, last: walk(first, last, table, 2)[1:], blocks, threads)
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    return _sum_by_pair(*meet(), visits=visits, settings=settings)  # filter and blocks are gone by then


def _count_meetings(visits: Visits, base_rates: BaseRates, expected: ExpectedMeetings, settings: EvidenceSettings, threads: int) -> int:
    """How many meetings have at least `settings.least` evidence."""
    walk = _walker(visits, base_rates, expected, settings)
    return sum(_in_threads(lambda first, last: walk(first, last, np.zeros(1, np.uint64), 0)[0], _blocks(visits, threads), threads))


Walked = tuple[int, Int64, Int32, Float32, Float32, Int32, Float32]


def _walker(
    visits: Visits, base_rates: BaseRates, expected: ExpectedMeetings, settings: EvidenceSettings
) -> Callable[[int, int, Words, int], Walked]:
    """`_walk` over a block of these visits' keys."""
    view = visits.view_of(np.arange(visits.keys, dtype=np.int32))
    cap = np.array([view.settings.cap for view in visits.views], np.int32)

    def walk(first: int, last: int, table: Words, mode: int) -> Walked:
        return _walk(
            first, last, visits.offset, visits.user, visits.time, base_rates.log_base_rate, base_rates.log_intent, view,
            expected.constant, expected.windows, cap, settings.least, settings.most, settings.intent_prior, visits.users, table, mode,
        )  # fmt: skip

    return walk


def _blocks(visits: Visits, threads: int) -> list[tuple[int, int]]:
    """Consecutive keys with about equal visits, one block per thread."""
    edges = np.searchsorted(visits.offset, np.linspace(0, len(visits), threads + 1))
    edges[0], edges[-1] = 0, visits.keys
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def _in_threads(work: Callable[[int, int], Result], blocks: list[tuple[int, int]], threads: int) -> list[Result]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda block: work(*block), blocks))


def _merge_filters(parts: list[Words]) -> Words:
    """One filter from several: seen in two of them is seen again."""
    merged = parts[0]
    for part in parts[1:]:
        merged |= part | ((merged & part) << np.uint64(32))
    return merged


@numba.njit(cache=True, nogil=True)
def _count_pairs(offset: Int64, time: Int32, window: int) -> Float64:
    """Pairs of visits at each key that are at most `window` apart."""
    pairs = np.zeros(len(offset) - 1)
    for key in range(len(offset) - 1):
        start = offset[key]
        for visit in range(offset[key], offset[key + 1]):
            while time[visit] - time[start] > window:
                start += 1
            pairs[key] += visit - start
    return pairs


@numba.njit(cache=True, nogil=True)
def _hash(pair: int) -> np.uint64:
    """splitmix64 finaliser (Steele et al. 2014)."""
    mixed = np.uint64(pair) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def _walk(
    first: int,
    last: int,
    offset: Int64,
    user: Int32,
    time: Int32,
    log_base_rate: Float32,
    log_intent: Float32,
    view: Int32,
    constant: Float32,
    windows: Int32,
    cap: Int32,
    least: float,
    most: float,
    intent_prior: float,
    users: int,
    table: Words,
    mode: int,
) -> tuple[int, Int64, Int32, Float32, Float32, Int32, Float32]:
    """All pairs of visits at keys first … last − 1 whose evidence is at least `least`.

    mode 0 counts them; 1 marks their users' pair in the filter `table`; 2 returns those whose pair was marked twice or more.
    The filter is a blocked Bloom filter (Putze et al. 2007): one word per pair, two bits for "seen" and the same two, 32 higher,
    for "seen again". It may let a pair through that met once, which the sum drops; it never loses one.
    """
    mask = np.uint64(len(table) - 1)
    positive = 0
    room = 1 << 12 if mode == 2 else 1
    out_pair, out_key = np.empty(room, np.int64), np.empty(room, np.int32)
    out_evidence, out_again = np.empty(room, np.float32), np.empty(room, np.float32)
    out_apart, out_chance = np.empty(room, np.int32), np.empty(room, np.float32)
    filled = 0
    for key in range(first, last):
        window = windows[view[key]]
        reach, best = -1, -np.inf
        for column in range(len(window)):
            if window[column] >= 0 and constant[key, column] > -np.inf:
                reach = window[column]
                best = max(best, constant[key, column])
        rarest = 0.0
        for visit in range(offset[key], offset[key + 1]):
            rarest = min(rarest, log_base_rate[visit])
        if reach < 0 or best - 2 * rarest < least:
            continue
        for one in range(offset[key], offset[key + 1]):
            if best - log_base_rate[one] - rarest < least:
                continue
            for other in range(one + 1, min(offset[key + 1], one + 1 + cap[view[key]])):
                apart = time[other] - time[one]
                if apart > reach:
                    break
                if user[one] == user[other]:
                    continue
                value = -np.inf
                for column in range(len(window)):
                    if apart <= window[column]:
                        value = max(value, constant[key, column])
                value -= log_base_rate[one] + log_base_rate[other]
                if value < least:
                    continue
                positive += 1
                if mode == 0:
                    continue
                low, high = min(user[one], user[other]), max(user[one], user[other])
                pair = np.int64(low) * users + high
                mixed = _hash(pair)
                word = np.int64(mixed & mask)
                bits = (np.uint64(1) << ((mixed >> np.uint64(54)) & np.uint64(31))) | (np.uint64(1) << (mixed >> np.uint64(59)))
                if mode == 1:
                    if table[word] & bits == bits:
                        table[word] |= bits << np.uint64(32)
                    table[word] |= bits
                elif (table[word] >> np.uint64(32)) & bits == bits:
                    if filled == room:
                        room *= 2
                        out_pair, out_key = _grown(out_pair, room), _grown(out_key, room)
                        out_evidence, out_again = _grown(out_evidence, room), _grown(out_again, room)
                        out_apart, out_chance = _grown(out_apart, room), _grown(out_chance, room)
                    out_pair[filled], out_key[filled] = pair, key
                    out_evidence[filled], out_apart[filled] = min(value, most), apart
                    out_again[filled] = max(min(min(value, most), intent_prior - log_intent[one] - log_intent[other]), 0.0)
                    out_chance[filled] = log_base_rate[one] + log_base_rate[other]
                    filled += 1
    return positive, out_pair[:filled], out_key[:filled], out_evidence[:filled], out_again[:filled], out_apart[:filled], out_chance[:filled]


@numba.njit(cache=True, nogil=True)
def _grown(array: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    larger = np.empty(room, array.dtype)
    larger[: len(array)] = array
    return larger


def _sum_by_pair(
    pair: Int64, key: Int32, evidence: Float32, again: Float32, apart: Int32, chance: Float32, *, visits: Visits, settings: EvidenceSettings
) -> PairEvidence:
    """Meetings → pairs: the best meeting of each key, one full meeting per group of keys, the sum over keys with weak views capped."""
    order = _by_pair_and_group(pair, key, visits)
    pair, key = pair[order], key[order]
    group = visits.group[key]
    evidence, again, apart, chance = evidence[order], again[order], apart[order], chance[order]
    start = _starts((pair[1:] != pair[:-1]) | (key[1:] != key[:-1]), len(pair))
    if len(pair):
        strongest = np.maximum.reduceat(evidence, start)
        # Equally strong meetings at a key are common, as evidence is clipped; the least of them must not depend on their order.
        weaker = evidence < np.repeat(strongest, np.diff(np.r_[start, len(pair)]))
        again = np.minimum.reduceat(np.where(weaker, np.float32(np.inf), again), start)
        chance = np.minimum.reduceat(np.where(weaker, np.float32(np.inf), chance), start)
        pair, key, group, evidence, apart = pair[start], key[start], group[start], strongest, np.minimum.reduceat(apart, start)
        # Who is after a group of things meets others there again and again: all but the most telling meeting count as that.
        same = _starts((pair[1:] != pair[:-1]) | (group[1:] != group[:-1]), len(pair))
        gap = evidence - again
        best = np.repeat(np.maximum.reduceat(gap, same), np.diff(np.r_[same, len(pair)]))
        first = np.flatnonzero(gap == best)
        first = first[_starts((pair[first][1:] != pair[first][:-1]) | (group[first][1:] != group[first][:-1]), len(first))]
        again[first] = evidence[first]
        evidence = again
    lead = _starts(pair[1:] != pair[:-1], len(pair))
    keys = np.diff(np.r_[lead, len(pair)])
    of = np.repeat(np.arange(len(lead)), keys)
    view = visits.view_of(key)
    total = np.zeros(len(lead))
    for position, seen in enumerate(visits.views):
        part = np.bincount(of[view == position], weights=evidence[view == position], minlength=len(lead))
        total += np.minimum(part, seen.settings.most)
    keep = (keys >= 2) & (total >= settings.weak)
    meeting = keep[of]
    chosen = pair[lead[keep]]
    return PairEvidence(
        users=np.stack([chosen // visits.users, chosen % visits.users], axis=1).astype(np.int32),
        evidence=total[keep].astype(np.float32),
        offset=np.r_[0, np.cumsum(keys[keep])].astype(np.int64),
        key=key[meeting],
        key_evidence=evidence[meeting],
        seconds_apart=apart[meeting],
        chance=chance[meeting],
    )


def _by_pair_and_group(pair: Int64, key: Int32, visits: Visits) -> Int64:
    """Order by pair, group of keys, and key; in one number where it has room, since sorting one is thrice as fast as sorting three."""
    in_groups = np.lexsort((np.arange(visits.keys), visits.group))
    rank = np.empty(visits.keys, np.int64)
    rank[in_groups] = np.arange(visits.keys)
    if visits.users**2 < 2**62 // max(visits.keys, 1):
        return np.argsort(pair * visits.keys + rank[key])
    return np.lexsort((rank[key], pair))


def _starts(change: Bool, rows: int) -> Int64:
    """Where runs of equal rows begin, given where each of rows 1 … differs from the one before."""
    return np.flatnonzero(np.r_[True, change]) if rows else np.zeros(0, np.int64)
