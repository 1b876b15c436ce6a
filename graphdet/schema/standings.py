"""How a ring stands: its tier, and what else tells how often such groups were rings. Each standing is one object."""

from __future__ import annotations

from dataclasses import dataclass

from graphdet.schema.wording import Wording


@dataclass(frozen=True)
class Standing:
    """A kind of judgement, of which it is known how often such groups were rings; `such` tells what they have in common."""

    name: str
    tier: str
    such: Wording


ALERT = Standing("alert", "alert", Wording("such alerts", "此类告警"))
REVIEW = Standing("review", "review", Wording("groups for review with one thing against them, as here,", "像这样仅有一点存疑的待复核团伙"))
DOUBTFUL = Standing(
    "doubtful",
    "review",
    Wording(
        "groups for review with more against them, as here, or whose members came in one sitting or on one day only,",
        "像这样有多点存疑、或成员只来过一次的待复核团伙",
    ),
)
EXPLAINED = Standing("explained", "explained", Wording("groups that an innocent story explains", "可由正常原因解释的团伙"))

STANDINGS = {one.name: one for one in (ALERT, REVIEW, DOUBTFUL, EXPLAINED)}
