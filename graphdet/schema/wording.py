"""The languages that people are spoken to in, and one thing's words in each."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True)
class Wording:
    """Words in every language; both name the same numbers, as `{name}`."""

    en: str
    zh: str

    def __post_init__(self) -> None:
        if named(self.en) != named(self.zh):
            raise ValueError(f"{self.en!r} and {self.zh!r} name different numbers")

    def to(self, language: Language) -> str:
        """The words for somebody who reads this language."""
        return self.en if language == "en" else self.zh


def filled(text: str, /, *value: Any, **values: Any) -> str:
    """The text with these values; where it names a thing after a number, in the singular or the plural.

    As `{count:ring|rings}`, or with the number's own format as `{count:,.0f|ring|rings}`.
    """
    return _Filler().vformat(text, value, values) if "|" in text else text.format(*value, **values)


def numbered(count: int, one: str, many: str) -> str:
    """'1 row', '1,200 rows'."""
    return f"{count:,} {one if count == 1 else many}"


class _Filler(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        *form, one, many = ("", format_spec, "") if "|" not in format_spec else format_spec.split("|")
        if "|" not in format_spec:
            told: str = super().format_field(value, format_spec)
            return told
        told = super().format_field(value, "".join(form))
        return f"{told} {one if told == '1' else many}"


def blanks(text: str) -> int:
    """How many numbers without a name a text has room for."""
    return sum(name == "" for _, name, _, _ in string.Formatter().parse(text))


@cache
def named(text: str) -> frozenset[str]:
    """The numbers that a text names."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
