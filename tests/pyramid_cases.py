"""What the tests of pyramids share: points, masses, and views of a tree's partition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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
