"""A row of the table `takeovers` → why somebody else seems to act in that account, a sentence a reason, weightiest first, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdet.schema.wording import Language, Wording, filled

TOLD = 0.2  # log10 that a part must add to be told as a reason; as much against is told, too

# Where it came from, by whether the log tells devices and networks.
PLACE = {
    (True, True): Wording(
        "It came from a device and a network that the account uses at no other time, before or after.",
        "来自该账号此前和此后都未用过的设备与网络。",
    ),
    (True, False): Wording("It came from a device that the account uses at no other time.", "来自该账号其他时间从未用过的设备。"),
    (False, True): Wording("It came from a network that the account uses at no other time.", "来自该账号其他时间从未用过的网络。"),
}
# Part of the score → what is said where it speaks for a stranger; of the place, `PLACE` says it.
FOR = {
    "pace": Wording(
        "It was at work: {orders:order|orders} in {sittings:sitting|sittings} within {hours:hour|hours}, more or dearer than this account's.",
        "动作密集：{hours} 小时内 {sittings} 次会话、{orders} 笔订单，比该账号平时更多或更贵。",
    ),
    "goods": Wording(
        "{share:.0%} of what it looked at is of kinds that the account never cares for.",
        "所看商品中有 {share:.0%} 属于该账号从不关注的品类。",
    ),
    "sent_to": Wording("It sent goods to a place that the account never uses otherwise.", "寄往该账号从未用过的收货地址。"),
    "paid_by": Wording("It paid by a means that the account never uses otherwise.", "使用该账号从未用过的支付方式。"),
    "hour": Wording("It came at hours at which this account is hardly ever awake.", "出现的时段是该账号几乎从不活动的时段。"),
    "travel": Wording(
        "Between it and the account's own events lie {kilometres:,.0f} km within {minutes:minute|minutes}, a journey that nobody makes.",
        "与该账号自身的活动在 {minutes} 分钟内相距 {kilometres:,.0f} 公里，无人能如此移动。",
    ),
}
AGAINST = {
    "place": Wording("New devices or networks are nothing new in this account.", "更换设备或网络对该账号而言并不罕见。"),
    "pace": Wording("It did no more than this account does.", "其活动量与该账号平时无异。"),
    "goods": Wording("It looked at goods that the account cares for.", "所看商品属于该账号平时关注的品类。"),
    "sent_to": Wording("It sent goods to the account's usual places.", "寄往该账号常用地址。"),
    "paid_by": Wording("It paid as the account does.", "使用该账号常用的支付方式。"),
    "hour": Wording("It came at hours at which the account is usually there.", "出现在该账号平时活动的时段。"),
    "travel": Wording("It came from where the account could have been.", "其位置与该账号自身的行程并不矛盾。"),
}
SUMMARY = Wording(
    "Suspected takeover from {begin} to {end}, {events:event|events}, worth {amount} in orders; held against {known:earlier sitting|earlier sittings}. "
    "Of accounts at least as suspicious {wrong:.1%} are expected to be coincidences.",
    "疑似账号被盗用：{begin} 至 {end}，{events} 条事件，订单金额 {amount}；以此前 {known} 次会话为对照。"
    "同等可疑的账号中预期有 {wrong:.1%} 属于巧合。",
)
NONE = Wording("No account's life breaks so that a takeover is suspected.", "没有账号的行为出现足以怀疑被盗用的断裂。")
NOT_LOOKED = Wording(
    "this run has no list of takeovers. It takes [signals.takeovers] on, times of day, devices or IP addresses, and accounts with habits.",
    "本次运行没有账号盗用名单。这需要开启 [signals.takeovers]、具体时间、设备或 IP 地址，以及有使用习惯的账号。",
)


def summary_of(row: Mapping[str, Any], language: Language, begin: str, end: str) -> str:
    """One sentence: when, by the log's clock, how much, and how sure."""
    amount = "—" if row["amount"] is None else f"{row['amount']:,.2f}"
    return filled(
        SUMMARY.to(language), begin=begin, end=end, events=row["events"], amount=amount,
        known=row["known"], wrong=row["q_value"],
    )  # fmt: skip


def reasons_of(row: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """What speaks for a stranger, weightiest first, then what speaks against: part, log10 that it adds, and a sentence."""
    hours = max(round((row["last_seen"] - row["first_seen"]).total_seconds() / 3600), 1)
    numbers = {"orders": row["orders"], "sittings": row["sittings"], "hours": hours, "share": row["new_goods"] or 0.0}
    numbers |= {"kilometres": row["travel_km"] or 0.0, "minutes": round(row["travel_minutes"] or 0.0)}
    found = []
    told = {"place": PLACE[row["new_device"] is not None, row["new_ip"] is not None], **FOR}
    adds_of = {part: row[f"by_{part}"] or 0.0 for part in told}
    for part, adds in sorted(adds_of.items(), key=lambda one: -one[1]):
        if abs(adds) >= TOLD:
            words = (told if adds > 0 else AGAINST)[part]
            found.append({"part": part, "log10": round(adds, 2), "sentence": filled(words.to(language), **numbers)})
    return found
