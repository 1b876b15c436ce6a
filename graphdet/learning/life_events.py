"""An account, and a signal of its life that moved its score → the events behind it, what each adds, and what is left without them.

What an event adds is exact, in bits: a sequence's surprise is told step by step, by trigram and network alike, and so are hours and weeks,
as draws from an urn or by the network that draws them. Of a network that learned labels it is what its odds lose without the step. A
takeover is one stretch, whose parts are columns by themselves. Fidelity is asked as a test would: the named events are taken out of the
log, and the account is measured anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from graphdet.arrays import Float32, Float64, Int64
from graphdet.events import NO_TIME, EventTable
from graphdet.learning.life_columns import LIVES, SEED, Life
from graphdet.learning.sequence_network import LONGEST
from graphdet.learning.step_head import HEAD, StepHead, tokens_of
from graphdet.schema import ITEM, TIME, USER
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals import activity_maps, sequences
from graphdet.signals.sequences import TOKENS
from graphdet.signals.signal import FeatureTable, names_of
from graphdet.signals.takeovers import find_takeovers

NAMED = 5  # events of a signal that are named; of a takeover, its first

Behind = Callable[[EventTable, int, str], tuple[Int64, Float64 | None]]  # log, account, column → rows in time, and what each adds


@dataclass(frozen=True)
class LifeReason:
    """The events behind what an account's own life tells.

    Attributes:
        column: that moved the score most, of its signal's.
        value: the account's, and `without`: were it not for these events.
        fidelity: share of what parts the account from an ordinary one there that is gone without these events; 1 = all.
        events: timestamp, action, item_id, and `bits` that each adds (None of takeovers), in time.
    """

    column: str
    value: float
    without: float
    fidelity: float
    events: tuple[dict[str, Any], ...]


def reasons_in_life(
    events: EventTable, user: int, moved: Sequence[str], inputs: FeatureTable, head: StepHead | None = None
) -> tuple[LifeReason, ...]:
    """For each signal of single accounts' lives among the columns that moved a score, those that moved it most first.

    Args:
        events: the log.
        user: code.
        moved: names of columns, those first that moved the score most.
        inputs: of all users, as they were measured in this log.
        head: of the model, where it has one.
    """
    found = []
    for life, behind in _lives_among(moved, head):
        own = names_of(life.columns)
        column = next(name for name in moved if name in own)
        rows, bits = behind(events, user, column)
        kept = np.arange(min(NAMED, len(rows))) if bits is None else np.sort(np.argsort(-bits, kind="stable")[:NAMED])
        if not len(kept):
            continue
        before, left = inputs.column(column), life.measure(_without(events, rows[kept]))[user, own.index(column)]
        whole, usual = float(before[user]), float(np.median(before))
        fidelity = (whole - float(left)) / (whole - usual) if abs(whole - usual) > 1e-9 else 0.0
        told = _told(events, rows[kept], None if bits is None else bits[kept])
        found.append(LifeReason(column, whole, float(left), fidelity, told))
    return tuple(found)


def _lives_among(columns: Sequence[str], head: StepHead | None) -> list[tuple[Life, Behind]]:
    """Signals of which at least one column is there, in the columns' order, and what tells the events behind each."""
    known = [(life, _BEHIND[name]) for name, life in LIVES.items()]
    if head is not None:
        known.append((Life((HEAD,), partial(_head_says, head)), partial(_by_head, head)))
    place_of = {name: place for place, (life, _) in enumerate(known) for name in names_of(life.columns)}
    return [known[place] for place in dict.fromkeys(place_of[name] for name in columns if name in place_of)]


def _without(events: EventTable, rows: Int64) -> EventTable:
    """The log without these events."""
    kept = np.ones(len(events), np.bool_)
    kept[rows] = False
    return replace(
        events,
        codes={name: codes[kept] for name, codes in events.codes.items()},
        time=None if events.time is None else events.time[kept],
        action=events.action[kept],
        amount=None if events.amount is None else events.amount[kept],
        rating=None if events.rating is None else events.rating[kept],
        written={name: written.take(kept) for name, written in events.written.items()},
    )


