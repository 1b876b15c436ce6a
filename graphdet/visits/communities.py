"""Items whose category a log does not tell → communities of items that the same users visit, which stand in for categories.

Without them everybody's taste is one taste, and whoever shops in the same corner of the shop seems to act together. But a
ring's targets, which its members visit together, must not become a category of their own: so of the visitors whom an item had on one day
only one is asked, which leaves what users like and takes away what they did at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy

from graphdet.arrays import Int64, distinct_values
from graphdet.events import NO_TIME, EventTable
from graphdet.settings import EvidenceSettings

UNTOLD = 0.1  # share of item events without a category that a log may have before communities are learned
DAY = 86_400_000_000
LEAST_ITEMS = 12  # of a community; a smaller one says little
MOST_ITEMS = 100  # who visited more things tells little about which of them belong together
MOST_PAIRS = 20_000_000  # of items in common users; beyond that, every other user is asked, or every third, …


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
    user, item = _lasting_visits(events)
    items = events.count("item")
    count = np.bincount(user, minlength=events.count("user"))
    asked = (count >= 2) & (count <= MOST_ITEMS)
    pairs = int((count[asked] * (count[asked] - 1)).sum()) // 2
    asked &= np.arange(len(count)) % max(-(-pairs // MOST_PAIRS), 1) == 0
    of_asked = asked[user]
    place = np.cumsum(asked) - 1
    places, shape = (place[user[of_asked]], item[of_asked]), (int(asked.sum()), items)
    by_user = scipy.sparse.csr_matrix((np.ones(int(of_asked.sum())), places), shape=shape)
    together = scipy.sparse.csr_matrix(by_user.T @ scipy.sparse.diags(1.0 / (count[asked] - 1)) @ by_user)
    together.setdiag(0)
    together.eliminate_zeros()
    return together


def _lasting_visits(events: EventTable) -> tuple[Int64, Int64]:
    """(users, items) of distinct visits, one visitor of an item a day, so that a crowd that came at once, as a ring does, counts once."""
    assert events.time is not None
    told = np.flatnonzero((events.codes["item"] >= 0) & (events.time != NO_TIME))
    user, item = events.codes["user"][told].astype(np.int64), events.codes["item"][told].astype(np.int64)
    turn = user * 2_654_435_761 % (1 << 32)  # a fixed order of users that has nothing to do with their names
    order = np.lexsort([turn, events.time[told] // DAY, item])
    day = events.time[told][order] // DAY
    first = np.r_[True, (item[order][1:] != item[order][:-1]) | (day[1:] != day[:-1])][: len(order)]
    visited = distinct_values(user[order][first] * events.count("item") + item[order][first])
    return visited // events.count("item"), visited % events.count("item")
