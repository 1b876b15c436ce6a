"""Items whose category a log does not tell → communities of items that the same users visit, which stand in for categories.

Without them everybody's taste is one taste, and whoever shops in the same corner of the shop seems to act together. But a
ring's targets, which its members visit together, must not become a category of their own: so two items are joined by those who came to them
more than a week apart, since tastes last, and by those who came to both on one day, since they were after something. Of the visitors
whom an item had on one day only one is asked for the latter. What lies days apart, as a crew's targets do, says nothing. Where far more
came to an item in a week than in its quiet weeks, they count less by as much, since a farm that works for weeks would join its targets,
too; but for who came within half a day of each other: so news bring fans, neighbours and all who look at each new thing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import scipy

from graphdet.arrays import Float64, Int64, distinct_counts, distinct_values, offsets
from graphdet.events import NO_TIME, EventTable
from graphdet.settings import EvidenceSettings

UNTOLD = 0.1  # share of item events without a category that a log may have before communities are learned
HOUR = 3_600_000_000
APART = 7  # days between the visits that join two items, or a quarter of a shorter log
SURGE = 3.0  # times the visitors of an item's quiet weeks that it may have in one before it may have been a campaign that brought them,
FEW = 10.0  # or so many, since a few come together by chance
HALF_A_DAY = 12  # hours before and after a visit in which others came for news, where times tell hours
LEAST_ITEMS = 12  # of a community; a smaller one says little
MOST_ITEMS = 100  # who visited more things tells little about which of them belong together
MOST_PAIRS = 20_000_000  # of items in common users; beyond that, every other user is asked, or every third, …
BLOCK = 2_000_000  # pairs joined at a time


def lacks_categories(events: EventTable) -> bool:
    """Whether communities are needed and can be had: without times, what a ring does together and what its members like look the same."""
    if "item" not in events.codes or events.time is None:
        return False
    item = events.codes["item"]
    item = item[item >= 0]
    return len(item) > 0 and float(np.mean(events.item_category[item] < 0)) > UNTOLD


def with_communities(events: EventTable, settings: EvidenceSettings) -> EventTable:
    """The same events, with a community for each item that has no category; items of small communities stay without.

    Louvain's method (Blondel et al. 2008) on items, joined by common users; a user of n items counts 1 / (n − 1) for each pair.
    """
    from sknetwork.clustering import Louvain  # half a second, and few logs need it

    together = _common_users(events)
    if not together.nnz:
        return events
    louvain = Louvain(resolution=settings.community_resolution, shuffle_nodes=False)
    found = np.asarray(louvain.fit_predict(together), np.int32)
    untold = events.item_category < 0
    found[~untold | (np.bincount(found, weights=untold)[found] < LEAST_ITEMS)] = -1
    _, place = np.unique(found[found >= 0], return_inverse=True)
    category = events.item_category.copy()
    category[found >= 0] = len(events.categories) + place.astype(np.int32)
    names = tuple(f"learned {number + 1}" for number in range(int(place.max(initial=-1)) + 1))
    return replace(events, item_category=category, categories=events.categories + names)


def _common_users(events: EventTable) -> scipy.sparse.csr_matrix:
    """(items, items) how much users say that two items belong together."""
    user, item, hour = _visits(events)
    day = hour // 24
    days, items = int(day.max(initial=0)) + 1, events.count("item")
    first = np.sort(np.unique(user * items + item, return_index=True)[1])
    apart = min(APART, days // 4)
    usual = _usual(item[first], hour[first], apart, events.resolution != "day")
    lasting = _joined(user[first], item[first], day[first], usual, apart, items)
    asked = _one_visitor(user, item, day)
    together = lasting + _joined(user[asked], item[asked], day[asked], np.ones(len(asked)), None, items)
    together = scipy.sparse.csr_matrix(together + together.T)
    together.setdiag(0)
    together.eliminate_zeros()
    return together


def _usual(item: Int64, hour: Int64, apart: int, timed: bool) -> Float64:
    """(v,) how far each first visit to an item is one of no more than its quiet weeks let expect."""
    day, week = hour // 24, 2 * (apart // 2) + 1
    slow = _within(item, day, apart // 2) - (_within(item, hour, HALF_A_DAY) if timed else 0)
    return np.asarray(np.minimum(np.maximum(SURGE * _quiet_week(item, day, week)[item], FEW) / np.maximum(slow, 1), 1.0), np.float64)


def _within(item: Int64, moment: Int64, around: int) -> Int64:
    """(v,) visits to the same item at most so many moments before or after."""
    place = item * 2 * (int(moment.max(initial=0)) + 1 + around) + moment  # so that no stretch reaches into the next item's
    in_order = np.sort(place)
    return np.asarray(np.searchsorted(in_order, place + around, "right") - np.searchsorted(in_order, place - around), np.int64)


def _quiet_week(item: Int64, day: Int64, week: int) -> Int64:
    """(items,) visits of a week than which a quarter of the item's weeks have no more."""
    weeks = max((int(day.max(initial=0)) + 1) // week, 1)
    cell, visits = distinct_counts(item * weeks + np.minimum(day // week, weeks - 1))
    busy = np.bincount(cell // weeks)  # weeks with visits
    in_order = np.sort(cell // weeks << 32 | visits) & 0xFFFFFFFF
    rank = (weeks - 1) // 4 - (weeks - busy)
    place = np.minimum(offsets(busy)[:-1] + np.maximum(rank, 0), max(len(in_order) - 1, 0))
    return np.where(rank >= 0, in_order[place], 0) if len(in_order) else np.zeros(0, np.int64)


def _joined(user: Int64, item: Int64, day: Int64, weight: Float64, apart: int | None, items: int) -> scipy.sparse.csr_matrix:
    """(items, items) what users' visits, by user and day, say to pairs of them on one day, or more than `apart` days apart."""
    count = np.bincount(distinct_values(user * items + item) // items)
    of_some = ((count >= 2) & (count <= MOST_ITEMS))[user]
    user, item, day, weight = user[of_some], item[of_some], day[of_some], weight[of_some]
    moment = user * (int(day.max(initial=0)) + 1) + day
    begin = np.searchsorted(moment, moment) if apart is None else np.searchsorted(user, user)
    end = np.arange(len(user)) if apart is None else np.searchsorted(moment, moment - apart)
    sooner = np.maximum(end - begin, 0)
    sooner[user % max(-(-int(sooner.sum()) // MOST_PAIRS), 1) > 0] = 0
    told = np.cumsum(sooner)
    joined = scipy.sparse.csr_matrix((items, items))
    for low, high in _blocks(told):
        later = np.repeat(np.arange(low, high), sooner[low:high])
        before = (told - sooner)[low:high]
        other = begin[later] + np.arange(len(later)) - np.repeat(before - before[0], sooner[low:high])
        told_by = weight[other] * weight[later] / (count[user[later]] - 1)
        said = scipy.sparse.csr_matrix((told_by, (item[other], item[later])), shape=(items, items))
        joined = scipy.sparse.csr_matrix(joined + said)
    return joined


def _blocks(told: Int64) -> list[tuple[int, int]]:
    """Ranges of visits with about as many pairs each, of numbers of pairs until each visit."""
    cuts = np.searchsorted(told, np.arange(BLOCK, int(told.max(initial=0)), BLOCK))
    return list(pairwise(np.unique(np.r_[0, cuts, len(told)]).tolist()))


def _one_visitor(user: Int64, item: Int64, day: Int64) -> Int64:
    """Rows of one visitor of each item and day, so that a crowd that came at once, as a ring does, counts once."""
    turn = user * 2_654_435_761 % (1 << 32)  # a fixed order of users that has nothing to do with their names
    order = np.lexsort([turn, day, item])
    new = (np.diff(item[order], prepend=-1) != 0) | (np.diff(day[order], prepend=-1) != 0)
    return np.sort(order[new])


def _visits(events: EventTable) -> tuple[Int64, Int64, Int64]:
    """(users, items, hours since the log's first day began) of distinct visits, by user and hour."""
    assert events.time is not None
    told = np.flatnonzero((events.codes["item"] >= 0) & (events.time != NO_TIME))
    user, item, hour = events.codes["user"][told].astype(np.int64), events.codes["item"][told].astype(np.int64), events.time[told] // HOUR
    hour -= hour.min() // 24 * 24 if len(hour) else 0
    hours, items = int(hour.max(initial=0)) + 1, events.count("item")
    visit = distinct_values((user * hours + hour) * items + item)
    return visit // items // hours, visit % items, visit // items % hours
