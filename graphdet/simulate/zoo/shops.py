"""The zoo: shops of many kinds, each a list of habits, and the crews that work there. A detector that is good at one has proved little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphdet.simulate.zoo.crews import (
    CARDS,
    COUPONS,
    CROWD,
    FARM,
    HIJACKED,
    LOGINS,
    ONE_PHONE,
    PAYERS,
    REVIEWERS,
    SCALPERS,
    SLOW,
    VOTERS,
    Tactic,
)  # fmt: skip
from graphdet.simulate.zoo.habits import (
    Habit,
    browse,
    daily_game,
    impressions,
    logins,
    meals,
    news,
    payments,
    reviews,
    sets,
    standing_orders,
)  # fmt: skip
from graphdet.simulate.zoo.occasions import coupon_day, mailings, newcomer_list, releases, sale, tickets

EVERY = ("item", "device", "ip", "category", "seller", "order", "amount", "rating", "payment", "address")


@dataclass(frozen=True)
class Shop:
    """One kind of shop.

    Attributes:
        meaning: in one sentence, what is peculiar to it.
        habits: of its customers, for so many users.
        crews: tactics of the rings that work there, in turn.
        items_per_user, least_items: goods on sale.
        newcomers: share of users who join while the log runs.
        rings: per 10,000 users.
        columns: that its log has, beside user, time and action.
        dates: times are bare dates.
    """

    name: str
    meaning: str
    habits: Callable[[int], tuple[Habit, ...]]
    crews: tuple[Tactic, ...]
    users: int = 20_000
    days: int = 30
    items_per_user: float = 0.4
    least_items: int = 200
    categories: int = 60
    newcomers: float = 0.15
    rings: float = 10.0
    columns: tuple[str, ...] = EVERY
    dates: bool = False


def _marketplace(users: int) -> tuple[Habit, ...]:
    return (
        browse(3.5, looks=2.2, lines=1.4), impressions(0.5), reviews(0.5), sets(3, 3, users // 400), mailings(7, users // 60),
        newcomer_list(20, 0.15, "click"), releases(max(users // 4000, 2), 40),
    )  # fmt: skip


def _flash_sale(users: int) -> tuple[Habit, ...]:
    return browse(4.0), sale((12,), 0.13), releases(max(users // 1200, 2), 40)


def _flooded(users: int) -> tuple[Habit, ...]:
    return browse(4.5), reviews(0.3), releases(2, 30)


SHOPS = {
    shop.name: shop
    for shop in (
        Shop(
            "marketplace",
            "goods of many shops, with baskets, sets, pages that show lists, mailings and lists for newcomers",
            _marketplace,
            (FARM, CROWD, HIJACKED, SLOW, REVIEWERS, COUPONS, CARDS, ONE_PHONE),
        ),
        Shop("flash-sale", "a sale day that draws an eighth of the users, and many fan clubs", _flash_sale, (FARM, CROWD, HIJACKED, SLOW)),
        Shop(
            "coupon-day",
            "a fifth of the users takes packs of coupons on one day",
            lambda users: (browse(3.0), coupon_day(9, 0.2, 12), coupon_day(20, 0.05, 12)),
            (COUPONS, CROWD, ONE_PHONE),
        ),
        Shop(
            "ticket-sale",
            "thousands wait for a show to go on sale, and buy within minutes",
            lambda users: (browse(1.2, orders=0.05), tickets(12, users // 8)),
            (SCALPERS, CARDS, CROWD),
            items_per_user=0.05,
            categories=12,
        ),
        Shop(
            "news",
            "articles live for hours: everything is new, and everybody reads the front page",
            lambda users: (news(14, 60),),
            (VOTERS, VOTERS, CROWD),
            items_per_user=0.1,
            least_items=1800,
            categories=8,
            columns=("item", "device", "ip", "category"),
        ),
        Shop(
            "wholesale",
            "companies whose buyers order the same goods every week at the same hour",
            lambda users: (browse(2.0, orders=0.3, lines=2.5), standing_orders(users // 25, 4, 6)),
            (CROWD, REVIEWERS, SLOW),
            users=6000,
        ),
        Shop(
            "food-delivery",
            "lunch and dinner from a few places nearby, again and again",
            lambda users: (meals(9),),
            (CROWD, COUPONS, FARM, ONE_PHONE),
            items_per_user=0.03,
            categories=40,
        ),
        Shop(
            "daily-game",
            "everybody who plays comes to the same few levels every day",
            lambda users: (daily_game(6), browse(0.7)),
            (FARM, CROWD),
            items_per_user=0.05,
            categories=10,
        ),
        Shop(
            "long-tail",
            "a visit and a half a user, among very many goods",
            lambda users: (browse(0.9, looks=1.4, orders=0.25),),
            (FARM, CROWD, CARDS),
            users=60_000,
            items_per_user=1.0,
            newcomers=0.5,
        ),
        Shop(
            "reviews",
            "reviews with bare dates, and nothing else",
            lambda users: (reviews(7), releases(max(users // 2500, 2), 30, action="review")),
            (REVIEWERS, REVIEWERS, SLOW),
            columns=("item", "category", "seller", "rating"),
            dates=True,
            days=90,
        ),
        Shop(
            "tiny",
            "two thousand users",
            lambda users: (browse(4.0), releases(1, 20), sets(1, 3, 12)),
            (FARM, CROWD),
            users=2000,
            rings=15.0,
        ),
        Shop("flooded", "a fifth of the users works in rings", _flooded, (FARM, CROWD, REVIEWERS, COUPONS, ONE_PHONE), rings=50.0),
        Shop(
            "logins",
            "log-ins with devices and networks, and nothing else",
            lambda users: (logins(9),),
            (LOGINS,),
            columns=("device", "ip"),
        ),
        Shop(
            "payments",
            "payments with cards, addresses and networks, and no goods",
            lambda users: (payments(6),),
            (PAYERS,),
            columns=("ip", "amount", "payment", "address"),
        ),
    )
}
