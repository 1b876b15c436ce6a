"""Run and truth → the figures that say how good the detection is: members, rings, ranking and false alarms.

Everything is counted on rings of tier `alert` and over users, since an analyst acts on alerts and a ring's users are what a
detector must name. Members who touched fewer than two targets of their ring leave no trace that anyone could find, so every
recall is given twice: over all members and over the `detectable` ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_array

from graphdet.evaluate.accused import Innocent, LookalikeFigures
from graphdet.evaluate.metrics import RankingFigures, ranking_figures
from graphdet.evaluate.sets import Incidence, Nodes, best, covered, incidence, incidence_of_codes, jaccard, majority, match, sizes
from graphdet.evaluate.truth import Truth
from graphdet.run.folder import Run

DETECTABLE_TARGETS = 2
TOP_RINGS = (20, 50, 100)
SIZE_BUCKETS = (10, 25, 50, 100)
DENSITY_BUCKETS = (0.2, 0.4, 0.6)


@dataclass(frozen=True)
class RingOutcome:
    """What became of one true ring. `found` counts its users in any alert; a ring is matched by one alert at Jaccard > 0.5."""

    ring_id: str
    kind: str
    size: int
    density: float
    found: int
    best_jaccard: float
    matched: bool
    detectable: int
    detectable_found: int
    detectable_best_jaccard: float
    detectable_matched: bool
    fragments: int  # alerts more than half of whose users are members of this ring


@dataclass(frozen=True)
class AlertOutcome:
    """What one alert was. True where more than half of its users are members of one true ring (`true_ring`)."""

    ring_id: str
    size: int
    true_users: int  # members of any true ring
    true_ring: str | None
    lookalike: str | None  # kind that covers more than half of an untrue alert's users


@dataclass(frozen=True)
class RecallFigures:
    """Recall over some of the true rings; None where there is nothing to find."""

    rings: int
    members: int
    detectable: int
    ring_recall: float | None
    detectable_ring_recall: float | None
    member_recall: float | None
    detectable_recall: float | None
    mean_best_jaccard: float | None


@dataclass(frozen=True)
class Evaluation:
    """All figures of one run. Shares lie in 0 … 1; None where a share has nothing to be counted over."""

    alerts: int
    review: int
    explained: int
    alerted_users: int
    members: int
    detectable: int
    precision: float | None
    recall: float | None
    f1: float
    detectable_recall: float | None
    detectable_f1: float
    ring_recall: float | None
    ring_precision: float | None
    mean_best_jaccard: float | None
    detectable_ring_recall: float | None
    detectable_ring_precision: float | None
    detectable_mean_best_jaccard: float | None
    fragmentation: float | None  # alerts per true ring, over the true rings that any alert belongs to
    true_alerts: int
    precision_at: dict[str, float | None]  # share of true alerts among the first 20, 50, 100 (or all, where fewer)
    ranking: dict[str, RankingFigures]  # node type → figures
    lookalikes: dict[str, LookalikeFigures]
    explanation_right: float | None  # over explained rings that are mostly a look-alike or a true ring
    explained_true_rings: int  # true rings explained away
    by_kind: dict[str, RecallFigures]
    by_size: dict[str, RecallFigures]
    by_density: dict[str, RecallFigures]
    rings: tuple[RingOutcome, ...]
    alert_outcomes: tuple[AlertOutcome, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and text, ready for `json.dumps`."""
        return asdict(self)


def evaluate(run: Run, truth: Truth) -> Evaluation:
    """All figures of a run against the truth of its log."""
    rings = run.rings.select(["ring_id", "rank", "tier", "explanation"]).to_pandas().sort_values("rank")
    members = run.members.select(["ring_id", "node_type", "node_id"]).to_pandas()
    users, ips = (members[members["node_type"] == kind].groupby("ring_id")["node_id"].agg(list) for kind in ("user", "ip"))
    groups = {tier: {ring_id: users[ring_id] for ring_id in rings["ring_id"][rings["tier"] == tier]} for tier in ("alert", "explained")}
    explanations = dict(zip(rings["ring_id"], rings["explanation"], strict=True))
    return evaluate_groups(
        groups["alert"],
        truth,
        scores=run.scores,
        explained={ring_id: (explanations[ring_id], group) for ring_id, group in groups["explained"].items()},
        ips=ips.to_dict(),
        review=int((rings["tier"] == "review").sum()),
    )


