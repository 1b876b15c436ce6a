"""A log's visits and the log since then → its visits now: at keys where nothing came, and of users of whom nothing came, as they were.

What is a visit hangs on one user's events at one key, a draw on one user's visits, and so do the counts of a user's other visits. So of a
log that goes on only keys and users that something came to or of are asked again; what is found is what `collect_visits` finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphdet.arrays import Bool, Int32, Int64, offsets
from graphdet.events import EventTable
from graphdet.schema import ITEM, USER
from graphdet.settings import EvidenceSettings, Views
from graphdet.visits.draws import ALONE, draws_by_time
from graphdet.visits.visits import (
    OfView,
    View,
    Visits,
    collect_visits,
    draws_of_view,
    put_together,
    seconds_of,
    visits_of_view,
    windows_of_views,
)


@dataclass(frozen=True)
class Earlier:
    """A log before it went on.

    Attributes:
        visits: of it; of times that were of such a `resolution`.
        resolution: as in `EventTable`.
        near, elsewhen: of these visits, as in `VisitCounts`.
        place: by node type (names then,) int32 the code of each now; they rise.
        touched: (users now,) bool, of whom events came since.
    """

    visits: Visits
    resolution: str
    near: Int32
    elsewhen: Int32
    place: Mapping[str, Int32]
    touched: Bool

    @cached_property
    def stood(self) -> Bool:
        """(visits then,) of whom nothing came since; in their order they are those of the log now of whom nothing came."""
        return np.asarray(~self.touched[self.place[USER]][self.visits.user], np.bool_)


def collect_visits_since(events: EventTable, earlier: Earlier, settings: EvidenceSettings, of_view: Views, threads: int = 1) -> Visits:
    """As `collect_visits`, of a log that goes on from an earlier one; draws are the same, but for the numbers that they go by.

    Where times are bare dates, or are no longer, all is collected: then what is one draw hangs on everybody.
    """
    if events.resolution != "instant" or earlier.resolution != "instant":
        return collect_visits(events, settings, of_view, threads)
    seconds, known = seconds_of(events)
    windows, user = windows_of_views(events, settings, of_view), events.codes[USER]
    came = np.flatnonzero(earlier.touched[user])
    then = {view.name: view for view in earlier.visits.views}

    def collect(name: str) -> OfView:
        code = np.where(known, events.codes[name], np.int32(-1)) if known is not None else events.codes[name]
        asked = np.zeros(events.count(name) + 1, np.bool_)
        asked[code[came]] = True
        asked[-1] = False  # where events have no key
        rows = np.flatnonzero(asked[code])
        again = visits_of_view(code[rows], user[rows], seconds[rows], events.count(name), events.count(USER), windows[name][0])
        if name not in then:
            return OfView(*again, draws_of_view(name, *again, events.resolution, settings))
        return _with_what_stands(then[name], again, asked[:-1], earlier, settings.draw_seconds)

    with ThreadPoolExecutor(threads) as pool:
        found = dict(zip(windows, pool.map(collect, windows), strict=True))
    return put_together(events, windows, found, settings, of_view)


def _with_what_stands(then: View, again: tuple[Int64, Int32, Int32], asked: Bool, earlier: Earlier, draw_seconds: int) -> OfView:
    """A view's visits of keys that were asked `again`, and those of all others as they were `then`."""
    visits, place = earlier.visits, earlier.place
    keys, rows = slice(then.first_key, then.first_key + then.keys), visits.rows_of(then)
    many_then, many = np.diff(visits.offset[keys.start : keys.stop + 1]), np.diff(again[0])
    stands = ~asked[place[then.name]]
    many[place[then.name][stands]] = many_then[stands]
    of_those, is_new = np.repeat(stands, many_then), np.repeat(asked, many)
    user, time = np.empty(len(is_new), np.int32), np.empty(len(is_new), np.int32)
    user[is_new], time[is_new] = again[1:]
    user[~is_new], time[~is_new] = place[USER][visits.user[rows][of_those]], visits.time[rows][of_those]
    offset = offsets(many)
    if then.name != ITEM:
        return OfView(offset, user, time, np.full(len(user), ALONE, np.int32))
    return OfView(offset, user, time, _draws(user, time, visits.draw[rows], earlier.stood[rows], earlier.touched, draw_seconds))


def _draws(user: Int32, time: Int32, then: Int32, stood: Bool, touched: Bool, gap: int) -> Int32:
    """Draws of visits to items: of users of whom something came anew, with numbers that no other has."""
    own = touched[user]
    anew = draws_by_time(user[own], time[own], gap)
    draw = np.empty(len(user), np.int32)
    draw[~own] = then[stood]
    draw[own] = np.where(anew == ALONE, ALONE, anew + (then.max(initial=ALONE) + 1))
    return draw
