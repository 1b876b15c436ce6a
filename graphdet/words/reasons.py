"""The words of a dossier as data: every reason that graphdet can give, a sentence in English and in Chinese, filled with numbers.

Words about people stay careful: a group is suspected; what it did, a person can count; whether it broke a rule, people decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from graphdet.schema.wording import Language, Wording, filled, named
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
        text = self.en if language == "en" else self.zh
        return filled(text, **{name: _shown(numbers[name]) for name in named(text)})


class _Number(float):
    """A number that shows two digits that count unless told otherwise; a share that is not nothing is never told as 0%."""

    def __format__(self, spec: str) -> str:
        if not spec:
            return plain_number(self)
        told = float.__format__(self, spec)
        return "<" + told[:-2] + "1%" if spec.endswith("%") and self > 0 and not float(told[:-1]) else told


def _shown(value: Any) -> Any:
    return _Number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


CATALOGUE: dict[str, Code] = {
    # Tactics: what the pattern looks like. A share of members stands beside the same share of everybody else in the same time.
    "lockstep_orders": Code(
        "for",
        "{members} of {of:member|members} came to {least} or more of the same {items:item|items}, each while the group was there. If everybody chose freely, "
        "{expected:user|users} in the whole log would.",
        "{of} 名成员中有 {members} 人在各商品的同一时段内到过同样 {items} 件商品中的 {least} 件以上。若人人自行选择，全日志预期只有 {expected} 人如此。",
    ),
    "lockstep_untimed": Code(
        "for",
        "{members} of {of:member|members} came to {least} or more of the same {items:item|items}. If everybody chose freely, "
        "{expected:user|users} in the whole log would.",
        "{of} 名成员中有 {members} 人到过同样 {items} 件商品中的 {least} 件以上。若人人自行选择，全日志预期只有 {expected} 人如此。",
    ),
    "shuffled_logs": Code(
        "for",
        "As a check, the log was shuffled {permutations:time|times}, so that only coincidence is left: it gave {null_rings:group|groups}, "
        "{as_strong} as strong as this. Expected in one log: {false_rings}.",
        "随机对照：把日志随机打乱 {permutations} 次，只留下巧合；其中找到的 {null_rings} 个团伙里有 {as_strong} 个与此同样强。"
        "一份日志中因巧合出现的此类团伙预期为 {false_rings} 个。",
    ),
    "farm_minutes": Code(
        "for",
        "{accounts:account|accounts} ever used the {things:thing|things} (devices, cards, addresses, networks) that this group has to itself. {inside} of them did so "
        "within {minutes:minute|minutes} and never again. Of honest people who share such things {share:.1%} would; that so many do by coincidence, in "
        "any of {groups:group|groups} looked at, has a chance of one in 10^{digits:.0f}.",
        "共有 {accounts} 个账号用过该团伙独占的 {things} 个设备、卡、地址或网络，其中 {inside} 个只在 {minutes} 分钟内用过、此后再未使用。"
        "正常共用者中仅 {share:.1%} 会如此；在所考察的 {groups} 个团伙中任何一个因巧合出现这么多的概率为 10^{digits:.0f} 分之一。",
    ),
    "farm_hours": Code(
        "for",
        "{accounts:account|accounts} ever used the {things:thing|things} (devices, cards, addresses, networks) that this group has to itself. {inside} of them did so "
        "within {hours:hour|hours} and never again. Of honest people who share such things {share:.1%} would; that so many do by coincidence, in "
        "any of {groups:group|groups} looked at, has a chance of one in 10^{digits:.0f}.",
        "共有 {accounts} 个账号用过该团伙独占的 {things} 个设备、卡、地址或网络，其中 {inside} 个只在 {hours} 小时内用过、此后再未使用。"
        "正常共用者中仅 {share:.1%} 会如此；在所考察的 {groups} 个团伙中任何一个因巧合出现这么多的概率为 10^{digits:.0f} 分之一。",
    ),
    "farm_number": Code(
        "for",
        "{inside:account shares|accounts share} {things:thing|things} (devices, cards, addresses, networks) of several kinds, hardly using others. That so many share by "
        "coincidence, in any of {groups:group|groups} looked at, has a chance of one in 10^{digits:.1f}.",
        "{inside} 个账号共用多个种类的 {things} 个设备、卡、地址或网络，几乎不用其他的。在所考察的 {groups} 个团伙中任何一个因巧合达到如此规模的概率为 "
        "10^{digits:.1f} 分之一。",
    ),
    "tight_windows": Code(
        "for",
        "Members come close together: at half of the items no more than {hours:hour passes|hours pass} from the first member to the last.",
        "成员到访时间集中：在一半商品上，从第一名到最后一名成员不超过 {hours} 小时。",
    ),
    "tight_days": Code(
        "for",
        "Members come close together: to half of the items all of them came within {days:day|days}.",
        "成员到访时间集中：在一半商品上，全部成员在 {days} 天内到访。",
    ),
    "device_farm": Code(
        "for",
        "Suspected device farm: {members} of {of:member|members} use {devices:device that|devices that} three or more of them share. Of everybody else in "
        "the log {usual:.1%} use a device with three or more users.",
        "疑似群控设备：{of} 名成员中有 {members} 人使用至少三名成员共用的 {devices} 台设备；全日志其他用户中使用三人以上共用设备的占 {usual:.1%}。",
    ),
    "ip_rotation": Code(
        "for",
        "Suspected change of IP addresses: {devices:shared device was|shared devices were} seen at {ips:address|addresses} in {events:event|events}, {each:.1f} for each device. "
        "Devices of everybody else were seen at {usual:.1f} in the same time.",
        "疑似轮换 IP：{devices} 台共用设备在 {events} 次事件中出现 {ips} 个地址，平均每台 {each:.1f} 个；同期其他用户的设备平均为 {usual:.1f} 个。",
    ),
    "shared_ip": Code(
        "for",
        "{members:member uses|members use} the IP address {id}, which has {users:user|users} in the whole log. Of as many ordinary users {expected} would be "
        "expected there.",
        "{members} 名成员使用 IP 地址 {id}，该地址在全日志中共有 {users} 个用户；同样多的普通用户中预期只有 {expected} 人。",
    ),
    "shared_payment": Code(
        "for",
        "{keys:card or other payment instrument is|cards or other payment instruments are} used by two members or more, the busiest by {members}.",
        "有 {keys} 个支付工具被两名以上成员使用，最多的有 {members} 人使用。",
    ),
    "shared_address": Code(
        "for",
        "{keys:delivery address is|delivery addresses are} used by two members or more, the busiest by {members}.",
        "有 {keys} 个收货地址被两名以上成员使用，最多的有 {members} 人使用。",
    ),
    "shared_phone": Code(
        "for",
        "{keys:phone number is|phone numbers are} given by two members or more, the busiest by {members}.",
        "有 {keys} 个电话号码被两名以上成员使用，最多的有 {members} 人使用。",
    ),
    "shared_coupon": Code(
        "for",
        "{keys:coupon is|coupons are} used by two members or more, the busiest by {members}, of a kind that hardly anybody else has.",
        "有 {keys} 张优惠券被两名以上成员使用，最多的有 {members} 人使用，而其他用户很少持有。",
    ),
    "shared_courier": Code(
        "for",
        "{keys:courier serves|couriers serve} two members or more, the busiest {members}, far more than of as many ordinary users.",
        "有 {keys} 名快递员为两名以上成员派件，最多的服务 {members} 人，远多于同样多的普通用户。",
    ),
    "shared_text": Code(
        "for",
        "{keys:review text is|review texts are} written nearly word for word by two members or more. {members:member|members} wrote “{id}” or the like, "
        "of {users:user|users} in the whole log who did.",
        "有 {keys} 条评价文本被两名以上成员几乎逐字写出。{members} 名成员写了“{id}”或类似文字，全日志中共有 {users} 个用户这样写。",
    ),
    "shared_image": Code(
        "for",
        "{keys:picture is|pictures are} shown by two members or more, unchanged or resized, lightened, marked, mirrored or cut. {members:member|members} showed {id}, "
        "of {users:user|users} in the whole log who did.",
        "有 {keys} 张图片被两名以上成员使用（原图，或经缩放、调亮、加水印、镜像、裁边）。{members} 名成员使用了 {id}，全日志中共有 {users} 个用户使用过。",
    ),
    "hijacked_accounts": Code(
        "for",
        "Suspected taken-over or rented accounts: {aged} of {of} had been in use for two weeks or more, and of the kinds of items that they "
        "came for {novel:.0%} were new to them: they touched them at no other time. Of everybody else's in the same time {usual:.0%} were new.",
        "疑似被盗用或租用的账号：{of} 个账号中有 {aged} 个此前已使用两周以上，而他们所到品类中有 {novel:.0%} 在其他时间从未接触；同期其他用户为 {usual:.0%}。",
    ),
    "coattail_clicks": Code(
        "for",
        "Suspected ride on a popular item: {members} of {of:member|members} came to a popular item ({users:visitor|visitors} in that time) and to "
        "one that hardly anybody else visits (the group has {own:such item|such items}).",
        "疑似蹭热点：{of} 名成员中有 {members} 人既到过热门商品（当时有 {users} 名访客），又到过几乎无他人光顾的商品（该团伙共有 {own} 件）。",
    ),
    "review_copies": Code(
        "for",
        "Suspected copied reviews: of {texts:review text|review texts} by members {copies:is|are} nearly the same as another member's.",
        "疑似复制评价：成员的 {texts} 条评价中有 {copies} 条与其他成员的几乎相同。",
    ),
    "rating_burst": Code(
        "for",
        "Suspected bought ratings: members gave these items {ratings:rating|ratings}, {mean:.1f} on average, everybody else gave {others} in the same times. "
        "{share:.0%} of members' dealings led to a rating, of everybody else's {usual:.0%}.",
        "疑似刷分：成员对这些商品给出 {ratings} 个评分，均值 {mean:.1f}；同期其他人给出 {others} 个。成员的往来有 {share:.0%} 带来评分，其他用户为 {usual:.0%}。",
    ),
    "refund_cycle": Code(
        "for",
        "Suspected refund abuse: {share:.0%} of members' dealings with the items were cancelled or sent back ({amount} in all). Of everybody else's "
        "dealings in the same time {usual:.1%} were.",
        "疑似退款循环：成员与这些商品的往来中有 {share:.0%} 被取消或退回（共 {amount}）；同期其他用户的往来中为 {usual:.1%}。",
    ),
    "coupon_crew": Code(
        "for",
        "Suspected coupon abuse: coupons were used in {share:.0%} of members' dealings with the items. In everybody else's dealings in the same time "
        "they were in {usual:.1%}.",
        "疑似薅券团伙：成员与这些商品的往来中有 {share:.0%} 使用了优惠券；同期其他用户的往来中为 {usual:.1%}。",
    ),
    "inflated_orders": Code(
        "for",
        "Shop {id} gains: members bought {orders:time|times}. As many ordinary users would have bought {expected:time|times} just then. "
        "Suspected to be made up: {inflated:purchase|purchases} worth {amount}. {share:.0%} of members' dealings led to an order, of everybody else's {usual:.0%}.",
        "店铺 {id} 获益：成员购买 {orders} 次；同样多的普通用户同期预期购买 {expected} 次，因此疑似虚增 {inflated} 次，金额 {amount}。"
        "成员的往来有 {share:.0%} 成交，其他用户为 {usual:.0%}。",
    ),
    "seller_cartel": Code(
        "for",
        "Suspected shared pool of workers: {sellers:shop gains|shops gain} from the same members; the largest has {share:.0%} of their orders.",
        "疑似多家店铺共用刷手：{sellers} 家店铺从同一批成员获益，最大的一家占其订单的 {share:.0%}。",
    ),
    "item_burst": Code(
        "for",
        "Item {id} had {events:event|events} by anybody within {hours:hour|hours} from {day}, in the group's time. Otherwise it has {usual} in so many hours.",
        "在该团伙的时段内，商品 {id} 自 {day} 起 {hours} 小时内共有 {events} 次事件；其余时间同样时长平均为 {usual} 次。",
    ),
    "night_shift": Code(
        "for",
        "{share:.0%} of members' events fall in the log's six quietest hours (from {hour}). Of everybody else's events in the same time "
        "{usual:.0%} do.",
        "成员的事件有 {share:.0%} 发生在全日志最清静的六小时内（自 {hour} 起）；同期其他用户为 {usual:.0%}。",
    ),
    "same_minute": Code(
        "for",
        "{close:pair|pairs} of members came to the same item within one minute. Spread evenly over the same times, {expected} would have.",
        "有 {close} 对成员在一分钟内到访同一商品；若在同样时段内均匀分布，预期为 {expected} 对。",
    ),
    "task_sheet": Code(
        "for",
        "Suspected task sheet: {members} of {of:member|members} whose way there is known came by the same steps at the same pace ({steps}; + is another item). Of as "
        "many others, as active, {expected} would have.",
        "疑似按任务单操作：{of} 名可看清路径的成员中有 {members} 人以同样的步骤和同样的节奏到达（{steps}；+ 表示其他商品）；同样多、同样活跃的其他用户中预期有 {expected} 人。",
    ),
    "periodic_gaps": Code(
        "for",
        "Like clockwork: {share:.0%} of {gaps:gap|gaps} between visits are within a tenth of {minutes:minute|minutes}. At random about 7% would be.",
        "节奏如钟表：{gaps} 个到访间隔中有 {share:.0%} 与 {minutes} 分钟相差不到一成；随机情况下约为 7%。",
    ),
    "dedication": Code(
        "for",
        "{share:.0%} of all that members ever did with items was on the {items:item|items} of this group. Of what everybody else did {usual:.1%} was.",
        "成员对商品的全部行为有 {share:.0%} 集中在这 {items} 件商品上；其他用户为 {usual:.1%}。",
    ),
    "novel_taste": Code(
        "for",
        "{novel} of {of:time|times} a member came for a kind of items that they touched at no other time. Of everybody else's interests in the same "
        "time {usual:.0%} are new.",
        "成员所到的 {of} 项品类兴趣中有 {novel} 项在其他时间从未接触；同期其他用户的兴趣中为 {usual:.0%}。",
    ),
    "new_accounts": Code(
        "for",
        "First seen a day before the group began or later: {new} of {of:account|accounts}. Of everybody else active in the same time {usual:.0%} were.",
        "{of} 个账号中有 {new} 个在团伙开始前一天之内或之后才首次出现；同期其他活跃用户中为 {usual:.0%}。",
    ),
    "dense": Code(
        "for",
        "Members came to {hits} of {possible:possible pair|possible pairs} of a member and an item. Of as many ordinary users {expected} would be "
        "expected.",
        "在 {possible} 个可能的“成员与商品”组合中出现了 {hits} 个；同样多的普通用户预期为 {expected} 个。",
    ),
    # What asks for care.
    "nat_like": Code(
        "caution",
        "IP address {id} looks like a network that many share ({users:user|users}). So the {members:member|members} on it count for little; of as many ordinary "
        "users {expected} would be expected there.",
        "IP 地址 {id} 像是多人共用的网络（{users} 个用户）：其上有 {members} 名成员说明不了什么，同样多的普通用户中预期有 {expected} 名。",
    ),
    "crowded_discounted": Code(
        "caution",
        "Of the things that members share {keys:is|are} crowded: so many use them that meeting there counted for little.",
        "因人流密集而降权：成员共用的事物中有 {keys} 个使用者太多，在那里相遇几乎不计。",
    ),
    "network_members": Code(
        "caution",
        "The network added {joined} of {of:member|members}: what they did falls just short of what makes a member. Innocent explanations, what "
        "an alert needs and what is left without one kind of evidence are told of the others.",
        "{of} 名成员中有 {joined} 名由网络补入：其行为略低于成员标准；正常原因、告警条件与去掉一类证据后的结果只按其余成员给出。",
    ),
    "weak_members": Code(
        "caution",
        "Hold {weak} of {of:member|members} (no step against them yet): their part is weak; the list of members says why.",
        "{of} 名成员中有 {weak} 名应暂缓处理，原因见各行，已另行列出。",
    ),
    "strays": Code(
        "caution",
        "Of {of:event|events} {strays:is a stray|are strays}: whoever made them came to these items long before or after the others. The group's time "
        "leaves them out.",
        "{of} 次事件中有 {strays} 次是零星事件：这些成员到访的时间远早于或远晚于其他人；已加标记，不计入团伙时段。",
    ),
    "fragile": Code(
        "caution",
        "The alert may hang by a thread: without any one of {events:event|events} it would be no alert.",
        "该告警可能岌岌可危：有 {events} 次事件，缺少其中任何一次便不成其为告警。",
    ),
}

# The same in few words, where it contradicts an innocent explanation.
BRIEF: dict[str, Wording] = {
    "new_accounts": Wording("new accounts: {new} of {of}", "{of} 个账号中有 {new} 个是新账号"),
    "inflated_orders": Wording(
        "{inflated:purchase|purchases} more than ordinary at shop {id}", "在店铺 {id} 的购买比普通用户多 {inflated} 次"
    ),
    "rating_burst": Wording(
        "{share:.0%} of the dealings led to a rating, of everybody else's {usual:.0%}",
        "往来有 {share:.0%} 带来评分，其他用户为 {usual:.0%}",
    ),
    "review_copies": Wording("copied reviews: {copies} of {texts}", "{texts} 条评价中有 {copies} 条雷同"),
    "device_farm": Wording("{members} of {of:member|members} on shared devices", "{of} 名成员中有 {members} 人使用共用设备"),
    "ip_rotation": Wording(
        "{devices:shared device|shared devices} at {ips:IP address|IP addresses}", "{devices} 台共用设备使用 {ips} 个 IP 地址"
    ),
    "hijacked_accounts": Wording("{aged:old account does|old accounts do} what they never did", "{aged} 个老账号做了从未做过的事"),
    "refund_cycle": Wording("{share:.0%} cancelled or sent back", "{share:.0%} 被取消或退回"),
    "coupon_crew": Wording("coupons in {share:.0%} of the dealings", "{share:.0%} 的往来使用优惠券"),
    "shared_payment": Wording("one card used by {members:member|members}", "同一支付工具有 {members} 名成员使用"),
    "coattail_clicks": Wording("{members} of {of} tie a popular item to others", "{of} 人中有 {members} 人把热门商品与其他商品绑在一起"),
    "alert_without": Wording("an alert without the top item", "去掉首要商品后即为告警"),
    "gone_without": Wording("without the top item no group is left", "去掉首要商品后团伙不复存在"),
}


def in_brief(code: str, language: Language, numbers: dict[str, Any]) -> str:
    """A reason in few words."""
    return filled(BRIEF[code].to(language), **{name: _shown(value) for name, value in numbers.items()})


# Why a member is weak.
WEAKNESS: dict[str, Code] = {
    "few_items": Code("caution", "touched {touched} of {items:item|items}", "仅接触 {items} 件商品中的 {touched} 件"),
    "little_evidence": Code("caution", "adds little evidence ({contribution:.1f})", "证据贡献小（{contribution:.1f}）"),
    "stray": Code("caution", "came at another time than the others", "到访时间与其他人不同"),
    "crowd": Code("caution", "one of the crowd, not of its core", "属于人群，不属核心"),
}
