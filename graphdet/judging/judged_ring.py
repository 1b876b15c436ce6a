"""A ring with its verdict, and the name that its members give it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from graphdet.judging.ring_facts import RingFacts


@dataclass(frozen=True)
class JudgedRing:
    """A ring with its verdict; `score` in 0 … 1."""

    facts: RingFacts
    p_value: float
    q_value: float
    tier: str
    explanation: str
    score: float


def ring_id(users: list[str]) -> str:
    """A digest of the members' ids: the same members have the same id in every log and run."""
    digest = hashlib.sha256()
    for user in sorted(users):
        encoded = user.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return "R-" + digest.hexdigest()[:12]
