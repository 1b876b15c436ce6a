"""A grown ring + the log → what the ring did: events on its targets, money, density, dedication, taste, what its members share.

These are the facts that tell fraud from honest synchrony; how dense a group is does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from graphdet.arrays import Bool, Float64, Int32, Int64, stretches
from graphdet.events import NO_TIME, EventTable
from graphdet.rings.growth import Grower, Grown, VisitIndex
from graphdet.visits.visits import Visits


@dataclass(frozen=True)
class RingFacts:
    """What one ring did. Counts are of distinct things unless said otherwise.

    Attributes:
        grown: the ring in codes.
        met: (n members, t targets) bool, who was at which target in its time.
        member_events: (n,) int64 events of each member on the ring's item targets, in their time (on all targets, without items).
        target_events: (t,) int64 events of members at each target in its time.
        member_first, member_last: (n,) int64 microseconds of the first and last of `member_events`; `NO_TIME` where there is none.
        target_first, target_last: (t,) int64 the same per target.
        amount: money of those events; None where the log has no amounts.
        density: share of member–item-target pairs that are there.
        two_target_share: share of members who were at no more than two of the item targets.
        dedication: share of members' item events that fall on the item targets.
        attention: events of a member on the item targets, on average, in events that a visit to an item has in this log.
        repeats: events of a member at an item target over events of anybody at an item, both where there are any; NaN where the log has
            times, which tell more.
        taste: log10 of members' interest in the targets' categories on days that were not the ring's, over everybody's; 0 where it
            cannot be told.
        seller_taste: the same for the targets' sellers.
        own_things: devices and payment instruments that the ring shares more than chance has it.
        sellers: sellers of the item targets; 0 where the log has none.
        top_seller: share of who-was-where at items of the seller that has most of it.
        crowd: share of strangers among the visitors of an item target within half an hour of a member's visit.
        outsiders_per_member: visits of others at the median item target, in the target's time, for each member who was there.
        rush: log10 of those strangers' visits over what their usual rate there would give.
        days: days from the first to the last event on an item target.
        ordered, refunded, coupons: share of who-was-where that saw an order or payment, a refund or cancellation, a coupon.
        device_share: share of members who acted on the targets from a device that at least three of them used there.
        address_share: share of members who use the delivery address that most of them use.
        place_share: share of members who use, apart from the ring's events, the IP address that most of them use so.
        place_users: users of that address in the whole log.
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
    two_target_share: float
    dedication: float
    attention: float
    repeats: float
    taste: float
    seller_taste: float
    own_things: int
    sellers: int
    top_seller: float
    crowd: float
    outsiders_per_member: float
    rush: float
    days: float
    ordered: float
    refunded: float
    coupons: float
    device_share: float
    address_share: float
    place_share: float
    place_users: int

    @property
    def size(self) -> int:
        return len(self.grown.members)


class LogIndex:
    """Events by user and the log's tastes; made once, asked for each ring."""

    def __init__(self, events: EventTable, index: VisitIndex) -> None:
        self.events = events
        self.visits = index
        self.end = int(index.visits.time.max(initial=0))  # seconds from the log's first event to its last visit
        self.offset, self.by_user = _events_by_user(events.codes["user"], events.count("user"))
        item = events.codes.get("item")
        self.item = item
        self.category_share = self.seller_share = np.zeros(0)
        self.events_per_visit = np.nan
        self.item_seller = np.full(events.count("item"), -1, np.int32)
        if item is not None:
            known = item >= 0
            self.events_per_visit = known.sum() / max((index.view[index.key] == index.item_view).sum(), 1)
            category = events.item_category[item[known]]
            self.category_share = np.bincount(category + 1, minlength=len(events.categories) + 1) / max(known.sum(), 1)
            if "seller" in events.codes:
                seller = events.codes["seller"]
                both = known & (seller >= 0)
                self.item_seller[item[both]] = seller[both]
                count = np.bincount(self.item_seller[item[known]] + 1, minlength=events.count("seller") + 1)
                self.seller_share = count / max(known.sum(), 1)
        self.users_of_ip = _users_of_keys(index, "ip")
        self.orders = which_actions(events, "order", "pay")
        self.refunds = which_actions(events, "refund", "cancel")
        self.coupons = which_actions(events, "coupon")
        start = events.time[events.time != NO_TIME] if events.time is not None else np.zeros(0, np.int64)
        self.start = int(start.min()) if len(start) else 0


