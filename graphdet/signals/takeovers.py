"""Events → accounts that somebody else seems to act in: a break in an account's life, with its chance and what it rests on.

A stretch on a device (or network) that an account uses for the first time is held against two models, kind by kind (Bayes' rule with
kinds taken as independent): how owners' own new devices differ from their lives, counted in the log, and how a stranger's stretch would,
counted in spliced lives (`splicing.py`). The sum of the log10 ratios is the score, and each kind's part is its exact share in it.

Chance is counted by permutation: each group of kinds is dealt anew among the stretches of one stratum, so that an account may still come
from somewhere new, buy much, or ship to a new place, but does all of it at once only by coincidence. Which accounts are named is decided by
false discovery over all accounts that had anything new (Benjamini & Hochberg 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from graphdet.arrays import Bool, Float64, Int32, Int64
from graphdet.events import EventTable
from graphdet.events.coding import canonical_order
from graphdet.events.network_places import read_network_places
from graphdet.schema import ACTED_FROM, IP, KEY_TYPES, NODE_TYPE, TIME, arrow_schema
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals.breaks import Classes, Differences, measure_breaks
from graphdet.signals.lives import KINDS, Blocks, Lives, own_blocks, read_lives
from graphdet.signals.splicing import spliced_blocks
from graphdet.signals.travel import Travel, measure_travel

# Columns of the score's parts → the kinds in it; kinds of one group are dealt together.
PARTS = {
    "place": ("place", "after"),
    "pace": ("visits", "buys", "amount"),
    "goods": ("goods",),
    "sent_to": ("address",),
    "paid_by": ("payment",),
    "hour": ("hour",),
    "travel": ("travel",),
}
# Share of strangers who do there as the owner would: a kind that does not break must not acquit an account alone.
AS_OWNER = {"place": 0.03, "after": 0.1, "visits": 0.2, "buys": 0.3, "amount": 0.3, "goods": 0.3, "travel": 0.3}
AS_OWNER |= {name: NODE_TYPE[name].as_owner for name in KEY_TYPES if NODE_TYPE[name].as_owner}
SPLICED_MOST = 20_000
WEIGHT = 30.0  # stretches' worth of all strata, beside a stratum's own
NULL_SCORES = 500_000  # of permuted stretches, in 4 to 100 rounds
FEWEST = 20  # stretches without which nothing can be counted
KEPT_EVENTS = 50  # of a takeover, that the run keeps


@dataclass(frozen=True)
class Takeovers:
    """Stretches that may be a stranger's, one for each account that has any: the worst.

    Attributes:
        lives: of the log.
        blocks: the stretches; `found`: their differences, row by row.
        parts: column → (b,) log10 that it adds; `score`: their sum.
        p_value: (b,) chance that an account with as many stretches has one as odd by coincidence.
        q_value: (b,) expected share of coincidences among accounts at least as odd.
        travel: of the stretches; None where nobody says where networks are.
        broken: (b,) whether place, and goods, address or card are new; only then is it a takeover.
    """

    lives: Lives
    blocks: Blocks
    found: Differences
    parts: dict[str, Float64]
    score: Float64
    p_value: Float64
    q_value: Float64
    travel: Travel | None
    broken: Bool


def find_takeovers(events: EventTable, settings: TakeoverSettings, seed: int) -> Takeovers | None:
    """The worst stretch of each account that had a life before; None where the log has no times, neither devices nor networks, or too few.

    Args:
        events: the log, with communities of items in place of categories that it lacks.
        settings: what counts as a life, and how long a stretch may be.
        seed: of the spliced and the permuted lives; the same seed gives the same bytes.
    """
    place = next((kind for kind in ACTED_FROM if kind in events.codes), None)
    lives = read_lives(events) if place else None
    if place is None or lives is None:
        return None
    seconds = round(settings.hours * 3600)
    own = own_blocks(lives, place, seconds, settings.least_sittings)
    if len(own) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    spliced = spliced_blocks(lives, place, seconds, settings.least_sittings, min(SPLICED_MOST, 4 * len(own)), rng)
    if len(spliced) < FEWEST:
        return None
    found, strange = measure_breaks(lives, own, place, seconds), measure_breaks(lives, spliced, place, seconds)
    ratios = {kind: _ratio(found.classes[kind], strange.classes[kind], AS_OWNER[kind]) for kind in found.classes}
    ratios["hour"] = found.hour
    travel = None
    if settings.places and IP in events.codes:
        places = read_network_places(Path(settings.places))
        travel = measure_travel(lives, own, places, seconds)
        ratios["travel"] = _ratio(_travelled(travel), _travelled(measure_travel(lives, spliced, places, seconds)), AS_OWNER["travel"])
    # Rounded, so that sums in another order are the same.
    parts = {
        part: np.round(np.sum([np.zeros(len(own)), *(ratios[kind] for kind in kinds if kind in ratios)], axis=0), 6)
        for part, kinds in PARTS.items()
        if part != "travel" or travel is not None
    }
    score = np.round(np.sum(list(parts.values()), axis=0), 6)
    stratum = np.minimum(np.log2(found.known).astype(np.int64), 4) + 10 * (found.orders > 0)
    of_block = _chances(parts, score, stratum, rng)
    return _worst_of_each(lives, own, found, parts, score, of_block, travel)


def _travelled(travel: Travel) -> Classes:
    """Journeys, against how often the account made impossible ones before."""
    return Classes("travel", travel.of, np.digitize(travel.habit, [1, 3]), True)


def _ratio(own: Classes, strange: Classes, as_owner: float) -> Float64:
    """(b,) log10 of how much likelier each stretch's class is for a stranger than for the owner, in its stratum."""
    kinds = int(max(own.of.max(), strange.of.max())) + 1
    strata = int(max(own.stratum.max(), strange.stratum.max())) + 1

    def shares(classes: Classes) -> Float64:
        count = np.bincount(classes.stratum * kinds + classes.of, minlength=strata * kinds).reshape(strata, kinds).astype(np.float64)
        if own.silent:
            count[:, 0] = 0
        everywhere = (count.sum(axis=0) + 1) / (count.sum() + kinds)
        return np.asarray((count + WEIGHT * everywhere) / (count.sum(axis=1, keepdims=True) + WEIGHT))

    owners, strangers = shares(own), shares(strange)
    ratio = np.log10(as_owner + (1 - as_owner) * strangers / owners)
    if own.silent:
        ratio[:, 0] = 0
    return np.asarray(ratio[own.stratum, own.of])


