"""Events → counts by the hour and by the day: of each item, seller and category, and of the whole shop; and what everybody lets expect.

A person counts once in a bucket of an item, a seller or a category, so that nobody makes a burst alone; of the whole shop events count.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Float64, Int32, Int64, UInt8
from graphdet.events import NO_TIME, EventTable
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE
from graphdet.schema.zones import ahead_of_utc

HOUR, DAY = 3_600_000_000, 86_400_000_000
WIDTHS = {"hour": HOUR, "day": DAY}
FEWEST_DAYS = 7  # of a log in which a day can be told from usual ones
SHOP = "shop"  # what a series is of that is no node's
MEASURES = {"orders": ("order", "pay"), "reviews": ("review",), "refunds": ("refund", "cancel")}
MOST_ACTIONS = 30  # of the whole shop, the commonest, that are watched
PIECE = 1 << 20  # events that are counted at a time
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


def count_series(events: EventTable, least: int, threads: int = 1, zone: str = "UTC") -> Iterator[Counts]:
    """All series in which a burst of `least` could be; none of a log without times, or of one that is too short.

    Days begin at midnight of the zone, as it was when the log begins: where clocks change in it, an hour beside midnight from then on.

    O(events); the result does not depend on `threads`.
    """
    if events.time is None:
        return
    untimed = int(np.searchsorted(events.time, NO_TIME, side="right"))  # they come first
    if untimed == len(events):
        return
    first, last = int(events.time[untimed]), int(events.time[-1])
    ahead = ahead_of_utc(zone, first)
    start = (first + ahead) // DAY * DAY - ahead
    if (last - start) // DAY + 1 < FEWEST_DAYS:
        return
    grains = [grain for grain in WIDTHS if grain != "hour" or events.resolution != "day"]
    finest = WIDTHS[grains[0]]
    bucket = _buckets(events.time, untimed, start, finest)
    buckets = (last - start) // finest + 1
    measures, kinds = _measures(events)
    asked = [(grain, measure) for grain in grains for measure in measures]
    bits = np.array([1 << measures.index(measure) for _, measure in asked], np.uint8)
    width = np.array([WIDTHS[grain] // finest for grain, _ in asked], np.int32)
    user, users = events.codes["user"], events.count("user")

    def count_nodes(named: tuple[str, Int32, int]) -> list[Counts | None]:
        node_type, code, nodes = named
        counted = _kernels.count_people(code, user, bucket, kinds, nodes, users, buckets, least, bits, width)
        return [
            _of_nodes(node_type, measure, grain, start, *found) if len(found[0]) else None
            for (grain, measure), found in zip(asked, counted, strict=True)
        ]

    with ThreadPoolExecutor(threads) as pool:
        of_nodes = list(pool.map(count_nodes, _nodes(events)))
    for grain in grains:
        for place, (own, _) in enumerate(asked):
            if own == grain:
                yield from (counts for of_type in of_nodes if (counts := of_type[place]) is not None)
        yield from _of_shop(events, bucket, buckets, WIDTHS[grain] // finest, grain, start, least)


def _buckets(time: Int64, untimed: int, start: int, width: int) -> Int32:
    """The bucket of each event, −1 where it has no time."""
    since = time - start
    since //= width
    bucket = since.astype(np.int32)
    bucket[:untimed] = -1
    return bucket


def _measures(events: EventTable) -> tuple[list[str], UInt8]:
    """What is counted of nodes: events, and of them those of some actions where these are not all; and (n,) what each event is, in bits."""
    names, kinds = ["events"], np.ones(len(events), np.uint8)
    for measure, words in MEASURES.items():
        own = [word for word in words if word in events.actions][:1] if measure == "orders" else words
        one_of = np.array([word in own for word in events.actions] + [False])  # with a last place for −1
        chosen = one_of[events.action]
        if measure == "reviews" and not chosen.any() and events.rating is not None:
            chosen = ~np.isnan(events.rating)
        if chosen.any() and not chosen.all():
            kinds |= chosen.view(np.uint8) << np.uint8(len(names))
            names.append(measure)
    return names, kinds


def _nodes(events: EventTable) -> Iterator[tuple[str, Int32, int]]:
    """Node types whose series are watched, the node of each event, and how many there are."""
    for node_type in (name for name in KEY_TYPES if NODE_TYPE[name].series):
        if node_type in events.codes:
            yield node_type, events.codes[node_type], events.count(node_type)
    if ITEM in events.codes and events.categories and (events.item_category >= 0).any():
        of_item = np.append(events.item_category, np.int32(-1))  # with a last place for −1
        yield "category", of_item[events.codes[ITEM]], len(events.categories)


def _of_nodes(
    node_type: str, measure: str, grain: str, start: int, node: Int64, offset: Int64, bucket: Int32, count: Int32, exposure: Float64
) -> Counts:
    exposure = _hourly(exposure) if grain == "hour" else exposure
    return Counts(node_type, measure, grain, start, WIDTHS[grain], node, offset, bucket, count, exposure, bucket[offset[:-1]])


def counts_of_nodes(code: Int64, user: Int32, bucket: Int64, buckets: int, least: int) -> tuple[Int64, Int64, Int32, Int32, Float64] | None:
    """Node, offset, bucket, count and exposure: users of each node in each bucket; None where no node has `least`.

    Buckets rise within each node.
    """
    if not len(code):
        return None
    every = np.ones(len(code), np.uint8)
    (found,) = _kernels.count_people(
        code.astype(np.int32), user, bucket.astype(np.int32), every, int(code.max()) + 1, int(user.max()) + 1, buckets, least,
        every[:1], np.ones(1, np.int32),
    )  # fmt: skip
    return found if len(found[0]) else None


def _hourly(total: Float64) -> Float64:
    """Expected by the day's total and the usual hours, or by what happened where that is more: a rush on everything is no item's own."""
    days = -(-len(total) // 24)
    whole = np.zeros(days * 24)
    whole[: len(total)] = total
    table = whole.reshape(days, 24)
    usual = table.sum(0) / max(table.sum(), 1.0)
    return np.asarray(np.maximum(table.sum(1)[:, None] * usual, table).reshape(-1)[: len(total)])


def _of_shop(events: EventTable, bucket: Int32, buckets: int, width: int, grain: str, start: int, least: int) -> Iterator[Counts]:
    """Series of the whole shop, of all events and of each action, against its usual hours and days of the week."""
    often = np.bincount(events.action[events.action >= 0], minlength=len(events.actions))
    watched = sorted(np.argsort(-often, kind="stable")[:MOST_ACTIONS].tolist()) if np.count_nonzero(often) > 1 else []
    row = np.zeros(len(events.actions) + 1, np.int64)  # of a table, the first for all else; with a last place for −1
    row[watched] = np.arange(1, len(watched) + 1)
    table = np.zeros((len(watched) + 1) * buckets, np.int64)
    for first in range(0, len(events), PIECE):
        own = bucket[first : first + PIECE]
        cell = row[events.action[first : first + PIECE]] * buckets + own
        table += np.bincount(cell[own >= 0], minlength=len(table))
    by_action = np.add.reduceat(table.reshape(-1, buckets), np.arange(0, buckets, width), axis=1)
    total = by_action.sum(axis=0)
    begin = int(np.argmax(total > 0))  # hours of the first day before the log begins are no quiet hours
    yield from _whole(total, "events", grain, start, begin, least)
    for action, count in zip(watched, by_action[1:], strict=True):
        yield from _whole(count, events.actions[action], grain, start, begin, least)


def _whole(count: Int64, measure: str, grain: str, start: int, begin: int, least: int) -> Iterator[Counts]:
    """One series of the whole shop, which begins with a bucket of its own."""
    if count.sum() < least or np.count_nonzero(count) < FEWEST_DAYS:
        return
    at = np.flatnonzero(count)
    exposure = np.r_[np.zeros(begin), _season(count[begin:].astype(np.float64), 24 if grain == "hour" else 1, begin)]
    yield Counts(
        SHOP, measure, grain, start, WIDTHS[grain], np.zeros(1, np.int64), np.array([0, len(at)]), at.astype(np.int32),
        count[at].astype(np.int32), exposure, np.full(1, begin, np.int32),
    )  # fmt: skip


def _season(count: Float64, each_day: int, begin: int) -> Float64:
    """The median of the hour times that of the day of the week, which a burst does not move; means where most hours are empty.

    Args:
        count: from the bucket `begin` of the first day on.
    """
    place = np.arange(begin, begin + len(count))
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
