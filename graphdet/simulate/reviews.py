"""Review rows → texts in Chinese and English, from phrases put together; a ring's script gives near-duplicates.

Own words differ from order to order. Writers who follow a script copy it and change a phrase here and there; some scripts only say what is
to be told, and everybody tells it in words of their own. Honest people paste, too: what the app puts there, or a shop's own template.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.simulate.streams import Ints, mix

_SILENT = 0.25  # reviews of stars alone
_CHANGED = 0.15  # phrases that a writer changes in a script
_TOLD = 0.75  # the same, of a script that only says what is to be told
_BRIEFS = 0.25  # scripts that are such
_STOCK = 0.05  # honest reviews that are what the app puts there
_TEMPLATES, _PASTED = 0.06, 0.35  # shops with a template of their own, and their honest reviewers who paste it
_STOCK_PHRASES = (
    *("此用户没有填写评价。", "系统默认好评。", "好评！", "非常满意，五星好评！"),
    *("The user left no comment.", "Good!", "Great product, thanks!", "Five stars."),
)


@dataclass(frozen=True)
class Language:
    """Phrases by place in the review; a place with an empty phrase may be left out."""

    good: tuple[tuple[str, ...], ...]
    bad: tuple[tuple[str, ...], ...]


_CHINESE = Language(
    good=(
        (
            "",
            "",
            "收到货了，",
            "用了几天，",
            "等了好久终于到了，",
            "第二次买了，",
            "给家里人买的，",
            "朋友推荐的，",
            "活动价入手，",
            "一直在这家买，",
            "刚拆开，",
            "拿到手，",
            "之前买过，这次",
        ),
        (
            "质量很好",
            "做工不错",
            "比想象中好",
            "很满意",
            "非常喜欢",
            "手感挺好的",
            "颜色很正",
            "大小合适",
            "味道不错",
            "跟描述一致",
            "没有色差",
            "材质舒服",
            "很实用",
            "性价比高",
            "还可以",
            "挺好的",
        ),
        (
            "。",
            "，",
            "！",
            "～",
            "，包装也仔细，",
            "，包装很严实，",
            "，物流很快，",
            "，隔天就到了，",
            "，客服态度好，",
            "，快递小哥送上门，",
            "，比实体店便宜，",
        ),
        (
            "",
            "",
            "值得购买",
            "推荐",
            "会回购",
            "下次还来",
            "好评",
            "家人都说好",
            "孩子很喜欢",
            "先用着看看",
            "希望耐用",
            "五星",
            "物超所值",
            "支持",
            "很划算",
            "没有异味",
            "已经推荐给同事",
        ),
        ("", "", "。", "！", "～", "！！", "👍", "😊", "。谢谢卖家", "，加油"),
    ),
    bad=(
        ("", "", "收到货，", "用了两天，", "等了一个多星期，", "说实话，", "图片好看，", "第一次在这家买，", "拆开一看，"),
        (
            "质量一般",
            "有色差",
            "做工粗糙",
            "跟描述不符",
            "尺码偏小",
            "味道很大",
            "有划痕",
            "用两天就坏了",
            "比想象中差",
            "没什么用",
            "有点失望",
            "不太满意",
        ),
        ("。", "，", "，包装破了，", "，物流太慢，", "，客服不理人，", "，联系卖家没回，", "，少发了配件，"),
        ("", "不推荐", "不会再买", "退货了", "凑合用吧", "一分钱一分货", "希望改进", "差评", "浪费钱", "慎重购买"),
        ("", "", "。", "！", "……", "😞"),
    ),
)
_ENGLISH = Language(
    good=(
        (
            "",
            "",
            "Arrived on time. ",
            "Second time I buy this. ",
            "Bought it for my mom. ",
            "Got it on sale, ",
            "After a week of use: ",
            "Honestly, ",
            "A friend told me about it. ",
            "Just opened it, ",
            "My son loves it. ",
            "Was not sure at first but ",
        ),
        (
            "great quality",
            "works well",
            "better than expected",
            "very happy with it",
            "nice material",
            "fits perfectly",
            "true to size",
            "looks like the picture",
            "good value for the price",
            "does the job",
            "really comfy",
            "tastes good",
            "color is spot on",
            "solid build",
            "pretty good",
        ),
        (
            ". ",
            ", ",
            "! ",
            ". Well packed, ",
            ". Fast shipping, ",
            ", seller was helpful, ",
            ", came a day early, ",
            " and cheaper than in store, ",
        ),
        (
            "",
            "would buy again",
            "recommended",
            "five stars",
            "will be back",
            "no complaints",
            "worth it",
            "ordering another one",
            "everyone at home likes it",
            "let's see how long it lasts",
            "hope it lasts",
            "exactly what I needed",
        ),
        ("", "", ".", "!", " :)", " 👍", ". Thanks", "!!"),
    ),
    bad=(
        (
            "",
            "",
            "Took two weeks. ",
            "Looks nice in the photo but ",
            "Disappointed. ",
            "After two days, ",
            "Honestly, ",
            "First order here. ",
        ),
        (
            "poor quality",
            "not as described",
            "runs small",
            "wrong color",
            "scratched",
            "stopped working",
            "smells bad",
            "cheap material",
            "just ok",
            "not what I expected",
        ),
        (". ", ", ", ". Box was torn, ", ". Seller never answered, ", ". Slow shipping, ", ". Parts missing, "),
        (
            "",
            "returned it",
            "would not buy again",
            "you get what you pay for",
            "waste of money",
            "needs work",
            "save your money",
            "asked for a refund",
        ),
        ("", "", ".", "!", "...", " :("),
    ),
)


def review_texts(
    order: Ints, rating: npt.NDArray[np.int8], script: Ints, english: npt.NDArray[np.bool_], seller: Ints, salt: int
) -> pa.StringArray:
    """The text of each review, null for stars alone. `script` 0 = own words; the others copy their script."""
    speaks = (script > 0) | (_chance(order, salt) >= _SILENT)
    bad = rating <= 2
    # A shop's template is a script of honest people, with numbers that no ring's has.
    has_template = _chance(seller, salt + 2) < _TEMPLATES
    pastes = (script == 0) & ~bad & has_template & (_chance(order, salt + 3) < _PASTED)
    script = np.where(pastes, -1 - seller.astype(np.int64), script.astype(np.int64))
    scripted = script != 0
    # All of a script's copies are in its own language.
    english = np.where(scripted, mix(script, salt + 1) % np.uint64(10) < 3, english)
    changed = np.where((script > 0) & (_chance(script, salt + 4) < _BRIEFS), _TOLD, _CHANGED)
    parts: list[pa.Array] = []
    for place in range(5):
        own = mix(order, salt + 10 + place)
        kept = _chance(order, salt + 20 + place) >= changed
        word = np.where(scripted & kept, mix(script, salt + 30 + place), own)
        phrases, first, count = _phrases(place)
        table = english.astype(int) * 2 + bad
        parts.append(phrases.take(pa.array(first[table] + (word % count[table].astype(np.uint64)).astype(np.int64))))
    text = pc.binary_join_element_wise(*parts, "")
    stock = ~scripted & ~bad & (_chance(order, salt + 5) < _STOCK)
    half = len(_STOCK_PHRASES) // 2
    which = np.where(english, half, 0) + (half * _chance(order, salt + 6) ** 2).astype(np.int64)  # one of them much oftener than the others
    text = pc.if_else(pa.array(stock), pa.array(_STOCK_PHRASES).take(pa.array(which)), text)
    return pc.if_else(pa.array(speaks), text, pa.scalar(None, pa.string()))


def _chance(what: Ints, salt: int) -> npt.NDArray[np.float64]:
    """A number from 0 to 1 for each, always the same."""
    return (mix(what, salt) >> np.uint64(11)).astype(np.float64) / 2.0**53


def _phrases(place: int) -> tuple[pa.StringArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All phrases of one place, with first position and count for (Chinese good, Chinese bad, English good, English bad)."""
    lists = [_CHINESE.good[place], _CHINESE.bad[place], _ENGLISH.good[place], _ENGLISH.bad[place]]
    count = np.array([len(phrases) for phrases in lists], dtype=np.int64)
    return pa.array([phrase for phrases in lists for phrase in phrases]), np.cumsum(count) - count, count
