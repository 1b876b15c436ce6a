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
    "leapt": Wording(
        "{count:event|events} left the window, since the latest is of {moment} ({place}) and all before it end on {before}. If that time is"
        " wrong, take it out and begin with a new --state.",
        "{count} 条事件已移出窗口：最新事件的时间为 {moment}（{place}），此前的事件止于 {before}。若该时间有误，请将其移除，并以新的 --state 重新开始。",
    ),
    "early": Wording(
        "Put aside so far, since the window begins after them, on {start}: {count:event|events}. The latest event is of {moment} ({place}).",
        "因早于窗口起点 {start} 而搁置：目前共 {count} 条事件。最新事件的时间为 {moment}（{place}）。",
    ),
    "deleted": Wording(
        "{count:message was|messages were} deleted at the source before the watch read them; have it keep them longer.",
        "{count} 条消息在读取前已被来源删除；请延长其保留时间。",
    ),
    "hindered": Wording("{why} It is tried again every few seconds; nothing is lost meanwhile.", "{why} 每隔几秒重试；期间不会丢失数据。"),
}


def watch_words(key: str, language: Language, **values: object) -> str:
    """One of them, with its values."""
    return filled(WATCH_WORDS[key].to(language), **values)
