"""Groups of nodes as sparse incidence matrices: overlaps, Jaccard, majorities, and one-to-one matching."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Incidence = csr_array[np.int64, tuple[int, int]]  # (groups, nodes) of 0 and 1
Shares = csr_array[np.float64, tuple[int, int]]
Nodes = Collection[str]


def incidence(groups: Sequence[Nodes], nodes: pd.Index[str]) -> Incidence:
    """(groups, nodes) of node ids; ids that `nodes` lacks are left out."""
    rows = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    columns = nodes.get_indexer(pd.Index([node for group in groups for node in group], dtype=object))
    return incidence_of_codes(rows[columns >= 0], columns[columns >= 0], (len(groups), len(nodes)))


def incidence_of_codes(rows: npt.NDArray[Any], columns: npt.NDArray[Any], shape: tuple[int, int]) -> Incidence:
    """(groups, nodes) from parallel group and node codes; a node named twice counts once."""
    matrix = csr_array(coo_array((np.ones(len(rows), np.int64), (rows, columns)), shape=shape))
    matrix.data[:] = 1
    return matrix


def covered(groups: Incidence) -> npt.NDArray[np.bool_]:
    """(nodes,) which are in any group."""
    return np.asarray(groups.sum(axis=0)).ravel() > 0


def sizes(groups: Incidence) -> npt.NDArray[np.int64]:
    """(groups,) nodes of each."""
    return np.asarray(groups.sum(axis=1), dtype=np.int64).ravel()


def common(true: Incidence, found: Incidence) -> Incidence:
    """(true groups, found groups) nodes in common; sparse, since few pairs meet."""
    return csr_array(true @ found.T)


def jaccard(true: Incidence, found: Incidence) -> Shares:
    """(true groups, found groups) nodes in common over nodes in either."""
    overlap = coo_array(common(true, found))
    union = sizes(true)[overlap.row] + sizes(found)[overlap.col] - overlap.data
    return csr_array(coo_array((overlap.data / union, (overlap.row, overlap.col)), shape=overlap.shape))


def best(values: Shares) -> list[float]:
    """The highest value of each row."""
    highest = np.zeros(values.shape[0])
    pairs = coo_array(values)
    np.maximum.at(highest, pairs.row, pairs.data)
    return highest.tolist()


def majority(true: Incidence, found: Incidence, size: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Per found group the true one that holds more than half of its `size` nodes, −1 where none; of several the one with the most."""
    pairs = coo_array(common(true, found))
    most, owner = np.zeros(found.shape[0], np.int64), np.full(found.shape[0], -1, np.int64)
    order = np.lexsort((-pairs.row, pairs.data))
    most[pairs.col[order]], owner[pairs.col[order]] = pairs.data[order], pairs.row[order]
    return np.where(2 * most > size, owner, -1)


def match(values: Shares, above: float = 0.5) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """One-to-one matching of rows and columns whose value is above a bound: as many pairs as can be, then the greatest sum.

    The pairs above the bound fall into tiny components, so the assignment problem is solved within each (Kuhn 1955, by SciPy).
    """
    pairs = coo_array(values)
    close = pairs.data > above
    row, column, value = pairs.row[close], pairs.col[close], pairs.data[close]
    rows = values.shape[0]
    count = rows + values.shape[1]
    _, part = connected_components(coo_array((np.ones(len(row)), (row, column + rows)), shape=(count, count)), directed=False)
    order = np.argsort(part[row], kind="stable")
    matched: list[tuple[int, int]] = []
    for component in np.split(order, np.flatnonzero(np.diff(part[row[order]])) + 1) if len(row) else []:
        component_rows, i = np.unique(row[component], return_inverse=True)
        component_columns, j = np.unique(column[component], return_inverse=True)
        weight = np.zeros((len(component_rows), len(component_columns)))
        weight[i, j] = min(weight.shape) + value[component]  # one more pair outweighs any sum of values
        best = linear_sum_assignment(weight, maximize=True)
        matched += [(int(component_rows[a]), int(component_columns[b])) for a, b in zip(*best, strict=True) if weight[a, b]]
    matched.sort()
    array = np.array(matched, dtype=np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]
