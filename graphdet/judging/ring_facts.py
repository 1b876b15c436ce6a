"""A grown ring + the log → what the ring did, theme by theme; each theme has a file of its own.

These are the facts that tell fraud from honest synchrony; how dense a group is does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphdet.arrays import firsts, offsets
from graphdet.judging.ages import Ages, measure_ages
from graphdet.judging.dealings import Dealings, measure_dealings
from graphdet.judging.devotion import Devotion, measure_devotion
from graphdet.judging.item_visits import read_item_visits
from graphdet.judging.log_index import LogIndex
from graphdet.judging.member_events import Meetings, read_member_events
from graphdet.judging.presence import Presence, measure_presence
from graphdet.judging.sharing import Sharing, measure_sharing
from graphdet.judging.sittings import Sittings, measure_sittings
from graphdet.judging.surroundings import Surroundings, measure_surroundings
from graphdet.judging.tastes import Tastes, measure_tastes
from graphdet.rings.growth import Grown

ROWS = 1 << 16  # events of members and visits to targets of rings that are measured together


@dataclass(frozen=True)
class RingFacts:
    """What one ring did. Counts are of distinct things unless said otherwise."""

    grown: Grown
    presence: Presence
    devotion: Devotion
    tastes: Tastes
    surroundings: Surroundings
    dealings: Dealings
    sharing: Sharing
    sittings: Sittings
    ages: Ages

    def __post_init__(self) -> None:
        shape = (len(self.grown.members), len(self.grown.targets))
        if self.presence.met.shape != shape:
            raise ValueError(f"facts must be of the ring's {shape} members and targets (found {self.presence.met.shape})")

    @property
    def size(self) -> int:
        return len(self.grown.members)

    def scalars(self) -> dict[str, float]:
        """The numbers that judge a ring, by the names that tables and dossiers give them; NaN where the log cannot tell."""
        return {
            "density": self.devotion.density,
            "two_target_share": self.devotion.two_target_share,
            "dedication": self.devotion.dedication,
            "attention": self.devotion.attention,
            "repeats": self.devotion.repeats,
            "days": self.presence.days,
            "apart": self.presence.apart,
            "hours": self.presence.hours,
            "taste": self.tastes.taste,
            "seller_taste": self.tastes.seller_taste,
            "crowd": self.surroundings.crowd,
            "rush": self.surroundings.rush,
            "outsiders_per_member": self.surroundings.outsiders_per_member,
            "ordered": self.dealings.ordered,
            "refunded": self.dealings.refunded,
            "coupons": self.dealings.coupons,
            "sellers": self.dealings.sellers,
            "top_seller": self.dealings.top_seller,
            "own_things": self.sharing.own_things,
            "own_kinds": self.sharing.own_kinds,
            "device_share": self.sharing.device_share,
            "address_share": self.sharing.address_share,
            "place_share": self.sharing.place_share,
            "place_users": self.sharing.place_users,
            "place_chance": self.sharing.place_chance,
            "one_sitting": self.sittings.one_sitting,
            "one_day": self.sittings.one_day,
            "together": self.sittings.together,
            "half_days": self.sittings.half_days,
            "new_beyond": self.ages.new_beyond,
            "of_all": self.ages.of_all,
        }


def measure_ring(grown: Grown, log: LogIndex, grower: Meetings, *, farm: bool = False) -> RingFacts:
    """As `measure_rings`, of a single ring."""
    return measure_rings([grown], log, grower, farm=farm)[0]


def measure_rings(rings: Sequence[Grown], log: LogIndex, grower: Meetings, *, farm: bool = False, threads: int = 1) -> list[RingFacts]:
    """Everything that the tier and the tables need to know of each ring, read from its members' events.

    Args:
        rings, log: what was found, and where.
        grower: of that log.
        farm: whether they were found as farms.
        threads: the result does not depend on it.
    """
    parts = _parts(rings, log)
    if threads == 1 or len(parts) < 2:
        return [facts for part in parts for facts in _measured(part, log, grower, farm)]
    with ThreadPoolExecutor(threads) as pool:
        return [facts for part in pool.map(lambda some: _measured(some, log, grower, farm), parts) for facts in part]


def _parts(rings: Sequence[Grown], log: LogIndex) -> list[Sequence[Grown]]:
    """Rings that are measured together: few enough that what is read of them stays in a core's own memory."""
    events, visits = np.diff(log.offset), np.diff(log.visits.visits.offset)
    rows = [events[ring.members].sum() + visits[ring.targets].sum() for ring in rings]
    part = offsets(rows)[:-1] // ROWS
    bounds = np.flatnonzero(firsts(part)).tolist()
    return [rings[begin:end] for begin, end in pairwise([*bounds, len(rings)])]


def _measured(rings: Sequence[Grown], log: LogIndex, grower: Meetings, farm: bool) -> list[RingFacts]:
    own = read_member_events(rings, log, grower)
    came = read_item_visits(own)
    themes = (
        measure_presence(own),
        measure_devotion(own),
        measure_tastes(own),
        measure_surroundings(own, came),
        measure_dealings(own),
        measure_sharing(own, farm),
        measure_sittings(own, came),
        measure_ages(own),
    )
    return [RingFacts(*facts) for facts in zip(rings, *themes, strict=True)]
