"""What accounts write and show, and the bursts that they are in, as columns of each account: for the fusion of `signals.py`.

A run takes texts and pictures as places where accounts meet, and lets no burst vote on anybody; here a model may weigh them for itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import csr_array

from graphdet import EventTable
from graphdet.events.picture_files import PictureRefused
from graphdet.events.picture_prints import picture_print
from graphdet.schema import IMAGE_GROUP, ITEM, TEXT_GROUP, USER
from graphdet.signal_settings import SeriesSettings
from graphdet.signals import with_meeting_places
from graphdet.signals.bursts import find_bursts
from graphdet.simulate.market import Market
from graphdet.simulate.showing import draw, pictures_of
from graphdet.simulate.writing import log_table

Floats = npt.NDArray[np.float64]


def log_with_prints(market: Market) -> pa.Table:
    """The log with prints in place of pictures, as a log that graphdet keeps has them."""
    table = log_table(market)
    if "image" not in table.column_names:
        return table
    prints = {name: _print(data) for name, data in draw(market, pictures_of(market))}
    named = [prints.get(name) for name in table["image"].to_pylist()]
    return table.set_column(table.column_names.index("image"), "image", pa.array(named, pa.string()))


def _print(data: bytes) -> str | None:
    try:
        return picture_print(data)
    except PictureRefused:
        return None


def texts(events: EventTable) -> Floats:
    return meetings(with_meeting_places(events), TEXT_GROUP)


def pictures(events: EventTable) -> Floats:
    return meetings(with_meeting_places(events), IMAGE_GROUP)


def meetings(events: EventTable, group: str) -> Floats:
    """(users, 4): with whom an account shares most (a group that few have counts more), and with whom it shares an item besides; the
    same summed over all others; and how many others that are."""
    users = events.count(USER)
    if group not in events.codes:
        return np.zeros((users, 4))
    groups, items = _who(events, group), _who(events, ITEM)
    rarity = np.log10(users / np.maximum(np.asarray(groups.sum(axis=0)).ravel(), 1))
    shared = csr_array(groups * rarity @ groups.T)
    shared.setdiag(0)
    both = csr_array(shared.multiply((items @ items.T) > 0))
    highest = (np.asarray(one.max(axis=1).todense()).ravel() for one in (shared, both))
    total, count = (np.asarray(one.sum(axis=1)).ravel() for one in (both, both > 0))
    return np.column_stack([*highest, total, count]).astype(np.float64)


def _who(events: EventTable, node_type: str) -> csr_array:
    """(users, nodes): 1 where the account was there."""
    code, user = events.codes[node_type], events.codes[USER]
    there = csr_array(
        (np.ones(int((code >= 0).sum())), (user[code >= 0], code[code >= 0])), shape=(events.count(USER), events.count(node_type))
    )
    there.data[:] = 1
    return there


def bursts(events: EventTable) -> Floats:
    """(users, 3): the events at items in a burst, their share of all, and −log10 of the chance of the least likely of these bursts."""
    users = events.count(USER)
    inside, surprise = np.zeros(len(events), np.bool_), np.zeros(users)
    found = find_bursts(events, SeriesSettings())
    assert events.time is not None
    for row in [] if found is None else found.to_pylist():
        if row["node_type"] == ITEM:
            first, last = (int(row[name].timestamp() * 1e6) for name in ("first_seen", "last_seen"))
            own = events.at(ITEM, row["node_id"]) & (events.time >= first) & (events.time < last)
            inside |= own
            np.maximum.at(surprise, events.codes[USER][own], -np.log10(max(row["p_value"], 1e-300)))
    count = np.bincount(events.codes[USER], inside, users)
    return np.column_stack([np.log1p(count), count / np.maximum(np.bincount(events.codes[USER], minlength=users), 1), surprise])
