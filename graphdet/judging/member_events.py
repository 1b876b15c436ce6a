"""A grown ring + its log → what its members did, event by event, and which events were at the ring's targets in their time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphdet.arrays import Bool, Int32, Int64, check_array, check_columns, distinct_values, stretches
from graphdet.events import NO_TIME
from graphdet.judging.log_index import LogIndex
from graphdet.rings.growth import Grown


@dataclass(frozen=True)
class MemberEvents:
    """Events of a ring's members: member by member, each in the order of the log.

    Attributes:
        grown, log: the ring, and where it was found.
        who: (e,) int64 position of the member in `grown.members`.
        event: (e,) int64 row of `log.events`.
        time: (e,) int64 microseconds since 1970 UTC; `NO_TIME` where there is none.
        item: (e,) int32 item, −1 where there is none.
        target: for each view, (e,) int64 position in `grown.targets` of the target that the event was at in its time, else −1.
    """

    grown: Grown
    log: LogIndex
    who: Int64
    event: Int64
    time: Int64
    item: Int32
    target: tuple[Int64, ...]

    def __post_init__(self) -> None:
        check_columns(
            len(self.event), event=(self.event, np.int64), who=(self.who, np.int64), time=(self.time, np.int64), item=(self.item, np.int32)
        )
        for target in self.target:
            check_array("target", target, np.int64, len(self.event))

    @cached_property
    def second(self) -> Int64:
        """(e,) seconds since the log's first event; as in `seconds_of` where there is no time."""
        return seconds_of(self.time, self.log)

    @cached_property
    def inside(self) -> Bool:
        """(e,) which events were at an item target in its time; at any target, where no item is among them, since other things must do."""
        if len(self.item_targets):
            return self.target[self.log.visits.item_view] >= 0
        return np.asarray(self.anywhere >= 0)

    @cached_property
    def anywhere(self) -> Int64:
        """(e,) position of a target of any type that each event was at in its time, −1 where it was at none."""
        return np.max(self.target, axis=0) if self.target else np.full(len(self.event), -1)

    @cached_property
    def item_targets(self) -> Int64:
        """Positions in `grown.targets` of the items among them."""
        return np.flatnonzero(self.log.visits.view[self.grown.targets] == self.log.visits.item_view)

    @cached_property
    def target_items(self) -> Int32:
        """The same as item codes."""
        index = self.log.visits
        first = index.visits.views[index.item_view].first_key if index.item_view >= 0 else 0
        return self.grown.targets[self.item_targets] - np.int32(first)

    @cached_property
    def is_member(self) -> Bool:
        """(users,) who of all users is one."""
        found = np.zeros(self.log.visits.visits.users, np.bool_)
        found[self.grown.members] = True
        return found

    def touched(self, chosen: Bool) -> int:
        """Distinct (member, item) among the chosen events."""
        return len(distinct_values(self.who[chosen] * np.int64(1 << 32) + self.item[chosen]))


def read_member_events(grown: Grown, log: LogIndex) -> MemberEvents:
    """O(members' events)."""
    events = log.events
    who = np.repeat(np.arange(len(grown.members)), log.offset[grown.members + 1] - log.offset[grown.members])
    event = log.by_user[stretches(log.offset, grown.members)]
    time = events.time[event] if events.time is not None else np.full(len(event), NO_TIME)
    item = events.codes["item"][event] if "item" in events.codes else np.full(len(event), -1, np.int32)
    second = seconds_of(time, log)
    target = tuple(_target_of(grown, log, position, event, second) for position in range(len(log.visits.visits.views)))
    return MemberEvents(grown, log, who, event, time, item, target)


def seconds_of(time: Int64, log: LogIndex) -> Int64:
    """Microseconds since 1970 → seconds since the log's first event; −1 for an event without a time, 0 for all in a log without times."""
    return np.where(time == NO_TIME, 0 if log.events.time is None else -1, (time - log.start) // 1_000_000)


def _target_of(grown: Grown, log: LogIndex, position: int, event: Int64, second: Int64) -> Int64:
    """(e,) position of the target of one view that each event was at in its time, −1 where it was at none."""
    own = np.flatnonzero(log.visits.view[grown.targets] == position)
    found = np.full(len(event), -1)
    if not len(own):
        return found
    view = log.visits.visits.views[position]
    code = log.events.codes[view.name][event]
    keys = grown.targets[own] - view.first_key
    place = np.minimum(np.searchsorted(keys, code), len(own) - 1)
    within = (keys[place] == code) & (code >= 0) & (second >= grown.start[own][place]) & (second <= grown.end[own][place])
    found[within] = own[place[within]]
    return found
