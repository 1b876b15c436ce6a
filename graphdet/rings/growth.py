"""A core of users → the ring that its own profile describes: targets, their times, and everybody who kept to them.

Pair evidence finds cores only; most members share too few meetings with any one other member. So the ring judges: take the keys
that members visited together (its targets) with the time in which they did, score every user by own visits to these targets at
these times against the chance by the user's base rate, keep who passes, and take the targets again, until nothing changes.
`kernels/profile.cpp` has the two halves of a round. In the first rounds keys count as targets that too few members visited to be worth
naming: of a ring of ninety whose members touch one target in ten, twenty members share no more than two visits at most targets,
and the others are found by just these.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

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


def outline_of(ring: Grown) -> tuple[bytes, ...]:
    """By which two rings are the same: members, targets with their times, and how many of members and of others were there."""
    return tuple(getattr(ring, name).tobytes() for name in ("members", "targets", "start", "end", "visitors", "outsiders"))


class Grower:
    """Grows cores on one log; keeps the scratch memory between them. Not for use by two threads at once.

    Attributes:
        walked: visits looked at so far, in all rounds.
        swallowed: cores so far that were growing into everybody, and came back empty.
        kernel: what grows, for kernels that let several grow at once.
        least_members, overlap: as in the settings.
    """

    def __init__(self, index: VisitIndex, base_rates: BaseRates, settings: RingSettings, people: int | None = None) -> None:
        """`people`: users of the whole log, where these visits are a part of it."""
        visits, people = index.visits, index.visits.users if people is None else people
        self.walked = self.swallowed = 0
        self.least_members, self.overlap = settings.least_members, settings.overlap
        reach = [view.windows[-1] if PLACES[view.name].reach == "longest" else view.windows[0] for view in visits.views]
        self._index = index
        self._slack = np.array([min(view.windows[0], round(3600 * settings.slack)) for view in visits.views], np.int64)
        self._most = np.array([view.settings.share_most for view in visits.views], np.float64)
        self._log = _kernels.Log(
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
        self._limits = _kernels.Limits(
            reach=np.array(reach, np.int64),
            slack=self._slack,
            most=self._most,
            generous_rounds=settings.generous_rounds,
            rounds=settings.rounds,
            join=settings.join,
            least_targets=settings.least_targets,
            # Without times nobody comes in a rush; what all share is told as one group then, so that no part of it passes for a ring.
            members_most=most_members(people) if any(view.windows[0] != UNTIMED for view in visits.views) else np.inf,
            people=people,
        )
        self.kernel = _kernels.Growth(self._log, self._limits)

    def another(self) -> Grower:
        """One more on the same log, for another thread."""
        other = copy(self)
        other.walked = other.swallowed = 0
        other.kernel = _kernels.Growth(self._log, self._limits)
        return other

    def grow(self, core: Int32, generous: bool = True) -> Grown:
        """The ring around a core of users; it may come back empty. Not `generous`: no more than the core itself makes a case for."""
        members, contribution, targets, strength, walked, swallowed = self.kernel.grow(core.astype(np.int32), generous)
        self.walked += walked
        self.swallowed += swallowed
        return Grown(members, contribution, *targets, strength)

    def strongest(self, cores: Iterable[Int32]) -> Grown:
        """Of the rings that these cores themselves make a case for the strongest, the first of equals."""
        grown = [self.kernel.grow(core, False) for core in cores]
        members, contribution, targets, strength, _, _ = max(grown, key=lambda ring: ring[3])
        return Grown(members, contribution, *targets, strength)

    def parts_of(self, ring: Grown) -> list[Grown]:
        """The two rings inside a ring where they tell the same coincidences in fewer words than it does; else none."""
        (found,) = parts_each([self], [ring])
        self.walked += found.walked
        self.swallowed += found.swallowed
        return found.rings

    def told_by_both(self, one: Grown, other: Grown) -> tuple[float, float]:
        """Strength of two rings together, and the share of the weaker one's meetings that both tell: the same members at the same targets,
        which count once."""
        return _kernels.told_by_both(self.kernel, *_outlines([one, other]))

    def describe(self, members: Int32) -> Grown:
        """What these very members (sorted) did together: targets, and what each member adds, but nobody joins or leaves.

        Its strength is what the item targets add, without the price of naming the members.
        """
        contribution, found = self.kernel.describe(members)
        targets, *others, gain = found
        at_items = self._index.view[targets] == self._index.item_view
        worth = min(float(gain[at_items].sum()), self._most[self._index.item_view] * len(members)) if at_items.any() else 0.0
        order = np.argsort(targets)
        start, end, visitors, outsiders = (column[order] for column in others)
        return Grown(members, contribution, targets[order], start, end, visitors, outsiders, gain[order], worth)

    def slack_of(self, key: int) -> int:
        """Seconds before and after members' visits to a key that belong to its time, at the least."""
        return int(self._slack[self._index.view[key]])

    def incidence(self, ring: Grown) -> tuple[Int64, Int64]:
        """Who was at which target in its time: positions in `ring.members` and `ring.targets`, pairs once each."""
        return self.kernel.incidence(ring.members, ring.targets, ring.start, ring.end)


