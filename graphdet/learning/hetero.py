"""Graph, features and evidence → PyTorch Geometric's `HeteroData`, for networks of your own.

graphdet itself computes the same sums on stored sparse rows, which takes a tenth of the time; a test holds both to be equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from graphdet.arrays import Float32
from graphdet.events import NO_TIME, EventTable
from graphdet.graph import Edges, FraudGraph, build_graph
from graphdet.learning.messages import EvidenceMatrix, evidence_relation
from graphdet.settings import Settings
from graphdet.signals import measure_keys, measure_log, measure_users
from graphdet.signals.signal import FeatureTable

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

HALF_LIFE = 30 * 86_400_000_000  # microseconds after which an edge counts half
EVIDENCE = ("user", "meets", "user")


def as_hetero(events: EventTable, settings: Settings | None = None) -> HeteroData:
    """A log as PyTorch Geometric's `HeteroData`, for networks of your own.

    Args:
        events: from `read_events`.
        settings: of evidence; the defaults suit any log.

    Returns:
        Node types with ids in the order of `events.ids`, and `x` (n, columns) float32 of each type at which users meet, as measured: not
        standardised. Edges as in the graph of the log, one type for each relation and its reverse, and `("user", "meets", "user")` for pair
        evidence; `edge_index` (2, m) and `edge_weight` (m,).
    """
    settings = settings or Settings()
    measured = measure_log(events, settings)
    threads, read = settings.machine.workers, (measured.events, measured.visits, measured.base_rates, measured.pairs)
    features = {"user": measure_users(*read, threads), **measure_keys(*read)}
    return hetero_data(build_graph(measured.events), features, evidence_relation(measured.pairs, measured.visits.users, threads))


def hetero_data(graph: FraudGraph, features: Mapping[str, FeatureTable], relation: EvidenceMatrix) -> HeteroData:
    """Typed nodes with their features, one edge type for each relation and its reverse, and pair evidence as one more relation.

    Args:
        graph: of the log.
        features: of each node type, from `measure_users` and `measure_keys` of the same log; types without features get none.
        relation: from `evidence_relation`; its edges lead to the user who hears.

    Returns:
        `x` (n, columns) float32 of each node type; `edge_index` (2, m) and `edge_weight` (m,) of each edge type. Weights fade with the
        time since an edge's last event and with how many share the node.
    """
    from torch_geometric.data import HeteroData  # takes seconds to import

    data = HeteroData()
    for node_type in graph.ids:
        data[node_type].num_nodes = graph.events.count(node_type)
        if node_type in features:
            data[node_type].x = torch.from_numpy(features[node_type].values)
    for one in graph.relations:
        edges = graph.edges(one)
        ends = torch.from_numpy(np.stack([edges.rows, edges.to]).astype(np.int64))
        weight = torch.from_numpy(edge_weights(edges, graph.events.count(one.target)))
        for triple, index in ((one.triple, ends), ((one.target, f"rev_{one.verb}", "user"), ends.flip(0))):
            data[triple].edge_index, data[triple].edge_weight = index, weight
    hears = np.repeat(np.arange(relation.shape[0]), np.diff(relation.indptr))
    data[EVIDENCE].edge_index = torch.from_numpy(np.stack([relation.indices.astype(np.int64), hears]))
    data[EVIDENCE].edge_weight = torch.from_numpy(relation.data)
    return data


def edge_weights(edges: Edges, targets: int) -> Float32:
    """(m,) root of the count, halved every 30 days before the latest edge, over log2(1 + users of the node)."""
    weight = np.sqrt(edges.count.astype(np.float64)) / np.log2(1 + np.bincount(edges.to, minlength=targets))[edges.to]
    if edges.last is not None and len(edges):
        age = np.where(edges.last == NO_TIME, 0, edges.last.max() - edges.last)
        weight = weight * 0.5 ** (age / HALF_LIFE)
    return weight.astype(np.float32)
