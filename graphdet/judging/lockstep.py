"""Who touched how many of a ring's items → the most surprising 'so many members at so many of the items', and the core of a crowd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64, Int64
from graphdet.settings import TierSettings


@dataclass(frozen=True)
class Lockstep:
    """So many `members` came to `least` of the items or more; `expected`: of as many users at the same popularity, each alone."""

    least: int
    members: int
    expected: float


@dataclass(frozen=True)
class Core:
    """Of what has more members than a ring can have: `came` to `least` of its items or more, of whom `size` are dealt with as a ring."""

    least: int
    came: int
    size: int


def find_lockstep(touched: Int64, chance: Float64, users: int) -> Lockstep | None:
    """None where no two members came to two of the items.

    Args:
        touched: (members,) items that each was at.
        chance: (items,) share of all users at each.
        users: of the whole log.
    """
    tail = at_least(chance) * users
    best: tuple[float, Lockstep] | None = None
    for least in range(2, len(chance) + 1):
        hit = int((touched >= least).sum())
        if hit < 2:
            break
        surprise = float(hit * np.log(hit / max(tail[least], 1e-300)) - (hit - tail[least]))
        if best is None or surprise > best[0]:
            best = (surprise, Lockstep(least, hit, float(tail[least])))
    return best[1] if best else None


def at_least(chance: Float64) -> Float64:
    """(t + 1,) chance that at least 0, 1, … t of t independent events happen (Poisson binomial, by convolution)."""
    exactly = np.ones(1)
    for one in chance.tolist():
        exactly = np.convolve(exactly, [1 - one, one])
    return np.cumsum(exactly[::-1])[::-1]


def is_crowd(size: int, users: int, bars: TierSettings) -> bool:
    """Whether so many of all users are more than a ring can have."""
    return size >= bars.many_members and size / max(users, 1) > bars.alert_share


def find_core(touched: Int64, least: int, bars: TierSettings) -> Core:
    """Of a crowd; `least`: as in its `Lockstep`, 0 where it has none: of a farm that shares things alone everybody is as good."""
    came = int((touched >= least).sum())
    return Core(least, came, min(came, bars.many_members))
