"""A finding that was accepted or found innocent and a ring of today → whether it is still that finding, or has grown beyond it."""

from __future__ import annotations

from collections.abc import Collection

from graphdet.cases.rows import DOUBT_MEMBERS, DOUBT_MONEY, DOUBT_TIER, Suppression
from graphdet.schema import TIERS

GROWTH = 0.5  # of the members who were accepted or judged: so many newcomers bring the finding back
MOST_OF = 0.5  # of a ring's members and items must be the accepted ones, for another case's ring to be the same finding
MONEY_RISES = 1.1  # a window that moves on changes sums by a little each day
MONEY_DOUBTS = 2.0  # a verdict says more than an acceptance, and innocent groups spend on: each doubling is asked about once


def is_covered(
    members: Collection[str], items: Collection[str], accepted_members: Collection[str], accepted_items: Collection[str]
) -> bool:
    """Whether a ring is made of the people and the items that were accepted: a rule about them, not about the name of a case."""
    own, goods = set(members), set(items)
    if not own or len(own & set(accepted_members)) <= MOST_OF * len(own):
        return False
    return not goods or len(goods & set(accepted_items)) > MOST_OF * len(goods)


def why_back(accepted: Suppression, accepted_members: Collection[str], members: Collection[str], tier: str, at_stake: float | None) -> str:
    """Why a ring is no longer what was accepted: members, tier, money; empty where it still is."""
    if _has_grown(members, accepted_members):
        return "members"
    if TIERS.index(tier) < TIERS.index(accepted.tier):
        return "tier"
    return "money" if _has_risen(at_stake, accepted.at_stake, MONEY_RISES) else ""


def why_doubted(
    judged: tuple[str, float | None], judged_members: Collection[str], members: Collection[str], tier: str, at_stake: float | None
) -> str:
    """Why an alert contradicts that it was found innocent; empty if it does not.

    It was no alert before, half as many members came since, or more than twice the money is at stake, which whoever judged may have let go
    as little. Less than an alert says nothing that whoever judged did not know.

    Args:
        judged: the worst tier, and the most money at stake, that whoever judged could know.
        judged_members: whom the ring had then.
        members, tier, at_stake: of the ring now.
    """
    judged_tier, judged_money = judged
    if tier != TIERS[0]:
        return ""
    if judged_tier != tier:
        return DOUBT_TIER
    if _has_grown(members, judged_members):
        return DOUBT_MEMBERS
    return DOUBT_MONEY if _has_risen(at_stake, judged_money, MONEY_DOUBTS) else ""


def _has_risen(at_stake: float | None, before: float | None, times: float) -> bool:
    if at_stake is None or before is None:  # money that was not told did not rise
        return False
    return at_stake > max(times * before, 0.0)


def _has_grown(members: Collection[str], before: Collection[str]) -> bool:
    return len(set(members) - set(before)) >= max(GROWTH * len(set(before)), 1)