def _told(events: EventTable, rows: Int64, bits: Float64 | None) -> tuple[dict[str, Any], ...]:
    time = np.full(len(rows), NO_TIME) if events.time is None else events.time[rows]
    moments = pa.array(time, mask=time == NO_TIME).cast(TIME).to_pylist()
    item = events.codes[ITEM][rows].tolist() if ITEM in events.codes else [-1] * len(rows)
    return tuple(
        {
            "timestamp": None if moment is None else moment.isoformat(),
            "action": None if action < 0 else events.actions[action],
            "item_id": None if code < 0 else events.ids[ITEM][code].as_py(),
            "bits": None if bits is None else round(float(bits[place]), 2),
        }
        for place, (moment, action, code) in enumerate(zip(moments, events.action[rows].tolist(), item, strict=True))
    )


def _by_trigram(events: EventTable, user: int, column: str) -> tuple[Int64, Float64]:
    steps = sequences.read_steps(events)
    own = steps.user == user
    return steps.row[own], sequences.trigram_surprise(steps)[own]


def _by_recurrent(events: EventTable, user: int, column: str) -> tuple[Int64, Float64]:
    from graphdet.learning.sequence_network import network_surprise

    steps = sequences.read_steps(events)
    bits, place = network_surprise(steps, "gru" if column.startswith("gru") else "lstm", SEED)
    own = steps.user[place] == user
    return steps.row[place[own]], bits[own]


def _head_says(head: StepHead, events: EventTable) -> Float32:
    return head.odds(sequences.read_steps(events), events.count(USER))[:, None].astype(np.float32)


def _by_head(head: StepHead, events: EventTable, user: int, column: str) -> tuple[Int64, Float64]:
    """The latest steps without which the log odds lose most, one after another, since several may say the same; and what each loses,
    in bits (odds counted by twos)."""
    steps = sequences.read_steps(events)
    row = steps.row[steps.user == user][-LONGEST:]
    left, whole = np.arange(len(row)), tokens_of(steps, events.count(USER))[user]
    chosen: list[int] = []
    bits: list[float] = []
    odds = float(head.of_tokens(whole[None])[0])
    while len(left) > 1 and len(chosen) < NAMED:
        fewer = np.array([np.append(np.delete(whole, step), TOKENS) for step in range(len(left))])
        without = head.of_tokens(fewer)
        step = int(without.argmin())
        chosen.append(int(row[left[step]]))
        bits.append((odds - float(without[step])) / np.log(2))
        left, whole, odds = np.delete(left, step), fewer[step], float(without[step])
    return np.array(chosen, np.int64), np.array(bits)


def _by_hours(events: EventTable, user: int, column: str) -> tuple[Int64, Float64]:
    rows, week, hour = activity_maps.timed_rows(events)
    own = np.flatnonzero(events.codes[USER][rows] == user)
    which = 0 if column == "hours_odd" else 1
    return rows[own], activity_maps.surprise_of_events(activity_maps.activity_maps(events)[which], (hour, week)[which][own])


def _by_drawing(events: EventTable, user: int, column: str) -> tuple[Int64, Float64]:
    from graphdet.learning.map_autoencoder import drawn_hours

    rows, _, hour = activity_maps.timed_rows(events)
    own = np.flatnonzero(events.codes[USER][rows] == user)
    if not len(own):
        return own, np.zeros(0)
    return rows[own], drawn_hours(activity_maps.activity_maps(events)[0], SEED, user)[hour[own]]


def _stretch(events: EventTable, user: int, column: str) -> tuple[Int64, None]:
    found = find_takeovers(events, TakeoverSettings(), SEED)
    if found is None:
        return np.zeros(0, np.int64), None
    block = np.flatnonzero(found.blocks.account == user)
    return np.asarray(found.lives.row[found.blocks.event[np.isin(found.blocks.block, block)]], np.int64), None


_BEHIND: dict[str, Behind] = {
    "trigram": _by_trigram,
    "gru": _by_recurrent,
    "lstm": _by_recurrent,
    "activity maps": _by_hours,
    "hours by network": _by_drawing,
    "takeovers": _stretch,
}
