"""Graph, visits and pair evidence → named columns for every node type, the same columns in the same order for every log.

What a log lacks gives columns of zeros, so that a model learned on one day's log reads the next day's.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from graphdet.arrays import Float32, Float64, Int32, Int64
from graphdet.errors import BadNumbers
from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import ACTIONS, KEY_TYPES
from graphdet.visits.visits import Visits, most_at_once

LEVELS = (4.0, 6.0, 8.0, 11.0)  # of pair evidence, at which a user's pairs are counted
DAY = 86_400_000_000
TOP = 3

ACTIVITY = (
    "log_events",
    *(f"log_{name}s" for name in KEY_TYPES),
    *(f"share_{action}" for action in ACTIONS),
    "first_day",
    "last_day",
    "log_days",
    "events_per_day",
    "log_amount",
    "rating",
    "base_rate_mean",
    "base_rate_least",
    "intent_mean",
)
COMPANY = (
    "best_pair",
    "second_pair",
    "third_pair",
    "log_evidence",
    *(f"pairs_{level:g}" for level in LEVELS),
    "keys_together",
    *(f"met_{name}" for name in KEY_TYPES),
    "log_met_keys",
    "met_share",
    "hours_apart",
)
USER_COLUMNS = (*ACTIVITY, *COMPANY)
KEY_COLUMNS = ("log_visits", "fullest_share", "log_met_evidence", "met_share", "log_amount", "rating")


@dataclass(frozen=True)
class FeatureTable:
    """One node type's n nodes in named columns.

    Attributes:
        stage: who made it, for errors.
        names: of the columns.
        values: (n, columns) float32, finite.

    Raises:
        BadNumbers: a value is not a finite number; the message names stage and column.
    """

    stage: str
    names: tuple[str, ...]
    values: Float32

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"{len(self.names)} columns are named (found values of shape {self.values.shape})")
        bad = ~np.isfinite(self.values.sum(0, dtype=np.float64))
        if bad.any():
            raise BadNumbers(self.stage, self.names[int(bad.argmax())])

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> Float32:
        """(n,) one column."""
        return self.values[:, self.names.index(name)]


def measure_users(events: EventTable, visits: Visits, pairs: PairEvidence, threads: int = 1) -> FeatureTable:
    """Features of users; O(events + visits + meetings).

    Args:
        events: the log.
        visits, pairs: of that log, or of a permuted log of the same events.
        threads: the result does not depend on it.

    Raises:
        BadNumbers: a column holds what is no finite number.
    """
    with ThreadPoolExecutor(threads) as pool:
        activity = pool.submit(_activity, events, visits)
        company = pool.submit(_company, visits, pairs)
        return FeatureTable("features of users", USER_COLUMNS, np.hstack([activity.result(), company.result()]))


def measure_keys(events: EventTable, visits: Visits, pairs: PairEvidence) -> Mapping[str, FeatureTable]:
    """Features of the nodes of each other type that the log has; otherwise as `measure_users`."""
    met = _meetings_at_keys(visits, pairs)
    return {
        view.name: FeatureTable(f"features of {view.name} nodes", KEY_COLUMNS, _keys(events, visits, view.name, met))
        for view in visits.views
    }


@dataclass(frozen=True)
class MetKeys:
    """Who met somebody at which key: one row for each user and key, with the evidence of all meetings there.

    Attributes:
        user, key: (n,) int32; sorted by user, then key.
        evidence: (n,) float32.
    """

    user: Int32
    key: Int32
    evidence: Float32


def _meetings_at_keys(visits: Visits, pairs: PairEvidence) -> MetKeys:
    from scipy.sparse import coo_array

    pair = np.repeat(np.arange(len(pairs)), np.diff(pairs.offset))
    rows = np.concatenate([pairs.users[pair, 0], pairs.users[pair, 1]])
    table = coo_array(
        (np.concatenate([pairs.key_evidence] * 2), (rows, np.concatenate([pairs.key] * 2))), shape=(visits.users, max(visits.keys, 1))
    ).tocsr()
    table.sum_duplicates()
    table.sort_indices()
    user = np.repeat(np.arange(visits.users, dtype=np.int32), np.diff(table.indptr))
    return MetKeys(user, table.indices.astype(np.int32), table.data.astype(np.float32))


def _activity(events: EventTable, visits: Visits) -> Float32:
    """Columns `ACTIVITY`: what a user does, whoever else is there."""
    users = events.count("user")
    who = events.codes["user"]
    count = np.maximum(np.bincount(who, minlength=users), 1).astype(np.float64)
    columns = dict.fromkeys(ACTIVITY, np.zeros(users))
    columns["log_events"] = np.log1p(count)
    for view in visits.views:
        offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
        columns[f"log_{view.name}s"] = np.log1p(_distinct_keys(offset, visits.user, users))
    word = np.array([ACTIONS.index(action) if action in ACTIONS else -1 for action in events.actions] + [-1], np.int64)[events.action]
    known = word >= 0
    shares = np.bincount(who[known].astype(np.int64) * len(ACTIONS) + word[known], minlength=users * len(ACTIONS))
    for place, action in enumerate(ACTIONS):
        columns[f"share_{action}"] = shares.reshape(users, -1)[:, place] / count
    if events.time is not None:
        timed = events.time != NO_TIME
        start, end = int(events.time[timed].min()), int(events.time[timed].max())
        first, last, days = _days(who[timed], events.time[timed], users, start)
        columns["first_day"], columns["last_day"] = ((first - start) / max(end - start, 1), (last - start) / max(end - start, 1))
        columns["log_days"] = np.log1p(days)
        columns["events_per_day"] = np.log1p(count / np.maximum(days, 1))
    columns["log_amount"] = _mean(who, None if events.amount is None else np.log1p(np.maximum(events.amount, 0)), users)
    columns["rating"] = _mean(who, events.rating, users)
    item = next((view for view in visits.views if view.name == "item"), None)
    if item is not None:
        rows = slice(visits.offset[item.first_key], visits.offset[item.first_key + item.keys])
        columns["base_rate_mean"] = _mean(visits.user[rows], visits.log_base_rate[rows], users)
        columns["intent_mean"] = _mean(visits.user[rows], visits.log_intent[rows], users)
        np.minimum.at(least := np.zeros(users), visits.user[rows], visits.log_base_rate[rows])
        columns["base_rate_least"] = least
    return np.stack([columns[name] for name in ACTIVITY], axis=1).astype(np.float32)


def _company(visits: Visits, pairs: PairEvidence) -> Float32:
    """Columns `COMPANY`: whom a user meets, and how much that says."""
    users, views = visits.users, len(visits.views)
    found = _by_partner(
        pairs.users, pairs.evidence, pairs.offset, pairs.key_evidence, pairs.seconds_apart,
        visits.view_of(pairs.key), users, views, np.array(LEVELS),
    )  # fmt: skip
    best, sums, together, met_at, hours = np.split(found, np.cumsum([TOP, 1 + len(LEVELS), 1, views]), axis=1)
    met_view = np.zeros((users, len(KEY_TYPES)))
    for position, view in enumerate(visits.views):
        met_view[:, KEY_TYPES.index(view.name)] = met_at[:, position]
    met_keys = _met_keys(pairs.users, pairs.offset, pairs.key, users, visits.keys)
    own = np.maximum(np.bincount(visits.user, minlength=users), 1)
    return np.column_stack([best, np.log1p(sums), together, met_view, np.log1p(met_keys), np.minimum(met_keys / own, 1), hours]).astype(
        np.float32
    )


def _keys(events: EventTable, visits: Visits, name: str, met: MetKeys) -> Float32:
    """`KEY_COLUMNS` of one view's keys."""
    view = next(view for view in visits.views if view.name == name)
    offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
    count = np.maximum(np.diff(offset), 1)
    here = (met.key >= view.first_key) & (met.key < view.first_key + view.keys)
    key = met.key[here] - view.first_key
    code = events.codes[name]
    there = code >= 0
    amount = None if events.amount is None else np.log1p(np.maximum(events.amount[there], 0))
    return np.column_stack(
        [
            np.log1p(count),
            most_at_once(visits, view) / count,
            np.log1p(np.bincount(key, weights=met.evidence[here], minlength=view.keys)),
            np.bincount(key, minlength=view.keys) / count,
            _mean(code[there], amount, view.keys),
            _mean(code[there], None if events.rating is None else events.rating[there], view.keys),
        ]
    ).astype(np.float32)


