"""A core of users → the ring that its own profile describes: targets, their times, and everybody who kept to them.

Pair evidence finds cores only; most members share too few meetings with any one other member. So the ring judges: take the keys
that members visited together (its targets) with the time in which they did, score every user by own visits to these targets at
these times against the chance by the user's base rate, keep who passes, and take the targets again, until nothing changes.
`kernels/profile.cpp` has the two halves of a round. In the first rounds keys count as targets that too few members visited to be worth
naming: of a ring of ninety whose members touch one target in ten, twenty members share no more than two visits at most targets,
and the others are found by just these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Float64, Int32, Int64, check_columns, check_sorted
from graphdet.rings.cores import most_members
from graphdet.schema import PLACES
from graphdet.settings import RingSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.index import VisitIndex
from graphdet.visits.visits import UNTIMED


@dataclass(frozen=True)
class Grown:
    """A grown ring in codes.

    Attributes:
        members: (n,) int32 user codes, sorted.
        contribution: (n,) float64 log10 likelihood ratio of each member.
        targets: (t,) int32 keys of any view, sorted, with `start` and `end` (t,) int32 seconds, `visitors` (t,) int32 members
            there, `outsiders` (t,) int32 visits of others there and then, and `gain` (t,) float64, the target's part of `strength`.
        strength: log10 likelihood ratio of the whole ring less what it costs to name it: members out of all users, targets out of all
            keys (minimum description length, Rissanen 1978). Above 0 = telling the ring is shorter than telling the coincidences.
    """

    members: Int32
    contribution: Float64
    targets: Int32
    start: Int32
    end: Int32
    visitors: Int32
    outsiders: Int32
    gain: Float64
    strength: float

    def __post_init__(self) -> None:
        check_columns(len(self.members), members=(self.members, np.int32), contribution=(self.contribution, np.float64))
        check_columns(
            len(self.targets), targets=(self.targets, np.int32), start=(self.start, np.int32), end=(self.end, np.int32),
            visitors=(self.visitors, np.int32), outsiders=(self.outsiders, np.int32), gain=(self.gain, np.float64),
        )  # fmt: skip
        check_sorted("members", self.members)
        check_sorted("targets", self.targets)
        if (self.start > self.end).any():
            target = int((self.start > self.end).argmax())
            raise ValueError(f"a target's time must not end before it starts (found {self.start[target]} … {self.end[target]})")


class Grower:
    """Grows cores on one log; keeps the scratch memory between them. Not for use by two threads at once.

    Attributes:
        walked: visits looked at so far, in all rounds.
        swallowed: cores so far that were growing into everybody, and came back empty.
    """

    def __init__(self, index: VisitIndex, base_rates: BaseRates, settings: RingSettings) -> None:
        visits = index.visits
        self.walked = self.swallowed = 0
        reach = [view.windows[-1] if PLACES[view.name].reach == "longest" else view.windows[0] for view in visits.views]
        self._index = index
        self._slack = np.array([min(view.windows[0], round(3600 * settings.slack)) for view in visits.views], np.int64)
        self._most = np.array([view.settings.share_most for view in visits.views], np.float64)
        log = _kernels.Log(
            user_offset=index.user_offset,
            by_user=index.by_user,
            key_of=index.key,
            offset=visits.offset,
            user=visits.user,
            time=visits.time,
            log_base_rate=base_rates.log_base_rate,
            log_intent=base_rates.log_intent,
            near=base_rates.near,
            usual=base_rates.usual,
            draw=visits.draw,
            group_of=visits.group,
            view_of=index.view,
            item_view=index.item_view,
        )
        limits = _kernels.Limits(
            reach=np.array(reach, np.int64),
            slack=self._slack,
            most=self._most,
            generous_rounds=settings.generous_rounds,
            rounds=settings.rounds,
            join=settings.join,
            least_targets=settings.least_targets,
            # Without times nobody comes in a rush; what all share is told as one group then, so that no part of it passes for a ring.
            members_most=most_members(visits.users) if any(view.windows[0] != UNTIMED for view in visits.views) else np.inf,
        )
        self._growth = _kernels.Growth(log, limits)

    def grow(self, core: Int32, generous: bool = True) -> Grown:
        """The ring around a core of users; it may come back empty. Not `generous`: no more than the core itself makes a case for."""
        members, contribution, found, strength, walked, swallowed = self._growth.grow(core.astype(np.int32), generous)
        self.walked += walked
        self.swallowed += swallowed
        return _as_grown(members, contribution, found, strength)

    def describe(self, members: Int32) -> Grown:
        """What these very members (sorted) did together: targets, and what each member adds, but nobody joins or leaves.

        Its strength is what the item targets add, without the price of naming the members.
        """
        contribution, found = self._growth.describe(members)
        targets, *_, gain = found
        at_items = self._index.view[targets] == self._index.item_view
        worth = min(float(gain[at_items].sum()), self._most[self._index.item_view] * len(members)) if at_items.any() else 0.0
        return _as_grown(members, contribution, found, worth)

    def slack_of(self, key: int) -> int:
        """Seconds before and after members' visits to a key that belong to its time, at the least."""
        return int(self._slack[self._index.view[key]])

    def incidence(self, ring: Grown) -> tuple[Int64, Int64]:
        """Who was at which target in its time: positions in `ring.members` and `ring.targets`, pairs once each."""
        return self._growth.incidence(ring.members, ring.targets, ring.start, ring.end)


def _as_grown(members: Int32, contribution: Float64, found: tuple[Int32, Int32, Int32, Int32, Int32, Float64], strength: float) -> Grown:
    """With the targets, which a kernel gives as it found them, in the order of their codes."""
    order = np.argsort(found[0])
    targets, start, end, visitors, outsiders, gain = found
    return Grown(
        members=members,
        contribution=contribution,
        targets=targets[order],
        start=start[order],
        end=end[order],
        visitors=visitors[order],
        outsiders=outsiders[order],
        gain=gain[order],
        strength=strength,
    )
