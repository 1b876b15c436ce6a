"""What a user does, whoever else is there: how much, of what, when, and how usual it is for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from graphdet import _kernels
from graphdet.arrays import Float32, Float64, Int32, Int64
from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.schema import ACTIONS, HEARD_TYPES, ITEM, NODE_TYPE
from graphdet.signals.signal import Column, Signal, counted, names_of
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

DAY = 86_400_000_000
NOUNS = {name: NODE_TYPE[name].noun for name in HEARD_TYPES}
MESSAGES = {"log_devices": 9, "log_items": 10}  # places among messages

COLUMNS = (
    counted("log_events", "events", "事件数", message=7),
    *(
        counted(f"log_{name}s", f"distinct {noun.many}", f"不同{noun.chinese}数", MESSAGES.get(f"log_{name}s"), items_only=True)
        for name, noun in NOUNS.items()
    ),
    *(Column(f"share_{action}", f"share of events that are '{action}'", f"{action} 占事件的比例") for action in ACTIONS),
    Column("first_day", "first event, as share of the log's length", "首次事件在日志时段中的位置（0 至 1）", message=8, items_only=True),
    Column("last_day", "last event, as share of the log's length", "末次事件在日志时段中的位置（0 至 1）"),
    counted("log_days", "days with an event", "有事件的天数"),
    counted("events_per_day", "events a day, on days with any", "活跃日平均事件数"),
    counted("log_amount", "money of an event, geometric mean", "单个事件的金额（几何平均）"),
    Column("rating", "stars given, mean", "评分均值"),
    Column("base_rate_mean", "base rate at visits to items, mean, log10", "访问商品时的基准率均值（log10）", message=11, items_only=True),
    Column("base_rate_least", "base rate at visits to items, least, log10", "访问商品时的最低基准率（log10）"),
    Column("intent_mean", "intent at visits to items, mean, log10", "访问商品时的意向均值（log10）"),
)


def _measure(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, Float32]:
    users = events.count("user")
    who = events.codes["user"]
    count = np.maximum(np.bincount(who, minlength=users), 1).astype(np.float64)
    columns = dict.fromkeys(names_of(COLUMNS), np.zeros(users))
    columns["log_events"] = np.log1p(count)
    for view in (view for view in visits.views if view.name in NOUNS):
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
    columns["log_amount"] = known_mean(who, None if events.amount is None else np.log1p(np.maximum(events.amount, 0)), users)
    columns["rating"] = known_mean(who, events.rating, users)
    item = next((view for view in visits.views if view.name == ITEM), None)
    if item is not None:
        rows = slice(visits.offset[item.first_key], visits.offset[item.first_key + item.keys])
        columns["base_rate_mean"] = known_mean(visits.user[rows], base_rates.log_base_rate[rows], users)
        columns["intent_mean"] = known_mean(visits.user[rows], base_rates.log_intent[rows], users)
        lowest = base_rates.log_base_rate[rows].astype(np.float64)  # of other types NumPy's way is ten times as long
        np.minimum.at(least := np.zeros(users), visits.user[rows].astype(np.intp), lowest)
        columns["base_rate_least"] = least
    return {"user": np.stack([columns[name] for name in names_of(COLUMNS)], axis=1).astype(np.float32)}


def known_mean(group: Int32, values: npt.NDArray[Any] | None, groups: int) -> Float64:
    """Mean of the known values of each group; 0 where there is none."""
    if values is None:
        return np.zeros(groups)
    known = ~np.isnan(values)
    count = np.bincount(group[known], minlength=groups)
    return np.asarray(np.bincount(group[known], weights=values[known], minlength=groups) / np.maximum(count, 1))


def _distinct_keys(offset: Int64, user: Int32, users: int) -> Int64:
    """Keys of one view that each user visited."""
    first = _kernels.first_of_user(offset, user, users).view(np.bool_)
    return np.bincount(user[offset[0] : offset[-1]][first], minlength=users)


def _days(user: Int32, time: Int64, users: int, start: int) -> tuple[Float64, Float64, Int64]:
    """First and last moment and distinct days of each user; events are in order of time."""
    first, last = np.full(users, float(start)), np.full(users, float(start))
    first[user[::-1]], last[user] = time[::-1], time  # of equal places the one that comes last stays
    day = (time - start) // DAY
    offset = np.searchsorted(day, np.arange(day[-1] + 2))
    once = _kernels.first_of_user(offset, user, users).view(np.bool_)
    return first, last, np.bincount(user[once], minlength=users)


ACTIVITY = Signal("activity", ("user",), COLUMNS, _measure)
