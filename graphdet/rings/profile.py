"""The two halves of a round of growth: members → targets with their times, and targets → who kept to them.

    contribution of user u at target k = log10( q_k / r_uk )

q_k = share of the other members who were there, r_uk = chance of a visit that is no coordination: O_k · p_u, outsiders' visits there
and then times the user's base rate, or more where they were after such things.
"""

from __future__ import annotations

import numba
import numpy as np

from graphdet.arrays import Float64, Int32, Int64
from graphdet.rings.arguments import Limits, Log, Scratch, Targets

ROUNDING = 1e-9  # by which shares of one choice may miss it


@numba.njit(cache=True, nogil=True)
def find_targets(members: Int32, log: Log, limits: Limits, scratch: Scratch, generous: bool) -> Targets:
    """Keys that members visited together more than chance has it, each with the time in which most did.

    `generous` leaves out the price of naming a key among all those that two or more members came to.
    """
    visit = _visits_of(members, log)
    first, last, visitors, met = _candidates(visit, log, limits, scratch)
    size, found = len(members), len(first)
    start, end = np.empty(found, np.int32), np.empty(found, np.int32)
    outsiders, gain, key_at = np.empty(found, np.int32), np.empty(found, np.float64), np.empty(found, np.int32)
    for target in range(found):
        best = visitors[target]
        key = log.key_of[visit[first[target]]]
        times = log.time[log.offset[key] : log.offset[key + 1]]
        a, b = np.int64(log.time[visit[first[target]]]), np.int64(log.time[visit[last[target] - 1]])
        slack = min(max((b - a) // (best - 1), limits.slack[log.view_of[key]]), limits.reach[log.view_of[key]])
        a, b = max(a - slack, np.int64(0)), min(b + slack, np.int64(2**31 - 2))
        strangers = np.searchsorted(times, b, side="right") - np.searchsorted(times, a) - (last[target] - first[target])
        log_strangers, log_share, days = np.log10(max(strangers, 0.5)), np.log10(best / size), (b - a) / 86_400
        worth = 0.0
        for place in range(first[target], last[target]):
            who = log.user[visit[place]]
            if scratch.seen[who] != key:
                scratch.seen[who] = key
                code = (np.int64(log.group_of[key]) << 32) | who
                others = np.searchsorted(met, code, side="right") - np.searchsorted(met, code) - 1
                chance = _chance(log_strangers, others, days, visit[place], log)
                worth += _share_of_choice(visit[place], log, scratch) * (log_share - chance)
        for place in range(first[target], last[target]):
            scratch.seen[log.user[visit[place]]] = -1
        worth *= (best - 1) / best  # the first visit only says where to look
        if best < size:
            worth += (size - best) * np.log10(1 - best / size)
        key_at[target], start[target], end[target], outsiders[target] = key, a, b, strangers
        gain[target] = worth - (0.0 if generous else np.log10(found + 1))
    for target in range(found):
        for place in range(first[target], last[target]):
            _count_choice(visit[place], 0, log, scratch)
    good = np.flatnonzero(gain > 0)
    order = good[np.argsort(log.group_of[key_at[good]], kind="mergesort")]
    return Targets(key_at[order], start[order], end[order], visitors[order], outsiders[order], gain[order])


@numba.njit(cache=True, nogil=True)
def find_members(size: int, targets: Targets, threshold: float, log: Log, limits: Limits, scratch: Scratch) -> tuple[Int32, Float64, float]:
    """Users whose own visits to the targets, then, are likelier in the ring than alone: codes, contributions, entry evidence.

    Targets come by group. Of a user's hits in one group the first pays for being there at all, by the base rate; the others only for
    hitting that key, given that they were after the group's things: hit j of n visits has n − j + 1 chances at the key's usual share.
    """
    score, hits, seen, last_group = scratch.score, scratch.hits, scratch.seen, scratch.last_group
    candidates = np.empty(16, np.int32)
    found = 0
    for target in range(len(targets.key)):
        low, high = _rows_of(target, targets, log)
        for visit in range(low, high):
            _count_choice(visit, 1, log, scratch)
    for target in range(len(targets.key)):
        key = targets.key[target]
        view, group = log.view_of[key], log.group_of[key]
        low, high = _rows_of(target, targets, log)
        log_strangers = np.log10(max(targets.outsiders[target], 0.5))
        days = (targets.end[target] - targets.start[target]) / 86_400
        # Users do not vouch for themselves: the share is that of the other members.
        log_own, log_other = np.log10((targets.visitors[target] - 0.9) / size), np.log10((targets.visitors[target] + 0.1) / (size + 1))
        for visit in range(low, high):
            who = log.user[visit]
            if seen[who] == target:
                continue
            seen[who] = target
            if hits[who] == 0:
                candidates = _with_room(candidates, found)
                candidates[found] = who
                found += 1
                last_group[who] = -1
            hits[who] += 1
            share = _share_of_choice(visit, log, scratch)
            if view == log.item_view:
                scratch.choices[who] += share
            if last_group[who] != group:
                last_group[who], scratch.group_hits[who], scratch.best_gap[who] = group, 0, 0.0
            base_rate = min(log_strangers + log.log_base_rate[visit], 0.0)
            chance = _chance(log_strangers, scratch.group_hits[who], days, visit, log)
            gap = max(share * (chance - base_rate) - scratch.best_gap[who], 0.0)
            scratch.best_gap[who] += gap
            scratch.gaps[who] += gap
            scratch.group_hits[who] += 1
            score[who, view] += share * ((log_own if scratch.member[who] else log_other) - chance) + gap
        for visit in range(low, high):
            seen[log.user[visit]] = -1
    for target in range(len(targets.key)):
        low, high = _rows_of(target, targets, log)
        for visit in range(low, high):
            _count_choice(visit, 0, log, scratch)
    return _kept(candidates[:found], threshold, log, limits, scratch)


@numba.njit(cache=True, nogil=True)
def _rows_of(target: int, targets: Targets, log: Log) -> tuple[int, int]:
    """First and last (exclusive) visit to a target in its time."""
    first = log.offset[targets.key[target]]
    times = log.time[first : log.offset[targets.key[target] + 1]]
    return first + np.searchsorted(times, targets.start[target]), first + np.searchsorted(times, targets.end[target], side="right")


@numba.njit(cache=True, nogil=True)
def _count_choice(visit: int, step: int, log: Log, scratch: Scratch) -> None:
    """One more target that a draw brought; or none any more, where `step` is 0."""
    draw = log.draw[visit]
    if draw >= 0:
        scratch.hits_of_draw[draw] = scratch.hits_of_draw[draw] + 1 if step else 0


@numba.njit(cache=True, nogil=True)
def _share_of_choice(visit: int, log: Log, scratch: Scratch) -> float:
    """Share of one choice that a visit to a target is: those of one draw are one choice together."""
    draw = log.draw[visit]
    return 1.0 / max(scratch.hits_of_draw[draw], 1) if draw >= 0 else 1.0


@numba.njit(cache=True, nogil=True)
def _with_room(values: Int32, used: int) -> Int32:
    """The same values, with room for another one."""
    if used < len(values):
        return values
    larger = np.empty(2 * used, np.int32)
    larger[:used] = values
    return larger


@numba.njit(cache=True, nogil=True)
def _kept(candidates: Int32, threshold: float, log: Log, limits: Limits, scratch: Scratch) -> tuple[Int32, Float64, float]:
    """Candidates whose score reaches the threshold, sorted, with their scores, and the entry evidence of all; clears what was written."""
    score, hits, found = scratch.score, scratch.hits, len(candidates)
    members = np.empty(found, np.int32)
    contribution, entry_evidence = np.empty(found), np.empty(found)
    kept = 0
    for place in range(found):
        who = candidates[place]
        total = 0.0
        for column in range(len(limits.most)):
            total += min(score[who, column], limits.most[column])
            score[who, column] = 0.0
        enough = scratch.choices[who] >= limits.least_targets - ROUNDING or log.item_view < 0
        if enough and total >= threshold:
            members[kept], contribution[kept], entry_evidence[kept] = who, total, scratch.gaps[who]
            kept += 1
        hits[who], scratch.gaps[who], scratch.choices[who] = 0, 0.0, 0.0
    order = np.argsort(members[:kept])
    return members[:kept][order], contribution[:kept][order], entry_evidence[:kept].sum()


@numba.njit(cache=True, nogil=True)
def _visits_of(members: Int32, log: Log) -> Int64:
    """All visits of these users, by key and time."""
    total = 0
    for who in members:
        total += log.user_offset[who + 1] - log.user_offset[who]
    visit = np.empty(total, np.int64)
    fill = 0
    for who in members:
        for place in range(log.user_offset[who], log.user_offset[who + 1]):
            visit[fill] = log.by_user[place]
            fill += 1
    visit.sort()  # visits are numbered by (key, time)
    return visit


@numba.njit(cache=True, nogil=True)
def _candidates(visit: Int64, log: Log, limits: Limits, scratch: Scratch) -> tuple[Int64, Int64, Int32, Int64]:
    """Of each key with two or more members in one run of visits without a gap beyond its reach, the run with most of them.

    Returns:
        First and last (exclusive) position in `visit`, distinct members, and sorted codes of (group, user), one per user and candidate.
    """
    total = len(visit)
    first, last, visitors = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int32)
    met = np.empty(total, np.int64)
    found = hits = 0
    begin = 0
    while begin < total:
        key = log.key_of[visit[begin]]
        finish = begin + 1
        while finish < total and log.key_of[visit[finish]] == key:
            finish += 1
        if finish - begin < 2:
            begin = finish
            continue
        best, best_first, best_last = 0, begin, begin
        run = begin
        while run < finish:
            stop = run + 1
            while stop < finish and log.time[visit[stop]] - log.time[visit[stop - 1]] <= limits.reach[log.view_of[key]]:
                stop += 1
            distinct = 0
            for place in range(run, stop):
                if scratch.seen[log.user[visit[place]]] != run:
                    scratch.seen[log.user[visit[place]]] = run
                    distinct += 1
            for place in range(run, stop):
                scratch.seen[log.user[visit[place]]] = -1
            if distinct > best:
                best, best_first, best_last = distinct, run, stop
            run = stop
        if best >= 2:
            first[found], last[found], visitors[found] = best_first, best_last, best
            for place in range(best_first, best_last):
                who = log.user[visit[place]]
                _count_choice(visit[place], 1, log, scratch)
                if scratch.seen[who] != key:
                    scratch.seen[who] = key
                    met[hits] = (np.int64(log.group_of[key]) << 32) | who
                    hits += 1
            for place in range(best_first, best_last):
                scratch.seen[log.user[visit[place]]] = -1
            found += 1
        begin = finish
    return first[:found], last[:found], visitors[:found], np.sort(met[:hits])


@numba.njit(cache=True, nogil=True)
def _chance(log_outsiders: float, others: int, days: float, visit: int, log: Log) -> float:
    """log10 chance of a visit that is no coordination: what drew outsiders drew this user, too, or they were after such things.

    In a target's `days` a user comes by the group `near` times and as often as usual; `others` of these visits went to other targets,
    and only the rest can have come by this one.
    """
    looks = max(log.near[visit] + log.usual[visit] * days - others, 1.0)
    intent = log.log_intent[visit] + np.log10(looks / log.near[visit])
    chance: float = min(max(log_outsiders + log.log_base_rate[visit], intent), 0.0)
    return chance
