"""What became of rings between two runs, in words: kinds of change, a sentence for each, and sums."""

from __future__ import annotations

from collections.abc import Mapping

from graphdet.schema.wording import Language, Wording, filled

CHANGES: dict[str, Wording] = {
    "new": Wording("new", "新增"),
    "returned": Wording("returned", "重现"),
    "split": Wording("split off", "分出"),
    "merged": Wording("merged", "合并"),
    "grew": Wording("grew", "扩大"),
    "shrank": Wording("shrank", "缩小"),
    "same": Wording("same", "不变"),
    "dormant": Wording("dormant", "沉寂"),
    "left_window": Wording("left the window", "移出窗口"),
}

COUNTED = Wording("{count:,} {change}", "{change} {count:,}")

SENTENCES: dict[str, Wording] = {
    "new": Wording("Ring {ring} is new: {users:account|accounts}.", "团伙 {ring} 为新增：{users} 个账号。"),
    "returned": Wording(
        "Ring {ring} is back, with {users:account|accounts}; it was {was} before.", "团伙 {ring} 重现，有 {users} 个账号；此前为 {was}。"
    ),
    "split": Wording("Ring {ring} split off from {kin}: {users:account|accounts}.", "团伙 {ring} 由 {kin} 分出：{users} 个账号。"),
    "merged": Wording(
        "Ring {ring} took in {kin}: {before:account|accounts} before, {users} now.",
        "团伙 {ring} 并入了 {kin}：此前 {before} 个账号，现为 {users} 个。",
    ),
    "taken": Wording("Ring {ring} is now part of {kin}.", "团伙 {ring} 现已并入 {kin}。"),
    "grew": Wording(
        "Ring {ring} grew from {before} to {users:account|accounts}: {came} came, {went} went.",
        "团伙 {ring} 由 {before} 个账号扩大到 {users} 个：新进 {came} 个，离开 {went} 个。",
    ),
    "shrank": Wording(
        "Ring {ring} shrank from {before} to {users:account|accounts}: {came} came, {went} went.",
        "团伙 {ring} 由 {before} 个账号缩小到 {users} 个：新进 {came} 个，离开 {went} 个。",
    ),
    "same": Wording(
        "Ring {ring} has {users:account|accounts}, as many as before: {came} came, {went} went.",
        "团伙 {ring} 仍有 {users} 个账号，与此前相同：新进 {came} 个，离开 {went} 个。",
    ),
    "unchanged": Wording("Ring {ring} has the same {users:account|accounts}.", "团伙 {ring} 的 {users} 个账号不变。"),
    "dormant": Wording(
        "Ring {ring} is not found any more, though the log reaches its time.", "团伙 {ring} 不再出现，尽管日志仍覆盖其活动时段。"
    ),
    "left_window": Wording(
        "Ring {ring} left the window: the log no longer reaches its time, which is no sign of innocence.",
        "团伙 {ring} 移出窗口：日志不再覆盖其活动时段，这并不表示其正常。",
    ),
}

DIFFERENCE: dict[str, Wording] = {
    "tier": Wording("Tier: {before} → {after}.", "等级：{before} → {after}。"),
    "money": Wording("Money: {before} → {after}.", "金额：{before} → {after}。"),
    "parted": Wording("Split off from it: {rings}.", "由其分出：{rings}。"),
    "members": Wording("in: {came}; out: {went}", "新进：{came}；离开：{went}"),
    "nobody": Wording("nobody", "无"),
    "none": Wording("No ring differs.", "团伙无差异。"),
    "no_rings": Wording("Neither run has rings.", "两次运行均无团伙。"),
    "settings": Wording("Settings that differ:", "不同的设置："),
    "logs": Wording("The runs read different files.", "两次运行读取的文件不同。"),
    "span": Wording("Log of {run}: {first} to {last}", "{run} 的日志：{first} 至 {last}"),
    "versions": Wording("Made by different code: {before}, {after}.", "由不同版本的代码生成：{before}，{after}。"),
    "not_told": Wording("unknown", "未知"),
    "more": Wording("… and {count:ring|rings} more; --all shows them.", "……另有 {count} 个团伙；--all 可全部显示。"),
    "change": Wording("change", "变化"),
    "ring": Wording("ring", "团伙"),
    "was": Wording("was", "此前"),
    "tier_heading": Wording("tier", "等级"),
    "users": Wording("users", "用户"),
    "came": Wording("in", "进"),
    "went": Wording("out", "出"),
    "money_heading": Wording("money", "金额"),
}


def change_in_words(kind: str, language: Language) -> str:
    """A kind of change, as a table has it."""
    return CHANGES[kind].to(language)


def sum_in_words(counts: Mapping[str, int], language: Language) -> str:
    """How many rings changed in which way: `2 new, 1 grew`."""
    told = [
        COUNTED.to(language).format(count=counts[kind], change=words.to(language)) for kind, words in CHANGES.items() if counts.get(kind)
    ]
    return ("，" if language == "zh" else ", ").join(told)


def difference(key: str, language: Language, **values: object) -> str:
    """A heading or a line of a comparison, filled."""
    return filled(DIFFERENCE[key].to(language), **values)
