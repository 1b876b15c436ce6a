"""Headings, labels and lines that terminal, report and case note share: every key once, with its words in every language.

Sentences about a ring are the catalogue's (`words.reasons`), the claims' (`schema.lookalikes`, `schema.objections`) and the verdict's.
"""

from __future__ import annotations

from typing import Any

from graphdet.schema.wording import LANGUAGES, Language, Wording, filled
from graphdet.words.action_words import DEEDS

WORDS: dict[str, Wording] = {
    "title": Wording("graphdet report", "graphdet 报告"),
    "overview": Wording("What to look at", "待处理事项"),
    "worklist": Wording("Worklist", "工作清单"),
    "how_found": Wording("How they were found", "发现过程"),
    "queue": Wording("To look at", "待处理"),
    "sum": Wording(
        "{rings:ring|rings} to look at: {alerts:alert|alerts} with {users:account|accounts}, and {more} more that somebody should decide. About "
        "{work} of work, at {each:minute|minutes} a ring.",
        "有 {rings} 个团伙待处理：{alerts} 个告警，涉及 {users} 个账号；另有 {more} 个须由人判断。约需 {work}（每个 {each} 分钟）。",
    ),
    "sum_alerts": Wording(
        "{alerts:alert|alerts} to look at, with {users:account|accounts}. About {work} of work, at {each:minute|minutes} a ring.",
        "有 {alerts} 个告警待处理，涉及 {users} 个账号。约需 {work}（每个 {each} 分钟）。",
    ),
    "minutes_of_work": Wording("{minutes:minute|minutes}", "{minutes} 分钟"),
    "hours_of_work": Wording("{hours:hour|hours}", "{hours} 小时"),
    "sum_none": Wording(
        "Nothing to look at: no ring is an alert, and facts contradict no innocent explanation.",
        "没有待处理事项：无告警，也没有与正常原因相矛盾的团伙。",
    ),
    "sum_stake": Wording("At stake in them: {amount}, each order counted once.", "涉嫌金额 {amount}，每笔订单只计一次。"),
    "sum_stake_first": Wording(
        "At stake in those of the first {count:ring|rings}, whose dossiers are here: {amount}, each order counted once.",
        "其中有档案的前 {count} 个团伙涉嫌金额 {amount}，每笔订单只计一次。",
    ),
    "mind": Wording("Before you decide", "判断之前请注意"),
    "contested": Wording("contradicted", "有矛盾"),
    "contested_help": Wording("Facts contradict its innocent explanation.", "有事实与其正常原因相矛盾。"),
    "rings": Wording("Rings", "团伙"),
    "ring": Wording("Ring", "团伙"),
    "search": Wording("Search ring, member, item or tactic", "搜索团伙、成员、商品或手法"),
    "all_tiers": Wording("All tiers", "全部等级"),
    "alert": Wording("alert", "告警"),
    "review": Wording("review", "待复核"),
    "explained": Wording("explained", "已有解释"),
    "gone": Wording("no ring left", "团伙不复存在"),
    "language": Wording("中文", "English"),
    "theme": Wording("Light or dark", "浅色或深色"),
    "print": Wording("Print", "打印"),
    "funnel": Wording("From rows to alerts", "从日志行到告警"),
    "read": Wording("rows read", "读取行数"),
    "accepted": Wording("events accepted", "接受的事件"),
    "users": Wording("users", "用户"),
    "members": Wording("users in a ring of any tier", "任一等级团伙中的用户"),
    "alerted": Wording("users in an alert", "告警中的用户"),
    "alerts": Wording("alerts", "告警"),
    "count_rings": Wording("rings of any tier", "任一等级的团伙"),
    "discounted": Wording("Crowded, so counted for little", "因人流密集而降权"),
    "discounted_help": Wording(
        "So many meet there that meeting says little; each visitor was compared with the nearest in time only. "
        "The most crowded of each type; the notes tell how many there are.",
        "在那里相遇的人太多，相遇说明不了什么；每位访客只与时间最近者比较。仅列每类中最密集的，总数见说明。",
    ),
    "nothing_discounted": Wording("Nothing was crowded.", "没有人流密集之处。"),
    "scores": Wording("Scores of users", "用户分数"),
    "scores_help": Wording("Higher is more suspicious.", "分数越高越可疑。"),
    "over_time": Wording("Rings over time", "团伙随时间分布"),
    "curve": Wording("Share of coincidences to expect", "预期巧合比例"),
    "curve_help": Wording(
        "Among the so many strongest rings, judged by {permutations:shuffled log|shuffled logs}, in which nothing but coincidence is left. Rings are told up to {q}. "
        "It says nothing of innocence.",
        "在最强的若干团伙中；依据 {permutations} 份随机对照日志，其中只剩巧合。上限 {q} 以内才列出。此数与是否正常无关。",
    ),
    "in_zone": Wording("{what} ({zone})", "{what}（{zone}）"),
    "order": Wording(
        "What awaits a person comes first, then the rest; within both by rank, which goes by tier and, within a tier, by how suspicious it is.",
        "待人处理的在前，其余在后；两部分内各按排名，排名先看等级，同级内再看可疑程度。",
    ),
    "rank": Wording("rank", "排名"),
    "tier": Wording("tier", "等级"),
    "score": Wording("score", "分数"),
    "size": Wording("members", "成员"),
    "targets": Wording("items", "商品"),
    "devices": Wording("devices", "设备"),
    "ips": Wording("IPs", "IP"),
    "events": Wording("events", "事件"),
    "amount": Wording("order value", "订单金额"),
    "paid": Wording("payments' value", "支付金额"),
    "worth": Wording("value", "交易金额"),
    "first_seen": Wording("began", "开始"),
    "last_seen": Wording("ended", "结束"),
    "why": Wording("looks like", "疑似手法"),
    "were_rings_help": Wording(
        "Below the tier: of groups that stand as this one does, how many were rings in markets of many kinds; nine of ten new kinds lie between "
        "the bounds.",
        "等级下方：在多种市场中，与此同类的群体有多少是团伙；十种新市场中有九种落在括号内的范围。",
    ),
    "device_farm": Wording("device farm", "群控设备"),
    "ip_rotation": Wording("changing IPs", "轮换 IP"),
    "hijacked_accounts": Wording("taken-over accounts", "盗用账号"),
    "coattail_clicks": Wording("rides on a popular item", "蹭热点"),
    "review_copies": Wording("copied reviews", "复制评价"),
    "rating_burst": Wording("bought ratings", "刷分"),
    "refund_cycle": Wording("refund abuse", "退款循环"),
    "coupon_crew": Wording("coupon abuse", "薅券"),
    "seller_cartel": Wording("shared workers", "共用刷手"),
    "inflated_orders": Wording("made-up orders", "虚增订单"),
    "shared_payment": Wording("shared payment", "共用支付"),
    "shared_address": Wording("shared address", "共用地址"),
    "shared_phone": Wording("shared phone number", "共用电话"),
    "shared_coupon": Wording("shared coupon", "共用优惠券"),
    "page": Wording("Page {page} of {pages}", "第 {page} 页，共 {pages} 页"),
    "previous": Wording("Previous", "上一个"),
    "next": Wording("Next", "下一个"),
    "back": Wording("All rings", "全部团伙"),
    "no_match": Wording("No ring fits.", "没有符合条件的团伙。"),
    "none": Wording("This run found no rings.", "本次运行未发现团伙。"),
    "no_dossier": Wording(
        "This report holds the dossiers of the first {count:ring|rings}; `graphdet show` prints this one.",
        "本报告包含前 {count} 个团伙的档案；此团伙请用 `graphdet show` 查看。",
    ),
    "for": Wording("What speaks for a ring", "支持团伙怀疑的事实"),
    "caution": Wording("Take care", "需要谨慎之处"),
    "innocent": Wording("Innocent explanations tried (in brackets what each asks for)", "已检验的正常原因（括号内为成立条件）"),
    "fits": Wording("fits", "成立"),
    "fails": Wording("does not fit", "不成立"),
    "untold": Wording("cannot be told", "无法判断"),
    "objections": Wording("What an alert needs (in brackets the bars)", "告警所需条件（括号内为界限）"),
    "claims_help": Wording(
        "Open one to see every number that it hangs on, with its bar in brackets. Some bars differ from group to group: more is asked where most members "
        "were at two things only. A ? stands for what this log does not tell.",
        "展开可查看每个数字，括号内为门槛。部分门槛因团伙而异：多数成员仅到过两处时要求更高。“?”表示本日志未提供。",
    ),
    "raised": Wording("raised", "成立"),
    "not_raised": Wording("not raised", "不成立"),
    "one_way": Wording("either", "或者"),
    "other_way": Wording("or", "或者"),
    "unless": Wording("unless", "除非"),
    "passed": Wording("holds", "满足"),
    "missed": Wording("does not hold", "不满足"),
    "without": Wording("Without one kind of evidence", "若去掉一类证据"),
    "without_help": Wording(
        "The same members judged again, as if the log had never had this.", "假设日志中没有此项，对同一批成员重新判定。"
    ),
    "left_out": Wording("left out", "去掉"),
    "nothing": Wording("nothing", "无"),
    "becomes": Wording("becomes", "变为"),
    "kept": Wording("members kept", "保留成员"),
    "top_item": Wording("the top item", "首要商品"),
    "hub": Wording("the most used other thing", "使用者最多的其他事物"),
    "hangs": Wording(
        "The alert rests on {witness:event|events}: without them too few items or members would be left for one.",
        "告警建立在 {witness} 次事件之上：去掉它们，所余商品或成员便不足以告警。",
    ),
    "network": Wording("Network", "关系网络"),
    "member_table": Wording("Members", "成员"),
    "member": Wording("member", "成员"),
    "role": Wording("role", "角色"),
    "core": Wording("core", "核心"),
    "attached": Wording("attached", "外围"),
    "evidence": Wording("evidence", "证据"),
    "of_all": Wording("of all", "占全部"),
    "first": Wording("first here", "首次到访"),
    "since": Wording("in the log since", "日志中首次出现"),
    "shared_devices": Wording("shared devices", "共用设备"),
    "weak": Wording("weak because", "薄弱原因"),
    "item_table": Wording("Items, each with its own time (a margin and strays included)", "商品（各自的时间，含余量与零星事件）"),
    "visitors": Wording("all users then", "当时全部用户"),
    "from": Wording("from", "起"),
    "to": Wording("to", "止"),
    "category": Wording("category", "品类"),
    "shared_table": Wording("What members share", "成员共用之物"),
    "kind": Wording("type", "类型"),
    "id": Wording("id", "标识"),
    "all_users": Wording("all users", "全部用户"),
    "at_once": Wording("most at once", "同时最多"),
    "expected": Wording("of ordinary users", "普通用户预期"),
    "crowded": Wording("crowded", "人流密集"),
    "yes": Wording("yes", "是"),
    "seller_table": Wording("Shops that gain", "获益店铺"),
    "orders": Wording("orders", "订单"),
    "expected_orders": Wording("ordinary users", "普通用户预期"),
    "event_table": Wording("Events", "事件"),
    "event_help": Wording(
        "★ read these first; ● the alert rests on these; ○ strays, outside the ring's time.",
        "★ 请先阅读；● 告警建立在这些事件之上；○ 零星事件，不在团伙时段内。",
    ),
    "some_events": Wording("{shown} of {all:event|events}, evenly spread.", "显示 {all} 次事件中均匀选取的 {shown} 次。"),
    "when": Wording("when (UTC)", "时间（UTC）"),
    "when_here": Wording("when ({zone})", "时间（{zone}）"),
    "action": Wording("action", "行为"),
    "copies": Wording("Review texts that are nearly the same", "几乎相同的评价文本"),
    "copy_count": Wording("Copy {count:id|ids}", "复制这 {count} 个标识"),
    "copy_id": Wording("Copy the whole id", "复制完整标识"),
    "command_help": Wording(
        "Write confirmed, innocent or unsure for VERDICT.", "请将 VERDICT 换成 confirmed（确认）、innocent（正常）或 unsure（不确定）。"
    ),
    "copy_command": Wording("Copy the command", "复制命令"),
    "save_members": Wording("Save {shown} of {all:member|members} as CSV", "将 {all} 名成员中的 {shown} 名存为 CSV"),
    "save_events": Wording("Save {shown} of {all:event|events} as CSV", "将 {all} 次事件中的 {shown} 次存为 CSV"),
    "save_rings": Wording("Save {shown} of {count:ring|rings} as CSV", "将 {count} 个团伙中的 {shown} 个存为 CSV"),
    "why_ring": Wording("Why", "依据"),
    "waterfall": Wording("Where the evidence comes from", "证据来源"),
    "fall_gain": Wording("Meeting at {kind} adds {gain}.", "在{kind}处相遇贡献 {gain}。"),
    "fall_together": Wording("coming to several", "到过其中多处"),
    "fall_together_help": Wording(
        "How unlikely it is that these members came to several of them, and to no others.", "这些成员到过其中多处而非他处，本身有多不寻常。"
    ),
    "fall_cost": Wording("so many could be picked", "可挑选的组合众多"),
    "fall_cost_help": Wording(
        "Among so many users some group always looks odd; this is taken off for it.", "用户众多，总有某组看似异常，因此扣除此数。"
    ),
    "fall_help": Wording("Each point makes coincidence ten times less likely.", "每一分表示巧合的可能性再低十倍。"),
    "fall_scale": Wording(
        "A whole line is {most} here; it differs from group to group, so compare numbers between groups, not bars.",
        "此处整条为 {most} 分，各团伙比例不同；不同团伙之间请比较数字，而非条长。",
    ),
    "against_innocent": Wording("What contradicts the innocent explanation", "与正常原因相矛盾的事实"),
    "grid": Wording("Who came where, and when", "谁在何时到访何处"),
    "grid_help": Wording(
        "Rows are members and columns items, both by first arrival; dots are what members share. Choose a name, a column or a stretch of the strip, "
        "and the rest follows.",
        "行为成员，列为商品，均按首次到访排序；圆点为成员共用之物。点选名称、列或在上方条带拖选时段，其余随之变化。",
    ),
    "strip": Wording("Arrivals of members at items over time", "成员到访商品的时间分布"),
    "by_hour": Wording("Colour: hour of the first arrival ({zone})", "颜色：首次到访的小时（{zone}）"),
    "by_day": Wording("Colour: day of the first arrival", "颜色：首次到访的日期"),
    "clear": Wording("Choose nothing", "取消选择"),
    "select": Wording("Choose", "选择"),
    "shown_of": Wording("{what}: {shown} of {all}", "{what}：共 {all} 项，显示 {shown} 项"),
    "do": Wording("What to do", "如何处理"),
    "next_step": Wording("Next step", "下一步"),
    "next_devices": Wording(
        "Look up two of the shared devices: is it one phone, at the same hours? Then act on their accounts together.",
        "查看其中两台共用设备：是否同一部手机、同样时段？若是，对其账号一并处理。",
    ),
    "next_orders": Wording(
        "Ask the shop for proof of delivery of five of these orders. Leave them and their ratings out of its rank until then.",
        "请店铺提供其中五笔订单的发货凭证；在此之前，这些订单与评分不计入其排名。",
    ),
    "next_refunds": Wording(
        "Hold open refunds of these accounts, and look at three of the parcels.", "暂停这些账号未完成的退款，并核查三个包裹。"
    ),
    "next_coupons": Wording(
        "Stop coupons for these accounts, and see whether they order without one.", "停发这些账号的优惠券，看其无券时是否仍下单。"
    ),
    "next_owners": Wording(
        "Ask two owners whether they did this; if not, end all sessions of these accounts.",
        "询问两名账号所有者是否本人操作；若否，下线这些账号的全部会话。",
    ),
    "next_plain": Wording("Read the starred events, then compare two members.", "阅读带星标的事件，再对比两名成员。"),
    "next_review": Wording(
        "Nothing by this page alone: most groups that stand so are none. Where your own records tell more, read the starred events and decide.",
        "仅凭本页无需处理：处于此种情形的群体多数不是团伙。若自有记录另有依据，再看带星标的事件并下结论。",
    ),
    "next_contested": Wording(
        "Read what contradicts the innocent explanation, then the starred events. Decide only if these settle it.",
        "先看与正常原因相矛盾的事实，再看带星标的事件；足以判断时再下结论。",
    ),
    "next_likely": Wording(
        "Most groups that stand so were rings. Read the starred events, and look the accounts up in your own records, before you decide.",
        "处于此种情形的群体多数是团伙。判断前请先看带星标的事件，并在自有记录中核查这些账号。",
    ),
    "next_none": Wording("Nothing, unless you know better than the innocent explanation.", "无需处理，除非你掌握与正常原因相反的情况。"),
    "hold_help": Wording("Not to act on yet, for what stands beside each.", "暂不处置，原因见各行。"),
    "decide": Wording("Your verdict", "你的结论"),
    "compare": Wording("Two members side by side", "两名成员对比"),
    "compare_help": Wording(
        "Where both were, how far apart, and how many of all users came there: to an item in its time, to all else ever.",
        "两人都到过之处、相隔时间，以及到过那里的全部用户数：商品只计其时段内，其余计全日志。",
    ),
    "first_member": Wording("first member", "成员甲"),
    "second_member": Wording("second member", "成员乙"),
    "minutes_apart": Wording("minutes apart", "相隔分钟"),
    "there_too": Wording("all users there", "到过的全部用户"),
    "of_everybody": Wording("of everybody", "占全部用户"),
    "nothing_common": Wording("They have nothing of this ring in common.", "两人在此团伙中没有共同之处。"),
    "draw": Wording("Draw it", "绘制"),
    "network_help": Wording(
        "Members stand between items and what they share. Drag nodes, hover for ids; networks that many share are one node.",
        "成员位于商品与共用之物之间。可拖动节点，悬停查看标识；多人共用的网络合并为一个节点。",
    ),
    "its_rings": Wording("Its rings", "所属团伙"),
    "in_no_ring": Wording("The dossiers of this report tell nothing of it.", "本报告中的档案未提及它。"),
    "only_dossiers": Wording(
        "This report holds the dossiers of the first {count} of {all:ring|rings}; members and things of the others are not searched here.",
        "本报告包含 {all} 个团伙中前 {count} 个的档案；其余团伙的成员与事物不在此查找范围内。",
    ),
    "events_counted": Wording(
        "Events at items, at shops and at things that one member alone uses are those in the ring; at what members share, all of the log.",
        "商品、店铺以及仅一名成员使用之物只计团伙内的事件；成员共用之物计全日志事件。",
    ),
    "life": Wording("Its days", "逐日行为"),
    "life_help": Wording("Events by day: above the line in rings, below it all others.", "逐日事件：线上为团伙内，线下为其他。"),
    "it_shares": Wording("Where it was with others", "与他人共同到过之处"),
    "used_by": Wording("Members there", "到过的成员"),
    "bought": Wording("bought", "购买"),
    "money": Wording("amount", "金额"),
    "copied": Wording("Copied", "已复制"),
    "hubs": Wording("public networks", "公共网络"),
    "more": Wording("Show all: here, {shown} of {count}", "显示全部：现显示 {count} 项中的 {shown} 项"),
    "lasted": Wording("lasted", "历时"),
    "hours": Wording("{count} h", "{count} 小时"),
    "days": Wording("{count} d", "{count} 天"),
    "at_stake": Wording("at stake", "涉嫌金额"),
    "q": Wording("by coincidence", "巧合可能"),
    "act": Wording("Act on", "可处理"),
    "act_if": Wording("If you decide that it is a ring, act on", "若判定为团伙，可处理"),
    "hold": Wording("Hold, do not act yet", "暂缓，先不处理"),
    "standing": Wording("advice", "建议"),
    "until": Wording("last event", "最后事件"),
    "strays": Wording("strays", "零星事件"),
    "payments": Wording("payments", "支付"),
    "returns": Wording("returned or cancelled", "退款或取消"),
    "draws": Wording("something that draws many, such as a sale, a mailing or an outage", "某件吸引众人的事，如促销、群发邮件或故障"),
    "verdict": Wording(
        "A finding, not a verdict: whether this breaks a rule is for people to say.", "这是发现，不是结论：是否违规由人判断。"
    ),
    "notes": Wording("Notes on the log", "关于日志的说明"),
    "untimed": Wording("This log has no times.", "此日志没有时间。"),
    # Lines of the terminal and the case note.
    "ring_line": Wording(
        "rank {rank} of {rings} · score {score:.3f} · by coincidence {q}", "第 {rank} 位（共 {rings} 个）· 分数 {score:.3f} · 巧合可能 {q}"
    ),
    "ring_sum": Wording(
        "{members:member|members}, {items:item|items}, {events:event|events}, {span}",
        "{members} 名成员，{items} 件商品，{events} 次事件，{span}",
    ),
    "bought_line": Wording(
        "orders {orders}{order_amount}, payments {payments}{payment_amount}, returned or cancelled {returns}{return_amount}",
        "订单 {orders} 笔{order_amount}，支付 {payments} 笔{payment_amount}，退款或取消 {returns} 笔{return_amount}",
    ),
    "stake_line": Wording(
        "at stake: {amount:,.2f} (purchases beyond those of as many ordinary users)", "涉嫌金额：{amount:,.2f}（超出同样多普通用户的购买）"
    ),
    "worth_amount": Wording(" ({amount:,.2f})", "（{amount:,.2f}）"),
    "not_told": Wording("not measured in this log", "本日志中未测"),
    "no_times": Wording("no times", "无时间"),
    "span": Wording("{first} to {last}{zone}", "{first} 至 {last}{zone}"),
    "fits_line": Wording("fits: {plain}. {sentence} [{passed}]", "成立：{plain}。{sentence}[{passed}]"),
    "untold_line": Wording("the log cannot tell whether it is a case of {name}: {missed}", "日志无法判断是否属于{name}：{missed}"),
    "fails_line": Wording("not a case of {name}: {missed}", "不属于{name}：{missed}"),
    "raised_line": Wording("missed ({name}): {passed}", "未满足（{name}）：{passed}"),
    "spared_line": Wording("met: {spared}", "已满足：{spared}"),
    "told_of": Wording("{what}: {told}", "{what}：{told}"),
    "left_line": Wording(
        "{tier}, evidence {strength:.0f} (with it {whole:.0f}), {kept} of {all:member|members}",
        "{tier}，证据 {strength:.0f}（全部为 {whole:.0f}），保留 {kept}/{all} 名成员",
    ),
    "list_them": Wording("--events lists them.", "可用 --events 列出。"),
    "and_others": Wording("and {count} more", "另有 {count} 项"),
    "but": Wording("but {why}", "但{why}"),
    "counted": Wording("{what} ({count})", "{what}（{count}）"),
    "mark": Wording("mark", "标记"),
    "hours_picture": Wording("When they act: days of the week and hours, {zone}", "活动时间：星期与小时（{zone}）"),
    "weekdays": Wording("Mon Tue Wed Thu Fri Sat Sun", "一 二 三 四 五 六 日"),
    "read_first": Wording("Read these events first, the most telling on top", "请先阅读以下事件（最能说明问题的在前）"),
    "no_room": Wording("Not shown, for want of room: {columns}", "因宽度不够未显示：{columns}"),
    "fragile": Wording("Events of which the loss of any one may end the alert", "其中任何一次都可能左右告警的事件"),
    "witness": Wording("Events on which the alert rests", "告警所依据的事件"),
    "inside": Wording("Events of members on the items in their time", "成员在各商品时段内的事件"),
    "note_title": Wording("Case note: ring {id}", "案件说明：团伙 {id}"),
    "note_sum": Wording(
        "Tier **{tier}**, rank {rank}, score {score:.3f}; such groups by coincidence: {q}. {members:member|members}, {items:item|items}, "
        "{events:event|events}.",
        "等级 **{tier}**，第 {rank} 位，分数 {score:.3f}；巧合可能：{q}。{members} 名成员，{items} 件商品，{events} 次事件。",
    ),
    "decision": Wording("Decision (confirmed, innocent, unsure), by whom and why:", "处理意见（确认、正常、不确定）、处理人及理由："),
    **{f"action_{name}": words for name, words in DEEDS.items()},
}


# What a log's `amount` is worth of: orders, or payments where orders have none; else of whatever was not given back.
WORTH = {"order": "amount", "pay": "paid"}


def label(key: str, language: Language, **values: Any) -> str:
    """The words of a key, filled with the values that they name."""
    return filled(WORDS[key].to(language), **values)


def counted(key: str, language: Language, count: int) -> str:
    """A heading with how many there are."""
    return label("counted", language, what=label(key, language), count=count)


def page_words() -> dict[str, dict[str, str]]:
    """Language → key → words, for a page's scripts."""
    return {language: {key: words.to(language) for key, words in WORDS.items()} for language in LANGUAGES}
