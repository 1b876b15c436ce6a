"""Events → the table of bursts: which items, sellers, categories and actions had more than season and own level explain, and when.

A burst tells of an item or a shop, never of one user: it is shown beside rings, and votes on nobody.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from graphdet.arrays import Float64
from graphdet.events import EventTable
from graphdet.schema import arrow_schema
from graphdet.signal_settings import SeriesSettings
from graphdet.signals.counting import SHOP, Counts, count_series
from graphdet.signals.surveillance import Surprises, false_shares, least_count, merged, narrowed, surprises

AROUND = 30  # hours or days before and after a burst whose counts are kept
LONGEST = 240  # hours or days of one burst whose counts are kept
NINE_OF_TEN = (0.05, 0.95)

Row = dict[str, Any]


def find_bursts(events: EventTable, settings: SeriesSettings, threads: int = 1, zone: str = "UTC") -> pa.Table | None:
    """The table `bursts`, the least likely first; None of a log without times, or where none are looked for.

    O(events); the result does not depend on `threads`. Days are those of the zone.
    """
    if events.time is None or not settings.false_share:
        return None
    with ThreadPoolExecutor(threads) as pool:
        series = count_series(events, settings.least, threads, zone)
        found = list(pool.map(lambda counts: surprises(counts, settings.least), series))
    shares = false_shares([one.ln_chance for one in found])
    rows: list[Row] = []
    for one, share in zip(found, shares, strict=True):
        rows += _of_kind(one, share, events, settings)
    kept = _once_each(sorted(rows, key=_order))[: settings.most]
    schema = arrow_schema("bursts")
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in kept], schema=schema)


def _of_kind(found: Surprises, share: Float64, events: EventTable, settings: SeriesSettings) -> list[Row]:
    counts, rows = found.counts, []
    chosen = np.flatnonzero((share <= settings.false_share) & (found.ln_tail <= np.log(settings.rare_share)))
    if not len(chosen):
        return []
    bar = float(found.best[chosen].min())  # of a stretch by itself: as unlikely as the least of those that are told
    for series in chosen.tolist():
        tries = float(found.surprise[found.of_series(series)].max() - found.best[series])
        for first, until, place in merged(found, series, bar + tries):
            row = _row(found, series, first, until, place, settings.excess)
            if row["count"] >= settings.excess * row["expected"]:
                row["node_id"] = _name(events, counts, series)
                row["p_value"] = float(np.exp(found.ln_chance[series]))
                row["rare"] = float(np.exp(found.ln_tail[series])) if np.isfinite(found.ln_tail[series]) else None
                row["q_value"] = float(share[series])
                rows.append(row)
    return rows


def _row(found: Surprises, series: int, first: int, until: int, place: int, excess: float) -> Row:
    """One burst with what was counted and expected of it, hour by hour or day by day."""
    counts = found.counts
    begun = int(counts.bucket[found.cell[place]])
    level = float(found.expected[place] / max(counts.exposure[begun : begun + int(found.length[place])].sum(), 1e-12))
    first, until = narrowed(counts, series, first, until, level, excess)
    own = np.zeros(len(counts.exposure), np.int32)
    cells = slice(int(counts.offset[series]), int(counts.offset[series + 1]))
    own[counts.bucket[cells]] = counts.count[cells]
    count, expected = int(own[first:until].sum()), float(level * counts.exposure[first:until].sum())
    low, high = (least_count(share, expected, max(float(found.dispersion[place]), 1e-7)) for share in NINE_OF_TEN)
    begin, end = max(first - AROUND, 0), min(min(until, first + LONGEST) + AROUND, len(own))
    return {
        "node_type": counts.node_type,
        "measure": counts.measure,
        "grain": counts.grain,
        "first_seen": counts.start + first * counts.width,
        "last_seen": counts.start + until * counts.width,
        "count": count,
        "expected": expected,
        "excess": max(count - expected, 0.0),
        "excess_low": max(count - max(high, expected), 0.0),  # of much less than one, quantiles are whole and may miss what is expected
        "excess_high": max(count - min(low, expected), 0.0),
        "since": counts.start + begin * counts.width,
        "counts": own[begin:end].tolist(),
        "usual": (level * counts.exposure[begin:end]).tolist(),
        "surprise": float(found.best[series]),
    }


def _name(events: EventTable, counts: Counts, series: int) -> str:
    node = int(counts.node[series])
    if counts.node_type == SHOP:
        return ""
    return str(events.categories[node] if counts.node_type == "category" else events.ids[counts.node_type][node].as_py())


def _order(row: Row) -> tuple[Any, ...]:
    return (row["q_value"], -row["surprise"], row["node_type"], row["node_id"], row["measure"], row["grain"], row["first_seen"])


def _once_each(rows: list[Row]) -> list[Row]:
    """Without those that a less likely one of the same node and measure overlaps: hours and days tell of one thing."""
    kept: list[Row] = []
    of: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        own = of.setdefault((row["node_type"], row["node_id"], row["measure"]), [])
        if all(row["last_seen"] <= one["first_seen"] or row["first_seen"] >= one["last_seen"] for one in own):
            own.append(row)
            kept.append(row)
    return kept
