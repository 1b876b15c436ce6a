"""Members' events → who was at which target, how often, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphdet.arrays import Bool, Float64, Int64, check_columns, distinct_counts, distinct_values, firsts, medians, offsets, quantiles
from graphdet.events import NO_TIME
from graphdet.judging.member_events import MemberEvents
from graphdet.judging.ring_time import DAY, time_of_ring


@dataclass(frozen=True)
class Presence:
    """Who was where, and when.

    Attributes:
        met: (n members, t targets) bool, who was at which target in its time.
        member_events: (n,) int64 events of each member at the item targets, in their time; none where the log has no items.
        member_first, member_last: (n,) int64 microseconds of the first and last of these; `NO_TIME` where there is none.
        target_events: (t,) int64 events of members at each target in its time.
        target_first, target_last: (t,) int64 microseconds of the first and last of these.
        start, end: the ring's time, in microseconds: from the first to the last of its meetings, without strays; `NO_TIME` without times.
        until: their last event at where they met so: what was ordered then may be paid, sent back or reviewed later.
        days: from `start` to `end`.
        apart: chance that so many item targets, each worked on at a random moment of the log, would lie as close together; NaN where the
            log has no times, or where there is but one. Who works on a campaign keeps to it; who meets again and again does not.
        hours: of the middle half of members' events at the median item target; NaN where the log has no times.
        touched: (n,) int64 item targets that each member was at in their time.
        strays: (n,) bool who first came to each of them outside the ring's time.
    """

    met: Bool
    member_events: Int64
    member_first: Int64
    member_last: Int64
    target_events: Int64
    target_first: Int64
    target_last: Int64
    start: int
    end: int
    until: int
    days: float
    apart: float
    hours: float
    touched: Int64
    strays: Bool

    def __post_init__(self) -> None:
        check_columns(
            len(self.member_events), member_events=(self.member_events, np.int64), member_first=(self.member_first, np.int64),
            member_last=(self.member_last, np.int64), touched=(self.touched, np.int64), strays=(self.strays, np.bool_),
        )  # fmt: skip
        check_columns(
            len(self.target_events), target_events=(self.target_events, np.int64), target_first=(self.target_first, np.int64),
            target_last=(self.target_last, np.int64),
        )  # fmt: skip
        shape = (len(self.member_events), len(self.target_events))
        if self.met.dtype != np.bool_ or self.met.shape != shape:
            raise ValueError(f"met must be bool of {shape} (found {self.met.dtype} of {self.met.shape})")
        if not self.start <= self.end <= self.until:
            raise ValueError(f"a ring begins, ends and has its last event in this order (found {self.start}, {self.end}, {self.until})")


def measure_presence(own: MemberEvents) -> list[Presence]:
    """Of each ring. O(members' events + members · targets)."""
    at = [np.flatnonzero(target >= 0) for target in own.target]
    target = np.concatenate([np.zeros(0, np.int64), *(target[rows] for target, rows in zip(own.target, at, strict=True))])
    of_targets = _counted(target, own.time[np.concatenate([np.zeros(0, np.int64), *at])], len(own.key))
    of_members = _counted(own.who[own.inside], own.time[own.inside], len(own.member))
    times, strays = _times(own)
    touched, each = _touched(own), [slice(begin, end) for begin, end in pairwise(own.members.tolist())]
    return [
        Presence(met, *counted_members, *counted_targets, start, end, until, days, apart, hours, touched[each[n]], strays[each[n]])
        for n, (met, counted_members, counted_targets, (start, end, until, days), (apart, hours)) in enumerate(
            zip(_met(own), _cut(of_members, own.members), _cut(of_targets, own.targets), times, _closeness(own), strict=True)
        )
    ]


def _cut(columns: tuple[Int64, Int64, Int64], bounds: Int64) -> list[tuple[Int64, Int64, Int64]]:
    """Columns of all rings' members, or targets → those of each ring."""
    count, first, last = columns
    return [(count[begin:end], first[begin:end], last[begin:end]) for begin, end in pairwise(bounds.tolist())]


def _touched(own: MemberEvents) -> Int64:
    """(m,) item targets that each member was at in their time."""
    if own.log.visits.item_view < 0:
        return np.zeros(len(own.member), np.int64)
    target = own.target[own.log.visits.item_view]
    there = target >= 0
    return own.by_member(distinct_values(own.who[there] << 32 | target[there]) >> 32)


def _met(own: MemberEvents) -> list[Bool]:
    """For each ring its members by its targets, who met where."""
    members, targets = np.diff(own.members), np.diff(own.targets)
    begin = offsets(members * targets)
    who, target = own.met
    ring = own.ring_of_member[who]
    met = np.zeros(begin[-1], np.bool_)
    met[begin[ring] + (who - own.members[ring]) * targets[ring] + target - own.targets[ring]] = True
    shapes = zip(pairwise(begin.tolist()), members.tolist(), targets.tolist(), strict=True)
    return [met[first:last].reshape(many, places) for (first, last), many, places in shapes]


def _times(own: MemberEvents) -> tuple[list[tuple[int, int, int, float]], Bool]:
    """For each ring `start`, `end`, `until` and `days` of `Presence`; and (m,) `strays`."""
    met_first, who, first, time, of = _meetings(own)
    of_first = own.ring_of_member[who]
    found = [time_of_ring(met_first[begin:end]) for begin, end in pairwise(own.bounds(of_first).tolist())]
    start, end = (np.array(moments, np.int64) for moments in zip(*found, strict=True))
    kept = (first >= start[of]) & (first <= end[of])
    until = end.copy()
    np.maximum.at(until, of[kept], time[kept])
    meant = (met_first >= start[of_first]) & (met_first <= end[of_first])
    strays = own.at_items[own.ring_of_member] & (own.by_member(who) > 0) & (own.by_member(who[meant]) == 0)
    return list(zip(start.tolist(), end.tolist(), until.tolist(), ((end - start) / DAY).tolist(), strict=True)), strays


def _closeness(own: MemberEvents) -> list[tuple[float, float]]:
    """For each ring `apart` and `hours` of `Presence`."""
    middle, half, ring = _middle_halves(own)
    hours = medians(half, ring, len(own.rings)) / 3600
    moments = [middle[begin:end] for begin, end in pairwise(own.bounds(ring).tolist())]
    apart = [_chance_of_span(few, own.log.end) if len(few) > 1 else np.nan for few in moments]
    return list(zip(apart, hours.tolist(), strict=True))


def _middle_halves(own: MemberEvents) -> tuple[Float64, Float64, Int64]:
    """Of each item target with events of members in its time their median second, how long the middle half of them takes, and its ring."""
    if own.log.events.time is None or own.log.visits.item_view < 0:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
    target = own.target[own.log.visits.item_view]
    there = target >= 0
    pair = np.sort(target[there] << 32 | own.second[there])
    target, count = distinct_counts(pair >> 32)
    low, middle, high = (quantiles(pair & 0xFFFFFFFF, count, share) for share in (0.25, 0.5, 0.75))
    return middle, high - low, own.ring_of_target[target]


def _chance_of_span(moments: Float64, end: int) -> float:
    """That as many moments, drawn evenly from 0 … `end`, would lie no further from first to last: their span is Beta(n − 1, 2)."""
    many, span = len(moments), min(float(np.ptp(moments)) / max(end, 1), 1.0)
    return float(many * span ** (many - 1) - (many - 1) * span**many)


def _meetings(own: MemberEvents) -> tuple[Int64, Int64, Int64, Int64, Int64]:
    """When members met, and where: at items; at any thing where no item is a target.

    Returns:
        (pairs,) of each member and target when they first met, and the member. (n,) of each event with a time there that moment, its own
        time, and its ring.
    """
    there = np.flatnonzero(own.inside & (own.time != NO_TIME))
    place = own.anywhere[there]
    if own.log.visits.item_view >= 0:
        place = np.where(own.at_items[own.ring[there]], own.target[own.log.visits.item_view][there], place)
    pair = own.who[there] << 32 | place
    order = np.argsort(pair, kind="stable")  # a member's events are in order of time
    first = firsts(pair[order])
    begin = there[order[first]]
    met_first = own.time[begin]
    of = np.empty(len(there), np.int64)
    of[order] = np.cumsum(first) - 1
    return met_first, own.who[begin], met_first[of], own.time[there], own.ring[there]


def _counted(place: Int64, time: Int64, places: int) -> tuple[Int64, Int64, Int64]:
    """(places,) how many of the events are at each place, and the first and last time of these."""
    count = np.bincount(place, minlength=places).astype(np.int64)
    first, last = np.full(places, np.iinfo(np.int64).max), np.full(places, NO_TIME)
    np.minimum.at(first, place, time)
    np.maximum.at(last, place, time)
    first[count == 0] = NO_TIME
    return count, first, last
