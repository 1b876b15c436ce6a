"""Users who wrote nearly the same review: a sheet's sentences, with a word exchanged here and there.

A node is a group of near-duplicates. A phrase that everybody writes is a popular key and says little, as everywhere. What nobody else wrote
is a node as well, as one's own device is: it tells how seldom people who write in words of their own meet.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Int32
from graphdet.events import EventTable
from graphdet.events.table import Written
from graphdet.schema import TEXT_GROUP
from graphdet.signals.leaders import numbered, users_of
from graphdet.signals.near_texts import near_groups
from graphdet.signals.signal import Signal
from graphdet.signals.text_folding import fold

SHOWN = 32  # characters of a group's text that stand in its name: letters, zeros and spaces alone


def text_groups(events: EventTable) -> pa.StringArray | pa.DictionaryArray:
    """(n,) the group of each event's text; null where it has none that says anything."""
    return groups_of(events.written["text"], events.codes["user"]) if "text" in events.written else pa.nulls(len(events), pa.string())


def groups_of(written: Written, user: Int32) -> pa.DictionaryArray:
    """Names of groups, for texts and who wrote them."""
    rows = np.flatnonzero(written.code >= 0)
    used, place = numbered(written.code[rows], len(written.values))
    folded = fold(written.values.take(pa.array(used))).dictionary_encode()
    code = folded.indices.to_numpy().astype(np.int64)[place]
    rows, code = rows[kept := _said(folded.dictionary)[code]], code[kept]
    writers = users_of(code, user[rows], len(folded.dictionary))
    keys = [("writers", "descending"), ("text", "ascending")]  # the first text of a group is the one that most people wrote
    order = pc.sort_indices(pa.table({"writers": writers, "text": folded.dictionary}), keys).to_numpy().astype(np.int64)
    order = order[writers[order] > 0]
    first = np.arange(len(writers))
    first[order] = order[near_groups(folded.dictionary.take(pa.array(order)))]
    used, place = numbered(first[code], len(first))
    names = pa.array([_name(text) for text in folded.dictionary.take(pa.array(used)).to_pylist()], pa.string())
    found = np.full(len(written.code), -1, np.int32)
    found[rows] = place
    return pa.DictionaryArray.from_arrays(pa.array(found, mask=found < 0), names)


def _said(folded: pa.LargeStringArray) -> Bool:
    """Which texts say anything: marks and emoji alone do not."""
    return np.asarray(pc.utf8_length(folded).to_numpy(zero_copy_only=False) > 0)


def _name(folded: str) -> str:
    """A name that depends on the text alone, and that people can read."""
    digest = hashlib.blake2b(folded.encode(), digest_size=8).hexdigest()
    return f"{folded if len(folded) <= SHOWN else folded[: SHOWN - 1] + '…'} #{digest}"


TEXTS = Signal("texts", meeting_place=TEXT_GROUP, nodes=text_groups, written="text")
