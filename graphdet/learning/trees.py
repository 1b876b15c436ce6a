"""Boosted trees as plain arrays, which check themselves: what they add to the log odds of a row, and which column adds how much of it.

LightGBM grows them. Its own text format is never read back: its parser trusts what it reads, and a model file may come from anybody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from graphdet import _kernels
from graphdet.arrays import Bool, Float32, Float64, Int32, check_array

MOST_TREES, MOST_NODES = 10_000, 1_000_000
DEEPEST = 64  # questions on one way
LARGEST = 1e300  # that LightGBM puts for infinite


@dataclass(frozen=True)
class Trees:
    """Trees whose leaves add up; nodes and leaves of all trees are numbered through.

    Attributes:
        columns: that they may ask for.
        root: (trees,) int32 node, or ~leaf where a tree has one leaf alone.
        feature: (nodes,) int32 column that a node asks for.
        threshold: (nodes,) float64; values up to it go left.
        left, right: (nodes,) int32 a later node, or ~leaf.
        node_rows: (nodes,) float64, rows that came by while they grew.
        value: (leaves,) float64 that a leaf adds.
        leaf_rows: (leaves,) float64.

    Raises:
        ValueError: they are no trees: a node or leaf is reached twice or not at all, or a number is out of bounds.
    """

    columns: int
    root: Int32
    feature: Int32
    threshold: Float64
    left: Int32
    right: Int32
    node_rows: Float64
    value: Float64
    leaf_rows: Float64

    def __post_init__(self) -> None:
        nodes, leaves = len(self.feature), len(self.value)
        if len(self.root) > MOST_TREES or nodes > MOST_NODES or nodes + len(self.root) != leaves:
            raise ValueError(f"{len(self.root)} trees of {nodes} nodes must have as many leaves as both, within bounds (found {leaves})")
        check_array("roots", self.root, np.int32, len(self.root), -leaves, nodes - 1)
        check_array("features", self.feature, np.int32, nodes, 0, self.columns - 1)
        check_array("thresholds", self.threshold, np.float64, nodes, -LARGEST, LARGEST)
        for name, child in (("left", self.left), ("right", self.right)):
            check_array(name, child, np.int32, nodes, -leaves, nodes - 1)
        check_array("rows of nodes", self.node_rows, np.float64, nodes, 1, 2**53)
        check_array("values", self.value, np.float64, leaves, -1e15, 1e15)
        check_array("rows of leaves", self.leaf_rows, np.float64, leaves, 0, 2**53)
        reached = np.concatenate([self.root, self.left, self.right]).astype(np.int64)
        if not np.array_equal(np.sort(reached), np.arange(-leaves, nodes)):
            raise ValueError("each node and each leaf must be reached once")
        own = np.arange(nodes)
        for child in (self.left, self.right):
            if (child[child >= 0] <= own[child >= 0]).any():
                raise ValueError("children must come after their parent")
        if nodes and self._depths().max() > DEEPEST:
            raise ValueError(f"trees must not be deeper than {DEEPEST}")

    def __len__(self) -> int:
        return len(self.root)

    def _depths(self) -> Int32:
        """(nodes,) questions up to a node, itself among them."""
        depth = np.zeros(len(self.feature), np.int32)
        depth[self.root[self.root >= 0]] = 1
        for node in range(len(depth)):
            for child in (self.left[node], self.right[node]):
                if child >= 0:
                    depth[child] = depth[node] + 1
        return depth

    def scores(self, values: Float32) -> Float64:
        """(n, columns) → (n,) log odds."""
        flat = np.ascontiguousarray(values, np.float32).reshape(-1)
        return _kernels.sum_leaves(self.root, self.feature, self.threshold, self.left, self.right, self.value, flat, self.columns)

    def contributions(self, values: Float32) -> Float64:
        """(n, columns + 1) Shapley values of each column by the way through each tree (Lundberg et al. 2020); the last is the mean leaf.

        A leaf's value times its conditions, each of which holds, or else counts for the share of rows that meet it: of such a product
        the Shapley values are sums over how many of the other conditions are known. O(n · leaves · depth²); for a few rows.
        """
        found = np.zeros((len(values), self.columns + 1))
        for root in self.root.tolist():
            self._add_leaves(root, values.astype(np.float64), {}, found)
        return found

    def _add_leaves(self, at: int, values: Float64, conditions: dict[int, tuple[Bool, float]], found: Float64) -> None:
        """Below a node: `conditions` has for each column asked so far which rows pass, and the share that does."""
        if at < 0:
            _add_leaf(float(self.value[~at]), conditions, found)
            return
        column = int(self.feature[at])
        goes_left = values[:, column] <= self.threshold[at]
        for child, passes in ((int(self.left[at]), goes_left), (int(self.right[at]), ~goes_left)):
            share = float((self.node_rows[child] if child >= 0 else self.leaf_rows[~child]) / self.node_rows[at])
            before, share_before = conditions.get(column, (np.ones(len(values), np.bool_), 1.0))
            self._add_leaves(child, values, {**conditions, column: (before & passes, share_before * share)}, found)


def _add_leaf(value: float, conditions: dict[int, tuple[Bool, float]], found: Float64) -> None:
    """One leaf's part: of column c value · (holds − share) · Σ over k of what k known others give, weighted as Shapley does."""
    shares = [share for _, share in conditions.values()]
    found[:, -1] += value * math.prod(shares)
    size = len(conditions)
    weight = [math.factorial(known) * math.factorial(size - 1 - known) / math.factorial(size) for known in range(size)]
    for column, (passes, share) in conditions.items():
        known = np.zeros((size, len(found)))  # sums over sets of so many known others
        known[0] = 1.0
        for other, (holds, rest) in conditions.items():
            if other != column:
                known[1:] = known[1:] * rest + known[:-1] * holds
                known[0] *= rest
        found[:, column] += value * (passes - share) * (np.array(weight) @ known)