def _mean(group: Int32, values: npt.NDArray[Any] | None, groups: int) -> Float64:
    """Mean of the known values of each group; 0 where there is none."""
    if values is None:
        return np.zeros(groups)
    known = ~np.isnan(values)
    count = np.bincount(group[known], minlength=groups)
    return np.asarray(np.bincount(group[known], weights=values[known], minlength=groups) / np.maximum(count, 1))


@numba.njit(cache=True, nogil=True)
def _distinct_keys(offset: Int64, user: Int32, users: int) -> Int64:
    """Keys of one view that each user visited."""
    found = np.zeros(users, np.int64)
    last = np.full(users, -1, np.int64)
    for key in range(len(offset) - 1):
        for visit in range(offset[key], offset[key + 1]):
            if last[user[visit]] != key:
                last[user[visit]] = key
                found[user[visit]] += 1
    return found


@numba.njit(cache=True, nogil=True)
def _days(user: Int32, time: Int64, users: int, start: int) -> tuple[Float64, Float64, Int64]:
    """First and last moment and distinct days of each user; events are in order of time."""
    first, last = np.full(users, float(start)), np.full(users, float(start))
    days = np.zeros(users, np.int64)
    latest = np.full(users, -1, np.int64)
    for event in range(len(user)):
        who = user[event]
        day = (time[event] - start) // DAY
        if latest[who] < 0:
            first[who] = time[event]
        if day != latest[who]:
            days[who] += 1
            latest[who] = day
        last[who] = time[event]
    return first, last, days


