"""A log's events and visits → events by user, and what is usual in the log: what facts of rings are measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphdet import _kernels
from graphdet.arrays import Bool, Float64, Int32, Int64, check_array
from graphdet.events import NO_TIME, EventTable
from graphdet.visits.index import VisitIndex

DAY = 86_400_000_000  # microseconds
GIVE_BACK = ("refund", "cancel")
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class LogIndex:
    """Events by user, and the log's tastes; made once, asked for each ring.

    Attributes:
        events, visits: of one log. Where they are one ring's part of a log, what follows down to `users_of_ip` is of the whole log.
        start: microseconds since 1970 UTC of the first event with a time; 0 without times.
        end: seconds from there to the last visit.
        events_per_visit: events that a visit to an item has on average; NaN without items.
        category_share: (categories + 1,) share of each category in the events at items; the first place is for none. Empty without items.
        seller_share: (sellers + 1,) the same for sellers; empty without items or sellers.
        users_of_ips: users of all IP addresses together, those of each counted; 0 without IP addresses.
        new_by_day: (days,) users whose first event with a time falls on each day since `start`; empty without times.
        users_by_day: (days,) users with an event on each of these days.
        users_of_ip: (IP addresses,) distinct users; empty without IP addresses.
        offset, by_user: events of user i are by_user[offset[i]] … by_user[offset[i + 1] − 1].
        item_seller: (items,) seller of each item, −1 where it has none.
        orders, refunds, coupons: (actions + 1,) which actions are one; the last place stands for events without an action.
        deal: the action whose amounts are the worth of what was bought: "order", "pay", or empty where the log has neither, and every
            event that gives nothing back is one.
        deals: (actions + 1,) which actions that is.
    """

    events: EventTable
    visits: VisitIndex
    start: int
    end: int
    events_per_visit: float
    category_share: Float64
    seller_share: Float64
    users_of_ips: int
    new_by_day: Int64
    users_by_day: Int64
    users_of_ip: Int64
    offset: Int64
    by_user: Int64
    item_seller: Int32
    orders: Bool
    refunds: Bool
    coupons: Bool
    deal: str
    deals: Bool

    def __post_init__(self) -> None:
        events, visits = self.events, self.visits.visits
        check_array("by_user", self.by_user, np.int64, len(events), 0)
        if self.end < 0:
            raise ValueError(f"the last visit cannot be before the first event (found {self.end} seconds after it)")
        ips = sum(view.keys for view in visits.views if view.name == "ip")
        for name, column, places in (
            ("category_share", self.category_share, (0, len(events.categories) + 1)),
            ("seller_share", self.seller_share, (0, events.count("seller") + 1)),
            ("users_of_ip", self.users_of_ip, (ips,)),
            ("offset", self.offset, (events.count("user") + 1,)),
            ("item_seller", self.item_seller, (events.count("item"),)),
            ("orders", self.orders, (len(events.actions) + 1,)),
            ("refunds", self.refunds, (len(events.actions) + 1,)),
            ("coupons", self.coupons, (len(events.actions) + 1,)),
            ("deals", self.deals, (len(events.actions) + 1,)),
        ):
            if len(column) not in places:
                raise ValueError(f"{name} must have {' or '.join(map(str, places))} values (found {len(column)})")


def index_log(events: EventTable, index: VisitIndex) -> LogIndex:
    """Of a whole log, with what is usual in it."""
    item = events.codes.get("item")
    item_seller = _sellers_of_items(events)
    events_per_visit, category_share, seller_share = np.nan, np.zeros(0), np.zeros(0)
    if item is not None:
        known = item[item >= 0]
        events_per_visit = len(known) / max(_visits_to_items(index), 1)
        category_share = _shares(events.item_category[known], len(events.categories))
        if "seller" in events.codes:
            seller_share = _shares(item_seller[known], events.count("seller"))
    untimed = np.searchsorted(events.time, NO_TIME, side="right") if events.time is not None else 0  # these come first
    start = events.time[untimed:] if events.time is not None else np.zeros(0, np.int64)
    users_of_ip = _users_of_keys(index, "ip")
    return index_part(
        events,
        index,
        start=int(start[0]) if len(start) else 0,
        end=int(index.visits.time.max(initial=0)),
        events_per_visit=events_per_visit,
        category_share=category_share,
        seller_share=seller_share,
        users_of_ips=int(users_of_ip.sum()),
        new_by_day=_new_by_day(events),
        users_by_day=_users_by_day(events),
        users_of_ip=users_of_ip,
        deal=_deal_of(events),
    )


def index_part(
    events: EventTable,
    index: VisitIndex,
    *,
    start: int,
    end: int,
    events_per_visit: float,
    category_share: Float64,
    seller_share: Float64,
    users_of_ips: int,
    new_by_day: Int64,
    users_by_day: Int64,
    users_of_ip: Int64,
    deal: str,
) -> LogIndex:
    """Of one ring's part of a log, with what the whole log told of itself; see `LogIndex`."""
    offset, by_user = _kernels.group_rows(events.codes["user"], events.count("user"))
    return LogIndex(
        events=events,
        visits=index,
        start=start,
        end=end,
        events_per_visit=events_per_visit,
        category_share=category_share,
        seller_share=seller_share,
        users_of_ips=users_of_ips,
        new_by_day=new_by_day,
        users_by_day=users_by_day,
        users_of_ip=users_of_ip,
        offset=offset,
        by_user=by_user,
        item_seller=_sellers_of_items(events),
        orders=which_actions(events, "order", "pay"),
        refunds=which_actions(events, *GIVE_BACK),
        coupons=which_actions(events, "coupon"),
        deal=deal,
        deals=which_actions(events, deal) if deal else ~which_actions(events, *GIVE_BACK),
    )


