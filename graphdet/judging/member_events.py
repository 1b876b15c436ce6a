"""Grown rings + their log → what members did, event by event, and which events were at their ring's targets in their time.

Several rings are read at once: their members, targets and events stand one after the other, so that a fact is counted for all of them in
one go. What a ring's facts are does not hang on the rings that it is read with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from graphdet.arrays import Bool, Int32, Int64, check_array, check_columns, firsts, offsets, stretches
from graphdet.events import NO_TIME
from graphdet.judging.log_index import LogIndex
from graphdet.rings.growth import Grown
from graphdet.visits.visits import View


class Meetings(Protocol):
    """What knows the meetings of rings: a `Grower` of the log that they were found in."""

    def incidence(self, ring: Grown) -> tuple[Int64, Int64]:
        """Who was at which target in its time: positions in `ring.members` and `ring.targets`, pairs once each."""
        ...


@dataclass(frozen=True)
class MemberEvents:
    """Events of rings' members: ring by ring, member by member, each in the order of the log.

    A member is one of one ring: who is in two rings is two members. Members and targets are numbered through all rings.

    Attributes:
        rings, log: the rings, and where they were found.
        member: (m,) int32 user code of each member, ring by ring.
        key: (t,) int32 key of each target, ring by ring; `start` and `end` (t,) int32 as in `Grown`.
        met: (n,) int64 members and (n,) int64 targets, who was at which target of the ring in its time, each pair once.
        who: (e,) int64 member of each event.
        event: (e,) int64 row of `log.events`.
        time: (e,) int64 microseconds since 1970 UTC; `NO_TIME` where there is none.
        item: (e,) int32 item, −1 where there is none.
        target: for each view, (e,) int64 target of the ring that the event was at in its time, else −1.
    """

    rings: Sequence[Grown]
    log: LogIndex
    member: Int32
    key: Int32
    start: Int32
    end: Int32
    met: tuple[Int64, Int64]
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
    def members(self) -> Int64:
        """(rings + 1,) members of ring r are members[r] … members[r + 1] − 1."""
        return offsets([len(grown.members) for grown in self.rings])

    @cached_property
    def targets(self) -> Int64:
        """(rings + 1,) the same for targets."""
        return offsets([len(grown.targets) for grown in self.rings])

    @cached_property
    def ring_of_member(self) -> Int64:
        return np.repeat(np.arange(len(self.rings)), np.diff(self.members))

    @cached_property
    def ring_of_target(self) -> Int64:
        return np.repeat(np.arange(len(self.rings)), np.diff(self.targets))

    @cached_property
    def ring(self) -> Int64:
        """(e,) ring of each event."""
        return self.ring_of_member[self.who]

    def by_ring(self, rings: Int64) -> Int64:
        """(rings,) how often each ring is there."""
        return np.bincount(rings, minlength=len(self.rings))

    def by_member(self, members: Int64) -> Int64:
        """(m,) the same for members."""
        return np.bincount(members, minlength=len(self.member))

    def bounds(self, ring: Int64) -> Int64:
        """(rings + 1,) of things ring by ring, those of ring r are bounds[r] … bounds[r + 1] − 1; `ring` is whose each is."""
        return np.searchsorted(ring, np.arange(len(self.rings) + 1))

    @cached_property
    def second(self) -> Int64:
        """(e,) seconds since the log's first event; as in `seconds_of` where there is no time."""
        return seconds_of(self.time, self.log)

    @cached_property
    def inside(self) -> Bool:
        """(e,) which events were at an item target in its time; at any target, where the ring has no item among them, since other things
        must do."""
        at_item = self.target[self.log.visits.item_view] >= 0 if self.log.visits.item_view >= 0 else np.zeros(len(self.event), np.bool_)
        return np.where(self.at_items[self.ring], at_item, self.anywhere >= 0)

    @cached_property
    def at_items(self) -> Bool:
        """(rings,) whether members met at items."""
        return self.by_ring(self.ring_of_target[self.item_targets]) > 0

    @cached_property
    def anywhere(self) -> Int64:
        """(e,) the target of any type that each event was at in its time, −1 where it was at none."""
        return np.max(self.target, axis=0) if self.target else np.full(len(self.event), -1)

    @cached_property
    def item_targets(self) -> Int64:
        """(i,) the targets that are items."""
        return np.flatnonzero(self.log.visits.view[self.key] == self.log.visits.item_view)

    @cached_property
    def target_items(self) -> Int32:
        """(i,) the same as item codes."""
        index = self.log.visits
        first = index.visits.views[index.item_view].first_key if index.item_view >= 0 else 0
        return self.key[self.item_targets] - np.int32(first)

    @cached_property
    def items_of(self) -> Int64:
        """(rings + 1,) into `item_targets`."""
        return np.searchsorted(self.item_targets, self.targets)

    @cached_property
    def visitors(self) -> Int32:
        """(t,) as in `Grown`."""
        return np.concatenate([grown.visitors for grown in self.rings])

    @cached_property
    def outsiders(self) -> Int32:
        """(t,) as in `Grown`."""
        return np.concatenate([grown.outsiders for grown in self.rings])

    @cached_property
    def met_items(self) -> tuple[Int64, Int64]:
        """`met`, as far as the targets are items."""
        who, target = self.met
        chosen = self.log.visits.view[self.key[target]] == self.log.visits.item_view
        return who[chosen], target[chosen]

    @cached_property
    def touched(self) -> tuple[Int64, Int64]:
        """Of the events inside, pairs of a member and an item: (n,) the pair of each event, and (pairs,) the ring of each pair."""
        who = self.who[self.inside]
        pair = who << 32 | self.item[self.inside] + 1
        order = np.argsort(pair, kind="stable")
        first = firsts(pair[order])
        number = np.empty(len(order), np.int64)
        number[order] = np.cumsum(first) - 1
        return number, self.ring_of_member[who[order[first]]]


