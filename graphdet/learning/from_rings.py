"""Messages and the rings that the permuted logs support → a logit for every user, from networks that have not seen the user's ring.

No labels are needed: members of rings that stand against the null and that no innocent explanation covers are told from all other
users. Folds keep rings whole, so a ring's members are scored by what other rings look like; that is what finds members whom pair
evidence missed, and what casts doubt on a ring unlike all others. Two passes: rings that the first pass doubts, and outsiders that it
takes for members, are left out of the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from torch import nn

from graphdet.arrays import Bool, Float32, Float64, Int32, Int64
from graphdet.learning.messages import EvidenceMatrix, through_keys
from graphdet.learning.neighbourhood import InputColumn, Scale, measure_scale, spread_rows, take_rows
from graphdet.learning.network import apply_network, train
from graphdet.schema import HEARD_TYPES, NODE_TYPE
from graphdet.settings import GnnSettings
from graphdet.visits.visits import Visits

PASSED_ON = tuple(name for name in HEARD_TYPES if NODE_TYPE[name].passed_on)
LOGIT_MOST = 8.0


def passed_columns() -> tuple[InputColumn, ...]:
    """The columns of `pass_on`, with words that say of whom the first layer says so."""
    of_whom = [
        ("partners1", "of users with pair evidence", "有成对证据的用户"),
        ("partners2", "of their partners", "这些用户的伙伴"),
    ]
    for view in PASSED_ON:
        noun = NODE_TYPE[view].noun
        for kind, english, chinese in (("mean", "mean", "均值"), ("most", "highest", "最高")):
            of_whom.append((f"{view}_{kind}", f"of others at the same {noun.many}, {english}", f"同一{noun.chinese}的他人，{chinese}"))
    columns = []
    for who, english, chinese in of_whom:
        for part, named, called in (("opinion", "opinion", "网络初判"), ("suspicion", "suspicion", "网络初疑")):
            words = f"the network's first {named} {english}, standard deviations"
            columns.append(InputColumn(f"{who}_{part}", words, f"{called}（{chinese}），标准差"))
    return tuple(columns)


PASSED_COLUMNS = len(passed_columns())


@dataclass(frozen=True)
class Layer:
    """One layer: the scale of its inputs and one network for each fold."""

    scale: Scale
    networks: tuple[nn.Sequential, ...]


@dataclass(frozen=True)
class Learned:
    """What learning gives.

    Attributes:
        layers: both.
        centre: mean and spread of the first layer's logits.
        fold: (users,) the fold whose networks score a user.
        logit: (users,) from networks that learned neither from a user nor from that user's rings.
    """

    layers: tuple[Layer, Layer]
    centre: tuple[float, float]
    fold: Int64
    logit: Float64


def learn_users(
    inputs: Float32, groups: Sequence[Int32], visits: Visits, relation: EvidenceMatrix, settings: GnnSettings, seed: int, threads: int = 1
) -> Learned:
    """Networks that tell the groups' members from everybody else.

    Args:
        inputs: (users, columns) from `gather_inputs`.
        groups: user codes of each validated ring; at least `settings.folds` are needed.
        visits, relation: along which the first layer's logits are passed on.
        threads: the result does not depend on it.

    Raises:
        BadNumbers: the loss is no finite number.
    """
    users = len(inputs)
    fold, barred = ring_folds(groups, users, settings.folds, seed)
    member = np.zeros(users, np.bool_)
    member[np.concatenate(groups)] = True
    first, logit = _layer((inputs,), member, fold, barred, settings, seed, "first layer", threads)
    centre = (float(logit.mean()), float(max(logit.std(), 1e-6)))
    messages = pass_on(logit, centre, visits, relation, threads)
    trusted = _trusted(logit, groups, member, settings)
    second_barred = barred | ~trusted[:, None]
    nobody = second_barred.all(axis=0)  # so few rings that a fold's network would be left without anybody: it learns from all again
    second_barred[:, nobody] = barred[:, nobody]
    second, logit = _layer((inputs, messages), member, fold, second_barred, settings, seed + 1, "second layer", threads)
    return Learned((first, second), centre, fold, logit)


def ring_folds(groups: Sequence[Int32], users: int, folds: int, seed: int) -> tuple[Int64, Bool]:
    """Rings dealt into folds of about equally many members, whole; others at random.

    Returns:
        (users,) the fold whose network scores a user: that of the first group that has them; and (users, folds) which networks must not
        learn from them, since a group of theirs is in that fold.
    """
    generator = np.random.default_rng(seed)
    fold: Int64 = generator.integers(0, folds, users)
    barred = np.zeros((users, folds), np.bool_)
    filled = np.zeros(folds)
    place = np.zeros(len(groups), np.int64)
    for number in np.argsort([-len(group) for group in groups], kind="stable").tolist():
        place[number] = filled.argmin()
        filled[place[number]] += len(groups[number])
        barred[groups[number], place[number]] = True
    for number in range(len(groups) - 1, -1, -1):
        fold[groups[number]] = place[number]
    barred[np.arange(users), fold] = True
    return fold, barred


def pass_on(logit: Float64, centre: tuple[float, float], visits: Visits, relation: EvidenceMatrix, threads: int = 1) -> Float32:
    """(users, c) messages of the first layer's logits: along pair evidence, twice, and through keys."""
    passed = ((np.clip(logit, -LOGIT_MOST, LOGIT_MOST) - centre[0]) / centre[1]).astype(np.float32)[:, None]
    passed = np.ascontiguousarray(np.hstack([passed, np.maximum(passed, 0)]))
    parts = [relation @ passed]
    parts.append(relation @ parts[0])
    with ThreadPoolExecutor(threads) as pool:
        for mean, highest in pool.map(lambda view: through_keys(visits, view, passed), PASSED_ON):
            parts += [mean[:, :2], highest[:, :2]]
    return np.hstack(parts).astype(np.float32, copy=False)


