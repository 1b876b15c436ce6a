"""Rings and all ways to deeds → the way that more of a ring's members took than as active users would: perhaps a task sheet's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy

from graphdet.arrays import Bool, Int64, distinct_values, stretches
from graphdet.judging.log_index import LogIndex
from graphdet.judging.member_events import seconds_of
from graphdet.judging.ring_facts import RingFacts
from graphdet.schema import ITEM
from graphdet.signals.scripts import Ways, read_ways


def count_scripts(rings: Sequence[RingFacts], log: LogIndex) -> list[dict[str, Any] | None]:
    """For each ring the script that surprises most; None where no member did a deed at a target that steps led to.

    Keys: `steps` in words; `members` who came so to a deed at a target, in its time; `of`: those who came to one by any way; `ways`: how
    many different ones; `expected`: members who would, had each as many deeds and came to them as everybody else does (`others`, of
    `others_of`); `chance` that so many would, by any of the ways (binomial). O(events + deeds of members).
    """
    ways = read_ways(log.events, log.offset, log.by_user)
    if ways is None:
        return [None] * len(rings)
    everybody = np.bincount(ways.script, minlength=ways.scripts)
    return [_most_telling(facts, log, ways, everybody) for facts in rings]


def _most_telling(facts: RingFacts, log: LogIndex, ways: Ways, everybody: Int64) -> dict[str, Any] | None:
    members = facts.grown.members
    own = stretches(ways.offset, members)
    who = np.repeat(np.arange(len(members)), ways.offset[members + 1] - ways.offset[members])
    inside = _inside(facts, log, ways.row[own])
    if not inside.any():
        return None
    script, doer = ways.script[own[inside]], who[inside]
    deeds = np.bincount(doer, minlength=len(members))
    tried, count = distinct_values(script), np.bincount(distinct_values(script * len(members) + doer) // len(members))
    others_of = len(ways.row) - len(own)
    others = everybody[tried] - np.bincount(ways.script[own], minlength=ways.scripts)[tried]
    share = (others + 1) / (others_of + 1)
    expected = -np.expm1(np.outer(np.log1p(-np.minimum(share, 1 - 1e-12)), deeds)).sum(axis=1)
    hits = count[tried]
    surprise = np.round(np.where(hits > expected, hits * np.log(hits / expected) - (hits - expected), 0), 9)
    best = min(np.flatnonzero(surprise == surprise.max()).tolist(), key=lambda place: ways.told(int(tried[place])))
    came = int((deeds > 0).sum())
    alone = scipy.special.bdtrc(hits[best] - 1, came, min(expected[best] / came, 1.0))
    return {
        "steps": ways.told(int(tried[best])),
        "members": int(hits[best]),
        "of": came,
        "ways": len(tried),
        "expected": float(expected[best]),
        "others": int(others[best]),
        "others_of": int(others_of),
        "chance": float(min(alone * len(tried), 1.0)),
    }


def _inside(facts: RingFacts, log: LogIndex, row: Int64) -> Bool:
    """Which rows are at an item target in its time."""
    index, grown = log.visits, facts.grown
    found = np.zeros(len(row), np.bool_)
    at = np.flatnonzero(index.view[grown.targets] == index.item_view)
    if not len(at) or log.events.time is None:
        return found
    code = grown.targets[at] - index.visits.views[index.item_view].first_key
    item = log.events.codes[ITEM][row]
    place = np.minimum(np.searchsorted(code, item), len(code) - 1)
    second = seconds_of(log.events.time[row], log)
    found[:] = (code[place] == item) & (second >= grown.start[at[place]]) & (second <= grown.end[at[place]])
    return found
