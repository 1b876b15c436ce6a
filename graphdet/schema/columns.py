"""Columns of a log, and the actions that are known by name."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from graphdet.schema.nodes import NODE_TYPES, USER

TEXT = pa.string()
TIME = pa.timestamp("us", tz="UTC")
MOMENTS = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # microseconds since 1970 UTC of the years 1 to 9999
LAST_SECOND = 2**31 - 1  # of a log, whose seconds are counted in 32 bits


@dataclass(frozen=True)
class Field:
    """One column: its name, its Arrow type and what it means, in one sentence; and the bounds that a run folder's values are held to.

    Attributes:
        least, most: bounds of a number; those of every time are `MOMENTS`.
        lacks: whether it may be null.
        form: a pattern that a whole text must match.
    """

    name: str
    type: pa.DataType
    meaning: str
    least: float | None = None
    most: float | None = None
    lacks: bool = False
    form: str = ""


ACTIONS = (
    "view",
    "click",
    "favourite",
    "cart",
    "order",
    "pay",
    "review",
    "refund",
    "cancel",
    "login",
    "coupon",
    "invite",
)

# Our action → words that logs have for it, in small letters without anything but letters and digits.
ACTION_WORDS: dict[str, tuple[str, ...]] = {
    "view": (
        *("view", "pv", "browse", "detail", "detailview", "pageview", "viewitem", "productview", "viewproduct", "impression", "visit"),
        *("浏览", "查看", "访问", "曝光", "浏览商品", "商品浏览", "瀏覽"),
    ),
    "click": ("click", "clk", "clicks", "clickout", "clickitem", "tap", "点击", "點擊"),
    "favourite": (
        *("favourite", "favorite", "fav", "collect", "wishlist", "addtowishlist", "addtofavorites", "like", "star"),
        *("收藏", "加收藏", "添加收藏", "关注", "点赞", "收藏商品"),
    ),
    "cart": (
        *("cart", "addtocart", "addcart", "basket", "addtobasket", "cartadd", "加购", "加购物车", "加入购物车", "添加购物车", "购物车"),
        *("warenkorb", "panier"),
    ),
    "order": (
        *("order", "buy", "purchase", "transaction", "checkoutcomplete", "conversion", "sale", "alipay", "ordercreated", "placeorder"),
        *("下单", "购买", "成交", "提交订单", "创建订单", "下單", "kauf", "bestellung", "achat", "compra", "pedido"),
    ),
    "pay": ("pay", "payment", "paid", "paymentsuccess", "支付", "付款", "已支付", "支付成功", "付款成功", "zahlung", "paiement", "pago"),
    "review": ("review", "rate", "rating", "comment", "feedback", "评价", "评论", "点评", "评分", "評價", "bewertung"),
    "refund": ("refund", "return", "returned", "chargeback", "refunded", "退款", "退货", "退货退款", "申请退款", "retoure"),
    "cancel": ("cancel", "cancelled", "canceled", "cancellation", "取消", "取消订单", "撤单", "关闭订单", "storno"),
    "login": ("login", "signin", "logon", "loginsuccess", "登录", "登陆", "登入", "anmeldung"),
    "coupon": ("coupon", "couponreceived", "claim", "voucher", "redeem", "领券", "优惠券", "领取优惠券", "使用优惠券", "领取", "gutschein"),
    "invite": ("invite", "referral", "refer", "invitation", "邀请", "邀请好友"),
}
ACTION_OF = {word: ours for ours, words in ACTION_WORDS.items() for word in words}

EVENT_COLUMNS = (
    Field("event_id", TEXT, "names the event; rows that repeat it are duplicates", lacks=True),
    Field(
        "timestamp", TIME, "ISO 8601 with or without zone, a date, or epoch seconds, milliseconds or microseconds; UTC inside", lacks=True
    ),
    *(Field(node_type.column, TEXT, node_type.told, lacks=node_type.name != USER) for node_type in NODE_TYPES),
    Field(
        "action",
        TEXT,
        "what was done: " + ", ".join(ACTIONS) + ", or a usual word for one, also in Chinese; others are kept and listed",
        lacks=True,
    ),
    Field(
        "category", TEXT, "the item's category; in run folders, where the log tells none, the community of items that stands in", lacks=True
    ),
    Field("amount", pa.float64(), "money moved by the event", lacks=True),
    Field("currency", TEXT, "of the amount, such as EUR; where it is left out, what the amount itself says, such as € 12", lacks=True),
    Field("rating", pa.float64(), "stars given", lacks=True),
    Field("text", TEXT, "review text", lacks=True),
    Field("image", TEXT, "a review's picture: the name of a file in the log's folder, or its bytes (Parquet)", lacks=True),
    Field("order_id", TEXT, "the order that the event belongs to", lacks=True),
    Field("user_agent", TEXT, "the client's own words about itself", lacks=True),
    Field("label", TEXT, "what is known about the event or its user, where anything is", lacks=True),
)
IP_COLUMNS = tuple(node_type.column for node_type in NODE_TYPES if node_type.canonical == "ip")
EVENT_COLUMN = {field.name: field for field in EVENT_COLUMNS}
