"""Members' events → who was at which target, how often, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int64, check_columns, distinct_counts
from graphdet.events import NO_TIME
from graphdet.judging.member_events import MemberEvents
from graphdet.judging.ring_time import DAY, time_of_ring
from graphdet.rings.growth import Grower


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

    def __post_init__(self) -> None:
        check_columns(
            len(self.member_events), member_events=(self.member_events, np.int64), member_first=(self.member_first, np.int64),
            member_last=(self.member_last, np.int64),
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


def measure_presence(own: MemberEvents, grower: Grower) -> Presence:
    """O(members' events + members · targets)."""
    members, targets = len(own.grown.members), len(own.grown.targets)
    met = np.zeros((members, targets), np.bool_)
    met[grower.incidence(own.grown)] = True
    at = [np.flatnonzero(target >= 0) for target in own.target]
    target = np.concatenate([target[rows] for target, rows in zip(own.target, at, strict=True)] or [np.zeros(0, np.int64)])
    target_events, target_first, target_last = _counted(target, own.time[np.concatenate([*at, np.zeros(0, np.int64)])], targets)
    member_events, member_first, member_last = _counted(own.who[own.inside], own.time[own.inside], members)
    middle, half = _middle_halves(own)
    met_first, first, time = _meetings(own)
    start, end = time_of_ring(met_first)
    kept = (first >= start) & (first <= end)
    return Presence(
        met=met,
        member_events=member_events,
        member_first=member_first,
        member_last=member_last,
        target_events=target_events,
        target_first=target_first,
        target_last=target_last,
        start=start,
        end=end,
        days=(end - start) / DAY,
        until=int(time[kept].max(initial=end)),
        apart=_chance_of_span(middle, own.log.end) if len(middle) > 1 else np.nan,
        hours=float(np.median(half) / 3600) if len(half) else np.nan,
    )


def _middle_halves(own: MemberEvents) -> tuple[Float64, Float64]:
    """Of each item target the median second of members' events in its time, and how long the middle half of them takes."""
    if own.log.events.time is None or not len(own.item_targets):
        return np.zeros(0), np.zeros(0)
    target, second = own.target[own.log.visits.item_view][own.inside], own.second[own.inside]
    pair = np.sort(target << 32 | second)
    _, count = distinct_counts(pair >> 32)
    low, middle, high = (_quantiles(pair & 0xFFFFFFFF, count, share) for share in (0.25, 0.5, 0.75))
    return middle, high - low


def _quantiles(values: Int64, count: Int64, share: float) -> Float64:
    """A quantile of each of several runs of sorted values, as NumPy has it; no run is empty."""
    place = share * (count - 1)
    below = np.floor(place).astype(np.int64)
    begin, part = np.cumsum(count) - count, place - below
    low, high = values[begin + below], values[begin + np.minimum(below + 1, count - 1)]
    step = high - low
    return np.asarray(np.where(part >= 0.5, high - step * (1 - part), low + step * part), np.float64)


def _chance_of_span(moments: Float64, end: int) -> float:
    """That as many moments, drawn evenly from 0 … `end`, would lie no further from first to last: their span is Beta(n − 1, 2)."""
    many, span = len(moments), min(float(np.ptp(moments)) / max(end, 1), 1.0)
    return float(many * span ** (many - 1) - (many - 1) * span**many)


def _meetings(own: MemberEvents) -> tuple[Int64, Int64, Int64]:
    """Of each member and target where they met, when first; of each event with a time there, (n,) that moment and (n,) its own.

    Members meet at items; at any thing where no item is a target.
    """
    place = own.target[own.log.visits.item_view] if len(own.item_targets) else own.anywhere
    there = np.flatnonzero(own.inside & (own.time != NO_TIME))
    pair = own.who[there] * np.int64(1 << 32) + place[there]
    _, first, of = np.unique(pair, return_index=True, return_inverse=True)  # a member's events are in order of time
    met_first = own.time[there[first]]
    return met_first, met_first[of], own.time[there]


def _counted(place: Int64, time: Int64, places: int) -> tuple[Int64, Int64, Int64]:
    """(places,) how many of the events are at each place, and the first and last time of these."""
    count = np.bincount(place, minlength=places).astype(np.int64)
    first, last = np.full(places, np.iinfo(np.int64).max), np.full(places, NO_TIME)
    np.minimum.at(first, place, time)
    np.maximum.at(last, place, time)
    first[count == 0] = NO_TIME
    return count, first, last
