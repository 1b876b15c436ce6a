"""Look-alikes and objections as they were weighed → plain data, and lines that say which bars were passed or missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphdet.judging.conditions import Checked, Weighed
from graphdet.schema.claims import Claim, Condition
from graphdet.schema.wording import LANGUAGES, Language
from graphdet.words.claim_sentences import claim_in_words, condition_in_words, conditions_in_words
from graphdet.words.interface import label

MOST_TOLD = 2  # conditions in one line


def in_order(tried: Sequence[Weighed], chosen: str) -> list[Weighed]:
    """The one that was chosen first, then others that hold, then those that do not; each in the order in which they are tried."""
    return sorted(tried, key=lambda one: (one.claim.name != chosen, not one.holds))


def sentence(one: Weighed, language: Language) -> str:
    """What is claimed, with its numbers."""
    return claim_in_words(one.claim, one.numbers, language)


def claimed(one: Weighed, language: Language) -> str:
    """The claim's sentence where it holds; else which bars it missed, for then the sentence is not true, and may name what nobody knows."""
    return sentence(one, language) if one.holds else missed_in_words(one, language, None)


def bars_in_words(conditions: Iterable[Checked], language: Language, most: int | None = None) -> str:
    """Each number with the bar that it was held against, in one line."""
    told = [condition_in_words(one.condition, one.value, one.bar, language, known=one.known) for one in _tightest(conditions)]
    return conditions_in_words(_first(told, language, most), language)


def _first(told: Sequence[str], language: Language, most: int | None) -> list[str]:
    """The first of them, and how many more there are."""
    left_out = len(told) - most if most is not None else 0
    if left_out < 1 or (left_out == 1 and most != 1):  # one more takes no more room than saying that there is one
        return list(told)
    return [*told[:most], label("and_others", language, count=left_out)]


def _tightest(conditions: Iterable[Checked]) -> list[Checked]:
    """Of bars on the same side of the same fact the one that is harder to pass."""
    found: dict[tuple[str, str], Checked] = {}
    for one in conditions:
        side = (one.condition.fact, one.condition.direction)
        low = one.condition.direction in ("at least", "more than")
        if side not in found or (one.bar > found[side].bar if low else one.bar < found[side].bar):
            found[side] = one
    return list(found.values())


def missed_in_words(one: Weighed, language: Language, most: int | None = MOST_TOLD) -> str:
    """Why a claim does not hold; empty where it does."""
    missed = [checked for checked in one.missed() if checked.told] or one.missed()  # what is not known rules nothing out
    told = bars_in_words(missed, language, most)
    return label("but", language, why=told) if one.missed() and all(checked.holds for checked in one.missed()) else told


def passed_in_words(one: Weighed, language: Language) -> str:
    """By which bars a claim holds; empty where it does not."""
    return bars_in_words(one.nearest(), language) if one.holds else ""


def spared_in_words(tried: Iterable[Weighed], language: Language, most: int | None = None) -> str:
    """The bars that keep claims that do not hold from holding, told from the other side: 36 members (at least 5); no number, no word."""
    told: dict[str, str] = {}
    for one in tried:
        if one.holds:
            continue
        missed = [next((checked for checked in sorted(way, key=lambda row: not row.told) if not checked.holds), None) for way in one.ways]
        for checked in one.unless if None in missed else missed:
            if checked is not None and checked.told:
                condition = checked.condition if checked.holds else checked.condition.turned()
                told.setdefault(condition.fact, condition_in_words(condition, checked.value, checked.bar, language))
    return conditions_in_words(_first(list(told.values()), language, most), language)


def claim_as_dict(one: Weighed) -> dict[str, Any]:
    """Everything that was weighed, as JSON can hold it."""
    return {
        "code": one.claim.name,
        "holds": one.holds,
        "numbers": {name: _plain(value) for name, value in one.numbers.items()},
        **{language: claimed(one, language) for language in LANGUAGES},
        "ways": [[_condition(checked) for checked in way] for way in one.ways],
        "unless": [_condition(checked) for checked in one.unless],
    }


def parts_of(claim: Claim) -> list[tuple[Condition, str]]:
    """Each condition once, with the part that it plays: "all" of the ways ask for it, or way "1", "2", …; or "unless"."""
    common = [condition for condition in claim.ways[0] if all(condition in way for way in claim.ways)]
    found = [(condition, "all") for condition in common]
    found += [(condition, str(number)) for number, way in enumerate(claim.ways, 1) for condition in way if condition not in common]
    return found + [(condition, "unless") for condition in claim.unless]


def conditions_as_rows(tried: Iterable[Weighed], about: str) -> list[dict[str, Any]]:
    """A flat row for each condition, with the part that it plays in the claim."""
    return [
        {"about": about, "code": one.claim.name, "holds": one.holds, "part": part, **_condition(one.checked[condition])}
        for one in tried
        for condition, part in parts_of(one.claim)
    ]


def _condition(checked: Checked) -> dict[str, Any]:
    condition = checked.condition
    return {
        "fact": condition.fact,
        "value": _plain(checked.value) if checked.known else None,
        "direction": condition.direction,
        "bar": checked.bar,
        "setting": condition.bar.setting or None,
        "passed": checked.holds,
        **{language: condition_in_words(condition, checked.value, checked.bar, language, known=checked.known) for language in LANGUAGES},
    }


def _plain(value: float) -> float | None:
    return None if value != value else value
