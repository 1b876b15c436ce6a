"""A ring's facts + the log it was found in → named numbers, and each claim about the ring weighed by them.

Claims are data (`graphdet.schema.claims`); what they hang on is measured here, by the names of `FACTS`.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64
from graphdet.judging.ring_facts import RingFacts
from graphdet.schema.claims import FACTS, Bar, Claim, Condition, Way
from graphdet.schema.wording import named
from graphdet.settings import TierSettings

Numbers = Mapping[str, float]  # by the names of `FACTS`; NaN where the log cannot tell
COMPARE = {"at least": operator.ge, "more than": operator.gt, "at most": operator.le, "less than": operator.lt}


@dataclass(frozen=True)
class Background:
    """What a ring is judged against: its log."""

    days: float  # from the first to the last event; 0 where it has no times
    users: int
    timed: bool
    to_themselves: float  # share of users in groups that have their targets to themselves; asked for where there are no times
    has: frozenset[str] | None = None  # its node types, and "action" where it tells what was done; None = all


@dataclass(frozen=True)
class Checked:
    """A condition with the number that was found and the bar that it was held against."""

    condition: Condition
    value: float
    bar: float
    known: bool = True  # whether the log has what tells it

    @property
    def told(self) -> bool:
        """Whether there is a number: the log has what tells it, and did tell."""
        return self.known and self.value == self.value

    @property
    def holds(self) -> bool:
        return bool(COMPARE[self.condition.direction](self.value, self.bar))


@dataclass(frozen=True)
class Weighed:
    """A claim about a ring, with every condition checked; `numbers` are those that its sentence names."""

    claim: Claim
    numbers: dict[str, float]
    ways: tuple[tuple[Checked, ...], ...]
    unless: tuple[Checked, ...]

    @property
    def holds(self) -> bool:
        return any(all(one.holds for one in way) for way in self.ways) and not self.outdone

    @property
    def checked(self) -> dict[Condition, Checked]:
        """Every condition once."""
        return {one.condition: one for way in (*self.ways, self.unless) for one in way}

    @property
    def outdone(self) -> bool:
        """Whether what it gives way to holds."""
        return bool(self.unless) and all(one.holds for one in self.unless)

    @property
    def untold(self) -> bool:
        """Whether it does not hold for nothing but what the log does not tell."""
        return bool(self.missed()) and not any(one.told for one in self.missed())

    def nearest(self) -> tuple[Checked, ...]:
        """The way that holds, or misses fewest of its bars."""
        return min(self.ways, key=lambda way: sum(not one.holds for one in way))

    def missed(self) -> tuple[Checked, ...]:
        """What keeps it from holding: the bars missed on the nearest way, or else what it gives way to; empty where it holds."""
        return tuple(one for one in self.nearest() if not one.holds) or (self.unless if self.outdone else ())


def ring_numbers(facts: RingFacts, targets: int, log: Background) -> dict[str, float]:
    """All that claims may hang on, by the names of `FACTS`.

    Args:
        facts: of the ring.
        targets: its item targets; all targets where the log has no items.
        log: the log that it was found in.
    """
    scalars = facts.scalars()
    tastes = [scalars[name] for name in ("taste", "seller_taste") if scalars[name] == scalars[name]]
    place_members = round(scalars["place_share"] * facts.size)
    return scalars | {
        "size": facts.size,
        "user_share": facts.size / max(log.users, 1),
        "targets": int(targets),
        "strength": float(facts.grown.strength),
        "home_share": max(scalars["address_share"], scalars["place_share"]),
        "desk_share": min(scalars["device_share"], scalars["place_share"]),
        "place_members": place_members,
        "best_taste": max(tastes, default=float("nan")),
        "log_days": log.days,
        "timed": int(log.timed),
        "to_themselves": log.to_themselves,
    }


def weigh(claim: Claim, numbers: Numbers, settings: TierSettings, log_has: frozenset[str] | None = None) -> Weighed:
    """Every condition of a claim, checked; `log_has` as in `Background`."""
    return Weighed(
        claim,
        {name: numbers[name] for name in sorted(named(claim.sentence.en))},
        tuple(tuple(_check(condition, numbers, settings, log_has) for condition in way) for way in claim.ways),
        tuple(_check(condition, numbers, settings, log_has) for condition in claim.unless),
    )


def holding(claims: Sequence[Claim], numbers: Mapping[str, Float64], settings: TierSettings) -> Bool:
    """(rings, claims) bool: which claims hold of which rings, as `Weighed` has it of one; `numbers`: by fact, (rings,) float64."""

    def held(condition: Condition) -> Bool:
        bar = condition.bar
        height = _scale(bar, settings) * numbers[bar.of] if bar.of else _scale(bar, settings)
        return np.asarray(COMPARE[condition.direction](numbers[condition.fact], height))

    def all_held(way: Way) -> Bool:
        return np.asarray(np.all([held(condition) for condition in way], axis=0), np.bool_)

    columns = [np.any([all_held(way) for way in claim.ways], axis=0) for claim in claims]
    for column, claim in zip(columns, claims, strict=True):
        if claim.unless:
            column &= ~all_held(claim.unless)
    return np.stack(columns, axis=-1)


def claim_holds(claim: Claim, numbers: Numbers, settings: TierSettings) -> bool:
    """Whether a claim does of one ring; asks no more than it takes to know."""

    def all_hold(way: Way) -> bool:
        return all(holds(condition, numbers, settings) for condition in way)

    return any(map(all_hold, claim.ways)) and not (claim.unless and all_hold(claim.unless))


def holds(condition: Condition, numbers: Numbers, settings: TierSettings) -> bool:
    """Whether one condition does; `numbers` may lack what it does not ask for."""
    return bool(COMPARE[condition.direction](numbers[condition.fact], _height(condition.bar, numbers, settings)))


def _check(condition: Condition, numbers: Numbers, settings: TierSettings, log_has: frozenset[str] | None = None) -> Checked:
    return Checked(condition, numbers[condition.fact], _height(condition.bar, numbers, settings), FACTS[condition.fact].known(log_has))


def _height(bar: Bar, numbers: Numbers, settings: TierSettings) -> float:
    return _scale(bar, settings) * numbers[bar.of] if bar.of else _scale(bar, settings)


def _scale(bar: Bar, settings: TierSettings) -> float:
    """How high a bar is, in units of the fact that it is multiplied with, if any."""
    height: float = getattr(settings, bar.setting) if bar.number is None else bar.number
    for factor in bar.times:
        height *= factor
    height += bar.plus
    return height
