"""What a ring's tier means, in one sentence, and how often such groups were rings, in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdet.schema.lookalikes import look_alike
from graphdet.schema.standings import STANDINGS
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
_CHANCE = Wording(
    "Of {such} in markets of many kinds, {chance} of 100 were rings ({low} to {high}).",
    "在多种市场的{such}中，每 100 个有 {chance} 个是团伙（{low} 至 {high}）。",
)
_CHANCE_HERE = Wording(
    "Of {such} in markets of many kinds, and by {verdicts} verdicts of this house, {chance} of 100 were rings ({low} to {high}).",
    "在多种市场的{such}中，并计入本机构 {verdicts} 个结论，每 100 个有 {chance} 个是团伙（{low} 至 {high}）。",
)


def chance_in_words(ring: Mapping[str, Any], language: Language) -> str:
    """How often groups that stand as a row of `rings` does were rings; empty where an older graphdet made the run."""
    if ring["standing"] not in STANDINGS or ring["chance"] is None:
        return ""
    numbers = {name: round(100 * ring[column]) for name, column in (("chance", "chance"), ("low", "chance_low"), ("high", "chance_high"))}
    words = _CHANCE_HERE if ring["verdicts"] else _CHANCE
    return words.to(language).format(such=STANDINGS[ring["standing"]].such.to(language), verdicts=ring["verdicts"], **numbers)


def verdict_in_words(tier: str, explanation: str, language: Language, *, farm: bool = False) -> str:
    """The verdict on a ring of a tier; `explanation` is the look-alike that fits, or empty; `farm`: it was found by what it shares."""
    if tier == "explained" and explanation:
        return _EXPLAINED.to(language).format(what=look_alike(explanation).plain.to(language))
    if tier == "alert" and farm:
        return _FARM.to(language)
    return _TIERS.get(tier, _TIERS["review"]).to(language)
