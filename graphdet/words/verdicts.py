"""What a ring's tier means, in one sentence."""

from __future__ import annotations

from graphdet.schema.lookalikes import look_alike
from graphdet.schema.wording import Language, Wording

_TIERS = {
    "alert": Wording(
        "Suspected ring: no innocent explanation that graphdet tests fits, and permuted logs do not give such a group.",
        "疑似团伙：所测试的无辜解释均不成立，打乱的日志中也不会出现这样的群组。",
    ),
    "review": Wording(
        "For review: significant, but an innocent explanation is not ruled out.",
        "待复核：统计上显著，但不能排除无辜解释。",
    ),
}
_FARM = Wording(
    "Suspected ring: no innocent explanation that graphdet tests fits, and honest people who share things do not keep to them like this.",
    "疑似团伙：所测试的无辜解释均不成立，正常共用事物的用户也不会如此集中地使用。",
)
_EXPLAINED = Wording(
    "Probably innocent: {what}. They do act together, and this explains why.",
    "很可能无辜：{what}。他们确实同步行动，而这正是原因。",
)


def verdict_in_words(tier: str, explanation: str, language: Language, *, farm: bool = False) -> str:
    """The verdict on a ring of a tier; `explanation` is the look-alike that fits, or empty; `farm`: it was found by what it shares."""
    if tier == "explained" and explanation:
        return _EXPLAINED.to(language).format(what=look_alike(explanation).plain.to(language))
    if tier == "alert" and farm:
        return _FARM.to(language)
    return _TIERS.get(tier, _TIERS["review"]).to(language)
