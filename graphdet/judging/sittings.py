"""Members' events + visits → whether the item targets are met in one sitting, by members and by others who come to any of them.

What is sold, shown or sent together brings everybody to all of it at once: a set in one order, the links of a mail, a page of
impressions, a list for newcomers. Of a ring's targets others know one, if any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Int64, distinct_values, stretches
from graphdet.judging.member_events import MemberEvents

SITTING = 3600  # seconds between two visits of one sitting, at most
DAY = 86_400


@dataclass(frozen=True)
class Sittings:
    """Of sittings where the log has times, of days where it has bare dates, since a day is no sitting; NaN otherwise.

    Attributes:
        one_sitting: share of members all of whose visits to the item targets, in their time, lie within one sitting.
        together: other item targets that outsiders visit within a sitting of one, at any time, over those that members do in theirs.
        half_days: the fewest days that hold half of the members' visits to an item target, the mean of all visits' targets.
    """

    one_sitting: float
    together: float
    half_days: float


def measure_sittings(own: MemberEvents) -> Sittings:
    """O(visits at the item targets)."""
    log, grown, items = own.log, own.grown, own.item_targets
    if log.events.time is None or not len(items):
        return Sittings(np.nan, np.nan, np.nan)
    visits, keys = log.visits.visits, grown.targets[items]
    row = stretches(visits.offset, keys)
    target = np.repeat(np.arange(len(keys)), visits.offset[keys + 1] - visits.offset[keys])
    user, second = visits.user[row].astype(np.int64), visits.time[row].astype(np.int64)
    member = own.is_member[user]
    there = member & (second >= grown.start[items][target]) & (second <= grown.end[items][target])
    if not (second % DAY).any():
        return Sittings(np.nan, np.nan, _half_days(target[there], second[there] // DAY))
    by_members = _others_at_once(user[there], second[there], target[there])
    by_outsiders = _others_at_once(user[~member], second[~member], target[~member])
    usual = by_outsiders.sum() / (len(by_outsiders) + 1)  # one more who comes to one only: a lone outsider tells little
    return Sittings(
        one_sitting=_one_sitting(user[there], second[there]),
        together=float(usual / by_members.mean()) if by_members.any() else 0.0,
        half_days=np.nan,
    )


def _one_sitting(user: Int64, second: Int64) -> float:
    """Share of members whose first and last visit are no more than a sitting apart."""
    if not len(user):
        return 0.0
    _, who = np.unique(user, return_inverse=True)
    first, last = np.full(who.max() + 1, np.iinfo(np.int64).max), np.zeros(who.max() + 1, np.int64)
    np.minimum.at(first, who, second)
    np.maximum.at(last, who, second)
    return float((last - first <= SITTING).mean())


def _half_days(target: Int64, day: Int64) -> float:
    """Of each visit's target the fewest days in a row that hold half of all visits there; the mean."""
    if not len(target):
        return 0.0
    order = np.lexsort((day, target))
    target, day = target[order], day[order]
    start = np.flatnonzero(np.r_[True, np.diff(target) != 0])
    shortest = []
    for days in np.split(day, start[1:]):
        half = -(-len(days) // 2)
        shortest.append(int((days[half - 1 :] - days[: len(days) - half + 1]).min()) + 1)
    return float(np.average(shortest, weights=np.diff(np.r_[start, len(target)])))


def _others_at_once(user: Int64, second: Int64, target: Int64) -> Int64:
    """(visits,) how many other targets its user visits within a sitting of each visit."""
    order = np.lexsort((target, second, user))
    user, second, target = user[order], second[order], target[order]
    pairs = []
    for step in range(1, len(user)):
        near = np.flatnonzero((user[step:] == user[:-step]) & (second[step:] - second[:-step] <= SITTING))
        if not len(near):
            break
        near = near[target[near] != target[near + step]]
        pairs += [near << 32 | target[near + step], (near + step) << 32 | target[near]]
    met = distinct_values(np.concatenate(pairs)) >> 32 if pairs else np.zeros(0, np.int64)
    return np.bincount(met, minlength=len(user)).astype(np.int64)
