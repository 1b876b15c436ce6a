"""Accounts' lives → the same with a stretch of somebody else's life in them: what a takeover would look like in this very log.

Whose life and where is drawn by a seed. Of several donors the busiest is taken, since a stranger comes to buy. Nothing of a real takeover
need be known: what is new to an account in such a stretch, how often, is read from the log's own people.
"""

from __future__ import annotations

import numpy as np

from graphdet.arrays import ranges
from graphdet.signals.lives import Blocks, Lives, Places

DONORS = 4  # of which the busiest is taken
MOST_EVENTS = 200  # of a donor's stretch that are looked at


def spliced_blocks(lives: Lives, kind: str, seconds: int, least: int, count: int, rng: np.random.Generator) -> Blocks:
    """Up to `count` stretches of strangers in accounts that had a life before.

    Args:
        kind: where accounts act from, `device` or `ip`; a stretch comes from one of those.
        seconds: the longest that a stretch lasts.
        least: sittings that the account must have had before.
    """
    donors: Places = lives.bought[lives.code(kind, lives.bought) >= 0]
    if not len(donors):
        donors = np.flatnonzero(lives.code(kind, np.arange(len(lives.row))) >= 0)
    if not len(donors) or not count:
        none = np.zeros(0, np.int64)
        return Blocks(none, none, none, none, none)
    drawn = donors[rng.integers(0, len(donors), (count, DONORS))]
    until = lives.at(lives.user(drawn), lives.second(drawn) + seconds)
    busy = np.searchsorted(lives.bought, until) - np.searchsorted(lives.bought, drawn)
    donor = drawn[np.arange(count), busy.argmax(axis=1)]
    owner = lives.user(donor)
    start = lives.second(lives.begin[lives.sitting(donor)])
    low = lives.at(owner, start)
    high = np.minimum(lives.at(owner, start + rng.integers(min(3600, seconds), seconds + 1, count)), low + MOST_EVENTS)
    block, event = np.repeat(np.arange(count), high - low), ranges(low, high)
    thing = lives.code(kind, donor).astype(np.int64)
    same = lives.code(kind, event) == thing[block]
    block, event = block[same], event[same]
    account = rng.integers(0, lives.accounts, count)
    begun, before = lives.sittings_before(account, start)
    stranger = (before - begun >= least) & (account != owner) & (np.bincount(block, minlength=count) > 0)
    return Blocks(account, start, thing, block, event).keep(stranger)
