"""A run → its tables as a database is to hold them: of a crowd its core alone, since nobody looks at thousands of members one by one."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.run.folder import Run
from graphdet.schema import USER
from graphdet.schema.wording import numbered

CROWD = "crowd"  # among `WEAK_PARTS`: a member of a crowd, and not of its core


class Bounded(NamedTuple):
    """Tables of a run; `relations` is empty where it has none. `notes`: what was left out."""

    members: pa.Table
    evidence: pa.Table
    relations: pa.Table
    notes: tuple[str, ...] = ()


def within_cores(run: Run, relations: pa.Table) -> Bounded:
    """Without members outside the core of a crowd, what they did, and their evidence there."""
    outside = pc.fill_null(pc.match_substring(run.members["weak"], CROWD), False)
    left = run.members.filter(outside)
    if not left.num_rows:
        return Bounded(run.members, run.evidence, relations)
    members = run.members.filter(pc.invert(outside))
    known = members.filter(pc.equal(members["node_type"], USER))["node_id"].combine_chunks()
    gone = left["node_id"].filter(pc.invert(pc.is_in(left["node_id"], value_set=known))).combine_chunks()
    pairs = _paired(left["ring_id"], left["node_id"])
    met = [pc.is_in(_paired(run.evidence["ring_id"], run.evidence[who]), value_set=pairs) for who in ("user_a", "user_b")]
    crowds, more = pc.count_distinct(left["ring_id"]).as_py(), numbered(left.num_rows, "member", "members")
    note = f"of {numbered(crowds, 'crowd', 'crowds')} the core is written, without {more} outside it"
    if relations.num_rows:
        relations = relations.filter(pc.invert(pc.is_in(relations["user_id"], value_set=gone)))
    return Bounded(members, run.evidence.filter(pc.invert(pc.or_(*met))), relations, (note,))


def _paired(ring: pa.ChunkedArray, user: pa.ChunkedArray) -> pa.Array:
    """Ring and user as one text; a ring's id holds no space."""
    return pc.binary_join_element_wise(ring, user, " ").combine_chunks()
