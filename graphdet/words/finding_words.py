"""Findings that are no rings, in words: bursts of an item, a seller, a category or the shop, a sentence each and the headings of their table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdet.schema.nodes import NODE_TYPES
from graphdet.schema.wording import Language, Wording, filled

MEASURES: dict[str, Wording] = {
    "events": Wording("activity", "活动"),
    "orders": Wording("orders", "下单"),
    "reviews": Wording("reviews", "评价"),
    "refunds": Wording("refunds and cancellations", "退款与取消"),
}

COUNTED = tuple(node_type for node_type in NODE_TYPES if node_type.series)

NODES: dict[str, Wording] = {
    **{one.name: Wording(f"{one.noun.one.capitalize()} {{id}}", f"{one.noun.chinese} {{id}}") for one in COUNTED},
    "category": Wording("Category {id}", "品类 {id}"),
    "shop": Wording("The whole log", "全日志"),
}

KINDS: dict[str, Wording] = {
    **{one.name: Wording(one.noun.one, one.noun.chinese) for one in COUNTED},
    "category": Wording("category", "品类"),
    "shop": Wording("whole log", "全日志"),
}

BURSTS: dict[str, Wording] = {
    "none": Wording("No bursts: nothing goes beyond its season and its own level.", "没有突增：各项均未超出季节规律与自身水平。"),
    "no_times": Wording("No bursts were looked for: the log has no times.", "未查找突增：日志没有时间。"),
    "not_there": Wording(
        "This run holds no bursts: it is older, or [signals.series] false_share is 0. `graphdet run` on the logs again finds them.",
        "该结果不含突增：版本较旧，或 [signals.series] false_share 为 0。请对日志重新执行 `graphdet run`。",
    ),
    "more": Wording("… {shown} of {all:burst|bursts}", "… 共 {all} 个突增，显示 {shown} 个"),
    "usual": Wording("expected", "预期"),
    "people": Wording(
        "{node}, {measure}: {count:person|people} within {length} from {first}, where {expected} would be usual. Beyond the usual: {beyond}.",
        "{node}，{measure}：自 {first} 起 {length} 内共 {count} 人，预期 {expected} 人；其中超出平常的有 {beyond} 人。",
    ),
    "times": Wording(
        "{node}, {measure}: {count:time|times} within {length} from {first}, where {expected} would be usual. Beyond the usual: {beyond}.",
        "{node}，{measure}：自 {first} 起 {length} 内共 {count} 次，预期 {expected} 次；其中超出平常的有 {beyond} 次。",
    ),
    "range": Wording("{low} to {high}", "{low} 至 {high}"),
    "hour": Wording("{many:hour|hours}", "{many} 小时"),
    "day": Wording("{many:day|days}", "{many} 天"),
    "of": Wording("of", "对象"),
    "id": Wording("id", "标识"),
    "what": Wording("what", "内容"),
    "from": Wording("from", "起始"),
    "lasted": Wording("lasted", "时长"),
    "count": Wording("count", "数量"),
    "excess": Wording("beyond (90%)", "超出（90%）"),
    "false": Wording("false alarms", "误报占比"),
}


def burst_label(key: str, language: Language, **told: Any) -> str:
    """A heading or line about bursts."""
    return filled(BURSTS[key].to(language), **told)


def kind_in_words(node_type: str, language: Language) -> str:
    """Whose burst it is, in a table."""
    return KINDS[node_type].to(language)


def measure_in_words(measure: str, language: Language) -> str:
    """What was counted; an action's own word where it is one."""
    return MEASURES[measure].to(language) if measure in MEASURES else measure


def length_in_words(burst: Mapping[str, Any], language: Language) -> str:
    """'3 hours', '2 days'."""
    seconds = (burst["last_seen"] - burst["first_seen"]).total_seconds()
    return burst_label(burst["grain"], language, many=round(seconds / (3_600 if burst["grain"] == "hour" else 86_400)))


def burst_in_words(burst: Mapping[str, Any], language: Language, first: str) -> str:
    """One row of `bursts` as a sentence; ids stand in it as the log has them, and `first`, when it began, as the log's clock tells it."""
    low, high = (f"{burst[side]:,.0f}" for side in ("excess_low", "excess_high"))
    return burst_label(
        "times" if burst["node_type"] == "shop" else "people",
        language,
        node=filled(NODES[burst["node_type"]].to(language), id=burst["node_id"]),
        measure=measure_in_words(burst["measure"], language),
        count=burst["count"],
        length=length_in_words(burst, language),
        first=first,
        expected=few(burst["expected"]),
        beyond=low if low == high else burst_label("range", language, low=low, high=high),
    )


def few(number: float) -> str:
    """'0.3', '12': so many digits as an expectation deserves."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}" if number >= 0.1 else "<0.1"
