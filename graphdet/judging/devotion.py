"""Members' events → how much of what members do goes to the ring's targets, and how many of the targets each of them knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.judging.member_events import MemberEvents


@dataclass(frozen=True)
class Devotion:
    """How far members are given to the item targets; what is said of items is 0 where the log has none.

    Attributes:
        density: share of member–item-target pairs that are there.
        two_target_share: share of members who were at no more than two of the item targets.
        dedication: share of members' item events that fall on the item targets.
        attention: events of a member on the item targets, on average, in events that a visit to an item has in this log.
        repeats: events of a member at an item target over events of anybody at an item, both where there are any; NaN where the log has
            times, which tell more.
    """

    density: float
    two_target_share: float
    dedication: float
    attention: float
    repeats: float


def measure_devotion(own: MemberEvents) -> list[Devotion]:
    """Of each ring."""
    members, items, per_visit = np.maximum(np.diff(own.members), 1), np.diff(own.items_of), own.log.events_per_visit
    who, _ = own.met_items
    at_two = own.by_ring(own.ring_of_member[own.by_member(who) <= 2])
    at_an_item = own.item >= 0
    inside = own.by_ring(own.ring[own.inside & at_an_item])
    everywhere = own.by_ring(own.ring[at_an_item])
    touched = own.by_ring(own.touched[1])
    return [
        Devotion(*facts)
        for facts in zip(
            (own.by_ring(own.ring_of_member[who]) / np.maximum(members * items, 1)).tolist(),
            np.where(items > 0, at_two / members, 0.0).tolist(),
            (inside / np.maximum(everywhere, 1)).tolist(),
            (inside / members / per_visit).tolist(),
            (inside / np.maximum(touched, 1) / per_visit if own.log.events.time is None else np.full(len(inside), np.nan)).tolist(),
            strict=True,
        )
    ]
