"""Random clouds of every kind: tight, collinear, repeated, heavy-tailed, of unlike axes, ...

A search over many numbers found problems that solvers went in circles on; those are kept by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hostile import share
from points_cases import Clouds
from problems import Array, Metric

METRICS: list[Metric] = [
    *("sqeuclidean", "sqeuclidean", "sqeuclidean", "euclidean", "cityblock", "cosine"),
    *(("minkowski", 3.0), ("minkowski", 1.5)),
]


@dataclass(frozen=True, eq=False)
class Instance:
    """Arguments of a call."""

    clouds: Clouds
    metric: Metric
    start: tuple[Array, Array] | None  # arbitrary potentials, or none


def cloud(rng: np.random.Generator, n: int, d: int) -> Array:
    def spread(low: float, high: float, size: Any = None) -> Any:
        return 10.0 ** rng.uniform(low, high, size=size)

    kind = rng.integers(9)
    if kind == 0:
        return rng.normal(size=(n, d))
    if kind == 1:  # integer points
        return rng.integers(0, rng.integers(2, 40), size=(n, d)) * 1.0
    if kind == 2:  # tight clusters
        centres = rng.normal(size=(rng.integers(1, 20), d)) * spread(-1, 5)
        chosen = centres[rng.integers(0, len(centres), n)]
        return np.asarray(chosen + rng.normal(size=(n, d)) * spread(-8, 0))
    if kind == 3:  # repeated points
        places = rng.normal(size=(rng.integers(1, 200), d))
        return np.asarray(places[rng.integers(0, len(places), n)])
    if kind == 4:  # a line
        line = rng.normal(size=(n, 1)) * rng.normal(size=(1, d))
        return np.asarray(line + rng.normal(size=(1, d)))
    if kind == 5:  # axes of very different scales
        return np.asarray(rng.normal(size=(n, d)) * spread(-6, 6, d))
    if kind == 6:  # outliers
        return rng.standard_t(1.5, size=(n, d))
    if kind == 7:  # far from the origin
        points = rng.normal(size=(n, d)) * spread(-3, 3)
        return np.asarray(points + spread(-3, 6) * rng.normal(size=(1, d)))
    return np.exp(2 * rng.normal(size=(n, d)))


def weights(rng: np.random.Generator, n: int) -> Array | None:
    kind = rng.integers(6)
    if kind <= 1:
        return None
    if kind == 2:
        w = rng.random(n)
    elif kind == 3:
        w = 10.0 ** rng.uniform(-12, 0, n)
    elif kind == 4:
        w = rng.random(n) * (rng.random(n) < rng.choice([0.05, 0.5, 0.9]))
    else:
        w = rng.integers(0, 5, n) * 1.0
    if kind >= 4:
        w[rng.integers(n)] = 1.0
    return share(w)


def instance(number: int) -> Instance:
    """Always the same for a number; more pairs than small dense problems have."""
    rng = np.random.default_rng(number)
    n = int(np.exp(rng.uniform(np.log(66), np.log(2500))))
    m = int(2**18 / n * np.exp(rng.uniform(0.01, 1.2))) + 1
    if rng.random() < 0.5:
        n, m = m, n
    d = int(rng.choice([1, 2, 2, 3, 3, 5, 16, 17, 40]))
    X = cloud(rng, n, d)
    if rng.random() < 0.7:
        Y = cloud(rng, m, d)
    else:  # near X, or on it
        by = float(rng.random() < 0.5) * 10.0 ** rng.uniform(-9, 1)
        Y = X[rng.integers(0, n, m)] + by * rng.normal(size=(m, d))
    metric = METRICS[rng.integers(len(METRICS))]
    if metric == "cosine":  # no zero vectors
        X, Y = X + 1e-3 * rng.normal(size=X.shape), Y + 1e-3 * rng.normal(size=Y.shape)
    made = Clouds(X, Y, weights(rng, n), weights(rng, m))
    if rng.random() < 0.3:
        made = made.astype(np.float32)
    start = None
    if rng.random() < 0.2:
        start = np.zeros(n), rng.normal(size=m) * 10.0 ** rng.uniform(-5, 10)
    return Instance(made, metric, start)
