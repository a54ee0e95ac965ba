"""Pyramids over two clouds: the tree against the same recursion over scikit-learn's k-means, and a
pass of mini-batches against the exact problems that it feeds.

Trees differ as their random numbers do; what is compared is how near points are to the middle of
their leaf.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

import otcore
from otcore.pyramid import PyramidTree

from .contest import Contender, Contest, Rival, Values
from .machine import Work

Cloud = npt.NDArray[np.float32]

_BRANCHING = 8
_LEAF_SIZE = 64
_ITERATIONS = 10  # of k-means, at most
_BATCH = 100


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(5)
    for d in (64, 2):
        x, y = _clouds(rng, n=100_000, d=d)
        yield _trees(x, y)
    x, y = _clouds(rng, n=100_000, d=64)
    yield _passes(x, y)


def _clouds(rng: np.random.Generator, n: int, d: int) -> tuple[Cloud, Cloud]:
    """Mixtures of 100 Gaussians with centres in common, jittered."""
    centres = rng.uniform(-5, 5, size=(100, d))
    x = centres[rng.integers(100, size=n)] + rng.normal(size=(n, d))
    centres += 0.5 * rng.normal(size=centres.shape)
    y = centres[rng.integers(100, size=n)] + rng.normal(size=(n, d))
    return x.astype(np.float32), y.astype(np.float32)


def _trees(x: Cloud, y: Cloud) -> Contest:
    n, d = x.shape

    def answers() -> Values:
        tree = _tree(x, y)
        nodes, both = tree._core.nodes, np.concatenate([x, y])
        leaves = [
            np.concatenate([tree._core.order_x[b:e], tree._core.order_y[c:f] + n])
            for _, _, children, b, e, c, f in nodes
            if children == 0
        ]
        return _spread(both, leaves)

    return Contest(
        f"joint tree over two sets of {n} points, d = {d}, leaves of {_LEAF_SIZE}",
        Contender("otcore", lambda: _tree(x, y), answers, lambda: _tree(x[:200], y[:200])),
        (
            Rival(
                Contender(
                    "scikit-learn: recursion over `KMeans`",
                    lambda: _recursion(np.concatenate([x, y])),
                    lambda: _spread(np.concatenate([x, y]), _recursion(np.concatenate([x, y]))),
                    lambda: _recursion(x[:200]),
                ),
                10,
            ),
        ),
        # Each point is at least once compared with the children of its root.
        floor=Work(multiply_adds=2.0 * n * d * _BRANCHING, traffic=2.0 * x.nbytes),
        agreement=0.05,
        rounds=3,
        forked=False,
    )


def _tree(x: Cloud, y: Cloud) -> PyramidTree:
    return PyramidTree(x, y, branching=_BRANCHING, leaf_size=_LEAF_SIZE, n_iter=_ITERATIONS, seed=0)


def _recursion(points: Cloud) -> list[npt.NDArray[Any]]:
    """The leaves of the tree."""
    leaves = []
    due = [np.arange(len(points))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        while due:
            node = due.pop()
            if len(node) <= _LEAF_SIZE:
                leaves.append(node)
                continue
            kmeans = KMeans(_BRANCHING, n_init=1, max_iter=_ITERATIONS, random_state=0)
            labels = kmeans.fit(points[node]).labels_
            due += [node[labels == c] for c in np.unique(labels)]
    return leaves


def _spread(points: Cloud, leaves: list[npt.NDArray[Any]]) -> Values:
    """The mean squared distance of a point to the middle of its leaf."""
    total = 0.0
    for leaf in leaves:
        own = points[leaf].astype(np.float64)
        total += float(np.square(own - own.mean(axis=0)).sum())
    return np.asarray(total / len(points))


def _passes(x: Cloud, y: Cloud) -> Contest:
    tree = _tree(x, y)
    whole = tree._pass(_BATCH, 0)
    batches_x = x[whole.index_x].reshape(-1, _BATCH, x.shape[1])
    batches_y = y[whole.index_y].reshape(-1, _BATCH, y.shape[1])
    seeds = iter(range(2**31))
    return Contest(
        f"a pass of {len(batches_x)} batches of {_BATCH} out of that tree, d = {x.shape[1]}",
        Contender("otcore", lambda: tree._pass(_BATCH, next(seeds)), None, lambda: None),
        (
            Rival(
                Contender(
                    "otcore: the exact problems of the batches",
                    lambda: otcore.solve_sample_batch(batches_x, batches_y),
                    None,
                    lambda: otcore.solve_sample_batch(batches_x[:2], batches_y[:2]),
                ),
                20,
            ),
        ),
        floor=Work(multiply_adds=0.0, traffic=4.0 * whole.index_x.nbytes),
    )
