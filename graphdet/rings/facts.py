"""A grown ring + the log → what the ring did: events on its targets, money, density, dedication, taste, what its members share.

These are the facts that tell fraud from honest synchrony; how dense a group is does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.visits import Int32, Int64
from graphdet.rings.growth import Grower, Grown, VisitIndex

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RingFacts:
    """What one ring did. Counts are of distinct things unless said otherwise.

    Attributes:
        grown: the ring in codes.
        met: (n members, t targets) bool, who was at which target in its time.
        member_events: (n,) int64 events of each member on the ring's item targets, in their time.
        target_events: (t,) int64 events of members at each target in its time.
        member_first, member_last: (n,) int64 microseconds of the first and last of `member_events`; `NO_TIME` where there is none.
        target_first, target_last: (t,) int64 the same per target.
        amount: money of those events; None where the log has no amounts.
        density: share of member–item-target pairs that are there.
        dedication: share of members' item events that fall on the item targets.
        taste: log10 of members' interest in the targets' categories outside the ring, over everybody's; 0 where it cannot be told.
        seller_taste: the same for the targets' sellers.
        sellers: sellers of the item targets.
        crowd: share of the visits at the item targets, in their times, that were the members'; 1 = nobody else was there.
        busiest_day: share of the events on item targets that fell within 24 hours, at the most.
    """

    grown: Grown
    met: Bool
    member_events: Int64
    target_events: Int64
    member_first: Int64
    member_last: Int64
    target_first: Int64
    target_last: Int64
    amount: float | None
    density: float
    dedication: float
    taste: float
    seller_taste: float
    sellers: int
    crowd: float
    busiest_day: float

    @property
    def size(self) -> int:
        return len(self.grown.members)


class LogIndex:
    """Events by user and the log's tastes; made once, asked for each ring."""

    def __init__(self, events: EventTable, index: VisitIndex) -> None:
        self.events = events
        self.visits = index
        self.offset, self.by_user = _events_by_user(events.codes["user"], events.count("user"))
        item = events.codes.get("item")
        self.item = item
        self.category_share = self.seller_share = np.zeros(0)
        self.item_seller = np.full(events.count("item"), -1, np.int32)
        if item is not None:
            known = item >= 0
            category = events.item_category[item[known]]
            self.category_share = np.bincount(category + 1, minlength=len(events.categories) + 1) / max(known.sum(), 1)
            if "seller" in events.codes:
                seller = events.codes["seller"]
                both = known & (seller >= 0)
                self.item_seller[item[both]] = seller[both]
                self.seller_share = np.bincount(self.item_seller[item[known]] + 1, minlength=events.count("seller") + 1) / max(known.sum(), 1)
        start = events.time[events.time != NO_TIME] if events.time is not None else np.zeros(0, np.int64)
        self.start = int(start.min()) if len(start) else 0


@numba.njit(cache=True, nogil=True)
def _events_by_user(user: Int32, users: int) -> tuple[Int64, Int64]:
    offset = np.zeros(users + 1, np.int64)
    for event in range(len(user)):
        offset[user[event] + 1] += 1
    for who in range(users):
        offset[who + 1] += offset[who]
    place = offset[:-1].copy()
    by_user = np.empty(len(user), np.int64)
    for event in range(len(user)):
        by_user[place[user[event]]] = event
        place[user[event]] += 1
    return offset, by_user


