"""The guides of the Neo4j kit in words: what a ring is, whom of it to act on and whom to hold, and how a verdict is noted."""

from __future__ import annotations

from typing import Any

from graphdet.schema.wording import Language, Wording, filled

GUIDE: dict[str, Wording] = {
    "run": Wording(
        "{events:event|events}; {rings:suspected ring|suspected rings}: {alerts} to act on, {reviews} to review, {explained} that an innocent explanation covers. "
        "Suspected is what the graph says; the verdict is yours.",
        "{events} 条事件；{rings} 个疑似团伙：{alerts} 个需处理，{reviews} 个待复核，{explained} 个可由正常原因解释。图上所示仅为疑似，结论由您作出。",
    ),
    "title": Wording("Run {id}", "运行 {id}"),
    "worst": Wording("The worst ring, {id}", "最可疑的团伙 {id}"),
    "rings": Wording("Rings, worst first", "团伙（最可疑的在前）"),
    "about": Wording("About the run", "关于本次运行"),
    "left": Wording("The {shown} worst of {all}.", "仅列最可疑的 {shown} 个，共 {all} 个。"),
    "drawn": Wording(
        "Drawn: {users} of {all_users:member|members} and {things} of {all_things:thing|things} in common.",
        "图中画出 {users}/{all_users} 名成员和 {things}/{all_things} 个共有的商品、设备等。",
    ),
    "colours": Wording("Set the colours", "设置颜色"),
    "nodes": Wording("Show up to 500 nodes", "最多显示 500 个节点"),
    "asked": Wording("Draw what is asked for", "只画查询所返回的"),
    "set": Wording("Set $ring", "设定 $ring"),
    "verdict": Wording("Your verdict", "您的处理意见"),
    "how": Wording(
        "Click the text, write the verdict, your name and your reason between the quotes, and run it. Run as it stands it notes nothing. "
        "Every verdict is kept; the latest counts.",
        "点击文本，在引号内填写意见、姓名和理由，然后运行。未填写时运行不会记录。每次意见都会保留，以最后一次为准。",
    ),
    "sum": Wording("{users} acted together on {items}{shared}{time}.", "{users}对{items}协同行动{shared}{time}。"),
    "share": Wording(" and share {things}", "，并共用{things}"),
    "time": Wording(", from {start} to {end}", "，时间为 {start} 至 {end}"),
    "stake": Wording(
        " Bought for {amount}, of which {stake} beyond what ordinary users would.", "购买金额 {amount}，其中 {stake} 超出普通用户。"
    ),
    "gain": Wording(
        " Seller {seller} gains: {orders:order|orders} of members, {inflated} of them beyond those of ordinary users.",
        "店铺 {seller} 得利：成员订单 {orders} 笔，其中 {inflated} 笔超出普通用户。",
    ),
    "innocent": Wording(" It may be innocent: {plain}.", "可能的正常原因：{plain}。"),
    "chance": Wording(" Such groups by coincidence: {q}.", "此类团伙出于巧合的可能：{q}。"),
    "open": Wording("Open Neo4j Browser with the guide", "打开 Neo4j Browser 及本指南"),
    "link": Wording("guide", "指南"),
    "picture": Wording("picture", "图"),
    "act": Wording("{act:member|members} to act on", "可处理 {act} 名成员"),
    "act_if": Wording("{act:member|members} to act on if you decide that it is a ring", "若判定为团伙，可处理 {act} 名成员"),
    "hold": Wording(
        "{hold:member|members} to hold, not to act on: their part is weak",
        "{hold} 名成员暂缓，先不处理：其作用薄弱",
    ),
    "nobody_held": Wording("nobody to hold", "无人需暂缓"),
    "advice": Wording("{act}; {hold}.{crowd}", "{act}；{hold}。{crowd}"),
    "crowd": Wording(
        " Not in the database: {outside:member|members} of the crowd outside its core.",
        "人群中另有 {outside} 名成员不属核心，未写入数据库。",
    ),
    "not_told": Wording(
        "This run is of an older graphdet, which did not tell whom to hold.", "该结果由较早版本生成，未说明哪些成员应暂缓处理。"
    ),
    "held": Wording("to hold", "暂缓"),
    "more": Wording("and {more} more, in the query below", "另有 {more} 名，见下方查询"),
    "hollow": Wording("Hollow: to hold.", "空心：暂缓处理。"),
    "codes": Wording("What stands in the column why: {codes}.", "why 一列的含义：{codes}。"),
}

# Why a member is to be held, where no numbers are at hand.
HELD_FOR: dict[str, Wording] = {
    "few_items": Wording("touched few of the items", "接触的商品很少"),
    "little_evidence": Wording("adds little evidence", "证据贡献小"),
    "stray": Wording("came at another time", "到访时间不同"),
    "crowd": Wording("of the crowd, not of its core", "属于人群而非核心"),
}


def guide_words(key: str, language: Language, **values: Any) -> str:
    """The words of a key, filled with the values that they name."""
    return filled(GUIDE[key].to(language), **values)
