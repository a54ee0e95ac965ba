"""Pyramids: partitions, marginals, algorithms 1 and 2 in numpy, k-means, determinism, bad input."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

import otcore
import pyramid_reference as reference
from otcore.pyramid import PyramidTree

MODES = ["joint", "interleaving"]
SIZES = [(400, 400, 3), (300, 500, 2), (150, 90, 17), (1, 1, 2), (1, 30, 1), (64, 64, 1)]


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 1.2 + 0.3


def masses(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.gamma(0.5, size=n), rng.gamma(0.5, size=m)
    a[: n // 10] = 0
    return a / a.sum(), 1.0 * b / b.sum()


def mixtures(
    n: int, d: int, centres: int, jitter: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian mixtures whose centres are shared up to a jitter."""
    rng = np.random.default_rng(seed)
    middles = rng.uniform(-10, 10, size=(centres, d))
    x = middles[rng.integers(centres, size=n)] + rng.normal(size=(n, d))
    middles += jitter * rng.normal(size=middles.shape)
    return x, middles[rng.integers(centres, size=n)] + rng.normal(size=(n, d))


def leaves(tree: PyramidTree) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The points of X and of Y in each leaf."""
    for _, _, children, begin_x, end_x, begin_y, end_y in tree._core.nodes:
        if children == 0:
            yield tree._core.order_x[begin_x:end_x], tree._core.order_y[begin_y:end_y]


def same_tree(left: PyramidTree, right: PyramidTree) -> bool:
    parts = ("nodes", "centres", "order_x", "order_y")
    return all(np.array_equal(getattr(left._core, p), getattr(right._core, p)) for p in parts)


def as_node(tree: PyramidTree, number: int = 0) -> reference.Node:
    """The reference's tree of the same partition."""
    _, first, children, begin_x, end_x, begin_y, end_y = tree._core.nodes[number].tolist()
    return reference.Node(
        tree._core.order_x[begin_x:end_x].tolist(),
        tree._core.order_y[begin_y:end_y].tolist(),
        [as_node(tree, child) for child in range(first, first + children)],
    )


def pass_value(tree: PyramidTree, x: np.ndarray, y: np.ndarray, m: int, seed: int = 0) -> float:
    """The cost of the plan that the batches of a pass make up."""
    return sum(
        float(otcore.solve_sample(x[i], y[j], a, b).value)
        for i, a, j, b in tree.mass_batches(m, seed=seed)
    )


# ---------------------------------------------------------------------------------------------
# Passes


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


# ---------------------------------------------------------------------------------------------
# Trees


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_the_shape_of_trees(mode: str, n: int, m: int, d: int) -> None:
    x, y = clouds(n, m, d)
    tree = PyramidTree(x, y, mode=mode, branching=4, leaf_size=9, depth=3, seed=0)
    nodes = tree._core.nodes
    for side, size in ((slice(3, 5), n), (slice(5, 7), m)):
        assert nodes[0, side].tolist() == [0, size]
    seen = np.zeros(len(nodes), dtype=int)
    for number, (level, first, children, *places) in enumerate(nodes.tolist()):
        sizes = np.array([places[1] - places[0], places[3] - places[2]])
        assert level <= 3
        if children == 0:
            # Stops for one of the three reasons.
            giver = sizes.sum() if mode == "joint" else sizes[level % 2]
            assert sizes.sum() <= 9 or level == 3 or giver <= 1
            continue
        own = nodes[first : first + children]
        assert 2 <= children <= 4
        assert first > number
        assert (own[:, 0] == level + 1).all()
        seen[first : first + children] += 1
        for begin, end in ((3, 4), (5, 6)):
            assert own[0, begin] == nodes[number, begin]
            assert own[-1, end] == nodes[number, end]
            assert (own[1:, begin] == own[:-1, end]).all()
    assert seen.tolist() == [0] + [1] * (len(nodes) - 1)
    assert sorted(tree._core.order_x.tolist()) == list(range(n))
    statistics = tree.statistics()
    assert statistics.leaf_sizes.sum(axis=0).tolist() == [n, m]
    assert statistics.nodes_per_level.sum() == statistics.n_nodes
    assert statistics.n_leaves == len(statistics.leaf_sizes)
    assert statistics.taken_per_level.sum() == pytest.approx(1.0)