def measure_ring(grown: Grown, log: LogIndex, grower: Grower) -> RingFacts:
    """Everything that the tier and the tables need to know of a ring, read from its members' events."""
    events, visits = log.events, log.visits.visits
    members, targets = grown.members, grown.targets
    lengths = log.offset[members + 1] - log.offset[members]
    who = np.repeat(np.arange(len(members)), lengths)
    event = np.concatenate([log.by_user[log.offset[m] : log.offset[m + 1]] for m in members.tolist()]) if len(members) else np.zeros(0, np.int64)
    time = events.time[event] if events.time is not None else np.full(len(event), NO_TIME)
    second = np.where(time == NO_TIME, 0, (time - log.start) // 1_000_000)

    met = np.zeros((len(members), len(targets)), np.bool_)
    met[grower.incidence(grown)] = True
    view = log.visits.view[targets] if len(targets) else np.zeros(0, np.int8)
    target_events = np.zeros(len(targets), np.int64)
    target_first, target_last = np.full(len(targets), NO_TIME), np.full(len(targets), NO_TIME)
    inside = np.zeros(len(event), np.bool_)
    on_target_item = np.zeros(len(event), np.bool_)
    for position, seen in enumerate(visits.views):
        own = np.flatnonzero(view == position)
        if not len(own):
            continue
        code = events.codes[seen.name][event]
        place = np.searchsorted(targets[own] - seen.first_key, code)
        place = np.minimum(place, len(own) - 1)
        hit = (targets[own][place] - seen.first_key == code) & (code >= 0)
        within = hit & (second >= grown.start[own][place]) & (second <= grown.end[own][place])
        target_events[own] = np.bincount(place[within], minlength=len(own))
        for target in range(len(own)):
            times = time[within & (place == target)]
            if len(times):
                target_first[own[target]], target_last[own[target]] = times.min(), times.max()
        if position == log.visits.item_view:
            inside, on_target_item = within, hit
    item_targets = view == log.visits.item_view if log.visits.item_view >= 0 else np.zeros(len(targets), np.bool_)
    member_events = np.bincount(who[inside], minlength=len(members)).astype(np.int64)
    member_first, member_last = np.full(len(members), np.iinfo(np.int64).max), np.full(len(members), NO_TIME)
    np.minimum.at(member_first, who[inside], time[inside])
    np.maximum.at(member_last, who[inside], time[inside])
    member_first[member_events == 0] = NO_TIME
    amounts = None if events.amount is None else events.amount[event][inside]

    item = log.item[event] if log.item is not None else np.full(len(event), -1, np.int32)
    outside = (item >= 0) & ~on_target_item
    target_items = targets[item_targets] - (visits.views[log.visits.item_view].first_key if log.visits.item_view >= 0 else 0)
    categories = events.item_category if len(events.categories) else None
    crowd_in = met[:, item_targets].sum()
    crowd_out = grown.outsiders[item_targets].sum()
    return RingFacts(
        grown=grown,
        met=met,
        member_events=member_events,
        target_events=target_events,
        member_first=member_first,
        member_last=member_last,
        target_first=target_first,
        target_last=target_last,
        amount=None if amounts is None else float(np.nansum(amounts)),
        density=float(met[:, item_targets].mean()) if item_targets.any() else 0.0,
        dedication=float(inside.sum() / max((item >= 0).sum(), 1)),
        taste=_taste(item[outside], target_items, categories, log.category_share),
        seller_taste=_taste(item[outside], target_items, log.item_seller if len(log.seller_share) else None, log.seller_share),
        sellers=len(np.unique(log.item_seller[target_items][log.item_seller[target_items] >= 0])) if len(target_items) else 0,
        crowd=float(crowd_in / max(crowd_in + crowd_out, 1)),
        busiest_day=_busiest_day(np.sort(second[inside])),
    )


def _taste(items: Int32, targets: Int32, group_of: Int32 | None, share: Float64) -> float:
    """log10 of (visits to the targets' groups + 1) over (those that everybody's habits would give + 1)."""
    if group_of is None or not len(targets):
        return 0.0
    groups = np.unique(group_of[targets])
    groups = groups[groups >= 0]
    found = np.isin(group_of[items], groups).sum()
    expected = len(items) * share[groups + 1].sum()
    return float(np.log10((found + 1) / (expected + 1)))


def _busiest_day(second: Int64) -> float:
    if not len(second):
        return 0.0
    ahead = np.searchsorted(second, second + 86_400, side="right") - np.arange(len(second))
    return float(ahead.max() / len(second))
