"""Ring facts → tier and innocent explanation.

Only rings that the permutation supports come here; one is an `alert` where no look-alike explains it and nothing else speaks against one.
Both are plain questions about the ring's facts that an analyst can check, and stand as data in `graphdet.schema`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from graphdet.judging.conditions import Background, Weighed, holds, ring_numbers, weigh
from graphdet.judging.ring_facts import RingFacts
from graphdet.schema import TIERS, lookalikes, objections
from graphdet.settings import TierSettings


@dataclass(frozen=True)
class Judgement:
    """A ring's judgement with all that led to it: every look-alike and every objection, in the order in which they are tried."""

    look_alikes: tuple[Weighed, ...]
    objections: tuple[Weighed, ...]

    @property
    def tier(self) -> str:
        if self.explanation:
            return "explained"
        return "review" if self.raised else "alert"

    @cached_property
    def explanation(self) -> str:
        """The first look-alike that fits, or empty."""
        return next((one.claim.name for one in self.look_alikes if one.holds), "")

    @cached_property
    def raised(self) -> tuple[str, ...]:
        """Objections that hold; a ring that no look-alike explains is an alert where there are none."""
        return tuple(one.claim.name for one in self.objections if one.holds)

    def strength_needed(self) -> float:
        """For an alert, by the way on which the ring would be too weak for one."""
        weak = next(one for one in self.objections if one.claim.name == "weak")
        bars = [
            one.bar
            for way in weak.ways
            for one in way
            if one.condition.fact == "strength" and all(other.holds for other in way if other is not one)
        ]
        return max(bars, default=0.0)


def judge(facts: RingFacts, targets: int, log: Background, settings: TierSettings) -> Judgement:
    """The judgement on a ring that the permuted logs support.

    Args:
        facts: of the ring.
        targets: its item targets; all targets where the log has no items.
        log: the log that it was found in.
        settings: the bars.
    """
    numbers = ring_numbers(facts, targets, log)
    return Judgement(
        tuple(weigh(claim, numbers, settings, log.has) for claim in lookalikes.LOOK_ALIKES),
        tuple(weigh(claim, numbers, settings, log.has) for claim in objections.OBJECTIONS),
    )


def has_targets_to_itself(facts: RingFacts, settings: TierSettings) -> bool:
    """Whether hardly anybody else comes to half of its item targets."""
    return holds(objections.OWN_TARGETS, facts.scalars(), settings)


def ring_score(tier: str, strength: float) -> float:
    """0 … 1: each tier has its third, alerts the upper one; within it, stronger is higher."""
    third = len(TIERS) - 1 - TIERS.index(tier)
    return float((third + strength / (strength + 100.0)) / len(TIERS))
