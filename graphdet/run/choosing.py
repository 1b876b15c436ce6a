"""The table of rings → those that pass a filter, in the order asked for, or the one that a name means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.errors import SettingsError, UnknownRing, nearest
from graphdet.schema import TIERS
from graphdet.schema.zones import moment


def select_rings(
    rings: pa.Table,
    tiers: Sequence[str] = (),
    explanation: str | None = None,
    least_size: int | None = None,
    least_amount: float | None = None,
    since: str | None = None,
    until: str | None = None,
    zone: str = "UTC",
    sort: str = "rank",
) -> pa.Table:
    """Rings that pass every filter given, by rank, or by `size`, `amount`, `at_stake`, `events`, `strength` or `first` seen, largest first.

    `since` leaves out rings that were last seen earlier, `until` those that began later: ISO dates, whose whole day counts, or times, of
    `zone` where they name none. A ring that has no amount or no time passes no filter on it.

    Raises:
        SettingsError: no date or time.
    """
    keep = pc.is_in(rings["tier"], value_set=pa.array(list(tiers) or list(TIERS), pa.string()))
    bounds: list[tuple[str, Any, Any]] = [
        ("size", pc.greater_equal, least_size),
        ("amount", pc.greater_equal, least_amount),
        ("explanation", pc.equal, explanation),
    ]
    bounds += [("last_seen", pc.greater_equal, _instant(since, zone)), ("first_seen", pc.less, _instant(until, zone, end=True))]
    for column, compare, bound in bounds:
        if bound is not None:
            keep = pc.and_(keep, pc.fill_null(compare(rings[column], pa.scalar(bound, rings[column].type)), False))
    column = {"first": "first_seen"}.get(sort, sort)
    order = [("rank", "ascending")] if sort == "rank" else [(column, "descending"), ("rank", "ascending")]
    return rings.filter(keep).sort_by(order)


def only_rings(rings: pa.Table, wanted: Iterable[str]) -> pa.Table:
    """Those of the rings whose ids are wanted, in the same order."""
    return rings.filter(pc.is_in(rings["ring_id"], value_set=pa.array(list(wanted), pa.string())))


def _instant(text: str | None, zone: str, *, end: bool = False) -> int | None:
    try:
        return None if text is None else moment(text, zone, end=end)
    except ValueError:
        raise SettingsError(f'{text!r} is no date or time; write one such as 2025-03-01 or "2025-03-01 18:30".') from None


def ring_named(rings: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """One ring, by its id, by the start of its id where that is unambiguous, or by its rank ("1" is the worst).

    Raises:
        UnknownRing: none or several fit; the message names the nearest.
    """
    by_id = {str(ring["ring_id"]): ring for ring in rings}
    if name in by_id:
        return by_id[name]
    rank = name.removeprefix("#")
    for ring in rings:
        if rank == str(ring["rank"]):
            return ring
    starts = [ring for ring in by_id if name and ring.startswith(name)]
    if len(starts) == 1:
        return by_id[starts[0]]
    if starts:
        raise UnknownRing(f"ring '{name}' could be any of {len(starts)} (such as {starts[0]} and {starts[1]}); give more of its id.")
    if not rings:
        raise UnknownRing(f"no ring '{name}': this run found no rings.")
    hint = nearest(name, by_id) or f"; there are ranks 1 to {len(rings)}."
    raise UnknownRing(f"no ring '{name}'{hint} `graphdet rings` lists them.")
