"""The network's odds and judged rings → rings with members whom the ring's own rule just missed and the network expects.

A user joins a ring where the evidence of their own visits to its targets makes up for the low odds of any user being a member. Whom the
network expects needs a little less of it, and never none: they must have touched as many targets, in their time, as every other member.
In a log without times whom the network expects need not come back to them, as the others do (`judging/diligence.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from graphdet.arrays import Float64
from graphdet.judging.judged_ring import JudgedRing
from graphdet.judging.log_index import LogIndex
from graphdet.judging.ring_facts import measure_rings
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import RingSettings
from graphdet.visits.base_rates import BaseRates

LENIENCE = 1.0  # log10 odds that the network may make up for
EXPECTED = 0.5  # log10 odds from which on the network is taken to expect a member; of those below, most were none on the tuning seeds


def attach_members(
    rings: Sequence[JudgedRing], odds: Float64, base_rates: BaseRates, log: LogIndex, settings: RingSettings, threads: int = 1
) -> tuple[list[JudgedRing], int]:
    """The same rings in the same order and tiers, alerts with the proposed members; and how many joined.

    Args:
        rings: judged.
        odds: (users,) log10 odds by the network.
        base_rates, log: of the log's visits and events.
        settings: that the rings were grown by.
        threads: the result does not depend on it.
    """
    lenient = Grower(log.visits, base_rates, settings.model_copy(update={"join": settings.join - LENIENCE, "rounds": 1}))
    strict = Grower(log.visits, base_rates, settings)
    more: dict[int, Grown] = {}
    for number, ring in enumerate(rings):
        if ring.tier == "alert":
            grown = ring.facts.grown
            wider = lenient.grow(grown.members, generous=False)  # at the ring's own targets, not at any that a few of its members visited
            fits = ~np.isin(wider.members, grown.members) & (odds[wider.members] >= EXPECTED)
            if fits.any():
                members = np.concatenate([grown.members, wider.members[fits]])
                order = np.argsort(members)
                contribution = np.concatenate([grown.contribution, wider.contribution[fits]])[order]
                more[number] = replace(grown, members=members[order].astype(np.int32), contribution=contribution)
    attached, joined = list(rings), 0
    for number, facts in zip(more, measure_rings(list(more.values()), log, strict, threads=threads), strict=True):
        joined += facts.size - rings[number].facts.size
        attached[number] = replace(rings[number], facts=facts)
    return attached, joined