@pytest.mark.isa
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("d", [1, 2, 3, 7, 8, 9, 16, 17, 33, 70])
@pytest.mark.parametrize("branching", [2, 5, 8, 9, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_children_hold_what_is_nearest_to_their_centres(
    mode: str, d: int, branching: int, dtype: Any
) -> None:
    """And where centres have settled they are the means of the points that give them."""
    x, y = (points.astype(dtype) for points in clouds(130, 91, d))
    tree = PyramidTree(x, y, mode=mode, branching=branching, depth=2, n_iter=100, seed=3)
    centres, both = tree._core.centres, (x.astype(float), y.astype(float))
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    for level, first, children, *_ in tree._core.nodes.tolist():
        if children == 0:
            continue
        own = centres[first : first + children]
        for side, order in enumerate((tree._core.order_x, tree._core.order_y)):
            for c in range(children):
                begin, end = tree._core.nodes[first + c, 3 + 2 * side : 5 + 2 * side]
                points = both[side][order[begin:end]]
                distances = ((points[:, None] - own) ** 2).sum(axis=2)
                assert (distances[:, c] <= distances.min(axis=1) + tolerance * d).all()
        sides = (0, 1) if mode == "joint" else (level % 2,)
        for c in range(children):
            members = []
            for side in sides:
                begin, end = tree._core.nodes[first + c, 3 + 2 * side : 5 + 2 * side]
                order = (tree._core.order_x, tree._core.order_y)[side]
                members.append(both[side][order[begin:end]])
            mean = np.concatenate(members).mean(axis=0)
            np.testing.assert_allclose(own[c], mean, atol=tolerance)


@pytest.mark.parametrize("mode", MODES)
def test_the_tree_is_algorithm_2_with_our_centres(mode: str) -> None:
    x, y = clouds(120, 80, 2)
    tree = PyramidTree(x, y, mode=mode, branching=3, leaf_size=10, seed=1)
    nodes, centres = tree._core.nodes, tree._core.centres
    order = (tree._core.order_x, tree._core.order_y)
    of_givers = {}
    for level, first, children, *places in nodes.tolist():
        sides = (0, 1) if mode == "joint" else (level % 2,)
        both = [(x, y)[s][np.sort(order[s][places[2 * s] : places[2 * s + 1]])] for s in sides]
        if children:
            of_givers[np.concatenate(both).tobytes()] = centres[first : first + children]
    grown = reference.build(
        x,
        y,
        lambda points: of_givers[points.tobytes()],
        interleaving=mode == "interleaving",
        leaf_size=10,
        depth=64,
    )
    ours = sorted((sorted(node.x), sorted(node.y)) for node in as_node(tree).nodes())
    theirs = sorted((sorted(node.x), sorted(node.y)) for node in grown.nodes())
    assert ours == theirs


@pytest.mark.parametrize(("n", "d", "centres"), [(600, 2, 8), (2000, 20, 8), (5000, 5, 16)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kmeans_is_as_good_as_scikit_learns(n: int, d: int, centres: int, dtype: Any) -> None:
    x, y = (points.astype(dtype) for points in mixtures(n // 2, d, 2 * centres, 0.5, seed=1))
    both = np.concatenate([x, y]).astype(float)

    def ours(seed: int) -> float:
        tree = PyramidTree(x, y, branching=centres, depth=1, n_iter=100, seed=seed)
        points = tree._core.centres[1:]
        return float(((both[:, None] - points) ** 2).sum(axis=2).min(axis=1).sum())

    def theirs(seed: int) -> float:
        return float(KMeans(centres, n_init=1, max_iter=100, random_state=seed).fit(both).inertia_)

    seeds = range(8)
    assert np.mean([ours(s) for s in seeds]) <= 1.05 * np.mean([theirs(s) for s in seeds])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-20, 1e20, 1e150, 1e307])
def test_huge_and_tiny_coordinates(mode: str, scale: float) -> None:
    """A power of two changes no bit of the partition; other factors only what rounding decides."""
    x, y = clouds(200, 200, 3)
    plain = PyramidTree(x, y, mode=mode, leaf_size=8, seed=1)
    power = 2.0 ** np.round(np.log2(scale))
    scaled = PyramidTree(x * power, y * power, mode=mode, leaf_size=8, seed=1)
    np.testing.assert_array_equal(plain._core.nodes, scaled._core.nodes)
    np.testing.assert_array_equal(plain._core.order_x, scaled._core.order_x)
    np.testing.assert_allclose(scaled._core.centres, plain._core.centres * power, rtol=1e-12)


def test_coordinates_far_from_the_origin() -> None:
    x, y = mixtures(500, 3, 8, 0.0, seed=0)
    near = PyramidTree(x, y, depth=1, n_iter=50, seed=1)
    far = PyramidTree(x + 1e9, y + 1e9, depth=1, n_iter=50, seed=1)
    assert near.statistics().leaf_sizes.tolist() == far.statistics().leaf_sizes.tolist()


@pytest.mark.parametrize("mode", MODES)
def test_equal_points_stay_together(mode: str) -> None:
    x, y = np.full((50, 3), 2.5), np.full((70, 3), 2.5)
    tree = PyramidTree(x, y, mode=mode, leaf_size=4, seed=0)
    assert tree.statistics().n_nodes == 1
    x[:10] = -1.0
    tree = PyramidTree(x, y, mode="joint", leaf_size=4, seed=0)
    assert sorted(tree.statistics().leaf_sizes.tolist()) == [[10, 0], [40, 70]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("distinct", [2, 5, 30])
def test_duplicates(mode: str, distinct: int) -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(size=(distinct, 4))
    x, y = places[rng.integers(distinct, size=300)], places[rng.integers(distinct, size=300)]
    tree = PyramidTree(x, y, mode=mode, leaf_size=1, seed=0)
    for i, j in leaves(tree):
        assert len(np.unique(np.concatenate([x[i], y[j]]), axis=0)) <= 1 or mode != "joint"
    assert np.concatenate([i for i, _ in tree.batches(16, seed=0)]).size == 300


def test_outliers_do_not_make_deep_trees() -> None:
    x = 4.0 ** np.arange(-500, 500)[:, None]
    tree = PyramidTree(x, x, branching=2, leaf_size=1, seed=0)
    assert tree.statistics().depth <= 64
    assert np.concatenate([i for i, _ in tree.batches(10, seed=0)]).size == 1000


def test_interleaving_keeps_partners_of_disjoint_clouds_together() -> None:
    x, _ = mixtures(600, 2, 6, 0.0, seed=0)
    y = x[::-1] + np.array([200.0, 0.0])
    joint = PyramidTree(x, y, seed=0)
    between = PyramidTree(x, y, mode="interleaving", seed=0)
    assert joint.statistics().taken_per_level[0] == 1.0
    assert between.statistics().taken_per_level[0] < 1.0


def test_points_without_mass_have_no_part() -> None:
    x, y = clouds(60, 60, 2)
    a = np.ones(60)
    a[::3] = 0
    tree = PyramidTree(x, y, a / a.sum(), seed=0)
    taken = np.concatenate([i for i, _ in tree.batches(8, seed=0)])
    assert set(taken.tolist()) == set(np.flatnonzero(a).tolist())


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


# ---------------------------------------------------------------------------------------------
# Samples and moved points


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_that_have_not_moved_stay(mode: str, dtype: Any) -> None:
    x, y = (points.astype(dtype) for points in clouds(3000, 2000, 5))
    tree = PyramidTree(x, y, mode=mode, leaf_size=8, seed=1)
    assert same_tree(tree, tree.reassign(x, y))
    assert same_tree(tree, tree.reassign())
    assert same_tree(tree, tree.reassign(Y=y))


def test_moved_points_come_to_the_nearest_centres() -> None:
    x, y = clouds(300, 200, 3)
    tree = PyramidTree(x, y, branching=4, depth=1, seed=1)
    moved = tree.reassign(X=x + 0.7)
    np.testing.assert_array_equal(moved._core.order_y, tree._core.order_y)
    centres = moved._core.centres[1:]
    for centre, (i, _) in enumerate(leaves(moved)):
        assert (reference.nearest(x[i] + 0.7, centres) == centre).all()
    everyone = np.concatenate([i for i, _ in moved.batches(32, seed=0)])
    assert set(everyone.tolist()) == set(range(300))


@pytest.mark.parametrize("mode", MODES)
def test_a_tree_of_a_sample(mode: str) -> None:
    x, y = mixtures(4000, 3, 20, 0.3, seed=0)
    tree = PyramidTree(x, y, mode=mode, n_samples=1000, leaf_size=64, seed=0)
    whole = PyramidTree(x, y, mode=mode, leaf_size=64, seed=0)
    statistics = tree.statistics()
    assert statistics.leaf_sizes.sum(axis=0).tolist() == [4000, 4000]
    assert 0.4 < statistics.n_leaves / whole.statistics().n_leaves < 2.5
    sizes = [len(i) for i, _ in tree.batches(100, seed=0)]
    assert sizes == [100] * 40
    assert same_tree(tree, tree.reassign(x, y))
    assert same_tree(whole, PyramidTree(x, y, mode=mode, n_samples=4000, leaf_size=64, seed=0))


def test_memory_maps(tmp_path: Path) -> None:
    x, y = (points.astype(np.float32) for points in clouds(2000, 2000, 4))
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for n_samples in (None, 300):
        tree = PyramidTree(mapped, y, n_samples=n_samples, seed=0)
        assert same_tree(tree, PyramidTree(x, y, n_samples=n_samples, seed=0))
        assert same_tree(tree, tree.reassign(X=mapped))


# ---------------------------------------------------------------------------------------------
# Determinism


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_nothing(mode: str, dtype: Any) -> None:
    """More points than one thread splits alone, more than are packed once."""
    x, y = (points.astype(dtype) for points in clouds(30_000, 25_000, 40))
    trees = [
        PyramidTree(x, y, mode=mode, n_iter=4, seed=2, n_threads=threads) for threads in (1, 2, 5)
    ]
    assert same_tree(trees[0], trees[1])
    assert same_tree(trees[0], trees[2])
    assert same_tree(trees[0].reassign(x, n_threads=1), trees[0].reassign(x, n_threads=3))


def test_seeds() -> None:
    x, y = clouds(500, 500, 4)
    assert same_tree(PyramidTree(x, y, seed=5), PyramidTree(x, y, seed=5))
    assert not same_tree(PyramidTree(x, y, seed=5), PyramidTree(x, y, seed=6))
    tree = PyramidTree(x, y, seed=np.random.default_rng(0))
    assert same_tree(tree, PyramidTree(x, y, seed=np.random.default_rng(0)))
    np.random.seed(3)  # noqa: NPY002
    first = next(tree.batches(50))[0]
    np.random.seed(3)  # noqa: NPY002
    np.testing.assert_array_equal(first, next(tree.batches(50))[0])
    assert not np.array_equal(first, next(tree.batches(50))[0])


LEVELS_SCRIPT = """
import numpy as np, otcore
rng = np.random.default_rng(0)
centres = 20 * rng.normal(size=(30, 5))
x, y = (centres[rng.integers(30, size=3000)] + 0.1 * rng.normal(size=(3000, 5)) for _ in range(2))
for mode in ("joint", "interleaving"):
    for dtype, depth in ((np.float32, 1), (np.float64, None)):
        tree = otcore.pyramid.PyramidTree(
            x.astype(dtype), y.astype(dtype), mode=mode, branching=10, depth=depth, seed=1
        )
        pairs = list(tree.batches(64, seed=0))
        assert sorted(np.concatenate([i for i, _ in pairs]).tolist()) == list(range(3000))
        print(tree.statistics().leaf_sizes.tolist())
"""


def test_levels_agree() -> None:
    """In float64, where rounding decides no label, and in float32 on clusters far apart."""
    outputs = set()
    for isa in otcore.info()["isa_supported"]:
        done = subprocess.run(
            [sys.executable, "-c", LEVELS_SCRIPT],
            env={**os.environ, "OTCORE_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


# ---------------------------------------------------------------------------------------------
# Libraries, copies, errors


def test_tensors() -> None:
    x, y = clouds(100, 80, 3)
    tree = PyramidTree(torch.from_numpy(x).requires_grad_(), torch.from_numpy(y), seed=0)
    assert same_tree(tree, PyramidTree(x, y, seed=0))
    assert same_tree(tree.reassign(torch.from_numpy(x)), tree)
    for index_x, mass_x, index_y, mass_y in tree.mass_batches(16, seed=0):
        for array in (index_x, mass_x, index_y, mass_y):
            assert isinstance(array, torch.Tensor)
        assert index_x.dtype == torch.int64
        assert mass_x.dtype == torch.float64
        assert torch.from_numpy(x)[index_x].shape == (len(index_x), 3)
    torch.manual_seed(0)
    first = next(tree.batches(16))[0]
    torch.manual_seed(0)
    assert torch.equal(first, next(tree.batches(16))[0])


def test_lists_and_half_floats() -> None:
    tree = PyramidTree([[0, 1], [2, 3]], [[1, 1], [2, 2]], seed=0)
    assert len(list(tree.batches(1, seed=0))) == 2
    x, y = clouds(50, 50, 2)
    half = PyramidTree(x.astype(np.float16), y.astype(np.float16), seed=0)
    single = PyramidTree(
        x.astype(np.float16).astype(np.float32), y.astype(np.float16).astype(np.float32), seed=0
    )
    assert same_tree(half, single)


def test_strides_do_not_matter() -> None:
    x, y = clouds(100, 100, 4)
    assert same_tree(
        PyramidTree(np.asfortranarray(x), y[:, ::-1][:, ::-1], seed=0), PyramidTree(x, y, seed=0)
    )


def test_pickles() -> None:
    x, y = clouds(90, 60, 2)
    a, b = masses(90, 60)
    for tree in (
        PyramidTree(x, y, mode="interleaving", leaf_size=5, seed=0),
        PyramidTree(x.astype(np.float32), y.astype(np.float32), a, b, seed=0),
        PyramidTree(torch.from_numpy(x), torch.from_numpy(y), seed=0),
    ):
        copy = pickle.loads(pickle.dumps(tree))
        assert same_tree(tree, copy)
        assert repr(copy) == repr(tree)
        for left, right in zip(tree.batches(7, seed=1), copy.batches(7, seed=1), strict=True):
            assert type(left[0]) is type(right[0])
            np.testing.assert_array_equal(left[0], right[0])
        assert same_tree(tree.reassign(x), copy.reassign(x))


def test_damaged_pickles_are_refused() -> None:
    x, y = clouds(50, 50, 2)
    core = PyramidTree(x, y, leaf_size=10, seed=0)._core
    state = list(core.__getstate__())
    fresh = type(core).__new__(type(core))
    for entry, damage in (
        (5, lambda nodes: np.where(nodes == nodes.max(), 10**6, nodes).astype(np.int32)),
        (5, lambda nodes: nodes[:-1]),
        (6, lambda centres: centres[:-1]),
        (7, lambda dims: 0),
        (8, lambda scale: -1.0),
        (9, lambda order: np.full_like(order, 3)),
        (10, lambda order: order + 1),
    ):
        broken = list(state)
        broken[entry] = damage(broken[entry])
        with pytest.raises(ValueError, match="tree"):
            fresh.__setstate__(tuple(broken))
    with pytest.raises(ValueError, match="state"):
        fresh.__setstate__(tuple(state[:-1]))


def test_repr_and_statistics() -> None:
    x, y = clouds(100, 80, 2)
    tree = PyramidTree(x, y, branching=4, depth=1, seed=0)
    assert repr(tree) == "PyramidTree(joint, 100 and 80 points, 5 nodes, 4 leaves, depth 1)"
    assert tree.statistics().nodes_per_level.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"branching": 1}, ValueError, "branching: 1, expected an integer from 2"),
        ({"branching": 2.5}, TypeError, "branching: float"),
        ({"depth": -1}, ValueError, "depth: -1, expected an integer from 0"),
        ({"leaf_size": 0}, ValueError, "leaf_size: 0"),
        ({"n_samples": 0}, ValueError, "n_samples: 0"),
        ({"n_iter": 0}, ValueError, "n_iter: 0"),
        ({"n_threads": 0}, ValueError, "n_threads: 0"),
        ({"seed": -1}, ValueError, "seed: -1"),
        ({"mode": "disjoint"}, ValueError, "mode: 'disjoint', expected one of 'joint'"),
        ({"Y": np.zeros((5, 3))}, ValueError, r"Y: shape \(5, 3\)"),
        ({"X": np.zeros(5)}, ValueError, r"X: shape \(5,\).*reshape"),
        ({"X": np.zeros((0, 2))}, ValueError, "X: shape"),
        ({"X": np.array([[0.0, 1.0], [np.nan, 0.0]])}, ValueError, r"X: X\[1, 0\] is nan"),
        ({"Y": np.array([[0.0, 1.0], [0.0, -np.inf]])}, ValueError, r"Y: Y\[1, 1\] is -inf"),
        ({"a": np.array([0.5, -0.5])}, ValueError, r"a: a\[1\] is -0.5"),
        ({"a": np.ones(3)}, ValueError, r"a: shape \(3,\)"),
        ({"a": np.ones(2)}, ValueError, r"a, b: sum\(a\) = 2"),
        ({"X": np.zeros((2, 2), dtype=complex)}, TypeError, "X: dtype complex128"),
        ({"X": torch.zeros(2, 2)}, TypeError, "X is a torch tensor and Y is not"),
    ],
)
def test_errors(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"X": np.eye(2), "Y": np.eye(2) + 1.0, "seed": 0}
    with pytest.raises(error, match=message):
        PyramidTree(**(arguments | change))


def test_errors_of_methods() -> None:
    x, y = clouds(20, 20, 2)
    tree = PyramidTree(x, y, seed=0)
    for m, error in ((0, ValueError), (-3, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match="m: "):
            tree.batches(m, seed=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"X: shape \(19, 2\), expected \(20, 2\)"):
        tree.reassign(X=x[:-1])
    with pytest.raises(ValueError, match="Y: shape"):
        tree.reassign(Y=y[:, :1])
    y[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"Y: Y\[3, 1\] is inf"):
        tree.reassign(Y=y)


def test_bad_points_outside_the_sample_are_found() -> None:
    x, y = clouds(5000, 5000, 2)
    x[1234, 1] = np.nan
    with pytest.raises(ValueError, match=r"X: X\[1234, 1\] is nan"):
        PyramidTree(x, y, n_samples=10, seed=0)


INTERRUPT_SCRIPT = """
import signal, threading, time, os
import numpy as np, otcore
x = np.random.default_rng(0).normal(size=(100_000, 100))
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    otcore.pyramid.PyramidTree(x, x, n_iter=10_000, branching=64, seed=0)
except KeyboardInterrupt:
    print(time.perf_counter() - start)
"""


def test_interrupt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT_SCRIPT], capture_output=True, text=True, check=True
    )
    assert 0.2 < float(done.stdout) < 3.0
