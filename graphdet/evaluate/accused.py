"""Which innocent groups were accused, and which were explained rightly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csr_array

from graphdet.evaluate.sets import Incidence, Nodes, common, covered, incidence, incidence_of_codes, majority, sizes
from graphdet.evaluate.truth import Truth
from graphdet.schema.lookalikes import right_for


@dataclass(frozen=True)
class LookalikeFigures:
    """One kind of innocent look-alike: how many groups, false alerts that are mostly of this kind, and groups that raised one.

    `explained` counts explained rings that are mostly of this kind, `explained_right` those with a fitting explanation.
    """

    groups: int
    alerts: int
    groups_alerted: int
    alert_rate: float | None
    explained: int
    explained_right: int


@dataclass(frozen=True)
class ExplanationFigures:
    """Over explained rings that are mostly a look-alike or a true ring: the share named rightly; and true rings explained away."""

    right: float | None
    true_rings: int


@dataclass(frozen=True)
class _Kinds:
    """Look-alike groups over nodes of one type."""

    nodes: pd.Index[str]
    kind: npt.NDArray[np.object_]  # (groups,)
    groups: Incidence

    @classmethod
    def of(cls, lookalikes: pd.DataFrame) -> _Kinds:
        nodes = pd.Index(lookalikes["node_id"].unique(), dtype=object)
        codes, ids = pd.factorize(lookalikes["group_id"])
        kind = lookalikes.drop_duplicates("group_id")["kind"].to_numpy(object)
        return cls(nodes, kind, incidence_of_codes(codes, nodes.get_indexer(lookalikes["node_id"]), (len(ids), len(nodes))))

    def most(self, groups: Sequence[Nodes], least: int) -> list[str | None]:
        """Per group the kind that covers more than half of it; of several the one that covers most, then the rarest.

        A node counts for a kind only together with others of the same innocent group, `least` in all: most people share a home
        with somebody, but that explains a group only where they share it with each other.
        """
        kinds = sorted(set(self.kind))
        if not kinds or not groups:
            return [None] * len(groups)
        found = incidence(groups, self.nodes)
        together = csr_array(common(self.groups, found) >= least).astype(np.int64)
        inside = np.empty((len(groups), len(kinds)))
        rarity = np.empty(len(kinds))
        for column, kind in enumerate(kinds):
            of_kind = np.flatnonzero(self.kind == kind)
            met = csr_array(together[of_kind].T @ self.groups[of_kind]) > 0  # (groups, nodes)
            inside[:, column] = sizes(csr_array(met.multiply(found)))
            rarity[column] = covered(csr_array(self.groups[of_kind])).sum() / (len(self.nodes) + 1)
        best = (inside - rarity).argmax(axis=1)
        enough = [2 * row[b] > len(set(group)) for row, b, group in zip(inside, best, groups, strict=True)]
        return [kinds[b] if ok else None for b, ok in zip(best, enough, strict=True)]

    def raised(self, alerts: Sequence[Nodes]) -> npt.NDArray[np.int64]:
        """Groups that make up most of a false alert (a crowd is never alerted whole), or that are mostly inside one."""
        overlap = coo_array(common(self.groups, incidence(alerts, self.nodes)))
        alert_size = np.array([len(set(alert)) for alert in alerts], dtype=np.int64)
        most = (2 * overlap.data > alert_size[overlap.col]) | (2 * overlap.data > sizes(self.groups)[overlap.row])
        return np.unique(overlap.row[most])


class Innocent:
    """The look-alikes of a market: groups of users, and networks (carriers, cafés), which are groups of IP addresses."""

    def __init__(self, truth: Truth) -> None:
        users = truth.lookalikes[truth.lookalikes["node_type"] == "user"]
        networks = truth.lookalikes[(truth.lookalikes["node_type"] == "ip") & ~truth.lookalikes["kind"].isin(users["kind"])]
        self._users, self._networks = _Kinds.of(users), _Kinds.of(networks)
        members = truth.members[truth.members["node_type"] == "user"]
        self._members = pd.Index(members["node_id"].unique(), dtype=object)
        self._rings = incidence([group.tolist() for _, group in members.groupby("ring_id")["node_id"]], self._members)

    def kinds(self, groups: Mapping[str, Nodes], ips: Mapping[str, Nodes]) -> list[str | None]:
        """The kind that a group mostly is: by its users, else by the addresses that it shares."""
        by_users = self._users.most(list(groups.values()), least=2)
        by_network = self._networks.most([ips.get(name, ()) for name in groups], least=1)
        return [first or second for first, second in zip(by_users, by_network, strict=True)]

    def figures(
        self,
        alerts: Mapping[str, Nodes],
        kinds: Mapping[str, str | None],
        explained: Mapping[str, tuple[str, Nodes]],
        ips: Mapping[str, Nodes],
    ) -> tuple[dict[str, LookalikeFigures], ExplanationFigures]:
        """Figures by kind, from false alerts with their kinds and explained groups with their explanations."""
        quiet = {name: group for name, (_, group) in explained.items()}
        true = self._mostly_true(list(quiet.values()))
        names = [name for name, _ in explained.values()]
        named = zip(self.kinds(quiet, ips), names, true, strict=True)
        given = [(kind, name) for kind, name, is_true in named if kind is not None and not is_true]
        right_names = right_for()
        right = [kind for kind, name in given if name in right_names.get(kind, frozenset())]
        figures = {}
        for side, nodes in ((self._users, list(alerts.values())), (self._networks, [ips.get(name, ()) for name in alerts])):
            raised = side.kind[side.raised(nodes)]
            for kind in sorted(set(side.kind)):
                groups, groups_alerted = int((side.kind == kind).sum()), int((raised == kind).sum())
                figures[kind] = LookalikeFigures(
                    groups=groups,
                    alerts=sum(other == kind for other in kinds.values()),
                    groups_alerted=groups_alerted,
                    alert_rate=groups_alerted / groups,
                    explained=sum(other == kind for other, _ in given),
                    explained_right=sum(other == kind for other in right),
                )
        judged = len(given) + sum(true)
        return dict(sorted(figures.items())), ExplanationFigures(len(right) / judged if judged else None, sum(true))

    def _mostly_true(self, groups: Sequence[Nodes]) -> list[bool]:
        size = np.array([len(set(group)) for group in groups], dtype=np.int64)
        owner = majority(self._rings, incidence(groups, self._members), size)
        return [bool(ring >= 0) for ring in owner]
