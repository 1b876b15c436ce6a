"""A replay → the scene that facts are read from: who of the ring was at which item target in its time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from graphdet.arrays import Bool, Float64, Int64
from graphdet.events import NO_TIME
from graphdet.judging.log_index import which_actions
from graphdet.replay.replaying import Replay
from graphdet.schema import ITEM, USER

MICRO = 1_000_000
DAY = 86_400 * MICRO


@dataclass(frozen=True)
class Scene:
    """What all facts of a ring are read from: its small log and who was where.

    Attributes:
        member: (e,) int64 position of each event's member; `inside` (e,) bool, on an item target in its time, or on any target where no
            item is one; `target` (e,) int64 which of `windows`, −1 elsewhere.
        first: (n members, t windows) int64 microseconds of a member's first event inside; `NO_TIME` where there is none.
        windows: the item targets, as recorded, those with most members first.
        measured: what the run recorded of the ring.
    """

    replay: Replay
    member: Int64
    inside: Bool
    target: Int64
    first: Int64
    windows: list[dict[str, Any]]
    measured: dict[str, Any]

    @property
    def size(self) -> int:
        return len(self.replay.small.members)

    @property
    def users(self) -> int:
        return int(self.replay.recorded.background["users"])

    @cached_property
    def names(self) -> list[str]:
        """Ids of the members, in the order of their codes."""
        small = self.replay.small
        return list(small.events.ids[USER].take(pa.array(small.members)).to_pylist())

    @cached_property
    def time(self) -> Int64:
        """(e,) microseconds since 1970 UTC, `NO_TIME` where unknown."""
        return self.replay.recorded.time[self.replay.small.rows]

    @cached_property
    def met(self) -> Bool:
        """(members, windows) who was where."""
        return np.asarray(self.first != NO_TIME)

    @cached_property
    def chance(self) -> Float64:
        """(windows,) share of all users who were at each in its time."""
        return np.array([window["users"] for window in self.windows]) / self.users

    @property
    def usual(self) -> dict[str, Any]:
        """What everybody else did in the ring's time, as recorded."""
        return dict(self.measured["usual"])

    @cached_property
    def came(self) -> Int64:
        """(members, windows) as `first`, `NO_TIME` for strays, too: who first came to the item outside the ring's time."""
        start, end = self.measured["time"]["start"], self.measured["time"]["end"]
        if start is None:
            return self.first
        return np.where((self.first >= start) & (self.first <= end), self.first, NO_TIME)

    @cached_property
    def stray(self) -> Bool:
        """(e,) inside, but where its member first came outside the ring's time."""
        found = np.zeros(len(self.member), np.bool_)
        if self.windows:
            found[self.inside] = (self.came == NO_TIME)[self.member[self.inside], self.target[self.inside]]
        return found

    @property
    def meant(self) -> Bool:
        """(e,) inside, and no stray: what facts about times are read from."""
        return self.inside & ~self.stray

    def did(self, *actions: str) -> Bool:
        """(e,) which events are one of these actions."""
        events = self.replay.small.events
        return which_actions(events, *actions)[events.action]


def set_scene(replay: Replay, ring_id: str) -> Scene:
    """Who was at which item target in its time."""
    recorded, small = replay.recorded, replay.small
    measured = json.loads(recorded.measured[ring_id])
    windows = [window for window in measured["windows"] if window["type"] == ITEM]
    member = np.searchsorted(small.members, small.events.codes["user"]).astype(np.int64)
    target = np.full(len(member), -1, np.int64)
    time = recorded.time[small.rows]
    first = np.full((len(small.members), len(windows)), np.iinfo(np.int64).max)
    for number, window in enumerate(windows):
        here = small.events.at(ITEM, window["id"])
        if window["start"] is not None:
            here &= (time >= window["start"]) & (time <= window["end"])
        target[here] = number
        np.minimum.at(first[:, number], member[here], np.where(time[here] == NO_TIME, 0, time[here]))
    first[first == np.iinfo(np.int64).max] = NO_TIME
    order = np.argsort(-(first != NO_TIME).sum(0), kind="stable")
    place = np.empty(len(order) + 1, np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    inside = target >= 0 if windows else _at_any(measured["windows"], replay, time)
    return Scene(replay, member, inside, place[target], first[:, order], [windows[n] for n in order.tolist()], measured)


def _at_any(windows: list[dict[str, Any]], replay: Replay, time: Int64) -> Bool:
    """(e,) at a target of any type in its time, where no item is one."""
    small = replay.small
    inside = np.zeros(len(time), np.bool_)
    for window in windows:
        here = small.events.at(window["type"], window["id"])
        inside |= here if window["start"] is None else here & (time >= window["start"]) & (time <= window["end"])
    return inside


def moment(micros: int | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    if micros is None or micros == NO_TIME:
        return None
    return np.datetime_as_string(np.datetime64(int(micros), "us"), unit="s") + "Z"
