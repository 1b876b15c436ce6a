"""Review findings in words: what a finding is, and each of its reasons with the numbers in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdet.schema.wording import Language, Wording, filled
from graphdet.words.claim_sentences import number_in_words, plain_number

FINDINGS: dict[str, Wording] = {
    "bought": Wording(
        "Suspected bought reviews of item {item}: {reviews:good review|good reviews}, {first} to {last}. Share of false alarms: {false}.",
        "疑似买来的好评，商品 {item}：{reviews} 条好评，{first} 至 {last}。误报占比：{false}。",
    ),
    "malicious": Wording(
        "Suspected malicious reviews of item {item}: {reviews:bad review|bad reviews}, {first} to {last}. Share of false alarms: {false}.",
        "疑似恶意差评，商品 {item}：{reviews} 条差评，{first} 至 {last}。误报占比：{false}。",
    ),
}

REASONS: dict[str, Wording] = {
    "burst": Wording(
        "{reviews} of them came within {days:day|days}, more than season and the item's own level explain.",
        "其中 {reviews} 条在 {days} 天内出现，超出季节规律与该商品自身水平。",
    ),
    "stars": Wording(
        "{share} of the reviews of those days are of that side; of the item's others {usual}.",
        "这些天的评价有 {share} 属于此类；该商品其余评价为 {usual}。",
    ),
    "copies": Wording(
        "Of {texts:text|texts} {copies:repeats|repeat} another one of them, and hardly anything written elsewhere.",
        "{texts} 条文字中有 {copies} 条与其中另一条相同，而在别处几乎未见。",
    ),
    "words": Wording(
        "Of {texts:text|texts} {misfits:has|have} words that do not fit the stars; elsewhere {usual} do.",
        "{texts} 条文字中有 {misfits} 条措辞与星级不符；其他评价中为 {usual}。",
    ),
}

COLUMNS: dict[str, Wording] = {  # of reviews learned from labels
    "words": Wording("its words", "措辞"),
    "misfit": Wording("words that do not fit the stars", "措辞与星级不符"),
    "copies": Wording("copies of its text", "文字的重复条数"),
    "alike": Wording("others who wrote nearly the same", "写了几乎相同文字的其他人"),
    "shown": Wording("others who show nearly the same picture", "展示几乎相同图片的其他人"),
    "burst": Wording("reviews of the item around it", "该商品前后的评价数"),
    "away": Wording("distance from the item's other stars", "与该商品其他星级的差距"),
    "stars": Wording("its stars", "星级"),
    "own": Wording("the writer's number of reviews", "评价者的评价数"),
    "age": Wording("the item's age", "商品上架时长"),
    "letters": Wording("its length", "文字长度"),
}
SIGNS: dict[str, Wording] = {"copies": Wording("repeated", "重复"), "words": Wording("does not fit the stars", "与星级不符")}

LINES: dict[str, Wording] = {
    "none": Wording(
        "No findings among {reviews:review|reviews}: no item has two signs of bought or malicious reviews at once.",
        "{reviews} 条评价中没有发现：没有商品同时具备买评或恶评的两种迹象。",
    ),
    "no_reviews": Wording(
        "no reviews can be looked at: the log has no item, no stars (rating) or no times.",
        "无法检查评价：日志没有商品、星级（rating）或时间。",
    ),
    "judged": Wording(
        "Learned from labelled writers, judged by {users:later review|later reviews} of others, {positives} of them by positive ones.",
        "由带标签的评价者学得；以其他评价者的 {users} 条较晚的评价检验，其中 {positives} 条出自正标签者。",
    ),
    "flagged": Wording(
        "Flagged from a chance of {threshold} on: precision {precision}, recall {recall}, F1 {f1}, accuracy {accuracy}; {hits} rightly, {false} "
        "wrongly, {missed} missed, {passed} rightly passed.",
        "自概率 {threshold} 起标记：精确率 {precision}，召回率 {recall}，F1 {f1}，准确率 {accuracy}；正确标记 {hits} 条，误报 {false} 条，漏报 {missed} 条，正确放行 {passed} 条。",
    ),
    "method": Wording("method", "方法"),
    "words": Wording("words", "文字"),
    "signals without words": Wording("signals without words", "不含文字的信号"),
    "words and signals": Wording("words and signals", "文字与信号"),
    "likeliest": Wording(
        "Likeliest among writers without a label (suspected; people decide):", "未带标签的评价者中最可疑的评价（仅为疑似，由人裁定）："
    ),
    "sentence": Wording("most by: “{sentence}”", "主要因为：“{sentence}”"),
    "more": Wording("… {shown} of {all:finding|findings}", "… 共 {all} 项发现，显示 {shown} 项"),
}


def review_line(key: str, language: Language, **told: Any) -> str:
    """A line about all of them."""
    return filled(LINES[key].to(language), **told)


def finding_in_words(row: Mapping[str, Any], language: Language, first: str, last: str) -> str:
    """What a finding is, in a sentence; `first` and `last` as the log's clock tells them."""
    return filled(
        FINDINGS[row["kind"]].to(language),
        item=row["item_id"],
        reviews=len(row["reviews"]),
        first=first,
        last=last,
        false=number_in_words(row["q_value"], "chance"),
    )


def reason_in_words(code: str, numbers: Mapping[str, float], language: Language) -> str:
    """One reason, shares in percent."""
    shown = {name: f"{value:.0%}" if name in ("share", "usual") else plain_number(value) for name, value in numbers.items()}
    return filled(REASONS[code].to(language), **shown)


def signs_in_words(review: Mapping[str, Any], language: Language) -> str:
    """Which signs a review of a finding carries itself, and its sentence that does; "" where none."""
    told = [SIGNS[sign].to(language) for sign in review["signs"]]
    return "; ".join([*told, *([review_line("sentence", language, sentence=review["sentence"])] if review["sentence"] else [])])


def moved_in_words(review: Mapping[str, Any], language: Language) -> str:
    """Which columns moved a review that was learned from labels, in log odds, and the sentence that speaks most for the label."""
    told = [f"{one['log_odds']:+.2f} {COLUMNS[one['column']].to(language)}" for one in review["moved"]]
    return "; ".join([*told, *([review_line("sentence", language, sentence=review["sentence"])] if review["sentence"] else [])])
