"""Trees of pyramids: algorithm 2 in numpy, k-means, extreme points, samples, moved points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans

import pyramid_reference as reference
from otcore.pyramid import PyramidTree
from pyramid_cases import MODES, SIZES, as_node, clouds, leaves, mixtures, same_tree


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
