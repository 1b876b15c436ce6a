"""What a user would reach for instead: an event table → groups of suspected users, as small honest functions.

Each is tuned by `tune_baselines.py` on seeds that no benchmark reports; the defaults of each function are the setting of its grid with
the best F1 on detectable members of `hard`. The Cypher recipe needs a Neo4j server: `cypher_recipe.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkit
import networkx as nx
import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_array, csr_array, triu
from sklearn.ensemble import IsolationForest

from graphdet.events import EventTable

Codes = npt.NDArray[np.int32]
Pairs = npt.NDArray[np.int64]  # (n, 2) users, the smaller code first

SECOND = 1_000_000
HOUR = 3600 * SECOND
COMMITTING = ("order", "pay", "review")


@dataclass(frozen=True)
class Found:
    """A baseline's groups of user codes, most suspicious first, and a score per user where it ranks users."""

    groups: list[Codes]
    user_score: npt.NDArray[np.float64] | None = field(default=None)

    def named(self, events: EventTable) -> dict[str, list[str]]:
        """Groups by the users' ids in the log, keyed by rank."""
        ids = events.ids["user"]
        return {str(rank): ids.take(pa.array(group)).to_pylist() for rank, group in enumerate(self.groups, 1)}


class MissingKeyError(Exception):
    """The log lacks what this baseline needs."""


def fraudar(events: EventTable, *, blocks: int = 10, committing: bool = True, keep: float = 0.5) -> Found:
    """Repeated densest blocks of the user-item graph under camouflage-resistant weights 1 / log(degree + 5).

    Blocks are taken until `blocks` or until one is thinner than `keep` of the first.
    Source: Hooi et al. (2016), FRAUDAR, algorithm 1 with column weights; edges of a block are removed before the next.
    """
    need(events, "item")
    user, item = _edges(events, committing)
    found, densities = fraudar_blocks(user, item, events.count("user"), events.count("item"), blocks)
    groups = [block for block, density in zip(found, densities, strict=True) if density >= keep * densities[0]]
    score = np.zeros(events.count("user"))
    for block, density in zip(reversed(found), reversed(densities), strict=True):
        score[block] = np.maximum(score[block], density)
    return Found(groups, score)


def fraudar_blocks(user: Codes, item: Codes, users: int, items: int, blocks: int) -> tuple[list[Codes], list[float]]:
    """Users of each block and its density: edge weight inside over nodes. Edges are distinct (user, item) pairs."""
    found, densities = [], []
    for _ in range(blocks):
        if not len(user):
            break
        degree = np.bincount(item, minlength=items)
        weight = (1 / np.log(degree + 5.0))[item]
        inside, density = peel(user, item + users, weight, users + items)
        found.append(np.flatnonzero(inside[:users]).astype(np.int32))
        densities.append(float(density))
        rest = ~(inside[user] & inside[item + users])
        user, item = user[rest], item[rest]
    return found, densities


def peel(
    left: npt.NDArray[Any], right: npt.NDArray[Any], weight: npt.NDArray[np.float64], nodes: int
) -> tuple[npt.NDArray[np.bool_], float]:
    """The densest of the graphs met while the node of least weighted degree is removed again and again; its nodes and density."""
    row, column = np.concatenate([left, right]), np.concatenate([right, left])
    matrix = csr_array(coo_array((np.concatenate([weight, weight]), (row, column)), shape=(nodes, nodes)))
    start, neighbour, value = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data
    order, best_left, density = _peel(start, neighbour, value, nodes)
    inside = np.ones(nodes, dtype=np.bool_)
    inside[order[:best_left]] = False
    return inside, density


@numba.njit(cache=True)
def _peel(
    start: npt.NDArray[np.int64], neighbour: npt.NDArray[np.int64], value: npt.NDArray[np.float64], nodes: int
) -> tuple[npt.NDArray[np.int64], int, float]:
    # A tree of minima over nodes (as in the authors' code): leaves hold weighted degrees, removed ones infinity.
    leaves = 1
    while leaves < nodes:
        leaves *= 2
    tree = np.full(2 * leaves, np.inf)
    total, alive = 0.0, 0
    for node in range(nodes):
        if start[node + 1] > start[node]:
            tree[leaves + node] = value[start[node] : start[node + 1]].sum()
            total += tree[leaves + node]
            alive += 1
    for i in range(leaves - 1, 0, -1):
        tree[i] = min(tree[2 * i], tree[2 * i + 1])
    total /= 2
    order = np.empty(nodes, np.int64)
    removed = 0
    for node in range(nodes):  # isolated nodes are never part of a block
        if start[node + 1] == start[node]:
            order[removed] = node
            removed += 1
    best, best_removed = total / max(alive, 1), removed
    while alive > 0:
        i = 1
        while i < leaves:
            i *= 2
            if tree[i] > tree[i + 1]:
                i += 1
        node = i - leaves
        total -= tree[i]
        tree[i] = np.inf
        _lift(tree, i)
        for edge in range(start[node], start[node + 1]):
            other = leaves + neighbour[edge]
            if tree[other] < np.inf:
                tree[other] -= value[edge]
                _lift(tree, other)
        order[removed] = node
        removed += 1
        alive -= 1
        if alive > 0 and total / alive > best:
            best, best_removed = total / alive, removed
    return order, best_removed, best


