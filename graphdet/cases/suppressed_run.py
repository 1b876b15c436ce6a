"""A casebook's suppressions and a log → the run without the discounted evidence, and what each discount cost.

What a discount costs can only be told by finding rings with its key as well: while any counts, a log is read and searched twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import ACCEPT, DISCOUNT, ENDING, LAPSED, Suppression
from graphdet.cases.taking_in import Cost
from graphdet.events import EventTable
from graphdet.events.addresses import in_networks, network_of
from graphdet.pipeline import detect
from graphdet.printable import printable
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.schema import IP, TIERS, USER
from graphdet.schema.wording import numbered
from graphdet.settings import Settings

SHOWN_ID = 60  # characters of an id in a note
MOST_OF = 0.5  # of a ring's members in another ring: it still stands


@dataclass(frozen=True)
class SuppressedRun:
    """A run under a casebook's suppressions; `take_in` is told of the last two."""

    run: Run
    discounts: tuple[Suppression, ...]
    costs: Mapping[str, Cost]


def run_suppressed(
    book: Casebook,
    settings: Settings,
    read: Callable[[Settings], EventTable],
    find: Callable[[EventTable, Settings], Run],
    progress: Progress,
    told: Callable[[], Mapping[str, Cost]] = dict,
) -> SuppressedRun:
    """Find rings without what the casebook discounts now, and tell in the run what applied and what it cost.

    Args:
        book: open.
        settings: as without a casebook.
        read: the logs by settings.
        find: rings in their events, with the settings that they were read by.
        progress: told of the search with the discounted keys.
        told: asked once rings were found: what discounts cost, as far as that is known and holds; by itself it is measured.
    """
    now = book.now
    discounts = tuple(book.applied(DISCOUNT))
    costs: dict[str, Cost] = {}
    if discounts:
        own = _without_keys(settings, book.discounted_keys())
        run = find(read(own), own)
        known = told()
        costs = {one.name: known[one.name] for one in discounts if one.name in known}
        if len(costs) < len(discounts):
            with progress.stage("search with what is discounted"):
                events = read(settings)
                quick = settings.model_copy(update={"gnn": settings.gnn.model_copy(update={"least_rings": 0})})  # tiers do not hang on it
                costs = measure_costs(run, detect(events, quick), events, discounts)
    else:
        run = find(read(settings), settings)
    applied = [_as_told(one, now, costs.get(one.name)) for one in [*discounts, *book.applied(ACCEPT)]]
    notes = [_note(one, costs[one.name]) for one in discounts] + _warnings(book, now)
    meta = {**run.meta, "suppressions": applied, "notes": [*run.meta["notes"], *notes]}
    return SuppressedRun(replace(run, meta=meta), discounts, costs)


def _without_keys(settings: Settings, keys: Mapping[str, Sequence[str]]) -> Settings:
    known = settings.log.ignore_keys
    every = {column: tuple(sorted({*known.get(column, ()), *keys.get(column, ())})) for column in sorted({*known, *keys})}
    return settings.model_copy(update={"log": settings.log.model_copy(update={"ignore_keys": every})})


def measure_costs(run: Run, whole: Run, events: EventTable, discounts: Sequence[Suppression]) -> dict[str, Cost]:
    """What each discount cost a run.

    Args:
        run: without the keys.
        whole: of the same log with them.
        events: that log.
        discounts: each names one key, or the addresses of a network.

    Returns:
        Of each: the rings of `whole` that hold its key and that stand no longer, or in a lower tier; what the key told in them; and the
        rows that name it.
    """
    lost = _lost_rings(run, whole)
    found = {}
    for one in discounts:
        own = pc.and_(pc.equal(whole.members["node_type"], one.node_type), _names(whole.members["node_id"], one))
        rings = [ring for ring in whole.members.filter(own)["ring_id"].to_pylist() if ring in lost]
        evidence = whole.evidence.filter(pc.is_in(whole.evidence["ring_id"], pa.array(rings, pa.string())))
        if one.node_type == USER:
            told = pc.or_(pc.equal(evidence["user_a"], one.node_id), pc.equal(evidence["user_b"], one.node_id))
        else:
            told = pc.and_(pc.equal(evidence["view"], one.node_type), _names(evidence["key"], one))
        sum_told = pc.sum(evidence.filter(told)["evidence"]).as_py() or 0.0
        found[one.name] = Cost(tuple(sorted(rings)), round(float(sum_told), 6), _rows_of(events, one))
    return found