class Tried(NamedTuple):
    """What a core or a ring gave: rings, the visits that were looked at, and growths that were growing into everybody."""

    rings: list[Grown]
    walked: int
    swallowed: int


def grow_each(growers: Sequence[Grower], cores: Sequence[Int32]) -> list[Tried]:
    """The ring around each core, none where it has too few members; by as many threads as there are growers."""
    users = np.concatenate([*cores, np.zeros(0, np.int32)])
    found, walked, swallowed = _kernels.grow_each([grower.kernel for grower in growers], _offset(cores), users, growers[0].least_members)
    rings = ([ring] if len(ring.members) else [] for ring in _as_grown(found))
    return [Tried(*one) for one in zip(rings, walked.tolist(), swallowed.tolist(), strict=True)]


def parts_each(growers: Sequence[Grower], rings: Sequence[Grown]) -> list[Tried]:
    """The parts of each ring, see `Grower.parts_of`; by as many threads as there are growers."""
    first = growers[0]
    found, count, walked, swallowed = _kernels.parts_each(
        [grower.kernel for grower in growers], *_outlines(rings), first.least_members, first.overlap
    )
    parts = iter(_as_grown(found))
    own = [list(itertools.islice(parts, number)) for number in count.tolist()]
    return [Tried(*one) for one in zip(own, walked.tolist(), swallowed.tolist(), strict=True)]


def unions_each(growers: Sequence[Grower], pairs: Sequence[tuple[Grown, Grown]]) -> list[Tried]:
    """Of each two rings the one that grows from the members of both, by as many threads as there are growers; none where it does not tell
    their coincidences in fewer words than they do, what both tell counted once, or is better told as two others."""
    first = growers[0]
    rings = list({id(ring): ring for pair in pairs for ring in pair}.values())
    place = {id(ring): number for number, ring in enumerate(rings)}
    one, other = (np.array([place[id(pair[side])] for pair in pairs], np.int32) for side in (0, 1))
    found, walked, swallowed = _kernels.unions_each(
        [grower.kernel for grower in growers], *_outlines(rings), one, other, first.least_members, first.overlap
    )
    unions = ([ring] if len(ring.members) else [] for ring in _as_grown(found))
    return [Tried(*tried) for tried in zip(unions, walked.tolist(), swallowed.tolist(), strict=True)]


def _outlines(rings: Sequence[Grown]) -> tuple[Int64, Int32, Int64, Int32, Int32, Int32, Float64]:
    """What kernels ask of rings, one after the other."""
    members, targets, start, end = (
        np.concatenate([*(getattr(ring, name) for ring in rings), np.zeros(0, np.int32)]) for name in ("members", "targets", "start", "end")
    )
    strength = np.array([ring.strength for ring in rings], np.float64)
    return (_offset([ring.members for ring in rings]), members, _offset([ring.targets for ring in rings]), targets, start, end, strength)


def _offset(parts: Sequence[Int32]) -> Int64:
    return np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)


def _as_grown(found: _kernels.Rings) -> Iterator[Grown]:
    """Rings that a kernel gives as columns."""
    member_offset, members, contribution, target_offset, targets, start, end, visitors, outsiders, gain, strength = found
    of_members, of_targets = (itertools.starmap(slice, itertools.pairwise(offset.tolist())) for offset in (member_offset, target_offset))
    for own, at, strong in zip(of_members, of_targets, strength.tolist(), strict=True):
        yield Grown(members[own], contribution[own], targets[at], start[at], end[at], visitors[at], outsiders[at], gain[at], strong)
