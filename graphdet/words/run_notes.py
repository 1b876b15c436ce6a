"""A run's notes → the same for people, in each language, and whether a note may change what somebody decides.

Notes are written in English where something is found out, by all rooms; here each kind is told again. One of a kind that is not known
stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphdet.schema.nodes import NODE_TYPE, NODE_TYPES
from graphdet.schema.wording import Language, Wording, filled


@dataclass(frozen=True)
class Kind:
    """Notes of one kind: what they look like, how they are told, and whether a decision may hang on them."""

    pattern: re.Pattern[str]
    words: Wording
    decides: bool = False


def _kind(pattern: str, en: str, zh: str, *, decides: bool = False) -> Kind:
    return Kind(re.compile(pattern), Wording(en, zh), decides)


KINDS = (
    _kind(
        r"(?P<left>[\d,]+) of (?P<all>[\d,]+) cores? (?:was|were) left untried.*",
        "Not everything was searched: of {all:place|places} where a ring may begin {left:was|were} left out to save time, so there may be more rings. "
        "Raise [rings] effort to search them.",
        "搜索并不完整：{all} 处可能的团伙起点中有 {left} 处为节省时间未检查，可能还有更多团伙。可提高 [rings] effort 继续检查。",
        decides=True,
    ),
    _kind(
        r"(?P<count>[\d,]+) groups? grew into everybody.*",
        "{count:group was|groups were} dropped, since they grew to take in everybody.",
        "舍弃了 {count} 个扩展到几乎所有人的群体。",
    ),
    _kind(
        r"(?P<count>[\d,]+) groups? that nearly everything speaks against.*",
        "{count:weak group is|weak groups are} not listed, since nearly everything speaks against them. [tiers] objections_most shows them.",
        "有 {count} 个几乎处处存疑的弱群体未列出；可用 [tiers] objections_most 显示。",
    ),
    _kind(
        r"amount: money is counted in (?P<own>.*?) \((?P<count>[\d,]+)\)(?:; converted: .*?)?"
        r"; left out of it: (?P<others>.*?)\. \[log\.rates\].*",
        "Money counts amounts in {own} ({count}) alone. Left out, since nothing says what they are worth: {others}. [log.rates] says it.",
        "金额只统计 {own}（{count} 笔）。因未提供汇率而未计入：{others}。可在 [log.rates] 中设置汇率。",
        decides=True,
    ),
    _kind(
        r"amount: money is counted in (?P<own>.*?) \((?P<count>[\d,]+)\); converted: (?P<converted>.*)\.",
        "Money is counted in {own} ({count:amount|amounts}); converted: {converted}.",
        "金额以 {own} 计（{count} 笔）；已换算：{converted}。",
    ),
    _kind(
        r"(?P<count>[\d,]+) communit(?:y|ies) of items.*",
        "The log names no categories. Items that the same users visit, in {count:group|groups}, stand in for them.",
        "日志没有品类；以 {count} 组常被同一批用户光顾的商品代替。",
    ),
    _kind(
        r"(?P<over>[\d,]+) of (?P<all>[\d,]+) (?P<node>\w+) keys? (?:is|are) crowded, with up to (?P<most>[\d,]+) visitors?.*",
        "Of {all} {node} {over:is|are} crowded, with up to {most:visitor|visitors} at once: meeting there counts for little.",
        "{all} 个{node}中有 {over} 个人流密集，同时最多有 {most} 名访客：在那里相遇几乎不计。",
    ),
    _kind(
        r"(?P<items>[\d,]+) items come in (?P<bundles>[\d,]+) bundles?, such as (?P<example>.*?): .*",
        "{items:item nearly always comes|items nearly always come} together, in {bundles:set|sets} such as {example}. Each set counts as one item.",
        "{items} 件商品几乎总是一起出现，组成 {bundles} 套（如 {example}）。每套按一件商品计。",
    ),
    _kind(
        r"no timestamp: .*",
        "The log has no times: who came together cannot be told from who came at all.",
        "日志没有时间：无法区分同时到访与先后到访。",
        decides=True,
    ),
    _kind(
        r"no category: .*", "The log has no categories: shared taste weighs more than it should.", "日志没有品类：共同爱好的影响会偏大。"
    ),
    _kind(
        r"times are bare dates: .*",
        "Times are dates alone: nothing is known of hours and minutes.",
        "时间只有日期：小时和分钟无从得知。",
        decides=True,
    ),
    _kind(
        r"events without a time: (?P<count>[\d,]+); .*",
        "{count:event has no time and tells|events have no time and tell} of shared things alone.",
        "有 {count} 次事件没有时间，仅用于判断共用之物。",
    ),
    _kind(
        r"network and embeddings were left out: (?P<package>\S+) is not installed.*",
        "The network was left out, since {package} is not installed.",
        "未使用图网络：{package} 未安装。",
    ),
    _kind(
        r"rows that repeat an event_id with other values: (?P<count>[\d,]+); .*",
        "{count:row repeats|rows repeat} an event id with other values; the earliest of each is kept.",
        "有 {count} 行重复了事件标识但内容不同，只保留最早的一行。",
    ),
    _kind(
        r"(?P<column>\w+): (?P<names>.+) stand for none known and count as missing.*",
        "In {column}, {names} stand for nothing known and count as missing.",
        "{column} 列中的 {names} 表示未知，按缺失处理。",
    ),
    _kind(
        r"files that \[log\] skip leaves out: (?P<count>[\d,]+) \((?P<names>.+)\)\.",
        "The settings leave {count:file|files} out: {names}.",
        "设置中略过了 {count} 个文件：{names}。",
    ),
    _kind(
        r"unknown actions, kept as they are: (?P<words>.+)\. Map them .*",
        "Actions that graphdet does not know: {words}. [log.actions] can map them.",
        "有未知的行为：{words}。可在 [log.actions] 中对应。",
    ),
    _kind(
        r"events with implausible times .*: (?P<count>[\d,]+); the log spans (?P<span>.+)\.",
        "{count:event has a time|events have times} that can hardly be true; the log spans {span}.",
        "有 {count} 次事件的时间不太可信；日志跨度为 {span}。",
        decides=True,
    ),
    _kind(
        r"(?P<name>S-\d+) on (?P<key>.+) is discounted until (?P<until>\S+): (?P<rings>[\d,]+) rings? would stand with it, by (?P<evidence>[\d,.-]+) of "
        r"evidence; (?P<rows>[\d,]+) rows? names? it\.",
        "{key} is discounted until {until} ({name}): {rings:ring|rings} would stand with it, by {evidence} of evidence (log10); {rows:row names|rows name} it.",
        "{key} 在 {until} 之前不作为证据（{name}）：若计入，另有 {rings} 个团伙成立，涉及证据 {evidence}（log10）；共 {rows} 行提到它。",
        decides=True,
    ),
    _kind(
        r"(?P<name>S-\d+) on (?P<key>.+) ends on (?P<until>\S+); what it hides is back then\.",
        "The suppression {name} on {key} ends on {until}; what it hides is back then.",
        "对 {key} 的搁置（{name}）将于 {until} 到期，届时所隐藏的内容将重新出现。",
        decides=True,
    ),
    _kind(
        r"(?P<name>S-\d+) on (?P<key>.+) lapsed on (?P<until>\S+); what it hid counts again\.",
        "The suppression {name} on {key} lapsed on {until}; what it hid counts again.",
        "对 {key} 的搁置（{name}）已于 {until} 到期，所隐藏的内容重新计入。",
        decides=True,
    ),
    *(
        _kind(
            re.escape(f"no {one.column}: {one.lacking}."),
            f"The log has no column {one.column}: {one.lacking}.",
            f"日志没有 {one.column} 列：不能以{one.noun.chinese}为依据。",
            decides=True,
        )
        for one in NODE_TYPES
        if one.lacking
    ),
)


def note_in_words(note: str, language: Language) -> str:
    """A note as people read it; as it stands where its kind is not known."""
    for kind in KINDS:
        found = kind.pattern.fullmatch(note)
        if found:
            told = found.groupdict()
            if told.get("node") in NODE_TYPE:
                told["node"] = NODE_TYPE[told["node"]].noun.to(language, many=True)
            return filled(kind.words.to(language), **told)
    return note


def decides(note: str) -> bool:
    """Whether a decision may hang on it: what was not searched, and what the log lacks."""
    return any(kind.decides and kind.pattern.fullmatch(note) for kind in KINDS)
