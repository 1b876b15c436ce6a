"""Judged rings in codes → the run folder's tables of rings, members and evidence, with the log's own ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.arrays import Bool, Float64, Int32, Int64, distinct_counts, distinct_values, offsets, stretches
from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.pairs import ExpectedMeetings, PairEvidence
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.log_index import LogIndex
from graphdet.judging.stakes import Stakes
from graphdet.judging.standing import Chance, known_chances
from graphdet.judging.weak_parts import standing_columns
from graphdet.name_columns import named
from graphdet.rings.growth import Grown
from graphdet.schema import DEVICE, IP, ITEM, KEY_ROLES, arrow_schema
from graphdet.schema.run_tables import USER_ROLES
from graphdet.visits.visits import Visits


def rings_table(rings: list[JudgedRing], ids: list[str], visits: Visits, stakes: Sequence[Stakes]) -> pa.Table:
    """Schema `rings`, in the order given, as are their `stakes`; chances by the markets that graphdet knows."""
    chances = known_chances()
    view_of = [[visits.views[view].name for view in visits.view_of(ring.facts.grown.targets)] for ring in rings]
    facts = [ring.facts for ring in rings]
    columns = {
        "ring_id": ids,
        "rank": range(1, len(rings) + 1),
        "score": [ring.score for ring in rings],
        "tier": [ring.tier for ring in rings],
        "p_value": [ring.p_value for ring in rings],
        "q_value": [ring.q_value for ring in rings],
        "size": [fact.size for fact in facts],
        "targets": [names.count(ITEM) for names in view_of],
        "devices": [names.count(DEVICE) for names in view_of],
        "ips": [names.count(IP) for names in view_of],
        "first_seen": [_time(fact.presence.start) for fact in facts],
        "last_seen": [_time(fact.presence.end) for fact in facts],
        "explanation": [ring.explanation for ring in rings],
        "strength": [fact.grown.strength for fact in facts],
        "events": [int(fact.presence.member_events.sum()) for fact in facts],
        "amount": [fact.dealings.amount for fact in facts],
        "at_stake": [stake.value for stake in stakes],
        "density": [fact.devotion.density for fact in facts],
        "dedication": [fact.devotion.dedication for fact in facts],
        "taste": [None if np.isnan(fact.tastes.taste) else fact.tastes.taste for fact in facts],
        "standing": [ring.standing for ring in rings],
        **chance_columns([chances[ring.standing] for ring in rings]),
    }
    return pa.table({name: pa.array(list(values), arrow_schema("rings").field(name).type) for name, values in columns.items()})


def chance_columns(chances: Sequence[Chance]) -> dict[str, list[float]]:
    """Columns of `rings` that tell a chance."""
    return {
        "chance": [one.mean for one in chances],
        "chance_low": [one.low for one in chances],
        "chance_high": [one.high for one in chances],
        "verdicts": [one.verdicts for one in chances],
    }


def members_table(rings: list[JudgedRing], ids: list[str], weak: Sequence[Bool], events: EventTable, visits: Visits) -> pa.Table:
    """Schema `members`: per ring its users, most contributing first, then its targets and shared things, most telling first.

    Args:
        weak: of each ring, as in `weak_parts`.
    """
    schema = arrow_schema("members")
    if not rings:
        return schema.empty_table()
    types = ["user", *(view.name for view in visits.views)]
    first_key = np.array([0, *(view.first_key for view in visits.views)], np.int64)
    parts = [_members_of(ring, visits) for ring in rings]
    node_type, code, role, contribution, count, first, last = (np.concatenate(column) for column in zip(*parts, strict=True))
    roles = [*USER_ROLES, *(KEY_ROLES[view.name] for view in visits.views)]
    table = pa.table(
        {
            "ring_id": pa.array(ids, pa.string()).take(pa.array(np.repeat(np.arange(len(rings)), [len(part[0]) for part in parts]))),
            "node_type": pa.array(types, pa.string()).take(pa.array(node_type)),
            "node_id": _ids_of(events, types, node_type, code - first_key[node_type]),
            "role": pa.array(roles, pa.string()).take(pa.array(role)),
            "contribution": pa.array(contribution, pa.float64()),
            "events": pa.array(count, pa.int64()),
            "first_seen": _times(first),
            "last_seen": _times(last),
            **_standing_of(rings, weak, node_type == 0),
        }
    )
    return table.cast(schema)


def _standing_of(rings: Sequence[JudgedRing], weak: Sequence[Bool], is_user: Bool) -> dict[str, pa.Array]:
    """Columns `standing` and `weak`: null for things."""
    users = standing_columns(np.concatenate([own[_order(ring.facts.grown)] for ring, own in zip(rings, weak, strict=True)]))
    place = pa.array(np.cumsum(is_user) - 1, mask=~is_user)
    return {name: column.take(place) for name, column in users.items()}


def _order(grown: Grown) -> Int64:
    """Members, most contributing first."""
    return np.lexsort((grown.members, -grown.contribution))


def _members_of(ring: JudgedRing, visits: Visits) -> tuple[Int64, Int64, Int64, Float64, Int64, Int64, Int64]:
    """One ring's rows of `members`: node type (0 is a user, then views), code, role, contribution, events, first and last time."""
    grown, presence = ring.facts.grown, ring.facts.presence
    order = _order(grown)
    attached = ~(grown.contribution[order] >= (np.median(grown.contribution) if len(grown.members) else 0.0))
    view = visits.view_of(grown.targets).astype(np.int64)
    own = np.lexsort((grown.targets, -grown.gain, view))
    return (
        np.concatenate([np.zeros(len(order), np.int64), view[own] + 1]),
        np.concatenate([grown.members[order], grown.targets[own]]).astype(np.int64),
        np.concatenate([attached.astype(np.int64), view[own] + len(USER_ROLES)]),
        np.concatenate([grown.contribution[order], grown.gain[own]]),
        np.concatenate([presence.member_events[order], presence.target_events[own]]),
        np.concatenate([presence.member_first[order], presence.target_first[own]]),
        np.concatenate([presence.member_last[order], presence.target_last[own]]),
    )


