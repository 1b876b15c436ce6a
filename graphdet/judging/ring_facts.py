"""A grown ring + the log → what the ring did, theme by theme; each theme has a file of its own.

These are the facts that tell fraud from honest synchrony; how dense a group is does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphdet.judging.ages import Ages, measure_ages
from graphdet.judging.dealings import Dealings, measure_dealings
from graphdet.judging.devotion import Devotion, measure_devotion
from graphdet.judging.log_index import LogIndex
from graphdet.judging.member_events import read_member_events
from graphdet.judging.presence import Presence, measure_presence
from graphdet.judging.sharing import Sharing, measure_sharing
from graphdet.judging.sittings import Sittings, measure_sittings
from graphdet.judging.surroundings import Surroundings, measure_surroundings
from graphdet.judging.tastes import Tastes, measure_tastes
from graphdet.rings.growth import Grower, Grown


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
            "together": self.sittings.together,
            "half_days": self.sittings.half_days,
            "new_beyond": self.ages.new_beyond,
        }


def measure_ring(grown: Grown, log: LogIndex, grower: Grower, *, farm: bool = False) -> RingFacts:
    """Everything that the tier and the tables need to know of a ring, read from its members' events.

    `farm`: whether it was found as one.
    """
    own = read_member_events(grown, log)
    presence = measure_presence(own, grower)
    return RingFacts(
        grown=grown,
        presence=presence,
        devotion=measure_devotion(own, presence.met),
        tastes=measure_tastes(own),
        surroundings=measure_surroundings(own),
        dealings=measure_dealings(own, presence.met),
        sharing=measure_sharing(own, farm),
        sittings=measure_sittings(own),
        ages=measure_ages(own),
    )
