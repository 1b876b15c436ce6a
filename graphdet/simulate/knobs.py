"""The market's knobs, a section per mechanism, and the presets.

Counts are per 10,000 users, so that a market ten times the size has ten times the groups and not ten times larger ones.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, ValidationError, model_validator

from graphdet.errors import MarketError, nearest
from graphdet.refused_values import must
from graphdet.settings import Section


class CatalogueSettings(Section):
    """What is on sale."""

    items_per_user: float = Field(0.5, gt=0, description="items for each user")
    items_per_category: float = Field(60.0, ge=2, description="mean items of a category")
    items_per_seller: float = Field(14.0, ge=2, description="mean items of a seller")
    zipf: float = Field(1.2, gt=0, lt=2, description="mean exponent of item popularity within a category")
    zipf_spread: float = Field(0.2, ge=0, le=0.5, description="half-width of the exponent between categories")
    category_zipf: float = Field(0.95, ge=0, lt=2, description="exponent of the categories' own popularity")
    new_share: float = Field(0.15, ge=0, le=0.6, description="items launched while the log runs")
    promotion_share: float = Field(0.07, ge=0, le=0.5, description="views that a category's promoted item of the day draws")
    return_share: float = Field(0.2, ge=0, le=0.5, description="views of an item on the user's own short list, returned to again and again")
    bundle_share: float = Field(0.28, ge=0, le=0.5, description="views that follow from the last item to its complement")


class PeopleSettings(Section):
    """Who shops, and how."""

    activity_sigma: float = Field(0.55, ge=0, le=2, description="spread of the log-normal user activity")
    views_mean: float = Field(1.6, ge=1, le=20, description="items looked at in a session")
    bout_share: float = Field(0.55, ge=0, le=1, description="sessions that fall into one of a user's few shopping bouts")
    conversion_median: float = Field(0.17, gt=0, lt=1, description="share of views of the median user that end in an order")
    conversion_sigma: float = Field(0.95, ge=0, le=2, description="spread of that share between users")
    review_share: float = Field(0.25, ge=0, le=1, description="paid orders that are reviewed")
    refund_share: float = Field(0.04, ge=0, le=1, description="paid orders that are refunded")
    cancel_share: float = Field(0.04, ge=0, le=1, description="orders cancelled before payment")
    coupon_share: float = Field(0.12, ge=0, le=1, description="orders that use a coupon")
    login_share: float = Field(0.15, ge=0, le=1, description="sessions that begin with a log-in")
    pay_share: float = Field(0.75, ge=0, le=1, description="orders with a payment of their own; the others are paid as they are made")
    later_share: float = Field(0.15, ge=0, le=1, description="orders made hours or days after the item was put into the cart")
    arriving_share: float = Field(0.17, ge=0, lt=1, description="users who join while the log runs")
    leaving_share: float = Field(0.17, ge=0, lt=1, description="users who leave while the log runs")
    drift_share: float = Field(0.35, ge=0, le=1, description="users whose main interest changes")
    loyalty: float = Field(0.18, ge=0, le=1, description="mean share of views in a favourite shop")
    english_share: float = Field(0.3, ge=0, le=1, description="users who write English; the others write Chinese")
    household_share: float = Field(0.55, ge=0, le=1, description="homes with more than one user")
    tablet_share: float = Field(0.25, ge=0, le=1, description="shared homes with a family tablet")
    second_device_share: float = Field(0.45, ge=0, le=1, description="users with a second device")
    device_change_share: float = Field(0.08, ge=0, le=1, description="users who change their phone while the log runs")


class NetworkSettings(Section):
    """Which addresses people come from."""

    mobile_share: float = Field(0.45, ge=0, le=1, description="mean share of sessions on a carrier's network")
    carriers: int = Field(4, ge=1, le=20, description="mobile carriers")
    users_per_carrier_ip: float = Field(400.0, ge=1, description="users for each public address of a carrier")
    users_per_region: float = Field(2500.0, ge=50, description="mean users of a town")
    campus_share: float = Field(0.06, ge=0, le=0.9, description="users who live on a campus")
    campus_size: float = Field(600.0, ge=10, description="median users of a campus")
    office_share: float = Field(0.25, ge=0, le=0.9, description="users who shop from an office")
    office_size: float = Field(18.0, ge=2, description="median users of an office")
    cafes: float = Field(12.0, ge=0, description="cafés per 10,000 users")
    cafe_share: float = Field(0.02, ge=0, le=0.5, description="sessions in a café")
    dynamic_share: float = Field(0.5, ge=0, le=1, description="homes whose address changes")
    ipv6_share: float = Field(0.08, ge=0, le=1, description="addresses of version 6")


class RingMix(Section):
    """Relative number of rings of each kind."""

    device_farm: float = Field(1.0, ge=0, description="racks of phones that hold many accounts")
    crowd: float = Field(1.0, ge=0, description="paid workers on their own devices")
    hijacked: float = Field(1.0, ge=0, description="rented or stolen aged accounts")
    slow: float = Field(1.0, ge=0, description="orders dripped over weeks")
    coattail: float = Field(1.0, ge=0, description="clicks that tie a target to a hot item")
    cartel: float = Field(1.0, ge=0, description="sellers who share one pool of workers")
    review: float = Field(1.0, ge=0, description="bought reviews in bursts")
    refund: float = Field(1.0, ge=0, description="orders made to be refunded or cancelled")
    coupon: float = Field(1.0, ge=0, description="accounts that farm coupons")
    takeover: float = Field(1.0, ge=0, description="victims' accounts emptied in hours")
    payment: float = Field(1.0, ge=0, description="stolen cards turned into goods")


class RingSettings(Section):
    """Organised fraud."""

    count: float = Field(20.0, ge=0, description="rings per 10,000 users")
    mix: RingMix = RingMix()
    size_median: float = Field(25.0, ge=3, description="median members")
    size_sigma: float = Field(0.85, ge=0, le=2, description="spread of the log-normal size")
    size_min: int = Field(6, ge=2, description="fewest members")
    size_max: int = Field(2000, ge=2, description="most members; never more than a sixtieth of all users")
    targets_min: int = Field(3, ge=2, description="fewest targets")
    targets_max: int = Field(30, ge=2, description="most targets")
    touches_median: float = Field(2.8, ge=1, description="targets that the median member of a ring touches")
    touches_sigma: float = Field(0.15, ge=0, le=1, description="spread of that number between rings")
    density_min: float = Field(0.1, gt=0, le=1, description="least share of member-target pairs that are planned")
    density_max: float = Field(0.8, gt=0, le=1, description="largest share of member-target pairs that are planned")
    window_scale: float = Field(1.0, gt=0, le=20, description="factor on every kind's time windows; larger is harder")
    camouflage: float = Field(0.22, ge=0, le=5, description="mean camouflage visits for each visit to a target")
    skipped_share: float = Field(0.06, ge=0, le=0.9, description="planned visits that are never made")
    late_share: float = Field(0.06, ge=0, le=0.9, description="visits made after the window")
    ban_share: float = Field(0.2, ge=0, le=1, description="rings hit by a ban wave, after which they shift targets")
    halo: float = Field(0.5, ge=0, le=10, description="honest visits drawn by a boosted target, for each visit of a member")
    organic_floor: float = Field(0.12, ge=0, le=1, description="least share of a member's own shopping that goes on beside the ring")
    pool_share: float = Field(0.12, ge=0, le=1, description="workers who also work for another ring")
    sheets: float = Field(0.0, ge=0, le=1, description="rings whose sheet says what to look at before a task, and how long")
    nights: float = Field(0.0, ge=0, le=1, description="rings that work by night; a quarter as large a share of users lives by night, too")

    @model_validator(mode="after")
    def _ordered(self) -> RingSettings:
        if self.targets_min > self.targets_max or self.density_min > self.density_max or self.size_min > self.size_max:
            raise ValueError("a least value exceeds the largest")
        return self


class LookalikeSettings(Section):
    """Innocent groups that look organised; numbers are groups per 10,000 users."""

    fan_clubs: float = Field(8.4, ge=0, description="fans who buy a brand's releases within hours")
    group_buys: float = Field(6.0, ge=0, description="neighbours who order through a leader")
    streams: float = Field(2.0, ge=0, description="live-stream hosts with their followers")
    classes: float = Field(4.0, ge=0, description="campus classes that buy the same books")
    bulk_offices: float = Field(4.0, ge=0, description="offices that order together")
    resellers: float = Field(6.0, ge=0, description="resellers and company accounts")
    subscriptions: float = Field(5.0, ge=0, description="items re-ordered by plan, all at the shop's batch hour")
    staff: float = Field(2.0, ge=0, description="groups of staff and test accounts")
    second_hand: float = Field(20.0, ge=0, description="phones sold from one user to another")


class LabelSettings(Section):
    """What the shop knows, as late and as wrong as in life."""

    known_low: float = Field(0.02, ge=0, le=1, description="least share of the fraud that is known")
    known_high: float = Field(0.25, ge=0, le=1, description="largest share of the fraud that is known")
    delay_low: float = Field(3.0, ge=0, description="fewest days until it is known")
    delay_high: float = Field(30.0, ge=0, description="most days until it is known")
    wrong_low: float = Field(0.01, ge=0, le=1, description="least share of labels that are wrong")
    wrong_high: float = Field(0.03, ge=0, le=1, description="largest share of labels that are wrong")
    good_ratio: float = Field(2.0, ge=0, description="users known to be good for each known to be suspected")


class TakeoverSettings(Section):
    """Accounts that strangers take over one by one, beside those of rings; none unless asked for, so that a market keeps its bytes."""

    count: float = Field(0.0, ge=0, le=2000, description="accounts taken over per 10,000 users")
    visits: float = Field(4.0, ge=1, le=50, description="mean visits of the stranger")
    hours_low: float = Field(0.5, gt=0, description="fewest hours in which they come")
    hours_high: float = Field(36.0, gt=0, description="most hours in which they come")
    abroad_share: float = Field(0.6, ge=0, le=1, description="strangers who live where it is night when the owner shops")
    drop_share: float = Field(0.7, ge=0, le=1, description="strangers who send goods to a place of their own; the others leave the owner's")
    card_share: float = Field(0.5, ge=0, le=1, description="strangers who pay by a card that the account never used")

    @model_validator(mode="after")
    def _ordered(self) -> TakeoverSettings:
        if self.hours_low > self.hours_high:
            raise ValueError("hours_low exceeds hours_high")
        return self


class PictureSettings(Section):
    """Pictures of reviews, drawn by code; none unless asked for, so that a market keeps its bytes."""

    share: float = Field(0.0, ge=0, le=1, description="share of reviews that show one; of reviews by a crew's script four in five at least")


class MarketSettings(Section):
    """Everything about a market but its seed."""

    users: int = Field(60_000, ge=500, le=20_000_000, description="accounts")
    events: int = Field(800_000, ge=2000, le=200_000_000, description="log rows, reached within a few per cent")
    days: int = Field(45, ge=7, le=366, description="length of the log")
    start: str = Field("2025-03-03", description="first day, as an ISO date")
    catalogue: CatalogueSettings = CatalogueSettings()
    people: PeopleSettings = PeopleSettings()
    network: NetworkSettings = NetworkSettings()
    rings: RingSettings = RingSettings()
    lookalikes: LookalikeSettings = LookalikeSettings()
    takeovers: TakeoverSettings = TakeoverSettings()
    pictures: PictureSettings = PictureSettings()
    labels: LabelSettings = LabelSettings()


PresetName = Literal["demo", "easy", "medium", "hard"]

_PRESETS: dict[str, MarketSettings] = {
    "hard": MarketSettings(),
    "medium": MarketSettings(
        rings=RingSettings(touches_median=4.0, window_scale=0.6, camouflage=0.15, ban_share=0.1, halo=0.25, pool_share=0.05),
    ),
    "easy": MarketSettings(
        users=30_000,
        events=400_000,
        rings=RingSettings(
            mix=RingMix(hijacked=0, slow=0, coattail=0, cartel=0, takeover=0),
            count=12,
            touches_median=7.0,
            targets_min=8,
            window_scale=0.3,
            camouflage=0.0,
            skipped_share=0.03,
            late_share=0.0,
            ban_share=0.0,
            halo=0.0,
            pool_share=0.0,
        ),
        lookalikes=LookalikeSettings(fan_clubs=2, group_buys=1, streams=1),
    ),
    "demo": MarketSettings(
        users=8000,
        events=100_000,
        days=30,
        network=NetworkSettings(users_per_carrier_ip=1500.0, users_per_region=4000.0),
        rings=RingSettings(
            mix=RingMix(hijacked=0, slow=0, coattail=0, cartel=0, review=0, refund=0, coupon=0, takeover=0, payment=0),
            count=8,
            size_sigma=0.4,
            touches_median=6.0,
            targets_min=6,
            window_scale=0.5,
            camouflage=0.3,
            ban_share=0.0,
            halo=0.2,
            pool_share=0.0,
        ),
        lookalikes=LookalikeSettings(
            fan_clubs=1.25, group_buys=0, streams=0, classes=0, bulk_offices=0, resellers=0, subscriptions=0, staff=0, second_hand=0
        ),
    ),
}


def preset(name: PresetName, events: int | None = None, users: int | None = None) -> MarketSettings:
    """A preset's settings, at another size where `events` or `users` says so.

    One of the two alone keeps the preset's events per user.

    Raises:
        MarketError: no preset has that name, or the size is out of bounds.
    """
    if name not in _PRESETS:
        raise MarketError(
            f"no market preset '{name}'{nearest(name, get_args(PresetName)) or '.'} Presets: {', '.join(get_args(PresetName))}."
        )
    settings = _PRESETS[name]
    if events is None and users is None:
        return settings
    per_user = settings.events / settings.users
    wanted_events = events if events is not None else round((users or 0) * per_user)
    wanted_users = users if users is not None else max(500, round(wanted_events / per_user))
    if wanted_events < 2 * wanted_users:
        raise MarketError(f"{wanted_events} events are too few for {wanted_users} users; ask for at least 2 events per user.")
    try:
        return MarketSettings.model_validate({**dict(settings), "events": wanted_events, "users": wanted_users})
    except ValidationError as error:
        first = error.errors()[0]
        bound = " ".join([*map(str, first["loc"]), must(first)])
        raise MarketError(f"a market of {wanted_users} users and {wanted_events} events is out of bounds ({bound}).") from None


def with_takeovers(settings: MarketSettings, count: float) -> MarketSettings:
    """The same market, with so many of 10,000 accounts taken over by strangers, one by one."""
    return settings.model_copy(update={"takeovers": settings.takeovers.model_copy(update={"count": count})})


def with_pictures(settings: MarketSettings, share: float) -> MarketSettings:
    """The same market, in which such a share of reviews shows a picture."""
    return settings.model_copy(update={"pictures": settings.pictures.model_copy(update={"share": share})})


def with_sheets(settings: MarketSettings, share: float) -> MarketSettings:
    """The same market, in which such a share of rings works by a task sheet."""
    return settings.model_copy(update={"rings": settings.rings.model_copy(update={"sheets": share})})


def with_nights(settings: MarketSettings, share: float) -> MarketSettings:
    """The same market, in which such a share of rings works by night, beside honest people who are up then."""
    return settings.model_copy(update={"rings": settings.rings.model_copy(update={"nights": share})})


def without_rings(settings: MarketSettings) -> MarketSettings:
    """The same market with every look-alike and no ring: whatever is found there is a false alarm."""
    return settings.model_copy(update={"rings": settings.rings.model_copy(update={"count": 0.0})})


def without_lookalikes(settings: MarketSettings) -> MarketSettings:
    """The same market with rings and without the planted look-alike groups (homes, campuses, offices and carriers stay)."""
    none = dict.fromkeys(LookalikeSettings.model_fields, 0.0)
    return settings.model_copy(update={"lookalikes": LookalikeSettings(**none)})
