"""Codes of the casebook → words: states, verdicts, what became of a case, how a suppression stands, and a sentence for each entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdet.schema.lookalikes import look_alike, look_alike_names
from graphdet.schema.wording import Language, Wording, filled, named

WORDS: dict[str, Wording] = {
    # States of cases.
    "open": Wording("open", "待处理"),
    "decided": Wording("decided", "已判定"),
    "dormant": Wording("dormant", "休眠"),
    "closed": Wording("closed", "已结案"),
    # Verdicts.
    "confirmed": Wording("confirmed", "确认"),
    "innocent": Wording("innocent", "无辜"),
    "unsure": Wording("unsure", "不确定"),
    # What became of a case in a run.
    "new": Wording("new", "新发现"),
    "same": Wording("the same", "无变化"),
    "grew": Wording("grew", "扩大"),
    "shrank": Wording("shrank", "缩小"),
    "split": Wording("split off", "分出"),
    "merged": Wording("merged", "合并"),
    "returned": Wording("is back", "再次出现"),
    "left_window": Wording("left the window, which is no innocence", "已离开时间窗口（并不表示无辜）"),
    # Tiers.
    "alert": Wording("alert", "告警"),
    "review": Wording("review", "待复核"),
    "explained": Wording("explained", "已有解释"),
    # Why a finding that was accepted, or judged innocent, is back.
    "back_lapsed": Wording("back: its acceptance lapsed", "重新出现：认可已到期"),
    "back_members": Wording("back: its members grew by half", "重新出现：成员增加一半以上"),
    "back_tier": Wording("back: its tier rose", "重新出现：等级上升"),
    "back_money": Wording("back: the money at stake rose", "重新出现：涉嫌金额上升"),
    "back_withdrawn": Wording("back: its acceptance was withdrawn", "重新出现：认可已撤回"),
    "back_doubt_tier": Wording("back: judged innocent, an alert since", "重新出现：曾判为无辜，此后升为告警"),
    "back_doubt_members": Wording("back: judged innocent, grew by half since", "重新出现：曾判为无辜，此后成员增加一半以上"),
    "back_doubt_money": Wording(
        "back: judged innocent, over twice the money at stake since", "重新出现：曾判为无辜，此后涉嫌金额增至两倍以上"
    ),
    # How a suppression stands.
    "asked": Wording("waits for a second person", "等待他人批准"),
    "active": Wording("applies", "有效"),
    "ending": Wording("applies, and ends soon", "有效，即将到期"),
    "lapsed": Wording("lapsed", "已到期"),
    "withdrawn": Wording("withdrawn", "已撤回"),
    "ended_returned": Wording("ended, as the finding rose", "已终止：情况升级"),
    # Kinds of suppressions.
    "discount": Wording("discounts", "不作为证据"),
    "accept": Wording("accepts", "认可"),
    # Headings.
    "case": Wording("case", "案件"),
    "state": Wording("state", "状态"),
    "verdict": Wording("verdict", "判定"),
    "became": Wording("last run", "最近一次"),
    "tier": Wording("tier", "等级"),
    "members": Wording("members", "成员"),
    "at_stake": Wording("at stake", "涉嫌金额"),
    "owner": Wording("owner", "负责人"),
    "ring": Wording("ring", "团伙"),
    "next_step": Wording("next step", "下一步"),
    "accounts": Wording("accounts", "账号"),
    "history": Wording("history", "历史"),
    "suppression": Wording("suppression", "搁置"),
    "about": Wording("what", "对象"),
    "until": Wording("until", "截止"),
    "stands": Wording("stands", "情况"),
    "hid": Wording("hid, last run", "最近一次隐藏"),
    "reason": Wording("reason", "理由"),
    "hidden_by": Wording("accepted by {name}", "由 {name} 认可"),
    "undone": Wording("taken back", "已撤销"),
    "seen_runs": Wording(
        "seen in {runs:run|runs}, first on {first}, last on {last}", "共在 {runs} 次运行中出现，首次 {first}，最近 {last}"
    ),
    "hid_rings": Wording("{rings:ring|rings}", "{rings} 个团伙"),
}

ENTRIES: dict[str, Wording] = {
    "run": Wording("run {run}: {rings:ring|rings}", "运行 {run}：{rings} 个团伙"),
    "seen": Wording("{lineage}: {ring}, {size:member|members}, {tier}", "{lineage}：{ring}，{size} 名成员，{tier}"),
    "absent": Wording("without a ring: {lineage}", "未出现：{lineage}"),
    "lapsed": Wording("{suppression} lapsed", "{suppression} 已到期"),
    "returned": Wording("{suppression} ended: {why}", "{suppression} 已终止：{why}"),
    "verdict": Wording("{verdict}{story}{note}", "{verdict}{story}{note}"),
    "member": Wording("{user}: {verdict}{story}{note}", "{user}：{verdict}{story}{note}"),
    "note": Wording("note: {text}", "备注：{text}"),
    "assigned": Wording("owner: {owner}", "负责人：{owner}"),
    "next_step": Wording("next step: {step}", "下一步：{step}"),
    "state": Wording("{state}{note}", "{state}{note}"),
    "accepted": Wording("{suppression} accepts it until {until}: {reason}", "{suppression} 认可至 {until}：{reason}"),
    "discounted": Wording(
        "{suppression} discounts {node_type} {node_id} until {until}: {reason}",
        "{suppression} 不将 {node_type} {node_id} 作为证据，至 {until}：{reason}",
    ),
    "approved": Wording("{suppression} is approved", "{suppression} 已获批准"),
    "withdrawn": Wording("{suppression} is withdrawn{reason}", "{suppression} 已撤回{reason}"),
    "viewed": Wording("was looked at{what}", "已查看{what}"),
    "asked_who": Wording("asks whose {pseudonym} is: {reason}", "申请查明 {pseudonym} 的身份：{reason}"),
    "who_approved": Wording("agrees that it is told whose {pseudonym} is", "同意告知 {pseudonym} 的身份"),
    "told_who": Wording("was told whose {pseudonym} is", "已获知 {pseudonym} 的身份"),
    "undone": Wording("entry {undoes} is taken back", "撤销第 {undoes} 条"),
}

_CODES = ("verdict", "lineage", "tier", "state")  # parts of an entry that are codes


def word(code: str, language: Language) -> str:
    """A code in words; itself where it has none, nothing for nothing."""
    return WORDS[code].to(language) if code in WORDS else code


def story_in_words(story: str, language: Language) -> str:
    """The innocent story, as people read it."""
    return look_alike(story).short.to(language) if story in look_alike_names() else story


def standing_in_words(standing: str, language: Language) -> str:
    """How a suppression stands."""
    return word("ended_returned" if standing == "returned" else standing, language)


def entry_in_words(kind: str, told: Mapping[str, Any], suppression: str, language: Language) -> str:
    """A sentence for an entry of the journal."""
    parts = {name: str(value) for name, value in told.items()} | {"suppression": suppression}
    parts |= {name: word(parts[name], language) for name in _CODES if name in parts}
    between = " – " if language == "en" else "——"
    parts["story"] = f" ({story_in_words(parts['story'], language)})" if parts.get("story") else ""
    parts["note"] = between + parts["note"] if parts.get("note") else ""
    parts["until"] = parts.get("until", "")[:10]
    parts["what"] = f": {parts['what']}" if parts.get("what") else ""
    if kind == "withdrawn":
        parts["reason"] = between + parts["reason"] if parts.get("reason") else ""
    if kind == "returned":
        parts["why"] = word(f"back_{parts.get('why')}", language)
        if not suppression:  # nothing was accepted: an innocent verdict is contradicted
            return parts["why"]
    if kind not in ENTRIES:
        return kind
    sentence = ENTRIES[kind].to(language)
    return filled(sentence, **{name: parts.get(name, "") for name in named(sentence)})
