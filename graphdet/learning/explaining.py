"""A user's inputs and a model with labels → the columns and neighbours that moved the score, and how faithful that is.

Contributions by trees are their own (Shapley values by the path through each tree) and the run's, so they add up to the log odds by trees;
those by the network are its slopes along the way from an ordinary user, which add up to how far the two are apart.
Fidelity is asked as a test would: how much of the distance to an ordinary user is lost once the named columns are set to what an ordinary
user has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graphdet.arrays import Float64
from graphdet.learning.labelled_inputs import LabelledInputs, labelled_columns
from graphdet.learning.labelled_model import LabelledModel
from graphdet.learning.life_columns import LIVES
from graphdet.learning.life_events import LifeReason
from graphdet.learning.neighbourhood import InputColumn
from graphdet.learning.ring_model import RingModel
from graphdet.signals.signal import Column, FeatureTable


@dataclass(frozen=True)
class Moved:
    """One column that moved the score.

    Attributes:
        column: its name.
        words, chinese: what it counts.
        value: the user's, as the words say; None where the words are about others and nobody is there.
        contribution: what it adds to the log odds by trees; `by_network`: to those by the network.
    """

    column: str
    words: str
    chinese: str
    value: float | None
    contribution: float
    by_network: float


@dataclass(frozen=True)
class Explanation:
    """Why a user's score is what it is.

    Attributes:
        chance: calibrated.
        moved: columns, those that moved the score most first.
        fidelity: share of the log odds by trees above an ordinary user's that goes when the named columns are made ordinary; 1 = all.
        network_fidelity: the same of the log odds by the network.
        lives: of those columns that tell of the account's own life, the events behind them.
    """

    chance: float
    moved: tuple[Moved, ...]
    fidelity: float
    network_fidelity: float
    lives: tuple[LifeReason, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def explain_user(model: LabelledModel, inputs: LabelledInputs, user: int, most: int = 8) -> Explanation:
    """What moved one user's score.

    Args:
        model: with labels.
        inputs: of all users of the log, from `read_inputs` with the model's scale.
        user: code.
        most: columns that are named.
    """
    read = inputs.select(model.columns)
    own, ordinary = (FeatureTable(read.stage, read.names, row[None]) for row in (read.values[user], np.median(read.values, axis=0)))
    by_trees, by_network = model.contributions(own)[0, :-1], model.network_contributions(own, ordinary)
    chosen = np.argsort(-np.abs(by_trees + by_network), kind="stable")[:most]
    made_ordinary = own.values.copy()
    made_ordinary[0, chosen] = ordinary.values[0, chosen]
    rows = own, FeatureTable(read.stage, read.names, made_ordinary), ordinary
    columns = {column.name: column for column in labelled_columns(tuple(LIVES), head=True)}
    moved = []
    for place in chosen.tolist():
        column = columns[model.columns[place]]
        value, adds, by = raw_value(column, own, model), float(by_trees[place]), float(by_network[place])
        moved.append(Moved(column.name, column.english, column.chinese, value, adds, by))
    by_trees_held, by_network_held = (_fidelity(says, *rows) for says in (model.by_trees, model.by_network))
    return Explanation(float(model.chance(own)[0]), tuple(moved), by_trees_held, by_network_held)


def _fidelity(says: Callable[[FeatureTable], Float64], *rows: FeatureTable) -> float:
    return fidelity(*(float(says(row)[0]) for row in rows))


def fidelity(whole: float, left: float, base: float) -> float:
    """Share of what parts a user (`whole`) from an ordinary one (`base`) that is gone without the named columns (`left`)."""
    return (whole - left) / (whole - base) if abs(whole - base) > 1e-9 else 0.0


def raw_value(column: Column, own: FeatureTable, model: LabelledModel | RingModel) -> float | None:
    """A column of one user, as its words say."""
    value = own.column(column.name)[0]
    if isinstance(column, InputColumn) and column.of not in ("", column.name):
        scale = model.message_scale if isinstance(model, LabelledModel) else model.scale
        if value == scale.mean[model.features.index(column.of)]:  # nobody is there
            return None
    return float(f"{column.raw(float(value)):.6g}")
