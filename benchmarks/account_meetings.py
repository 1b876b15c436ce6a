"""What accounts write and show, the bursts that they are in and how they pay, as columns of each account: for the fusion of `signals.py`.

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
from graphdet.schema import ADDRESS, DEVICE, IMAGE_GROUP, ITEM, PAYMENT, TEXT_GROUP, USER
from graphdet.signal_settings import SeriesSettings
from graphdet.signals import with_meeting_places
from graphdet.signals.bursts import find_bursts
from graphdet.simulate.market import Market
from graphdet.simulate.showing import draw, pictures_of
from graphdet.simulate.writing import log_table

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
HOUR, DAY = 3_600_000_000, 86_400_000_000


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


def cards(events: EventTable) -> Floats:
    """(users, 10): cards of an account, in all and on its fullest day; the most of a device that it used, likewise, and the most payments
    on it in an hour; the same of an address, cards alone; its own most payments in an hour; others who have one of its cards, at most;
    its dearest payment."""
    users, row = events.count(USER), np.flatnonzero(events.codes[PAYMENT] >= 0)
    assert events.time is not None
    assert events.amount is not None
    user, card = (events.codes[name][row].astype(np.int64) for name in (USER, PAYMENT))
    day, hour = ((events.time[row] - events.time.min()) // unit for unit in (DAY, HOUR))
    columns = [_distinct(user, card), _fullest(user, day, card)]
    for name in (DEVICE, ADDRESS):
        there = events.codes[name][row].astype(np.int64)
        known = there >= 0
        told = [_distinct(there[known], card[known]), _fullest(there[known], day[known], card[known])]
        if name == DEVICE:
            told.append(_fullest(there[known], hour[known], row[known]))
        columns += [_most(user[known], one[there[known]], users) for one in told]
    columns.append(_fullest(user, hour, row))
    columns.append(_most(user, _distinct(card, user)[card] - 1, users))
    columns.append(_most(user, np.nan_to_num(events.amount[row]), users))
    return np.column_stack([np.log1p(np.pad(column, (0, users - len(column)))) for column in columns])


def _distinct(group: Longs, thing: Longs) -> Longs:
    """(groups,) different things of each."""
    things = int(thing.max(initial=0)) + 1
    return np.bincount(np.unique(group * things + thing) // things)


def _fullest(group: Longs, time: Longs, thing: Longs) -> Longs:
    """(groups,) different things of each in the fullest of its times."""
    times = int(time.max(initial=0)) + 1
    count = _distinct(group * times + time, thing)
    return np.pad(count, (0, -len(count) % times)).reshape(-1, times).max(axis=1)


def _most(user: Longs, value: npt.NDArray[np.generic], users: int) -> Floats:
    """(users,) the highest value of each one's rows; 0 where there is none."""
    most = np.zeros(users)
    np.maximum.at(most, user, value)
    return most
