"""A core of users → the ring that its own profile describes: targets, their times, and everybody who kept to them.

Pair evidence finds cores only; most members share too few meetings with any one other member. So the ring judges: take the keys
that members visited together (its targets) with the time in which they did, score every user by own visits to these targets at
these times against the chance of a user with his habits, keep who passes, and take the targets again, until nothing changes.

    contribution of user u at target k = log10( q_k / r_uk ),   q_k = share of the other members who were there,
                                                               r_uk = min(1, O_k · p_u), O_k = outsiders' visits there and then
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from graphdet.evidence.visits import Bool, Float32, Float64, Int32, Int64, Visits
from graphdet.settings import RingSettings

Int8 = npt.NDArray[np.int8]

MANY = 1 << 16  # hits counts targets of any view in its low half and item targets in its high half


@dataclass(frozen=True)
class VisitIndex:
    """Visits with the way from a user to his visits: what growth walks on.

    Attributes:
        visits: the visits.
        view: (k,) int8 position of each key's view.
        item_view: position of the item view, −1 where the log has no items.
        user_offset: (users + 1,) int64 into `by_user`.
        by_user: (v,) int64 visits in user order.
        key: (v,) int32 key of each visit.
    """

    visits: Visits
    view: Int8
    item_view: int
    user_offset: Int64
    by_user: Int64
    key: Int32

    def visits_of(self, users: Int32) -> int:
        """How many visits these users made."""
        return int((self.user_offset[users + 1] - self.user_offset[users]).sum())


def index_visits(visits: Visits) -> VisitIndex:
    """O(visits)."""
    view = visits.view_of(np.arange(visits.keys, dtype=np.int32)).astype(np.int8)
    names = [view.name for view in visits.views]
    user_offset, by_user, key = _by_user(visits.offset, visits.user, visits.users)
    return VisitIndex(visits, view, names.index("item") if "item" in names else -1, user_offset, by_user, key)


@numba.njit(cache=True, nogil=True)
def _by_user(offset: Int64, user: Int32, users: int) -> tuple[Int64, Int64, Int32]:
    user_offset = np.zeros(users + 1, np.int64)
    for visit in range(len(user)):
        user_offset[user[visit] + 1] += 1
    for who in range(users):
        user_offset[who + 1] += user_offset[who]
    place = user_offset[:-1].copy()
    by_user = np.empty(len(user), np.int64)
    key_of = np.empty(len(user), np.int32)
    for key in range(len(offset) - 1):
        for visit in range(offset[key], offset[key + 1]):
            by_user[place[user[visit]]] = visit
            place[user[visit]] += 1
            key_of[visit] = key
    return user_offset, by_user, key_of


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


class Grower:
    """Grows cores on one log; keeps the scratch memory between them. Not for use by two threads at once."""

    def __init__(self, index: VisitIndex, settings: RingSettings) -> None:
        visits = index.visits
        self._index = index
        self._settings = settings
        self._reach = np.array([view.windows[-1] if view.name == "item" else view.windows[0] for view in visits.views], np.int64)
        for position, view in enumerate(visits.views):
            if view.name in ("device", "payment", "address"):
                self._reach[position] = view.windows[-1]
        self._slack = np.array([min(view.windows[0], round(3600 * settings.slack)) for view in visits.views], np.int64)
        self._most = np.array([getattr(settings, f"{view.name}_share_most") for view in visits.views], np.float64)
        self._score = np.zeros((visits.users, len(visits.views)), np.float64)
        self._hits = np.zeros(visits.users, np.int32)
        self._seen = np.full(visits.users, -1, np.int32)
        self._member = np.zeros(visits.users, np.bool_)
        self._last_group = np.full(visits.users, -1, np.int32)
        self._group_hits = np.zeros(visits.users, np.int32)
        self._best_gap = np.zeros(visits.users)
        self._gaps = np.zeros(visits.users)

    def grow(self, core: Int32) -> Grown:
        """The ring around a core of users; it may come back empty."""
        index, visits = self._index, self._index.visits
        found = _grow(
            np.sort(core.astype(np.int32)), index.user_offset, index.by_user, index.key, visits.offset, visits.user, visits.time,
            visits.log_habit, visits.log_mood, visits.near, visits.usual, visits.group,
            index.view, index.item_view, self._reach, self._slack,
            self._most, self._score, self._hits, self._seen, self._member, self._last_group, self._group_hits, self._best_gap, self._gaps,
            self._settings.rounds, self._settings.join, self._settings.least_targets,
        )  # fmt: skip
        return Grown(*found)

    def incidence(self, ring: Grown) -> tuple[Int64, Int64]:
        """Who was at which target in its time: positions in `ring.members` and `ring.targets`, pairs once each."""
        visits = self._index.visits
        who, what = _incidence(ring.members, ring.targets, ring.start, ring.end, visits.offset, visits.user, visits.time)
        pair = np.unique(who * np.int64(max(len(ring.targets), 1)) + what)
        return pair // max(len(ring.targets), 1), pair % max(len(ring.targets), 1)


@numba.njit(cache=True, nogil=True)
def _incidence(members: Int32, targets: Int32, start: Int32, end: Int32, offset: Int64, user: Int32, time: Int32) -> tuple[Int64, Int64]:
    who, what = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for target in range(len(targets)):
        key = targets[target]
        low = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], start[target])
        high = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], end[target], side="right")
        for visit in range(low, high):
            place = np.searchsorted(members, user[visit])
            if place < len(members) and members[place] == user[visit]:
                who.append(np.int64(place))
                what.append(np.int64(target))
    return np.array(who, np.int64), np.array(what, np.int64)


@numba.njit(cache=True, nogil=True)
def _grow(
    core: Int32,
    user_offset: Int64,
    by_user: Int64,
    key_of: Int32,
    offset: Int64,
    user: Int32,
    time: Int32,
    log_habit: Float32,
    log_mood: Float32,
    near: Int32,
    usual: Float32,
    group: Int32,
    view: Int8,
    item_view: int,
    reach: Int64,
    least_slack: Int64,
    most: Float64,
    score: Float64,
    hits: Int32,
    seen: Int32,
    member: Bool,
    last_group: Int32,
    group_hits: Int32,
    best_gap: Float64,
    gaps: Float64,
    rounds: int,
    join: float,
    least_targets: int,
) -> tuple[Int32, Float64, Int32, Int32, Int32, Int32, Int32, Float64, float]:
    users = len(user_offset) - 1
    members = core
    contribution = np.zeros(len(core))
    arrival = 0.0
    targets, start, end = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32)
    visitors, outsiders, gain = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float64)
    for _ in range(rounds):
        if len(members) < 2:
            break
        member[members] = True
        targets, start, end, visitors, outsiders, gain = _targets(
            members,
            user_offset,
            by_user,
            key_of,
            offset,
            user,
            time,
            log_habit,
            log_mood,
            near,
            usual,
            group,
            view,
            reach,
            least_slack,
            seen,
        )
        new_members, new_contribution, arrival = _members(
            len(members), targets, start, end, visitors, outsiders, offset, user, time, log_habit, log_mood, near, usual, group, view,
            item_view, most, score, hits, seen, member, last_group, group_hits, best_gap, gaps,
            join + np.log10(users / len(members)), least_targets,
        )  # fmt: skip
        member[members] = False
        same = len(new_members) == len(members) and np.all(new_members == members)
        members, contribution = new_members, new_contribution
        if same:
            break
    strength = arrival - len(members) * np.log10(users * np.e / max(len(members), 1))
    by_view = np.zeros(len(most))
    for target in range(len(targets)):
        by_view[view[targets[target]]] += gain[target]
    for column in range(len(most)):
        strength += min(by_view[column], most[column] * len(members))
    by_key = np.argsort(targets)
    return (
        members, contribution, targets[by_key], start[by_key], end[by_key], visitors[by_key], outsiders[by_key], gain[by_key], strength,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _chance(
    log_outsiders: float, others: int, days: float, visit: int, log_habit: Float32, log_mood: Float32, near: Int32, usual: Float32
) -> float:
    """log10 chance of a visit that is no coordination: what drew outsiders drew a user of these habits, or he was after such things.

    In a target's `days` a user comes by the group `near` times and as often as usual; `others` of these visits went to other targets,
    and only the rest can have come by this one.
    """
    looks = max(near[visit] + usual[visit] * days - others, 1.0)
    mood = log_mood[visit] + np.log10(looks / near[visit])
    chance: float = min(max(log_outsiders + log_habit[visit], mood), 0.0)
    return chance


@numba.njit(cache=True, nogil=True)
def _targets(
    members: Int32,
    user_offset: Int64,
    by_user: Int64,
    key_of: Int32,
    offset: Int64,
    user: Int32,
    time: Int32,
    log_habit: Float32,
    log_mood: Float32,
    near: Int32,
    usual: Float32,
    group: Int32,
    view: Int8,
    reach: Int64,
    least_slack: Int64,
    seen: Int32,
) -> tuple[Int32, Int32, Int32, Int32, Int32, Float64]:
    """Keys that members visited together more than chance has it, each with the time in which most did; sorted by group, then key."""
    size = len(members)
    total = 0
    for who in members:
        total += user_offset[who + 1] - user_offset[who]
    visit = np.empty(total, np.int64)
    fill = 0
    for who in members:
        for place in range(user_offset[who], user_offset[who + 1]):
            visit[fill] = by_user[place]
            fill += 1
    visit.sort()  # visits are numbered by (key, time)
    first, last, visitors = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int32)
    met = np.empty(total, np.int64)  # a code of user and group for each member's first visit to each candidate
    found = hits = 0
    begin = 0
    while begin < total:
        key = key_of[visit[begin]]
        finish = begin
        while finish < total and key_of[visit[finish]] == key:
            finish += 1
        # The run of visits without a gap longer than the view's reach that has most members in it.
        best, best_first, best_last = 0, begin, begin
        run = begin
        while run < finish:
            stop = run + 1
            while stop < finish and time[visit[stop]] - time[visit[stop - 1]] <= reach[view[key]]:
                stop += 1
            distinct = 0
            for place in range(run, stop):
                if seen[user[visit[place]]] != run:
                    seen[user[visit[place]]] = run
                    distinct += 1
            for place in range(run, stop):
                seen[user[visit[place]]] = -1
            if distinct > best:
                best, best_first, best_last = distinct, run, stop
            run = stop
        if best >= 2:
            first[found], last[found], visitors[found] = best_first, best_last, best
            for place in range(best_first, best_last):
                who = user[visit[place]]
                if seen[who] != key:
                    seen[who] = key
                    met[hits] = (np.int64(group[key]) << 32) | who
                    hits += 1
            for place in range(best_first, best_last):
                seen[user[visit[place]]] = -1
            found += 1
        begin = finish
    met = np.sort(met[:hits])
    start, end = np.empty(found, np.int32), np.empty(found, np.int32)
    outsiders, gain, key_at = np.empty(found, np.int32), np.empty(found, np.float64), np.empty(found, np.int32)
    for target in range(found):
        best = visitors[target]
        key = key_of[visit[first[target]]]
        a, b = np.int64(time[visit[first[target]]]), np.int64(time[visit[last[target] - 1]])
        slack = min(max((b - a) // (best - 1), least_slack[view[key]]), reach[view[key]])
        a, b = max(a - slack, np.int64(0)), b + slack
        low = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], a)
        high = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], b, side="right")
        strangers = high - low - (last[target] - first[target])
        log_strangers, log_share = np.log10(max(strangers, 0.5)), np.log10(best / size)
        days, worth = (b - a) / 86_400, 0.0
        for place in range(first[target], last[target]):
            who = user[visit[place]]
            if seen[who] != key:
                seen[who] = key
                code = (np.int64(group[key]) << 32) | who
                others = np.searchsorted(met, code, side="right") - np.searchsorted(met, code) - 1
                worth += log_share - _chance(log_strangers, others, days, visit[place], log_habit, log_mood, near, usual)
        for place in range(first[target], last[target]):
            seen[user[visit[place]]] = -1
        worth *= (best - 1) / best  # the first visit only says where to look
        if best < size:
            worth += (size - best) * np.log10(1 - best / size)
        key_at[target], start[target], end[target], outsiders[target] = key, a, min(b, 2**31 - 2), strangers
        gain[target] = worth - np.log10(found + 1)  # the price of naming one of them
    good = np.flatnonzero(gain > 0)
    order = good[np.argsort(group[key_at[good]], kind="mergesort")]
    return key_at[order], start[order], end[order], visitors[order], outsiders[order], gain[order]


@numba.njit(cache=True, nogil=True)
def _members(
    size: int,
    targets: Int32,
    start: Int32,
    end: Int32,
    visitors: Int32,
    outsiders: Int32,
    offset: Int64,
    user: Int32,
    time: Int32,
    log_habit: Float32,
    log_mood: Float32,
    near: Int32,
    usual: Float32,
    group: Int32,
    view: Int8,
    item_view: int,
    most: Float64,
    score: Float64,
    hits: Int32,
    seen: Int32,
    member: Bool,
    last_group: Int32,
    group_hits: Int32,
    best_gap: Float64,
    gaps: Float64,
    threshold: float,
    least_targets: int,
) -> tuple[Int32, Float64, float]:
    """Users whose own visits to the targets, at the targets' times, are likelier in the ring than alone.

    Targets come by group. Of a user's hits in one group the first pays for his being there at all, by his habits; the others only for
    hitting that key, given that he was after the group's things: hit j of n visits has n − j + 1 chances at the key's usual share.
    """
    candidates = np.empty(16, np.int32)
    found = 0
    for target in range(len(targets)):
        key = targets[target]
        low = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], start[target])
        high = offset[key] + np.searchsorted(time[offset[key] : offset[key + 1]], end[target], side="right")
        log_strangers, days = np.log10(max(outsiders[target], 0.5)), (end[target] - start[target]) / 86_400
        # A user does not vouch for himself: the share is that of the other members.
        log_own, log_other = np.log10((visitors[target] - 0.9) / size), np.log10((visitors[target] + 0.1) / (size + 1))
        for visit in range(low, high):
            who = user[visit]
            if seen[who] == target:
                continue
            seen[who] = target
            if hits[who] == 0:
                if found == len(candidates):
                    larger = np.empty(2 * found, np.int32)
                    larger[:found] = candidates
                    candidates = larger
                candidates[found] = who
                found += 1
                last_group[who] = -1
            hits[who] += 1 + (MANY if view[key] == item_view else 0)
            if last_group[who] != group[key]:
                last_group[who], group_hits[who], best_gap[who] = group[key], 0, 0.0
            habit = min(log_strangers + log_habit[visit], 0.0)
            chance = _chance(log_strangers, group_hits[who], days, visit, log_habit, log_mood, near, usual)
            gap = max(chance - habit - best_gap[who], 0.0)
            best_gap[who] += gap
            gaps[who] += gap
            group_hits[who] += 1
            score[who, view[key]] += (log_own if member[who] else log_other) - chance + gap
        for visit in range(low, high):
            seen[user[visit]] = -1
    members = np.empty(found, np.int32)
    contribution, arrival = np.empty(found), np.empty(found)
    kept = 0
    for place in range(found):
        who = candidates[place]
        total = 0.0
        for column in range(len(most)):
            total += min(score[who, column], most[column])
            score[who, column] = 0.0
        enough = hits[who] // MANY >= least_targets or item_view < 0
        if enough and total >= threshold:
            members[kept], contribution[kept], arrival[kept] = who, total, gaps[who]
            kept += 1
        hits[who], gaps[who] = 0, 0.0
    order = np.argsort(members[:kept])
    return members[:kept][order], contribution[:kept][order], arrival[:kept].sum()
