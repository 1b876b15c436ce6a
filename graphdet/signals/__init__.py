"""Events, visits and pair evidence → named columns of nodes and new meeting places, one file a signal; `SIGNALS` alone lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Float32, Int32, Int64
from graphdet.events import EventTable
from graphdet.events.table import Written
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
from graphdet.signals.signal import Column, FeatureTable, Nodes, Signal, names_of
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


@dataclass(frozen=True)
class MadePlaces:
    """Nodes of one type that a signal made: their `ids`, and of each of the written `values` its node, −1 where it has none."""

    ids: pa.StringArray
    values: pa.LargeStringArray
    node: Int32


def with_meeting_places(events: EventTable, known: Mapping[str, MadePlaces] = MappingProxyType({})) -> EventTable:
    """The events with the nodes that signals make of them; node types that the log names itself stay as they are.

    Args:
        events: of the log.
        known: nodes that were made of the log before it went on, by type. They stand, whatever would be made of the whole log.
    """
    ids, codes = dict(events.ids), dict(events.codes)
    for signal in SIGNALS:
        place = signal.meeting_place
        if place is not None and signal.nodes is not None and place not in ids:
            goes_on = place in known and signal.written in events.written
            nodes = _known_and_new(events, signal.nodes, signal.written, known[place]) if goes_on else signal.nodes(events)
            told = nodes if pa.types.is_dictionary(nodes.type) else nodes.dictionary_encode()
            if len(told.dictionary):
                ids[place] = told.dictionary.take(pc.sort_indices(told.dictionary))
                at = pc.index_in(told.dictionary, value_set=ids[place])
                codes[place] = np.asarray(pc.fill_null(at.take(told.indices), -1).to_numpy(), np.int32)
    return replace(events, ids=ids, codes=codes) if len(ids) > len(events.ids) else events


def made_places(events: EventTable) -> dict[str, MadePlaces]:
    """Those among the events' nodes that are made of what is written, by type."""
    found = {}
    for signal in SIGNALS:
        place = signal.meeting_place
        if place is not None and place in events.ids and signal.written in events.written:
            written = events.written[signal.written]
            node = np.full(len(written.values) + 1, -1, np.int32)  # the last place stands for events that say nothing
            node[written.code] = events.codes[place]
            found[place] = MadePlaces(events.ids[place], written.values, node[:-1])
    return found


def _known_and_new(events: EventTable, nodes: Nodes, column: str, known: MadePlaces) -> pa.DictionaryArray:
    """Nodes of events where some are known: the signal tells what is new from what most people wrote at each of these, and no more."""
    written = events.written[column]
    place = _place_in(known.values, written.values)
    node = np.append(known.node, np.int32(-1))[place]
    count = np.bincount(written.code[written.code >= 0], minlength=len(node))
    order = np.lexsort((-count, node))
    first = order[np.append(True, node[order][1:] != node[order][:-1])[: len(order)] & (node[order] >= 0)]
    asked = np.append(place < 0, False)  # the last place stands for events that say nothing
    asked[first] = True
    some = Written(written.values, np.where(asked[written.code], written.code, np.int32(-1)))
    found = nodes(replace(events, written={**events.written, column: some}))
    told = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
    group = np.full(len(node) + 1, -1, np.int64)
    group[written.code] = np.asarray(pc.fill_null(told.indices, -1).to_numpy(zero_copy_only=False))
    own = np.asarray(pc.fill_null(pc.index_in(told.dictionary, value_set=known.ids), -1).to_numpy(zero_copy_only=False), np.int64)
    own[group[first][::-1]] = node[first][::-1]  # of known ones that what is new makes one, the first
    new = np.flatnonzero(own < 0)
    own[new] = len(known.ids) + np.arange(len(new))
    node = np.where(place < 0, np.append(own, -1)[group[:-1]], node)
    names = pa.concat_arrays([known.ids, told.dictionary.take(pa.array(new)).cast(known.ids.type)])
    code = np.append(node, -1)[written.code].astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), names)


def _place_in(known: pa.LargeStringArray, values: pa.LargeStringArray) -> Int64:
    """(values,) the place of each among the known ones, −1 where it is none of them; mostly these come first, as they were."""
    if values.slice(0, len(known)).equals(known):
        return np.where(np.arange(len(values)) < len(known), np.arange(len(values)), -1)
    return np.asarray(pc.fill_null(pc.index_in(values, value_set=known), -1).to_numpy(zero_copy_only=False), np.int64)


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
