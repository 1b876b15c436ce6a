"""Sets of things, numbered as they come → which of them have a thing: an inverted index."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable


class InvertedIndex:
    """Numbered sets of whole numbers, found by what is in them."""

    def __init__(self) -> None:
        self._sets_with: dict[int, list[int]] = defaultdict(list)

    def add(self, number: int, things: Iterable[int]) -> None:
        """Take up set `number` with its things."""
        for thing in things:
            self._sets_with[thing].append(number)

    def common(self, things: Iterable[int]) -> Counter[int]:
        """Set → how many of the things are in it, where there is one."""
        return Counter(number for thing in things for number in self._sets_with.get(thing, ()))
