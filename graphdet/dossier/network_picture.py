"""A ring's scene → a small graph to look at: members, items, what they share, and where to draw each."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.arrays import Int64
from graphdet.dossier.reasoning import nat_like
from graphdet.dossier.scene import Scene
from graphdet.schema import IP, ITEM, NODE_TYPE, SHARED_TYPES, USER

COLUMN = {ITEM: -1.0, USER: 0.0}  # where nodes of a type stand; what members share stands on the right
SWEEPS = 6  # rounds in which columns are put in order by each other
FOLDED = "hubs"  # things that many others use as well, drawn as one


Node = tuple[str, str]  # type and id
Graph = dict[Node, dict[Node, int]]  # neighbours of each node, with the events between them


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
    chosen = users[: NODE_TYPE[USER].look.most]
    drawn = set(chosen)
    who = {position: name for position, name in enumerate(scene.names) if name in drawn}
    near: Graph = {(USER, user): {} for user in chosen}
    for number, window in enumerate(scene.windows[: NODE_TYPE[ITEM].look.most]):
        _connect(near, (ITEM, window["id"]), scene.member[scene.target == number], who)
    for kind in SHARED_TYPES:
        for key in [one for one in shared if one["type"] == kind and one["members"] >= 2][: NODE_TYPE[kind].look.most]:
            there = scene.member[small.events.at(kind, key["id"])]
            _connect(near, (FOLDED, "") if kind == IP and nat_like(key) else (kind, key["id"]), there, who)
    spots = _by_role(near)
    number_of = {node: number for number, node in enumerate(near)}
    return {
        "nodes": [{"type": kind, "id": name, "x": round(x, 3), "y": round(y, 3)} for (kind, name), (x, y) in zip(near, spots, strict=True)],
        "edges": [
            {"start": number_of[one], "end": number_of[other], "events": events}
            for one, others in near.items()
            for other, events in others.items()
            if number_of[one] < number_of[other]
        ],
    }


def _connect(near: Graph, node: Node, members: Int64, who: dict[int, str]) -> None:
    """An edge to each user who did one of these events; more of them on an edge that is there."""
    for position, events in enumerate(np.bincount(members).tolist()):
        if events and position in who:
            user = (USER, who[position])
            near.setdefault(node, {})[user] = near[user][node] = near[user].get(node, 0) + events


def _by_role(near: Graph) -> list[tuple[float, float]]:
    """Of each node where it stands: users in the middle between items and what they share; each column in the order of its neighbours, so
    that few lines cross."""
    nodes, number = list(near), {node: place for place, node in enumerate(near)}
    neighbours = [[number[other] for other in others] for others in near.values()]
    columns: dict[float, list[int]] = {}
    for place, (kind, _) in enumerate(nodes):
        columns.setdefault(COLUMN.get(kind, 1.0), []).append(place)
    height, side = [0.0] * len(nodes), [COLUMN.get(kind, 1.0) for kind, _ in nodes]

    def stand(column: list[int]) -> None:
        for place, node in enumerate(column):
            height[node] = place / max(len(column) - 1, 1)

    for column in columns.values():
        stand(column)
    for _ in range(SWEEPS):
        before = list(map(tuple, columns.values()))
        for column in columns.values():
            middle = {node: sum([height[other] for other in neighbours[node]]) / max(len(neighbours[node]), 1) for node in column}
            column.sort(key=lambda node: (middle[node], nodes[node]))
            stand(column)
        if list(map(tuple, columns.values())) == before:
            break
    return [(x, 1.0 - 2.0 * y) for x, y in zip(side, height, strict=True)]
