"""Names of the reasons for a suspicion, where a table has no room for their sentences."""

from __future__ import annotations

from graphdet.schema.wording import Language, Wording
from graphdet.words.interface import WORDS

NAMES: dict[str, Wording] = {
    "lockstep_orders": Wording("the same items at the same time", "同时到过同样商品"),
    "lockstep_untimed": Wording("the same items", "到过同样商品"),
    "shuffled_logs": Wording("not found in shuffled logs", "打乱后的日志中没有"),
    "farm_minutes": Wording("own devices or cards, all within minutes", "独占设备或卡，数分钟内齐至"),
    "farm_hours": Wording("own devices or cards, all within hours", "独占设备或卡，数小时内齐至"),
    "farm_number": Wording("own devices and cards of several kinds", "独占多种设备与卡"),
    "tight_windows": Wording("close together in time", "到访时间集中"),
    "tight_days": Wording("within few days", "数日内到访"),
    "shared_ip": Wording("shared IP address", "共用 IP"),
    "shared_courier": Wording("shared courier", "共用快递员"),
    "shared_text": Wording("the same review text", "评价文本雷同"),
    "shared_image": Wording("the same pictures", "图片雷同"),
    "item_burst": Wording("surge at an item", "商品突增"),
    "night_shift": Wording("in the quietest hours", "在最清静的时段"),
    "same_minute": Wording("within the same minute", "同一分钟到访"),
    "task_sheet": Wording("as if by a task sheet", "疑似按任务单"),
    "periodic_gaps": Wording("like clockwork", "节奏如钟表"),
    "dedication": Wording("little else than these items", "几乎只到这些商品"),
    "novel_taste": Wording("kinds of items they never touched", "此前未接触的品类"),
    "new_accounts": Wording("new accounts", "新账号"),
    "dense": Wording("most members at most items", "多数成员到过多数商品"),
}


def reason_name(code: str, language: Language) -> str:
    """A reason in a few words; of one that another graphdet told, its code."""
    words = NAMES.get(code) or WORDS.get(code)
    return words.to(language) if words else code
