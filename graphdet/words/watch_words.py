"""The watch in words: its live line, looks, and what hinders it."""

from __future__ import annotations

from graphdet.schema.wording import Language, Wording, filled

WATCH_WORDS: dict[str, Wording] = {
    "live": Wording(
        "up to {moment}; {window:event|events} in the window; look {look}; read {read}, rejected {rejected}, known {duplicate}",
        "截至 {moment}；窗口内 {window} 条事件；第 {look} 次查看；已读 {read}，拒绝 {rejected}，重复 {duplicate}",
    ),
    "looked": Wording(
        "{moment}  look {look}: {alerts:alert|alerts}, {review} to review, {explained} explained; {seconds} s",
        "{moment}  第 {look} 次查看：告警 {alerts} 个，待复核 {review} 个，可解释 {explained} 个；用时 {seconds} 秒",
    ),
    "forgotten": Wording(
        "Alerts that no sink took and that left the window: {count:delivery is gone|deliveries are gone} for good.",
        "未被接收且已移出窗口的告警：{count} 项投递已永久删除。",
    ),
    "hindered": Wording("{why} It is tried again every few seconds; nothing is lost meanwhile.", "{why} 每隔几秒重试；期间不会丢失数据。"),
}


def watch_words(key: str, language: Language, **values: object) -> str:
    """One of them, with its values."""
    return filled(WATCH_WORDS[key].to(language), **values)
