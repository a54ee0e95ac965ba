"""Point clouds that are hard on an exact solver, beyond the size of small dense problems.

What is hard about them: ties, distances of very different size, masses of very different size,
nearest neighbours that are no partners. Most have no known answer: the certificate and the same
problem given by its costs decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

import otcore
from hostile import random_weights, share
from problems import Array, Metric


@dataclass(frozen=True, eq=False)
class Clouds:
    """Two clouds and their weights; None is uniform."""

    X: Array
    Y: Array
    a: Array | None = None
    b: Array | None = None
    value: float | None = None  # where it is known

    def astype(self, dtype: Any) -> Clouds:
        a, b = (None if w is None else w.astype(dtype) for w in (self.a, self.b))
        return Clouds(self.X.astype(dtype), self.Y.astype(dtype), a, b, self.value)

    def solve(self, **options: Any) -> otcore.OTResult:
        return otcore.solve_sample(self.X, self.Y, self.a, self.b, **options)

    def costs(self, metric: Metric = "sqeuclidean") -> Array:
        """By scipy, in float64."""
        X, Y = self.X.astype(np.float64), self.Y.astype(np.float64)
        if isinstance(metric, tuple):
            return np.asarray(cdist(X, Y, "minkowski", p=metric[1]) ** metric[1])
        return np.asarray(cdist(X, Y, metric))


Make = Callable[[np.random.Generator], Clouds]


def normal(n: int, m: int, d: int, *, weighted: bool = False) -> Make:
    def make(rng: np.random.Generator) -> Clouds:
        X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        return Clouds(X, Y, *random_weights(rng, n, m)) if weighted else Clouds(X, Y)

    return make


def moved(
    *, scale: float = 1.0, shift: float = 0.0, rotate: bool = False, far: float = 0.0
) -> Make:
    """The second cloud is scaled, shifted, turned; both lie `far` from the origin."""

    def make(rng: np.random.Generator) -> Clouds:
        X, Y = (rng.normal(size=(size, 3)) * [1.0, 2.0, 4.0] for size in (650, 700))
        if rotate:
            Y = Y[:, [2, 0, 1]]
        return Clouds(X + far, Y * scale + shift + far)

    return make


def equal_costs(rng: np.random.Generator) -> Clouds:
    """Unit vectors of two orthogonal spaces: every pair costs 2, exactly."""
    X, Y = np.zeros((600, 64)), np.zeros((700, 64))
    X[np.arange(600), rng.integers(0, 32, 600)] = rng.choice([-1.0, 1.0], 600)
    Y[np.arange(700), rng.integers(32, 64, 700)] = rng.choice([-1.0, 1.0], 700)
    return Clouds(X, Y, *random_weights(rng, 600, 700), value=2.0)


def one_place(rng: np.random.Generator) -> Clouds:
    X, Y = np.full((600, 3), 0.3), np.full((700, 3), 0.3)
    return Clouds(X, Y, *random_weights(rng, 600, 700), value=0.0)


def two_places(rng: np.random.Generator) -> Clouds:
    """All of X at one place and all of Y at another."""
    X, Y = np.zeros((600, 2)), np.tile([3.0, 4.0], (700, 1))
    return Clouds(X, Y, *random_weights(rng, 600, 700), value=25.0)


def same(rng: np.random.Generator) -> Clouds:
    """The same weighted points in another order."""
    X, order = rng.normal(size=(700, 3)), rng.permutation(700)
    a = share(rng.integers(1, 1000, 700) * 1.0)
    return Clouds(X, X[order], a, a[order], value=0.0)


def same_uniform(rng: np.random.Generator) -> Clouds:
    X = rng.normal(size=(700, 16))
    return Clouds(X, X[rng.permutation(700)], value=0.0)


def collinear(rng: np.random.Generator) -> Clouds:
    """On a line of five dimensions."""
    direction = rng.normal(size=(1, 5))
    X, Y = rng.normal(size=(600, 1)) * direction, rng.normal(size=(800, 1)) * direction + 1
    return Clouds(X, Y, *random_weights(rng, 600, 800))


def duplicated(rng: np.random.Generator) -> Clouds:
    """Sixty places that ten to twenty points share."""
    places = rng.normal(size=(60, 2))
    X, Y = (places[rng.integers(0, 60, size)] for size in (700, 800))
    return Clouds(X, Y, *random_weights(rng, 700, 800))


def duplicated_apart(rng: np.random.Generator) -> Clouds:
    X = np.repeat(rng.normal(size=(35, 3)), 20, axis=0)
    Y = np.repeat(rng.normal(size=(50, 3)), 14, axis=0)
    return Clouds(X, Y)


def integer_grid(rng: np.random.Generator) -> Clouds:
    """Random integer points of a small square: many ties, many repeated points."""
    X, Y = (rng.integers(0, 20, size=(size, 2)) * 1.0 for size in (800, 700))
    return Clouds(X, Y, *random_weights(rng, 800, 700))


def grid_against_itself(rng: np.random.Generator) -> Clouds:
    axes = np.meshgrid(np.arange(26), np.arange(26), indexing="ij")
    points = np.stack(axes, -1).reshape(-1, 2) * 1.0
    a, b = (share(np.maximum(rng.integers(-4, 20, size=676), 0) * 1.0) for _ in "ab")
    return Clouds(points, points, a, b)


def heavy(rng: np.random.Generator) -> Clouds:
    """One point outweighs all others a million times."""
    a = np.full(700, 1e-9)
    a[300] = 1.0
    return Clouds(
        rng.normal(size=(700, 3)), rng.normal(size=(800, 3)), share(a), share(rng.random(800))
    )


def wide_weights(rng: np.random.Generator) -> Clouds:
    """Weights of twelve orders of magnitude."""
    a, b = (share(10.0 ** rng.uniform(-12, 0, size=size)) for size in (900, 700))
    return Clouds(rng.normal(size=(900, 3)), rng.normal(size=(700, 3)), a, b)


def zero_weights(rng: np.random.Generator) -> Clouds:
    """Most points weigh nothing, the first, the last and the farthest among them."""
    a, b = (rng.random(size) * (rng.random(size) < 0.4) for size in (1200, 1100))
    for weights in (a, b):
        weights[[0, -1]] = 0.0
    X, Y = rng.normal(size=(1200, 2)), rng.normal(size=(1100, 2))
    X[0], Y[-1] = 1e3, -1e3
    return Clouds(X, Y, share(a), share(b))


def one_point_has_all(rng: np.random.Generator) -> Clouds:
    a = np.zeros(600)
    a[17] = 1.0
    return Clouds(rng.normal(size=(600, 3)), rng.normal(size=(700, 3)), a)


def few_have_all(count_x: int, count_y: int) -> Make:
    """Of 600 and 700 points so many weigh something: what is left is a small problem."""

    def make(rng: np.random.Generator) -> Clouds:
        a, b = np.zeros(600), np.zeros(700)
        a[rng.choice(600, count_x, replace=False)] = rng.random(count_x) + 0.1
        b[rng.choice(700, count_y, replace=False)] = rng.random(count_y) + 0.1
        return Clouds(rng.normal(size=(600, 3)), rng.normal(size=(700, 3)), share(a), share(b))

    return make


def far_clusters(rng: np.random.Generator, n: int = 900, m: int = 1000) -> Clouds:
    """Clusters a thousand times their size apart, of other masses on each side."""
    centres = rng.normal(size=(12, 3)) * 1e3
    rising = share(np.arange(1.0, 13.0))
    X = centres[rng.choice(12, n, p=rising)] + rng.normal(size=(n, 3))
    Y = centres[rng.choice(12, m, p=rising[::-1])] + rng.normal(size=(m, 3))
    return Clouds(X, Y, *random_weights(rng, n, m))


def ring_and_bar(rng: np.random.Generator) -> Clouds:
    """Disjoint, and of different shapes."""
    angle, radius = rng.uniform(0, math.tau, 700), 1 + 0.1 * rng.normal(size=700)
    ring = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return Clouds(ring, rng.random((800, 2)) * [0.2, 6.0] + [4.0, -2.0])


def ball_and_line(rng: np.random.Generator) -> Clouds:
    """A ball against a line through it: most partners are far from near."""
    line = np.zeros((700, 3))
    line[:, 2] = rng.uniform(-5, 5, 700)
    return Clouds(rng.normal(size=(800, 3)), line)


def outlier(rng: np.random.Generator) -> Clouds:
    """Single points a million times farther away than all others."""
    X, Y = rng.normal(size=(600, 2)), rng.normal(size=(700, 2))
    X[5], Y[7], Y[8] = 1e6, -1e6, [1e6, -1e6]
    return Clouds(X, Y)


def scaled(factor: float) -> Make:
    def make(rng: np.random.Generator) -> Clouds:
        X, Y = rng.normal(size=(600, 3)) * factor, rng.normal(size=(700, 3)) * factor
        return Clouds(X, Y, *random_weights(rng, 600, 700))

    return make


CASES: dict[str, Make] = {
    "plane": normal(1500, 1500, 2),
    "plane-weighted": normal(1200, 1500, 2, weighted=True),
    "16-dimensional": normal(1200, 900, 16),
    "4096-dimensional": normal(600, 700, 4096, weighted=True),
    "just-large": normal(513, 513, 3),
    "line": normal(700, 800, 1, weighted=True),
    "scaled": moved(scale=100.0),
    "shifted": moved(shift=30.0),
    "rotated": moved(rotate=True),
    "all-moved": moved(scale=0.2, shift=-9.0, rotate=True),
    "far-from-the-origin": moved(far=1e6),
    "equal-costs": equal_costs,
    "one-place": one_place,
    "two-places": two_places,
    "same": same,
    "same-uniform": same_uniform,
    "collinear": collinear,
    "duplicated": duplicated,
    "duplicated-apart": duplicated_apart,
    "integer-grid": integer_grid,
    "grid-against-itself": grid_against_itself,
    "heavy": heavy,
    "wide-weights": wide_weights,
    "zero-weights": zero_weights,
    "one-point-has-all": one_point_has_all,
    "one-pair-has-all": few_have_all(1, 1),
    "few-have-all": few_have_all(3, 5),
    "some-have-all": few_have_all(49, 97),
    "far-clusters": far_clusters,
    "ring-and-bar": ring_and_bar,
    "ball-and-line": ball_and_line,
    "outlier": outlier,
    "coordinates-1e150": scaled(1e150),
    "coordinates-1e-150": scaled(1e-150),
}

# float32 loses nothing that makes them hard, or cannot hold them.
FLOAT64_ONLY = {"wide-weights", "far-from-the-origin", "coordinates-1e150", "coordinates-1e-150"}

OBLONG: dict[str, Make] = {
    "40x20000": normal(40, 20000, 3, weighted=True),
    "20000x40": normal(20000, 40, 3),
    "3x100000": normal(3, 100000, 2, weighted=True),
    "64x6000": normal(64, 6000, 3, weighted=True),
    "65x6000": normal(65, 6000, 3),
    "3000x97": normal(3000, 97, 2, weighted=True),
    "100000x10": normal(100000, 10, 2),
    "1x300000": normal(1, 300000, 2, weighted=True),
}


def make(name: str) -> Clouds:
    """The clouds of this name, the same at every call."""
    rng = np.random.default_rng(len(name) + sum(name.encode()))
    return {**CASES, **OBLONG}[name](rng)
