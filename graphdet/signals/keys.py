"""What happens at a node that is no user: visits, evidence of meetings, money and stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float32, Int32
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import KEY_TYPES
from graphdet.signals.activity import known_mean
from graphdet.signals.signal import Column, Signal, counted
from graphdet.visits.accounts import accounts_of
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.crowding import most_at_once
from graphdet.visits.visits import View, Visits

COLUMNS = (
    counted("log_visits", "visits", "访问数"),
    counted("log_users", "users", "用户数"),
    Column("fullest_share", "share of visits in the fullest window", "最密集时段的访问占比"),
    counted("log_met_evidence", "evidence of meetings, log10", "相遇证据之和（log10）"),
    Column("met_share", "users who met somebody there, for each visit", "在此相遇的用户数与访问数之比"),
    counted("log_amount", "money of an event, geometric mean", "单个事件的金额（几何平均）"),
    Column("rating", "stars given, mean", "评分均值"),
)


def _measure(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, Float32]:
    met = _meetings_at_keys(visits, pairs)
    return {view.name: _of_view(events, visits, view, met) for view in visits.views}


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


def _of_view(events: EventTable, visits: Visits, view: View, met: MetKeys) -> Float32:
    offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
    count = np.maximum(np.diff(offset), 1)
    here = (met.key >= view.first_key) & (met.key < view.first_key + view.keys)
    key = met.key[here] - view.first_key
    code = events.codes[view.name]
    there = code >= 0
    amount = None if events.amount is None else np.log1p(np.maximum(events.amount[there], 0))
    return np.column_stack(
        [
            np.log1p(count),
            np.log1p(accounts_of(visits, view).of_key),
            most_at_once(visits, view) / count,
            np.log1p(np.bincount(key, weights=met.evidence[here], minlength=view.keys)),
            np.bincount(key, minlength=view.keys) / count,
            known_mean(code[there], amount, view.keys),
            known_mean(code[there], None if events.rating is None else events.rating[there], view.keys),
        ]
    ).astype(np.float32)


KEYS = Signal("keys", KEY_TYPES, COLUMNS, _measure)