def trees_of(dumped: Mapping[str, Any], columns: int) -> Trees:
    """What LightGBM's `Booster.dump_model()` tells, as arrays.

    Raises:
        ValueError: a question is of another kind than 'at most so much', which finite numbers alone cannot bring about.
    """
    nodes: list[tuple[int, float, float]] = []
    children: list[list[int]] = []
    leaves: list[tuple[float, float]] = []

    def add(told: Mapping[str, Any]) -> int:
        if "split_index" not in told:
            leaves.append((told["leaf_value"], told.get("leaf_count", 0)))
            return ~(len(leaves) - 1)
        if told["decision_type"] != "<=" or told["missing_type"] != "None":
            raise ValueError(f"trees ask whether numbers are at most so much (found {told['decision_type']}, {told['missing_type']})")
        place = len(nodes)
        nodes.append((told["split_feature"], told["threshold"], told["internal_count"]))
        children.append([0, 0])
        children[place] = [add(told["left_child"]), add(told["right_child"])]
        return place

    roots = [add(tree["tree_structure"]) for tree in dumped["tree_info"]]
    feature, threshold, node_rows = zip(*nodes, strict=True) if nodes else ((), (), ())
    left, right = zip(*children, strict=True) if children else ((), ())
    value, leaf_rows = zip(*leaves, strict=True) if leaves else ((), ())
    return Trees(
        columns, _whole(roots), _whole(feature), np.array(threshold, np.float64), _whole(left), _whole(right),
        np.array(node_rows, np.float64), np.array(value, np.float64), np.array(leaf_rows, np.float64),
    )  # fmt: skip


def _whole(values: Any) -> Int32:
    return np.array(values, np.int32)


def tree_arrays(trees: Trees, prefix: str) -> dict[str, npt.NDArray[Any]]:
    """Ready to be written."""
    return {f"{prefix}{field.name}": getattr(trees, field.name) for field in fields(trees) if field.name != "columns"}


def read_trees(arrays: Mapping[str, npt.NDArray[Any]], prefix: str, columns: int) -> Trees:
    """Those whose arrays have this prefix.

    Raises:
        KeyError, ValueError: they are missing, or are no trees.
    """
    return Trees(columns, **{field.name: arrays[f"{prefix}{field.name}"] for field in fields(Trees) if field.name != "columns"})
