"""Trees as plain arrays say what LightGBM's own say, and arrays that are no trees are refused."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import lightgbm as lgb
import numpy as np
import pytest

from graphdet.arrays import Float32
from graphdet.learning.trees import Trees, read_trees, tree_arrays, trees_of

ROWS, COLUMNS = 400, 9


def grown(seed: int, **options: object) -> tuple[lgb.Booster, Trees, Float32]:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    values[:, 3] = np.round(values[:, 3])  # many of one value
    label = (values[:, 0] + values[:, 3] * values[:, 5] + generator.normal(size=ROWS) > 0).astype(np.float64)
    settings = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 5, "num_iterations": 40, "verbosity": -1, "num_threads": 1}
    booster = lgb.train({**settings, "seed": seed, **options}, lgb.Dataset(values, label, params={"verbosity": -1}))
    return booster, trees_of(booster.dump_model(), COLUMNS), values


@pytest.mark.parametrize("seed", range(3))
def test_scores_and_contributions_are_those_of_lightgbm(seed: int) -> None:
    booster, trees, values = grown(seed)
    more = np.vstack([values, np.float32(3) * values, np.zeros((1, COLUMNS), np.float32)])
    np.testing.assert_array_equal(trees.scores(more), booster.predict(more, raw_score=True))
    np.testing.assert_allclose(trees.contributions(more[::40]), booster.predict(more[::40], pred_contrib=True), atol=1e-9)


def test_trees_of_one_leaf_say_the_same_of_everybody() -> None:
    booster, trees, values = grown(0, min_data_in_leaf=ROWS)
    assert not len(trees.feature)
    np.testing.assert_array_equal(trees.scores(values), booster.predict(values, raw_score=True))
    np.testing.assert_allclose(trees.contributions(values).sum(axis=1), trees.scores(values))


def test_contributions_are_shapley_values_by_their_definition() -> None:
    _, trees, values = grown(1, num_iterations=3)
    row = values[7]

    def told(known: frozenset[int], at: int) -> float:
        """A leaf's mean where only some columns are known."""
        if at < 0:
            return float(trees.value[~at])
        left, right = int(trees.left[at]), int(trees.right[at])
        if trees.feature[at] in known:
            return told(known, left if row[trees.feature[at]] <= trees.threshold[at] else right)
        rows = [trees.node_rows[child] if child >= 0 else trees.leaf_rows[~child] for child in (left, right)]
        return float((rows[0] * told(known, left) + rows[1] * told(known, right)) / trees.node_rows[at])

    def worth(known: frozenset[int]) -> float:
        return sum(told(known, root) for root in trees.root.tolist())

    found = trees.contributions(row[None])[0]
    for column in range(COLUMNS):
        others = [other for other in range(COLUMNS) if other != column]
        slow = sum(
            (worth(frozenset({*some, column})) - worth(frozenset(some)))
            * (math.factorial(size) * math.factorial(COLUMNS - 1 - size) / math.factorial(COLUMNS))
            for size in range(COLUMNS)
            for some in combinations(others, size)
        )
        assert found[column] == pytest.approx(slow, abs=1e-9)
    assert found[-1] == pytest.approx(worth(frozenset()))


def test_trees_come_back_from_their_arrays() -> None:
    _, trees, values = grown(2)
    again = read_trees(tree_arrays(trees, "t/"), "t/", COLUMNS)
    np.testing.assert_array_equal(again.scores(values), trees.scores(values))


def test_arrays_that_are_no_trees_are_refused() -> None:
    _, trees, _ = grown(0)
    first = int(trees.left[0])
    for name, place, value, words in (
        ("feature", 0, COLUMNS, "features must be at most"),
        ("feature", 0, -1, "features must be at least 0"),
        ("left", 0, len(trees.feature), "left must be at most"),
        ("left", 0, -len(trees.value) - 1, "left must be at least"),
        ("left", 0, 0, "reached once"),
        ("right", 0, first, "reached once"),
        ("root", 1, 0, "reached once"),
        ("threshold", 0, np.nan, "thresholds must be at least"),
        ("value", 0, np.inf, "values must be at most"),
        ("node_rows", 0, 0, "rows of nodes must be at least 1"),
    ):
        wrong = getattr(trees, name).copy()
        wrong[place] = value
        with pytest.raises(ValueError, match=words):
            replace(trees, **{name: wrong})
    with pytest.raises(ValueError, match="as many leaves"):
        replace(trees, value=trees.value[1:])
    with pytest.raises(ValueError, match="must be int32"):
        replace(trees, left=trees.left.astype(np.int64))
    swapped = replace_children(trees)
    with pytest.raises(ValueError, match="children must come after their parent"):
        replace(trees, root=swapped[0], left=swapped[1])


def replace_children(trees: Trees) -> tuple[np.ndarray, np.ndarray]:
    """Each node reached once, but two trees' worth of nodes in a circle."""
    root, left = trees.root.copy(), trees.left.copy()
    inner = next(node for node in range(1, len(left)) if left[node] < 0)
    root[0], left[inner] = left[inner], 0
    return root, left
