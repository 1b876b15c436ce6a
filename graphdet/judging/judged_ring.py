"""A ring with its verdict, and the name that its members give it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from graphdet.judging.ring_facts import RingFacts
from graphdet.rings.farms import Farm
from graphdet.schema import TIERS
from graphdet.schema.standings import STANDINGS


@dataclass(frozen=True)
class JudgedRing:
    """A ring with its verdict; `score` in 0 … 1; `standing`: name of how it stands; `farm` where it was found as one."""

    facts: RingFacts
    p_value: float
    q_value: float
    tier: str
    explanation: str
    score: float
    standing: str
    farm: Farm | None = None

    def __post_init__(self) -> None:
        for name, share in (("p_value", self.p_value), ("q_value", self.q_value)):
            if not 0 < share <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1 (found {share})")
        if self.p_value > self.q_value:
            raise ValueError(f"of one ring p_value is at most q_value (found {self.p_value} above {self.q_value})")
        if not 0 <= self.score <= 1:
            raise ValueError(f"score must be in 0 … 1 (found {self.score})")
        if self.tier not in TIERS:
            raise ValueError(f"tier must be one of {', '.join(TIERS)} (found {self.tier!r})")
        if (self.tier == "explained") != bool(self.explanation):
            raise ValueError(f"what is explained has an explanation, and nothing else has (found {self.explanation!r} for {self.tier})")
        if self.standing not in STANDINGS or STANDINGS[self.standing].tier != self.tier:
            raise ValueError(f"standing must be one of the tier {self.tier} (found {self.standing!r})")


def ring_id(users: list[str]) -> str:
    """A digest of the members' ids: the same members have the same id in every log and run."""
    digest = hashlib.sha256()
    for user in sorted(users):
        encoded = user.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return "R-" + digest.hexdigest()[:12]


def one_of_each(rings: Sequence[JudgedRing]) -> list[JudgedRing]:
    """Rings in their order, of those with the very same members the first: a ring is its members, and so is its id."""
    first: dict[bytes, JudgedRing] = {}
    for ring in rings:
        first.setdefault(ring.facts.grown.members.tobytes(), ring)
    return list(first.values())