@numba.njit(cache=True, nogil=True)
def _met_keys(pair: Int32, offset: Int64, key: Int32, users: int, keys: int) -> Int64:
    """At how many keys each user met somebody."""
    begin = np.zeros(users + 1, np.int64)
    for row in range(len(pair)):
        begin[pair[row, 0] + 1] += 1
        begin[pair[row, 1] + 1] += 1
    begin = np.cumsum(begin)
    filled, rows = begin[:-1].copy(), np.empty(begin[-1], np.int32)  # each user's pairs
    for row in range(len(pair)):
        for side in range(2):
            rows[filled[pair[row, side]]] = row
            filled[pair[row, side]] += 1
    found, last = np.zeros(users, np.int64), np.full(keys, -1, np.int64)
    for who in range(users):
        for place in range(begin[who], begin[who + 1]):
            for meeting in range(offset[rows[place]], offset[rows[place] + 1]):
                if last[key[meeting]] != who:
                    last[key[meeting]] = who
                    found[who] += 1
    return found


@numba.njit(cache=True, nogil=True)
def _by_partner(
    pair: Int32, evidence: Float32, offset: Int64, key_evidence: Float32, apart: Int32, view: Int32, users: int, views: int, level: Float64
) -> Float64:
    """Per user: the best pairs, the sum of all, pairs at each level, most keys in one pair, best key of each view, log10 hours apart.

    One row a user, since memory is read by the row.
    """
    summed, counted = TOP, TOP + 1
    together = counted + len(level)
    met = together + 1
    near = met + views
    found, weight = np.zeros((users, near + 1)), np.zeros(users)
    for row in range(len(pair)):
        value, says, hours = evidence[row], 0.0, 0.0
        for meeting in range(offset[row], offset[row + 1]):
            says += key_evidence[meeting]
            hours += key_evidence[meeting] * np.log10(1.0 + apart[meeting] / 3600.0)
        for side in range(2):
            own = found[pair[row, side]]
            own[summed] += value
            own[together] = max(own[together], offset[row + 1] - offset[row])
            for column in range(len(level)):
                if value >= level[column]:
                    own[counted + column] += 1
            left = value
            for place in range(TOP):
                if left > own[place]:
                    left, own[place] = own[place], left
            own[near] += hours
            weight[pair[row, side]] += says
            for meeting in range(offset[row], offset[row + 1]):
                own[met + view[meeting]] = max(own[met + view[meeting]], key_evidence[meeting])
    found[:, near] /= np.where(weight > 0, weight, 1.0)
    return found
