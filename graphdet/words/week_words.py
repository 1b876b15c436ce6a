"""The analyst's week in words: what a day brought, the queue, the report of a week."""

from __future__ import annotations

from graphdet.schema.wording import Language, Wording, filled

WEEK_WORDS: dict[str, Wording] = {
    "taken": Wording(
        "Took in {files:new file|new files} with {rows:event|events}; {known:file was|files were} known already.",
        "读入 {files} 个新文件，{rows} 条事件；另有 {known} 个文件此前已读入。",
    ),
    "none_taken": Wording("No new files; {known:was|were} known already.", "没有新文件；{known} 个文件此前已读入。"),
    "rejected": Wording(
        "{rows:row was|rows were} rejected; `graphdet check` tells why.", "拒绝了 {rows} 行；可用 `graphdet check` 查看原因。"
    ),
    "late": Wording("{rows:event|events} from before the window: left out.", "{rows} 条事件早于窗口，未计入。"),
    "ahead": Wording("{rows:event|events} of the future, by the clock here: left out.", "按本机时钟，{rows} 条事件来自未来，未计入。"),
    "gone": Wording("{rows:event|events} left the window, now deleted.", "{rows} 条事件移出窗口，已删除。"),
    "window": Wording("Window: {rows:event|events}.", "窗口：{rows} 条事件。"),
    "run_made": Wording("Run: {folder}", "运行：{folder}"),
    "nothing_new": Wording("Nothing new.", "没有新情况。"),
    "alerts_new": Wording("New alerts: {count}.", "新告警：{count} 个。"),
    "other_news": Wording("No new alert; what else changed:", "没有新告警；其他变化："),
    "waits": Wording("Waiting for a decision: {tiers}.", "等待处理：{tiers}。"),
    "nobody_waits": Wording("No case waits for a decision.", "没有等待处理的案件。"),
    "case": Wording("case", "案件"),
    "back": Wording("back", "重新出现"),
    "doubted": Wording("was judged innocent", "曾判为正常"),
    "more_cases": Wording(
        "… and {count:case|cases} more; `graphdet cases list` has all.", "……另有 {count} 个案件；`graphdet cases list` 可列出全部。"
    ),
    "queue_head": Wording(
        "To look at: {asked} of {waiting:waiting case|waiting cases}.", "共 {waiting} 个案件等待处理，请先看以下 {asked} 个。"
    ),
    "queue_none": Wording("No case waits for a look.", "没有需要查看的案件。"),
    "queue_precision": Wording(
        "Expected to be rings: {mean:.0%} of them ({low:.0%} to {high:.0%}), by markets of many kinds and {verdicts:verdict|verdicts} of this house.",
        "其中预计为团伙的比例：{mean:.0%}（{low:.0%} 至 {high:.0%}），依据多类市场及本单位的 {verdicts} 个结论。",
    ),
    "why": Wording("why", "缘由"),
    "worth": Wording("worth most", "最值得"),
    "learn": Wording("teaches most", "最有助学习"),
    "explore": Wording("drawn", "随机抽取"),
    "chance": Wording("chance", "可能性"),
    "at_stake": Wording("at stake", "涉嫌金额"),
    "accounts": Wording("accounts", "账号"),
    "owner": Wording("owner", "负责人"),
    "ring": Wording("ring", "团伙"),
    "tier": Wording("tier", "等级"),
    "verdict": Wording("verdict", "结论"),
    "confirmed": Wording("confirmed", "确认"),
    "innocent": Wording("innocent", "正常"),
    "unsure": Wording("unsure", "不确定"),
    "report_title": Wording("Suspected rings, {since} to {until}", "疑似团伙周报：{since} 至 {until}"),
    "figures": Wording("In figures", "数据"),
    "new_cases": Wording("New cases", "新增案件"),
    "decided": Wording("Decided", "已处理"),
    "accepted_closed": Wording("Accepted or closed", "已接受或关闭"),
    "money_confirmed": Wording("At stake in confirmed ones", "确认案件涉嫌金额"),
    "money_waiting": Wording("At stake in those to look at", "待查看案件涉嫌金额"),
    "precision": Wording("Precision of alerts", "告警准确率"),
    "time_to_verdict": Wording("First event to verdict, the middle one", "首个事件至结论的时间（中位数）"),
    "took": Wording("first event to verdict", "首个事件至结论"),
    "hours": Wording("{hours:,.0f|hour|hours}", "{hours:,.0f} 小时"),
    "days": Wording("{days:,.1f|day|days}", "{days:,.1f} 天"),
    "interval": Wording("{mean:.0%} ({low:.0%} to {high:.0%}), of {count}", "{mean:.0%}（{low:.0%} 至 {high:.0%}），共 {count} 个"),
    "still_waiting": Wording("Waiting now", "目前等待处理"),
    "no_figure": Wording("none", "无"),
    "decided_cases": Wording("Decided cases", "已处理的案件"),
    "next_cases": Wording("To look at next", "接下来要看的案件"),
    "chart": Wording("Expected precision among the first so many", "排在前列的案件的预期准确率"),
    "rank_axis": Wording("cases looked at, the worthiest first", "已查看的案件数（最值得的在前）"),
    "budget": Wording("budget", "预算"),
    "suspected": Wording(
        "Whoever is named in a case is suspected; a verdict is the word of those who looked.", "案件涉及的人均为疑似；结论是查看者的判断。"
    ),
    "accounts_written": Wording("Accounts: {count}, cases: {cases}. {path}", "账号 {count} 个，案件 {cases} 个。{path}"),
    "accounts_at_rest": Wording(
        "Left out: {count:account|accounts} whose time is over; name their cases to have them, or confirm them anew.",
        "未列入：{count} 个账号已过有效期；指明案件即可导出，或重新确认。",
    ),
}


def week_words(key: str, language: Language, **values: object) -> str:
    """The words of a key, filled."""
    return filled(WEEK_WORDS[key].to(language), **values)
