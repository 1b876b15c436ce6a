"""The words of a dossier as data: every reason that graphdet can give, a sentence in English and in Chinese, filled with numbers.

Words about people stay careful: a group is suspected; what it did, a person can count; whether it broke a rule, people decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from graphdet.schema.wording import Language
from graphdet.words.claim_sentences import plain_number

Side = Literal["for", "caution"]


@dataclass(frozen=True)
class Code:
    """One reason: on which side it speaks, and its sentence in both languages with named numbers in it."""

    side: Side
    en: str
    zh: str

    def words(self, language: Language, numbers: dict[str, Any]) -> str:
        """The sentence with the numbers in it."""
        return (self.en if language == "en" else self.zh).format(**{name: _shown(value) for name, value in numbers.items()})


class _Number(float):
    """A number that shows two digits that count unless told otherwise."""

    def __format__(self, spec: str) -> str:
        return float.__format__(self, spec) if spec else plain_number(self)


def _shown(value: Any) -> Any:
    return _Number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


CATALOGUE: dict[str, Code] = {
    # Tactics: what the pattern looks like.
    "lockstep_orders": Code(
        "for",
        "{members} of {of} members came to at least {least} of the same {items} items, each item within its own time; "
        "expected, if everybody chose alone: {expected}.",
        "{of} 名成员中有 {members} 人在各商品各自的时段内光顾了同样 {items} 件商品中的至少 {least} 件；若人人自行选择，预期仅 {expected} 人。",
    ),
    "permuted_logs": Code(
        "for",
        "{as_strong} of the {null_rings} groups found in {permutations} permuted logs is as strong; by their tail, chance makes {false_rings} such "
        "groups in a log.",
        "在 {permutations} 份打乱的日志中找到的 {null_rings} 个群组里，有 {as_strong} 个达到同样强度；依其尾部推算，一份日志中偶然出现的此类群组为 {false_rings} 个。",
    ),
    "farm_minutes": Code(
        "for",
        "Of the {accounts} accounts that ever used the group's {things} things (devices, cards, addresses or networks that are its own), {inside} "
        "did so within {minutes} minutes and at no other time. Honest people who share a thing would with a chance of {share} each; so many of "
        "them in one of the {groups} groups looked at: one in 10^{digits:.0f}.",
        "曾使用该群组 {things} 个独占事物（设备、卡、地址或网络）的 {accounts} 个账号中，有 {inside} 个只在 {minutes} 分钟内使用过。共用同一事物的正常用户"
        "各自如此的概率为 {share}；在所考察的 {groups} 个群组之一中有这么多账号如此：10^{digits:.0f} 分之一。",
    ),
    "farm_hours": Code(
        "for",
        "Of the {accounts} accounts that ever used the group's {things} things (devices, cards, addresses or networks that are its own), {inside} "
        "did so within {hours} hours and at no other time. Honest people who share a thing would with a chance of {share} each; so many of "
        "them in one of the {groups} groups looked at: one in 10^{digits:.0f}.",
        "曾使用该群组 {things} 个独占事物（设备、卡、地址或网络）的 {accounts} 个账号中，有 {inside} 个只在 {hours} 小时内使用过。共用同一事物的正常用户"
        "各自如此的概率为 {share}；在所考察的 {groups} 个群组之一中有这么多账号如此：10^{digits:.0f} 分之一。",
    ),
    "farm_number": Code(
        "for",
        "{inside} accounts share {things} things of several kinds (devices, cards, addresses) and hardly use others. By how many accounts things "
        "have in this log, one of the {groups} groups looked at would be so large with a chance of one in 10^{digits:.1f}.",
        "{inside} 个账号共用多个种类的 {things} 个事物（设备、卡、地址），很少使用其他的。按本日志中各事物通常的账号数，所考察的 {groups} 个群组之一达到"
        "如此规模的概率为 10^{digits:.1f} 分之一。",
    ),
    "tight_windows": Code(
        "for",
        "Members come to an item close together: half of the items within {hours} hours from the first member to the last.",
        "成员到访同一商品的时间十分集中：一半商品从首位到末位成员相隔不超过 {hours} 小时。",
    ),
    "device_farm": Code(
        "for",
        "Suspected device farm: {members} of {of} members act from {devices} devices that three or more of them share.",
        "疑似群控设备：{of} 名成员中有 {members} 人使用至少三人共用的 {devices} 台设备。",
    ),
    "ip_rotation": Code(
        "for",
        "Suspected IP rotation: {devices} shared devices show {ips} IP addresses in {events} events.",
        "疑似轮换 IP：{devices} 台共用设备在 {events} 次事件中出现 {ips} 个 IP 地址。",
    ),
    "shared_ip": Code(
        "for",
        "{members} members use the IP address {id}, which has {users} users in the whole log; expected by chance: {expected} members.",
        "{members} 名成员使用 IP 地址 {id}，该地址在全日志中共有 {users} 个用户；偶然预期为 {expected} 名成员。",
    ),
    "shared_payment": Code(
        "for",
        "{keys} payment instruments are used by two or more members; the most shared one by {members}.",
        "有 {keys} 个支付工具被两名以上成员使用，共用最多的一个有 {members} 人。",
    ),
    "shared_address": Code(
        "for",
        "{keys} delivery addresses are used by two or more members; the most shared one by {members}.",
        "有 {keys} 个收货地址被两名以上成员使用，共用最多的一个有 {members} 人。",
    ),
    "hijacked_accounts": Code(
        "for",
        "Suspected hijacked or rented accounts: {aged} of {of} were in use for two weeks or more before, and {novel:.0%} of what they came for "
        "is of kinds they never touched otherwise.",
        "疑似被盗用或租用的账号：{of} 个账号中有 {aged} 个此前已使用两周以上，而其目标中 {novel:.0%} 属于他们此外从未接触过的品类。",
    ),
    "coattail_clicks": Code(
        "for",
        "Suspected coattail clicks: {members} of {of} members tie a popular item ({users} visitors at the time) to {own} items that hardly "
        "anybody else visits.",
        "疑似蹭热点点击：{of} 名成员中有 {members} 人把热门商品（当时有 {users} 名访客）与 {own} 件几乎无他人光顾的商品绑在一起。",
    ),
    "review_copies": Code(
        "for",
        "Suspected review copies: {copies} of {texts} review texts by members are nearly the same as another member's.",
        "疑似复制评价：成员的 {texts} 条评价中有 {copies} 条与其他成员的几乎相同。",
    ),
    "rating_burst": Code(
        "for",
        "Suspected rating burst: members gave {ratings} ratings, mean {mean:.1f}; everybody else gave these items {others}, mean {others_mean}.",
        "疑似刷分：成员给出 {ratings} 个评分，均值 {mean:.1f}；其他人对这些商品给出 {others} 个，均值 {others_mean}。",
    ),
    "refund_cycle": Code(
        "for",
        "Suspected refund cycle: {share:.0%} of members' dealings with the items end in a refund or cancellation ({amount} in all).",
        "疑似退款循环：成员与这些商品的往来中有 {share:.0%} 以退款或取消告终（共计 {amount}）。",
    ),
    "coupon_crew": Code(
        "for",
        "Suspected coupon crew: coupons were used in {share:.0%} of members' dealings with the items.",
        "疑似薅券团伙：成员与这些商品的往来中有 {share:.0%} 使用了优惠券。",
    ),
    "inflated_orders": Code(
        "for",
        "Shop {id} gains: {orders} orders by members, of which so many ordinary users would have placed {expected}; suspected inflation "
        "{inflated} orders, {amount}.",
        "店铺 {id} 获益：成员下单 {orders} 笔，同样多的普通用户预期为 {expected} 笔；疑似虚增 {inflated} 笔，金额 {amount}。",
    ),
    "seller_cartel": Code(
        "for",
        "Suspected shared pool of workers: {sellers} shops gain from the same members, the largest gets {share:.0%} of their orders.",
        "疑似多家店铺共用刷手：{sellers} 家店铺从同一批成员获益，最大的一家占其订单的 {share:.0%}。",
    ),
    "item_burst": Code(
        "for",
        "Item {id} had {events} events within {hours} hours from {day}; usual are {usual} in so many hours.",
        "商品 {id} 自 {day} 起 {hours} 小时内有 {events} 次事件，平常同样时长为 {usual} 次。",
    ),
    "night_shift": Code(
        "for",
        "{share:.0%} of members' events fall in the log's six quietest hours (from {hour:.0f}:00 UTC), which hold {usual:.0%} of all events.",
        "成员事件的 {share:.0%} 落在全日志最清静的六小时内（自 UTC {hour:.0f}:00 起），而该时段仅占全部事件的 {usual:.0%}。",
    ),
    "same_minute": Code(
        "for",
        "{close} pairs of members came to the same item within one minute; {expected} would have, spread evenly over the same times.",
        "有 {close} 对成员在一分钟内光顾同一商品；若在同样时段内均匀分布，预期为 {expected} 对。",
    ),
    "periodic_gaps": Code(
        "for",
        "Clockwork: {share:.0%} of the {gaps} gaps between visits are within a tenth of {minutes} minutes; 7% would be by chance.",
        "节奏如钟表：{gaps} 个到访间隔中有 {share:.0%} 与 {minutes} 分钟相差不到一成；偶然情况下约为 7%。",
    ),
    "dedication": Code(
        "for",
        "{share:.0%} of all that members did with items, in the whole log, was on these {items} items.",
        "成员在全日志中对商品的全部行为有 {share:.0%} 集中在这 {items} 件商品上。",
    ),
    "novel_taste": Code(
        "for",
        "{novel} of {of} interests are new: members came for kinds of items that they never touched otherwise.",
        "{of} 项兴趣中有 {novel} 项是全新的：成员光顾的品类是他们此外从未接触过的。",
    ),
    "new_accounts": Code(
        "for",
        "{new} of {of} accounts first appear no earlier than a day before the group does; of all users {usual:.0%} do.",
        "{of} 个账号中有 {new} 个最早出现于群组开始前一天之内或之后；全部用户中此比例为 {usual:.0%}。",
    ),
    "dense": Code(
        "for",
        "{hits} of the possible {possible} member–item pairs are there; members of the same popularity would make {expected}.",
        "可能的 {possible} 个“成员–商品”组合中出现了 {hits} 个；按同样热度预期为 {expected} 个。",
    ),
    # What asks for care.
    "nat_like": Code(
        "caution",
        "IP address {id} looks like a shared network ({users} users): {members} members on it say little, {expected} would be there by chance.",
        "IP 地址 {id} 像是共用网络（{users} 个用户）：其上有 {members} 名成员说明不了什么，偶然预期即有 {expected} 名。",
    ),
    "crowded_discounted": Code(
        "caution",
        "Discounted as crowded: {keys} of the things that members share; each visitor there was compared with the nearest in time only.",
        "因拥挤而打折：成员共用的事物中有 {keys} 个；在那里每位访客只与时间最近者比较。",
    ),
    "weak_members": Code(
        "caution",
        "{weak} of {of} members are weak: they touched few of the items or add little evidence. Leave them out before acting on accounts.",
        "{of} 名成员中有 {weak} 名证据薄弱：接触的商品少或证据贡献小。对账号采取措施前应先将其排除。",
    ),
    "fragile": Code(
        "caution",
        "The alert may hang by a thread: grown again without any one of {events} of its events, the ring is none.",
        "该告警可能岌岌可危：其中 {events} 次事件缺少任何一次，重新生长后便不成其为告警。",
    ),
}

# Why a member is weak.
WEAKNESS: dict[str, Code] = {
    "few_items": Code("caution", "touched {touched} of {items} items", "仅接触 {items} 件商品中的 {touched} 件"),
    "little_evidence": Code("caution", "adds little evidence ({contribution:.1f})", "证据贡献小（{contribution:.1f}）"),
}
