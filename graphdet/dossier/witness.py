"""A ring → its witness: the smallest set of events without which it has too little to be an alert, and the events to read first.

An alert needs `alert_targets` items at which members met, and `alert_members` members with two such items each. So there are two ways to
leave a ring too little: fewer of its items at which two members came, or fewer members who came to two of them. For each way the smallest
set is plain arithmetic; the smaller one is told. Sets that merely weaken a ring are smaller still, but what then becomes of it hangs on
where the search begins (tried: greedy sets were half as large, and with half of them detection found an alert again).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.replay.replaying import Replay
from graphdet.settings import Settings

READ_FIRST = 5
FRAGILE_STRENGTH = 3.0  # times the strength that an alert needs, up to which single events are tried; no stronger one was seen to hang so


@dataclass(frozen=True)
class Witness:
    """Rows of the run's `events`.

    Attributes:
        rows: the witness, in order of time; empty where the ring is no alert, or would be one without any items.
        first: those to read first, most telling first, each of another member as far as there are enough.
        fragile: events each of which alone would end the alert where the ring is grown again from its members. The search may
            find another way to it, so this is a warning, and the witness stays the longer list.
    """

    rows: Int64
    first: Int64
    fragile: Int64


def find_witness(replay: Replay, inside: Bool, fragile: Int64, *, hangs: bool) -> Witness:
    """The witness of a ring, and which of its events to read first.

    Args:
        replay: of the ring.
        inside: (e,) events on item targets in their time.
        fragile: (f,) events each of which alone would end the alert.
        hangs: whether it is an alert by its items.
    """
    small = replay.small
    weight, target = _weights(replay)
    rows: Int64 = np.zeros(0, np.int64)
    if hangs:
        own = np.flatnonzero(target >= 0)  # at other times, too: members may have met there again
        rows = own[_hinges(target[own], small.events.codes["user"][own], replay.settings)]
    among = rows[inside[rows]] if len(rows) else np.flatnonzero(inside)
    first = _read_first(among, weight, small.events.codes["user"])
    return Witness(small.rows[rows], small.rows[first], small.rows[fragile])


def fragile_events(replay: Replay) -> Int64:
    """(f,) events that may be fragile: those that made a visit to an item target alone, of rings that are not far above an alert."""
    if replay.whole().strength > FRAGILE_STRENGTH * replay.judgement.strength_needed():
        return np.zeros(0, np.int64)
    _, target = _weights(replay)
    alone = np.zeros(len(target), np.bool_)  # without any other event all visits are still there
    for made in replay.small.made.values():
        alone |= (made >= 0) & (np.bincount(made + 1)[made + 1] == 1)
    return np.flatnonzero((target >= 0) & alone)


def _hinges(item: Int64, member: Int32, settings: Settings) -> Bool:
    """Marks the fewest of these events without which two members come to too few of the items, or too few members to two of them."""
    by_item = _all_but(item, member, settings.tiers.alert_targets - 1)
    half = 2 * settings.tiers.alert_members > len(np.unique(member))  # the few that are left would be half of the ring
    if settings.rings.least_targets < 2 or half:
        return by_item
    return min(by_item, _all_but(member, item, settings.tiers.alert_members - 1), key=lambda marked: int(marked.sum()))


def _all_but(one: npt.NDArray[np.integer], other: npt.NDArray[np.integer], spared: int) -> Bool:
    """The fewest events to take away until all but `spared` of `one` have at most one of `other`: members at items, or items of members.

    Of each the busiest other one is left; spared are those for which most would go.
    """
    _, which = np.unique(one, return_inverse=True)
    pair, of = np.unique(which * np.int64(1 << 32) + other, return_inverse=True)
    order = np.lexsort((pair, -np.bincount(of), pair >> 32))
    busiest = order[np.flatnonzero(np.diff(pair[order] >> 32, prepend=-1))]
    gone = ~np.isin(of, busiest)
    dearest = np.argsort(-np.bincount(which, weights=gone), kind="stable")[: max(spared, 0)]
    return np.asarray(gone & ~np.isin(which, dearest))


def _weights(replay: Replay) -> tuple[Float64, Int64]:
    """What each event tells (its share in its targets' part of the ring's strength), and the item target it is on, or −1."""
    small, grown = replay.small, replay.whole()
    weight = np.zeros(len(small.events))
    item = np.full(len(small.events), -1, np.int64)
    second = replay.recorded.seconds(small.rows)
    for view in small.visits.views:
        code = small.events.codes[view.name]
        for place, key in enumerate(grown.targets.tolist()):
            if view.first_key <= key < view.first_key + view.keys:
                here = (code == key - view.first_key) & (second >= grown.start[place]) & (second <= grown.end[place])
                weight[here] += grown.gain[place] / max(here.sum(), 1)
                if view.name == "item":
                    item[code == key - view.first_key] = place
    return weight, item


def _read_first(among: Int64, weight: Float64, user: Int32) -> Int64:
    order = among[np.lexsort((among, -weight[among]))]
    _, first = np.unique(user[order], return_index=True)
    leaders = order[np.sort(first)]
    return np.concatenate([leaders, order[~np.isin(order, leaders)]])[:READ_FIRST]
