"""What a ring seems to be for, in words: each use by its code, a name and a sentence, as careful as a dossier's reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphdet.schema.wording import Language, Wording, filled
from graphdet.words.claim_sentences import plain_number


@dataclass(frozen=True)
class Use:
    """One use: what it is called, and what it rests on, with numbers in it; `without_copies` where no text is another's."""

    name: Wording
    sentence: Wording
    without_copies: Wording | None = None


USES: dict[str, Use] = {
    "brushing": Use(
        Wording("brushing", "刷单"),
        Wording(
            "Suspected brushing: {inflated:purchase|purchases} beyond what as many ordinary users would have made, at {shops:shop|shops}.",
            "疑似刷单：在 {shops} 家店铺的购买比同样多的普通用户多 {inflated} 次。",
        ),
    ),
    "fake_reviews": Use(
        Wording("fake reviews", "虚假好评"),
        Wording(
            "Suspected fake reviews: members gave {ratings:rating|ratings} of {mean} on average, and {copies:text is|texts are} nearly another "
            "member's.",
            "疑似虚假好评：成员给出 {ratings} 个评分，均值 {mean}；有 {copies} 条文字与其他成员几乎相同。",
        ),
        Wording(
            "Suspected fake reviews: members gave {ratings:rating|ratings} of {mean} on average.",
            "疑似虚假好评：成员给出 {ratings} 个评分，均值 {mean}。",
        ),
    ),
    "malicious_reviews": Use(
        Wording("malicious reviews", "恶意差评"),
        Wording(
            "Suspected malicious reviews: members gave {ratings:rating|ratings} of {mean} on average, and {copies:text is|texts are} nearly another "
            "member's.",
            "疑似恶意差评：成员给出 {ratings} 个评分，均值 {mean}；有 {copies} 条文字与其他成员几乎相同。",
        ),
        Wording(
            "Suspected malicious reviews: members gave {ratings:rating|ratings} of {mean} on average.",
            "疑似恶意差评：成员给出 {ratings} 个评分，均值 {mean}。",
        ),
    ),
    "account_takeover": Use(
        Wording("account takeover", "账号盗用"),
        Wording(
            "Suspected takeover of accounts: {moved} of {aged:account|accounts} that were there before did all of it on devices that they had never "
            "used, at many shops.",
            "疑似账号盗用：{aged} 个此前已有活动的账号中有 {moved} 个全程使用从未用过的设备，且分散在多家店铺。",
        ),
    ),
    "payment_fraud": Use(
        Wording("payment fraud", "支付欺诈"),
        Wording(
            "Suspected payment fraud: {payments:payment|payments} with {cards:card|cards}; up to {on_device} on one device, {many:account|accounts} "
            "with three or more, and up to {in_hour:payment|payments} on one device in an hour.",
            "疑似支付欺诈：{payments} 笔支付使用 {cards} 张卡；单台设备最多 {on_device} 张，{many} 个账号使用三张以上，单台设备一小时内最多 {in_hour} 笔。",
        ),
    ),
    "refund_abuse": Use(
        Wording("refund and cancel abuse", "退款滥用"),
        Wording(
            "Suspected refund or cancel abuse: {share} of dealings were cancelled or sent back; of everybody else's {usual}.",
            "疑似退款或取消滥用：往来有 {share} 被取消或退回；其他用户为 {usual}。",
        ),
    ),
    "coupon_abuse": Use(
        Wording("coupon crew", "薅券团伙"),
        Wording(
            "Suspected coupon crew: coupons in {share} of dealings; in everybody else's {usual}.",
            "疑似薅券团伙：往来有 {share} 使用优惠券；其他用户为 {usual}。",
        ),
    ),
    "click_farming": Use(
        Wording("click farming", "刷点击"),
        Wording(
            "Suspected click farming: {members:member|members} came to a popular item and to one that hardly anybody else visits "
            "({own:such item|such items}).",
            "疑似刷点击：{members} 名成员既到过热门商品，又到过几乎无他人光顾的商品（该团伙共有 {own} 件）。",
        ),
    ),
}


_IF_A_RING = Wording("If it is a ring: {told}", "若确为团伙：{told}")


def use_name(use: str, language: Language) -> str:
    """What a use is called."""
    return USES[use].name.to(language)


def purpose_in_words(use: str, numbers: Mapping[str, Any], language: Language, *, alert: bool) -> str:
    """A use's sentence on a ring's page; on one that is no alert it accuses nobody."""
    told = use_in_words(use, numbers, language)
    return told if alert else _IF_A_RING.to(language).format(told=told[0].lower() + told[1:])


def use_in_words(use: str, numbers: Mapping[str, Any], language: Language) -> str:
    """A use's sentence; shares are told in percent."""
    words = USES[use].sentence if numbers.get("copies", 1) else USES[use].without_copies or USES[use].sentence
    shown = {name: f"{value:.0%}" if name in ("share", "usual") else plain_number(value) for name, value in numbers.items()}
    return filled(words.to(language), **shown)
