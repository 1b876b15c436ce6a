"""The network's stage of a run: log, evidence and judged rings → odds of every user, embeddings, and the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Float64, Int64
from graphdet.evidence.measured import Measured
from graphdet.judging.judged_ring import JudgedRing
from graphdet.learning.from_rings import learn_users
from graphdet.learning.messages import EvidenceMatrix
from graphdet.learning.neighbourhood import Scale, gather_inputs
from graphdet.learning.ring_model import RingModel, model_of
from graphdet.settings import GnnSettings
from graphdet.signals import measure_users
from graphdet.signals.signal import FeatureTable

HALF_TRUST_RINGS = 60  # rings; on small markets a network of ten rings does harm at full weight


@dataclass(frozen=True)
class Opinion:
    """What the network says.

    Attributes:
        odds: (users,) log10 odds of being a member of a ring.
        trust: share of its weight that it has, by how many rings it learned from.
        model: by which it says so.
        fold: (users,) the fold whose networks score each user; None where all do, since the model was learned elsewhere.
    """

    odds: Float64
    trust: float
    model: RingModel
    fold: Int64 | None


def learn_opinion(
    measured: Measured,
    relation: EvidenceMatrix,
    rings: Sequence[JudgedRing],
    settings: GnnSettings,
    seed: int,
    threads: int = 1,
    model: RingModel | None = None,
) -> Opinion:
    """Odds of every user: by a model that was learned elsewhere, or else learned here from the alert rings, each ring by the others.

    Raises:
        BadNumbers: a feature or the loss is no finite number.
    """
    visits = measured.visits

    def read(scale: Scale | None, depth: int) -> tuple[FeatureTable, Scale]:
        """What the network reads, and by which scale; the users' own columns go once they are in it."""
        own = measure_users(measured.events, visits, measured.base_rates, measured.pairs, threads)
        return gather_inputs(own, visits, relation, scale, threads, depth)

    if model is not None:
        inputs, _ = read(model.scale, model.depth)
        return Opinion(model.logit(inputs.values, visits, relation, threads) / np.log(10), _trust(model.rings), model, None)
    inputs, scale = read(None, settings.depth)
    groups = [ring.facts.grown.members for ring in rings if ring.tier == "alert"]
    learned = learn_users(inputs.values, groups, visits, relation, settings, seed, threads)
    model = model_of(learned, scale, settings.depth, len(groups))
    return Opinion(learned.logit / np.log(10), _trust(len(groups)), model, learned.fold)


def _trust(rings: int) -> float:
    return rings / (rings + HALF_TRUST_RINGS)