def evaluate_groups(
    alerts: Mapping[str, Nodes],
    truth: Truth,
    *,
    scores: pa.Table | None = None,
    explained: Mapping[str, tuple[str, Nodes]] | None = None,
    ips: Mapping[str, Nodes] | None = None,
    review: int = 0,
) -> Evaluation:
    """All figures of any detector's groups of users.

    Args:
        alerts: id → user ids, most suspicious first.
        truth: what was planted.
        scores: node_type, node_id, score (higher = more suspicious) of every node, where the detector gives them.
        explained: id → (name of the innocent explanation, user ids) of groups that were found but explained away.
        ips: id → IP addresses that a group shares, where known: some look-alikes are networks.
        review: how many groups were left for review.
    """
    explained, ips = explained or {}, ips or {}
    world = _World.of(truth, list(alerts.values()))
    found = incidence(list(alerts.values()), world.users)
    innocent = Innocent(truth)
    outcomes = _ring_outcomes(truth, world, found)
    alert_outcomes = _alert_outcomes(truth, world, alerts, found, innocent.kinds(alerts, ips))
    false = {outcome.ring_id: outcome.lookalike for outcome in alert_outcomes if outcome.true_ring is None}
    lookalikes, explanations = innocent.figures({name: alerts[name] for name in false}, false, explained, ips)

    users, total = _UserCounts.of(world, found), _recall_figures(outcomes)
    return Evaluation(
        alerts=len(alerts),
        review=review,
        explained=len(explained),
        alerted_users=users.alerted,
        members=users.members,
        detectable=users.detectable,
        precision=users.precision,
        recall=users.recall,
        f1=_harmonic(users.precision, users.recall),
        detectable_recall=users.detectable_recall,
        detectable_f1=_harmonic(users.precision, users.detectable_recall),
        ring_recall=total.ring_recall,
        ring_precision=_share(sum(outcome.matched for outcome in outcomes), len(alerts)),
        mean_best_jaccard=total.mean_best_jaccard,
        detectable_ring_recall=total.detectable_ring_recall,
        detectable_ring_precision=_share(sum(outcome.detectable_matched for outcome in outcomes), len(alerts)),
        detectable_mean_best_jaccard=_mean([outcome.detectable_best_jaccard for outcome in _findable(outcomes)]),
        fragmentation=_mean([outcome.fragments for outcome in outcomes if outcome.fragments]),
        true_alerts=sum(outcome.true_ring is not None for outcome in alert_outcomes),
        precision_at={str(top): _mean([outcome.true_ring is not None for outcome in alert_outcomes[:top]]) for top in TOP_RINGS},
        ranking={} if scores is None else _ranking(scores, truth),
        lookalikes=lookalikes,
        explanation_right=explanations.right,
        explained_true_rings=explanations.true_rings,
        by_kind=_by(outcomes, [outcome.kind for outcome in outcomes]),
        by_size=_by(outcomes, _buckets([outcome.size for outcome in outcomes], SIZE_BUCKETS)),
        by_density=_by(outcomes, _buckets([outcome.density for outcome in outcomes], DENSITY_BUCKETS)),
        rings=tuple(outcomes),
        alert_outcomes=tuple(alert_outcomes),
    )


@dataclass(frozen=True)
class _World:
    """All users that truth or alerts name, numbered, and the true rings over them."""

    users: pd.Index[str]
    rings: Incidence
    detectable: Incidence

    @classmethod
    def of(cls, truth: Truth, alerts: Sequence[Nodes]) -> _World:
        members = truth.members[truth.members["node_type"] == "user"]
        named = [np.asarray(list(group), dtype=object) for group in alerts]
        users = pd.Index(pd.unique(np.concatenate([members["node_id"].to_numpy(object), *named])))
        rows = pd.Index(truth.rings["ring_id"]).get_indexer(members["ring_id"])
        columns = users.get_indexer(members["node_id"])
        detectable = members["targets_touched"].to_numpy() >= DETECTABLE_TARGETS
        shape = (len(truth.rings), len(users))
        return cls(users, incidence_of_codes(rows, columns, shape), incidence_of_codes(rows[detectable], columns[detectable], shape))


@dataclass(frozen=True)
class _UserCounts:
    """Users of alerts and users of true rings."""

    alerted: int
    members: int
    detectable: int
    alerted_members: int
    alerted_detectable: int

    @classmethod
    def of(cls, world: _World, found: Incidence) -> _UserCounts:
        alerted, member, detectable = covered(found), covered(world.rings), covered(world.detectable)
        counted = (alerted, member, detectable, alerted & member, alerted & detectable)
        return cls(*(int(users.sum()) for users in counted))

    @property
    def precision(self) -> float | None:
        return _share(self.alerted_members, self.alerted)

    @property
    def recall(self) -> float | None:
        return _share(self.alerted_members, self.members)

    @property
    def detectable_recall(self) -> float | None:
        return _share(self.alerted_detectable, self.detectable)


