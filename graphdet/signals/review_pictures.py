"""Users who showed nearly the same picture: somebody's photograph that is handed on, as it is or a little changed.

A node is a group of copies; where marks in pictures were read (a phone or chat number, words), groups that show the same mark are one.
What a shop shows and thousands take over is a popular key and says little, as everywhere; what nobody else showed is a node as well, as
for texts.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Int32, Int64
from graphdet.events import EventTable
from graphdet.events.picture_prints import LETTERS
from graphdet.events.table import Written
from graphdet.schema import IMAGE_GROUP
from graphdet.signals.leaders import numbered, users_of
from graphdet.signals.near_pictures import as_words, near_pictures
from graphdet.signals.signal import Signal


def image_groups(events: EventTable) -> pa.StringArray | pa.DictionaryArray:
    """(n,) the group of each event's picture; null where it has none."""
    return (
        groups_of_pictures(events.written["image"], events.codes["user"])
        if "image" in events.written
        else pa.nulls(len(events), pa.string())
    )


def groups_of_pictures(written: Written, user: Int32) -> pa.DictionaryArray:
    """Names of groups, for prints and whose pictures they are."""
    rows = np.flatnonzero(written.code >= 0)
    used, code = numbered(written.code[rows], len(written.values))
    own = written.values.take(pa.array(used))
    users = users_of(code, user[rows], len(own))
    keys = [("users", "descending"), ("print", "ascending")]  # the first picture of a group is the one that most people show
    order = pc.sort_indices(pa.table({"users": users, "print": own}), keys).to_numpy().astype(np.int64)
    first = np.arange(len(own))
    first[order] = order[near_pictures(*as_words(own.take(pa.array(order)).to_pylist()))]
    named, place = numbered(first[code], len(first))
    marks = _marks(own.to_pylist(), first, users)
    called = [marks.get(group) or _name(str(own[group])) for group in named.tolist()]
    shown = sorted(set(called))
    place_of = {name: number for number, name in enumerate(shown)}
    place = np.array([place_of[name] for name in called], np.int64)[place]
    names = pa.array(shown, pa.string())
    found = np.full(len(written.code), -1, np.int32)
    found[rows] = place
    return pa.DictionaryArray.from_arrays(pa.array(found, mask=found < 0), names)


def _marks(own: list[str], first: Int64, users: Int64) -> dict[int, str]:
    """Group (by its first picture) → the name of the mark that most of those who showed it showed; of as many, the first in order."""
    told: dict[int, Counter[str]] = {}
    for one, group, count in zip(own, first.tolist(), users.tolist(), strict=True):
        if mark := one.partition(" ")[2]:
            told.setdefault(group, Counter())[mark] += count
    return {group: f"picture with {min(counts, key=lambda mark: (-counts[mark], mark))}" for group, counts in told.items()}


def _name(one: str) -> str:
    """A name that depends on the picture alone."""
    return f"picture #{hashlib.blake2b(one[:LETTERS].encode(), digest_size=8).hexdigest()}"


PICTURES = Signal("pictures", meeting_place=IMAGE_GROUP, nodes=image_groups, written="image")