def read_member_events(rings: Sequence[Grown], log: LogIndex, grower: Meetings) -> MemberEvents:
    """O(members' events + visits to targets in their time)."""
    events = log.events
    columns = zip(*((grown.members, grown.targets, grown.start, grown.end) for grown in rings), strict=True)
    member, key, start, end = (np.concatenate(parts) for parts in columns)
    event = log.by_user[stretches(log.offset, member)]
    who = np.repeat(np.arange(len(member)), log.offset[member + 1] - log.offset[member])
    time = events.time[event] if events.time is not None else np.full(len(event), NO_TIME)
    ring = np.repeat(np.arange(len(rings)), [len(grown.members) for grown in rings])[who]
    place = np.repeat(np.arange(len(rings)), [len(grown.targets) for grown in rings]) << 32 | key  # rising, since targets are sorted
    second = seconds_of(time, log)

    def target_of(view: View) -> Int64:
        """The target among a view's keys that each event was at in its time, −1 where it was at none."""
        is_target = np.zeros(view.keys + 1, np.bool_)  # the last place stands for events without such a thing
        is_target[key[(key >= view.first_key) & (key < view.first_key + view.keys)] - view.first_key] = True
        code = events.codes[view.name][event]
        near = np.flatnonzero(is_target[code])
        wanted = ring[near] << 32 | code[near] + np.int32(view.first_key)
        target = np.minimum(np.searchsorted(place, wanted), len(place) - 1)
        within = (place[target] == wanted) & (second[near] >= start[target]) & (second[near] <= end[target])
        found = np.full(len(event), -1)
        found[near[within]] = target[within]
        return found

    return MemberEvents(
        rings=rings,
        log=log,
        member=member,
        key=key,
        start=start,
        end=end,
        met=_met(rings, grower),
        who=who,
        event=event,
        time=time,
        item=events.codes["item"][event] if "item" in events.codes else np.full(len(event), -1, np.int32),
        target=tuple(target_of(view) for view in log.visits.visits.views),
    )


def _met(rings: Sequence[Grown], grower: Meetings) -> tuple[Int64, Int64]:
    """Who was at which target of each ring in its time."""
    pairs = [grower.incidence(grown) for grown in rings]
    many = [len(who) for who, _ in pairs]
    first_member = offsets([len(grown.members) for grown in rings])[:-1]
    first_target = offsets([len(grown.targets) for grown in rings])[:-1]
    return (
        np.concatenate([who for who, _ in pairs]) + np.repeat(first_member, many),
        np.concatenate([target for _, target in pairs]) + np.repeat(first_target, many),
    )


def seconds_of(time: Int64, log: LogIndex) -> Int64:
    """Microseconds since 1970 UTC → seconds since the log's first event; −1 for an event without a time, 0 in a log without times."""
    return np.where(time == NO_TIME, 0 if log.events.time is None else -1, (time - log.start) // 1_000_000)
