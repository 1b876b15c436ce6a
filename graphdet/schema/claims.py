"""What may be said of a ring, as data: the facts it hangs on, the bars they are held against, and words.

A claim holds where all conditions of one of its ways hold, unless something else explains the same facts better. Look-alikes
(`lookalikes.py`) and objections (`objections.py`) are claims; `graphdet.judging.conditions` measures the facts and compares.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from graphdet.schema.wording import Wording, blanks, named

Direction = Literal["at least", "more than", "at most", "less than"]
Unit = Literal["count", "share", "days", "number", "times", "chance", "yes"]


@cache
def _tells(needs: str, log_has: frozenset[str]) -> bool:
    return all(any(one in log_has for one in group.split(" or ")) for group in needs.split(", ") if group)


@dataclass(frozen=True)
class Fact:
    """A number of a ring or of its log, with the words that tell it; `{}` stands for the number.

    Units: a count; a share of 1; days; a plain number; the log10 of how many times something is; a chance; 1 for yes and 0 for no, which are
    told by the sentences `yes` and `no`.

    Attributes:
        needs: node types, or "action", that the log must have (`device, ip`; `device or payment`); where it has not, the number says nothing.
    """

    name: str
    unit: Unit
    en: str
    zh: str
    yes: tuple[str, str] = ("", "")
    no: tuple[str, str] = ("", "")
    needs: str = ""

    def known(self, log_has: Collection[str] | None) -> bool:
        """Whether a log that has these node types, and actions, tells it; None = it has all."""
        return log_has is None or _tells(self.needs, frozenset(log_has))

    def __post_init__(self) -> None:
        if any(blanks(words) != 1 for words in (self.en, self.zh)):
            raise ValueError(f"the words of {self.name} must hold one number in each language")


FACTS = {
    fact.name: fact
    for fact in (
        Fact("size", "count", "{:member|members}", "{} 名成员"),
        Fact("user_share", "share", "{} of all users", "占全部用户的 {}"),
        Fact("targets", "count", "{:target|targets}", "{} 个目标"),
        Fact("strength", "number", "evidence {}", "证据强度 {}"),
        Fact("days", "days", "goes on for {:day|days}", "历时 {} 天"),
        Fact("apart", "chance", "items so close together in time by chance: {}", "各目标在时间上偶然如此集中的概率：{}"),
        Fact("hours", "number", "half of what they do at an item falls within {:hour|hours}", "在一件商品上有一半行为集中在 {} 小时之内"),
        Fact("density", "share", "members came to {} of the items on average", "成员平均到过 {} 的商品"),
        Fact("two_target_share", "share", "{} of members came to no more than two items", "{} 的成员只到过至多两件商品"),
        Fact("dedication", "share", "{} of all that members did with items is here", "成员对商品的行为有 {} 在此"),
        Fact(
            "attention",
            "number",
            "a member did as much here as in {:ordinary visit|ordinary visits}",
            "每名成员在此的事件数相当于 {} 次普通到访",
        ),
        Fact("repeats", "number", "members come back {:time|times} as often as usual", "成员重复到访的次数是常人的 {} 倍"),
        Fact(
            "outsiders_per_member",
            "number",
            "{:more visit|more visits} by others than usual for each member's",
            "每名成员对应 {} 次超出平常的他人到访",
        ),
        Fact(
            "own_things",
            "count",
            "{:device or payment instrument|devices or payment instruments} that members share and nobody else uses",
            "成员共用且无他人使用的设备和支付工具：{} 个",
            needs="device or payment",
        ),
        Fact("own_kinds", "count", "found by {:kind|kinds} of shared things", "作为批量账号由 {} 类事物发现"),
        Fact("device_share", "share", "{} on shared devices", "{} 使用共用设备", needs="device"),
        Fact("address_share", "share", "{} with one delivery address", "{} 使用同一收货地址", needs="address"),
        Fact("place_share", "share", "{} on one network apart from this, too", "{} 在此活动之外也使用同一网络", needs="ip"),
        Fact(
            "home_share",
            "share",
            "{} with one address or, apart from this, one network",
            "{} 共用同一地址，或在此活动之外也共用同一网络",
            needs="address or ip",
        ),
        Fact(
            "desk_share",
            "share",
            "{} share devices and, apart from this, a network",
            "{} 既共用设备，又在此活动之外也共用网络",
            needs="device, ip",
        ),
        Fact("place_users", "count", "{:user|users} on their network", "其网络上共有 {} 个用户", needs="ip"),
        Fact(
            "place_members",
            "count",
            "{:member|members} on one network apart from this, too",
            "{} 名成员在此活动之外也使用同一网络",
            needs="ip",
        ),
        Fact(
            "place_chance",
            "chance",
            "the chance that so many are on one network by coincidence is {}",
            "因巧合有如此多人在同一网络的概率：{}",
            needs="ip",
        ),
        Fact("top_seller", "share", "{} of the dealings with one shop", "{} 的往来在同一家店铺", needs="seller"),
        Fact("sellers", "count", "at {:shop|shops}", "涉及 {} 家店铺", needs="seller"),
        Fact("ordered", "share", "{} of the dealings led to an order", "{} 的往来成交", needs="action"),
        Fact("refunded", "share", "{} of the dealings cancelled or returned", "{} 的往来被取消或退回", needs="action"),
        Fact("coupons", "share", "coupons in {} of the dealings", "{} 的往来使用优惠券", needs="action"),
        Fact(
            "crowd",
            "share",
            "{} of the visitors around members' visits are strangers beyond the usual",
            "成员到访前后的访客有 {} 是超出平常的外人",
        ),
        Fact("rush", "times", "{:time|times} as many strangers as usual", "在场的外人为平常的 {} 倍"),
        Fact(
            "taste", "times", "members come for this kind of items {:time|times} as often as everybody", "光顾此类商品的频率是常人的 {} 倍"
        ),
        Fact(
            "seller_taste",
            "times",
            "members come to these shops {:time|times} as often as everybody",
            "光顾这些店铺的频率是常人的 {} 倍",
            needs="seller",
        ),
        Fact(
            "best_taste",
            "times",
            "members come on other days, too, for such items or to these shops {:time|times} as often as everybody",
            "其他日子光顾此类商品或这些店铺的频率也达常人的 {} 倍",
        ),
        Fact("one_sitting", "share", "{} of members came in one sitting only", "{} 的成员只来过一次"),
        Fact("one_day", "share", "{} of members came on one day only", "{} 的成员只在一天来过"),
        Fact(
            "together",
            "share",
            "strangers who come to one of these items go on to the next at {} of the members' rate",
            "到过其中一件商品的外人随即光顾其余商品的频率为成员的 {}",
        ),
        Fact("half_days", "days", "half of the visits to an item take {:day|days}", "一件商品半数的到访历时 {} 天"),
        Fact("new_beyond", "share", "{} more new accounts than usual", "新账号占比比常态多 {}"),
        Fact("of_all", "share", "{} of all who were about on those days are members", "那几天到场的全部用户中成员占 {}"),
        Fact("log_days", "days", "the log goes on for {:day|days}", "日志历时 {} 天"),
        Fact(
            "timed", "yes", "{}", "{}", yes=("the log has times or dates", "日志有时间或日期"), no=("the log has no times", "日志没有时间")
        ),
        Fact(
            "to_themselves", "share", "{} of all users in groups that have their items to themselves", "全部用户中有 {} 属于独占商品的群体"
        ),
    )
}


@dataclass(frozen=True)
class Bar:
    """What a fact is held against: a setting of [tiers], or a number of its own with the reason why it is none.

    Attributes:
        setting: a setting of [tiers]; empty where `number` stands alone.
        number: the bar itself where there is no setting; None where there is one.
        times: factors that it is multiplied with, one after the other; `plus`: what is added then.
        of: a fact that all of this is multiplied with, as the log's days.
        why: of numbers that are no setting; every `number`, `times` and `plus` needs one.
    """

    setting: str = ""
    number: float | None = None
    times: tuple[float, ...] = ()
    plus: float = 0
    of: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if bool(self.setting) == (self.number is not None):
            raise ValueError("a bar is a setting or a number of its own")
        if (self.number is not None or self.times or self.plus) and not self.why:
            raise ValueError("a number that is no setting needs its reason")
        if self.of and self.of not in FACTS:
            raise ValueError(f"no such fact: {self.of!r}")


@dataclass(frozen=True)
class Condition:
    """A fact, and on which side of its bar it must be. A fact that the log cannot tell (NaN) is on neither."""

    fact: str
    direction: Direction
    bar: Bar

    def __post_init__(self) -> None:
        if self.fact not in FACTS:
            raise ValueError(f"no such fact: {self.fact!r}")

    def turned(self) -> Condition:
        """What holds where this does not."""
        return replace(self, direction=OPPOSITE[self.direction])


OPPOSITE: dict[Direction, Direction] = {"at least": "less than", "less than": "at least", "at most": "more than", "more than": "at most"}

Way = tuple[Condition, ...]


@dataclass(frozen=True)
class Claim:
    """Something that may be said of a ring.

    Attributes:
        name: in tables and JSON.
        short: its name in words; `sentence`: all of it, with the facts that it names.
        ways: it holds where all conditions of one of these hold,
        unless: but not where all of these do.
    """

    name: str
    short: Wording
    sentence: Wording
    ways: tuple[Way, ...]
    unless: Way = ()

    def __post_init__(self) -> None:
        if not self.ways or not all(self.ways):
            raise ValueError(f"{self.name} has no conditions")
        unknown = named(self.sentence.en) - set(FACTS)
        if unknown:
            raise ValueError(f"{self.name} tells facts that do not exist: {', '.join(sorted(unknown))}")
