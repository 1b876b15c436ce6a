"""The languages that people are spoken to in, and one thing's words in each."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from typing import Literal

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


@cache
def named(text: str) -> frozenset[str]:
    """The numbers that a text names."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
