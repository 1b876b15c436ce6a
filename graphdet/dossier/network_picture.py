"""A ring's scene → a small graph to look at: members, items, what they share, and where to draw each."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from graphdet.dossier.reasoning import nat_like
from graphdet.dossier.scene import Scene
from graphdet.schema import IP, ITEM, NODE_TYPE, SHARED_TYPES, USER

COLUMN = {ITEM: -1.0, USER: 0.0}  # where nodes of a type stand; what members share stands on the right
SWEEPS = 6  # rounds in which columns are put in order by each other
FOLDED = "hubs"  # things that many others use as well, drawn as one


def draw_network(scene: Scene, shared: list[dict[str, Any]], users: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges of a ring's picture.

    Args:
        scene: of the ring.
        shared: the facts' shared things; those that look like a public network are folded into one node.
        users: the members in the order in which they should be drawn first.

    Returns:
        `nodes` with `type`, `id`, and `x` and `y` from −1 to 1; `edges` with `start` and `end`, places among the nodes, and `events`.
    """
    small = scene.replay.small
    graph: nx.Graph[tuple[str, str]] = nx.Graph()
    chosen = set(users[: NODE_TYPE[USER].look.most])
    place = {name: position for position, name in enumerate(scene.names) if name in chosen}
    graph.add_nodes_from((USER, user) for user in users[: NODE_TYPE[USER].look.most])
    for number, window in enumerate(scene.windows[: NODE_TYPE[ITEM].look.most]):
        count = np.bincount(scene.member[scene.target == number], minlength=scene.size)
        _connect(graph, (ITEM, window["id"]), count, place)
    for kind in SHARED_TYPES:
        for key in [one for one in shared if one["type"] == kind and one["members"] >= 2][: NODE_TYPE[kind].look.most]:
            count = np.bincount(scene.member[small.events.at(kind, key["id"])], minlength=scene.size)
            _connect(graph, (FOLDED, "") if kind == IP and nat_like(key) else (kind, key["id"]), count, place)
    spots = _by_role(graph)
    nodes = list(graph)
    number_of = {node: number for number, node in enumerate(nodes)}
    return {
        "nodes": [
            {"type": kind, "id": name, "x": round(float(spots[kind, name][0]), 3), "y": round(float(spots[kind, name][1]), 3)}
            for kind, name in nodes
        ],
        "edges": [
            {"start": number_of[one], "end": number_of[other], "events": data["events"]} for one, other, data in graph.edges(data=True)
        ],
    }


def _connect(graph: nx.Graph[tuple[str, str]], node: tuple[str, str], count: np.ndarray[Any, Any], place: dict[str, int]) -> None:
    for user, position in place.items():
        if count[position]:
            before = graph.edges[(USER, user), node]["events"] if graph.has_edge((USER, user), node) else 0
            graph.add_edge((USER, user), node, events=int(count[position]) + before)


def _by_role(graph: nx.Graph[tuple[str, str]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Users in the middle between items and what they share; each column in the order of its neighbours, so that few lines cross."""
    columns: dict[float, list[tuple[str, str]]] = {}
    for node in graph:
        columns.setdefault(COLUMN.get(node[0], 1.0), []).append(node)
    near = {node: tuple(graph[node]) for node in graph}
    height = {node: place / max(len(column) - 1, 1) for column in columns.values() for place, node in enumerate(column)}
    for _ in range(SWEEPS):
        for column in columns.values():
            middle = {node: sum([height[other] for other in near[node]]) / max(len(near[node]), 1) for node in column}
            column.sort(key=lambda node: (middle[node], node))
            height |= {node: place / max(len(column) - 1, 1) for place, node in enumerate(column)}
    return {node: (side, 1.0 - 2.0 * height[node]) for side, column in columns.items() for node in column}