def _layer(
    parts: Sequence[Float32], member: Bool, fold: Int64, barred: Bool, settings: GnnSettings, seed: int, stage: str, threads: int
) -> tuple[Layer, Float64]:
    scale = measure_scale(take_rows(parts, spread_rows(len(member))))

    def learn(number: int) -> nn.Sequential:
        rows = drawn_rows(np.flatnonzero(~barred[:, number]), member, settings.others, seed)
        standard = scale.apply(take_rows(parts, rows))
        return train(standard, member[rows], settings, seed, f"training of the {stage}, fold {number + 1}")

    with ThreadPoolExecutor(threads if settings.device == "cpu" else 1) as pool:
        layer = Layer(scale, tuple(pool.map(learn, range(settings.folds))))
    return layer, logit_by_fold(layer, parts, fold, threads)


def logit_by_fold(layer: Layer, parts: Sequence[Float32], fold: Int64, threads: int = 1) -> Float64:
    """(users,) what each user's own fold's network says."""
    logit = np.zeros(len(fold))
    for number, network in enumerate(layer.networks):
        own = np.flatnonzero(fold == number)
        logit[own] = apply_network(network, layer.scale, parts, own, threads)
    return logit


def drawn_rows(rows: Int64, member: Bool, others: int, seed: int) -> Int64:
    """All members among the rows, and at most `others` of the rest, drawn at random."""
    rest = rows[~member[rows]]
    drawn = np.random.default_rng(seed).choice(rest, min(others, len(rest)), replace=False)
    return np.concatenate([rows[member[rows]], drawn])


def _trusted(logit: Float64, groups: Sequence[Int32], member: Bool, settings: GnnSettings) -> Bool:
    """Whom to learn from: not the rings that the first layer doubts most, and not outsiders that it takes for members."""
    trusted = member | (logit <= np.quantile(logit[member], 1 - settings.outscored_share))
    mean = np.array([logit[group].mean() for group in groups])
    for place in np.flatnonzero(mean < np.quantile(mean, settings.odd_rings)).tolist():
        trusted[groups[place]] = False
    return trusted
