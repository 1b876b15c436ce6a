"""The network of a run and a user → the columns that moved its log odds, each share by slopes, and how faithful they are.

The second layer reads columns, messages, and what the first layer said of the company; shares are its slopes along the way from an ordinary
user, who has the median of every column. They add up to how far the two are apart, and what is missing to that is told. In a run a user
is scored by networks that learned from other rings than theirs, so the same ones are asked here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graphdet.arrays import Float32, Float64
from graphdet.evidence.measured import Measured
from graphdet.learning.explaining import fidelity, raw_value
from graphdet.learning.from_rings import Layer, passed_columns
from graphdet.learning.messages import evidence_relation
from graphdet.learning.neighbourhood import gather_inputs, in_units, input_columns
from graphdet.learning.network import apply_network, integrated_gradients
from graphdet.learning.opinion import Opinion
from graphdet.signals import measure_users
from graphdet.signals.signal import FeatureTable, names_of


@dataclass(frozen=True)
class NetworkReason:
    """One column that moved the network's log odds.

    Attributes:
        column: its name.
        words, chinese: what it counts.
        value: the user's, as the words say; None where the words are about others and nobody is there.
        by_network: what it adds to the log odds.
    """

    column: str
    words: str
    chinese: str
    value: float | None
    by_network: float


@dataclass(frozen=True)
class NetworkExplanation:
    """Why the network of a run says of a user what it says.

    Attributes:
        log_odds: that the user is a member of a ring, by the network alone; `ordinary`: an ordinary user's.
        moved: columns, those that moved it most first.
        others: what all other columns add together.
        missed: what shares and `ordinary` lack to `log_odds`, since slopes are read at so many places and no more.
        fidelity: share of what sets the user apart that goes when the named columns are made ordinary; 1 = all.
        weight: of the network's odds beside those of pair evidence, in the scores of a run.
    """

    log_odds: float
    ordinary: float
    moved: tuple[NetworkReason, ...]
    others: float
    missed: float
    fidelity: float
    weight: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def explain_opinion(opinion: Opinion, measured: Measured, user: int, weight: float, threads: int = 1, most: int = 8) -> NetworkExplanation:
    """What moved the network's log odds of one user.

    Args:
        opinion: of a run of this log.
        measured: the log.
        user: code.
        weight: that the network has in scores, had it learned from any number of rings.
        threads: the result does not depend on it.
        most: columns that are named.
    """
    rows, layer, told = _read(opinion, measured, user, threads)
    own, ordinary = rows
    shares = np.mean([integrated_gradients(network, layer.scale, own, ordinary) for network in layer.networks], axis=0)
    chosen = np.argsort(-np.abs(shares), kind="stable")[:most]
    made_ordinary = own.copy()
    made_ordinary[chosen] = ordinary[chosen]
    whole, base, left = (_says(layer, row) for row in (own, ordinary, made_ordinary))
    columns = (*input_columns(opinion.model.depth), *passed_columns())
    moved = []
    for place in chosen.tolist():
        column = columns[place]
        value = raw_value(column, told, opinion.model)
        moved.append(NetworkReason(column.name, column.english, column.chinese, value, float(shares[place])))
    others = float(np.delete(shares, chosen).sum())
    missed = whole - base - float(shares.sum())
    return NetworkExplanation(whole, base, tuple(moved), others, missed, fidelity(whole, left, base), weight * opinion.trust)


def _read(opinion: Opinion, measured: Measured, user: int, threads: int) -> tuple[tuple[Float32, Float32], Layer, FeatureTable]:
    """What the second layer reads of the user and of an ordinary one, the layer with the networks that score the user, and the user's
    columns in their own units."""
    model, visits = opinion.model, measured.visits
    relation = evidence_relation(measured.pairs, visits.users, threads)
    columns = measure_users(measured.events, visits, measured.base_rates, measured.pairs, threads)
    inputs, _ = gather_inputs(columns, visits, relation, model.scale, threads, model.depth)
    passed = model.passed_on(inputs.values, visits, relation, opinion.fold, threads)
    own = np.append(inputs.values[user], passed[user])
    ordinary = np.append(np.median(inputs.values, axis=0), np.median(passed, axis=0)).astype(np.float32)
    last = model.layers[1]
    networks = last.networks if opinion.fold is None else (last.networks[int(opinion.fold[user])],)
    row = slice(user, user + 1)
    units = np.append(in_units(inputs.take(row), columns.take(row), model.scale, model.depth)[0], passed[user])
    names = (*model.columns, *names_of(passed_columns()))
    return (own, ordinary), Layer(last.scale, networks), FeatureTable("what the network reads", names, units[None])


def _says(layer: Layer, row: Float32) -> float:
    said: list[Float64] = [apply_network(network, layer.scale, (row[None],)) for network in layer.networks]
    return float(np.mean(said))
