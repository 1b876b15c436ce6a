"""Events, visits and pair evidence → named columns of nodes and new meeting places, one file a signal; `SIGNALS` alone lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Float32
from graphdet.events import EventTable
from graphdet.evidence.measured import Measured, measure
from graphdet.evidence.pairs import PairEvidence
from graphdet.progress import Progress
from graphdet.schema import KEY_TYPES
from graphdet.settings import Settings
from graphdet.signals.activity import ACTIVITY
from graphdet.signals.company import COMPANY
from graphdet.signals.keys import KEYS
from graphdet.signals.review_pictures import PICTURES
from graphdet.signals.review_texts import TEXTS
from graphdet.signals.signal import Column, FeatureTable, Signal, names_of
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

SIGNALS: tuple[Signal, ...] = (ACTIVITY, COMPANY, KEYS, TEXTS, PICTURES)


def columns_of(node_type: str) -> tuple[Column, ...]:
    """All columns of a node type, in the order of the signals: the same for every log."""
    return tuple(column for signal in SIGNALS if node_type in signal.node_types for column in signal.columns)


def message_columns(view: str) -> tuple[Column, ...]:
    """Users' columns that neighbours hear of through the keys of one view; through items, and along pair evidence, they hear most."""
    heard = [column for column in columns_of("user") if column.message is not None and (view == "item" or not column.items_only)]
    return tuple(sorted(heard, key=lambda column: (column.items_only, column.message)))


def with_meeting_places(events: EventTable) -> EventTable:
    """The events with the nodes that signals make of them; node types that the log names itself stay as they are."""
    ids, codes = dict(events.ids), dict(events.codes)
    for signal in SIGNALS:
        if signal.meeting_place is not None and signal.nodes is not None and signal.meeting_place not in ids:
            nodes = signal.nodes(events)
            told = nodes if pa.types.is_dictionary(nodes.type) else nodes.dictionary_encode()
            if len(told.dictionary):
                ids[signal.meeting_place] = told.dictionary.take(pc.sort_indices(told.dictionary))
                place = pc.index_in(told.dictionary, value_set=ids[signal.meeting_place])
                codes[signal.meeting_place] = np.asarray(pc.fill_null(place.take(told.indices), -1).to_numpy(), np.int32)
    return replace(events, ids=ids, codes=codes) if len(ids) > len(events.ids) else events


def measure_log(events: EventTable, settings: Settings, progress: Progress | None = None) -> Measured:
    """`measure`, with the meeting places that signals make."""
    return measure(with_meeting_places(events), settings, progress)


def measure_users(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence, threads: int = 1) -> FeatureTable:
    """Columns of users; O(events + visits + meetings).

    Args:
        events: the log.
        visits, base_rates, pairs: of that log, or of a permuted log of the same events.
        threads: the result does not depend on it.

    Raises:
        BadNumbers: a column holds what is no finite number.
    """
    return _measure(("user",), events, visits, base_rates, pairs, threads)["user"]


def measure_keys(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, FeatureTable]:
    """Columns of the nodes of each other type that the log has; otherwise as `measure_users`."""
    return _measure(KEY_TYPES, events, visits, base_rates, pairs, 1)


def _measure(
    node_types: Sequence[str], events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence, threads: int
) -> dict[str, FeatureTable]:
    signals = [signal for signal in SIGNALS if set(signal.node_types) & set(node_types)]
    with ThreadPoolExecutor(threads) as pool:
        measured = list(pool.map(lambda signal: signal.measure(events, visits, base_rates, pairs), signals))
    tables = {}
    for node_type in node_types:
        parts: list[Float32] = []
        for signal, values in zip(signals, measured, strict=True):
            if node_type in values:
                stage = f"signal '{signal.name}' of {node_type} nodes"
                parts.append(FeatureTable(stage, names_of(signal.columns), values[node_type]).values)
        if parts:
            tables[node_type] = FeatureTable(f"columns of {node_type} nodes", names_of(columns_of(node_type)), np.hstack(parts))
    return tables
