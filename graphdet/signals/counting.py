"""Events → counts by the hour and by the day: of each item, seller and category, and of the whole shop; and what everybody lets expect.

A person counts once in a bucket of an item, a seller or a category, so that nobody makes a burst alone; of the whole shop events count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64, distinct_values
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE

HOUR, DAY = 3_600_000_000, 86_400_000_000
WIDTHS = {"hour": HOUR, "day": DAY}
FEWEST_DAYS = 7  # of a log in which a day can be told from usual ones
SHOP = "shop"  # what a series is of that is no node's
MEASURES = {"orders": ("order", "pay"), "reviews": ("review",), "refunds": ("refund", "cancel")}
MOST_ACTIONS = 30  # of the whole shop, the commonest, that are watched
WEEKS = 3  # from which on days of the week are told from each other


@dataclass(frozen=True)
class Counts:
    """Series of one kind.

    Attributes:
        node_type: whose series they are, or `SHOP`.
        measure: what is counted: "events", one of `MEASURES`, or of the whole shop an action's own word.
        grain: "hour" or "day".
        start: microseconds of the first bucket. `width`: of each.
        node: (series,) codes; of categories positions in `EventTable.categories`.
        offset, bucket, count: as for the kernel `surges`.
        exposure: (buckets,) what everybody's activity lets expect, in counts of all series together.
        born: (series,) the first bucket of each.
    """

    node_type: str
    measure: str
    grain: str
    start: int
    width: int
    node: Int64
    offset: Int64
    bucket: Int32
    count: Int32
    exposure: Float64
    born: Int32

    def __len__(self) -> int:
        return len(self.node)


def count_series(events: EventTable, least: int) -> Iterator[Counts]:
    """All series in which a burst of `least` could be; none of a log without times, or of one that is too short."""
    if events.time is None:
        return
    timed = events.time != NO_TIME
    if not timed.any():
        return
    first, last = int(events.time[timed].min()), int(events.time[timed].max())
    if last // DAY - first // DAY + 1 < FEWEST_DAYS:
        return
    for grain, width in WIDTHS.items():
        if grain == "hour" and events.resolution == "day":
            continue
        start = first // DAY * DAY
        buckets = (last - start) // width + 1
        bucket = np.where(timed, (events.time - start) // width, -1)
        for measure, chosen in _measures(events):
            rows = np.flatnonzero(chosen & timed)
            for node_type, code in _nodes(events):
                counted = counts_of_nodes(code[rows], events.codes["user"][rows], bucket[rows], buckets, least)
                if counted is not None:
                    node, offset, at, count, exposure = counted
                    exposure = _hourly(exposure) if grain == "hour" else exposure
                    yield Counts(node_type, measure, grain, start, width, node, offset, at, count, exposure, at[offset[:-1]])
        for measure, chosen in _of_shop(events):
            yield from _whole(bucket[chosen & timed], buckets, measure, grain, start, width, least)


def _measures(events: EventTable) -> Iterator[tuple[str, Bool]]:
    """What is counted of nodes: events, and of them those of some actions where these are not all."""
    yield "events", np.ones(len(events), np.bool_)
    for measure, words in MEASURES.items():
        own = [word for word in words if word in events.actions][:1] if measure == "orders" else words
        chosen = np.isin(events.action, [place for place, word in enumerate(events.actions) if word in own])
        if measure == "reviews" and not chosen.any() and events.rating is not None:
            chosen = ~np.isnan(events.rating)
        if chosen.any() and not chosen.all():
            yield measure, chosen


def _of_shop(events: EventTable) -> Iterator[tuple[str, Bool]]:
    yield "events", np.ones(len(events), np.bool_)
    often = np.bincount(events.action[events.action >= 0], minlength=len(events.actions))
    if np.count_nonzero(often) > 1:
        for action in sorted(np.argsort(-often, kind="stable")[:MOST_ACTIONS].tolist()):
            yield events.actions[action], events.action == action


def _nodes(events: EventTable) -> Iterator[tuple[str, Int64]]:
    for node_type in (name for name in KEY_TYPES if NODE_TYPE[name].series):
        if node_type in events.codes:
            yield node_type, events.codes[node_type].astype(np.int64)
    if ITEM in events.codes and events.categories and (events.item_category >= 0).any():
        item = events.codes[ITEM]
        yield "category", np.where(item >= 0, events.item_category[item], -1).astype(np.int64)


def counts_of_nodes(code: Int64, user: Int32, bucket: Int64, buckets: int, least: int) -> tuple[Int64, Int64, Int32, Int32, Float64] | None:
    """Node, offset, bucket, count and exposure: users of each node in each bucket; None where no node has `least`."""
    known = code >= 0
    code, user, bucket = code[known], user[known].astype(np.int64), bucket[known]
    if not len(code):
        return None
    users = int(user.max()) + 1
    if (int(code.max()) + 1) * buckets * users < 2**62:
        cell = distinct_values((code * buckets + bucket) * users + user) // users
    else:
        pair, at = np.unique(code * users + user, return_inverse=True)
        both = distinct_values(at * buckets + bucket)
        cell = np.sort(pair[both // buckets] // users * buckets + both % buckets)
    begin = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
    count = np.diff(np.r_[begin, len(cell)])
    cell = cell[begin]
    exposure = np.bincount(cell % buckets, weights=count, minlength=buckets).astype(np.float64)
    node = cell // buckets
    total = np.bincount(node, weights=count)
    keep = total[node] >= least
    if not keep.any():
        return None
    node, at, count = node[keep], cell[keep] % buckets, count[keep]
    first = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
    return node[first], np.r_[first, len(node)], at.astype(np.int32), count.astype(np.int32), exposure


def _hourly(total: Float64) -> Float64:
    """Expected by the day's total and the usual hours, or by what happened where that is more: a rush on everything is no item's own."""
    days = -(-len(total) // 24)
    whole = np.zeros(days * 24)
    whole[: len(total)] = total
    table = whole.reshape(days, 24)
    usual = table.sum(0) / max(table.sum(), 1.0)
    return np.asarray(np.maximum(table.sum(1)[:, None] * usual, table).reshape(-1)[: len(total)])


def _whole(bucket: Int64, buckets: int, measure: str, grain: str, start: int, width: int, least: int) -> Iterator[Counts]:
    """One series of the whole shop against its usual hours and days of the week."""
    count = np.bincount(bucket, minlength=buckets)
    if count.sum() < least or np.count_nonzero(count) < FEWEST_DAYS:
        return
    at = np.flatnonzero(count)
    exposure = _season(count.astype(np.float64), 24 if grain == "hour" else 1)
    yield Counts(
        SHOP, measure, grain, start, width, np.zeros(1, np.int64), np.array([0, len(at)]), at.astype(np.int32),
        count[at].astype(np.int32), exposure, np.zeros(1, np.int32),
    )  # fmt: skip


def _season(count: Float64, each_day: int) -> Float64:
    """The median of the hour times that of the day of the week, which a burst does not move; means where most hours are empty."""
    place = np.arange(len(count))
    usual = np.ones(len(count))
    for period, step, enough in ((each_day, 1, FEWEST_DAYS), (7 * each_day, each_day, WEEKS)):
        if len(count) < enough * period or period == 1:
            continue
        phase = place % period // step
        own = count / np.maximum(usual, 1e-9)
        phases = phase.max() + 1
        middle = np.array([np.median(own[phase == one]) for one in range(phases)])
        mean = np.bincount(phase, weights=own, minlength=phases) / np.bincount(phase, minlength=phases)
        level = middle if (middle > 0).all() else np.maximum(mean, 1e-3 * own.mean())
        usual = usual * level[phase] / max(level.mean(), 1e-9)
    return np.asarray(np.maximum(usual, 1e-3 * usual.mean()) * max(count.mean(), 1e-9))
