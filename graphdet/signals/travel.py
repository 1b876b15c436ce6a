"""Stretches in accounts, and where networks are → journeys between a stretch and the account's own events that nobody makes so fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64, Int64, distinct_values, ranges, stretches
from graphdet.events.network_places import NetworkPlaces
from graphdet.schema import IP
from graphdet.signals.lives import Blocks, Lives

EARTH = 6371.0  # kilometres
FAST = 1000.0  # kilometres an hour, above those of airliners
FAR = 500.0  # kilometres up to which tables of networks may err
NEAR = 86_400  # seconds before and after a stretch from which the account's own events are looked at


@dataclass(frozen=True)
class Travel:
    """Of b stretches.

    Attributes:
        of: (b,) 0 where no journey is known, 1 where all could be made, 2 where one could not.
        habit: (b,) impossible journeys in the account's life before: networks that leave the country are some people's habit.
        kilometres, seconds: (b,) of the fastest journey that could not be made; NaN where there is none.
    """

    of: Int64
    habit: Int64
    kilometres: Float64
    seconds: Float64

    def take(self, chosen: Int64) -> Travel:
        """Of these stretches, in this order."""
        return Travel(self.of[chosen], self.habit[chosen], self.kilometres[chosen], self.seconds[chosen])


def measure_travel(lives: Lives, blocks: Blocks, places: NetworkPlaces, seconds: int) -> Travel:
    """The journeys into and out of each stretch, of `seconds` at most."""
    accounts = distinct_values(blocks.account)
    own = stretches(lives.offset, accounts)
    used = np.zeros(lives.events.count(IP) + 1, np.bool_)
    used[lives.code(IP, own)] = used[lives.code(IP, blocks.event)] = True
    used[-1] = False
    where = np.full((len(used), 2), np.nan)
    where[used] = places.locate(lives.events.ids[IP].take(np.flatnonzero(used)).to_pylist())
    return _journeys(lives, blocks, where, seconds, _habit(lives, blocks, own, where))


def _habit(lives: Lives, blocks: Blocks, own: Int64, where: Float64) -> Int64:
    """Impossible journeys of each stretch's account before it."""
    code = lives.code(IP, own)
    known = own[~np.isnan(where[code, 0])]
    kilometres, passed = _between(lives, known, where)
    same = np.diff(lives.user(known)) == 0
    hops = known[1:][same & _impossible(kilometres, passed)] if len(known) else known
    return np.searchsorted(hops, lives.at(blocks.account, blocks.start)) - np.searchsorted(hops, lives.offset[blocks.account])


def _journeys(lives: Lives, blocks: Blocks, where: Float64, seconds: int, habit: Int64) -> Travel:
    low, high = lives.at(blocks.account, blocks.start - NEAR), lives.at(blocks.account, blocks.start + seconds + NEAR)
    number, event = np.repeat(np.arange(len(blocks)), high - low), ranges(low, high)
    every = len(lives.row)
    others = ~np.isin(number * every + event, blocks.block * every + blocks.event)
    block, event = np.concatenate([blocks.block, number[others]]), np.concatenate([blocks.event, event[others]])
    strange = np.arange(len(block)) < len(blocks.block)
    known = ~np.isnan(where[lives.code(IP, event), 0])
    block, event, strange = block[known], event[known], strange[known]
    order = np.lexsort((event, strange, lives.second(event), block))
    block, event, strange = block[order], event[order], strange[order]
    kilometres, passed = _between(lives, event, where)
    crosses = (np.diff(block) == 0) & (strange[1:] != strange[:-1])
    cannot = crosses & _impossible(kilometres, passed)
    of = np.zeros(len(blocks), np.int64)
    of[block[1:][crosses]] = 1
    of[block[1:][cannot]] = 2
    # Of each stretch the fastest, the first of equals.
    place = np.flatnonzero(cannot)
    speed = kilometres[place] / np.maximum(passed[place], 1)
    best = place[np.lexsort((place, -speed, block[1:][place]))]
    first = np.append(True, np.diff(block[1:][best]) != 0)[: len(best)]
    told = np.full((2, len(blocks)), np.nan)
    told[:, block[1:][best[first]]] = kilometres[best[first]], passed[best[first]]
    return Travel(of, habit, *told)


def _between(lives: Lives, event: Int64, where: Float64) -> tuple[Float64, Int64]:
    """Kilometres (by the great circle) and seconds from each event to the next."""
    at = np.radians(where[lives.code(IP, event)])
    latitude, (step, turn) = at[:, 0], np.diff(at, axis=0).T
    chord = np.sin(step / 2) ** 2 + np.cos(latitude[:-1]) * np.cos(latitude[1:]) * np.sin(turn / 2) ** 2
    return 2 * EARTH * np.arcsin(np.sqrt(np.minimum(chord, 1))), np.abs(np.diff(lives.second(event)))


def _impossible(kilometres: Float64, seconds: Int64) -> Bool:
    return (kilometres > FAR) & (kilometres * 3600 > FAST * seconds)
