"""A core of users → the ring that its own profile describes: targets, their times, and everybody who kept to them.

Pair evidence finds cores only; most members share too few meetings with any one other member. So the ring judges: take the keys
that members visited together (its targets) with the time in which they did, score every user by own visits to these targets at
these times against the chance by the user's base rate, keep who passes, and take the targets again, until nothing changes.
`profile.py` has the two halves of a round. In the first rounds keys count as targets that too few members visited to be worth
naming: of a ring of ninety whose members touch one target in ten, twenty members share no more than two visits at most targets,
and the others are found by just these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from graphdet.arrays import Float64, Int32, Int64, check_columns, check_sorted
from graphdet.rings.arguments import Limits, Log, Scratch, Targets
from graphdet.rings.cores import most_members
from graphdet.rings.profile import find_members, find_targets
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
        self._log = Log(
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
        self._limits = Limits(
            reach=np.array(reach, np.int64),
            slack=np.array([min(view.windows[0], round(3600 * settings.slack)) for view in visits.views], np.int64),
            most=np.array([view.settings.share_most for view in visits.views], np.float64),
            generous_rounds=settings.generous_rounds,
            rounds=settings.rounds,
            join=settings.join,
            least_targets=settings.least_targets,
            # Without times nobody comes in a rush; what all share is told as one group then, so that no part of it passes for a ring.
            members_most=most_members(visits.users) if any(view.windows[0] != UNTIMED for view in visits.views) else np.inf,
        )
        self._scratch = Scratch(
            score=np.zeros((visits.users, len(visits.views)), np.float64),
            hits=np.zeros(visits.users, np.int32),
            seen=np.full(visits.users, -1, np.int64),
            member=np.zeros(visits.users, np.bool_),
            last_group=np.full(visits.users, -1, np.int32),
            group_hits=np.zeros(visits.users, np.int32),
            best_gap=np.zeros(visits.users),
            gaps=np.zeros(visits.users),
            choices=np.zeros(visits.users),
            hits_of_draw=np.zeros(visits.draw.max(initial=-1) + 1, np.int32),
        )

    def grow(self, core: Int32, generous: bool = True) -> Grown:
        """The ring around a core of users; it may come back empty. Not `generous`: no more than the core itself makes a case for."""
        members, contribution, found, strength, walked, swallowed = _grow(
            np.sort(core.astype(np.int32)), generous, self._log, self._limits, self._scratch
        )
        self.walked += walked
        self.swallowed += swallowed
        return Grown(
            members=members,
            contribution=contribution,
            targets=found.key,
            start=found.start,
            end=found.end,
            visitors=found.visitors,
            outsiders=found.outsiders,
            gain=found.gain,
            strength=strength,
        )

    def describe(self, members: Int32) -> Grown:
        """What these very members (sorted) did together: targets, and what each member adds, but nobody joins or leaves.

        Its strength is what the item targets add, without the price of naming the members.
        """
        limits, scratch, size = self._limits._replace(least_targets=0), self._scratch, len(members)
        scratch.member[members] = True
        found = find_targets(members, self._log, limits, scratch, False)
        users, added, _ = find_members(size, found, -np.inf, self._log, limits, scratch)
        scratch.member[members] = False
        contribution = np.zeros(size)
        place = np.minimum(np.searchsorted(members, users), size - 1)
        own = members[place] == users
        contribution[place[own]] = added[own]
        order = np.argsort(found.key)
        at_items = self._log.view_of[found.key] == self._log.item_view
        worth = min(float(found.gain[at_items].sum()), self._limits.most[self._log.item_view] * size) if at_items.any() else 0.0
        return Grown(
            members=members,
            contribution=contribution,
            targets=found.key[order],
            start=found.start[order],
            end=found.end[order],
            visitors=found.visitors[order],
            outsiders=found.outsiders[order],
            gain=found.gain[order],
            strength=worth,
        )

    def slack_of(self, key: int) -> int:
        """Seconds before and after members' visits to a key that belong to its time, at the least."""
        return int(self._limits.slack[self._log.view_of[key]])

    def incidence(self, ring: Grown) -> tuple[Int64, Int64]:
        """Who was at which target in its time: positions in `ring.members` and `ring.targets`, pairs once each."""
        visits = self._index.visits
        return _incidence(ring.members, ring.targets, ring.start, ring.end, visits.offset, visits.user, visits.time)


@numba.njit(cache=True, nogil=True)
def _incidence(members: Int32, targets: Int32, start: Int32, end: Int32, offset: Int64, user: Int32, time: Int32) -> tuple[Int64, Int64]:
    who, what = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    last_seen = np.full(len(members), -1)
    for target in range(len(targets)):
        key = targets[target]
        low = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], start[target])
        high = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], end[target], side="right")
        for visit in range(low, high):
            place = np.searchsorted(members, user[visit])
            if place < len(members) and members[place] == user[visit] and last_seen[place] != target:
                last_seen[place] = target
                who.append(np.int64(place))
                what.append(np.int64(target))
    return np.array(who, np.int64), np.array(what, np.int64)


@numba.njit(cache=True, nogil=True)
def _grow(core: Int32, open_handed: bool, log: Log, limits: Limits, scratch: Scratch) -> tuple[Int32, Float64, Targets, float, int, bool]:
    """Members with their contributions, targets, and strength, see `Grown`; visits walked; whether it swallowed strangers."""
    users = len(log.user_offset) - 1
    members, contribution = core, np.zeros(len(core))
    found = find_targets(core[:0], log, limits, scratch, True)
    entry_evidence = 0.0
    walked, swallowed = 0, False
    generous = limits.generous_rounds if open_handed else 0
    for _ in range(generous + limits.rounds):
        if len(members) < 2:
            break
        if len(members) > max(limits.members_most, len(core)):
            members, contribution, swallowed = core[:0], np.zeros(0), True
            found = find_targets(members, log, limits, scratch, True)
            break
        scratch.member[members] = True
        found = find_targets(members, log, limits, scratch, generous > 0)
        walked += _visits_walked(members, found, log)
        threshold = limits.join + np.log10(users / len(members))
        new_members, new_contribution, entry_evidence = find_members(len(members), found, threshold, log, limits, scratch)
        scratch.member[members] = False
        same = len(new_members) == len(members) and np.all(new_members == members)
        members, contribution = new_members, new_contribution
        if same and generous <= 0:
            break
        generous = 0 if same else generous - 1
    strength = entry_evidence - len(members) * np.log10(users * np.e / max(len(members), 1))
    by_view = np.zeros(len(limits.most))
    for target in range(len(found.key)):
        by_view[log.view_of[found.key[target]]] += found.gain[target]
    for column in range(len(limits.most)):
        strength += min(by_view[column], limits.most[column] * len(members))
    order = np.argsort(found.key)
    found = Targets(
        found.key[order], found.start[order], found.end[order], found.visitors[order], found.outsiders[order], found.gain[order]
    )  # fmt: skip
    return members, contribution, found, strength, walked, swallowed


@numba.njit(cache=True, nogil=True)
def _visits_walked(members: Int32, targets: Targets, log: Log) -> int:
    """Visits that one round looks at: the members' own, and everybody's to the targets in their time."""
    walked: int = targets.visitors.sum() + targets.outsiders.sum()
    for who in members:
        walked += log.user_offset[who + 1] - log.user_offset[who]
    return walked