@numba.njit(cache=True)
def _lift(tree: npt.NDArray[np.float64], i: int) -> None:
    i //= 2
    while i > 0:
        least = min(tree[2 * i], tree[2 * i + 1])
        if tree[i] == least:
            break
        tree[i] = least
        i //= 2


def shared_device(events: EventTable, *, most_users: int = 20, least_size: int = 3, key: str = "device") -> Found:
    """Components of users who share a device (or another key) that at most `most_users` use; those of at least `least_size`."""
    need(events, key)
    user, device = _distinct(events.codes["user"], events.codes[key])
    usage = np.bincount(device, minlength=events.count(key))
    kept = usage[device] <= most_users
    graph: nx.Graph[int] = nx.Graph()
    graph.add_edges_from(zip(user[kept].tolist(), (-1 - device[kept]).tolist(), strict=True))
    groups = [np.array([node for node in part if node >= 0], dtype=np.int32) for part in nx.connected_components(graph)]
    return Found(largest_first(groups, least_size))


def ip_within_a_minute(events: EventTable, *, seconds: int = 60, meetings: int = 1, least_size: int = 3) -> Found:
    """The rule of thumb "two accounts on one IP within 60 seconds", at least `meetings` times; components of such pairs."""
    need(events, "ip", times=True)
    pairs, count = _pairs_in_windows(events, "ip", seconds * SECOND, most_events=10**9, committing=False, distinct_keys=False)
    return Found(components(pairs[count >= meetings], least_size))


def common_items(events: EventTable, *, common: int = 3, most_users: int = 300, committing: bool = True, least_size: int = 3) -> Found:
    """Components of users with `common` items in common that at most `most_users` users touched. No times used."""
    need(events, "item")
    user, item = _edges(events, committing)
    popular = np.bincount(item, minlength=events.count("item")) > most_users
    user, item = user[~popular[item]], item[~popular[item]]
    touched = csr_array(coo_array((np.ones(len(user), np.int32), (user, item)), shape=(events.count("user"), events.count("item"))))
    together = coo_array(triu(touched @ touched.T, k=1))
    strong = together.data >= common
    return Found(components(np.column_stack([together.row[strong], together.col[strong]]), least_size))


def copurchase_components(
    events: EventTable, *, common: int = 3, hours: int = 24, most_events: int = 100, committing: bool = False, least_size: int = 5
) -> Found:
    """Components of users who met at `common` items within `hours`; item windows with more than `most_events` are left out."""
    pairs, _ = _copurchase(events, common, hours, most_events, committing)
    return Found(components(pairs, least_size))


def copurchase_leiden(
    events: EventTable,
    *,
    common: int = 2,
    hours: int = 24,
    most_events: int = 100,
    committing: bool = True,
    resolution: float = 1.0,
    least_size: int = 3,
) -> Found:
    """Communities (networkit's parallel Leiden, weights = common items) of users who met at `common` items within `hours`."""
    pairs, count = _copurchase(events, common, hours, most_events, committing)
    if not len(pairs):
        return Found([])
    nodes, ends = np.unique(pairs, return_inverse=True)
    ends = ends.reshape(pairs.shape)
    networkit.setSeed(7, False)
    matrix = (count.astype(float), (ends[:, 0], ends[:, 1]))
    graph = networkit.GraphFromCoo(matrix, n=len(nodes), weighted=True, directed=False)
    leiden = networkit.community.ParallelLeiden(graph, gamma=resolution)
    leiden.run()
    community = np.asarray(leiden.getPartition().getVector())
    order = np.argsort(community, kind="stable")
    groups = np.split(nodes[order], np.flatnonzero(np.diff(community[order])) + 1)
    return Found(largest_first([group.astype(np.int32) for group in groups], least_size))


def isolation_forest(events: EventTable, *, share: float = 0.1) -> Found:
    """The `share` most anomalous users by a table of per-user facts; each flagged user is one group, since no groups come out."""
    features = user_features(events)
    score = -IsolationForest(n_estimators=200, random_state=7, n_jobs=-1).fit(features).score_samples(features)
    flagged = np.argsort(-score, kind="stable")[: int(share * len(score))].astype(np.int32)
    return Found([flagged[i : i + 1] for i in range(len(flagged))], score)


