"""Small sums that facts rest on: chances of plain coincidence, and which texts are nearly the same."""

from __future__ import annotations

import numpy as np

from graphdet.arrays import Int64

SHINGLE = 3  # characters
SAME = 0.7  # share of shingles in common from which on two texts are nearly the same


def together_within(times: Int64, reach: int) -> tuple[int, float]:
    """Pairs of sorted times at most `reach` apart, and how many would be if the times lay evenly between the first and the last."""
    count = len(times)
    if count < 2:
        return 0, 0.0
    near = int((np.searchsorted(times, times + reach, side="right") - np.arange(count) - 1).sum())
    share = min(reach / max(int(times[-1] - times[0]), 1), 1.0)
    return near, count * (count - 1) / 2 * share * (2 - share)


def near_copies(texts: list[str]) -> list[list[int]]:
    """Groups of two or more texts each nearly the same as another one of its group: by the shingles they share (Broder 1997).

    Case, white space and punctuation do not count.
    """
    shingles = []
    for text in texts:
        plain = "".join(character for character in text.lower() if character.isalnum())
        shingles.append({plain[place : place + SHINGLE] for place in range(max(len(plain) - SHINGLE + 1, 1))})
    leader = list(range(len(texts)))

    def root(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    for one in range(len(texts)):
        for other in range(one):
            both = len(shingles[one] & shingles[other])
            if both >= SAME * (len(shingles[one]) + len(shingles[other]) - both):
                leader[root(one)] = root(other)
    groups: dict[int, list[int]] = {}
    for place in range(len(texts)):
        groups.setdefault(root(place), []).append(place)
    return [group for group in groups.values() if len(group) > 1]