def evidence_table(rings: list[JudgedRing], ids: list[str], log: LogIndex, pairs: PairEvidence, expected: ExpectedMeetings) -> pa.Table:
    """Schema `evidence`: for each ring the meetings of pairs of its members, strongest pair first."""
    events, visits = log.events, log.visits.visits
    schema = arrow_schema("evidence")
    pair, ring = _pairs_within([found.facts.grown.members for found in rings], pairs, events.count("user"))
    if not len(pair):
        return schema.empty_table()
    order = np.lexsort((pair, -pairs.evidence[pair], ring))
    pair, ring = pair[order], ring[order]
    length = pairs.offset[pair + 1] - pairs.offset[pair]
    meeting, ring_of = stretches(pairs.offset, pair), np.repeat(ring, length)
    one, other = (np.repeat(pairs.users[pair, side], length) for side in (0, 1))
    key, apart = pairs.key[meeting], pairs.seconds_apart[meeting]
    view = visits.view_of(key)
    column = np.argmax(apart[:, None] <= expected.windows[view], axis=1)
    types = [seen.name for seen in visits.views]
    first_key = np.array([seen.first_key for seen in visits.views], np.int64)
    count_of = _events_at(log, one, other, key, view)
    table = pa.table(
        {
            "ring_id": named(pa.array(ids, pa.string()), ring_of),
            "user_a": named(events.ids["user"], one),
            "user_b": named(events.ids["user"], other),
            "view": named(pa.array(types, pa.string()), view),
            "key": _ids_of(events, types, view, key - first_key[view]),
            "evidence": pa.array(pairs.key_evidence[meeting].astype(np.float64)),
            "events": pa.array(count_of, pa.int64()),
            "expected": pa.array(2 * expected.pairs[key, column] * 10.0 ** pairs.chance[meeting].astype(np.float64)),
            "seconds_apart": pa.array(apart.astype(np.float64), pa.float64(), mask=np.full(len(key), events.time is None)),
        }
    )
    return table.cast(schema)


def _pairs_within(groups: Sequence[Int32], pairs: PairEvidence, users: int) -> tuple[Int64, Int64]:
    """Pairs with both users in one of the groups (each sorted), and the group, group by group; pairs are sorted by their first user."""
    begin = np.searchsorted(np.ascontiguousarray(pairs.users[:, 0]), np.arange(users + 1))
    inside, other = np.zeros(users, np.bool_), pairs.users[:, 1]
    found = []
    for members in groups:
        inside[members] = True
        pair = stretches(begin, members)
        found.append(pair[inside[other[pair]]])
        inside[members] = False
    return np.concatenate([np.zeros(0, np.int64), *found]), np.repeat(np.arange(len(groups)), [len(pair) for pair in found])


def _events_at(log: LogIndex, one: Int32, other: Int32, key: Int32, view: Int32) -> Int64:
    """(n,) events of two users together at a key; `view` is the key's."""
    event = log.by_user[stretches(log.offset, distinct_values(np.concatenate([one, other])))]
    user = log.events.codes["user"][event]
    count = np.zeros(len(key), np.int64)
    for position, seen in enumerate(log.visits.visits.views):
        own = np.flatnonzero(view == position)
        if not len(own):
            continue
        code = log.events.codes[seen.name][event]
        known, events = distinct_counts((user.astype(np.int64) * seen.keys + code)[code >= 0])
        for who in (one, other):
            wanted = who[own].astype(np.int64) * seen.keys + (key[own] - seen.first_key)
            place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            count[own] += np.where(known[place] == wanted, events[place], 0)
    return count


def _ids_of(events: EventTable, types: Sequence[str], node_type: npt.NDArray[np.integer], codes: Int64) -> pa.ChunkedArray:
    """Ids of nodes of several types, in the order given; `node_type` says which of the types each is of."""
    begin = offsets([events.count(name) for name in types])
    return named(pa.concat_arrays([pa.array([], pa.string()), *(events.ids[name] for name in types)]), begin[node_type] + codes)


def _times(values: Int64) -> pa.Array:
    return pa.array(values, pa.int64(), mask=values == NO_TIME).cast(arrow_schema("members").field("first_seen").type)


def _time(value: int) -> int | None:
    return None if value == NO_TIME else int(value)