def which_actions(events: EventTable, *actions: str) -> Bool:
    """(actions + 1,) bool: which action codes are one of these; the last place stands for events without an action."""
    return np.array([action in actions for action in events.actions] + [False])


def _deal_of(events: EventTable) -> str:
    """Orders, or payments where no order says what it is worth: an order and its payment are one purchase, and count once."""
    priced = np.ones(len(events), np.bool_) if events.amount is None else ~np.isnan(events.amount)
    for rows in (priced, np.ones(len(events), np.bool_)):
        for word in ("order", "pay"):
            if which_actions(events, word)[events.action[rows]].any():
                return word
    return ""


def _visits_to_items(index: VisitIndex) -> int:
    if index.item_view < 0:
        return 0
    view = index.visits.views[index.item_view]
    return int(index.visits.offset[view.first_key + view.keys] - index.visits.offset[view.first_key])


def _sellers_of_items(events: EventTable) -> Int32:
    """(items,) the seller of each item's last event that names one."""
    found = np.full(events.count("item"), -1, np.int32)
    if "item" in events.codes and "seller" in events.codes:
        item, seller = events.codes["item"], events.codes["seller"]
        both = (item >= 0) & (seller >= 0)
        found[item[both]] = seller[both]
    return found


def _new_by_day(events: EventTable) -> Int64:
    if events.time is None:
        return np.zeros(0, np.int64)
    first = first_seen(events.time, events.codes["user"], events.count("user"))
    known = first[first != NEVER]
    return np.bincount((known - known.min()) // DAY).astype(np.int64) if len(known) else np.zeros(0, np.int64)


def _users_by_day(events: EventTable) -> Int64:
    if events.time is None:
        return np.zeros(0, np.int64)
    untimed = np.searchsorted(events.time, NO_TIME, side="right")
    day = (events.time[untimed:] - events.time[untimed : untimed + 1]) // DAY
    bounds = untimed + np.searchsorted(day, np.arange(day[-1] + 2 if len(day) else 0))
    any_age = np.zeros(0, np.int64)
    return _kernels.distinct_within(events.codes["user"], events.count("user"), bounds[:-1], bounds[1:], any_age, any_age)


def first_seen(time: Int64, user: Int32, users: int) -> Int64:
    """(users,) microseconds of each user's first event with a time, the largest number where none has one."""
    first = np.full(users, NEVER)
    untimed = np.searchsorted(time, NO_TIME, side="right")  # events are in order of time, and these come first
    first[user[untimed:][::-1]] = time[untimed:][::-1]  # the earliest is written last
    return first


def _shares(group: npt.NDArray[np.integer], groups: int) -> Float64:
    """(groups + 1,) share of each group; the first place is for −1."""
    return np.asarray(np.bincount(group + 1, minlength=groups + 1) / max(len(group), 1), np.float64)


def _users_of_keys(index: VisitIndex, view: str) -> Int64:
    """Distinct users of each key of a view; empty where the log has no such view."""
    for seen in index.visits.views:
        if seen.name == view:
            offset = index.visits.offset[seen.first_key : seen.first_key + seen.keys + 1]
            return distinct_users(offset, index.visits.user, index.visits.users)
    return np.zeros(0, np.int64)


def distinct_users(offset: Int64, user: Int32, users: int) -> Int64:
    """(groups,) distinct users of each group of rows: of group g the rows offset[g] … offset[g + 1] − 1."""
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(_kernels.first_of_user(offset, user, users), dtype=np.int64)])
    return np.asarray(np.diff(first[offset - offset[0]]))
