"""What reading says of a log → the same for people, in each language, and whether a note may change what somebody decides."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphdet.schema.nodes import NODE_TYPES
from graphdet.schema.wording import Wording


@dataclass(frozen=True)
class Kind:
    """Notes of one kind: what they look like, how they are told, and whether a decision may hang on them."""

    pattern: re.Pattern[str]
    words: Wording
    decides: bool = False


def kind(pattern: str, en: str, zh: str, *, decides: bool = False) -> Kind:
    """A kind by its pattern, and its words in English and Chinese."""
    return Kind(re.compile(pattern), Wording(en, zh), decides)


_LACKING = (
    kind(
        r"no timestamp: .*",
        "The log has no times: who came together cannot be told from who came at all.",
        "日志没有时间：无法区分同时到访与先后到访。",
        decides=True,
    ),
    kind(r"no category: .*", "The log has no categories: shared taste weighs more than it should.", "日志没有品类：共同爱好的影响会偏大。"),
    kind(
        r"no action: .*",
        "The log does not say what its rows are: orders, payments, refunds and reviews are not told apart. [log] constants can say it of all rows.",
        "日志没有行为列：无法区分下单、付款、退款和评价。可用 [log] constants 为所有行指定。",
    ),
    kind(r"no amount: .*", "The log has no amounts: what is at stake is unknown.", "日志没有金额：涉及多少钱无从得知。"),
    *(
        kind(
            re.escape(f"no {one.column}: {one.lacking}."),
            f"The log has no column {one.column}: {one.lacking}.",
            f"日志没有 {one.column} 列：不能以{one.noun.chinese}为依据。",
            decides=True,
        )
        for one in NODE_TYPES
        if one.lacking
    ),
)

_TIMES = (
    kind(
        r"times are bare dates: .*",
        "Times are dates alone: nothing is known of hours and minutes.",
        "时间只有日期：小时和分钟无从得知。",
        decides=True,
    ),
    kind(
        r"events without a time: (?P<count>[\d,]+); .*",
        "{count:event has no time and tells|events have no time and tell} of shared things alone.",
        "有 {count} 次事件没有时间，仅用于判断共用之物。",
    ),
    kind(
        r"events with times far from all others: (?P<count>[\d,]+), such as (?P<example>\S+); the others span (?P<first>\S+) to (?P<last>\S+)\.",
        "{count:event has a time|events have times} far from all others, such as {example}; the others span {first} to {last}.",
        "有 {count} 次事件的时间远离其余事件（如 {example}）；其余事件在 {first} 至 {last} 之间。",
        decides=True,
    ),
    kind(
        r"times in an hour that clocks of (?P<zone>\S+) leave out \((?P<day>.+?)\): (?P<count>[\d,]+); .*",
        "{count:time is|times are} in the hour that clocks of {zone} leave out ({day}), and read as an hour later.",
        "有 {count} 个时间落在 {zone} 时钟跳过的一小时内（{day}），按晚一小时读取。",
    ),
    kind(
        r"times in an hour that clocks of (?P<zone>\S+) show twice \((?P<day>.+?)\): (?P<count>[\d,]+); .*",
        "{count:time is|times are} in the hour that clocks of {zone} show twice ({day}), and taken for the later one.",
        "有 {count} 个时间落在 {zone} 时钟重复的一小时内（{day}），按后一次读取。",
    ),
    *(
        kind(
            rf"(?P<column>.+): dates are read {order} first: (?P<example>.+) as (?P<read>\S+)\.",
            f"{{column}}: dates are read {order} first, {{example}} as {{read}}.",
            f"{{column}} 列的日期按{chinese}在前读取：{{example}} 读作 {{read}}。",
        )
        for order, chinese in (("day", "日"), ("month", "月"), ("year", "年"))
    ),
    kind(
        r"timestamp: 0 on (?P<count>[\d,]+) rows? counts as missing, .*",
        "The time 0 ({count:row|rows}) counts as missing, as all other times are real.",
        "时间 0（{count} 行）按缺失处理，因为其余时间都是真实的。",
    ),
    kind(
        r"timestamp: (?P<count>[\d,]+) rows? (?:has|have) a time that programs write for none, .*",
        "{count:row has|rows have} a time that programs write for none, such as 9999-12-31; it counts as missing.",
        "有 {count} 行的时间是程序用来表示“无”的值（如 9999-12-31），按缺失处理。",
    ),
)

_IDS = (
    *(
        kind(
            rf"(?P<column>\w+): (?P<count>[\d,]+) ids? (?:{told}), such as (?P<one>.+) and (?P<other>.+); \[log\] fold = .*",
            f"In {{column}}, {{count:id|ids}} may be others written anew ({english}), such as {{one}} and {{other}}; "
            f'[log] fold = ["{way}"] makes them one.',
            f'{{column}} 列有 {{count}} 个标识可能只是写法不同（{chinese}），例如 {{one}} 和 {{other}}；可用 [log] fold = ["{way}"] 合并。',
            decides=True,
        )
        for way, told, english, chinese in (
            ("case", "differ only in case", "in capitals", "大小写"),
            ("spaces", "differ only in spaces", "with spaces", "空格"),
            ("float", "differ only in a point and noughts", "with a point and noughts", "小数点和零"),
            ("encoding", "looks? as if (?:it were|they were) encoded twice", "encoded twice", "重复编码"),
        )
    ),
    kind(
        r"(?P<column>\w+): (?P<count>[\d,]+) ids? looks? rounded by a spreadsheet \(such as (?P<example>.+)\); .*",
        "In {column}, {count:id looks|ids look} rounded by a spreadsheet, such as {example}: different ones may have become one. "
        "Export the column as text.",
        "{column} 列有 {count} 个标识疑似被电子表格四舍五入（如 {example}）：不同的标识可能已混为一个。请将该列按文本导出。",
        decides=True,
    ),
    kind(
        r"(?P<one>\w+) and (?P<other>\w+) name the same (?P<count>[\d,]+) things? one to one; .*",
        "{one} and {other} name the same {count:thing|things}: what is shared in one is shared in the other.",
        "{one} 与 {other} 一一对应，指同样的 {count} 个事物：在一列中共用的，在另一列中也共用。",
    ),
    kind(
        r"(?P<other>.+) names the same things as (?P<item>.+), one to one; .*",
        "The same things are named by {other} and {item}: either will do as item_id.",
        "{other} 与 {item} 一一对应：任取其一作为 item_id 即可。",
    ),
    kind(
        r"rows that repeat an event_id with other values: (?P<count>[\d,]+); .*",
        "{count:row repeats|rows repeat} an event id with other values; the earliest of each is kept.",
        "有 {count} 行重复了事件标识但内容不同，只保留最早的一行。",
    ),
    kind(
        r"rows that agree in all that is read, and differ in other columns: (?P<count>[\d,]+); .*",
        "{count:row is|rows are} like another in all that is read, but not in other columns; kept as quantities.",
        "有 {count} 行与另一行在所读各列上相同、在其他列上不同；按数量保留。",
    ),
)

_VALUES = (
    kind(
        r"(?P<column>\w+): (?P<names>.+) stand for none known and count as missing.*",
        "In {column}, {names} stand for nothing known and count as missing.",
        "{column} 列中的 {names} 表示未知，按缺失处理。",
    ),
    kind(
        r"(?P<column>\w+): (?P<name>.+) looks like a placeholder and stands on (?P<rows>[\d,]+) rows? \((?P<share>[\d.]+%)\); .*",
        "In {column}, {name} looks like a placeholder and counts as missing ({rows:row|rows}, {share}); [log] genuine keeps it.",
        "{column} 列中的 {name} 像是占位值，按缺失处理（{rows} 行，{share}）；可用 [log] genuine 保留。",
    ),
    kind(
        r"(?P<column>\w+): (?P<name>.+) looks rounded by a spreadsheet and stands on (?P<rows>[\d,]+) rows? \((?P<share>[\d.]+%)\); .*",
        "In {column}, {name} looks rounded by a spreadsheet and counts as missing ({rows:row|rows}, {share}). Export the column as text.",
        "{column} 列中的 {name} 疑似被电子表格四舍五入，按缺失处理（{rows} 行，{share}）。请将该列按文本导出。",
        decides=True,
    ),
    kind(
        r"(?P<column>\w+): (?P<names>.+) left out, as \[log\] ignore or a casebook's discount says \((?P<rows>[\d,]+) rows?, (?P<share>[\d.]+%)\)\.",
        "In {column}, [log] ignore or a casebook's discount leaves out {names} ({rows:row|rows}, {share}).",
        "{column} 列中的 {names} 已按 [log] ignore 或案卷的搁置略去（{rows} 行，{share}）。",
    ),
    kind(
        r"(?P<column>\w+): (?P<count>[\d,]+) values? cannot be read \(such as (?P<example>.+)\) and counts? as missing.*",
        "In {column}, {count:value|values} cannot be read, such as {example}: missing.",
        "{column} 列有 {count} 个值无法读取（如 {example}），按缺失处理。",
    ),
    kind(
        r"(?P<column>\w+): (?P<count>[\d,]+) values? cannot be read and counts? as missing.*",
        "In {column}, {count:value|values} cannot be read: missing.",
        "{column} 列有 {count} 个值无法读取，按缺失处理。",
    ),
    kind(
        r"(?P<column>.+): numbers are read with a decimal comma\.",
        "{column}: numbers are read with a decimal comma.",
        "{column} 列的数字以逗号为小数点读取。",
    ),
    kind(
        r"image: (?P<count>[\d,]+) of (?P<all>[\d,]+) pictures? counts? as missing: (?P<reasons>.+)\.",
        "{count:picture is|pictures are} missing, of {all}: {reasons}.",
        "{all} 张图片中有 {count} 张按缺失处理：{reasons}。",
    ),
    kind(
        r"unknown actions, kept as they are: (?P<words>.+)\. Map them .*",
        "Actions that graphdet does not know: {words}. [log.actions] can map them.",
        "有未知的行为：{words}。可在 [log.actions] 中对应。",
    ),
    kind(
        r"actions are read by their usual words: (?P<words>.+); \[log\.actions\] .*",
        "Actions are read by their usual words: {words}; [log.actions] says otherwise.",
        "行为按常用词读取：{words}；可在 [log.actions] 中改设。",
    ),
    kind(
        r"amount: money is counted in (?P<own>.*?) \((?P<count>[\d,]+)\)(?:; converted: .*?)?"
        r"; left out of it: (?P<others>.*?)\. \[log\.rates\].*",
        "Money counts amounts in {own} ({count}) alone. Left out, since nothing says what they are worth: {others}. [log.rates] says it.",
        "金额只统计 {own}（{count} 笔）。因未提供汇率而未计入：{others}。可在 [log.rates] 中设置汇率。",
        decides=True,
    ),
    kind(
        r"amount: money is counted in (?P<own>.*?) \((?P<count>[\d,]+)\); converted: (?P<converted>.*)\.",
        "Money is counted in {own} ({count:amount|amounts}); converted: {converted}.",
        "金额以 {own} 计（{count} 笔）；已换算：{converted}。",
    ),
)

_FILES = (
    kind(
        r"files that \[log\] skip leaves out: (?P<count>[\d,]+) \((?P<names>.+)\)\.",
        "The settings leave {count:file|files} out: {names}.",
        "设置中略过了 {count} 个文件：{names}。",
    ),
    kind(r"(?P<file>.+): the file is empty\.", "The file {file} is empty.", "文件 {file} 是空的。"),
    kind(r"(?P<file>.+): a header but no rows\.", "The file {file} has a header but no rows.", "文件 {file} 只有表头，没有数据行。"),
    kind(
        r"(?P<file>.+): an item catalogue; .*",
        "Items are listed in {file}, which fills in what events lack.",
        "{file} 是商品目录：补充事件中缺少的内容。",
    ),
    kind(
        r"(?P<file>.+): read as (?P<encoding>[^:]+?)(?:, since .*)?\.", "{file} is read as {encoding}.", "{file} 按 {encoding} 编码读取。"
    ),
    kind(
        r"(?P<file>.+): (?P<column>.+) is a list; \[log\] unroll = .*",
        "In {file}, {column} is a list; [log] unroll makes a row of each value.",
        "{file} 中的 {column} 是列表；可用 [log] unroll 将每个值展开为一行。",
    ),
    kind(
        r"(?P<file>.+): (?P<lost>[\d,]+) of (?P<all>[\d,]+) rows? (?:has|have) no (?P<key>.+) that is in (?P<table>.+)\.",
        "Of {all:row|rows} in {file}, {lost} found nothing by {key} in {table}.",
        "{file} 的 {all} 行中有 {lost} 行按 {key} 在 {table} 中找不到对应。",
    ),
    kind(
        r"(?P<file>.+): read in part; left out: (?P<why>.+)\.",
        "{file} is read in part; left out: {why}.",
        "{file} 只读取了一部分；略去：{why}。",
        decides=True,
    ),
    kind(
        r"(?P<told>(?:since|until|sample) = .+): (?P<kept>[\d,]+) of (?P<all>[\d,]+) events? (?:was|were) taken, the others left out\.",
        "Only a part of the log was looked at ({told}): {kept} of {all:event|events}.",
        "只查看了日志的一部分（{told}）：{all} 次事件中的 {kept} 次。",
        decides=True,
    ),
)

LOG_KINDS = (*_LACKING, *_TIMES, *_IDS, *_VALUES, *_FILES)
