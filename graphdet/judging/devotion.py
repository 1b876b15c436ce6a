"""Members' events → how much of what members do goes to the ring's targets, and how many of the targets each of them knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Bool
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


def measure_devotion(own: MemberEvents, met: Bool) -> Devotion:
    """`met` as in `Presence`."""
    log, inside = own.log, (own.inside & (own.item >= 0)).sum()
    at_items = met[:, own.item_targets]
    return Devotion(
        density=float(at_items.mean()) if len(own.item_targets) else 0.0,
        two_target_share=float((at_items.sum(1) <= 2).mean()) if len(own.item_targets) else 0.0,
        dedication=float(inside / max((own.item >= 0).sum(), 1)),
        attention=float(inside / max(len(met), 1) / log.events_per_visit),
        repeats=float(inside / max(own.touched(own.inside), 1) / log.events_per_visit) if log.events.time is None else np.nan,
    )
