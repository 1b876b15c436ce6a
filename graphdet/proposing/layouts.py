"""Well-known public logs, each one object: how it is recognised, and the settings that read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layout:
    """One layout.

    Attributes:
        name: for `graphdet init --layout`.
        title: what people call it.
        header: columns that tell it, in small letters; () where files have no header.
        columns, actions, constants, timezone: as in `[log]`.
        told: what whoever reads such a log should know, in a sentence.
        names: of the columns, in order, where files have no header.
        alone: whether such a file says enough by itself; other tables must be joined where not.
    """

    name: str
    title: str
    header: tuple[str, ...]
    columns: Mapping[str, str]
    told: str
    actions: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    timezone: str = ""
    names: tuple[str, ...] = ()
    alone: bool = True

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a file's header is that of the layout; more columns do no harm."""
        return bool(self.header) and set(self.header) <= {name.strip().lower() for name in header}


CHINA = "+08:00"
BEHAVIOUR = {"pv": "view", "fav": "favourite", "cart": "cart", "buy": "order"}

LAYOUTS = (
    Layout(
        "tianchi-mobile",
        "Tianchi mobile recommendation (Alibaba)",
        ("user_id", "item_id", "behavior_type", "user_geohash", "item_category", "time"),
        {"behavior_type": "action", "item_category": "category", "time": "timestamp"},
        "Times are hours; behaviours are numbers.",
        actions={"1": "view", "2": "favourite", "3": "cart", "4": "order"},
        timezone=CHINA,
    ),
    Layout(
        "taobao-sample",
        "Taobao sample of DyHATR (user, item, action, date)",
        ("user", "item", "action", "date"),
        {"user": "user_id", "item": "item_id", "date": "timestamp"},
        "Dates without times of day; the items' categories and prices stand in a catalogue beside it.",
        actions={"collect": "favourite", "buy": "order"},
        timezone=CHINA,
    ),
    Layout(
        "rees46",
        "REES46 e-commerce events (cosmetics shop, multi-category store)",
        ("event_time", "event_type", "product_id", "category_id", "price", "user_id", "user_session"),
        {"event_time": "timestamp", "event_type": "action", "product_id": "item_id", "category_id": "category", "price": "amount"},
        "Neither devices nor addresses: items and times alone must tell.",
        actions={"purchase": "order"},
    ),
    Layout(
        "retailrocket",
        "RetailRocket events",
        ("timestamp", "visitorid", "event", "itemid", "transactionid"),
        {"visitorid": "user_id", "event": "action", "itemid": "item_id", "transactionid": "order_id"},
        "Times are milliseconds; most visitors come once.",
        actions={"addtocart": "cart", "transaction": "order"},
    ),
    Layout(
        "online-retail",
        "UCI Online Retail",
        ("stockcode", "description", "quantity", "invoicedate", "country"),
        {"InvoiceNo": "order_id", "Invoice": "order_id", "StockCode": "item_id", "InvoiceDate": "timestamp", "UnitPrice": "amount",
         "Price": "amount", "CustomerID": "user_id", "Customer ID": "user_id"},
        "A quarter of the rows have no customer and are rejected; lines of one invoice are one choice.",
        constants={"action": "order"},
        timezone="Europe/London",
    ),
    Layout(
        "fraud-ecommerce",
        "Fraud e-commerce: first purchases with devices",
        ("user_id", "signup_time", "purchase_time", "purchase_value", "device_id"),
        {"purchase_time": "timestamp", "purchase_value": "amount", "ip_address": "ip", "class": "label"},
        "Every account buys once and no item is named, so shared devices are what tells.",
        constants={"action": "order"},
    ),
    Layout(
        "o2o-coupons",
        "O2O coupons (Tianchi)",
        ("user_id", "merchant_id", "coupon_id", "discount_rate", "date_received"),
        {"Coupon_id": "item_id", "Merchant_id": "seller_id", "Date_received": "timestamp"},
        "Dates only: what comes as one pack on a day is one choice.",
        constants={"action": "coupon"},
        timezone=CHINA,
    ),
    Layout(
        "stars",
        "Stars of repositories (StarScout)",
        ("repository", "account", "starred_at"),
        {"repository": "item_id", "account": "user_id", "starred_at": "timestamp"},
        "Repositories that were renamed stand under two names; whoever starred one seems to have starred both.",
        constants={"action": "favourite"},
    ),
    Layout(
        "amazon-reviews",
        "Amazon reviews (2014, 2018)",
        ("reviewerid", "asin", "overall", "unixreviewtime"),
        {"reviewerID": "user_id", "asin": "item_id", "overall": "rating", "unixReviewTime": "timestamp", "reviewText": "text"},
        "Times are days.",
        constants={"action": "review"},
    ),
    Layout(
        "amazon-reviews-2023",
        "Amazon reviews (2023)",
        ("user_id", "asin", "parent_asin", "rating", "timestamp"),
        {"parent_asin": "item_id"},
        "Times are milliseconds; `parent_asin` joins variants of one product.",
        constants={"action": "review"},
    ),
    Layout(
        "yelp-reviews",
        "Yelp reviews",
        ("review_id", "user_id", "business_id", "stars", "date"),
        {"review_id": "event_id", "business_id": "item_id", "stars": "rating", "date": "timestamp"},
        "Reviews alone: neither devices nor addresses.",
        constants={"action": "review"},
    ),
    Layout(
        "movielens",
        "MovieLens ratings",
        ("userid", "movieid", "rating", "timestamp"),
        {"userId": "user_id", "movieId": "item_id"},
        "Users rate long lists in one sitting, which counts as few choices.",
        constants={"action": "review"},
    ),
    Layout(
        "page-events",
        "Page events (retentioneering)",
        ("user_id", "event", "timestamp", "session_id"),
        {"event": "item_id"},
        "The event is the page; a few pages that all visit tell little of anybody.",
        constants={"action": "view"},
    ),
    Layout(
        "olist-orders",
        "Olist orders (Brazilian marketplace)",
        ("order_id", "customer_id", "order_status", "order_purchase_timestamp"),
        {"customer_id": "user_id", "order_purchase_timestamp": "timestamp"},
        "Each order has a customer_id of its own: people are told by customer_unique_id of the customers' table, items by the lines'; "
        "give all three, since orders alone tell of nobody.",
        constants={"action": "order"},
        timezone="America/Sao_Paulo",
        alone=False,
    ),
    Layout(
        "weibo",
        "Weibo users and what they posted, with weights",
        ("user", "item", "weight"),
        {"user": "user_id", "item": "item_id"},
        "No times: what pairs come back to is all that tells.",
    ),
    Layout(
        "taobao-user-behavior",
        "Taobao UserBehavior (Alibaba)",
        (),
        {},
        "The file has no header.",
        actions=BEHAVIOUR,
        timezone=CHINA,
        names=("user_id", "item_id", "category", "action", "timestamp"),
    ),
)  # fmt: skip
LAYOUT = {layout.name: layout for layout in LAYOUTS}