def _chances(parts: dict[str, Float64], score: Float64, stratum: Int64, rng: np.random.Generator) -> Float64:
    """(b,) how often a stretch whose parts were dealt to it by chance is as odd."""
    # A stratum and a number between 0 and 1, which has 53 bits, in one: by it each stratum is shuffled where it stands.
    of_stratum = stratum.astype(np.uint64) << np.uint64(53)
    null = []
    for _ in range(int(np.clip(NULL_SCORES // len(score), 4, 100))):
        dealt = np.zeros(len(score))
        for part in parts.values():
            key = of_stratum | (rng.random(len(score)) * 2.0**53).astype(np.uint64)
            dealt += part[canonical_order(len(key), [key.__getitem__])[0]]
        null.append(dealt)
    sums = np.sort(np.round(np.concatenate(null), 6))
    return (len(sums) - np.searchsorted(sums, score) + 1) / (len(sums) + 1)


def _worst_of_each(
    lives: Lives, own: Blocks, found: Differences, parts: dict[str, Float64], score: Float64, chance: Float64, travel: Travel | None
) -> Takeovers:
    """One stretch of each account, worst account first, with the chance of it among so many."""
    order = np.lexsort((own.start, -score, own.account))
    first = np.flatnonzero(np.append(True, np.diff(own.account[order]) != 0))
    tries = np.diff(np.append(first, len(order)))
    worst = order[first]
    p_value = np.maximum(-np.expm1(tries * np.log1p(-np.minimum(chance[worst], 1 - 1e-12))), chance[worst])
    rank = np.lexsort((own.account[worst], -score[worst], p_value))
    worst, p_value = worst[rank], p_value[rank]
    q_value = np.minimum.accumulate((p_value * len(worst) / np.arange(1, len(worst) + 1))[::-1])[::-1]
    new = {kind: np.nan_to_num(share[worst]) for kind, share in found.new.items()}
    somewhere = np.all([new[kind] > 0.5 for kind in ACTED_FROM if kind in new], axis=0)
    something = np.any([new[kind] > 0.5 for kind in new if kind not in ACTED_FROM] or [np.zeros(len(worst), np.bool_)], axis=0)
    return Takeovers(
        lives, _rows(own, worst), _differences(found, worst), {part: values[worst] for part, values in parts.items()}, score[worst],
        p_value, np.minimum(q_value, 1.0), None if travel is None else travel.take(worst), somewhere & something,
    )  # fmt: skip


def _rows(blocks: Blocks, chosen: Int64) -> Blocks:
    """These stretches, in this order."""
    offset = np.searchsorted(blocks.block, np.arange(len(blocks) + 1))
    length = np.diff(offset)[chosen]
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    event = blocks.event[np.repeat(offset[chosen], length) + within]
    return Blocks(blocks.account[chosen], blocks.start[chosen], blocks.thing[chosen], np.repeat(np.arange(len(chosen)), length), event)


def _differences(found: Differences, chosen: Int64) -> Differences:
    classes = {kind: Classes(kind, one.of[chosen], one.stratum[chosen], one.silent) for kind, one in found.classes.items()}
    new = {kind: share[chosen] for kind, share in found.new.items()}
    return Differences(
        classes, found.hour[chosen], new, found.sittings[chosen], found.events[chosen], found.orders[chosen], found.known[chosen]
    )


def takeover_tables(events: EventTable, takeovers: Takeovers, q: float) -> dict[str, pa.Table]:
    """The run folder's tables of the accounts that are named, and of the events that moved it."""
    named = np.flatnonzero((takeovers.q_value <= q) & takeovers.broken & (takeovers.score > 0))
    blocks, found, lives = _rows(takeovers.blocks, named), _differences(takeovers.found, named), takeovers.lives
    rows = lives.row[blocks.event]
    time = np.zeros(len(rows), np.int64) if events.time is None else events.time[rows]
    ends = np.searchsorted(blocks.block, np.arange(len(named) + 1))
    money = np.zeros(len(rows)) if events.amount is None else np.nan_to_num(events.amount[rows])
    paid = events.action[rows] == _word(events, "order")
    worth = np.round(np.bincount(blocks.block, money * paid, len(named)), 2)
    columns: dict[str, object] = {
        "user_id": events.ids["user"].take(pa.array(blocks.account)),
        "rank": np.arange(1, len(named) + 1),
        "score": takeovers.score[named],
        "p_value": takeovers.p_value[named],
        "q_value": takeovers.q_value[named],
        "first_seen": time[ends[:-1]],
        "last_seen": time[ends[1:] - 1],
        "known": found.known,
        "sittings": found.sittings,
        "events": found.events,
        "orders": np.bincount(blocks.block, paid, len(named)).astype(np.int64),
        "amount": pa.array(worth, mask=np.full(len(named), events.amount is None)),
        **{f"by_{part}": takeovers.parts[part][named] if part in takeovers.parts else np.zeros(len(named)) for part in PARTS},
        "travel_km": _share(None if takeovers.travel is None else takeovers.travel.kilometres[named], len(named)),
        "travel_minutes": _share(None if takeovers.travel is None else takeovers.travel.seconds[named] / 60, len(named)),
        **{f"new_{kind}": _share(found.new.get(kind), len(named)) for kind in KINDS},
    }
    schema = arrow_schema("takeovers")
    table = pa.table({name: _cast(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)
    return {"takeovers": table, "takeover_events": _moved(events, blocks, rows, time)}


def _word(events: EventTable, action: str) -> int:
    return events.actions.index(action) if action in events.actions else -2


def _share(share: Float64 | None, count: int) -> pa.Array:
    """A share or another number, null where the log or the stretch has nothing of the kind."""
    values = np.full(count, np.nan) if share is None else share
    return pa.array(values, mask=np.isnan(values))


def _cast(values: object, kind: pa.DataType) -> pa.Array:
    array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    return array.cast(kind)


def _moved(events: EventTable, blocks: Blocks, rows: Int32, time: Int64) -> pa.Table:
    """The first events of each stretch, in order of the accounts."""
    offset = np.searchsorted(blocks.block, np.arange(len(blocks)))
    kept = np.arange(len(rows)) - offset[blocks.block] < KEPT_EVENTS
    block, row, time = blocks.block[kept], rows[kept], time[kept]

    def ids(node_type: str) -> pa.Array:
        if node_type not in events.ids:
            return pa.nulls(len(row), pa.string())
        code = events.codes[node_type][row]
        return events.ids[node_type].take(pa.array(code, mask=code < 0))

    actions = pa.array(events.actions, pa.string())
    amount = np.full(len(row), np.nan) if events.amount is None else events.amount[row]
    schema = arrow_schema("takeover_events")
    columns = {
        "user_id": events.ids["user"].take(pa.array(blocks.account[block])),
        "timestamp": pa.array(time).cast(TIME),
        "action": actions.take(pa.array(events.action[row], mask=events.action[row] < 0)),
        **{NODE_TYPE[name].column: ids(name) for name in KEY_TYPES if NODE_TYPE[name].column in schema.names},
        "amount": pa.array(amount, mask=np.isnan(amount)),
    }
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)
