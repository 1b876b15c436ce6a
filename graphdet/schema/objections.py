"""What keeps a ring that no look-alike explains from being an alert: each objection one object, with its conditions and words."""

from __future__ import annotations

from graphdet.schema.claims import Bar, Claim, Condition
from graphdet.schema.lookalikes import FOLLOWERS, HONEST, LASTING, NEIGHBOURS, OWN_DEVICES, THROUGHOUT
from graphdet.schema.wording import Wording

OWN_TARGETS = Condition("outsiders_per_member", "at most", Bar("exclusive"))  # hardly anybody else comes to half of its item targets

# A farm that has devices to itself, and cards, addresses or networks with them, is of one hand, whatever else its accounts did together.
_ONE_KIND = Condition("own_kinds", "less than", Bar(number=2, why="a device alone may be a terminal, an address a house of many homes"))
_NO_FARM = Condition("own_kinds", "less than", Bar(number=1, why="rings that are no farms have none"))
_FEW_TARGETS = Condition("targets", "less than", Bar("alert_targets"))

# One shared device is enough to do a ring's work on; among hundreds some are families.
_HARDLY_SHARED = Condition("own_things", "at most", Bar(number=0.02, of="size", why="one in fifty may share a device at home"))
_OWN_DEVICES = (_HARDLY_SHARED, Condition("device_share", "less than", Bar("few")))

_HARDLY_MEET = Condition("density", "less than", Bar("loose_density"))
_AT_TWO = Condition("two_target_share", "more than", Bar("loose_two_target_share"))
_UNTIMED = Condition("timed", "at most", Bar(number=0, why="a log has times or has none"))
_IN_A_CROWD = Condition("crowd", "more than", Bar("crowd"))
_LITTLE_IN_A_CROWD = (Condition("crowd", "more than", Bar("crowd_most")), Condition("strength", "less than", Bar("crowd_strength")))


