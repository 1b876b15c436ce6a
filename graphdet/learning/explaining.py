"""A user's inputs and a model with labels → the columns and neighbours that moved the score, exactly, and how faithful that is.

Contributions are the trees' own (Shapley values by the path through each tree) and the run's, so they add up to the log odds by trees.
Fidelity is asked as a test would: how much of the distance to an ordinary user is lost once the named columns are set to what an ordinary
user has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graphdet.learning.labelled_inputs import COLUMNS
from graphdet.learning.labelled_model import LabelledModel
from graphdet.schema import KEY_TYPES
from graphdet.signals.columns import FeatureTable

WHO = {
    "partners1": "of users with pair evidence",
    "partners2": "of their partners",
    **{f"{name}_mean": f"of company at {name} nodes, mean" for name in KEY_TYPES},
    **{f"{name}_most": f"of company at {name} nodes, highest" for name in KEY_TYPES},
}


@dataclass(frozen=True)
class Moved:
    """One column: its words, the user's value, and what it adds to the log odds."""

    column: str
    words: str
    value: float
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """Why a user's score is what it is.

    Attributes:
        chance: calibrated.
        moved: columns, those that moved the score most first.
        fidelity: share of the log odds by trees above an ordinary user's that goes when the named columns are made ordinary; 1 = all.
    """

    chance: float
    moved: tuple[Moved, ...]
    fidelity: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def explain_user(model: LabelledModel, inputs: FeatureTable, user: int, most: int = 8) -> Explanation:
    """What moved one user's score.

    Args:
        model: with labels.
        inputs: of all users of the log, from `read_inputs`.
        user: code.
        most: columns that are named.
    """
    own = inputs.values[user : user + 1]
    ordinary = np.median(inputs.values, axis=0)
    contribution = model.contributions(own)[0, :-1]
    chosen = np.argsort(-np.abs(contribution), kind="stable")[:most]
    without = own.copy()
    without[0, chosen] = ordinary[chosen]
    whole, left, base = (float(model.by_trees(row)[0]) for row in (own, without, ordinary[None].astype(np.float32)))
    fidelity = (whole - left) / (whole - base) if abs(whole - base) > 1e-9 else 0.0
    moved = [Moved(COLUMNS[place], in_words(COLUMNS[place]), float(own[0, place]), float(contribution[place])) for place in chosen.tolist()]
    return Explanation(float(model.chance(own)[0]), tuple(moved), fidelity)


def in_words(column: str) -> str:
    """A column's name in the field's words: 'item_most_log_evidence' → 'log evidence of company at item nodes, highest'."""
    for start, who in WHO.items():
        if column.startswith(f"{start}_"):
            return f"{column.removeprefix(f'{start}_').replace('_', ' ')} {who}"
    return column.replace("_", " ")
