"""What the actions that graphdet knows by name are called; a log's other actions stand as the log has them."""

from __future__ import annotations

from graphdet.schema.wording import Language, Wording

DEEDS = {
    "view": Wording("view", "浏览"),
    "click": Wording("click", "点击"),
    "favourite": Wording("favourite", "收藏"),
    "cart": Wording("cart", "加购"),
    "order": Wording("order", "下单"),
    "pay": Wording("pay", "支付"),
    "review": Wording("review", "评价"),
    "refund": Wording("refund", "退款"),
    "cancel": Wording("cancel", "取消"),
    "login": Wording("login", "登录"),
    "coupon": Wording("coupon", "优惠券"),
    "invite": Wording("invite", "邀请"),
}


def action_in_words(action: str | None, language: Language) -> str:
    """What was done; '' where the log does not tell."""
    return DEEDS[action].to(language) if action in DEEDS else action or ""
