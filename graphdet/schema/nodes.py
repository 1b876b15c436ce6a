"""A node type as one object: whatever differs between users, items, devices … stands in its `NodeType`, and nowhere else.

Event columns, tables of a run, settings of views, Cypher, colours, words, features and documents derive from `NODE_TYPES`; a type that
is added here is read, met at, drawn, exported and pushed (tests/test_node_type.py adds one). Code that is about one type alone
names it by its constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

USER, ITEM, DEVICE, IP, SELLER, PAYMENT, ADDRESS = "user", "item", "device", "ip", "seller", "payment", "address"
PHONE, COUPON, COURIER, TEXT_GROUP, IMAGE_GROUP = "phone", "coupon", "courier", "text_group", "image_group"

Shape = Literal[  # Bokeh's markers
    "circle", "square", "triangle", "diamond", "hex", "star", "inverted_triangle", "square_pin", "plus", "diamond_cross", "triangle_pin",
    "square_cross", "star_dot",
]  # fmt: skip


@dataclass(frozen=True)
class Noun:
    """What people call a node of the type: one, several, and in Chinese, which has one form for both."""

    one: str
    many: str
    chinese: str

    def counted(self, count: int, language: Literal["en", "zh"] = "en") -> str:
        """Such as '1 device' and '1,200 devices'."""
        if language == "zh":
            return f"{count:,} 个{self.chinese}"
        return f"{count:,} {self.one if count == 1 else self.many}"

    def to(self, language: Literal["en", "zh"], *, many: bool = False) -> str:
        """The word for somebody who reads this language."""
        return self.chinese if language == "zh" else self.many if many else self.one


@dataclass(frozen=True)
class Look:
    """How a node is drawn, in the report and in Neo4j Browser alike.

    Attributes:
        colour: told from the others, and from the page in light and dark; never red, which means risk.
        shape: in the report; Browser knows circles alone.
        size: diameter in Browser, in pixels; the report draws in the same proportions.
        most: nodes of the type in the picture of one ring; those that say most come first.
    """

    colour: str
    shape: Shape
    size: int
    most: int


@dataclass(frozen=True)
class MeetingPlace:
    """How users meet at nodes of the type. The first five are settings, `[view.…]`, of which these are the defaults.

    Attributes:
        windows: hours within which two users meet, shortest first.
        cap: visitors that one visitor is compared with, nearest in time first.
        meetings: at how many nodes a coordinated pair is expected to meet.
        most: evidence that all nodes together may give a pair.
        share_most: log10 likelihood ratio that they may add to one member of a ring.
        reach: the window of a ring's growth; the shortest where strangers come and go.
        half_life: hours after which a message between two visitors weighs half.
    """

    windows: tuple[float, ...]
    cap: int
    meetings: float
    most: float
    share_most: float
    reach: Literal["longest", "shortest"]
    half_life: float


@dataclass(frozen=True)
class NodeType:
    """One kind of node.

    Attributes:
        name: in tables, settings and code.
        column: the log's column that names its nodes, and `told`, what the column says of an event.
        meaning: in one sentence, without a full stop.
        noun, look: for people.
        label, key: in a graph database.
        role: of a node in a ring; empty for users, whose role is how much they add to it.
        verb: what a user does to it; with an item that is the event's action, and this word where the event names none.
        relation: the verb as a type of relationships in a graph database.
        place: how users meet there; None for users.
        canonical: how ids are brought into one form; plain ids are trimmed.
        foreign: names of the column in public logs; only ever suggested, since a wrong guess would be a wrong finding.
        lacking: what it costs where the log has no such column; empty where that needs no note.
        makes_event: an event must name at least one node of such types.
        own: belongs to a person or a household, so that members who share it are of one hand.
        home: belongs to a household, but colleagues and neighbours may share it, too.
        shared: a dossier lists and draws those that members share.
        quoted: a dossier's reason names the busiest one that members share, and how many have it in the whole log.
        left_out: a dossier tells what would be left of the ring without this column.
        hub: can be the node that holds a ring together; a seller is not, since the seller's are all its items.
        heard: users' columns count such nodes and tell of meetings there, and networks hear through them. Types that came later are not, so
            that models which were learned before still fit; pair evidence, which networks read, has what they say.
        passed_on: the networks' second layer hears through it, if it is heard at all.
        baseline: among the neighbourhoods whose plain aggregates other inputs must outdo.
        acted_from: an account acts from it, so that a stranger in an account comes from new ones.
        as_owner: share of strangers in an account who use the owner's own there; 0 = a takeover is not told by the type.
        series: its events are counted by hours and days, and a burst of them is a finding.
        count_message, met_message: places, among what a user's neighbours hear of them, of how many such nodes they have and of their best
            meeting at one; None = not told.
        listed: rows on one screen.
    """

    name: str
    column: str
    told: str
    meaning: str
    noun: Noun
    look: Look
    label: str
    key: str
    role: str = ""
    verb: str = ""
    relation: str = ""
    place: MeetingPlace | None = None
    canonical: Literal["id", "ip"] = "id"
    foreign: tuple[str, ...] = ()
    lacking: str = ""
    makes_event: bool = False
    own: bool = False
    home: bool = False
    shared: bool = False
    quoted: bool = False
    left_out: bool = False
    hub: bool = True
    heard: bool = True
    passed_on: bool = True
    baseline: bool = False
    acted_from: bool = False
    as_owner: float = 0.0
    series: bool = False
    count_message: int | None = None
    met_message: int | None = None
    listed: int = 3

    def __post_init__(self) -> None:
        if (self.name == USER) != (self.place is None) or bool(self.role and self.verb and self.relation) != (self.place is not None):
            raise ValueError(f"every type but users has a meeting place, a role, a verb and a relation (found {self.name})")

    @property
    def personal(self) -> bool:
        """Whether a few people at the most keep to one: accounts that have one to themselves are looked at (`rings/farms.py`)."""
        return self.own or self.home


NODE_TYPES = (
    NodeType(
        name=USER,
        column="user_id",
        told="who acted; required",
        meaning="an account; the only node type that a ring's core is made of",
        noun=Noun("user", "users", "用户"),
        look=Look("#3A76C8", "circle", 50, most=60),
        label="User",
        key="userId",
        foreign=(
            *("user", "uid", "userid", "account", "account_id", "customer", "customer_id", "buyer", "buyer_id", "member_id", "visitorid"),
        ),
        listed=10,
    ),
    NodeType(
        name=ITEM,
        column="item_id",
        told="on which item",
        meaning="a product or listing; a ring's targets are items",
        noun=Noun("item", "items", "商品"),
        look=Look("#A9793F", "square", 50, most=25),
        label="Item",
        key="itemId",
        role="target",
        verb="touched",
        relation="TOUCHED",
        place=MeetingPlace((24.0, 168.0), cap=80, meetings=3.0, most=1000.0, share_most=1000.0, reach="longest", half_life=8.0),
        foreign=("item", "itemid", "iid", "product", "product_id", "sku", "goods_id", "asin", "listing_id", "business_id"),
        lacking="item evidence off; devices, payment instruments and addresses tell of accounts that have them to themselves, and IPs alone of nobody",
        makes_event=True,
        baseline=True,
        listed=6,
        count_message=10,
        series=True,
    ),
    NodeType(
        name=DEVICE,
        column="device_id",
        told="from which device",
        meaning="a device fingerprint",
        noun=Noun("device", "devices", "设备"),
        look=Look("#2C8C5A", "triangle", 44, most=20),
        label="Device",
        key="deviceId",
        role="shared_device",
        verb="used",
        relation="USED",
        place=MeetingPlace((24.0, 87600.0), cap=60, meetings=0.5, most=4.0, share_most=3.0, reach="longest", half_life=500.0),
        foreign=("device", "deviceid", "fingerprint", "imei", "device_fingerprint"),
        lacking="device evidence off",
        makes_event=True,
        own=True,
        shared=True,
        left_out=True,
        baseline=True,
        count_message=9,
        met_message=14,
        acted_from=True,
    ),
    NodeType(
        name=IP,
        column="ip",
        told="from which IP address",
        meaning="an IP address, version 4 or 6, in its canonical text form",
        noun=Noun("IP address", "IP addresses", "IP 地址"),
        look=Look("#2B9FAE", "diamond", 48, most=15),
        label="IP",
        key="ipAddress",
        role="shared_ip",
        verb="used",
        relation="HAS_IP",
        # A carrier's address holds thousands of people, and they come and go.
        place=MeetingPlace((0.25, 24.0), cap=40, meetings=0.5, most=3.0, share_most=2.0, reach="shortest", half_life=0.35),
        canonical="ip",
        foreign=("ip_address", "ipaddress", "client_ip", "remote_addr", "ip_addr"),
        lacking="IP evidence off",
        makes_event=True,
        shared=True,
        left_out=True,
        baseline=True,
        met_message=16,
        acted_from=True,
    ),
    NodeType(
        name=SELLER,
        column="seller_id",
        told="the item's seller",
        meaning="the shop that gains from an order",
        noun=Noun("seller", "sellers", "店铺"),
        look=Look("#7D8A1F", "inverted_triangle", 80, most=8),
        label="Seller",
        key="sellerId",
        role="shared_seller",
        verb="dealt_with",
        relation="DEALT_WITH",
        place=MeetingPlace((24.0,), cap=20, meetings=0.5, most=1.0, share_most=0.5, reach="shortest", half_life=0.7),
        hub=False,
        passed_on=False,
        series=True,
    ),
    NodeType(
        name=PAYMENT,
        column="payment_id",
        told="the payment instrument",
        meaning="a payment instrument",
        noun=Noun("payment instrument", "payment instruments", "支付工具"),
        look=Look("#9B62C6", "hex", 44, most=8),
        label="Payment",
        key="paymentId",
        role="shared_payment",
        verb="paid_with",
        relation="PAID_WITH",
        place=MeetingPlace((24.0, 87600.0), cap=60, meetings=0.2, most=4.0, share_most=3.0, reach="longest", half_life=500.0),
        own=True,
        shared=True,
        met_message=15,
        as_owner=0.6,
    ),
    NodeType(
        name=ADDRESS,
        column="address_id",
        told="the delivery address",
        meaning="a delivery address",
        noun=Noun("address", "addresses", "收货地址"),
        look=Look("#8A94A3", "star", 44, most=8),
        label="Address",
        key="addressId",
        role="shared_address",
        verb="delivered_to",
        relation="DELIVERED_TO",
        place=MeetingPlace((24.0, 87600.0), cap=60, meetings=0.2, most=4.0, share_most=3.0, reach="longest", half_life=500.0),
        home=True,
        shared=True,
        as_owner=0.45,
    ),
    NodeType(
        name=PHONE,
        column="phone_id",
        told="the phone number, as it is or hashed",
        meaning="a phone number that an account or an order gives",
        noun=Noun("phone number", "phone numbers", "电话号码"),
        look=Look("#B0609A", "plus", 44, most=8),
        label="Phone",
        key="phoneId",
        role="shared_phone",
        verb="gave_number",
        relation="GAVE_NUMBER",
        place=MeetingPlace((24.0, 87600.0), cap=60, meetings=0.2, most=4.0, share_most=3.0, reach="longest", half_life=500.0),
        foreign=("phone", "phone_number", "phone_hash", "mobile", "mobile_number", "msisdn", "telephone", "tel", "手机", "手机号", "电话"),
        own=True,
        shared=True,
        left_out=True,
        heard=False,
    ),
    NodeType(
        name=COUPON,
        column="coupon_id",
        told="the coupon that was claimed or used",
        meaning="a coupon or its code; one that everybody has says nothing, as any popular key",
        noun=Noun("coupon", "coupons", "优惠券"),
        look=Look("#A08000", "diamond_cross", 44, most=8),
        label="Coupon",
        key="couponId",
        role="shared_coupon",
        verb="redeemed",
        relation="REDEEMED",
        place=MeetingPlace((24.0, 168.0), cap=40, meetings=0.5, most=2.0, share_most=1.0, reach="shortest", half_life=8.0),
        foreign=(
            *("coupon", "coupon_code", "voucher", "voucher_id", "voucher_code", "promo_code", "discount_code"),
            *("优惠券", "优惠券id", "券码"),
        ),
        shared=True,
        left_out=True,
        heard=False,
    ),
    NodeType(
        name=COURIER,
        column="courier_id",
        told="who delivered, or the pick-up point",
        meaning="who brought the parcel; many customers of a quarter have the same",
        noun=Noun("courier", "couriers", "快递员"),
        look=Look("#5B6FA8", "triangle_pin", 44, most=8),
        label="Courier",
        key="courierId",
        role="shared_courier",
        verb="served_by",
        relation="SERVED_BY",
        place=MeetingPlace((24.0,), cap=20, meetings=0.5, most=1.0, share_most=0.5, reach="shortest", half_life=0.7),
        foreign=("courier", "rider", "rider_id", "delivery_man", "deliverer", "pickup_point", "快递员", "骑手", "配送员"),
        shared=True,
        hub=False,
        heard=False,
    ),
    NodeType(
        name=TEXT_GROUP,
        column="text_group",
        told="which group of nearly the same review texts; told of `text` where the log names none",
        meaning="review texts that are nearly the same, but for a word here and there",
        noun=Noun("review text", "review texts", "评价文本"),
        look=Look("#3F7F6F", "square_cross", 40, most=8),
        label="Text",
        key="textGroup",
        role="shared_text",
        verb="wrote",
        relation="WROTE",
        # Bought reviews come days or weeks after the orders, each in its own time.
        place=MeetingPlace((168.0, 87600.0), cap=60, meetings=0.5, most=2.0, share_most=1.0, reach="longest", half_life=168.0),
        shared=True,
        quoted=True,
        left_out=True,
        heard=False,
    ),
    NodeType(
        name=IMAGE_GROUP,
        column="image_group",
        told="which group of nearly the same pictures; told of `image` where the log names none",
        meaning="pictures that are nearly the same, but for their size, light, edges or a mark",
        noun=Noun("picture", "pictures", "图片"),
        look=Look("#8C6D9E", "star_dot", 40, most=8),
        label="Picture",
        key="imageGroup",
        role="shared_image",
        verb="showed",
        relation="SHOWED",
        place=MeetingPlace((168.0, 87600.0), cap=60, meetings=0.5, most=2.0, share_most=1.0, reach="longest", half_life=168.0),
        shared=True,
        quoted=True,
        left_out=True,
        heard=False,
    ),
)
NODE_TYPE = {node_type.name: node_type for node_type in NODE_TYPES}
PLACES = {node_type.name: node_type.place for node_type in NODE_TYPES if node_type.place}
KEY_TYPES = tuple(PLACES)  # all but users
KEY_ROLES = {name: NODE_TYPE[name].role for name in KEY_TYPES}
ACTED_FROM = tuple(name for name in KEY_TYPES if NODE_TYPE[name].acted_from)
HEARD_TYPES = tuple(name for name in KEY_TYPES if NODE_TYPE[name].heard)
SHARED_TYPES = tuple(node_type.name for node_type in NODE_TYPES if node_type.shared)
EVENT_MAKERS = tuple(node_type for node_type in NODE_TYPES if node_type.makes_event)
