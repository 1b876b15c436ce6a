"""Judged rings and their log → whose part in a ring is weak; of a crowd everybody's but its core's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphdet.arrays import Bool, Int64
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.lockstep import Core, find_core, find_lockstep, is_crowd
from graphdet.judging.log_index import LogIndex
from graphdet.judging.weak_parts import weak_parts
from graphdet.record.windows import count_windows
from graphdet.rings.growth import Grown
from graphdet.schema import ITEM, USER
from graphdet.settings import TierSettings


def find_weak_members(rings: Sequence[JudgedRing], log: LogIndex, bars: TierSettings) -> list[Bool]:
    """For each ring (members, reasons) as in `weak_parts`."""
    users, found = log.events.count(USER), []
    for ring in rings:
        grown, presence = ring.facts.grown, ring.facts.presence
        core = _core_of(grown, presence.touched, log, bars) if is_crowd(ring.facts.size, users, bars) else None
        items = log.visits.items_among(grown.targets)
        found.append(weak_parts(grown.contribution, presence.touched, presence.strays, items, core))
    return found


def _core_of(crowd: Grown, touched: Int64, log: LogIndex, bars: TierSettings) -> Core:
    """All events are looked through again for it: few logs have a crowd."""
    events, visits = log.events, log.visits.visits
    view, at_targets = visits.view_of(crowd.targets), {}
    for position, seen in enumerate(visits.views):
        is_target = np.zeros(seen.keys + 1, np.bool_)  # the last place stands for events without such a thing
        is_target[crowd.targets[view == position] - seen.first_key] = True
        code = events.codes[seen.name]
        rows = np.flatnonzero(is_target[code])
        rows = rows[np.argsort(code[rows], kind="stable")]
        at_targets[seen.name] = code[rows], rows
    (windows,) = count_windows([crowd], log, at_targets)
    users = events.count(USER)
    chance = np.array([window["users"] for window in windows if window["type"] == ITEM]) / users
    lockstep = find_lockstep(touched, chance, users)
    return find_core(touched, lockstep.least if lockstep else 0, bars)
