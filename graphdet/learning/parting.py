"""Labels → their parts for learning, calibrating and judging.

Parts go forward in time, and a ring's members never lie in two parts: a model that has seen half a ring would be praised for knowing
the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Int32, Int64
from graphdet.errors import LabelError
from graphdet.events import Labels
from graphdet.schema.wording import numbered

# Of the positive labels, as they came to be known: up to here for learning, to here for calibrating, the rest for judging.
PARTS = (0.6, 0.8)


@dataclass(frozen=True)
class Parts:
    """Positions in `Labels` to learn from, to calibrate on and to judge by, each in order of time and later than the one before;
    a ring lies in one of them."""

    learn: Int64
    calibrate: Int64
    judge: Int64


def part_labels(labels: Labels, rings: Sequence[Int32]) -> Parts:
    """Labels parted forward in time. A ring is known when half of its members are; of rings that overlap, a user goes with the first,
    and stays out where most of another ring's members lie in another part.

    Raises:
        LabelError: a part has no positive or no negative label.
    """
    group = np.arange(len(labels))
    members = [np.flatnonzero(np.isin(labels.user, ring)) for ring in rings]
    for number, own in reversed(list(enumerate(members))):
        group[own] = len(labels) + number
    moment = labels.known_at.copy()
    for number in range(len(members)):
        own = np.flatnonzero(group == len(labels) + number)
        moment[own] = np.sort(labels.known_at[own])[(len(own) - 1) // 2] if len(own) else 0
    in_time = np.lexsort((group, moment))
    begins = np.flatnonzero(np.diff(group[in_time], prepend=-1))
    positives = np.add.reduceat(labels.positive[in_time], begins, dtype=np.int64) if len(begins) else np.zeros(0, np.int64)
    part = np.searchsorted(PARTS, (np.cumsum(positives) - positives) / max(positives.sum(), 1), side="right")
    part = np.repeat(part, np.diff(begins, append=len(labels)))[np.argsort(in_time)]
    kept = np.ones(len(labels), np.bool_)
    for own in members:
        kept[own[part[own] != np.bincount(part[own], minlength=3).argmax()]] = False
    found = [in_time[(kept & (part == number))[in_time]] for number in range(3)]
    for name, own in zip(("learning", "calibrating", "judging"), found, strict=True):
        share = labels.positive[own]
        if not share.any() or share.all():
            raise LabelError(
                f"the labels leave {int(share.sum())} positive and {numbered(int((~share).sum()), 'negative user', 'negative users')} "
                f"for {name}; more labels are needed."
            )
    return Parts(*found)