def _lost_rings(run: Run, whole: Run) -> set[str]:
    """Rings of `whole` of which most members are in no ring of `run` of their tier or a higher one."""
    tier_of, whole_tier = _tiers_of(run), _tiers_of(whole)
    rings_of: dict[str, list[str]] = {}
    for ring, users in _users_of(run).items():
        for user in users:
            rings_of.setdefault(user, []).append(ring)
    lost = set()
    for ring, users in _users_of(whole).items():
        met: dict[str, int] = {}
        for user in users:
            for other in rings_of.get(user, ()):
                met[other] = met.get(other, 0) + 1
        if not any(common > MOST_OF * len(users) and tier_of[other] <= whole_tier[ring] for other, common in met.items()):
            lost.add(ring)
    return lost


def _tiers_of(run: Run) -> dict[str, int]:
    """Ring → place of its tier; 0 is the gravest."""
    return {row["ring_id"]: TIERS.index(row["tier"]) for row in run.rings.select(["ring_id", "tier"]).to_pylist()}


def _users_of(run: Run) -> dict[str, list[str]]:
    users = run.members.filter(pc.equal(run.members["node_type"], USER))
    found: dict[str, list[str]] = {}
    for ring, user in zip(users["ring_id"].to_pylist(), users["node_id"].to_pylist(), strict=True):
        found.setdefault(ring, []).append(user)
    return found


def _rows_of(events: EventTable, one: Suppression) -> int:
    ids = events.ids.get(one.node_type)
    if ids is None:
        return 0
    named = np.append(np.asarray(_names(ids, one)), False)  # with a last place for −1
    return int(np.count_nonzero(named[events.codes[one.node_type]]))


def _names(ids: pa.ChunkedArray | pa.StringArray, one: Suppression) -> pa.Array:
    """(n,) bool: which ids a discount names."""
    network = network_of(one.node_id) if one.node_type == IP else None
    same = pc.equal(ids, one.node_id)
    return pc.or_(same, pa.array(in_networks(ids, [network]))) if network else same


def _as_told(one: Suppression, now: str, cost: Cost | None) -> dict[str, object]:
    """For run.json."""
    told: dict[str, object] = {"name": one.name, "kind": one.kind, "reason": one.reason, "author": one.author, "until": one.until}
    told |= {"standing": one.standing(now), "approved_by": one.approved_by}
    if one.kind == ACCEPT:
        return {**told, "case": one.case_name}
    told |= {"node_type": one.node_type, "node_id": one.node_id}
    return {**told, "rings": list(cost.rings), "evidence": cost.evidence, "rows": cost.rows} if cost else told


def _note(one: Suppression, cost: Cost) -> str:
    stand = f"{numbered(len(cost.rings), 'ring', 'rings')} would stand with it, by {cost.evidence:,.1f} of evidence"
    return f"{_named(one)} is discounted until {one.until[:10]}: {stand}; {numbered(cost.rows, 'row names', 'rows name')} it."


def _named(one: Suppression) -> str:
    if one.kind == ACCEPT:
        return f"{one.name} on {one.case_name}"
    return f"{one.name} on {one.node_type} {printable(one.node_id)[:SHOWN_ID]}"


def _warnings(book: Casebook, now: str) -> list[str]:
    """Which suppressions end soon, and which have lapsed since the last run."""
    runs = book.runs()
    since = runs[-1].time if runs else ""
    every = book.suppressions()
    soon = [f"{_named(one)} ends on {one.until[:10]}; what it hides is back then." for one in every if one.standing(now) == ENDING]
    lapsed = [one for one in every if one.standing(now) == LAPSED and one.until > since]
    return soon + [f"{_named(one)} lapsed on {one.until[:10]}; what it hid counts again." for one in lapsed]
