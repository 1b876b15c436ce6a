"""Events in order → how surprising each account's steps are: the sequence of what it does, at what pace, and how it repeats itself.

A step is a token: action × gap since the step before × whether the item is new to the account. An interpolated trigram says how likely a
step is after the two before it. Its counts are those of all *other* accounts, so that nobody is expected because of themselves
(leave-one-out; the interpolation is MacKay and Peto's, 1995). Nothing is learned, and a million steps take about a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float32, Float64, Int64
from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import ACTIONS
from graphdet.signals.signal import Column, Signal
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

SECOND = 1_000_000
GAPS = (
    10,
    60,
    600,
    6 * 3600,
    3 * 86_400,
)  # seconds between two steps that part the paces; steps without one have their own
REPEATS = ("no item", "a new item", "the item before", "an item of before")
ACTION_WORDS = (*ACTIONS, "another", "none")
TOKENS = len(ACTION_WORDS) * (len(GAPS) + 2) * len(REPEATS)
PRIOR = 10.0  # steps' worth of the shorter context, beside a context's own
SURPRISING = 0.95  # share of the log's steps that are less surprising than a surprising one

COLUMNS = (
    Column("surprise_mean", "surprise at the account's steps, mean, bits", "行为序列每一步的意外程度（均值，比特）"),
    Column("surprise_most", "surprise at the account's oddest step, bits", "最反常一步的意外程度（比特）"),
    Column("surprise_share", "share of the account's steps that are as surprising as a twentieth of all", "意外程度属全体前 5% 的步骤占比"),
)


@dataclass(frozen=True)
class Steps:
    """n steps of all accounts, by account, then time.

    Attributes:
        row: (n,) place in the event table; `user`: (n,) account; `token`: (n,) below `TOKENS`.
        first: (n,) whether it is the account's first.
    """

    row: Int64
    user: Int64
    token: Int64
    first: np.ndarray[tuple[int], np.dtype[np.bool_]]


def read_steps(events: EventTable) -> Steps:
    """The steps of a log's accounts; a log without times has them in the order of its rows, without a pace."""
    row = np.argsort(events.codes["user"], kind="stable")
    user = events.codes["user"][row].astype(np.int64)
    first = np.append(True, user[1:] != user[:-1])[: len(user)]
    word = np.array([ACTIONS.index(word) if word in ACTIONS else len(ACTIONS) for word in events.actions] + [len(ACTIONS) + 1], np.int64)
    pace = np.full(len(row), len(GAPS) + 1, np.int64)
    if events.time is not None:
        time = events.time[row]
        gap = np.diff(time, prepend=time[:1]) // SECOND
        known = (time != NO_TIME) & ~first & (np.append(NO_TIME, time[:-1])[: len(time)] != NO_TIME)
        pace[known] = np.searchsorted(GAPS, gap[known], side="right")
    pace[first] = len(GAPS) + 1
    token = (word[events.action[row]] * (len(GAPS) + 2) + pace) * len(REPEATS) + _repeats(events, row, user, first)
    return Steps(row, user, token, first)


def _repeats(events: EventTable, row: Int64, user: Int64, first: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Int64:
    """Place among `REPEATS` of each step."""
    if "item" not in events.codes:
        return np.zeros(len(row), np.int64)
    item = events.codes["item"][row].astype(np.int64)
    pair = user * (events.count("item") + 1) + item + 1
    order = np.argsort(pair, kind="stable")
    again = np.zeros(len(row), np.bool_)
    again[order[1:]] = pair[order[1:]] == pair[order[:-1]]
    before = np.append(False, item[1:] == item[:-1])[: len(item)] & ~first
    return np.select([item < 0, before, again], [0, 2, 3], 1).astype(np.int64)


def trigram_surprise(steps: Steps) -> Float64:
    """(n,) bits of surprise at each step, by what all other accounts do after the same two steps."""
    begin, token = TOKENS, steps.token
    last = np.where(steps.first, begin, np.append(begin, token[:-1])[: len(token)])
    second = np.append(False, steps.first[:-1])[: len(token)] | steps.first
    before = np.where(second, begin, np.append([begin, begin], token[:-2])[: len(token)])
    wide = TOKENS + 1
    others = [
        _others(steps.user, code)
        for code in (token, last, last * wide + token, before * wide + last, (before * wide + last) * wide + token)
    ]
    alone, after, pair, context, triple = others
    all_others = len(token) - np.bincount(steps.user, minlength=int(steps.user.max(initial=0)) + 1)[steps.user]
    chance = (alone + 1) / (all_others + TOKENS)
    chance = (pair + PRIOR * chance) / (after + PRIOR)
    chance = (triple + PRIOR * chance) / (context + PRIOR)
    return np.asarray(-np.log2(chance))


def _others(user: Int64, code: Int64) -> Float64:
    """(n,) how often other accounts have each step's code."""
    _, place, count = np.unique(code, return_inverse=True, return_counts=True)
    _, own_place, own = np.unique(user * len(count) + place, return_inverse=True, return_counts=True)
    return np.asarray(count[place] - own[own_place], np.float64)


def summarize(bits: Float64, user: Int64, users: int) -> Float32:
    """(users, 3) mean, highest, and share of surprising steps; rounded, so that sums in another order are the same."""
    count = np.maximum(np.bincount(user, minlength=users), 1)
    most = np.zeros(users)
    np.maximum.at(most, user, bits)
    bar = np.quantile(bits, SURPRISING) if len(bits) else 0.0
    mean, share = np.bincount(user, bits, users) / count, np.bincount(user, bits > bar, users) / count
    return np.round(np.column_stack([mean, most, share]), 5).astype(np.float32)


def _measure(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, Float32]:
    steps = read_steps(events)
    return {"user": summarize(trigram_surprise(steps), steps.user, events.count("user"))}


SEQUENCES = Signal("sequences", ("user",), COLUMNS, _measure)
