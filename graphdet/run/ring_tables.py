"""Judged rings in codes → the run folder's tables of rings, members and evidence, with the log's own ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.arrays import Float64, Int32, Int64, ranges, stretches
from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.pairs import ExpectedMeetings, PairEvidence
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.log_index import LogIndex
from graphdet.judging.stakes import Stakes
from graphdet.judging.standing import Chance, known_chances
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


def members_table(rings: list[JudgedRing], ids: list[str], events: EventTable, visits: Visits) -> pa.Table:
    """Schema `members`: per ring its users, most contributing first, then its targets and shared things, most telling first."""
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
        }
    )
    return table.cast(schema)


def _members_of(ring: JudgedRing, visits: Visits) -> tuple[Int64, Int64, Int64, Float64, Int64, Int64, Int64]:
    """One ring's rows of `members`: node type (0 is a user, then views), code, role, contribution, events, first and last time."""
    grown, presence = ring.facts.grown, ring.facts.presence
    order = np.lexsort((grown.members, -grown.contribution))
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
    first = np.ascontiguousarray(pairs.users[:, 0])  # once: a search in a column of a matrix copies the column
    parts = []
    for number, ring in enumerate(rings):
        members = ring.facts.grown.members
        pair = _pairs_within(pairs, first, members)
        if not len(pair):
            continue
        pair = pair[np.lexsort((pair, -pairs.evidence[pair]))]
        length = pairs.offset[pair + 1] - pairs.offset[pair]
        meeting = stretches(pairs.offset, pair)
        one, other, key = np.repeat(pairs.users[pair, 0], length), np.repeat(pairs.users[pair, 1], length), pairs.key[meeting]
        count = _event_counter(log, members)
        parts.append((np.full(len(key), number), meeting, one, other, count(one, key) + count(other, key)))
    if not parts:
        return schema.empty_table()
    ring_of, meeting, one, other, count_of = (np.concatenate(column) for column in zip(*parts, strict=True))
    key, apart = pairs.key[meeting], pairs.seconds_apart[meeting]
    view = visits.view_of(key)
    column = np.argmax(apart[:, None] <= expected.windows[view], axis=1)
    types = [seen.name for seen in visits.views]
    first_key = np.array([seen.first_key for seen in visits.views], np.int64)
    table = pa.table(
        {
            "ring_id": pa.array(ids, pa.string()).take(pa.array(ring_of)),
            "user_a": events.ids["user"].take(pa.array(one)).cast(pa.string()),
            "user_b": events.ids["user"].take(pa.array(other)).cast(pa.string()),
            "view": pa.array(types, pa.string()).take(pa.array(view)),
            "key": _ids_of(events, types, view, key - first_key[view]),
            "evidence": pa.array(pairs.key_evidence[meeting].astype(np.float64)),
            "events": pa.array(count_of, pa.int64()),
            "expected": pa.array(2 * expected.pairs[key, column] * 10.0 ** pairs.chance[meeting].astype(np.float64)),
            "seconds_apart": pa.array(apart.astype(np.float64), pa.float64(), mask=np.full(len(key), events.time is None)),
        }
    )
    return table.cast(schema)


def _pairs_within(pairs: PairEvidence, first: Int32, members: Int32) -> Int64:
    """Pairs with both users among the members (sorted); pairs are sorted by their `first` user."""
    pair = ranges(np.searchsorted(first, members), np.searchsorted(first, members, side="right"))
    return pair[np.isin(pairs.users[pair, 1], members)]


def _event_counter(log: LogIndex, members: npt.NDArray[np.int32]) -> Callable[[Int32, Int32], Int64]:
    """A function (users, keys) → events of each user at each key, for a ring's members."""
    event = log.by_user[stretches(log.offset, members)]
    user = log.events.codes["user"][event].astype(np.int64)
    keys = log.visits.visits.keys
    found = []
    for view in log.visits.visits.views:
        code = log.events.codes[view.name][event].astype(np.int64)
        found.append((user * keys + code + view.first_key)[code >= 0])
    known, count = np.unique(np.concatenate(found), return_counts=True)

    def count_events(users: Int32, at: Int32) -> Int64:
        wanted = users.astype(np.int64) * keys + at
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return np.where(known[place] == wanted, count[place], 0)

    return count_events


def _ids_of(events: EventTable, types: Sequence[str], node_type: npt.NDArray[np.integer], codes: Int64) -> pa.Array:
    """Ids of nodes of several types, in the order given; `node_type` says which of the types each is of."""
    order, parts = [], [pa.array([], pa.string())]
    for number, name in enumerate(types):
        own = np.flatnonzero(node_type == number)
        order.append(own)
        parts.append(events.ids[name].take(pa.array(codes[own])).cast(pa.string()))
    back = np.argsort(np.concatenate(order), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(back))


def _times(values: Int64) -> pa.Array:
    return pa.array(values, pa.int64(), mask=values == NO_TIME).cast(arrow_schema("members").field("first_seen").type)


def _time(value: int) -> int | None:
    return None if value == NO_TIME else int(value)
