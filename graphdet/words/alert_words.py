"""Alerts in words: the digest that a chat is sent, and lists of deliveries on a terminal."""

from __future__ import annotations

from graphdet.schema.wording import Language, Wording, filled

ALERT_WORDS: dict[str, Wording] = {
    "digest_title": Wording("graphdet: {count:change|changes} of suspected rings", "graphdet：疑似团伙有 {count} 项变化"),
    "appeared": Wording("new", "新发现"),
    "rose": Wording("rose in tier", "等级上升"),
    "returned": Wording("is back", "重新出现"),
    "split": Wording("split off", "分出"),
    "merged": Wording("merged", "合并"),
    "grew": Wording("grew", "扩大"),
    "gained": Wording("gained money", "涉及金额增加"),
    "fell": Wording("fell in tier", "等级下降"),
    "ended": Wording("is no longer found", "不再出现"),
    "ring_line": Wording(
        "Suspected ring {ring} ({tier}): {changes}; {users:account|accounts}", "疑似团伙 {ring}（{tier}）：{changes}；{users} 个账号"
    ),
    "was_users": Wording(", {before} before", "（此前 {before}）"),
    "money": Wording(", {money} at stake", "，涉及金额 {money}"),
    "left_window": Wording(" (its time left the window, which is no sign of innocence)", "（其活动时段已移出窗口，并不表示其正常）"),
    "case": Wording(", case {case}", "，案件 {case}"),
    "doubted_case": Wording(", case {case}, which was judged innocent", "，案件 {case}（曾判为正常）"),
    "members": Wording("; accounts: {users}", "；账号：{users}"),
    "more_members": Wording(" and {count} more", "等，另有 {count} 个"),
    "more_rings": Wording(
        "… and {count:change|changes} more; `graphdet alerts list` has all.", "……另有 {count} 项；`graphdet alerts list` 可列出全部。"
    ),
    "note": Wording("Suspected only; see the evidence before you act.", "仅为疑似，处置前请先查看证据。"),
    "tier_alert": Wording("alert", "告警"),
    "tier_review": Wording("review", "待复核"),
    "tier_explained": Wording("explained", "可解释"),
    "none_listed": Wording("No deliveries.", "没有投递记录。"),
    "waiting": Wording("waiting", "等待"),
    "delivered": Wording("delivered", "已送达"),
    "dead": Wording("dead", "投递失败"),
    "sink": Wording("sink", "接收方"),
    "state": Wording("state", "状态"),
    "attempts": Wording("attempts", "尝试次数"),
    "why": Wording("last failure", "最近一次失败"),
    "change": Wording("change", "变化"),
    "key": Wording("alert", "告警"),
    "ring": Wording("ring", "团伙"),
    "met": Wording(
        "Met {others:other member|other members} at {things}, closer together than chance brings people.",
        "与 {others} 名其他成员在 {things}相遇，时间之近非巧合可解释。",
    ),
    "score": Wording("Score: {score:.4f}, of 0 to 1", "评分：{score:.4f}（0 至 1）"),
    "learned": Wording(
        "By the model in use ({model}): {chance:.0%} likely to be judged a fraud.",
        "按当前模型（{model}）：被判定为欺诈的可能性为 {chance:.0%}。",
    ),
    "unknown": Wording("No event of the window has it.", "窗口内没有相关事件。"),
    "in_ring": Wording(
        "In the suspected ring {ring} ({tier}, {users:account|accounts}) as {role}:",
        "属于疑似团伙 {ring}（{tier}，{users} 个账号），角色：{role}",
    ),
    "near_ring": Wording(
        "Touches {things} of the suspected ring {ring} ({tier}, {users:account|accounts}):",
        "涉及疑似团伙 {ring}（{tier}，{users} 个账号）的{things}：",
    ),
    "in_none": Wording("In no suspected ring.", "不属于任何疑似团伙。"),
    "as_of": Wording("As of look {look}, events up to {moment}.", "截至第 {look} 次查看，事件截至 {moment}。"),
    "undelivered": Wording(
        "sink {sink}: {why}; {waiting} wait, {dead} dead; tried again in {seconds:.0f} s",
        "接收方 {sink}：{why}；{waiting} 项等待，{dead} 项投递失败；{seconds:.0f} 秒后重试",
    ),
    "outbox_closed": Wording("sink {sink}: the outbox cannot be used ({error})", "接收方 {sink}：无法使用待发箱（{error}）"),
    "sent_again": Wording("{count:delivery waits|deliveries wait} to be sent again.", "{count} 项投递将重新发送。"),
}


def alert_words(key: str, language: Language, **values: object) -> str:
    """One of them, with its numbers."""
    return filled(ALERT_WORDS[key].to(language), **values)
