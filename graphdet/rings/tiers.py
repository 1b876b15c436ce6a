"""Ring facts → tier and innocent explanation.

A ring is an `alert` only where the permutation supports it and no innocent explanation covers it. Explanations are tested in the
order of `RULES`; each is a plain question about the ring's facts that an analyst can check.
"""

from __future__ import annotations

from collections.abc import Callable

from graphdet.rings.facts import RingFacts
from graphdet.settings import RingSettings


def judge(facts: RingFacts, q_value: float, settings: RingSettings) -> tuple[str, str]:
    """(tier, explanation): `explained` where an innocent explanation covers the ring, `review` where one is not ruled out."""
    for explanation, fits in RULES.items():
        if fits(facts, settings):
            return "explained", explanation
    if q_value > settings.alert_q or facts.size < settings.alert_members:
        return "review", ""
    return "alert", ""


def _is_fan_club(facts: RingFacts, settings: RingSettings) -> bool:
    return max(facts.taste, facts.seller_taste) > settings.fan_taste


RULES: dict[str, Callable[[RingFacts, RingSettings], bool]] = {"fan_club": _is_fan_club}