def which_actions(events: EventTable, *actions: str) -> Bool:
    """(actions + 1,) bool: which action codes are one of these; the last place stands for events without an action."""
    return np.array([action in actions for action in events.actions] + [False])


def _users_of_keys(index: VisitIndex, view: str) -> Int64:
    """Distinct users of each key of a view; empty where the log has no such view."""
    for seen in index.visits.views:
        if seen.name == view:
            offset = index.visits.offset[seen.first_key : seen.first_key + seen.keys + 1]
            return _distinct_users(offset, index.visits.user, index.visits.users)
    return np.zeros(0, np.int64)


@numba.njit(cache=True, nogil=True)
def _distinct_users(offset: Int64, user: Int32, users: int) -> Int64:
    found = np.zeros(len(offset) - 1, np.int64)
    last = np.full(users, -1, np.int64)
    for key in range(len(offset) - 1):
        for visit in range(offset[key], offset[key + 1]):
            if last[user[visit]] != key:
                last[user[visit]] = key
                found[key] += 1
    return found


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
    event = log.by_user[stretches(log.offset, members)]
    time = events.time[event] if events.time is not None else np.full(len(event), NO_TIME)
    second = np.where(time == NO_TIME, 0, (time - log.start) // 1_000_000)

    met = np.zeros((len(members), len(targets)), np.bool_)
    met[grower.incidence(grown)] = True
    view = log.visits.view[targets] if len(targets) else np.zeros(0, np.int8)
    target_events = np.zeros(len(targets), np.int64)
    target_first, target_last = np.full(len(targets), NO_TIME), np.full(len(targets), NO_TIME)
    inside = np.zeros(len(event), np.bool_)
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
            inside = within
    item_targets = view == log.visits.item_view if log.visits.item_view >= 0 else np.zeros(len(targets), np.bool_)
    member_events = np.bincount(who[inside], minlength=len(members)).astype(np.int64)
    member_first, member_last = np.full(len(members), np.iinfo(np.int64).max), np.full(len(members), NO_TIME)
    np.minimum.at(member_first, who[inside], time[inside])
    np.maximum.at(member_last, who[inside], time[inside])
    member_first[member_events == 0] = NO_TIME
    amounts = None if events.amount is None else events.amount[event][inside]

    item = log.item[event] if log.item is not None else np.full(len(event), -1, np.int32)
    other_day = (item >= 0) & ~_on_busy_days(second, inside, log.end)
    target_items = targets[item_targets] - (visits.views[log.visits.item_view].first_key if log.visits.item_view >= 0 else 0)
    categories = events.item_category if len(events.categories) else None
    met_items = int(met[:, item_targets].sum())
    together, strangers, usual = _company(grown, np.flatnonzero(item_targets), visits, log.end)
    sellers = log.item_seller[target_items]
    known = sellers >= 0
    by_seller = np.bincount(sellers[known], weights=met[:, item_targets].sum(0)[known]) if known.any() else np.zeros(1)
    seconds = second[inside]
    action = events.action[event]
    touched = _pairs(who, item, inside)
    network, network_members = _commonest(events, "ip", event[~inside], who[~inside])
    devices = _users_of(events, "device", event[inside], who[inside])
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
        two_target_share=float((met[:, item_targets].sum(1) <= 2).mean()) if item_targets.any() else 0.0,
        dedication=float(inside.sum() / max((item >= 0).sum(), 1)),
        attention=float(inside.sum() / max(len(members), 1) / log.events_per_visit),
        repeats=float(inside.sum() / max(touched, 1) / log.events_per_visit) if events.time is None else np.nan,
        taste=_taste(item[other_day], target_items, categories, log.category_share),
        seller_taste=_taste(item[other_day], target_items, log.item_seller if len(log.seller_share) else None, log.seller_share),
        own_things=int(np.isin(view, [place for place, seen in enumerate(visits.views) if seen.name in ("device", "payment")]).sum()),
        sellers=len(np.unique(sellers[known])),
        top_seller=float(by_seller.max() / max(met_items, 1)),
        crowd=strangers / max(together + strangers, 1),
        outsiders_per_member=float(np.median(grown.outsiders[item_targets] / grown.visitors[item_targets])) if item_targets.any() else 0.0,
        rush=float(np.log10((strangers + 1) / (usual + 1))),
        days=float((seconds.max() - seconds.min()) / 86_400) if len(seconds) else 0.0,
        ordered=_pairs(who, item, inside & log.orders[action]) / max(touched, 1),
        refunded=_pairs(who, item, inside & log.refunds[action]) / max(touched, 1),
        coupons=_pairs(who, item, inside & log.coupons[action]) / max(touched, 1),
        device_share=_share_together(devices, 3) / len(members),
        address_share=_commonest(events, "address", event, who)[1] / len(members),
        place_share=network_members / len(members),
        place_users=int(log.users_of_ip[network]) if network >= 0 else 0,
    )


