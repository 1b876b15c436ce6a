"""Ring facts → tier and innocent explanation.

Only rings that the permutation supports come here; one is an `alert` where no look-alike explains it and nothing else speaks against one.
Both are plain questions about the ring's facts that an analyst can check, and stand as data in `graphdet.schema`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.judging.conditions import Background, Weighed, claim_holds, holding, holds, ring_numbers, weigh
from graphdet.judging.ring_facts import RingFacts
from graphdet.schema import TIERS, lookalikes, objections
from graphdet.settings import TierSettings


@dataclass(frozen=True)
class Verdict:
    """What a judgement comes to.

    Attributes:
        explanation: the first look-alike that fits, or empty.
        raised: objections that hold; a ring that no look-alike explains is an alert where there are none.
    """

    explanation: str
    raised: tuple[str, ...]

    @property
    def tier(self) -> str:
        if self.explanation:
            return "explained"
        return "review" if self.raised else "alert"


@dataclass(frozen=True)
class Judgement:
    """A ring's judgement with all that led to it: every look-alike and every objection, in the order in which they are tried."""

    look_alikes: tuple[Weighed, ...]
    objections: tuple[Weighed, ...]

    @property
    def verdict(self) -> Verdict:
        return Verdict(
            next((one.claim.name for one in self.look_alikes if one.holds), ""),
            tuple(one.claim.name for one in self.objections if one.holds),
        )

    @property
    def tier(self) -> str:
        return self.verdict.tier

    @property
    def explanation(self) -> str:
        return self.verdict.explanation

    @property
    def raised(self) -> tuple[str, ...]:
        return self.verdict.raised

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


def reach_verdict(facts: RingFacts, targets: int, log: Background, settings: TierSettings) -> Verdict:
    """What the judgement on one ring comes to; otherwise as `judge`."""
    numbers = ring_numbers(facts, targets, log)
    return Verdict(
        next((claim.name for claim in lookalikes.LOOK_ALIKES if claim_holds(claim, numbers, settings)), ""),
        tuple(claim.name for claim in objections.OBJECTIONS if claim_holds(claim, numbers, settings)),
    )


def reach_verdicts(rings: Sequence[RingFacts], targets: Sequence[int], log: Background, settings: TierSettings) -> list[Verdict]:
    """What the judgement on each of many rings comes to; otherwise as `judge`."""
    if not rings:
        return []
    of_rings = [ring_numbers(facts, many, log) for facts, many in zip(rings, targets, strict=True)]
    numbers = {name: np.array([of_ring[name] for of_ring in of_rings], np.float64) for name in of_rings[0]}
    explained = holding(lookalikes.LOOK_ALIKES, numbers, settings)
    raised = holding(objections.OBJECTIONS, numbers, settings)
    first = np.where(explained.any(1), explained.argmax(1), -1)
    names = [*(claim.name for claim in lookalikes.LOOK_ALIKES), ""]
    return [
        Verdict(names[place], tuple(claim.name for claim, held in zip(objections.OBJECTIONS, of_ring, strict=True) if held))
        for place, of_ring in zip(first.tolist(), raised.tolist(), strict=True)
    ]


def has_targets_to_itself(facts: RingFacts, settings: TierSettings) -> bool:
    """Whether hardly anybody else comes to half of its item targets."""
    return holds(objections.OWN_TARGETS, facts.scalars(), settings)


def ring_score(tier: str, strength: float) -> float:
    """0 … 1: each tier has its third, alerts the upper one; within it, stronger is higher."""
    third = len(TIERS) - 1 - TIERS.index(tier)
    return float((third + strength / (strength + 100.0)) / len(TIERS))
