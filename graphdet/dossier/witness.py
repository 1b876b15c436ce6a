"""A ring → its witness: the events on which its alert hangs, and those to read first.

An alert needs three items at which several members met. So without all events but those at the most visited item, and one member's
at each other, it is none (one item is spared, not two, since members may have met at a further one, too little to count so far).
A list that would merely weaken the ring may be shorter, but whether it suffices hangs on everybody's habits, which it would change, too
(tried: such lists were a fifth shorter, and most did not suffice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.dossier.replay import Replay
from graphdet.evidence.visits import Bool, Float64, Int32, Int64

READ_FIRST = 5
FRAGILE_STRENGTH = 1.5  # times the strength that an alert needs, up to which single events are tried


@dataclass(frozen=True)
class Witness:
    """Rows of the run's `events`.

    Attributes:
        rows: the witness, in order of time; empty where the ring is no alert.
        first: those to read first, most telling first, each of another member as far as there are enough.
        fragile: events each of which alone would end the alert where the ring is grown again from its members. The search may
            find another way to it, so this is a warning, and the witness stays the longer list.
    """

    rows: Int64
    first: Int64
    fragile: Int64


def find_witness(replay: Replay, inside: Bool, is_alert: bool) -> Witness:
    """The witness of a ring, and which of its events to read first; `inside` (e,) marks those on item targets in their time."""
    small = replay.small
    weight, target = _weights(replay)
    rows: Int64 = np.zeros(0, np.int64)
    fragile = _fragile(replay, target >= 0) if is_alert else rows
    if is_alert:
        own = np.flatnonzero(target >= 0)  # at other times, too: members may have met there again
        rows = own[_all_but(target[own], small.events.codes["user"][own], replay.settings.tiers.alert_targets - 2)]
    among = rows[inside[rows]] if len(rows) else np.flatnonzero(inside)
    first = _read_first(among, weight, small.events.codes["user"])
    return Witness(small.rows[rows], small.rows[first], small.rows[fragile])


def _fragile(replay: Replay, on_targets: Bool) -> Int64:
    """Events without any one of which the ring would be no alert; asked only of rings that are not far above one."""
    if replay.whole().strength > FRAGILE_STRENGTH * replay.settings.tiers.alert_strength:
        return np.zeros(0, np.int64)
    alone = np.zeros(len(on_targets), np.bool_)  # events that made a visit alone; without any other, all visits are still there
    for made in replay.small.made.values():
        alone |= (made >= 0) & (np.bincount(made + 1)[made + 1] == 1)
    found = []
    for event in np.flatnonzero(on_targets & alone).tolist():
        removed = np.zeros(len(on_targets), np.bool_)
        removed[event] = True
        if replay.without_events(removed).tier != "alert":
            found.append(event)
    return np.array(found, np.int64)


def _all_but(target: Int64, member: Int32, whole: int) -> Bool:
    """Marks events: all but those at the `whole` targets with most of them, and those of the busiest member at each other target."""
    _, which = np.unique(target, return_inverse=True)
    spared = np.isin(which, np.argsort(-np.bincount(which), kind="stable")[:whole])
    pair, of = np.unique(which * np.int64(1 << 32) + member, return_inverse=True)
    order = np.lexsort((pair, -np.bincount(of), pair >> 32))
    busiest = order[np.flatnonzero(np.diff(pair[order] >> 32, prepend=-1))]
    return np.asarray(~(spared | np.isin(of, busiest)))


def _weights(replay: Replay) -> tuple[Float64, Int64]:
    """What each event tells (its share in its targets' part of the ring's strength), and the item target it is on, or −1."""
    small, grown = replay.small, replay.whole()
    weight = np.zeros(len(small.events))
    item = np.full(len(small.events), -1, np.int64)
    second = replay.casebook.seconds(small.rows)
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
