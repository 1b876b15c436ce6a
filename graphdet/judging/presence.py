"""Members' events → who was at which target, how often, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int64, check_columns
from graphdet.events import NO_TIME
from graphdet.judging.member_events import MemberEvents
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
        days: from the first to the last event at an item target.
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


def measure_presence(own: MemberEvents, grower: Grower) -> Presence:
    """O(members' events + members · targets)."""
    members, targets = len(own.grown.members), len(own.grown.targets)
    met = np.zeros((members, targets), np.bool_)
    met[grower.incidence(own.grown)] = True
    at = [np.flatnonzero(target >= 0) for target in own.target]
    target = np.concatenate([target[rows] for target, rows in zip(own.target, at, strict=True)] or [np.zeros(0, np.int64)])
    target_events, target_first, target_last = _counted(target, own.time[np.concatenate([*at, np.zeros(0, np.int64)])], targets)
    member_events, member_first, member_last = _counted(own.who[own.inside], own.time[own.inside], members)
    seconds = own.second[own.inside]
    middle, half = _middle_halves(own)
    return Presence(
        met=met,
        member_events=member_events,
        member_first=member_first,
        member_last=member_last,
        target_events=target_events,
        target_first=target_first,
        target_last=target_last,
        days=float((seconds.max() - seconds.min()) / 86_400) if len(seconds) else 0.0,
        apart=_chance_of_span(middle, own.log.end) if len(middle) > 1 else np.nan,
        hours=float(np.median(half) / 3600) if len(half) else np.nan,
    )


def _middle_halves(own: MemberEvents) -> tuple[Float64, Float64]:
    """Of each item target the median second of members' events in its time, and how long the middle half of them takes."""
    if own.log.events.time is None or not len(own.item_targets):
        return np.zeros(0), np.zeros(0)
    target, second = own.target[own.log.visits.item_view][own.inside], own.second[own.inside]
    quartiles = np.array([np.quantile(second[target == place], (0.25, 0.5, 0.75)) for place in np.unique(target).tolist()])
    return quartiles[:, 1], quartiles[:, 2] - quartiles[:, 0]


def _chance_of_span(moments: Float64, end: int) -> float:
    """That as many moments, drawn evenly from 0 … `end`, would lie no further from first to last: their span is Beta(n − 1, 2)."""
    many, span = len(moments), min(float(np.ptp(moments)) / max(end, 1), 1.0)
    return float(many * span ** (many - 1) - (many - 1) * span**many)


def _counted(place: Int64, time: Int64, places: int) -> tuple[Int64, Int64, Int64]:
    """(places,) how many of the events are at each place, and the first and last time of these."""
    count = np.bincount(place, minlength=places).astype(np.int64)
    first, last = np.full(places, np.iinfo(np.int64).max), np.full(places, NO_TIME)
    np.minimum.at(first, place, time)
    np.maximum.at(last, place, time)
    first[count == 0] = NO_TIME
    return count, first, last
