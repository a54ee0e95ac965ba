"""Passes over a pyramid: partitions, marginals, algorithm 1 in numpy, what batches are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import otcore
import pyramid_reference as reference
from otcore.pyramid import PyramidTree
from pyramid_cases import MODES, SIZES, as_node, clouds, masses, mixtures


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d", "m"), [(400, 3, 32), (129, 2, 16), (40, 1, 100), (1, 5, 1)])
def test_a_pass_partitions_the_points(mode: str, dtype: Any, n: int, d: int, m: int) -> None:
    x, y = (points.astype(dtype) for points in clouds(n, n, d))
    tree = PyramidTree(x, y, mode=mode, leaf_size=5, seed=1)
    for seed in range(3):
        batches = list(tree.batches(m, seed=seed))
        sizes = [m] * (n // m) + [n % m] * (n % m > 0)
        for side in range(2):
            assert [len(batch[side]) for batch in batches] == sizes
            everyone = np.concatenate([batch[side] for batch in batches])
            assert everyone.dtype == np.int64
            np.testing.assert_array_equal(np.sort(everyone), np.arange(n))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_a_pass_has_the_marginals(mode: str, weighted: bool, n: int, m: int, d: int) -> None:
    x, y = clouds(n, m, d)
    a, b = masses(n, m) if weighted else (None, None)
    tree = PyramidTree(x, y, a, b, mode=mode, leaf_size=6, seed=1)
    for size in (1, 7, 50, 1000):
        totals = np.zeros(n), np.zeros(m)
        for i, mass_x, j, mass_y in tree.mass_batches(size, seed=2):
            for index, mass, total in ((i, mass_x, totals[0]), (j, mass_y, totals[1])):
                assert 1 <= len(index) <= size
                assert len(np.unique(index)) == len(index)
                assert (mass > 0).all()
                total[index] += mass
            assert mass_x.sum() == pytest.approx(mass_y.sum(), rel=1e-12)
        for weights, total in ((a, totals[0]), (b, totals[1])):
            expected = np.full(len(total), 1 / len(total)) if weights is None else weights
            # Masses are integers: as many units of 2^-62 as there are points may be shifted.
            np.testing.assert_allclose(total, expected, rtol=1e-12, atol=2e-16)


def test_full_batches_hold_m_points_of_a_side() -> None:
    x, y = clouds(300, 500, 2)
    sizes = [(len(i), len(j)) for i, j in PyramidTree(x, y, seed=0).batches(20, seed=0)]
    assert np.mean([max(pair) == 20 for pair in sizes]) > 0.95
    # Few points are split: 500 whole ones would fill 25 batches.
    assert 25 <= len(sizes) <= 30


def test_batches_and_mass_batches_agree() -> None:
    for n, m in ((200, 200), (200, 130)):
        x, y = clouds(n, m, 3)
        tree = PyramidTree(x, y, seed=0)
        pairs = zip(tree.batches(16, seed=5), tree.mass_batches(16, seed=5), strict=True)
        for (i, j), (index_x, mass_x, index_y, _) in pairs:
            np.testing.assert_array_equal(i, index_x)
            np.testing.assert_array_equal(j, index_y)
            if n == m:
                assert (mass_x == 1 / n).all()


def test_equal_weights_are_as_good_as_none() -> None:
    x, y = clouds(150, 150, 3)
    plain = PyramidTree(x, y, seed=0)
    heavy = PyramidTree(x, y, np.full(150, 2.0), np.full(150, 2.0), seed=0)
    for (i, j), (index_x, mass_x, index_y, mass_y) in zip(
        plain.batches(16, seed=5), heavy.mass_batches(16, seed=5), strict=True
    ):
        np.testing.assert_array_equal(i, index_x)
        np.testing.assert_array_equal(j, index_y)
        assert (mass_x == 2.0).all()
        assert (mass_y == 2.0).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("m", [1, 5, 32])
def test_pairs_are_taken_where_algorithm_1_takes_them(mode: str, m: int) -> None:
    """For the same tree both take as many pairs at each level, whatever the order, and every batch
    but the last is full."""
    x, y = clouds(60, 60, 2)
    tree = PyramidTree(x, y, mode=mode, branching=3, leaf_size=4, seed=1)
    levels, left_x, left_y = reference.taken(as_node(tree))
    assert left_x == left_y == 0
    expected = [levels.get(level, 0) / 60 for level in range(tree.statistics().depth + 1)]
    np.testing.assert_allclose(tree.statistics().taken_per_level, expected, atol=1e-15)
    theirs = reference.full_pass(as_node(tree), m, np.random.default_rng(0))
    assert [len(i) for i, _ in theirs] == [len(i) for i, _ in tree.batches(m, seed=0)]


def test_single_pairs_meet_at_the_lowest_node_that_has_both() -> None:
    """With m = 1 every pair is one that algorithm 1 can form: taken at a node where a side of every
    child is used up."""
    x, y = clouds(80, 80, 2)
    tree = PyramidTree(x, y, branching=3, leaf_size=4, seed=1)
    root = as_node(tree)
    meeting: dict[int, int] = {}

    def lowest(node: reference.Node, level: int, i: int, j: int) -> int:
        for child in node.children:
            if i in child.x and j in child.y:
                return lowest(child, level + 1, i, j)
        return level

    for i, j in tree.batches(1, seed=3):
        level = lowest(root, 0, int(i[0]), int(j[0]))
        meeting[level] = meeting.get(level, 0) + 1
    levels, _, _ = reference.taken(root)
    # Partners may by chance share a lower node than the one where they are paired.
    depth = max(levels)
    for level in range(depth + 1):
        above = range(level + 1)
        assert sum(meeting.get(k, 0) for k in above) <= sum(levels.get(k, 0) for k in above)


def test_children_come_in_random_order() -> None:
    """Any cluster may be the first that a pass empties."""
    x = np.repeat(np.arange(4.0), 50)[:, None] * 100
    tree = PyramidTree(x, x, branching=4, leaf_size=100, seed=0)
    first = [int(x[next(tree.batches(10, seed=seed))[0][0], 0]) for seed in range(200)]
    counts = np.unique(first, return_counts=True)[1]
    assert len(counts) == 4
    assert counts.min() > 25


def test_within_a_leaf_pairs_are_random() -> None:
    """All matchings of a leaf's points are about equally likely."""
    tree = PyramidTree(np.zeros((3, 1)), np.zeros((3, 1)), seed=0)
    matchings: dict[Any, int] = {}
    for seed in range(600):
        key = tuple(sorted((int(i[0]), int(j[0])) for i, j in tree.batches(1, seed=seed)))
        matchings[key] = matchings.get(key, 0) + 1
    assert len(matchings) == 6
    assert min(matchings.values()) > 60


def test_a_tree_of_depth_0_gives_random_batches() -> None:
    x, y = clouds(100, 100, 2)
    tree = PyramidTree(x, y, depth=0, seed=0)
    assert tree.statistics().n_nodes == 1
    assert len(list(tree.batches(10, seed=0))) == 10


def pass_value(tree: PyramidTree, x: np.ndarray, y: np.ndarray, m: int, seed: int = 0) -> float:
    """The cost of the plan that the batches of a pass make up."""
    return sum(
        float(otcore.solve_sample(x[i], y[j], a, b).value)
        for i, a, j, b in tree.mass_batches(m, seed=seed)
    )


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("m", [10, 50])
def test_batches_are_better_than_random_ones(d: int, mode: str, m: int) -> None:
    """Less than half the excess over the exact value, on mixtures with shared, jittered centres."""
    x, y = mixtures(1000, d, 20, 0.5, seed=1)
    exact = float(otcore.solve_sample(x, y).value)
    random = pass_value(PyramidTree(x, y, depth=0, seed=0), x, y, m)
    value = pass_value(PyramidTree(x, y, mode=mode, seed=0), x, y, m)
    assert exact <= value * (1 + 1e-12)
    assert value - exact < 0.5 * (random - exact)
