"""Review texts and stars → how surely the words say good or bad: character n-grams, each text judged by what was learned from others."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool, Float64

GRAMS = (2, 3, 4)  # characters; they need no list of words, and suit every language
PARTS = 5  # a text is judged by what the other parts taught
FEWEST = 40  # texts of each side without which nothing is learned
SHORTEST = 6  # letters of a text that is judged
COST = 1.0  # counts that every n-gram is given beforehand
MOST = 6.0  # log odds beyond which nothing is surer
MOST_SENTENCES = 40  # of a text; what follows counts as one
_SENTENCES = re.compile(r"(?<=[.!?;。！？；…\n])\s*")
_CLAUSES = re.compile(r"(?<=[,:，、：])\s*")


@dataclass(frozen=True)
class Wording:
    """What the words of n reviews taught.

    Attributes:
        odds: (n,) log odds that each text is of a good review, NaN where it says too little.
    """

    odds: Float64
    _parts: tuple[_Taught, ...]
    _every: _Taught

    def judge(self, folded: str, beside: str) -> float:
        """Log odds of some words by what taught the judge of another text, of which they are a part."""
        return self._every.judge(folded, without=self._parts[_part(beside)]) if len(folded) >= SHORTEST else math.nan

    def moving_sentence(self, text: str, side: int) -> tuple[str, float] | None:
        """The sentence (of one sentence: the clause) without which a text speaks least for a side (1 good, −1 bad), and its log odds.

        None where the text says too little, or does not speak for that side.
        """
        whole = side * self.judge(fold(text), fold(text))
        if not whole > 0:
            return None
        sentences, clauses = (mark.split(text.strip(), MOST_SENTENCES - 1) for mark in (_SENTENCES, _CLAUSES))
        parts = [part for part in (sentences if sum(map(bool, sentences)) > 1 else clauses) if part]
        left = [self.judge(fold(" ".join(parts[:place] + parts[place + 1 :])), fold(text)) for place in range(len(parts))]
        drops = [whole - (0.0 if math.isnan(one) else side * one) for one in left]
        most = max(range(len(parts)), key=lambda place: (drops[place], -place))
        return parts[most], drops[most]


def learn_wording(folded: Sequence[str], good: Bool, bad: Bool) -> Wording | None:
    """What good and bad reviews teach; None where there are too few to learn from.

    Naive Bayes over the n-grams that a text has, each once, and averaged by the root of their number, since neighbours say the same.
    """
    told = np.array([len(text) >= SHORTEST for text in folded], np.bool_)
    if min((told & good).sum(), (told & bad).sum()) < FEWEST:
        return None
    odds = np.full(len(folded), np.nan)
    taught = tuple(_Taught() for _ in range(PARTS))
    for place in np.flatnonzero(told & (good | bad)).tolist():
        taught[_part(folded[place])].add(folded[place], good=bool(good[place]))
    every = _Taught()
    for one in taught:
        every.take(one)
    wording = Wording(odds, taught, every)
    for place in np.flatnonzero(told).tolist():
        odds[place] = wording.judge(folded[place], folded[place])
    return wording


def fold(text: str) -> str:
    """Its letters alone, in lower case."""
    return "".join(character for character in text.casefold() if character.isalpha())


def _part(folded: str) -> int:
    """The same words always lie in one part: a pasted text must not have taught its own judge."""
    return sum(map(ord, folded)) % PARTS


class _Taught:
    """How many good and bad texts there are, and in how many each n-gram is."""

    def __init__(self) -> None:
        self.grams: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self.texts = [0, 0]

    def add(self, text: str, *, good: bool) -> None:
        self.texts[good] += 1
        own = self.grams[good]
        for gram in _grams(text):
            own[gram] = own.get(gram, 0) + 1

    def take(self, other: _Taught) -> None:
        for side in (0, 1):
            self.texts[side] += other.texts[side]
            for gram, count in other.grams[side].items():
                self.grams[side][gram] = self.grams[side].get(gram, 0) + count

    def judge(self, text: str, without: _Taught) -> float:
        """Log odds of a text by all but those that another one was taught."""
        texts = [self.texts[side] - without.texts[side] + 2 * COST for side in (0, 1)]
        found = []
        for gram in sorted(_grams(text)):
            bad, good = (self.grams[side].get(gram, 0) - without.grams[side].get(gram, 0) for side in (0, 1))
            if bad or good:
                found.append(math.log((good + COST) * texts[0] / ((bad + COST) * texts[1])))
        return max(-MOST, min(MOST, sum(found) / math.sqrt(len(found)))) if found else math.nan


def _grams(text: str) -> set[str]:
    return set(_each(text))


def _each(text: str) -> Iterator[str]:
    for size in GRAMS:
        for place in range(len(text) - size + 1):
            yield text[place : place + size]
