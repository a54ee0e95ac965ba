"""Large problems that are hard on a solver, in float64: beyond the size of small dense problems.

Unlike those of :mod:`problems` most of them have no known answer: the certificate and other
libraries decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from planted import constant_costs, permutation, planted
from problems import (
    Array,
    Problem,
    brenier,
    grid_shift,
    identical,
    line,
    translation,
)


@dataclass(frozen=True, eq=False)
class Case:
    """Costs and weights; None is uniform."""

    M: Array
    a: Array | None = None
    b: Array | None = None
    float32: bool = True  # whether rounding it to float32 leaves a problem of the same kind

    def astype(self, dtype: type[np.floating]) -> Case:
        a, b = (None if w is None else w.astype(dtype) for w in (self.a, self.b))
        return Case(self.M.astype(dtype), a, b, self.float32)


Make = Callable[[np.random.Generator], Case]


def share(weights: Array) -> Array:
    return np.asarray(weights / weights.sum())


def random_weights(rng: np.random.Generator, n: int, m: int) -> tuple[Array, Array]:
    return share(rng.random(n) + 1e-3), share(rng.random(m) + 1e-3)


def squared_distances(X: Array, Y: Array) -> Array:
    return np.asarray(sum((x[:, None] - y) ** 2 for x, y in zip(X.T, Y.T, strict=True)))


def random_points(rng: np.random.Generator, n: int, m: int, d: int = 2) -> Array:
    return squared_distances(rng.random((n, d)), rng.random((m, d)))


def points(n: int, m: int, d: int, *, weighted: bool) -> Make:
    def make(rng: np.random.Generator) -> Case:
        M = random_points(rng, n, m, d)
        return Case(M, *random_weights(rng, n, m)) if weighted else Case(M)

    return make


def integers(most: int, n: int, m: int, *, weighted: bool) -> Make:
    """Few distinct costs: nearly all arcs tie."""

    def make(rng: np.random.Generator) -> Case:
        M = rng.integers(0, most + 1, size=(n, m)) * 1.0
        return Case(M, *random_weights(rng, n, m)) if weighted else Case(M)

    return make


def far_clusters(n: int, m: int, *, weighted: bool = True) -> Make:
    """Clusters that lie ten thousand times their size apart and have other masses on each side."""

    def make(rng: np.random.Generator) -> Case:
        centres = rng.normal(size=(12, 3)) * 1e4
        rising = share(np.arange(1.0, 13.0))
        X = centres[rng.choice(12, n, p=rising)] + rng.normal(size=(n, 3))
        Y = centres[rng.choice(12, m, p=rising[::-1])] + rng.normal(size=(m, 3))
        M = squared_distances(X, Y)
        return Case(M, *random_weights(rng, n, m)) if weighted else Case(M)

    return make


def shifted_and_scaled(rng: np.random.Generator) -> Case:
    """One set is a hundred times as large as the other and lies far away."""
    X, Y = rng.random((1100, 2)), 100 * rng.random((1100, 2)) + 1000
    return Case(squared_distances(X, Y))


def same_grid(rng: np.random.Generator) -> Case:
    """Two images on one grid: many ties, many zero pixels."""
    axes = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    pixels = np.stack(axes, -1).reshape(-1, 2) * 1.0
    a, b = (share(np.maximum(rng.integers(-4, 20, size=1024), 0) * 1.0) for _ in "ab")
    return Case(squared_distances(pixels, pixels), a, b)


def wide_weights(rng: np.random.Generator) -> Case:
    """Weights of twelve orders of magnitude."""
    a, b = (share(10.0 ** rng.uniform(-12, 0, size=size)) for size in (1000, 800))
    return Case(random_points(rng, 1000, 800), a, b, float32=False)


def heavy_row(rng: np.random.Generator) -> Case:
    """One row outweighs all others ten thousand times."""
    a = np.full(700, 1e-7)
    a[300] = 1.0
    return Case(random_points(rng, 700, 900), share(a), random_weights(rng, 700, 900)[1])


def heavy_column(rng: np.random.Generator) -> Case:
    case = heavy_row(rng)
    return Case(case.M.T.copy(), case.b, case.a)


def zero_weights(rng: np.random.Generator) -> Case:
    """Most of both sides weighs nothing, the first and last rows and columns among them."""
    a, b = (rng.random(size) * (rng.random(size) < 0.4) for size in (1100, 1000))
    for weights in (a, b):
        weights[[0, -1]] = 0.0
    return Case(random_points(rng, 1100, 1000) - 0.5, share(a), share(b))


def one_row_has_all(rng: np.random.Generator) -> Case:
    a = np.zeros(600)
    a[17] = 1.0
    return Case(random_points(rng, 600, 700) - 0.5, a)


def one_column_has_all(rng: np.random.Generator) -> Case:
    case = one_row_has_all(rng)
    return Case(case.M.T.copy(), None, case.a)


def one_pair_has_all(rng: np.random.Generator) -> Case:
    a, b = np.zeros(600), np.zeros(700)
    a[0] = b[-1] = 2.0
    return Case(random_points(rng, 600, 700) - 0.5, a, b)


def negative(rng: np.random.Generator) -> Case:
    """The farthest pairs are the cheapest."""
    return Case(-random_points(rng, 900, 700))


def unstructured(rng: np.random.Generator) -> Case:
    return Case(rng.normal(size=(900, 1000)), *random_weights(rng, 900, 1000))


def unstructured_square(rng: np.random.Generator) -> Case:
    return Case(rng.random((1000, 1000)))


def separable(rng: np.random.Generator) -> Case:
    """u_i + v_j: all plans cost the same, up to rounding."""
    M = rng.normal(size=(800, 1)) + rng.normal(size=(1, 700))
    return Case(M, *random_weights(rng, 800, 700))


def low_rank(rng: np.random.Generator) -> Case:
    M = rng.normal(size=(800, 3)) @ rng.normal(size=(3, 700))
    return Case(M, *random_weights(rng, 800, 700))


def product(rng: np.random.Generator) -> Case:
    """Ranks of the integers multiplied: the best plan pairs the largest with the smallest."""
    ranks = np.arange(1.0, 801.0)
    return Case(np.multiply.outer(ranks, ranks), *random_weights(rng, 800, 800))


def outliers(rng: np.random.Generator) -> Case:
    """A few costs are a trillion times the others, of either sign."""
    M = random_points(rng, 800, 800)
    M[rng.integers(0, 800, 60), rng.integers(0, 800, 60)] = 1e12 * rng.choice([-1, 1], 60)
    return Case(M)


def expensive_cross(rng: np.random.Generator) -> Case:
    """All costs of one row and one column are a billion times the others."""
    M = random_points(rng, 800, 700)
    M[5], M[:, 7] = 1e9, 1e9
    return Case(M, *random_weights(rng, 800, 700))


def all_magnitudes(rng: np.random.Generator) -> Case:
    """Costs of forty orders of magnitude."""
    return Case(10.0 ** rng.uniform(-20, 20, size=(700, 700)), float32=False)


def scaled(factor: float) -> Make:
    def make(rng: np.random.Generator) -> Case:
        M = random_points(rng, 700, 600) * factor
        return Case(M, *random_weights(rng, 700, 600), float32=False)

    return make


def oblong(n: int, m: int, *, weighted: bool) -> Make:
    def make(rng: np.random.Generator) -> Case:
        M = rng.random((n, m))
        return Case(M, *random_weights(rng, n, m)) if weighted else Case(M)

    return make


def mass(total: float) -> Make:
    def make(rng: np.random.Generator) -> Case:
        a, b = random_weights(rng, 600, 700)
        return Case(random_points(rng, 600, 700), a * total, b * total)

    return make


CASES: dict[str, Make] = {
    "ties": integers(10, 1200, 1200, weighted=False),
    "ties-weighted": integers(10, 1100, 900, weighted=True),
    "binary": integers(1, 1000, 1000, weighted=False),
    "binary-weighted": integers(1, 800, 1000, weighted=True),
    "all-equal": integers(0, 900, 800, weighted=False),
    "all-equal-weighted": integers(0, 900, 800, weighted=True),
    "same-grid": same_grid,
    "wide-weights": wide_weights,
    "heavy-row": heavy_row,
    "heavy-column": heavy_column,
    "zero-weights": zero_weights,
    "one-row-has-all": one_row_has_all,
    "one-column-has-all": one_column_has_all,
    "one-pair-has-all": one_pair_has_all,
    "negative": negative,
    "unstructured": unstructured,
    "unstructured-square": unstructured_square,
    "separable": separable,
    "low-rank": low_rank,
    "product": product,
    "outliers": outliers,
    "expensive-cross": expensive_cross,
    "all-magnitudes": all_magnitudes,
    "far-clusters": far_clusters(900, 1000),
    "far-clusters-square": far_clusters(900, 900, weighted=False),
    "shifted-and-scaled": shifted_and_scaled,
    "costs-1e300": scaled(1e300),
    "costs-1e-300": scaled(1e-300),
    "mass-1e-6": mass(1e-6),
    "mass-1e6": mass(1e6),
    "plane": points(1500, 1500, 2, weighted=False),
    "plane-weighted": points(1300, 1500, 2, weighted=True),
    "16-dimensional": points(1500, 1200, 16, weighted=False),
    "just-large": points(513, 513, 2, weighted=False),
}

OBLONG: dict[str, Make] = {
    "40x20000": oblong(40, 20000, weighted=True),
    "20000x40": oblong(20000, 40, weighted=False),
    "3x200000": oblong(3, 200000, weighted=False),
    "200000x3": oblong(200000, 3, weighted=False),
    "3x40000": oblong(3, 40000, weighted=True),
    "40000x3": oblong(40000, 3, weighted=True),
    "2x200000": oblong(2, 200000, weighted=True),
    "200000x2": oblong(200000, 2, weighted=False),
    "1x400000": oblong(1, 400000, weighted=True),
    "400000x1": oblong(400000, 1, weighted=False),
}


def permuted(rng: np.random.Generator) -> Problem:
    """A set against itself in another order."""
    same, order = identical(rng, 800, 2), rng.permutation(800)
    assert same.X is not None
    assert same.b is not None
    plan = np.asarray(same.plan)[:, order]
    return replace(same, Y=same.X[order], b=same.b[order], plan=plan, name="permuted")


# Known answers, as in the catalogue.
KNOWN: dict[str, Callable[[np.random.Generator], Problem]] = {
    "permutation": lambda rng: permutation(rng, 900),
    "permutation-ties": lambda rng: permutation(rng, 700, ties=True),
    "planted": lambda rng: planted(rng, 900, 700),
    "planted-forest": lambda rng: planted(rng, 700, 800, components=90),
    "ties": lambda rng: planted(rng, 800, 700, ties=True),
    "ties-degenerate": lambda rng: planted(
        rng, 700, 700, ties=True, components=350, masses="equal"
    ),
    "zeros": lambda rng: planted(rng, 800, 900, zero_rows=300, zero_cols=350, components=40),
    "wide-weights": lambda rng: planted(rng, 700, 600, masses="wide", float32=False),
    "heavy": lambda rng: planted(rng, 600, 700, masses="heavy"),
    "negative": lambda rng: planted(rng, 700, 600, offset=-16.0),
    "offset": lambda rng: planted(rng, 700, 600, offset=4096.0),
    "costs-1e-300": lambda rng: planted(rng, 600, 500, log2_scale=-997, float32=False),
    "costs-1e300": lambda rng: planted(rng, 600, 500, log2_scale=993, float32=False),
    "constant": lambda rng: constant_costs(rng, 700, 600),
    "constant-zero": lambda rng: constant_costs(rng, 600, 600, cost=0.0),
    "identical": lambda rng: identical(rng, 800, 2),
    "permuted": permuted,
    "translation": lambda rng: translation(rng, 800, 2, metric="euclidean"),
    "translation-far": lambda rng: translation(rng, 700, 2, offset=4096.0),
    "translation-weighted": lambda rng: translation(rng, 700, 3, weighted=True),
    "brenier": lambda rng: brenier(rng, 800, 3, kind="linear", weighted=True),
    "line": lambda rng: line(rng, 800, 600, few=True),
    "line-cityblock": lambda rng: line(rng, 700, 800, metric="cityblock"),
    "grid": lambda rng: grid_shift(rng, 32, (5, 3)),
    "grid-cityblock": lambda rng: grid_shift(rng, 30, (4, 1), metric="cityblock"),
}


def make(name: str) -> Case:
    """The case of this name, the same at every call."""
    rng = np.random.default_rng(len(name) + sum(name.encode()))
    return {**CASES, **OBLONG}[name](rng)


def known(name: str) -> Problem:
    return KNOWN[name](np.random.default_rng(sum(name.encode())))


def slow_problem() -> Case:
    """Takes a solver many times as long as it takes to form its costs, and as long as the tests
    that stop one wait for."""
    return far_clusters(3000, 3000)(np.random.default_rng(0))
