"""Innocent groups that look like rings, each one object: when it is one, its words, and which made groups it is right for.

Another look-alike is another `LookAlike` in `LOOK_ALIKES`. They are tried in order, and the first that fits explains the ring.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphdet.schema.claims import Bar, Claim, Condition
from graphdet.schema.wording import Wording


@dataclass(frozen=True, kw_only=True)
class LookAlike(Claim):
    """An innocent explanation of a ring.

    Attributes:
        plain: what such people are, for a reader who meets the name for the first time.
        kinds: groups of `graphdet.simulate` that it is right for; a group of two faces is named by two look-alikes.
        gives: reasons of the dossier (`words.reasons`) that such people give, too, so that these do not contradict it.
    """

    plain: Wording
    kinds: tuple[str, ...]
    gives: tuple[str, ...] = ()


OWN_DEVICES = Condition("device_share", "less than", Bar("few"))
LASTING = Condition("days", "at least", Bar("long_share", of="log_days"))
# Neighbours meet again and again all through the log, for a deal of a day; a campaign keeps together, and a slow one takes its time.
THROUGHOUT = (
    Condition("apart", "at least", Bar(number=0.01, why="a campaign's items lie closer together than one chance in a hundred has it")),
    Condition("hours", "at most", Bar(number=24, why="a deal is open for a day")),
)

COLLEAGUES = (
    Condition("address_share", "at least", Bar("nearly_all")),
    Condition("place_share", "at least", Bar(number=0.5, why="the other half may order from home, or over a phone's own line")),
    OWN_DEVICES,
)

# What people do who come together for themselves.
HONEST = (
    Condition("refunded", "less than", Bar("few")),
    Condition("coupons", "less than", Bar(number=0.2, why="a deal is cheap without coupons; a crew that collects them uses more")),
    Condition("own_things", "at most", Bar(number=1, why="a couple among them may share one device")),
    OWN_DEVICES,
)

# People who come for each new deal, whoever sells it, to order or to look.
FOLLOWERS = (
    Condition("top_seller", "less than", Bar(number=0.5, why="no shop gains most of it")),
    Condition("sellers", "at least", Bar(number=3, why="a leader offers what is good today, whoever sells it")),
    *HONEST,
)

NEIGHBOURS = (
    *FOLLOWERS,
    Condition("ordered", "at least", Bar(number=0.5, why="who joins a deal orders; the other half looks on")),
)


_FEW_LEFT = "most of what a lasting club does with these items is its meetings, and little is left to tell its taste by"


LOOK_ALIKES: tuple[LookAlike, ...] = (
    LookAlike(
        name="household",
        short=Wording("household", "家庭成员"),
        plain=Wording("a few people who share a home's devices or address", "几个人共用家中的设备或地址"),
        sentence=Wording(
            "A household: {size:person|people}, {address_share} with one delivery address, {place_share} on one network at other times, too.",
            "家庭成员：共 {size} 人，{address_share} 使用同一收货地址，{place_share} 平时也使用同一网络。",
        ),
        ways=((Condition("size", "at most", Bar("household_members")), Condition("home_share", "at least", Bar("nearly_all"))),),
        kinds=("household", "second_hand"),
        gives=("device_farm", "inflated_orders", "shared_payment"),
    ),
    LookAlike(
        name="reseller",
        short=Wording("reseller", "经销商"),
        plain=Wording("a company or reseller that buys the same goods in bulk", "公司或经销商批量购买同样的商品"),
        sentence=Wording(
            "A reseller or company: {size:account|accounts}, {address_share} with one delivery address; {ordered} of the dealings led to an order, "
            "over {days:day|days}.",
            "经销商或公司：{size} 个账号，{address_share} 使用同一收货地址；{ordered} 的往来成交，历时 {days} 天。",
        ),
        ways=(
            (
                Condition("size", "at most", Bar("household_members", plus=2, why="a company's few buyers are a household and two more")),
                Condition("address_share", "at least", Bar(number=0.5, why="some goods are sent straight to customers")),
                Condition("ordered", "at least", Bar(number=0.8, why="who buys to sell again hardly looks around before")),
                LASTING,
            ),
        ),
        kinds=("reseller", "bulk_office"),
        gives=("inflated_orders", "shared_payment"),
    ),
    LookAlike(
        name="staff_device",
        short=Wording("staff or test accounts", "员工或测试账号"),
        plain=Wording("staff or test accounts of the shop", "店铺的员工或测试账号"),
        sentence=Wording(
            "Staff or test accounts: {device_share} on shared devices, {place_share} on one network at other times, too, {refunded} of the "
            "dealings cancelled or returned.",
            "员工或测试账号：{device_share} 使用共用设备，{place_share} 平时也在同一网络，{refunded} 的往来被取消或退回。",
        ),
        ways=(
            (
                Condition("desk_share", "at least", Bar(number=0.3, why="a shop's test devices, beside which staff use their own")),
                Condition("top_seller", "at least", Bar(number=0.65, why="their own shop's goods, and some of others to compare")),
                Condition("refunded", "at least", Bar(number=0.15, why="test orders are cancelled; ordinary shoppers send back less")),
            ),
        ),
        kinds=("staff",),
        gives=("device_farm", "ip_rotation", "refund_cycle", "shared_payment"),
    ),
    LookAlike(
        name="group_buy",
        short=Wording("group-buy", "社区团购"),
        plain=Wording("neighbours who order together through one leader", "邻里通过同一位团长一起下单"),
        sentence=Wording(
            "A group-buy: shops involved {sellers}, the largest with {top_seller} of the dealings; {ordered} led to an order, "
            "{refunded} came back.",
            "社区团购：涉及 {sellers} 家店铺，最大一家占 {top_seller}；{ordered} 的往来成交，{refunded} 退回。",
        ),
        ways=(
            (*NEIGHBOURS, *THROUGHOUT, Condition("address_share", "at least", Bar("few"))),
            (*NEIGHBOURS, Condition("address_share", "at least", Bar(number=0.5, why="a pick-up address; some have it brought home"))),
        ),
        unless=COLLEAGUES,
        kinds=("group_buy", "campus_class", "bulk_office"),
        gives=("inflated_orders",),
    ),
    LookAlike(
        name="shared_network",
        short=Wording("shared network", "共用网络"),
        plain=Wording(
            "many people behind one network: campus, office, café or a carrier's NAT",
            "许多人在同一网络之后：校园、办公室、咖啡馆或运营商 NAT",
        ),
        sentence=Wording(
            "A shared network (campus, office, carrier): {place_share} of members use one IP address at other times, too, as do {place_users:user|users} "
            "in all; {address_share} deliver to one address.",
            "共用网络（校园、办公室、运营商）：{place_share} 的成员平时也使用同一 IP 地址，全日志共有 {place_users} 个用户使用它；{address_share} 寄往同一地址。",
        ),
        ways=(
            COLLEAGUES,
            (
                Condition("place_members", "at least", Bar(number=3, why="two may be a couple")),
                Condition("place_share", "at least", Bar(number=0.12, why="fewer than one in eight do not make the group")),
                Condition(
                    "place_users",
                    "at least",
                    Bar(number=3, of="place_members", why="most of who use the network are others; a gang has its lines to itself"),
                ),
                Condition("place_chance", "less than", Bar("network_chance")),
                OWN_DEVICES,
            ),
        ),
        kinds=("campus", "campus_class", "carrier", "cafe", "bulk_office"),
    ),
    LookAlike(
        name="sold_together",
        short=Wording("one set, page or mail", "同一套装、页面或邮件"),
        plain=Wording(
            "people who met one set, page, mail or list, whose items everybody meets together",
            "遇到同一套装、页面、邮件或清单的人：凡接触其中一件的人都会同时接触其余各件",
        ),
        sentence=Wording(
            "One set, page or mail: {one_sitting} of members came in one sitting only, and others who come to one of these "
            "items go on to the next {together} as often as members do.",
            "同一套装、页面或邮件：{one_sitting} 的成员只来过一次；到过其中一件商品的外人随即光顾其余商品的频率为成员的 {together}。",
        ),
        ways=(
            (
                Condition("one_sitting", "at least", Bar(number=0.5, why="most of them")),
                Condition("together", "at least", Bar("few")),
                Condition("own_things", "at most", Bar(number=0, why="a set is not bought on one device")),
                OWN_DEVICES,
            ),
        ),
        kinds=(),
        gives=("coupon_crew", "inflated_orders"),
    ),
    LookAlike(
        name="flash_sale",
        short=Wording("flash sale", "限时抢购"),
        plain=Wording("a sale or live stream that brought a crowd at once", "一场抢购或直播同时带来了人群"),
        sentence=Wording(
            "A flash sale or live stream: {crowd} of the visitors within half an hour of members are strangers, more than usual: {rush:time|times} as "
            "many.",
            "限时抢购或直播：成员到访前后半小时内的访客有 {crowd} 是超出平常的外人，为平常的 {rush} 倍。",
        ),
        ways=(
            (
                Condition("crowd", "at least", Bar(number=0.4, why="a stream's own followers are most of its crowd, and are in the ring")),
                Condition("rush", "at least", Bar("rush")),
                OWN_DEVICES,  # hundreds on a few phones are no public
            ),
        ),
        # Who comes with a crowd is at one or two of the things that draw crowds; who is at many of the same has another reason.
        unless=(Condition("two_target_share", "at most", Bar("loose_two_target_share")),),
        kinds=("flash_sale",),
        gives=("coupon_crew", "inflated_orders"),
    ),
    LookAlike(
        name="fan_club",
        short=Wording("fan club", "爱好者群体"),
        plain=Wording(
            "people whose own lasting taste brings them to the same items at the same time",
            "爱好者群体：这些人一贯的兴趣把他们同时带到相同的商品",
        ),
        sentence=Wording(
            "A fan club: on other days, too, members come for this kind of items {taste:time|times} as often as everybody, and to these shops "
            "{seller_taste:time|times}.",
            "爱好者群体：成员在其他日子光顾此类商品的频率也是常人的 {taste} 倍，光顾这些店铺的频率是常人的 {seller_taste} 倍。",
        ),
        # A shop sells several kinds and a kind is sold in several shops, so a taste for either is one.
        ways=(
            (Condition("best_taste", "at least", Bar("fan_taste")), OWN_DEVICES),
            (Condition("best_taste", "at least", Bar("fan_taste", times=(0.65,), why=_FEW_LEFT)), LASTING, OWN_DEVICES),
        ),
        kinds=("fan_club", "subscription"),
    ),
)


def look_alike(name: str) -> LookAlike:
    """The look-alike of this name."""
    return next(one for one in LOOK_ALIKES if one.name == name)


def look_alike_names() -> tuple[str, ...]:
    """Names in the order in which they are tried."""
    return tuple(one.name for one in LOOK_ALIKES)


def right_for() -> dict[str, frozenset[str]]:
    """Names of the look-alikes that explain each kind of made group rightly."""
    kinds = dict.fromkeys(kind for one in LOOK_ALIKES for kind in one.kinds)
    return {kind: frozenset(one.name for one in LOOK_ALIKES if kind in one.kinds) for kind in kinds}