def _ring_outcomes(truth: Truth, world: _World, found: Incidence) -> list[RingOutcome]:
    # Members who cannot be found must not count against a group that found them all the same.
    undetectable = covered(world.rings) & ~covered(world.detectable)
    findable = csr_array(found.multiply(~undetectable))
    findable.eliminate_zeros()
    overlaps, detectable_overlaps = jaccard(world.rings, found), jaccard(world.detectable, findable)
    matched, detectable_matched = set(match(overlaps)[0].tolist()), set(match(detectable_overlaps)[0].tolist())
    alerted = covered(found).astype(np.int64)
    true_ring = majority(world.rings, found, sizes(found))
    fragments = np.bincount(true_ring[true_ring >= 0], minlength=len(truth.rings))
    columns = (
        truth.rings["ring_id"],
        truth.rings["kind"],
        sizes(world.rings).tolist(),
        truth.rings["density"].astype(float),
        np.asarray(world.rings @ alerted).tolist(),
        best(overlaps),
        [row in matched for row in range(len(truth.rings))],
        sizes(world.detectable).tolist(),
        np.asarray(world.detectable @ alerted).tolist(),
        best(detectable_overlaps),
        [row in detectable_matched for row in range(len(truth.rings))],
        fragments.tolist(),
    )
    return [RingOutcome(*row) for row in zip(*columns, strict=True)]


def _alert_outcomes(
    truth: Truth, world: _World, alerts: Mapping[str, Nodes], found: Incidence, kinds: Sequence[str | None]
) -> list[AlertOutcome]:
    owners = majority(world.rings, found, sizes(found))
    true_users = found @ covered(world.rings).astype(np.int64)
    ids = truth.rings["ring_id"].tolist()
    return [
        AlertOutcome(
            ring_id=alert,
            size=int(size),
            true_users=int(users),
            true_ring=ids[owner] if owner >= 0 else None,
            lookalike=kind if owner < 0 else None,
        )
        for alert, size, users, owner, kind in zip(alerts, sizes(found), true_users, owners, kinds, strict=True)
    ]


def _ranking(scores: pa.Table, truth: Truth) -> dict[str, RankingFigures]:
    table = scores.select(["node_type", "node_id", "score"]).to_pandas()
    figures = {}
    for node_type in ("user", "item"):
        nodes = table[table["node_type"] == node_type]
        role = truth.members["role"] == "target" if node_type == "item" else True  # decoys are victims of camouflage
        true = truth.members["node_id"][(truth.members["node_type"] == node_type) & role]
        positive = nodes["node_id"].isin(true).to_numpy()
        figures[node_type] = ranking_figures(positive, nodes["score"].to_numpy(float))
    return figures


def _by(outcomes: Sequence[RingOutcome], names: Sequence[str]) -> dict[str, RecallFigures]:
    groups: dict[str, list[RingOutcome]] = {}
    for name, outcome in sorted(zip(names, outcomes, strict=True), key=lambda pair: pair[0]):
        groups.setdefault(name, []).append(outcome)
    return {name: _recall_figures(group) for name, group in groups.items()}


def _buckets(values: Sequence[float], bounds: Sequence[float]) -> list[str]:
    """Names of half-open buckets, in an order that sorts as text: '0: < 10', '1: 10–25', …"""
    names = [f"0: < {bounds[0]}", *(f"{i}: {low}–{high}" for i, (low, high) in enumerate(itertools.pairwise(bounds), 1))]
    names.append(f"{len(bounds)}: ≥ {bounds[-1]}")
    return [names[i] for i in np.searchsorted(bounds, values, side="right")]


def _recall_figures(outcomes: Sequence[RingOutcome]) -> RecallFigures:
    findable = _findable(outcomes)
    members, detectable = (sum(outcome.size for outcome in outcomes), sum(outcome.detectable for outcome in outcomes))
    return RecallFigures(
        rings=len(outcomes),
        members=members,
        detectable=detectable,
        ring_recall=_mean([outcome.matched for outcome in outcomes]),
        detectable_ring_recall=_mean([outcome.detectable_matched for outcome in findable]),
        member_recall=_share(sum(outcome.found for outcome in outcomes), members),
        detectable_recall=_share(sum(outcome.detectable_found for outcome in outcomes), detectable),
        mean_best_jaccard=_mean([outcome.best_jaccard for outcome in outcomes]),
    )


def _findable(outcomes: Sequence[RingOutcome]) -> list[RingOutcome]:
    return [outcome for outcome in outcomes if outcome.detectable >= 2]


def _share(hits: int, total: int) -> float | None:
    return hits / total if total else None


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return float(np.mean(listed)) if listed else None


def _harmonic(precision: float | None, recall: float | None) -> float:
    return 2 * precision * recall / (precision + recall) if precision and recall else 0.0