def user_features(events: EventTable) -> npt.NDArray[np.float64]:
    """(users, columns): counts, distinct keys, how common the keys are, actions, money, ratings and rhythm of each user."""
    user, users = events.codes["user"], events.count("user")
    total = np.bincount(user, minlength=users).astype(float)
    columns = [np.log1p(total)]
    for key in ("item", "device", "ip"):
        if key in events.codes:
            owner, other = _distinct(user, events.codes[key])
            distinct = np.bincount(owner, minlength=users)
            company = np.log(np.bincount(other, minlength=events.count(key))[other])
            columns += [np.log1p(distinct), np.bincount(owner, company, users) / np.maximum(distinct, 1)]
    columns += [np.bincount(user, events.action == action, users) / total for action in range(len(events.actions))]
    for values in (events.amount, events.rating):
        if values is not None:
            there = ~np.isnan(values)
            columns.append(np.bincount(user[there], values[there], users) / np.maximum(np.bincount(user[there], minlength=users), 1))
    if events.time is not None:
        time = np.where(events.time > 0, events.time, 0) / (24 * HOUR)
        mean = np.bincount(user, time, users) / total
        spread = np.sqrt(np.maximum(np.bincount(user, time**2, users) / total - mean**2, 0))
        first = np.full(users, np.inf)
        np.minimum.at(first, user, time)
        night = (events.time // HOUR) % 24 < 6
        columns += [spread, first, np.bincount(user, night, users) / total]
    return np.column_stack(columns)


def need(events: EventTable, key: str, *, times: bool = False) -> None:
    if key not in events.codes:
        raise MissingKeyError(f"the log has no {key}")
    if times and events.time is None:
        raise MissingKeyError("the log has no times")


def committing_events(events: EventTable) -> npt.NDArray[np.bool_]:
    """Events that commit to an item; all of them where the log has no such actions."""
    wanted = [i for i, action in enumerate(events.actions) if action in COMMITTING]
    chosen = np.isin(events.action, wanted)
    return chosen if chosen.any() else np.ones(len(events), dtype=np.bool_)


def _edges(events: EventTable, committing: bool) -> tuple[Codes, Codes]:
    chosen = committing_events(events) if committing else slice(None)
    return _distinct(events.codes["user"][chosen], events.codes["item"][chosen])


def _distinct(user: Codes, key: Codes) -> tuple[Codes, Codes]:
    there = key >= 0
    packed = np.unique(user[there].astype(np.int64) << 32 | key[there])
    return (packed >> 32).astype(np.int32), (packed & 0xFFFFFFFF).astype(np.int32)


def _copurchase(events: EventTable, common: int, hours: int, most_events: int, committing: bool) -> tuple[Pairs, npt.NDArray[np.int64]]:
    need(events, "item", times=True)
    pairs, count = _pairs_in_windows(events, "item", hours * HOUR, most_events=most_events, committing=committing, distinct_keys=True)
    return pairs[count >= common], count[count >= common]


def _pairs_in_windows(
    events: EventTable, key: str, window: int, *, most_events: int, committing: bool, distinct_keys: bool
) -> tuple[Pairs, npt.NDArray[np.int64]]:
    """Pairs of users who acted at one key less than `window` apart, and at how many keys (or how often) they did."""
    codes, time = events.codes[key], events.time
    assert time is not None
    chosen = np.flatnonzero((codes >= 0) & (committing_events(events) if committing else True))
    chosen = chosen[np.lexsort((time[chosen], codes[chosen]))]
    emitted = _emit(codes[chosen], time[chosen], events.codes["user"][chosen], window, most_events)
    if distinct_keys:
        emitted = emitted[np.lexsort((emitted[:, 1], emitted[:, 0]))]
        new = np.ones(len(emitted), dtype=np.bool_)
        new[1:] = np.any(emitted[1:] != emitted[:-1], axis=1)
        emitted = emitted[new]
    packed, count = np.unique(emitted[:, 0], return_counts=True)
    return np.column_stack([packed >> 32, packed & 0xFFFFFFFF]), count


@numba.njit(cache=True)
def _emit(key: Codes, time: npt.NDArray[np.int64], user: Codes, window: int, most_events: int) -> npt.NDArray[np.int64]:
    """(n, 2): packed pair and key, for events sorted by key and time; events with a crowd behind them are passed over."""
    out = np.empty((0, 2), np.int64)
    for emitting in (False, True):
        n, first = 0, 0
        for i in range(len(key)):
            while key[first] != key[i] or time[i] - time[first] >= window:
                first += 1
            if i - first > most_events:
                continue
            for j in range(first, i):
                if user[i] != user[j]:
                    if emitting:
                        low, high = min(user[i], user[j]), max(user[i], user[j])
                        out[n, 0] = np.int64(low) << 32 | high
                        out[n, 1] = key[i]
                    n += 1
        if not emitting:
            out = np.empty((n, 2), np.int64)
    return out


def components(pairs: Pairs, least_size: int) -> list[Codes]:
    graph: nx.Graph[int] = nx.Graph()
    graph.add_edges_from(pairs.tolist())
    return largest_first([np.array(sorted(part), dtype=np.int32) for part in nx.connected_components(graph)], least_size)


def largest_first(groups: Sequence[Codes], least_size: int) -> list[Codes]:
    kept = [np.sort(group) for group in groups if len(group) >= least_size]
    return sorted(kept, key=lambda group: (-len(group), group.tolist()))


BASELINES: Mapping[str, Callable[..., Found]] = {
    "FRAUDAR": fraudar,
    "shared device": shared_device,
    "IP 60 s": ip_within_a_minute,
    "3 common items": common_items,
    "24 h, 2 items, Leiden": copurchase_leiden,
    "24 h, 3 items": copurchase_components,
    "isolation forest": isolation_forest,
}