OBJECTIONS: tuple[Claim, ...] = (
    # More is needed where most members were at two targets only, since pairs of things are in fashion together, too.
    Claim(
        name="weak",
        short=Wording("weak", "证据弱"),
        sentence=Wording("The evidence is too little for an alert.", "证据强度不足以告警。"),
        ways=(
            (
                Condition("strength", "less than", Bar("alert_strength")),
                Condition("two_target_share", "at most", Bar("loose_two_target_share")),
                _ONE_KIND,
            ),
            (Condition("strength", "less than", Bar("two_target_strength")), _AT_TWO, _ONE_KIND),
        ),
    ),
    Claim(
        name="small",
        short=Wording("small", "规模小"),
        sentence=Wording(
            "{size:member|members} on {targets:item|items}: too few to tell a group from a coincidence of tastes, so this is for review.",
            "{size} 名成员、{targets} 件商品：不足以区分有组织的团伙与口味巧合，因此只列为待复核。",
        ),
        ways=(
            (Condition("size", "less than", Bar("alert_members")),),
            (_FEW_TARGETS, _NO_FARM),
        ),
    ),
    Claim(
        name="one_kind",
        short=Wording("one kind of thing", "仅一类事物"),
        sentence=Wording(
            "What {size:account has|accounts have} to themselves is of one kind: a terminal for all, or a house of many homes, may be shared so.",
            "{size} 个账号独占的事物只有一类：公共终端或多户同住的地址也可能如此共用。",
        ),
        ways=((_NO_FARM.turned(), _ONE_KIND, _FEW_TARGETS),),
    ),
    Claim(
        name="too_many",
        short=Wording("too many", "人数过多"),
        sentence=Wording(
            "{size:member is|members are} {user_share} of all users: more than work together, so rather something that draws many.",
            "{size} 名成员占全部用户的 {user_share}：远超协同行动的规模，更像某件吸引众人的事。",
        ),
        ways=((Condition("size", "at least", Bar("many_members")), Condition("user_share", "more than", Bar("alert_share"))),),
    ),
    # Where hardly anybody else was about, who was there met at whatever was popular: the few who joined a site in its quiet weeks.
    Claim(
        name="nobody_else",
        short=Wording("nobody else there", "几乎无他人在场"),
        sentence=Wording(
            "{of_all} of all who were about on those days are members: hardly anybody else was there to meet, or to be compared with.",
            "那几天到场的全部用户中成员占 {of_all}：几乎没有其他人可遇，也无从比较。",
        ),
        ways=((Condition("of_all", "at least", Bar(number=0.25, why="one in four of all who were there")), _NO_FARM),),
    ),
    # One choice makes many rows: a set in one order, the links of a mail, a page of impressions. Who comes back, or shares devices, chose.
    Claim(
        name="one_sitting",
        short=Wording("one sitting", "仅一次"),
        sentence=Wording(
            "{one_sitting} of members came in one sitting only, on devices of their own: it may have been one choice, such as a page or a list "
            "that nobody else was shown.",
            "{one_sitting} 的成员各用各的设备、只来过一次：这可能只是一次选择，例如只有他们看到的页面或清单。",
        ),
        ways=(
            (
                Condition("one_sitting", "at least", Bar(number=0.5, why="most of them")),
                *_OWN_DEVICES,
            ),
        ),
    ),
    # With bare dates a list looks like a crew: a class buys its books and a mail's readers follow its links, each on a day of their own. A
    # crew works for a shop or two, or comes to each target when it is told to.
    Claim(
        name="one_day",
        short=Wording("one day each", "各在一天"),
        sentence=Wording(
            "{one_day} of members came on one day only, on devices of their own and at {sellers:shop|shops}, the largest with {top_seller} "
            "of the dealings: on bare dates, people with one list or mail in common look the same.",
            "{one_day} 的成员各用各的设备、只在一天来过，涉及 {sellers} 家店铺，最大一家占 {top_seller} 的往来：只有日期时，"
            "手持同一清单或收到同一邮件的人看起来也会如此。",
        ),
        ways=(
            (
                Condition("one_day", "at least", Bar(number=0.5, why="most of them")),
                Condition("sellers", "at least", Bar(number=3, why="a list is of what is needed, whoever sells it")),
                Condition("top_seller", "less than", Bar(number=0.5, why="no shop gains most of it")),
                *_OWN_DEVICES,
            ),
        ),
    ),
    # Neighbours who have it all brought home leave no trace of each other, nor do people who look at each new deal, and nor does a slow
    # campaign: only a person can tell them apart.
    Claim(
        name="like_neighbours",
        short=Wording("like neighbours", "像邻里团购"),
        sentence=Wording(
            "It goes on for {days:day|days}, half of it at an item within {hours:hour|hours}, at {sellers:shop|shops}, the largest with {top_seller} of the "
            "dealings: as a group-buy would, or people who look at each new deal.",
            "活动持续 {days} 天，一件商品上有一半行为集中在 {hours} 小时之内，涉及 {sellers} 家店铺，最大一家占 {top_seller} 的往来：像社区团购，"
            "或一群每有新优惠就来看的人。",
        ),
        ways=((*NEIGHBOURS, *THROUGHOUT), (*FOLLOWERS, *THROUGHOUT, LASTING)),
    ),
    # Where a log tells no shops, nothing says whether one gains; time alone tells such company from a campaign. Where things live for hours, as
    # news do, whoever comes for them comes in a crowd, and so do a crew's: that says nothing.
    Claim(
        name="again_and_again",
        short=Wording("again and again", "反复相聚"),
        sentence=Wording(
            "It goes on for {days:day|days}, half of it at an item within {hours:hour|hours}, at items far apart in time, and the log tells no "
            "shops: a group-buy or an office that orders together would look the same.",
            "活动持续 {days} 天，一件商品上有一半行为集中在 {hours} 小时之内，各商品的时间相距甚远，而日志没有店铺信息：社区团购或一起下单的办公室看起来也会如此。",
        ),
        ways=(
            (
                Condition("sellers", "less than", Bar(number=1, why="a shop that gains, or many that do not, tell more")),
                Condition("crowd", "less than", Bar("crowd")),
                Condition("one_sitting", "at least", Bar(number=0, why="known where times have hours; bare dates tell no deal of an hour")),
                *HONEST,
                *THROUGHOUT,
                LASTING,
            ),
        ),
    ),
    # Where times are bare dates, a shop's regulars meet at what it offers on whatever days they come; a crew comes when it is told to, so
    # that each of its targets has its own few days.
    Claim(
        name="like_regulars",
        short=Wording("like regulars", "像店铺常客"),
        sentence=Wording(
            "{top_seller} of the dealings are with one shop, and half of the visits to an item take {half_days:day|days}: regulars of a shop, who "
            "come on days of their own, look the same.",
            "{top_seller} 的往来在同一家店铺，一件商品半数的到访历时 {half_days} 天：店铺常客各自随意光顾，看起来也会如此。",
        ),
        ways=(
            (
                Condition("top_seller", "at least", Bar("nearly_all")),  # of two shops side by side one has less than either alone
                Condition("half_days", "at least", Bar("spread_share", of="log_days")),
            ),
        ),
    ),
    # A shop gives its customers coupons on days that it chooses, and they come when it does, as a crew comes when it is told to. Where
    # times are bare dates and nobody buys, nothing tells them apart.
    Claim(
        name="handed_out",
        short=Wording("handed out", "店铺发放"),
        sentence=Wording(
            "{coupons} of the dealings took a coupon, {ordered} led to an order, and {top_seller} are with one shop, on bare dates: a shop "
            "that gives its customers coupons on days that it chooses looks the same.",
            "{coupons} 的往来领取了优惠券，{ordered} 成交，{top_seller} 在同一家店铺，且只有日期：店铺在自选日期向顾客发放优惠券，看起来也会如此。",
        ),
        ways=(
            (
                Condition("top_seller", "at least", Bar("nearly_all")),
                Condition("coupons", "at least", Bar("nearly_all")),
                Condition("ordered", "less than", Bar("few")),
                Condition(
                    "half_days", "less than", Bar("spread_share", of="log_days")
                ),  # or else they are like regulars; known of dates alone
            ),
        ),
    ),
    # Among strangers a group stands out by strength alone, and as a minority not even by that.
    Claim(
        name="among_strangers",
        short=Wording("among strangers", "混在外人之中"),
        sentence=Wording(
            "{crowd} of the visitors around members' visits are strangers beyond the usual, so members stand out less.",
            "成员到访前后的访客有 {crowd} 是超出平常的外人，成员因此不那么突出。",
        ),
        # Who came with a crowd is at one or two of the things that draw crowds and on a device of their own, as in a flash sale; without
        # times the number of things says nothing.
        ways=tuple((_IN_A_CROWD, how, little, OWN_DEVICES) for how in (_AT_TWO, _UNTIMED) for little in _LITTLE_IN_A_CROWD),
    ),
    # Groups of one taste, linked by whoever belongs to two of them: all through the log, and hardly anybody at more than two targets.
    Claim(
        name="sprawling",
        short=Wording("sprawling", "松散"),
        sentence=Wording(
            "It goes on for {days:day|days}, as long as the log, and {two_target_share} of the members came to no more than two of its items: "
            "rather several groups of one taste than one ring.",
            "活动持续 {days} 天，几乎贯穿整个日志，且 {two_target_share} 的成员只到过其中至多两件商品：更像几群口味相近的人，而非一个团伙。",
        ),
        ways=((_HARDLY_MEET, _AT_TWO, Condition("days", "more than", Bar("loose_share", of="log_days"))),),
    ),
    # Who likes the same is often at the same things. Without times nothing tells more but that all are at all, that they come back and
    # back, or that nobody else comes there, in a log where that is no custom.
    Claim(
        name="taste_alone",
        short=Wording("taste alone", "仅口味相同"),
        sentence=Wording(
            "The log has no times. Members came to {density} of the items each on average, and {repeats:time|times} as often as people usually "
            "come back to a thing: a taste in common would look the same.",
            "日志没有时间。成员平均到过其中 {density} 的商品，重复次数是常人的 {repeats} 倍：共同的口味看起来也会如此。",
        ),
        ways=(
            (
                _UNTIMED,
                _HARDLY_MEET,
                Condition("repeats", "less than", Bar("repeats")),
            ),
        ),
        unless=(OWN_TARGETS, Condition("to_themselves", "at most", Bar("exclusive_users"))),
    ),
    # With times a ring is told from whatever else draws people to its items by the null, which knows rushes.
    Claim(
        name="targets_of_others",
        short=Wording("targets of others", "目标也属他人"),
        sentence=Wording(
            "The log has no times. At half of the items others made {outsiders_per_member:visit|visits} or more for each member there: these are "
            "popular items, hardly the group's own.",
            "日志没有时间。在一半商品上，每名成员对应有 {outsiders_per_member} 次以上他人的到访：这些是热门商品，算不上该群体自己的目标。",
        ),
        ways=((_UNTIMED, Condition("outsiders_per_member", "more than", Bar("alert_outsiders"))),),
    ),
    # Who gives a sliver of their time to the targets, on devices of their own, is rather one of many with the same interests. But who is
    # busy everywhere may do a ring's work beside it, and a campaign ends.
    Claim(
        name="not_devoted",
        short=Wording("not devoted", "不专注"),
        sentence=Wording(
            "Only {dedication} of what members did with items is here, on devices of their own: rather people with one interest in common.",
            "成员对商品的行为仅 {dedication} 集中于此，且各用各的设备：更像有一项共同兴趣的人群。",
        ),
        ways=((Condition("dedication", "less than", Bar("alert_dedication")), _HARDLY_SHARED),),
        unless=(
            Condition("attention", "at least", Bar("alert_attention")),
            Condition("days", "less than", Bar("long_share", of="log_days")),
        ),
    ),
)
