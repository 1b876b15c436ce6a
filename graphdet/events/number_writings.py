"""One number as people write it → its value: currency signs and codes, thousands, decimal commas, brackets for what is owed.

"1,250.50" and "12,50" are clear by themselves. "1,250" is not: what the column's other values say of the decimal mark decides, and where
they say nothing or both, the number counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphdet.events.date_words import in_plain_signs
from graphdet.events.forms import Decimal, NumberForm

_CODES = (
    "USD|EUR|GBP|JPY|CNY|RMB|CNH|HKD|TWD|KRW|INR|RUB|BRL|MXN|CAD|AUD|NZD|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|TRY|ILS|ZAR|THB|VND|IDR|MYR|"
    "SGD|PHP|AED|SAR|EGP|NGN|KES|UAH|KZT|ARS|CLP|COP|PEN|PKR|BDT"
)
_SIGNS = "$€£¥￥₹₩₽₺₫฿₱₴₪₦元圆円"
_CURRENCY = re.compile(
    rf"(?:US|R|A|C|HK|NT|S)?\$|[{_SIGNS}]|(?<![A-Za-z])(?:{_CODES})(?![A-Za-z])|kr\.?|zł|Kč|Ft|руб\.?|р\.|Rs\.?|S?Fr\.|Rp\.?|S/\.?|RM|грн\.?|лв\.?|lei|人民币|日元|円|원",
    re.IGNORECASE,
)
# Of one currency alone; $, ¥ and kr are several countries' and stand for themselves.
_WRITINGS = {
    "EUR": ("€",), "GBP": ("£",), "USD": ("US$",), "CAD": ("C$",), "AUD": ("A$",), "HKD": ("HK$",), "TWD": ("NT$", "圓"), "SGD": ("S$",),
    "CNY": ("RMB", "CNH", "元", "圆", "人民币"), "JPY": ("円", "日元"), "KRW": ("₩", "원"), "INR": ("₹", "RS"), "BRL": ("R$",),
    "RUB": ("₽", "РУБ", "Р"), "UAH": ("₴", "ГРН"), "BGN": ("ЛВ",), "PLN": ("ZŁ",), "CZK": ("KČ",), "HUF": ("FT",), "RON": ("LEI",),
    "TRY": ("₺",), "VND": ("₫",), "THB": ("฿",), "PHP": ("₱",), "ILS": ("₪",), "NGN": ("₦",), "MYR": ("RM",), "IDR": ("RP",),
    "CHF": ("FR", "SFR"), "PEN": ("S/",),
}  # fmt: skip
_CODE_OF = {"￥": "¥"} | {writing: code for code, writings in _WRITINGS.items() for writing in writings}
_BRACKETS = re.compile(r"\((.*)\)")
_SPACE = re.compile(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(?!\d))")
_DOT = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{2})*,\d{3}\.\d+|\d{1,3}(?:,\d{3}){2,}|\d{1,2}(?:,\d{2})+,\d{3}")
_COMMA = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_ONE_DOT, _ONE_COMMA = re.compile(r"\d*\.\d+|\d+\."), re.compile(r"\d*,\d+")
_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")  # 1,250: thousands or thousandths
_WHOLE = re.compile(r"\d+")
_SIGN = re.compile(r"([+\-−–])?\s*(.*?)\s*([\-−–])?")


def bare_number(text: str) -> tuple[str, bool] | None:
    """Digits with their marks, and whether the number is negative; None where it is none."""
    if not text.isascii():
        text = in_plain_signs(text).replace("٫", ".").replace("٬", ",")
    text, found = text.strip(), _BRACKETS.fullmatch(text.strip())
    if found:
        text = found[1].strip()
    text, currencies = _CURRENCY.subn(" ", text)
    if currencies > 2:
        return None
    sign = _SIGN.fullmatch(text.strip())
    if not sign:
        return None
    minus = sum(mark is not None and mark != "+" for mark in (sign[1], sign[3])) + bool(found)
    digits = _SPACE.sub("", sign[2])
    if minus > 1 or not digits or not set(digits) <= set("0123456789.,"):
        return None
    return digits, minus == 1


def currency_in(text: str) -> str:
    """The currency that a text with a number names, as written there; '' where it names none."""
    found = _CURRENCY.search(text if text.isascii() else in_plain_signs(text))
    return found[0] if found else ""


def currency_code(text: str) -> str:
    """A currency as people write it → three letters, or its sign where several countries use that."""
    code = text.strip().upper().rstrip(".")
    return _CODE_OF.get(code, code)


def read_number(text: str, decimal: Decimal) -> float | None:
    """The value of one text; None where it is no number, or one that cannot be told."""
    bare = bare_number(text)
    if bare is None:
        return None
    digits, negative = bare
    mark = mark_of(digits)
    if mark is None:
        return None
    if mark == "either" and decimal == "each its own":
        return None
    if mark in (".", ",") and decimal != "each its own" and mark != decimal:
        return None
    point = decimal if mark == "either" else mark
    thousands = "," if point == "." else "."
    plain = digits.replace(thousands, "")
    value = float((plain if plain.count(point) <= 1 else plain.replace(point, "")).replace(",", "."))
    return -value if negative else value


def mark_of(digits: str) -> str | None:
    """'.' or ',' where a number's decimal mark is clear, '' for a whole number, 'either' for 1,250 and 1.250, None for no number."""
    if _WHOLE.fullmatch(digits):
        return ""
    if _GROUP.fullmatch(digits):
        return "either"
    if _DOT.fullmatch(digits) or _ONE_DOT.fullmatch(digits):
        return "."
    return "," if _COMMA.fullmatch(digits) or _ONE_COMMA.fullmatch(digits) else None


def tell_decimal(texts: Iterable[str], wanted: str) -> NumberForm:
    """Which decimal mark a column has, by those of its values whose mark is clear.

    Args:
        texts: its values, each once.
        wanted: what the settings say, or ''.
    """
    marks = set()
    unreadable = ""
    found: Decimal = "each its own"
    either = ""
    for text in texts:
        bare = bare_number(text)
        mark = mark_of(bare[0]) if bare else None
        marks.add(mark)
        if mark is None and not unreadable:
            unreadable = text
        if mark == "either" and not either:
            either = text
    if wanted == "." or (not wanted and "." in marks and "," not in marks):
        found = "."
    elif wanted == "," or (not wanted and "," in marks and "." not in marks):
        found = ","
    return NumberForm(found, unreadable or (either if found == "each its own" else ""))
