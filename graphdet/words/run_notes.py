"""A run's notes → the same for people, in each language, and whether a note may change what somebody decides.

Notes are written in English where something is found out, by all rooms; here each kind is told again. One of a kind that is not known
stays as it is.
"""

from __future__ import annotations

from graphdet.schema.nodes import NODE_TYPE
from graphdet.schema.wording import Language, filled
from graphdet.words.log_notes import LOG_KINDS, kind

KINDS = (
    kind(
        r"(?P<left>[\d,]+) of (?P<all>[\d,]+) cores? (?:was|were) left untried.*",
        "Not everything was searched: of {all:place|places} where a ring may begin {left:was|were} left out to save time, so there may be more rings. "
        "Raise [rings] effort to search them.",
        "搜索并不完整：{all} 处可能的团伙起点中有 {left} 处为节省时间未检查，可能还有更多团伙。可提高 [rings] effort 继续检查。",
        decides=True,
    ),
    kind(
        r"(?P<count>[\d,]+) groups? grew into everybody.*",
        "{count:group was|groups were} dropped, since they grew to take in everybody.",
        "舍弃了 {count} 个扩展到几乎所有人的群体。",
    ),
    kind(
        r"(?P<count>[\d,]+) groups? that nearly everything speaks against.*",
        "{count:weak group is|weak groups are} not listed, since nearly everything speaks against them. [tiers] objections_most shows them.",
        "有 {count} 个几乎处处存疑的弱群体未列出；可用 [tiers] objections_most 显示。",
    ),
    kind(
        r"(?P<count>[\d,]+) communit(?:y|ies) of items.*",
        "The log names no categories. Items that the same users visit, in {count:group|groups}, stand in for them.",
        "日志没有品类；以 {count} 组常被同一批用户光顾的商品代替。",
    ),
    kind(
        r"(?P<over>[\d,]+) of (?P<all>[\d,]+) (?P<node>\w+) keys? (?:is|are) crowded, with up to (?P<most>[\d,]+) visitors?.*",
        "Of {all} {node} {over:is|are} crowded, with up to {most:visitor|visitors} at once: meeting there counts for little.",
        "{all} 个{node}中有 {over} 个人流密集，同时最多有 {most} 名访客：在那里相遇几乎不计。",
    ),
    kind(
        r"(?P<items>[\d,]+) items come in (?P<bundles>[\d,]+) bundles?, such as (?P<example>.*?): .*",
        "{items:item nearly always comes|items nearly always come} together, in {bundles:set|sets} such as {example}. Each set counts as one item.",
        "{items} 件商品几乎总是一起出现，组成 {bundles} 套（如 {example}）。每套按一件商品计。",
    ),
    kind(
        r"network and embeddings were left out: (?P<package>\S+) is not installed.*",
        "The network was left out, since {package} is not installed.",
        "未使用图网络：{package} 未安装。",
    ),
    kind(
        r"(?P<name>S-\d+) on (?P<key>.+) is discounted until (?P<until>\S+): (?P<rings>[\d,]+) rings? would stand with it, by (?P<evidence>[\d,.-]+) of "
        r"evidence; (?P<rows>[\d,]+) rows? names? it\.",
        "{key} is discounted until {until} ({name}): {rings:ring|rings} would stand with it, by {evidence} of evidence (log10); {rows:row names|rows name} it.",
        "{key} 在 {until} 之前不作为证据（{name}）：若计入，另有 {rings} 个团伙成立，涉及证据 {evidence}（log10）；共 {rows} 行提到它。",
        decides=True,
    ),
    kind(
        r"(?P<name>S-\d+) on (?P<key>.+) ends on (?P<until>\S+); what it hides is back then\.",
        "The suppression {name} on {key} ends on {until}; what it hides is back then.",
        "对 {key} 的搁置（{name}）将于 {until} 到期，届时所隐藏的内容将重新出现。",
        decides=True,
    ),
    kind(
        r"(?P<name>S-\d+) on (?P<key>.+) lapsed on (?P<until>\S+); what it hid counts again\.",
        "The suppression {name} on {key} lapsed on {until}; what it hid counts again.",
        "对 {key} 的搁置（{name}）已于 {until} 到期，所隐藏的内容重新计入。",
        decides=True,
    ),
    kind(
        r"Chances beside rings rest on (?P<count>[\d,]+) verdicts? of this house, too\.",
        "Chances beside rings rest on {count:verdict|verdicts} of this house, too.",
        "团伙旁的概率也参考了本机构的 {count} 条结论。",
    ),
    kind(
        r"Users' scores are chances by a model with labels; it flags from (?P<bar>[\d.]+) on\.",
        "Users' scores are chances by a model with labels; it flags from {bar} on.",
        "用户分数是有标签模型给出的概率；达到 {bar} 即标出。",
    ),
    *LOG_KINDS,
)


def note_in_words(note: str, language: Language) -> str:
    """A note as people read it; as it stands where its kind is not known."""
    for one in KINDS:
        found = one.pattern.fullmatch(note)
        if found:
            told = found.groupdict()
            if told.get("node") in NODE_TYPE:
                told["node"] = NODE_TYPE[told["node"]].noun.to(language, many=True)
            return filled(one.words.to(language), **told)
    return note


def decides(note: str) -> bool:
    """Whether a decision may hang on it: what was not searched, and what the log lacks."""
    return any(one.decides and one.pattern.fullmatch(note) for one in KINDS)
