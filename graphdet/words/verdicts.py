"""What a ring's tier means, in one sentence, with what contradicts it, and how often such groups were rings, in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphdet.schema.lookalikes import look_alike
from graphdet.schema.standings import STANDINGS
from graphdet.schema.wording import Language, Wording, filled

_ALERT = Wording(
    "Suspected ring: coincidence does not give such a group, and none of the innocent explanations that can be tested on this log fits.",
    "疑似团伙：巧合不会产生这样的团伙，此日志所能检验的正常原因均不成立。",
)
_FARM = Wording(
    "Suspected ring: honest people do not share things in this way, and none of the innocent explanations that can be tested on this log fits.",
    "疑似团伙：正常人不会如此共用，此日志所能检验的正常原因均不成立。",
)
_REVIEW = Wording("For a person to review. It is no alert because: {why}.", "请人工复核。未列为告警的原因：{why}。")
_PLAIN_REVIEW = Wording(
    "For a person to review: it is no coincidence, but too little for an alert.", "请人工复核：不是巧合，但不足以告警。"
)
_EXPLAINED = Wording(
    "Probably innocent: {what}. They do act together, and this explains why.", "很可能正常：{what}。他们确实同步行动，而这就是原因。"
)
_CONTESTED = Wording(
    "May look innocent: {what}. But this speaks against it: {why}. A person must decide.",
    "看似正常：{what}。但以下事实与此矛盾：{why}。须由人判断。",
)
_CROWD = Wording(
    "A crowd, not a ring: {size:user|users} came, {came} of them to {least} of the items or more. What draws so many: {why}.",
    "是人群而非团伙：共有 {size} 个用户到来，其中 {came} 人到过 {least} 件以上的商品。原因可能是：{why}。",
)
_FARM_CROWD = Wording(
    "More accounts than a ring can have: {size:shares|share} {things:thing|things} (devices, cards, addresses, networks) that hardly anybody else uses. "
    "It is a farm of accounts, or an id that stands for none known, as of a test phone. A person must decide.",
    "账号数超过团伙可能的规模：{size} 个账号共用 {things} 个几乎无他人使用的设备、卡、地址或网络。可能是批量账号，"
    "也可能是代表未知的编号（如测试机）。须由人判断。",
)
_CHANCE = Wording(
    "In markets of many kinds, {chance} of 100 {such} were rings ({low} to {high}).",
    "在多种市场的{such}中，每 100 个有 {chance} 个是团伙（{low} 至 {high}）。",
)
_CHANCE_HERE = Wording(
    "In markets of many kinds, and by {verdicts:verdict|verdicts} of this house, {chance} of 100 {such} were rings ({low} to {high}).",
    "在多种市场的{such}中，并计入本机构 {verdicts} 个结论，每 100 个有 {chance} 个是团伙（{low} 至 {high}）。",
)

_MOSTLY_NONE = Wording(
    "So most are none, however strong what speaks for it: act on nobody unless something outside this page settles it.",
    "因此多数不是团伙，无论支持的证据多强：除非有本页之外的依据，请勿处理任何账号。",
)
EVEN = 50  # of 100


def chance_in_words(ring: Mapping[str, Any], language: Language) -> str:
    """How often groups that stand as a row of `rings` does were rings; empty where an older graphdet made the run."""
    if ring["standing"] not in STANDINGS or ring["chance"] is None:
        return ""
    return rate_in_words(ring["standing"], (ring["chance"], ring["chance_low"], ring["chance_high"]), ring["verdicts"], language)


def rate_in_words(name: str, rate: tuple[float, float, float], verdicts: int, language: Language) -> str:
    """Of groups that stand so, how many were rings, with the interval of a new market's rate, and how many verdicts of the house that rests on."""
    numbers = dict(zip(("chance", "low", "high"), (round(100 * share) for share in rate), strict=True))
    words, standing = _CHANCE_HERE if verdicts else _CHANCE, STANDINGS[name]
    told = filled(words.to(language), such=standing.such.to(language), verdicts=verdicts, **numbers)
    if standing.tier != "review" or numbers["high"] >= EVEN:
        return told
    return told + (" " if language == "en" else "") + _MOSTLY_NONE.to(language)


def alert_in_words(language: Language, *, farm: bool) -> str:
    """The verdict on an alert; `farm`: it was found by what it shares."""
    return (_FARM if farm else _ALERT).to(language)


def review_in_words(why: Sequence[str], language: Language) -> str:
    """The verdict on a ring for review, with what keeps it from being an alert."""
    return _REVIEW.to(language).format(why=_listed(why, language)) if why else _PLAIN_REVIEW.to(language)


def explained_in_words(explanation: str, against: Sequence[str], language: Language) -> str:
    """The verdict on a ring that a look-alike explains; `against`: facts that contradict it, in few words."""
    what = look_alike(explanation).plain.to(language)
    if against:
        return _CONTESTED.to(language).format(what=what, why=_listed(against, language))
    return _EXPLAINED.to(language).format(what=what)


def crowd_in_words(size: int, came: int, least: int, why: str, language: Language) -> str:
    """The verdict on what has more members than a ring can have."""
    return filled(_CROWD.to(language), size=f"{size:,}", came=f"{came:,}", least=least, why=why)


def farm_crowd_in_words(size: int, things: int, language: Language) -> str:
    """The same where they were found by things that they share."""
    return filled(_FARM_CROWD.to(language), size=f"{size:,}", things=things)


def _listed(parts: Sequence[str], language: Language) -> str:
    return ("; " if language == "en" else "；").join(parts)
