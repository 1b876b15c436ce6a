"""Members' events + visits → whether the item targets are met in one sitting, by members and by others who come to any of them.

What is sold, shown or sent together brings everybody to all of it at once: a set in one order, the links of a mail, a page of
impressions, a list for newcomers. Of a ring's targets others know one, if any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int64, distinct_values, firsts, offsets, ranges
from graphdet.judging.item_visits import ItemVisits
from graphdet.judging.member_events import MemberEvents

SITTING = 3600  # seconds between two visits of one sitting, at most
DAY = 86_400


@dataclass(frozen=True)
class Sittings:
    """Of sittings where the log has times, of days where it has bare dates, since a day is no sitting; NaN otherwise.

    Attributes:
        one_sitting: share of members all of whose visits to the item targets, in their time, lie within one sitting.
        one_day: … on one day, which tells less.
        together: other item targets that outsiders visit within a sitting of one, at any time, over those that members do in theirs.
        half_days: the fewest days that hold half of the members' visits to an item target, the mean of all visits' targets.
    """

    one_sitting: float
    one_day: float
    together: float
    half_days: float


def measure_sittings(own: MemberEvents, came: ItemVisits) -> list[Sittings]:
    """Of each ring. O(visits at the item targets)."""
    if own.log.events.time is None:
        return [Sittings(np.nan, np.nan, np.nan, np.nan)] * len(own.rings)
    instants = own.by_ring(came.ring[came.second % DAY != 0]) > 0
    dated = own.at_items & ~instants
    at_once, by_members, member_visits = _together(own, came, came.there)
    _, by_outsiders, visits = _together(own, came, ~came.member & instants[came.ring])
    usual = by_outsiders / (visits + 1)  # one more who comes to one only: a lone outsider tells little
    own_usual = by_members / np.maximum(member_visits, 1)
    together = np.where(own_usual > 0, usual / np.where(own_usual > 0, own_usual, 1), 0.0)
    half_days = _half_days(own, came, came.there & dated[came.ring])
    told = ((at_once, instants), (at_once, dated), (together, instants), (half_days, dated))
    columns = (np.where(known, column, np.nan).tolist() for column, known in told)
    return [Sittings(*sittings) for sittings in zip(*columns, strict=True)]


def _half_days(own: MemberEvents, came: ItemVisits, chosen: Bool) -> Float64:
    """(rings,) of the chosen visits' targets the fewest days in a row that hold half of them; the mean over visits."""
    target, day = came.target[chosen], came.second[chosen] // DAY
    first = np.flatnonzero(firsts(target))
    visits = np.diff(np.append(first, len(target)))
    half = -(-visits // 2)
    begin = ranges(first, first + visits - half + 1)  # of each stretch of visits that may be the shortest
    days = day[begin + np.repeat(half - 1, visits - half + 1)] - day[begin]
    shortest = np.minimum.reduceat(days, offsets(visits - half + 1)[:-1]) + 1 if len(first) else visits
    ring = came.ring[chosen][first]
    return np.bincount(ring, shortest * visits, len(own.rings)) / np.maximum(np.bincount(ring, visits, len(own.rings)), 1)


def _together(own: MemberEvents, came: ItemVisits, chosen: Bool) -> tuple[Float64, Int64, Int64]:
    """Of some visits at rings' item targets.

    Returns:
        (rings,) share of users all of whose visits lie within one sitting; pairs of a visit and another target that its user visits within
        a sitting of it; and how many visits there are.
    """
    place = came.ring[chosen] << 32 | came.user[chosen]
    order = np.lexsort((came.second[chosen], place))
    place, second, target = place[order], came.second[chosen][order], came.target[chosen][order]
    first = np.flatnonzero(firsts(place))
    last = np.append(first, len(place))[1:] - 1
    users, ring = place[first] >> 32, place >> 32
    short = own.by_ring(users[second[last] - second[first] <= SITTING])
    near, step, pairs = np.arange(len(place)), 0, []
    while len(near):  # who is not within a sitting of so many visits later is of none after it
        step += 1
        near = near[near + step < len(place)]
        near = near[(place[near + step] == place[near]) & (second[near + step] - second[near] <= SITTING)]
        apart = near[target[near] != target[near + step]]
        pairs += [apart << 32 | target[apart + step], (apart + step) << 32 | target[apart]]
    met = distinct_values(np.concatenate(pairs)) >> 32 if pairs else np.zeros(0, np.int64)
    return short / np.maximum(own.by_ring(users), 1), own.by_ring(ring[met]), own.by_ring(ring)
