"""Claims about a ring in words: a fact with its number, and the bar that it was held against.

A number and its bar are told in as many digits as it takes to tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from graphdet.schema.claims import FACTS, Claim, Condition, Unit
from graphdet.schema.lookalikes import look_alike
from graphdet.schema.wording import LANGUAGES, Language, Wording, filled
from graphdet.words.interface import label

DIRECTIONS = {
    "at least": Wording("at least", "至少"),
    "more than": Wording("more than", "超过"),
    "at most": Wording("at most", "至多"),
    "less than": Wording("less than", "不到"),
}
UNKNOWN = "–"
LEAST_CHANCE = 1e-9
MOST_DIGITS = 6
MOST = 300.0  # power of ten that is still a number


def claim_in_words(claim: Claim, numbers: Mapping[str, float], language: Language) -> str:
    """A claim's sentence, with its numbers as people read them."""
    shown = {name: number_in_words(value, FACTS[name].unit) for name, value in numbers.items()}
    return filled(claim.sentence.to(language), **shown)


def condition_in_words(condition: Condition, value: float, bar: float, language: Language, *, known: bool = True) -> str:
    """What was found, and what it was held against: 36 members (at most 6); or that it is not measured in this log."""
    fact = FACTS[condition.fact]
    if not known or value != value:
        told, why = filled(fact.en if language == "en" else fact.zh, "?"), label("not_told", language)
        return f"{told} ({why})" if language == "en" else f"{told}（{why}）"
    if fact.unit == "yes":
        return (fact.yes if value else fact.no)[LANGUAGES.index(language)]
    found, held = with_bar(condition, value, bar)
    told = filled(fact.en if language == "en" else fact.zh, found)
    if not held:
        return told
    direction = DIRECTIONS[condition.direction].to(language)
    return f"{told} ({direction} {held})" if language == "en" else f"{told}（{direction} {held}）"


def with_bar(condition: Condition, value: float, bar: float) -> tuple[str, str]:
    """A number and its bar as people read them; no bar where the answer is yes or no."""
    unit = FACTS[condition.fact].unit
    if unit == "yes":
        return number_in_words(value, unit), ""
    if unit == "count" and condition.direction == "at most":
        bar = math.floor(bar)  # there are whole things alone
    for digits in range(MOST_DIGITS):
        found, held = number_in_words(value, unit, digits), number_in_words(bar, unit, digits)
        if _read(found) != _read(held) or value == bar:
            break
    return found, held


def _read(told: str) -> str:
    """What a number says to whoever reads it: 12.0 says 12."""
    return told.rstrip("0").rstrip(".") if "." in told else told


def conditions_in_words(texts: Iterable[str], language: Language) -> str:
    """Several conditions in one line."""
    return ("; " if language == "en" else "；").join(texts)


def number_in_words(value: float, unit: Unit, digits: int = 0) -> str:
    """A number as people read it; `digits` more than usual."""
    if value != value:
        return UNKNOWN
    if unit == "share":
        return f"{value:.{digits}%}"
    if unit == "yes":
        return "✓" if value else "✗"
    if unit == "chance":
        return _chance(value, digits)
    return plain_number(10.0 ** min(value, MOST) if unit == "times" else value, digits)


def plain_number(value: float, digits: int = 0) -> str:
    """Two digits that count, or all before the point: <0.001, 0.0031, 0.52, 4.2, 41, 1,204."""
    if abs(value) >= 10 or float(value).is_integer():
        return f"{float(value):,.{digits}f}" if digits and not float(value).is_integer() else f"{float(value):,.0f}"
    return f"{float(value):.{2 + digits}g}" if abs(value) >= 0.001 else "<0.001"


def _chance(value: float, digits: int) -> str:
    if value >= 0.1:
        return f"{value:.{digits}%}"
    return f"1/{1 / value:,.{digits}f}" if value > LEAST_CHANCE else f"<1/{1 / LEAST_CHANCE:,.0f}"


def look_alike_in_words(name: str, language: Language) -> str:
    """An innocent explanation in plain words."""
    return look_alike(name).plain.to(language)