def _on_busy_days(second: Int64, inside: Bool, end: int) -> Bool:
    """Events on days that saw more than half of the ring's events that an even spread over the whole log would give them."""
    day = second // 86_400
    days = end // 86_400 + 1
    count = np.bincount(day[inside], minlength=days)
    busy: Bool = count > 0.5 * inside.sum() / days
    return busy[day]


def _company(grown: Grown, own: Int64, visits: Visits, end: int) -> tuple[int, int, float]:
    """Who else was there within half an hour of members' visits at the given targets.

    Returns:
        Visits of other members, visits of strangers, and the strangers' visits that their usual rate at each target would give.
    """
    together = strangers = 0
    usual = 0.0
    for target in own.tolist():
        rows = slice(visits.offset[grown.targets[target]], visits.offset[grown.targets[target] + 1])
        time = visits.time[rows].astype(np.int64)
        member = np.isin(visits.user[rows], grown.members)
        at = time[member & (time >= grown.start[target]) & (time <= grown.end[target])]
        near = [
            np.searchsorted(times, at + 1800, side="right") - np.searchsorted(times, at - 1800) for times in (time[member], time[~member])
        ]
        together += int(near[0].sum()) - len(at)
        strangers += int(near[1].sum())
        usual += len(at) * (~member).sum() * min(3600.0 / (end + 1), 1.0)
    return together, strangers, usual


def _pairs(who: Int64, item: Int32, chosen: Bool) -> int:
    """Distinct (member, item) among the chosen events."""
    return len(np.unique(who[chosen] * np.int64(1 << 32) + item[chosen]))


def _users_of(events: EventTable, node_type: str, event: Int64, who: Int64) -> Int64:
    """(p, 2) distinct pairs of a node and a member who used it in these events, in order of nodes."""
    if node_type not in events.codes or not len(event):
        return np.zeros((0, 2), np.int64)
    code = events.codes[node_type][event].astype(np.int64)
    pair = np.unique(code[code >= 0] << 32 | who[code >= 0])
    return np.stack([pair >> 32, pair & 0xFFFFFFFF], axis=1)


def _commonest(events: EventTable, node_type: str, event: Int64, who: Int64) -> tuple[int, int]:
    """The node that most members used in these events, and by how many; (−1, 0) where there is none."""
    pairs = _users_of(events, node_type, event, who)
    if not len(pairs):
        return -1, 0
    codes, count = np.unique(pairs[:, 0], return_counts=True)
    return int(codes[count.argmax()]), int(count.max())


def _share_together(pairs: Int64, least: int) -> int:
    """Members who use a node that at least `least` of them use."""
    if not len(pairs):
        return 0
    _, place, count = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
    return len(np.unique(pairs[count[place] >= least, 1]))


def _taste(items: Int32, targets: Int32, group_of: Int32 | None, share: Float64) -> float:
    """log10 of (visits to the targets' groups + 1) over (those that everybody's habits would give + 1)."""
    if group_of is None or not len(targets):
        return np.nan
    groups = np.unique(group_of[targets])
    groups = groups[groups >= 0]
    found = np.isin(group_of[items], groups).sum()
    expected = len(items) * share[groups + 1].sum()
    return float(np.log10((found + 1) / (expected + 1)))
