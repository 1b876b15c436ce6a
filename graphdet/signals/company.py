"""Whom a user meets, and how much that says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Float32
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import HEARD_TYPES, NODE_TYPE
from graphdet.signals.signal import Column, Signal, counted, less_log10
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

LEVELS = (4.0, 6.0, 8.0, 11.0)  # of pair evidence, at which a user's pairs are counted
TOP = 3
MESSAGES = {"pairs_6": 3, "pairs_8": 4, "met_device": 14, "met_payment": 15, "met_ip": 16}  # places among messages

COLUMNS = (
    Column("best_pair", "evidence of the best pair, log10", "最强一对的证据（log10）", message=1),
    Column("second_pair", "evidence of the second best pair, log10", "第二强一对的证据（log10）"),
    Column("third_pair", "evidence of the third best pair, log10", "第三强一对的证据（log10）", message=12, items_only=True),
    counted("log_evidence", "evidence of all pairs together, log10", "所有成对证据之和（log10）", message=2),
    *(
        counted(
            f"pairs_{level:g}",
            f"pairs of evidence {level:g} or more",
            f"证据 ≥ {level:g} 的对数",
            MESSAGES.get(f"pairs_{level:g}"),
        )
        for level in LEVELS
    ),
    Column("keys_together", "nodes at which they met one partner, most", "与同一人相遇的节点数（最多）", message=13, items_only=True),
    *(
        Column(
            f"met_{name}",
            f"evidence of the best meeting at {NODE_TYPE[name].noun.many}, log10",
            f"在{NODE_TYPE[name].noun.chinese}最强一次相遇的证据（log10）",
            message=MESSAGES.get(f"met_{name}"),
            items_only=True,
        )
        for name in HEARD_TYPES
    ),
    counted("log_met_keys", "nodes at which they met somebody", "与人相遇的节点数", message=6),
    Column("met_share", "nodes at which they met somebody, for each visit", "相遇节点数与访问数之比", message=5),
    Column(
        "hours_apart",
        "hours between the two visits of a meeting, typical",
        "相遇双方访问的典型间隔（小时）",
        raw=less_log10,
        message=17,
        items_only=True,
    ),
)


def _measure(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, Float32]:
    users, views = visits.users, len(visits.views)
    ends = pairs.users.ravel()
    found = _kernels.company(
        ends, pairs.evidence, pairs.offset, pairs.key_evidence, pairs.seconds_apart,
        visits.view_of(pairs.key), users, views, np.array(LEVELS), TOP,
    ).reshape(users, -1)  # fmt: skip
    best, sums, together, met_at, hours = np.split(found, np.cumsum([TOP, 1 + len(LEVELS), 1, views]), axis=1)
    met_view = np.zeros((users, len(HEARD_TYPES)))
    for position, view in enumerate(visits.views):
        if view.name in HEARD_TYPES:
            met_view[:, HEARD_TYPES.index(view.name)] = met_at[:, position]
    met_keys = _kernels.met_keys(*_kernels.group_rows(ends, users), pairs.offset, pairs.key, visits.keys)
    own = np.maximum(np.bincount(visits.user, minlength=users), 1)
    parts = [best, np.log1p(sums), together, met_view, np.log1p(met_keys), np.minimum(met_keys / own, 1), hours]
    return {"user": np.column_stack(parts).astype(np.float32)}


COMPANY = Signal("company", ("user",), COLUMNS, _measure)
