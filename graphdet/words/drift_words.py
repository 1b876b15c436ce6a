"""How far a shop moved from its usual, in words, with what each measure means."""

from __future__ import annotations

from graphdet.schema.wording import Language, Wording, filled

DRIFT_WORDS: dict[str, Wording] = {
    "drift_head": Wording(
        "{day} (UTC), compared with {days:day|days} before it: {count:thing is|things are} beyond the threshold.",
        "{day}（UTC）与此前 {days} 天相比：{count} 项超出阈值。",
    ),
    "no_drift": Wording(
        "No day has been compared yet: it takes a whole day and one before it, each with [drift] least_events events.",
        "尚无可比较的日期：需要一个完整的日期及其前一天，且每天的事件数不少于 [drift] least_events。",
    ),
    "stability": Wording(
        "The distribution of {of} is another one (index {value:.2f}, threshold {threshold:.2f}): what was learned or set by the old one may no longer hold.",
        "{of} 的分布已改变（指数 {value:.2f}，阈值 {threshold:.2f}）：依据旧分布学到或设定的内容可能不再适用。",
    ),
    "unknown": Wording(
        "{of} is missing in {value:.0%} of events, usually in {usual:.0%} (more by {threshold:.0%} is the threshold): evidence from it fails; look at what writes the log.",
        "{value:.0%} 的事件缺少 {of}，平时为 {usual:.0%}（阈值为多出 {threshold:.0%}）：依赖它的证据会缺失，请检查写日志的程序。",
    ),
    "rate": Wording(
        "Events a minute: {value:.1f}, usually {usual:.1f} (threshold {threshold:.1f|time|times}): a source may have stopped, doubled, or a campaign is on.",
        "每分钟 {value:.1f} 条事件，平时为 {usual:.1f}（阈值 {threshold:.1f} 倍）：可能有数据源中断、重复，或正在促销。",
    ),
    "hubs": Wording(
        "The ten busiest of {of} have {value:.0%} of events, usually {usual:.0%} (more by {threshold:.0%} is the threshold): a placeholder, a proxy, or one thing that everybody uses.",
        "{of}中最繁忙的十个占事件的 {value:.0%}，平时为 {usual:.0%}（阈值为多出 {threshold:.0%}）：可能是占位值、代理，或人人共用之物。",
    ),
    "alerts": Wording(
        "{value:.0f|ring was|rings were} told of, usually {usual:.1f} a day (threshold {threshold:.1f|time|times}): an attack, or something above drifted.",
        "告知了 {value:.0f} 个团伙，平时每天 {usual:.1f} 个（阈值 {threshold:.1f} 倍）：可能遭到攻击，或上述某项发生漂移。",
    ),
}


def drift_words(key: str, language: Language, **values: object) -> str:
    """One of them, with its numbers."""
    return filled(DRIFT_WORDS[key].to(language), **values)
