"""Events → when each account is awake: counts by hour of the week and by week, and how odd they are.

An account's hours are drawn from everybody's with a spread that the log itself tells (Dirichlet-multinomial): somebody who always comes at
the same hour is usual, somebody who comes at four in the morning with nobody else is odd. The likelihood is that of the counts one after
the other (Pólya's urn), in bits an event beyond what the same number of events usually have. The picture is for people; a network
that looks at it (`learning/map_autoencoder.py`) stands beside the likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphdet.arrays import Float32, Float64, Int64
from graphdet.events import NO_TIME, EventTable
from graphdet.evidence.pairs import PairEvidence
from graphdet.signals.signal import Column, Signal
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.visits import Visits

HOUR = 3_600_000_000
WEEK_HOURS = 168
MONDAY = 72  # hours from the first Monday's midnight to the beginning of 1970, a Thursday
SPREADS = tuple(2.0**power for power in range(-2, 9))  # events' worth of everybody's hours, of which the likeliest is taken
SAMPLE = 4000  # accounts that the spread is read from

COLUMNS = (
    Column("hours_odd", "how odd the account's hours of the week are, bits an event", "活跃时段的反常程度（每事件比特）"),
    Column("weeks_odd", "how odd the account's weeks are, bits an event", "活跃周次的反常程度（每事件比特）"),
)


def week_hours(time: Int64) -> tuple[Int64, Int64]:
    """Week since 1970 and hour of the week (0 = Monday midnight, UTC) of times in microseconds."""
    hour = time // HOUR + MONDAY
    return hour // WEEK_HOURS, hour % WEEK_HOURS


def timed_rows(events: EventTable) -> tuple[Int64, Int64, Int64]:
    """Rows of events with a time of day, the week of the log and the hour of the week that each is in."""
    if events.time is None or events.resolution != "instant":
        return (np.zeros(0, np.int64),) * 3
    rows = np.flatnonzero(events.time != NO_TIME)
    week, hour = week_hours(events.time[rows])
    return rows, week - week.min(), hour


def activity_maps(events: EventTable) -> tuple[Int64, Int64]:
    """Counts of each account by hour of the week (users, 168), and by week of the log (users, weeks); no columns without times of day."""
    users = events.count("user")
    rows, week, hour = timed_rows(events)
    if not len(rows):
        return np.zeros((users, 0), np.int64), np.zeros((users, 0), np.int64)
    user = events.codes["user"][rows].astype(np.int64)
    weeks = int(week.max()) + 1
    by_hour = np.bincount(user * WEEK_HOURS + hour, minlength=users * WEEK_HOURS).reshape(users, WEEK_HOURS)
    return by_hour, np.bincount(user * weeks + week, minlength=users * weeks).reshape(users, weeks)


def oddness(counts: Int64) -> Float64:
    """(users,) bits an event of each account's counts under everybody's, less those of accounts with about as many events."""
    users, cells = counts.shape
    total = counts.sum(axis=1)
    if cells < 2 or not total.sum():
        return np.zeros(users)
    share, spread = _everybody(counts)
    bits = -_log_chance(counts, share, spread) / (np.log(2) * np.maximum(total, 1))
    like = np.minimum(np.log2(np.maximum(total, 1)).astype(np.int64), 12)
    usual = np.bincount(like, bits) / np.maximum(np.bincount(like), 1)
    return np.where(total > 0, np.round(bits - usual[like], 5), 0.0)


def surprise_of_events(counts: Int64, cell: Int64) -> Float64:
    """(m,) bits of surprise at each of an account's events, in time, by the cell that it is in; they add up to the account's own.

    An urn is drawn from: each event makes its cell likelier for those that follow (Pólya).
    """
    share, spread = _everybody(counts)
    order = np.argsort(cell, kind="stable")
    begin = np.append(True, cell[order][1:] != cell[order][:-1])[: len(cell)]
    before = np.empty(len(cell), np.int64)
    before[order] = np.arange(len(cell)) - np.maximum.accumulate(np.where(begin, np.arange(len(cell)), 0))
    return np.asarray(-np.log2((spread * share[cell] + before) / (spread + np.arange(len(cell)))))


def _everybody(counts: Int64) -> tuple[Float64, float]:
    """(cells,) everybody's share of each cell, and how many events it is worth."""
    users, cells = counts.shape
    # Neighbouring cells lend each other a little, so that an hour nobody had is not impossible.
    share = (counts.sum(axis=0) + 1.0) / (counts.sum() + cells)
    rows = np.arange(0, users, max(users // SAMPLE, 1))
    return share, max(SPREADS, key=lambda size: (float(_log_chance(counts[rows], share, size).sum()), -size))


def _log_chance(counts: Int64, share: Float64, spread: float) -> Float64:
    """(users,) log chance of the counts one after the other."""
    from scipy.special import gammaln

    user, cell = np.nonzero(counts)
    prior = spread * share[cell]
    parts = gammaln(prior + counts[user, cell]) - gammaln(prior)
    total = counts.sum(axis=1)
    return np.asarray(np.bincount(user, parts, len(counts)) + gammaln(spread) - gammaln(spread + total))


def _measure(events: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence) -> Mapping[str, Float32]:
    hours, weeks = activity_maps(events)
    return {"user": np.column_stack([oddness(hours), oddness(weeks)]).astype(np.float32)}


ACTIVITY_MAPS = Signal("activity maps", ("user",), COLUMNS, _measure)
