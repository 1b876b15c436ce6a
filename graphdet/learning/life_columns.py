"""Settings → which signals of single accounts' lives models with labels read beside the graph, and their columns.

None of them by default: `benchmarks/signals.py` says what each is worth. A column's name says how it was measured, so a model file tells by
itself what is to be measured where it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from graphdet.arrays import Float32
from graphdet.events import EventTable
from graphdet.signal_settings import SignalSettings, TakeoverSettings
from graphdet.signals import activity_maps, sequences
from graphdet.signals.signal import Column
from graphdet.signals.takeovers import find_takeovers

SEED = 1  # of whatever is drawn, so that a column is the same where a model learns and where it is applied
NO_STRETCH = -9.0  # score of an account that came from nowhere new
PART_WORDS = {
    "place": ("device and network", "设备与网络"),
    "pace": ("pace", "节奏"),
    "goods": ("kind of goods", "商品品类"),
    "sent_to": ("delivery address", "收货地址"),
    "paid_by": ("means of payment", "支付方式"),
    "hour": ("hour", "时段"),
}
DRAWN = (
    Column(
        "hours_drawn", "how odd the account's hours of the week are to a network, bits an event", "网络眼中活跃时段的反常程度（每事件比特）"
    ),
)
OF_TAKEOVERS = (
    Column("takeover_score", "how much likelier a stranger's life looks so than the owner's, log10", "像被盗用而非本人操作的程度（log10）"),
    *(
        Column(f"takeover_{part}", f"what the {english} speaks for a stranger, log10", f"{chinese}指向被盗用的程度（log10）")
        for part, (english, chinese) in PART_WORDS.items()
    ),
)


class Life(NamedTuple):
    """Columns, and what measures them: events → (users, columns)."""

    columns: tuple[Column, ...]
    measure: Callable[[EventTable], Float32]


def _trigram(events: EventTable) -> Float32:
    steps = sequences.read_steps(events)
    return sequences.summarize(sequences.trigram_surprise(steps), steps.user, events.count("user"))


def _recurrent(kind: str) -> Callable[[EventTable], Float32]:
    def measure(events: EventTable) -> Float32:
        from graphdet.learning.sequence_network import network_surprise

        steps = sequences.read_steps(events)
        bits, place = network_surprise(steps, "gru" if kind == "gru" else "lstm", SEED)
        return sequences.summarize(bits, steps.user[place], events.count("user"))

    return measure


def _maps(events: EventTable) -> Float32:
    hours, weeks = activity_maps.activity_maps(events)
    return np.column_stack([activity_maps.oddness(hours), activity_maps.oddness(weeks)]).astype(np.float32)


def _drawn_hours(events: EventTable) -> Float32:
    from graphdet.learning.map_autoencoder import drawn_again

    return drawn_again(activity_maps.activity_maps(events)[0], SEED)[:, None].astype(np.float32)


def _takeovers(events: EventTable) -> Float32:
    values = np.zeros((events.count("user"), len(OF_TAKEOVERS)), np.float32)
    values[:, 0] = NO_STRETCH
    found = find_takeovers(events, TakeoverSettings(), SEED)
    if found is not None:
        values[found.blocks.account] = np.column_stack([found.score, *(found.parts[part] for part in PART_WORDS)])
    return values


def _by_network(column: Column, kind: str) -> Column:
    by = kind.upper()
    return replace(column, name=f"{kind}_{column.name}", english=f"{column.english}, by {by}", chinese=f"{column.chinese}（{by}）")


LIVES: dict[str, Life] = {
    "trigram": Life(sequences.COLUMNS, _trigram),
    **{kind: Life(tuple(_by_network(column, kind) for column in sequences.COLUMNS), _recurrent(kind)) for kind in ("gru", "lstm")},
    "activity maps": Life(activity_maps.COLUMNS, _maps),
    "hours by network": Life(DRAWN, _drawn_hours),
    "takeovers": Life(OF_TAKEOVERS, _takeovers),
}


def lives_wanted(settings: SignalSettings) -> tuple[str, ...]:
    """Names in `LIVES` that the settings ask for."""
    wanted = {
        settings.sequences.model: True,
        "activity maps": settings.activity_maps.columns,
        "hours by network": settings.activity_maps.network,
        "takeovers": settings.takeovers.columns,
    }
    return tuple(name for name in LIVES if wanted.get(name))


def lives_in(columns: Sequence[str]) -> tuple[str, ...]:
    """Names in `LIVES` whose columns are among those of a model."""
    return tuple(name for name, life in LIVES.items() if life.columns[0].name in columns)


def life_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of some of them, in order."""
    return tuple(column for name in names for column in LIVES[name].columns)


def measure_lives(events: EventTable, names: Sequence[str]) -> Float32:
    """(users, columns) of some of them."""
    return np.hstack([np.zeros((events.count("user"), 0), np.float32), *(LIVES[name].measure(events) for name in names)])
