"""Co-action within a time window, by the coordination network toolkit: an event table → components of users who act on the same things.

The toolkit has the MIT licence and is no requirement of graphdet; `pip install coordination-network-toolkit` where its figures are wanted.
Source: Graham and QUT Digital Observatory (2020), doi 10.25912/RDF_1632782596538; `co_retweet`, with an event on an item for a repost.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from baselines import Found, components, need

from graphdet.events import EventTable

KEYS = ("item", "device", "payment", "ip")  # the first that the log has is what users act on


def coaction(events: EventTable, *, seconds: int = 60, weight: int = 2, least_size: int = 3) -> Found:
    """Components of users who acted within `seconds` of another one on the same thing, in at least `weight` events.

    Raises:
        ModuleNotFoundError: the toolkit is not installed.
        MissingKeyError: the log has no times, or nothing that users could act on.
    """
    from coordination_network_toolkit.compute_networks import compute_co_retweet_parallel
    from coordination_network_toolkit.graph import get_edge_rows
    from coordination_network_toolkit.preprocess import preprocess_data

    key = next((name for name in KEYS if name in events.codes), "item")
    need(events, key, times=True)
    assert events.time is not None
    there = np.flatnonzero(events.codes[key] >= 0)
    columns = (there, events.codes["user"][there], events.codes[key][there] + 1, events.time[there] / 1e6)  # 0 would be no repost
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = str(Path(folder) / "events.db")
        rows = zip(*(column.tolist() for column in columns), strict=True)
        preprocess_data(path, ((number, user, "", thing, None, "", time, []) for number, user, thing, time in rows))
        compute_co_retweet_parallel(path, seconds, n_threads=2, min_edge_weight=weight)
        pairs = np.array([row[:2] for row in get_edge_rows(path, "co_retweet")], np.int64).reshape(-1, 2)
    return Found(components(pairs, least_size))
