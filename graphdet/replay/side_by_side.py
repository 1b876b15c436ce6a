"""Rings that grew on small logs of their own → their facts, measured side by side as if in one log, a step for all of them at once.

Facts are read from members' events and from visits to targets alone, so no more than these is put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from graphdet.arrays import Int32, Int64, offsets, stretches
from graphdet.events import EventTable
from graphdet.judging.diligence import measure_diligent
from graphdet.judging.log_index import LogIndex, index_part
from graphdet.judging.ring_facts import RingFacts, measure_rings
from graphdet.replay.recorded import Recorded
from graphdet.replay.small_log import SmallLog
from graphdet.rings.growth import Grower, Grown
from graphdet.visits.draws import ALONE
from graphdet.visits.index import VisitIndex, index_visits
from graphdet.visits.visits import View, Visits


@dataclass(frozen=True)
class Part:
    """A ring on its own log: its small one, or what is left of that, in the same codes."""

    grown: Grown
    small: SmallLog
    events: EventTable
    index: VisitIndex
    grower: Grower


def measure_parts(recorded: Recorded, parts: Sequence[Part], *, diligent: bool, farm: bool = False) -> list[RingFacts | None]:
    """Facts of each, in its own codes.

    Args:
        recorded: the run.
        parts: none of them without members.
        diligent: without those members who do not come back, see `measure_diligent`; None where too few are left.
        farm: whether they were found as farms.
    """
    if not parts:
        return []
    joined = _Joined(recorded, parts)
    rings = [joined.there(number) for number in range(len(parts))]
    if diligent:
        found = measure_diligent(rings, joined.log, joined, recorded.settings)
    else:
        found = list(measure_rings(rings, joined.log, joined, farm=farm))
    return [facts if facts is None else replace(facts, grown=joined.back(facts.grown)) for facts in found]


class _Joined:
    """One log of several, whose users and things are all different: of each view the things of the first, then of the second …

    Attributes:
        log: of all of them.
    """

    def __init__(self, recorded: Recorded, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._users = offsets([part.events.count("user") for part in parts])
        views = parts[0].index.visits.views
        many = np.array([[view.keys for view in part.index.visits.views] for part in parts], np.int64)  # (parts, views)
        self._own_first = np.cumsum(many, 1) - many
        before = np.cumsum(many, 0) - many
        first = offsets(many.sum(0))
        self._shift = before + first[:-1] - self._own_first  # from a key of its own log to one of all
        self._before = {view.name: before[:, place] for place, view in enumerate(views)}
        joined = tuple(
            replace(view, first_key=int(begin), keys=int(keys))
            for view, begin, keys in zip(views, first[:-1].tolist(), many.sum(0).tolist(), strict=True)
        )
        events = self._events()
        visits = self._visits(joined, int(first[-1]))
        self.log = self._index(recorded, events, index_visits(visits))

    def there(self, number: int) -> Grown:
        """A part's ring in the codes of all."""
        grown = self._parts[number].grown
        return _moved(grown, int(self._users[number]), self._shift_of(number, grown.targets))

    def back(self, grown: Grown) -> Grown:
        """The same ring in the codes of its part."""
        number = self._part_of(grown)
        targets = self._own_targets(number, grown.targets)
        return _moved(grown, -int(self._users[number]), targets - grown.targets)

    def incidence(self, ring: Grown) -> tuple[Int64, Int64]:
        """Who was at which target in its time, as `Grower` has it."""
        own = self.back(ring)
        return self._parts[self._part_of(ring)].grower.incidence(own)

    def _part_of(self, grown: Grown) -> int:
        return int(np.searchsorted(self._users, grown.members[0], side="right")) - 1

    def _shift_of(self, number: int, targets: Int32) -> Int64:
        return np.asarray(self._shift[number][self._parts[number].index.view[targets]], np.int64)

    def _own_targets(self, number: int, targets: Int32) -> Int32:
        view = np.searchsorted(self._own_first[number] + self._shift[number], targets, side="right") - 1
        return np.asarray(targets - self._shift[number][view], np.int32)

    def _events(self) -> EventTable:
        parts = [part.events for part in self._parts]
        one = parts[0]
        time = None if one.time is None else np.concatenate([np.asarray(part.time) for part in parts])
        order = np.arange(sum(map(len, parts))) if time is None else np.argsort(time, kind="stable")

        def codes(name: str) -> Int32:
            before = self._users[:-1] if name == "user" else self._before[name]
            moved = [np.where(part.codes[name] >= 0, part.codes[name] + first, -1) for part, first in zip(parts, before, strict=True)]
            return np.concatenate(moved).astype(np.int32)[order]

        return EventTable(
            ids={name: pa.nulls(sum(part.count(name) for part in parts), pa.string()) for name in one.ids},
            codes={name: codes(name) for name in one.codes},
            time=None if time is None else time[order],
            resolution=one.resolution,
            action=np.concatenate([part.action for part in parts])[order],
            actions=one.actions,
            item_category=np.concatenate([part.item_category for part in parts]),
            categories=one.categories,
            amount=None if one.amount is None else np.concatenate([np.asarray(part.amount) for part in parts])[order],
            rating=None,
            report=one.report,
        )

    def _visits(self, views: tuple[View, ...], keys: int) -> Visits:
        """Those to targets alone."""
        columns: list[tuple[Int64, Int32, Int32]] = []
        for number, part in enumerate(self._parts):
            visits, targets = part.index.visits, part.grown.targets
            rows = stretches(visits.offset, targets)
            key = np.repeat(targets + self._shift_of(number, targets), np.diff(visits.offset)[targets])
            columns.append((key, visits.user[rows] + np.int32(self._users[number]), visits.time[rows]))
        key, user, time = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.argsort(key, kind="stable")
        nothing = np.zeros(keys, np.int32)
        return Visits(
            views=views,
            offset=offsets(np.bincount(key, minlength=keys)),
            user=user[order],
            time=time[order],
            draw=np.full(len(order), ALONE, np.int32),
            group=nothing,
            stratum=nothing,
            users=int(self._users[-1]),
            groups=1,
            strata=1,
        )

    def _index(self, recorded: Recorded, events: EventTable, index: VisitIndex) -> LogIndex:
        """With the whole log's tastes, popularities and length, which its parts cannot tell."""
        background, smalls = recorded.background, [part.small for part in self._parts]
        users_of_ip, sellers = np.zeros(0, np.int64), np.zeros(0)
        if "ip" in self._before:
            users_of_ip = np.concatenate([small.users_of("ip", recorded) for small in smalls])
        if "item" in events.codes and "seller" in events.codes:
            sellers = np.concatenate([np.zeros(1), *(small.seller_share(recorded) for small in smalls)])
        events_per_visit = background["events_per_visit"]
        return index_part(
            events,
            index,
            start=int(recorded.start or 0),
            end=int(background["seconds"]),
            events_per_visit=np.nan if events_per_visit is None else events_per_visit,
            category_share=recorded.category_share,
            seller_share=sellers,
            users_of_ips=background["users_of_ips"],
            new_by_day=np.array(background["new_by_day"], np.int64),
            users_by_day=np.array(background["users_by_day"], np.int64),
            users_of_ip=users_of_ip,
            deal=background["deal"],
        )


def _moved(grown: Grown, users: int, keys: Int64) -> Grown:
    return replace(grown, members=grown.members + np.int32(users), targets=(grown.targets + keys).astype(np.int32))
