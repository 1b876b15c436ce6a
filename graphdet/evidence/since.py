"""A measured log and the same log with events that came since → the log measured, pair evidence only of those to whom something came.

An event of one user changes what two others say by no more than a little, since everybody's rates move with the log. So of a log that goes
on, pairs of whom neither did anything since stand as they were measured then; rates are those of the whole log as it is. What is carried
over goes by names, since codes are of one table: a name that came in between moves all codes behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Float32, Int32, Int64, offsets, ranges
from graphdet.events import NO_TIME, EventTable
from graphdet.events.going_on import Moved
from graphdet.evidence.measured import Measured
from graphdet.evidence.pairs import PairEvidence, expected_meetings, measure_pairs
from graphdet.progress import Progress
from graphdet.schema import ITEM, USER
from graphdet.settings import EvidenceSettings, Settings
from graphdet.visits.base_rates import count_elsewhen, measure_base_rates
from graphdet.visits.earlier import Earlier, collect_visits_since
from graphdet.visits.index import index_visits
from graphdet.visits.visits import Visits

NOWHERE = Moved()
Values = TypeVar("Values", Int32, Int64, Float32)


@dataclass(frozen=True)
class Before:
    """What is kept of a measured log.

    Attributes:
        ids: of each node type, as in the table.
        events: (users,) events of each user.
        start: microseconds of its first event.
        item_category, categories: as in the table; `learned` as in `Measured`.
        visits: of its events; `near` and `elsewhen` of them as in `VisitCounts`, and of which `resolution` times were.
        affordable: settings of evidence.
        pairs: pair evidence.
    """

    ids: Mapping[str, pa.StringArray]
    events: Int64
    start: int
    item_category: Int32
    categories: tuple[str, ...]
    learned: tuple[str, ...]
    visits: Visits
    near: Int32
    elsewhen: Int32
    resolution: str
    affordable: EvidenceSettings
    pairs: PairEvidence

    @staticmethod
    def of(measured: Measured) -> Before:
        """What is kept of it."""
        events = measured.events
        of_user = np.bincount(events.codes[USER], minlength=events.count(USER))
        return Before(
            ids=events.ids,
            events=of_user,
            start=_start(events),
            item_category=events.item_category,
            categories=events.categories,
            learned=measured.learned,
            visits=measured.visits,
            near=measured.base_rates.near,
            elsewhen=count_elsewhen(measured.base_rates, measured.visits),
            resolution=events.resolution,
            affordable=measured.affordable,
            pairs=measured.pairs,
        )


@dataclass(frozen=True)
class Since:
    """A log since a moment.

    Attributes:
        user: (users then,) int32 code of each now; `key` (keys then,) int32 the same for keys of all views. Both rise.
        touched: (users now,) bool, of whom there are more events than then.
        came: (n,) int64 their visits that there were none of then.
    """

    user: Int32
    key: Int32
    touched: Bool
    came: Int64


def measure_since(
    events: EventTable, before: Before, settings: Settings, progress: Progress, moved: Moved = NOWHERE
) -> tuple[Measured, Since] | None:
    """As `measure`, of a log that was measured before; None where a name of then is gone, or the log begins at another time.

    Args:
        events: with the meeting places that signals make.
        before: of the same log.
        settings: that it was measured with then.
        progress: told of each stage.
        moved: where names of then are now, as far as that is known.
    """
    threads = settings.machine.workers
    with progress.stage("visits", len(events)):
        place = {name: _places(name, ids, events.ids.get(name), moved) for name, ids in before.ids.items()}
        if _start(events) != before.start or any((own < 0).any() for own in place.values()):
            return None
        events = _with_categories(before, events, place)
        earlier = _earlier(before, events, place)
        visits = collect_visits_since(events, earlier, settings.evidence, settings.view, threads)
        with ThreadPoolExecutor(1) as beside:
            others = beside.submit(lambda: (expected_meetings(visits), index_visits(visits), _what_came(earlier, visits)))
            base_rates = measure_base_rates(visits, settings.evidence, threads=threads, earlier=earlier)
            expected, index, since = others.result()
    with progress.stage("pair evidence", len(visits)):
        own = measure_pairs(visits, base_rates, expected, before.affordable, threads, since.touched)
        pairs = carried_pairs(before.pairs, since, own)
    return Measured(events, before.learned, visits, index, base_rates, expected, before.affordable, pairs), since


def carried_pairs(before: PairEvidence, since: Since, measured: PairEvidence) -> PairEvidence:
    """Pairs as they were where neither of the two was touched, and the others as they are `measured` now."""
    users = since.user[before.users]
    kept = ~since.touched[users].any(1)
    stand, many, more = users[kept], np.diff(before.offset), np.diff(measured.offset).astype(np.int64)
    came = np.zeros(len(stand) + len(measured), np.bool_)  # codes rise with those of then, so that both are in order
    came[np.searchsorted(_packed(stand), _packed(measured.users)) + np.arange(len(measured))] = True
    length: Int64 = _put(came, many[kept].astype(np.int64), more)
    rows, came_there = np.repeat(kept, many), np.repeat(came, length)
    return PairEvidence(
        users=_put(came, stand, measured.users),
        evidence=_put(came, before.evidence[kept], measured.evidence),
        offset=offsets(length),
        key=_put(came_there, since.key[before.key[rows]], measured.key),
        key_evidence=_put(came_there, before.key_evidence[rows], measured.key_evidence),
        seconds_apart=_put(came_there, before.seconds_apart[rows], measured.seconds_apart),
        chance=_put(came_there, before.chance[rows], measured.chance),
    )


def _put(came: Bool, stand: Values, new: Values) -> Values:
    """What stands and what is new, each in its order, the latter where it `came`."""
    found = np.empty((len(came), *stand.shape[1:]), stand.dtype)
    found[~came], found[came] = stand, new
    return found


def says_more(before: Before, since: Since, pairs: PairEvidence) -> Bool:
    """(n,) which pairs met at more places than then, or say more by as much as a meeting must say to count.

    Args:
        before, since: of the log.
        pairs: as they are now.
    """
    found: Bool = np.asarray(since.touched[pairs.users].any(1), np.bool_)
    at = np.flatnonzero(found)
    was, wanted = _packed(since.user[before.pairs.users]), _packed(pairs.users[at])
    then = np.searchsorted(was, wanted)
    known = np.append(was, -1)[then] == wanted
    at, then = at[known], then[known]
    places = np.diff(pairs.offset)[at] > np.diff(before.pairs.offset)[then]
    found[at] = places | (pairs.evidence[at] >= before.pairs.evidence[then] + before.affordable.least)
    return found


def _earlier(before: Before, events: EventTable, place: Mapping[str, Int32]) -> Earlier:
    then = np.zeros(events.count(USER), np.int64)
    then[place[USER]] = before.events
    touched = then != np.bincount(events.codes[USER], minlength=len(then))
    return Earlier(before.visits, before.resolution, before.near, before.elsewhen, place, touched)


def _what_came(earlier: Earlier, visits: Visits) -> Since:
    place, touched = earlier.place, earlier.touched
    first_key = {view.name: np.int32(view.first_key) for view in visits.views}
    key = np.concatenate([np.zeros(0, np.int32), *(first_key[view.name] + place[view.name] for view in earlier.visits.views)])
    return Since(place[USER], key, touched, _came(earlier.visits, visits, place[USER], key, touched))


def _came(before: Visits, visits: Visits, user: Int32, key: Int32, touched: Bool) -> Int64:
    """Visits of touched users that there were none of before; `user` and `key` as in `Since`."""
    old, new = (np.flatnonzero(own) for own in (touched[user][before.user], touched[visits.user]))
    key_of = [np.searchsorted(one.offset, rows, side="right") - 1 for one, rows in ((before, old), (visits, new))]
    then, now = key[key_of[0]].astype(np.int64) << 32 | before.time[old], key_of[1] << 32 | visits.time[new]  # both rise
    first, last = np.searchsorted(then, now), np.searchsorted(then, now, side="right")
    here = np.repeat(np.arange(len(new)), last - first)
    known = np.zeros(len(new), np.bool_)
    known[here[user[before.user[old[ranges(first, last)]]] == visits.user[new[here]]]] = True
    return new[~known]


def _with_categories(before: Before, events: EventTable, place: Mapping[str, Int32]) -> EventTable:
    """The events, with items of then in the communities that stood in for their categories."""
    if not before.learned:
        return events
    category = np.full(events.count(ITEM), -1, np.int32)
    category[place[ITEM]] = before.item_category
    return replace(events, item_category=category, categories=before.categories)


def _start(events: EventTable) -> int:
    return 0 if events.time is None else int(events.time[np.searchsorted(events.time, NO_TIME, side="right")])


def _packed(users: Int32) -> Int64:
    return users[:, 0].astype(np.int64) << 32 | users[:, 1]


def _places(node_type: str, then: pa.StringArray, now: pa.StringArray | None, moved: Moved) -> Int32:
    """(n,) of each name the place that it has now, −1 where it has none."""
    known = moved.of(node_type, then)
    if known is not None:
        return known
    if now is None:
        return np.full(len(then), -1, np.int32)
    return np.asarray(pc.fill_null(pc.index_in(then, value_set=now), -1).to_numpy(zero_copy_only=False), np.int32)
